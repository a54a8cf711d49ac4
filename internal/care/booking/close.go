package booking

import (
	"context"
	"slices"
	"strconv"
	"time"

	"heartline/internal/care/booking/policy"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/id"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// Closing says why a session does not take place (停诊) and what is offered.
type Closing struct {
	Reason             string
	SubstituteDoctorID string // whose numbers are offered first
	OfferReplacements  bool   // keep a number elsewhere for each patient
	Note               string // for the patients
}

// Affected is a patient whom a change of a session hits.
type Affected struct {
	Appointment Appointment
	Refunded    int64        // 分
	Replacement *Appointment // held for the patient until its ExpiresAt; nil: none
	Notified    bool
}

// ClosedReport says what closing a session did.
type ClosedReport struct {
	ChangeID string
	Session  Session
	Affected []Affected
	Refunded int64
	Notified int
	Replaced int
}

// SessionChange is an entry of a session's history of changes.
type SessionChange struct {
	ID        string
	SessionID string
	Kind      string // close, reopen, substitute, swap, added, edit
	OtherID   string // the session swapped with
	At        time.Time
	Actor     string
	Reason    string
	Detail    map[string]any
}

// system acts for the house itself: the holds it makes for patients.
func (s *Service) system(ctx context.Context, name string) identity.Principal {
	who, _ := identity.From(identity.System(ctx, name))
	return who
}

// AffectedBy lists the appointments that closing a session would hit.
func (s *Service) AffectedBy(ctx context.Context, sessionID string) ([]Appointment, error) {
	who, err := identity.Require(ctx, identity.BookingSchedule)
	if err != nil {
		return nil, err
	}
	var out []Appointment
	err = s.db.Write(ctx, func(tx *store.Tx) error { // a look at patients' data, so it is audited
		if _, err := loadSession(ctx, tx, sessionID); err != nil {
			return err
		}
		if out, err = activeOf(ctx, tx, sessionID); err != nil {
			return err
		}
		return s.auditSession(ctx, tx, who, "booking.session_affected", Session{ID: sessionID}, map[string]any{"patients": patientsOf(out)})
	})
	return out, err
}

func patientsOf(list []Appointment) []string {
	out := make([]string, 0, len(list))
	for _, a := range list {
		out = append(out, a.PatientID)
	}
	return out
}

// CloseSession takes a session out of the timetable (停诊). In one transaction
// its numbers freeze, its appointments end without penalty and with their
// money back, each patient is promised a notice, and a number elsewhere is
// kept for as many as possible.
func (s *Service) CloseSession(ctx context.Context, sessionID string, c Closing) (ClosedReport, error) {
	who, err := identity.Require(ctx, identity.BookingSchedule)
	if err != nil {
		return ClosedReport{}, err
	}
	var f errs.Fields
	needText(&f, "reason", &c.Reason, 200)
	checkText(&f, "note", c.Note, 500)
	if err := f.Err(); err != nil {
		return ClosedReport{}, err
	}
	var out ClosedReport
	err = s.insist(ctx, func(tx *store.Tx) (err error) {
		out, err = s.closeSession(ctx, tx, who, sessionID, c)
		return err
	})
	return out, err
}

func (s *Service) closeSession(ctx context.Context, tx *store.Tx, who identity.Principal, sessionID string, c Closing) (ClosedReport, error) {
	out := ClosedReport{ChangeID: id.New(), Affected: []Affected{}}
	se, err := lockSession(ctx, tx, sessionID)
	switch {
	case err != nil:
		return out, err
	case se.State != SessionOpen:
		return out, errs.New(errs.Conflict, "booking.session_closed", "reason", se.CloseReason)
	case !se.EndAt.After(s.now()):
		return out, errs.New(errs.Conflict, "booking.past")
	}
	withdrawn, err := blockedNumbers(ctx, tx, se.ID)
	if err != nil {
		return out, err
	}
	se.State, se.CloseReason = SessionClosed, c.Reason
	if err := s.putSession(ctx, tx, se); err != nil {
		return out, err
	}
	// From here on nobody gets a number: whoever was faster is in the list.
	if _, err := setNumbers(ctx, tx, se.ID, NumberFree, NumberBlocked); err != nil {
		return out, err
	}
	hit, err := activeOf(ctx, tx, se.ID)
	if err != nil {
		return out, err
	}
	detail := map[string]any{"affected": len(hit), "withdrawn": withdrawn}
	if err := s.changed(ctx, tx, who, SessionChange{ID: out.ChangeID, SessionID: se.ID, Kind: "close", Reason: c.Reason, Detail: detail}); err != nil {
		return out, err
	}
	spare, err := s.spareNumbers(ctx, tx, se, c, len(hit))
	if err != nil {
		return out, err
	}
	for _, a := range hit {
		x, err := s.closeOne(ctx, tx, who, se, a, c, &spare)
		if err != nil {
			return out, err
		}
		if err := insertAffected(ctx, tx, out.ChangeID, x); err != nil {
			return out, err
		}
		out.add(x)
	}
	out.Session, err = loadSession(ctx, tx, se.ID)
	return out, err
}

func (r *ClosedReport) add(x Affected) {
	r.Affected = append(r.Affected, x)
	r.Refunded += x.Refunded
	if x.Notified {
		r.Notified++
	}
	if x.Replacement != nil {
		r.Replaced++
	}
}

// closeOne ends one appointment of a closed session.
func (s *Service) closeOne(ctx context.Context, tx *store.Tx, who identity.Principal, se Session, a Appointment, c Closing, spare *[]spareNumber) (Affected, error) {
	var x Affected
	a, err := lockAppointment(ctx, tx, a.ID)
	if err != nil {
		return x, err
	}
	waited := a.State == Requested
	if a.HoldID != "" {
		x.Refunded = a.Fee
	}
	if x.Appointment, err = s.release(ctx, tx, who, a, Cancel{Reason: CancelClosed, Channel: a.Channel, Note: c.Note}); err != nil {
		return x, err
	}
	if waited && a.BookedBy != "system:"+actorWaitlist { // a hold of a screen: its owner sees that it is gone
		return x, nil
	}
	if x.Replacement, err = s.replace(ctx, tx, x.Appointment, spare); err != nil {
		return x, err
	}
	extra := map[string]string{"reason": c.Reason, "note": c.Note, "replacement": ""}
	if r := x.Replacement; r != nil {
		extra["replacement"], extra["replacement_date"] = r.ID, r.Date
		extra["replacement_time"], extra["replacement_doctor_id"] = r.StartAt.In(s.zone).Format("15:04"), r.DoctorID
		extra["replacement_code"], extra["replacement_until"] = r.Code, r.ExpiresAt.In(s.zone).Format("2006-01-02 15:04")
	}
	x.Notified = s.notifier != nil
	return x, s.promise(ctx, tx, NoticeClosed, x.Appointment, extra)
}

// spareNumber is a number that could replace one of a closed session.
type spareNumber struct {
	Session Session
	Number  Number
}

// spareNumbers finds the earliest free numbers for the patients of a closed
// session: of the substitute, of the same doctor, of the department.
func (s *Service) spareNumbers(ctx context.Context, tx *store.Tx, se Session, c Closing, n int) ([]spareNumber, error) {
	if !c.OfferReplacements || n == 0 {
		return nil, nil
	}
	rules, err := s.inForce(ctx, tx)
	if err != nil {
		return nil, err
	}
	doctors := []string{c.SubstituteDoctorID, se.DoctorID}
	rank := func(x spareNumber) int {
		if i := slices.Index(doctors, x.Session.DoctorID); i >= 0 && x.Session.DoctorID != "" {
			return i
		}
		return len(doctors)
	}
	today, last := s.today(), s.today().AddDate(0, 0, rules.Policy.Window.To)
	agreed := s.midnight(se.StartAt)
	if agreed.Before(today) {
		agreed = today
	}
	// A day before the one agreed on may suit nobody: only when nothing else is left.
	var out []spareNumber
	for _, span := range [][2]time.Time{{agreed, last}, {today, agreed.AddDate(0, 0, -1)}} {
		list, err := spares(ctx, tx, se, s.now(), span[0].Format(time.DateOnly), span[1].Format(time.DateOnly), 3*n+20)
		if err != nil {
			return nil, err
		}
		slices.SortStableFunc(list, func(a, b spareNumber) int { return rank(a) - rank(b) })
		out = append(out, list...)
	}
	return out, nil
}

// replace keeps the first spare number that fits for a patient, long enough to
// be asked. A number that somebody else takes meanwhile is passed over.
func (s *Service) replace(ctx context.Context, tx *store.Tx, old Appointment, spare *[]spareNumber) (*Appointment, error) {
	if len(*spare) == 0 {
		return nil, nil
	}
	rules, err := s.inForce(ctx, tx)
	if err != nil {
		return nil, err
	}
	if err := lockPersons(ctx, tx, old.PatientID); err != nil {
		return nil, err
	}
	p, err := s.person(ctx, tx, old.PatientID)
	if err != nil {
		return nil, nil // somebody who is no longer there needs no number
	}
	who := s.system(ctx, actorReplacement)
	for i, x := range *spare {
		if ok, err := s.mayTake(ctx, tx, old.PatientID, x.Session); err != nil {
			return nil, err
		} else if !ok {
			continue
		}
		keep := min(time.Duration(rules.Policy.OfferHours)*time.Hour, x.Number.StartAt.Sub(s.now()))
		r := Request{PatientID: old.PatientID, SessionID: x.Session.ID, NumberID: x.Number.ID, Channel: old.Channel, Lane: x.Number.Lane,
			Hold: keep, SeriesID: old.SeriesID, Origin: old.Origin}
		var a Appointment
		err := tx.Try(ctx, func() (err error) {
			a, err = s.take(ctx, tx, who, r, x.Session, p, old.ID)
			return err
		})
		if lost(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		*spare = slices.Delete(*spare, i, i+1)
		return &a, nil
	}
	return nil, nil
}

// lost reports whether a number could not be had because somebody else has it
// or the person holds another of that day.
func lost(err error) bool {
	return store.IsUnique(err) || errs.Is(err, errs.Conflict)
}

// mayTake reports whether a person holds nothing else in a department (or
// examination) on the day of a session and is not kept apart by examinations.
func (s *Service) mayTake(ctx context.Context, tx *store.Tx, patientID string, se Session) (bool, error) {
	n, err := holdsOn(ctx, tx, patientID, dayKey(se.Date, se.DepartmentID, se.ExamID), "")
	if err != nil || n > 0 {
		return false, err
	}
	v := policy.Verdict{Allowed: true}
	err = s.decideExam(ctx, tx, &v, patientID, se, "")
	return v.Allowed, err
}

// Reopen takes the closing of a session back. Its numbers are free again and
// offered to those who wait; the appointments that ended stay ended, because
// their patients were told so.
func (s *Service) Reopen(ctx context.Context, sessionID string) (Session, error) {
	who, err := identity.Require(ctx, identity.BookingSchedule)
	if err != nil {
		return Session{}, err
	}
	err = s.insist(ctx, func(tx *store.Tx) error {
		se, err := lockSession(ctx, tx, sessionID)
		switch {
		case err != nil:
			return err
		case se.State != SessionClosed:
			return errs.New(errs.Conflict, "booking.session_open")
		case !se.EndAt.After(s.now()):
			return errs.New(errs.Conflict, "booking.past")
		}
		if err := s.checkBusy(ctx, tx, se); err != nil {
			return err
		}
		se.State, se.CloseReason = SessionOpen, ""
		if err := s.putSession(ctx, tx, se); err != nil {
			return err
		}
		freed, err := unblock(ctx, tx, se.ID)
		if err != nil {
			return err
		}
		if err := s.changed(ctx, tx, who, SessionChange{SessionID: se.ID, Kind: "reopen", Detail: map[string]any{"numbers": strconv.Itoa(len(freed))}}); err != nil {
			return err
		}
		return s.offerAll(ctx, tx, freed)
	})
	if err != nil {
		return Session{}, err
	}
	return s.Session(ctx, sessionID)
}
