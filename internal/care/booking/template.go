package booking

import (
	"fmt"
	"slices"
	"time"

	"heartline/internal/platform/errs"
)

// Weeks says in which ISO weeks a template holds.
type Weeks string

// The weeks.
const (
	EveryWeek Weeks = "all"
	OddWeeks  Weeks = "odd"
	EvenWeeks Weeks = "even"
)

// Template is a clinic that repeats every week (排班模板). Sessions are made
// from it; changing it changes no session that exists.
type Template struct {
	ID           string
	Version      int64
	Weekday      time.Weekday
	Weeks        Weeks
	Period       Period
	StartMinute  int // of the day
	EndMinute    int
	SlotMinutes  int // between two numbers' times; several numbers share a time when there are more numbers than times
	Capacity     int
	Lanes        map[Lane]int // quotas; what is left is shared
	LaneHours    int          // so many hours before the session unused lanes fall to the shared pool; 0: never
	Type         NumberType
	Fee          int64 // 分
	DepartmentID string
	DoctorID     string
	ExamID       string
	CampusID     string
	Room         string
	ValidFrom    string // ISO dates, inclusive; "" is unlimited
	ValidTo      string
	Active       bool
	UpdatedAt    time.Time
}

// TemplateFilter narrows templates; zero fields do not.
type TemplateFilter struct {
	DepartmentID string
	DoctorID     string
	ExamID       string
	CampusID     string
	OnlyActive   bool
}

// Generated says what Generate did, or would do.
type Generated struct {
	Sessions int
	Numbers  int
	Existing int // template days that were made before
	Skipped  []SkippedDay
	DryRun   bool
}

// SkippedDay is a day on which a template was not carried out, and why.
type SkippedDay struct {
	Date       string
	TemplateID string // "" when the whole day was skipped
	Why        string // holiday, makeup_unclear, doctor_busy, equipment_busy
}

// The reasons of SkippedDay.
const (
	SkipHoliday   = "holiday"
	SkipUnclear   = "makeup_unclear" // a worked weekend day, and the calendar does not say whose weekday it follows
	SkipDoctor    = "doctor_busy"
	SkipEquipment = "equipment_busy"
)

// maxCapacity bounds the numbers of one session.
const maxCapacity = 500

// holdsOn reports whether the template holds on a date that is run like a
// weekday.
func (t Template) holdsOn(date time.Time, like time.Weekday) bool {
	iso := date.Format(time.DateOnly)
	if !t.Active || t.Weekday != like || (t.ValidFrom != "" && iso < t.ValidFrom) || (t.ValidTo != "" && iso > t.ValidTo) {
		return false
	}
	_, week := date.ISOWeek()
	switch t.Weeks {
	case OddWeeks:
		return week%2 == 1
	case EvenWeeks:
		return week%2 == 0
	}
	return true
}

// session makes the session and the numbers of the template on a date at
// midnight in the hospital's zone.
func (t Template) session(date time.Time) (Session, []Number) {
	at := func(minute int) time.Time {
		return time.Date(date.Year(), date.Month(), date.Day(), 0, minute, 0, 0, date.Location())
	}
	se := Session{Date: date.Format(time.DateOnly), Period: t.Period, StartAt: at(t.StartMinute), EndAt: at(t.EndMinute), DepartmentID: t.DepartmentID,
		DoctorID: t.DoctorID, ExamID: t.ExamID, CampusID: t.CampusID, Room: t.Room, Type: t.Type, Fee: t.Fee, State: SessionOpen, TemplateID: t.ID}
	if t.LaneHours > 0 {
		se.LaneUntil = se.StartAt.Add(-time.Duration(t.LaneHours) * time.Hour)
	}
	return se, Slots(se.StartAt, se.EndAt, t.SlotMinutes, t.Capacity, t.Lanes)
}

// Slots makes the numbers of a session: capacity numbers over the times that
// lie slotMinutes apart, with the lanes' numbers spread over the session.
func Slots(start, end time.Time, slotMinutes, capacity int, lanes map[Lane]int) []Number {
	step := time.Duration(slotMinutes) * time.Minute
	times := max(1, int(end.Sub(start)/step))
	per := (capacity + times - 1) / times // numbers of one time
	who := spread(capacity, lanes)
	out := make([]Number, capacity)
	for i := range out {
		from := start.Add(time.Duration(i/per) * step)
		to := from.Add(step)
		if to.After(end) {
			to = end
		}
		out[i] = Number{Seq: i + 1, StartAt: from, EndAt: to, Lane: who[i], State: NumberFree}
	}
	return out
}

