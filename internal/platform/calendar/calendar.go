// Package calendar says when a service is open: weekly hours, public holidays
// and the weekend days that are worked to make up for them. It is pure: the
// caller brings the time. It does not know who uses a calendar or where it is
// stored.
package calendar

import (
	"fmt"
	"time"
)

// Span is a part of a day in minutes since midnight, [From, To); To may be
// 1440 (midnight). A night shift is two spans on two days.
type Span struct {
	From int `json:"from"`
	To   int `json:"to"`
}

// Why an answer of Open is as it is.
const (
	WhyHours   = "hours"   // within, or outside, the weekly hours
	WhyHoliday = "holiday" // a public holiday or another special day
	WhyWorkday = "workday" // a weekend day that is worked instead of a holiday
	WhyAlways  = "always"  // no hours are set: open day and night
)

// Day overrides one date.
type Day struct {
	Name string `json:"name"`
	// Like makes the date follow the hours of that weekday: a make-up day.
	// It is used when Spans is nil and Closed is false.
	Like   time.Weekday `json:"like"`
	Closed bool         `json:"closed"`
	Spans  []Span       `json:"spans,omitempty"` // special hours of this date
}

// Hours are opening hours in one time zone. The zero value is open always.
type Hours struct {
	Weekly   [7][]Span      `json:"weekly"`   // by time.Weekday, Sunday first
	Holidays map[string]Day `json:"holidays"` // by date, "2026-10-01"
	Zone     string         `json:"zone"`     // IANA name; empty means Asia/Shanghai
}

// horizon bounds the search for the next change.
const horizon = 400

// Open says whether the service is open at a time, why, and when that changes
// next; next is zero if it does not change within a year.
func (h Hours) Open(at time.Time) (open bool, why string, next time.Time) {
	if h.always() {
		return true, WhyAlways, time.Time{}
	}
	local := at.In(h.Location())
	spans, why := h.day(local)
	minute := local.Hour()*60 + local.Minute()
	for _, s := range spans {
		if minute >= s.From && minute < s.To {
			return true, why, h.next(local, true)
		}
	}
	return false, why, h.next(local, false)
}

// Location is the zone of h; an unknown name falls back to Asia/Shanghai's
// fixed offset, which has had no summer time since 1991.
func (h Hours) Location() *time.Location {
	name := h.Zone
	if name == "" {
		name = "Asia/Shanghai"
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return time.FixedZone("CST", 8*3600)
	}
	return loc
}

// Validate says what is wrong with h: spans outside the day, backwards or
// overlapping, dates that do not exist, an unknown zone.
func (h Hours) Validate() error {
	if h.Zone != "" {
		if _, err := time.LoadLocation(h.Zone); err != nil {
			return fmt.Errorf("zone %q: %w", h.Zone, err)
		}
	}
	for wd, spans := range h.Weekly {
		if err := validate(spans); err != nil {
			return fmt.Errorf("%s: %w", time.Weekday(wd), err)
		}
	}
	for date, d := range h.Holidays {
		if _, err := time.Parse(time.DateOnly, date); err != nil {
			return fmt.Errorf("holiday: %w", err)
		}
		if err := validate(d.Spans); err != nil {
			return fmt.Errorf("holiday %s: %w", date, err)
		}
		if d.Like < time.Sunday || d.Like > time.Saturday {
			return fmt.Errorf("holiday %s: no such weekday %d", date, d.Like)
		}
	}
	return nil
}

func validate(spans []Span) error {
	end := 0
	for _, s := range spans {
		if s.From < end || s.To <= s.From || s.To > 24*60 {
			return fmt.Errorf("span %d–%d is outside the day, backwards or overlaps the one before", s.From, s.To)
		}
		end = s.To
	}
	return nil
}

func (h Hours) always() bool {
	for _, spans := range h.Weekly {
		if len(spans) > 0 {
			return false
		}
	}
	return len(h.Holidays) == 0
}

// day returns the spans of local's date and where they come from.
func (h Hours) day(local time.Time) ([]Span, string) {
	d, special := h.Holidays[local.Format(time.DateOnly)]
	switch {
	case !special:
		return h.Weekly[local.Weekday()], WhyHours
	case d.Closed:
		return nil, WhyHoliday
	case d.Spans != nil:
		return d.Spans, WhyHoliday
	default:
		return h.Weekly[d.Like], WhyWorkday
	}
}

// next finds the first moment after local at which the answer is no longer now.
// Spans that touch, also over midnight, are one.
func (h Hours) next(local time.Time, now bool) time.Time {
	from := local.Hour()*60 + local.Minute() + 1
	for i := range horizon {
		date := time.Date(local.Year(), local.Month(), local.Day()+i, 0, 0, 0, 0, local.Location())
		spans, _ := h.day(date)
		if m, ok := firstChange(spans, from, now); ok {
			return time.Date(date.Year(), date.Month(), date.Day(), 0, m, 0, 0, date.Location())
		}
		from = 0
	}
	return time.Time{}
}

// firstChange finds the first minute ≥ from of a day whose answer differs from now.
func firstChange(spans []Span, from int, now bool) (int, bool) {
	m := from
	for _, s := range spans {
		if s.To <= m {
			continue
		}
		inside := s.From <= m
		switch {
		case !now && inside:
			return m, m < 24*60
		case !now:
			return s.From, true
		case !inside: // open before, a gap begins at m
			return m, m < 24*60
		}
		m = s.To
	}
	return m, now && m < 24*60
}
