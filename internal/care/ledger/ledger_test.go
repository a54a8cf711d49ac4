package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"heartline/internal/care/ledger"
	"heartline/internal/platform/audit"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/event"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
	"heartline/internal/platform/store/storetest"
)

// desk is a ledger with its clock.
type desk struct {
	t   testing.TB
	db  *store.DB
	s   *ledger.Service
	now time.Time
	n   int
}

func newDesk(t testing.TB, db *store.DB) *desk {
	t.Helper()
	d := &desk{t: t, db: db, now: time.Date(2026, 11, 22, 8, 30, 0, 0, time.UTC)}
	bus := event.NewBus()
	t.Cleanup(bus.Close)
	now := func() time.Time { return d.now }
	zone := time.FixedZone("CST", 8*3600)
	d.s = ledger.New(ledger.Deps{DB: db, Audit: audit.New(now), Bus: bus, Now: now, Zone: zone,
		Known: func(_ context.Context, _ *store.Tx, patientID string) error {
			if patientID == "nobody" {
				return errs.New(errs.NotFound, "patient.not_found")
			}
			return nil
		}})
	return d
}

func as(user string) context.Context {
	return identity.With(context.Background(), identity.Principal{UserID: user, Name: "名" + user, Permissions: map[identity.Permission]bool{
		identity.LedgerRead: true, identity.LedgerWrite: true, identity.LedgerAdjust: true}})
}

func (d *desk) key() string { d.n++; return fmt.Sprintf("key-%06d", d.n) }

func (d *desk) topUp(patientID string, amount int64) ledger.Transaction {
	d.t.Helper()
	t, err := d.s.TopUp(as("clerk"), ledger.Payment{Key: d.key(), PatientID: patientID, Amount: amount, Method: ledger.Cash})
	if err != nil {
		d.t.Fatal(err)
	}
	return t
}

func (d *desk) write(fn func(ctx context.Context, tx *store.Tx) error) error {
	ctx := as("booking")
	return d.db.Write(ctx, func(tx *store.Tx) error { return fn(ctx, tx) })
}

func (d *desk) hold(patientID string, amount int64) (holdID string, err error) {
	err = d.write(func(ctx context.Context, tx *store.Tx) (err error) {
		holdID, err = d.s.Hold(ctx, tx, patientID, amount, "visit")
		return err
	})
	return holdID, err
}

func (d *desk) settle(fn func(context.Context, *store.Tx, string) error, holdID string) error {
	return d.write(func(ctx context.Context, tx *store.Tx) error { return fn(ctx, tx, holdID) })
}

func (d *desk) refund(ctx context.Context, tx *store.Tx, holdID string) error {
	return d.s.Refund(ctx, tx, holdID, "停诊")
}

func (d *desk) account(patientID string) ledger.Account {
	d.t.Helper()
	a, err := d.s.Account(as("clerk"), patientID)
	if err != nil {
		d.t.Fatal(err)
	}
	return a
}

