package ledger

import (
	"context"
	"strings"
	"unicode/utf8"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/event"
	"heartline/internal/platform/id"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// Adjust asks for a correction. Nothing moves until another person approves.
func (s *Service) Adjust(ctx context.Context, r AdjustmentRequest) (Correction, error) {
	who, err := identity.Require(ctx, identity.LedgerAdjust)
	if err != nil {
		return Correction{}, err
	}
	var f errs.Fields
	checkKey(&f, r.Key)
	checkAmount(&f, max(r.Amount, -r.Amount), s.limits.Adjustment)
	checkLine(&f, "reason", &r.Reason, 200)
	if utf8.RuneCountInString(r.Reason) < 2 {
		f.Add("reason", "ledger.reason_needed")
	}
	if err := f.Err(); err != nil {
		return Correction{}, err
	}
	hash := hashOf(r)
	var c Correction
	err = s.write(ctx, func(tx *store.Tx) error {
		old, was, err := selectCorrectionByKey(ctx, tx, r.Key)
		if err == nil && was != hash {
			return errs.New(errs.Conflict, "ledger.key_reused")
		}
		if c = old; err == nil || !store.IsNoRows(err) {
			return err
		}
		if err := s.known(ctx, tx, r.PatientID); err != nil {
			return err
		}
		c = Correction{ID: id.New(), PatientID: r.PatientID, Amount: r.Amount, Reason: r.Reason, State: Pending,
			RequestedBy: who.UserID, RequestedName: who.Name, RequestedAt: store.Time(store.Millis(s.now()))}
		if err := insertCorrection(ctx, tx, c, r.Key, hash); err != nil {
			return err
		}
		event.PublishTx(tx, s.bus, Changed{PatientID: c.PatientID})
		return s.auditTx(ctx, tx, who, "ledger.adjust.ask", "ledger_adjustment", c.ID, c.PatientID, c.Reason, map[string]any{"amount_cents": c.Amount})
	})
	return c, err
}

// Approve carries a correction out. Who asked for it may not.
func (s *Service) Approve(ctx context.Context, correctionID, note string) (Correction, error) {
	return s.decide(ctx, correctionID, note, Approved)
}

// Reject ends a correction; who asked for it may take it back so.
func (s *Service) Reject(ctx context.Context, correctionID, note string) (Correction, error) {
	return s.decide(ctx, correctionID, note, Rejected)
}

func (s *Service) decide(ctx context.Context, correctionID, note, state string) (Correction, error) {
	who, err := identity.Require(ctx, identity.LedgerAdjust)
	if err != nil {
		return Correction{}, err
	}
	var f errs.Fields
	checkLine(&f, "note", &note, 200)
	if err := f.Err(); err != nil {
		return Correction{}, err
	}
	var c Correction
	err = s.db.Write(ctx, func(tx *store.Tx) (err error) {
		if c, err = selectCorrection(ctx, tx, correctionID); err != nil {
			return err
		}
		switch {
		case c.State == state && c.DecidedBy == who.UserID: // asked twice
			return nil
		case c.State != Pending:
			return errs.New(errs.Conflict, "ledger.decided")
		case state == Approved && c.RequestedBy == who.UserID:
			return errs.New(errs.Denied, "ledger.two_persons")
		}
		c.State, c.Note, c.DecidedBy, c.DecidedName, c.DecidedAt = state, note, who.UserID, who.Name, store.Time(store.Millis(s.now()))
		if state == Approved {
			if err := s.carryOut(ctx, tx, who, &c); err != nil {
				return err
			}
		}
		if err := updateCorrection(ctx, tx, c); err != nil {
			return err
		}
		event.PublishTx(tx, s.bus, Changed{PatientID: c.PatientID, TransactionID: c.TransactionID})
		return s.auditTx(ctx, tx, who, "ledger.adjust."+state, "ledger_adjustment", c.ID, c.PatientID, c.Note, nil)
	})
	return c, err
}

func (s *Service) carryOut(ctx context.Context, tx *store.Tx, who identity.Principal, c *Correction) error {
	if c.Amount > 0 {
		if err := insertCard(ctx, tx, c.PatientID, s.now()); err != nil {
			return err
		}
	}
	t := Transaction{Kind: Adjustment, PatientID: c.PatientID, Amount: c.Amount, Reference: c.ID, Reason: c.Reason}
	if err := s.post(ctx, tx, who, &t, "", "", c.Amount, 0, posting{houseAdjustment, -c.Amount}); err != nil {
		return err
	}
	if t.Available+t.Held > s.limits.Balance {
		return errs.New(errs.Conflict, "ledger.balance_limit", "limit_cents", s.limits.Balance)
	}
	c.TransactionID = t.ID
	return nil
}

// Corrections lists the latest corrections in a state ("" for all), of one
// patient or ("") of all, newest first.
func (s *Service) Corrections(ctx context.Context, state, patientID string) ([]Correction, error) {
	if _, err := identity.Require(ctx, identity.LedgerRead, identity.LedgerAdjust); err != nil {
		return nil, err
	}
	var out []Correction
	err := s.db.Read(ctx, func(tx *store.Tx) (err error) {
		out, err = selectCorrections(ctx, tx, strings.TrimSpace(state), patientID)
		return err
	})
	return out, err
}
