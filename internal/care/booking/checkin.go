package booking

import (
	"context"
	"fmt"
	"time"

	"heartline/internal/care/booking/policy"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// Arrive notes that a patient is in the house, on the day of the visit.
func (s *Service) Arrive(ctx context.Context, appointmentID string) (Appointment, error) {
	return s.act(ctx, identity.BookingCheckIn, appointmentID, func(tx *store.Tx, who identity.Principal, a Appointment) (Appointment, error) {
		if err := s.ask(ctx, tx, a, ActArrive); err != nil {
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
		if err := s.ask(ctx, tx, a, ActCheckIn); err != nil {
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

// Door says who may be let in, or missed, at a moment: what screens offer and
// what is then done follow one rule.
type Door struct {
	now    time.Time
	today  string
	policy policy.Policy
}

// Door is the door as it is now. It knows of nobody, so that everybody may ask.
func (s *Service) Door(ctx context.Context) (d Door, err error) {
	err = s.db.Read(ctx, func(tx *store.Tx) (err error) {
		d, err = s.door(ctx, tx)
		return err
	})
	return d, err
}

func (s *Service) door(ctx context.Context, tx *store.Tx) (Door, error) {
	rules, err := s.inForce(ctx, tx)
	now := s.now()
	return Door{now: now, today: now.In(s.zone).Format(time.DateOnly), policy: rules.Policy}, err
}

// Refuses is why somebody is not let in: the state, another day, or later than
// the policy lets them; or why nobody can say yet that they did not come.
func (d Door) Refuses(a Appointment, act Action) error {
	if err := a.allow(act); err != nil {
		return err
	}
	switch act {
	case ActMiss:
		if a.StartAt.After(d.now) {
			return errs.New(errs.Conflict, "booking.not_yet")
		}
	case ActArrive, ActCheckIn:
		if a.Date != d.today {
			return errs.New(errs.Conflict, "booking.not_today", "date", a.Date)
		}
		late := d.policy.Late.Kind == policy.LateMiss && a.State != Arrived
		if late && d.now.After(d.policy.VoidAt(a.StartAt, a.EndAt)) {
			return errs.New(errs.Conflict, "booking.late_arrival", "minutes", d.policy.Late.GraceMinutes)
		}
	}
	return nil
}

// ask refuses what the door does.
func (s *Service) ask(ctx context.Context, tx *store.Tx, a Appointment, act Action) error {
	d, err := s.door(ctx, tx)
	if err != nil {
		return err
	}
	return d.Refuses(a, act)
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
		if err := s.ask(ctx, tx, a, ActMiss); err != nil {
			return a, err
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
