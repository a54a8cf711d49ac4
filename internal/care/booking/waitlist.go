package booking

import (
	"context"
	"slices"
	"strings"
	"time"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/event"
	"heartline/internal/platform/id"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// WaitState says where a wish on the waitlist is.
type WaitState string

// The states of a wish.
const (
	Waiting    WaitState = "waiting"
	OfferMade  WaitState = "offered" // a number is held for the person until OfferUntil
	OfferTaken WaitState = "accepted"
	WaitLeft   WaitState = "left" // the person no longer wants, or let too many offers lapse
	WaitPast   WaitState = "past" // the last day of the wish has gone by
)

// Wish is what somebody on the waitlist wants.
type Wish struct {
	PatientID    string
	DepartmentID string
	DoctorID     string     // "" any
	ExamID       string     // for examinations
	Type         NumberType // "" any
	Period       Period     // "" any
	From, To     string     // dates, inclusive
	Channel      Channel
	Note         string
	Origin       // needed for mail and fax
}

// WaitEntry is a wish in its queue.
type WaitEntry struct {
	Wish
	ID            string
	Version       int64
	State         WaitState
	Place         int    // of those who wait for the same department, from 1; 0 when it is not waiting
	AppointmentID string // the hold that is offered, or was accepted
	NumberID      string
	OfferedAt     time.Time
	OfferUntil    time.Time
	Offers        int
	CreatedBy     string
	CreatedAt     time.Time
	UpdatedAt     time.Time
}

// WaitFilter narrows the waitlist; zero fields do not.
type WaitFilter struct {
	PatientID    string
	DepartmentID string
	DoctorID     string
	States       []WaitState
	Limit        int // 100 when 0, at most 500
}

// WaitChanged says that an entry of the waitlist changed.
type WaitChanged struct {
	EntryID   string
	PatientID string
	State     WaitState
}

const (
	// actorWaitlist and actorReplacement name the house in what it books itself.
	actorWaitlist    = "waitlist"
	actorReplacement = "replacement"
	// CancelDeclined is the reason with which an offer ends that its person did
	// not want: no penalty.
	CancelDeclined = "declined"
	// shortestOffer is how much time there must be to answer.
	shortestOffer = 5 * time.Minute
	// candidates is how many wishes are tried for one number.
	candidates = 50
	// maxLapses ends a wish whose person let that many offers pass.
	maxLapses = 3
)

// JoinWaitlist takes down a wish at the end of its queue.
func (s *Service) JoinWaitlist(ctx context.Context, w Wish) (WaitEntry, error) {
	who, err := identity.Require(ctx, identity.BookingWrite)
	if err != nil {
		return WaitEntry{}, err
	}
	if err := s.checkWish(&w).Err(); err != nil {
		return WaitEntry{}, err
	}
	if err := s.yours(ctx, who, w.PatientID, ""); err != nil {
		return WaitEntry{}, err
	}
	var out WaitEntry
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		if _, err := s.person(ctx, tx, w.PatientID); err != nil {
			return err
		}
		e := WaitEntry{Wish: w, ID: id.New(), Version: 1, State: Waiting, CreatedBy: who.UserID, CreatedAt: s.now(), UpdatedAt: s.now()}
		if err := insertRow(ctx, tx, "booking_waitlist", waitColumns, waitRow(e)...); err != nil {
			return err
		}
		out = e
		s.tellWait(tx, e)
		return s.auditRule(ctx, tx, who, "booking.wait_join", "waitlist_entry", e.ID, w.PatientID, w.on(nil))
	})
	if store.IsUnique(err) {
		return WaitEntry{}, errs.New(errs.Conflict, "booking.already_waiting")
	}
	return out, err
}

func (s *Service) checkWish(w *Wish) errs.Fields {
	var f errs.Fields
	w.Note = strings.TrimSpace(w.Note)
	checkID(&f, "patient_id", w.PatientID, true)
	checkID(&f, "department_id", w.DepartmentID, true)
	checkID(&f, "doctor_id", w.DoctorID, false)
	checkID(&f, "exam_id", w.ExamID, false)
	checkChannel(&f, w.Channel)
	checkText(&f, "note", w.Note, 300)
	s.checkOrigin(&f, w.Channel, &w.Origin)
	if !slices.Contains([]NumberType{"", Ordinary, Expert, Special, Exam}, w.Type) {
		f.Add("type", "not_allowed")
	}
	if !slices.Contains([]Period{"", Morning, Afternoon, Evening}, w.Period) {
		f.Add("period", "not_allowed")
	}
	from, err1 := s.day("from", w.From)
	to, err2 := s.day("to", w.To)
	switch {
	case err1 != nil:
		f.Add("from", "booking.date_invalid")
	case err2 != nil:
		f.Add("to", "booking.date_invalid")
	case to.Before(from):
		f.Add("to", "booking.end_before_start")
	case to.Before(s.today()):
		f.Add("to", "booking.past")
	case to.After(s.today().AddDate(0, 0, longestAhead)):
		f.Add("to", "out_of_range")
	}
	return f
}

func (s *Service) tellWait(tx *store.Tx, e WaitEntry) {
	if s.bus != nil {
		event.PublishTx(tx, s.bus, WaitChanged{EntryID: e.ID, PatientID: e.PatientID, State: e.State})
	}
}

