package patient

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"heartline/internal/platform/store"
)

// numbers tries the query as phone, document, card and customer code.
func (f *finder) numbers(ctx context.Context, q query) error {
	for _, n := range q.phones {
		if err := f.collect(ctx, MatchPhone, 100, `SELECT patient_id FROM patient_phones WHERE idx = $1 LIMIT 50`, f.s.index("phone", n)); err != nil {
			return err
		}
	}
	for _, n := range q.documents {
		if err := f.collect(ctx, MatchID, 100, `SELECT patient_id FROM patient_identifiers WHERE idx = $1 AND idx <> '' LIMIT 50`, f.s.index("id", n)); err != nil {
			return err
		}
		if err := f.collect(ctx, MatchID, 72, `SELECT c.id FROM patient_identifiers d JOIN patients c ON c.guardian_id = d.patient_id
			WHERE d.idx = $1 AND d.idx <> '' AND c.guardian_id <> '' LIMIT 50`, f.s.index("id", n)); err != nil {
			return err
		}
	}
	for _, c := range q.codes {
		if err := f.code(ctx, c); err != nil {
			return err
		}
	}
	if q.name != "" {
		return nil
	}
	for _, t := range q.tails {
		if err := f.tail(ctx, "patient_phones", "phone", t, MatchPhoneTail, 90, maxCandidates); err != nil {
			return err
		}
		if err := f.tail(ctx, "patient_identifiers", "id", t, MatchIDTail, 88, maxCandidates); err != nil {
			return err
		}
	}
	return nil
}

// code finds a customer code; that of a merged record leads to the one that
// stands for it.
func (f *finder) code(ctx context.Context, code string) error {
	var patientID string
	err := f.tx.QueryRow(ctx, `SELECT id FROM patients WHERE code = $1`, code).Scan(&patientID)
	if store.IsNoRows(err) {
		return nil
	}
	if err == nil {
		patientID, err = f.s.resolve(ctx, f.tx, patientID)
	}
	if err != nil {
		return fmt.Errorf("search by %s: %w", MatchCode, err)
	}
	f.add(patientID, candidate{match: MatchCode, score: byCode})
	return nil
}

func (f *finder) collect(ctx context.Context, match string, score int, sql string, args ...any) error {
	rows, err := f.tx.Query(ctx, sql, args...)
	if err != nil {
		return fmt.Errorf("search by %s: %w", match, err)
	}
	defer rows.Close()
	for rows.Next() {
		var patientID string
		if err := rows.Scan(&patientID); err != nil {
			return fmt.Errorf("scan search: %w", err)
		}
		f.add(patientID, candidate{match: match, score: score})
	}
	return rows.Err()
}

// tail finds numbers that end in t. The last four, six and eight digits have
// blind indexes; of other ends, all numbers with the same shorter one are
// compared.
func (f *finder) tail(ctx context.Context, table, purpose, t, match string, score, limit int) error {
	n := min(len(t)/2*2, 8)
	column, hash := "idx"+strconv.Itoa(n), f.s.tail(purpose, t, n)
	if len(t) == n {
		return f.collect(ctx, match, score, fmt.Sprintf(`SELECT patient_id FROM %s WHERE %s = $1 AND %[2]s <> '' LIMIT %d`, table, column, limit), hash)
	}
	rows, err := f.tx.Query(ctx, fmt.Sprintf(`SELECT id, patient_id, sealed FROM %s WHERE %s = $1 AND %[2]s <> '' LIMIT %d`, table, column, allTails), hash)
	if err != nil {
		return fmt.Errorf("search by %s: %w", match, err)
	}
	defer rows.Close()
	for rows.Next() {
		var rowID, patientID, sealed string
		if err := rows.Scan(&rowID, &patientID, &sealed); err != nil {
			return fmt.Errorf("scan search: %w", err)
		}
		plain, err := f.s.keys.Unseal(sealed, aad(table, rowID))
		if err != nil {
			return fmt.Errorf("unseal: %w", err)
		}
		if strings.HasSuffix(plain, t) {
			f.add(patientID, candidate{match: match, score: score})
		}
	}
	return rows.Err()
}

// best ranks people by score and by who was in touch last, and keeps as many
// as are wanted.
func (f *finder) best(ctx context.Context, ids []string) ([]string, error) {
	if len(ids) <= f.want {
		return ids, nil
	}
	cond, list := f.tx.OneOf("id", 1, ids)
	rows, err := f.tx.Query(ctx, "SELECT id, last_at FROM patients WHERE "+cond, list)
	if err != nil {
		return nil, fmt.Errorf("rank people: %w", err)
	}
	defer rows.Close()
	last := make(map[string]int64, len(ids))
	for rows.Next() {
		var patientID string
		var at int64
		if err := rows.Scan(&patientID, &at); err != nil {
			return nil, fmt.Errorf("rank people: %w", err)
		}
		last[patientID] = at
	}
	ids = slices.SortedFunc(maps.Keys(last), func(a, b string) int {
		return cmp.Or(cmp.Compare(f.found[b].score, f.found[a].score), cmp.Compare(last[b], last[a]), cmp.Compare(a, b))
	})
	return ids[:min(len(ids), f.want)], rows.Err()
}

// lookup reads the people with one search key, or those below a prefix.
func (f *finder) lookup(ctx context.Context, l lookup, filtered bool) error {
	limit := perKey
	if filtered || l.check != nil {
		limit = perFiltered
	}
	var sql string
	args := []any{l.kind}
	switch {
	case len(l.keys) > 0:
		cond, keys := f.tx.OneOf("key", 2, l.keys)
		sql = `SELECT key, patient_id FROM patient_keys WHERE kind = $1 AND ` + cond
		args = append(args, keys)
	case l.prefix:
		sql = `SELECT key, patient_id FROM patient_keys WHERE kind = $1 AND key > $2 AND key < $3`
		args = append(args, l.key, l.key+"\U0010FFFF")
	default:
		sql = `SELECT key, patient_id FROM patient_keys WHERE kind = $1 AND key = $2`
		args = append(args, l.key)
	}
	rows, err := f.tx.Query(ctx, sql+" LIMIT "+strconv.Itoa(limit), args...)
	if err != nil {
		return fmt.Errorf("search by %s: %w", l.match, err)
	}
	defer rows.Close()
	for rows.Next() {
		var key, patientID string
		if err := rows.Scan(&key, &patientID); err != nil {
			return fmt.Errorf("scan search: %w", err)
		}
		f.add(patientID, candidate{l.match, l.score - min(max(len(key)-len(l.key), 0), 3), l.check})
	}
	return rows.Err()
}
