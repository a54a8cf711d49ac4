package acd

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"heartline/internal/contact/journal"
)

func exclusion(agent, reason string) journal.Exclusion {
	return journal.Exclusion{Agent: agent, Reason: reason}
}

// centre simulates callers and agents around a router; time is virtual.
type centre struct {
	t        testing.TB
	r        *Router
	rng      *rand.Rand
	now      time.Time
	todo     todoHeap
	seq      int
	offered  map[string]string // offer → agent
	ringing  map[string]string // agent → offer
	queued   map[string]bool
	answered int
	gaveUp   int
	handles  int
	slowest  time.Duration
	maxWait  int
}

type todo struct {
	at  time.Time
	seq int
	fn  func()
}

type todoHeap []todo

func (h todoHeap) Len() int { return len(h) }
func (h todoHeap) Less(i, j int) bool {
	if d := h[i].at.Compare(h[j].at); d != 0 {
		return d < 0
	}
	return h[i].seq < h[j].seq
}
func (h todoHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *todoHeap) Push(x any)   { *h = append(*h, x.(todo)) }
func (h *todoHeap) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}

func (c *centre) after(d time.Duration, fn func()) {
	c.seq++
	heap.Push(&c.todo, todo{at: c.now.Add(d), seq: c.seq, fn: fn})
}

func (c *centre) exp(mean time.Duration) time.Duration {
	return time.Duration(c.rng.ExpFloat64() * float64(mean))
}

func (c *centre) do(ev Event) {
	start := time.Now()
	ds := c.r.Handle(ev, c.now)
	c.slowest = max(c.slowest, time.Since(start))
	c.handles++
	for _, d := range ds {
		switch v := d.(type) {
		case Offer:
			if other, busy := c.ringing[v.Agent]; busy {
				c.t.Fatalf("agent %s rings for %s and %s", v.Agent, other, v.ID)
			}
			c.offered[v.ID], c.ringing[v.Agent] = v.Agent, v.ID
			c.react(v)
		case CancelOffer:
			delete(c.ringing, c.offered[v.ID])
			delete(c.offered, v.ID)
			if v.Reason == ReasonNoAnswer || v.Reason == ReasonRefused {
				c.after(c.exp(time.Minute), func() { c.do(AgentState{Agent: v.Agent, Ready: true}) })
			}
		case Accepted:
			delete(c.ringing, v.Agent)
			delete(c.offered, v.ID)
			delete(c.queued, v.Call)
			c.answered++
			c.after(c.exp(3*time.Minute), func() { c.do(AgentFree{Agent: v.Agent, WrapUp: UseQueueWrapUp}) })
		case Left:
			if v.Reason == ReasonAbandoned {
				c.gaveUp++
				delete(c.queued, v.Call)
			}
		}
	}
	c.maxWait = max(c.maxWait, len(c.r.calls))
}

// react is an agent at a ringing desk: most answer, some say no, some are away.
func (c *centre) react(o Offer) {
	switch p := c.rng.Float64(); {
	case p < 0.95:
		c.after(2*time.Second+c.exp(3*time.Second), func() { c.do(OfferAccepted{Offer: o.ID}) })
	case p < 0.97:
		c.after(3*time.Second, func() { c.do(OfferRefused{Offer: o.ID}) })
	}
}

func newCentre(t testing.TB, agents, queues int) *centre {
	var cfg Config
	for i := range queues {
		cfg.Queues = append(cfg.Queues, QueueConfig{
			ID: fmt.Sprint("q", i), RingTimeout: 20 * time.Second, WrapUp: 30 * time.Second,
			AnnounceEvery: 30 * time.Second, OverflowAfter: 5 * time.Minute, OverflowTo: fmt.Sprint("q", (i+1)%queues),
		})
	}
	c := &centre{t: t, r: NewRouter(cfg, "v1"), rng: rand.New(rand.NewPCG(1, 2)), now: t0,
		offered: map[string]string{}, ringing: map[string]string{}, queued: map[string]bool{}}
	for i := range agents {
		in := AgentSignedIn{Agent: fmt.Sprintf("a%04d", i)}
		for k := range 3 {
			in.Queues = append(in.Queues, QueueLevel{Queue: fmt.Sprint("q", (i+k)%queues), Level: 1 + i%5})
		}
		if i%4 == 0 {
			in.Skills = []SkillLevel{{Skill: "en", Level: 1 + i%5}}
		}
		c.do(in)
		c.do(AgentState{Agent: in.Agent, Ready: true})
	}
	return c
}

