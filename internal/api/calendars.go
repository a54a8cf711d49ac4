package api

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"heartline/internal/contact/switchboard"
	"heartline/internal/platform/calendar"
	"heartline/internal/platform/errs"
)

// calendars shows opening hours with the week beginning on Monday and times
// as people write them.
func calendars() items[CalendarView, CalendarFields, switchboard.Calendar] {
	return items[CalendarView, CalendarFields, switchboard.Calendar]{
		set: func(sb *switchboard.Service) *switchboard.Set[switchboard.Calendar] { return sb.Calendars },
		view: func(s *Server, x switchboard.Calendar) CalendarView {
			v := CalendarView{ItemMeta: itemMeta(x.Meta), CalendarFields: CalendarFields{Version: x.Version, Name: x.Name, TimeZone: x.Hours.Zone,
				Days: specialDays(x.Hours.Holidays)}}
			for i := range x.Hours.Weekly {
				v.Week = append(v.Week, hourSpans(x.Hours.Weekly[(i+1)%7]))
			}
			var next time.Time
			v.Open, v.OpenWhy, next = x.Open(s.now())
			v.NextAt = maybe(next)
			return v
		},
		build: buildCalendar,
		words: func(x switchboard.Calendar) []string { return []string{x.Name} },
		names: map[string]string{"hours": "week", "hours.holidays": "days"},
	}
}

func hourSpans(in []calendar.Span) []HourSpan {
	return mapped(in, func(x calendar.Span) HourSpan { return HourSpan{From: hourText(x.From), To: hourText(x.To)} })
}

func hourText(minute int) string { return fmt.Sprintf("%02d:%02d", minute/60, minute%60) }

// specialDays lists the days by date.
func specialDays(in map[string]calendar.Day) []SpecialDay {
	list := make([]SpecialDay, 0, len(in))
	for date, d := range in {
		v := SpecialDay{Date: date, Name: d.Name, Spans: []HourSpan{}}
		switch {
		case d.Closed:
		case d.Spans != nil:
			v.Spans = hourSpans(d.Spans)
		default:
			v.Like = (int(d.Like)+6)%7 + 1
		}
		list = append(list, v)
	}
	slices.SortFunc(list, func(a, b SpecialDay) int { return strings.Compare(a.Date, b.Date) })
	return list
}

func buildCalendar(f CalendarFields, itemID string) (switchboard.Calendar, error) {
	c := switchboard.Calendar{Meta: metaOf(itemID, f.Version), Name: f.Name, Hours: calendar.Hours{Zone: f.TimeZone, Holidays: map[string]calendar.Day{}}}
	if len(f.Week) != len(c.Hours.Weekly) {
		return c, errs.InvalidField("body.week", "validation.week")
	}
	for i, day := range f.Week {
		c.Hours.Weekly[(i+1)%7] = minuteSpans(day)
	}
	for i, d := range f.Days {
		if _, twice := c.Hours.Holidays[d.Date]; twice {
			return c, errs.InvalidField(fmt.Sprintf("body.days[%d].date", i), "validation.twice")
		}
		day := calendar.Day{Name: d.Name}
		switch {
		case d.Like > 0:
			day.Like = time.Weekday(d.Like % 7)
		case len(d.Spans) == 0:
			day.Closed = true
		default:
			day.Spans = minuteSpans(d.Spans)
		}
		c.Hours.Holidays[d.Date] = day
	}
	return c, nil
}

func minuteSpans(in []HourSpan) []calendar.Span {
	return mapped(in, func(x HourSpan) calendar.Span { return calendar.Span{From: minuteOf(x.From), To: minuteOf(x.To)} })
}

// minuteOf reads a time of day whose form has been checked.
func minuteOf(s string) int {
	var h, m int
	_, _ = fmt.Sscanf(s, "%d:%d", &h, &m)
	return h*60 + m
}
