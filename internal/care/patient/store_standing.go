package patient

import (
	"context"

	"heartline/internal/platform/store"
)

// standingOf reads one row: bookings ask for it in every transaction.
func standingOf(ctx context.Context, tx *store.Tx, patientID string) (st Standing, err error) {
	err = tx.QueryRow(ctx, `SELECT p.birth_date, p.sex, p.vip <> 0, p.merged_into, EXISTS (
			SELECT 1 FROM patient_identifiers i WHERE i.patient_id IN (p.id, p.guardian_id)
			AND i.type IN ('id_card', 'passport', 'hk_macao', 'taiwan', 'residence'))
		FROM patients p WHERE p.id = $1 AND p.erased_at = 0`, patientID).
		Scan(&st.BirthDate, &st.Sex, &st.VIP, &st.MergedInto, &st.RealName)
	return st, err
}

func profileOf(ctx context.Context, tx *store.Tx, patientID string) (p Profile, err error) {
	err = tx.QueryRow(ctx, "SELECT id, birth_date, guardian_id, restricted <> 0, erased_at <> 0 FROM patients WHERE id = $1", patientID).
		Scan(&p.ID, &p.BirthDate, &p.GuardianID, &p.Restricted, &p.Erased)
	return p, err
}
