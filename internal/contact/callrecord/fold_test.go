package callrecord

import (
	"testing"
	"time"

	"heartline/internal/contact/journal"
)

var t0 = time.Date(2026, 11, 2, 1, 0, 0, 0, time.UTC)

// step is an event of a call, seconds after its start.
type step struct {
	at    float64
	agent string
	queue string
	p     journal.Payload
}

func events(call string, steps ...step) []journal.Event {
	var out []journal.Event
	for _, s := range steps {
		at := t0.Add(time.Duration(s.at * float64(time.Second)))
		out = append(out, journal.Past(at, call, s.agent, s.queue, s.p))
	}
	return out
}

func fold(steps ...step) Record {
	var r Record
	for _, ev := range events("c1", steps...) {
		r = Fold(r, ev)
	}
	return r
}

func incoming() []step {
	return []step{
		{0, "", "", journal.CallStarted{Direction: "inbound", FromIndex: "ix", FromMasked: "138****0000", DID: "96166"}},
		{0, "", "", journal.LegStarted{Leg: "in", Party: "caller"}},
		{0.1, "", "", journal.LegAnswered{Leg: "in"}},
		{0.1, "", "", journal.IVREntered{Flow: "f", Version: 1}},
		{0.1, "", "", journal.IVRNode{Node: "menu", Type: "menu"}},
		{10, "", "", journal.IVRInput{Node: "menu", Input: "digit", Digit: "1"}},
		{10, "", "", journal.IVRLeft{Result: "queue", Target: "q"}},
		{10, "", "q", journal.QueueEntered{Queue: "q", Position: 1}},
	}
}

// answered is a call that a takes after 20 s of waiting, 5 of them ringing.
func answered(more ...step) []step {
	return append(append(incoming(),
		step{25, "a", "q", journal.QueueOffered{Agent: "a", Offer: "o1"}},
		step{25, "a", "q", journal.LegStarted{Leg: "ag", Party: "agent", User: "a"}},
		step{25, "a", "q", journal.LegRinging{Leg: "ag"}},
		step{29.99, "a", "q", journal.LegAnswered{Leg: "ag"}}, // a moment before the offer is accepted
		step{30, "a", "q", journal.QueueAnswered{Agent: "a", Offer: "o1", WaitedMs: 20_000}},
		step{30, "", "q", journal.QueueLeft{Reason: "answered", WaitedMs: 20_000}}), more...)
}

// TestRecordingOfTheCall: the first one; one that broke gives way to the next,
// one that was not kept is none.
func TestRecordingOfTheCall(t *testing.T) {
	started, failed := func(id string) step { return step{1, "", "", journal.RecordingStarted{Recording: id}} },
		func(id string) step { return step{2, "", "", journal.RecordingFailed{Recording: id, Reason: "write"}} }
	stopped := func(id string, gone bool) step {
		return step{3, "", "", journal.RecordingStopped{Recording: id, DurationMs: 700, Discarded: gone}}
	}
	for name, c := range map[string]struct {
		want  string
		steps []step
	}{
		"none":               {"", nil},
		"one":                {"r1", []step{started("r1"), stopped("r1", false)}},
		"broken":             {"r1", []step{started("r1"), failed("r1")}},
		"broken, then whole": {"r2", []step{started("r1"), failed("r1"), started("r2"), stopped("r2", false)}},
		"broken twice":       {"r2", []step{started("r1"), failed("r1"), started("r2"), failed("r2")}},
		"not kept":           {"", []step{started("r1"), stopped("r1", true)}},
	} {
		t.Run(name, func(t *testing.T) {
			if r := fold(append(incoming(), c.steps...)...); r.Recording != c.want {
				t.Errorf("recording %q, want %q", r.Recording, c.want)
			}
		})
	}
}

