package api

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"heartline/internal/care/ledger"
	"heartline/internal/care/patient"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/identity"
)

// cards is the ledger, or 503 where there is none.
func (s *Server) cards() (*ledger.Service, error) {
	if s.deps.Ledger == nil {
		return nil, errs.New(errs.Unavailable, "unavailable")
	}
	return s.deps.Ledger, nil
}

func ledgerEntryView(t ledger.Transaction) LedgerEntryView {
	return LedgerEntryView{ID: t.ID, Kind: string(t.Kind), PatientID: t.PatientID, AmountCents: t.Amount, Method: t.Method, Reference: t.Reference,
		Reason: t.Reason, By: t.ActorName, At: utc(t.At), AvailableCents: t.Available, HeldCents: t.Held, Receipt: t.Receipt}
}

func adjustmentView(who identity.Principal) func(ledger.Correction) AdjustmentView {
	return func(c ledger.Correction) AdjustmentView {
		return AdjustmentView{ID: c.ID, PatientID: c.PatientID, AmountCents: c.Amount, Reason: c.Reason, State: c.State, RequestedBy: c.RequestedBy,
			RequestedName: c.RequestedName, RequestedAt: utc(c.RequestedAt), DecidedName: c.DecidedName, DecidedAt: maybe(c.DecidedAt),
			Note: c.Note, TransactionID: c.TransactionID, Mine: c.RequestedBy == who.UserID}
	}
}

