// Package policy decides who may book, change and cancel what, and when: a
// hospital's published rules as data, and pure functions over it. It reads no
// database and no clock; the caller brings the person, the session, the
// history and the time. It does not know how numbers are given out.
package policy

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Event is something in a person's history that a penalty may follow.
type Event string

// The events. A same-day refund is a patient's cancellation on the day of the
// visit; a policy without a rule for it counts it as a cancellation.
const (
	NoShow        Event = "no_show"
	Cancelled     Event = "cancel"
	SameDayRefund Event = "same_day_refund"
)

// Span is the time over which events or bookings are counted.
type Span string

// The spans. Rolling counts the last Months months up to the event.
const (
	CalendarDay      Span = "day"
	CalendarMonth    Span = "month"
	CalendarHalfYear Span = "half_year"
	CalendarYear     Span = "year"
	Rolling          Span = "rolling"
)

// BanKind says how long a penalty lasts.
type BanKind string

// The kinds of bans.
const (
	UntilMonthEnd BanKind = "month_end" // the rest of the calendar month
	ForMonths     BanKind = "months"
	ForDays       BanKind = "days"         // n days
	DaysByOrdinal BanKind = "days_ordinal" // n days for the first event, 2n for the second, and so on
)

// Scope says which bookings a limit counts together.
type Scope string

// The scopes.
const (
	PerPerson           Scope = "person"
	PerDepartment       Scope = "department"
	PerDoctor           Scope = "doctor"
	PerDepartmentDoctor Scope = "department_doctor"
	PerPeriod           Scope = "period" // the same half day
)

// DeadlineKind says how a cancellation deadline is counted.
type DeadlineKind string

// The kinds of deadlines.
const (
	BeforeStart        DeadlineKind = "before_start"         // Minutes before the number's time
	PreviousDay        DeadlineKind = "previous_day"         // At a time of the day before
	PreviousWorkingDay DeadlineKind = "previous_working_day" // At a time of the last working day before
	StartOfDay         DeadlineKind = "start_of_day"         // 00:00 of the day of the visit
)

// LateKind says what becomes of the number of somebody who is late.
type LateKind string

// The late rules.
const (
	LateKeep LateKind = "keep" // valid until the session ends
	LateMiss LateKind = "miss" // void once the grace has passed
)

// Policy is one hospital's rules.
type Policy struct {
	Window       Window              `json:"window"`
	Channels     map[string]Window   `json:"channels,omitempty"` // windows of single channels, e.g. onsite from 0
	Release      string              `json:"release"`            // time of day "06:30" at which the furthest day opens; "" at once
	NextDayClose string              `json:"next_day_close"`     // time of day after which tomorrow can no longer be booked; "" never
	MinAge       int                 `json:"min_age"`
	RealName     bool                `json:"real_name"`
	Limits       []Limit             `json:"limits"`
	Cancel       Deadline            `json:"cancel"`
	CancelByType map[string]Deadline `json:"cancel_by_type,omitempty"`
	Late         Late                `json:"late"`
	Penalties    []Penalty           `json:"penalties"`
	HoldMinutes  int                 `json:"hold_minutes"`  // longest hold before a confirmation
	OfferMinutes int                 `json:"offer_minutes"` // how long the waitlist offers a number
	OfferHours   int                 `json:"offer_hours"`   // how long a replacement for a closed session is kept
	ReminderHour string              `json:"reminder_at"`   // time of day of the reminder, the day before
	QuietFrom    string              `json:"quiet_from"`    // no reminder is sent from here …
	QuietTo      string              `json:"quiet_to"`      // … to here
	VIPPrice     VIPPrice            `json:"vip_price"`
}

// VIPPrice is what VIPs pay less. A different price for different people needs
// a rule that everybody can read (PIPL, article 24): without a reference to its
// publication there is none. The zero value is off.
type VIPPrice struct {
	Percent   int      `json:"percent"`         // of the fee; 0: everybody pays the same
	Types     []string `json:"types,omitempty"` // number types; none: all
	Published string   `json:"published"`       // where and when the rule was published
}

// Price is the fee of a number of a type, for a VIP or anybody else. What is
// less than a 分 is rounded in the patient's favour.
func (p Policy) Price(fee int64, numberType string, vip bool) int64 {
	r := p.VIPPrice
	if !vip || r.Percent == 0 || r.Published == "" || (len(r.Types) > 0 && !slices.Contains(r.Types, numberType)) {
		return fee
	}
	return fee * int64(r.Percent) / 100
}

