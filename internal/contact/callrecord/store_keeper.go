package callrecord

import (
	"context"
	"fmt"

	"heartline/internal/platform/store"
)

func callsOf(ctx context.Context, tx *store.Tx, patientID string) ([]string, error) {
	rows, err := tx.Query(ctx, "SELECT id FROM calls WHERE patient = $1 AND patient <> '' ORDER BY started_at, id", patientID)
	if err != nil {
		return nil, fmt.Errorf("read calls of a person: %w", err)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var one string
		if err := rows.Scan(&one); err != nil {
			return nil, fmt.Errorf("scan calls of a person: %w", err)
		}
		out = append(out, one)
	}
	return out, rows.Err()
}
