package acd

import (
	"fmt"
	"testing"
	"time"
)

// desk drives a router in tests.
type desk struct {
	t   *testing.T
	r   *Router
	now time.Time
}

func newDesk(t *testing.T, queues ...QueueConfig) *desk {
	return &desk{t: t, r: NewRouter(Config{Queues: queues}, "v1"), now: t0}
}

func (d *desk) at(seconds int) *desk { d.now = t0.Add(time.Duration(seconds) * time.Second); return d }

func (d *desk) do(ev Event) []Decision { return d.r.Handle(ev, d.now) }

// agent signs in and goes ready.
func (d *desk) agent(id string, queues ...string) []Decision {
	in := AgentSignedIn{Agent: id}
	for _, q := range queues {
		in.Queues = append(in.Queues, QueueLevel{Queue: q, Level: 1})
	}
	d.do(in)
	return d.do(AgentState{Agent: id, Ready: true})
}

func only[D Decision](t *testing.T, ds []Decision) D {
	t.Helper()
	all := pick[D](ds)
	if len(all) != 1 {
		t.Fatalf("want one %T, got %d in %+v", *new(D), len(all), ds)
	}
	return all[0]
}

func pick[D Decision](ds []Decision) []D {
	var out []D
	for _, d := range ds {
		if v, ok := d.(D); ok {
			out = append(out, v)
		}
	}
	return out
}

func TestLongestIdleFirst(t *testing.T) {
	d := newDesk(t, QueueConfig{ID: "q"})
	d.at(0).agent("b", "q")
	d.at(5).agent("a", "q")
	o := only[Offer](t, d.at(10).do(CallQueued{Call: "c1", Queue: "q"}))
	if o.Agent != "b" {
		t.Fatalf("offered to %s", o.Agent)
	}
	c := o.Receipt.Candidates
	if len(c) != 2 || c[0].Agent != "b" || !c[0].Chosen || c[0].IdleMs != 10_000 || c[1].Agent != "a" || c[1].IdleMs != 5_000 {
		t.Fatalf("receipt %+v", o.Receipt)
	}
	if o.Receipt.RuleVersion != "v1" || o.Receipt.Position != 1 || o.Receipt.Trigger != triggerCall {
		t.Fatalf("receipt %+v", o.Receipt)
	}
}

func TestEqualIdleGoesToTheSmallerID(t *testing.T) {
	d := newDesk(t, QueueConfig{ID: "q"})
	d.agent("b", "q")
	d.agent("a", "q")
	if o := only[Offer](t, d.at(1).do(CallQueued{Call: "c", Queue: "q"})); o.Agent != "a" {
		t.Fatalf("offered to %s", o.Agent)
	}
}

func TestSkillsAreDemandedAndExplained(t *testing.T) {
	d := newDesk(t, QueueConfig{ID: "q"})
	d.agent("plain", "q")
	d.do(AgentSignedIn{Agent: "good", Queues: []QueueLevel{{Queue: "q", Level: 1}}, Skills: []SkillLevel{{Skill: "en", Level: 3}}})
	d.do(AgentState{Agent: "good", Ready: true})
	d.do(AgentSignedIn{Agent: "weak", Queues: []QueueLevel{{Queue: "q", Level: 5}}, Skills: []SkillLevel{{Skill: "en", Level: 1}}})
	o := only[Offer](t, d.at(9).do(CallQueued{Call: "c", Queue: "q", Skills: []SkillNeed{{Skill: "en", Level: 2}}}))
	if o.Agent != "good" || o.Receipt.Candidates[0].SkillLevel != 3 {
		t.Fatalf("offer %+v", o)
	}
	if o.Receipt.ExcludedCounts["skill"] != 2 || o.Receipt.Excluded[0].Reason != "skill:en" {
		t.Fatalf("exclusions %+v %v", o.Receipt.Excluded, o.Receipt.ExcludedCounts)
	}
}

func TestLevelBonusOutweighsIdleTime(t *testing.T) {
	d := newDesk(t, QueueConfig{ID: "q", LevelBonus: time.Minute})
	d.agent("novice", "q") // level 1
	d.at(50).do(AgentSignedIn{Agent: "expert", Queues: []QueueLevel{{Queue: "q", Level: 3}}})
	d.do(AgentState{Agent: "expert", Ready: true})
	if o := only[Offer](t, d.at(60).do(CallQueued{Call: "c", Queue: "q"})); o.Agent != "expert" {
		t.Fatalf("offered to %s", o.Agent)
	}
}

