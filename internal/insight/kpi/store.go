package kpi

import (
	"context"
	"fmt"
	"time"

	"heartline/internal/platform/store"
)

func millis(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

// fill reads a period once: calls give directions, outcomes and, without a
// queue, the waits; visits give the waits of queues; agents' parts the
// handling. total takes what belongs to the whole, queue (may be nil) what
// belongs to one queue.
func (s *Service) fill(ctx context.Context, tx *store.Tx, q Query, total func(time.Time) *Figures, queue func(string, time.Time) *Figures) error {
	if err := s.calls(ctx, tx, q, total); err != nil {
		return fmt.Errorf("report calls: %w", err)
	}
	if err := s.visits(ctx, tx, q, total, queue); err != nil {
		return fmt.Errorf("report visits: %w", err)
	}
	if err := s.parts(ctx, tx, q, total, queue); err != nil {
		return fmt.Errorf("report parts: %w", err)
	}
	return nil
}

func (s *Service) calls(ctx context.Context, tx *store.Tx, q Query, total func(time.Time) *Figures) error {
	query := `SELECT started_at, answered_at, ended_at, direction, queue, outcome, wait_ms, transfers
		FROM calls WHERE started_at >= $1 AND started_at < $2`
	args := []any{store.Millis(q.From), store.Millis(q.To)}
	if q.Queue != "" {
		query += ` AND EXISTS (SELECT 1 FROM call_visits v WHERE v.call_id = calls.id AND v.queue = $3)`
		args = append(args, q.Queue)
	}
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	goals := s.goals("")
	for rows.Next() {
		var started, answered, ended, waitMs int64
		var transfers int
		var direction, queueID, outcome string
		if err := rows.Scan(&started, &answered, &ended, &direction, &queueID, &outcome, &waitMs, &transfers); err != nil {
			return err
		}
		f := total(store.Time(started))
		f.Transfers += transfers
		f.countCall(direction, outcome)
		over := answered > 0 || ended > 0
		if q.Queue == "" && queueID != "" && direction != "outbound" && over {
			f.AddWait(Wait{Result: callResult(answered > 0, outcome), Waited: millis(waitMs)}, goals)
		}
	}
	return rows.Err()
}

func (f *Figures) countCall(direction, outcome string) {
	switch direction {
	case "outbound":
		f.Outbound++
		return
	case "internal":
		f.Internal++
		return
	}
	f.Inbound++
	switch outcome {
	case "ivr":
		f.SelfService++
	case "missed":
		f.Missed++
	case "failed":
		f.Failed++
	case "transferred_out":
		f.TransferredOut++
	}
}

func callResult(answered bool, outcome string) Result {
	switch {
	case outcome == "transferred_out":
		return Overflowed
	case answered:
		return Answered
	case outcome == "abandoned" || outcome == "short_abandoned":
		return Abandoned
	}
	return Unserved
}

func (s *Service) visits(ctx context.Context, tx *store.Tx, q Query, total func(time.Time) *Figures, queue func(string, time.Time) *Figures) error {
	if queue == nil && q.Queue == "" {
		return nil
	}
	query := "SELECT queue, entered_at, wait_ms, result FROM call_visits WHERE entered_at >= $1 AND entered_at < $2 AND left_at > 0"
	args := []any{store.Millis(q.From), store.Millis(q.To)}
	if q.Queue != "" {
		query += " AND queue = $3"
		args = append(args, q.Queue)
	}
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var entered, waitMs int64
		var id, result string
		if err := rows.Scan(&id, &entered, &waitMs, &result); err != nil {
			return err
		}
		at, w := store.Time(entered), Wait{Result: visitResult(result), Waited: millis(waitMs)}
		if q.Queue != "" {
			total(at).AddWait(w, s.goals(id))
		}
		if queue != nil {
			queue(id, at).AddWait(w, s.goals(id))
		}
	}
	return rows.Err()
}

