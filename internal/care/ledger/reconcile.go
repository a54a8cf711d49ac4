package ledger

import (
	"context"
	"fmt"
	"slices"
	"time"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/id"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// Reconcile reads one day of the books: per way of paying what came in and
// went out against what was counted, what is owed to card holders, open
// holds, and whether the books themselves are sound.
func (s *Service) Reconcile(ctx context.Context, day string) (Reconciliation, error) {
	if _, err := identity.Require(ctx, identity.LedgerRead); err != nil {
		return Reconciliation{}, err
	}
	end, err := s.endOf(day)
	if err != nil {
		return Reconciliation{}, err
	}
	r := Reconciliation{Day: day}
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		sums, err := selectHouse(ctx, tx, day)
		if err != nil {
			return err
		}
		counts, err := selectCounts(ctx, tx, day)
		if err != nil {
			return err
		}
		r.Methods, r.Cards, r.Revenue, r.Adjusted = nil, Turnover{}, 0, 0
		for _, m := range Methods() {
			r.Methods = append(r.Methods, methodDay(m, sums["house:"+m], counts[m]))
		}
		for account, h := range sums {
			r.Cards.Opening -= h.before
			r.Cards.In += h.debit
			r.Cards.Out += h.credit
			switch account {
			case houseRevenue:
				r.Revenue = h.credit - h.debit
			case houseAdjustment:
				r.Adjusted = h.debit - h.credit
			}
		}
		r.Cards.Closing = r.Cards.Opening + r.Cards.In - r.Cards.Out
		if r.Holds, err = selectOpenHolds(ctx, tx, end); err != nil {
			return err
		}
		if r.Receipts, err = countReceipts(ctx, tx, day); err != nil {
			return err
		}
		r.Problems, err = selectProblems(ctx, tx, day)
		return err
	})
	return r, err
}

// DayBook reads the movements of a day in their order, for the books of the
// cashier. The export is audited.
func (s *Service) DayBook(ctx context.Context, day string) ([]Transaction, error) {
	who, err := identity.Require(ctx, identity.LedgerRead)
	if err != nil {
		return nil, err
	}
	if _, err := s.endOf(day); err != nil {
		return nil, err
	}
	var out []Transaction
	err = s.db.Write(ctx, func(tx *store.Tx) (err error) {
		if out, err = selectDay(ctx, tx, day); err != nil {
			return err
		}
		return s.auditTx(ctx, tx, who, "ledger.export", "ledger_day", day, "", "", map[string]any{"rows": len(out)})
	})
	return out, err
}

// houseSum is what an account of the house did: before the day, and on it by
// sign.
type houseSum struct{ before, debit, credit int64 }

func methodDay(method string, h houseSum, c *counted) MethodDay {
	m := MethodDay{Method: method, Opening: -h.before, In: h.debit, Out: h.credit}
	m.Closing = m.Opening + m.In - m.Out
	if c != nil {
		m.Counted, m.Note, m.CountedBy, m.CountedAt = &c.amount, c.note, c.by, c.at
		m.Difference = c.amount - (m.In - m.Out)
	}
	return m
}

// SaveCount notes what was counted for a day and method. A later count
// replaces it in reports; both stay in the books.
func (s *Service) SaveCount(ctx context.Context, c Count) error {
	who, err := identity.Require(ctx, identity.LedgerWrite, identity.LedgerAdjust)
	if err != nil {
		return err
	}
	var f errs.Fields
	checkLine(&f, "note", &c.Note, 200)
	if !slices.Contains(Methods(), c.Method) {
		f.Add("method", "not_allowed")
	}
	if c.Counted > 1e12 || c.Counted < -1e12 {
		f.Add("counted_cents", "ledger.amount_invalid")
	}
	if err := f.Err(); err != nil {
		return err
	}
	if _, err := s.endOf(c.Day); err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		if err := insertCount(ctx, tx, id.New(), c, who.UserID, who.Name, s.now()); err != nil {
			return err
		}
		return s.auditTx(ctx, tx, who, "ledger.count", "ledger_day", c.Day, "", c.Note, map[string]any{"method": c.Method, "counted_cents": c.Counted})
	})
}

// endOf is the end of a day that has begun.
func (s *Service) endOf(day string) (time.Time, error) {
	t, err := time.ParseInLocation(time.DateOnly, day, s.zone)
	if err != nil {
		return t, errs.InvalidField("date", "validation.invalid")
	}
	if t.After(s.now()) {
		return t, errs.InvalidField("date", "ledger.future")
	}
	return t.AddDate(0, 0, 1), nil
}

// Check examines the whole ledger: every transaction balances, every card
// agrees with its entries, no entry and no receipt is missing.
func (s *Service) Check(ctx context.Context) ([]Problem, error) {
	if _, err := identity.Require(ctx, identity.LedgerRead, identity.SystemAdmin); err != nil {
		return nil, err
	}
	var out []Problem
	err := s.db.Read(ctx, func(tx *store.Tx) (err error) {
		out, err = selectProblems(ctx, tx, "")
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("check ledger: %w", err)
	}
	return out, nil
}
