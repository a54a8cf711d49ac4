package journal_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"heartline/internal/contact/journal"
	"heartline/internal/platform/store"
	"heartline/internal/platform/store/storetest"
)

func start(t testing.TB, j *journal.Journal) {
	t.Helper()
	if err := j.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
}

func TestAppendedEventsComeBackInOrder(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		j := journal.New(db, time.Now)
		var live atomic.Int64
		j.OnEvent(func(journal.Event) { live.Add(1) })
		start(t, j)
		const writers, each = 8, 200
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				for i := range each {
					j.Append(fmt.Sprint("call-", w), "a", "q", journal.DTMFReceived{Leg: "l", Count: i})
				}
			})
		}
		wg.Wait()
		if err := j.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if live.Load() != writers*each {
			t.Fatalf("%d live events", live.Load())
		}
		for w := range writers {
			evs, err := j.OfContact(t.Context(), fmt.Sprint("call-", w))
			if err != nil || len(evs) != each {
				t.Fatalf("%d events, %v", len(evs), err)
			}
			for i, e := range evs {
				p, err := journal.Decode(e)
				if err != nil || p != (journal.DTMFReceived{Leg: "l", Count: i}) || e.Agent != "a" || e.Queue != "q" || e.Version != 1 {
					t.Fatalf("event %d: %+v %v %v", i, e, p, err)
				}
			}
		}
		var all []journal.Event
		for after := ""; ; {
			page, err := j.Since(t.Context(), after, 300)
			if err != nil {
				t.Fatal(err)
			}
			if len(page) == 0 {
				break
			}
			all = append(all, page...)
			after = page[len(page)-1].ID
		}
		if len(all) != writers*each {
			t.Fatalf("since found %d", len(all))
		}
		if s := j.Stats(); s.Written != writers*each || s.Pending != 0 || s.Lost != 0 {
			t.Fatalf("stats %+v", s)
		}
		last, err := j.LastAt(t.Context())
		if err != nil || !last.Equal(all[len(all)-1].At) {
			t.Fatalf("last %v %v", last, err)
		}
	})
}

func TestHostileTextIsStored(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		j := journal.New(db, time.Now)
		start(t, j)
		j.Append("c\x00\xff", "a'; DROP TABLE calls", "", journal.CallNoted{Notes: "nul \x00, bad \xff, 中文 🙂"})
		if err := j.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		evs, err := j.OfContact(t.Context(), "c\uFFFD")
		if err != nil || len(evs) != 1 {
			t.Fatalf("%v %v", evs, err)
		}
		if p, err := journal.Decode(evs[0]); err != nil || p.(journal.CallNoted).Notes != "nul \x00, bad \uFFFD, 中文 🙂" {
			t.Fatalf("%+v %v", p, err)
		}
	})
}

func TestFailedWritesAreRetriedAndAlarmed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var broken atomic.Bool
		broken.Store(true)
		alarms := make(chan error, 100)
		j := journal.New(db, time.Now, journal.WithAlarm(func(err error, _ int, _ uint64) { alarms <- err }))
		var projected atomic.Int64
		j.OnBatch(func(_ context.Context, tx *store.Tx, evs []journal.Event) error {
			if broken.Load() {
				return errors.New("projection is broken")
			}
			n := int64(len(evs))
			tx.AfterCommit(func() { projected.Add(n) })
			return nil
		})
		start(t, j)
		j.Append("c", "", "", journal.CallResumed{})
		if err := <-alarms; err == nil {
			t.Fatal("no alarm")
		}
		broken.Store(false)
		if err := j.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		for err := range alarms {
			if err == nil {
				break // all clear
			}
		}
		if evs, _ := j.OfContact(t.Context(), "c"); len(evs) != 1 || projected.Load() != 1 {
			t.Fatalf("%d events, %d projected", len(evs), projected.Load())
		}
		broken.Store(true) // for good: the log must go on without it
		j.Append("d", "", "", journal.CallResumed{})
		if err := j.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if evs, _ := j.OfContact(t.Context(), "d"); len(evs) != 1 || j.Stats().Skipped != 1 {
			t.Fatalf("%d events, %+v", len(evs), j.Stats())
		}
	})
}

func TestLostEventsAreCountedAndAlarmed(t *testing.T) {
	var lost atomic.Uint64
	j := journal.New(storetest.SQLite(t), time.Now, journal.WithMaxPending(10),
		journal.WithAlarm(func(_ error, _ int, n uint64) { lost.Store(n) }))
	for range 15 { // not started: nobody writes
		j.Append("c", "", "", journal.CallResumed{})
	}
	if j.Stats().Lost != 5 || lost.Load() != 5 {
		t.Fatalf("%+v, alarmed %d", j.Stats(), lost.Load())
	}
	if err := j.Flush(t.Context()); !errors.Is(err, journal.ErrStopped) {
		t.Fatalf("flush of a journal that does not run: %v", err)
	}
	start(t, j)
	if err := j.Flush(t.Context()); err != nil || j.Stats().Written != 10 {
		t.Fatalf("%v %+v", err, j.Stats())
	}
}

