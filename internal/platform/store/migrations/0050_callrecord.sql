-- +goose Up
CREATE TABLE calls (
    id          TEXT    PRIMARY KEY,
    started_at  BIGINT  NOT NULL,
    answered_at BIGINT  NOT NULL,
    ended_at    BIGINT  NOT NULL,
    direction   TEXT    NOT NULL,
    queue       TEXT    NOT NULL,
    outcome     TEXT    NOT NULL,
    from_index  TEXT    NOT NULL,
    patient     TEXT    NOT NULL,
    disposition TEXT    NOT NULL,
    ivr_ms      BIGINT  NOT NULL,
    wait_ms     BIGINT  NOT NULL,
    talk_ms     BIGINT  NOT NULL,
    hold_ms     BIGINT  NOT NULL,
    wrap_ms     BIGINT  NOT NULL,
    transfers   INTEGER NOT NULL,
    data        TEXT    NOT NULL
);
CREATE INDEX calls_started ON calls (started_at, id);
CREATE INDEX calls_from ON calls (from_index, started_at) WHERE from_index <> '';
CREATE INDEX calls_patient ON calls (patient, started_at) WHERE patient <> '';
CREATE INDEX calls_open ON calls (id) WHERE ended_at = 0;

CREATE TABLE call_visits (
    call_id    TEXT    NOT NULL,
    seq        INTEGER NOT NULL,
    queue      TEXT    NOT NULL,
    entered_at BIGINT  NOT NULL,
    left_at    BIGINT  NOT NULL,
    wait_ms    BIGINT  NOT NULL,
    result     TEXT    NOT NULL,
    agent      TEXT    NOT NULL,
    PRIMARY KEY (call_id, seq)
);
CREATE INDEX call_visits_entered ON call_visits (entered_at);

CREATE TABLE call_agents (
    call_id     TEXT    NOT NULL,
    seq         INTEGER NOT NULL,
    agent       TEXT    NOT NULL,
    queue       TEXT    NOT NULL,
    direction   TEXT    NOT NULL,
    started_at  BIGINT  NOT NULL,
    rang_at     BIGINT  NOT NULL,
    answered_at BIGINT  NOT NULL,
    ended_at    BIGINT  NOT NULL,
    result      TEXT    NOT NULL,
    ring_ms     BIGINT  NOT NULL,
    talk_ms     BIGINT  NOT NULL,
    hold_ms     BIGINT  NOT NULL,
    wrap_ms     BIGINT  NOT NULL,
    PRIMARY KEY (call_id, seq)
);
CREATE INDEX call_agents_agent ON call_agents (agent, started_at, call_id);
CREATE INDEX call_agents_rang ON call_agents (rang_at);

CREATE TABLE agent_spans (
    agent      TEXT   NOT NULL,
    started_at BIGINT NOT NULL,
    ended_at   BIGINT NOT NULL,
    state      TEXT   NOT NULL,
    reason     TEXT   NOT NULL,
    contact    TEXT   NOT NULL,
    PRIMARY KEY (agent, started_at)
);
CREATE INDEX agent_spans_ended ON agent_spans (ended_at);

CREATE TABLE agent_presence (
    agent  TEXT   PRIMARY KEY,
    state  TEXT   NOT NULL,
    reason TEXT   NOT NULL,
    since  BIGINT NOT NULL,
    seat   TEXT   NOT NULL
);
