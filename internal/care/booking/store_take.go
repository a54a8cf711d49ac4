package booking

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"heartline/internal/platform/store"
)

// look is what a booking needs to know before it takes a number.
type look struct {
	session   Session // without an id: there is none
	anyFree   bool    // of any lane
	lapsed    bool    // none is free, but a hold whose time is over keeps one
	sameDay   string
	sameUntil int64 // when the hold that sameDay is ends; 0: it is no hold
	replay    string
	hash      string // of the request that replay answered
	banned    bool   // penalties are in force
}

// lookAround reads the looks of requests in one statement. What it finds by an
// index stands in subqueries, where the database cannot but use it, also while
// it knows nothing about young tables. For those "active <> 0", here and
// elsewhere, keeps PostgreSQL from the index of codes, which holds what is
// "active = 1": it would read the whole of it, taking it for empty.
func lookAround(ctx context.Context, tx *store.Tx, list []Request, now time.Time) ([]look, error) {
	asked := make([][]string, len(list))
	for i, r := range list {
		asked[i] = []string{r.SessionID, r.PatientID, r.Key}
	}
	w, args := tx.Table("w", 2, []string{"session_id", "patient_id", "idem_key"}, asked)
	rows, err := tx.Query(ctx, `WITH `+w+` SELECT `+sessionColumns+`, w.ord,
			CASE WHEN EXISTS (SELECT 1 FROM booking_numbers n WHERE n.session_id = s.id AND n.state = 'free') THEN 2
				WHEN EXISTS (SELECT 1 FROM appointments h WHERE h.session_id = s.id AND h.state = 'requested' AND h.expires_at <= $1) THEN 1 ELSE 0 END,
			CASE WHEN EXISTS (SELECT 1 FROM booking_penalties p WHERE p.patient_id = w.patient_id AND p.until_at > $1 AND p.state <> 'lifted') THEN 1 ELSE 0 END,
			COALESCE((SELECT d.id || ' ' || CASE d.state WHEN 'requested' THEN d.expires_at ELSE 0 END FROM appointments d
				WHERE d.patient_id = w.patient_id AND d.day_key = s.day_key AND d.active <> 0), ''),
			COALESCE((SELECT k.id || ' ' || k.request_hash FROM appointments k WHERE k.idem_key = w.idem_key AND k.idem_key <> ''), '')
		FROM w CROSS JOIN booking_sessions s WHERE s.id = w.session_id`, append([]any{store.Millis(now)}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("look around: %w", err)
	}
	defer rows.Close()
	looks := make([]look, len(list))
	for rows.Next() {
		var l look
		var ord, free, bans int
		var day, key string
		if l.session, err = scanSession(rows, &ord, &free, &bans, &day, &key); err != nil {
			return nil, fmt.Errorf("look around: %w", err)
		}
		if l.sameDay, day, _ = strings.Cut(day, " "); day != "" {
			if l.sameUntil, err = strconv.ParseInt(day, 10, 64); err != nil {
				return nil, fmt.Errorf("look around: %w", err)
			}
		}
		l.replay, l.hash, _ = strings.Cut(key, " ")
		l.anyFree, l.lapsed, l.banned = free == 2, free == 1, bans == 1
		looks[ord-1] = l
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("look around: %w", err)
	}
	return looks, nil
}

// lookFor is lookAround for one request.
func lookFor(ctx context.Context, tx *store.Tx, r Request, now time.Time) (look, error) {
	list, err := lookAround(ctx, tx, []Request{r}, now)
	if err != nil {
		return look{}, err
	}
	if list[0].session.ID == "" {
		return look{}, sessionNotFound()
	}
	return list[0], nil
}

// lockPersons makes bookings for one person wait for each other, so that what
// the rules count is still true when the number is given. SQLite has one
// writer anyway. Locks are taken in one order, so that no two groups wait for
// each other.
func lockPersons(ctx context.Context, tx *store.Tx, patientIDs ...string) error {
	if tx.Dialect() == store.SQLite {
		return nil
	}
	err := tx.Later(ctx, `SELECT pg_advisory_xact_lock(h) FROM (SELECT DISTINCT hashtextextended(p, 33) AS h
		FROM unnest(CAST($1 AS TEXT[])) AS p ORDER BY h) AS persons`, patientIDs)
	if err != nil {
		return fmt.Errorf("lock persons: %w", err)
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

// source is where a number is drawn from.
type source struct {
	sessionID, numberID string
	lane                Lane
	kind                kind
}

func (t *taking) source() source {
	return source{sessionID: t.se.ID, numberID: t.r.NumberID, lane: t.reach.lane, kind: t.kind()}
}

// kind is what pick makes one text of.
type kind struct {
	one    bool // a number was asked for
	mode   int
	begun  bool
	shared bool // no lane of its own
}

func (t *taking) kind() kind {
	return kind{one: t.r.NumberID != "", mode: t.reach.mode, begun: t.reach.begun == 1, shared: t.reach.lane == LaneShared}
}

// pick is the query for the number to give to a row of w: the one asked for, or
// the earliest of the channel's own lane, then of the shared one, then of what
// others left. Each of these reads the index of free numbers to the first that
// will do. What is not wanted is left out of the text, so that one plan is
// right for all who ask alike.
func pick(k kind, lock string) string {
	inTime := "n.start_at > $1"
	if k.begun {
		inTime = "n.end_at > $1"
	}
	from := func(lane string) string {
		return `SELECT n.id FROM booking_numbers n WHERE n.session_id = w.session_id AND n.state = 'free' AND ` + lane + ` AND ` + inTime +
			` ORDER BY n.seq LIMIT 1` + lock
	}
	own, shared, left := "n.lane = w.lane", "n.lane = ''", "n.lane NOT IN ('', 'added', w.lane)"
	lanes := [][]string{reachOwn: {own}, reachShared: {own, shared}, reachAll: {own, shared, left}}[k.mode]
	if k.shared && k.mode != reachOwn { // the shared lane is its own
		lanes = lanes[1:]
	}
	if k.one {
		return from("n.id = w.number_id AND (" + strings.Join(lanes, " OR ") + ")")
	}
	texts := make([]string, len(lanes))
	for i, lane := range lanes {
		texts[i] = "SELECT id FROM (" + from(lane) + ") AS lane" + strconv.Itoa(i)
	}
	return strings.Join(texts, " UNION ALL ") + " LIMIT 1"
}

// seize gives numbers to those of list for whom one is within reach and free,
// and stores their appointments with the first event. A number is an
// appointment's by the unique index on it, whatever happens around. wait is for
// one who is served alone, see takeNumbers.
func (s *Service) seize(ctx context.Context, tx *store.Tx, list []*taking, wait bool) error {
	if err := takeNumbers(ctx, tx, list, wait); err != nil {
		return err
	}
	var appointments [][]any
	var events []Event
	for _, t := range list {
		if t.given {
			appointments = append(appointments, newRow(t.a, t.r.Key, t.hash))
			events = append(events, s.first(t))
		}
	}
	if err := insertAppointments(ctx, tx, appointments); err != nil {
		return err
	}
	return insertEvents(ctx, tx, events...)
}

// takeNumbers takes the numbers, each session once in a statement. On
// PostgreSQL others' locks are passed by; with wait they are waited for when
// that leaves nothing: who holds the last number may yet give it back.
func takeNumbers(ctx context.Context, tx *store.Tx, list []*taking, wait bool) error {
	locks := []string{""}
	if tx.Dialect() == store.Postgres {
		locks = []string{" FOR UPDATE SKIP LOCKED", " FOR UPDATE"}
		if !wait {
			locks = locks[:1]
		}
	}
	for _, lock := range locks {
		dry := map[source]bool{}
		for rest := list; len(rest) > 0; {
			var round []*taking
			round, rest = nextRound(rest, dry)
			if err := takeRound(ctx, tx, round, lock); err != nil {
				return err
			}
			for _, t := range round {
				dry[t.source()] = !t.given
			}
		}
	}
	return nil
}

// nextRound are those of one kind without a number, of each session the one
// who came first, and the rest. Who would draw from where another found nothing
// is in neither.
func nextRound(list []*taking, dry map[source]bool) (round, rest []*taking) {
	sessions := map[string]bool{}
	for _, t := range list {
		switch {
		case t.given || dry[t.source()]:
			continue
		case !sessions[t.se.ID] && (len(round) == 0 || t.kind() == round[0].kind()):
			round = append(round, t)
		default:
			rest = append(rest, t)
		}
		sessions[t.se.ID] = true
	}
	return round, rest
}

func takeRound(ctx context.Context, tx *store.Tx, round []*taking, lock string) error {
	if len(round) == 0 {
		return nil
	}
	asked, bySession := make([][]string, len(round)), make(map[string]*taking, len(round))
	for i, t := range round {
		asked[i], bySession[t.se.ID] = []string{t.se.ID, t.r.NumberID, string(t.reach.lane)}, t
	}
	w, args := tx.Table("w", 2, []string{"session_id", "number_id", "lane"}, asked)
	query := `WITH ` + w + ` UPDATE booking_numbers SET state = 'taken' WHERE id IN (SELECT (` + pick(round[0].kind(), "") + `) FROM w) RETURNING ` + numberColumns
	if lock != "" {
		query = `WITH ` + w + `, picked AS (SELECT p.id AS picked_id FROM w CROSS JOIN LATERAL (` + pick(round[0].kind(), lock) + `) AS p)
			UPDATE booking_numbers SET state = 'taken' FROM picked WHERE id = picked_id RETURNING ` + numberColumns
	}
	rows, err := tx.Query(ctx, query, append([]any{round[0].reach.now}, args...)...)
	if err != nil {
		return fmt.Errorf("take numbers: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		n, err := scanNumber(rows)
		if err != nil {
			return fmt.Errorf("take numbers: %w", err)
		}
		bySession[n.SessionID].give(n)
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("take numbers: %w", err)
	}
	return nil
}

func (t *taking) give(n Number) {
	t.given = true
	t.a.NumberID, t.a.Seq, t.a.StartAt, t.a.EndAt, t.a.Lane = n.ID, n.Seq, n.StartAt, n.EndAt, n.Lane
}
