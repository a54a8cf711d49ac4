-- Kiosks in the halls of the hospital. Tokens are kept as hashes, PINs as
-- Argon2id hashes.

-- +goose Up
CREATE TABLE kiosks (
	id         TEXT PRIMARY KEY,
	version    BIGINT NOT NULL,
	name       TEXT NOT NULL,
	place      TEXT NOT NULL,
	campus_id  TEXT NOT NULL,
	token_hash TEXT NOT NULL UNIQUE,
	active     INTEGER NOT NULL,
	seen_at    BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX kiosks_name ON kiosks (name);

-- A machine that is signed in, and the patient in front of it, if any.
CREATE TABLE kiosk_sessions (
	id            TEXT PRIMARY KEY,
	kiosk_id      TEXT NOT NULL REFERENCES kiosks (id) ON DELETE CASCADE,
	token_hash    TEXT NOT NULL UNIQUE,
	created_at    BIGINT NOT NULL,
	expires_at    BIGINT NOT NULL,
	patient_id    TEXT NOT NULL,
	identified_by TEXT NOT NULL,
	touched_at    BIGINT NOT NULL
);
CREATE INDEX kiosk_sessions_kiosk ON kiosk_sessions (kiosk_id);

CREATE TABLE kiosk_pins (
	patient_id TEXT PRIMARY KEY,
	hash       TEXT NOT NULL,
	set_by     TEXT NOT NULL,
	set_at     BIGINT NOT NULL
);

-- Wrong attempts: of a kiosk, or of an account at any kiosk.
CREATE TABLE kiosk_failures (
	subject  TEXT PRIMARY KEY,
	failures INTEGER NOT NULL,
	last_at  BIGINT NOT NULL,
	until    BIGINT NOT NULL
);
