-- +goose Up
-- Whose number ends in four digits is answered by the index alone: among
-- millions, a thousand people share them.
DROP INDEX patient_phones_idx4;
CREATE INDEX patient_phones_idx4 ON patient_phones (idx4, patient_id) WHERE idx4 <> '';
DROP INDEX patient_identifiers_idx4;
CREATE INDEX patient_identifiers_idx4 ON patient_identifiers (idx4, patient_id) WHERE idx4 <> '';
