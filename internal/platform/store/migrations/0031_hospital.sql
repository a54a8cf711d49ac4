-- The public face of the hospital.

-- +goose Up
CREATE TABLE campuses (
	id       TEXT PRIMARY KEY,
	code     TEXT NOT NULL UNIQUE,
	name     TEXT NOT NULL,
	name_en  TEXT NOT NULL,
	address  TEXT NOT NULL,
	phone    TEXT NOT NULL,
	transit  TEXT NOT NULL,
	hours    TEXT NOT NULL,
	position INTEGER NOT NULL
);

CREATE TABLE departments (
	id         TEXT PRIMARY KEY,
	version    BIGINT NOT NULL,
	code       TEXT NOT NULL UNIQUE,
	name       TEXT NOT NULL,
	name_en    TEXT NOT NULL,
	campus_id  TEXT NOT NULL,
	parent_id  TEXT NOT NULL,
	intro      TEXT NOT NULL,
	floor      TEXT NOT NULL,
	phone      TEXT NOT NULL,
	extension  TEXT NOT NULL,
	clinical   INTEGER NOT NULL,
	position   INTEGER NOT NULL,
	pinyin     TEXT NOT NULL,
	initials   TEXT NOT NULL,
	updated_at BIGINT NOT NULL
);

CREATE TABLE doctors (
	id            TEXT PRIMARY KEY,
	version       BIGINT NOT NULL,
	code          TEXT NOT NULL UNIQUE,
	name          TEXT NOT NULL,
	pinyin        TEXT NOT NULL,
	initials      TEXT NOT NULL,
	sex           TEXT NOT NULL,
	title         TEXT NOT NULL,
	department_id TEXT NOT NULL,
	campus_id     TEXT NOT NULL,
	intro         TEXT NOT NULL,
	specialties   TEXT NOT NULL,
	sessions      TEXT NOT NULL,
	fee           BIGINT NOT NULL,
	user_id       TEXT NOT NULL,
	updated_at    BIGINT NOT NULL
);
CREATE INDEX doctors_department ON doctors (department_id);
