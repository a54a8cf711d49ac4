package booking

import (
	"context"
	"errors"
	"slices"
	"time"

	"heartline/internal/care/booking/policy"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// PlannedVisit is what BookSeries would do for one visit: the number it would
// take, or why there is none.
type PlannedVisit struct {
	Seq         int
	Date        string // wished, or of the appointment
	Wished      string
	Appointment *Appointment
	Why         policy.Reason
}

// errPlanned undoes a plan.
var errPlanned = errors.New("planned")

// PlanSeries books a series and takes everything back in the same transaction,
// so that the plan follows the very rules of the booking. Nothing is kept.
func (s *Service) PlanSeries(ctx context.Context, r SeriesRequest) ([]PlannedVisit, error) {
	who, err := identity.Require(ctx, identity.BookingWrite)
	if err != nil {
		return nil, err
	}
	if err := s.checkSeries(&r).Err(); err != nil {
		return nil, err
	}
	if err := s.yours(ctx, who, r.PatientID, ""); err != nil {
		return nil, err
	}
	first, err := s.day("from", r.From)
	if err != nil {
		return nil, err
	}
	var out []PlannedVisit
	err = s.insist(ctx, func(tx *store.Tx) error {
		out = make([]PlannedVisit, 0, r.Times)
		x := Series{SeriesRequest: r, ID: "plan", State: SeriesActive}
		for i := range r.Times {
			v := Visit{Seq: i + 1, Date: first.AddDate(0, 0, i*r.EveryDays).Format(time.DateOnly)}
			planned, err := s.tryVisit(ctx, tx, who, x, v)
			if err != nil {
				return err
			}
			out = append(out, planned)
		}
		return errPlanned
	})
	if !errors.Is(err, errPlanned) {
		return nil, err
	}
	return out, nil
}

// tryVisit takes a number on the wished day or on those around it; the reason
// that counts is that of the day wished.
func (s *Service) tryVisit(ctx context.Context, tx *store.Tx, who identity.Principal, x Series, v Visit) (PlannedVisit, error) {
	out := PlannedVisit{Seq: v.Seq, Date: v.Date, Wished: v.Date}
	days, err := s.daysOf(x, v)
	if err != nil {
		return out, err
	}
	for i, date := range days {
		var got *Appointment
		var why policy.Reason
		err := tx.Try(ctx, func() (err error) {
			got, why, err = s.bookVisit(ctx, tx, who, x, v, date)
			return err
		})
		var refusal *errs.Error
		switch {
		case as(err, &refusal):
			why = policy.Reason{Key: refusal.Key, Params: refusal.Params}
		case err != nil:
			return out, err
		}
		if got != nil {
			return PlannedVisit{Seq: v.Seq, Date: got.Date, Wished: v.Date, Appointment: got}, nil
		}
		if i == 0 {
			out.Why = why
		}
	}
	return out, nil
}

// SeriesFilter narrows a list of series; zero fields do not.
type SeriesFilter struct {
	PatientID string
	State     string
	Limit     int // 50 when 0, at most 200
}

// SeriesSum is a series without its visits, for lists.
type SeriesSum struct {
	SeriesRequest
	ID        string
	State     string
	Open      int    // visits without a number
	Coming    int    // visits that lie ahead
	NextDate  string // of the next visit; "" when none lies ahead
	CreatedAt time.Time
}

// SeriesList lists series, the newest first. The look is audited.
func (s *Service) SeriesList(ctx context.Context, f SeriesFilter) ([]SeriesSum, error) {
	who, err := identity.Require(ctx, identity.BookingRead)
	if err != nil {
		return nil, err
	}
	if bounded(ctx, who) && !mine(ctx, who, f.PatientID) {
		return nil, s.yours(ctx, who, f.PatientID, "")
	}
	if !slices.Contains([]string{"", SeriesActive, SeriesCancelled}, f.State) {
		return nil, errs.InvalidField("state", "not_allowed")
	}
	if f.Limit <= 0 {
		f.Limit = 50
	}
	var out []SeriesSum
	err = s.db.Write(ctx, func(tx *store.Tx) (err error) {
		if out, err = listSeries(ctx, tx, f, s.now(), min(f.Limit, 200)); err != nil {
			return err
		}
		return s.auditRule(ctx, tx, who, "booking.series_list", "booking_series", "", f.PatientID, nil)
	})
	return out, err
}
