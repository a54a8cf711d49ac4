package policy

import (
	"slices"
	"time"
)

// Sentence is a penalty that follows from a history.
type Sentence struct {
	Rule  int // index into Penalties
	Event Event
	Count int // events that led to it
	From  time.Time
	Until time.Time
}

// Classify says what a patient's cancellation at a time counts as, for a visit
// on a day. Both are in the hospital's zone.
func (p Policy) Classify(at, visit time.Time) Event {
	if daysBetween(at, visit) > 0 {
		return Cancelled
	}
	for _, r := range p.Penalties {
		if slices.Contains(r.Events, SameDayRefund) {
			return SameDayRefund
		}
	}
	return Cancelled
}

// Judge returns the longest penalty that the newest event of a history brings,
// if any. past holds the events before it in any order, excused ones left out.
// A rule of n events strikes at the nth, the 2nth and so on of its span; a
// rule that grows by ordinal strikes at every event from the nth.
func (p Policy) Judge(past []Occurrence, newest Occurrence) (Sentence, bool) {
	var worst Sentence
	for i, r := range p.Penalties {
		if !slices.Contains(r.Events, newest.Event) {
			continue
		}
		n := r.count(past, newest)
		if n < r.Count || (r.Ban.Kind != DaysByOrdinal && n%r.Count != 0) {
			continue
		}
		s := Sentence{Rule: i, Event: newest.Event, Count: n, From: newest.At, Until: r.Ban.until(newest.At, n-r.Count+1)}
		if s.Until.After(worst.Until) {
			worst = s
		}
	}
	return worst, !worst.Until.IsZero()
}

// Counted says what the newest event counts as and how many of the kind there
// are with it, in the span of the first rule that counts it. "" and 0: none
// does.
func (p Policy) Counted(past []Occurrence, newest Occurrence) (event string, count int) {
	for _, r := range p.Penalties {
		if slices.Contains(r.Events, newest.Event) {
			return string(newest.Event), r.count(past, newest)
		}
	}
	return "", 0
}

// count counts the events of a rule up to the newest.
func (r Penalty) count(past []Occurrence, newest Occurrence) int {
	n := 1
	for _, o := range past {
		if slices.Contains(r.Events, o.Event) && r.within(o.At, newest.At) {
			n++
		}
	}
	return n
}

// within reports whether an event at lies in the span that ends with the
// event newest.
func (r Penalty) within(at, newest time.Time) bool {
	at = at.In(newest.Location())
	if at.After(newest) {
		return false
	}
	switch r.Per {
	case CalendarMonth:
		return at.Year() == newest.Year() && at.Month() == newest.Month()
	case CalendarHalfYear:
		return at.Year() == newest.Year() && (at.Month() <= time.June) == (newest.Month() <= time.June)
	case CalendarYear:
		return at.Year() == newest.Year()
	case Rolling:
		return at.After(addMonths(newest, -r.Months))
	}
	return false
}

// Since is the earliest time whose events any rule could still count at now.
func (p Policy) Since(now time.Time) time.Time {
	since := now
	for _, r := range p.Penalties {
		var t time.Time
		switch r.Per {
		case CalendarMonth:
			t = time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, now.Location())
		case CalendarHalfYear:
			m := time.January
			if now.Month() > time.June {
				m = time.July
			}
			t = time.Date(now.Year(), m, 1, 0, 0, 0, 0, now.Location())
		case Rolling:
			t = addMonths(now, -r.Months)
		default:
			t = time.Date(now.Year(), time.January, 1, 0, 0, 0, 0, now.Location())
		}
		if t.Before(since) {
			since = t
		}
	}
	return since
}

func (b Ban) until(from time.Time, ordinal int) time.Time {
	switch b.Kind {
	case ForMonths:
		return addMonths(from, b.N)
	case ForDays:
		return from.AddDate(0, 0, b.N)
	case DaysByOrdinal:
		return from.AddDate(0, 0, b.N*ordinal)
	}
	return time.Date(from.Year(), from.Month()+1, 1, 0, 0, 0, 0, from.Location())
}

// addMonths moves a time by months; the 31st becomes the last day of a shorter
// month and not a day of the next.
func addMonths(t time.Time, n int) time.Time {
	first := time.Date(t.Year(), t.Month()+time.Month(n), 1, 0, 0, 0, 0, t.Location())
	last := first.AddDate(0, 1, -1).Day()
	return time.Date(first.Year(), first.Month(), min(t.Day(), last), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), t.Location())
}
