package callrecord

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"heartline/internal/contact/journal"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/store"
	"heartline/internal/platform/store/storetest"
)

func open(t testing.TB, db *store.DB) (*Service, *journal.Journal) {
	t.Helper()
	j := journal.New(db, time.Now, journal.WithAlarm(func(err error, _ int, _ uint64) {
		if err != nil {
			t.Errorf("journal: %v", err)
		}
	}))
	s := New(db, j, DefaultRules(), time.Now)
	if err := j.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	return s, j
}

// replay appends events through the live path, with a flush now and then so
// that a call is spread over batches.
func replay(t testing.TB, j *journal.Journal, rng *rand.Rand, evs []journal.Event) {
	t.Helper()
	for _, ev := range evs {
		p, err := journal.Decode(ev)
		if err != nil {
			t.Fatal(err)
		}
		j.AppendAt(ev.At, ev.Contact, ev.Agent, ev.Queue, p)
		if rng != nil && rng.IntN(4) == 0 {
			flush(t, j)
		}
	}
	flush(t, j)
}

func flush(t testing.TB, j *journal.Journal) {
	t.Helper()
	if err := j.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

var sameRecord = cmp.Options{cmpopts.IgnoreUnexported(Record{}), cmpopts.EquateEmpty()}

// dump returns every row of the projections as text.
func dump(t *testing.T, db *store.DB) map[string]string {
	t.Helper()
	out := make(map[string]string)
	for table, cols := range map[string]string{
		"calls":          "id, started_at, answered_at, ended_at, direction, queue, outcome, from_index, patient, disposition, ivr_ms, wait_ms, talk_ms, hold_ms, wrap_ms, transfers, data",
		"call_visits":    "call_id, seq, queue, entered_at, left_at, wait_ms, result, agent",
		"call_agents":    "call_id, seq, agent, queue, direction, started_at, rang_at, answered_at, ended_at, result, ring_ms, talk_ms, hold_ms, wrap_ms",
		"agent_spans":    "agent, started_at, ended_at, state, reason, contact",
		"agent_presence": "agent, state, reason, since, seat",
	} {
		rows, err := db.SQL().QueryContext(t.Context(), "SELECT "+cols+" FROM "+table)
		if err != nil {
			t.Fatal(err)
		}
		names, _ := rows.Columns()
		for rows.Next() {
			vals := make([]any, len(names))
			ptrs := make([]any, len(names))
			for i := range vals {
				ptrs[i] = &vals[i]
			}
			if err := rows.Scan(ptrs...); err != nil {
				t.Fatal(err)
			}
			out[fmt.Sprint(table, " ", vals[0], " ", vals[1])] = fmt.Sprint(vals...)
		}
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// randomCalls are whole and broken-off calls of all sorts.
func randomCalls(rng *rand.Rand, n int) []journal.Event {
	var all []journal.Event
	for i := range n {
		steps := incoming()
		switch rng.IntN(4) {
		case 0:
			steps = append(steps, step{12 + rng.Float64()*60, "", "", journal.CallEnded{By: "caller"}})
		case 1:
			steps = answered(step{60, "a", "", journal.CallHeld{}}, step{70, "a", "", journal.CallResumed{}},
				step{130, "a", "", journal.LegEnded{Leg: "ag"}}, step{130, "", "", journal.CallEnded{By: "agent"}},
				step{130, "a", "", journal.AgentState{State: "wrap_up", Prev: "talking", SincePrevMs: 100_000}},
				step{150, "a", "", journal.AgentState{State: "ready", Prev: "wrap_up", SincePrevMs: 20_000}},
				step{150, "a", "", journal.CallDisposed{Disposition: "info"}})
		case 2:
			steps = answered()[:8+rng.IntN(6)]
		}
		for k := range steps {
			steps[k].at += float64(i * 3)
		}
		all = append(all, events(fmt.Sprintf("call-%04d", i), steps...)...)
	}
	return all
}

func TestRebuildEqualsTheLiveTables(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, j := open(t, db)
		rng := rand.New(rand.NewPCG(3, 4))
		j.Append("", "a", "", journal.AgentSignedIn{Seat: "browser"})
		replay(t, j, rng, randomCalls(rng, 60))
		// a call that nobody started in the log must not become a row
		j.Append("stray", "", "", journal.CallHeld{})
		flush(t, j)
		// the row of an open call is as old as its start or answer; all are over
		if _, err := s.CloseOrphans(t.Context(), t0.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		live := dump(t, db)
		err := db.Write(t.Context(), func(tx *store.Tx) error {
			if _, err := tx.Exec(t.Context(), "UPDATE calls SET talk_ms = 7, outcome = 'wrong', queue = 'zz'"); err != nil {
				return err
			}
			_, err := tx.Exec(t.Context(), "DELETE FROM call_agents")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		n, err := s.Rebuild(t.Context())
		if err != nil || n != 61 {
			t.Fatalf("rebuilt %d, %v", n, err)
		}
		if diff := cmp.Diff(live, dump(t, db)); diff != "" {
			t.Fatalf("rebuild differs (-live +rebuilt):\n%s", diff)
		}
	})
}

func TestCrashLeavesTheTruthAndOrphansAreClosed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		first, j := open(t, db)
		j.AppendAt(t0, "", "a", "", journal.AgentSignedIn{Seat: "browser"})
		j.AppendAt(t0.Add(time.Second), "", "a", "", journal.AgentState{State: "ready", Prev: "not_ready", SincePrevMs: 1000})
		replay(t, j, nil, events("talking", answered()...))
		replay(t, j, nil, events("waiting", incoming()...))
		replay(t, j, nil, events("over", append(incoming(), step{30, "", "", journal.CallEnded{By: "caller"}})...))
		if p, err := first.List(t.Context(), Filter{OpenOnly: true}, ""); err != nil || len(p.Items) != 2 {
			t.Fatalf("open before: %+v %v", p, err)
		}
		// the process dies here: a new one knows nothing but the database
		s, _ := open(t, db)
		at := t0.Add(40 * time.Second)
		n, err := s.CloseOrphans(t.Context(), at)
		if err != nil || n != 2 {
			t.Fatalf("closed %d, %v", n, err)
		}
		for id, want := range map[string]Outcome{"talking": Answered, "waiting": Failed, "over": Abandoned} {
			r, err := s.Get(t.Context(), id)
			if err != nil || r.Outcome != want {
				t.Fatalf("%s: %s, %v", id, r.Outcome, err)
			}
			if id == "talking" && (r.TalkMs != 10_000 || r.EndedBy != "restart" || !r.EndedAt.Equal(at) || r.WaitMs != 20_000) {
				t.Fatalf("%+v", r)
			}
		}
		if n, err := s.CloseOrphans(t.Context(), time.Time{}); err != nil || n != 0 {
			t.Fatalf("closed %d again, %v", n, err)
		}
		present, err := s.presentAgents(t.Context())
		if err != nil || len(present) != 0 {
			t.Fatalf("still signed in: %+v %v", present, err)
		}
		if rows := dump(t, db); rows[fmt.Sprintf("agent_spans a %d", unixMs(t0.Add(time.Second)))] == "" {
			t.Fatalf("the ready time before the crash is missing: %v", rows)
		}
	})
}

// importMany writes 25 calls: every fifth answered by a for patient p1, the
// others given up after 2 s; pairs start at the same moment.
func importMany(t *testing.T, j *journal.Journal) {
	t.Helper()
	var evs []journal.Event
	for i := range 25 {
		steps := append(incoming(), step{12, "", "", journal.CallEnded{By: "caller"}})
		if i%5 == 0 {
			steps = answered(step{60, "", "", journal.CallEnded{By: "caller"}}, step{61, "", "", journal.CallDisposed{Disposition: "x", Patient: "p1"}})
		}
		for k := range steps {
			steps[k].at += float64(i / 2)
		}
		evs = append(evs, events(fmt.Sprintf("call-%02d", i), steps...)...)
	}
	if err := j.Import(t.Context(), evs); err != nil {
		t.Fatal(err)
	}
}

func TestFilters(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, j := open(t, db)
		importMany(t, j)
		for name, c := range map[string]struct {
			f    Filter
			want int
		}{
			"all": {Filter{}, 25}, "agent": {Filter{Agent: "a"}, 5}, "queue": {Filter{Queue: "q"}, 25}, "other queue": {Filter{Queue: "z"}, 0},
			"outcome": {Filter{Outcome: ShortAbandoned}, 20}, "patient": {Filter{PatientIDs: []string{"p1"}}, 5}, "either patient": {Filter{PatientIDs: []string{"p9", "p1"}}, 5}, "no patient": {Filter{PatientIDs: []string{"p9"}}, 0}, "number": {Filter{FromIndexes: []string{"no", "ix"}}, 25},
			"time": {Filter{From: t0.Add(2 * time.Second), To: t0.Add(4 * time.Second)}, 4}, "direction": {Filter{Direction: "outbound"}, 0}, "open": {Filter{OpenOnly: true}, 0},
			"hostile": {Filter{Queue: "' OR 1=1 --"}, 0},
		} {
			got := 0
			for r, err := range s.Export(t.Context(), c.f) {
				if err != nil || r.ID == "" {
					t.Fatal(err)
				}
				got++
			}
			if got != c.want {
				t.Errorf("%s: %d, want %d", name, got, c.want)
			}
		}
	})
}

func TestPagesHoldEveryCallOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, j := open(t, db)
		importMany(t, j)
		seen := map[string]bool{}
		var last time.Time
		for cursor, pages := "", 0; ; pages++ {
			p, err := s.List(t.Context(), Filter{Limit: 7}, cursor)
			if err != nil || pages > 4 {
				t.Fatal(pages, err)
			}
			for _, r := range p.Items {
				if seen[r.ID] || (!last.IsZero() && r.StartedAt.After(last)) {
					t.Fatalf("%s twice or out of order", r.ID)
				}
				seen[r.ID], last = true, r.StartedAt
			}
			if cursor = p.Next; cursor == "" {
				break
			}
		}
		if len(seen) != 25 {
			t.Fatalf("%d calls on the pages", len(seen))
		}
		if _, err := s.List(t.Context(), Filter{}, "rubbish!"); !errs.Is(err, errs.Invalid) {
			t.Fatalf("rubbish cursor: %v", err)
		}
	})
}

func TestDispositionIsOnDiskWhenAcknowledged(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, j := open(t, db)
		replay(t, j, nil, events("c1", answered(step{60, "", "", journal.CallEnded{By: "caller"}})...))
		before, _ := s.Get(t.Context(), "c1")
		if err := s.SetDisposition(t.Context(), "c1", "booked", "wants a morning", "p9"); err != nil {
			t.Fatal(err)
		}
		after, err := s.Get(t.Context(), "c1")
		before.Disposition, before.Notes, before.PatientID = "booked", "wants a morning", "p9"
		if diff := cmp.Diff(before, after, sameRecord); err != nil || diff != "" {
			t.Fatalf("%v\n%s", err, diff)
		}
		if err := s.SetDisposition(t.Context(), "nobody", "x", "", ""); !errs.Is(err, errs.NotFound) {
			t.Fatalf("unknown call: %v", err)
		}
		evs, _ := j.OfContact(t.Context(), "c1")
		if got := s.foldAll(evs); cmp.Diff(got, after, sameRecord) != "" {
			t.Fatalf("the log says otherwise: %+v", got)
		}
	})
}

// BenchmarkCall measures a whole answered call of 16 events with its record.
func BenchmarkCall(b *testing.B) {
	_, j := open(b, storetest.SQLite(b))
	evs := events("x", answered(step{130, "a", "", journal.LegEnded{Leg: "ag"}}, step{130, "", "", journal.CallEnded{By: "agent"}})...)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		n++
		id := fmt.Sprintf("call-%08d", n)
		for _, ev := range evs {
			p, _ := journal.Decode(ev)
			j.AppendAt(ev.At, id, ev.Agent, ev.Queue, p)
		}
		if n%200 == 0 {
			flush(b, j)
		}
	}
	flush(b, j)
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*len(evs)), "µs/event")
}
