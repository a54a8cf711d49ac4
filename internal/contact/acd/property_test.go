package acd

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var t0 = time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)

// shadow follows the decisions only, as call control would, and complains when
// they do not fit together.
type shadow struct {
	t      *rapid.T
	calls  map[string]*shadowCall
	offers map[string]Offer // open
	states map[string]AgentStateName
	old    []string // offers that are over
}

type shadowCall struct {
	queue string
	offer string
	over  bool
}

func newShadow(t *rapid.T) *shadow {
	return &shadow{t: t, calls: map[string]*shadowCall{}, offers: map[string]Offer{}, states: map[string]AgentStateName{}}
}

func (s *shadow) see(ds []Decision) {
	for _, d := range ds {
		switch v := d.(type) {
		case Entered:
			if c := s.calls[v.Call]; c != nil && !c.over && c.queue != "" {
				s.t.Fatalf("call %s entered %s while in %s", v.Call, v.Queue, c.queue)
			}
			s.calls[v.Call] = &shadowCall{queue: v.Queue}
		case Offer:
			s.offer(v)
		case CancelOffer:
			s.closeOffer(v.ID)
			s.calls[v.Call].offer = ""
		case Accepted:
			s.closeOffer(v.ID)
			s.calls[v.Call].offer = ""
		case Left:
			c := s.calls[v.Call]
			if c == nil || c.queue != v.Queue || c.offer != "" {
				s.t.Fatalf("left %+v does not fit %+v", v, c)
			}
			c.queue = ""
			c.over = v.To == ""
		case SetAgentState:
			if prev, ok := s.states[v.Agent]; ok && prev != v.Prev {
				s.t.Fatalf("agent %s went from %s, was %s", v.Agent, v.Prev, prev)
			}
			s.states[v.Agent] = v.State
			if v.PrevFor < 0 {
				s.t.Fatalf("negative duration %+v", v)
			}
		}
	}
}

func (s *shadow) offer(v Offer) {
	if c := s.calls[v.Call]; c == nil || c.over || c.offer != "" || c.queue != v.Queue {
		s.t.Fatalf("offer %+v of call %+v", v, s.calls[v.Call])
	}
	if s.states[v.Agent] != Ready {
		s.t.Fatalf("offer to agent %s who is %s", v.Agent, s.states[v.Agent])
	}
	for _, o := range s.offers {
		if o.Agent == v.Agent || o.Call == v.Call {
			s.t.Fatalf("second offer %+v beside %+v", v, o)
		}
	}
	if slices.Contains(s.old, v.ID) {
		s.t.Fatalf("offer id %s twice", v.ID)
	}
	chosen := 0
	for _, c := range v.Receipt.Candidates {
		if c.Chosen {
			chosen++
			if c.Agent != v.Agent {
				s.t.Fatalf("receipt names %s, offered to %s", c.Agent, v.Agent)
			}
		}
	}
	if chosen != 1 && v.Receipt.CandidatesTotal <= receiptCandidates {
		s.t.Fatalf("receipt without the chosen one: %+v", v.Receipt)
	}
	s.offers[v.ID] = v
	s.calls[v.Call].offer = v.ID
}

func (s *shadow) closeOffer(id string) {
	if _, ok := s.offers[id]; !ok {
		s.t.Fatalf("offer %s closed but not open", id)
	}
	delete(s.offers, id)
	s.old = append(s.old, id)
}

// agree compares the router with what its decisions said.
func (s *shadow) agree(r *Router) {
	for id, c := range s.calls {
		rc, waits := r.calls[id]
		if waits == c.over {
			s.t.Fatalf("call %s: over %v, in router %v", id, c.over, waits)
		}
		if waits && (rc.queue.cfg.ID != c.queue || (rc.offer != nil) != (c.offer != "")) {
			s.t.Fatalf("call %s: router %+v, decisions %+v", id, rc, c)
		}
	}
	if len(r.offers) != len(s.offers) {
		s.t.Fatalf("%d offers in the router, %d decided", len(r.offers), len(s.offers))
	}
	for id, a := range r.agents {
		if s.states[id] != a.state {
			s.t.Fatalf("agent %s: router %s, decisions %s", id, a.state, s.states[id])
		}
		if (a.offer != nil) != (a.state == Ringing) {
			s.t.Fatalf("agent %s is %s with offer %v", id, a.state, a.offer != nil)
		}
		if a.state == WrapUp && !a.wrapUntil.After(r.now) {
			s.t.Fatalf("agent %s stuck in wrap-up", id)
		}
	}
	for _, o := range s.offers {
		if !o.Deadline.After(r.now) {
			s.t.Fatalf("offer %s rings beyond its deadline", o.ID)
		}
	}
}

