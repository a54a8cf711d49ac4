package ledger_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"pgregory.net/rapid"

	"heartline/internal/care/ledger"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/store"
	"heartline/internal/platform/store/storetest"
)

// book is what a ledger should say: plain sums.
type book struct {
	available, held, revenue int64
	open, captured           map[string]int64
}

// TestAnyOrderOfThings runs random operations against a book of plain sums:
// the cards agree with it after each, and the ledger stays sound.
func TestAnyOrderOfThings(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		run, most := 0, 12
		if os.Getenv("HEARTLINE_FULL") == "1" {
			most = 1_000
		}
		rapid.Check(t, func(rt *rapid.T) {
			if run++; run > most {
				return
			}
			d := newDesk(t, db)
			d.n = run * 1_000_000
			patient := fmt.Sprint("patient-", run)
			b := book{open: map[string]int64{}, captured: map[string]int64{}}
			for range rapid.IntRange(1, 12).Draw(rt, "steps") {
				step(rt, d, patient, &b)
				a := d.balance(patient)
				if a.Available != b.available || a.Held != b.held || a.Available < 0 || a.Held < 0 {
					rt.Fatalf("card %+v, book %+v", a, b)
				}
			}
			if p, err := d.s.Reconcile(as("clerk"), "2026-11-22"); err != nil || len(p.Problems) > 0 {
				rt.Fatalf("books: %+v %v", p.Problems, err)
			}
		})
	})
}

func step(rt *rapid.T, d *desk, patient string, b *book) {
	amount := rapid.Int64Range(1, 200).Draw(rt, "amount")
	pick := func(m map[string]int64) string {
		ids := make([]string, 0, len(m))
		for x := range m {
			ids = append(ids, x)
		}
		if len(ids) == 0 {
			return ""
		}
		return rapid.SampledFrom(ids).Draw(rt, "hold")
	}
	must := func(err error) {
		if err != nil {
			rt.Fatal(err)
		}
	}
	switch rapid.IntRange(0, 6).Draw(rt, "what") {
	case 0, 1:
		_, err := d.s.TopUp(as("clerk"), ledger.Payment{Key: d.key(), PatientID: patient, Amount: amount, Method: ledger.Cash})
		must(err)
		b.available += amount
	case 2:
		_, err := d.s.Payout(as("clerk"), ledger.Payment{Key: d.key(), PatientID: patient, Amount: amount, Method: ledger.Bank, Reason: "退款"})
		if amount > b.available {
			refused(rt, err)
			return
		}
		must(err)
		b.available -= amount
	case 3:
		h, err := d.hold(patient, amount)
		if amount > b.available {
			refused(rt, err)
			return
		}
		must(err)
		b.available, b.held, b.open[h] = b.available-amount, b.held+amount, amount
	case 4:
		if h := pick(b.open); h != "" {
			must(d.settle(d.s.Capture, h))
			b.held, b.revenue, b.captured[h] = b.held-b.open[h], b.revenue+b.open[h], b.open[h]
			delete(b.open, h)
		}
	case 5:
		if h := pick(b.open); h != "" {
			must(d.settle(d.s.Release, h))
			b.held, b.available = b.held-b.open[h], b.available+b.open[h]
			delete(b.open, h)
		}
	case 6:
		if h := pick(b.captured); h != "" {
			must(d.write(func(ctx context.Context, tx *store.Tx) error { return d.s.Refund(ctx, tx, h, "停诊") }))
			b.revenue, b.available = b.revenue-b.captured[h], b.available+b.captured[h]
			delete(b.captured, h)
		}
	}
}

func refused(rt *rapid.T, err error) {
	if !errs.Is(err, errs.Conflict) {
		rt.Fatalf("too little money: %v", err)
	}
}
