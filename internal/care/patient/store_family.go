package patient

import (
	"context"
	"fmt"
	"slices"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

func (s *Service) byPhone(ctx context.Context, tx *store.Tx, number string) ([]cardRow, error) {
	rows, err := tx.Query(ctx, "SELECT "+cardColumns+`, ph.owner, ph.is_primary FROM patient_phones ph
		JOIN patients p ON p.id = ph.patient_id WHERE ph.idx = $1 LIMIT 50`, s.index("phone", number))
	if err != nil {
		return nil, fmt.Errorf("find by phone: %w", err)
	}
	defer rows.Close()
	var out []cardRow
	for rows.Next() {
		var owner string
		var primary int64
		c, err := s.scanCard(rows, &owner, &primary)
		if err != nil {
			return nil, err
		}
		c.owner, c.primary = owner, primary != 0
		out = append(out, c)
	}
	slices.SortFunc(out, likelier)
	return out[:min(len(out), 10)], rows.Err()
}

// Family returns the household of a person, the person first. Somebody
// without a household is alone in it. The look is audited.
func (s *Service) Family(ctx context.Context, patientID string) (Household, error) {
	who, err := identity.Require(ctx, identity.PatientRead)
	if err != nil {
		return Household{}, err
	}
	var h Household
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		h = Household{Members: []Member{}}
		var household string
		if patientID, err = s.viewable(ctx, tx, who, patientID); err != nil {
			return err
		}
		err := tx.QueryRow(ctx, "SELECT household_id FROM patients WHERE id = $1", patientID).Scan(&household)
		if store.IsNoRows(err) {
			return notFound()
		}
		if err != nil {
			return fmt.Errorf("read household: %w", err)
		}
		rows, err := s.cards(ctx, tx, "p.id = $1 OR (p.household_id = $2 AND p.household_id <> '')", patientID, household)
		if err != nil {
			return err
		}
		if household != "" {
			if err := tx.QueryRow(ctx, "SELECT id, name FROM households WHERE id = $1", household).Scan(&h.ID, &h.Name); err != nil {
				return fmt.Errorf("read household: %w", err)
			}
		}
		if h.Members, err = s.members(ctx, tx, rows, patientID, who); err != nil {
			return err
		}
		return s.auditTx(ctx, tx, who, "patient.family", patientID, "", nil)
	})
	return h, err
}

// SetFamily puts a person into a household, in a relation to its head; an
// empty household id makes a new one with the given name, and "-" takes the
// person out. It returns the id of the household.
func (s *Service) SetFamily(ctx context.Context, patientID, householdID, name, relation string) (string, error) {
	who, err := identity.Require(ctx, identity.PatientWrite)
	if err != nil {
		return "", err
	}
	if relation == "" {
		relation = "other"
	}
	if !slices.Contains(relations(), relation) {
		return "", errs.InvalidField("relation", "not_allowed")
	}
	target := householdID
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		var err error
		if target, err = s.household(ctx, tx, householdID, name); err != nil {
			return err
		}
		if target == "" {
			relation = ""
		}
		r, err := s.editable(ctx, tx, who, patientID, 0)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "UPDATE patients SET household_id = $2, relation = $3, version = version + 1 WHERE id = $1", patientID, target, relation); err != nil {
			return fmt.Errorf("set household: %w", err)
		}
		changed := r.Patient
		changed.HouseholdID, changed.Version = target, r.Version+1
		if err := s.note(ctx, tx, who, SourceFamily, r.Patient, changed); err != nil {
			return err
		}
		return s.auditTx(ctx, tx, who, "patient.set_family", patientID, "", map[string]any{"household": target})
	})
	return target, err
}
