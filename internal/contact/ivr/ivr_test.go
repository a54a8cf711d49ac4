package ivr

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"heartline/internal/platform/errs"
)

func demo(t testing.TB) Flow {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "demo.json"))
	if err != nil {
		t.Fatal(err)
	}
	f, err := Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func known(values ...string) func(string) bool {
	return func(v string) bool { return slices.Contains(values, v) }
}

func demoEnv() Env {
	return Env{
		Prompt: known("recording_notice", "greeting", "emergency_notice", "main_menu", "menu_timeout", "menu_invalid",
			"menu_to_operator", "all_lines_busy", "goodbye", "after_hours"),
		Queue:    known("appointments", "enquiries", "complaints", "operators"),
		Calendar: known("service"), Language: known("zh-CN", "en"), Skill: known("nursing"),
		Extension: known("8001"),
	}
}

// path runs inputs and writes down what the caller meets, a line per step.
func path(f Flow, inputs ...Input) string {
	var b strings.Builder
	s, actions := Start(f, Vars{})
	write := func(in string, actions []Action) {
		fmt.Fprintf(&b, "%s:", in)
		for _, a := range actions {
			fmt.Fprintf(&b, " %s", strings.TrimPrefix(fmt.Sprintf("%T%+v", a, a), "ivr."))
		}
		b.WriteString("\n")
	}
	write("start", actions)
	for _, in := range inputs {
		s, actions = Step(f, s, in)
		write(strings.TrimPrefix(fmt.Sprintf("%T%+v", in, in), "ivr."), actions)
	}
	fmt.Fprintf(&b, "at %s done %v\n", s.Node, s.Done)
	return b.String()
}

func d(key string) Input { return Digit{D: key} }

// toMenu passes the notices during opening hours.
func toMenu(more ...Input) []Input {
	return append([]Input{PlayDone{}, PlayDone{}, PlayDone{}, Hours{Open: true}}, more...)
}

func TestPathsOfTheDemoFlow(t *testing.T) {
	f := demo(t)
	for name, inputs := range map[string][]Input{
		"appointments":         toMenu(PlayDone{}, d("1")),
		"enquiries_barge_in":   toMenu(d("2")),
		"complaints":           toMenu(d("3")),
		"operator":             toMenu(d("0"), PlayDone{}),
		"operator_in_greeting": {d("0"), PlayDone{}},
		"repeat":               toMenu(PlayDone{}, d("*"), d("1")),
		"silence":              toMenu(PlayDone{}, Timeout{}, PlayDone{}, Timeout{}, PlayDone{}, Timeout{}, PlayDone{}),
		"wrong_keys":           toMenu(d("7"), d("#"), d("9"), PlayDone{}),
		"wrong_key_then_right": toMenu(d("7"), PlayDone{}, d("1")),
		"closed":               {PlayDone{}, PlayDone{}, PlayDone{}, Hours{}, PlayDone{}, TransferFailed{}},
		"closed_wants_person":  {PlayDone{}, PlayDone{}, PlayDone{}, Hours{}, d("0"), PlayDone{}},
		"overflow":             toMenu(d("1"), QueueLeft{Reason: "full"}),
		"skips_emergency":      {PlayDone{}, d("5"), PlayDone{}, d("1"), Hours{Open: true}},
		"knows_the_menu":       {d("8"), PlayDone{}, d("2"), d("2"), PlayDone{}, PlayDone{}, Hours{Open: true}, QueueLeft{Reason: "full"}},
		"knows_another_menu":   {d("8"), PlayDone{}, PlayDone{}, PlayDone{}, Hours{Open: true}},
		"gone":                 toMenu(Gone{}, d("1")),
		"inputs_that_do_not_fit": {Timeout{}, Hours{Open: true}, QueueLeft{}, TransferFailed{}, d("x"), d(""), d("12"),
			PlayDone{}},
	} {
		t.Run(name, func(t *testing.T) { golden(t, name, path(f, inputs...)) })
	}
}

// golden compares with a file of testdata, or writes it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	if os.Getenv("UPDATE_GOLDEN") == "1" {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Fatal(diff)
	}
}

