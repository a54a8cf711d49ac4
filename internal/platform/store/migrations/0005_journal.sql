-- +goose Up
CREATE TABLE contact_events (
    id      TEXT    PRIMARY KEY,
    at      BIGINT  NOT NULL,
    contact TEXT    NOT NULL,
    agent   TEXT    NOT NULL,
    queue   TEXT    NOT NULL,
    kind    TEXT    NOT NULL,
    version INTEGER NOT NULL,
    data    TEXT    NOT NULL
);
CREATE INDEX contact_events_contact ON contact_events (contact, id) WHERE contact <> '';