// balance looks without a trace in the audit log.
func (d *desk) balance(patientID string) (a ledger.Account) {
	d.t.Helper()
	err := d.db.Read(context.Background(), func(tx *store.Tx) (err error) {
		a, err = d.s.Balance(context.Background(), tx, patientID)
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return a
}

func (d *desk) has(patientID string, available, held int64) {
	d.t.Helper()
	if a := d.balance(patientID); a.Available != available || a.Held != held {
		d.t.Fatalf("card %s: available %d, held %d; want %d, %d", patientID, a.Available, a.Held, available, held)
	}
	d.sound()
}

// sound examines the whole ledger.
func (d *desk) sound() {
	d.t.Helper()
	if p, err := d.s.Check(as("clerk")); err != nil || len(p) > 0 {
		d.t.Fatalf("the books: %+v, %v", p, err)
	}
}

func fails(t testing.TB, err error, kind errs.Kind, key string) {
	t.Helper()
	var e *errs.Error
	if !errors.As(err, &e) || e.Kind != kind || e.Key != key {
		t.Fatalf("error %v, want %s", err, key)
	}
}

func TestMoneyGoesItsWay(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		d.has("zhang", 0, 0)
		if r := d.topUp("zhang", 200_00); r.Receipt != "20261122-000001" || r.Available != 200_00 {
			t.Fatalf("top-up %+v", r)
		}
		h, err := d.hold("zhang", 50_00)
		if err != nil {
			t.Fatal(err)
		}
		d.has("zhang", 150_00, 50_00)
		_, err = d.hold("zhang", 150_01)
		fails(t, err, errs.Conflict, "ledger.insufficient")
		for range 2 { // twice is once
			if err := d.settle(d.s.Capture, h); err != nil {
				t.Fatal(err)
			}
		}
		d.has("zhang", 150_00, 0)
		fails(t, d.settle(d.s.Release, h), errs.Conflict, "ledger.hold_state")
		for range 2 {
			if err := d.settle(d.refund, h); err != nil {
				t.Fatal(err)
			}
		}
		d.has("zhang", 200_00, 0)
		fails(t, d.settle(d.s.Capture, h), errs.Conflict, "ledger.hold_state")
		if h, err = d.hold("zhang", 200_00); err != nil {
			t.Fatal(err)
		}
		fails(t, d.settle(d.refund, h), errs.Conflict, "ledger.hold_state")
		if err := d.settle(d.s.Release, h); err != nil {
			t.Fatal(err)
		}
		fails(t, d.settle(d.s.Release, "no such hold"), errs.NotFound, "ledger.hold_not_found")
		if _, err := d.s.Payout(as("clerk"), ledger.Payment{Key: d.key(), PatientID: "zhang", Amount: 200_00, Method: ledger.Cash, Reason: "退卡"}); err != nil {
			t.Fatal(err)
		}
		d.has("zhang", 0, 0)
		if h, err := d.hold("zhang", 0); err != nil || h != "" {
			t.Fatalf("a free visit: %q %v", h, err)
		}
		if err := d.settle(d.s.Capture, ""); err != nil {
			t.Fatal(err)
		}
		if _, err := d.hold("zhang", -5); !errs.Is(err, errs.Invalid) {
			t.Fatalf("a negative hold: %v", err)
		}
	})
}

func TestAKeyWorksOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		p := ledger.Payment{Key: "the-same-key", PatientID: "zhang", Amount: 100, Method: ledger.WeChat, Reference: "wx1"}
		var all sync.WaitGroup
		ids := make([]string, 8)
		for i := range ids {
			all.Go(func() {
				tr, err := d.s.TopUp(as("clerk"), p)
				if err != nil {
					t.Error(err)
				}
				ids[i] = tr.ID
			})
		}
		all.Wait()
		for _, x := range ids {
			if x != ids[0] {
				t.Fatalf("one key, several payments: %v", ids)
			}
		}
		d.has("zhang", 100, 0)
		p.Amount = 200
		_, err := d.s.TopUp(as("clerk"), p)
		fails(t, err, errs.Conflict, "ledger.key_reused")
		d.has("zhang", 100, 0)
	})
}

