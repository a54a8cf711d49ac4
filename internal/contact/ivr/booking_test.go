package ivr

import (
	"encoding/json"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// bookingFlow is the menu of the demo: booking and cancelling by keypad.
func bookingFlow(t testing.TB) Flow {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "booking.json"))
	if err != nil {
		t.Fatal(err)
	}
	f, err := Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// shippedPrompts are the keys that come with the program, in a language.
func shippedPrompts(t testing.TB, lang string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "switchboard", "prompts", lang, "*.wav"))
	if err != nil || len(files) == 0 {
		t.Fatal(err, len(files))
	}
	out := make(map[string]bool, len(files))
	for _, f := range files {
		out[strings.TrimSuffix(filepath.Base(f), ".wav")] = true
	}
	return out
}

func bookingEnv(t testing.TB) Env {
	have := shippedPrompts(t, "zh-CN")
	return Env{
		Prompt:   func(k string) bool { return have[k] },
		Queue:    known("appointments", "enquiries", "complaints", "operator"),
		Calendar: known("service"), Language: known("zh-CN", "en"),
	}
}

func TestBookingFlowHasNoProblem(t *testing.T) {
	if ps := Check(bookingFlow(t), bookingEnv(t)); len(ps) != 0 {
		t.Fatalf("%+v", ps)
	}
}

// person is what a dip says that found somebody.
func person(seq int) Input {
	return DipDone{Seq: seq, Outcome: "found", Vars: map[string]string{"patient": "p1", "birth_year": "1962"}}
}

func days(n int) []Option {
	var out []Option
	for i := range n {
		date := "2026-11-" + string([]byte{'0' + byte((i+10)/10), '0' + byte((i+10)%10)})
		out = append(out, Option{Value: date, Say: []string{"=date:" + date, "=weekday:" + date}})
	}
	return out
}

// TestPathsOfTheBookingFlow writes down what callers meet.
func TestPathsOfTheBookingFlow(t *testing.T) {
	f := bookingFlow(t)
	ask := toBooking(d("1"))
	departments := append(slices.Clone(ask), person(6), d("1"),
		DipDone{Seq: 8, Outcome: "ok", Options: []Option{{Value: "d1", Say: []string{"dept_07"}, Vars: map[string]string{"department_name": "dept_07|option"}}}})
	slots := append(slices.Clone(departments), d("1"), DipDone{Seq: 10, Outcome: "ok", Options: days(2)}, d("2"),
		DipDone{Seq: 12, Outcome: "ok", Options: []Option{{Value: "n7", Say: []string{"=time:09:05", "doctor_d1001", "expert"},
			Vars: map[string]string{"session": "s1", "time": "09:05", "doctor_name": "doctor_d1001|ordinary", "fee": "5000"}}}}, PlayDone{}, d("1"))
	for name, inputs := range map[string][]Input{
		"booking_person":       toBooking(d("3")),
		"booking_waits":        toBooking(PlayDone{}, Timeout{}),
		"booking_wrong_key":    toBooking(d("8")),
		"booking_ahead":        {d("1"), d("3"), PlayDone{}, PlayDone{}, PlayDone{}},
		"booking_books":        append(slices.Clone(slots), d("1"), DipSlow{Seq: 15}, PlayDone{}, DipDone{Seq: 15, Outcome: "ok", Vars: map[string]string{"code": "10234567", "seq": "12"}}, PlayDone{}, Timeout{}, PlayDone{}),
		"booking_taken":        append(slices.Clone(slots), d("1"), DipDone{Seq: 15, Outcome: "taken"}, PlayDone{}),
		"booking_refused":      append(slices.Clone(slots), d("1"), DipDone{Seq: 15, Outcome: "refused", Say: []string{"refuse_double"}}, PlayDone{}, d("0")),
		"booking_dip_error":    append(slices.Clone(slots), d("1"), DipDone{Seq: 15, Outcome: "error"}),
		"booking_dip_timeout":  append(slices.Clone(slots), d("1"), DipDone{Seq: 15, Outcome: "timeout"}, DipDone{Seq: 15, Outcome: "ok"}),
		"booking_by_id":        append(slices.Clone(ask), DipDone{Seq: 6, Outcome: "none"}, d("1"), keys("11010519491231002"), d("*"), DipDone{Seq: 9, Outcome: "found"}, d("#")),
		"booking_short_id":     append(slices.Clone(ask), DipDone{Seq: 6, Outcome: "none"}, d("1"), keys("110#"), Timeout{}, d("0")),
		"booking_birth":        append(slices.Clone(ask), DipDone{Seq: 6, Outcome: "none"}, d("2"), keys("13800138000"), keys("1962*19620305"), DipDone{Seq: 10, Outcome: "invalid"}, PlayDone{}),
		"booking_many":         append(slices.Clone(ask), DipDone{Seq: 6, Outcome: "many", Options: []Option{{Value: "p1", Say: []string{"=born:1962"}}, {Value: "p2", Say: []string{"=born:2019"}}}}, d("2")),
		"booking_zero_in_dip":  append(slices.Clone(ask), d("0"), PlayDone{}, DipDone{Seq: 6, Outcome: "found"}),
		"booking_nameless":     append(slices.Clone(ask), person(6), d("1"), DipDone{Seq: 8, Outcome: "ok", Options: []Option{{Value: "d1"}}}),
		"booking_pages":        append(slices.Clone(departments), d("1"), DipDone{Seq: 10, Outcome: "ok", Options: days(18)}, d("9"), d("9"), d("9"), d("*"), d("*"), d("*")),
		"booking_hears_cancel": append(toBooking(d("2")), person(6), d("1"), DipDone{Seq: 8, Outcome: "ok", Options: []Option{{Value: "a1", Say: []string{"=date:2026-11-25", "=time:14:00", "dept_07", "ordinary"}, Vars: map[string]string{"date": "2026-11-25", "time": "14:00", "department_name": "dept_07|option"}}}}, d("1"), d("1"), DipDone{Seq: 11, Outcome: "ok"}, PlayDone{}),
	} {
		t.Run(name, func(t *testing.T) { golden(t, name, path(f, flat(inputs)...)) })
	}
}

