package policy

import (
	"slices"
	"time"
)

// Person is what the rules ask about somebody.
type Person struct {
	BirthDate string // ISO date; "" when unknown
	RealName  bool
}

// Session is what the rules ask about the number wanted. Times are in the
// hospital's zone.
type Session struct {
	Date         time.Time // midnight of its day
	Start        time.Time // of the number, or of the session
	End          time.Time // of the session
	Period       string
	DepartmentID string
	DoctorID     string
	Type         string
	ReleaseAt    time.Time // as stored with the session; zero: by the policy
	Closed       bool
	Channel      string
	Reserved     bool // a referral, an added number or a series: window and release do not bind it
}

// Booking is one of a person's other appointments that counts for limits:
// active, attended or missed, not cancelled.
type Booking struct {
	Date         time.Time
	Period       string
	DepartmentID string
	DoctorID     string
}

// Occurrence is one event of a person's history.
type Occurrence struct {
	Event Event
	At    time.Time
}

// Active is a penalty in force.
type Active struct {
	ID    string
	Event Event
	From  time.Time
	Until time.Time
}

// History is what a person did before.
type History struct {
	Bookings []Booking
	Bans     []Active
}

// Reason is why something is refused, as a message key with parameters.
type Reason struct {
	Key    string         `json:"key"`
	Params map[string]any `json:"params,omitempty"`
}

// Verdict is the answer to "may this person have this number now?".
type Verdict struct {
	Allowed     bool
	Reasons     []Reason
	OpensAt     time.Time // when a refused number opens; zero if that is not the reason
	CancelUntil time.Time
	Bans        []Active // in force
	Fee         int64    // 分, what this person pays
	PriceRule   string   // the published rule by which that differs from everybody's fee; "" when it does not
}

func (v *Verdict) refuse(key string, kv ...any) {
	r := Reason{Key: key}
	for i := 0; i+1 < len(kv); i += 2 {
		if r.Params == nil {
			r.Params = make(map[string]any, len(kv)/2)
		}
		r.Params[kv[i].(string)] = kv[i+1]
	}
	v.Reasons = append(v.Reasons, r)
}

// Decide says whether a person may book a number now, with every reason why
// not. now is in the hospital's zone.
func Decide(p Policy, who Person, se Session, h History, days Days, now time.Time) Verdict {
	v := Verdict{CancelUntil: p.CancelUntil(se.Type, se.Start, days)}
	if se.Closed {
		v.refuse("booking.session_closed")
	}
	if !now.Before(se.End) {
		v.refuse("booking.past")
	} else if !se.Reserved {
		p.decideTime(&v, se, now)
	}
	p.decidePerson(&v, who, se.Date)
	p.decideLimits(&v, se, h)
	for _, b := range h.Bans {
		if now.Before(b.Until) && !now.Before(b.From) {
			v.Bans = append(v.Bans, b)
		}
	}
	if len(v.Bans) > 0 {
		last := slices.MaxFunc(v.Bans, func(a, b Active) int { return a.Until.Compare(b.Until) })
		v.refuse("booking.penalty", "until", last.Until.Format(time.DateOnly), "event", string(last.Event))
	}
	v.Allowed = len(v.Reasons) == 0
	return v
}

// decideTime checks window, release and the closing of the next day.
func (p Policy) decideTime(v *Verdict, se Session, now time.Time) {
	w := p.window(se.Channel)
	ahead := daysBetween(now, se.Date)
	if ahead < w.From || ahead > w.To {
		v.refuse("booking.window", "from", w.From, "to", w.To)
		return
	}
	opens := se.ReleaseAt
	if opens.IsZero() {
		opens = p.ReleaseAt(se.Date)
	}
	if now.Before(opens) {
		v.OpensAt = opens
		v.refuse("booking.not_released", "at", opens.In(now.Location()).Format("2006-01-02 15:04"))
	}
	if ahead == 1 && p.NextDayClose != "" && !now.Before(on(now, p.NextDayClose)) {
		v.refuse("booking.next_day_closed", "at", p.NextDayClose)
	}
}

// decidePerson checks age on the day of the visit, and the real name.
func (p Policy) decidePerson(v *Verdict, who Person, day time.Time) {
	if p.RealName && !who.RealName {
		v.refuse("booking.real_name")
	}
	if p.MinAge == 0 {
		return
	}
	born, err := time.ParseInLocation(time.DateOnly, who.BirthDate, day.Location())
	if err != nil {
		v.refuse("booking.birth_date_missing", "min", p.MinAge)
		return
	}
	if day.Before(time.Date(born.Year()+p.MinAge, born.Month(), born.Day(), 0, 0, 0, 0, day.Location())) {
		v.refuse("booking.age", "min", p.MinAge)
	}
}

// decideLimits counts the bookings that a limit counts together with this one.
func (p Policy) decideLimits(v *Verdict, se Session, h History) {
	for _, l := range p.Limits {
		n := 0
		for _, b := range h.Bookings {
			if sameSpan(l.Per, b.Date, se.Date) && sameScope(l.Scope, b, se) {
				n++
			}
		}
		if n >= l.Count {
			v.refuse("booking.limit", "scope", string(l.Scope), "per", string(l.Per), "count", l.Count)
		}
	}
}

func sameScope(s Scope, b Booking, se Session) bool {
	switch s {
	case PerDepartment:
		return b.DepartmentID == se.DepartmentID
	case PerDoctor:
		return se.DoctorID != "" && b.DoctorID == se.DoctorID
	case PerDepartmentDoctor:
		return b.DepartmentID == se.DepartmentID && b.DoctorID == se.DoctorID
	case PerPeriod:
		return b.Period == se.Period && daysBetween(b.Date, se.Date) == 0
	}
	return true
}

func sameSpan(s Span, a, b time.Time) bool {
	if s == CalendarMonth {
		return a.Year() == b.Year() && a.Month() == b.Month()
	}
	return daysBetween(a, b) == 0
}

// daysBetween counts calendar days from a to b, whatever the clock does.
func daysBetween(a, b time.Time) int {
	x := time.Date(a.Year(), a.Month(), a.Day(), 0, 0, 0, 0, time.UTC)
	y := time.Date(b.Year(), b.Month(), b.Day(), 0, 0, 0, 0, time.UTC)
	return int(y.Sub(x) / (24 * time.Hour))
}
