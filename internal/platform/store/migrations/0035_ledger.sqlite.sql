-- The prepaid member card as a double-entry ledger. Amounts are 分. A
-- transaction's entries sum to 0; credit is positive, so a card's balance and
-- the hospital's revenue are positive and the money received is negative.
-- available and held of a card are caches of its entries. The house's own
-- accounts ("house:cash", "house:revenue") have no row that a booking would
-- have to wait for.

-- +goose Up
CREATE TABLE ledger_cards (
	patient_id TEXT PRIMARY KEY,
	available  BIGINT NOT NULL CHECK (available >= 0),
	held       BIGINT NOT NULL CHECK (held >= 0),
	seq        BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL
);

CREATE TABLE ledger_transactions (
	id           TEXT PRIMARY KEY,
	kind         TEXT NOT NULL,
	key          TEXT NOT NULL,
	request_hash TEXT NOT NULL,
	patient_id   TEXT NOT NULL,
	amount       BIGINT NOT NULL,
	method       TEXT NOT NULL,
	reference    TEXT NOT NULL,
	reason       TEXT NOT NULL,
	hold_id      TEXT NOT NULL,
	actor        TEXT NOT NULL,
	actor_name   TEXT NOT NULL,
	day          TEXT NOT NULL,
	at           BIGINT NOT NULL
);
CREATE UNIQUE INDEX ledger_transactions_key ON ledger_transactions (key) WHERE key <> '';
CREATE INDEX ledger_transactions_day ON ledger_transactions (day, patient_id);
CREATE INDEX ledger_transactions_hold ON ledger_transactions (hold_id) WHERE hold_id <> '';

-- account is a patient's id or "house:…". seq counts the entries of a card
-- from 1 without gaps; it is 0 for the house. available and held are the
-- card's after the transaction.
CREATE TABLE ledger_entries (
	transaction_id TEXT NOT NULL REFERENCES ledger_transactions (id),
	position       INTEGER NOT NULL,
	account        TEXT NOT NULL,
	part           TEXT NOT NULL,
	amount         BIGINT NOT NULL CHECK (amount <> 0),
	seq            BIGINT NOT NULL,
	available      BIGINT NOT NULL,
	held           BIGINT NOT NULL,
	day            TEXT NOT NULL,
	PRIMARY KEY (transaction_id, position)
);
CREATE UNIQUE INDEX ledger_entries_seq ON ledger_entries (account, seq) WHERE seq > 0;
CREATE INDEX ledger_entries_day ON ledger_entries (account, day, amount);

CREATE TABLE ledger_holds (
	id         TEXT PRIMARY KEY,
	patient_id TEXT NOT NULL,
	amount     BIGINT NOT NULL CHECK (amount > 0),
	state      TEXT NOT NULL,
	reference  TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL
);
CREATE INDEX ledger_holds_open ON ledger_holds (created_at) WHERE state = 'open';
CREATE INDEX ledger_holds_patient ON ledger_holds (patient_id);

CREATE TABLE ledger_adjustments (
	id             TEXT PRIMARY KEY,
	key            TEXT NOT NULL UNIQUE,
	request_hash   TEXT NOT NULL,
	patient_id     TEXT NOT NULL,
	amount         BIGINT NOT NULL CHECK (amount <> 0),
	reason         TEXT NOT NULL,
	state          TEXT NOT NULL,
	requested_by   TEXT NOT NULL,
	requested_name TEXT NOT NULL,
	requested_at   BIGINT NOT NULL,
	decided_by     TEXT NOT NULL,
	decided_name   TEXT NOT NULL,
	decided_at     BIGINT NOT NULL,
	note           TEXT NOT NULL,
	transaction_id TEXT NOT NULL,
	CHECK (state <> 'approved' OR decided_by <> requested_by)
);
CREATE INDEX ledger_adjustments_state ON ledger_adjustments (state, id);
CREATE INDEX ledger_adjustments_patient ON ledger_adjustments (patient_id);

-- Receipts count from 1 each day, without gaps.
CREATE TABLE ledger_receipts (
	id             TEXT PRIMARY KEY,
	transaction_id TEXT NOT NULL UNIQUE REFERENCES ledger_transactions (id),
	day            TEXT NOT NULL,
	number         BIGINT NOT NULL,
	issued_by      TEXT NOT NULL,
	issued_at      BIGINT NOT NULL
);
CREATE UNIQUE INDEX ledger_receipts_number ON ledger_receipts (day, number);

-- What was counted in the till or in the provider's statement; the newest of
-- a day and method counts.
CREATE TABLE ledger_counts (
	id         TEXT PRIMARY KEY,
	day        TEXT NOT NULL,
	method     TEXT NOT NULL,
	counted    BIGINT NOT NULL,
	note       TEXT NOT NULL,
	actor      TEXT NOT NULL,
	actor_name TEXT NOT NULL,
	at         BIGINT NOT NULL
);
CREATE INDEX ledger_counts_day ON ledger_counts (day, method, id);

-- What has happened with money is never rewritten.
-- +goose StatementBegin
CREATE TRIGGER ledger_transactions_no_update BEFORE UPDATE ON ledger_transactions BEGIN
	SELECT RAISE(ABORT, 'ledger_transactions is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER ledger_transactions_no_delete BEFORE DELETE ON ledger_transactions BEGIN
	SELECT RAISE(ABORT, 'ledger_transactions is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER ledger_entries_no_update BEFORE UPDATE ON ledger_entries BEGIN
	SELECT RAISE(ABORT, 'ledger_entries is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER ledger_entries_no_delete BEFORE DELETE ON ledger_entries BEGIN
	SELECT RAISE(ABORT, 'ledger_entries is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER ledger_receipts_no_update BEFORE UPDATE ON ledger_receipts BEGIN
	SELECT RAISE(ABORT, 'ledger_receipts is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER ledger_receipts_no_delete BEFORE DELETE ON ledger_receipts BEGIN
	SELECT RAISE(ABORT, 'ledger_receipts is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER ledger_counts_no_update BEFORE UPDATE ON ledger_counts BEGIN
	SELECT RAISE(ABORT, 'ledger_counts is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER ledger_counts_no_delete BEFORE DELETE ON ledger_counts BEGIN
	SELECT RAISE(ABORT, 'ledger_counts is append-only');
END;
-- +goose StatementEnd
