package messaging

import (
	"fmt"
	"strings"
	"time"
)

// Quiet are the hours of a day in which a class of messages waits. They may
// span midnight; the zero value is none.
type Quiet struct {
	From, To time.Duration // since midnight
}

// ParseQuiet reads "21:30-07:30"; the empty text is none.
func ParseQuiet(s string) (Quiet, error) {
	if s == "" {
		return Quiet{}, nil
	}
	a, b, ok := strings.Cut(s, "-")
	from, err1 := time.Parse("15:04", strings.TrimSpace(a))
	to, err2 := time.Parse("15:04", strings.TrimSpace(b))
	if !ok || err1 != nil || err2 != nil || from.Equal(to) {
		return Quiet{}, fmt.Errorf("%q are no hours such as 21:30-07:30", s)
	}
	since := func(t time.Time) time.Duration {
		return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute
	}
	return Quiet{From: since(from), To: since(to)}, nil
}

// after is t, or the end of the quiet hours that t falls into.
func (q Quiet) after(t time.Time, zone *time.Location) time.Time {
	if q.From == q.To {
		return t
	}
	local := t.In(zone)
	y, m, d := local.Date()
	clock := time.Duration(local.Hour())*time.Hour + time.Duration(local.Minute())*time.Minute + time.Duration(local.Second())*time.Second
	at := func(day int, since time.Duration) time.Time {
		return time.Date(y, m, day, int(since/time.Hour), int(since%time.Hour/time.Minute), 0, 0, zone)
	}
	switch {
	case q.From < q.To && clock >= q.From && clock < q.To:
		return at(d, q.To)
	case q.From > q.To && clock >= q.From:
		return at(d+1, q.To)
	case q.From > q.To && clock < q.To:
		return at(d, q.To)
	}
	return t
}
