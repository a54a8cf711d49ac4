package callrecord

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/store"
)

const (
	defaultLimit = 50
	maxLimit     = 500
)

func unixMs(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return store.Millis(t)
}

const upsertCall = `INSERT INTO calls (id, started_at, answered_at, ended_at, direction, queue, outcome, from_index,
	patient, disposition, ivr_ms, wait_ms, talk_ms, hold_ms, wrap_ms, transfers, data)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
	ON CONFLICT (id) DO UPDATE SET started_at = excluded.started_at, answered_at = excluded.answered_at,
	ended_at = excluded.ended_at, direction = excluded.direction, queue = excluded.queue,
	outcome = excluded.outcome, from_index = excluded.from_index, patient = excluded.patient,
	disposition = excluded.disposition, ivr_ms = excluded.ivr_ms, wait_ms = excluded.wait_ms,
	talk_ms = excluded.talk_ms, hold_ms = excluded.hold_ms, wrap_ms = excluded.wrap_ms,
	transfers = excluded.transfers, data = excluded.data`

const upsertVisit = `INSERT INTO call_visits (call_id, seq, queue, entered_at, left_at, wait_ms, result, agent)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
	ON CONFLICT (call_id, seq) DO UPDATE SET queue = excluded.queue, entered_at = excluded.entered_at,
	left_at = excluded.left_at, wait_ms = excluded.wait_ms, result = excluded.result, agent = excluded.agent`

const upsertAgent = `INSERT INTO call_agents (call_id, seq, agent, queue, direction, started_at, rang_at, answered_at,
	ended_at, result, ring_ms, talk_ms, hold_ms, wrap_ms)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
	ON CONFLICT (call_id, seq) DO UPDATE SET agent = excluded.agent, queue = excluded.queue,
	direction = excluded.direction, started_at = excluded.started_at, rang_at = excluded.rang_at,
	answered_at = excluded.answered_at, ended_at = excluded.ended_at, result = excluded.result,
	ring_ms = excluded.ring_ms, talk_ms = excluded.talk_ms, hold_ms = excluded.hold_ms, wrap_ms = excluded.wrap_ms`

// save writes a record. Its visits and agents' parts follow with the answer and
// the end; before, they are in data only.
func save(ctx context.Context, tx *store.Tx, r *Record) error {
	data, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode call record: %w", err)
	}
	_, err = tx.Exec(ctx, upsertCall, r.ID, unixMs(r.StartedAt), unixMs(r.AnsweredAt), unixMs(r.EndedAt),
		r.Direction, r.Queue, string(r.Outcome), r.From.Index, r.PatientID, r.Disposition,
		r.IVRMs, r.WaitMs, r.TalkMs, r.HoldMs, r.WrapMs, r.Transfers, string(data))
	if err != nil {
		return fmt.Errorf("save call record: %w", err)
	}
	if r.AnsweredAt.IsZero() && r.EndedAt.IsZero() {
		return nil
	}
	for i, v := range r.Visits {
		if r.EndedAt.IsZero() && v.LeftAt.IsZero() {
			continue
		}
		_, err := tx.Exec(ctx, upsertVisit, r.ID, i, v.Queue, unixMs(v.EnteredAt), unixMs(v.LeftAt), v.WaitMs, v.Result, v.Agent)
		if err != nil {
			return fmt.Errorf("save visit: %w", err)
		}
	}
	for i, h := range r.Handled {
		_, err := tx.Exec(ctx, upsertAgent, r.ID, i, h.Agent, h.Queue, r.Direction, unixMs(r.StartedAt), unixMs(h.RangAt),
			unixMs(h.AnsweredAt), unixMs(h.EndedAt), h.Result, h.RingMs, h.TalkMs, h.HoldMs, h.WrapMs)
		if err != nil {
			return fmt.Errorf("save agent's part: %w", err)
		}
	}
	return nil
}

func decode(data string) (Record, error) {
	var r Record
	if err := json.Unmarshal([]byte(data), &r); err != nil {
		return r, fmt.Errorf("decode call record: %w", err)
	}
	return r, nil
}

// Get returns a call.
func (s *Service) Get(ctx context.Context, id string) (rec Record, err error) {
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		rec, err = s.GetTx(ctx, tx, id)
		return err
	})
	return rec, err
}

// GetTx returns a call as the caller's transaction sees it.
func (s *Service) GetTx(ctx context.Context, tx *store.Tx, id string) (Record, error) {
	var data string
	err := tx.QueryRow(ctx, "SELECT data FROM calls WHERE id = $1", id).Scan(&data)
	if store.IsNoRows(err) {
		return Record{}, errs.New(errs.NotFound, "call.not_found")
	}
	if err != nil {
		return Record{}, fmt.Errorf("get call: %w", err)
	}
	return decode(data)
}