// burst is several keys in the list of inputs.
type burst []Input

func (burst) isInput() {}

func keys(s string) Input {
	var out burst
	for i := range len(s) {
		out = append(out, d(s[i:i+1]))
	}
	return out
}

func flat(in []Input) []Input {
	var out []Input
	for _, x := range in {
		if b, ok := x.(burst); ok {
			out = append(out, b...)
			continue
		}
		out = append(out, x)
	}
	return out
}

// toBooking passes the notices and presses 1 in the main menu.
func toBooking(more ...Input) []Input {
	return append([]Input{PlayDone{}, PlayDone{}, PlayDone{}, d("1")}, more...)
}

// secrets never leave the interpreter: what a caller enters is in no action.
func TestSecretsAreMasked(t *testing.T) {
	f := bookingFlow(t)
	inputs := flat(toBooking(d("1"), DipDone{Seq: 6, Outcome: "none"}, d("1"), keys("110105194912310029")))
	s, _ := Start(f, Vars{})
	for _, in := range inputs {
		var actions []Action
		s, actions = Step(f, s, in)
		for _, a := range actions {
			if e, ok := a.(Entered); ok && e.Text != strings.Repeat("•", 18) {
				t.Fatalf("%+v", e)
			}
			if n, ok := a.(Note); ok && s.Node == "id" && n.Digit != "" && n.Node == "id" {
				t.Fatalf("%+v", n)
			}
		}
	}
	if s.Vars["id_number"] != "110105194912310029" || s.Node != "by_id" {
		t.Fatalf("%+v", s)
	}
}

