-- +goose Up
CREATE TABLE audit_log (
    seq        BIGINT PRIMARY KEY,
    id         TEXT   NOT NULL UNIQUE,
    at         BIGINT NOT NULL,
    actor      TEXT   NOT NULL,
    actor_name TEXT   NOT NULL,
    action     TEXT   NOT NULL,
    object     TEXT   NOT NULL,
    object_id  TEXT   NOT NULL,
    patient    TEXT   NOT NULL,
    reason     TEXT   NOT NULL,
    ip         TEXT   NOT NULL,
    request_id TEXT   NOT NULL,
    detail     TEXT   NOT NULL,
    hash       TEXT   NOT NULL
);
CREATE INDEX audit_log_actor ON audit_log (actor, seq);
CREATE INDEX audit_log_patient ON audit_log (patient, seq) WHERE patient <> '';
CREATE INDEX audit_log_object ON audit_log (object, object_id, seq);
