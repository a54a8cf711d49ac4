package messaging

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/store"
)

const columns = `id, direction, channel, state, class, template, version, lang, number_sealed, number_idx, number_idx4, number_masked,
	text_sealed, encoding, segments, patient_id, ref, idem_key, actor, sender, attempts, reason, answers, handled,
	created_at, send_at, expires_at, sent_at, done_at, updated_at`

// row is a message as the table has it.
type row struct {
	Message
	numberSealed, numberIdx, numberIdx4 string
	textSealed, key                     string
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return store.Millis(t)
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return store.Time(ms)
}

func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func insertMessage(ctx context.Context, tx *store.Tx, r *row) error {
	err := tx.Later(ctx, `INSERT INTO messages (`+columns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15,
		$16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30)`,
		r.ID, r.Direction, r.Channel, string(r.State), string(r.Class), r.Template, r.Version, r.Lang, r.numberSealed, r.numberIdx, r.numberIdx4, r.Number,
		r.textSealed, r.Encoding, r.Segments, r.PatientID, r.Ref, r.key, r.Actor, r.Sender, r.Attempts, r.Reason, r.Answers, bit(r.Handled),
		millis(r.CreatedAt), millis(r.SendAt), millis(r.ExpiresAt), millis(r.SentAt), millis(r.DoneAt), millis(r.UpdatedAt))
	if err != nil {
		return fmt.Errorf("insert message: %w", err)
	}
	return nil
}

func scanRow(from interface{ Scan(...any) error }) (row, error) {
	var r row
	var handled, created, send, expires, sent, done, updated int64
	err := from.Scan(&r.ID, &r.Direction, &r.Channel, &r.State, &r.Class, &r.Template, &r.Version, &r.Lang, &r.numberSealed, &r.numberIdx,
		&r.numberIdx4, &r.Number, &r.textSealed, &r.Encoding, &r.Segments, &r.PatientID, &r.Ref, &r.key, &r.Actor, &r.Sender, &r.Attempts,
		&r.Reason, &r.Answers, &handled, &created, &send, &expires, &sent, &done, &updated)
	r.Handled = handled != 0
	r.CreatedAt, r.SendAt, r.ExpiresAt = fromMillis(created), fromMillis(send), fromMillis(expires)
	r.SentAt, r.DoneAt, r.UpdatedAt = fromMillis(sent), fromMillis(done), fromMillis(updated)
	return r, err
}

func notFound() error { return errs.New(errs.NotFound, "message.not_found") }

// selectMessage reads a message; lock keeps others from changing it until the
// transaction ends.
func selectMessage(ctx context.Context, tx *store.Tx, messageID string, lock bool) (row, error) {
	query := `SELECT ` + columns + ` FROM messages WHERE id = $1`
	if lock && tx.Dialect() == store.Postgres {
		query += ` FOR UPDATE`
	}
	r, err := scanRow(tx.QueryRow(ctx, query, messageID))
	if store.IsNoRows(err) {
		return r, notFound()
	}
	if err != nil {
		return r, fmt.Errorf("load message: %w", err)
	}
	return r, nil
}

// byKey finds the message that was written under an idempotency key.
func byKey(ctx context.Context, tx *store.Tx, key string) (row, bool, error) {
	r, err := scanRow(tx.QueryRow(ctx, `SELECT `+columns+` FROM messages WHERE idem_key = $1 AND idem_key <> ''`, key))
	if store.IsNoRows(err) {
		return r, false, nil
	}
	if err != nil {
		return r, false, fmt.Errorf("find message by key: %w", err)
	}
	return r, true, nil
}

// updateMessage stores what can change of a message.
func updateMessage(ctx context.Context, tx *store.Tx, r *row) error {
	_, err := tx.Exec(ctx, `UPDATE messages SET state = $2, sender = $3, attempts = $4, reason = $5, answers = $6, handled = $7,
		send_at = $8, expires_at = $9, sent_at = $10, done_at = $11, updated_at = $12, patient_id = $13, ref = $14 WHERE id = $1`,
		r.ID, string(r.State), r.Sender, r.Attempts, r.Reason, r.Answers, bit(r.Handled),
		millis(r.SendAt), millis(r.ExpiresAt), millis(r.SentAt), millis(r.DoneAt), millis(r.UpdatedAt), r.PatientID, r.Ref)
	if err != nil {
		return fmt.Errorf("update message: %w", err)
	}
	return nil
}

func insertStep(ctx context.Context, tx *store.Tx, messageID string, s Step) error {
	err := tx.Later(ctx, `INSERT INTO message_events (message_id, seq, at, state, reason, actor)
		SELECT $1, COALESCE(MAX(seq), 0) + 1, $2, $3, $4, $5 FROM message_events WHERE message_id = $1`,
		messageID, millis(s.At), string(s.State), s.Reason, s.Actor)
	if err != nil {
		return fmt.Errorf("insert message event: %w", err)
	}
	return nil
}

func selectSteps(ctx context.Context, tx *store.Tx, messageID string) ([]Step, error) {
	rows, err := tx.Query(ctx, `SELECT at, state, reason, actor FROM message_events WHERE message_id = $1 ORDER BY seq`, messageID)
	if err != nil {
		return nil, fmt.Errorf("list message events: %w", err)
	}
	defer rows.Close()
	var out []Step
	for rows.Next() {
		var s Step
		var at int64
		if err := rows.Scan(&at, &s.State, &s.Reason, &s.Actor); err != nil {
			return nil, fmt.Errorf("list message events: %w", err)
		}
		s.At = fromMillis(at)
		out = append(out, s)
	}
	return out, rows.Err()
}

// insertParts remembers under which ids the message centre took the parts.
func insertParts(ctx context.Context, tx *store.Tx, sender, messageID string, remote []string) error {
	for i, id := range remote {
		if id == "" {
			continue
		}
		_, err := tx.Exec(ctx, `INSERT INTO message_parts (sender, remote_id, message_id, part, state) VALUES ($1, $2, $3, $4, 'sent')
			ON CONFLICT (sender, remote_id) DO UPDATE SET message_id = excluded.message_id, part = excluded.part, state = excluded.state`,
			sender, id, messageID, i+1)
		if err != nil {
			return fmt.Errorf("insert message part: %w", err)
		}
	}
	return nil
}

// takeReceipts gives the receipts that came before their answer was stored,
// and forgets them.
func takeReceipts(ctx context.Context, tx *store.Tx, sender string, remote []string) ([]Receipt, error) {
	var out []Receipt
	for _, remoteID := range remote {
		r := Receipt{Sender: sender, RemoteID: remoteID}
		var at int64
		err := tx.QueryRow(ctx, `SELECT state, reason, at FROM message_receipts WHERE sender = $1 AND remote_id = $2`, sender, remoteID).Scan(&r.State, &r.Reason, &at)
		if store.IsNoRows(err) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("find early receipt: %w", err)
		}
		r.At = fromMillis(at)
		if _, err := tx.Exec(ctx, `DELETE FROM message_receipts WHERE sender = $1 AND remote_id = $2`, sender, remoteID); err != nil {
			return nil, fmt.Errorf("forget early receipt: %w", err)
		}
		out = append(out, r)
	}
	return out, nil
}

// keepReceipt stores a receipt whose message is not known yet.
func keepReceipt(ctx context.Context, tx *store.Tx, r Receipt, oldest time.Time) error {
	if _, err := tx.Exec(ctx, `DELETE FROM message_receipts WHERE at < $1`, millis(oldest)); err != nil {
		return fmt.Errorf("forget old receipts: %w", err)
	}
	_, err := tx.Exec(ctx, `INSERT INTO message_receipts (sender, remote_id, state, reason, at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (sender, remote_id) DO UPDATE SET state = excluded.state, reason = excluded.reason, at = excluded.at`,
		r.Sender, r.RemoteID, string(r.State), r.Reason, millis(r.At))
	if err != nil {
		return fmt.Errorf("keep receipt: %w", err)
	}
	return nil
}

// partMessage finds the message of a part.
func partMessage(ctx context.Context, tx *store.Tx, sender, remoteID string) (string, error) {
	var messageID string
	err := tx.QueryRow(ctx, `SELECT message_id FROM message_parts WHERE sender = $1 AND remote_id = $2`, sender, remoteID).Scan(&messageID)
	if store.IsNoRows(err) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("find message part: %w", err)
	}
	return messageID, nil
}

// settlePart notes what became of a part and counts the parts by state.
func settlePart(ctx context.Context, tx *store.Tx, r Receipt, messageID string) (map[State]int, error) {
	if _, err := tx.Exec(ctx, `UPDATE message_parts SET state = $3 WHERE sender = $1 AND remote_id = $2`, r.Sender, r.RemoteID, string(r.State)); err != nil {
		return nil, fmt.Errorf("update message part: %w", err)
	}
	rows, err := tx.Query(ctx, `SELECT state, COUNT(*) FROM message_parts WHERE message_id = $1 GROUP BY state`, messageID)
	if err != nil {
		return nil, fmt.Errorf("count message parts: %w", err)
	}
	defer rows.Close()
	out := map[State]int{}
	for rows.Next() {
		var st State
		var n int
		if err := rows.Scan(&st, &n); err != nil {
			return nil, fmt.Errorf("count message parts: %w", err)
		}
		out[st] = n
	}
	return out, rows.Err()
}

// answerable lists the messages that one from a number may answer, newest
// first. Sign-in codes ask nothing.
func answerable(ctx context.Context, tx *store.Tx, numberIdx string, since time.Time, limit int) ([]row, error) {
	rows, err := tx.Query(ctx, `SELECT `+columns+` FROM messages WHERE number_idx = $1 AND created_at >= $2 AND direction = 'out'
		AND class <> 'otp' AND state IN ('sent', 'delivered') ORDER BY created_at DESC, id DESC LIMIT $3`, numberIdx, millis(since), limit)
	return collect(rows, err)
}

// ofNumber lists the newest messages from and to a number, newest first.
func ofNumber(ctx context.Context, tx *store.Tx, numberIdx string, limit int) ([]row, error) {
	rows, err := tx.Query(ctx, `SELECT `+columns+` FROM messages WHERE number_idx = $1 ORDER BY created_at DESC, id DESC LIMIT $2`, numberIdx, limit)
	return collect(rows, err)
}

func collect(rows *sql.Rows, err error) ([]row, error) {
	if err != nil {
		return nil, fmt.Errorf("list messages: %w", err)
	}
	defer rows.Close()
	var out []row
	for rows.Next() {
		r, err := scanRow(rows)
		if err != nil {
			return nil, fmt.Errorf("list messages: %w", err)
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// countRecent counts the messages of some classes to a number since a time, besides
// one of them, and says when the oldest of those was written.
func countRecent(ctx context.Context, tx *store.Tx, numberIdx, besides string, otp bool, since time.Time) (n int, oldest time.Time, err error) {
	op := "<>"
	if otp {
		op = "="
	}
	var first int64
	err = tx.QueryRow(ctx, `SELECT COUNT(*), COALESCE(MIN(created_at), 0) FROM messages WHERE number_idx = $1 AND created_at >= $2 AND direction = 'out'
		AND id <> $3 AND class `+op+` 'otp' AND (sent_at > 0 OR class = 'otp')`, numberIdx, millis(since), besides).Scan(&n, &first)
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("count messages to a number: %w", err)
	}
	return n, fromMillis(first), nil
}

func putOptOut(ctx context.Context, tx *store.Tx, numberIdx string, class Class, messageID string, at time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO message_optouts (number_idx, class, message_id, at) VALUES ($1, $2, $3, $4) ON CONFLICT (number_idx, class) DO NOTHING`,
		numberIdx, string(class), messageID, millis(at))
	if err != nil {
		return fmt.Errorf("store opt-out: %w", err)
	}
	return nil
}

