package acd

import (
	"slices"
	"strings"
	"time"
)

const defaultRing = 20 * time.Second

// Router is the pure distributor. It is not safe for concurrent use.
//
// After each Handle these hold: a call that waits has no offer or exactly one;
// an agent has at most one offer and rings then; no agent is ready while a
// call waits unoffered that this agent could take.
type Router struct {
	version Version
	queues  map[string]*queue
	order   []*queue // by id
	agents  map[string]*agent
	calls   map[string]*call // waiting, offered or not
	offers  map[string]*call
	timers  timerHeap
	seq     uint64
	now     time.Time
	out     []Decision
}

type queue struct {
	cfg        QueueConfig
	configured bool // false: deleted from the configuration, or never in it
	classes    []*class
	members    []member // by agent id
	counts     map[AgentStateName]int
	waiting    int // calls, offered ones included
	served     samples
	gaveUp     samples
}

// class is the waiting calls of a queue that need the same skills.
type class struct {
	key   string
	needs []SkillNeed
	calls []*call // in order of service, without offered ones

	offered int // calls of the class that ring
}

type member struct {
	agent *agent
	level int
}

type agent struct {
	id, seat   string
	queues     []QueueLevel // by queue id
	skills     []SkillLevel
	state      AgentStateName
	reason     string
	since      time.Time
	idleSince  time.Time
	call       string
	queue      string // of the call, when routed
	offer      *call
	wrapUntil  time.Time
	then       after // what follows the call
	thenReason string
}

// after is what an agent does when the present call is over.
type after string

const (
	thenReady    after = "ready"
	thenNotReady after = "not_ready"
)

type call struct {
	id         string
	queue      *queue
	class      *class
	asked      int // priority the caller's flow gave
	priority   int // with the queue's
	front      bool
	since      time.Time // decides the order
	entered    time.Time // this queue
	seq        uint64
	offer      *ring
	announceAt time.Time
	overflowAt time.Time
	overdue    bool // overflow time came while ringing
	told       bool // call control was asked to decide already
	visited    []string
}

// ring is an offer that is out.
type ring struct {
	id       string
	agent    *agent
	deadline time.Time
}

// NewRouter makes an empty router.
func NewRouter(cfg Config, rules Version) *Router {
	r := &Router{
		version: rules,
		queues:  make(map[string]*queue),
		agents:  make(map[string]*agent),
		calls:   make(map[string]*call),
		offers:  make(map[string]*call),
	}
	for _, qc := range cfg.Queues {
		r.ensureQueue(qc.ID).configure(qc)
	}
	return r
}

// Handle takes an event at a moment and returns what follows from it, in
// order. Timers that are due fire first. Time never runs backwards: an earlier
// now counts as the latest seen. Late, duplicate and unknown events change
// nothing and give Ignored.
func (r *Router) Handle(ev Event, now time.Time) []Decision {
	if now.After(r.now) {
		r.now = now
	}
	r.out = nil
	r.fire()
	switch e := ev.(type) {
	case CallQueued:
		r.callQueued(e)
	case CallGone:
		r.callGone(e)
	case OfferAccepted:
		r.offerAccepted(e)
	case OfferRefused:
		r.offerRefused(e)
	case ConfigChanged:
		r.configChanged(e)
	case Tick:
	default:
		r.handleAgent(ev)
	}
	out := r.out
	r.out = nil
	return out
}

func (r *Router) handleAgent(ev Event) {
	switch e := ev.(type) {
	case AgentSignedIn:
		r.agentSignedIn(e)
	case AgentSignedOut:
		r.agentSignedOut(e)
	case AgentState:
		r.agentState(e)
	case AgentBusy:
		r.agentBusy(e)
	case AgentFree:
		r.agentFree(e)
	case WrapUpDone:
		r.wrapUpDone(e)
	}
}

func (r *Router) decide(d Decision) { r.out = append(r.out, d) }

func (r *Router) ignore(what, id, why string) {
	r.decide(Ignored{What: what, ID: id, Why: why})
}

func (q *queue) configure(cfg QueueConfig) {
	if cfg.RingTimeout <= 0 {
		cfg.RingTimeout = defaultRing
	}
	q.cfg, q.configured = cfg, true
}

// ensureQueue returns the queue, making one with defaults for an id that the
// configuration lacks: a call must not be lost over it.
func (r *Router) ensureQueue(id string) *queue {
	if q, ok := r.queues[id]; ok {
		return q
	}
	q := &queue{cfg: QueueConfig{ID: id, RingTimeout: defaultRing}, counts: make(map[AgentStateName]int)}
	r.queues[id] = q
	at, _ := slices.BinarySearchFunc(r.order, id, func(q *queue, id string) int { return strings.Compare(q.cfg.ID, id) })
	r.order = slices.Insert(r.order, at, q)
	return q
}

// dropQueue forgets an unconfigured queue that nobody uses.
func (r *Router) dropQueue(q *queue) {
	if q.configured || q.waiting > 0 || len(q.members) > 0 {
		return
	}
	if r.queues[q.cfg.ID] == q {
		delete(r.queues, q.cfg.ID)
	}
	r.order = slices.DeleteFunc(r.order, func(x *queue) bool { return x == q })
}

func (r *Router) configChanged(e ConfigChanged) {
	if e.Version != "" {
		r.version = e.Version
	}
	for _, q := range r.order {
		q.configured = false
	}
	for _, qc := range e.Config.Queues {
		r.ensureQueue(qc.ID).configure(qc)
	}
	waiting := r.sortedCalls()
	for _, c := range waiting {
		r.reconfigure(c)
	}
	for _, q := range r.order {
		for _, cl := range q.classes {
			slices.SortFunc(cl.calls, compareCalls)
		}
	}
	slices.SortFunc(waiting, compareCalls)
	for _, c := range waiting {
		if r.calls[c.id] != c || c.offer != nil {
			continue
		}
		if !c.queue.configured && r.canOverflow(c) {
			r.overflow(c, ReasonRemoved)
			continue
		}
		r.place(c)
	}
	for _, q := range slices.Clone(r.order) {
		r.dropQueue(q)
	}
}

// reconfigure applies the queue's new settings to a call that waits.
func (r *Router) reconfigure(c *call) {
	cfg := c.queue.cfg
	c.priority = c.asked + cfg.Priority
	c.overflowAt, c.told = time.Time{}, false
	if cfg.OverflowAfter > 0 {
		r.setOverflow(c, c.entered.Add(cfg.OverflowAfter))
	}
	if cfg.AnnounceEvery <= 0 {
		c.announceAt = time.Time{}
	} else if !c.announceAt.IsZero() {
		r.setAnnounce(c, minTime(c.announceAt, r.now.Add(cfg.AnnounceEvery)))
	}
}

func minTime(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// sortedCalls lists all calls in order of their arrival in the router.
func (r *Router) sortedCalls() []*call {
	list := make([]*call, 0, len(r.calls))
	for _, c := range r.calls {
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b *call) int { return compareSeq(a.seq, b.seq) })
	return list
}