// structure checks the router's own books.
func structure(t *rapid.T, r *Router) {
	for _, q := range r.order {
		n, counts := 0, map[AgentStateName]int{}
		for _, cl := range q.classes {
			n += len(cl.calls) + cl.offered
			if !slices.IsSortedFunc(cl.calls, compareCalls) {
				t.Fatalf("queue %s out of order", q.cfg.ID)
			}
		}
		if n != q.waiting {
			t.Fatalf("queue %s counts %d, holds %d", q.cfg.ID, q.waiting, n)
		}
		for _, m := range q.members {
			counts[m.agent.state]++
			if m.agent.state != Ready {
				continue
			}
			for _, cl := range q.classes {
				if _, _, ok := m.able(cl.needs); ok && len(cl.calls) > 0 {
					t.Fatalf("agent %s idle while call %s waits in %s", m.agent.id, cl.calls[0].id, q.cfg.ID)
				}
			}
		}
		for st, c := range q.counts {
			if counts[st] != c {
				t.Fatalf("queue %s counts %d %s, has %d", q.cfg.ID, c, st, counts[st])
			}
		}
	}
}

func genConfig(t *rapid.T) Config {
	var cfg Config
	for i := range 3 {
		q := QueueConfig{
			ID:            fmt.Sprint("q", i),
			RingTimeout:   time.Duration(rapid.SampledFrom([]int{0, 10, 20}).Draw(t, "ring")) * time.Second,
			WrapUp:        time.Duration(rapid.SampledFrom([]int{0, 30}).Draw(t, "wrap")) * time.Second,
			AnnounceEvery: time.Duration(rapid.SampledFrom([]int{0, 15}).Draw(t, "announce")) * time.Second,
			OverflowAfter: time.Duration(rapid.SampledFrom([]int{0, 40}).Draw(t, "overflow")) * time.Second,
			OverflowTo:    rapid.SampledFrom([]string{"", "q0", "q1", "q2", "nowhere"}).Draw(t, "to"),
			MaxWaiting:    rapid.SampledFrom([]int{0, 2}).Draw(t, "max"),
			Priority:      rapid.IntRange(0, 1).Draw(t, "qprio"),
			LevelBonus:    time.Duration(rapid.SampledFrom([]int{0, 60}).Draw(t, "bonus")) * time.Second,
		}
		if rapid.IntRange(0, 4).Draw(t, "demand") == 0 {
			q.Skills = []SkillNeed{{Skill: "en", Level: 2}}
		}
		if rapid.IntRange(0, 9).Draw(t, "present") > 0 {
			cfg.Queues = append(cfg.Queues, q)
		}
	}
	return cfg
}

var (
	genAgent = rapid.SampledFrom([]string{"a1", "a2", "a3", "a4", "a5", ""})
	genQueue = rapid.SampledFrom([]string{"q0", "q1", "q2", "q9"})
	genCall  = rapid.Map(rapid.IntRange(1, 12), func(i int) string { return fmt.Sprint("c", i) })
	genNeeds = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) SkillNeed {
		return SkillNeed{Skill: rapid.SampledFrom([]string{"en", "cardio"}).Draw(t, "s"), Level: rapid.IntRange(0, 4).Draw(t, "l")}
	}), 0, 2)
)

