package patient

import (
	"context"
	"errors"
	"fmt"

	"heartline/internal/platform/crypto"
	"heartline/internal/platform/id"
	"heartline/internal/platform/store"
)

const historyColumns = "id, patient_id, at, version, actor, actor_name, source, field, old_value, new_value"

func historyAAD(rowID, side string) string { return "patient_history:" + rowID + ":" + side }

// insertHistory seals and stores changes, all of one person.
func (s *Service) insertHistory(ctx context.Context, tx *store.Tx, list []FieldChange) error {
	key, err := s.ensureSecret(ctx, tx, list[0].PatientID)
	if err != nil {
		return fmt.Errorf("note changes: %w", err)
	}
	b := &batch{table: "patient_history", columns: historyColumns, width: 10}
	for _, c := range list {
		rowID := id.New()
		old, err := key.Seal(c.Old, historyAAD(rowID, "old"))
		if err != nil {
			return fmt.Errorf("note changes: %w", err)
		}
		new, err := key.Seal(c.New, historyAAD(rowID, "new"))
		if err != nil {
			return fmt.Errorf("note changes: %w", err)
		}
		b.add(rowID, c.PatientID, store.Millis(c.At), c.Version, c.Actor, c.ActorName, c.Source, c.Field, old, new)
	}
	return b.flush(ctx, tx)
}

// queryHistory reads changes of some records, newest first.
func (s *Service) queryHistory(ctx context.Context, tx *store.Tx, people []string, at int64, last string, limit int) ([]FieldChange, error) {
	args := anys(people)
	cond := "patient_id IN (" + marks(1, len(people)) + ")"
	if last != "" {
		cond += fmt.Sprintf(" AND (at, id) < ($%d, $%d)", len(args)+1, len(args)+2)
		args = append(args, at, last)
	}
	args = append(args, int64(limit))
	rows, err := tx.Query(ctx, "SELECT "+historyColumns+" FROM patient_history WHERE "+cond+
		fmt.Sprintf(" ORDER BY at DESC, id DESC LIMIT $%d", len(args)), args...)
	if err != nil {
		return nil, fmt.Errorf("read history: %w", err)
	}
	defer rows.Close()
	out := []FieldChange{}
	for rows.Next() {
		var c FieldChange
		var ms int64
		if err := rows.Scan(&c.ID, &c.PatientID, &ms, &c.Version, &c.Actor, &c.ActorName, &c.Source, &c.Field, &c.Old, &c.New); err != nil {
			return nil, fmt.Errorf("scan history: %w", err)
		}
		c.At = store.Time(ms)
		out = append(out, c)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return out, s.openHistory(ctx, tx, out)
}

// openHistory unseals the values. Those of a person whose key is gone stay
// closed for ever and say so.
func (s *Service) openHistory(ctx context.Context, tx *store.Tx, list []FieldChange) error {
	keys := make(map[string]*crypto.Personal)
	for i := range list {
		c := &list[i]
		key, ok := keys[c.PatientID]
		if !ok {
			var err error
			if key, err = s.secret(ctx, tx, c.PatientID); err != nil && !errors.Is(err, errNoKey) {
				return err
			}
			keys[c.PatientID] = key
		}
		if key == nil {
			c.Old, c.New, c.Erased = "", "", true
			continue
		}
		var errOld, errNew error
		c.Old, errOld = key.Unseal(c.Old, historyAAD(c.ID, "old"))
		c.New, errNew = key.Unseal(c.New, historyAAD(c.ID, "new"))
		if err := errors.Join(errOld, errNew); err != nil {
			return fmt.Errorf("open history: %w", err)
		}
	}
	return nil
}
