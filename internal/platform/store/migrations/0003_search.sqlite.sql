-- +goose Up
CREATE TABLE search_docs (
    n     INTEGER PRIMARY KEY,
    scope TEXT NOT NULL,
    doc   TEXT NOT NULL,
    UNIQUE (scope, doc)
);
CREATE VIRTUAL TABLE search_fts USING fts5 (tokens, content = '', contentless_delete = 1, detail = none, tokenize = 'ascii');
