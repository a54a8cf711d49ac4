package ivr

import (
	"strconv"
	"strings"
	"testing"
)

func itoa(n int) string { return strconv.Itoa(n) }

func two(n int) string {
	if n < 10 {
		return "0" + itoa(n)
	}
	return itoa(n)
}

func TestWords(t *testing.T) {
	vars := map[string]string{"code": "10203", "n": "x", "doctor": "doctor_d1|ordinary =time:08:00", "loop": "$loop"}
	for _, c := range []struct{ lang, token, want string }{
		{"zh-CN", "greeting", "greeting"},
		{"zh-CN", "dept_07|option+n1", "dept_07|option+n1"},
		{"zh-CN", "$code:digits", "n1_phone n0 n2 n0 n3"},
		{"zh-CN", "$doctor", "doctor_d1|ordinary morning hour_8"},
		{"zh-CN", "$loop", ""}, {"zh-CN", "$nobody:count", ""}, {"zh-CN", "$n:count", ""}, {"zh-CN", "=count:-1", ""}, {"zh-CN", "=dance:1", ""}, {"zh-CN", "", ""},
		{"zh-CN", "=count:0", "n0"}, {"zh-CN", "=count:2", "n2_measure"}, {"zh-CN", "=count:10", "n10"}, {"zh-CN", "=count:12", "n10 n2"},
		{"zh-CN", "=count:20", "n2 n10"}, {"zh-CN", "=count:35", "n3 n10 n5"}, {"zh-CN", "=count:105", "n1 hundred n0 n5"},
		{"zh-CN", "=count:110", "n1 hundred n1 n10"}, {"zh-CN", "=count:112", "n1 hundred n1 n10 n2"}, {"zh-CN", "=count:1001", "n1 thousand n0 n1"},
		{"zh-CN", "=count:1010", "n1 thousand n0 n1 n10"}, {"zh-CN", "=count:12345", "n1_phone n2 n3 n4 n5"},
		{"en", "=count:2", "n2"}, {"en", "=count:12", "n12"}, {"en", "=count:42", "n40 n2"}, {"en", "=count:300", "n3 hundred"}, {"en", "=count:1315", "n1 thousand n3 hundred n15"},
		{"zh-CN", "=born:1962", "n1_phone n9 n6 n2 person_born"}, {"en", "=born:1962", "person_born n19 n60 n2"}, {"en", "=year:2005", "n2 thousand n5"},
		{"en", "=year:1905", "n19 oh n5"}, {"en", "=year:1900", "n19 hundred"}, {"en", "=year:2019", "n20 n19"},
		{"zh-CN", "=date:2026-11-25", "month_11 dom_25"}, {"zh-CN", "=weekday:2026-11-25", "weekday_3"}, {"zh-CN", "=weekday:2026-11-22", "weekday_7"}, {"zh-CN", "=date:2026-02-30", ""},
		{"zh-CN", "=time:09:30", "morning hour_9 minute_30"}, {"zh-CN", "=time:14:00", "afternoon hour_2"}, {"zh-CN", "=time:12:05", "afternoon hour_12 minute_5"},
		{"zh-CN", "=time:19:07", "evening hour_7 n0 n7 minute"}, {"zh-CN", "=time:08:42", "morning hour_8 n4 n10 n2 minute"}, {"zh-CN", "=time:25:00", ""},
		{"en", "=time:09:30", "n9 n30 morning"}, {"en", "=time:14:00", "n2 oclock afternoon"}, {"en", "=time:00:05", "n12 oh n5 morning"},
		{"zh-CN", "=money:0", "free_of_charge"}, {"zh-CN", "=money:5000", "fee_is n5 n10 yuan"}, {"en", "=money:1500", "fee_is n15 yuan"},
	} {
		if got := strings.Join(Words(c.lang, vars, []string{c.token}), " "); got != c.want {
			t.Errorf("%s %q: %q, want %q", c.lang, c.token, got, c.want)
		}
	}
}

// Whatever a dip brings to be spoken: no panic, and no variable leads round in
// circles.
func FuzzWords(f *testing.F) {
	for _, s := range []string{"=date:2026-11-25", "$a", "=money:99999999999999999999", "a|b+c", "=time:09:3", "=born:-5", "$a:year"} {
		f.Add(s, "$a $b =count:3")
	}
	f.Fuzz(func(t *testing.T, token, value string) {
		for _, lang := range []string{"zh-CN", "en"} {
			if n := len(Words(lang, map[string]string{"a": value, "b": token}, []string{token})); n > 20*(len(value)+len(token)+1) {
				t.Fatalf("%d words", n)
			}
		}
	})
}
