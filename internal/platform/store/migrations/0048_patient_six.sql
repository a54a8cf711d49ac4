-- +goose Up
-- The last six digits, which people give of their document, have a blind index
-- too. Rows from before are filled in by a job (patient.fill_six): patient_…_six
-- lists them.
ALTER TABLE patient_phones ADD COLUMN idx6 TEXT NOT NULL DEFAULT '';
ALTER TABLE patient_identifiers ADD COLUMN idx6 TEXT NOT NULL DEFAULT '';
CREATE INDEX patient_phones_idx6 ON patient_phones (idx6, patient_id) WHERE idx6 <> '';
CREATE INDEX patient_identifiers_idx6 ON patient_identifiers (idx6, patient_id) WHERE idx6 <> '';
CREATE INDEX patient_phones_six ON patient_phones (id) WHERE idx6 = '' AND idx4 <> '';
CREATE INDEX patient_identifiers_six ON patient_identifiers (id) WHERE idx6 = '' AND idx4 <> '';
