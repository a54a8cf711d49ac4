package booking

import (
	"context"
	"fmt"
	"time"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// Confirm makes an appointment of a hold. Confirming it again changes nothing.
func (s *Service) Confirm(ctx context.Context, appointmentID string) (Appointment, error) {
	return s.act(ctx, identity.BookingWrite, appointmentID, func(tx *store.Tx, who identity.Principal, a Appointment) (Appointment, error) {
		if a.State == Scheduled {
			return a, nil
		}
		if err := a.allow(ActConfirm); err != nil {
			return a, err
		}
		if !a.ExpiresAt.After(s.now()) {
			return a, errs.New(errs.Conflict, "booking.hold_expired")
		}
		se, err := loadSession(ctx, tx, a.SessionID)
		if err != nil {
			return a, err
		}
		if se.State != SessionOpen {
			return a, errs.New(errs.Conflict, "booking.session_closed", "reason", se.CloseReason)
		}
		a.State, a.ExpiresAt = Scheduled, time.Time{}
		if a, err = s.store(ctx, tx, who, a, EventConfirmed, a.Channel, nil); err != nil {
			return a, err
		}
		kind := NoticeBooked
		if a.MovedFrom != "" {
			kind = NoticeChanged
		}
		if err := s.promise(ctx, tx, kind, a, nil); err != nil {
			return a, err
		}
		return a, s.remind(ctx, tx, a)
	})
}

// act runs fn on an appointment that ctx may touch and that nobody else
// changes meanwhile.
func (s *Service) act(ctx context.Context, needs identity.Permission, appointmentID string,
	fn func(tx *store.Tx, who identity.Principal, a Appointment) (Appointment, error)) (Appointment, error) {
	who, err := identity.Require(ctx, needs)
	if err != nil {
		return Appointment{}, err
	}
	var a Appointment
	var foreign string
	err = s.insist(ctx, func(tx *store.Tx) (err error) {
		foreign = ""
		if a, err = lockAppointment(ctx, tx, appointmentID); err != nil {
			return err
		}
		if !mine(ctx, who, a.PatientID) {
			foreign = a.PatientID
			return errs.New(errs.Denied, "booking.not_yours")
		}
		a, err = fn(tx, who, a)
		return err
	})
	if foreign != "" {
		return Appointment{}, s.yours(ctx, who, foreign, appointmentID)
	}
	if err != nil {
		return Appointment{}, err
	}
	return a, nil
}

// store keeps a changed appointment, with its history, story, facts and audit.
func (s *Service) store(ctx context.Context, tx *store.Tx, who identity.Principal, a Appointment, kind string, c Channel, detail map[string]any) (Appointment, error) {
	a.UpdatedAt = store.Time(store.Millis(s.now()))
	if err := putAppointment(ctx, tx, a); err != nil {
		return a, err
	}
	a.Version++
	if err := s.note(ctx, tx, a, kind, who, c, detail); err != nil {
		return a, err
	}
	if err := s.show(ctx, tx, a); err != nil {
		return a, err
	}
	s.tell(tx, a)
	return a, s.auditTx(ctx, tx, who, "booking."+kind, a, detail)
}

// ChangeTo gives another number in place of the one held: the new one is
// taken before the old one is given back, in one transaction, so that nobody
// ends up with none. The new appointment names the old one in MovedFrom.
func (s *Service) ChangeTo(ctx context.Context, appointmentID string, c Change) (Appointment, error) {
	var f errs.Fields
	checkKey(&f, c.Key)
	checkID(&f, "session_id", c.SessionID, true)
	checkID(&f, "number_id", c.NumberID, false)
	checkChannel(&f, c.Channel)
	s.checkOrigin(&f, c.Channel, &c.Origin)
	if err := f.Err(); err != nil {
		return Appointment{}, err
	}
	a, err := s.act(ctx, identity.BookingWrite, appointmentID, func(tx *store.Tx, who identity.Principal, old Appointment) (Appointment, error) {
		r := Request{Key: c.Key, PatientID: old.PatientID, SessionID: c.SessionID, NumberID: c.NumberID, Channel: c.Channel,
			UseCard: old.HoldID != "", Note: old.Note, SeriesID: old.SeriesID, Origin: c.Origin}
		return s.move(ctx, tx, who, old, r)
	})
	if err != nil {
		who, _ := identity.From(ctx)
		return Appointment{}, s.reused(ctx, who, "", err)
	}
	return a, nil
}

// move is ChangeTo in a transaction that has locked the old appointment.
func (s *Service) move(ctx context.Context, tx *store.Tx, who identity.Principal, old Appointment, r Request) (Appointment, error) {
	if err := lockPersons(ctx, tx, r.PatientID); err != nil {
		return Appointment{}, err
	}
	l, err := lookFor(ctx, tx, r, s.now())
	if err != nil {
		return Appointment{}, err
	}
	if l.replay != "" {
		return replay(ctx, tx, l.replay, l.hash, fingerprint(r, old.ID))
	}
	if err := s.mayMove(ctx, tx, old, l.session, r); err != nil {
		return Appointment{}, err
	}
	if l.sameDay == old.ID {
		l.sameDay, l.sameUntil = "", 0
	}
	if l, err = s.endLapsed(ctx, tx, l, r); err != nil {
		return Appointment{}, err
	}
	if l.sameDay != "" {
		return Appointment{}, errs.New(errs.Conflict, "booking.double", "date", l.session.Date)
	}
	p, err := s.person(ctx, tx, r.PatientID)
	if err != nil {
		return Appointment{}, err
	}
	if err := s.permit(ctx, tx, p, l.session, r, known{without: old.ID, noBans: !l.banned}); err != nil {
		return Appointment{}, err
	}
	// The old appointment steps aside, its number still taken, so that the new
	// one may be of the same day; then the number follows.
	stepped, err := s.stepAside(ctx, tx, who, old, r)
	if err != nil {
		return Appointment{}, err
	}
	a, err := s.take(ctx, tx, who, r, l.session, p, old.ID)
	if err != nil {
		return Appointment{}, err
	}
	return a, s.giveBack(ctx, tx, stepped)
}

func (s *Service) mayMove(ctx context.Context, tx *store.Tx, old Appointment, se Session, r Request) error {
	if err := old.allow(ActChange); err != nil {
		return err
	}
	if old.State == Requested && !old.ExpiresAt.After(s.now()) {
		return errs.New(errs.Conflict, "booking.hold_expired")
	}
	if !old.StartAt.After(s.now()) {
		return errs.New(errs.Invalid, "booking.past")
	}
	if old.Paid {
		return errs.New(errs.Conflict, "booking.wrong_state", "state", "paid", "action", string(ActChange))
	}
	if r.NumberID == old.NumberID {
		return errs.New(errs.Conflict, "booking.same_number")
	}
	if err := s.checkSession(se, r); err != nil {
		return err
	}
	return s.permitCancel(ctx, tx, old, Cancel{Reason: CancelPatient, Channel: r.Channel})
}

// stepAside cancels an appointment that is moved, money included, and leaves
// its number taken.
func (s *Service) stepAside(ctx context.Context, tx *store.Tx, who identity.Principal, old Appointment, r Request) (Appointment, error) {
	old, err := s.returnFee(ctx, tx, old, CancelMoved)
	if err != nil {
		return old, err
	}
	old.State, old.CancelReason, old.CancelledAt = Cancelled, CancelMoved, store.Time(store.Millis(s.now()))
	return s.store(ctx, tx, who, old, EventMoved, r.Channel, r.on(map[string]any{"to_session": r.SessionID}))
}

// giveBack frees the number of an appointment that is no longer active and
// offers it to those who wait.
func (s *Service) giveBack(ctx context.Context, tx *store.Tx, a Appointment) error {
	n, err := freeNumber(ctx, tx, a.NumberID)
	if err != nil {
		return err
	}
	if n.State != NumberFree {
		return nil
	}
	return s.offer(ctx, tx, n)
}

// Cancel ends an appointment and gives its number back.
func (s *Service) Cancel(ctx context.Context, appointmentID string, c Cancel) (Appointment, error) {
	if err := s.checkCancel(&c).Err(); err != nil {
		return Appointment{}, err
	}
	return s.act(ctx, identity.BookingWrite, appointmentID, func(tx *store.Tx, who identity.Principal, a Appointment) (Appointment, error) {
		if c.Reason == CancelStaff && bounded(ctx, who) { // only the house makes mistakes of the house
			return a, errs.New(errs.Denied, "auth.denied")
		}
		return s.cancel(ctx, tx, who, a, c)
	})
}

func (s *Service) checkCancel(c *Cancel) errs.Fields {
	var f errs.Fields
	if c.Reason != CancelPatient && c.Reason != CancelStaff {
		f.Add("reason", "not_allowed")
	}
	checkChannel(&f, c.Channel)
	checkText(&f, "note", c.Note, 500)
	s.checkOrigin(&f, c.Channel, &c.Origin)
	return f
}

func (s *Service) cancel(ctx context.Context, tx *store.Tx, who identity.Principal, a Appointment, c Cancel) (Appointment, error) {
	if err := a.allow(ActCancel); err != nil {
		return a, err
	}
	if c.Reason == CancelPatient && !a.EndAt.After(s.now()) {
		return a, errs.New(errs.Invalid, "booking.past")
	}
	if a.State != Requested { // a hold is given up freely
		if err := s.permitCancel(ctx, tx, a, c); err != nil {
			return a, err
		}
	}
	return s.release(ctx, tx, who, a, c)
}

// release ends an appointment for a reason: money back, number back, history,
// notice, judgement. It asks no deadline. tx must have locked the appointment.
func (s *Service) release(ctx context.Context, tx *store.Tx, who identity.Principal, a Appointment, c Cancel) (Appointment, error) {
	held := a.State == Requested
	a, err := s.returnFee(ctx, tx, a, c.Reason)
	if err != nil {
		return a, err
	}
	kind := EventCancelled
	a.State, a.CancelReason, a.CancelledAt = Cancelled, c.Reason, store.Time(store.Millis(s.now()))
	if c.Reason == CancelExpired {
		a.State, kind = Expired, EventExpired
	}
	detail := c.on(map[string]any{"reason": c.Reason})
	if a, err = s.store(ctx, tx, who, a, kind, c.Channel, detail); err != nil {
		return a, err
	}
	if err := s.giveBack(ctx, tx, a); err != nil {
		return a, err
	}
	if held {
		if err := s.visitWithout(ctx, tx, a); err != nil {
			return a, err
		}
	}
	if held || c.Reason == CancelMoved {
		return a, nil
	}
	// Who closes a session, or ends a series, tells more than this notice could.
	if c.Reason != CancelClosed && c.Reason != CancelWithSeries {
		if err := s.promise(ctx, tx, NoticeCancelled, a, nil); err != nil {
			return a, err
		}
	}
	return a, s.judge(ctx, tx, a)
}

// Acknowledge records what a patient answered to a reminder, and by which
// channel: "confirm" or "cancel".
func (s *Service) Acknowledge(ctx context.Context, appointmentID, answer string, ch Channel) (Appointment, error) {
	switch answer {
	case "cancel":
		return s.Cancel(ctx, appointmentID, Cancel{Reason: CancelPatient, Channel: ch})
	case "confirm":
	default:
		return Appointment{}, errs.InvalidField("answer", "not_allowed")
	}
	return s.act(ctx, identity.BookingWrite, appointmentID, func(tx *store.Tx, who identity.Principal, a Appointment) (Appointment, error) {
		if a.Confirmed && a.State.Active() {
			return a, nil
		}
		if err := a.allow(ActAcknowledge); err != nil {
			return a, err
		}
		a.Confirmed = true
		return s.store(ctx, tx, who, a, EventAcknowledged, ch, nil)
	})
}

// holdFee keeps the fee of a on the card of the patient.
func (s *Service) holdFee(ctx context.Context, tx *store.Tx, a Appointment) (holdID string, err error) {
	if s.purse == nil {
		return "", errs.New(errs.Unavailable, "booking.card_unavailable")
	}
	holdID, err = s.purse.Hold(ctx, tx, a.PatientID, a.Fee, a.ID)
	if err != nil {
		return "", fmt.Errorf("hold fee: %w", err)
	}
	return holdID, nil
}

// returnFee gives back what was held or taken for an appointment.
func (s *Service) returnFee(ctx context.Context, tx *store.Tx, a Appointment, reason string) (Appointment, error) {
	if a.HoldID == "" || s.purse == nil {
		return a, nil
	}
	if !a.Paid {
		if err := s.purse.Release(ctx, tx, a.HoldID); err != nil {
			return a, fmt.Errorf("release fee: %w", err)
		}
		return a, nil
	}
	if err := s.purse.Refund(ctx, tx, a.HoldID, reason); err != nil {
		return a, fmt.Errorf("refund fee: %w", err)
	}
	a.Paid = false
	return a, nil
}
