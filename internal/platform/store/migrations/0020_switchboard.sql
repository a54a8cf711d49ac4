-- Configuration of the telephone system. Booleans are INTEGER 0/1, lists are
-- JSON in TEXT, secrets are sealed by the keyring with "table:id:column".

-- +goose Up
CREATE TABLE numbers (
	id          TEXT PRIMARY KEY,
	version     BIGINT NOT NULL,
	created_at  BIGINT NOT NULL,
	updated_at  BIGINT NOT NULL,
	number      TEXT NOT NULL UNIQUE,
	name        TEXT NOT NULL,
	flow_id     TEXT NOT NULL,
	queue_id    TEXT NOT NULL,
	extension   TEXT NOT NULL,
	calendar_id TEXT NOT NULL,
	language    TEXT NOT NULL,
	enabled     INTEGER NOT NULL
);

CREATE TABLE extensions (
	id            TEXT PRIMARY KEY,
	version       BIGINT NOT NULL,
	created_at    BIGINT NOT NULL,
	updated_at    BIGINT NOT NULL,
	number        TEXT NOT NULL UNIQUE,
	name          TEXT NOT NULL,
	user_id       TEXT NOT NULL,
	kind          TEXT NOT NULL,
	mobile_number TEXT NOT NULL,
	department    TEXT NOT NULL,
	max_contacts  INTEGER NOT NULL,
	enabled       INTEGER NOT NULL,
	secret        TEXT NOT NULL
);
CREATE INDEX extensions_user ON extensions (user_id);

CREATE TABLE trunks (
	id            TEXT PRIMARY KEY,
	version       BIGINT NOT NULL,
	created_at    BIGINT NOT NULL,
	updated_at    BIGINT NOT NULL,
	name          TEXT NOT NULL UNIQUE,
	kind          TEXT NOT NULL,
	host          TEXT NOT NULL,
	port          INTEGER NOT NULL,
	transport     TEXT NOT NULL,
	peer_ips      TEXT NOT NULL,
	username      TEXT NOT NULL,
	priority      INTEGER NOT NULL,
	max_calls     INTEGER NOT NULL,
	caller_id     TEXT NOT NULL,
	rules         TEXT NOT NULL,
	options_every INTEGER NOT NULL,
	register_for  INTEGER NOT NULL,
	enabled       INTEGER NOT NULL,
	secret        TEXT NOT NULL
);

CREATE TABLE queues (
	id               TEXT PRIMARY KEY,
	version          BIGINT NOT NULL,
	created_at       BIGINT NOT NULL,
	updated_at       BIGINT NOT NULL,
	code             TEXT NOT NULL UNIQUE,
	name             TEXT NOT NULL,
	name_en          TEXT NOT NULL,
	strategy         TEXT NOT NULL,
	ring_timeout_s   INTEGER NOT NULL,
	wrap_up_s        INTEGER NOT NULL,
	service_level_s  INTEGER NOT NULL,
	announce_every_s INTEGER NOT NULL,
	overflow_after_s INTEGER NOT NULL,
	overflow_queue   TEXT NOT NULL,
	max_waiting      INTEGER NOT NULL,
	priority         INTEGER NOT NULL,
	skills           TEXT NOT NULL,
	music_prompt     TEXT NOT NULL,
	calendar_id      TEXT NOT NULL,
	enabled          INTEGER NOT NULL
);

CREATE TABLE skills (
	id         TEXT PRIMARY KEY,
	version    BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	code       TEXT NOT NULL UNIQUE,
	name       TEXT NOT NULL,
	name_en    TEXT NOT NULL
);

-- The id of a profile is the id of its user.
CREATE TABLE agent_profiles (
	id           TEXT PRIMARY KEY,
	version      BIGINT NOT NULL,
	created_at   BIGINT NOT NULL,
	updated_at   BIGINT NOT NULL,
	number       TEXT NOT NULL UNIQUE,
	name         TEXT NOT NULL,
	queues       TEXT NOT NULL,
	skills       TEXT NOT NULL,
	default_seat TEXT NOT NULL,
	extension    TEXT NOT NULL,
	auto_answer  INTEGER NOT NULL,
	enabled      INTEGER NOT NULL
);

CREATE TABLE calendars (
	id         TEXT PRIMARY KEY,
	version    BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	name       TEXT NOT NULL UNIQUE,
	time_zone  TEXT NOT NULL,
	week       TEXT NOT NULL,
	days       TEXT NOT NULL
);

CREATE TABLE dispositions (
	id         TEXT PRIMARY KEY,
	version    BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	code       TEXT NOT NULL UNIQUE,
	name       TEXT NOT NULL,
	name_en    TEXT NOT NULL,
	category   TEXT NOT NULL,
	position   INTEGER NOT NULL,
	enabled    INTEGER NOT NULL
);

CREATE TABLE not_ready_reasons (
	id         TEXT PRIMARY KEY,
	version    BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	code       TEXT NOT NULL UNIQUE,
	name       TEXT NOT NULL,
	name_en    TEXT NOT NULL,
	paid       INTEGER NOT NULL,
	system     INTEGER NOT NULL,
	position   INTEGER NOT NULL,
	enabled    INTEGER NOT NULL
);

CREATE TABLE flows (
	id         TEXT PRIMARY KEY,
	version    BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	name       TEXT NOT NULL UNIQUE,
	language   TEXT NOT NULL,
	published  INTEGER NOT NULL,
	draft      INTEGER NOT NULL
);

CREATE TABLE flow_versions (
	flow_id      TEXT NOT NULL,
	number       INTEGER NOT NULL,
	state        TEXT NOT NULL,
	graph        TEXT NOT NULL,
	note         TEXT NOT NULL,
	author       TEXT NOT NULL,
	created_at   BIGINT NOT NULL,
	published_at BIGINT NOT NULL,
	PRIMARY KEY (flow_id, number)
);

-- Recordings that a hospital made itself. Shipped ones are in the program.
CREATE TABLE prompts (
	prompt_key  TEXT NOT NULL,
	language    TEXT NOT NULL,
	name        TEXT NOT NULL,
	spoken      TEXT NOT NULL,
	source      TEXT NOT NULL,
	sha         TEXT NOT NULL,
	duration_ms BIGINT NOT NULL,
	bytes       BIGINT NOT NULL,
	updated_at  BIGINT NOT NULL,
	PRIMARY KEY (prompt_key, language)
);
