package patient

import (
	"cmp"
	"context"
	"errors"
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
		if err := f.tail(ctx, "patient_phones", "phone", t, MatchPhoneTail, 90); err != nil {
			return err
		}
		if err := f.tail(ctx, "patient_identifiers", "id", t, MatchIDTail, 88); err != nil {
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
func (f *finder) tail(ctx context.Context, table, purpose, t, match string, score int) error {
	n := min(len(t)/2*2, 8)
	column, hash := "idx"+strconv.Itoa(n), f.s.tail(purpose, t, n)
	if len(t) == n {
		return f.collect(ctx, match, score, fmt.Sprintf(`SELECT patient_id FROM %s WHERE %s = $1 AND %[2]s <> '' LIMIT %d`, table, column, maxCandidates), hash)
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

// condition puts digits that stand beside a name into a statement about k; param
// adds a parameter to it.
type condition func(param func(value any) string) string

// besides makes the conditions: each group of digits begins the date of birth
// or ends a phone or document.
func (f *finder) besides(ctx context.Context, filters []string) ([]condition, error) {
	var out []condition
	for _, d := range filters {
		var ends []string // of whom with a number that must be opened
		if len(d) > 4 && len(d) != 6 && len(d) != 8 {
			sub := &finder{s: f.s, tx: f.tx, found: make(map[string]candidate)}
			err := errors.Join(sub.tail(ctx, "patient_phones", "phone", d, MatchPhoneTail, 1),
				sub.tail(ctx, "patient_identifiers", "id", d, MatchIDTail, 1))
			if err != nil {
				return nil, err
			}
			ends = sub.order
		}
		out = append(out, func(param func(any) string) string { return f.beside(d, ends, param) })
	}
	return out, nil
}

func (f *finder) beside(d string, ends []string, param func(any) string) string {
	conds := []string{"1 = 0"}
	if begin := dateBegin(d); begin != "" {
		conds = append(conds, "EXISTS (SELECT 1 FROM patients p WHERE p.id = k.patient_id AND substr(p.birth_date, 1, "+
			strconv.Itoa(len(begin))+") = "+param(begin)+")")
	}
	if n := len(d); n == 4 || n == 6 || n == 8 {
		for _, t := range [][2]string{{"patient_phones", "phone"}, {"patient_identifiers", "id"}} {
			conds = append(conds, fmt.Sprintf("EXISTS (SELECT 1 FROM %s t WHERE t.patient_id = k.patient_id AND t.idx%d = %s AND t.idx%[2]d <> '')",
				t[0], n, param(f.s.tail(t[1], d, n))))
		}
	}
	if len(ends) > 0 {
		params := make([]string, len(ends))
		for i, e := range ends {
			params[i] = param(e)
		}
		conds = append(conds, "k.patient_id IN ("+strings.Join(params, ", ")+")")
	}
	return "(" + strings.Join(conds, " OR ") + ")"
}

// dateBegin writes digits as the beginning of a date of birth; "" if they
// cannot be one.
func dateBegin(d string) string {
	if len(d) > 8 || (d[0] != '1' && d[0] != '2') {
		return ""
	}
	if len(d) > 4 {
		d = d[:4] + "-" + d[4:]
	}
	if len(d) > 7 {
		d = d[:7] + "-" + d[7:]
	}
	return d
}

// lookup reads the people with one search key, or those below a prefix, whom
// the digits beside the name fit.
func (f *finder) lookup(ctx context.Context, l lookup, beside []condition) error {
	limit := perKey
	if l.check != nil {
		limit = perChecked
	}
	args := []any{l.kind}
	param := func(value any) string {
		args = append(args, value)
		return "$" + strconv.Itoa(len(args))
	}
	sql := `SELECT k.key, k.patient_id FROM patient_keys k WHERE k.kind = $1 AND `
	switch {
	case len(l.keys) > 0:
		cond, keys := f.tx.OneOf("k.key", 2, l.keys)
		sql += cond
		args = append(args, keys)
	case l.prefix:
		sql += `k.key > ` + param(l.key) + ` AND k.key < ` + param(l.key+"\U0010FFFF")
	default:
		sql += `k.key = ` + param(l.key)
	}
	for _, c := range beside {
		sql += " AND " + c(param)
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
