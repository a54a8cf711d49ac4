package booking_test

import (
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"heartline/internal/care/booking"
	"heartline/internal/platform/store"
	"heartline/internal/platform/store/storetest"

	"github.com/anishathalye/porcupine"
)

// TestThousandBookers lets 1,000 people press the button for 40 numbers at
// once: every number is given exactly once and everybody gets an answer.
// HEARTLINE_STRESS_ROUNDS makes it thousands of times.
func TestThousandBookers(t *testing.T) {
	const people, numbers = 1000, 40
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r, n := newRig(t, db), rounds(t, "HEARTLINE_STRESS_ROUNDS", 2)
		for round := range n {
			se := r.clinic(1, shared(numbers), func(se *booking.Session) { se.DepartmentID = "dep" + strconv.Itoa(round) })
			answers := make([]string, people)
			seqs := make([]int, people)
			start := make(chan struct{})
			var wg sync.WaitGroup
			for i := range people {
				wg.Go(func() {
					<-start
					a, err := r.svc.Book(r.ctx(), want(se, "p"+strconv.Itoa(i)))
					answers[i], seqs[i] = keyOf(err), a.Seq
				})
			}
			close(start)
			wg.Wait()
			given := map[int]bool{}
			for i, key := range answers {
				switch {
				case key == "" && !given[seqs[i]]:
					given[seqs[i]] = true
				case key == "":
					t.Fatalf("round %d: number %d was given twice", round, seqs[i])
				case key != "booking.session_full":
					t.Fatalf("round %d: %s", round, key)
				}
			}
			if len(given) != numbers {
				t.Fatalf("round %d: %d of %d numbers were given", round, len(given), numbers)
			}
			milestone(t, round+1)
		}
		sound(t, db)
		t.Logf("%d rounds of %d people for %d numbers: none lost, none given twice", n, people, numbers)
	})
}

// call and answer are what a client asked of a session and got.
type call struct {
	op  string // any, one, back
	seq int
}

type answer struct {
	ok  bool
	seq int
}

// pool is a session as a set of free numbers: the whole specification.
func pool(numbers int) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return uint64(1)<<numbers - 1 },
		Step: func(state, input, output any) (bool, any) {
			free, in, out := state.(uint64), input.(call), output.(answer)
			bit := uint64(1) << out.seq
			switch {
			case in.op == "back":
				return free&bit == 0, free | bit
			case out.ok:
				return free&bit != 0, free &^ bit
			case in.op == "one":
				return free&(uint64(1)<<in.seq) == 0, free
			}
			return free == 0, free
		},
		DescribeOperation: func(in, out any) string { return fmt.Sprintf("%+v → %+v", in, out) },
	}
}

// TestLinearizable records what ten clients asked and got while they booked
// and gave back the numbers of one session, and finds an order of one thing
// after another that explains all answers.
func TestLinearizable(t *testing.T) {
	const numbers, clients, perClient = 5, 10, 12
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db)
		for round := range rounds(t, "HEARTLINE_STRESS_ROUNDS", 4) {
			se := r.clinic(1, shared(numbers), func(se *booking.Session) { se.DepartmentID = "dep" + strconv.Itoa(round) })
			list, err := r.svc.Numbers(r.ctx(), se.ID, "")
			if err != nil {
				t.Fatal(err)
			}
			begin := time.Now()
			var mu sync.Mutex
			var history []porcupine.Operation
			var wg sync.WaitGroup
			for c := range clients {
				wg.Go(func() {
					b := &booker{r: r, se: se, numbers: list, name: "p" + strconv.Itoa(c)}
					for i := range perClient {
						at := time.Since(begin)
						in, out := b.next(t, i*7+c*3+round)
						op := porcupine.Operation{ClientId: c, Input: in, Call: int64(at), Output: out, Return: int64(time.Since(begin))}
						mu.Lock()
						history = append(history, op)
						mu.Unlock()
					}
				})
			}
			wg.Wait()
			if res := porcupine.CheckOperationsTimeout(pool(numbers), history, 20*time.Second); res == porcupine.Illegal {
				t.Fatalf("round %d: no order explains %+v", round, history)
			}
		}
		sound(t, db)
	})
}

// booker is a client that books when it has nothing and gives back what it
// has.
type booker struct {
	r       *rig
	se      booking.Session
	numbers []booking.Number
	name    string
	has     *booking.Appointment
}

func (b *booker) next(t *testing.T, dice int) (call, answer) {
	ctx := b.r.ctx()
	if b.has != nil {
		seq := b.has.Seq - 1
		if _, err := b.r.svc.Cancel(ctx, b.has.ID, booking.Cancel{Reason: booking.CancelStaff, Channel: booking.ChannelDesk}); err != nil {
			t.Error(err)
		}
		b.has = nil
		return call{op: "back"}, answer{ok: true, seq: seq}
	}
	in := call{op: "any"}
	q := want(b.se, b.name)
	if dice%3 == 0 {
		in = call{op: "one", seq: dice % len(b.numbers)}
		q.NumberID = b.numbers[in.seq].ID
	}
	a, err := b.r.svc.Book(ctx, q)
	switch keyOf(err) {
	case "":
		b.has = &a
		return in, answer{ok: true, seq: a.Seq - 1}
	case "booking.session_full", "booking.slot_taken":
		if in.op == "one" && keyOf(err) == "booking.session_full" {
			in = call{op: "any"} // nothing at all was free, which says more
		}
		return in, answer{}
	}
	t.Error(err)
	return in, answer{}
}
