package booking

import (
	"context"
	"slices"
	"strings"
	"time"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/id"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// Templates lists the weekly templates, by department and weekday.
func (s *Service) Templates(ctx context.Context, f TemplateFilter) ([]Template, error) {
	if _, err := identity.Require(ctx, identity.BookingSchedule, identity.BookingRead); err != nil {
		return nil, err
	}
	var out []Template
	err := s.db.Read(ctx, func(tx *store.Tx) (err error) {
		out, err = listTemplates(ctx, tx, f)
		return err
	})
	return out, err
}

// prebookShare is the least percentage of numbers that must be open to booking
// ahead, by type: all ordinary ones, half of the experts'.
func prebookShare() map[string]int {
	return map[string]int{string(Ordinary): 100, string(Expert): 50, string(Special): 50, string(Exam): 50}
}

// SaveTemplate creates (empty id) or changes a template; Version must be the
// one read. Sessions that were made from it stay as they are.
func (s *Service) SaveTemplate(ctx context.Context, t Template) (Template, error) {
	who, err := identity.Require(ctx, identity.BookingSchedule)
	if err != nil {
		return t, err
	}
	t.Room = strings.TrimSpace(t.Room)
	if err := t.check(prebookShare()).Err(); err != nil {
		return t, err
	}
	in, out := t, Template{}
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		t := in
		t.UpdatedAt = s.now()
		if err := s.checkFasting(ctx, tx, t.ExamID, t.StartMinute); err != nil {
			return err
		}
		created := t.ID == ""
		if created {
			t.ID, t.Version = id.New(), 1
		}
		row, err := templateRow(t)
		if err != nil {
			return err
		}
		if created {
			err = insertRow(ctx, tx, "booking_templates", templateColumns, row...)
		} else {
			err = updateRow(ctx, tx, "booking_templates", templateColumns, row...)
			t.Version++
		}
		if err != nil {
			return err
		}
		out = t
		return s.auditRule(ctx, tx, who, "booking.template_save", "booking_template", t.ID, "", nil)
	})
	return out, err
}

// noon is when fasting ends.
const noon = 12 * 60

// checkFasting refuses to put an examination on an empty stomach into the
// afternoon, and one that does not exist anywhere.
func (s *Service) checkFasting(ctx context.Context, tx *store.Tx, examID string, startMinute int) error {
	if examID == "" {
		return nil
	}
	e, err := first(listExams(ctx, tx, examID))
	switch {
	case errs.Is(err, errs.NotFound):
		return errs.InvalidField("exam_id", "booking.unknown_reference")
	case err != nil:
		return err
	case e.Fasting && startMinute >= noon:
		return errs.InvalidField("start", "booking.fasting_morning")
	}
	return nil
}

// DeleteTemplate removes a template; its sessions stay.
func (s *Service) DeleteTemplate(ctx context.Context, templateID string) error {
	who, err := identity.Require(ctx, identity.BookingSchedule)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		if err := deleteTemplate(ctx, tx, templateID); err != nil {
			return err
		}
		return s.auditRule(ctx, tx, who, "booking.template_delete", "booking_template", templateID, "", nil)
	})
}

// Plan is a single session as somebody plans it: the session and how it is cut
// into numbers. Date, department and examination of a session that exists
// cannot change, and its times only while nobody holds a number of it.
type Plan struct {
	Session
	SlotMinutes int
	Capacity    int
	Lanes       map[Lane]int // of a new session
}

// SaveSession creates (empty id) or changes one session. Version must be the
// one read. The capacity may grow at any time; it shrinks over free numbers
// only, the last ones first.
func (s *Service) SaveSession(ctx context.Context, p Plan) (Session, error) {
	who, err := identity.Require(ctx, identity.BookingSchedule)
	if err != nil {
		return Session{}, err
	}
	if err := s.checkPlan(&p).Err(); err != nil {
		return Session{}, err
	}
	var sessionID string
	err = s.db.WriteLocking(ctx, func(tx *store.Tx) error {
		if p.ID != "" {
			sessionID = p.ID
			return s.changeSession(ctx, tx, who, p)
		}
		se, err := s.addSession(ctx, tx, who, p)
		sessionID = se.ID
		return err
	})
	if err != nil {
		return Session{}, err
	}
	return s.Session(ctx, sessionID)
}

