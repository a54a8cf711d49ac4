package ivr

import (
	"strconv"
	"strings"
	"time"
)

// The formats in which a value is spoken.
const (
	speakDigits  = "digits"  // one by one: 0 1 2
	speakCount   = "count"   // a whole number
	speakMoney   = "money"   // 分: twelve yuan
	speakYear    = "year"    // 1962
	speakBorn    = "born"    // the person born in 1962
	speakDate    = "date"    // 2026-11-25: month and day
	speakWeekday = "weekday" // of an ISO date
	speakTime    = "time"    // 09:30, with the part of the day
)

func speakable(format string) bool {
	switch format {
	case speakDigits, speakCount, speakMoney, speakYear, speakBorn, speakDate, speakWeekday, speakTime:
		return true
	}
	return false
}

// Words turns tokens into the keys of prompts. A token is
//
//	greeting          a prompt
//	dept_07|option+n1 a prompt, and what is played when it is not recorded
//	=date:2026-11-25  a value, spoken in a format: digits, count, money (分),
//	                  year, born, date, weekday or time
//	$date:date        the value of a variable, in a format
//	$doctor           a variable that holds tokens, separated by blanks
//
// What cannot be read is left out.
func Words(lang string, vars map[string]string, tokens []string) []string {
	out := make([]string, 0, len(tokens))
	for _, t := range tokens {
		switch {
		case strings.HasPrefix(t, "="):
			format, value, _ := strings.Cut(t[1:], ":")
			out = append(out, spoken(lang, format, value)...)
		case strings.HasPrefix(t, "$"):
			name, format, plain := strings.Cut(t[1:], ":")
			if plain {
				out = append(out, spoken(lang, format, vars[name])...)
				continue
			}
			for _, held := range strings.Fields(vars[name]) {
				if !strings.HasPrefix(held, "$") {
					out = append(out, Words(lang, nil, []string{held})...)
				}
			}
		case t != "":
			out = append(out, t)
		}
	}
	return out
}

func spoken(lang, format, value string) []string {
	n, err := strconv.Atoi(value)
	switch format {
	case speakDigits:
		return digits(value)
	case speakDate, speakWeekday:
		return day(format, value)
	case speakTime:
		return clock(lang, value)
	}
	if err != nil || n < 0 {
		return nil
	}
	switch format {
	case speakCount:
		return Count(lang, n)
	case speakMoney:
		return money(lang, n)
	case speakYear:
		return year(lang, n)
	case speakBorn:
		if chinese(lang) {
			return append(digits(value), "person_born")
		}
		return append([]string{"person_born"}, year(lang, n)...)
	}
	return nil
}

func chinese(lang string) bool { return strings.HasPrefix(lang, "zh") }

// digits speaks a code or a telephone number; one is yao.
func digits(s string) []string {
	var out []string
	for _, d := range s {
		switch {
		case d == '1':
			out = append(out, "n1_phone")
		case d >= '0' && d <= '9':
			out = append(out, "n"+string(d))
		}
	}
	return out
}

// Count speaks a whole number that counts something, up to 9999; larger ones
// one digit after the other.
func Count(lang string, n int) []string {
	switch {
	case n < 0:
		return nil
	case n > 9999:
		return digits(strconv.Itoa(n))
	case !chinese(lang):
		return english(n)
	case n == 2:
		return []string{"n2_measure"}
	}
	return mandarin(n)
}

// mandarin composes 0…9999: 105 is one hundred zero five, 12 is ten two.
func mandarin(n int) []string {
	if n <= 10 {
		return []string{"n" + strconv.Itoa(n)}
	}
	var words []string
	rest, gap := n, false
	for _, unit := range []struct {
		size int
		word string
	}{{1000, "thousand"}, {100, "hundred"}, {10, "n10"}, {1, ""}} {
		d := rest / unit.size
		rest %= unit.size
		if d == 0 {
			gap = len(words) > 0
			continue
		}
		if gap {
			words, gap = append(words, "n0"), false
		}
		if !(unit.size == 10 && d == 1 && len(words) == 0) { // 12 is ten two, 112 one hundred one ten two
			words = append(words, "n"+strconv.Itoa(d))
		}
		if unit.word != "" {
			words = append(words, unit.word)
		}
	}
	return words
}

// english composes 0…9999: 342 is three hundred forty two.
func english(n int) []string {
	var words []string
	for _, unit := range []struct {
		size int
		word string
	}{{1000, "thousand"}, {100, "hundred"}} {
		if d := n / unit.size; d > 0 {
			words = append(words, "n"+strconv.Itoa(d), unit.word)
			n %= unit.size
		}
	}
	switch {
	case n == 0 && len(words) > 0:
	case n <= 20:
		words = append(words, "n"+strconv.Itoa(n))
	default:
		words = append(words, "n"+strconv.Itoa(n/10*10))
		if n%10 > 0 {
			words = append(words, "n"+strconv.Itoa(n%10))
		}
	}
	return words
}

// money speaks whole yuan, and 角 and 分 digit by digit as nobody charges them.
func money(lang string, fen int) []string {
	if fen == 0 {
		return []string{"free_of_charge"}
	}
	return append(append([]string{"fee_is"}, Count(lang, fen/100)...), "yuan")
}

func year(lang string, n int) []string {
	if chinese(lang) {
		return append(digits(strconv.Itoa(n)), "year")
	}
	high, low := n/100, n%100
	switch {
	case n < 1000 || n > 9999 || high%10 == 0 && low < 10: // two thousand five
		return english(n)
	case low == 0:
		return append(english(high), "hundred")
	case low < 10:
		return append(english(high), "oh", "n"+strconv.Itoa(low))
	}
	return append(english(high), english(low)...)
}

func day(format, value string) []string {
	t, err := time.Parse(time.DateOnly, value)
	if err != nil {
		return nil
	}
	if format == speakWeekday {
		return []string{"weekday_" + strconv.Itoa((int(t.Weekday())+6)%7+1)}
	}
	return []string{"month_" + strconv.Itoa(int(t.Month())), "dom_" + strconv.Itoa(t.Day())}
}

func clock(lang, value string) []string {
	t, err := time.Parse("15:04", value)
	if err != nil {
		return nil
	}
	part := "morning"
	switch h := t.Hour(); {
	case h >= 18:
		part = "evening"
	case h >= 12:
		part = "afternoon"
	}
	hour, minute := (t.Hour()+11)%12+1, t.Minute()
	if !chinese(lang) {
		words := english(hour)
		switch {
		case minute == 0:
			words = append(words, "oclock")
		case minute < 10:
			words = append(words, "oh", "n"+strconv.Itoa(minute))
		default:
			words = append(words, english(minute)...)
		}
		return append(words, part)
	}
	words := []string{part, "hour_" + strconv.Itoa(hour)}
	switch {
	case minute == 0:
	case minute%5 == 0:
		words = append(words, "minute_"+strconv.Itoa(minute))
	case minute < 10:
		words = append(words, "n0", "n"+strconv.Itoa(minute), "minute")
	default:
		words = append(append(words, mandarin(minute)...), "minute")
	}
	return words
}