func TestOrderFrontPriorityThenWait(t *testing.T) {
	d := newDesk(t, QueueConfig{ID: "q"}, QueueConfig{ID: "vip", Priority: 5})
	d.do(AgentSignedIn{Agent: "a", Queues: []QueueLevel{{Queue: "q", Level: 1}, {Queue: "vip", Level: 1}}})
	d.at(1).do(CallQueued{Call: "first", Queue: "q"})
	d.at(2).do(CallQueued{Call: "second", Queue: "q"})
	d.at(3).do(CallQueued{Call: "urgent", Queue: "q", Priority: 3})
	d.at(4).do(CallQueued{Call: "vip", Queue: "vip"})
	d.at(5).do(CallQueued{Call: "lost-agent", Queue: "q", Front: true})
	d.at(6).do(CallQueued{Call: "kept-place", Queue: "q", Since: t0})
	d.do(AgentState{Agent: "a", Ready: true})
	for i, want := range []string{"lost-agent", "vip", "urgent", "kept-place", "first", "second"} {
		o := d.r.agents["a"].offer
		if o == nil || o.id != want {
			t.Fatalf("call %d is %+v, want %s", i, o, want)
		}
		d.do(OfferAccepted{Offer: o.offer.id})
		d.do(AgentFree{Agent: "a"})
	}
}

func TestRingTimeOutGoesToTheNextAndTheFirstIsNotReady(t *testing.T) {
	d := newDesk(t, QueueConfig{ID: "q", RingTimeout: 20 * time.Second})
	d.agent("a", "q")
	d.at(1).agent("b", "q")
	first := only[Offer](t, d.at(2).do(CallQueued{Call: "c", Queue: "q"}))
	if got := d.r.NextWake(); !got.Equal(first.Deadline) || !got.Equal(t0.Add(22*time.Second)) {
		t.Fatalf("wake at %v", got)
	}
	ds := d.at(22).do(Tick{})
	if c := only[CancelOffer](t, ds); c.ID != first.ID || c.Reason != ReasonNoAnswer {
		t.Fatalf("cancel %+v", c)
	}
	states := pick[SetAgentState](ds)
	if states[0].Agent != "a" || states[0].State != NotReady || states[0].Reason != ReasonNoAnswer {
		t.Fatalf("states %+v", states)
	}
	if o := only[Offer](t, ds); o.Agent != "b" || o.Receipt.Excluded[0] != (exclusion("a", "not_ready:no_answer")) {
		t.Fatalf("offer %+v", o)
	}
	// the late answer of a is refused, twice over
	only[Ignored](t, d.do(OfferAccepted{Offer: first.ID}))
	only[Ignored](t, d.do(OfferAccepted{Offer: "never-made"}))
}

func TestRefusalKeepsThePlace(t *testing.T) {
	d := newDesk(t, QueueConfig{ID: "q"})
	d.agent("a", "q")
	o := only[Offer](t, d.do(CallQueued{Call: "c1", Queue: "q"}))
	d.at(1).do(CallQueued{Call: "c2", Queue: "q"})
	d.at(2).do(OfferRefused{Offer: o.ID, Reason: "device_lost"})
	if st := d.r.agents["a"]; st.state != NotReady || st.reason != "device_lost" {
		t.Fatalf("agent %s %s", st.state, st.reason)
	}
	if o := only[Offer](t, d.at(3).agent("b", "q")); o.Call != "c1" {
		t.Fatalf("next is %s", o.Call)
	}
}

func TestWrapUpEndsByItselfAndByHand(t *testing.T) {
	d := newDesk(t, QueueConfig{ID: "q", WrapUp: 30 * time.Second})
	d.agent("a", "q")
	talk := func(call string) {
		o := only[Offer](t, d.do(CallQueued{Call: call, Queue: "q"}))
		d.do(OfferAccepted{Offer: o.ID})
	}
	talk("c1")
	ds := d.at(60).do(AgentFree{Agent: "a", WrapUp: UseQueueWrapUp})
	if s := only[SetAgentState](t, ds); s.State != WrapUp || s.Call != "c1" || !s.Until.Equal(t0.Add(90*time.Second)) {
		t.Fatalf("wrap-up %+v", s)
	}
	if s := only[SetAgentState](t, d.at(90).do(Tick{})); s.State != Ready || s.PrevFor != 30*time.Second || s.Call != "c1" {
		t.Fatalf("after wrap-up %+v", s)
	}
	talk("c2")
	d.at(100).do(AgentState{Agent: "a", Reason: "lunch"}) // while talking
	d.do(AgentFree{Agent: "a", WrapUp: 10 * time.Second})
	d.at(101).do(AgentState{Agent: "a", Reason: "lunch"}) // does not cut wrap-up short
	if d.r.agents["a"].state != WrapUp {
		t.Fatal("wrap-up cut short")
	}
	if s := only[SetAgentState](t, d.at(105).do(WrapUpDone{Agent: "a"})); s.State != NotReady || s.Reason != "lunch" {
		t.Fatalf("after wrap-up %+v", s)
	}
}

