// Package kpi computes the figures of the contact centre, by formulas that are
// published in docs/kpi.md.
//
// It owns the formulas (pure, over Tally) and their aggregation over the call
// records for reports. It does not own the records themselves
// (contact/callrecord) nor the live counters of the wallboard (contact/acd),
// which follow the same definitions.
package kpi

import "time"

// Formulas is the version of the definitions below; a change of a formula is
// a new version, so that old reports can say what they meant.
const Formulas = "2026-11"

// Definition is a way to compute the service level. They differ between the
// products on the market; a hospital that switches product keeps its series.
type Definition string

// The definitions. T is the goal, such as 15 s.
const (
	// ExShort is ours: answered within T / (offered − short abandoned).
	ExShort Definition = "ex_short"
	// OfAnswered: answered within T / answered. Abandoned calls do not count
	// at all, so it looks best when service is worst.
	OfAnswered Definition = "of_answered"
	// AbandonedMet: (answered within T + abandoned within T) / offered.
	AbandonedMet Definition = "abandoned_met"
	// OfAll: answered within T / offered. The strictest.
	OfAll Definition = "of_all"
)

// Definitions lists them, ours first.
func Definitions() []Definition { return []Definition{ExShort, OfAnswered, AbandonedMet, OfAll} }

// Limit of GB/T 33358-2016 for the wait until a person answers, and its lowest
// connection rate.
const (
	GBAnswerWithin  = 15 * time.Second
	GBMinConnection = 0.95
)

// Result is how a call's wait for a person ended.
type Result uint8

// The results. Every offered call has exactly one.
const (
	Answered   Result = iota
	Abandoned         // the caller gave up
	Overflowed        // went on to another queue or out of the house
	Unserved          // closed, full, nobody there, fault, key to leave
)

// Wait is one offered call: how long somebody waited for a person, ringing
// included, and how that ended.
type Wait struct {
	Result Result
	Waited time.Duration
}

// Part is one agent's answered part of a call.
type Part struct {
	Talk, Hold, Wrap time.Duration
}

// Goals are the limits that formulas need.
type Goals struct {
	ServiceLevel time.Duration // T; default 15 s, as GB/T 33358
	ShortAbandon time.Duration // hang-ups up to it are short; default 5 s
}

// DefaultGoals are the published ones.
func DefaultGoals() Goals {
	return Goals{ServiceLevel: GBAnswerWithin, ShortAbandon: 5 * time.Second}
}

// Tally is what the formulas count. The balance always holds:
// Offered = Answered + Abandoned + Overflowed + Unserved.
type Tally struct {
	Offered         int `json:"offered"`
	Answered        int `json:"answered"`
	AnsweredInTime  int `json:"answered_in_time"` // within T
	AnsweredIn15s   int `json:"answered_in_15s"`  // within the 15 s of GB/T 33358
	Abandoned       int `json:"abandoned"`        // includes short ones
	ShortAbandoned  int `json:"short_abandoned"`
	AbandonedInTime int `json:"abandoned_in_time"` // within T
	Overflowed      int `json:"overflowed"`
	Unserved        int `json:"unserved"`

	WaitAnswered  time.Duration `json:"-"` // sum over answered calls
	WaitAbandoned time.Duration `json:"-"`
	LongestWait   time.Duration `json:"-"`

	Handled int           `json:"handled"` // calls with at least one answered part
	Parts   int           `json:"parts"`
	Talk    time.Duration `json:"-"`
	Hold    time.Duration `json:"-"`
	Wrap    time.Duration `json:"-"`
}

// AddWait counts an offered call.
func (t *Tally) AddWait(w Wait, g Goals) {
	t.Offered++
	t.LongestWait = max(t.LongestWait, w.Waited)
	switch w.Result {
	case Answered:
		t.Answered++
		t.WaitAnswered += w.Waited
		if w.Waited <= g.ServiceLevel {
			t.AnsweredInTime++
		}
		if w.Waited <= GBAnswerWithin {
			t.AnsweredIn15s++
		}
	case Abandoned:
		t.Abandoned++
		t.WaitAbandoned += w.Waited
		if w.Waited <= g.ServiceLevel {
			t.AbandonedInTime++
		}
		if w.Waited <= g.ShortAbandon {
			t.ShortAbandoned++
		}
	case Overflowed:
		t.Overflowed++
	default:
		t.Unserved++
	}
}

// AddPart counts an agent's part; first says that it is the call's first, so
// that a transferred call is handled once.
func (t *Tally) AddPart(p Part, first bool) {
	t.Parts++
	if first {
		t.Handled++
	}
	t.Talk += p.Talk
	t.Hold += p.Hold
	t.Wrap += p.Wrap
}

// Balanced reports whether every offered call is accounted for once.
func (t *Tally) Balanced() bool {
	return t.Offered == t.Answered+t.Abandoned+t.Overflowed+t.Unserved
}

// ServiceLevel is the share of calls served within the goal, by a definition;
// ok is false when there is nothing to divide by.
func (t *Tally) ServiceLevel(d Definition) (share float64, ok bool) {
	switch d {
	case OfAnswered:
		return ratio(t.AnsweredInTime, t.Answered)
	case AbandonedMet:
		return ratio(t.AnsweredInTime+t.AbandonedInTime, t.Offered)
	case OfAll:
		return ratio(t.AnsweredInTime, t.Offered)
	}
	return ratio(t.AnsweredInTime, t.Offered-t.ShortAbandoned)
}

// ASA is the average speed of answer: the mean wait of answered calls from the
// moment a person was asked for to the answer. Menu time is not in it, ringing
// is.
func (t *Tally) ASA() (time.Duration, bool) { return mean(t.WaitAnswered, t.Answered) }

// AbandonRate is (abandoned − short abandoned) / (offered − short abandoned).
func (t *Tally) AbandonRate() (float64, bool) {
	return ratio(t.Abandoned-t.ShortAbandoned, t.Offered-t.ShortAbandoned)
}

// AHT is the average handling time of a call: talk + hold + wrap-up of all its
// agents / handled calls.
func (t *Tally) AHT() (time.Duration, bool) { return mean(t.Talk+t.Hold+t.Wrap, t.Handled) }

// AnswerIn15s is the share of answered calls that were answered within the
// 15 s of GB/T 33358.
func (t *Tally) AnswerIn15s() (float64, bool) { return ratio(t.AnsweredIn15s, t.Answered) }

// Connection is the connection rate of GB/T 33358: answered / offered.
func (t *Tally) Connection() (float64, bool) { return ratio(t.Answered, t.Offered) }

// PerHour is callers per hour: offered / length of the period.
func (t *Tally) PerHour(period time.Duration) (float64, bool) {
	if period <= 0 {
		return 0, false
	}
	return float64(t.Offered) / period.Hours(), true
}

// Occupancy is the share of working time spent on contacts: contact /
// (contact + idle). Contact is ringing, talking (hold included) and wrap-up,
// idle is ready without a call; not ready counts for neither.
func Occupancy(contact, idle time.Duration) (float64, bool) {
	if contact+idle <= 0 {
		return 0, false
	}
	return float64(contact) / float64(contact+idle), true
}

func ratio(n, of int) (float64, bool) {
	if of <= 0 {
		return 0, false
	}
	return float64(n) / float64(of), true
}

func mean(sum time.Duration, n int) (time.Duration, bool) {
	if n <= 0 {
		return 0, false
	}
	return sum / time.Duration(n), true
}
