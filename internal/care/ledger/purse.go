package ledger

import (
	"context"
	"fmt"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/id"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// The states of a hold.
const (
	holdOpen     = "open"
	holdCaptured = "captured"
	holdReleased = "released"
	holdRefunded = "refunded"
)

// Hold sets amount aside for a visit, named by reference. Too little money is
// errs.Conflict ledger.insufficient. An amount of 0 needs no hold and has "".
func (s *Service) Hold(ctx context.Context, tx *store.Tx, patientID string, amount int64, reference string) (string, error) {
	if amount == 0 {
		return "", nil
	}
	if amount < 0 || amount > s.limits.Balance {
		return "", errs.InvalidField("amount_cents", "ledger.amount_invalid")
	}
	holdID := id.New()
	t := Transaction{Kind: Hold, PatientID: patientID, Amount: amount, Reference: reference, HoldID: holdID}
	if err := s.post(ctx, tx, actor(ctx), &t, "", "", -amount, amount); err != nil {
		return "", fmt.Errorf("hold: %w", err)
	}
	if err := insertHold(ctx, tx, hold{id: holdID, patientID: patientID, amount: amount, reference: reference}, s.now()); err != nil {
		return "", err
	}
	return holdID, nil
}

// Capture takes what was set aside. Once captured, it does nothing.
func (s *Service) Capture(ctx context.Context, tx *store.Tx, holdID string) error {
	return s.settle(ctx, tx, holdID, holdOpen, holdCaptured, "")
}

// Release frees what was set aside. Once released, it does nothing.
func (s *Service) Release(ctx context.Context, tx *store.Tx, holdID string) error {
	return s.settle(ctx, tx, holdID, holdOpen, holdReleased, "")
}

// Refund puts a captured fee back on the card. Once refunded, it does nothing.
func (s *Service) Refund(ctx context.Context, tx *store.Tx, holdID string, reason string) error {
	return s.settle(ctx, tx, holdID, holdCaptured, holdRefunded, reason)
}

// settle moves a hold from one state to the next. Asking twice for the same
// is harmless; anything else out of order is errs.Conflict.
func (s *Service) settle(ctx context.Context, tx *store.Tx, holdID, from, to, reason string) error {
	if holdID == "" {
		return nil
	}
	h, moved, err := moveHold(ctx, tx, holdID, from, to, s.now())
	switch {
	case err != nil:
		return err
	case !moved && h.state == to:
		return nil
	case !moved:
		return errs.New(errs.Conflict, "ledger.hold_state", "state", h.state)
	}
	t := Transaction{PatientID: h.patientID, Amount: h.amount, Reference: h.reference, HoldID: h.id, Reason: reason}
	who, a := actor(ctx), h.amount
	switch to {
	case holdCaptured:
		t.Kind, t.Amount = Capture, -a
		err = s.post(ctx, tx, who, &t, "", "", 0, -a, posting{houseRevenue, a})
	case holdReleased:
		t.Kind = Release
		err = s.post(ctx, tx, who, &t, "", "", a, -a)
	case holdRefunded:
		t.Kind = Refund
		err = s.post(ctx, tx, who, &t, "", "", a, 0, posting{houseRevenue, -a})
	}
	if err != nil {
		return fmt.Errorf("settle hold: %w", err)
	}
	return nil
}

// actor is who acts, or the ledger itself when nobody is named.
func actor(ctx context.Context) identity.Principal {
	if p, ok := identity.From(ctx); ok && p.UserID != "" {
		return p
	}
	return identity.Principal{UserID: "system:ledger", Name: "system:ledger"}
}

// Moved is what a merge took from one card to another.
type Moved struct {
	Available int64    `json:"available"`
	Held      int64    `json:"held"`
	Holds     []string `json:"holds,omitempty"`
}

// Merge moves the money and the holds of one record's card to another's when
// records of one person are merged.
func (s *Service) Merge(ctx context.Context, tx *store.Tx, keep, merged string) (Moved, error) {
	c, err := selectCard(ctx, tx, merged)
	if err != nil || keep == merged {
		return Moved{}, err
	}
	m := Moved{Available: c.Available, Held: c.Held}
	if m.Holds, err = reassignHolds(ctx, tx, keep, merged, nil, s.now()); err != nil {
		return m, err
	}
	return m, s.transfer(ctx, tx, merged, keep, c.Available, c.Held)
}

// Unmerge takes a merge back. What has been spent since stays spent: no more
// goes back than is there.
func (s *Service) Unmerge(ctx context.Context, tx *store.Tx, keep, merged string, m Moved) error {
	if len(m.Holds) > 0 {
		if _, err := reassignHolds(ctx, tx, merged, keep, m.Holds, s.now()); err != nil {
			return err
		}
	}
	held, err := sumOpenHolds(ctx, tx, merged)
	if err != nil {
		return err
	}
	c, err := selectCard(ctx, tx, keep)
	if err != nil {
		return err
	}
	return s.transfer(ctx, tx, keep, merged, min(m.Available, c.Available), held)
}

// transfer moves money between the cards of two records.
func (s *Service) transfer(ctx context.Context, tx *store.Tx, from, to string, available, held int64) error {
	if available == 0 && held == 0 {
		return nil
	}
	now, who := s.now(), actor(ctx)
	if err := insertCard(ctx, tx, to, now); err != nil {
		return err
	}
	out, err := moveCard(ctx, tx, from, -available, -held, now)
	if err != nil {
		return fmt.Errorf("take from card: %w", err)
	}
	in, err := moveCard(ctx, tx, to, available, held, now)
	if err != nil {
		return fmt.Errorf("put on card: %w", err)
	}
	t := Transaction{ID: id.New(), Kind: Transfer, PatientID: to, Amount: available + held, Reference: from, Actor: who.UserID, ActorName: who.Name,
		At: now, Day: s.day(now), Available: in.available, Held: in.held}
	if err := insertTransaction(ctx, tx, t, "", ""); err != nil {
		return err
	}
	if err := insertEntries(ctx, tx, t, append(in.entries(available, held), out.entries(-available, -held)...)); err != nil {
		return err
	}
	return s.auditTx(ctx, tx, who, "ledger.transfer", "ledger_transaction", t.ID, to, "", map[string]any{"from": from, "amount_cents": t.Amount})
}
