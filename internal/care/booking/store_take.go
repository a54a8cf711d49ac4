package booking

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"heartline/internal/platform/store"
)

// look is what a booking needs to know before it takes a number, read in one
// statement.
type look struct {
	session   Session
	anyFree   bool // of any lane; false: nothing to take, unless a hold ran out
	sameDay   string
	sameUntil int64 // when the hold that sameDay is ends; 0: it is no hold
	replay    string
	hash      string // of the request that replay answered
	banned    bool   // penalties are in force
}

func lookAround(ctx context.Context, tx *store.Tx, sessionID, patientID, key string, now time.Time) (look, error) {
	var l look
	var free, bans int
	se, err := scanSession(tx.QueryRow(ctx, `SELECT `+sessionColumns+`,
			CASE WHEN EXISTS (SELECT 1 FROM booking_numbers n WHERE n.session_id = s.id AND n.state = 'free') THEN 1 ELSE 0 END,
			CASE WHEN EXISTS (SELECT 1 FROM booking_penalties p WHERE p.patient_id = $2 AND p.until_at > $4 AND p.state <> 'lifted') THEN 1 ELSE 0 END,
			COALESCE(d.id, ''), COALESCE(CASE WHEN d.state = 'requested' THEN d.expires_at END, 0), COALESCE(k.id, ''), COALESCE(k.request_hash, '')
		FROM booking_sessions s
		LEFT JOIN appointments d ON d.patient_id = $2 AND d.day_key = s.day_key AND d.active = 1
		LEFT JOIN appointments k ON k.idem_key = $3 AND k.idem_key <> ''
		WHERE s.id = $1`, sessionID, patientID, key, store.Millis(now)), &free, &bans, &l.sameDay, &l.sameUntil, &l.replay, &l.hash)
	if store.IsNoRows(err) {
		return look{}, sessionNotFound()
	}
	if err != nil {
		return look{}, fmt.Errorf("read session: %w", err)
	}
	l.session, l.anyFree, l.banned = se, free == 1, bans == 1
	return l, nil
}

// lockPerson makes bookings for one person wait for each other, so that what
// the rules count is still true when the number is given. SQLite has one
// writer anyway.
func lockPerson(ctx context.Context, tx *store.Tx, patientID string) error {
	if tx.Dialect() == store.SQLite {
		return nil
	}
	if err := tx.Later(ctx, `SELECT pg_advisory_xact_lock(hashtextextended($1, 33))`, patientID); err != nil {
		return fmt.Errorf("lock person: %w", err)
	}
	return nil
}

// reach is which numbers a request may draw from.
type reach struct {
	lane  Lane
	mode  int   // own: the lane alone; shared: and the shared one; all: and what other lanes left over
	now   int64 // numbers that began are past
	begun int   // 1: numbers that began may still be given, until they end
}

const (
	reachOwn = iota
	reachShared
	reachAll
)

// pick is the query for the number to give, with its parameters: the one asked
// for, or the earliest of the channel's own lane, then of the shared one, then
// of what others left. Each of these reads the index of free numbers to the
// first that will do. What is not wanted is left out of the text, so that one
// plan is right for all who ask alike.
func pick(sessionID, numberID string, r reach, lock string) (query string, args []any) {
	args = []any{sessionID, r.now}
	inTime := "n.start_at > $2"
	if r.begun == 1 {
		inTime = "n.end_at > $2"
	}
	from := func(lane string) string {
		return `SELECT n.id FROM booking_numbers n WHERE n.session_id = $1 AND n.state = 'free' AND ` + lane + ` AND ` + inTime + ` ORDER BY n.seq LIMIT 1` + lock
	}
	if numberID != "" {
		args = append(args, numberID, string(r.lane), r.mode)
		return from("n.id = $3 AND (n.lane = $4 OR n.lane = '' AND $5 >= 1 OR n.lane <> 'added' AND $5 = 2)"), args
	}
	lanes := []string{from("n.lane = ''")}
	if r.mode == reachOwn {
		lanes = nil
	}
	if r.mode == reachOwn || r.lane != LaneShared {
		args = append(args, string(r.lane))
		lanes = append([]string{from("n.lane = $3")}, lanes...)
		if r.mode == reachAll {
			lanes = append(lanes, from("n.lane NOT IN ('', 'added', $3)"))
		}
	} else if r.mode == reachAll {
		lanes = append(lanes, from("n.lane NOT IN ('', 'added')"))
	}
	if len(lanes) == 1 {
		return lanes[0], args
	}
	return "SELECT id FROM (" + strings.Join(lanes, ") AS one UNION ALL SELECT id FROM (") + ") AS other LIMIT 1", args
}

