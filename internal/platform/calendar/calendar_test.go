package calendar_test

import (
	"encoding/json"
	"testing"
	"time"

	"heartline/internal/platform/calendar"

	"github.com/google/go-cmp/cmp"
)

// clinic is open Monday to Friday 8:00–12:00 and 13:30–17:30, with the holidays
// of 2026.
func clinic() calendar.Hours {
	return calendar.Hours{
		Weekly:   calendar.Weekdays(calendar.At(8, 0, 12, 0), calendar.At(13, 30, 17, 30)),
		Holidays: calendar.China2026(),
	}
}

func TestOpen(t *testing.T) {
	nights := calendar.Hours{Weekly: calendar.Daily(calendar.At(0, 0, 6, 0), calendar.At(20, 0, 24, 0))}
	special := calendar.Hours{Weekly: calendar.Daily(calendar.At(8, 0, 17, 0)),
		Holidays: map[string]calendar.Day{"2026-12-31": {Name: "年终", Spans: []calendar.Span{calendar.At(9, 0, 11, 0)}}}}
	for _, c := range []struct {
		name  string
		hours calendar.Hours
		at    string // Shanghai time
		open  bool
		why   string
		next  string
	}{
		{"weekday morning", clinic(), "2026-11-23 08:00", true, "hours", "2026-11-23 12:00"},
		{"a minute too early", clinic(), "2026-11-23 07:59", false, "hours", "2026-11-23 08:00"},
		{"lunch begins", clinic(), "2026-11-23 12:00", false, "hours", "2026-11-23 13:30"},
		{"evening", clinic(), "2026-11-23 17:30", false, "hours", "2026-11-24 08:00"},
		{"last minute of the day", clinic(), "2026-11-23 23:59", false, "hours", "2026-11-24 08:00"},
		{"weekend", clinic(), "2026-11-21 10:00", false, "hours", "2026-11-23 08:00"},
		{"New Year", clinic(), "2026-01-01 10:00", false, "holiday", "2026-01-04 08:00"},
		{"Sunday 4 January is worked", clinic(), "2026-01-04 10:00", true, "workday", "2026-01-04 12:00"},
		{"Saturday 14 February is worked", clinic(), "2026-02-14 14:00", true, "workday", "2026-02-14 17:30"},
		{"eve of the Spring Festival", clinic(), "2026-02-14 17:30", false, "workday", "2026-02-24 08:00"},
		{"Spring Festival, first day", clinic(), "2026-02-15 09:00", false, "holiday", "2026-02-24 08:00"},
		{"Spring Festival, last day", clinic(), "2026-02-23 09:00", false, "holiday", "2026-02-24 08:00"},
		{"Saturday 28 February is worked", clinic(), "2026-02-28 09:00", true, "workday", "2026-02-28 12:00"},
		{"Tomb sweeping", clinic(), "2026-04-06 09:00", false, "holiday", "2026-04-07 08:00"},
		{"Labour Day", clinic(), "2026-05-05 09:00", false, "holiday", "2026-05-06 08:00"},
		{"Saturday 9 May is worked", clinic(), "2026-05-09 09:00", true, "workday", "2026-05-09 12:00"},
		{"Dragon Boat", clinic(), "2026-06-19 09:00", false, "holiday", "2026-06-22 08:00"},
		{"Sunday 20 September is worked", clinic(), "2026-09-20 09:00", true, "workday", "2026-09-20 12:00"},
		{"Mid-Autumn", clinic(), "2026-09-25 09:00", false, "holiday", "2026-09-28 08:00"},
		{"National Day", clinic(), "2026-10-07 23:00", false, "holiday", "2026-10-08 08:00"},
		{"Saturday 10 October is worked", clinic(), "2026-10-10 16:00", true, "workday", "2026-10-10 17:30"},
		{"Sunday 11 October is not", clinic(), "2026-10-11 10:00", false, "hours", "2026-10-12 08:00"},
		{"night shift is one over midnight", nights, "2026-11-23 21:00", true, "hours", "2026-11-24 06:00"},
		{"night shift after midnight", nights, "2026-11-23 00:00", true, "hours", "2026-11-23 06:00"},
		{"night shift, day", nights, "2026-11-23 06:00", false, "hours", "2026-11-23 20:00"},
		{"special hours, closed", special, "2026-12-31 08:30", false, "holiday", "2026-12-31 09:00"},
		{"special hours, open", special, "2026-12-31 10:59", true, "holiday", "2026-12-31 11:00"},
		{"no hours at all", calendar.Hours{}, "2026-12-31 03:00", true, "always", ""},
		{"day and night", calendar.Hours{Weekly: calendar.Daily(calendar.At(0, 0, 24, 0))}, "2026-12-31 03:00", true, "hours", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := c.hours.Validate(); err != nil {
				t.Fatal(err)
			}
			open, why, next := ask(t, c.hours, c.at)
			if open != c.open || why != c.why || next != c.next {
				t.Fatalf("open %t (%s) until %q; want %t (%s) until %q", open, why, next, c.open, c.why, c.next)
			}
		})
	}
}