// However a caller wanders, whatever the hospital answers: 0 reaches a person,
// at once or, in the middle of a number, after the silence that ends it.
func TestZeroReachesAPersonFromEverywhere(t *testing.T) {
	f := bookingFlow(t)
	rnd := rand.New(rand.NewPCG(3, 1))
	seen := map[string]bool{}
	for range 4000 {
		s, _ := Start(f, Vars{})
		for range 1 + rnd.IntN(120) {
			s, _ = Step(f, s, wander(f, s, rnd))
			if s.Done {
				break
			}
			seen[s.Node] = true
			checkZero(t, f, s)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(f.Nodes)) {
		if n := f.Nodes[name]; n.Type != TypeHangup && n.Type != TypeHours && !seen[name] {
			t.Errorf("%s was never reached", name)
		}
	}
}

func checkZero(t *testing.T, f Flow, s State) {
	t.Helper()
	was := s
	if typ := f.Nodes[s.Node].Type; typ == TypeQueue || typ == TypeHours {
		return // already there, or asks nothing
	}
	inputs := []Input{d("0"), PlayDone{}}
	if s.Keys != "" {
		inputs = []Input{Timeout{}, d("0"), PlayDone{}}
	}
	for _, in := range inputs {
		if f.Nodes[s.Node].Type == TypeDip && s.Keys == "" { // the number entered was complete
			s, _ = Step(f, s, DipDone{Seq: s.Steps, Outcome: "none"})
		}
		s, _ = Step(f, s, in)
	}
	for range 3 { // prompts on the way
		s, _ = Step(f, s, PlayDone{})
	}
	if f.Nodes[s.Node].Type != TypeQueue && !s.Helped && !s.Done {
		t.Fatalf("0 from %+v led to %+v", was, s)
	}
}

// wander is something that may happen next, likely something that fits.
func wander(f Flow, s State, rnd *rand.Rand) Input {
	digits := "123456789*#"
	switch f.Nodes[s.Node].Type {
	case TypeDip:
		if s.Said || rnd.IntN(6) == 0 {
			return PlayDone{}
		}
		spec, _ := FindDip(f.Nodes[s.Node].Dip)
		outcomes := append([]string{spec.Outcomes[0], spec.Outcomes[0], OutcomeError, OutcomeTimeout}, spec.Outcomes...)
		in := DipDone{Seq: s.Steps, Outcome: outcomes[rnd.IntN(len(outcomes))]}
		if spec.Options && (in.Outcome == "ok" || in.Outcome == "many") {
			in.Options = days(1 + rnd.IntN(19))
		}
		if rnd.IntN(4) == 0 {
			in.Say = []string{"refuse_other"}
		}
		return in
	case TypeHours:
		return Hours{Open: rnd.IntN(2) == 0}
	case TypeQueue:
		if rnd.IntN(4) > 0 {
			return Gone{}
		}
		return QueueLeft{Reason: "full"}
	case TypeInput:
		if rnd.IntN(40) > 0 {
			return d(string(digits[rnd.IntN(9)]))
		}
	}
	switch rnd.IntN(12) {
	case 0:
		return Timeout{}
	case 1, 2:
		return PlayDone{}
	}
	if rnd.IntN(2) == 0 {
		return d("1")
	}
	return d(string(digits[rnd.IntN(len(digits))]))
}

// Every prompt of the booking flow and every word it can speak exists in both
// languages.
func TestEveryWordIsRecorded(t *testing.T) {
	f := bookingFlow(t)
	for _, lang := range []string{"zh-CN", "en"} {
		have := shippedPrompts(t, lang)
		want := map[string]bool{}
		speak := func(tokens ...string) {
			for _, k := range Words(lang, nil, tokens) {
				want[k] = true
			}
		}
		for _, n := range f.Nodes {
			for _, list := range [][]string{n.Prompts, n.PromptsInvalid, n.PromptsTimeout} {
				for _, p := range list {
					if !strings.HasPrefix(p, "$") {
						want[p] = true
					}
				}
			}
		}
		for h := range 24 {
			for m := range 60 {
				speak("=time:" + two(h) + ":" + two(m))
			}
		}
		for month := 1; month <= 12; month++ {
			for day := 1; day <= 31; day++ {
				date := "2026-" + two(month) + "-" + two(day)
				speak("=date:"+date, "=weekday:"+date)
			}
		}
		for year := 1900; year < 2030; year++ {
			speak("=born:" + itoa(year))
		}
		for n := range 10000 {
			speak("=count:"+itoa(n), "=money:"+itoa(100*n), "=digits:"+itoa(n))
		}
		for k := range want {
			if !have[k] {
				t.Errorf("%s: %s is not recorded", lang, k)
			}
		}
		for _, k := range []string{"press_1", "press_8", "more_9", "back_star", "operator_0", "option", "please_wait_query",
			"refuse_limit", "refuse_double", "refuse_penalty", "refuse_age", "refuse_window", "refuse_real_name", "refuse_closed", "refuse_late", "refuse_other"} {
			if !have[k] {
				t.Errorf("%s: %s is not recorded", lang, k)
			}
		}
	}
}

// States are stored and taken up again: nothing is lost in between.
func TestStateIsPlainData(t *testing.T) {
	f := bookingFlow(t)
	s, _ := Start(f, Vars{})
	for _, in := range flat(toBooking(d("1"), person(6), d("1"), DipDone{Seq: 8, Outcome: "ok", Options: days(3)})) {
		s, _ = Step(f, s, in)
	}
	data, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var back State
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	before := maps.Clone(s.Vars)
	a, _ := Step(f, s, d("2"))
	b, _ := Step(f, back, d("2"))
	if a.Vars["department"] != "2026-11-11" || b.Vars["department"] != a.Vars["department"] {
		t.Errorf("%+v %+v", a, b)
	}
	if !maps.Equal(before, s.Vars) {
		t.Error("a step changed the state before it")
	}
}