func (s *Server) getCard(ctx context.Context, in *ByID) (*Out[CardView], error) {
	cards, err := s.cards()
	if err != nil {
		return nil, err
	}
	who, err := identity.Require(ctx, identity.LedgerRead)
	if err != nil {
		return nil, err
	}
	a, err := cards.Account(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	page, err := cards.Entries(ctx, in.ID, "", 20)
	if err != nil {
		return nil, err
	}
	waiting, err := cards.Corrections(ctx, ledger.Pending, in.ID)
	if err != nil {
		return nil, err
	}
	l := cards.Limits()
	v := CardView{PatientID: in.ID, BalanceCents: a.Balance(), HeldCents: a.Held, AvailableCents: a.Available, UpdatedAt: maybe(a.UpdatedAt),
		Entries: mapped(page.Transactions, ledgerEntryView), Methods: ledger.Methods(), Adjustments: mapped(waiting, adjustmentView(who)),
		Limits: LedgerLimits{TopUpCents: l.TopUp, BalanceCents: l.Balance, PayoutCents: l.Payout, AdjustmentCents: l.Adjustment}}
	if s.deps.Kiosks != nil {
		if v.HasPIN, err = s.deps.Kiosks.HasPIN(ctx, in.ID); err != nil {
			return nil, err
		}
	}
	return out(v), nil
}

func (s *Server) listCardEntries(ctx context.Context, in *LedgerEntriesInput) (*Out[List[LedgerEntryView]], error) {
	cards, err := s.cards()
	if err != nil {
		return nil, err
	}
	page, err := cards.Entries(ctx, in.ID, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	return listOf(page.Transactions, ledgerEntryView, page.Next), nil
}

func (s *Server) topUpCard(ctx context.Context, in *TopUpInput) (*Out[LedgerEntryView], error) {
	cards, err := s.cards()
	if err != nil {
		return nil, err
	}
	b := in.Body
	t, err := cards.TopUp(ctx, ledger.Payment{Key: b.Key, PatientID: in.ID, Amount: b.AmountCents, Method: b.Method, Reference: b.Reference})
	if err != nil {
		return nil, err
	}
	return out(ledgerEntryView(t)), nil
}

func (s *Server) payOutCard(ctx context.Context, in *PayoutInput) (*Out[LedgerEntryView], error) {
	cards, err := s.cards()
	if err != nil {
		return nil, err
	}
	b := in.Body
	t, err := cards.Payout(ctx, ledger.Payment{Key: b.Key, PatientID: in.ID, Amount: b.AmountCents, Method: b.Method, Reason: b.Reason})
	if err != nil {
		return nil, err
	}
	return out(ledgerEntryView(t)), nil
}

func (s *Server) setCardPIN(ctx context.Context, in *PINInput) (*Empty, error) {
	return nil, s.savePIN(ctx, in.ID, in.Body.PIN)
}

func (s *Server) removeCardPIN(ctx context.Context, in *ByID) (*Empty, error) {
	return nil, s.savePIN(ctx, in.ID, "")
}

// savePIN stores or removes a PIN of somebody who exists.
func (s *Server) savePIN(ctx context.Context, patientID, pin string) error {
	if s.deps.Kiosks == nil {
		return errs.New(errs.Unavailable, "unavailable")
	}
	known, err := s.deps.Patients.Cards(identity.System(ctx, "kiosk"), []string{patientID})
	if err != nil {
		return err
	}
	if _, ok := known[patientID]; !ok {
		return errs.New(errs.NotFound, "patient.not_found")
	}
	return s.deps.Kiosks.SetPIN(ctx, patientID, pin)
}

func (s *Server) listAdjustments(ctx context.Context, in *AdjustmentQuery) (*Out[List[AdjustmentView]], error) {
	cards, err := s.cards()
	if err != nil {
		return nil, err
	}
	who, err := identity.Require(ctx)
	if err != nil {
		return nil, err
	}
	list, err := cards.Corrections(ctx, in.State, in.Patient)
	if err != nil {
		return nil, err
	}
	people, err := s.patientCards(ctx, mapped(list, func(c ledger.Correction) string { return c.PatientID }))
	if err != nil {
		return nil, err
	}
	view := adjustmentView(who)
	return listOf(list, func(c ledger.Correction) AdjustmentView {
		v := view(c)
		v.Patient = patientOf(people, c.PatientID)
		return v
	}, ""), nil
}

func (s *Server) requestAdjustment(ctx context.Context, in *AdjustmentInput) (*Out[AdjustmentView], error) {
	cards, err := s.cards()
	if err != nil {
		return nil, err
	}
	b := in.Body
	c, err := cards.Adjust(ctx, ledger.AdjustmentRequest{Key: b.Key, PatientID: b.PatientID, Amount: b.AmountCents, Reason: b.Reason})
	return adjustmentOut(ctx, c, err)
}

func (s *Server) approveAdjustment(ctx context.Context, in *DecisionInput) (*Out[AdjustmentView], error) {
	cards, err := s.cards()
	if err != nil {
		return nil, err
	}
	c, err := cards.Approve(ctx, in.ID, in.Body.Note)
	return adjustmentOut(ctx, c, err)
}

func (s *Server) rejectAdjustment(ctx context.Context, in *DecisionInput) (*Out[AdjustmentView], error) {
	cards, err := s.cards()
	if err != nil {
		return nil, err
	}
	c, err := cards.Reject(ctx, in.ID, in.Body.Note)
	return adjustmentOut(ctx, c, err)
}

func adjustmentOut(ctx context.Context, c ledger.Correction, err error) (*Out[AdjustmentView], error) {
	if err != nil {
		return nil, err
	}
	who, err := identity.Require(ctx)
	if err != nil {
		return nil, err
	}
	return out(adjustmentView(who)(c)), nil
}

func (s *Server) getReconciliation(ctx context.Context, in *ReconciliationQuery) (*Out[ReconciliationView], error) {
	cards, err := s.cards()
	if err != nil {
		return nil, err
	}
	if in.Date == "" {
		in.Date = s.now().In(s.zone()).Format("2006-01-02")
	}
	r, err := cards.Reconcile(ctx, in.Date)
	if err != nil {
		return nil, err
	}
	v := reconciliationView(r)
	people, err := s.patientCards(ctx, mapped(r.Holds, func(h ledger.OpenHold) string { return h.PatientID }))
	if err != nil {
		return nil, err
	}
	for i := range v.Holds {
		v.Holds[i].Patient = patientOf(people, v.Holds[i].PatientID)
	}
	return out(v), nil
}

// patientOf is the patient of an id as lists show them, nil when unknown.
func patientOf(people map[string]patient.Card, patientID string) *AppointmentPatient {
	c, ok := people[patientID]
	if !ok {
		return nil
	}
	return appointmentPatient(c)
}

func reconciliationView(r ledger.Reconciliation) ReconciliationView {
	return ReconciliationView{
		Date: r.Day, RevenueCents: r.Revenue, AdjustedCents: r.Adjusted, Receipts: r.Receipts,
		Cards: TurnoverView{OpeningCents: r.Cards.Opening, InCents: r.Cards.In, OutCents: r.Cards.Out, ClosingCents: r.Cards.Closing},
		Methods: mapped(r.Methods, func(m ledger.MethodDay) MethodDayView {
			return MethodDayView{Method: m.Method, OpeningCents: m.Opening, InCents: m.In, OutCents: m.Out, ClosingCents: m.Closing,
				CountedCents: m.Counted, DifferenceCents: m.Difference, Note: m.Note, CountedBy: m.CountedBy, CountedAt: maybe(m.CountedAt)}
		}),
		Holds: mapped(r.Holds, func(h ledger.OpenHold) OpenHoldView {
			return OpenHoldView{ID: h.ID, PatientID: h.PatientID, AmountCents: h.Amount, Reference: h.Reference, At: utc(h.At)}
		}),
		Problems: mapped(r.Problems, func(p ledger.Problem) BookProblem { return BookProblem{Kind: p.Kind, ID: p.ID} }),
	}
}

func (s *Server) saveCount(ctx context.Context, in *CountInput) (*Empty, error) {
	cards, err := s.cards()
	if err != nil {
		return nil, err
	}
	b := in.Body
	return nil, cards.SaveCount(ctx, ledger.Count{Day: b.Date, Method: b.Method, Counted: b.CountedCents, Note: b.Note})
}

// getReceipt prints a receipt. The look at the patient's card is audited by
// the ledger.
func (s *Server) getReceipt(ctx context.Context, in *LangQuery) (*huma.StreamResponse, error) {
	cards, err := s.cards()
	if err != nil {
		return nil, err
	}
	r, err := cards.Receipt(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	pdf, err := s.receiptPDF(ctx, r, in.Lang)
	if err != nil {
		return nil, err
	}
	return paper("application/pdf", "receipt-"+r.Number+".pdf", pdf), nil
}