// spread gives each lane its quota at even distances, so that no lane gets
// only the early or only the late times.
func spread(capacity int, lanes map[Lane]int) []Lane {
	out := make([]Lane, capacity)
	names := make([]Lane, 0, len(lanes))
	for l := range lanes {
		names = append(names, l)
	}
	slices.Sort(names)
	for _, lane := range names {
		quota := lanes[lane]
		for k := range quota {
			at := k * capacity / quota
			for out[at] != LaneShared { // validated: the quotas fit
				at = (at + 1) % capacity
			}
			out[at] = lane
		}
	}
	return out
}

// check says what is wrong with a template. share gives the least percentage
// of numbers of a type that must be open to booking ahead.
func (t Template) check(share map[string]int) errs.Fields {
	var f errs.Fields
	if t.Weekday < time.Sunday || t.Weekday > time.Saturday {
		f.Add("weekday", "out_of_range")
	}
	if !slices.Contains([]Weeks{EveryWeek, OddWeeks, EvenWeeks}, t.Weeks) {
		f.Add("weeks", "not_allowed")
	}
	if t.StartMinute < 0 || t.StartMinute >= 24*60 {
		f.Add("start", "out_of_range")
	}
	if t.EndMinute <= t.StartMinute || t.EndMinute > 24*60 {
		f.Add("end", "booking.end_before_start")
	}
	if t.LaneHours < 0 || t.LaneHours > 14*24 {
		f.Add("lane_hours", "out_of_range")
	}
	checkDate(&f, "valid_from", t.ValidFrom)
	checkDate(&f, "valid_to", t.ValidTo)
	if t.ValidFrom != "" && t.ValidTo != "" && t.ValidTo < t.ValidFrom {
		f.Add("valid_to", "booking.end_before_start")
	}
	checkClinic(&f, t.Period, t.Type, t.Fee, t.DepartmentID, t.ExamID, t.Room)
	checkNumbers(&f, t.EndMinute-t.StartMinute, t.SlotMinutes, t.Capacity, t.Lanes)
	if least, on := share[string(t.Type)], t.Lanes[LaneOnSite]; on*100 > t.Capacity*(100-least) {
		f.Add("lanes.onsite", "booking.prebook_share")
	}
	return f
}

// checkClinic checks what templates and single sessions have in common.
func checkClinic(f *errs.Fields, p Period, n NumberType, fee int64, departmentID, examID, room string) {
	if !slices.Contains([]Period{Morning, Afternoon, Evening}, p) {
		f.Add("period", "not_allowed")
	}
	if !slices.Contains([]NumberType{Ordinary, Expert, Special, Exam}, n) {
		f.Add("type", "not_allowed")
	}
	if departmentID == "" {
		f.Add("department_id", "required")
	}
	if (n == Exam) != (examID != "") {
		f.Add("exam_id", "booking.exam_needed")
	}
	if fee < 0 || fee > 100_000_00 {
		f.Add("fee_cents", "out_of_range")
	}
	checkText(f, "room", room, 60)
}

// checkNumbers checks how a session is cut into numbers.
func checkNumbers(f *errs.Fields, length, slotMinutes, capacity int, lanes map[Lane]int) {
	if slotMinutes < 1 || slotMinutes > 480 || (length > 0 && slotMinutes > length) {
		f.Add("slot_minutes", "out_of_range")
	}
	if capacity < 1 || capacity > maxCapacity {
		f.Add("capacity", "out_of_range")
	}
	sum := 0
	for lane, n := range lanes {
		if !slices.Contains([]Lane{LanePhone, LaneWeb, LaneKiosk, LaneOnSite, LaneReferral, LaneVIP}, lane) {
			f.Add("lanes", "not_allowed")
		}
		if n < 0 || n > capacity {
			f.Add(fmt.Sprintf("lanes.%s", lane), "out_of_range")
			return
		}
		sum += n
	}
	if sum > capacity {
		f.Add("lanes", "booking.lanes_exceed")
	}
}
