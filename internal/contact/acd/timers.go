package acd

import (
	"strings"
	"time"
)

type timerKind uint8

const (
	timerRing timerKind = iota
	timerWrapUp
	timerOverflow
	timerAnnounce
)

// timer is a note to look again; whether it still means anything is seen when
// it is due, so nothing needs to be taken out of the heap.
type timer struct {
	at   time.Time
	kind timerKind
	id   string
}

func (t timer) before(o timer) bool {
	if d := t.at.Compare(o.at); d != 0 {
		return d < 0
	}
	if t.kind != o.kind {
		return t.kind < o.kind
	}
	return strings.Compare(t.id, o.id) < 0
}

// timerHeap is a binary heap, the earliest first.
type timerHeap []timer

func (h *timerHeap) push(t timer) {
	*h = append(*h, t)
	s := *h
	for i := len(s) - 1; i > 0; {
		parent := (i - 1) / 2
		if !s[i].before(s[parent]) {
			return
		}
		s[i], s[parent] = s[parent], s[i]
		i = parent
	}
}

func (h *timerHeap) pop() timer {
	s := *h
	top := s[0]
	last := len(s) - 1
	s[0] = s[last]
	s[last] = timer{}
	s = s[:last]
	*h = s
	for i := 0; ; {
		child := 2*i + 1
		if child >= len(s) {
			break
		}
		if child+1 < len(s) && s[child+1].before(s[child]) {
			child++
		}
		if !s[child].before(s[i]) {
			break
		}
		s[i], s[child] = s[child], s[i]
		i = child
	}
	return top
}

func (r *Router) setAnnounce(c *call, at time.Time) {
	if !c.announceAt.Equal(at) {
		c.announceAt = at
		r.timers.push(timer{at: at, kind: timerAnnounce, id: c.id})
	}
}

func (r *Router) setOverflow(c *call, at time.Time) {
	c.overflowAt = at
	r.timers.push(timer{at: at, kind: timerOverflow, id: c.id})
}

// live reports whether the timer still stands for something.
func (r *Router) live(t timer) bool {
	switch t.kind {
	case timerRing:
		c, ok := r.offers[t.id]
		return ok && c.offer.deadline.Equal(t.at)
	case timerWrapUp:
		a, ok := r.agents[t.id]
		return ok && a.state == WrapUp && a.wrapUntil.Equal(t.at)
	case timerOverflow:
		c, ok := r.calls[t.id]
		return ok && c.overflowAt.Equal(t.at)
	case timerAnnounce:
		c, ok := r.calls[t.id]
		return ok && c.announceAt.Equal(t.at)
	}
	return false
}

// fire runs the timers that are due.
func (r *Router) fire() {
	for len(r.timers) > 0 && !r.timers[0].at.After(r.now) {
		t := r.timers.pop()
		if !r.live(t) {
			continue
		}
		switch t.kind {
		case timerRing:
			r.missed(r.offers[t.id], ReasonNoAnswer)
		case timerWrapUp:
			r.afterWork(r.agents[t.id])
		case timerOverflow:
			r.overflowDue(r.calls[t.id])
		case timerAnnounce:
			r.announceDue(r.calls[t.id])
		}
	}
}

func (r *Router) overflowDue(c *call) {
	c.overflowAt = time.Time{}
	if c.offer != nil {
		c.overdue = true // only if this offer fails
		return
	}
	r.overflow(c, ReasonTime)
}

func (r *Router) announceDue(c *call) {
	if c.offer != nil {
		r.setAnnounce(c, r.now.Add(c.queue.cfg.AnnounceEvery))
		return
	}
	r.announce(c)
}

// NextWake returns when a Tick is due, zero if never.
func (r *Router) NextWake() time.Time {
	for len(r.timers) > 0 && !r.live(r.timers[0]) {
		r.timers.pop()
	}
	if len(r.timers) == 0 {
		return time.Time{}
	}
	return r.timers[0].at
}
