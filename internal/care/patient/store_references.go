package patient

import (
	"context"
	"fmt"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/store"
)

// references checks that the documents name nobody else and that guardian and
// household exist.
func (s *Service) references(ctx context.Context, tx *store.Tx, p *Patient) error {
	var f errs.Fields
	for i, d := range p.Identifiers {
		if d.Value == "" || d.Type == Insurance || d.Type == BankCard || d.Type == Newborn {
			continue
		}
		var n int
		err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM patient_identifiers WHERE type = $1 AND idx = $2 AND idx <> '' AND patient_id <> $3`,
			d.Type, s.index("id", d.Value), p.ID).Scan(&n)
		if err != nil {
			return fmt.Errorf("check identifier: %w", err)
		}
		if n > 0 {
			f.Add(fmt.Sprintf("identifiers[%d].value", i), "patient.id_taken")
		}
	}
	for _, r := range []struct{ path, table, value string }{
		{"guardian_id", "patients", p.GuardianID}, {"household_id", "households", p.HouseholdID},
	} {
		if r.value == "" {
			continue
		}
		var n int
		if err := tx.QueryRow(ctx, "SELECT COUNT(*) FROM "+r.table+" WHERE id = $1", r.value).Scan(&n); err != nil {
			return fmt.Errorf("check %s: %w", r.path, err)
		}
		if n == 0 || r.value == p.ID {
			f.Add(r.path, "patient.unknown_reference")
		}
	}
	if len(f) > 0 && f[0].Key == "patient.id_taken" {
		return &errs.Error{Kind: errs.Conflict, Key: "patient.id_taken", Fields: f}
	}
	return f.Err()
}
