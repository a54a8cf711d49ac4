package booking

import (
	"context"
	"errors"
	"strings"
	"testing"

	"heartline/internal/platform/store"
)

// slow is a clerk of one desk whose groups are seen, and served when the test
// lets them.
type slow struct {
	*clerk
	groups chan string
	serve  chan struct{}
}

func newSlow() *slow {
	s := &slow{groups: make(chan string), serve: make(chan struct{})}
	s.clerk = newClerk(store.SQLite, func(group []*order) {
		names := make([]string, len(group))
		for i, o := range group {
			names[i] = o.r.PatientID + o.r.Key
		}
		s.groups <- strings.Join(names, " ")
		<-s.serve
		for _, o := range group {
			if o.r.PatientID == "bad" {
				panic("bad order")
			}
			o.settle()
		}
	})
	s.free = 1
	return s
}

// come lets a person book and returns when the clerk knows.
func (s *slow) come(ctx context.Context, patientID, key string) <-chan error {
	out := make(chan error, 1)
	o := &order{ctx: ctx, r: Request{PatientID: patientID, Key: key}}
	s.enter(o)
	go func() {
		defer func() {
			if recover() != nil {
				out <- errors.New("panicked")
			}
		}()
		_, err := s.wait(o)
		out <- err
	}()
	return out
}

// TestClerkGathers serves those together who come while others are served, in
// their order and nobody twice.
func TestClerkGathers(t *testing.T) {
	s, ctx := newSlow(), t.Context()
	answers := []<-chan error{s.come(ctx, "a", "")}
	if g := <-s.groups; g != "a" {
		t.Fatal(g)
	}
	for _, p := range []string{"b1", "c1", "b2", "d1", "b3", "c2"} {
		answers = append(answers, s.come(ctx, p[:1], p[1:]))
	}
	for _, want := range []string{"b1 c1 d1", "b2 c2", "b3"} {
		s.serve <- struct{}{}
		if g := <-s.groups; g != want {
			t.Errorf("group %q, want %q", g, want)
		}
	}
	s.serve <- struct{}{}
	for i, a := range answers {
		if err := <-a; err != nil {
			t.Errorf("%d: %v", i, err)
		}
	}
	if len(s.waiting) != 0 || s.free != 1 {
		t.Errorf("%d wait, %d desks are free", len(s.waiting), s.free)
	}
}

// TestClerkLimit serves no more at once than a transaction bears.
func TestClerkLimit(t *testing.T) {
	s := newSlow()
	first := s.come(t.Context(), "first", "")
	<-s.groups
	var others []<-chan error
	for i := range maxGroup + 6 {
		others = append(others, s.come(t.Context(), strings.Repeat("x", i+1), ""))
	}
	for _, want := range []int{maxGroup, 6} {
		s.serve <- struct{}{}
		if n := len(strings.Fields(<-s.groups)); n != want {
			t.Errorf("%d together, want %d", n, want)
		}
	}
	s.serve <- struct{}{}
	for _, a := range append(others, first) {
		if err := <-a; err != nil {
			t.Error(err)
		}
	}
}

// TestClerkLeft lets people leave who were not served yet; their desk goes to
// the next.
func TestClerkLeft(t *testing.T) {
	s := newSlow()
	first := s.come(t.Context(), "first", "")
	<-s.groups
	ctx, leave := context.WithCancel(t.Context())
	gone, stays := s.come(ctx, "gone", ""), s.come(t.Context(), "stays", "")
	leave()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("who left got %v", err)
	}
	s.serve <- struct{}{}
	if g := <-s.groups; g != "stays" {
		t.Errorf("served %q", g)
	}
	s.serve <- struct{}{}
	if err := errors.Join(<-first, <-stays); err != nil {
		t.Error(err)
	}
	free := newClerk(store.SQLite, func(group []*order) {
		for _, o := range group {
			o.settle()
		}
	})
	for range 1000 { // some take their turn before they notice that they may go
		_, _ = free.book(&order{ctx: ctx})
	}
	if len(free.waiting) != 0 || free.free != desks(store.SQLite) {
		t.Errorf("%d wait, %d desks are free", len(free.waiting), free.free)
	}
}

// TestClerkPanic ends a group in a panic: its people hear of it and the next
// ones are served.
func TestClerkPanic(t *testing.T) {
	s, ctx := newSlow(), t.Context()
	first := s.come(ctx, "first", "")
	<-s.groups
	bad, beside := s.come(ctx, "bad", ""), s.come(ctx, "beside", "")
	s.serve <- struct{}{}
	if g := <-s.groups; g != "bad beside" {
		t.Fatal(g)
	}
	s.serve <- struct{}{}
	if err := <-first; err != nil {
		t.Error(err)
	}
	if err := <-bad; err == nil || err.Error() != "panicked" { // the one who served them
		t.Errorf("bad got %v", err)
	}
	if err := <-beside; !errors.Is(err, errBroken) {
		t.Errorf("beside got %v", err)
	}
	next := s.come(ctx, "next", "")
	<-s.groups
	s.serve <- struct{}{}
	if err := <-next; err != nil {
		t.Error(err)
	}
}

// TestClerkServesHimselfLast has somebody serve who is not in the group, because
// another request of the same person came before: it is not forgotten when
// nobody else comes.
func TestClerkServesHimselfLast(t *testing.T) {
	served := make(chan string, 4)
	c := newClerk(store.SQLite, func(group []*order) {
		for _, o := range group {
			served <- o.r.Key
			o.settle()
		}
	})
	c.free = 0
	first := &order{ctx: t.Context(), r: Request{PatientID: "p", Key: "first"}, done: make(chan struct{}), desk: make(chan struct{}, 1)}
	second := &order{ctx: t.Context(), r: Request{PatientID: "p", Key: "second"}, done: make(chan struct{}), desk: make(chan struct{}, 1)}
	c.waiting = []*order{first, second}
	c.call(second)
	<-second.desk
	c.turn(second)
	if k := <-served; k != "first" || second.settled() {
		t.Fatalf("served %s", k)
	}
	<-second.desk // called again, though nobody else came
	c.turn(second)
	if k := <-served; k != "second" || !second.settled() || c.free != 1 {
		t.Errorf("served %s, %d desks are free", k, c.free)
	}
}

// TestRounds draws from a session once in a statement, and for those first who
// came first.
func TestRounds(t *testing.T) {
	at := func(session, number string) *taking {
		return &taking{se: Session{ID: session}, r: Request{NumberID: number}, reach: reach{lane: LaneWeb, mode: reachShared}}
	}
	a1, b1, a2, c1, b2, c2 := at("a", ""), at("b", "n"), at("a", ""), at("c", ""), at("b", ""), at("c", "")
	dry := map[source]bool{}
	var got []string
	for rest := []*taking{a1, b1, a2, c1, b2, c2}; len(rest) > 0; {
		var round []*taking
		round, rest = nextRound(rest, dry)
		dry[c1.source()] = true // it found nothing
		var names []string
		for _, x := range round {
			names = append(names, map[*taking]string{a1: "a1", b1: "b1", a2: "a2", c1: "c1", b2: "b2", c2: "c2"}[x])
		}
		got = append(got, strings.Join(names, " "))
	}
	if d := strings.Join(got, ", "); d != "a1 c1, b1, a2 b2" {
		t.Error(d)
	}
}
