package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"heartline/internal/platform/store"
)

const columns = `seq, ` + pendingColumns + `, hash`

func readHead(ctx context.Context, tx *store.Tx) (head, error) {
	var h head
	err := tx.QueryRow(ctx, `SELECT seq, hash FROM audit_log ORDER BY seq DESC LIMIT 1`).Scan(&h.seq, &h.hash)
	if err != nil && !store.IsNoRows(err) {
		return head{}, fmt.Errorf("read audit head: %w", err)
	}
	return h, nil
}

// insert chains entries behind last.
func insert(ctx context.Context, tx *store.Tx, last head, list []pending) error {
	rows := make([][]any, len(list))
	for i, p := range list {
		p = chained(last, p)
		last = head{seq: p.entry.Seq, hash: p.entry.Hash}
		rows[i] = append(append([]any{p.entry.Seq}, p.row()...), p.entry.Hash)
	}
	if err := tx.Insert(ctx, "audit_log", strings.Split(columns, ", "), rows); err != nil {
		return fmt.Errorf("chain audit entries: %w", err)
	}
	return nil
}

const pendingColumns = `id, at, actor, actor_name, action, object, object_id, patient, reason, ip, request_id, detail`

// row are the values of pendingColumns.
func (p pending) row() []any {
	e := p.entry
	return []any{e.ID, store.Millis(e.At), e.Actor, e.ActorName, e.Action, e.Object, e.ObjectID, e.Patient, e.Reason, e.IP, e.RequestID, string(p.detail)}
}

// leave puts entries where chain finds them once tx is committed.
func leave(ctx context.Context, tx *store.Tx, list []pending) error {
	rows := make([][]any, len(list))
	for i, p := range list {
		rows[i] = p.row()
	}
	if err := tx.Insert(ctx, "audit_pending", strings.Split(pendingColumns, ", "), rows); err != nil {
		return fmt.Errorf("append audit entries: %w", err)
	}
	return nil
}

// chainLock is the advisory lock of whoever chains.
const chainLock = 0x6175646974 // "audit"

func lockChain(ctx context.Context, tx *store.Tx) error {
	if err := tx.Later(ctx, `SELECT pg_advisory_xact_lock($1)`, int64(chainLock)); err != nil {
		return fmt.Errorf("lock audit chain: %w", err)
	}
	return nil
}

// takeThese takes those of the entries that nobody else took, and the head, in
// one round trip.
func takeThese(ctx context.Context, tx *store.Tx, list []pending) (last head, _ []pending, err error) {
	ids := make([]string, len(list))
	for i, p := range list {
		ids[i] = p.entry.ID
	}
	rows, err := tx.Query(ctx, `WITH taken AS (DELETE FROM audit_pending WHERE id = ANY($1) RETURNING id)
		SELECT id, 0, '' FROM taken UNION ALL SELECT '', seq, hash FROM (SELECT seq, hash FROM audit_log ORDER BY seq DESC LIMIT 1) AS newest`, ids)
	if err != nil {
		return head{}, nil, fmt.Errorf("take pending audit entries: %w", err)
	}
	defer rows.Close()
	there := make(map[string]bool, len(list))
	for rows.Next() {
		var id string
		var h head
		if err := rows.Scan(&id, &h.seq, &h.hash); err != nil {
			return head{}, nil, fmt.Errorf("take pending audit entries: %w", err)
		}
		if id == "" {
			last = h
		}
		there[id] = true
	}
	return last, slices.DeleteFunc(list, func(p pending) bool { return !there[p.entry.ID] }), rows.Err()
}

// takeAll takes every entry there is.
func takeAll(ctx context.Context, tx *store.Tx) ([]pending, error) {
	rows, err := tx.Query(ctx, `DELETE FROM audit_pending RETURNING `+pendingColumns)
	if err != nil {
		return nil, fmt.Errorf("take pending audit entries: %w", err)
	}
	defer rows.Close()
	var list []pending
	for rows.Next() {
		var e Entry
		var at int64
		var detail string
		if err := rows.Scan(&e.ID, &at, &e.Actor, &e.ActorName, &e.Action, &e.Object, &e.ObjectID, &e.Patient, &e.Reason, &e.IP, &e.RequestID, &detail); err != nil {
			return nil, fmt.Errorf("scan pending audit entry: %w", err)
		}
		e.At = store.Time(at)
		list = append(list, pending{e, []byte(detail)})
	}
	return list, rows.Err()
}

// Filter narrows List; empty fields do not.
type Filter struct {
	From, To                                 time.Time
	Actor, Action, Object, ObjectID, Patient string
	Before                                   int64 // entries older than this Seq: the next page
	Limit                                    int   // 100 if not set, 1000 at most
}