// Window is how far ahead numbers may be booked, in days from today.
type Window struct {
	From int `json:"from"`
	To   int `json:"to"`
}

// Limit allows at most Count active or attended bookings per span and scope.
type Limit struct {
	Scope Scope `json:"scope"`
	Per   Span  `json:"per"` // day or month
	Count int   `json:"count"`
}

// Deadline is the last moment for a patient's cancellation.
type Deadline struct {
	Kind    DeadlineKind `json:"kind"`
	At      string       `json:"at,omitempty"`
	Minutes int          `json:"minutes,omitempty"`
}

// Late says what happens to patients who come after their time.
type Late struct {
	Kind         LateKind `json:"kind"`
	GraceMinutes int      `json:"grace_minutes"`
}

// Penalty bans a person who collected Count of the Events within a span.
type Penalty struct {
	Events []Event `json:"events"`
	Count  int     `json:"count"`
	Per    Span    `json:"per"`
	Months int     `json:"months,omitempty"` // of a rolling span
	Ban    Ban     `json:"ban"`
}

// Ban is how long somebody may not book.
type Ban struct {
	Kind BanKind `json:"kind"`
	N    int     `json:"n,omitempty"`
}

// Days says which dates are working days.
type Days interface {
	Working(date time.Time) bool
}

// Weekdays is the plain week: Monday to Friday work.
type Weekdays struct{}

// Working reports whether date is Monday to Friday.
func (Weekdays) Working(date time.Time) bool {
	return date.Weekday() != time.Saturday && date.Weekday() != time.Sunday
}

// Parse reads a policy from JSON and validates it. Unknown fields are refused.
func Parse(text []byte) (Policy, error) {
	var p Policy
	d := json.NewDecoder(newReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return Policy{}, fmt.Errorf("decode policy: %w", err)
	}
	if d.More() {
		return Policy{}, fmt.Errorf("decode policy: more than one document")
	}
	return p, p.Validate()
}

// window is the window of a channel.
func (p Policy) window(channel string) Window {
	if w, ok := p.Channels[channel]; ok {
		return w
	}
	return p.Window
}

// ReleaseAt is when the numbers of a date open. The zero time means at once.
func (p Policy) ReleaseAt(date time.Time) time.Time {
	first := time.Date(date.Year(), date.Month(), date.Day()-p.Window.To, 0, 0, 0, 0, date.Location())
	if p.Release == "" {
		return first
	}
	return on(first, p.Release)
}

// Hold is the longest hold.
func (p Policy) Hold() time.Duration { return time.Duration(p.HoldMinutes) * time.Minute }

// Offer is how long a waitlist offer stands.
func (p Policy) Offer() time.Duration { return time.Duration(p.OfferMinutes) * time.Minute }

// CancelUntil is the last moment at which a patient may cancel a number of a
// type that begins at start (in the hospital's zone).
func (p Policy) CancelUntil(numberType string, start time.Time, days Days) time.Time {
	d, ok := p.CancelByType[numberType]
	if !ok {
		d = p.Cancel
	}
	day := time.Date(start.Year(), start.Month(), start.Day(), 0, 0, 0, 0, start.Location())
	switch d.Kind {
	case BeforeStart:
		return start.Add(-time.Duration(d.Minutes) * time.Minute)
	case PreviousDay:
		return on(day.AddDate(0, 0, -1), d.At)
	case PreviousWorkingDay:
		before := day.AddDate(0, 0, -1)
		for range 30 { // no holiday is longer
			if days.Working(before) {
				break
			}
			before = before.AddDate(0, 0, -1)
		}
		return on(before, d.At)
	}
	return day
}

// VoidAt is when the number of somebody who did not come is lost.
func (p Policy) VoidAt(start, sessionEnd time.Time) time.Time {
	if p.Late.Kind == LateMiss {
		return start.Add(time.Duration(p.Late.GraceMinutes) * time.Minute)
	}
	return sessionEnd
}

// on is a time of day on a date; text was validated.
func on(date time.Time, text string) time.Time {
	h, m, ok := clock(text)
	if !ok {
		return date
	}
	return time.Date(date.Year(), date.Month(), date.Day(), h, m, 0, 0, date.Location())
}

// clock reads "06:30".
func clock(text string) (hour, minute int, ok bool) {
	t, err := time.Parse("15:04", text)
	if err != nil || len(text) != 5 {
		return 0, 0, false
	}
	return t.Hour(), t.Minute(), true
}