func TestAnsweredCall(t *testing.T) {
	r := fold(answered(
		step{60, "a", "", journal.CallHeld{By: "a"}},
		step{70, "a", "", journal.CallResumed{By: "a"}},
		step{130, "", "", journal.MediaQuality{Leg: "in", MOS: 3.9}},
		step{130, "", "", journal.MediaQuality{Leg: "ag", MOS: 4.3}},
		step{130, "a", "", journal.LegEnded{Leg: "ag"}},
		step{130, "", "", journal.CallEnded{Cause: "normal", By: "caller"}},
		step{130, "a", "", journal.AgentState{State: "wrap_up", Prev: "talking", SincePrevMs: 100_000}},
		step{145, "a", "", journal.AgentState{State: "ready", Prev: "wrap_up", SincePrevMs: 15_000}},
		step{145, "a", "", journal.CallDisposed{Disposition: "booked", Patient: "p1"}},
	)...)
	if r.Outcome != Answered || r.IVRMs != 9_900 || r.WaitMs != 20_000 || r.RingMs != 5_000 || r.TalkMs != 90_000 ||
		r.HoldMs != 10_000 || r.WrapMs != 15_000 || r.MOS != 3.9 || r.EndedBy != "caller" || r.PatientID != "p1" {
		t.Fatalf("%+v", r)
	}
	if len(r.Agents) != 1 || len(r.Handled) != 1 || len(r.Visits) != 1 || r.Visits[0].Result != "answered" || r.Visits[0].Agent != "a" {
		t.Fatalf("%+v", r)
	}
	h := r.Handled[0]
	if h.Result != "answered" || h.RingMs != 5_000 || h.TalkMs != 90_000 || h.HoldMs != 10_000 || h.WrapMs != 15_000 {
		t.Fatalf("%+v", h)
	}
	if len(r.IVRPath) != 2 || r.IVRPath[1] != "menu=1" {
		t.Fatalf("%v", r.IVRPath)
	}
}

// internal is a call made by a colleague.
func internal(a []step) []step {
	return append([]step{{0, "", "", journal.CallStarted{Direction: "internal"}}}, a[1:]...)
}

