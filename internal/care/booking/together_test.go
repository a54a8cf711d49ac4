package booking_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"heartline/internal/care/booking"
	"heartline/internal/platform/audit"
	"heartline/internal/platform/store"
)

// gate keeps everybody whose id begins with "gate" waiting until it is open.
type gate struct {
	people
	open chan struct{}
}

func (g gate) Person(ctx context.Context, tx *store.Tx, patientID string) (booking.Person, error) {
	if strings.HasPrefix(patientID, "gate") {
		<-g.open
	}
	return g.people.Person(ctx, tx, patientID)
}

// bookTogether sends all requests while the clerk is busy with others, so that
// they are served in few groups, and returns what each came to.
func (r *rig) bookTogether(list []booking.Request) (got []booking.Appointment, keys []string) {
	r.t.Helper()
	g := gate{open: make(chan struct{})}
	svc := booking.New(booking.Deps{DB: r.db, Audit: audit.New(r.clock.now), Bus: r.bus, Now: r.clock.now, Zone: shanghai(),
		People: g, Purse: r.purse, Notifier: r.notes, Timeline: story{}})
	busy := 4 * runtime.GOMAXPROCS(0)
	lobby := r.clinic(6, shared(busy))
	var came atomic.Int64
	var wg sync.WaitGroup
	for i := range busy {
		wg.Go(func() {
			came.Add(1)
			if _, err := svc.Book(r.ctx(), want(lobby, fmt.Sprint("gate-", i))); err != nil {
				r.t.Error(err)
			}
		})
	}
	got, keys = make([]booking.Appointment, len(list)), make([]string, len(list))
	for i, q := range list {
		wg.Go(func() {
			came.Add(1)
			a, err := svc.Book(r.ctx(), q)
			got[i], keys[i] = a, keyOf(err)
		})
	}
	for came.Load() < int64(busy+len(list)) {
		runtime.Gosched()
	}
	close(g.open)
	wg.Wait()
	return got, keys
}

// TestBookedTogether mixes people of all kinds of trouble with those who have
// none: everybody gets the answer that they would have got alone.
func TestBookedTogether(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		se, other, full := r.clinic(1, shared(12)), r.clinic(2, shared(12)), r.clinic(3, shared(1))
		kept := r.clinic(4, shared(1))
		before := want(other, "early")
		early, err := r.svc.Book(r.ctx(), before)
		if err != nil {
			t.Fatal(err)
		}
		r.book(full, "fills")
		r.book(kept, "dreamer", held)
		r.clock.add(11 * time.Minute) // the hold is over, and no job ended it
		changed := before
		changed.Note = "another wish"
		number := func(n string) func(*booking.Request) { return func(q *booking.Request) { q.NumberID = n } }
		list := []booking.Request{before, changed, want(full, "late"), want(kept, "heir"), want(booking.Session{ID: "none"}, "lost"),
			want(se, "nobody"), want(se, "merged"), want(other, "early2", number(early.NumberID)), want(se, "poor", card), want(se, "rich", card),
			want(se, "p0", func(q *booking.Request) { q.Lane = booking.LaneVIP }), want(se, "keeps", held), want(other, "early")}
		answers := []string{"", "booking.key_reused", "booking.session_full", "", "booking.session_not_found",
			"patient.not_found", "booking.patient_merged", "booking.slot_taken", "ledger.too_little", "",
			"booking.wrong_lane", "", "booking.double"}
		for i := range 8 {
			list, answers = append(list, want(se, fmt.Sprint("a", i)), want(other, fmt.Sprint("b", i))), append(answers, "", "")
		}
		got, keys := r.bookTogether(list)
		for i, q := range list {
			if keys[i] != answers[i] || (keys[i] == "") != (got[i].ID != "") {
				t.Errorf("%s: %q, want %q", q.PatientID, keys[i], answers[i])
			}
		}
		if got[0].ID != early.ID {
			t.Error("the same key gave another appointment")
		}
		if n := len(r.noticesOf("a0")); n != 1 {
			t.Errorf("%d notices to one person", n)
		}
		if n, err := audit.Verify(t.Context(), r.db); err != nil || n == 0 {
			t.Errorf("%d audit entries, %v", n, err)
		}
	})
}

// TestNobodysTroubleIsAnothers lets one person's notice break the transaction
// that all of a group are in.
func TestNobodysTroubleIsAnothers(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		run(t, r.db, "CREATE UNIQUE INDEX test_once ON test_notices (patient_id) WHERE patient_id = 'unlucky'",
			"INSERT INTO test_notices (id, kind, patient_id, time, exam) VALUES ('n', 'n', 'unlucky', '', '')")
		se := r.clinic(1, shared(20))
		var list []booking.Request
		for i := range 10 {
			list = append(list, want(se, fmt.Sprint("p", i)))
		}
		list = append(list, want(se, "unlucky"))
		got, keys := r.bookTogether(list)
		seen := map[int]bool{}
		for i := range 10 {
			if keys[i] != "" || seen[got[i].Seq] {
				t.Errorf("%s: %q, number %d", list[i].PatientID, keys[i], got[i].Seq)
			}
			seen[got[i].Seq] = true
		}
		if !strings.HasPrefix(keys[10], "internal") {
			t.Errorf("unlucky got %q", keys[10])
		}
	})
}

// TestAgainTogether has a group meet another on a unique index, as when a code
// is drawn that somebody has: it is served together once more, not one by one.
func TestAgainTogether(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		se := r.clinic(1, shared(40))
		r.book(se, "early")
		var list []booking.Request
		for i := range 39 {
			list = append(list, want(se, fmt.Sprint("p", i)))
		}
		r.notes.clash.Store("p7")
		_, keys := r.bookTogether(list)
		for i, key := range keys {
			if key != "" {
				t.Errorf("%s: %q", list[i].PatientID, key)
			}
		}
		groups := 0
		for range r.notes.seen.Range {
			groups++
		}
		if groups > 20 { // of those at the gate and these
			t.Errorf("39 people in %d transactions", groups)
		}
	})
}
