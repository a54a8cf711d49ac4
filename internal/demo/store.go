package demo

import (
	"context"
	"fmt"

	"heartline/internal/care/patient"
	"heartline/internal/platform/store"
)

// callsTold tells whether some projection has already put the past calls on
// the timelines.
func callsTold(ctx context.Context, db *store.DB) (told bool, err error) {
	err = db.Read(ctx, func(tx *store.Tx) error {
		var n int
		if err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM patient_timeline WHERE kind = $1`, patient.KindCall).Scan(&n); err != nil {
			return fmt.Errorf("count calls on timelines: %w", err)
		}
		told = n > 0
		return nil
	})
	return told, err
}