// Waitlist lists wishes, first come first.
func (s *Service) Waitlist(ctx context.Context, f WaitFilter) ([]WaitEntry, error) {
	who, err := identity.Require(ctx, identity.BookingRead, identity.BookingWrite)
	if err != nil {
		return nil, err
	}
	if bounded(ctx, who) && !mine(ctx, who, f.PatientID) {
		return nil, errs.New(errs.Denied, "booking.not_yours")
	}
	if f.Limit <= 0 || f.Limit > 500 {
		f.Limit = 100
	}
	var out []WaitEntry
	err = s.db.Read(ctx, func(tx *store.Tx) (err error) {
		out, err = listWaits(ctx, tx, f)
		return err
	})
	return out, err
}

// entry runs fn on an entry of somebody whom the caller may act for.
func (s *Service) onEntry(ctx context.Context, entryID, action string, fn func(tx *store.Tx, who identity.Principal, e WaitEntry) (WaitEntry, error)) (WaitEntry, error) {
	who, err := identity.Require(ctx, identity.BookingWrite)
	if err != nil {
		return WaitEntry{}, err
	}
	var out WaitEntry
	var foreign string
	err = s.insist(ctx, func(tx *store.Tx) error {
		foreign = ""
		e, err := lockWait(ctx, tx, entryID)
		if err != nil {
			return err
		}
		if !mine(ctx, who, e.PatientID) {
			foreign = e.PatientID
			return errs.New(errs.Denied, "booking.not_yours")
		}
		if out, err = fn(tx, who, e); err != nil {
			return err
		}
		s.tellWait(tx, out)
		return s.auditRule(ctx, tx, who, action, "waitlist_entry", e.ID, e.PatientID, nil)
	})
	if foreign != "" {
		return WaitEntry{}, s.yours(ctx, who, foreign, "")
	}
	return out, err
}

// LeaveWaitlist takes a wish back. A number that is on offer goes to the next.
func (s *Service) LeaveWaitlist(ctx context.Context, entryID string) (WaitEntry, error) {
	return s.onEntry(ctx, entryID, "booking.wait_leave", func(tx *store.Tx, who identity.Principal, e WaitEntry) (WaitEntry, error) {
		if e.State != Waiting && e.State != OfferMade {
			return e, errs.New(errs.Conflict, "booking.wait_over", "state", string(e.State))
		}
		held := e.AppointmentID
		offered := e.State == OfferMade
		e.State, e.AppointmentID, e.NumberID, e.UpdatedAt = WaitLeft, "", "", s.now()
		if err := putWait(ctx, tx, e); err != nil {
			return e, err
		}
		e.Version++
		if !offered {
			return e, nil
		}
		return e, s.dropHold(ctx, tx, who, held)
	})
}

// dropHold ends the hold of an offer that its person does not want.
func (s *Service) dropHold(ctx context.Context, tx *store.Tx, who identity.Principal, appointmentID string) error {
	a, err := lockAppointment(ctx, tx, appointmentID)
	if err != nil || a.State != Requested {
		return err
	}
	_, err = s.release(ctx, tx, who, a, Cancel{Reason: CancelDeclined, Channel: a.Channel})
	return err
}

// AcceptOffer confirms the number that is offered to a wish.
func (s *Service) AcceptOffer(ctx context.Context, entryID string) (WaitEntry, error) {
	e, err := s.offerOf(ctx, entryID)
	if err != nil {
		return e, err
	}
	if _, err := s.Confirm(ctx, e.AppointmentID); err != nil {
		return e, err
	}
	err = s.db.Read(ctx, func(tx *store.Tx) (err error) {
		e, err = first(collect(ctx, tx, "waitlist entry", "SELECT "+waitColumns+" FROM booking_waitlist WHERE id = $1", []any{entryID}, scanWait))
		return err
	})
	return e, err
}

// offerOf reads an entry to which a number is offered now.
func (s *Service) offerOf(ctx context.Context, entryID string) (WaitEntry, error) {
	who, err := identity.Require(ctx, identity.BookingWrite)
	if err != nil {
		return WaitEntry{}, err
	}
	var e WaitEntry
	err = s.db.Read(ctx, func(tx *store.Tx) (err error) {
		e, err = first(collect(ctx, tx, "waitlist entry", "SELECT "+waitColumns+" FROM booking_waitlist WHERE id = $1", []any{entryID}, scanWait))
		return err
	})
	if err != nil {
		return e, err
	}
	if err := s.yours(ctx, who, e.PatientID, ""); err != nil {
		return WaitEntry{}, err
	}
	if e.State == OfferTaken { // pressed twice
		return e, nil
	}
	if e.State != OfferMade || !e.OfferUntil.After(s.now()) {
		return e, errs.New(errs.Conflict, "booking.offer_over")
	}
	return e, nil
}

// DeclineOffer lets the offered number go to the next; the wish keeps its place
// for others.
func (s *Service) DeclineOffer(ctx context.Context, entryID string) (WaitEntry, error) {
	return s.onEntry(ctx, entryID, "booking.wait_decline", func(tx *store.Tx, who identity.Principal, e WaitEntry) (WaitEntry, error) {
		if e.State != OfferMade {
			return e, errs.New(errs.Conflict, "booking.offer_over")
		}
		if err := s.dropHold(ctx, tx, who, e.AppointmentID); err != nil {
			return e, err
		}
		return lockWait(ctx, tx, e.ID) // the number came back and settled the entry
	})
}
