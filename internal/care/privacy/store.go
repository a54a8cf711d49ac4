package privacy

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/store"
)

const requestColumns = `id, version, patient_id, kind, status, requester, channel, evidence, reason, note, obstacles,
	received_at, due_at, decided_at, decided_by, done_at, created_by`

const fileUntil = "COALESCE((SELECT until FROM privacy_files f WHERE f.request_id = r.id), 0)"

func insertRequest(ctx context.Context, tx *store.Tx, r Request) error {
	list, err := json.Marshal(r.Obstacles)
	if err != nil {
		return fmt.Errorf("store privacy request: %w", err)
	}
	_, err = tx.Exec(ctx, "INSERT INTO privacy_requests ("+requestColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 0, '', 0, $14)`,
		r.ID, r.Version, r.PatientID, r.Kind, r.Status, r.Requester, r.Channel, r.Evidence, r.Reason, r.Note, string(list),
		store.Millis(r.ReceivedAt), store.Millis(r.DueAt), r.CreatedBy)
	if err != nil {
		return fmt.Errorf("store privacy request: %w", err)
	}
	return nil
}

func updateRequest(ctx context.Context, tx *store.Tx, r Request) error {
	list, err := json.Marshal(r.Obstacles)
	if err != nil {
		return fmt.Errorf("change privacy request: %w", err)
	}
	_, err = tx.Exec(ctx, `UPDATE privacy_requests SET version = $2, status = $3, note = $4, obstacles = $5, decided_at = $6, decided_by = $7,
		done_at = $8 WHERE id = $1`, r.ID, r.Version, r.Status, r.Note, string(list), ms(r.DecidedAt), r.DecidedBy, ms(r.DoneAt))
	if err != nil {
		return fmt.Errorf("change privacy request: %w", err)
	}
	return nil
}

func ms(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return store.Millis(t)
}

func at(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return store.Time(n)
}

func scanRequest(row interface{ Scan(...any) error }) (Request, error) {
	var r Request
	var list string
	var received, due, decided, done, until int64
	err := row.Scan(&r.ID, &r.Version, &r.PatientID, &r.Kind, &r.Status, &r.Requester, &r.Channel, &r.Evidence, &r.Reason, &r.Note, &list,
		&received, &due, &decided, &r.DecidedBy, &done, &r.CreatedBy, &until)
	if err != nil {
		return r, err
	}
	r.ReceivedAt, r.DueAt, r.DecidedAt, r.DoneAt, r.FileUntil = at(received), at(due), at(decided), at(done), at(until)
	return r, json.Unmarshal([]byte(list), &r.Obstacles)
}

func loadRequest(ctx context.Context, tx *store.Tx, requestID string) (Request, error) {
	r, err := scanRequest(tx.QueryRow(ctx, "SELECT "+requestColumns+", "+fileUntil+" FROM privacy_requests r WHERE id = $1", requestID))
	if store.IsNoRows(err) {
		return r, errs.New(errs.NotFound, "privacy.not_found")
	}
	if err != nil {
		return r, fmt.Errorf("load privacy request: %w", err)
	}
	return r, nil
}

func hasOpen(ctx context.Context, tx *store.Tx, patientID, kind string) (bool, error) {
	var n int
	err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM privacy_requests WHERE patient_id = $1 AND kind = $2 AND status IN ('open', 'approved', 'running')`,
		patientID, kind).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("check privacy requests: %w", err)
	}
	return n > 0, nil
}

// queryRequests lists what is due first first; ids are given in the order of
// time, so the last id is the cursor.
func queryRequests(ctx context.Context, tx *store.Tx, f Filter, now time.Time) ([]Request, error) {
	cond, args := "TRUE", []any{}
	add := func(format string, val any) {
		args = append(args, val)
		cond += " AND " + fmt.Sprintf(format, len(args))
	}
	if f.PatientID != "" {
		add("patient_id = $%d", f.PatientID)
	}
	if f.Kind != "" {
		add("kind = $%d", f.Kind)
	}
	if f.Status != "" {
		add("status = $%d", f.Status)
	}
	if f.Overdue {
		add("due_at < $%d AND status IN ('open', 'approved', 'running', 'failed')", store.Millis(now))
	}
	if f.Cursor != "" {
		add("(due_at, id) > (SELECT due_at, id FROM privacy_requests WHERE id = $%d)", f.Cursor)
	}
	args = append(args, int64(f.Limit+1))
	rows, err := tx.Query(ctx, "SELECT "+requestColumns+", "+fileUntil+" FROM privacy_requests r WHERE "+cond+
		fmt.Sprintf(" ORDER BY due_at, id LIMIT $%d", len(args)), args...)
	if err != nil {
		return nil, fmt.Errorf("list privacy requests: %w", err)
	}
	defer rows.Close()
	out := []Request{}
	for rows.Next() {
		r, err := scanRequest(rows)
		if err != nil {
			return nil, fmt.Errorf("scan privacy request: %w", err)
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

func retention(ctx context.Context, tx *store.Tx) ([]Rule, error) {
	rows, err := tx.Query(ctx, "SELECT code, kinds, years, basis FROM retention_rules ORDER BY years DESC, code")
	if err != nil {
		return nil, fmt.Errorf("read retention rules: %w", err)
	}
	defer rows.Close()
	var out []Rule
	for rows.Next() {
		var r Rule
		var kinds string
		if err := rows.Scan(&r.Code, &kinds, &r.Years, &r.Basis); err != nil {
			return nil, fmt.Errorf("scan retention rule: %w", err)
		}
		if err := json.Unmarshal([]byte(kinds), &r.Kinds); err != nil {
			return nil, fmt.Errorf("decode retention rule: %w", err)
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

func storeFile(ctx context.Context, tx *store.Tx, requestID, patientID, sealed string, now, until time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO privacy_files (request_id, patient_id, sealed, created_at, until) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (request_id) DO UPDATE SET sealed = excluded.sealed, created_at = excluded.created_at, until = excluded.until`,
		requestID, patientID, sealed, store.Millis(now), store.Millis(until))
	if err != nil {
		return fmt.Errorf("store copy: %w", err)
	}
	return nil
}

func loadFile(ctx context.Context, tx *store.Tx, requestID string, now time.Time) (string, error) {
	var sealed string
	err := tx.QueryRow(ctx, "SELECT sealed FROM privacy_files WHERE request_id = $1 AND until > $2", requestID, store.Millis(now)).Scan(&sealed)
	if store.IsNoRows(err) {
		return "", errs.New(errs.NotFound, "privacy.no_copy")
	}
	if err != nil {
		return "", fmt.Errorf("read copy: %w", err)
	}
	return sealed, nil
}

func dropExpired(ctx context.Context, tx *store.Tx, now time.Time) error {
	if _, err := tx.Exec(ctx, "DELETE FROM privacy_files WHERE until <= $1", store.Millis(now)); err != nil {
		return fmt.Errorf("drop expired copies: %w", err)
	}
	return nil
}

func deleteFiles(ctx context.Context, tx *store.Tx, ids []string) error {
	for _, one := range ids {
		if _, err := tx.Exec(ctx, "DELETE FROM privacy_files WHERE patient_id = $1", one); err != nil {
			return fmt.Errorf("delete copies: %w", err)
		}
	}
	return nil
}
