package acd

import (
	"slices"
	"strings"
	"time"
)

func (r *Router) agentSignedIn(e AgentSignedIn) {
	if e.Agent == "" {
		r.ignore("agent_signed_in", e.Agent, "empty_id")
		return
	}
	a, known := r.agents[e.Agent]
	if !known {
		a = &agent{id: e.Agent, state: SignedOut, since: r.now, then: thenReady}
		r.agents[a.id] = a
	}
	if e.Seat != "" || !known {
		a.seat = e.Seat
	}
	left := r.detach(a)
	a.skills = slices.Clone(e.Skills)
	a.queues = uniqueQueues(e.Queues)
	r.attach(a)
	for _, q := range left {
		r.recheck(q)
	}
	switch {
	case !known:
		r.setState(a, NotReady, ReasonSignedIn)
	case a.state == Ready:
		r.feed(a)
	}
}

func uniqueQueues(in []QueueLevel) []QueueLevel {
	out := slices.Clone(in)
	slices.SortStableFunc(out, func(a, b QueueLevel) int { return strings.Compare(a.Queue, b.Queue) })
	return slices.CompactFunc(out, func(a, b QueueLevel) bool { return a.Queue == b.Queue })
}

// attach makes the agent a member of the agent's queues.
func (r *Router) attach(a *agent) {
	for _, ql := range a.queues {
		q := r.ensureQueue(ql.Queue)
		at, _ := slices.BinarySearchFunc(q.members, a.id, compareMember)
		q.members = slices.Insert(q.members, at, member{agent: a, level: ql.Level})
		q.counts[a.state]++
	}
}

// detach ends the memberships and returns the queues that were left.
func (r *Router) detach(a *agent) []*queue {
	left := make([]*queue, 0, len(a.queues))
	for _, ql := range a.queues {
		q := r.queues[ql.Queue]
		if at, found := slices.BinarySearchFunc(q.members, a.id, compareMember); found {
			q.members = slices.Delete(q.members, at, at+1)
			q.counts[a.state]--
			left = append(left, q)
		}
	}
	return left
}

func compareMember(m member, id string) int { return strings.Compare(m.agent.id, id) }

// recheck looks whether the calls of a queue that lost an agent still have
// anybody to wait for.
func (r *Router) recheck(q *queue) {
	for _, cl := range slices.Clone(q.classes) {
		if len(cl.calls) == 0 || q.anyoneAble(cl.needs) {
			continue
		}
		for _, c := range slices.Clone(cl.calls) {
			if r.calls[c.id] == c && c.class == cl && c.offer == nil {
				r.nobody(c)
			}
		}
	}
	r.dropQueue(q)
}

func (r *Router) agentSignedOut(e AgentSignedOut) {
	a, ok := r.agents[e.Agent]
	if !ok {
		r.ignore("agent_signed_out", e.Agent, "not_signed_in")
		return
	}
	c := a.offer
	if c != nil {
		r.withdraw(c, ReasonSignedOut)
	}
	r.setState(a, SignedOut, e.Reason)
	left := r.detach(a)
	delete(r.agents, a.id)
	if c != nil {
		r.place(c)
	}
	for _, q := range left {
		r.recheck(q)
	}
}

func (r *Router) agentState(e AgentState) {
	a, ok := r.agents[e.Agent]
	if !ok {
		r.ignore("agent_state", e.Agent, "not_signed_in")
		return
	}
	switch a.state {
	case Ringing, Talking:
		a.plan(e)
	case WrapUp:
		a.plan(e)
		if e.Ready {
			r.afterWork(a)
		}
	case Ready:
		if !e.Ready {
			r.setState(a, NotReady, e.Reason)
		}
	case NotReady:
		switch {
		case e.Ready:
			r.ready(a)
		case e.Reason != a.reason:
			r.setState(a, NotReady, e.Reason)
		}
	}
}

// plan keeps a wish for when the call is over.
func (a *agent) plan(e AgentState) {
	a.then, a.thenReason = thenNotReady, e.Reason
	if e.Ready {
		a.then, a.thenReason = thenReady, ""
	}
}

func (r *Router) agentBusy(e AgentBusy) {
	a, ok := r.agents[e.Agent]
	if !ok {
		r.ignore("agent_busy", e.Agent, "not_signed_in")
		return
	}
	c := a.offer
	if c != nil && c.id == e.Call {
		r.ignore("agent_busy", e.Agent, "same_call_rings")
		return
	}
	if c != nil {
		r.withdraw(c, ReasonAgentBusy)
	}
	switch a.state {
	case NotReady:
		a.then, a.thenReason = thenNotReady, a.reason
	case Ready:
		a.then, a.thenReason = thenReady, ""
	}
	if a.state == Talking {
		if a.call != e.Call {
			a.call, a.queue = e.Call, ""
		}
	} else {
		a.call, a.queue = e.Call, ""
		r.setState(a, Talking, "")
	}
	if c != nil {
		r.place(c)
	}
}

func (r *Router) agentFree(e AgentFree) {
	a, ok := r.agents[e.Agent]
	if !ok || a.state != Talking {
		r.ignore("agent_free", e.Agent, "not_talking")
		return
	}
	wrap := e.WrapUp
	if wrap < 0 {
		wrap = 0
		if q, ok := r.queues[a.queue]; ok {
			wrap = q.cfg.WrapUp
		}
	}
	if wrap == 0 {
		r.afterWork(a)
		return
	}
	a.wrapUntil = r.now.Add(wrap)
	r.timers.push(timer{at: a.wrapUntil, kind: timerWrapUp, id: a.id})
	r.setState(a, WrapUp, "")
}

func (r *Router) wrapUpDone(e WrapUpDone) {
	a, ok := r.agents[e.Agent]
	if !ok || a.state != WrapUp {
		r.ignore("wrap_up_done", e.Agent, "not_in_wrap_up")
		return
	}
	r.afterWork(a)
}

// afterWork brings an agent to what follows a call.
func (r *Router) afterWork(a *agent) {
	if a.then == thenNotReady {
		reason := a.thenReason
		a.then, a.thenReason = thenReady, ""
		r.setState(a, NotReady, reason)
		return
	}
	r.ready(a)
}

func (r *Router) ready(a *agent) {
	r.setState(a, Ready, "")
	r.feed(a)
}

// setState changes an agent's state and says so. The call that the old or the
// new state is about is named; it is forgotten with ready and not ready.
func (r *Router) setState(a *agent, state AgentStateName, reason string) {
	prev, prevReason, prevFor := a.state, a.reason, r.now.Sub(a.since)
	for _, ql := range a.queues {
		q := r.queues[ql.Queue]
		q.counts[prev]--
		q.counts[state]++
	}
	callID := a.call
	a.state, a.reason, a.since = state, reason, r.now
	if state == Ready {
		a.idleSince = r.now
	}
	if state != WrapUp {
		a.wrapUntil = time.Time{}
	}
	if state == Ready || state == NotReady || state == SignedOut {
		a.call, a.queue = "", ""
	}
	r.decide(SetAgentState{
		Agent: a.id, State: state, Reason: reason, Prev: prev, PrevReason: prevReason, PrevFor: prevFor,
		Call: callID, Seat: a.seat, Until: a.wrapUntil,
	})
}
