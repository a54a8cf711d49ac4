package patient

import (
	"testing"

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
		filled, err := f.FillSix(f.ctx)
		if err != nil || filled < 40 {
			t.Fatalf("%d filled in, %v", filled, err)
		}
		if n := find(); n != 4 {
			t.Fatalf("%d found, want one by phone twice and two by document", n)
		}
		if again, err := f.FillSix(f.ctx); err != nil || again != 0 {
			t.Fatalf("%d filled in again, %v", again, err)
		}
	})
}