func optedOut(ctx context.Context, tx *store.Tx, numberIdx string, class Class) (bool, error) {
	var n int
	err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM message_optouts WHERE number_idx = $1 AND class = $2`, numberIdx, string(class)).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("look up opt-out: %w", err)
	}
	return n > 0, nil
}

// listMessages reads one page; indexes are the blind indexes of the filter's number.
func listMessages(ctx context.Context, tx *store.Tx, f Filter, idx, idx4 string, limit int) ([]row, error) {
	var where []string
	var args []any
	add := func(cond string, v ...any) {
		for _, x := range v {
			args = append(args, x)
			cond = strings.Replace(cond, "?", fmt.Sprintf("$%d", len(args)), 1)
		}
		where = append(where, cond)
	}
	if f.Direction != "" {
		add("direction = ?", f.Direction)
	}
	if len(f.States) > 0 {
		states := make([]any, len(f.States))
		for i, s := range f.States {
			states[i] = string(s)
		}
		add("state IN ("+strings.TrimSuffix(strings.Repeat("?, ", len(states)), ", ")+")", states...)
	}
	if f.Class != "" {
		add("class = ?", string(f.Class))
	}
	if f.Template != "" {
		add("template = ?", f.Template)
	}
	if f.PatientID != "" {
		add("patient_id = ?", f.PatientID)
	}
	switch {
	case idx != "":
		add("number_idx = ?", idx)
	case idx4 != "":
		add("number_idx4 = ?", idx4)
	}
	if !f.From.IsZero() {
		add("created_at >= ?", millis(f.From))
	}
	if !f.To.IsZero() {
		add("created_at < ?", millis(f.To))
	}
	if f.Unhandled {
		where = append(where, "direction = 'in' AND handled = 0")
	}
	if f.Cursor != "" {
		at, messageID, err := cutCursor(f.Cursor)
		if err != nil {
			return nil, err
		}
		add("(created_at < ? OR created_at = ? AND id < ?)", at, at, messageID)
	}
	query := `SELECT ` + columns + ` FROM messages`
	if len(where) > 0 {
		query += " WHERE " + strings.Join(where, " AND ")
	}
	args = append(args, limit+1)
	rows, err := tx.Query(ctx, fmt.Sprintf("%s ORDER BY created_at DESC, id DESC LIMIT $%d", query, len(args)), args...)
	return collect(rows, err)
}
