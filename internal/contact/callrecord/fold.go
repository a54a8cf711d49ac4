package callrecord

import (
	"slices"
	"strings"
	"time"

	"heartline/internal/contact/journal"
)

// foldState is what the fold must remember between events and nobody else
// needs. The projection loses it on a restart and folds the log again.
type foldState struct {
	legs      []legState
	ivrSince  time.Time
	heldSince time.Time
	parkSince time.Time
	asked     time.Time // when a person was first asked for
	failed    string    // last failure of a target leg
	tapeBroke bool      // the recording broke: one that begins afterwards is the call's
	rules     Rules
	whole     bool // folded from the log with all of the batch at hand
}

type legState struct {
	id, party, user string
	started         time.Time
	ringing         time.Time
	answered        time.Time
	ended           bool
	initiator       bool
}

const maxPath = 64

// Fold adds an event to a record. It is pure; events of a contact must come in
// the order of the log. Events of unknown kinds or malformed data change
// nothing.
func Fold(rec Record, ev journal.Event) Record {
	r := rec.clone()
	r.apply(ev)
	return r
}

// apply is Fold in place, for one who owns the record.
func (r *Record) apply(ev journal.Event) {
	p, err := journal.Decode(ev)
	if err != nil {
		return
	}
	if r.ID == "" {
		r.ID = ev.Contact
	}
	if r.StartedAt.IsZero() {
		r.StartedAt = ev.At
	}
	if r.fold.rules.ShortAbandon == 0 {
		r.fold.rules = DefaultRules()
	}
	_ = r.foldStart(ev, p) || r.foldIVR(ev, p) || r.foldQueue(ev, p) || r.foldLeg(ev, p) ||
		r.foldTalk(ev, p) || r.foldAfter(ev, p)
}

func (r Record) clone() Record {
	r.Agents = slices.Clone(r.Agents)
	r.IVRPath = slices.Clone(r.IVRPath)
	r.Visits = slices.Clone(r.Visits)
	r.Handled = slices.Clone(r.Handled)
	r.fold.legs = slices.Clone(r.fold.legs)
	return r
}

// Open reports whether the call has not ended.
func (r *Record) Open() bool { return r.EndedAt.IsZero() }

func (r *Record) foldStart(ev journal.Event, p journal.Payload) bool {
	switch v := p.(type) {
	case journal.CallStarted:
		r.StartedAt = ev.At
		r.Direction = v.Direction
		r.From = Number{Sealed: v.FromSealed, Index: v.FromIndex, Masked: v.FromMasked}
		r.To, r.DID, r.Trunk, r.Extension, r.Channel = v.To, v.DID, v.Trunk, v.Extension, v.Channel
	case journal.CallIdentified:
		if len(v.Patients) == 1 {
			r.PatientID = v.Patients[0]
		}
	default:
		return false
	}
	return true
}

func (r *Record) foldIVR(ev journal.Event, p journal.Payload) bool {
	switch v := p.(type) {
	case journal.IVREntered:
		r.endIVR(ev.At)
		r.fold.ivrSince = ev.At
	case journal.IVRNode:
		r.path(v.Node)
	case journal.IVRInput:
		what := v.Digit
		if v.Input != "digit" {
			what = strings.TrimSpace(v.Input + " " + v.Digit)
		}
		r.path(v.Node + "=" + what)
	case journal.IVRDip:
		r.path(v.Node + "=" + v.Outcome)
	case journal.IVRLeft:
		r.endIVR(ev.At)
		if v.Result == "transfer" {
			r.ask(ev.At)
		}
	default:
		return false
	}
	return true
}

func (r *Record) path(step string) {
	if len(r.IVRPath) < maxPath {
		r.IVRPath = append(r.IVRPath, step)
	}
}

func (r *Record) endIVR(at time.Time) {
	r.IVRMs += ms(r.fold.ivrSince, at)
	r.fold.ivrSince = time.Time{}
}

func (r *Record) ask(at time.Time) {
	if r.fold.asked.IsZero() {
		r.fold.asked = at
	}
}

