package policy

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"heartline/internal/platform/errs"
)

// Limits of what a policy may say.
const (
	maxDays  = 366
	maxRules = 20
)

func newReader(text []byte) io.Reader { return bytes.NewReader(text) }

// Validate says what is wrong with a policy, field by field.
func (p Policy) Validate() error {
	var f errs.Fields
	window(&f, "window", p.Window)
	if len(p.Channels) > maxRules {
		f.Add("channels", "too_long")
	}
	for name, w := range p.Channels {
		if name == "" || len(name) > 20 {
			f.Add("channels", "not_allowed")
		}
		window(&f, "channels."+name, w)
	}
	for _, t := range []struct{ path, text string }{{"release", p.Release}, {"next_day_close", p.NextDayClose},
		{"reminder_at", p.ReminderHour}, {"quiet_from", p.QuietFrom}, {"quiet_to", p.QuietTo}} {
		timeOfDay(&f, t.path, t.text, false)
	}
	if (p.QuietFrom == "") != (p.QuietTo == "") {
		f.Add("quiet_to", "required")
	}
	between(&f, "min_age", p.MinAge, 0, 120)
	between(&f, "hold_minutes", p.HoldMinutes, 1, 30)
	between(&f, "offer_minutes", p.OfferMinutes, 15, 30)
	between(&f, "offer_hours", p.OfferHours, 1, 72)
	between(&f, "late.grace_minutes", p.Late.GraceMinutes, 0, 240)
	oneOf(&f, "late.kind", p.Late.Kind, LateKeep, LateMiss)
	p.Cancel.check(&f, "cancel")
	if len(p.CancelByType) > maxRules {
		f.Add("cancel_by_type", "too_long")
	}
	for name, d := range p.CancelByType {
		oneOf(&f, "cancel_by_type", name, "ordinary", "expert", "special", "exam")
		d.check(&f, "cancel_by_type."+name)
	}
	p.VIPPrice.check(&f)
	p.checkRules(&f)
	slices.SortFunc(f, func(a, b errs.Field) int { return bytes.Compare([]byte(a.Path), []byte(b.Path)) })
	return f.Err()
}

func (p Policy) checkRules(f *errs.Fields) {
	if len(p.Limits) > maxRules {
		f.Add("limits", "too_long")
	}
	for i, l := range p.Limits {
		path := fmt.Sprintf("limits[%d].", i)
		oneOf(f, path+"scope", l.Scope, PerPerson, PerDepartment, PerDoctor, PerDepartmentDoctor, PerPeriod)
		oneOf(f, path+"per", l.Per, CalendarDay, CalendarMonth)
		between(f, path+"count", l.Count, 1, 100)
	}
	if len(p.Penalties) > maxRules {
		f.Add("penalties", "too_long")
	}
	for i, r := range p.Penalties {
		path := fmt.Sprintf("penalties[%d].", i)
		if len(r.Events) == 0 || len(r.Events) > 3 {
			f.Add(path+"events", "required")
		}
		for _, e := range r.Events {
			oneOf(f, path+"events", e, NoShow, Cancelled, SameDayRefund)
		}
		between(f, path+"count", r.Count, 1, 100)
		oneOf(f, path+"per", r.Per, CalendarMonth, CalendarHalfYear, CalendarYear, Rolling)
		if r.Per == Rolling {
			between(f, path+"months", r.Months, 1, 24)
		}
		oneOf(f, path+"ban.kind", r.Ban.Kind, UntilMonthEnd, ForMonths, ForDays, DaysByOrdinal)
		switch r.Ban.Kind {
		case ForMonths:
			between(f, path+"ban.n", r.Ban.N, 1, 24)
		case ForDays, DaysByOrdinal:
			between(f, path+"ban.n", r.Ban.N, 1, maxDays)
		}
	}
}

func (r VIPPrice) check(f *errs.Fields) {
	if r.Percent == 0 {
		return
	}
	between(f, "vip_price.percent", r.Percent, 1, 99)
	switch n := utf8.RuneCountInString(strings.TrimSpace(r.Published)); {
	case n < 4:
		f.Add("vip_price.published", "booking.price_unpublished")
	case n > 200:
		f.Add("vip_price.published", "too_long")
	}
	for _, t := range r.Types {
		oneOf(f, "vip_price.types", t, "ordinary", "expert", "special", "exam")
	}
}

func (d Deadline) check(f *errs.Fields, path string) {
	oneOf(f, path+".kind", d.Kind, BeforeStart, PreviousDay, PreviousWorkingDay, StartOfDay)
	switch d.Kind {
	case BeforeStart:
		between(f, path+".minutes", d.Minutes, 0, 7*24*60)
	case PreviousDay, PreviousWorkingDay:
		timeOfDay(f, path+".at", d.At, true)
	}
}

func window(f *errs.Fields, path string, w Window) {
	between(f, path+".from", w.From, 0, maxDays)
	between(f, path+".to", w.To, 0, maxDays)
	if w.To < w.From {
		f.Add(path+".to", "out_of_range")
	}
}

func timeOfDay(f *errs.Fields, path, text string, required bool) {
	if text == "" {
		if required {
			f.Add(path, "required")
		}
		return
	}
	if _, _, ok := clock(text); !ok {
		f.Add(path, "booking.time_invalid")
	}
}

func between(f *errs.Fields, path string, n, from, to int) {
	if n < from || n > to {
		f.Add(path, "out_of_range")
	}
}

func oneOf[T comparable](f *errs.Fields, path string, v T, allowed ...T) {
	if !slices.Contains(allowed, v) {
		f.Add(path, "not_allowed")
	}
}
