-- Messages to and from people. Number and text are sealed ("messages:id:number",
-- "messages:id:text") and found by blind indexes of the whole number and of its
-- last four digits. A message is written in the transaction of the deed behind
-- it, together with the job that sends it.

-- +goose Up
CREATE TABLE messages (
	id             TEXT PRIMARY KEY,
	direction      TEXT NOT NULL,
	channel        TEXT NOT NULL,
	state          TEXT NOT NULL,
	class          TEXT NOT NULL,
	template       TEXT NOT NULL,
	version        INTEGER NOT NULL,
	lang           TEXT NOT NULL,
	number_sealed  TEXT NOT NULL,
	number_idx     TEXT NOT NULL,
	number_idx4    TEXT NOT NULL,
	number_masked  TEXT NOT NULL,
	text_sealed    TEXT NOT NULL,
	encoding       TEXT NOT NULL,
	segments       INTEGER NOT NULL,
	patient_id     TEXT NOT NULL,
	ref            TEXT NOT NULL,
	idem_key       TEXT NOT NULL,
	actor          TEXT NOT NULL,
	sender         TEXT NOT NULL,
	attempts       INTEGER NOT NULL,
	reason         TEXT NOT NULL,
	answers        TEXT NOT NULL,
	handled        INTEGER NOT NULL,
	created_at     BIGINT NOT NULL,
	send_at        BIGINT NOT NULL,
	expires_at     BIGINT NOT NULL,
	sent_at        BIGINT NOT NULL,
	done_at        BIGINT NOT NULL,
	updated_at     BIGINT NOT NULL
);
CREATE UNIQUE INDEX messages_key ON messages (idem_key) WHERE idem_key <> '';
CREATE INDEX messages_created ON messages (created_at, id);
CREATE INDEX messages_state ON messages (state, created_at);
CREATE INDEX messages_number ON messages (number_idx, created_at);
CREATE INDEX messages_number4 ON messages (number_idx4) WHERE number_idx4 <> '';
CREATE INDEX messages_patient ON messages (patient_id, created_at) WHERE patient_id <> '';
CREATE INDEX messages_answers ON messages (answers) WHERE answers <> '';

-- One row for each part that a message centre took, under the id it gave.
CREATE TABLE message_parts (
	sender     TEXT NOT NULL,
	remote_id  TEXT NOT NULL,
	message_id TEXT NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
	part       INTEGER NOT NULL,
	state      TEXT NOT NULL,
	PRIMARY KEY (sender, remote_id)
);
CREATE INDEX message_parts_message ON message_parts (message_id);

-- Receipts that came before the answer they belong to was stored.
CREATE TABLE message_receipts (
	sender    TEXT NOT NULL,
	remote_id TEXT NOT NULL,
	state     TEXT NOT NULL,
	reason    TEXT NOT NULL,
	at        BIGINT NOT NULL,
	PRIMARY KEY (sender, remote_id)
);

-- What happened with a message, for the detail page. Append-only.
CREATE TABLE message_events (
	message_id TEXT NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
	seq        INTEGER NOT NULL,
	at         BIGINT NOT NULL,
	state      TEXT NOT NULL,
	reason     TEXT NOT NULL,
	actor      TEXT NOT NULL,
	PRIMARY KEY (message_id, seq)
);

-- Edited templates; version 1 of each is shipped with the program.
CREATE TABLE message_templates (
	name       TEXT NOT NULL,
	lang       TEXT NOT NULL,
	version    INTEGER NOT NULL,
	text       TEXT NOT NULL,
	enabled    INTEGER NOT NULL,
	actor      TEXT NOT NULL,
	actor_name TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	PRIMARY KEY (name, lang, version)
);

-- Numbers whose owners answered that they want no more of a class.
CREATE TABLE message_optouts (
	number_idx TEXT NOT NULL,
	class      TEXT NOT NULL,
	message_id TEXT NOT NULL,
	at         BIGINT NOT NULL,
	PRIMARY KEY (number_idx, class)
);
