package booking

import (
	"context"
	"fmt"
	"time"

	"heartline/internal/platform/store"
)

// lastActive is the start of the last visit to come, zero when there is none.
func lastActive(ctx context.Context, tx *store.Tx, ids []string, now time.Time) (time.Time, error) {
	var last int64
	for _, one := range ids {
		var at int64
		err := tx.QueryRow(ctx, "SELECT COALESCE(MAX(start_at), 0) FROM appointments WHERE patient_id = $1 AND active <> 0 AND start_at > $2",
			one, store.Millis(now)).Scan(&at)
		if err != nil {
			return time.Time{}, fmt.Errorf("read visits to come: %w", err)
		}
		last = max(last, at)
	}
	if last == 0 {
		return time.Time{}, nil
	}
	return store.Time(last), nil
}

// forget blanks what was written about a person's visits and ends their wishes.
func forget(ctx context.Context, tx *store.Tx, patientID string, now time.Time) error {
	for _, q := range []string{
		"UPDATE appointments SET note = '', reference = '', version = version + 1, updated_at = $2 WHERE patient_id = $1",
		"UPDATE booking_waitlist SET note = '', reference = '', state = CASE WHEN state = 'waiting' THEN 'left' ELSE state END, version = version + 1, updated_at = $2 WHERE patient_id = $1",
	} {
		if _, err := tx.Exec(ctx, q, patientID, store.Millis(now)); err != nil {
			return fmt.Errorf("forget visits: %w", err)
		}
	}
	for _, q := range []string{
		"UPDATE booking_series SET reason = '', reference = '' WHERE patient_id = $1",
		"UPDATE booking_penalties SET appeal = '', decision = '' WHERE patient_id = $1",
		"UPDATE appointment_events SET detail = '{}' WHERE appointment_id IN (SELECT id FROM appointments WHERE patient_id = $1)",
	} {
		if _, err := tx.Exec(ctx, q, patientID); err != nil {
			return fmt.Errorf("forget visits: %w", err)
		}
	}
	return nil
}
