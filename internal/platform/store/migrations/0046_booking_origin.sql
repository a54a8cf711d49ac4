-- The letter, fax or referral slip that an appointment was asked for by.

-- +goose Up
ALTER TABLE appointments ADD COLUMN reference TEXT NOT NULL DEFAULT '';
ALTER TABLE appointments ADD COLUMN received_on TEXT NOT NULL DEFAULT '';
