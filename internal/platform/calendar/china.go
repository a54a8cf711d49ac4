package calendar

import (
	"fmt"
	"time"
)

// China2026 are the public holidays of 2026 and the weekend days that are
// worked in exchange, which follow Monday's hours.
func China2026() map[string]Day {
	days := make(map[string]Day)
	off := func(name string, month time.Month, from, to int) {
		for d := from; d <= to; d++ {
			days[fmt.Sprintf("2026-%02d-%02d", month, d)] = Day{Name: name, Closed: true}
		}
	}
	off("元旦", time.January, 1, 3)
	off("春节", time.February, 15, 23)
	off("清明节", time.April, 4, 6)
	off("劳动节", time.May, 1, 5)
	off("端午节", time.June, 19, 21)
	off("中秋节", time.September, 25, 27)
	off("国庆节", time.October, 1, 7)
	for date, name := range map[string]string{"2026-01-04": "元旦", "2026-02-14": "春节", "2026-02-28": "春节",
		"2026-05-09": "劳动节", "2026-09-20": "国庆节", "2026-10-10": "国庆节"} {
		days[date] = Day{Name: name, Like: time.Monday}
	}
	return days
}

// Weekdays gives the same spans to Monday to Friday and none to the weekend.
func Weekdays(spans ...Span) (week [7][]Span) {
	for wd := time.Monday; wd <= time.Friday; wd++ {
		week[wd] = spans
	}
	return week
}

// Daily gives the same spans to every day.
func Daily(spans ...Span) (week [7][]Span) {
	for wd := range week {
		week[wd] = spans
	}
	return week
}

// At is a span from "08:00" to "17:30" for code that reads better so.
func At(fromHour, fromMinute, toHour, toMinute int) Span {
	return Span{From: fromHour*60 + fromMinute, To: toHour*60 + toMinute}
}