func TestOutcomes(t *testing.T) {
	direct := []step{
		{0, "", "", journal.CallStarted{Direction: "inbound"}}, {0, "", "", journal.LegStarted{Leg: "in", Party: "caller"}},
		{0, "", "", journal.LegStarted{Leg: "x", Party: "agent", User: "a"}}, {1, "", "", journal.LegRinging{Leg: "x"}},
	}
	out := []step{
		{0, "a", "", journal.CallStarted{Direction: "outbound"}}, {0, "a", "", journal.LegStarted{Leg: "ag", Party: "agent", User: "a"}},
		{1, "a", "", journal.LegAnswered{Leg: "ag"}}, {1, "", "", journal.LegStarted{Leg: "far", Party: "external"}},
		{3, "", "", journal.LegRinging{Leg: "far"}},
	}
	end := func(at float64, by, cause string) step {
		return step{at, "", "", journal.CallEnded{By: by, Cause: cause}}
	}
	with := func(a []step, b ...step) []step { return append(append([]step{}, a...), b...) }
	offered := step{12, "a", "q", journal.QueueOffered{Agent: "a", Offer: "o"}}
	for _, c := range []struct {
		name  string
		steps []step
		want  Outcome
	}{
		{"gave up after 40 s", with(incoming(), end(50, "caller", "")), Abandoned},
		{"gave up after 5 s", with(incoming(), end(15, "caller", "")), ShortAbandoned},
		{"gave up just after 5 s", with(incoming(), end(15.001, "caller", "")), Abandoned},
		{"gave up while it rang", with(incoming(), offered, end(50, "caller", "")), Abandoned},
		{"gave up, and the queue said so first", with(incoming(), step{50, "", "q", journal.QueueLeft{Reason: "abandoned"}}, end(50, "caller", "")), Abandoned},
		{"picked up too late", with(incoming(), offered, step{12, "a", "", journal.LegStarted{Leg: "ag", Party: "agent", User: "a"}},
			step{50, "", "q", journal.QueueLeft{Reason: "abandoned"}}, step{50, "a", "", journal.LegAnswered{Leg: "ag"}}, end(50.1, "caller", "")), Abandoned},
		{"picked up, the offer not yet accepted", with(incoming(), offered, step{12, "a", "", journal.LegStarted{Leg: "ag", Party: "agent", User: "a"}},
			step{50, "a", "", journal.LegAnswered{Leg: "ag"}}, end(50, "caller", "")), Abandoned},
		{"done in the menu", with(incoming()[:6], end(12, "caller", "")), SelfService},
		{"flow hung up", with(incoming()[:6], end(12, "system", "flow")), SelfService},
		{"queue closed", with(incoming(), step{20, "", "q", journal.QueueLeft{Reason: "closed"}}, end(25, "system", "flow")), Missed},
		{"crash while waiting", with(incoming(), end(50, "restart", "restart")), Failed},
		{"crash while talking", with(answered(), end(50, "restart", "restart")), Answered},
		{"fault", with(incoming(), end(50, "system", "media_failed")), Failed},
		{"extension did not answer", with(direct, end(30, "system", "no_answer")), Missed},
		{"extension answered", with(direct, step{5, "", "", journal.LegAnswered{Leg: "x"}}, end(30, "agent", "")), Answered},
		{"caller left the ringing extension", with(direct, end(30, "caller", "")), Abandoned},
		{"a colleague gave up waiting", with(internal(incoming()), end(50, "caller", "")), Abandoned},
		{"a colleague left the ringing extension", with(internal(direct), end(30, "caller", "")), Missed},
		{"out: answered", with(out, step{9, "", "", journal.LegAnswered{Leg: "far"}}, end(60, "agent", "")), Answered},
		{"out: nobody home", with(out, end(60, "agent", "")), Missed},
		{"out: network fault", with(out, step{9, "", "", journal.LegEnded{Leg: "far", Cause: "unavailable", SIPCode: 503}}, end(9, "system", "")), Failed},
		{"sent outside by the menu", with(incoming()[:7], step{11, "", "", journal.LegStarted{Leg: "x", Party: "external"}},
			step{15, "", "", journal.LegAnswered{Leg: "x"}}, end(60, "caller", "")), TransferredOut},
		{"only the supervisor joined", with(incoming(), step{20, "s", "", journal.LegStarted{Leg: "sv", Party: "supervisor"}},
			step{20, "s", "", journal.LegAnswered{Leg: "sv"}}, end(50, "caller", "")), Abandoned},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := fold(c.steps...)
			if r.Outcome != c.want {
				t.Fatalf("outcome %s, want %s: %+v", r.Outcome, c.want, r)
			}
			if r.Outcome != Answered && r.Outcome != TransferredOut && (r.TalkMs != 0 || !r.AnsweredAt.IsZero()) {
				t.Fatalf("talk time on a call nobody answered: %+v", r)
			}
		})
	}
}

func TestTransferCountsOnceAndBothAgentsTalk(t *testing.T) {
	r := fold(answered(
		step{60, "a", "", journal.CallTransferred{Type: "blind", From: "a", TargetKind: "agent", Target: "b", Result: "ok"}},
		step{60, "b", "", journal.LegStarted{Leg: "ag2", Party: "agent", User: "b"}},
		step{60, "b", "", journal.LegRinging{Leg: "ag2"}},
		step{65, "a", "", journal.LegEnded{Leg: "ag"}},
		step{65, "b", "", journal.LegAnswered{Leg: "ag2"}},
		step{70, "b", "", journal.CallTransferred{Type: "blind", From: "b", TargetKind: "external", Target: "x", Result: "failed"}},
		step{95, "b", "", journal.LegEnded{Leg: "ag2"}},
		step{95, "", "", journal.CallEnded{By: "agent"}},
		step{95, "", "", journal.CallEnded{By: "caller", Cause: "late"}},
	)...)
	if r.Transfers != 1 || len(r.Agents) != 2 || r.TalkMs != 65_000 || r.EndedBy != "agent" {
		t.Fatalf("%+v", r)
	}
	if r.Handled[0].TalkMs != 35_000 || r.Handled[1].TalkMs != 30_000 || r.Handled[1].RingMs != 5_000 {
		t.Fatalf("%+v", r.Handled)
	}
}