const numberReturned = `id, session_id, seq, start_at, end_at, lane, state`

// seize takes a number for a and stores a with its first event. The number is
// a's by the unique index on it, whatever happens around. ok is false when no
// number within reach is free.
func seize(ctx context.Context, tx *store.Tx, numberID string, r reach, a Appointment, key, hash string, e Event) (n Number, ok bool, err error) {
	if tx.Dialect() == store.SQLite {
		return seizeSQLite(ctx, tx, numberID, r, a, key, hash, e)
	}
	// Others' locks are passed by. Only when that leaves nothing are they
	// waited for: who holds the last number may yet give it back.
	for _, lock := range []string{" FOR UPDATE SKIP LOCKED", " FOR UPDATE"} {
		if n, ok, err = seizePostgres(ctx, tx, lock, numberID, r, a, key, hash, e); ok || err != nil {
			return n, ok, err
		}
	}
	return n, false, nil
}

func seizeSQLite(ctx context.Context, tx *store.Tx, numberID string, r reach, a Appointment, key, hash string, e Event) (Number, bool, error) {
	query, args := pick(a.SessionID, numberID, r, "")
	n, err := scanNumber(tx.QueryRow(ctx, `UPDATE booking_numbers SET state = 'taken' WHERE id = (`+query+`) RETURNING `+numberReturned, args...))
	if store.IsNoRows(err) {
		return Number{}, false, nil
	}
	if err != nil {
		return Number{}, false, fmt.Errorf("take number: %w", err)
	}
	args = append([]any{n.ID, n.Seq, millis(n.StartAt), millis(n.EndAt), string(n.Lane)}, newRow(a, key, hash)...)
	if _, err := tx.Exec(ctx, `INSERT INTO appointments (`+insertColumns+`) VALUES (`+placeholders(0, len(args))+`)`, args...); err != nil {
		return Number{}, false, fmt.Errorf("insert appointment: %w", err)
	}
	return n, true, insertEvent(ctx, tx, e)
}

// seizePostgres does the same in one round trip.
func seizePostgres(ctx context.Context, tx *store.Tx, lock, numberID string, r reach, a Appointment, key, hash string, e Event) (Number, bool, error) {
	detail, err := e.json()
	if err != nil {
		return Number{}, false, err
	}
	query, args := pick(a.SessionID, numberID, r, lock)
	row, first := newRow(a, key, hash), len(args)
	args = append(args, row...)
	args = append(args, e.ID, millis(e.At), e.Kind, e.Actor, detail)
	last := first + len(row)
	n, err := scanNumber(tx.QueryRow(ctx, `WITH picked AS (`+query+`),
		taken AS (UPDATE booking_numbers n SET state = 'taken' FROM picked WHERE n.id = picked.id
			RETURNING n.id, n.session_id, n.seq, n.start_at, n.end_at, n.lane, n.state),
		given AS (INSERT INTO appointments (`+insertColumns+`)
			SELECT id, seq, start_at, end_at, lane, `+typed(first, row)+` FROM taken),
		noted AS (INSERT INTO appointment_events (id, appointment_id, at, kind, actor, channel, detail)
			SELECT `+typed(last, []any{"", "", int64(0), "", "", "", ""}, last, first, last+1, last+2, last+3, first+12, last+4)+` FROM taken)
		SELECT `+numberReturned+` FROM taken`, args...))
	if store.IsNoRows(err) {
		return Number{}, false, nil
	}
	if err != nil {
		return Number{}, false, fmt.Errorf("take number: %w", err)
	}
	return n, true, nil
}

// typed lists parameters with their types, which PostgreSQL does not guess in
// a SELECT: those from before+1 on, or the ones at the given places.
func typed(before int, values []any, at ...int) string {
	list := make([]string, len(values))
	for i, v := range values {
		place := before + i
		if len(at) > 0 {
			place = at[i]
		}
		kind := "BIGINT"
		if _, text := v.(string); text {
			kind = "TEXT"
		}
		list[i] = "CAST($" + strconv.Itoa(place+1) + " AS " + kind + ")"
	}
	return strings.Join(list, ", ")
}