func TestStopWritesWhatWaits(t *testing.T) {
	db := storetest.SQLite(t)
	j := journal.New(db, time.Now)
	if err := j.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		j.Append("c", "", "", journal.CallResumed{})
	}
	if err := j.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if evs, err := j.OfContact(t.Context(), "c"); len(evs) != 1000 || err != nil {
		t.Fatalf("%d events, %v", len(evs), err)
	}
	j.Append("c", "", "", journal.CallResumed{})
	if j.Stats().Lost != 1 {
		t.Fatal("an event after the end must count as lost")
	}
}

func TestImportKeepsTheOrderOfTime(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		j := journal.New(db, time.Now)
		start(t, j)
		j.Append("today", "", "", journal.CallResumed{})
		at := time.Now().Add(-28 * 24 * time.Hour)
		var evs []journal.Event
		for i := range 2000 {
			evs = append(evs, journal.Past(at.Add(time.Duration(i/5)*time.Millisecond), "old", "", "", journal.DTMFReceived{Count: i}))
		}
		if err := j.Import(t.Context(), evs); err != nil {
			t.Fatal(err)
		}
		got, err := j.OfContact(t.Context(), "old")
		if err != nil || len(got) != 2000 {
			t.Fatalf("%d events, %v", len(got), err)
		}
		for i, e := range got {
			if p, _ := journal.Decode(e); p.(journal.DTMFReceived).Count != i {
				t.Fatalf("event %d is %+v", i, p)
			}
		}
		if err := j.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		all, err := j.Since(t.Context(), "", 5000)
		if err != nil || all[len(all)-1].Contact != "today" {
			t.Fatalf("the log is not in order of time: %v", err)
		}
	})
}

func TestEveryKindDecodesToItself(t *testing.T) {
	rec := journal.Receipt{RuleVersion: "v1", Candidates: []journal.Candidate{{Agent: "a", Score: 3, Chosen: true}}}
	for _, p := range []journal.Payload{
		journal.CallStarted{Direction: "inbound", FromMasked: "138****0000"}, journal.QueueOffered{Agent: "a", Receipt: rec},
		journal.AgentState{State: "ready", Prev: "wrap_up", SincePrevMs: 5}, journal.MediaQuality{Leg: "l", MOS: 4.2},
		journal.IVRInput{Node: "m", Input: "digit", Digit: "1"}, journal.CallEnded{By: "caller"},
	} {
		data, err := json.Marshal(p)
		if err != nil || !journal.Known(p.Kind()) {
			t.Fatal(p.Kind(), err)
		}
		back, err := journal.Decode(journal.Event{Kind: p.Kind(), Data: data})
		again, _ := json.Marshal(back)
		if err != nil || !slices.Equal(data, again) {
			t.Fatalf("%s: %s became %s, %v", p.Kind(), data, again, err)
		}
	}
	p, err := journal.Decode(journal.Event{Kind: "call.teleported", Data: json.RawMessage(`{"to":"mars"}`)})
	if u, ok := p.(journal.Unknown); err != nil || !ok || u.Kind() != "call.teleported" || string(u.Data) != `{"to":"mars"}` {
		t.Fatalf("%+v %v", p, err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("queue.offered", []byte(`{"agent":"a","receipt":{"candidates":[{"agent":"a","idle_ms":1}]}}`))
	f.Add("call.started", []byte(`{"direction":7}`))
	f.Add("", []byte(nil))
	f.Fuzz(func(t *testing.T, kind string, data []byte) {
		p, err := journal.Decode(journal.Event{Kind: kind, Data: data})
		if err != nil {
			return
		}
		if p.Kind() != kind {
			t.Fatalf("%q decoded as %q", kind, p.Kind())
		}
		if _, err := json.Marshal(p); err != nil && journal.Known(kind) {
			t.Fatalf("%q: cannot be written again: %v", kind, err)
		}
	})
}

// BenchmarkAppend measures what an event costs until it is on disk, in
// batches as under load.
func BenchmarkAppend(b *testing.B) {
	j := journal.New(storetest.SQLite(b), time.Now)
	start(b, j)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		j.Append(fmt.Sprint("call-", n/16), "agent", "queue", journal.QueueAnswered{Agent: "agent", Offer: "o", WaitedMs: 12345})
		if n++; n%2000 == 0 {
			if err := j.Flush(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	}
	if err := j.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
}
