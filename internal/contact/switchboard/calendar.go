package switchboard

import (
	"time"

	"heartline/internal/platform/calendar"
)

// Calendar is a named set of opening hours.
type Calendar struct {
	Meta
	Name  string
	Hours calendar.Hours
}

// Open reports whether the calendar is open at a moment, why, and when that
// changes next.
func (c Calendar) Open(at time.Time) (open bool, why string, next time.Time) {
	return c.Hours.Open(at)
}
