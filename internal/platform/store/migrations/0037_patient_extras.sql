-- Around the person: what changed, who is who twice, groups of customers, the
-- stages of a customer's life. Values in patient_history and patient_merges are
-- sealed with the person's own key (patient_secrets), so that removing that one
-- row makes them unreadable for good.

-- +goose Up
ALTER TABLE patients ADD COLUMN merged_into TEXT NOT NULL DEFAULT '';
ALTER TABLE patients ADD COLUMN restricted INTEGER NOT NULL DEFAULT 0;
ALTER TABLE patients ADD COLUMN erased_at BIGINT NOT NULL DEFAULT 0;
CREATE INDEX patients_merged ON patients (merged_into) WHERE merged_into <> '';
-- Duplicates are looked for among people of one birthday.
CREATE INDEX patients_birth ON patients (birth_date, pinyin) WHERE birth_date <> '';

CREATE TABLE patient_secrets (
	patient_id TEXT PRIMARY KEY REFERENCES patients (id) ON DELETE CASCADE,
	wrapped    TEXT NOT NULL,
	created_at BIGINT NOT NULL
);

CREATE TABLE patient_history (
	id         TEXT PRIMARY KEY,
	patient_id TEXT NOT NULL REFERENCES patients (id) ON DELETE CASCADE,
	at         BIGINT NOT NULL,
	version    BIGINT NOT NULL,
	actor      TEXT NOT NULL,
	actor_name TEXT NOT NULL,
	source     TEXT NOT NULL,
	field      TEXT NOT NULL,
	old_value  TEXT NOT NULL,
	new_value  TEXT NOT NULL
);
CREATE INDEX patient_history_patient ON patient_history (patient_id, at, id);

CREATE TABLE patient_duplicates (
	id         TEXT PRIMARY KEY,
	a_id       TEXT NOT NULL REFERENCES patients (id) ON DELETE CASCADE,
	b_id       TEXT NOT NULL REFERENCES patients (id) ON DELETE CASCADE,
	score      INTEGER NOT NULL,
	reasons    TEXT NOT NULL,
	status     TEXT NOT NULL,
	found_at   BIGINT NOT NULL,
	decided_at BIGINT NOT NULL,
	decided_by TEXT NOT NULL,
	note       TEXT NOT NULL
);
CREATE UNIQUE INDEX patient_duplicates_pair ON patient_duplicates (a_id, b_id);
CREATE INDEX patient_duplicates_b ON patient_duplicates (b_id);
CREATE INDEX patient_duplicates_open ON patient_duplicates (status, score, id);

CREATE TABLE patient_merges (
	id           TEXT PRIMARY KEY,
	keep_id      TEXT NOT NULL,
	merge_id     TEXT NOT NULL,
	at           BIGINT NOT NULL,
	actor        TEXT NOT NULL,
	actor_name   TEXT NOT NULL,
	reason       TEXT NOT NULL,
	keep_before  TEXT NOT NULL,
	keep_after   TEXT NOT NULL,
	merge_before TEXT NOT NULL,
	receipts     TEXT NOT NULL,
	undone_at    BIGINT NOT NULL,
	undone_by    TEXT NOT NULL
);
CREATE INDEX patient_merges_keep ON patient_merges (keep_id, at);
CREATE INDEX patient_merges_merge ON patient_merges (merge_id);
CREATE INDEX patient_merges_at ON patient_merges (at, id);

CREATE TABLE customer_groups (
	id         TEXT PRIMARY KEY,
	version    BIGINT NOT NULL,
	kind       TEXT NOT NULL,
	code       TEXT NOT NULL UNIQUE,
	name       TEXT NOT NULL,
	pinyin     TEXT NOT NULL,
	initials   TEXT NOT NULL,
	contact    TEXT NOT NULL,
	phone      TEXT NOT NULL,
	address    TEXT NOT NULL,
	valid_from TEXT NOT NULL,
	valid_to   TEXT NOT NULL,
	notes      TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL
);

CREATE TABLE customer_group_members (
	id         TEXT PRIMARY KEY,
	group_id   TEXT NOT NULL REFERENCES customer_groups (id) ON DELETE CASCADE,
	patient_id TEXT NOT NULL REFERENCES patients (id) ON DELETE CASCADE,
	number     TEXT NOT NULL,
	role       TEXT NOT NULL,
	since      TEXT NOT NULL,
	until      TEXT NOT NULL,
	added_at   BIGINT NOT NULL
);
CREATE UNIQUE INDEX customer_group_members_one ON customer_group_members (group_id, patient_id);
CREATE INDEX customer_group_members_patient ON customer_group_members (patient_id);

-- A stage is reached when all its numbers are; the highest reached counts.
CREATE TABLE lifecycle_rules (
	stage       TEXT PRIMARY KEY,
	position    INTEGER NOT NULL,
	visits      INTEGER NOT NULL,
	within_days INTEGER NOT NULL,
	years       INTEGER NOT NULL,
	updated_at  BIGINT NOT NULL
);
INSERT INTO lifecycle_rules (stage, position, visits, within_days, years, updated_at) VALUES
	('potential', 0, 0, 0, 0, 0),
	('customer', 1, 1, 0, 0, 0),
	('loyal', 2, 4, 730, 1, 0),
	('lifelong', 3, 12, 0, 5, 0);
