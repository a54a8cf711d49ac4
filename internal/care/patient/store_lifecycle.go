package patient

import (
	"context"
	"fmt"
	"time"

	"heartline/internal/platform/store"
)

func stageRules(ctx context.Context, tx *store.Tx) ([]StageRule, error) {
	rows, err := tx.Query(ctx, "SELECT stage, visits, within_days, years FROM lifecycle_rules ORDER BY position")
	if err != nil {
		return nil, fmt.Errorf("read lifecycle rules: %w", err)
	}
	defer rows.Close()
	var out []StageRule
	for rows.Next() {
		var r StageRule
		if err := rows.Scan(&r.Stage, &r.Visits, &r.WithinDays, &r.Years); err != nil {
			return nil, fmt.Errorf("scan lifecycle rule: %w", err)
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

func saveStageRules(ctx context.Context, tx *store.Tx, rules []StageRule, now time.Time) error {
	for _, r := range rules {
		_, err := tx.Exec(ctx, "UPDATE lifecycle_rules SET visits = $2, within_days = $3, years = $4, updated_at = $5 WHERE stage = $1",
			r.Stage, r.Visits, r.WithinDays, r.Years, store.Millis(now))
		if err != nil {
			return fmt.Errorf("save lifecycle rules: %w", err)
		}
	}
	return nil
}

func stageNow(ctx context.Context, tx *store.Tx, patientID string) (stage string, version int64, err error) {
	err = tx.QueryRow(ctx, "SELECT lifecycle, version FROM patients WHERE id = $1", patientID).Scan(&stage, &version)
	if store.IsNoRows(err) {
		return "", 0, notFound()
	}
	if err != nil {
		return "", 0, fmt.Errorf("read stage: %w", err)
	}
	return stage, version, nil
}

// visitTimes are the times of the latest thousand visits: no rule counts more.
func visitTimes(ctx context.Context, tx *store.Tx, patientID string) ([]time.Time, error) {
	kinds := visitKinds()
	rows, err := tx.Query(ctx, "SELECT at FROM patient_timeline WHERE patient_id = $1 AND kind IN ("+marks(2, len(kinds))+
		") ORDER BY at DESC LIMIT 1000", append([]any{patientID}, anys(kinds)...)...)
	if err != nil {
		return nil, fmt.Errorf("read visits: %w", err)
	}
	defer rows.Close()
	var out []time.Time
	for rows.Next() {
		var ms int64
		if err := rows.Scan(&ms); err != nil {
			return nil, fmt.Errorf("scan visit: %w", err)
		}
		out = append(out, store.Time(ms))
	}
	return out, rows.Err()
}

func setStage(ctx context.Context, tx *store.Tx, patientID, stage string) error {
	_, err := tx.Exec(ctx, "UPDATE patients SET lifecycle = $2, version = version + 1 WHERE id = $1", patientID, stage)
	if err != nil {
		return fmt.Errorf("set stage: %w", err)
	}
	return nil
}
