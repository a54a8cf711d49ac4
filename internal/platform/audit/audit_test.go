package audit_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"heartline/internal/platform/audit"
	"heartline/internal/platform/store"
	"heartline/internal/platform/store/storetest"

	"github.com/google/go-cmp/cmp"
)

func clock() time.Time { return time.Date(2026, 11, 22, 8, 0, 0, 5e6, time.UTC) }

func add(t testing.TB, db *store.DB, l *audit.Log, entries ...audit.Entry) {
	t.Helper()
	err := db.Write(context.WithoutCancel(t.Context()), func(tx *store.Tx) error {
		for _, e := range entries {
			if err := l.Append(context.Background(), tx, e); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func verify(t testing.TB, db *store.DB, want int) {
	t.Helper()
	if n, err := audit.Verify(context.WithoutCancel(t.Context()), db); err != nil || n != want {
		t.Fatalf("%d entries, %v; want %d", n, err, want)
	}
}

func view(patient string) audit.Entry {
	return audit.Entry{Actor: "u1", ActorName: "Li", Action: "patient.view", Object: "patient", ObjectID: patient,
		Patient: patient, Reason: "call", IP: "10.0.0.1", RequestID: "r1", Detail: map[string]any{"fields": 3.0}}
}

func TestAppendListVerify(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		l := audit.New(clock)
		verify(t, db, 0)
		add(t, db, l, view("p1"), view("p2"))
		add(t, db, l, audit.Entry{Actor: "system", Action: "system.start", At: clock().Add(time.Hour)})
		verify(t, db, 3)
		all, err := audit.List(t.Context(), db, audit.Filter{})
		if err != nil || len(all) != 3 || all[0].Action != "system.start" || all[2].Seq != 1 {
			t.Fatalf("%v, %v", all, err)
		}
		got := all[1]
		want := view("p2")
		want.Seq, want.ID, want.Hash, want.At = 2, got.ID, got.Hash, clock()
		if d := cmp.Diff(want, got); d != "" || got.ID == "" || got.Hash == "" {
			t.Fatal(d)
		}
		for name, c := range map[string]struct {
			f audit.Filter
			n int
		}{
			"patient": {audit.Filter{Patient: "p1"}, 1}, "actor": {audit.Filter{Actor: "u1"}, 2},
			"object": {audit.Filter{Object: "patient", ObjectID: "p2"}, 1}, "from": {audit.Filter{From: clock().Add(time.Minute)}, 1},
			"to": {audit.Filter{To: clock().Add(time.Minute)}, 2}, "page": {audit.Filter{Before: 2}, 1}, "limit": {audit.Filter{Limit: 2}, 2},
			"action": {audit.Filter{Action: "' OR 1=1 --"}, 0},
		} {
			if list, err := audit.List(t.Context(), db, c.f); err != nil || len(list) != c.n {
				t.Errorf("%s: %d entries, %v; want %d", name, len(list), err, c.n)
			}
		}
	})
}

func TestFailedDeedLeavesNoEntry(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		l := audit.New(clock)
		add(t, db, l, view("p1"))
		boom := errors.New("boom")
		err := db.Write(t.Context(), func(tx *store.Tx) error {
			return errors.Join(l.Append(t.Context(), tx, view("p2")), boom)
		})
		if !errors.Is(err, boom) {
			t.Fatal(err)
		}
		err = db.Write(t.Context(), func(tx *store.Tx) error { // fails after the entry joined the chain
			if err := l.Append(t.Context(), tx, view("p3")); err != nil {
				return err
			}
			tx.BeforeCommit(func(context.Context) error { return boom })
			return nil
		})
		if !errors.Is(err, boom) {
			t.Fatal(err)
		}
		add(t, db, l, view("p4"))
		verify(t, db, 2)
		err = db.Write(t.Context(), func(tx *store.Tx) error { return l.Append(t.Context(), tx, audit.Entry{Action: "x"}) })
		if err == nil {
			t.Fatal("an entry without an actor was taken")
		}
	})
}

// TestManyWriters appends from two Logs, as two nodes would, without a gap or
// a fork in the chain.
func TestManyWriters(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		logs := []*audit.Log{audit.New(clock), audit.New(clock)}
		var wg sync.WaitGroup
		for i := range 16 {
			wg.Go(func() {
				for j := range 10 {
					err := db.Write(context.Background(), func(tx *store.Tx) error {
						l := logs[i%2]
						return errors.Join(l.Append(context.Background(), tx, view(fmt.Sprint(i))),
							l.Append(context.Background(), tx, view(fmt.Sprint(j))))
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		verify(t, db, 320)
	})
}

func TestVerifyFindsTampering(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		l := audit.New(clock)
		for i := range 10 {
			add(t, db, l, view(fmt.Sprint("p", i)))
		}
		for name, c := range map[string]struct {
			sql string
			seq int64
		}{
			"reason changed":  {"UPDATE audit_log SET reason = 'x' WHERE seq = 4", 4},
			"moved text":      {"UPDATE audit_log SET object = 'patientp', object_id = '3' WHERE seq = 4", 4},
			"detail changed":  {"UPDATE audit_log SET detail = '{}' WHERE seq = 10", 10},
			"detail broken":   {"UPDATE audit_log SET detail = '{' WHERE seq = 2", 2},
			"entry removed":   {"DELETE FROM audit_log WHERE seq = 5", 5},
			"first removed":   {"DELETE FROM audit_log WHERE seq = 1", 1},
			"renumbered":      {"UPDATE audit_log SET seq = seq + 100 WHERE seq >= 8", 8},
			"hash recomputed": {"UPDATE audit_log SET hash = 'aa' WHERE seq = 7", 7},
		} {
			t.Run(name, func(t *testing.T) {
				verify(t, db, 10)
				spoil(t, db, c.sql)
				var broken *audit.Broken
				if _, err := audit.Verify(t.Context(), db); !errors.As(err, &broken) || broken.Seq != c.seq {
					t.Errorf("got %v, want broken at %d", err, c.seq)
				}
				restore(t, db)
			})
		}
	})
}

// spoil keeps a copy of the log and changes it; restore puts the copy back.
func spoil(t *testing.T, db *store.DB, query string) {
	t.Helper()
	exec(t, db, "CREATE TABLE kept AS SELECT * FROM audit_log", query)
}

func restore(t *testing.T, db *store.DB) {
	t.Helper()
	exec(t, db, "DELETE FROM audit_log", "INSERT INTO audit_log SELECT * FROM kept", "DROP TABLE kept")
}

func exec(t *testing.T, db *store.DB, queries ...string) {
	t.Helper()
	err := db.Write(t.Context(), func(tx *store.Tx) error {
		for _, q := range queries {
			if _, err := tx.Exec(t.Context(), q); err != nil {
				return fmt.Errorf("%s: %w", q, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func BenchmarkAppend(b *testing.B) {
	for name, db := range map[string]*store.DB{"sqlite": storetest.SQLite(b), "postgres": storetest.Postgres(b)} {
		b.Run(name, func(b *testing.B) {
			l := audit.New(clock)
			b.SetParallelism(16)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					add(b, db, l, view("p"))
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "entries/s")
		})
	}
}
