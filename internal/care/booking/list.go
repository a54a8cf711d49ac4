package booking

import (
	"context"
	"encoding/base64"
	"fmt"
	"iter"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

const (
	maxDays   = 62 // of a timetable
	pageLimit = 500
)

// Timetable lists sessions by date, with how many numbers they have and how
// many of them the asking channel could take now.
func (s *Service) Timetable(ctx context.Context, f TimetableFilter) ([]Session, error) {
	if _, err := identity.Require(ctx, identity.BookingRead); err != nil {
		return nil, err
	}
	if err := s.checkTimetable(&f); err != nil {
		return nil, err
	}
	var list []Session
	err := s.db.Read(ctx, func(tx *store.Tx) (err error) {
		list, err = s.counted(ctx, tx, f.conditions(), f.Channel)
		return err
	})
	if f.OnlyFree {
		list = slices.DeleteFunc(list, func(se Session) bool { return se.Free == 0 })
	}
	return list, err
}

func (s *Service) checkTimetable(f *TimetableFilter) error {
	var bad errs.Fields
	today := s.now().In(s.zone).Format(time.DateOnly)
	if f.From == "" {
		f.From = today
	}
	from, err := time.Parse(time.DateOnly, f.From)
	if err != nil {
		bad.Add("from", "booking.date_invalid")
	}
	if f.To == "" && err == nil {
		f.To = from.AddDate(0, 0, 6).Format(time.DateOnly)
	}
	to, err2 := time.Parse(time.DateOnly, f.To)
	if err2 != nil {
		bad.Add("to", "booking.date_invalid")
	}
	if err == nil && err2 == nil && (to.Before(from) || to.Sub(from) > maxDays*24*time.Hour) {
		bad.Add("to", "validation.period_long")
	}
	if f.Channel != "" {
		checkChannel(&bad, f.Channel)
	}
	return bad.Err()
}

// counted reads sessions with their counts.
func (s *Service) counted(ctx context.Context, tx *store.Tx, c *conditions, ch Channel) ([]Session, error) {
	list, err := listSessions(ctx, tx, c)
	if err != nil || len(list) == 0 {
		return list, err
	}
	tallies, err := countNumbers(ctx, tx, c, store.Millis(s.now()))
	if err != nil {
		return nil, err
	}
	for i := range list {
		list[i].Total, list[i].Free = s.count(list[i], tallies[list[i].ID], ch)
	}
	return list, nil
}

// count adds up the lanes of a session that a channel may draw from; "" may
// draw from all.
func (s *Service) count(se Session, lanes []tally, ch Channel) (total, free int) {
	r := s.reach(Request{Channel: ch}, se)
	if ch == "" {
		r.mode = reachAll
	}
	for _, t := range lanes {
		total += t.total
		if se.State != SessionOpen || !(t.lane == r.lane || t.lane == LaneShared || t.lane != LaneAdded && r.mode == reachAll) {
			continue
		}
		free += t.free + r.begun*t.begun
	}
	return total, free
}

// Session returns one session with its counts over all lanes.
func (s *Service) Session(ctx context.Context, sessionID string) (Session, error) {
	if _, err := identity.Require(ctx, identity.BookingRead); err != nil {
		return Session{}, err
	}
	c := &conditions{}
	c.add("s.id = ?", sessionID)
	var list []Session
	err := s.db.Read(ctx, func(tx *store.Tx) (err error) {
		list, err = s.counted(ctx, tx, c, "")
		return err
	})
	if err != nil {
		return Session{}, err
	}
	if len(list) == 0 {
		return Session{}, sessionNotFound()
	}
	return list[0], nil
}

// Sessions returns sessions by id, without counts, for lists that mention
// them. Ids of none are left out.
func (s *Service) Sessions(ctx context.Context, ids []string) (map[string]Session, error) {
	if _, err := identity.Require(ctx, identity.BookingRead); err != nil {
		return nil, err
	}
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	out := make(map[string]Session, len(ids))
	if len(ids) == 0 {
		return out, nil
	}
	c := &conditions{}
	c.in("s.id", ids[:min(len(ids), pageLimit)])
	var list []Session
	err := s.db.Read(ctx, func(tx *store.Tx) (err error) {
		list, err = listSessions(ctx, tx, c)
		return err
	})
	for _, se := range list {
		out[se.ID] = se
	}
	return out, err
}

// Numbers lists the numbers of a session. For a channel, those that it may
// not take now are shown as taken or left out: its own patients learn nothing
// of other lanes. A number whose hold ran out is free.
func (s *Service) Numbers(ctx context.Context, sessionID string, ch Channel) ([]Number, error) {
	if _, err := identity.Require(ctx, identity.BookingRead); err != nil {
		return nil, err
	}
	if ch != "" {
		var f errs.Fields
		if checkChannel(&f, ch); f.Err() != nil {
			return nil, f.Err()
		}
	}
	var se Session
	var list []Number
	var lapsed map[string]bool
	err := s.db.Read(ctx, func(tx *store.Tx) (err error) {
		if se, err = loadSession(ctx, tx, sessionID); err != nil {
			return err
		}
		if list, err = listNumbers(ctx, tx, sessionID); err != nil {
			return err
		}
		lapsed, err = lapsedNumbers(ctx, tx, sessionID, store.Millis(s.now()))
		return err
	})
	if err != nil {
		return nil, err
	}
	r := s.reach(Request{Channel: ch}, se)
	for i := range list {
		if lapsed[list[i].ID] && se.State == SessionOpen {
			list[i].State = NumberFree
		}
	}
	if ch != "" {
		list = slices.DeleteFunc(list, func(n Number) bool { return n.State == NumberFree && !r.covers(n) })
	}
	return list, nil
}

// Get returns an appointment. The look is audited in the same transaction.
func (s *Service) Get(ctx context.Context, appointmentID string) (Appointment, error) {
	return s.view(ctx, "booking.view", func(tx *store.Tx) (Appointment, error) { return loadAppointment(ctx, tx, appointmentID) })
}

var codePattern = regexp.MustCompile(`^[0-9]{8}$`)

// FindByCode returns the active appointment of a code.
func (s *Service) FindByCode(ctx context.Context, code string) (Appointment, error) {
	code = strings.ReplaceAll(strings.TrimSpace(code), " ", "")
	if !codePattern.MatchString(code) {
		return Appointment{}, errs.InvalidField("code", "booking.code_invalid")
	}
	return s.view(ctx, "booking.find", func(tx *store.Tx) (Appointment, error) { return findCode(ctx, tx, code) })
}

func (s *Service) view(ctx context.Context, action string, fn func(tx *store.Tx) (Appointment, error)) (Appointment, error) {
	who, err := identity.Require(ctx, identity.BookingRead)
	if err != nil {
		return Appointment{}, err
	}
	var a Appointment
	foreign := false
	err = s.db.Write(ctx, func(tx *store.Tx) (err error) {
		if a, err = fn(tx); err != nil {
			return err
		}
		_, set := ctx.Value(narrowKey{}).([]string)
		// A kiosk asks for a code to learn who stands before it.
		atDoor := action == "booking.find" && strings.HasPrefix(who.UserID, "kiosk:") && !set
		if foreign = !atDoor && !mine(ctx, who, a.PatientID); foreign {
			return nil
		}
		return s.auditTx(ctx, tx, who, action, a, nil)
	})
	if err == nil && foreign {
		err = s.yours(ctx, who, a.PatientID, a.ID)
	}
	if err != nil {
		return Appointment{}, err
	}
	return a, nil
}

// List returns a page of appointments, the earliest visit first. The first
// page is audited: as a look at a patient's data when the filter names one.
func (s *Service) List(ctx context.Context, f Filter) (Page, error) {
	who, err := identity.Require(ctx, identity.BookingRead)
	if err != nil {
		return Page{}, err
	}
	if bounded(ctx, who) && !mine(ctx, who, f.PatientID) {
		return Page{}, s.yours(ctx, who, f.PatientID, "")
	}
	c, err := s.filter(f)
	if err != nil {
		return Page{}, err
	}
	limit := f.Limit
	if limit <= 0 {
		limit = 50
	}
	limit = min(limit, pageLimit)
	run, first := s.db.Read, f.Cursor == ""
	if first {
		run = s.db.Write
	}
	var page Page
	err = run(ctx, func(tx *store.Tx) error {
		list, err := listAppointments(ctx, tx, c, limit+1)
		if err != nil {
			return err
		}
		page = Page{Appointments: list}
		if len(list) > limit {
			last := list[limit-1]
			page = Page{Appointments: list[:limit], Next: cursorOf(last)}
		}
		if !first {
			return nil
		}
		return s.audit.Append(ctx, tx, s.entry(who, "booking.list", f.PatientID, "", f.audited()))
	})
	return page, err
}

// audited names what a list was narrowed by; a code is as good as a key and
// is not written down.
func (f Filter) audited() map[string]any {
	out := map[string]any{}
	for _, x := range []struct{ name, value string }{{"session", f.SessionID}, {"department", f.DepartmentID}, {"doctor", f.DoctorID},
		{"from", f.From}, {"to", f.To}} {
		if x.value != "" {
			out[x.name] = x.value
		}
	}
	if len(f.Channels) > 0 {
		out["channels"] = f.Channels
	}
	return out
}

// filter turns a filter into conditions. Dates are days in the hospital's zone.
func (s *Service) filter(f Filter) (*conditions, error) {
	var bad errs.Fields
	from, err := s.startOf(f.From, 0)
	if err != nil {
		bad.Add("from", "booking.date_invalid")
	}
	to, err := s.startOf(f.To, 1)
	if err != nil {
		bad.Add("to", "booking.date_invalid")
	}
	for i, st := range f.States {
		if !slices.Contains(States(), st) {
			bad.Add(fmt.Sprintf("state[%d]", i), "not_allowed")
		}
	}
	for _, ch := range f.Channels {
		checkChannel(&bad, ch)
	}
	for _, lane := range f.Lanes {
		if lane != LaneVIP && lane != LaneAdded {
			bad.Add("lane", "not_allowed")
		}
	}
	c := f.conditions(from, to)
	if f.Cursor != "" {
		at, last, err := parseCursor(f.Cursor)
		if err != nil {
			bad.Add("cursor", "cursor_invalid")
		}
		c.add("(a.start_at > ? OR (a.start_at = ? AND a.id > ?))", at, at, last)
	}
	return c, bad.Err()
}

// States lists the states of an appointment.
func States() []State {
	return []State{Requested, Scheduled, Arrived, CheckedIn, Completed, Cancelled, Missed, Expired}
}

func (s *Service) startOf(date string, more int) (int64, error) {
	if date == "" {
		return 0, nil
	}
	d, err := time.ParseInLocation(time.DateOnly, date, s.zone)
	if err != nil {
		return 0, err
	}
	return store.Millis(d.AddDate(0, 0, more)), nil
}

// Export walks over all appointments of a filter, page by page.
func (s *Service) Export(ctx context.Context, f Filter) iter.Seq2[Appointment, error] {
	f.Limit = pageLimit
	return func(yield func(Appointment, error) bool) {
		for {
			page, err := s.List(ctx, f)
			if err != nil {
				yield(Appointment{}, err)
				return
			}
			for _, a := range page.Appointments {
				if !yield(a, nil) {
					return
				}
			}
			if f.Cursor = page.Next; f.Cursor == "" {
				return
			}
		}
	}
}

// History returns what happened to an appointment, oldest first.
func (s *Service) History(ctx context.Context, appointmentID string) ([]Event, error) {
	var list []Event
	_, err := s.view(ctx, "booking.history", func(tx *store.Tx) (a Appointment, err error) {
		if a, err = loadAppointment(ctx, tx, appointmentID); err != nil {
			return a, err
		}
		list, err = listEvents(ctx, tx, appointmentID)
		return a, err
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

func cursorOf(a Appointment) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(millis(a.StartAt), 10) + ":" + a.ID))
}

func parseCursor(cursor string) (at int64, last string, err error) {
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(b) > 100 {
		return 0, "", fmt.Errorf("cursor: %w", err)
	}
	ms, last, _ := strings.Cut(string(b), ":")
	if at, err = strconv.ParseInt(ms, 10, 64); err != nil {
		return 0, "", fmt.Errorf("cursor: %w", err)
	}
	for _, r := range last {
		if r > 127 || r < ' ' {
			return 0, "", fmt.Errorf("cursor: not an id")
		}
	}
	return at, last, nil
}
