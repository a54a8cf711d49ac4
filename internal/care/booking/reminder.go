package booking

import (
	"context"
	"errors"
	"time"

	"heartline/internal/care/booking/policy"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/store"
)

// EventReminded is the entry of a reminder in an appointment's history.
const EventReminded = "reminded"

// remind starts what follows when an appointment is settled. Reminders
// themselves are promised the day before, for a whole day at once: one job a
// day instead of one a booking.
func (s *Service) remind(ctx context.Context, tx *store.Tx, a Appointment) error {
	if a.BookedBy != "system:"+actorWaitlist {
		return nil
	}
	return s.settleAccepted(ctx, tx, a)
}

// remindersAt is when the reminders for a date are sent: at the policy's time
// of the day before, moved out of the quiet hours. The zero time: never.
func remindersAt(p policy.Policy, date time.Time) time.Time {
	at, ok := onDay(date.AddDate(0, 0, -1), p.ReminderHour)
	if !ok {
		return time.Time{}
	}
	return outOfQuiet(p, at)
}

// outOfQuiet moves a time that lies in the quiet hours to their beginning:
// earlier the same evening rather than after the visit.
func outOfQuiet(p policy.Policy, at time.Time) time.Time {
	from, ok1 := onDay(at, p.QuietFrom)
	to, ok2 := onDay(at, p.QuietTo)
	if !ok1 || !ok2 || from.Equal(to) {
		return at
	}
	if from.Before(to) { // quiet within the day
		if !at.Before(from) && at.Before(to) {
			return from.Add(-time.Minute)
		}
		return at
	}
	switch { // quiet over midnight
	case !at.Before(from):
		return from.Add(-time.Minute)
	case at.Before(to):
		return to
	}
	return at
}

// onDay reads a time of day on a date.
func onDay(date time.Time, text string) (time.Time, bool) {
	t, err := time.Parse("15:04", text)
	if err != nil {
		return time.Time{}, false
	}
	return time.Date(date.Year(), date.Month(), date.Day(), t.Hour(), t.Minute(), 0, 0, date.Location()), true
}

// remindersPerStep is how many reminders one transaction promises.
const remindersPerStep = 100

// Remind promises the reminders for a date that were not promised before, and
// says how many.
func (s *Service) Remind(ctx context.Context, date string) (int, error) {
	who := s.system(ctx, "reminder")
	total := 0
	for {
		n := 0
		err := s.db.WriteLocking(ctx, func(tx *store.Tx) error {
			list, err := toRemind(ctx, tx, date, remindersPerStep)
			if err != nil {
				return err
			}
			n = len(list)
			for _, a := range list {
				if err := s.note(ctx, tx, a, EventReminded, who, a.Channel, nil); err != nil {
					return err
				}
				if err := s.promise(ctx, tx, NoticeReminder, a, nil); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return total, err
		}
		total += n
		if n < remindersPerStep {
			return total, nil
		}
	}
}

// Sweep marks those who did not come: after the grace of a policy that voids
// late numbers, else when their session is over.
func (s *Service) Sweep(ctx context.Context) (int, error) {
	who, total := s.system(ctx, "sweep"), 0
	var list []string
	err := s.db.Read(ctx, func(tx *store.Tx) error {
		rules, err := s.inForce(ctx, tx)
		if err != nil {
			return err
		}
		grace := time.Duration(-1)
		if rules.Policy.Late.Kind == policy.LateMiss {
			grace = time.Duration(rules.Policy.Late.GraceMinutes) * time.Minute
		}
		list, err = notCome(ctx, tx, s.now(), grace, 1000)
		return err
	})
	if err != nil {
		return 0, err
	}
	for _, appointmentID := range list {
		missed := false
		err := s.insist(ctx, func(tx *store.Tx) error {
			missed = false
			a, err := lockAppointment(ctx, tx, appointmentID)
			if err != nil || a.State != Scheduled {
				return err
			}
			missed = true
			_, err = s.miss(ctx, tx, who, a)
			return err
		})
		if err != nil {
			return total, err
		}
		if missed {
			total++
		}
	}
	return total, nil
}

// as is errors.As for an error that may be nil.
func as(err error, into **errs.Error) bool { return err != nil && errors.As(err, into) }
