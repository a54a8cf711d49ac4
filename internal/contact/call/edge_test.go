package call

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"heartline/internal/contact/acd"
	"heartline/internal/contact/callrecord"
	"heartline/internal/contact/journal"
	"heartline/internal/contact/sip"
	"heartline/internal/contact/sip/phone"
	"heartline/internal/platform/errs"
)

const ms = time.Millisecond

func TestResolve(t *testing.T) {
	dir := newTestDirectory(testFlow())
	for _, tt := range []struct {
		name    string
		kind    callerKind
		dialled string
		may     bool
		want    destination
	}{
		{"menu from outside", fromOutside, "96166", false, destination{flow: "main"}},
		{"queue from outside", fromOutside, "96167", false, destination{queue: "q1"}},
		{"extension's own number", fromOutside, "96168", false, destination{target: Target{TargetExtension, "8009"}}},
		{"extension from outside", fromOutside, "8009", false, destination{refuse: "not_found"}},
		{"queue code from outside", fromOutside, "101", false, destination{refuse: "not_found"}},
		{"outside to outside", fromOutside, "13900000000", true, destination{refuse: "not_found"}},
		{"nothing", fromOutside, "", false, destination{refuse: "not_found"}},
		{"extension", fromExtension, "8009", false, destination{target: Target{TargetExtension, "8009"}}},
		{"queue code", fromExtension, "102", false, destination{queue: "q2"}},
		{"menu from inside", fromExtension, "96166", false, destination{flow: "main"}},
		{"outside, permitted", fromExtension, "13900000000", true, destination{target: Target{TargetExternal, "13900000000"}}},
		{"outside, not permitted", fromExtension, "13900000000", false, destination{refuse: "refused"}},
		{"unknown short number", fromExtension, "77", true, destination{refuse: "not_found"}},
		{"not a number", fromExtension, "alice;rm", true, destination{refuse: "not_found"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := resolve(dir, tt.kind, tt.dialled, tt.may)
			if got.flow != tt.want.flow || got.queue != tt.want.queue || got.target != tt.want.target || got.refuse != tt.want.refuse {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestCanonicalAndMask(t *testing.T) {
	for in, want := range map[string]string{
		"13800138000": "13800138000", "+86 138 0013 8000": "13800138000", "008613800138000": "13800138000",
		"8613800138000": "13800138000", "013800138000": "13800138000", "02788880000": "02788880000", "8001": "8001", "+441632960000": "441632960000", "": "",
	} {
		if got := Canonical(in); got != want {
			t.Errorf("Canonical(%q) = %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{"13800138000": "138****8000", "8001": "8001", "96166": "96166", "8288000": "82***00", "": ""} {
		if got := Mask(in); got != want {
			t.Errorf("Mask(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestCallerNumber(t *testing.T) {
	for in, want := range map[string]string{
		"+8613800138000": "13800138000", "anonymous": "", "138-0013 8000": "13800138000", "张三<script>": "", "": "",
		"00000000000000000000000000000000000000000": "00000000000000000000000000000000",
	} {
		if got := callerNumber(in); got != want {
			t.Errorf("callerNumber(%q) = %q, want %q", in, got, want)
		}
	}
}

func (r *rig) refused(c *phone.Call, code int) {
	r.Helper()
	if err := c.WaitAnswered(r.ctx()); err == nil {
		r.Fatal("the call was answered")
	}
	r.ended(c)
	if got := c.Cause().SIPCode; got != code {
		r.Errorf("refused with %d, want %d", got, code)
	}
}

func TestRefusals(t *testing.T) {
	r := newRig(t, func(p *rigPlan) { p.call.MaxCalls = 1 })
	r.refused(r.dial("55555"), 404)
	r.refused(r.dial("13900000000"), 404)
	r.refused(r.dial("96168"), 480) // nobody is registered there
	r.nobody()
	caller := r.caller("96167")
	r.refused(r.dial("96167"), 503)
	r.must(caller.Hangup(r.ctx()))
	r.nobody()
	r.caller("96167")
}

// TestDirectNumber rings an extension; the caller hears ringing, not an
// early answer.
func TestDirectNumber(t *testing.T) {
	r := newRig(t)
	desk := r.extension("8009")
	caller := r.dial("96168")
	r.must(caller.WaitRinging(r.ctx()))
	id := r.only().ID
	r.answer(r.ringing(desk), toneThird)
	r.must(caller.WaitAnswered(r.ctx()))
	r.hears(caller, toneThird)
	r.must(caller.Hangup(r.ctx()))
	r.record(id)
	// A caller who gives up while it rings.
	second := r.dial("96168")
	ringing := r.ringing(desk)
	r.must(second.WaitRinging(r.ctx()))
	r.must(second.Hangup(r.ctx()))
	r.ended(ringing)
	r.nobody()
}

// TestInternalAndOutside calls from one desk to another and to the world.
func TestInternalAndOutside(t *testing.T) {
	r := newRig(t)
	one, two := r.extension("8001"), r.extension("8002")
	c, err := one.Dial(r.ctx(), "8002", "")
	r.must(err)
	c.PlayTone(toneAnn)
	other := r.answer(r.ringing(two), toneBob)
	r.hears(c, toneBob)
	r.hears(other, toneAnn)
	if v := r.only(); v.Direction != Internal || v.Extension != "8001" {
		t.Errorf("call: %+v", v)
	}
	r.must(c.Hangup(r.ctx()))
	r.nobody()

	world := r.carrier.Phone("13900000009", "")
	c, err = one.Dial(r.ctx(), "13900000009", "")
	r.must(err)
	c.PlayTone(toneAnn)
	patient := r.answer(r.ringing(world), toneThird)
	r.must(c.WaitAnswered(r.ctx()))
	r.hears(c, toneThird)
	v := r.only()
	if v.Direction != Outbound || v.NumberMasked != "139****0009" || v.To != "139****0009" {
		t.Errorf("call: %+v", v)
	}
	r.must(patient.Hangup(r.ctx()))
	r.ended(c)
	if rec := r.record(v.ID); rec.Outcome != callrecord.Answered || rec.Direction != Outbound {
		t.Errorf("record: %+v", rec)
	}
	c, err = two.Dial(r.ctx(), "13900000009", "") // 8002 may not
	r.must(err)
	r.refused(c, 603)
}

// TestAgentDials from the desk phone: it rings first, then the patient.
func TestAgentDials(t *testing.T) {
	r := newRig(t)
	ann := r.seated("ann", "8001")
	world := r.carrier.Phone("13800138000", "")
	id, err := r.svc.Dial(r.ctx(), "ann", "138 0013-8000")
	r.must(err)
	desk := r.answer(r.ringing(ann), toneAnn)
	patient := r.answer(r.ringing(world), toneThird)
	r.hears(desk, toneThird)
	r.hears(patient, toneAnn)
	r.agentState("ann", acd.Talking)
	v, err := r.svc.Desk(r.ctx(), "ann")
	r.must(err)
	if len(v.Calls) != 1 || v.Calls[0].State != StageTalking || v.Calls[0].Number != "13800138000" || len(v.Calls[0].Patients) != 1 {
		t.Errorf("desk: %+v", v)
	}
	r.must(patient.SendDTMF(r.ctx(), "12"))
	r.must(r.svc.Mute(r.ctx(), "ann", id, true))
	r.must(r.svc.SendDTMF(r.ctx(), "ann", id, "34#"))
	r.eventually("digits", func() bool { return patient.Digits() == "34#" })
	r.must(r.svc.Hangup(r.ctx(), "ann", id))
	r.ended(patient)
	rec := r.record(id)
	if rec.Outcome != callrecord.Answered || rec.EndedBy != byAgent || rec.TalkMs == 0 {
		t.Errorf("record: %+v", rec)
	}
	r.noted(id, journal.KindDTMFReceived, journal.KindCallMuted, journal.KindRecordingStopped)
	r.agentState("ann", acd.WrapUp)
	if _, err := r.svc.Dial(r.ctx(), "ann", "96166"); !errs.Is(err, errs.Invalid) {
		t.Errorf("dialling our own menu: %v", err)
	}
}

// TestColleaguesSeeWhoCalls: the one who dials sees a call going out, the other
// who it is; neither sees a patient.
func TestColleaguesSeeWhoCalls(t *testing.T) {
	r := newRig(t)
	ann, bob := r.seated("ann", "8001"), r.seated("bob", "8002")
	id, err := r.svc.Dial(r.ctx(), "ann", "8002")
	r.must(err)
	sees := func(agent, state, colleague, number string) {
		t.Helper()
		r.eventually(agent+" sees "+state, func() bool {
			v, err := r.svc.Desk(r.ctx(), agent)
			r.must(err)
			return len(v.Calls) == 1 && v.Calls[0].State == state
		})
		v, _ := r.svc.Desk(r.ctx(), agent)
		if c := v.Calls[0]; c.Colleague != colleague || c.Number != number || c.NumberMasked != number || c.Direction != Internal {
			t.Errorf("%s sees %+v", agent, c)
		}
	}
	calling := r.ringing(ann)
	sees("ann", stateDialing, "", "8002")
	desk := r.answer(calling, toneAnn)
	called := r.ringing(bob)
	sees("ann", stateDialing, "bob", "8002")
	sees("bob", StageRinging, "ann", "8001")
	far := r.answer(called, toneBob)
	r.hears(desk, toneBob)
	sees("ann", StageTalking, "bob", "8002")
	sees("bob", StageTalking, "ann", "8001")
	r.must(r.svc.Hangup(r.ctx(), "ann", id))
	r.ended(far)
}

func TestAgentDialsNoAnswer(t *testing.T) {
	r := newRig(t, func(p *rigPlan) { p.call.DirectRing = 300 * ms })
	r.seated("ann", "8001", phone.WithAnswer(0))
	world := r.carrier.Phone("13900000009", "")
	id, err := r.svc.Dial(r.ctx(), "ann", "13900000009")
	r.must(err)
	r.ended(r.ringing(world))
	if rec := r.record(id); rec.Outcome != callrecord.Missed || rec.EndCause != "no_answer" {
		t.Errorf("record: %+v", rec)
	}
	r.agentState("ann", acd.WrapUp)
}

// TestAgentNumber is told to the caller and to the agent before they talk.
func TestAgentNumber(t *testing.T) {
	r := newRig(t, func(p *rigPlan) { p.call.AnnounceAgent = true })
	ann := r.seated("ann", "8001")
	caller := r.caller("96167")
	desk := r.answer(r.ringing(ann), toneAnn)
	r.hears(desk, promptTone("agent_number_prefix"))
	r.hears(caller, promptTone("agent_number_prefix"))
	r.hears(caller, toneAnn)
	r.hears(desk, toneCaller)
}

// TestDrain refuses new calls and waits for the others.
func TestDrain(t *testing.T) {
	s := talk(t)
	done := make(chan error, 1)
	go func() { done <- s.svc.Drain(s.ctx()) }()
	s.eventually("draining", func() bool { return s.svc.Open() != nil })
	s.refused(s.dial("96166"), 503)
	s.hears(s.caller, toneAnn)
	select {
	case err := <-done:
		t.Fatalf("drained while a call was on: %v", err)
	default:
	}
	s.must(s.caller.Hangup(s.ctx()))
	s.must(<-done)
}

// TestPanicIsContained ends the call at fault and no other.
func TestPanicIsContained(t *testing.T) {
	s := talk(t)
	other := s.rig.caller("96167")
	c, err := s.svc.find(s.id)
	s.must(err)
	if err := c.do(s.ctx(), func() error { panic("test") }); !errs.Is(err, errs.Internal) {
		t.Errorf("the command got %v", err)
	}
	s.ended(s.caller)
	s.ended(s.desk)
	s.hears(other, toneMusic)
	alarms := s.alarms.Active()
	if len(alarms) != 1 || alarms[0].Key != "alarm.call_failed" {
		t.Errorf("alarms: %+v", alarms)
	}
	s.must(other.Hangup(s.ctx()))
	if rec := s.record(s.id); rec.EndedBy != bySystem || rec.EndCause != "failed" {
		t.Errorf("record: %+v", rec)
	}
	s.agentState("ann", acd.WrapUp)
}

// TestRecordingBreaks raises an alarm and lets the people talk.
func TestRecordingBreaks(t *testing.T) {
	r := newRig(t, func(p *rigPlan) { p.call.ConversationsOnly = true })
	r.tapes.breaks(1)
	ann := r.seated("ann", "8001")
	caller := r.caller("96167")
	desk := r.answer(r.ringing(ann), toneAnn)
	r.eventually("alarm", func() bool { return len(r.alarms.Active()) > 0 })
	r.hears(caller, toneAnn)
	r.hears(desk, toneCaller)
	v := r.only()
	r.eventually("recording off", func() bool { return r.only().Recording == "off" })
	if err := r.svc.RecordingPause(r.ctx(), "ann", v.ID); !errs.Is(err, errs.Conflict) {
		t.Errorf("pause: %v", err)
	}
	r.noted(v.ID, journal.KindRecordingFailed)
}

// TestRecordingPause leaves a hole of silence.
func TestRecordingPause(t *testing.T) {
	s := talk(t)
	s.must(s.svc.RecordingPause(s.ctx(), "ann", s.id))
	if v := s.only(); v.Recording != "paused" {
		t.Errorf("recording is %s", v.Recording)
	}
	s.desk.PlayTone(toneBob)
	s.hears(s.caller, toneBob)
	s.desk.PlayTone(toneThird)
	s.hears(s.caller, toneThird)
	s.must(s.svc.RecordingResume(s.ctx(), "ann", s.id))
	s.desk.PlayTone(900)
	s.hears(s.caller, 900)
	s.must(s.caller.Hangup(s.ctx()))
	_, right := s.tapes.wait(t, s.id)
	if holds(right, toneBob) {
		t.Error("what was said during the pause was recorded")
	}
	if !holds(right, toneAnn) || !holds(right, 900) {
		t.Error("what was said before or after the pause is missing")
	}
	s.noted(s.id, journal.KindRecordingPaused, journal.KindRecordingResumed)
}

// TestCallerVanishes ends a call whose caller sends nothing any more.
func TestCallerVanishes(t *testing.T) {
	s := talk(t, func(p *rigPlan) { p.call.CallerLost = 300 * ms })
	s.caller.Cut(true)
	s.ended(s.desk)
	if rec := s.record(s.id); rec.EndCause != "media_lost" || rec.EndedBy != bySystem {
		t.Errorf("record: %+v", rec)
	}
}

// TestHostileSDP sends offers that nobody can speak, or that lie: each is
// refused, no agent rings, and the next caller is served.
func TestHostileSDP(t *testing.T) {
	r := newRig(t)
	raw, err := sip.New(sip.Config{UDP: "127.0.0.1:0", OpenUA: true}, nil, r.svc, slog.New(slog.DiscardHandler))
	r.must(err)
	r.must(raw.Start(r.ctx()))
	defer func() { r.must(raw.Stop(r.ctx())) }()
	r.must(r.sip.SetTrunks([]sip.Trunk{{ID: "trunk2", Kind: sip.TrunkStatic, Host: "127.0.0.1", PeerIPs: []string{raw.Addr("udp").String()}, OptionsEvery: -1}}))
	const head = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
	offer := func(body string) (code int, answered bool) {
		d, err := raw.Dial(context.Background(), sip.DialSpec{URI: "sip:96166@" + r.sip.Addr("udp").String(), From: "13800138000", Offer: []byte(body)})
		r.must(err)
		for ev := range d.Events() {
			switch ev := ev.(type) {
			case sip.Failed:
				code = ev.Code
			case sip.Answered:
				answered = true
				_ = d.Hangup(context.Background(), sip.Cause{})
			}
		}
		return code, answered
	}
	for name, body := range map[string]string{
		"unknown codec":    head + "m=audio 4000 RTP/AVP 99\r\na=rtpmap:99 opus/48000/2\r\n",
		"no sound at all":  head + "m=video 4000 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\n",
		"binary":           "\x00\xff\xfe\x01v=0\x00",
		"text":             strings.Repeat("A", 60_000),
		"port beyond 65k":  head + "m=audio 99999 RTP/AVP 8\r\n",
		"negative port":    head + "m=audio -1 RTP/AVP 8\r\n",
		"port zero":        head + "m=audio 0 RTP/AVP 8\r\n",
		"no address":       "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n",
		"a name for one":   strings.Replace(head, "c=IN IP4 127.0.0.1", "c=IN IP4 evil.example", 1) + "m=audio 4000 RTP/AVP 8\r\n",
		"multicast":        strings.Replace(head, "c=IN IP4 127.0.0.1", "c=IN IP4 224.2.1.1/127", 1) + "m=audio 4000 RTP/AVP 8\r\n",
		"broadcast":        strings.Replace(head, "c=IN IP4 127.0.0.1", "c=IN IP4 255.255.255.255", 1) + "m=audio 4000 RTP/AVP 8\r\n",
		"payload type 999": head + "m=audio 4000 RTP/AVP 999\r\na=rtpmap:999 PCMA/8000\r\n",
		"secure only":      head + "m=audio 4000 RTP/SAVP 8\r\n",
	} {
		if code, answered := offer(body); answered || code < 400 || code >= 500 {
			t.Errorf("%s: refused with %d, answered %v", name, code, answered)
		}
	}
	many := head + "m=audio 4000 RTP/AVP 8" + strings.Repeat(" 8", 5000) + "\r\n" + strings.Repeat("a=rtpmap:8 PCMA/8000\r\n", 1000)
	offer(many) // may be taken or not: it only must not hurt
	r.nobody()
	if _, answered := offer(head + "m=audio 4000 RTP/AVP 8\r\n"); !answered {
		t.Error("an honest caller is not served any more")
	}
}