// TestManyAtOnce has many visits reach for one card: what is given out never
// exceeds what is there.
func TestManyAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		d.topUp("zhang", 10_00)
		const each, clients = 70, 40
		var mu sync.Mutex
		var holds []string
		var all sync.WaitGroup
		for range clients {
			all.Go(func() {
				h, err := d.hold("zhang", each)
				if err == nil {
					mu.Lock()
					holds = append(holds, h)
					mu.Unlock()
					return
				}
				var e *errs.Error
				if !errors.As(err, &e) || e.Key != "ledger.insufficient" {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if len(holds) != 10_00/each {
			t.Fatalf("%d holds of %d from 1000", len(holds), each)
		}
		d.has("zhang", 10_00-14*each, 14*each)
		for _, h := range holds { // two settle each hold in opposite ways: one of them may
			for _, fn := range []func(context.Context, *store.Tx, string) error{d.s.Capture, d.s.Release} {
				all.Go(func() {
					if err := d.settle(fn, h); err != nil && !errs.Is(err, errs.Conflict) {
						t.Error(err)
					}
				})
			}
		}
		all.Wait()
		if a := d.account("zhang"); a.Held != 0 {
			t.Fatalf("still held: %d", a.Held)
		}
		d.sound()
	})
}

func TestACorrectionNeedsTwoPersons(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		r := ledger.AdjustmentRequest{Key: d.key(), PatientID: "zhang", Amount: 30_00, Reason: "少充"}
		c, err := d.s.Adjust(as("clerk"), r)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := d.s.Adjust(as("clerk"), r); err != nil || again.ID != c.ID {
			t.Fatalf("asked again: %+v %v", again, err)
		}
		d.has("zhang", 0, 0)
		_, err = d.s.Approve(as("clerk"), c.ID, "")
		fails(t, err, errs.Denied, "ledger.two_persons")
		if c, err = d.s.Approve(as("chief"), c.ID, "核对无误"); err != nil || c.State != ledger.Approved || c.TransactionID == "" {
			t.Fatalf("%+v %v", c, err)
		}
		if _, err := d.s.Approve(as("chief"), c.ID, ""); err != nil {
			t.Fatalf("approved again: %v", err)
		}
		d.has("zhang", 30_00, 0)
		_, err = d.s.Reject(as("chief"), c.ID, "")
		fails(t, err, errs.Conflict, "ledger.decided")
		down, err := d.s.Adjust(as("clerk"), ledger.AdjustmentRequest{Key: d.key(), PatientID: "zhang", Amount: -30_01, Reason: "多充"})
		if err != nil {
			t.Fatal(err)
		}
		_, err = d.s.Approve(as("chief"), down.ID, "")
		fails(t, err, errs.Conflict, "ledger.insufficient")
		if down, err = d.s.Reject(as("clerk"), down.ID, "撤回"); err != nil || down.State != ledger.Rejected {
			t.Fatalf("taken back: %+v %v", down, err)
		}
		if list, err := d.s.Corrections(as("clerk"), ledger.Pending, ""); err != nil || len(list) != 0 {
			t.Fatalf("still waiting: %+v %v", list, err)
		}
		err = db.Write(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Exec(t.Context(), `UPDATE ledger_adjustments SET state = 'approved', decided_by = requested_by WHERE id = $1`, down.ID)
			return err
		})
		if err == nil {
			t.Fatal("the database lets one person approve their own")
		}
	})
}

func TestHostileAmounts(t *testing.T) {
	d := newDesk(t, storetest.SQLite(t))
	good := ledger.Payment{Key: "key-000000", PatientID: "zhang", Amount: 1, Method: ledger.Cash, Reason: "退"}
	for name, change := range map[string]func(p *ledger.Payment){
		"nothing":     func(p *ledger.Payment) { p.Amount = 0 },
		"negative":    func(p *ledger.Payment) { p.Amount = -1 },
		"least":       func(p *ledger.Payment) { p.Amount = -1 << 63 },
		"too much":    func(p *ledger.Payment) { p.Amount = 1<<63 - 1 },
		"method":      func(p *ledger.Payment) { p.Method = "house:revenue" },
		"short key":   func(p *ledger.Payment) { p.Key = "1" },
		"key":         func(p *ledger.Payment) { p.Key = "with space and \x00" },
		"line breaks": func(p *ledger.Payment) { p.Reference = "a\nb" },
		"bytes":       func(p *ledger.Payment) { p.Reference = "\xff" },
	} {
		p := good
		change(&p)
		if _, err := d.s.TopUp(as("clerk"), p); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s at top-up: %v", name, err)
		}
		if _, err := d.s.Payout(as("clerk"), p); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s at payout: %v", name, err)
		}
	}
	if _, err := d.s.TopUp(as("clerk"), ledger.Payment{Key: "key-000001", PatientID: "nobody", Amount: 1, Method: ledger.Cash}); !errs.Is(err, errs.NotFound) {
		t.Errorf("nobody's card: %v", err)
	}
	if _, err := d.s.TopUp(t.Context(), good); !errs.Is(err, errs.Unknown) {
		t.Errorf("without a right: %v", err)
	}
	for i := range 5 {
		p := good
		p.Key, p.Amount = fmt.Sprintf("fill-%06d", i), ledger.DefaultLimits().TopUp
		if _, err := d.s.TopUp(as("clerk"), p); err != nil {
			t.Fatal(err)
		}
	}
	_, err := d.s.TopUp(as("clerk"), good)
	fails(t, err, errs.Conflict, "ledger.balance_limit")
	d.has("zhang", ledger.DefaultLimits().Balance, 0)
}