func (r *Record) foldQueue(ev journal.Event, p journal.Payload) bool {
	switch v := p.(type) {
	case journal.QueueEntered:
		r.endIVR(ev.At)
		r.leaveVisit(ev.At, "moved", v.Queue)
		r.ask(ev.At)
		r.Queue = v.Queue
		r.Visits = append(r.Visits, Visit{Queue: v.Queue, EnteredAt: ev.At})
	case journal.QueueOffered:
		r.Handled = append(r.Handled, Handled{Agent: v.Agent, Queue: ev.Queue, RangAt: ev.At})
	case journal.QueueRefused:
		r.endRing(ev.At, v.Agent, refusal(v.Reason))
	case journal.QueueAnswered:
		r.agentAnswered(ev.At, v.Agent, ev.Queue)
		r.leaveVisit(ev.At, "answered", "")
	case journal.QueueLeft:
		r.leaveVisit(ev.At, v.Reason, v.To)
	default:
		return false
	}
	return true
}

func refusal(reason string) string {
	switch reason {
	case "no_answer", "refused":
		return reason
	}
	return "cancelled"
}

// leaveVisit ends the open stay in a queue. Waiting counts as wait before the
// first answer only; later (agent lost) it is part of the park time.
func (r *Record) leaveVisit(at time.Time, reason, to string) {
	if len(r.Visits) == 0 {
		return
	}
	v := &r.Visits[len(r.Visits)-1]
	if !v.LeftAt.IsZero() {
		return
	}
	v.LeftAt, v.Result, v.To, v.WaitMs = at, reason, to, ms(v.EnteredAt, at)
	if reason == "abandoned" && v.WaitMs <= r.fold.rules.ShortAbandon.Milliseconds() {
		v.Result = "short_abandoned"
	}
	if r.AnsweredAt.IsZero() || v.EnteredAt.Before(r.AnsweredAt) {
		r.WaitMs += v.WaitMs
	}
}

// agentAnswered opens an agent's part, whatever event says so first.
func (r *Record) agentAnswered(at time.Time, agent, queue string) {
	if agent == "" {
		return
	}
	if !slices.Contains(r.Agents, agent) {
		r.Agents = append(r.Agents, agent)
	}
	if len(r.Visits) > 0 && r.Visits[len(r.Visits)-1].LeftAt.IsZero() {
		r.Visits[len(r.Visits)-1].Agent = agent
	}
	r.answer(at)
	h := r.openPart(agent)
	if h == nil {
		r.Handled = append(r.Handled, Handled{Agent: agent, Queue: queue, RangAt: at})
		h = &r.Handled[len(r.Handled)-1]
	}
	if h.AnsweredAt.IsZero() {
		h.AnsweredAt, h.Result, h.RingMs = at, "answered", ms(h.RangAt, at)
		r.RingMs += h.RingMs
	}
}

func (r *Record) answer(at time.Time) {
	if r.AnsweredAt.IsZero() {
		r.AnsweredAt = at
	}
	r.endPark(at)
}

func (r *Record) openPart(agent string) *Handled {
	for i := len(r.Handled) - 1; i >= 0; i-- {
		if h := &r.Handled[i]; h.Agent == agent && h.EndedAt.IsZero() {
			return h
		}
	}
	return nil
}

func (r *Record) endRing(at time.Time, agent, result string) {
	if h := r.openPart(agent); h != nil && h.AnsweredAt.IsZero() {
		h.EndedAt, h.Result, h.RingMs = at, result, ms(h.RangAt, at)
	}
}

// endPart closes an agent's answered part.
func (r *Record) endPart(at time.Time, agent string) {
	h := r.openPart(agent)
	if h == nil {
		return
	}
	if h.AnsweredAt.IsZero() {
		r.endRing(at, agent, "cancelled")
		return
	}
	r.splitHold(at)
	h.EndedAt = at
	h.TalkMs = max(0, ms(h.AnsweredAt, at)-h.HoldMs)
}

func ms(from, to time.Time) int64 {
	if from.IsZero() || to.Before(from) {
		return 0
	}
	return to.Sub(from).Milliseconds()
}
