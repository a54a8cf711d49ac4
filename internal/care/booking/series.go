package booking

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"heartline/internal/care/booking/policy"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/id"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// SeriesRequest asks for several visits at even distances, up to a year ahead:
// dressings, injections, the visits after a discharge. One visit is a series
// too: that is how a discharged patient gets a number months ahead.
type SeriesRequest struct {
	Key          string // idempotency key
	PatientID    string
	DepartmentID string
	DoctorID     string
	ExamID       string
	Type         NumberType // "" any
	Period       Period     // "" any
	From         string     // date of the first visit
	EveryDays    int
	Times        int
	Tolerance    int // days by which a visit may be later or earlier
	Reason       string
	Channel      Channel
	Origin       // needed for mail and fax
}

// The states of a series.
const (
	SeriesActive    = "active"
	SeriesCancelled = "cancelled"
)

// Series is a set of visits that belong together.
type Series struct {
	SeriesRequest
	ID        string
	State     string
	Visits    []Visit
	CreatedBy string
	CreatedAt time.Time
}

// Visit is one visit of a series. Without an appointment there was no number
// to be had; it is tried again every night.
type Visit struct {
	Seq         int
	Date        string // wished, or of the appointment
	Appointment *Appointment
}

// BookSeries stores a series and books its visits. Sessions that lie beyond
// the horizon of the timetable are made for it from their templates. The same
// key gives the same series again.
func (s *Service) BookSeries(ctx context.Context, r SeriesRequest) (Series, error) {
	who, err := identity.Require(ctx, identity.BookingWrite)
	if err != nil {
		return Series{}, err
	}
	if err := s.checkSeries(&r).Err(); err != nil {
		return Series{}, err
	}
	if err := s.yours(ctx, who, r.PatientID, ""); err != nil {
		return Series{}, err
	}
	x, found, err := s.startSeries(ctx, who, r)
	if err != nil || found {
		return x, err
	}
	if err := s.fillSeries(ctx, who, x.ID); err != nil {
		return Series{}, err
	}
	return s.Series(ctx, x.ID)
}

// startSeries stores the wish, or finds the one that the key made before.
func (s *Service) startSeries(ctx context.Context, who identity.Principal, r SeriesRequest) (x Series, found bool, err error) {
	first, err := s.day("from", r.From)
	if err != nil {
		return x, false, err
	}
	err = s.insist(ctx, func(tx *store.Tx) error {
		x, err = findSeries(ctx, tx, "idem_key", r.Key)
		if found = err == nil; found {
			if x.SeriesRequest != r {
				return errs.New(errs.Conflict, "booking.key_reused")
			}
			return nil
		}
		if !errs.Is(err, errs.NotFound) {
			return err
		}
		if _, err := s.person(ctx, tx, r.PatientID); err != nil {
			return err
		}
		x = Series{SeriesRequest: r, ID: id.New(), State: SeriesActive, CreatedBy: who.UserID, CreatedAt: s.now()}
		for i := range r.Times {
			x.Visits = append(x.Visits, Visit{Seq: i + 1, Date: first.AddDate(0, 0, i*r.EveryDays).Format(time.DateOnly)})
		}
		if err := insertSeries(ctx, tx, x); err != nil {
			return err
		}
		return s.auditRule(ctx, tx, who, "booking.series", "booking_series", x.ID, r.PatientID, r.on(map[string]any{"times": r.Times}))
	})
	return x, found, err
}

func (s *Service) checkSeries(r *SeriesRequest) errs.Fields {
	var f errs.Fields
	r.Reason = strings.TrimSpace(r.Reason)
	checkKey(&f, r.Key)
	checkID(&f, "patient_id", r.PatientID, true)
	checkID(&f, "department_id", r.DepartmentID, true)
	checkID(&f, "doctor_id", r.DoctorID, false)
	checkID(&f, "exam_id", r.ExamID, false)
	checkChannel(&f, r.Channel)
	s.checkOrigin(&f, r.Channel, &r.Origin)
	checkText(&f, "reason", r.Reason, 200)
	if !slices.Contains([]NumberType{"", Ordinary, Expert, Special, Exam}, r.Type) {
		f.Add("type", "not_allowed")
	}
	if !slices.Contains([]Period{"", Morning, Afternoon, Evening}, r.Period) {
		f.Add("period", "not_allowed")
	}
	if r.Times < 1 || r.Times > 60 {
		f.Add("times", "out_of_range")
	}
	if r.EveryDays < 1 || r.EveryDays > longestAhead {
		f.Add("every_days", "out_of_range")
	}
	if r.Tolerance < 0 || r.Tolerance > 14 || (r.Times > 1 && 2*r.Tolerance >= r.EveryDays && r.Tolerance > 0) {
		f.Add("tolerance", "out_of_range")
	}
	first, err := s.day("from", r.From)
	switch {
	case err != nil:
		f.Add("from", "booking.date_invalid")
	case first.Before(s.today()):
		f.Add("from", "booking.past")
	case r.Times <= 60 && r.EveryDays <= longestAhead && first.AddDate(0, 0, (r.Times-1)*r.EveryDays).After(s.today().AddDate(0, 0, longestAhead)):
		f.Add("times", "booking.year_ahead")
	}
	return f
}