// ask speaks Shanghai time, but passes UTC: whatever zone the caller has.
func ask(t *testing.T, h calendar.Hours, at string) (open bool, why, next string) {
	t.Helper()
	const layout = "2006-01-02 15:04"
	shanghai := clinic().Location()
	when, err := time.ParseInLocation(layout, at, shanghai)
	if err != nil {
		t.Fatal(err)
	}
	open, why, change := h.Open(when.UTC())
	if !change.IsZero() {
		next = change.In(shanghai).Format(layout)
	}
	return open, why, next
}

// TestNextIsTheNextChange compares Open's forecast with asking every minute.
func TestNextIsTheNextChange(t *testing.T) {
	h := clinic()
	at := time.Date(2026, 2, 12, 0, 0, 0, 0, h.Location())
	open, _, next := h.Open(at)
	for range 20 * 24 * 60 {
		at = at.Add(time.Minute)
		now, _, after := h.Open(at)
		if now != open && !at.Equal(next) {
			t.Fatalf("changed at %s, forecast was %s", at, next)
		}
		if now == open && !after.Equal(next) {
			t.Fatalf("at %s the forecast moved from %s to %s", at, next, after)
		}
		open, next = now, after
	}
}

func TestHolidayCount(t *testing.T) {
	off, worked := 0, 0
	for date, d := range calendar.China2026() {
		day, err := time.Parse(time.DateOnly, date)
		if err != nil || d.Name == "" {
			t.Fatalf("%s %v: %v", date, d, err)
		}
		if d.Closed {
			off++
		} else if worked++; day.Weekday() != time.Saturday && day.Weekday() != time.Sunday {
			t.Errorf("make-up day %s is a %s", date, day.Weekday())
		}
	}
	if off != 33 || worked != 6 {
		t.Fatalf("%d days off, %d worked; want 33 and 6", off, worked)
	}
}

func TestValidateRefuses(t *testing.T) {
	for name, h := range map[string]calendar.Hours{
		"backwards": {Weekly: calendar.Daily(calendar.At(12, 0, 8, 0))},
		"overlap":   {Weekly: calendar.Daily(calendar.At(8, 0, 12, 0), calendar.At(11, 0, 13, 0))},
		"too late":  {Weekly: calendar.Daily(calendar.At(8, 0, 25, 0))},
		"no date":   {Holidays: map[string]calendar.Day{"2026-02-30": {Closed: true}}},
		"bad hours": {Holidays: map[string]calendar.Day{"2026-02-03": {Spans: []calendar.Span{{From: -1, To: 3}}}}},
		"weekday":   {Holidays: map[string]calendar.Day{"2026-02-03": {Like: 9}}},
		"zone":      {Zone: "Mars/Base"},
	} {
		if h.Validate() == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestJSON(t *testing.T) {
	h := clinic()
	data, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	var got calendar.Hours
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(h, got); d != "" {
		t.Fatal(d)
	}
}
