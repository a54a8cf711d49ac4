package callrecord

import (
	"time"

	"heartline/internal/contact/journal"
)

func (r *Record) foldLeg(ev journal.Event, p journal.Payload) bool {
	switch v := p.(type) {
	case journal.LegStarted:
		l := legState{id: v.Leg, party: v.Party, user: v.User, started: ev.At}
		if l.user == "" && l.party == "agent" {
			l.user = ev.Agent
		}
		l.initiator = v.Party == "caller" || len(r.fold.legs) == 0
		r.fold.legs = append(r.fold.legs, l)
	case journal.LegRinging:
		r.legRinging(ev, v.Leg)
	case journal.LegAnswered:
		r.legAnswered(ev, v.Leg)
	case journal.LegEnded:
		r.legEnded(ev, v)
	case journal.MediaQuality:
		if v.MOS > 0 && (r.MOS == 0 || v.MOS < r.MOS) {
			r.MOS = v.MOS
		}
	case journal.MediaUp, journal.MediaLost:
	default:
		return false
	}
	return true
}

func (r *Record) leg(id string) *legState {
	for i := len(r.fold.legs) - 1; i >= 0; i-- {
		if r.fold.legs[i].id == id {
			return &r.fold.legs[i]
		}
	}
	return nil
}

// target says whether the leg's answer means that somebody answered the call.
func (l *legState) target() bool { return !l.initiator && l.party != "supervisor" }

func (r *Record) legRinging(ev journal.Event, id string) {
	l := r.leg(id)
	if l == nil || !l.target() {
		return
	}
	r.ask(ev.At)
	if l.ringing.IsZero() {
		l.ringing = ev.At
	}
	if l.party == "agent" && l.user != "" && r.openPart(l.user) == nil {
		r.Handled = append(r.Handled, Handled{Agent: l.user, Queue: ev.Queue, RangAt: ev.At})
	}
}

func (r *Record) legAnswered(ev journal.Event, id string) {
	l := r.leg(id)
	if l == nil || !l.answered.IsZero() || l.ended {
		return
	}
	l.answered = ev.At
	if !l.target() {
		if l.party == "agent" && r.Direction != "inbound" {
			r.placedBy(ev.At, l.user)
		}
		return
	}
	if l.party == "agent" && l.user != "" {
		if !r.queueDecides() {
			r.agentAnswered(ev.At, l.user, ev.Queue)
		}
		return
	}
	if r.AnsweredAt.IsZero() {
		r.RingMs += ms(l.ringing, ev.At)
	}
	r.answer(ev.At)
	r.callerSideAnswered(ev.At)
}

// queueDecides says that an agent's telephone may have been picked up too late:
// while the caller is in a queue only queue.answered makes the call answered,
// and after the caller gave up nothing does.
func (r *Record) queueDecides() bool {
	if len(r.Visits) == 0 {
		return false
	}
	v := r.Visits[len(r.Visits)-1]
	return v.LeftAt.IsZero() || v.Result == "abandoned" || v.Result == "short_abandoned"
}

// placedBy opens the part of an agent who places a call; its ring time is how
// long the far end rang.
func (r *Record) placedBy(at time.Time, agent string) {
	if agent == "" || r.openPart(agent) != nil {
		return
	}
	r.Agents = append(r.Agents, agent)
	r.Handled = append(r.Handled, Handled{Agent: agent, RangAt: at})
}

// callerSideAnswered starts the talk of the agent who placed the call.
func (r *Record) callerSideAnswered(at time.Time) {
	for i := range r.fold.legs {
		l := &r.fold.legs[i]
		if !l.initiator || l.party != "agent" || l.ended {
			continue
		}
		if h := r.openPart(l.user); h != nil && h.AnsweredAt.IsZero() {
			h.AnsweredAt, h.Result, h.RingMs = at, "answered", ms(h.RangAt, at)
		}
	}
}

func (r *Record) legEnded(ev journal.Event, v journal.LegEnded) {
	l := r.leg(v.Leg)
	if l == nil || l.ended {
		return
	}
	l.ended = true
	if l.target() && l.answered.IsZero() && v.SIPCode >= 500 {
		r.fold.failed = v.Cause
	}
	if l.party == "agent" && l.user != "" {
		if l.answered.IsZero() {
			result := "cancelled"
			if v.Cause == "no_answer" || v.SIPCode == 408 || v.SIPCode == 480 {
				result = "no_answer"
			}
			if h := r.openPart(l.user); h != nil && h.AnsweredAt.IsZero() {
				r.endRing(ev.At, l.user, result)
			}
			return
		}
		r.endPart(ev.At, l.user)
	}
}

