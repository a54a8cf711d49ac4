package booking_test

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"heartline/internal/care/booking"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/id"
	"heartline/internal/platform/store"
	"heartline/internal/platform/store/storetest"

	"pgregory.net/rapid"
)

// step is one random operation. Who and Which pick a person and one of the
// appointments known so far.
type step struct {
	Op, Who, Which, Session, Seq, Minutes int
	Card                                  bool
}

const (
	opBook = iota
	opBookNumber
	opHold
	opConfirm
	opChange
	opCancel
	opArrive
	opCheckIn
	opComplete
	opMiss
	opExpire
	opWait
	ops
)

func steps() *rapid.Generator[step] {
	return rapid.Custom(func(t *rapid.T) step {
		return step{
			Op: rapid.IntRange(0, ops-1).Draw(t, "op"), Who: rapid.IntRange(0, 5).Draw(t, "who"), Which: rapid.IntRange(0, 30).Draw(t, "which"),
			Session: rapid.IntRange(0, 1).Draw(t, "session"), Seq: rapid.IntRange(0, 3).Draw(t, "seq"),
			Minutes: rapid.IntRange(0, 30).Draw(t, "minutes"), Card: rapid.Bool().Draw(t, "card"),
		}
	})
}

// world is where steps happen: two sessions of four numbers on one day and
// what was booked in them.
type world struct {
	r        *rig
	name     string
	sessions [2]booking.Session
	numbers  [2][]booking.Number
	mu       sync.Mutex
	known    []string
}

func newWorld(r *rig, name string) *world {
	w := &world{r: r, name: name}
	for i := range w.sessions {
		w.sessions[i] = r.clinic(1, shared(4), func(se *booking.Session) {
			se.DepartmentID = "dep-" + name + strconv.Itoa(i%2)
			if len(name)%2 == 0 { // both of one department: the day is shared
				se.DepartmentID = "dep-" + name
			}
		})
		var err error
		if w.numbers[i], err = r.svc.Numbers(r.ctx(), w.sessions[i].ID, ""); err != nil {
			r.t.Fatal(err)
		}
	}
	return w
}

func (w *world) which(s step) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.known) == 0 {
		return "none"
	}
	return w.known[s.Which%len(w.known)]
}

func (w *world) keep(a booking.Appointment, err error) (booking.Appointment, error) {
	if err == nil {
		w.mu.Lock()
		w.known = append(w.known, a.ID)
		w.mu.Unlock()
	}
	return a, err
}

func (w *world) request(s step) booking.Request {
	return want(w.sessions[s.Session], fmt.Sprintf("%s-%d", w.name, s.Who), func(q *booking.Request) {
		q.UseCard = s.Card
		switch s.Op {
		case opBookNumber:
			q.NumberID = w.numbers[s.Session][s.Seq].ID
		case opHold:
			q.Hold = 10 * time.Minute
		}
	})
}

// do runs one step against the service.
func (w *world) do(ctx context.Context, s step) (booking.Appointment, error) {
	svc := w.r.svc
	switch s.Op {
	case opBook, opBookNumber, opHold:
		return w.keep(svc.Book(ctx, w.request(s)))
	case opConfirm:
		return svc.Confirm(ctx, w.which(s))
	case opChange:
		return w.keep(svc.ChangeTo(ctx, w.which(s), booking.Change{Key: id.New(), SessionID: w.sessions[s.Session].ID, Channel: booking.ChannelWeb}))
	case opCancel:
		return svc.Cancel(ctx, w.which(s), booking.Cancel{Reason: booking.CancelStaff, Channel: booking.ChannelDesk})
	case opArrive:
		return svc.Arrive(ctx, w.which(s))
	case opCheckIn:
		return svc.CheckIn(ctx, w.which(s))
	case opComplete:
		return svc.Complete(ctx, w.which(s))
	case opMiss:
		return svc.Miss(ctx, w.which(s))
	case opExpire:
		_, err := svc.Expire(ctx, w.which(s))
		return booking.Appointment{}, err
	}
	w.r.clock.add(time.Duration(s.Minutes) * 2 * time.Minute)
	return booking.Appointment{}, nil
}