func genEvent(t *rapid.T, s *shadow, now time.Time) Event {
	agent := genAgent.Draw(t, "agent")
	offer := "unknown"
	if ids := append(sortedIDs(s.offers), s.old...); len(ids) > 0 && rapid.IntRange(0, 9).Draw(t, "known") > 0 {
		offer = rapid.SampledFrom(ids).Draw(t, "offer")
	}
	switch rapid.IntRange(0, 16).Draw(t, "kind") {
	case 0, 1, 2, 3:
		ev := CallQueued{Call: genCall.Draw(t, "call"), Queue: genQueue.Draw(t, "queue"), Priority: rapid.IntRange(0, 2).Draw(t, "prio")}
		if rapid.IntRange(0, 2).Draw(t, "needs?") == 0 {
			ev.Skills = genNeeds.Draw(t, "needs")
		}
		ev.Front = rapid.IntRange(0, 5).Draw(t, "front") == 0
		if rapid.Bool().Draw(t, "since?") {
			ev.Since = now.Add(-time.Duration(rapid.IntRange(-5, 100).Draw(t, "since")) * time.Second)
		}
		return ev
	case 4:
		return CallGone{Call: genCall.Draw(t, "gone")}
	case 5, 6:
		in := AgentSignedIn{Agent: agent, Seat: "browser"}
		for _, q := range rapid.SliceOfN(genQueue, 0, 3).Draw(t, "queues") {
			in.Queues = append(in.Queues, QueueLevel{Queue: q, Level: rapid.IntRange(1, 5).Draw(t, "level")})
		}
		for _, n := range genNeeds.Draw(t, "skills") {
			in.Skills = append(in.Skills, SkillLevel(n))
		}
		return in
	case 7:
		return AgentSignedOut{Agent: agent}
	case 8, 9:
		return AgentState{Agent: agent, Ready: true}
	case 10:
		return AgentState{Agent: agent, Reason: "lunch"}
	case 11:
		return OfferAccepted{Offer: offer}
	case 12:
		return OfferRefused{Offer: offer}
	case 13:
		return AgentBusy{Agent: agent, Call: rapid.SampledFrom([]string{"direct", "c1", "c2"}).Draw(t, "busy")}
	case 14:
		return AgentFree{Agent: agent, WrapUp: time.Duration(rapid.IntRange(-1, 30).Draw(t, "wrap")) * time.Second}
	case 15:
		return WrapUpDone{Agent: agent}
	}
	if rapid.IntRange(0, 3).Draw(t, "config") == 0 {
		return ConfigChanged{Config: genConfig(t), Version: "v2"}
	}
	return Tick{}
}

func sortedIDs(m map[string]Offer) []string {
	ids := make([]string, 0, len(m))
	for id := range m {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// Any interleaving of events, late, duplicate and unknown ones among them: no
// call lost or offered twice, no agent in two offers or stuck, nobody idle
// while a call waits, and a restored router decides the same.
func TestAnyInterleaving(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := NewRouter(genConfig(t), "v1")
		s := newShadow(t)
		now := t0
		var twin *Router
		for range rapid.IntRange(1, 80).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.SampledFrom([]int{-1, 0, 0, 1, 1, 5, 30}).Draw(t, "dt")) * time.Second)
			ev := genEvent(t, s, now)
			ds := r.Handle(ev, now)
			if twin != nil {
				if diff := cmp.Diff(ds, twin.Handle(ev, now)); diff != "" {
					t.Fatalf("the restored router decides otherwise on %+v:\n%s", ev, diff)
				}
				if !r.NextWake().Equal(twin.NextWake()) {
					t.Fatalf("wake %v, restored %v", r.NextWake(), twin.NextWake())
				}
			}
			s.see(ds)
			s.agree(r)
			structure(t, r)
			if rapid.IntRange(0, 9).Draw(t, "snapshot") == 0 {
				twin = restored(t, r)
			}
		}
		now = now.Add(time.Hour)
		s.see(r.Handle(Tick{}, now))
		s.agree(r)
		if len(s.offers) > 0 && r.NextWake().IsZero() {
			t.Fatal("an offer is out and nothing will wake the router")
		}
	})
}

func restored(t *rapid.T, r *Router) *Router {
	raw, err := json.Marshal(r.Snapshot())
	if err != nil {
		t.Fatal(err)
	}
	var im Image
	if err := json.Unmarshal(raw, &im); err != nil {
		t.Fatal(err)
	}
	return Restore(im)
}
