-- Imports of people from files, row by row (cells are sealed), and the findings
-- of the last look at the quality of the data.

-- +goose Up
CREATE TABLE imports (
	id          TEXT PRIMARY KEY,
	version     BIGINT NOT NULL,
	file_name   TEXT NOT NULL,
	format      TEXT NOT NULL,
	encoding    TEXT NOT NULL,
	status      TEXT NOT NULL,
	headers     TEXT NOT NULL,
	mapping     TEXT NOT NULL,
	total       INTEGER NOT NULL,
	done        INTEGER NOT NULL,
	created     INTEGER NOT NULL,
	existing    INTEGER NOT NULL,
	failed      INTEGER NOT NULL,
	undone      INTEGER NOT NULL,
	kept        INTEGER NOT NULL,
	error       TEXT NOT NULL,
	created_at  BIGINT NOT NULL,
	created_by  TEXT NOT NULL,
	actor_name  TEXT NOT NULL,
	updated_at  BIGINT NOT NULL
);
CREATE INDEX imports_at ON imports (created_at, id);

CREATE TABLE import_rows (
	import_id  TEXT NOT NULL REFERENCES imports (id) ON DELETE CASCADE,
	line       INTEGER NOT NULL,
	cells      TEXT NOT NULL,
	state      TEXT NOT NULL,
	problems   TEXT NOT NULL,
	patient_id TEXT NOT NULL,
	PRIMARY KEY (import_id, line)
);
CREATE INDEX import_rows_state ON import_rows (import_id, state, line);
CREATE INDEX import_rows_patient ON import_rows (patient_id) WHERE patient_id <> '';

CREATE TABLE quality_findings (
	rule       TEXT NOT NULL,
	patient_id TEXT NOT NULL REFERENCES patients (id) ON DELETE CASCADE,
	detail     TEXT NOT NULL,
	PRIMARY KEY (rule, patient_id)
);
CREATE INDEX quality_findings_patient ON quality_findings (patient_id);

CREATE TABLE quality_runs (
	id         INTEGER PRIMARY KEY,
	at         BIGINT NOT NULL,
	people     BIGINT NOT NULL,
	counts     TEXT NOT NULL
);
