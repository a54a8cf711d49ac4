-- The rules of booking and what they work with: policies, weekly templates,
-- examinations, the waitlist, series, penalties and every change of a session.

-- +goose Up
CREATE TABLE booking_policies (
	id         TEXT PRIMARY KEY,
	version    BIGINT NOT NULL,
	name       TEXT NOT NULL,
	document   TEXT NOT NULL,
	active     INTEGER NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX booking_policies_active ON booking_policies (active) WHERE active = 1;

CREATE TABLE booking_penalties (
	id             TEXT PRIMARY KEY,
	patient_id     TEXT NOT NULL,
	policy_id      TEXT NOT NULL,
	event          TEXT NOT NULL,
	count          INTEGER NOT NULL,
	appointment_id TEXT NOT NULL,
	from_at        BIGINT NOT NULL,
	until_at       BIGINT NOT NULL,
	state          TEXT NOT NULL,
	appeal         TEXT NOT NULL,
	appealed_at    BIGINT NOT NULL,
	decided_by     TEXT NOT NULL,
	decided_at     BIGINT NOT NULL,
	decision       TEXT NOT NULL,
	created_at     BIGINT NOT NULL
);
CREATE INDEX booking_penalties_patient ON booking_penalties (patient_id, until_at);
CREATE UNIQUE INDEX booking_penalties_once ON booking_penalties (appointment_id, event);
CREATE INDEX booking_penalties_state ON booking_penalties (state, created_at);

CREATE TABLE booking_templates (
	id            TEXT PRIMARY KEY,
	version       BIGINT NOT NULL,
	weekday       INTEGER NOT NULL,
	weeks         TEXT NOT NULL,
	period        TEXT NOT NULL,
	start_minute  INTEGER NOT NULL,
	end_minute    INTEGER NOT NULL,
	slot_minutes  INTEGER NOT NULL,
	capacity      INTEGER NOT NULL,
	lanes         TEXT NOT NULL,
	lane_hours    INTEGER NOT NULL,
	type          TEXT NOT NULL,
	fee           BIGINT NOT NULL,
	department_id TEXT NOT NULL,
	doctor_id     TEXT NOT NULL,
	exam_id       TEXT NOT NULL,
	campus_id     TEXT NOT NULL,
	room          TEXT NOT NULL,
	valid_from    TEXT NOT NULL,
	valid_to      TEXT NOT NULL,
	active        INTEGER NOT NULL,
	updated_at    BIGINT NOT NULL
);
CREATE INDEX booking_templates_department ON booking_templates (department_id, weekday);
CREATE INDEX booking_templates_doctor ON booking_templates (doctor_id) WHERE doctor_id <> '';

-- The dates a template was expanded for, so that a session that was removed or
-- moved on purpose does not come back.
CREATE TABLE booking_generated (
	template_id TEXT NOT NULL REFERENCES booking_templates (id) ON DELETE CASCADE,
	date        TEXT NOT NULL,
	session_id  TEXT NOT NULL,
	PRIMARY KEY (template_id, date)
);

CREATE TABLE exam_items (
	id             TEXT PRIMARY KEY,
	version        BIGINT NOT NULL,
	code           TEXT NOT NULL UNIQUE,
	name           TEXT NOT NULL,
	name_en        TEXT NOT NULL,
	department_id  TEXT NOT NULL,
	campus_id      TEXT NOT NULL,
	room           TEXT NOT NULL,
	equipment      TEXT NOT NULL,
	minutes        INTEGER NOT NULL,
	preparation    TEXT NOT NULL,
	preparation_en TEXT NOT NULL,
	fasting        INTEGER NOT NULL,
	fee            BIGINT NOT NULL,
	active         INTEGER NOT NULL,
	updated_at     BIGINT NOT NULL
);

-- then_id may not be done before gap_hours have passed since first_id.
CREATE TABLE exam_exclusions (
	first_id  TEXT NOT NULL REFERENCES exam_items (id) ON DELETE CASCADE,
	then_id   TEXT NOT NULL REFERENCES exam_items (id) ON DELETE CASCADE,
	gap_hours INTEGER NOT NULL,
	reason    TEXT NOT NULL,
	PRIMARY KEY (first_id, then_id)
);
CREATE INDEX exam_exclusions_then ON exam_exclusions (then_id);

CREATE TABLE booking_waitlist (
	id             TEXT PRIMARY KEY,
	version        BIGINT NOT NULL,
	patient_id     TEXT NOT NULL,
	department_id  TEXT NOT NULL,
	doctor_id      TEXT NOT NULL,
	exam_id        TEXT NOT NULL,
	type           TEXT NOT NULL,
	period         TEXT NOT NULL,
	date_from      TEXT NOT NULL,
	date_to        TEXT NOT NULL,
	channel        TEXT NOT NULL,
	state          TEXT NOT NULL,
	appointment_id TEXT NOT NULL,
	number_id      TEXT NOT NULL,
	offered_at     BIGINT NOT NULL,
	offer_until    BIGINT NOT NULL,
	offers         INTEGER NOT NULL,
	note           TEXT NOT NULL,
	created_by     TEXT NOT NULL,
	created_at     BIGINT NOT NULL,
	updated_at     BIGINT NOT NULL
);
-- Who waits for a department, first come first: ids grow with time.
CREATE INDEX booking_waitlist_waiting ON booking_waitlist (department_id, id) WHERE state = 'waiting';
CREATE INDEX booking_waitlist_patient ON booking_waitlist (patient_id, id);
CREATE UNIQUE INDEX booking_waitlist_offer ON booking_waitlist (number_id) WHERE state = 'offered';
CREATE UNIQUE INDEX booking_waitlist_hold ON booking_waitlist (appointment_id) WHERE appointment_id <> '';
CREATE UNIQUE INDEX booking_waitlist_wish ON booking_waitlist (patient_id, department_id, doctor_id, exam_id, type)
	WHERE state IN ('waiting', 'offered');

-- Numbers that went past an entry because its person declined them or let
-- them lapse: never offered to the same entry again.
CREATE TABLE booking_waitlist_passed (
	entry_id  TEXT NOT NULL REFERENCES booking_waitlist (id) ON DELETE CASCADE,
	number_id TEXT NOT NULL,
	PRIMARY KEY (entry_id, number_id)
);

CREATE TABLE booking_series (
	id            TEXT PRIMARY KEY,
	idem_key      TEXT NOT NULL UNIQUE,
	patient_id    TEXT NOT NULL,
	department_id TEXT NOT NULL,
	doctor_id     TEXT NOT NULL,
	exam_id       TEXT NOT NULL,
	type          TEXT NOT NULL,
	period        TEXT NOT NULL,
	date_from     TEXT NOT NULL,
	every_days    INTEGER NOT NULL,
	times         INTEGER NOT NULL,
	tolerance     INTEGER NOT NULL,
	reason        TEXT NOT NULL,
	channel       TEXT NOT NULL,
	state         TEXT NOT NULL,
	created_by    TEXT NOT NULL,
	created_at    BIGINT NOT NULL
);
CREATE INDEX booking_series_patient ON booking_series (patient_id, id);

-- One row for each visit of a series, booked or still open because its numbers
-- do not exist yet.
CREATE TABLE booking_series_visits (
	series_id      TEXT NOT NULL REFERENCES booking_series (id) ON DELETE CASCADE,
	seq            INTEGER NOT NULL,
	date           TEXT NOT NULL,
	appointment_id TEXT NOT NULL,
	PRIMARY KEY (series_id, seq)
);
CREATE INDEX booking_series_open ON booking_series_visits (date) WHERE appointment_id = '';

CREATE TABLE session_changes (
	id         TEXT PRIMARY KEY,
	session_id TEXT NOT NULL,
	kind       TEXT NOT NULL,
	other_id   TEXT NOT NULL,
	at         BIGINT NOT NULL,
	actor      TEXT NOT NULL,
	reason     TEXT NOT NULL,
	detail     TEXT NOT NULL
);
CREATE INDEX session_changes_session ON session_changes (session_id, id);

-- Who was hit by a change of a session, and what they were offered instead.
CREATE TABLE session_affected (
	change_id      TEXT NOT NULL REFERENCES session_changes (id) ON DELETE CASCADE,
	appointment_id TEXT NOT NULL,
	patient_id     TEXT NOT NULL,
	refunded       BIGINT NOT NULL,
	replacement_id TEXT NOT NULL,
	notified       INTEGER NOT NULL,
	PRIMARY KEY (change_id, appointment_id)
);
CREATE INDEX session_affected_appointment ON session_affected (appointment_id);