func visitResult(result string) Result {
	switch result {
	case "answered":
		return Answered
	case "abandoned", "short_abandoned":
		return Abandoned
	case "overflow", "moved":
		return Overflowed
	}
	return Unserved
}

func (s *Service) parts(ctx context.Context, tx *store.Tx, q Query, total func(time.Time) *Figures, queue func(string, time.Time) *Figures) error {
	query := `SELECT call_id, queue, rang_at, talk_ms, hold_ms, wrap_ms FROM call_agents
		WHERE rang_at >= $1 AND rang_at < $2 AND result = 'answered' AND (direction = 'inbound' OR direction = 'internal' AND queue <> '')`
	args := []any{store.Millis(q.From), store.Millis(q.To)}
	if q.Queue != "" {
		query += " AND queue = $3"
		args = append(args, q.Queue)
	}
	rows, err := tx.Query(ctx, query+" ORDER BY call_id, seq", args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	last := ""
	seen := make(map[string]bool) // queues of the present call
	for rows.Next() {
		var rang, talk, hold, wrap int64
		var callID, id string
		if err := rows.Scan(&callID, &id, &rang, &talk, &hold, &wrap); err != nil {
			return err
		}
		first := callID != last
		if first {
			last = callID
			clear(seen)
		}
		p := Part{Talk: millis(talk), Hold: millis(hold), Wrap: millis(wrap)}
		total(store.Time(rang)).AddPart(p, first)
		if queue != nil && id != "" {
			queue(id, store.Time(rang)).AddPart(p, !seen[id])
			seen[id] = true
		}
	}
	return rows.Err()
}

func agentCalls(ctx context.Context, tx *store.Tx, q Query, of func(string) *AgentFigures) error {
	query := `SELECT agent, direction, result, ring_ms, talk_ms, hold_ms, wrap_ms FROM call_agents
		WHERE rang_at >= $1 AND rang_at < $2`
	args := []any{store.Millis(q.From), store.Millis(q.To)}
	if q.Queue != "" {
		query += " AND queue = $3"
		args = append(args, q.Queue)
	}
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("report agents' calls: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var agent, direction, result string
		var ring, talk, hold, wrap int64
		if err := rows.Scan(&agent, &direction, &result, &ring, &talk, &hold, &wrap); err != nil {
			return fmt.Errorf("report agents' calls: %w", err)
		}
		a := of(agent)
		a.Ring += millis(ring)
		switch result {
		case "answered":
			a.Handled++
			if direction == "outbound" {
				a.Outbound++
			}
			a.Talk += millis(talk)
			a.Hold += millis(hold)
			a.Wrap += millis(wrap)
		case "no_answer":
			a.NoAnswer++
		case "refused":
			a.Refused++
		}
	}
	return rows.Err()
}

// agentSpans cuts the agents' states to the period. A state that still lasts
// is not written yet: it counts when it ends.
func agentSpans(ctx context.Context, tx *store.Tx, q Query, of func(string) *AgentFigures) error {
	from, to := store.Millis(q.From), store.Millis(q.To)
	rows, err := tx.Query(ctx, `SELECT agent, started_at, ended_at, state, reason FROM agent_spans
		WHERE ended_at > $1 AND started_at < $2`, from, to)
	if err != nil {
		return fmt.Errorf("report agents' states: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var agent, state, reason string
		var start, end int64
		if err := rows.Scan(&agent, &start, &end, &state, &reason); err != nil {
			return fmt.Errorf("report agents' states: %w", err)
		}
		of(agent).addSpan(state, reason, millis(min(end, to)-max(start, from)))
	}
	return rows.Err()
}

func (a *AgentFigures) addSpan(state, reason string, d time.Duration) {
	if d <= 0 {
		return
	}
	a.SignedIn += d
	switch state {
	case "ready":
		a.Ready += d
	case "not_ready":
		a.NotReady += d
		a.Reasons[reason] += d
	case "ringing", "talking", "wrap_up":
		a.Contact += d
	}
}
