package booking

import (
	"context"
	"time"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// Substitute gives a session to another doctor. The patients keep their
// numbers and are told; those who do not want the substitute may cancel
// without penalty through the house.
func (s *Service) Substitute(ctx context.Context, sessionID, doctorID string) (Session, error) {
	who, err := identity.Require(ctx, identity.BookingSchedule)
	if err != nil {
		return Session{}, err
	}
	if doctorID == "" || len(doctorID) > 64 {
		return Session{}, errs.InvalidField("doctor_id", "required")
	}
	err = s.insist(ctx, func(tx *store.Tx) error {
		se, err := s.openSession(ctx, tx, sessionID)
		if err != nil {
			return err
		}
		if doctorID == se.DoctorID {
			return errs.InvalidField("doctor_id", "booking.same_doctor")
		}
		old := se.DoctorID
		se.DoctorID = doctorID
		if err := s.checkBusy(ctx, tx, se); err != nil {
			return err
		}
		n, err := s.giveDoctor(ctx, tx, who, se, old)
		if err != nil {
			return err
		}
		return s.changed(ctx, tx, who, SessionChange{SessionID: se.ID, Kind: "substitute", Detail: map[string]any{"from": old, "to": doctorID, "affected": n}})
	})
	if err != nil {
		return Session{}, err
	}
	return s.Session(ctx, sessionID)
}

// openSession locks a session that is open and not over.
func (s *Service) openSession(ctx context.Context, tx *store.Tx, sessionID string) (Session, error) {
	se, err := lockSession(ctx, tx, sessionID)
	switch {
	case err != nil:
		return se, err
	case se.State != SessionOpen:
		return se, errs.New(errs.Conflict, "booking.session_closed", "reason", se.CloseReason)
	case !se.EndAt.After(s.now()):
		return se, errs.New(errs.Conflict, "booking.past")
	}
	return se, nil
}

// giveDoctor stores the new doctor of a session with its appointments and
// promises the notices. Coming back to the first doctor ends the substitution.
func (s *Service) giveDoctor(ctx context.Context, tx *store.Tx, who identity.Principal, se Session, old string) (int, error) {
	switch {
	case se.SubstituteOf == se.DoctorID:
		se.SubstituteOf = ""
	case se.SubstituteOf == "":
		se.SubstituteOf = old
	}
	if err := s.putSession(ctx, tx, se); err != nil {
		return 0, err
	}
	list, err := activeOf(ctx, tx, se.ID)
	if err != nil {
		return 0, err
	}
	for _, a := range list {
		if a, err = lockAppointment(ctx, tx, a.ID); err != nil {
			return 0, err
		}
		a.DoctorID = se.DoctorID
		if a, err = s.store(ctx, tx, who, a, "doctor_changed", a.Channel, map[string]any{"from": old, "to": se.DoctorID}); err != nil {
			return 0, err
		}
		if a.State == Requested {
			continue
		}
		if err := s.promise(ctx, tx, NoticeChanged, a, map[string]string{"change": "doctor", "former_doctor_id": old}); err != nil {
			return 0, err
		}
	}
	return len(list), nil
}

// The ways to swap two sessions (换诊).
const (
	SwapDoctors = "doctors" // the patients keep their time and meet the other doctor
	SwapTimes   = "times"   // the patients keep their doctor and come at the other time
)

// Swap exchanges the doctors of two sessions, or their times, at once.
func (s *Service) Swap(ctx context.Context, a, b string) error {
	return s.SwapBy(ctx, a, b, SwapDoctors)
}

// SwapBy is Swap in either way.
func (s *Service) SwapBy(ctx context.Context, a, b, mode string) error {
	who, err := identity.Require(ctx, identity.BookingSchedule)
	if err != nil {
		return err
	}
	if mode != SwapDoctors && mode != SwapTimes {
		return errs.InvalidField("mode", "not_allowed")
	}
	if a == b {
		return errs.InvalidField("with", "booking.same_session")
	}
	err = s.insist(ctx, func(tx *store.Tx) error {
		x, y, err := s.openPair(ctx, tx, a, b)
		if err != nil {
			return err
		}
		if mode == SwapDoctors {
			err = s.swapDoctors(ctx, tx, who, x, y)
		} else {
			err = s.swapTimes(ctx, tx, who, x, y)
		}
		if err != nil {
			return err
		}
		return s.changed(ctx, tx, who, SessionChange{SessionID: x.ID, OtherID: y.ID, Kind: "swap", Detail: map[string]any{"mode": mode, "with": y.ID}})
	})
	if store.IsUnique(err) { // a patient of one holds a number of the other's day
		return errs.New(errs.Conflict, "booking.swap_conflict")
	}
	return err
}

// openPair locks two sessions, always in the same order.
func (s *Service) openPair(ctx context.Context, tx *store.Tx, a, b string) (x, y Session, err error) {
	first, second := min(a, b), max(a, b)
	if x, err = s.openSession(ctx, tx, first); err != nil {
		return x, y, err
	}
	if y, err = s.openSession(ctx, tx, second); err != nil {
		return x, y, err
	}
	if x.DepartmentID != y.DepartmentID || x.ExamID != y.ExamID {
		return x, y, errs.New(errs.Conflict, "booking.swap_department")
	}
	if first != a {
		x, y = y, x
	}
	return x, y, nil
}

func (s *Service) swapDoctors(ctx context.Context, tx *store.Tx, who identity.Principal, x, y Session) error {
	if x.DoctorID == y.DoctorID {
		return errs.New(errs.Conflict, "booking.same_doctor")
	}
	busy, err := s.busyOfDays(ctx, tx, x, y)
	if err != nil {
		return err
	}
	oldX, oldY := x.DoctorID, y.DoctorID
	x.DoctorID, y.DoctorID = oldY, oldX
	for _, se := range []Session{x, y} {
		if why := clash(busy, se, ""); why != "" {
			return errs.New(errs.Conflict, "booking."+why)
		}
	}
	if _, err := s.giveDoctor(ctx, tx, who, x, oldX); err != nil {
		return err
	}
	_, err = s.giveDoctor(ctx, tx, who, y, oldY)
	return err
}

// busyOfDays reads what is busy on the days of two sessions, without the two.
func (s *Service) busyOfDays(ctx context.Context, tx *store.Tx, x, y Session) ([]busyTime, error) {
	var out []busyTime
	days := []string{x.Date}
	if y.Date != x.Date {
		days = append(days, y.Date)
	}
	for _, date := range days {
		list, err := busyTimes(ctx, tx, date, date)
		if err != nil {
			return nil, err
		}
		for _, b := range list {
			if b.sessionID != x.ID && b.sessionID != y.ID {
				out = append(out, b)
			}
		}
	}
	return out, nil
}

// swapTimes moves each session, with its numbers and appointments, to the day
// and time of the other.
func (s *Service) swapTimes(ctx context.Context, tx *store.Tx, who identity.Principal, x, y Session) error {
	if x.StartAt.Equal(y.StartAt) {
		return errs.New(errs.Conflict, "booking.same_time")
	}
	busy, err := s.busyOfDays(ctx, tx, x, y)
	if err != nil {
		return err
	}
	toX, toY := x, y
	toX.Date, toX.Period, toX.StartAt, toX.Room, toX.ReleaseAt = y.Date, y.Period, y.StartAt, y.Room, y.ReleaseAt
	toX.EndAt = y.StartAt.Add(x.EndAt.Sub(x.StartAt))
	toY.Date, toY.Period, toY.StartAt, toY.Room, toY.ReleaseAt = x.Date, x.Period, x.StartAt, x.Room, x.ReleaseAt
	toY.EndAt = x.StartAt.Add(y.EndAt.Sub(y.StartAt))
	equipment, err := equipmentOf(ctx, tx)
	if err != nil {
		return err
	}
	for _, se := range []Session{toX, toY} {
		if why := clash(busy, se, equipment[se.ExamID]); why != "" {
			return errs.New(errs.Conflict, "booking."+why)
		}
	}
	for _, m := range []struct{ from, to Session }{{x, toX}, {y, toY}} {
		if err := s.moveSession(ctx, tx, who, m.from, m.to); err != nil {
			return err
		}
	}
	return nil
}

// moveSession carries a session and everything in it to another time. It does
// not reach back before now.
func (s *Service) moveSession(ctx context.Context, tx *store.Tx, who identity.Principal, from, to Session) error {
	if !to.LaneUntil.IsZero() {
		to.LaneUntil = to.LaneUntil.Add(to.StartAt.Sub(from.StartAt))
	}
	shift := to.StartAt.Sub(from.StartAt)
	if err := shiftSession(ctx, tx, to, shift, s.now()); err != nil {
		return err
	}
	s.tellSession(tx, to.ID)
	list, err := activeOf(ctx, tx, to.ID) // as they are after the shift
	if err != nil {
		return err
	}
	for _, a := range list {
		former := a.StartAt.Add(-shift).In(s.zone)
		if a, err = s.store(ctx, tx, who, a, "time_moved", a.Channel, map[string]any{"from": former.UTC().Format(time.RFC3339)}); err != nil {
			return err
		}
		if a.State == Requested {
			continue
		}
		if err := s.promise(ctx, tx, NoticeMoved, a, map[string]string{"former_date": former.Format(time.DateOnly), "former_time": former.Format("15:04")}); err != nil {
			return err
		}
	}
	return nil
}
