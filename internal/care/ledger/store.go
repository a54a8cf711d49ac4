package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"
	"time"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/store"
)

// card is a patient's card after it was changed.
type card struct {
	patientID       string
	available, held int64
	seq             int64
}

// entry is one line of a transaction.
type entry struct {
	account, part   string
	amount          int64
	seq             int64
	available, held int64
}

// entries are the card's lines for a change that moveCard has made.
func (c card) entries(available, held int64) []entry {
	var out []entry
	first := c.seq - parts(available, held) + 1
	for _, p := range []struct {
		part   string
		amount int64
	}{{PartAvailable, available}, {PartHeld, held}} {
		if p.amount != 0 {
			out = append(out, entry{c.patientID, p.part, p.amount, first, c.available, c.held})
			first++
		}
	}
	return out
}

func parts(amounts ...int64) (n int64) {
	for _, a := range amounts {
		if a != 0 {
			n++
		}
	}
	return n
}

func houseEntries(house []posting) []entry {
	out := make([]entry, len(house))
	for i, p := range house {
		out[i] = entry{account: p.account, amount: p.amount}
	}
	return out
}

func insertCard(ctx context.Context, tx *store.Tx, patientID string, now time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO ledger_cards (patient_id, available, held, seq, created_at, updated_at)
		VALUES ($1, 0, 0, 0, $2, $2) ON CONFLICT (patient_id) DO NOTHING`, patientID, store.Millis(now))
	if err != nil {
		return fmt.Errorf("open card: %w", err)
	}
	return nil
}

// moveCard changes both parts of a card at once, or refuses when one of them
// would be negative.
func moveCard(ctx context.Context, tx *store.Tx, patientID string, available, held int64, now time.Time) (card, error) {
	c := card{patientID: patientID}
	err := tx.QueryRow(ctx, `UPDATE ledger_cards SET available = available + $2, held = held + $3, seq = seq + $4, updated_at = $5
		WHERE patient_id = $1 AND available + $2 >= 0 AND held + $3 >= 0 RETURNING available, held, seq`,
		patientID, available, held, parts(available, held), store.Millis(now)).Scan(&c.available, &c.held, &c.seq)
	if store.IsNoRows(err) {
		has, err := selectCard(ctx, tx, patientID)
		if err != nil {
			return c, err
		}
		return c, errs.New(errs.Conflict, "ledger.insufficient", "available_cents", has.Available, "needed_cents", -available)
	}
	if err != nil {
		return c, fmt.Errorf("change card: %w", err)
	}
	return c, nil
}

func selectCard(ctx context.Context, tx *store.Tx, patientID string) (Account, error) {
	a := Account{PatientID: patientID}
	var created, updated int64
	err := tx.QueryRow(ctx, `SELECT available, held, created_at, updated_at FROM ledger_cards WHERE patient_id = $1`, patientID).
		Scan(&a.Available, &a.Held, &created, &updated)
	if store.IsNoRows(err) {
		return a, nil
	}
	if err != nil {
		return a, fmt.Errorf("read card: %w", err)
	}
	a.CreatedAt, a.UpdatedAt = store.Time(created), store.Time(updated)
	return a, nil
}

func insertTransaction(ctx context.Context, tx *store.Tx, t Transaction, key, hash string) error {
	_, err := tx.Exec(ctx, `INSERT INTO ledger_transactions (id, kind, key, request_hash, patient_id, amount, method, reference, reason, hold_id,
		actor, actor_name, day, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
		t.ID, string(t.Kind), key, hash, t.PatientID, t.Amount, t.Method, t.Reference, t.Reason, t.HoldID, t.Actor, t.ActorName, t.Day, store.Millis(t.At))
	if err != nil {
		return fmt.Errorf("insert transaction: %w", err)
	}
	return nil
}

