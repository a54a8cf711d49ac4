package acd

import (
	"maps"
	"slices"
	"time"
)

// Image is the whole state of a router as plain data, for a hand-over to
// another process and for replay. It survives JSON.
type Image struct {
	Version Version      `json:"version"`
	Seq     uint64       `json:"seq"`
	Now     time.Time    `json:"now"`
	Queues  []queueImage `json:"queues"`
	Agents  []agentImage `json:"agents"`
	Calls   []callImage  `json:"calls"`
}

type queueImage struct {
	Config     QueueConfig `json:"config"`
	Configured bool        `json:"configured"`
	Served     []time.Time `json:"served,omitempty"`
	GaveUp     []time.Time `json:"gave_up,omitempty"`
}

type agentImage struct {
	ID         string         `json:"id"`
	Seat       string         `json:"seat,omitempty"`
	Queues     []QueueLevel   `json:"queues,omitempty"`
	Skills     []SkillLevel   `json:"skills,omitempty"`
	State      AgentStateName `json:"state"`
	Reason     string         `json:"reason,omitempty"`
	Since      time.Time      `json:"since"`
	IdleSince  time.Time      `json:"idle_since"`
	Call       string         `json:"call,omitempty"`
	Queue      string         `json:"queue,omitempty"`
	WrapUntil  time.Time      `json:"wrap_until,omitzero"`
	Then       string         `json:"then,omitempty"`
	ThenReason string         `json:"then_reason,omitempty"`
}

type callImage struct {
	ID         string      `json:"id"`
	Queue      string      `json:"queue"`
	Needs      []SkillNeed `json:"needs,omitempty"`
	Asked      int         `json:"asked"`
	Priority   int         `json:"priority"`
	Front      bool        `json:"front,omitempty"`
	Since      time.Time   `json:"since"`
	Entered    time.Time   `json:"entered"`
	Seq        uint64      `json:"seq"`
	Offer      string      `json:"offer,omitempty"`
	Agent      string      `json:"agent,omitempty"`
	Deadline   time.Time   `json:"deadline,omitzero"`
	AnnounceAt time.Time   `json:"announce_at,omitzero"`
	OverflowAt time.Time   `json:"overflow_at,omitzero"`
	Overdue    bool        `json:"overdue,omitempty"`
	Told       bool        `json:"told,omitempty"`
	Visited    []string    `json:"visited,omitempty"`
}

// Snapshot copies the router's state.
func (r *Router) Snapshot() Image {
	im := Image{Version: r.version, Seq: r.seq, Now: r.now}
	for _, q := range r.order {
		im.Queues = append(im.Queues, queueImage{
			Config: q.cfg, Configured: q.configured,
			Served: slices.Clone(q.served.at), GaveUp: slices.Clone(q.gaveUp.at),
		})
	}
	for _, id := range slices.Sorted(maps.Keys(r.agents)) {
		a := r.agents[id]
		im.Agents = append(im.Agents, agentImage{
			ID: a.id, Seat: a.seat, Queues: slices.Clone(a.queues), Skills: slices.Clone(a.skills),
			State: a.state, Reason: a.reason, Since: a.since, IdleSince: a.idleSince, Call: a.call,
			Queue: a.queue, WrapUntil: a.wrapUntil, Then: string(a.then), ThenReason: a.thenReason,
		})
	}
	for _, c := range r.sortedCalls() {
		ci := callImage{
			ID: c.id, Queue: c.queue.cfg.ID, Needs: slices.Clone(c.class.needs), Asked: c.asked,
			Priority: c.priority, Front: c.front, Since: c.since, Entered: c.entered, Seq: c.seq,
			AnnounceAt: c.announceAt, OverflowAt: c.overflowAt, Overdue: c.overdue, Told: c.told,
			Visited: slices.Clone(c.visited),
		}
		if c.offer != nil {
			ci.Offer, ci.Agent, ci.Deadline = c.offer.id, c.offer.agent.id, c.offer.deadline
		}
		im.Calls = append(im.Calls, ci)
	}
	return im
}

