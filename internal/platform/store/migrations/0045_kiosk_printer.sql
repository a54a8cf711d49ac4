-- A kiosk may have a receipt printer on the network: "host:port", or ''.

-- +goose Up
ALTER TABLE kiosks ADD COLUMN printer TEXT NOT NULL DEFAULT '';
