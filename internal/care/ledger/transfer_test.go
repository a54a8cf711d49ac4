package ledger_test

import (
	"context"
	"fmt"
	"testing"

	"heartline/internal/care/ledger"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/store"
	"heartline/internal/platform/store/storetest"
)

func TestPagesAndTransfer(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		d.topUp("zhang", 100_00)
		h, _ := d.hold("zhang", 10_00)
		open, _ := d.hold("zhang", 7_00)
		if err := d.settle(d.s.Capture, h); err != nil {
			t.Fatal(err)
		}
		d.merge("zhang2", "zhang")
		d.has("zhang", 0, 0)
		d.has("zhang2", 83_00, 7_00)
		if err := d.settle(d.s.Release, open); err != nil {
			t.Fatal(err)
		}
		if err := d.settle(d.refund, h); err != nil {
			t.Fatal(err)
		}
		d.has("zhang2", 100_00, 0)
		var kinds []ledger.Kind
		for cursor := ""; ; {
			p, err := d.s.Entries(as("clerk"), "zhang", cursor, 2)
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range p.Transactions {
				kinds = append(kinds, x.Kind)
			}
			if cursor = p.Next; cursor == "" {
				break
			}
		}
		if fmt.Sprint(kinds) != "[transfer capture hold hold top_up]" {
			t.Fatalf("%v", kinds)
		}
		p, err := d.s.Entries(as("clerk"), "zhang", "", 1)
		if err != nil || p.Transactions[0].Amount != -90_00 || p.Transactions[0].Reference != "zhang2" {
			t.Fatalf("the other side: %+v %v", p, err)
		}
		if _, err := d.s.Entries(as("clerk"), "zhang", "1 OR 1=1", 5); !errs.Is(err, errs.Invalid) {
			t.Fatalf("a foreign cursor: %v", err)
		}
		if _, err := d.s.Receipt(as("clerk"), p.Transactions[0].ID); err != nil {
			t.Fatal(err)
		}
	})
}

func (d *desk) merge(keep, merged string) (m ledger.Moved) {
	d.t.Helper()
	err := d.write(func(ctx context.Context, tx *store.Tx) (err error) {
		m, err = d.s.Merge(ctx, tx, keep, merged)
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return m
}

func TestAMergeIsTakenBack(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		d.topUp("keep", 1_00)
		d.topUp("gone", 20_00)
		spent, _ := d.hold("gone", 5_00)
		open, _ := d.hold("gone", 6_00)
		m := d.merge("keep", "gone")
		d.has("keep", 10_00, 11_00)
		if err := d.settle(d.s.Capture, spent); err != nil {
			t.Fatal(err)
		}
		if err := d.write(func(ctx context.Context, tx *store.Tx) error { return d.s.Unmerge(ctx, tx, "keep", "gone", m) }); err != nil {
			t.Fatal(err)
		}
		d.has("keep", 1_00, 0)
		d.has("gone", 9_00, 6_00)
		if err := d.settle(d.s.Release, open); err != nil {
			t.Fatal(err)
		}
		d.has("gone", 15_00, 0)
		if again := d.merge("keep", "nobody at all"); again.Available != 0 || len(again.Holds) != 0 {
			t.Fatalf("%+v", again)
		}
	})
}
