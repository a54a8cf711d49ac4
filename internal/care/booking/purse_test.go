package booking_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/id"
	"heartline/internal/platform/store"
)

func as(err error, target any) bool { return errors.As(err, target) }

// purse is a small double-entry ledger on tables of its own: every movement is
// two entries that cancel out. Who is called "poor" has no money.
type purse struct{}

func newPurse(t testing.TB, db *store.DB) *purse {
	t.Helper()
	run(t, db,
		"CREATE TABLE IF NOT EXISTS test_holds (id TEXT PRIMARY KEY, patient_id TEXT NOT NULL, amount BIGINT NOT NULL, state TEXT NOT NULL)",
		"CREATE TABLE IF NOT EXISTS test_entries (id TEXT PRIMARY KEY, hold_id TEXT NOT NULL, account TEXT NOT NULL, amount BIGINT NOT NULL)",
		"CREATE TABLE IF NOT EXISTS test_notices (id TEXT PRIMARY KEY, kind TEXT NOT NULL, patient_id TEXT NOT NULL, time TEXT NOT NULL, exam TEXT NOT NULL)",
		"CREATE TABLE IF NOT EXISTS test_story (id TEXT PRIMARY KEY, state TEXT NOT NULL)")
	return &purse{}
}

func (p *purse) Hold(ctx context.Context, tx *store.Tx, patientID string, amount int64, _ string) (string, error) {
	if patientID == "poor" {
		return "", errs.New(errs.Conflict, "ledger.too_little")
	}
	holdID := id.New()
	if _, err := tx.Exec(ctx, "INSERT INTO test_holds (id, patient_id, amount, state) VALUES ($1, $2, $3, 'held')", holdID, patientID, amount); err != nil {
		return "", err
	}
	return holdID, p.post(ctx, tx, holdID, "card:"+patientID, "held", amount)
}

func (p *purse) Capture(ctx context.Context, tx *store.Tx, holdID string) error {
	_, amount, err := p.turn(ctx, tx, holdID, "held", "captured")
	return errors.Join(err, p.post(ctx, tx, holdID, "held", "revenue", amount))
}

func (p *purse) Release(ctx context.Context, tx *store.Tx, holdID string) error {
	who, amount, err := p.turn(ctx, tx, holdID, "held", "released")
	return errors.Join(err, p.post(ctx, tx, holdID, "held", "card:"+who, amount))
}

func (p *purse) Refund(ctx context.Context, tx *store.Tx, holdID string, _ string) error {
	who, amount, err := p.turn(ctx, tx, holdID, "captured", "refunded")
	return errors.Join(err, p.post(ctx, tx, holdID, "revenue", "card:"+who, amount))
}

// turn moves a hold from one state to the next; anything else is a bug of the
// caller.
func (p *purse) turn(ctx context.Context, tx *store.Tx, holdID, from, to string) (patientID string, amount int64, err error) {
	err = tx.QueryRow(ctx, "UPDATE test_holds SET state = $3 WHERE id = $1 AND state = $2 RETURNING patient_id, amount", holdID, from, to).Scan(&patientID, &amount)
	if err != nil {
		return "", 0, fmt.Errorf("hold %s is not %s: %w", holdID, from, err)
	}
	return patientID, amount, nil
}

func (p *purse) post(ctx context.Context, tx *store.Tx, holdID, from, to string, amount int64) error {
	_, err := tx.Exec(ctx, "INSERT INTO test_entries (id, hold_id, account, amount) VALUES ($1, $3, $4, $6), ($2, $3, $5, $7)",
		id.New(), id.New(), holdID, from, to, -amount, amount)
	return err
}
