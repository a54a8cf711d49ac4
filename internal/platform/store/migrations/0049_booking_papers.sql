-- The letter, fax or referral slip that a wish or a series was asked for by.

-- +goose Up
ALTER TABLE booking_waitlist ADD COLUMN reference TEXT NOT NULL DEFAULT '';
ALTER TABLE booking_waitlist ADD COLUMN received_on TEXT NOT NULL DEFAULT '';
ALTER TABLE booking_series ADD COLUMN reference TEXT NOT NULL DEFAULT '';
ALTER TABLE booking_series ADD COLUMN received_on TEXT NOT NULL DEFAULT '';