// TestNothingIsRewritten tries to change what has happened, past the service.
func TestNothingIsRewritten(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		d.topUp("zhang", 100)
		if err := d.s.SaveCount(as("clerk"), ledger.Count{Day: "2026-11-22", Method: ledger.Cash, Counted: 100}); err != nil {
			t.Fatal(err)
		}
		for _, stmt := range []string{
			"UPDATE ledger_entries SET amount = 1", "DELETE FROM ledger_entries", "UPDATE ledger_transactions SET amount = 1",
			"DELETE FROM ledger_transactions", "UPDATE ledger_receipts SET number = 9", "DELETE FROM ledger_receipts",
			"UPDATE ledger_counts SET counted = 1", "DELETE FROM ledger_counts", "UPDATE ledger_cards SET available = -1",
		} {
			err := db.Write(t.Context(), func(tx *store.Tx) error {
				_, err := tx.Exec(t.Context(), stmt)
				return err
			})
			if err == nil {
				t.Errorf("%s was allowed", stmt)
			}
		}
		d.has("zhang", 100, 0)
	})
}

func TestTheBooksOfADay(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		d.now = d.now.AddDate(0, 0, -1)
		d.topUp("zhang", 100_00)
		d.now = d.now.AddDate(0, 0, 1)
		d.topUp("li", 50_00)
		for range 2 {
			if _, err := d.s.TopUp(as("clerk"), ledger.Payment{Key: d.key(), PatientID: "zhang", Amount: 20_00, Method: ledger.Alipay}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := d.s.Payout(as("clerk"), ledger.Payment{Key: d.key(), PatientID: "li", Amount: 10_00, Method: ledger.Cash, Reason: "退款"}); err != nil {
			t.Fatal(err)
		}
		h, _ := d.hold("zhang", 30_00)
		if err := d.settle(d.s.Capture, h); err != nil {
			t.Fatal(err)
		}
		if _, err := d.hold("zhang", 5_00); err != nil {
			t.Fatal(err)
		}
		if err := d.s.SaveCount(as("clerk"), ledger.Count{Day: "2026-11-22", Method: ledger.Cash, Counted: 39_00, Note: "少一元"}); err != nil {
			t.Fatal(err)
		}
		r, err := d.s.Reconcile(as("clerk"), "2026-11-22")
		if err != nil {
			t.Fatal(err)
		}
		cash := r.Methods[0]
		if cash.Opening != 100_00 || cash.In != 50_00 || cash.Out != 10_00 || cash.Closing != 140_00 || cash.Difference != -1_00 || cash.CountedBy != "名clerk" {
			t.Errorf("cash %+v", cash)
		}
		if a := r.Methods[3]; a.In != 40_00 || a.Counted != nil || a.Difference != 0 {
			t.Errorf("alipay %+v", a)
		}
		if want := (ledger.Turnover{Opening: 100_00, In: 90_00, Out: 40_00, Closing: 150_00}); r.Cards != want {
			t.Errorf("cards %+v", r.Cards)
		}
		if r.Revenue != 30_00 || len(r.Holds) != 1 || r.Holds[0].Amount != 5_00 || r.Receipts != 4 || len(r.Problems) != 0 {
			t.Errorf("day %+v", r)
		}
		if _, err := d.s.Reconcile(as("clerk"), "2026-11-24"); !errs.Is(err, errs.Invalid) {
			t.Errorf("a day to come: %v", err)
		}
		if _, err := d.s.Reconcile(as("clerk"), "22.11.2026"); !errs.Is(err, errs.Invalid) {
			t.Errorf("no day: %v", err)
		}
	})
}

func TestReceiptsHaveNoGaps(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() {
				key := fmt.Sprintf("receipt-%03d", i)
				p := ledger.Payment{Key: key, PatientID: fmt.Sprint("p", i), Amount: 100, Method: ledger.Cash, Reason: "退款"}
				if _, err := d.s.TopUp(as("clerk"), p); err != nil {
					t.Error(err)
				}
				if p.Amount = 101; i%2 == 0 { // refused: its number must not be lost
					if _, err := d.s.Payout(as("clerk"), p); err == nil {
						t.Error("paid out more than there was")
					}
				}
			})
		}
		all.Wait()
		d.sound()
		r, err := d.s.Reconcile(as("clerk"), "2026-11-22")
		if err != nil || r.Receipts != 20 {
			t.Fatalf("%d receipts, %v", r.Receipts, err)
		}
	})
}
