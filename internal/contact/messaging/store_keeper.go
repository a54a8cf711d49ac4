package messaging

import (
	"context"
	"fmt"
	"time"

	"heartline/internal/platform/store"
)

func messagesOf(ctx context.Context, tx *store.Tx, patientID string, limit int) ([]row, error) {
	rows, err := tx.Query(ctx, "SELECT "+columns+" FROM messages WHERE patient_id = $1 AND patient_id <> '' ORDER BY created_at DESC, id DESC LIMIT $2",
		patientID, int64(limit))
	if err != nil {
		return nil, fmt.Errorf("read messages of a person: %w", err)
	}
	defer rows.Close()
	var out []row
	for rows.Next() {
		r, err := scanRow(rows)
		if err != nil {
			return nil, fmt.Errorf("scan message: %w", err)
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// blankMessages removes number and text for good. What still waited is not
// sent any more.
func blankMessages(ctx context.Context, tx *store.Tx, patientID string, now time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE messages SET number_sealed = '', number_idx = '', number_idx4 = '', number_masked = '', text_sealed = '',
		reason = CASE WHEN state = 'queued' THEN 'refused' ELSE reason END, state = CASE WHEN state = 'queued' THEN 'failed' ELSE state END, updated_at = $2
		WHERE patient_id = $1 AND patient_id <> ''`, patientID, store.Millis(now))
	return err
}