// insertEntries writes all lines of a transaction with one statement.
func insertEntries(ctx context.Context, tx *store.Tx, t Transaction, entries []entry) error {
	marks := make([]string, len(entries))
	args := []any{t.ID, t.Day}
	for i, e := range entries {
		n := len(args)
		marks[i] = fmt.Sprintf("($1, %d, $%d, $%d, $%d, $%d, $%d, $%d, $2)", i+1, n+1, n+2, n+3, n+4, n+5, n+6)
		args = append(args, e.account, e.part, e.amount, e.seq, e.available, e.held)
	}
	_, err := tx.Exec(ctx, `INSERT INTO ledger_entries (transaction_id, position, account, part, amount, seq, available, held, day) VALUES `+
		strings.Join(marks, ", "), args...)
	if err != nil {
		return fmt.Errorf("insert entries: %w", err)
	}
	return nil
}

const transactionColumns = `t.id, t.kind, t.patient_id, t.amount, t.method, t.reference, t.reason, t.hold_id, t.actor, t.actor_name, t.day, t.at,
	e.available, e.held, COALESCE(r.day, ''), COALESCE(r.number, 0)`

// The first line of every transaction is the card's.
const transactionTables = ` FROM ledger_transactions t JOIN ledger_entries e ON e.transaction_id = t.id AND e.position = 1
	LEFT JOIN ledger_receipts r ON r.transaction_id = t.id `

type scanner interface{ Scan(dest ...any) error }

func scanTransaction(row scanner, extra ...any) (Transaction, error) {
	var t Transaction
	var kind, day string
	var at, number int64
	err := row.Scan(append([]any{&t.ID, &kind, &t.PatientID, &t.Amount, &t.Method, &t.Reference, &t.Reason, &t.HoldID, &t.Actor, &t.ActorName,
		&t.Day, &at, &t.Available, &t.Held, &day, &number}, extra...)...)
	t.Kind, t.At = Kind(kind), store.Time(at)
	if number > 0 {
		t.Receipt = receiptNumber(day, number)
	}
	return t, err
}

func selectByKey(ctx context.Context, tx *store.Tx, key string) (Transaction, string, error) {
	var hash string
	t, err := scanTransaction(tx.QueryRow(ctx, `SELECT `+transactionColumns+`, t.request_hash`+transactionTables+`WHERE t.key = $1 AND t.key <> ''`, key), &hash)
	return t, hash, err
}

func selectTransaction(ctx context.Context, tx *store.Tx, transactionID string) (Transaction, error) {
	t, err := scanTransaction(tx.QueryRow(ctx, `SELECT `+transactionColumns+transactionTables+`WHERE t.id = $1`, transactionID))
	if store.IsNoRows(err) {
		return t, errs.New(errs.NotFound, "ledger.not_found")
	}
	if err != nil {
		return t, fmt.Errorf("read transaction: %w", err)
	}
	return t, nil
}

// selectDay reads all movements of a day, the first one first.
func selectDay(ctx context.Context, tx *store.Tx, day string) ([]Transaction, error) {
	rows, err := tx.Query(ctx, `SELECT `+transactionColumns+transactionTables+`WHERE t.day = $1 ORDER BY t.at, t.id`, day)
	if err != nil {
		return nil, fmt.Errorf("read day: %w", err)
	}
	defer rows.Close()
	out := []Transaction{}
	for rows.Next() {
		t, err := scanTransaction(rows)
		if err != nil {
			return nil, fmt.Errorf("scan transaction: %w", err)
		}
		out = append(out, t)
	}
	return out, rows.Err()
}

// selectPage reads a card's transactions with an entry before seq (0: from
// the newest). A transfer shows on both cards.
func selectPage(ctx context.Context, tx *store.Tx, patientID string, before int64, limit int) (Page, error) {
	p := Page{Transactions: []Transaction{}}
	rows, err := tx.Query(ctx, `SELECT t.id, t.kind, t.patient_id, t.amount, t.method, t.reference, t.reason, t.hold_id, t.actor, t.actor_name, t.day, t.at,
			x.available, x.held, COALESCE(r.day, ''), COALESCE(r.number, 0), x.first_seq
		FROM (SELECT transaction_id, MAX(available) AS available, MAX(held) AS held, MIN(seq) AS first_seq FROM ledger_entries
			WHERE account = $1 AND seq > 0 AND ($2 = 0 OR seq < $2) GROUP BY transaction_id ORDER BY MIN(seq) DESC LIMIT $3) x
		JOIN ledger_transactions t ON t.id = x.transaction_id LEFT JOIN ledger_receipts r ON r.transaction_id = t.id ORDER BY x.first_seq DESC`,
		patientID, before, limit+1)
	if err != nil {
		return p, fmt.Errorf("list transactions: %w", err)
	}
	defer rows.Close()
	var seqs []int64
	for rows.Next() {
		var seq int64
		t, err := scanTransaction(rows, &seq)
		if err != nil {
			return p, fmt.Errorf("scan transaction: %w", err)
		}
		if t.PatientID != patientID { // the other side of a transfer
			t.Amount, t.Reference, t.PatientID = -t.Amount, t.PatientID, patientID
		}
		p.Transactions, seqs = append(p.Transactions, t), append(seqs, seq)
	}
	if len(p.Transactions) > limit {
		p.Transactions = p.Transactions[:limit]
		p.Next = strconv.FormatInt(seqs[limit-1], 10)
	}
	return p, rows.Err()
}

