package policy

import (
	"encoding/json"
	"testing"
	"time"
)

func zone() *time.Location { return time.FixedZone("CST", 8*3600) }

// at reads "2026-11-25 06:30" in the hospital's zone.
func at(t *testing.T, text string) time.Time {
	t.Helper()
	x, err := time.ParseInLocation("2006-01-02 15:04", text, zone())
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func preset(t *testing.T, source string) Policy {
	t.Helper()
	for _, p := range Presets() {
		if p.Source == source {
			return p.Policy
		}
	}
	t.Fatalf("no preset %s", source)
	return Policy{}
}

// visit is an ordinary number at a time, whose session ends four hours later.
func visit(start time.Time, change ...func(*Session)) Session {
	se := Session{Date: time.Date(start.Year(), start.Month(), start.Day(), 0, 0, 0, 0, start.Location()), Start: start, End: start.Add(4 * time.Hour),
		Period: "am", DepartmentID: "cardiology", DoctorID: "wang", Type: "ordinary", Channel: "web"}
	for _, c := range change {
		c(&se)
	}
	return se
}

func adult() Person { return Person{BirthDate: "1980-05-01", RealName: true} }

// golden is the National Day week of 2026: the days off, and Saturday the
// 10th worked.
type golden struct{}

func (golden) Working(d time.Time) bool {
	switch iso := d.Format(time.DateOnly); {
	case iso >= "2026-10-01" && iso <= "2026-10-07":
		return false
	case iso == "2026-10-10":
		return true
	}
	return Weekdays{}.Working(d)
}

type windowCase struct {
	name, source, now, start string
	change                   func(*Session)
	who                      func(*Person)
	want                     string // "" allowed
}

func windowCases() []windowCase {
	return []windowCase{
		// 1–14 d, 06:30; no under-14s
		{"today is too near", "guahaoe c7fb5521", "2026-11-25 07:00", "2026-11-25 08:00", nil, nil, "booking.window"},
		{"tomorrow is the nearest", "guahaoe c7fb5521", "2026-11-25 23:59", "2026-11-26 08:00", nil, nil, ""},
		{"the 14th day before 06:30", "guahaoe c7fb5521", "2026-11-25 06:29", "2026-12-09 08:00", nil, nil, "booking.not_released"},
		{"the 14th day at 06:30", "guahaoe c7fb5521", "2026-11-25 06:30", "2026-12-09 08:00", nil, nil, ""},
		{"the 13th day is open all day", "guahaoe c7fb5521", "2026-11-25 00:00", "2026-12-08 08:00", nil, nil, ""},
		{"the 15th day", "guahaoe c7fb5521", "2026-11-25 12:00", "2026-12-10 08:00", nil, nil, "booking.window"},
		{"the window for today's numbers", "guahaoe c7fb5521", "2026-11-25 07:00", "2026-11-25 08:00", func(s *Session) { s.Channel = "onsite" }, nil, ""},
		{"the day before the 14th birthday", "guahaoe c7fb5521", "2026-11-25 07:00", "2026-11-26 08:00", nil, func(p *Person) { p.BirthDate = "2012-11-27" }, "booking.age"},
		{"on the 14th birthday", "guahaoe c7fb5521", "2026-11-25 07:00", "2026-11-26 08:00", nil, func(p *Person) { p.BirthDate = "2012-11-26" }, ""},
		{"of unknown age", "guahaoe c7fb5521", "2026-11-25 07:00", "2026-11-26 08:00", nil, func(p *Person) { p.BirthDate = "" }, "booking.birth_date_missing"},
		{"without a real name", "guahaoe c7fb5521", "2026-11-25 07:00", "2026-11-26 08:00", nil, func(p *Person) { p.RealName = false }, "booking.real_name"},
		// 0–28 d, 06:00
		{"today", "guahaoe f1dee171", "2026-11-25 07:00", "2026-11-25 08:00", nil, nil, ""},
		{"the session runs", "guahaoe f1dee171", "2026-11-25 09:00", "2026-11-25 08:00", nil, nil, ""},
		{"the session is over", "guahaoe f1dee171", "2026-11-25 12:00", "2026-11-25 08:00", nil, nil, "booking.past"},
		{"the 28th day before 06:00", "guahaoe f1dee171", "2026-11-25 05:59", "2026-12-23 08:00", nil, nil, "booking.not_released"},
		{"the 28th day at 06:00", "guahaoe f1dee171", "2026-11-25 06:00", "2026-12-23 08:00", nil, nil, ""},
		{"the 29th day", "guahaoe f1dee171", "2026-11-25 06:00", "2026-12-24 08:00", nil, nil, "booking.window"},
		{"a child", "guahaoe f1dee171", "2026-11-25 07:00", "2026-11-25 08:00", nil, func(p *Person) { p.BirthDate = "2026-01-01" }, ""},
		// 7 d, 15:00; next day closes 16:00
		{"the 7th day before 15:00", "shhospital/114", "2026-11-25 14:59", "2026-12-02 08:00", nil, nil, "booking.not_released"},
		{"the 7th day at 15:00", "shhospital/114", "2026-11-25 15:00", "2026-12-02 08:00", nil, nil, ""},
		{"the 8th day", "shhospital/114", "2026-11-25 15:00", "2026-12-03 08:00", nil, nil, "booking.window"},
		{"tomorrow before 16:00", "shhospital/114", "2026-11-25 15:59", "2026-11-26 08:00", nil, nil, ""},
		{"tomorrow at 16:00", "shhospital/114", "2026-11-25 16:00", "2026-11-26 08:00", nil, nil, "booking.next_day_closed"},
		{"the day after tomorrow at 16:00", "shhospital/114", "2026-11-25 16:00", "2026-11-27 08:00", nil, nil, ""},
		// no window
		{"a year ahead", "bankerbay", "2026-11-25 16:00", "2027-11-25 08:00", nil, nil, ""},
		// 7 d, 07:00
		{"the 7th day before 07:00", "hgsyiyuan", "2026-11-25 06:59", "2026-12-02 08:00", nil, nil, "booking.not_released"},
		{"the 7th day at 07:00", "hgsyiyuan", "2026-11-25 07:00", "2026-12-02 08:00", nil, nil, ""},
		// what no window binds
		{"a referral before the release", "hgsyiyuan", "2026-11-25 06:59", "2026-12-20 08:00", func(s *Session) { s.Reserved = true }, nil, ""},
		{"a closed session", "hgsyiyuan", "2026-11-25 08:00", "2026-11-26 08:00", func(s *Session) { s.Closed = true }, nil, "booking.session_closed"},
	}
}

// TestWindowsFromTheirTexts checks who may book when, edge by edge.
func TestWindowsFromTheirTexts(t *testing.T) {
	for _, c := range windowCases() {
		t.Run(c.source+" "+c.name, func(t *testing.T) {
			se, who := visit(at(t, c.start)), adult()
			if c.change != nil {
				c.change(&se)
			}
			if c.who != nil {
				c.who(&who)
			}
			v := Decide(preset(t, c.source), who, se, History{}, Weekdays{}, at(t, c.now))
			got := ""
			if len(v.Reasons) > 0 {
				got = v.Reasons[0].Key
			}
			if got != c.want || v.Allowed != (c.want == "") {
				t.Fatalf("got %q %+v, want %q", got, v.Reasons, c.want)
			}
		})
	}
}

// TestLimitsFromTheirTexts checks how many bookings a person may have.
func TestLimitsFromTheirTexts(t *testing.T) {
	day := at(t, "2026-11-26 00:00")
	same := Booking{Date: day, Period: "am", DepartmentID: "cardiology", DoctorID: "wang"}
	otherDoctor, otherDay, otherDepartment := same, same, same
	otherDoctor.DoctorID, otherDay.Date, otherDepartment.DepartmentID = "li", day.AddDate(0, 0, 1), "eye"
	for _, c := range []struct {
		name, source string
		had          []Booking
		want         bool
	}{
		{"one per department and day", "guahaoe f1dee171", []Booking{otherDoctor}, false},
		{"another day", "guahaoe f1dee171", []Booking{otherDay, otherDay}, true},
		{"another department", "guahaoe f1dee171", []Booking{otherDepartment}, true},
		{"one per doctor, department and day", "hgsyiyuan", []Booking{same}, false},
		{"another doctor of the department", "hgsyiyuan", []Booking{otherDoctor}, true},
		{"no limit in the text", "bankerbay", []Booking{same, same, same}, true},
	} {
		v := Decide(preset(t, c.source), adult(), visit(at(t, "2026-11-26 08:00")), History{Bookings: c.had}, Weekdays{}, at(t, "2026-11-25 10:00"))
		if v.Allowed != c.want {
			t.Errorf("%s: %s: %+v", c.source, c.name, v)
		}
	}
	monthly := Policy{Window: Window{To: 30}, Limits: []Limit{{Scope: PerPeriod, Per: CalendarDay, Count: 1}, {Scope: PerPerson, Per: CalendarMonth, Count: 2},
		{Scope: PerDoctor, Per: CalendarMonth, Count: 2}}, Cancel: Deadline{Kind: StartOfDay}}
	v := Decide(monthly, adult(), visit(at(t, "2026-11-26 08:00")), History{Bookings: []Booking{same, otherDay}}, Weekdays{}, at(t, "2026-11-25 10:00"))
	if len(v.Reasons) != 3 {
		t.Errorf("every limit is a reason: %+v", v.Reasons)
	}
}

// TestCancelDeadlinesFromTheirTexts checks the last moment of a cancellation.
func TestCancelDeadlinesFromTheirTexts(t *testing.T) {
	for _, c := range []struct {
		name, source, kind, start, want string
		days                            Days
	}{
		{"before 00:00 of the day", "guahaoe c7fb5521", "ordinary", "2026-11-26 14:30", "2026-11-26 00:00", Weekdays{}},
		{"expert half a day", "guahaoe f1dee171", "expert", "2026-11-26 14:30", "2026-11-26 02:30", Weekdays{}},
		{"ordinary 30 minutes", "guahaoe f1dee171", "ordinary", "2026-11-26 14:30", "2026-11-26 14:00", Weekdays{}},
		{"Thursday: Wednesday 16:00", "shhospital/114", "ordinary", "2026-11-26 08:00", "2026-11-25 16:00", Weekdays{}},
		{"Monday: Friday 16:00", "shhospital/114", "ordinary", "2026-11-30 08:00", "2026-11-27 16:00", Weekdays{}},
		{"after the holidays: the last working day before", "shhospital/114", "ordinary", "2026-10-08 08:00", "2026-09-30 16:00", golden{}},
		{"Sunday after a worked Saturday", "shhospital/114", "ordinary", "2026-10-11 08:00", "2026-10-10 16:00", golden{}},
		{"until it begins", "bankerbay", "ordinary", "2026-11-26 08:00", "2026-11-26 08:00", Weekdays{}},
		{"previous day 17:00, Sunday too", "hgsyiyuan", "ordinary", "2026-11-30 08:00", "2026-11-29 17:00", Weekdays{}},
	} {
		if got := preset(t, c.source).CancelUntil(c.kind, at(t, c.start), c.days); !got.Equal(at(t, c.want)) {
			t.Errorf("%s: %s: got %s, want %s", c.source, c.name, got.Format("2006-01-02 15:04"), c.want)
		}
	}
}

type penaltyCase struct {
	name, source string
	history      []Occurrence // the last one is the newest
	until        string       // "" no penalty
}

func penaltyCases(t *testing.T) []penaltyCase {
	noShows := func(texts ...string) (out []Occurrence) {
		for _, x := range texts {
			out = append(out, Occurrence{Event: NoShow, At: at(t, x)})
		}
		return out
	}
	cancels := func(e Event, texts ...string) (out []Occurrence) {
		for _, x := range texts {
			out = append(out, Occurrence{Event: e, At: at(t, x)})
		}
		return out
	}
	return []penaltyCase{
		{"2 no-shows in a year", "guahaoe c7fb5521", noShows("2026-01-05 08:00", "2026-11-20 08:00"), ""},
		{"3 no-shows in a year: a month", "guahaoe c7fb5521", noShows("2026-01-05 08:00", "2026-06-05 08:00", "2026-11-20 08:00"), "2026-12-20 08:00"},
		{"3 no-shows over the new year", "guahaoe c7fb5521", noShows("2025-12-31 08:00", "2026-06-05 08:00", "2026-11-20 08:00"), ""},
		{"the 4th of the year", "guahaoe c7fb5521", noShows("2026-01-05 08:00", "2026-02-05 08:00", "2026-03-05 08:00", "2026-11-20 08:00"), ""},
		{"a month from the 31st", "guahaoe c7fb5521", noShows("2026-01-05 08:00", "2026-06-05 08:00", "2026-08-31 08:00"), "2026-09-30 08:00"},
		{"3 cancels in a month: a month", "guahaoe c7fb5521", cancels(Cancelled, "2026-11-01 08:00", "2026-11-05 08:00", "2026-11-20 08:00"), "2026-12-20 08:00"},
		{"3 cancels over two months", "guahaoe c7fb5521", cancels(Cancelled, "2026-10-31 23:59", "2026-11-05 08:00", "2026-11-20 08:00"), ""},
		{"3 same-day refunds in a month: a month", "guahaoe c7fb5521", cancels(SameDayRefund, "2026-11-01 08:00", "2026-11-05 08:00", "2026-11-20 08:00"), "2026-12-20 08:00"},
		{"cancels and refunds are counted apart", "guahaoe c7fb5521",
			append(cancels(Cancelled, "2026-11-01 08:00", "2026-11-05 08:00"), cancels(SameDayRefund, "2026-11-20 08:00")...), ""},
		{"3 cancels: the rest of the month", "guahaoe f1dee171", cancels(Cancelled, "2026-11-01 08:00", "2026-11-05 08:00", "2026-11-20 08:00"), "2026-12-01 00:00"},
		{"3 no-shows in a half-year: half a year", "guahaoe f1dee171", noShows("2026-07-01 00:00", "2026-08-05 08:00", "2026-11-20 08:00"), "2027-05-20 08:00"},
		{"3 no-shows over two half-years", "guahaoe f1dee171", noShows("2026-06-30 23:59", "2026-08-05 08:00", "2026-11-20 08:00"), ""},
		{"the 1st no-show: 30 days", "shhospital/114", noShows("2026-11-20 08:00"), "2026-12-20 08:00"},
		{"the 2nd: 60 days", "shhospital/114", noShows("2026-01-20 08:00", "2026-11-20 08:00"), "2027-01-19 08:00"},
		{"the 3rd: 90 days", "shhospital/114", noShows("2026-01-20 08:00", "2026-04-20 08:00", "2026-11-20 08:00"), "2027-02-18 08:00"},
		{"the 5th: 150 days, and so on", "shhospital/114",
			noShows("2026-01-20 08:00", "2026-02-20 08:00", "2026-04-20 08:00", "2026-05-20 08:00", "2026-11-20 08:00"), "2027-04-19 08:00"},
		{"a new year begins at 30", "shhospital/114", noShows("2025-12-20 08:00", "2026-01-20 08:00"), "2026-02-19 08:00"},
		{"a cancel in time is none", "shhospital/114", cancels(Cancelled, "2026-11-20 08:00"), ""},
		{"3 in 3 months: 3 months", "bankerbay", noShows("2026-08-20 08:01", "2026-10-05 08:00", "2026-11-20 08:00"), "2027-02-20 08:00"},
		{"the first is 3 months ago", "bankerbay", noShows("2026-08-20 08:00", "2026-10-05 08:00", "2026-11-20 08:00"), ""},
		{"3 in a month are allowed", "hgsyiyuan", noShows("2026-11-01 08:00", "2026-11-02 08:00", "2026-11-20 08:00"), ""},
		{"more than 3: the rest of the month", "hgsyiyuan", append(noShows("2026-11-01 08:00", "2026-11-02 08:00"),
			cancels(Cancelled, "2026-11-03 08:00", "2026-11-20 08:00")...), "2026-12-01 00:00"},
		{"December ends with the year", "hgsyiyuan", noShows("2026-12-01 08:00", "2026-12-02 08:00", "2026-12-03 08:00", "2026-12-20 08:00"), "2027-01-01 00:00"},
	}
}

// TestPenaltiesFromTheirTexts checks after which event who is banned until when.
func TestPenaltiesFromTheirTexts(t *testing.T) {
	for _, c := range penaltyCases(t) {
		t.Run(c.source+" "+c.name, func(t *testing.T) {
			last := len(c.history) - 1
			s, ok := preset(t, c.source).Judge(c.history[:last], c.history[last])
			if c.until == "" {
				if ok {
					t.Fatalf("banned until %s", s.Until)
				}
				return
			}
			if !ok || !s.Until.Equal(at(t, c.until)) || !s.From.Equal(c.history[last].At) {
				t.Fatalf("got %v %s–%s, want until %s", ok, s.From, s.Until, c.until)
			}
			v := Decide(preset(t, c.source), adult(), visit(s.Until.Add(-time.Minute).AddDate(0, 0, 1)), History{Bans: []Active{{From: s.From, Until: s.Until}}},
				Weekdays{}, s.Until.Add(-time.Minute))
			if v.Allowed || len(v.Bans) != 1 {
				t.Fatalf("a minute before the end: %+v", v)
			}
			v = Decide(preset(t, c.source), adult(), visit(s.Until.AddDate(0, 0, 2)), History{Bans: []Active{{From: s.From, Until: s.Until}}}, Weekdays{}, s.Until)
			if len(v.Bans) != 0 {
				t.Fatalf("at the end: %+v", v)
			}
		})
	}
}

func TestClassify(t *testing.T) {
	day := at(t, "2026-11-26 08:00")
	for _, c := range []struct {
		source, now string
		want        Event
	}{
		{"guahaoe c7fb5521", "2026-11-25 23:59", Cancelled},
		{"guahaoe c7fb5521", "2026-11-26 00:00", SameDayRefund},
		{"guahaoe f1dee171", "2026-11-26 00:00", Cancelled},
	} {
		if got := preset(t, c.source).Classify(at(t, c.now), day); got != c.want {
			t.Errorf("%s at %s: %s", c.source, c.now, got)
		}
	}
}

func TestLateFromTheirTexts(t *testing.T) {
	start, end := at(t, "2026-11-26 08:00"), at(t, "2026-11-26 12:00")
	if got := preset(t, "bankerbay").VoidAt(start, end); !got.Equal(at(t, "2026-11-26 08:30")) {
		t.Errorf("30 minutes late are valid: void at %s", got)
	}
	if got := preset(t, "hgsyiyuan").VoidAt(start, end); !got.Equal(end) {
		t.Errorf("valid to the end of the session: void at %s", got)
	}
}

func TestPresetsAreValid(t *testing.T) {
	codes := map[string]bool{}
	for _, p := range append(Presets(), Preset{Code: "default", Name: "x", NameEN: "x", Policy: Default()}) {
		if err := p.Policy.Validate(); err != nil {
			t.Errorf("%s: %v", p.Code, err)
		}
		if codes[p.Code] || p.Name == "" || p.NameEN == "" {
			t.Errorf("%s: code twice or name missing", p.Code)
		}
		codes[p.Code] = true
		text, err := json.Marshal(p.Policy)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Parse(text); err != nil {
			t.Errorf("%s does not read back: %v", p.Code, err)
		}
	}
	if len(codes) != 6 {
		t.Errorf("%d presets", len(codes))
	}
}
