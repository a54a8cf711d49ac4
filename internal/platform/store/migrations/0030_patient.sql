-- People. Phone numbers and documents are sealed ("table:id:sealed") and found
-- by blind indexes: idx the whole number, idx8 and idx4 its last digits.
-- patient_keys holds what a name can be found by; its kinds are listed in
-- care/patient/keys.go.

-- +goose Up
CREATE TABLE households (
	id         TEXT PRIMARY KEY,
	name       TEXT NOT NULL,
	created_at BIGINT NOT NULL
);

CREATE TABLE patients (
	id            TEXT PRIMARY KEY,
	version       BIGINT NOT NULL,
	code          TEXT NOT NULL UNIQUE,
	name          TEXT NOT NULL,
	name_latin    TEXT NOT NULL,
	pinyin        TEXT NOT NULL,
	pinyin_alt    TEXT NOT NULL,
	initials      TEXT NOT NULL,
	sex           TEXT NOT NULL,
	birth_date    TEXT NOT NULL,
	email         TEXT NOT NULL,
	wechat        TEXT NOT NULL,
	address       TEXT NOT NULL,
	nationality   TEXT NOT NULL,
	ethnicity     TEXT NOT NULL,
	industry      TEXT NOT NULL,
	occupation    TEXT NOT NULL,
	insurance     TEXT NOT NULL,
	allergies     TEXT NOT NULL,
	hereditary    TEXT NOT NULL,
	heart_history TEXT NOT NULL,
	donation      TEXT NOT NULL,
	tags          TEXT NOT NULL,
	language      TEXT NOT NULL,
	channel       TEXT NOT NULL,
	lifecycle     TEXT NOT NULL,
	vip           INTEGER NOT NULL,
	household_id  TEXT NOT NULL,
	relation      TEXT NOT NULL,
	guardian_id   TEXT NOT NULL,
	notes         TEXT NOT NULL,
	last_at       BIGINT NOT NULL,
	created_at    BIGINT NOT NULL,
	updated_at    BIGINT NOT NULL
);
CREATE INDEX patients_household ON patients (household_id) WHERE household_id <> '';
CREATE INDEX patients_guardian ON patients (guardian_id) WHERE guardian_id <> '';

CREATE TABLE patient_phones (
	id         TEXT PRIMARY KEY,
	patient_id TEXT NOT NULL REFERENCES patients (id) ON DELETE CASCADE,
	position   INTEGER NOT NULL,
	sealed     TEXT NOT NULL,
	idx        TEXT NOT NULL,
	idx8       TEXT NOT NULL,
	idx4       TEXT NOT NULL,
	type       TEXT NOT NULL,
	owner      TEXT NOT NULL,
	is_primary INTEGER NOT NULL
);
CREATE INDEX patient_phones_patient ON patient_phones (patient_id);
CREATE INDEX patient_phones_idx ON patient_phones (idx);
CREATE INDEX patient_phones_idx8 ON patient_phones (idx8) WHERE idx8 <> '';
CREATE INDEX patient_phones_idx4 ON patient_phones (idx4) WHERE idx4 <> '';

CREATE TABLE patient_identifiers (
	id         TEXT PRIMARY KEY,
	patient_id TEXT NOT NULL REFERENCES patients (id) ON DELETE CASCADE,
	position   INTEGER NOT NULL,
	type       TEXT NOT NULL,
	sealed     TEXT NOT NULL,
	idx        TEXT NOT NULL,
	idx8       TEXT NOT NULL,
	idx4       TEXT NOT NULL
);
CREATE INDEX patient_identifiers_patient ON patient_identifiers (patient_id);
CREATE INDEX patient_identifiers_idx ON patient_identifiers (idx) WHERE idx <> '';
CREATE INDEX patient_identifiers_idx8 ON patient_identifiers (idx8) WHERE idx8 <> '';
CREATE INDEX patient_identifiers_idx4 ON patient_identifiers (idx4) WHERE idx4 <> '';
-- A document names one person; insurance and bank cards may be shared.
CREATE UNIQUE INDEX patient_identifiers_one ON patient_identifiers (type, idx)
	WHERE type IN ('id_card', 'passport', 'hk_macao', 'taiwan', 'residence', 'medical_card');

CREATE TABLE patient_keys (
	kind       TEXT NOT NULL,
	key        TEXT NOT NULL,
	patient_id TEXT NOT NULL REFERENCES patients (id) ON DELETE CASCADE,
	PRIMARY KEY (kind, key, patient_id)
);
CREATE INDEX patient_keys_patient ON patient_keys (patient_id);

CREATE TABLE patient_timeline (
	id         TEXT PRIMARY KEY,
	patient_id TEXT NOT NULL REFERENCES patients (id) ON DELETE CASCADE,
	at         BIGINT NOT NULL,
	kind       TEXT NOT NULL,
	title      TEXT NOT NULL,
	summary    TEXT NOT NULL,
	department TEXT NOT NULL,
	doctor     TEXT NOT NULL,
	source_id  TEXT NOT NULL
);
CREATE INDEX patient_timeline_patient ON patient_timeline (patient_id, at, id);
CREATE INDEX patient_timeline_source ON patient_timeline (source_id) WHERE source_id <> '';

-- The last customer code given out.
CREATE TABLE patient_counter (
	id    INTEGER PRIMARY KEY,
	value BIGINT NOT NULL
);
INSERT INTO patient_counter (id, value) VALUES (1, 0);
