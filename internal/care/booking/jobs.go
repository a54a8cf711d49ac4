package booking

import (
	"context"
	"fmt"
	"time"

	"heartline/internal/care/booking/policy"
	"heartline/internal/platform/event"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/job"
	"heartline/internal/platform/store"
)

// sweepEvery is how often no-shows are looked for.
const sweepEvery = 5 * time.Minute

// nightAt is when the timetable is carried on, in minutes after midnight.
const nightAt = 30

// horizonMargin is how many days beyond the window of the policy numbers exist:
// the furthest day must be there when it is released.
const horizonMargin = 2

// The jobs of the rules. Each run promises the next one first, under a key
// that is its time, so that a chain neither breaks nor doubles.
type (
	nightlyJob struct {
		Date string `json:"date"`
	}
	sweepJob struct {
		At int64 `json:"at"`
	}
	reminderJob struct {
		Date string `json:"date"` // of the visits
	}
)

// Kind implements job.Args.
func (nightlyJob) Kind() string { return "booking.nightly" }

// Kind implements job.Args.
func (sweepJob) Kind() string { return "booking.sweep" }

// Kind implements job.Args.
func (reminderJob) Kind() string { return "booking.reminders" }

func (s *Service) registerJobs() {
	if s.jobs == nil {
		return
	}
	job.Register(s.jobs, func(ctx context.Context, _ nightlyJob) error { return s.nightly(identity.System(ctx, "nightly")) })
	job.Register(s.jobs, func(ctx context.Context, _ sweepJob) error {
		if err := s.db.Write(ctx, func(tx *store.Tx) error { return s.planSweep(ctx, tx) }); err != nil {
			return fmt.Errorf("plan sweep: %w", err)
		}
		_, err := s.Sweep(identity.System(ctx, "sweep"))
		return err
	})
	job.Register(s.jobs, func(ctx context.Context, j reminderJob) error {
		if err := s.db.Write(ctx, func(tx *store.Tx) error { return s.planReminders(ctx, tx) }); err != nil {
			return fmt.Errorf("plan reminders: %w", err)
		}
		if due, err := s.remindersDue(ctx, j.Date); err != nil || !due {
			return err
		}
		_, err := s.Remind(identity.System(ctx, "reminder"), j.Date)
		return err
	})
}

// Start promises the first runs of the daily jobs. It may be called at every
// start of the program and on every node: what is promised already is not
// promised twice.
func (s *Service) Start(ctx context.Context) error {
	if s.jobs == nil {
		return nil
	}
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		if err := s.planNightly(ctx, tx); err != nil {
			return err
		}
		if err := s.planSweep(ctx, tx); err != nil {
			return err
		}
		return s.planReminders(ctx, tx)
	})
	if err != nil {
		return fmt.Errorf("start booking jobs: %w", err)
	}
	return nil
}

func (s *Service) planNightly(ctx context.Context, tx *store.Tx) error {
	next := s.today().AddDate(0, 0, 1)
	at := time.Date(next.Year(), next.Month(), next.Day(), 0, nightAt, 0, 0, s.zone)
	date := next.Format(time.DateOnly)
	return job.Enqueue(ctx, tx, s.jobs, nightlyJob{Date: date}, job.RunAt(at), job.UniqueKey(date))
}

func (s *Service) planSweep(ctx context.Context, tx *store.Tx) error {
	at := s.now().Truncate(sweepEvery).Add(sweepEvery)
	return job.Enqueue(ctx, tx, s.jobs, sweepJob{At: store.Millis(at)}, job.RunAt(at), job.UniqueKey(fmt.Sprint(store.Millis(at))))
}

// planReminders promises the next reminders; those for tomorrow, if their time
// went by while the program was away, at once unless the hours are quiet.
func (s *Service) planReminders(ctx context.Context, tx *store.Tx) error {
	rules, err := s.inForce(ctx, tx)
	if err != nil {
		return err
	}
	return s.planRemindersBy(ctx, tx, rules.Policy)
}

// planRemindersBy plans them by a policy that may not be in force yet. What
// was planned by another one stays and finds, when it runs, that it is not due.
func (s *Service) planRemindersBy(ctx context.Context, tx *store.Tx, p policy.Policy) error {
	if s.jobs == nil {
		return nil
	}
	now := s.now().In(s.zone)
	for d := 1; d <= 3; d++ {
		date := s.today().AddDate(0, 0, d)
		at := remindersAt(p, date)
		if at.IsZero() {
			return nil
		}
		late := !at.After(now)
		if late && !outOfQuiet(p, now).Equal(now) {
			continue
		}
		iso := date.Format(time.DateOnly)
		if err := job.Enqueue(ctx, tx, s.jobs, reminderJob{Date: iso}, job.RunAt(at), job.UniqueKey(iso+"T"+at.Format("15:04"))); err != nil {
			return err
		}
		if !late {
			return nil
		}
	}
	return nil
}

// remindersDue tells whether the reminders for a date are sent now: not before
// the time that the policy in force says, and not once the day has come and
// gone while the program was away.
func (s *Service) remindersDue(ctx context.Context, date string) (due bool, err error) {
	day, err := time.ParseInLocation(time.DateOnly, date, s.zone)
	if err != nil || day.Before(s.today()) {
		return false, err
	}
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		rules, err := s.inForce(ctx, tx)
		if err == nil {
			at := remindersAt(rules.Policy, day)
			due = !at.IsZero() && !at.After(s.now())
		}
		return err
	})
	return due, err
}

// horizon is the last date for which numbers should exist.
func (s *Service) horizon(ctx context.Context) (time.Time, error) {
	days := 0
	err := s.db.Read(ctx, func(tx *store.Tx) error {
		rules, err := s.inForce(ctx, tx)
		days = rules.Policy.Window.To
		for _, w := range rules.Policy.Channels {
			days = max(days, w.To)
		}
		return err
	})
	return s.today().AddDate(0, 0, min(max(days, 7), 92)+horizonMargin), err
}

// nightly carries the timetable on to the horizon of the policy, books visits
// of series that waited for numbers, and ends wishes whose time is over.
func (s *Service) nightly(ctx context.Context) error {
	if err := s.db.Write(ctx, func(tx *store.Tx) error { return s.planNightly(ctx, tx) }); err != nil {
		return fmt.Errorf("plan nightly: %w", err)
	}
	last, err := s.horizon(ctx)
	if err != nil {
		return err
	}
	today, to := s.today().Format(time.DateOnly), last.Format(time.DateOnly)
	g, err := s.Generate(ctx, today, to)
	if err != nil {
		return err
	}
	var unclear []string
	for _, d := range g.Skipped {
		if d.Why == SkipUnclear {
			unclear = append(unclear, d.Date)
		}
	}
	if len(unclear) > 0 && s.bus != nil {
		event.Publish(s.bus, MakeupUnclear{Dates: unclear})
	}
	var open []string
	err = s.db.Write(ctx, func(tx *store.Tx) (err error) {
		if _, err := endPastWishes(ctx, tx, today, s.now()); err != nil {
			return err
		}
		open, err = openVisits(ctx, tx, today, to)
		return err
	})
	if err != nil {
		return err
	}
	who, err := identity.Require(ctx)
	if err != nil {
		return err
	}
	for _, seriesID := range open {
		if err := s.fillSeries(ctx, who, seriesID); err != nil {
			return fmt.Errorf("series %s: %w", seriesID, err)
		}
	}
	return nil
}

// MakeupUnclear says that the calendar does not tell which weekday some worked
// weekend days follow. Their own weekday's clinics were made.
type MakeupUnclear struct{ Dates []string }