// fillSeries books the visits of a series that have no appointment yet, and
// tells of all of them in one message.
func (s *Service) fillSeries(ctx context.Context, who identity.Principal, seriesID string) error {
	return s.insist(ctx, func(tx *store.Tx) error {
		x, err := findSeries(ctx, tx, "id", seriesID)
		if err != nil {
			return err
		}
		var got []Appointment
		for _, v := range x.Visits {
			if v.Appointment != nil {
				continue
			}
			p, err := s.tryVisit(ctx, tx, who, x, v)
			if err != nil {
				return fmt.Errorf("visit %d: %w", v.Seq, err)
			}
			if p.Appointment == nil {
				continue
			}
			if err := setVisit(ctx, tx, x.ID, v.Seq, p.Appointment.ID); err != nil {
				return err
			}
			got = append(got, *p.Appointment)
		}
		return s.tellSeries(ctx, tx, NoticeBooked, got)
	})
}

// daysOf are the days on which a visit may be, the wished one first, then those
// around it.
func (s *Service) daysOf(x Series, v Visit) ([]time.Time, error) {
	wished, err := s.day("from", v.Date)
	if err != nil {
		return nil, err
	}
	var out []time.Time
	for i := range 2*x.Tolerance + 1 {
		shift := (i + 1) / 2 // 0, +1, -1, +2, -2 …
		if i%2 == 0 {
			shift = -shift
		}
		if date := wished.AddDate(0, 0, shift); !date.Before(s.today()) {
			out = append(out, date)
		}
	}
	return out, nil
}

// bookVisit takes the earliest number of a day that fits the series, making
// the day's sessions if they do not exist yet; without one it says why.
func (s *Service) bookVisit(ctx context.Context, tx *store.Tx, who identity.Principal, x Series, v Visit, date time.Time) (*Appointment, policy.Reason, error) {
	why := policy.Reason{Key: "booking.no_session", Params: map[string]any{"date": date.Format(time.DateOnly)}}
	if err := lockPersons(ctx, tx, x.PatientID); err != nil {
		return nil, why, err
	}
	if _, err := s.generateDay(ctx, tx, date, s.days(ctx), TemplateFilter{DepartmentID: x.DepartmentID, DoctorID: x.DoctorID, ExamID: x.ExamID}, false); err != nil {
		return nil, why, err
	}
	list, err := openSessions(ctx, tx, x.SeriesRequest, date.Format(time.DateOnly))
	if err != nil {
		return nil, why, err
	}
	p, err := s.person(ctx, tx, x.PatientID)
	if err != nil {
		return nil, why, err
	}
	for _, free := range list {
		se := free.Session
		r := Request{PatientID: x.PatientID, SessionID: se.ID, Channel: x.Channel, SeriesID: x.ID, Note: x.Reason, Origin: x.Origin}
		no, err := s.against(ctx, tx, p, se, r)
		if err != nil {
			return nil, why, err
		}
		if no == nil && !free.free {
			no = &policy.Reason{Key: "booking.session_full", Params: map[string]any{"date": se.Date}}
		}
		if no != nil {
			why = *no
			continue
		}
		var a Appointment
		err = tx.Try(ctx, func() (err error) {
			a, err = s.take(ctx, tx, who, r, se, p, "")
			return err
		})
		if lost(err) {
			why = policy.Reason{Key: "booking.session_full", Params: map[string]any{"date": se.Date}}
			continue
		}
		if err != nil {
			return nil, why, err
		}
		return &a, policy.Reason{}, nil
	}
	return nil, why, nil
}

