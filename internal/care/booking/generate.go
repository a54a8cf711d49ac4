package booking

import (
	"context"
	"fmt"
	"time"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// dayPlan says how a date is run.
type dayPlan struct {
	like time.Weekday // whose templates hold
	why  string       // SkipHoliday: nothing takes place; SkipUnclear: reported, run as it is
}

// planOf reads the calendar for a date: holidays rest; a weekend day that is
// worked instead of a holiday follows the weekday that the calendar names.
func (w workdays) planOf(date time.Time) dayPlan {
	own := date.Weekday()
	d, special := w.special[date.Format(time.DateOnly)]
	switch {
	case !special || d.Spans != nil:
		return dayPlan{like: own}
	case d.Closed:
		return dayPlan{like: own, why: SkipHoliday}
	case own >= time.Monday && own <= time.Friday:
		return dayPlan{like: d.Like}
	case d.Like >= time.Monday && d.Like <= time.Friday:
		return dayPlan{like: d.Like}
	}
	return dayPlan{like: own, why: SkipUnclear}
}

// Generate makes the sessions and numbers of the templates from one date to
// another, inclusive. It can be repeated: what exists is not touched, and what
// was made once and then removed does not come back.
func (s *Service) Generate(ctx context.Context, from, to string) (Generated, error) {
	return s.generate(ctx, from, to, false)
}

// PlanGeneration says what Generate would do.
func (s *Service) PlanGeneration(ctx context.Context, from, to string) (Generated, error) {
	return s.generate(ctx, from, to, true)
}

func (s *Service) generate(ctx context.Context, from, to string, dry bool) (Generated, error) {
	who, err := identity.Require(ctx, identity.BookingSchedule)
	if err != nil {
		return Generated{}, err
	}
	first, err := s.day("from", from)
	if err != nil {
		return Generated{}, err
	}
	last, err := s.day("to", to)
	if err != nil {
		return Generated{}, err
	}
	switch {
	case last.Before(first) || last.Sub(first) > 100*24*time.Hour:
		return Generated{}, errs.InvalidField("to", "out_of_range")
	case first.Before(s.today()) || last.After(s.today().AddDate(0, 0, longestAhead)):
		return Generated{}, errs.InvalidField("from", "out_of_range")
	}
	sum := Generated{DryRun: dry, Skipped: []SkippedDay{}}
	days := s.days(ctx)
	for date := first; !date.After(last); date = date.AddDate(0, 0, 1) {
		g, err := s.generateDate(ctx, who, date, days, dry)
		if err != nil {
			return sum, fmt.Errorf("generate %s: %w", date.Format(time.DateOnly), err)
		}
		sum.add(g)
	}
	return sum, nil
}

func (g *Generated) add(more Generated) {
	g.Sessions += more.Sessions
	g.Numbers += more.Numbers
	g.Existing += more.Existing
	g.Skipped = append(g.Skipped, more.Skipped...)
}

// generateDate is one transaction, so that a long run blocks nobody. Two runs
// at once meet on a unique index; the slower one looks again.
func (s *Service) generateDate(ctx context.Context, who identity.Principal, date time.Time, days workdays, dry bool) (g Generated, err error) {
	run := func(tx *store.Tx) (err error) {
		if g, err = s.generateDay(ctx, tx, date, days, TemplateFilter{}, dry); err != nil || dry || g.Sessions == 0 {
			return err
		}
		return s.auditRule(ctx, tx, who, "booking.generate", "booking_template", "", "", map[string]any{"date": date.Format(time.DateOnly), "sessions": g.Sessions})
	}
	if dry {
		return g, s.db.Read(ctx, run)
	}
	for range attempts {
		if err = s.db.Write(ctx, run); !store.IsUnique(err) {
			return g, err
		}
	}
	return g, err
}

// generateDay carries out the templates of a filter on a date.
func (s *Service) generateDay(ctx context.Context, tx *store.Tx, date time.Time, days workdays, f TemplateFilter, dry bool) (Generated, error) {
	var g Generated
	iso, plan := date.Format(time.DateOnly), days.planOf(date)
	f.OnlyActive = true
	templates, err := listTemplates(ctx, tx, f)
	if err != nil {
		return g, err
	}
	done, err := generatedOn(ctx, tx, iso, iso)
	if err != nil {
		return g, err
	}
	day := dayRun{date: date, dry: dry}
	if day.busy, err = busyTimes(ctx, tx, iso, iso); err != nil {
		return g, err
	}
	if day.equipment, err = equipmentOf(ctx, tx); err != nil {
		return g, err
	}
	if day.release, err = s.releaseOf(ctx, tx, date); err != nil {
		return g, err
	}
	for _, t := range templates {
		if !t.holdsOn(date, plan.like) {
			continue
		}
		if plan.why == SkipHoliday {
			g.Skipped = append(g.Skipped, SkippedDay{Date: iso, Why: SkipHoliday})
			return g, nil
		}
		if done[t.ID+" "+iso] {
			g.Existing++
			continue
		}
		if err := s.generateOne(ctx, tx, t, &day, &g); err != nil {
			return g, err
		}
	}
	if plan.why == SkipUnclear {
		g.Skipped = append(g.Skipped, SkippedDay{Date: iso, Why: SkipUnclear})
	}
	return g, nil
}

// dayRun is what the templates of one day have to know of each other.
type dayRun struct {
	date      time.Time
	release   time.Time
	busy      []busyTime
	equipment map[string]string // by examination
	dry       bool
}

func (s *Service) generateOne(ctx context.Context, tx *store.Tx, t Template, day *dayRun, g *Generated) error {
	iso := day.date.Format(time.DateOnly)
	se, numbers := t.session(day.date)
	se.ReleaseAt = day.release
	if !se.EndAt.After(s.now()) {
		return nil // a session of this morning is not made in the afternoon
	}
	if why := clash(day.busy, se, day.equipment[t.ExamID]); why != "" {
		g.Skipped = append(g.Skipped, SkippedDay{Date: iso, TemplateID: t.ID, Why: why})
		return nil
	}
	if !day.dry {
		made, err := s.createSession(ctx, tx, se, numbers)
		if err != nil {
			return fmt.Errorf("template %s: %w", t.ID, err)
		}
		if err := markGenerated(ctx, tx, t.ID, iso, made.ID); err != nil {
			return err
		}
		se.ID = made.ID
	} else {
		se.ID = t.ID // to be told apart from others of this run
	}
	day.busy = append(day.busy, busyTime{date: iso, doctorID: se.DoctorID, equipment: day.equipment[t.ExamID], sessionID: se.ID, start: se.StartAt, end: se.EndAt})
	g.Sessions++
	g.Numbers += len(numbers)
	return nil
}
