-- A wall that also serves the lists: one index each keeps a number from being
-- given twice and a person from being booked twice, and finds all appointments
-- of a session and of a person, so that a booking writes two index entries
-- less. A number is its session and seq (booking_numbers_seq). The last column
-- is the same for all that are active, and of its own for each that is not.

-- +goose Up
CREATE UNIQUE INDEX appointments_of_session ON appointments (session_id, seq, (CASE active WHEN 1 THEN '' ELSE id END));
CREATE UNIQUE INDEX appointments_of_patient ON appointments (patient_id, day_key, (CASE active WHEN 1 THEN '' ELSE id END));
DROP INDEX appointments_number;
DROP INDEX appointments_session;
DROP INDEX appointments_day;
DROP INDEX appointments_patient;