// List returns entries, newest first.
func List(ctx context.Context, db *store.DB, f Filter) ([]Entry, error) {
	where, args := f.where()
	limit := f.Limit
	if limit <= 0 {
		limit = 100
	}
	args = append(args, min(limit, 1000))
	query := `SELECT ` + columns + ` FROM audit_log` + where + fmt.Sprintf(` ORDER BY seq DESC LIMIT $%d`, len(args))
	var list []Entry
	err := db.Read(ctx, func(tx *store.Tx) error {
		rows, err := tx.Query(ctx, query, args...)
		if err != nil {
			return err
		}
		for rows.Next() {
			e, _, err := scan(rows)
			if err != nil {
				return err
			}
			list = append(list, e)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("list audit entries: %w", err)
	}
	return list, nil
}

func (f Filter) where() (string, []any) {
	var conds []string
	var args []any
	add := func(cond string, arg any) {
		args = append(args, arg)
		conds = append(conds, fmt.Sprintf(cond, len(args)))
	}
	for _, c := range []struct{ column, value string }{{"actor", f.Actor}, {"action", f.Action},
		{"object", f.Object}, {"object_id", f.ObjectID}, {"patient", f.Patient}} {
		if c.value != "" {
			add(c.column+" = $%d", c.value)
		}
	}
	if !f.From.IsZero() {
		add("at >= $%d", store.Millis(f.From))
	}
	if !f.To.IsZero() {
		add("at < $%d", store.Millis(f.To))
	}
	if f.Before > 0 {
		add("seq < $%d", f.Before)
	}
	if len(conds) == 0 {
		return "", args
	}
	return " WHERE " + strings.Join(conds, " AND "), args
}

// Broken says at which entry the chain does not hold.
type Broken struct {
	Seq    int64
	Reason string
}

func (b *Broken) Error() string { return fmt.Sprintf("audit chain broken at %d: %s", b.Seq, b.Reason) }

// Verify walks the whole chain and returns how many entries it holds. The error
// is a *Broken for the first entry that was changed, or is missing or added.
// Entries cut off at the end can only be noticed by comparing n, or the last
// hash, with what was noted elsewhere.
func Verify(ctx context.Context, db *store.DB) (n int, err error) {
	err = db.Read(ctx, func(tx *store.Tx) error {
		rows, err := tx.Query(ctx, `SELECT `+columns+` FROM audit_log ORDER BY seq`)
		if err != nil {
			return fmt.Errorf("verify audit log: %w", err)
		}
		prev := ""
		for rows.Next() {
			e, detail, err := scan(rows)
			if err != nil {
				return fmt.Errorf("verify audit log: %w", err)
			}
			if e.Seq != int64(n)+1 {
				return &Broken{Seq: int64(n) + 1, Reason: "missing"}
			}
			if hash(prev, e, detail) != e.Hash {
				return &Broken{Seq: e.Seq, Reason: "hash differs"}
			}
			prev = e.Hash
			n++
		}
		if err := rows.Err(); err != nil {
			return fmt.Errorf("verify audit log: %w", err)
		}
		return verifyPending(ctx, tx, n)
	})
	return n, err
}

// verifyPending finds entries that should have been chained long ago.
func verifyPending(ctx context.Context, tx *store.Tx, n int) error {
	var late int
	err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM audit_pending WHERE at < $1 + (SELECT MAX(at) FROM (SELECT MAX(at) AS at FROM audit_pending
		UNION ALL SELECT MAX(at) FROM audit_log) AS newest)`, -2*sweepEvery.Milliseconds()).Scan(&late)
	if err != nil {
		return fmt.Errorf("verify audit log: %w", err)
	}
	if late > 0 {
		return &Broken{Seq: int64(n) + 1, Reason: fmt.Sprintf("%d entries are not chained", late)}
	}
	return nil
}

func scan(rows interface{ Scan(...any) error }) (e Entry, detail []byte, err error) {
	var at int64
	var text string
	err = rows.Scan(&e.Seq, &e.ID, &at, &e.Actor, &e.ActorName, &e.Action, &e.Object, &e.ObjectID,
		&e.Patient, &e.Reason, &e.IP, &e.RequestID, &text, &e.Hash)
	if err != nil {
		return Entry{}, nil, err
	}
	e.At = store.Time(at)
	if err := json.Unmarshal([]byte(text), &e.Detail); err != nil {
		e.Detail = nil // Verify still sees the text itself
	}
	return e, []byte(text), nil
}
