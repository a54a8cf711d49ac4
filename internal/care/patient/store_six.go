package patient

import (
	"context"
	"fmt"

	"heartline/internal/platform/store"
)

// withTails are the tables of numbers that are found by their last digits, and
// what their blind indexes are for.
func withTails() map[string]string {
	return map[string]string{"patient_phones": "phone", "patient_identifiers": "id"}
}

// FillSix gives numbers that were stored before the last six digits had a
// blind index theirs. It returns how many it filled in.
func (s *Service) FillSix(ctx context.Context) (filled int, err error) {
	for table, purpose := range withTails() {
		for after, more := "", true; more; {
			err := s.db.Write(ctx, func(tx *store.Tx) error {
				list, err := withoutSix(ctx, tx, table, after, sixAtOnce)
				if err != nil {
					return err
				}
				n := 0
				for _, r := range list {
					plain, err := s.keys.Unseal(r.sealed, aad(table, r.id))
					if err != nil {
						return fmt.Errorf("unseal %s: %w", table, err)
					}
					if six := s.tail(purpose, plain, 6); six != "" {
						n++
						if err := tx.Later(ctx, "UPDATE "+table+" SET idx6 = $2 WHERE id = $1", r.id, six); err != nil {
							return fmt.Errorf("fill %s: %w", table, err)
						}
					}
					after = r.id
				}
				more = len(list) == sixAtOnce
				tx.AfterCommit(func() { filled += n })
				return nil
			})
			if err != nil {
				return filled, err
			}
		}
	}
	return filled, nil
}

const sixAtOnce = 1000

type sealedNumber struct{ id, sealed string }

// withoutSix reads the next numbers whose last six digits have no index, in the
// order of their ids.
func withoutSix(ctx context.Context, tx *store.Tx, table, after string, limit int) ([]sealedNumber, error) {
	rows, err := tx.Query(ctx, fmt.Sprintf(`SELECT id, sealed FROM %s WHERE idx6 = '' AND idx4 <> '' AND id > $1 ORDER BY id LIMIT %d`, table, limit), after)
	if err != nil {
		return nil, fmt.Errorf("numbers without index: %w", err)
	}
	defer rows.Close()
	var list []sealedNumber
	for rows.Next() {
		var r sealedNumber
		if err := rows.Scan(&r.id, &r.sealed); err != nil {
			return nil, fmt.Errorf("numbers without index: %w", err)
		}
		list = append(list, r)
	}
	return list, rows.Err()
}
