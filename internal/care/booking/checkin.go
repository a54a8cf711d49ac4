package booking

import (
	"context"
	"fmt"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// Arrive notes that a patient is in the house, on the day of the visit.
func (s *Service) Arrive(ctx context.Context, appointmentID string) (Appointment, error) {
	return s.act(ctx, identity.BookingCheckIn, appointmentID, func(tx *store.Tx, who identity.Principal, a Appointment) (Appointment, error) {
		if err := s.mayEnter(ctx, tx, a, ActArrive); err != nil {
			return a, err
		}
		a.State = Arrived
		return s.store(ctx, tx, who, a, EventArrived, a.Channel, nil)
	})
}

// CheckIn puts a patient into the queue of the session and takes the fee that
// was held. Checking in again gives the same queue number.
func (s *Service) CheckIn(ctx context.Context, appointmentID string) (Appointment, error) {
	return s.act(ctx, identity.BookingCheckIn, appointmentID, func(tx *store.Tx, who identity.Principal, a Appointment) (Appointment, error) {
		if a.State == CheckedIn {
			return a, nil
		}
		if err := s.mayEnter(ctx, tx, a, ActCheckIn); err != nil {
			return a, err
		}
		n, err := nextQueue(ctx, tx, a.SessionID)
		if err != nil {
			return a, err
		}
		if a, err = s.collect(ctx, tx, a); err != nil {
			return a, err
		}
		a.State, a.QueueNumber = CheckedIn, n
		return s.store(ctx, tx, who, a, EventCheckedIn, a.Channel, map[string]any{"queue_number": n})
	})
}

// mayEnter refuses to let somebody in on another day, into a closed session
// or later than the policy lets them.
func (s *Service) mayEnter(ctx context.Context, tx *store.Tx, a Appointment, act Action) error {
	if err := a.allow(act); err != nil {
		return err
	}
	if today := s.now().In(s.zone).Format("2006-01-02"); a.Date != today {
		return errs.New(errs.Conflict, "booking.not_today", "date", a.Date)
	}
	return s.permitCheckIn(ctx, tx, a)
}

// collect takes the fee that was held.
func (s *Service) collect(ctx context.Context, tx *store.Tx, a Appointment) (Appointment, error) {
	if a.HoldID == "" || a.Paid || s.purse == nil {
		return a, nil
	}
	if err := s.purse.Capture(ctx, tx, a.HoldID); err != nil {
		return a, fmt.Errorf("take fee: %w", err)
	}
	a.Paid = true
	return a, nil
}

// Complete notes that the visit took place.
func (s *Service) Complete(ctx context.Context, appointmentID string) (Appointment, error) {
	return s.act(ctx, identity.BookingCheckIn, appointmentID, func(tx *store.Tx, who identity.Principal, a Appointment) (Appointment, error) {
		if err := a.allow(ActComplete); err != nil {
			return a, err
		}
		a, err := s.collect(ctx, tx, a) // some come without checking in
		if err != nil {
			return a, err
		}
		a.State = Completed
		return s.store(ctx, tx, who, a, EventCompleted, a.Channel, nil)
	})
}

// Miss notes that nobody came. The number goes back, for what is left of its
// time, and so does the money; the rules judge.
func (s *Service) Miss(ctx context.Context, appointmentID string) (Appointment, error) {
	return s.act(ctx, identity.BookingCheckIn, appointmentID, func(tx *store.Tx, who identity.Principal, a Appointment) (Appointment, error) {
		if err := a.allow(ActMiss); err != nil {
			return a, err
		}
		if a.StartAt.After(s.now()) {
			return a, errs.New(errs.Conflict, "booking.not_yet")
		}
		return s.miss(ctx, tx, who, a)
	})
}

func (s *Service) miss(ctx context.Context, tx *store.Tx, who identity.Principal, a Appointment) (Appointment, error) {
	a, err := s.returnFee(ctx, tx, a, string(Missed))
	if err != nil {
		return a, err
	}
	a.State = Missed
	if a, err = s.store(ctx, tx, who, a, EventMissed, a.Channel, nil); err != nil {
		return a, err
	}
	if err := s.giveBack(ctx, tx, a); err != nil {
		return a, err
	}
	if err := s.promise(ctx, tx, NoticeMissed, a, nil); err != nil {
		return a, err
	}
	return a, s.judge(ctx, tx, a)
}
