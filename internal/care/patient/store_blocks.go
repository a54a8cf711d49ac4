package patient

import (
	"context"
	"fmt"

	"heartline/internal/platform/store"
)

// Who is compared with whom: only people who share a blocking key, and keys
// that too many share (a hotel's phone) tell nothing.
const (
	maxBlock = 20
	blockRun = 500 // keys of one step
)

// neighbours lists the people who share a blocking key with one person, and
// those of the proposals that are open.
func (s *Service) neighbours(ctx context.Context, tx *store.Tx, patientID string) ([]string, error) {
	var birth, py string
	err := tx.QueryRow(ctx, "SELECT birth_date, pinyin FROM patients WHERE id = $1", patientID).Scan(&birth, &py)
	if err != nil {
		return nil, fmt.Errorf("read blocking keys: %w", err)
	}
	seen, out := map[string]bool{patientID: true}, []string{}
	for _, q := range []struct {
		sql  string
		args []any
	}{
		{`SELECT b.patient_id FROM patient_identifiers a JOIN patient_identifiers b ON b.idx = a.idx AND b.idx <> ''
			WHERE a.patient_id = $1 AND a.idx <> '' LIMIT 100`, []any{patientID}},
		{`SELECT b.patient_id FROM patient_phones a JOIN patient_phones b ON b.idx = a.idx WHERE a.patient_id = $1 AND a.idx <> '' LIMIT 100`, []any{patientID}},
		{`SELECT id FROM patients WHERE birth_date = $2 AND pinyin = $3 AND birth_date <> '' AND id <> $1 LIMIT 100`, []any{patientID, birth, py}},
		{`SELECT p.id FROM patient_phones a JOIN patient_phones b ON b.idx4 = a.idx4 AND b.idx4 <> '' JOIN patients p ON p.id = b.patient_id
			WHERE a.patient_id = $1 AND a.idx4 <> '' AND p.pinyin = $2 LIMIT 100`, []any{patientID, py}},
		{`SELECT CASE WHEN a_id = $1 THEN b_id ELSE a_id END FROM patient_duplicates WHERE (a_id = $1 OR b_id = $1) AND status = 'open' LIMIT 100`, []any{patientID}},
	} {
		list, err := texts(ctx, tx, q.sql, q.args...)
		if err != nil {
			return nil, err
		}
		for _, one := range list {
			if !seen[one] {
				seen[one] = true
				out = append(out, one)
			}
		}
	}
	return out, nil
}

// texts reads a single column.
func texts(ctx context.Context, tx *store.Tx, sql string, args ...any) ([]string, error) {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("read column: %w", err)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var one string
		if err := rows.Scan(&one); err != nil {
			return nil, fmt.Errorf("scan column: %w", err)
		}
		out = append(out, one)
	}
	return out, rows.Err()
}

// member is a person within a block; people with the same key are compared.
type member struct{ key, patientID string }

// block walks one kind of blocking key in steps. next returns the members of
// some keys after the given one and the last key, "" at the end.
type block func(ctx context.Context, tx *store.Tx, after string) (members []member, last string, err error)

func blocks() []block {
	return []block{
		numberBlock("patient_identifiers"),
		numberBlock("patient_phones"),
		birthBlock,
		tailBlock,
	}
}

// numberBlock joins people who have a number in common.
func numberBlock(table string) block {
	return func(ctx context.Context, tx *store.Tx, after string) ([]member, string, error) {
		keys, err := texts(ctx, tx, fmt.Sprintf(`SELECT idx FROM %s WHERE idx > $1 AND idx <> '' GROUP BY idx
			HAVING COUNT(*) BETWEEN 2 AND %d ORDER BY idx LIMIT %d`, table, maxBlock, blockRun), after)
		if err != nil || len(keys) == 0 {
			return nil, "", err
		}
		var out []member
		for at := 0; at < len(keys); at += maxArgs {
			chunk := keys[at:min(at+maxArgs, len(keys))]
			list, err := members(ctx, tx, fmt.Sprintf("SELECT idx, patient_id FROM %s WHERE idx <> '' AND idx IN (%s)", table, marks(1, len(chunk))), anys(chunk)...)
			if err != nil {
				return nil, "", err
			}
			out = append(out, list...)
		}
		return out, keys[len(keys)-1], nil
	}
}

// birthBlock joins people with one birthday whose names sound the same. A step
// is a birthday.
func birthBlock(ctx context.Context, tx *store.Tx, after string) ([]member, string, error) {
	day, err := texts(ctx, tx, "SELECT MIN(birth_date) FROM patients WHERE birth_date > $1 AND birth_date <> '' HAVING MIN(birth_date) IS NOT NULL", after)
	if err != nil || len(day) == 0 {
		return nil, "", err
	}
	list, err := members(ctx, tx, "SELECT pinyin, id FROM patients WHERE birth_date = $1 AND birth_date <> '' AND pinyin <> ''", day[0])
	return list, day[0], err
}

// tailBlock joins people whose names sound the same and whose phones end alike.
// A step is one ending.
func tailBlock(ctx context.Context, tx *store.Tx, after string) ([]member, string, error) {
	tail, err := texts(ctx, tx, "SELECT MIN(idx4) FROM patient_phones WHERE idx4 > $1 AND idx4 <> '' HAVING MIN(idx4) IS NOT NULL", after)
	if err != nil || len(tail) == 0 {
		return nil, "", err
	}
	list, err := members(ctx, tx, `SELECT p.pinyin, p.id FROM patient_phones ph JOIN patients p ON p.id = ph.patient_id
		WHERE ph.idx4 = $1 AND ph.idx4 <> '' AND p.pinyin <> ''`, tail[0])
	return list, tail[0], err
}

func members(ctx context.Context, tx *store.Tx, sql string, args ...any) ([]member, error) {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("read block: %w", err)
	}
	defer rows.Close()
	var out []member
	for rows.Next() {
		var m member
		if err := rows.Scan(&m.key, &m.patientID); err != nil {
			return nil, fmt.Errorf("scan block: %w", err)
		}
		out = append(out, m)
	}
	return out, rows.Err()
}
