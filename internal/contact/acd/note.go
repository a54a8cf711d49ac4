package acd

import (
	"maps"
	"slices"
	"time"

	"heartline/internal/contact/journal"
	"heartline/internal/platform/event"
)

const shortAbandon = 5 * time.Second

// note writes a decision to the journal and counts it. s.mu is held.
func (s *Service) note(d Decision) {
	switch v := d.(type) {
	case Entered:
		s.queue(v.Queue).Offered++
		s.journal.Append(v.Call, "", v.Queue, journal.QueueEntered{
			Queue: v.Queue, Priority: v.Priority, Skills: v.Skills, Position: v.Position, Front: v.Front,
		})
	case Announce:
		s.journal.Append(v.Call, "", v.Queue, journal.QueueAnnounced{
			Position: v.Position, EstimateLowS: int(v.Low.Seconds()), EstimateHighS: int(v.High.Seconds()),
		})
	case Offer:
		s.dirty[v.Queue] = true
		s.journal.Append(v.Call, v.Agent, v.Queue, journal.QueueOffered{Agent: v.Agent, Offer: v.ID, Receipt: v.Receipt})
	case CancelOffer:
		s.dirty[v.Queue] = true
		s.journal.Append(v.Call, v.Agent, v.Queue, journal.QueueRefused{Agent: v.Agent, Offer: v.ID, Reason: v.Reason})
	case Accepted:
		s.answered(v)
		s.journal.Append(v.Call, v.Agent, v.Queue, journal.QueueAnswered{Agent: v.Agent, Offer: v.ID, WaitedMs: v.Waited.Milliseconds()})
	case Left:
		s.left(v)
		s.journal.Append(v.Call, "", v.Queue, journal.QueueLeft{Reason: v.Reason, To: v.To, WaitedMs: v.Waited.Milliseconds()})
	case SetAgentState:
		s.agentState(v)
	}
}

func (s *Service) agentState(v SetAgentState) {
	prevMs := v.PrevFor.Milliseconds()
	s.moved[v.Agent] = true
	if a, ok := s.router.agents[v.Agent]; ok {
		for _, q := range a.queues {
			s.dirty[q.Queue] = true
		}
	}
	switch {
	case v.Prev == SignedOut:
		s.journal.Append("", v.Agent, "", journal.AgentSignedIn{Seat: v.Seat})
		s.journal.Append("", v.Agent, "", journal.AgentState{State: string(v.State), Reason: v.Reason})
	case v.State == SignedOut:
		s.gone = append(s.gone, AgentLive{Agent: v.Agent, State: SignedOut, Reason: v.Reason, Since: s.router.now})
		for id := range s.router.queues {
			s.dirty[id] = true
		}
		s.journal.Append(v.Call, v.Agent, "", journal.AgentSignedOut{
			Reason: v.Reason, Prev: string(v.Prev), PrevReason: v.PrevReason, SincePrevMs: prevMs,
		})
	default:
		s.journal.Append(v.Call, v.Agent, "", journal.AgentState{
			State: string(v.State), Reason: v.Reason, Prev: string(v.Prev), PrevReason: v.PrevReason, SincePrevMs: prevMs,
		})
	}
}

// queue returns today's counters of a queue and marks it to be published.
func (s *Service) queue(id string) *Today {
	s.dirty[id] = true
	t, ok := s.today[id]
	if !ok {
		t = &Today{}
		s.today[id] = t
	}
	return t
}

func (s *Service) answered(v Accepted) {
	t := s.queue(v.Queue)
	waited := v.Waited.Milliseconds()
	t.Answered++
	t.WaitMsAnswered += waited
	t.LongestWaitMs = max(t.LongestWaitMs, waited)
	if q, ok := s.router.queues[v.Queue]; ok && (q.cfg.ServiceLevel <= 0 || v.Waited <= q.cfg.ServiceLevel) {
		t.AnsweredInTime++
	}
}

func (s *Service) left(v Left) {
	t := s.queue(v.Queue)
	switch v.Reason {
	case ReasonAnswered: // counted by answered
	case ReasonAbandoned:
		limit := shortAbandon
		if q, ok := s.router.queues[v.Queue]; ok && q.cfg.ShortAbandon > 0 {
			limit = q.cfg.ShortAbandon
		}
		t.Abandoned++
		t.LongestWaitMs = max(t.LongestWaitMs, v.Waited.Milliseconds())
		if v.Waited <= limit {
			t.ShortAbandoned++
		}
	case ReasonOverflow:
		t.Overflowed++
	default:
		t.OtherLeft++
	}
}

// figures completes the counters with what is derived from them.
func (t Today) figures() Today {
	t.ServiceLevel = -1
	if n := t.Answered + t.Abandoned - t.ShortAbandoned; n > 0 {
		t.ServiceLevel = float64(t.AnsweredInTime) / float64(n)
	}
	if t.Answered > 0 {
		t.ASAMs = t.WaitMsAnswered / int64(t.Answered)
	}
	return t
}

func (s *Service) dayOf(t time.Time) string { return t.In(s.zone).Format(time.DateOnly) }

// turnDay starts the counters anew at midnight; who waits then is offered
// today, so that today's balance holds.
func (s *Service) turnDay(now time.Time) {
	day := s.dayOf(now)
	if day == s.day {
		return
	}
	s.day = day
	s.today = make(map[string]*Today)
	for _, q := range s.router.order {
		s.queue(q.cfg.ID).Offered = q.waiting
	}
}

// SeedToday sets the counters of a queue, from the call records of the day
// after a restart.
func (s *Service) SeedToday(queueID string, t Today) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*s.queue(queueID) = t
}

// Snapshot returns the live picture.
func (s *Service) Snapshot() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	s.turnDay(now)
	st := State{At: now}
	for _, q := range s.router.order {
		st.Queues = append(st.Queues, s.live(q))
	}
	for _, id := range slices.Sorted(maps.Keys(s.router.agents)) {
		st.Agents = append(st.Agents, s.router.agents[id].live())
	}
	return st
}

// Agent returns one agent's live state; ok is false if not signed in.
func (s *Service) Agent(id string) (AgentLive, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.router.agents[id]
	if !ok {
		return AgentLive{Agent: id, State: SignedOut}, false
	}
	return a.live(), true
}

func (s *Service) live(q *queue) QueueLive {
	l := q.live()
	if t, ok := s.today[q.cfg.ID]; ok {
		l.Today = *t
	}
	l.Today = l.Today.figures()
	return l
}

// publish tells the bus what changed since the last time.
func (s *Service) publish() {
	s.mu.Lock()
	agents := s.gone
	for _, id := range slices.Sorted(maps.Keys(s.moved)) {
		if a, ok := s.router.agents[id]; ok {
			agents = append(agents, a.live())
		}
	}
	var queues []QueueLive
	for _, id := range slices.Sorted(maps.Keys(s.dirty)) {
		if q, ok := s.router.queues[id]; ok {
			queues = append(queues, s.live(q))
		}
	}
	s.gone = nil
	clear(s.moved)
	clear(s.dirty)
	s.mu.Unlock()
	if s.bus == nil {
		return
	}
	for _, a := range agents {
		event.Publish(s.bus, AgentChanged{AgentLive: a})
	}
	for _, q := range queues {
		event.Publish(s.bus, QueueChanged{QueueLive: q})
	}
}