func TestCallerGoneWhileRingingFreesTheAgentWithIdleTimeKept(t *testing.T) {
	d := newDesk(t, QueueConfig{ID: "q"})
	d.agent("a", "q")
	d.at(50).agent("b", "q")
	d.at(60).do(CallQueued{Call: "c1", Queue: "q"}) // rings at a
	ds := d.at(65).do(CallGone{Call: "c1"})
	if c := only[CancelOffer](t, ds); c.Reason != ReasonCallerGone {
		t.Fatalf("cancel %+v", c)
	}
	if l := only[Left](t, ds); l.Reason != ReasonAbandoned || l.Waited != 5*time.Second {
		t.Fatalf("left %+v", l)
	}
	if o := only[Offer](t, d.at(70).do(CallQueued{Call: "c2", Queue: "q"})); o.Agent != "a" {
		t.Fatalf("a lost the turn to %s", o.Agent)
	}
	only[Ignored](t, d.do(CallGone{Call: "c1"}))
}

func TestDirectCallTakesTheAgentAndGivesBack(t *testing.T) {
	d := newDesk(t, QueueConfig{ID: "q"})
	d.agent("a", "q")
	d.do(CallQueued{Call: "c1", Queue: "q"})
	ds := d.at(3).do(AgentBusy{Agent: "a", Call: "out"})
	if c := only[CancelOffer](t, ds); c.Reason != ReasonAgentBusy {
		t.Fatalf("cancel %+v", c)
	}
	if o := only[Offer](t, d.at(60).do(AgentFree{Agent: "a"})); o.Call != "c1" {
		t.Fatalf("offer %+v", o)
	}
	d.do(CallGone{Call: "c1"})
	d.do(AgentState{Agent: "a", Reason: "training"})
	d.do(AgentBusy{Agent: "a", Call: "out2"})
	if s := only[SetAgentState](t, d.do(AgentFree{Agent: "a"})); s.State != NotReady || s.Reason != "training" {
		t.Fatalf("after the call %+v", s)
	}
}

func TestOverflow(t *testing.T) {
	t.Run("by time, with the place kept, and not back again", func(t *testing.T) {
		d := newDesk(t, QueueConfig{ID: "q", OverflowAfter: 30 * time.Second, OverflowTo: "r"},
			QueueConfig{ID: "r", OverflowAfter: 30 * time.Second, OverflowTo: "q"})
		d.do(AgentSignedIn{Agent: "a", Queues: []QueueLevel{{Queue: "q"}, {Queue: "r"}}})
		d.do(CallQueued{Call: "c", Queue: "q"})
		ds := d.at(30).do(Tick{})
		if o := only[Overflow](t, ds); o != (Overflow{Call: "c", From: "q", To: "r", Reason: ReasonTime}) {
			t.Fatalf("%+v", o)
		}
		if d.r.calls["c"].since != t0 {
			t.Fatal("the place was lost")
		}
		if o := only[Overflow](t, d.at(60).do(Tick{})); o.To != "" {
			t.Fatalf("ball game: %+v", o)
		}
		if len(d.at(90).do(Tick{})) != 0 || d.r.calls["c"] == nil {
			t.Fatal("asked twice, or lost")
		}
	})
	t.Run("by length", func(t *testing.T) {
		d := newDesk(t, QueueConfig{ID: "q", MaxWaiting: 1, OverflowTo: "r"}, QueueConfig{ID: "r"})
		d.do(AgentSignedIn{Agent: "a", Queues: []QueueLevel{{Queue: "q"}, {Queue: "r"}}})
		d.do(CallQueued{Call: "c1", Queue: "q"})
		if o := only[Overflow](t, d.do(CallQueued{Call: "c2", Queue: "q"})); o.Reason != ReasonLength || o.To != "r" {
			t.Fatalf("%+v", o)
		}
	})
	t.Run("nobody signed in", func(t *testing.T) {
		d := newDesk(t, QueueConfig{ID: "q", OverflowTo: "r"}, QueueConfig{ID: "r"})
		ds := d.do(CallQueued{Call: "c", Queue: "q"})
		if o := only[Overflow](t, ds); o.Reason != ReasonNoAgents || o.To != "r" {
			t.Fatalf("%+v", o)
		}
		if n := only[NoAgents](t, ds); n.Queue != "r" {
			t.Fatalf("%+v", n)
		}
	})
	t.Run("the last agent leaves", func(t *testing.T) {
		d := newDesk(t, QueueConfig{ID: "q"})
		d.do(AgentSignedIn{Agent: "a", Queues: []QueueLevel{{Queue: "q"}}})
		d.do(CallQueued{Call: "c", Queue: "q"})
		only[NoAgents](t, d.at(5).do(AgentSignedOut{Agent: "a"}))
	})
	t.Run("the queue is deleted", func(t *testing.T) {
		d := newDesk(t, QueueConfig{ID: "q", OverflowTo: "r"}, QueueConfig{ID: "r"})
		d.do(AgentSignedIn{Agent: "a", Queues: []QueueLevel{{Queue: "q"}, {Queue: "r"}}})
		d.do(CallQueued{Call: "c", Queue: "q"})
		ds := d.do(ConfigChanged{Config: Config{Queues: []QueueConfig{{ID: "r"}}}, Version: "v2"})
		if o := only[Overflow](t, ds); o.Reason != ReasonRemoved || o.To != "r" {
			t.Fatalf("%+v", o)
		}
	})
}

