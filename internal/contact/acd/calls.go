package acd

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// compareCalls is the order of service: front first (agent loss), then higher
// priority, then the longer wait, then arrival.
func compareCalls(a, b *call) int {
	switch {
	case a.front != b.front:
		if a.front {
			return -1
		}
		return 1
	case a.priority != b.priority:
		if a.priority > b.priority {
			return -1
		}
		return 1
	}
	if d := a.since.Compare(b.since); d != 0 {
		return d
	}
	return compareSeq(a.seq, b.seq)
}

func compareSeq(a, b uint64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func (r *Router) callQueued(e CallQueued) {
	if e.Call == "" || e.Queue == "" {
		r.ignore("call_queued", e.Call, "empty_id")
		return
	}
	since := e.Since
	if since.IsZero() || since.After(r.now) {
		since = r.now
	}
	if c, ok := r.calls[e.Call]; ok {
		r.requeue(c, e)
		return
	}
	r.seq++
	c := &call{id: e.Call, asked: e.Priority, front: e.Front, since: since, seq: r.seq}
	r.calls[c.id] = c
	r.enter(c, r.ensureQueue(e.Queue), e.Skills)
}

// requeue handles CallQueued for a call that waits: into another queue it is
// moved with its place, in the same queue only Front has an effect.
func (r *Router) requeue(c *call, e CallQueued) {
	if e.Queue == c.queue.cfg.ID && (!e.Front || c.front || c.offer != nil) {
		r.ignore("call_queued", e.Call, "waits_already")
		return
	}
	freed := r.withdraw(c, ReasonMoved)
	if e.Queue == c.queue.cfg.ID {
		c.class.remove(c)
		c.front = true
		c.class.insert(c)
	} else {
		r.leave(c, ReasonMoved, e.Queue)
		r.calls[c.id] = c
		c.front, c.asked, c.visited = e.Front, e.Priority, nil
		r.enter(c, r.ensureQueue(e.Queue), e.Skills)
	}
	r.release(freed)
}

// enter puts a call in a queue and finds it an agent or its place.
func (r *Router) enter(c *call, q *queue, skills []SkillNeed) {
	c.queue, c.entered, c.told, c.overdue = q, r.now, false, false
	c.announceAt, c.overflowAt = time.Time{}, time.Time{}
	c.priority = c.asked + q.cfg.Priority
	c.class = q.classFor(q.needs(skills))
	c.class.insert(c)
	q.waiting++
	if q.cfg.OverflowAfter > 0 {
		r.setOverflow(c, r.now.Add(q.cfg.OverflowAfter))
	}
	r.decide(Entered{
		Call: c.id, Queue: q.cfg.ID, Priority: c.priority, Skills: c.class.needs,
		Position: q.position(c), Front: c.front,
	})
	r.place(c)
}

// place offers a waiting call or, if nobody is free, decides whether it may
// wait here, and tells the caller.
func (r *Router) place(c *call) {
	if c.offer != nil || r.match(c) {
		return
	}
	q := c.queue
	switch {
	case c.overdue:
		c.overdue = false
		r.overflow(c, ReasonTime)
	case !q.anyoneAble(c.class.needs):
		r.nobody(c)
	case q.cfg.MaxWaiting > 0 && q.waiting > q.cfg.MaxWaiting && !c.front && c.entered.Equal(r.now):
		r.overflow(c, ReasonLength)
	}
	if r.calls[c.id] == c && c.queue == q && c.offer == nil && q.cfg.AnnounceEvery > 0 && c.announceAt.IsZero() {
		r.announce(c)
	}
}

func (r *Router) nobody(c *call) {
	switch {
	case r.canOverflow(c):
		r.overflow(c, ReasonNoAgents)
	case !c.told:
		c.told = true
		r.decide(NoAgents{Call: c.id, Queue: c.queue.cfg.ID})
	}
}

// canOverflow reports whether the queue has somewhere to send the call where
// it has not been: two queues that overflow into each other must not play ball.
func (r *Router) canOverflow(c *call) bool {
	to := c.queue.cfg.OverflowTo
	if to == "" || to == c.queue.cfg.ID || slices.Contains(c.visited, to) {
		return false
	}
	q, ok := r.queues[to]
	return ok && q.configured
}

// overflow moves a waiting call on, or asks call control once.
func (r *Router) overflow(c *call, reason string) {
	from := c.queue
	if !r.canOverflow(c) {
		if !c.told {
			c.told = true
			r.decide(Overflow{Call: c.id, From: from.cfg.ID, Reason: reason})
		}
		return
	}
	to, needs := r.queues[from.cfg.OverflowTo], c.class.needs
	r.leave(c, ReasonOverflow, to.cfg.ID)
	r.calls[c.id] = c
	c.visited = append(c.visited, from.cfg.ID)
	r.decide(Overflow{Call: c.id, From: from.cfg.ID, To: to.cfg.ID, Reason: reason})
	r.enter(c, to, callNeeds(needs, from.cfg.Skills))
}

// leave ends the visit of a call without an offer.
func (r *Router) leave(c *call, reason, to string) {
	q := c.queue
	c.class.remove(c)
	q.dropClass(c.class)
	q.waiting--
	delete(r.calls, c.id)
	if reason == ReasonAbandoned {
		q.gaveUp.add(r.now)
	}
	r.decide(Left{Call: c.id, Queue: q.cfg.ID, Reason: reason, To: to, Waited: r.now.Sub(c.entered)})
	r.dropQueue(q)
}

func (r *Router) callGone(e CallGone) {
	c, ok := r.calls[e.Call]
	if !ok {
		r.ignore("call_gone", e.Call, "not_waiting")
		return
	}
	reason := e.Reason
	if reason == "" {
		reason = ReasonAbandoned
	}
	freed := r.withdraw(c, ReasonCallerGone)
	r.leave(c, reason, "")
	r.release(freed)
}

func (r *Router) offerAccepted(e OfferAccepted) {
	c, ok := r.offers[e.Offer]
	if !ok {
		r.ignore("offer_accepted", e.Offer, "offer_over")
		return
	}
	a, q := c.offer.agent, c.queue
	waited := r.now.Sub(c.entered)
	delete(r.offers, e.Offer)
	c.offer, a.offer = nil, nil
	c.class.offered--
	r.decide(Accepted{ID: e.Offer, Call: c.id, Agent: a.id, Queue: q.cfg.ID, Waited: waited})
	q.served.add(r.now)
	r.leave(c, ReasonAnswered, "")
	a.call, a.queue = c.id, q.cfg.ID
	r.setState(a, Talking, "")
}

func (r *Router) offerRefused(e OfferRefused) {
	c, ok := r.offers[e.Offer]
	if !ok {
		r.ignore("offer_refused", e.Offer, "offer_over")
		return
	}
	reason := e.Reason
	if reason == "" {
		reason = ReasonRefused
	}
	r.missed(c, reason)
}

// missed ends an offer by the agent's side: the agent is set not ready, so
// that the next caller does not ring at an empty chair, and the call goes on
// to the next agent from its old place.
func (r *Router) missed(c *call, reason string) {
	a := r.withdraw(c, reason)
	a.then, a.thenReason = thenReady, ""
	r.setState(a, NotReady, reason)
	r.place(c)
}

// withdraw ends a call's offer, if there is one; the call waits again at its
// place and the agent, still ringing, is returned.
func (r *Router) withdraw(c *call, reason string) *agent {
	o := c.offer
	if o == nil {
		return nil
	}
	r.decide(CancelOffer{ID: o.id, Call: c.id, Agent: o.agent.id, Queue: c.queue.cfg.ID, Reason: reason})
	delete(r.offers, o.id)
	c.offer, o.agent.offer = nil, nil
	c.class.offered--
	c.class.insert(c)
	return o.agent
}

// release gives an agent whose offer was withdrawn back to the queues. The
// idle time goes on: the agent did nothing wrong.
func (r *Router) release(a *agent) {
	if a == nil || a.state != Ringing {
		return
	}
	idle := a.idleSince
	if a.then == thenNotReady {
		reason := a.thenReason
		a.then, a.thenReason = thenReady, ""
		r.setState(a, NotReady, reason)
		return
	}
	r.setState(a, Ready, "")
	a.idleSince = idle
	r.feed(a)
}

func (r *Router) announce(c *call) {
	q := c.queue
	r.setAnnounce(c, r.now.Add(q.cfg.AnnounceEvery))
	pos := q.position(c)
	low, high := q.estimate(pos, r.now)
	r.decide(Announce{Call: c.id, Queue: q.cfg.ID, Position: pos, Low: low, High: high})
}

// needs merges what the queue demands with what the call brings; the higher
// level counts.
func (q *queue) needs(own []SkillNeed) []SkillNeed {
	if len(own) == 0 && len(q.cfg.Skills) == 0 {
		return nil
	}
	out := make([]SkillNeed, 0, len(own)+len(q.cfg.Skills))
	for _, n := range slices.Concat(q.cfg.Skills, own) {
		i := slices.IndexFunc(out, func(o SkillNeed) bool { return o.Skill == n.Skill })
		switch {
		case i < 0:
			out = append(out, n)
		case n.Level > out[i].Level:
			out[i].Level = n.Level
		}
	}
	slices.SortFunc(out, func(a, b SkillNeed) int { return strings.Compare(a.Skill, b.Skill) })
	return out
}

// callNeeds takes a queue's demands off again when the call moves on.
func callNeeds(needs, queueNeeds []SkillNeed) []SkillNeed {
	return slices.DeleteFunc(slices.Clone(needs), func(n SkillNeed) bool { return slices.Contains(queueNeeds, n) })
}

func (q *queue) classFor(needs []SkillNeed) *class {
	key := ""
	for _, n := range needs {
		key += fmt.Sprintf("%q:%d,", n.Skill, n.Level)
	}
	at, found := slices.BinarySearchFunc(q.classes, key, func(c *class, key string) int { return strings.Compare(c.key, key) })
	if !found {
		q.classes = slices.Insert(q.classes, at, &class{key: key, needs: needs})
	}
	return q.classes[at]
}

// dropClass forgets a class that no call needs.
func (q *queue) dropClass(cl *class) {
	if len(cl.calls) == 0 && cl.offered == 0 {
		q.classes = slices.DeleteFunc(q.classes, func(x *class) bool { return x == cl })
	}
}

func (cl *class) insert(c *call) {
	at, _ := slices.BinarySearchFunc(cl.calls, c, compareCalls)
	cl.calls = slices.Insert(cl.calls, at, c)
}

func (cl *class) remove(c *call) {
	at, found := slices.BinarySearchFunc(cl.calls, c, compareCalls)
	if found && cl.calls[at] == c {
		cl.calls = slices.Delete(cl.calls, at, at+1)
	}
}

// position is 1 for the next call of the queue, over all needs.
func (q *queue) position(c *call) int {
	n := 1
	for _, cl := range q.classes {
		at, _ := slices.BinarySearchFunc(cl.calls, c, compareCalls)
		n += at
	}
	return n
}
