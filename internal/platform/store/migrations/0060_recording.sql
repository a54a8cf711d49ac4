-- +goose Up
CREATE TABLE recordings (
    id          TEXT PRIMARY KEY,
    call_id     TEXT NOT NULL,
    started_at  BIGINT NOT NULL,
    ended_at    BIGINT NOT NULL,
    duration_ms BIGINT NOT NULL,
    bytes       BIGINT NOT NULL,
    truncated   INTEGER NOT NULL DEFAULT 0,
    state       TEXT NOT NULL,
    path        TEXT NOT NULL,
    wrapped_key TEXT NOT NULL,
    legal_hold  INTEGER NOT NULL DEFAULT 0,
    keep_until  BIGINT NOT NULL
);
CREATE INDEX recordings_call ON recordings (call_id);
CREATE INDEX recordings_keep ON recordings (keep_until);