func (r *Record) foldTalk(ev journal.Event, p journal.Payload) bool {
	switch v := p.(type) {
	case journal.CallHeld:
		if r.fold.heldSince.IsZero() {
			r.fold.heldSince = ev.At
		}
	case journal.CallResumed:
		r.splitHold(ev.At)
		r.fold.heldSince = time.Time{}
	case journal.CallParked:
		if r.fold.parkSince.IsZero() && !r.AnsweredAt.IsZero() {
			r.splitHold(ev.At)
			r.fold.heldSince = time.Time{}
			r.fold.parkSince = ev.At
		}
	case journal.CallUnparked:
		r.endPark(ev.At)
	case journal.CallTransferred:
		if v.Result == "" || v.Result == "ok" {
			r.Transfers++
		}
	case journal.RecordingStarted:
		if r.Recording == "" || r.fold.tapeBroke {
			r.Recording, r.fold.tapeBroke = v.Recording, false
		}
	case journal.RecordingFailed:
		r.fold.tapeBroke = r.fold.tapeBroke || v.Recording == r.Recording
	case journal.RecordingStopped:
		if v.Discarded && v.Recording == r.Recording {
			r.Recording = ""
		}
	default:
		return false
	}
	return true
}

func (r *Record) endPark(at time.Time) {
	r.ParkMs += ms(r.fold.parkSince, at)
	r.fold.parkSince = time.Time{}
}

// splitHold books the hold up to now on the call and on the agent who has it,
// and lets a hold that goes on begin anew.
func (r *Record) splitHold(at time.Time) {
	d := ms(r.fold.heldSince, at)
	if d == 0 {
		return
	}
	r.fold.heldSince = at
	r.HoldMs += d
	for i := len(r.Handled) - 1; i >= 0; i-- {
		if h := &r.Handled[i]; !h.AnsweredAt.IsZero() && h.EndedAt.IsZero() {
			h.HoldMs += d
			return
		}
	}
}

func (r *Record) foldAfter(ev journal.Event, p journal.Payload) bool {
	switch v := p.(type) {
	case journal.CallDisposed:
		r.Disposition = v.Disposition
		if v.Patient != "" {
			r.PatientID = v.Patient
		}
	case journal.CallNoted:
		r.Notes = v.Notes
	case journal.CallEnded:
		if r.Open() {
			r.end(ev.At, v)
		}
	case journal.AgentState:
		r.wrapped(ev.Agent, v.Prev, v.SincePrevMs)
	case journal.AgentSignedOut:
		r.wrapped(ev.Agent, v.Prev, v.SincePrevMs)
	default:
		return false
	}
	return true
}

const maxWrap = int64(24 * time.Hour / time.Millisecond)

func (r *Record) wrapped(agent, prev string, d int64) {
	if prev != "wrap_up" || d < 0 {
		return
	}
	d = min(d, maxWrap) // a clock that jumped must not spoil the sums
	r.WrapMs += d
	for i := len(r.Handled) - 1; i >= 0; i-- {
		if h := &r.Handled[i]; h.Agent == agent && h.Result == "answered" {
			h.WrapMs += d
			return
		}
	}
}

func (r *Record) end(at time.Time, v journal.CallEnded) {
	r.endIVR(at)
	r.endPark(at)
	left := "abandoned"
	if v.By != "caller" {
		left = "closed"
	}
	r.leaveVisit(at, left, "")
	for i := range r.Handled {
		if r.Handled[i].EndedAt.IsZero() {
			r.endPart(at, r.Handled[i].Agent)
		}
	}
	r.splitHold(at)
	r.fold.heldSince = time.Time{}
	r.EndedAt, r.EndCause, r.EndedBy = at, v.Cause, v.By
	if !r.AnsweredAt.IsZero() {
		r.TalkMs = max(0, ms(r.AnsweredAt, at)-r.HoldMs-r.ParkMs)
	}
	r.Outcome = r.outcome()
}

// outcome is decided once, at the end. Only a real answer makes a call
// answered; a caller who gave up is abandoned however often it rang.
func (r *Record) outcome() Outcome {
	switch {
	case !r.AnsweredAt.IsZero() && r.Direction == "inbound" && len(r.Agents) == 0 && r.onlyExternal():
		return TransferredOut
	case !r.AnsweredAt.IsZero():
		return Answered
	case r.EndedBy == "restart" || isFault(r.EndCause):
		return Failed
	case r.EndedBy == "caller" && (r.Direction == "inbound" || r.Direction == "internal" && len(r.Visits) > 0):
		return r.gaveUp()
	case r.Direction == "outbound" && r.fold.failed != "":
		return Failed
	case r.Direction == "inbound" && r.fold.asked.IsZero():
		return SelfService
	}
	return Missed
}

func (r *Record) onlyExternal() bool {
	external := false
	for _, l := range r.fold.legs {
		if !l.target() || l.answered.IsZero() {
			continue
		}
		if l.party != "external" {
			return false
		}
		external = true
	}
	return external
}

func (r *Record) gaveUp() Outcome {
	switch {
	case r.fold.asked.IsZero():
		return SelfService
	case ms(r.fold.asked, r.EndedAt) <= r.fold.rules.ShortAbandon.Milliseconds():
		return ShortAbandoned
	}
	return Abandoned
}

func isFault(cause string) bool {
	switch cause {
	case "failed", "error", "system_fault", "media_failed", "trunk_failed", "timeout_signalling":
		return true
	}
	return false
}
