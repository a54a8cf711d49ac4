-- The earliest free number of a lane is the first entry of its index.

-- +goose Up
DROP INDEX booking_numbers_free;
CREATE INDEX booking_numbers_free ON booking_numbers (session_id, lane, seq, start_at, end_at) WHERE state = 'free';
