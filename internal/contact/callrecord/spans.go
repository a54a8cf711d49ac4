package callrecord

import (
	"context"
	"fmt"

	"heartline/internal/contact/journal"
	"heartline/internal/platform/store"
)

// spans collects what a batch says about agents: closed stretches of a state,
// and where each agent stands afterwards.
type spans struct {
	closed  []span
	present map[string]presence
	order   []string
}

type span struct {
	agent, state, reason, contact string
	start, end                    int64
}

type presence struct {
	agent, state, reason, seat string
	since                      int64
	keepSeat                   bool
}

func newSpans() *spans { return &spans{present: make(map[string]presence)} }

func (s *spans) add(ev journal.Event) {
	p, err := journal.Decode(ev)
	if err != nil || ev.Agent == "" {
		return
	}
	at := unixMs(ev.At)
	switch v := p.(type) {
	case journal.AgentSignedIn:
		s.set(presence{agent: ev.Agent, state: "not_ready", reason: "signed_in", seat: v.Seat, since: at})
	case journal.AgentState:
		s.close(ev, v.Prev, v.PrevReason, v.SincePrevMs)
		s.set(presence{agent: ev.Agent, state: v.State, reason: v.Reason, since: at, keepSeat: true})
	case journal.AgentSignedOut:
		s.close(ev, v.Prev, v.PrevReason, v.SincePrevMs)
		s.set(presence{agent: ev.Agent, state: "signed_out", reason: v.Reason, since: at})
	}
}

func (s *spans) close(ev journal.Event, state, reason string, lasted int64) {
	if state == "" || state == "signed_out" || lasted <= 0 {
		return
	}
	end := unixMs(ev.At)
	s.closed = append(s.closed, span{
		agent: ev.Agent, state: state, reason: reason, contact: ev.Contact, start: end - lasted, end: end,
	})
}

func (s *spans) set(p presence) {
	old, known := s.present[p.agent]
	if !known {
		s.order = append(s.order, p.agent)
	} else if p.keepSeat && !old.keepSeat {
		p.seat, p.keepSeat = old.seat, false
	}
	s.present[p.agent] = p
}

func (s *spans) save(ctx context.Context, tx *store.Tx) error {
	for _, c := range s.closed {
		_, err := tx.Exec(ctx, `INSERT INTO agent_spans (agent, started_at, ended_at, state, reason, contact)
			VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (agent, started_at) DO UPDATE SET ended_at = excluded.ended_at, state = excluded.state,
			reason = excluded.reason, contact = excluded.contact`, c.agent, c.start, c.end, c.state, c.reason, c.contact)
		if err != nil {
			return fmt.Errorf("save agent span: %w", err)
		}
	}
	for _, id := range s.order {
		p := s.present[id]
		seat := "excluded.seat"
		if p.keepSeat {
			seat = "agent_presence.seat"
		}
		_, err := tx.Exec(ctx, `INSERT INTO agent_presence (agent, state, reason, since, seat) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (agent) DO UPDATE SET state = excluded.state, reason = excluded.reason,
			since = excluded.since, seat = `+seat, p.agent, p.state, p.reason, p.since, p.seat)
		if err != nil {
			return fmt.Errorf("save agent presence: %w", err)
		}
	}
	return nil
}

// presentAgents lists the agents whom the log shows as signed in.
func (s *Service) presentAgents(ctx context.Context) ([]presence, error) {
	var list []presence
	err := s.db.Read(ctx, func(tx *store.Tx) error {
		list = nil
		rows, err := tx.Query(ctx, "SELECT agent, state, reason, since FROM agent_presence WHERE state <> 'signed_out' ORDER BY agent")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var p presence
			if err := rows.Scan(&p.agent, &p.state, &p.reason, &p.since); err != nil {
				return err
			}
			list = append(list, p)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("present agents: %w", err)
	}
	return list, nil
}