func (s *Service) checkPlan(p *Plan) errs.Fields {
	var f errs.Fields
	p.Room = strings.TrimSpace(p.Room)
	if date, err := s.day("date", p.Date); err != nil {
		f.Add("date", "booking.date_invalid")
	} else if date.Before(s.today()) || date.After(s.today().AddDate(0, 0, longestAhead)) {
		f.Add("date", "out_of_range")
	} else if !s.midnight(p.StartAt).Equal(date) || p.EndAt.After(date.AddDate(0, 0, 1)) {
		f.Add("start", "booking.other_day")
	}
	if !p.EndAt.After(p.StartAt) {
		f.Add("end", "booking.end_before_start")
	}
	checkClinic(&f, p.Period, p.Type, p.Fee, p.DepartmentID, p.ExamID, p.Room)
	checkNumbers(&f, int(p.EndAt.Sub(p.StartAt).Minutes()), p.SlotMinutes, p.Capacity, p.Lanes)
	return f
}

func (s *Service) addSession(ctx context.Context, tx *store.Tx, who identity.Principal, p Plan) (Session, error) {
	start := p.StartAt.In(s.zone)
	if err := s.checkFasting(ctx, tx, p.ExamID, start.Hour()*60+start.Minute()); err != nil {
		return Session{}, err
	}
	if err := s.checkBusy(ctx, tx, p.Session); err != nil {
		return Session{}, err
	}
	rules, err := s.inForce(ctx, tx)
	if err != nil {
		return Session{}, err
	}
	p.State, p.CloseReason, p.TemplateID = SessionOpen, "", ""
	if p.ReleaseAt.IsZero() {
		p.ReleaseAt = rules.Policy.ReleaseAt(s.midnight(p.StartAt))
	}
	se, err := s.createSession(ctx, tx, p.Session, Slots(p.StartAt, p.EndAt, p.SlotMinutes, p.Capacity, p.Lanes))
	if err != nil {
		return se, err
	}
	return se, s.auditSession(ctx, tx, who, "booking.session_create", se, map[string]any{"numbers": p.Capacity})
}

// checkBusy refuses a session at a time when its doctor or equipment is in
// another one.
func (s *Service) checkBusy(ctx context.Context, tx *store.Tx, se Session) error {
	equipment := ""
	if se.ExamID != "" {
		e, err := first(listExams(ctx, tx, se.ExamID))
		if err != nil {
			return err
		}
		equipment = e.Equipment
	}
	list, err := busyTimes(ctx, tx, se.Date, se.Date)
	if err != nil {
		return err
	}
	if why := clash(list, se, equipment); why != "" {
		return errs.New(errs.Conflict, "booking."+why)
	}
	return nil
}

// clash says what of a session is busy elsewhere: "" nothing.
func clash(list []busyTime, se Session, equipment string) string {
	for _, b := range list {
		if b.sessionID == se.ID || !b.start.Before(se.EndAt) || !se.StartAt.Before(b.end) {
			continue
		}
		if se.DoctorID != "" && b.doctorID == se.DoctorID {
			return SkipDoctor
		}
		if equipment != "" && b.equipment == equipment {
			return SkipEquipment
		}
	}
	return ""
}

// changeSession carries a plan out on a session that exists.
func (s *Service) changeSession(ctx context.Context, tx *store.Tx, who identity.Principal, p Plan) error {
	old, err := lockSession(ctx, tx, p.ID)
	if err != nil {
		return err
	}
	if p.Version != old.Version {
		return errs.New(errs.Conflict, "booking.version_conflict")
	}
	if old.State != SessionOpen {
		return errs.New(errs.Conflict, "booking.session_closed", "reason", old.CloseReason)
	}
	var f errs.Fields
	for _, c := range []struct {
		path string
		same bool
	}{{"date", p.Date == old.Date}, {"department_id", p.DepartmentID == old.DepartmentID}, {"exam_id", p.ExamID == old.ExamID},
		{"doctor_id", p.DoctorID == old.DoctorID}} {
		if !c.same {
			f.Add(c.path, "booking.fixed")
		}
	}
	if err := f.Err(); err != nil {
		return err
	}
	numbers, err := listNumbers(ctx, tx, old.ID)
	if err != nil {
		return err
	}
	moved := !p.StartAt.Equal(old.StartAt) || !p.EndAt.Equal(old.EndAt)
	se := old
	se.Period, se.StartAt, se.EndAt, se.CampusID, se.Room, se.Type, se.Fee = p.Period, p.StartAt, p.EndAt, p.CampusID, p.Room, p.Type, p.Fee
	if !p.ReleaseAt.IsZero() {
		se.ReleaseAt = p.ReleaseAt
	}
	if !p.LaneUntil.IsZero() {
		se.LaneUntil = p.LaneUntil
	}
	if err := s.putSession(ctx, tx, se); err != nil {
		return err
	}
	if err := s.fit(ctx, tx, se, numbers, p, moved); err != nil {
		return err
	}
	return s.changed(ctx, tx, who, SessionChange{SessionID: se.ID, Kind: "edit", Detail: map[string]any{"capacity": p.Capacity, "moved": moved}})
}

