package ledger

import (
	"context"
	"fmt"
	"time"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/store"
)

// insertReceipt gives the next number of the day. Two at once collide in the
// unique index, and one of them runs again.
func insertReceipt(ctx context.Context, tx *store.Tx, receiptID, transactionID, day, by string, now time.Time) (int64, error) {
	var n int64
	err := tx.QueryRow(ctx, `INSERT INTO ledger_receipts (id, transaction_id, day, number, issued_by, issued_at)
		VALUES ($1, $2, $3, (SELECT COALESCE(MAX(number), 0) + 1 FROM ledger_receipts WHERE day = $3), $4, $5) RETURNING number`,
		receiptID, transactionID, day, by, store.Millis(now)).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("insert receipt: %w", err)
	}
	return n, nil
}

func selectReceipt(ctx context.Context, tx *store.Tx, t Transaction) (Receipt, error) {
	r := Receipt{Transaction: t}
	var n, at int64
	err := tx.QueryRow(ctx, `SELECT id, day, number, issued_by, issued_at FROM ledger_receipts WHERE transaction_id = $1`, t.ID).
		Scan(&r.ID, &r.Day, &n, &r.IssuedBy, &at)
	if err != nil {
		return r, fmt.Errorf("read receipt: %w", err)
	}
	r.Number, r.IssuedAt = receiptNumber(r.Day, n), store.Time(at)
	return r, nil
}

func countReceipts(ctx context.Context, tx *store.Tx, day string) (n int64, err error) {
	if err = tx.QueryRow(ctx, `SELECT COUNT(*) FROM ledger_receipts WHERE day = $1`, day).Scan(&n); err != nil {
		return 0, fmt.Errorf("count receipts: %w", err)
	}
	return n, nil
}

const correctionColumns = `id, patient_id, amount, reason, state, requested_by, requested_name, requested_at,
	decided_by, decided_name, decided_at, note, transaction_id`

func scanCorrection(row scanner, extra ...any) (Correction, error) {
	var c Correction
	var asked, decided int64
	err := row.Scan(append([]any{&c.ID, &c.PatientID, &c.Amount, &c.Reason, &c.State, &c.RequestedBy, &c.RequestedName, &asked,
		&c.DecidedBy, &c.DecidedName, &decided, &c.Note, &c.TransactionID}, extra...)...)
	c.RequestedAt = store.Time(asked)
	if decided > 0 {
		c.DecidedAt = store.Time(decided)
	}
	return c, err
}

func selectCorrectionByKey(ctx context.Context, tx *store.Tx, key string) (Correction, string, error) {
	var hash string
	c, err := scanCorrection(tx.QueryRow(ctx, `SELECT `+correctionColumns+`, request_hash FROM ledger_adjustments WHERE key = $1`, key), &hash)
	return c, hash, err
}

func selectCorrection(ctx context.Context, tx *store.Tx, correctionID string) (Correction, error) {
	c, err := scanCorrection(tx.QueryRow(ctx, `SELECT `+correctionColumns+` FROM ledger_adjustments WHERE id = $1`, correctionID))
	if store.IsNoRows(err) {
		return c, errs.New(errs.NotFound, "ledger.not_found")
	}
	if err != nil {
		return c, fmt.Errorf("read adjustment: %w", err)
	}
	return c, nil
}

func selectCorrections(ctx context.Context, tx *store.Tx, state, patientID string) ([]Correction, error) {
	rows, err := tx.Query(ctx, `SELECT `+correctionColumns+` FROM ledger_adjustments
		WHERE ($1 = '' OR state = $1) AND ($2 = '' OR patient_id = $2) ORDER BY id DESC LIMIT 200`, state, patientID)
	if err != nil {
		return nil, fmt.Errorf("list adjustments: %w", err)
	}
	defer rows.Close()
	out := []Correction{}
	for rows.Next() {
		c, err := scanCorrection(rows)
		if err != nil {
			return nil, fmt.Errorf("scan adjustment: %w", err)
		}
		out = append(out, c)
	}
	return out, rows.Err()
}

func insertCorrection(ctx context.Context, tx *store.Tx, c Correction, key, hash string) error {
	_, err := tx.Exec(ctx, `INSERT INTO ledger_adjustments (`+correctionColumns+`, key, request_hash)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, '', '', 0, '', '', $9, $10)`,
		c.ID, c.PatientID, c.Amount, c.Reason, c.State, c.RequestedBy, c.RequestedName, store.Millis(c.RequestedAt), key, hash)
	if err != nil {
		return fmt.Errorf("insert adjustment: %w", err)
	}
	return nil
}

func updateCorrection(ctx context.Context, tx *store.Tx, c Correction) error {
	n, err := tx.Exec(ctx, `UPDATE ledger_adjustments SET state = $2, decided_by = $3, decided_name = $4, decided_at = $5, note = $6, transaction_id = $7
		WHERE id = $1 AND state = 'pending'`, c.ID, c.State, c.DecidedBy, c.DecidedName, store.Millis(c.DecidedAt), c.Note, c.TransactionID)
	if err != nil {
		return fmt.Errorf("decide adjustment: %w", err)
	}
	if n == 0 {
		return errs.New(errs.Conflict, "ledger.decided")
	}
	return nil
}

