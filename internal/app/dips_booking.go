package app

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"heartline/internal/care/booking"
	"heartline/internal/care/hospital"
	"heartline/internal/contact/call"
	"heartline/internal/platform/errs"
)

// How much a caller is offered to choose from.
const (
	daysAhead   = 14
	maxSlots    = 24
	maxWeighed  = 40 // sessions whose rules are looked at for one answer
	clockFormat = "15:04"
)

// open lists the sessions that a caller could have a number of.
func (d *dips) open(ctx context.Context, f booking.TimetableFilter) ([]booking.Session, error) {
	today := d.now().In(d.zone)
	if f.From == "" {
		f.From, f.To = today.Format(time.DateOnly), today.AddDate(0, 0, daysAhead).Format(time.DateOnly)
	}
	f.Channel, f.OnlyFree = booking.ChannelIVR, true
	list, err := d.bookings.Timetable(asSystem(ctx), f)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(list, func(s booking.Session) bool {
		return s.ExamID != "" || s.State != booking.SessionOpen || s.ReleaseAt.After(d.now())
	}), nil
}

// bookable leaves out the sessions whose time has not come or is over by the
// hospital's rules. What stands against the person is said when booking.
func (d *dips) bookable(ctx context.Context, patientID string, list []booking.Session) ([]booking.Session, error) {
	ctx = asPatient(ctx, patientID)
	var out []booking.Session
	for _, s := range list[:min(len(list), maxWeighed)] {
		v, err := d.bookings.Eligibility(ctx, patientID, s.ID, booking.ChannelIVR)
		if err != nil {
			return nil, err
		}
		outside := false
		for _, r := range v.Reasons {
			switch r.Key {
			case "booking.window", "booking.not_released", "booking.next_day_closed", "booking.past", "booking.session_closed":
				outside = true
			}
		}
		if !outside {
			out = append(out, s)
		}
	}
	return out, nil
}

func (d *dips) departments(ctx context.Context, _ map[string]string) (call.DipResult, error) {
	list, err := d.open(ctx, booking.TimetableFilter{})
	if err != nil {
		return fail("list sessions", err)
	}
	all, err := d.hospital.Departments(asSystem(ctx), "", "")
	if err != nil {
		return fail("list departments", err)
	}
	free := make(map[string]bool, len(list))
	for _, s := range list {
		free[s.DepartmentID] = true
	}
	all = slices.DeleteFunc(all, func(x hospital.Department) bool { return !free[x.ID] })
	slices.SortStableFunc(all, func(a, b hospital.Department) int { return cmp.Compare(a.Position, b.Position) })
	r := call.DipResult{Outcome: "ok"}
	for _, x := range all {
		name := promptOf("dept", x.Code)
		r.Options = append(r.Options, call.DipOption{Value: x.ID, Say: []string{name}, Vars: map[string]string{"department_name": name + "|option"}})
	}
	if len(r.Options) == 0 {
		return outcome("none"), nil
	}
	return r, nil
}

func (d *dips) days(ctx context.Context, vars map[string]string) (call.DipResult, error) {
	list, err := d.open(ctx, booking.TimetableFilter{DepartmentID: vars["department"]})
	if err == nil {
		list, err = d.bookable(ctx, vars["patient"], list)
	}
	if err != nil {
		return fail("list days", err)
	}
	r := call.DipResult{Outcome: "ok"}
	seen := map[string]bool{}
	for _, s := range list {
		if !seen[s.Date] {
			seen[s.Date] = true
			r.Options = append(r.Options, call.DipOption{Value: s.Date, Say: []string{"=date:" + s.Date, "=weekday:" + s.Date}})
		}
	}
	if len(r.Options) == 0 {
		return outcome("none"), nil
	}
	slices.SortFunc(r.Options, func(a, b call.DipOption) int { return cmp.Compare(a.Value, b.Value) })
	return r, nil
}

// slots offers the first free number of every hour of each session of a day.
func (d *dips) slots(ctx context.Context, vars map[string]string) (call.DipResult, error) {
	date := vars["date"]
	list, err := d.open(ctx, booking.TimetableFilter{From: date, To: date, DepartmentID: vars["department"]})
	if err == nil {
		list, err = d.bookable(ctx, vars["patient"], list)
	}
	if err != nil {
		return fail("list sessions of a day", err)
	}
	doctors, err := d.doctors(ctx)
	if err != nil {
		return fail("list doctors", err)
	}
	type slot struct {
		at     time.Time
		option call.DipOption
	}
	var all []slot
	for _, s := range list {
		numbers, err := d.bookings.Numbers(asSystem(ctx), s.ID, booking.ChannelIVR)
		if err != nil {
			return fail("list numbers", err)
		}
		for _, n := range firstOfHours(numbers, d.now(), d.zone) {
			clock := n.StartAt.In(d.zone).Format(clockFormat)
			name := sessionWords(s, doctors)
			all = append(all, slot{n.StartAt, call.DipOption{Value: n.ID, Say: append([]string{"=time:" + clock}, name...),
				Vars: map[string]string{"session": s.ID, "time": clock, "fee": strconv.FormatInt(s.Fee, 10), "doctor_name": name[0] + "|ordinary"}}})
		}
	}
	if len(all) == 0 {
		return outcome("none"), nil
	}
	slices.SortStableFunc(all, func(a, b slot) int { return a.at.Compare(b.at) })
	r := call.DipResult{Outcome: "ok"}
	for _, s := range all[:min(len(all), maxSlots)] {
		r.Options = append(r.Options, s.option)
	}
	return r, nil
}

