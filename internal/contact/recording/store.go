package recording

import (
	"context"
	"fmt"
	"time"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/store"
)

const columns = `id, call_id, started_at, ended_at, duration_ms, bytes, truncated, state, path, wrapped_key, legal_hold, keep_until`

func insertRecording(ctx context.Context, tx *store.Tx, r Recording) error {
	_, err := tx.Exec(ctx, `INSERT INTO recordings (`+columns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (id) DO NOTHING`,
		r.ID, r.CallID, store.Millis(r.StartedAt), store.Millis(r.EndedAt), r.Duration.Milliseconds(), r.Bytes, flag(r.Truncated),
		string(r.State), r.path, r.wrappedKey, flag(r.LegalHold), store.Millis(r.KeepUntil))
	return err
}

func selectRecording(ctx context.Context, tx *store.Tx, recordingID string) (Recording, error) {
	r, err := scan(tx.QueryRow(ctx, `SELECT `+columns+` FROM recordings WHERE id = $1`, recordingID))
	if store.IsNoRows(err) {
		return r, errs.New(errs.NotFound, "recording.not_found")
	}
	return r, err
}

func scan(row interface{ Scan(dest ...any) error }) (Recording, error) {
	var r Recording
	var started, ended, ms, keep int64
	var truncated, hold int
	err := row.Scan(&r.ID, &r.CallID, &started, &ended, &ms, &r.Bytes, &truncated, &r.State, &r.path, &r.wrappedKey, &hold, &keep)
	r.StartedAt, r.EndedAt, r.KeepUntil = store.Time(started), store.Time(ended), store.Time(keep)
	r.Duration = duration(r.Bytes)
	r.Truncated, r.LegalHold = truncated == 1, hold == 1
	return r, err
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

// keptUntil is the day until which the last of some calls' recordings is kept.
func keptUntil(ctx context.Context, tx *store.Tx, calls []string) (time.Time, error) {
	var last int64
	for _, one := range calls {
		var until int64
		err := tx.QueryRow(ctx, "SELECT COALESCE(MAX(keep_until), 0) FROM recordings WHERE call_id = $1", one).Scan(&until)
		if err != nil {
			return time.Time{}, fmt.Errorf("read retention of recordings: %w", err)
		}
		last = max(last, until)
	}
	if last == 0 {
		return time.Time{}, nil
	}
	return store.Time(last), nil
}

// place is where a list of recordings goes on, by the end of their time.
type place struct {
	keepUntil time.Time
	id        string
}

// selectExpired lists what is to be erased at a time, and what was erased but
// may still have its file, after a place.
func selectExpired(ctx context.Context, tx *store.Tx, now time.Time, after place, limit int) (list []Recording, err error) {
	rows, err := tx.Query(ctx, `SELECT `+columns+` FROM recordings
		WHERE keep_until <= $1 AND legal_hold = 0 AND path <> '' AND (keep_until, id) > ($2, $3) ORDER BY keep_until, id LIMIT $4`,
		store.Millis(now), store.Millis(after.keepUntil), after.id, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		r, err := scan(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, rows.Err()
}

// destroyKey makes a recording unreadable for ever; false: it was, or a hold
// came in between.
func destroyKey(ctx context.Context, tx *store.Tx, recordingID string) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE recordings SET state = $1, wrapped_key = '' WHERE id = $2 AND state = $3 AND legal_hold = 0`,
		string(Erased), recordingID, string(Ready))
	if err != nil {
		return false, fmt.Errorf("destroy recording key: %w", err)
	}
	return n == 1, nil
}

func forgetFile(ctx context.Context, tx *store.Tx, recordingID string) error {
	_, err := tx.Exec(ctx, `UPDATE recordings SET path = '' WHERE id = $1 AND state = $2`, recordingID, string(Erased))
	return err
}
