package acd

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"heartline/internal/contact/journal"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/event"
)

// paper is a journal that only remembers.
type paper struct {
	mu     sync.Mutex
	events []journal.Event
	data   []journal.Payload
}

func (p *paper) Append(contact, agent, queue string, pl journal.Payload) journal.Event {
	p.mu.Lock()
	defer p.mu.Unlock()
	ev := journal.Event{Contact: contact, Agent: agent, Queue: queue, Kind: pl.Kind()}
	p.events = append(p.events, ev)
	p.data = append(p.data, pl)
	return ev
}

func (p *paper) kinds(contact string) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []string
	for _, e := range p.events {
		if e.Contact == contact {
			out = append(out, e.Kind)
		}
	}
	return out
}

// exchange is a switch that remembers, and answers from inside when told to.
type exchange struct {
	svc    *Service
	accept bool
	offers chan Offer
	cancel chan string
	told   chan Announce
}

func (x *exchange) Offer(o Offer) {
	if x.accept {
		x.svc.Post(OfferAccepted{Offer: o.ID})
	}
	x.offers <- o
}
func (x *exchange) CancelOffer(id, _ string)      { x.cancel <- id }
func (x *exchange) Announce(_ string, a Announce) { x.told <- a }
func (x *exchange) Overflow(Overflow)             {}
func (x *exchange) NoAgents(NoAgents)             {}

func newExchange(svc *Service) *exchange {
	x := &exchange{svc: svc, offers: make(chan Offer, 64), cancel: make(chan string, 64), told: make(chan Announce, 64)}
	svc.SetSwitch(x)
	return x
}

func startService(t *testing.T, cfg QueueConfig, bus *event.Bus) (*Service, *paper) {
	t.Helper()
	p := &paper{}
	svc := NewService(Settings{Config: Config{Queues: []QueueConfig{cfg}}, Version: "v7"}, p, bus, time.Now)
	if err := svc.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return svc, p
}

func signIn(svc *Service, agent string) {
	svc.Post(AgentSignedIn{Agent: agent, Seat: "browser", Queues: []QueueLevel{{Queue: "q", Level: 3}}})
	svc.Post(AgentState{Agent: agent, Ready: true})
}

func TestServiceRingsAtOnceAndWakesForTimers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		svc, p := startService(t, QueueConfig{ID: "q", RingTimeout: 20 * time.Second, WrapUp: 30 * time.Second, ServiceLevel: 15 * time.Second}, nil)
		x := newExchange(svc)
		signIn(svc, "a")
		start := time.Now()
		svc.Post(CallQueued{Call: "c", Queue: "q"})
		first := <-x.offers
		if time.Since(start) != 0 {
			t.Fatalf("rang after %v", time.Since(start))
		}
		if id := <-x.cancel; id != first.ID || time.Since(start) != 20*time.Second {
			t.Fatalf("cancelled %s after %v", id, time.Since(start))
		}
		if err := svc.Do(t.Context(), OfferAccepted{Offer: first.ID}); !errs.Is(err, errs.Conflict) {
			t.Fatalf("late answer: %v", err)
		}
		if err := svc.Do(t.Context(), AgentState{Agent: "a", Ready: true}); err != nil {
			t.Fatal(err)
		}
		second := <-x.offers
		if err := svc.Do(t.Context(), OfferAccepted{Offer: second.ID}); err != nil {
			t.Fatal(err)
		}
		if err := svc.Do(t.Context(), AgentFree{Agent: "a", WrapUp: UseQueueWrapUp}); err != nil {
			t.Fatal(err)
		}
		<-time.After(31 * time.Second) // virtual time
		if a, ok := svc.Agent("a"); !ok || a.State != Ready {
			t.Fatalf("after wrap-up %+v", a)
		}
		want := []string{"queue.entered", "queue.offered", "agent.state", "queue.refused", "agent.state", "queue.offered", "agent.state",
			"queue.answered", "queue.left", "agent.state", "agent.state", "agent.state"}
		if got := p.kinds("c"); !slices.Equal(got, want) {
			t.Fatalf("journal %v", got)
		}
		stop(t, svc)
		if got := p.kinds(""); got[len(got)-1] != "agent.signed_out" {
			t.Fatalf("agents not signed out: %v", got)
		}
	})
}