// doctors maps doctors' ids to their codes.
func (d *dips) doctors(ctx context.Context) (map[string]string, error) {
	list, err := d.hospital.Doctors(asSystem(ctx), hospital.DoctorFilter{})
	if err != nil {
		return nil, err
	}
	out := make(map[string]string, len(list))
	for _, x := range list {
		out[x.ID] = x.Code
	}
	return out, nil
}

// sessionWords says whose clinic a session is, and of which kind.
func sessionWords(s booking.Session, doctors map[string]string) []string {
	kind := string(s.Type)
	if s.DoctorID == "" {
		return []string{kind}
	}
	return []string{promptOf("doctor", doctors[s.DoctorID]), kind}
}

// firstOfHours picks the earliest free number of each hour to come.
func firstOfHours(list []booking.Number, now time.Time, zone *time.Location) []booking.Number {
	var out []booking.Number
	seen := map[int]bool{}
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b booking.Number) int { return cmp.Or(a.StartAt.Compare(b.StartAt), cmp.Compare(a.Seq, b.Seq)) })
	for _, n := range list {
		hour := n.StartAt.In(zone).Hour()
		if n.State == booking.NumberFree && n.StartAt.After(now) && !seen[hour] {
			seen[hour] = true
			out = append(out, n)
		}
	}
	return out
}

func (d *dips) book(ctx context.Context, vars map[string]string) (call.DipResult, error) {
	a, err := d.bookings.Book(asPatient(ctx, vars["patient"]), booking.Request{
		Key:       onceKey(vars, vars["patient"], vars["session"], vars["number"]),
		PatientID: vars["patient"], SessionID: vars["session"], NumberID: vars["number"], Channel: booking.ChannelIVR,
	})
	if err != nil {
		return refusal("book", err)
	}
	return call.DipResult{Outcome: "ok", Vars: map[string]string{"appointment": a.ID, "code": a.Code, "seq": strconv.Itoa(a.Seq),
		"date": a.StartAt.In(d.zone).Format(time.DateOnly), "time": a.StartAt.In(d.zone).Format(clockFormat)}}, nil
}

// refusal turns the rules' no into words; anything else is an error.
func refusal(what string, err error) (call.DipResult, error) {
	var e *errs.Error
	if !errors.As(err, &e) {
		return fail(what, err)
	}
	switch e.Key {
	case "booking.slot_taken", "booking.session_full", "booking.number_not_found", "booking.wrong_lane":
		return outcome("taken"), nil
	case "booking.limit":
		return outcome("refused", "refuse_limit"), nil
	case "booking.double":
		return outcome("refused", "refuse_double"), nil
	case "booking.penalty":
		return outcome("refused", "refuse_penalty"), nil
	case "booking.age", "booking.birth_date_missing":
		return outcome("refused", "refuse_age"), nil
	case "booking.window", "booking.not_released", "booking.next_day_closed", "booking.past":
		return outcome("refused", "refuse_window"), nil
	case "booking.real_name":
		return outcome("refused", "refuse_real_name"), nil
	case "booking.session_closed":
		return outcome("refused", "refuse_closed"), nil
	case "booking.too_late":
		return outcome("refused", "refuse_late"), nil
	}
	switch e.Kind {
	case errs.Conflict, errs.Denied, errs.Invalid, errs.NotFound:
		return outcome("refused", "refuse_other"), nil
	}
	return fail(what, err)
}

// mine lists the visits to come.
func (d *dips) mine(ctx context.Context, vars map[string]string) (call.DipResult, error) {
	patientID := vars["patient"]
	page, err := d.bookings.List(asPatient(ctx, patientID), booking.Filter{PatientID: patientID,
		From: d.now().In(d.zone).Format(time.DateOnly), States: []booking.State{booking.Scheduled}, Limit: maxSlots})
	if err != nil {
		return fail("list appointments", err)
	}
	departments, err := d.hospital.Departments(asSystem(ctx), "", "")
	if err != nil {
		return fail("list departments", err)
	}
	doctors, err := d.doctors(ctx)
	if err != nil {
		return fail("list doctors", err)
	}
	codes := make(map[string]string, len(departments))
	for _, x := range departments {
		codes[x.ID] = x.Code
	}
	r := call.DipResult{Outcome: "ok"}
	for _, a := range page.Appointments {
		if !a.EndAt.After(d.now()) {
			continue
		}
		start := a.StartAt.In(d.zone)
		date, clock := start.Format(time.DateOnly), start.Format(clockFormat)
		dept, who := promptOf("dept", codes[a.DepartmentID]), string(a.Type)
		if a.DoctorID != "" {
			who = promptOf("doctor", doctors[a.DoctorID])
		}
		r.Options = append(r.Options, call.DipOption{Value: a.ID, Say: []string{"=date:" + date, "=time:" + clock, dept, who},
			Vars: map[string]string{"date": date, "time": clock, "department": a.DepartmentID,
				"department_name": dept + "|option", "doctor_name": who + "|ordinary"}})
	}
	if len(r.Options) == 0 {
		return outcome("none"), nil
	}
	return r, nil
}

func (d *dips) cancel(ctx context.Context, vars map[string]string) (call.DipResult, error) {
	_, err := d.bookings.Cancel(asPatient(ctx, vars["patient"]), vars["appointment"],
		booking.Cancel{Reason: booking.CancelPatient, Channel: booking.ChannelIVR})
	if err != nil {
		return refusal("cancel", err)
	}
	return outcome("ok"), nil
}
