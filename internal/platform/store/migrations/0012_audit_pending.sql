-- Entries of committed transactions on their way into the chain. SQLite, with
-- its one writer, chains at once and leaves this empty.

-- +goose Up
CREATE TABLE audit_pending (
	id         TEXT PRIMARY KEY,
	at         BIGINT NOT NULL,
	actor      TEXT NOT NULL,
	actor_name TEXT NOT NULL,
	action     TEXT NOT NULL,
	object     TEXT NOT NULL,
	object_id  TEXT NOT NULL,
	patient    TEXT NOT NULL,
	reason     TEXT NOT NULL,
	ip         TEXT NOT NULL,
	request_id TEXT NOT NULL,
	detail     TEXT NOT NULL
);
