package patient

import (
	"context"
	"fmt"

	"heartline/internal/platform/store"
)

type sealedPhone struct{ id, sealed string }

// contactOf reads name, language, guardian and phones of a record, the phones
// that are tried first at the front.
func contactOf(ctx context.Context, tx *store.Tx, patientID string) (c Contact, guardian string, phones []sealedPhone, err error) {
	rows, err := tx.Query(ctx, `SELECT p.name, p.language, p.guardian_id, COALESCE(n.id, ''), COALESCE(n.sealed, '')
		FROM patients p LEFT JOIN patient_phones n ON n.patient_id = p.id WHERE p.id = $1 AND p.erased_at = 0
		ORDER BY n.is_primary DESC, CASE n.type WHEN 'mobile' THEN 0 ELSE 1 END, n.position`, patientID)
	if err != nil {
		return c, "", nil, fmt.Errorf("reach patient: %w", err)
	}
	defer rows.Close()
	found := false
	for rows.Next() {
		var p sealedPhone
		if err := rows.Scan(&c.Name, &c.Language, &guardian, &p.id, &p.sealed); err != nil {
			return c, "", nil, fmt.Errorf("reach patient: %w", err)
		}
		found = true
		if p.id != "" {
			phones = append(phones, p)
		}
	}
	if err := rows.Err(); err != nil {
		return c, "", nil, fmt.Errorf("reach patient: %w", err)
	}
	if !found {
		return c, "", nil, notFound()
	}
	return c, guardian, phones, nil
}
