package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"heartline/internal/platform/store"
)

const columns = `seq, id, at, actor, actor_name, action, object, object_id, patient, reason, ip, request_id, detail, hash`

func readHead(ctx context.Context, tx *store.Tx) (head, error) {
	var h head
	err := tx.QueryRow(ctx, `SELECT seq, hash FROM audit_log ORDER BY seq DESC LIMIT 1`).Scan(&h.seq, &h.hash)
	if err != nil && !store.IsNoRows(err) {
		return head{}, fmt.Errorf("read audit head: %w", err)
	}
	return h, nil
}

// perInsert keeps a statement below the parameter limits.
const perInsert = 200

// insert chains entries behind last and returns the new head.
func insert(ctx context.Context, tx *store.Tx, last head, list []pending) (head, error) {
	const width = 14
	rows, args := make([]string, len(list)), make([]any, 0, width*len(list))
	for i, p := range list {
		e := p.entry
		e.Seq = last.seq + 1
		e.Hash = hash(last.hash, e, p.detail)
		last = head{seq: e.Seq, hash: e.Hash}
		rows[i] = marks(len(args), width)
		args = append(args, e.Seq, e.ID, store.Millis(e.At), e.Actor, e.ActorName, e.Action, e.Object, e.ObjectID,
			e.Patient, e.Reason, e.IP, e.RequestID, string(p.detail), e.Hash)
	}
	if _, err := tx.Exec(ctx, `INSERT INTO audit_log (`+columns+`) VALUES `+strings.Join(rows, ", "), args...); err != nil {
		return head{}, fmt.Errorf("append audit entry: %w", err)
	}
	return last, nil
}

// marks gives "($5, $6, …)": n parameters, the first after number before.
func marks(before, n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = "$" + strconv.Itoa(before+i+1)
	}
	return "(" + strings.Join(list, ", ") + ")"
}

const pendingColumns = `id, at, actor, actor_name, action, object, object_id, patient, reason, ip, request_id, detail`

// leave puts an entry where chain finds it once tx is committed.
func leave(ctx context.Context, tx *store.Tx, e Entry, detail []byte) error {
	_, err := tx.Exec(ctx, `INSERT INTO audit_pending (`+pendingColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		e.ID, store.Millis(e.At), e.Actor, e.ActorName, e.Action, e.Object, e.ObjectID, e.Patient, e.Reason, e.IP, e.RequestID, string(detail))
	if err != nil {
		return fmt.Errorf("append audit entry: %w", err)
	}
	return nil
}

// chainLock is the advisory lock of whoever chains.
const chainLock = 0x6175646974 // "audit"

func lockChain(ctx context.Context, tx *store.Tx) error {
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, int64(chainLock)); err != nil {
		return fmt.Errorf("lock audit chain: %w", err)
	}
	return nil
}

func takePending(ctx context.Context, tx *store.Tx) ([]pending, error) {
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
		return rows.Err()
	})
	return n, err
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
