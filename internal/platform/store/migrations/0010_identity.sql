-- People who may sign in, what they may do, and their sessions. Booleans are
-- INTEGER 0/1, lists are JSON in TEXT. Tokens and recovery codes are kept as
-- hashes, the secret of a second factor sealed with "users:<id>:totp".

-- +goose Up
CREATE TABLE roles (
	code        TEXT PRIMARY KEY,
	name        TEXT NOT NULL,
	name_en     TEXT NOT NULL,
	builtin     INTEGER NOT NULL,
	permissions TEXT NOT NULL,
	created_at  BIGINT NOT NULL,
	updated_at  BIGINT NOT NULL
);

CREATE TABLE users (
	id            TEXT PRIMARY KEY,
	login         TEXT NOT NULL,
	login_fold    TEXT NOT NULL UNIQUE,
	name          TEXT NOT NULL,
	name_latin    TEXT NOT NULL,
	search        TEXT NOT NULL,
	email         TEXT NOT NULL,
	password      TEXT NOT NULL,
	active        INTEGER NOT NULL,
	must_change   INTEGER NOT NULL,
	settings      TEXT NOT NULL,
	totp          TEXT NOT NULL,
	totp_pending  TEXT NOT NULL,
	totp_step     BIGINT NOT NULL,
	last_login    BIGINT NOT NULL,
	password_at   BIGINT NOT NULL,
	created_at    BIGINT NOT NULL,
	updated_at    BIGINT NOT NULL
);

CREATE TABLE user_roles (
	user_id TEXT NOT NULL REFERENCES users (id),
	role    TEXT NOT NULL REFERENCES roles (code),
	PRIMARY KEY (user_id, role)
);
CREATE INDEX user_roles_role ON user_roles (role);

CREATE TABLE user_departments (
	user_id       TEXT NOT NULL REFERENCES users (id),
	department_id TEXT NOT NULL,
	PRIMARY KEY (user_id, department_id)
);

CREATE TABLE recovery_codes (
	user_id TEXT NOT NULL REFERENCES users (id),
	hash    TEXT NOT NULL,
	used_at BIGINT NOT NULL,
	PRIMARY KEY (user_id, hash)
);

CREATE TABLE sessions (
	id         TEXT PRIMARY KEY,
	token_hash TEXT NOT NULL UNIQUE,
	user_id    TEXT NOT NULL REFERENCES users (id),
	ip         TEXT NOT NULL,
	client     TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	seen_at    BIGINT NOT NULL,
	expires_at BIGINT NOT NULL
);
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE TABLE login_failures (
	subject  TEXT PRIMARY KEY,
	failures INTEGER NOT NULL,
	first_at BIGINT NOT NULL,
	last_at  BIGINT NOT NULL,
	until    BIGINT NOT NULL
);
