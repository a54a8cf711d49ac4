package booking

import (
	"context"
	"fmt"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/job"
	"heartline/internal/platform/store"
)

// CancelExpired is the reason with which a hold that nobody confirmed ends.
const CancelExpired = "expired"

// expireHold is the job that ends a hold at its time.
type expireHold struct {
	Appointment string `json:"appointment"`
}

// Kind implements job.Args.
func (expireHold) Kind() string { return "booking.expire_hold" }

func (s *Service) registerHolds() {
	if s.jobs == nil {
		return
	}
	job.Register(s.jobs, func(ctx context.Context, j expireHold) error {
		_, err := s.Expire(identity.System(ctx, "booking"), j.Appointment)
		if errs.Is(err, errs.NotFound) {
			return job.Discard(err)
		}
		return err
	})
}

func (s *Service) scheduleExpiry(ctx context.Context, tx *store.Tx, a Appointment) error {
	if s.jobs == nil {
		return nil
	}
	return job.Enqueue(ctx, tx, s.jobs, expireHold{Appointment: a.ID}, job.RunAt(a.ExpiresAt))
}

// Expire ends a hold whose time is over. A hold that was confirmed, cancelled
// or still has time stays as it is, and ended is false.
func (s *Service) Expire(ctx context.Context, appointmentID string) (ended bool, err error) {
	who, err := identity.Require(ctx, identity.BookingWrite)
	if err != nil {
		return false, err
	}
	err = s.db.WriteLocking(ctx, func(tx *store.Tx) (err error) {
		ended, err = s.expire(ctx, tx, who, appointmentID)
		return err
	})
	return ended, err
}

func (s *Service) expire(ctx context.Context, tx *store.Tx, who identity.Principal, appointmentID string) (bool, error) {
	a, err := lockAppointment(ctx, tx, appointmentID)
	if err != nil {
		return false, err
	}
	if a.State != Requested || a.ExpiresAt.After(s.now()) {
		return false, nil
	}
	if _, err := s.release(ctx, tx, who, a, Cancel{Reason: CancelExpired, Channel: a.Channel}); err != nil {
		return false, fmt.Errorf("end hold: %w", err)
	}
	return true, nil
}

// expireHolds ends the holds past their time of a session and of a person.
func (s *Service) expireHolds(ctx context.Context, tx *store.Tx, sessionID, patientID string) (n int, err error) {
	list, err := lapsedHolds(ctx, tx, sessionID, patientID, store.Millis(s.now()))
	if err != nil {
		return 0, err
	}
	who, _ := identity.From(identity.System(ctx, "booking"))
	for _, appointmentID := range list {
		ended, err := s.expire(ctx, tx, who, appointmentID)
		if err != nil {
			return n, err
		}
		if ended {
			n++
		}
	}
	return n, nil
}