// Restore makes a router that goes on where Snapshot was taken.
func Restore(im Image) *Router {
	r := NewRouter(Config{}, im.Version)
	r.seq, r.now = im.Seq, im.Now
	for _, qi := range im.Queues {
		q := r.ensureQueue(qi.Config.ID)
		q.cfg, q.configured = qi.Config, qi.Configured
		q.served.at, q.gaveUp.at = slices.Clone(qi.Served), slices.Clone(qi.GaveUp)
	}
	for _, ai := range im.Agents {
		r.restoreAgent(ai)
	}
	for _, ci := range im.Calls {
		r.restoreCall(ci)
	}
	return r
}

func (r *Router) restoreAgent(ai agentImage) {
	a := &agent{
		id: ai.ID, seat: ai.Seat, queues: slices.Clone(ai.Queues), skills: slices.Clone(ai.Skills),
		state: ai.State, reason: ai.Reason, since: ai.Since, idleSince: ai.IdleSince, call: ai.Call,
		queue: ai.Queue, wrapUntil: ai.WrapUntil, then: after(ai.Then), thenReason: ai.ThenReason,
	}
	r.agents[a.id] = a
	r.attach(a)
	if a.state == WrapUp {
		r.timers.push(timer{at: a.wrapUntil, kind: timerWrapUp, id: a.id})
	}
}

func (r *Router) restoreCall(ci callImage) {
	q := r.ensureQueue(ci.Queue)
	c := &call{
		id: ci.ID, queue: q, class: q.classFor(ci.Needs), asked: ci.Asked, priority: ci.Priority,
		front: ci.Front, since: ci.Since, entered: ci.Entered, seq: ci.Seq, overdue: ci.Overdue,
		told: ci.Told, visited: slices.Clone(ci.Visited),
	}
	r.calls[c.id] = c
	q.waiting++
	if !ci.AnnounceAt.IsZero() {
		r.setAnnounce(c, ci.AnnounceAt)
	}
	if !ci.OverflowAt.IsZero() {
		r.setOverflow(c, ci.OverflowAt)
	}
	a, ok := r.agents[ci.Agent]
	if ci.Offer == "" || !ok {
		c.class.insert(c)
		return
	}
	c.offer = &ring{id: ci.Offer, agent: a, deadline: ci.Deadline}
	c.class.offered++
	a.offer = c
	r.offers[ci.Offer] = c
	r.timers.push(timer{at: ci.Deadline, kind: timerRing, id: ci.Offer})
}

// liveQueue is the queue's part of the live picture, without today's counters.
func (q *queue) live() QueueLive {
	l := QueueLive{
		Queue: q.cfg.ID, Waiting: q.waiting, Ready: q.counts[Ready], Ringing: q.counts[Ringing],
		Talking: q.counts[Talking], WrapUp: q.counts[WrapUp], NotReady: q.counts[NotReady],
	}
	for _, cl := range q.classes {
		for _, c := range cl.calls {
			if l.Oldest.IsZero() || c.since.Before(l.Oldest) {
				l.Oldest = c.since
			}
		}
	}
	return l
}

// live is the agent's part of the live picture.
func (a *agent) live() AgentLive {
	l := AgentLive{
		Agent: a.id, State: a.state, Reason: a.reason, Since: a.since, Until: a.wrapUntil,
		Call: a.call, Queue: a.queue, Seat: a.seat, Queues: slices.Clone(a.queues),
	}
	if a.offer != nil {
		l.Until = a.offer.offer.deadline
	}
	if a.then == thenNotReady && (a.state == Ringing || a.state == Talking || a.state == WrapUp) {
		l.Pending = a.thenReason
		if l.Pending == "" {
			l.Pending = string(NotReady)
		}
	}
	return l
}
