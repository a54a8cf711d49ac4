package patient

import (
	"log/slog"
	"testing"
	"time"

	"heartline/internal/platform/job"
	"heartline/internal/platform/store"
	"heartline/internal/platform/store/storetest"
)

// TestLastSixOfBefore takes the index of the last six digits away, as in a
// database from before it, and gives it back.
func TestLastSixOfBefore(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		f := newFixture(t, db)
		crowd(f, t)
		for _, table := range []string{"patient_phones", "patient_identifiers"} {
			err := db.Write(f.ctx, func(tx *store.Tx) error {
				_, err := tx.Exec(f.ctx, "UPDATE "+table+" SET idx6 = ''")
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		find := func() (n int) {
			for _, q := range []string{"002222", "7002222", "345678"} {
				hits, err := f.Search(f.ctx, q, 10)
				if err != nil {
					t.Fatal(err)
				}
				n += len(hits)
			}
			return n
		}
		if n := find(); n != 0 {
			t.Fatalf("%d found without the index", n)
		}
		q, err := job.New(db, time.Now, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		f.UseJobs(q)
		if err := f.Start(f.ctx); err != nil {
			t.Fatal(err)
		}
		if err := q.Start(f.ctx); err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := q.Stop(f.ctx); err != nil {
				t.Error(err)
			}
		}()
		poll, late := time.NewTicker(20*time.Millisecond), time.After(20*time.Second)
		defer poll.Stop()
		for over := false; find() < 4 && !over; {
			select {
			case <-poll.C:
			case <-late:
				over = true
			}
		}
		if n := find(); n != 4 {
			t.Fatalf("%d found, want one by phone twice and two by document", n)
		}
		if again, err := f.FillSix(f.ctx); err != nil || again != 0 {
			t.Fatalf("%d filled in again, %v", again, err)
		}
	})
}