// against says what speaks against a visit of a person to a session.
func (s *Service) against(ctx context.Context, tx *store.Tx, p Person, se Session, r Request) (*policy.Reason, error) {
	n, err := holdsOn(ctx, tx, p.ID, dayKey(se.Date, se.DepartmentID, se.ExamID), "")
	if err != nil {
		return nil, err
	}
	if n > 0 {
		return &policy.Reason{Key: "booking.double", Params: map[string]any{"date": se.Date}}, nil
	}
	v, err := s.decide(ctx, tx, p, se, r, known{})
	if err != nil || v.Allowed {
		return nil, err
	}
	return &v.Reasons[0], nil
}

// Series returns a series with its visits.
func (s *Service) Series(ctx context.Context, seriesID string) (Series, error) {
	who, err := identity.Require(ctx, identity.BookingRead, identity.BookingWrite)
	if err != nil {
		return Series{}, err
	}
	var x Series
	err = s.db.Write(ctx, func(tx *store.Tx) (err error) { // a look at a patient's data, so it is audited
		if x, err = findSeries(ctx, tx, "id", seriesID); err != nil || !mine(ctx, who, x.PatientID) {
			return err
		}
		return s.auditRule(ctx, tx, who, "booking.series_view", "booking_series", x.ID, x.PatientID, nil)
	})
	if err != nil {
		return Series{}, err
	}
	if err := s.yours(ctx, who, x.PatientID, ""); err != nil {
		return Series{}, err
	}
	return x, nil
}

// CancelSeries ends a series and its visits that still lie ahead. The deadline
// of each visit holds: one that is too late to cancel stays.
func (s *Service) CancelSeries(ctx context.Context, seriesID string, c Cancel) (Series, error) {
	who, err := identity.Require(ctx, identity.BookingWrite)
	if err != nil {
		return Series{}, err
	}
	if err := s.checkCancel(&c).Err(); err != nil {
		return Series{}, err
	}
	if c.Reason == CancelStaff && bounded(ctx, who) {
		return Series{}, errs.New(errs.Denied, "auth.denied")
	}
	x, err := s.Series(ctx, seriesID)
	if err != nil {
		return x, err
	}
	err = s.insist(ctx, func(tx *store.Tx) error {
		if err := endSeries(ctx, tx, seriesID); err != nil {
			return err
		}
		var gone []Appointment
		for _, v := range x.Visits {
			if v.Appointment == nil {
				continue
			}
			a, err := s.cancelVisit(ctx, tx, who, v.Appointment.ID, c)
			if err != nil {
				return err
			}
			if a.ID != "" {
				gone = append(gone, a)
			}
		}
		if err := s.tellSeries(ctx, tx, NoticeCancelled, gone); err != nil {
			return err
		}
		return s.auditRule(ctx, tx, who, "booking.series_cancel", "booking_series", seriesID, x.PatientID, c.on(nil))
	})
	if err != nil {
		return Series{}, err
	}
	return s.Series(ctx, seriesID)
}

// cancelVisit ends one visit that still lies ahead and may be cancelled. A
// whole course that is given up is one decision: it is no offence.
func (s *Service) cancelVisit(ctx context.Context, tx *store.Tx, who identity.Principal, appointmentID string, c Cancel) (Appointment, error) {
	a, err := lockAppointment(ctx, tx, appointmentID)
	if err != nil || !a.Allows(ActCancel) || !a.StartAt.After(s.now()) {
		return Appointment{}, err
	}
	if err := s.permitCancel(ctx, tx, a, c); errs.Is(err, errs.Conflict) {
		return Appointment{}, nil
	} else if err != nil {
		return Appointment{}, err
	}
	return s.release(ctx, tx, who, a, Cancel{Reason: CancelWithSeries, Channel: c.Channel, Note: c.Note, Origin: c.Origin})
}

// visitWithout is what becomes of a visit whose replacement, kept in place of a
// closed one, is gone. Nobody answered: it is open again and gets a number at
// night like others that have none. Somebody did not want it, or the course
// ended: it stays the one that ended.
func (s *Service) visitWithout(ctx context.Context, tx *store.Tx, hold Appointment) error {
	if hold.SeriesID == "" || hold.MovedFrom == "" {
		return nil
	}
	to := hold.MovedFrom
	if hold.State == Expired {
		to = ""
	}
	return repointVisit(ctx, tx, hold.SeriesID, hold.ID, to)
}

// CancelWithSeries is the reason of appointments that ended with their series.
const CancelWithSeries = "series"