func (c *centre) arrive(i int, queues int) {
	ev := CallQueued{Call: fmt.Sprint("call-", i), Queue: fmt.Sprint("q", c.rng.IntN(queues)), Priority: c.rng.IntN(2)}
	if c.rng.IntN(10) == 0 {
		ev.Skills = []SkillNeed{{Skill: "en", Level: 2}}
	}
	c.queued[ev.Call] = true
	c.do(ev)
	if c.rng.IntN(4) == 0 {
		c.after(c.exp(4*time.Minute), func() { c.do(CallGone{Call: ev.Call}) })
	}
}

// run works until the end, waking the router when it asks for it.
func (c *centre) run(until time.Time) {
	for {
		wake := c.r.NextWake()
		switch {
		case len(c.todo) > 0 && (wake.IsZero() || !c.todo[0].at.After(wake)):
			next := heap.Pop(&c.todo).(todo)
			if next.at.After(until) {
				return
			}
			c.now = next.at
			next.fn()
		case !wake.IsZero() && !wake.After(until):
			c.now = wake
			c.do(Tick{})
		default:
			return
		}
	}
}

// A morning with 1,000 agents and a rush: every caller is answered, gave up or is
// still waiting; nobody disappears and nobody is stuck.
func TestMorningWithThousandAgents(t *testing.T) {
	const agents, queues = 1000, 12
	c := newCentre(t, agents, queues)
	calls := 0
	var next func()
	next = func() {
		calls++
		c.arrive(calls, queues)
		mean := 400 * time.Millisecond // about what 1,000 agents can do
		if h := c.now.Sub(t0).Hours(); h > 1 && h < 1.5 {
			mean = 150 * time.Millisecond
		}
		if c.now.Before(t0.Add(2 * time.Hour)) {
			c.after(c.exp(mean), next)
		}
	}
	c.after(0, next)
	c.run(t0.Add(5 * time.Hour))
	c.do(Tick{})
	if got := c.answered + c.gaveUp + len(c.queued); got != calls || len(c.r.calls) != len(c.queued) {
		t.Fatalf("%d calls: %d answered, %d gave up, %d wait (router %d)", calls, c.answered, c.gaveUp, len(c.queued), len(c.r.calls))
	}
	if len(c.queued) != 0 {
		t.Errorf("%d still wait three hours after the last call", len(c.queued))
	}
	stuck := 0
	for _, a := range c.r.agents {
		if a.state == Ringing || a.state == WrapUp {
			stuck++
		}
	}
	if stuck > 0 {
		t.Errorf("%d agents stuck", stuck)
	}
	t.Logf("%d calls, %d answered, %d gave up, at most %d waiting, %d events, slowest %v",
		calls, c.answered, c.gaveUp, c.maxWait, c.handles, c.slowest)
}

// BenchmarkHandle measures one event in a centre of 1,000 agents with 2,000
// callers waiting: a call comes, one gives up, an agent comes free and takes
// the next.
func BenchmarkHandle(b *testing.B) {
	r := NewRouter(Config{Queues: []QueueConfig{{ID: "q", AnnounceEvery: 30 * time.Second, OverflowAfter: time.Hour}}}, "v1")
	now := t0
	for i := range 1000 {
		id := fmt.Sprintf("a%04d", i)
		r.Handle(AgentSignedIn{Agent: id, Queues: []QueueLevel{{Queue: "q", Level: 1}}}, now)
		r.Handle(AgentBusy{Agent: id, Call: "x"}, now)
	}
	for i := range 2000 {
		r.Handle(CallQueued{Call: fmt.Sprint("w", i), Queue: "q"}, now)
	}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		now = now.Add(10 * time.Millisecond)
		agent := fmt.Sprintf("a%04d", n%1000)
		r.Handle(CallQueued{Call: fmt.Sprint("n", n), Queue: "q"}, now)
		r.Handle(AgentFree{Agent: agent}, now)
		for _, c := range r.offers {
			r.Handle(OfferAccepted{Offer: c.offer.id}, now)
		}
		n++
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/3, "µs/event")
}