func TestDemoFlowHasNoProblem(t *testing.T) {
	if ps := Check(demo(t), demoEnv()); len(ps) != 0 {
		t.Fatalf("%+v", ps)
	}
}

func TestCheckNamesNodeAndField(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(f *Flow, n map[string]Node)
		want   string // node/field/key
	}{
		{"unknown prompt", func(_ *Flow, n map[string]Node) { set(n, "greeting", func(x *Node) { x.Prompts = []string{"nope"} }) }, "greeting/prompts/flow.prompt_unknown"},
		{"no prompt", func(_ *Flow, n map[string]Node) { set(n, "greeting", func(x *Node) { x.Prompts = nil }) }, "greeting/prompts/flow.prompts_missing"},
		{"unknown queue", func(_ *Flow, n map[string]Node) { set(n, "complaints", func(x *Node) { x.Queue = "nope" }) }, "complaints/queue/flow.queue_unknown"},
		{"no queue", func(_ *Flow, n map[string]Node) { set(n, "complaints", func(x *Node) { x.Queue = "" }) }, "complaints/queue/flow.value_missing"},
		{"unknown calendar", func(_ *Flow, n map[string]Node) { set(n, "hours", func(x *Node) { x.Calendar = "nope" }) }, "hours/calendar/flow.calendar_unknown"},
		{"unknown skill", func(_ *Flow, n map[string]Node) {
			set(n, "enquiries", func(x *Node) { x.Skills = []SkillNeed{{Skill: "magic"}} })
		}, "enquiries/skills.0/flow.skill_unknown"},
		{"dead end", func(_ *Flow, n map[string]Node) { set(n, "greeting", func(x *Node) { x.Next = "" }) }, "greeting/next/flow.dead_end"},
		{"into nothing", func(_ *Flow, n map[string]Node) { set(n, "menu", func(x *Node) { x.Choices["1"] = "gone" }) }, "menu/choices.1/flow.node_unknown"},
		{"bad key", func(_ *Flow, n map[string]Node) { set(n, "menu", func(x *Node) { x.Choices["12"] = "busy" }) }, "menu/choices.12/flow.key_invalid"},
		{"zero is no person", func(_ *Flow, n map[string]Node) { set(n, "menu", func(x *Node) { x.Choices["0"] = "busy" }) }, "menu/choices.0/flow.zero_not_person"},
		{"zero leads back to the menu", func(_ *Flow, n map[string]Node) { set(n, "menu", func(x *Node) { x.Choices["0"] = "menu" }) }, "menu/choices.0/flow.zero_not_person"},
		{"zero missing", func(f *Flow, n map[string]Node) {
			f.Operator = ""
			set(n, "menu", func(x *Node) { delete(x.Choices, "0") })
		}, "menu/choices.0/flow.zero_missing"},
		{"operator missing", func(f *Flow, _ map[string]Node) { f.Operator = "" }, "/operator/flow.operator_missing"},
		{"operator is no person", func(f *Flow, _ map[string]Node) { f.Operator = "bye" }, "/operator/flow.operator_not_person"},
		{"start missing", func(f *Flow, _ map[string]Node) { f.Start = "" }, "/start/flow.start_missing"},
		{"start unknown", func(f *Flow, _ map[string]Node) { f.Start = "x" }, "/start/flow.node_unknown"},
		{"unknown type", func(_ *Flow, n map[string]Node) { set(n, "bye", func(x *Node) { x.Type = "dance" }) }, "bye/type/flow.type_unknown"},
		{"unreachable", func(_ *Flow, n map[string]Node) { n["island"] = Node{Type: TypeHangup} }, "island//flow.unreachable"},
		{"loop", func(_ *Flow, n map[string]Node) { set(n, "greeting", func(x *Node) { x.Next = "notice" }) }, "greeting/next/flow.loop_without_input"},
		{"bad number", func(_ *Flow, n map[string]Node) {
			n["voicemail"] = Node{Type: TypeTransfer, Kind: TargetExternal, Target: "12;rm", OnFail: "bye"}
		}, "voicemail/target/flow.number_invalid"},
		{"unknown extension", func(_ *Flow, n map[string]Node) {
			n["voicemail"] = Node{Type: TypeTransfer, Kind: TargetExtension, Target: "1", OnFail: "bye"}
		}, "voicemail/target/flow.extension_unknown"},
		{"too patient", func(_ *Flow, n map[string]Node) { set(n, "menu", func(x *Node) { x.TimeoutS = 3600 }) }, "menu/timeout_s/flow.out_of_range"},
		{"no choices", func(_ *Flow, n map[string]Node) { set(n, "menu", func(x *Node) { x.Choices = nil }) }, "menu/choices/flow.choices_missing"},
		{"unknown language", func(f *Flow, _ map[string]Node) { f.Language = "tlh" }, "/language/flow.language_unknown"},
		{"empty", func(f *Flow, _ map[string]Node) { f.Nodes = nil }, "/nodes/flow.empty"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := demo(t)
			c.change(&f, f.Nodes)
			var got []string
			ps := Check(f, demoEnv())
			for _, p := range ps {
				got = append(got, p.Node+"/"+p.Field+"/"+p.Key)
			}
			if !slices.Contains(got, c.want) {
				t.Fatalf("want %s in %v", c.want, got)
			}
			if Publishable(ps) != (c.want == "island//flow.unreachable") {
				t.Fatalf("publishable %v with %v", Publishable(ps), got)
			}
		})
	}
}

