-- The patients' portal: accounts behind a telephone number, their sessions and
-- sign-in codes, and the people whom an account may act for. Numbers, names and
-- documents are sealed ("portal_accounts:id:phone", "portal_members:id:name",
-- "portal_members:id:document"); numbers and documents are found by blind
-- indexes. Tokens and codes are kept as fingerprints.

-- +goose Up
CREATE TABLE portal_accounts (
	id           TEXT PRIMARY KEY,
	phone_sealed TEXT NOT NULL,
	phone_idx    TEXT NOT NULL UNIQUE,
	phone_masked TEXT NOT NULL,
	lang         TEXT NOT NULL,
	last_at      BIGINT NOT NULL,
	created_at   BIGINT NOT NULL
);

CREATE TABLE portal_sessions (
	id         TEXT PRIMARY KEY,
	token_hash TEXT NOT NULL UNIQUE,
	account_id TEXT NOT NULL REFERENCES portal_accounts (id) ON DELETE CASCADE,
	ip         TEXT NOT NULL,
	client     TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	seen_at    BIGINT NOT NULL,
	expires_at BIGINT NOT NULL
);
CREATE INDEX portal_sessions_account ON portal_sessions (account_id);
CREATE INDEX portal_sessions_expiry ON portal_sessions (expires_at);

-- The one live code of a number, whether or not an account belongs to it.
CREATE TABLE portal_codes (
	phone_idx  TEXT PRIMARY KEY,
	code_hash  TEXT NOT NULL,
	tries      INTEGER NOT NULL,
	sent_at    BIGINT NOT NULL,
	expires_at BIGINT NOT NULL
);

-- How often something happened in a span of time, for limits. The subject is a
-- kind and a blind index or an address.
CREATE TABLE portal_counts (
	subject  TEXT NOT NULL,
	since    BIGINT NOT NULL,
	until    BIGINT NOT NULL,
	happened INTEGER NOT NULL,
	PRIMARY KEY (subject, since)
);
CREATE INDEX portal_counts_until ON portal_counts (until);

-- state: pending while the person is being looked up or registered, verified
-- when the record proved to be the account holder's to use, unverified until
-- the desk has seen the document.
CREATE TABLE portal_members (
	id              TEXT PRIMARY KEY,
	account_id      TEXT NOT NULL REFERENCES portal_accounts (id) ON DELETE CASCADE,
	patient_id      TEXT NOT NULL,
	relation        TEXT NOT NULL,
	state           TEXT NOT NULL,
	name_sealed     TEXT NOT NULL,
	document_type   TEXT NOT NULL,
	document_sealed TEXT NOT NULL,
	document_idx    TEXT NOT NULL,
	birth_date      TEXT NOT NULL,
	sex             TEXT NOT NULL,
	created_at      BIGINT NOT NULL,
	verified_at     BIGINT NOT NULL,
	verified_by     TEXT NOT NULL
);
CREATE INDEX portal_members_account ON portal_members (account_id);
CREATE INDEX portal_members_patient ON portal_members (patient_id) WHERE patient_id <> '';
CREATE UNIQUE INDEX portal_members_document ON portal_members (account_id, document_idx);