func parseCursor(c string) (int64, error) {
	if c == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(c, 10, 64)
	if err != nil || n <= 0 {
		return 0, errs.InvalidField("query.cursor", "validation.invalid")
	}
	return n, nil
}

type hold struct {
	id, patientID string
	amount        int64
	state         string
	reference     string
}

const holdColumns = "id, patient_id, amount, state, reference"

func scanHold(row *sql.Row) (hold, error) {
	var h hold
	err := row.Scan(&h.id, &h.patientID, &h.amount, &h.state, &h.reference)
	return h, err
}

func insertHold(ctx context.Context, tx *store.Tx, h hold, now time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO ledger_holds (`+holdColumns+`, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $6)`,
		h.id, h.patientID, h.amount, holdOpen, h.reference, store.Millis(now))
	if err != nil {
		return fmt.Errorf("insert hold: %w", err)
	}
	return nil
}

// moveHold changes the state of a hold that is in the state from; otherwise
// it returns the hold as it is.
func moveHold(ctx context.Context, tx *store.Tx, holdID, from, to string, now time.Time) (h hold, moved bool, err error) {
	h, err = scanHold(tx.QueryRow(ctx, `UPDATE ledger_holds SET state = $3, updated_at = $4 WHERE id = $1 AND state = $2 RETURNING `+holdColumns,
		holdID, from, to, store.Millis(now)))
	if err == nil {
		return h, true, nil
	}
	if !store.IsNoRows(err) {
		return h, false, fmt.Errorf("change hold: %w", err)
	}
	h, err = scanHold(tx.QueryRow(ctx, `SELECT `+holdColumns+` FROM ledger_holds WHERE id = $1`, holdID))
	if store.IsNoRows(err) {
		return h, false, errs.New(errs.NotFound, "ledger.hold_not_found")
	}
	if err != nil {
		return h, false, fmt.Errorf("read hold: %w", err)
	}
	return h, false, nil
}

// reassignHolds gives the holds of one card, or those of them that are
// listed, to another, and returns which.
func reassignHolds(ctx context.Context, tx *store.Tx, to, from string, only []string, now time.Time) ([]string, error) {
	query, args := `UPDATE ledger_holds SET patient_id = $1, updated_at = $3 WHERE patient_id = $2`, []any{to, from, store.Millis(now)}
	if len(only) > 0 {
		marks := make([]string, len(only))
		for i, x := range only {
			args = append(args, x)
			marks[i] = fmt.Sprintf("$%d", len(args))
		}
		query += ` AND id IN (` + strings.Join(marks, ", ") + `)`
	}
	rows, err := tx.Query(ctx, query+` RETURNING id`, args...)
	if err != nil {
		return nil, fmt.Errorf("reassign holds: %w", err)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var x string
		if err := rows.Scan(&x); err != nil {
			return nil, fmt.Errorf("reassign holds: %w", err)
		}
		out = append(out, x)
	}
	return out, rows.Err()
}

func sumOpenHolds(ctx context.Context, tx *store.Tx, patientID string) (n int64, err error) {
	err = tx.QueryRow(ctx, `SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) FROM ledger_holds WHERE patient_id = $1 AND state = 'open'`, patientID).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("sum holds: %w", err)
	}
	return n, nil
}