func set(nodes map[string]Node, name string, change func(*Node)) {
	n := nodes[name]
	change(&n)
	nodes[name] = n
}

func TestCheckIsQuickOnBranchingFlows(t *testing.T) {
	f := Flow{Start: "0", Operator: "0", Nodes: map[string]Node{}}
	for i := range maxNodes - 1 { // 2^499 ways through
		next := strconv.Itoa(i + 1)
		f.Nodes[strconv.Itoa(i)] = Node{Type: TypeHours, Calendar: "service", Open: next, Closed: next}
	}
	f.Nodes[strconv.Itoa(maxNodes-1)] = Node{Type: TypeQueue, Queue: "operators"}
	if ps := Check(f, demoEnv()); !Publishable(ps) {
		t.Fatalf("%+v", ps)
	}
}

func TestLanguageSwitch(t *testing.T) {
	f := Flow{Language: "zh-CN", Start: "m", Operator: "q", Nodes: map[string]Node{
		"m":  {Type: TypeMenu, Prompts: []string{"p"}, Choices: map[string]string{"9": "en"}},
		"en": {Type: TypeSetLanguage, Lang: "en", Next: "m"},
		"q":  {Type: TypeQueue, Queue: "operators"},
	}}
	s, _ := Start(f, Vars{})
	s, actions := Step(f, s, d("9"))
	if s.Lang != "en" || s.Node != "m" || !slices.ContainsFunc(actions, func(a Action) bool { return a == SetLanguage{Lang: "en"} }) {
		t.Fatalf("%+v %+v", s, actions)
	}
	if s, _ := Start(f, Vars{Language: "en"}); s.Lang != "en" {
		t.Fatal("the caller's language must win")
	}
}

func TestBrokenFlowStillReachesAPersonOrEnds(t *testing.T) {
	for name, c := range map[string]struct {
		f    Flow
		want string
	}{
		"next is gone":     {Flow{Start: "a", Operator: "q", Nodes: map[string]Node{"a": {Type: TypeSetLanguage, Next: "x"}, "q": {Type: TypeQueue, Queue: "o"}}}, "q"},
		"silent circle":    {Flow{Start: "a", Operator: "q", Nodes: map[string]Node{"a": {Type: TypeSetLanguage, Next: "a"}, "q": {Type: TypeQueue, Queue: "o"}}}, "q"},
		"unknown type":     {Flow{Start: "a", Operator: "q", Nodes: map[string]Node{"a": {Type: "x"}, "q": {Type: TypeQueue, Queue: "o"}}}, "q"},
		"no operator":      {Flow{Start: "a", Nodes: map[string]Node{"a": {Type: "x"}}}, ""},
		"operator circles": {Flow{Start: "a", Operator: "a", Nodes: map[string]Node{"a": {Type: TypeSetLanguage, Next: "a"}}}, ""},
		"nothing at all":   {Flow{}, ""},
	} {
		s, actions := Start(c.f, Vars{})
		if c.want != "" && (s.Node != c.want || s.Done) {
			t.Errorf("%s: %+v", name, s)
		}
		if _, hung := actions[len(actions)-1].(Hangup); c.want == "" && (!s.Done || !hung) {
			t.Errorf("%s: not ended: %+v", name, actions)
		}
	}
}