func TestAgentLostParksAndTheWaitIsNotTalk(t *testing.T) {
	r := fold(answered(
		step{60, "a", "", journal.CallParked{Reason: "agent_lost"}},
		step{60, "a", "", journal.LegEnded{Leg: "ag", Cause: "media_lost"}},
		step{90, "", "q", journal.QueueEntered{Queue: "q", Position: 1, Front: true}},
		step{95, "b", "q", journal.QueueOffered{Agent: "b", Offer: "o2"}},
		step{100, "b", "q", journal.QueueAnswered{Agent: "b", Offer: "o2"}},
		step{100, "", "q", journal.QueueLeft{Reason: "answered"}},
		step{130, "", "", journal.CallEnded{By: "caller"}},
	)...)
	if r.Outcome != Answered || r.WaitMs != 20_000 || r.ParkMs != 40_000 || r.TalkMs != 60_000 || len(r.Visits) != 2 {
		t.Fatalf("%+v", r)
	}
	if r.Handled[0].TalkMs != 30_000 || r.Handled[1].TalkMs != 30_000 {
		t.Fatalf("%+v", r.Handled)
	}
}

func TestNoAnswerThenNextAgent(t *testing.T) {
	r := fold(append(incoming(),
		step{10, "b", "q", journal.QueueOffered{Agent: "b", Offer: "o0"}},
		step{30, "b", "q", journal.QueueRefused{Agent: "b", Offer: "o0", Reason: "no_answer"}},
		step{30, "a", "q", journal.QueueOffered{Agent: "a", Offer: "o1"}},
		step{33, "a", "q", journal.QueueAnswered{Agent: "a", Offer: "o1"}},
		step{40, "", "", journal.CallEnded{By: "caller"}})...)
	if len(r.Agents) != 1 || r.WaitMs != 23_000 || r.RingMs != 3_000 || r.Handled[0].Result != "no_answer" || r.Handled[0].RingMs != 20_000 {
		t.Fatalf("%+v", r)
	}
}

func FuzzFoldNeverPanics(f *testing.F) {
	f.Add("leg.answered", []byte(`{"leg":"ag"}`), int64(5), "queue.left", []byte(`{"reason":"abandoned"}`))
	f.Add("call.ended", []byte(`{"by":"caller"}`), int64(-9), "agent.state", []byte(`{"prev":"wrap_up","since_prev_ms":-4}`))
	f.Fuzz(func(t *testing.T, kind1 string, data1 []byte, dt int64, kind2 string, data2 []byte) {
		var r Record
		seq := events("c1", answered(step{90, "", "", journal.CallEnded{By: "caller"}})...)
		for i, ev := range seq {
			r = Fold(r, ev)
			at := t0.Add(time.Duration(dt % int64(time.Hour)))
			if i%3 == 0 {
				r = Fold(r, journal.Event{At: at, Contact: "c1", Agent: "a", Kind: kind1, Data: data1})
			} else {
				r = Fold(r, journal.Event{At: at, Contact: "c1", Agent: "a", Kind: kind2, Data: data2})
			}
		}
		if r.WaitMs < 0 || r.TalkMs < 0 || r.HoldMs < 0 || r.WrapMs < 0 || r.IVRMs < 0 || r.RingMs < 0 || r.Outcome == "" {
			t.Fatalf("%+v", r)
		}
	})
}
