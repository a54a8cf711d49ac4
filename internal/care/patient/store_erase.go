package patient

import (
	"context"
	"fmt"
	"time"

	"heartline/internal/platform/store"
)

// blankPatient empties a row and deletes what hangs on it.
func blankPatient(ctx context.Context, tx *store.Tx, patientID string, now time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE patients SET version = version + 1, name = '', name_latin = '', pinyin = '', pinyin_alt = '[]', initials = '',
		sex = 'unknown', birth_date = '', email = '', wechat = '', address = '{}', nationality = '', ethnicity = '', industry = '',
		occupation = '', insurance = '', allergies = '[]', hereditary = '[]', heart_history = '', donation = '', tags = '[]', vip = 0,
		household_id = '', relation = '', guardian_id = '', notes = '', restricted = 1, erased_at = $2, updated_at = $2 WHERE id = $1`,
		patientID, store.Millis(now))
	if err != nil {
		return fmt.Errorf("blank patient: %w", err)
	}
	for _, q := range []string{
		"DELETE FROM patient_secrets WHERE patient_id = $1",
		"DELETE FROM patient_timeline WHERE patient_id = $1",
		"DELETE FROM patient_duplicates WHERE a_id = $1 OR b_id = $1",
		"DELETE FROM quality_findings WHERE patient_id = $1",
		"DELETE FROM customer_group_members WHERE patient_id = $1",
		"UPDATE patients SET guardian_id = '' WHERE guardian_id = $1 AND guardian_id <> ''",
		"UPDATE import_rows SET cells = '', problems = '[]' WHERE patient_id = $1 AND patient_id <> ''",
	} {
		if _, err := tx.Exec(ctx, q, patientID); err != nil {
			return fmt.Errorf("erase patient: %w", err)
		}
	}
	return nil
}

func lastByKind(ctx context.Context, tx *store.Tx, ids []string) (map[string]time.Time, error) {
	rows, err := tx.Query(ctx, "SELECT kind, MAX(at) FROM patient_timeline WHERE patient_id IN ("+marks(1, len(ids))+") GROUP BY kind", anys(ids)...)
	if err != nil {
		return nil, fmt.Errorf("read last visits: %w", err)
	}
	defer rows.Close()
	out := make(map[string]time.Time)
	for rows.Next() {
		var kind string
		var at int64
		if err := rows.Scan(&kind, &at); err != nil {
			return nil, fmt.Errorf("scan last visits: %w", err)
		}
		out[kind] = store.Time(at)
	}
	return out, rows.Err()
}