// fit makes the numbers of a session what a plan says.
func (s *Service) fit(ctx context.Context, tx *store.Tx, se Session, numbers []Number, p Plan, moved bool) error {
	var own []Number // without added ones and those withdrawn before
	taken := 0
	for _, n := range numbers {
		if n.State == NumberTaken {
			taken++
		}
		if n.Lane != LaneAdded && n.State != NumberBlocked {
			own = append(own, n)
		}
	}
	if moved {
		if taken > 0 {
			return errs.New(errs.Conflict, "booking.times_taken", "taken", taken)
		}
		if err := retime(ctx, tx, own, Slots(se.StartAt, se.EndAt, p.SlotMinutes, max(p.Capacity, len(own)), nil)); err != nil {
			return err
		}
	}
	switch {
	case p.Capacity > len(own):
		return s.grow(ctx, tx, se, numbers, p, p.Capacity-len(own))
	case p.Capacity < len(own):
		return shrink(ctx, tx, own, len(own)-p.Capacity)
	}
	return nil
}

// grow adds shared numbers behind the last one and offers them to those who
// wait.
func (s *Service) grow(ctx context.Context, tx *store.Tx, se Session, numbers []Number, p Plan, n int) error {
	all := Slots(se.StartAt, se.EndAt, p.SlotMinutes, p.Capacity, nil)
	return s.append(ctx, tx, se, numbers, all[len(all)-n:])
}

// append adds numbers to a session, counted on from its last one.
func (s *Service) append(ctx context.Context, tx *store.Tx, se Session, numbers, more []Number) error {
	seq := 0
	for _, n := range numbers {
		seq = max(seq, n.Seq)
	}
	if seq+len(more) > 2*maxNumbers {
		return errs.InvalidField("capacity", "out_of_range")
	}
	for i := range more {
		more[i].ID, more[i].SessionID, more[i].Seq, more[i].State = id.New(), se.ID, seq+i+1, NumberFree
	}
	if err := insertNumbers(ctx, tx, more); err != nil {
		return err
	}
	s.tellSession(tx, se.ID)
	return s.offerAll(ctx, tx, more)
}

// shrink withdraws the last free numbers.
func shrink(ctx context.Context, tx *store.Tx, own []Number, n int) error {
	var free []string
	for _, x := range slices.Backward(own) {
		if x.State == NumberFree && len(free) < n {
			free = append(free, x.ID)
		}
	}
	if len(free) < n {
		return errs.New(errs.Conflict, "booking.capacity_taken", "least", len(own)-len(free))
	}
	return withdraw(ctx, tx, free)
}

// releaseOf is when the numbers of a date open by the policy in force.
func (s *Service) releaseOf(ctx context.Context, tx *store.Tx, date time.Time) (time.Time, error) {
	rules, err := s.inForce(ctx, tx)
	return rules.Policy.ReleaseAt(date), err
}

// changed notes a change of a session in its history and the audit log.
func (s *Service) changed(ctx context.Context, tx *store.Tx, who identity.Principal, c SessionChange) error {
	if c.ID == "" {
		c.ID = id.New()
	}
	c.At, c.Actor = s.now(), who.UserID
	if err := insertChange(ctx, tx, c); err != nil {
		return err
	}
	return s.auditSession(ctx, tx, who, "booking.session_"+c.Kind, Session{ID: c.SessionID}, c.Detail)
}

// Changes lists what was done to a session, the newest first.
func (s *Service) Changes(ctx context.Context, sessionID string) ([]SessionChange, error) {
	if _, err := identity.Require(ctx, identity.BookingRead, identity.BookingSchedule); err != nil {
		return nil, err
	}
	var out []SessionChange
	err := s.db.Read(ctx, func(tx *store.Tx) (err error) {
		out, err = listChanges(ctx, tx, sessionID)
		return err
	})
	return out, err
}