// selectHouse sums the house's accounts up to the end of a day.
func selectHouse(ctx context.Context, tx *store.Tx, day string) (map[string]houseSum, error) {
	rows, err := tx.Query(ctx, `SELECT account,
			CAST(SUM(CASE WHEN day < $1 THEN amount ELSE 0 END) AS BIGINT),
			CAST(SUM(CASE WHEN day = $1 AND amount < 0 THEN -amount ELSE 0 END) AS BIGINT),
			CAST(SUM(CASE WHEN day = $1 AND amount > 0 THEN amount ELSE 0 END) AS BIGINT)
		FROM ledger_entries WHERE account >= 'house:' AND account < 'house;' AND day <= $1 GROUP BY account`, day)
	if err != nil {
		return nil, fmt.Errorf("sum accounts: %w", err)
	}
	defer rows.Close()
	out := map[string]houseSum{}
	for rows.Next() {
		var account string
		var h houseSum
		if err := rows.Scan(&account, &h.before, &h.debit, &h.credit); err != nil {
			return nil, fmt.Errorf("scan account: %w", err)
		}
		out[account] = h
	}
	return out, rows.Err()
}

// counted is the newest count of a method.
type counted struct {
	amount   int64
	note, by string
	at       time.Time
}

func selectCounts(ctx context.Context, tx *store.Tx, day string) (map[string]*counted, error) {
	rows, err := tx.Query(ctx, `SELECT method, counted, note, actor_name, at FROM ledger_counts WHERE day = $1 ORDER BY id`, day)
	if err != nil {
		return nil, fmt.Errorf("read counts: %w", err)
	}
	defer rows.Close()
	out := map[string]*counted{}
	for rows.Next() {
		var method string
		var at int64
		var c counted
		if err := rows.Scan(&method, &c.amount, &c.note, &c.by, &at); err != nil {
			return nil, fmt.Errorf("scan count: %w", err)
		}
		c.at = store.Time(at)
		out[method] = &c
	}
	return out, rows.Err()
}

func insertCount(ctx context.Context, tx *store.Tx, countID string, c Count, actor, name string, now time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO ledger_counts (id, day, method, counted, note, actor, actor_name, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		countID, c.Day, c.Method, c.Counted, c.Note, actor, name, store.Millis(now))
	if err != nil {
		return fmt.Errorf("insert count: %w", err)
	}
	return nil
}

func selectOpenHolds(ctx context.Context, tx *store.Tx, before time.Time) ([]OpenHold, error) {
	rows, err := tx.Query(ctx, `SELECT id, patient_id, amount, reference, created_at FROM ledger_holds
		WHERE state = 'open' AND created_at < $1 ORDER BY created_at, id LIMIT 500`, store.Millis(before))
	if err != nil {
		return nil, fmt.Errorf("list holds: %w", err)
	}
	defer rows.Close()
	out := []OpenHold{}
	for rows.Next() {
		var h OpenHold
		var at int64
		if err := rows.Scan(&h.ID, &h.PatientID, &h.Amount, &h.Reference, &at); err != nil {
			return nil, fmt.Errorf("scan hold: %w", err)
		}
		h.At = store.Time(at)
		out = append(out, h)
	}
	return out, rows.Err()
}

// selectProblems looks for what must not be: on a day, or ("") ever.
func selectProblems(ctx context.Context, tx *store.Tx, day string) ([]Problem, error) {
	touched := `SELECT patient_id FROM ledger_transactions WHERE day = $1`
	if day == "" {
		touched = `SELECT patient_id FROM ledger_cards WHERE $1 = ''`
	}
	out := []Problem{}
	for _, q := range []struct{ kind, query string }{
		{"unbalanced", `SELECT transaction_id FROM ledger_entries WHERE $1 = '' OR transaction_id IN (SELECT id FROM ledger_transactions WHERE day = $1)
			GROUP BY transaction_id HAVING SUM(amount) <> 0`},
		{"unbalanced", `SELECT id FROM ledger_transactions t WHERE ($1 = '' OR day = $1)
			AND NOT EXISTS (SELECT 1 FROM ledger_entries e WHERE e.transaction_id = t.id)`},
		{"cache", `SELECT c.patient_id FROM ledger_cards c LEFT JOIN ledger_entries e ON e.account = c.patient_id
			WHERE c.patient_id IN (` + touched + `) GROUP BY c.patient_id, c.available, c.held
			HAVING c.available <> COALESCE(SUM(CASE WHEN e.part = 'available' THEN e.amount END), 0)
				OR c.held <> COALESCE(SUM(CASE WHEN e.part = 'held' THEN e.amount END), 0)`},
		{"sequence", `SELECT c.patient_id FROM ledger_cards c LEFT JOIN ledger_entries e ON e.account = c.patient_id
			WHERE c.patient_id IN (` + touched + `) GROUP BY c.patient_id, c.seq HAVING c.seq <> COUNT(e.seq) OR c.seq <> COALESCE(MAX(e.seq), 0)`},
		{"hold", `SELECT c.patient_id FROM ledger_cards c LEFT JOIN ledger_holds h ON h.patient_id = c.patient_id AND h.state = 'open'
			WHERE c.patient_id IN (` + touched + `) GROUP BY c.patient_id, c.held HAVING c.held <> COALESCE(SUM(h.amount), 0)`},
		{"receipt_gap", `SELECT day FROM ledger_receipts WHERE $1 = '' OR day = $1 GROUP BY day HAVING MAX(number) <> COUNT(*)`},
	} {
		found, err := selectIDs(ctx, tx, q.query+" LIMIT 100", day)
		if err != nil {
			return nil, fmt.Errorf("look for %s: %w", q.kind, err)
		}
		for _, x := range found {
			out = append(out, Problem{Kind: q.kind, ID: x})
		}
	}
	return out, nil
}

func selectIDs(ctx context.Context, tx *store.Tx, query, day string) ([]string, error) {
	rows, err := tx.Query(ctx, query, day)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var x string
		if err := rows.Scan(&x); err != nil {
			return nil, err
		}
		out = append(out, x)
	}
	return out, rows.Err()
}
