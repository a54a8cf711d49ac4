package booking

import (
	"context"
	"time"

	"heartline/internal/care/booking/policy"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// CancelTerms says what it would mean if a patient gave an appointment back
// now.
type CancelTerms struct {
	Allowed bool
	Reason  policy.Reason // why not
	Until   time.Time     // last moment without asking the house
	Refund  int64         // 分 that would go back to the card
	Counts  bool          // it would count towards a penalty, as Near says
	Near    policy.Foresight
	BanFrom time.Time // the penalty that would follow; zero: none
	BanTo   time.Time
}

// CancelTerms answers before Cancel does, with the same rules.
func (s *Service) CancelTerms(ctx context.Context, appointmentID string) (CancelTerms, error) {
	who, err := identity.Require(ctx, identity.BookingRead, identity.BookingWrite)
	if err != nil {
		return CancelTerms{}, err
	}
	var a Appointment
	var t CancelTerms
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		if a, err = loadAppointment(ctx, tx, appointmentID); err != nil {
			return err
		}
		t, err = s.cancelTerms(ctx, tx, a)
		return err
	})
	if err == nil {
		err = s.yours(ctx, who, a.PatientID, a.ID)
	}
	if err != nil {
		return CancelTerms{}, err
	}
	return t, nil
}

func (s *Service) cancelTerms(ctx context.Context, tx *store.Tx, a Appointment) (CancelTerms, error) {
	rules, err := s.inForce(ctx, tx)
	if err != nil {
		return CancelTerms{}, err
	}
	now := s.now().In(s.zone)
	t := CancelTerms{Until: rules.Policy.CancelUntil(string(a.Type), a.StartAt.In(s.zone), s.days(ctx))}
	if a.HoldID != "" {
		t.Refund = a.Fee
	}
	switch {
	case !a.Allows(ActCancel):
		t.Reason = policy.Reason{Key: "booking.wrong_state", Params: map[string]any{"state": string(a.State), "action": string(ActCancel)}}
	case !a.EndAt.After(now):
		t.Reason = policy.Reason{Key: "booking.past"}
	case a.State == Requested:
		t.Allowed = true
		return t, nil // a hold is given up freely
	case !now.Before(t.Until):
		t.Reason = policy.Reason{Key: "booking.too_late", Params: map[string]any{"until": s.clock(t.Until)}}
	default:
		t.Allowed = true
	}
	if !t.Allowed || len(rules.Policy.Penalties) == 0 {
		return t, nil
	}
	return t, s.foresee(ctx, tx, rules.Policy, a, &t)
}

// foresee fills in what judge would do.
func (s *Service) foresee(ctx context.Context, tx *store.Tx, p policy.Policy, a Appointment, t *CancelTerms) error {
	newest := s.occurrence(p, offence{id: a.ID, at: s.now(), startAt: a.StartAt})
	past, err := offencesOf(ctx, tx, a.PatientID, a.ID, p.Since(newest.At))
	if err != nil {
		return err
	}
	before := make([]policy.Occurrence, 0, len(past))
	for _, o := range past {
		before = append(before, s.occurrence(p, o))
	}
	t.Near, t.Counts = p.Foresee(before, newest)
	if sentence, ok := p.Judge(before, newest); ok && sentence.Until.After(s.now()) {
		t.BanFrom, t.BanTo = sentence.From, sentence.Until
	}
	return nil
}
