package policy

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"heartline/internal/platform/errs"
)

// TestValidateNamesTheField breaks a valid policy in one place at a time.
func TestValidateNamesTheField(t *testing.T) {
	for _, c := range []struct {
		path, key string
		breaks    func(*Policy)
	}{
		{"window.from", "out_of_range", func(p *Policy) { p.Window.From = -1 }},
		{"window.to", "out_of_range", func(p *Policy) { p.Window = Window{From: 5, To: 4} }},
		{"window.to", "out_of_range", func(p *Policy) { p.Window.To = 400 }},
		{"channels.web.to", "out_of_range", func(p *Policy) { p.Channels = map[string]Window{"web": {From: 2, To: 1}} }},
		{"release", "booking.time_invalid", func(p *Policy) { p.Release = "6:30" }},
		{"release", "booking.time_invalid", func(p *Policy) { p.Release = "24:00" }},
		{"next_day_close", "booking.time_invalid", func(p *Policy) { p.NextDayClose = "noon" }},
		{"quiet_to", "required", func(p *Policy) { p.QuietTo = "" }},
		{"min_age", "out_of_range", func(p *Policy) { p.MinAge = 121 }},
		{"hold_minutes", "out_of_range", func(p *Policy) { p.HoldMinutes = 31 }},
		{"offer_minutes", "out_of_range", func(p *Policy) { p.OfferMinutes = 14 }},
		{"offer_minutes", "out_of_range", func(p *Policy) { p.OfferMinutes = 31 }},
		{"offer_hours", "out_of_range", func(p *Policy) { p.OfferHours = 0 }},
		{"late.kind", "not_allowed", func(p *Policy) { p.Late.Kind = "sometimes" }},
		{"late.grace_minutes", "out_of_range", func(p *Policy) { p.Late.GraceMinutes = -1 }},
		{"cancel.kind", "not_allowed", func(p *Policy) { p.Cancel = Deadline{} }},
		{"cancel.at", "required", func(p *Policy) { p.Cancel = Deadline{Kind: PreviousDay} }},
		{"cancel_by_type", "not_allowed", func(p *Policy) { p.CancelByType = map[string]Deadline{"magic": {Kind: StartOfDay}} }},
		{"cancel_by_type.expert.minutes", "out_of_range", func(p *Policy) { p.CancelByType = map[string]Deadline{"expert": {Kind: BeforeStart, Minutes: -1}} }},
		{"limits[0].scope", "not_allowed", func(p *Policy) { p.Limits = []Limit{{Per: CalendarDay, Count: 1}} }},
		{"limits[0].per", "not_allowed", func(p *Policy) { p.Limits = []Limit{{Scope: PerPerson, Per: CalendarYear, Count: 1}} }},
		{"limits[0].count", "out_of_range", func(p *Policy) { p.Limits = []Limit{{Scope: PerPerson, Per: CalendarDay}} }},
		{"penalties[0].events", "required", func(p *Policy) { p.Penalties[0].Events = nil }},
		{"penalties[0].events", "not_allowed", func(p *Policy) { p.Penalties[0].Events = []Event{"sneeze"} }},
		{"penalties[0].count", "out_of_range", func(p *Policy) { p.Penalties[0].Count = 0 }},
		{"penalties[0].months", "out_of_range", func(p *Policy) { p.Penalties[0].Per = Rolling }},
		{"penalties[0].per", "not_allowed", func(p *Policy) { p.Penalties[0].Per = CalendarDay }},
		{"penalties[0].ban.kind", "not_allowed", func(p *Policy) { p.Penalties[0].Ban = Ban{Kind: "forever"} }},
		{"penalties[0].ban.n", "out_of_range", func(p *Policy) { p.Penalties[0].Ban = Ban{Kind: ForDays} }},
	} {
		p := Presets()[0].Policy
		c.breaks(&p)
		var e *errs.Error
		if !errors.As(p.Validate(), &e) || e.Kind != errs.Invalid {
			t.Errorf("%s: accepted", c.path)
			continue
		}
		found := false
		for _, f := range e.Fields {
			found = found || (f.Path == c.path && f.Key == c.key)
		}
		if !found {
			t.Errorf("%s %s: got %v", c.path, c.key, e.Fields)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	good, err := json.Marshal(Default())
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", "null", "[]", "{", `{"window":{"from":0,"to":7}}`, `{"unknown":1}`, string(good) + "{}", string(good) + "x"} {
		if _, err := Parse([]byte(text)); err == nil {
			t.Errorf("%.40q was accepted", text)
		}
	}
}

// TestEveryReasonAtOnce: a screen shows all that stands in the way.
func TestEveryReasonAtOnce(t *testing.T) {
	now := at(t, "2026-11-25 10:00")
	h := History{Bookings: []Booking{{Date: at(t, "2026-12-25 00:00"), DepartmentID: "cardiology"}},
		Bans: []Active{{ID: "p1", Event: NoShow, From: now.AddDate(0, 0, -3), Until: now.AddDate(0, 0, 3)},
			{ID: "p2", Event: Cancelled, From: now.AddDate(0, 0, -3), Until: now.AddDate(0, 0, 6)},
			{ID: "p3", From: now.AddDate(0, 0, -9), Until: now}}}
	p := Presets()[1].Policy
	p.MinAge = 18
	v := Decide(p, Person{BirthDate: "2020-01-01"}, visit(at(t, "2026-12-25 08:00")), h, Weekdays{}, now)
	var keys []string
	for _, r := range v.Reasons {
		keys = append(keys, r.Key)
	}
	want := []string{"booking.window", "booking.real_name", "booking.age", "booking.limit", "booking.penalty"}
	if len(keys) != len(want) || len(v.Bans) != 2 {
		t.Fatalf("got %v, bans %v", keys, v.Bans)
	}
	for i := range want {
		if keys[i] != want[i] {
			t.Fatalf("got %v, want %v", keys, want)
		}
	}
	if until := v.Reasons[4].Params["until"]; until != "2026-12-01" {
		t.Errorf("the longest penalty counts: %v", until)
	}
}

// TestLeapDay: somebody born on 29 February comes of age on 1 March.
func TestLeapDay(t *testing.T) {
	p := Presets()[0].Policy
	for day, want := range map[string]bool{"2026-02-28 08:00": false, "2026-03-01 08:00": true} {
		start := at(t, day)
		v := Decide(p, Person{BirthDate: "2012-02-29", RealName: true}, visit(start), History{}, Weekdays{}, start.AddDate(0, 0, -1))
		if v.Allowed != want {
			t.Errorf("%s: %+v", day, v)
		}
	}
}

func TestSince(t *testing.T) {
	now := at(t, "2026-11-25 10:00")
	for source, want := range map[string]string{"guahaoe c7fb5521": "2026-01-01 00:00", "guahaoe f1dee171": "2026-07-01 00:00",
		"bankerbay": "2026-08-25 10:00", "hgsyiyuan": "2026-11-01 00:00"} {
		if got := preset(t, source).Since(now); !got.Equal(at(t, want)) {
			t.Errorf("%s: %s", source, got)
		}
	}
}

// FuzzPolicy feeds arbitrary JSON: what is accepted must decide without panic
// and give sane answers.
func FuzzPolicy(f *testing.F) {
	for _, p := range Presets() {
		text, err := json.Marshal(p.Policy)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(`{"window":{"from":-1,"to":99999999}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := Parse(text)
		if err != nil {
			return
		}
		start := time.Date(2026, 12, 31, 8, 0, 0, 0, zone())
		now := start.AddDate(0, 0, -p.Window.From)
		v := Decide(p, adult(), visit(start), History{}, golden{}, now)
		if v.Allowed != (len(v.Reasons) == 0) {
			t.Fatalf("allowed and reasons disagree: %+v", v)
		}
		if u := p.CancelUntil("expert", start, golden{}); u.After(start) && p.Cancel.Kind == BeforeStart {
			t.Fatalf("cancel until %s, after the start", u)
		}
		for _, e := range []Event{NoShow, Cancelled, SameDayRefund} {
			if s, ok := p.Judge([]Occurrence{{Event: e, At: now}}, Occurrence{Event: e, At: start}); ok && !s.Until.After(s.From) {
				t.Fatalf("a ban that ends before it begins: %+v", s)
			}
		}
		back, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Parse(back); err != nil {
			t.Fatalf("does not read back: %v\n%s", err, back)
		}
	})
}
