-- Sessions, their numbers, and who holds which. The unique indexes are the
-- last wall: one active appointment for a number, and one for a person,
-- department (or examination) and day.

-- +goose Up
CREATE TABLE booking_sessions (
	id            TEXT PRIMARY KEY,
	version       BIGINT NOT NULL,
	date          TEXT NOT NULL,
	period        TEXT NOT NULL,
	start_at      BIGINT NOT NULL,
	end_at        BIGINT NOT NULL,
	department_id TEXT NOT NULL,
	doctor_id     TEXT NOT NULL,
	exam_id       TEXT NOT NULL,
	campus_id     TEXT NOT NULL,
	room          TEXT NOT NULL,
	type          TEXT NOT NULL,
	fee           BIGINT NOT NULL,
	release_at    BIGINT NOT NULL,
	lane_until    BIGINT NOT NULL,
	state         TEXT NOT NULL,
	close_reason  TEXT NOT NULL,
	substitute_of TEXT NOT NULL,
	template_id   TEXT NOT NULL,
	day_key       TEXT NOT NULL, -- date and examination or department
	last_queue    INTEGER NOT NULL, -- the newest queue number that check-in gave
	created_at    BIGINT NOT NULL,
	updated_at    BIGINT NOT NULL
);
CREATE INDEX booking_sessions_date ON booking_sessions (date, start_at, id);
CREATE INDEX booking_sessions_department ON booking_sessions (department_id, date);
CREATE INDEX booking_sessions_doctor ON booking_sessions (doctor_id, date) WHERE doctor_id <> '';

CREATE TABLE booking_numbers (
	id         TEXT PRIMARY KEY,
	session_id TEXT NOT NULL REFERENCES booking_sessions (id),
	seq        INTEGER NOT NULL,
	start_at   BIGINT NOT NULL,
	end_at     BIGINT NOT NULL,
	lane       TEXT NOT NULL,
	state      TEXT NOT NULL
);
CREATE UNIQUE INDEX booking_numbers_seq ON booking_numbers (session_id, seq);
CREATE INDEX booking_numbers_free ON booking_numbers (session_id, seq, lane, start_at, end_at) WHERE state = 'free';

CREATE TABLE appointments (
	id            TEXT PRIMARY KEY,
	version       BIGINT NOT NULL,
	code          TEXT NOT NULL,
	patient_id    TEXT NOT NULL,
	session_id    TEXT NOT NULL,
	number_id     TEXT NOT NULL REFERENCES booking_numbers (id),
	seq           INTEGER NOT NULL,
	date          TEXT NOT NULL,
	start_at      BIGINT NOT NULL,
	end_at        BIGINT NOT NULL,
	department_id TEXT NOT NULL,
	doctor_id     TEXT NOT NULL,
	exam_id       TEXT NOT NULL,
	type          TEXT NOT NULL,
	state         TEXT NOT NULL,
	active        INTEGER NOT NULL, -- 1 while the state keeps the number
	channel       TEXT NOT NULL,
	lane          TEXT NOT NULL,
	fee           BIGINT NOT NULL,
	hold_id       TEXT NOT NULL,
	paid          INTEGER NOT NULL,
	confirmed     INTEGER NOT NULL,
	cancel_reason TEXT NOT NULL,
	cancelled_at  BIGINT NOT NULL,
	expires_at    BIGINT NOT NULL,
	queue_number  INTEGER NOT NULL,
	series_id     TEXT NOT NULL,
	moved_from    TEXT NOT NULL,
	note          TEXT NOT NULL,
	booked_by     TEXT NOT NULL,
	day_key       TEXT NOT NULL,
	idem_key      TEXT NOT NULL, -- '' when the house itself gave the number
	request_hash  TEXT NOT NULL,
	created_at    BIGINT NOT NULL,
	updated_at    BIGINT NOT NULL
);
CREATE UNIQUE INDEX appointments_number ON appointments (number_id) WHERE active = 1;
CREATE UNIQUE INDEX appointments_day ON appointments (patient_id, day_key) WHERE active = 1;
CREATE UNIQUE INDEX appointments_code ON appointments (code) WHERE active = 1;
CREATE UNIQUE INDEX appointments_key ON appointments (idem_key) WHERE idem_key <> '';
CREATE UNIQUE INDEX appointments_queue ON appointments (session_id, queue_number) WHERE queue_number > 0;
CREATE INDEX appointments_patient ON appointments (patient_id, start_at, id);
CREATE INDEX appointments_session ON appointments (session_id, start_at, id);
CREATE INDEX appointments_start ON appointments (start_at, id);
CREATE INDEX appointments_department ON appointments (department_id, start_at, id);
CREATE INDEX appointments_holds ON appointments (session_id, expires_at) WHERE state = 'requested';

CREATE TABLE appointment_events (
	id             TEXT PRIMARY KEY,
	appointment_id TEXT NOT NULL,
	at             BIGINT NOT NULL,
	kind           TEXT NOT NULL,
	actor          TEXT NOT NULL,
	channel        TEXT NOT NULL,
	detail         TEXT NOT NULL
);
CREATE INDEX appointment_events_of ON appointment_events (appointment_id, id);