func TestParseRefusesWhatItDoesNotKnow(t *testing.T) {
	for _, bad := range []string{``, `[]`, `{"strat":"x"}`, `{"nodes":{"a":{"type":7}}}`, `{} {}`, "{\"start\":\"\x00\"}"} {
		if _, err := Parse([]byte(bad)); !errs.Is(err, errs.Invalid) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := Parse([]byte(`{"name":"` + strings.Repeat("x", maxFlowBytes) + `"}`)); !errs.Is(err, errs.TooLarge) {
		t.Error("size limit", err)
	}
	many := Flow{Nodes: map[string]Node{}}
	for i := range maxNodes + 1 {
		many.Nodes[strconv.Itoa(i)] = Node{Type: TypeHangup}
	}
	data, _ := json.Marshal(many)
	if _, err := Parse(data); !errs.Is(err, errs.TooLarge) {
		t.Error("node limit", err)
	}
}

// Any flow and any inputs: no panic, bounded actions per step, and an end.
func FuzzFlow(f *testing.F) {
	seed, err := os.ReadFile(filepath.Join("testdata", "demo.json"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed, []byte{0, 0, 0, 3, 0, 11, 1, 2})
	for _, name := range []string{"booking.json"} {
		more, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(more, []byte{0, 0, 0, 60, 60, 7, 60, 7, 60, 60, 7, 2})
	}
	f.Add([]byte(`{"start":"a","operator":"a","nodes":{"a":{"type":"choose","variable":"v","next":"a","on_none":"a"}}}`), []byte{0})
	f.Add([]byte(`{"start":"a","nodes":{"a":{"type":"dip","dip":"booking.days","outcomes":{"ok":"b"}},"b":{"type":"choose","next":"c"},"c":{"type":"input","max_len":40,"next":"a"}}}`), []byte{7, 60, 4, 8, 5})
	f.Add([]byte(`{"start":"a","operator":"a","nodes":{"a":{"type":"set_language","next":"b"},"b":{"type":"set_language","next":"a"}}}`), []byte{0})
	f.Add([]byte(`{"start":"m","nodes":{"m":{"type":"menu","choices":{"1":"m"},"tries":1,"on_timeout":"m"}}}`), []byte{2, 2, 2, 11})
	f.Fuzz(func(t *testing.T, data, inputs []byte) {
		flow, err := Parse(data)
		if err != nil {
			return
		}
		Check(flow, Env{Prompt: func(string) bool { return false }})
		s, actions := Start(flow, Vars{})
		for i := 0; ; i++ {
			if len(actions) > 5*maxSteps || s.Steps > 2*maxSteps+2 {
				t.Fatalf("%d actions, %d steps", len(actions), s.Steps)
			}
			for _, a := range actions {
				if _, hung := a.(Hangup); hung && !s.Done {
					t.Fatal("hung up and not done")
				}
			}
			if s.Done || i >= 3000 || len(inputs) == 0 {
				return
			}
			s, actions = Step(flow, s, input(inputs[i%len(inputs)], s))
		}
	})
}

func input(b byte, s State) Input {
	switch b % 9 {
	case 7:
		return DipDone{Seq: s.Steps, Outcome: []string{"ok", "found", "many", "none", "error"}[b/9%5], Options: days(int(b % 19)), Say: []string{"x"}[:b%2]}
	case 8:
		return DipSlow{Seq: s.Steps}
	case 0:
		return PlayDone{}
	case 1:
		return Timeout{}
	case 2:
		return QueueLeft{}
	case 3:
		return Hours{Open: b&0x80 != 0}
	case 4:
		return Digit{D: string(rune('0' + b%16))}
	case 5:
		return TransferFailed{}
	}
	return Digit{D: string([]byte{b})}
}