func stop(t *testing.T, svc *Service) {
	t.Helper()
	if err := svc.Stop(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	svc.Post(Tick{}) // harmless afterwards
	if err := svc.Do(context.Background(), Tick{}); !errs.Is(err, errs.Unavailable) {
		t.Fatalf("after stop: %v", err)
	}
}

func TestServiceSwitchMayPostFromInside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		svc, _ := startService(t, QueueConfig{ID: "q", ServiceLevel: 15 * time.Second}, nil)
		x := newExchange(svc)
		x.accept = true
		for _, a := range []string{"a", "b", "c"} {
			signIn(svc, a)
		}
		for _, c := range []string{"c1", "c2", "c3"} {
			svc.Post(CallQueued{Call: c, Queue: "q"})
		}
		synctest.Wait()
		q := svc.Snapshot().Queues[0]
		if q.Talking != 3 || q.Waiting != 0 || q.Today.Answered != 3 || q.Today.ServiceLevel != 1 {
			t.Fatalf("%+v", q)
		}
		stop(t, svc)
	})
}

func TestServiceCountsToday(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := event.NewBus()
		queues := make(chan QueueChanged, 256)
		agents := make(chan AgentChanged, 256)
		event.Subscribe(bus, "test", func(_ context.Context, f QueueChanged) { queues <- f })
		event.Subscribe(bus, "test", func(_ context.Context, f AgentChanged) { agents <- f })
		svc, _ := startService(t, QueueConfig{ID: "q", RingTimeout: time.Minute, ServiceLevel: 15 * time.Second}, bus)
		x := newExchange(svc)
		svc.Post(AgentSignedIn{Agent: "a", Queues: []QueueLevel{{Queue: "q"}}})
		for _, c := range []string{"quick", "slow", "kept"} {
			svc.Post(CallQueued{Call: c, Queue: "q"})
		}
		<-time.After(3 * time.Second)
		svc.Post(CallGone{Call: "quick"})
		<-time.After(7 * time.Second)
		svc.Post(CallGone{Call: "slow"})
		svc.Post(AgentState{Agent: "a", Ready: true})
		<-time.After(2 * time.Second)
		svc.Post(OfferAccepted{Offer: (<-x.offers).ID})
		synctest.Wait()
		got := svc.Snapshot().Queues[0].Today
		want := Today{Offered: 3, Answered: 1, AnsweredInTime: 1, Abandoned: 2, ShortAbandoned: 1,
			WaitMsAnswered: 12_000, LongestWaitMs: 12_000, ServiceLevel: 0.5, ASAMs: 12_000}
		if got != want {
			t.Fatalf("today %+v", got)
		}
		last := QueueChanged{}
		for len(queues) > 0 {
			last = <-queues
		}
		if last.Talking != 1 || last.Today != want {
			t.Fatalf("last fact %+v", last)
		}
		if f := <-agents; f.Agent != "a" || f.State != NotReady {
			t.Fatalf("first agent fact %+v", f)
		}
		<-time.After(25 * time.Hour)
		if got := svc.Snapshot().Queues[0].Today; got.Offered != 0 || got.ServiceLevel != -1 {
			t.Fatalf("after midnight %+v", got)
		}
		stop(t, svc)
		bus.Close()
	})
}

func TestServiceUnderConcurrentPosts(t *testing.T) {
	svc, p := startService(t, QueueConfig{ID: "q", RingTimeout: time.Minute}, nil)
	x := newExchange(svc)
	x.offers = make(chan Offer, 4096)
	x.accept = true
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			agent := string(rune('a' + w))
			signIn(svc, agent)
			for i := range 100 {
				svc.Post(CallQueued{Call: agent + "-" + string(rune(0x4e00+i)), Queue: "q"})
				svc.Post(AgentFree{Agent: agent})
				_ = svc.Snapshot()
			}
		})
	}
	wg.Wait()
	if err := svc.Do(t.Context(), Tick{}); err != nil {
		t.Fatal(err)
	}
	st := svc.Snapshot()
	q := st.Queues[0]
	if q.Today.Offered != 800 || q.Today.Answered+q.Waiting != 800 {
		t.Fatalf("%+v", q)
	}
	stop(t, svc)
	signedOut := 0
	for _, e := range p.events {
		if e.Kind == journal.KindAgentSignedOut {
			signedOut++
		}
	}
	if signedOut != 8 {
		t.Fatalf("%d signed out", signedOut)
	}
}