// List returns a page of calls, newest first. cursor is "" or a Page's Next.
func (s *Service) List(ctx context.Context, f Filter, cursor string) (Page, error) {
	where, args, err := f.where(cursor)
	if err != nil {
		return Page{}, err
	}
	limit := f.Limit
	if limit <= 0 {
		limit = defaultLimit
	}
	limit = min(limit, maxLimit)
	args = append(args, limit+1)
	query := "SELECT data FROM calls" + where + " ORDER BY started_at DESC, id DESC LIMIT $" + strconv.Itoa(len(args))
	var page Page
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		page = Page{}
		rows, err := tx.Query(ctx, query, args...)
		if err != nil {
			return fmt.Errorf("list calls: %w", err)
		}
		defer rows.Close()
		for rows.Next() {
			var data string
			if err := rows.Scan(&data); err != nil {
				return fmt.Errorf("scan call: %w", err)
			}
			r, err := decode(data)
			if err != nil {
				return err
			}
			page.Items = append(page.Items, r)
		}
		return rows.Err()
	})
	if err != nil {
		return Page{}, err
	}
	if len(page.Items) > limit {
		page.Items = page.Items[:limit]
		last := page.Items[limit-1]
		page.Next = encodeCursor(last.StartedAt, last.ID)
	}
	return page, nil
}

// Export yields all calls of a filter, newest first, page by page, so that an
// export of any size needs little memory and holds no transaction open.
func (s *Service) Export(ctx context.Context, f Filter) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		f.Limit = maxLimit
		cursor := ""
		for {
			page, err := s.List(ctx, f, cursor)
			if err != nil {
				yield(Record{}, err)
				return
			}
			for _, r := range page.Items {
				if !yield(r, nil) {
					return
				}
			}
			if page.Next == "" {
				return
			}
			cursor = page.Next
		}
	}
}

// where builds the condition of a filter.
func (f Filter) where(cursor string) (string, []any, error) {
	var conds []string
	var args []any
	add := func(cond string, values ...any) {
		for _, v := range values {
			args = append(args, v)
			cond = strings.Replace(cond, "?", "$"+strconv.Itoa(len(args)), 1)
		}
		conds = append(conds, cond)
	}
	if !f.From.IsZero() {
		add("started_at >= ?", unixMs(f.From))
	}
	if !f.To.IsZero() {
		add("started_at < ?", unixMs(f.To))
	}
	if f.Queue != "" {
		add("(queue = ? OR EXISTS (SELECT 1 FROM call_visits v WHERE v.call_id = calls.id AND v.queue = ?))", f.Queue, f.Queue)
	}
	if f.Agent != "" {
		add("id IN (SELECT call_id FROM call_agents WHERE agent = ?)", f.Agent)
	}
	for _, c := range []struct{ column, value string }{
		{"outcome", string(f.Outcome)}, {"direction", f.Direction}, {"disposition", f.Disposition},
	} {
		if c.value != "" {
			add(c.column+" = ?", c.value)
		}
	}
	for _, c := range []struct {
		column string
		values []string
	}{{"from_index", f.FromIndexes}, {"patient", f.PatientIDs}} {
		if n := len(c.values); n > 0 {
			values := make([]any, n)
			for i, v := range c.values {
				values[i] = v
			}
			add(c.column+" IN (?"+strings.Repeat(", ?", n-1)+")", values...)
		}
	}
	if f.OpenOnly {
		add("ended_at = 0")
	}
	if cursor != "" {
		at, id, err := decodeCursor(cursor)
		if err != nil {
			return "", nil, err
		}
		add("(started_at < ? OR (started_at = ? AND id < ?))", at, at, id)
	}
	if len(conds) == 0 {
		return "", nil, nil
	}
	return " WHERE " + strings.Join(conds, " AND "), args, nil
}

func encodeCursor(at time.Time, id string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(unixMs(at), 10) + ":" + id))
}

func decodeCursor(cursor string) (at int64, id string, err error) {
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil {
		head, tail, ok := strings.Cut(string(raw), ":")
		if at, err = strconv.ParseInt(head, 10, 64); err == nil && ok {
			return at, tail, nil
		}
	}
	return 0, "", errs.InvalidField("cursor", "cursor_invalid")
}

func (s *Service) openCalls(ctx context.Context) ([]string, error) {
	var ids []string
	err := s.db.Read(ctx, func(tx *store.Tx) error {
		rows, err := tx.Query(ctx, "SELECT id FROM calls WHERE ended_at = 0 ORDER BY id")
		if err != nil {
			return err
		}
		ids, err = scanStrings(rows)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open calls: %w", err)
	}
	return ids, nil
}
