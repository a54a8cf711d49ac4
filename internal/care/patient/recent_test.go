package patient

import (
	"testing"
	"time"

	"heartline/internal/platform/store"
	"heartline/internal/platform/store/storetest"
)

func TestEmptySearchListsWhoWasInTouchLast(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		f := newFixture(t, db)
		old := f.create(t, Patient{Name: "张久远", Sex: Female})
		new := f.create(t, Patient{Name: "李刚来", Sex: Male})
		for i, p := range []Patient{old, new} {
			err := db.Write(f.ctx, func(tx *store.Tx) error {
				return f.AddTimeline(f.ctx, tx, TimelineEntry{PatientID: p.ID, At: testNow().Add(time.Duration(i-48) * time.Hour), Kind: KindCall, Title: "x"})
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		hits, err := f.Search(f.masked, "", 1)
		if err != nil || len(hits) != 1 || hits[0].ID != new.ID || hits[0].Name == "李刚来" {
			t.Fatalf("hits = %+v, %v; want one, the newest, masked", hits, err)
		}
	})
}