func TestUnknownQueueLosesNoCall(t *testing.T) {
	d := newDesk(t)
	only[NoAgents](t, d.do(CallQueued{Call: "c", Queue: "ghost"}))
	if o := only[Offer](t, d.agent("a", "ghost")); o.Call != "c" {
		t.Fatalf("%+v", o)
	}
}

func TestAnnouncements(t *testing.T) {
	d := newDesk(t, QueueConfig{ID: "q", AnnounceEvery: 30 * time.Second})
	d.do(AgentSignedIn{Agent: "a", Queues: []QueueLevel{{Queue: "q"}}})
	if a := only[Announce](t, d.do(CallQueued{Call: "c1", Queue: "q"})); a.Position != 1 || a.High != 0 {
		t.Fatalf("first %+v", a)
	}
	if a := only[Announce](t, d.at(10).do(CallQueued{Call: "c2", Queue: "q"})); a.Position != 2 {
		t.Fatalf("second %+v", a)
	}
	told := 0
	for s := 11; s <= 100; s++ {
		told += len(pick[Announce](d.at(s).do(Tick{})))
	}
	if told != 6 { // c1 at 30 60 90, c2 at 40 70 100
		t.Fatalf("%d announcements", told)
	}
}

func TestEstimateIsARangeFromTheRecentRate(t *testing.T) {
	d := newDesk(t, QueueConfig{ID: "q", AnnounceEvery: time.Minute})
	d.agent("a", "q")
	for i := range 20 { // one call a minute
		d.at(i * 60)
		o := only[Offer](t, d.do(CallQueued{Call: fmt.Sprint("c", i), Queue: "q"}))
		d.do(OfferAccepted{Offer: o.ID})
		d.at(i*60 + 50).do(AgentFree{Agent: "a"})
	}
	d.at(1200).do(AgentBusy{Agent: "a", Call: "x"})
	d.do(CallQueued{Call: "w1", Queue: "q"})
	d.do(CallQueued{Call: "w2", Queue: "q"})
	a := only[Announce](t, d.do(CallQueued{Call: "w3", Queue: "q"}))
	if a.Position != 3 || a.Low < time.Minute || a.Low > 3*time.Minute || a.High < 3*time.Minute || a.High > 8*time.Minute {
		t.Fatalf("estimate %+v, the truth is about 3 min", a)
	}
	d.do(AgentSignedOut{Agent: "a"})
	if low, high := d.r.queues["q"].estimate(1, d.now); low != 0 || high != 0 {
		t.Fatalf("nobody works, yet %v–%v is promised", low, high)
	}
}

func TestSignOutWhileRingingGoesToTheNext(t *testing.T) {
	d := newDesk(t, QueueConfig{ID: "q"})
	d.agent("a", "q")
	d.at(1).agent("b", "q")
	d.at(2).do(CallQueued{Call: "c", Queue: "q"})
	ds := d.do(AgentSignedOut{Agent: "a"})
	if o := only[Offer](t, ds); o.Agent != "b" {
		t.Fatalf("%+v", o)
	}
}

func TestReceiptStaysSmallWithManyAgents(t *testing.T) {
	d := newDesk(t, QueueConfig{ID: "q"})
	for i := range 300 {
		d.at(i).agent(fmt.Sprintf("a%03d", i), "q")
		if i%2 == 0 {
			d.do(AgentState{Agent: fmt.Sprintf("a%03d", i), Reason: "lunch"})
		}
	}
	o := only[Offer](t, d.at(400).do(CallQueued{Call: "c", Queue: "q"}))
	rec := o.Receipt
	if o.Agent != "a001" || len(rec.Candidates) != receiptCandidates || rec.CandidatesTotal != 150 ||
		len(rec.Excluded) != receiptExcluded || rec.ExcludedCounts["not_ready"] != 150 || rec.Excluded[0].Reason != "not_ready:lunch" {
		t.Fatalf("%s %d/%d %d %v", o.Agent, len(rec.Candidates), rec.CandidatesTotal, len(rec.Excluded), rec.ExcludedCounts)
	}
}
