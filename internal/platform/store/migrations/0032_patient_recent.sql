-- +goose Up
CREATE INDEX patients_recent ON patients (last_at);