// expected are refusals; anything else is a failure of the program.
func expected(err error) bool {
	return err == nil || errs.Is(err, errs.Conflict) || errs.Is(err, errs.NotFound) || errs.Is(err, errs.Invalid) || errs.Is(err, errs.Denied)
}

// rounds reads how often a heavy test runs: few times normally, thousands on
// a machine that has the time.
func rounds(t testing.TB, variable string, normally int) int {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return normally
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s=%q: want a number", variable, text)
	}
	return n
}

// milestone says now and then how far a long proof has come.
func milestone(t testing.TB, round int) {
	t.Helper()
	if round%100 == 0 {
		t.Logf("%d rounds, all well", round)
	}
}

// balanced checks that every number of the sessions is accounted for.
func (w *world) balanced(t testing.TB) {
	t.Helper()
	for i, se := range w.sessions {
		counts := map[string]int{}
		for _, state := range w.r.column("SELECT state FROM booking_numbers WHERE session_id = '" + se.ID + "'") {
			counts[state]++
		}
		if counts["free"]+counts["taken"]+counts["blocked"] != len(w.numbers[i]) {
			t.Fatalf("session %d: %v of %d numbers", i, counts, len(w.numbers[i]))
		}
	}
}

// TestRandomSteps runs random steps of six clients at once; how they are
// interleaved is drawn as well, as turns given up inside the transactions.
func TestRandomSteps(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db)
		for round := range rounds(t, "HEARTLINE_STRESS_ROUNDS", 12) {
			r.clock.set(monday().Add(24*time.Hour + time.Duration(round%3)*30*time.Minute))
			w := newWorld(r, "w"+strconv.Itoa(round))
			clients := rapid.SliceOfN(rapid.SliceOfN(steps(), 8, 8), 6, 6).Example(round)
			yields := rapid.SliceOfN(rapid.IntRange(0, 20), 16, 16).Example(round)
			var wg sync.WaitGroup
			for c, list := range clients {
				wg.Go(func() {
					ctx := context.WithValue(r.ctx(), yieldKey{}, yields[c:])
					for _, s := range list {
						if _, err := w.do(ctx, s); !expected(err) {
							t.Errorf("round %d, %+v: %v", round, s, err)
						}
					}
				})
			}
			wg.Wait()
			w.balanced(t)
			if t.Failed() {
				return
			}
		}
		sound(t, db)
	})
}

type yieldKey struct{}

// yield gives up the turn as often as was drawn for this client.
func yield(ctx context.Context, place int) {
	if list, ok := ctx.Value(yieldKey{}).([]int); ok {
		for range list[place%len(list)] {
			runtime.Gosched()
		}
	}
}

// TestAgainstModel runs random steps one after another and foretells each
// answer from a model that is nothing but maps.
func TestAgainstModel(t *testing.T) {
	r := newRig(t, storetest.SQLite(t))
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		r.clock.set(monday().Add(24 * time.Hour))
		w := newWorld(r, "m"+strconv.Itoa(n))
		m := newModel(w)
		for _, s := range rapid.SliceOfN(steps(), 1, 40).Draw(rt, "steps") {
			if s.Op == opBookNumber || s.Op == opChange { // told apart in TestRandomSteps
				s.Op = opBook
			}
			id := w.which(s)
			key := m.foretell(s, id)
			a, err := w.do(r.ctx(), s)
			if keyOf(err) != key {
				rt.Fatalf("%+v: %q, foretold %q", s, keyOf(err), key)
			}
			if err == nil {
				m.happened(s, id, a)
			}
		}
		w.balanced(t)
		m.compare(rt)
	})
	sound(t, r.db)
}
