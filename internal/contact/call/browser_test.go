package call

import (
	"context"
	"testing"
	"time"

	"heartline/internal/contact/acd"
	"heartline/internal/contact/journal"
	"heartline/internal/contact/media/mediatest"
	"heartline/internal/contact/sip/phone"
	"heartline/internal/platform/errs"
)

// seatedTalk is a caller who talks to ann in her browser.
type seatedTalk struct {
	*rig
	id     string
	ann    *mediatest.Browser
	detach func()
	caller *phone.Call
}

func talkInBrowser(t *testing.T, opts ...rigOption) *seatedTalk {
	t.Helper()
	s := &seatedTalk{rig: newRig(t, opts...)}
	s.ann, s.detach = s.atBrowser("ann", toneAnn)
	s.caller = s.rig.caller("96167")
	s.eventually("the desk rings", func() bool { return len(s.desk().Calls) == 1 })
	s.id = s.only().ID
	s.must(s.svc.Answer(s.ctx(), "ann", s.id))
	s.hears(s.caller, toneAnn)
	s.hears(s.ann, toneCaller)
	return s
}

func (s *seatedTalk) desk() DeskView {
	s.Helper()
	v, err := s.svc.Desk(s.ctx(), "ann")
	s.must(err)
	return v
}

// TestBrowserSeat works a call from the browser: the desk shows each state.
func TestBrowserSeat(t *testing.T) {
	s := talkInBrowser(t)
	v := s.desk()
	if v.Agent.State != "talking" || !v.Agent.BrowserConnected || len(v.Queues) != 2 || len(v.Calls) != 1 {
		t.Fatalf("desk: %+v", v)
	}
	if c := v.Calls[0]; c.State != StageTalking || c.Queue != "q1" || c.QueueName != "Appointments" || c.Recording != "on" || len(c.Patients) != 1 || c.AnsweredAt == nil {
		t.Errorf("call: %+v", c)
	}
	s.eventually("quality", func() bool { return s.desk().Calls[0].Quality != nil })
	s.must(s.svc.Mute(s.ctx(), "ann", s.id, true))
	if !s.desk().Calls[0].Muted {
		t.Error("the desk does not show mute")
	}
	s.must(s.svc.Mute(s.ctx(), "ann", s.id, false))
	s.must(s.svc.Hold(s.ctx(), "ann", s.id))
	s.hears(s.caller, toneMusic)
	if c := s.desk().Calls[0]; c.State != StageHeld {
		t.Errorf("state %s", c.State)
	}
	if err := s.svc.SignOut(s.ctx(), "ann"); !errs.Is(err, errs.Conflict) {
		t.Errorf("signing out on a call: %v", err)
	}
	s.must(s.svc.Resume(s.ctx(), "ann", s.id))
	s.hears(s.caller, toneAnn)
	s.must(s.svc.Hangup(s.ctx(), "ann", s.id))
	s.ended(s.caller)
	s.agentState("ann", acd.WrapUp)
	if w := s.desk().WrapUp; w == nil || w.Call != s.id || w.EndsAt == nil {
		t.Errorf("wrap-up: %+v", w)
	}
	s.must(s.svc.WrapUpDone(s.ctx(), "ann"))
	s.must(s.svc.SignOut(s.ctx(), "ann"))
	s.agentState("ann", acd.SignedOut)
}

// TestReadyNeedsSound refuses to make an agent ready whose sound is not
// proven.
func TestReadyNeedsSound(t *testing.T) {
	r := newRig(t)
	r.must(r.svc.SignIn(r.ctx(), "ann", Seat{Kind: SeatBrowser}))
	if err := r.svc.SetState(r.ctx(), "ann", true, ""); !errs.Is(err, errs.Conflict) {
		t.Errorf("ready without a browser: %v", err)
	}
	r.must(r.svc.SignIn(r.ctx(), "bob", Seat{Kind: SeatExtension, Extension: "8002"}))
	if err := r.svc.SetState(r.ctx(), "bob", true, ""); !errs.Is(err, errs.Conflict) {
		t.Errorf("ready without a phone: %v", err)
	}
	if err := r.svc.SignIn(r.ctx(), "ann", Seat{Kind: SeatExtension, Extension: "8002"}); !errs.Is(err, errs.Conflict) {
		t.Errorf("taking bob's phone: %v", err)
	}
	b := r.connect("ann", toneAnn)
	r.must(r.svc.SetState(r.ctx(), "ann", true, ""))
	r.eventually("microphone level", func() bool {
		level, err := r.svc.RTCLevel(r.ctx(), "ann")
		return err == nil && level > -40
	})
	r.must(b.Close())
	r.agentState("ann", acd.NotReady)
}

// TestReload parks the caller while the agent's page reloads and resumes.
func TestReload(t *testing.T) {
	s := talkInBrowser(t)
	s.detach()
	s.must(s.ann.Close())
	s.stage(StageParked)
	s.hears(s.caller, promptTone("comfort_resume"))
	if c := s.desk().Calls[0]; c.State != StageParked {
		t.Errorf("desk shows %s", c.State)
	}
	defer s.svc.AgentConnected("ann")()
	again := s.connect("ann", toneBob)
	s.hears(s.caller, toneBob)
	s.hears(again, toneCaller)
	s.stage(StageTalking)
	s.must(s.caller.Hangup(s.ctx()))
	s.record(s.id)
	s.noted(s.id, journal.KindCallParked, journal.KindCallUnparked)
	s.must(s.svc.WrapUpDone(s.ctx(), "ann"))
	s.agentState("ann", acd.Ready) // as before the loss
}

// TestSecondWindow takes over from the first without losing the caller.
func TestSecondWindow(t *testing.T) {
	s := talkInBrowser(t)
	defer s.svc.AgentConnected("ann")()
	second := s.connect("ann", toneBob)
	s.hears(s.caller, toneBob)
	s.hears(second, toneCaller)
}

// TestCutCable notices that an agent's sound stopped, and that it came back.
func TestCutCable(t *testing.T) {
	s := talkInBrowser(t)
	s.ann.Cut(true)
	s.stage(StageParked)
	s.ann.Cut(false)
	s.hears(s.caller, toneAnn)
	s.stage(StageTalking)
}

// TestAgentDoesNotReturn puts the caller at the front of the queue again.
func TestAgentDoesNotReturn(t *testing.T) {
	s := talkInBrowser(t, func(p *rigPlan) { p.call.AgentGrace = 500 * time.Millisecond })
	s.detach()
	s.must(s.ann.Close())
	s.stage(StageParked)
	s.stage(StageQueued)
	s.agentState("ann", acd.NotReady)
	bob := s.seated("bob", "8002")
	s.answer(s.ringing(bob), toneBob)
	s.hears(s.caller, toneBob)
	if live, _ := s.svc.agentLive("ann"); live.Reason != ReasonConnection {
		t.Errorf("ann is not ready for %q", live.Reason)
	}
	s.must(s.caller.Hangup(s.ctx()))
	if rec := s.record(s.id); rec.ParkMs == 0 || len(rec.Agents) != 2 {
		t.Errorf("record: %+v", rec)
	}
}

// TestWindowGoneSoundAlive lets the people talk on when only the signalling
// of the browser is cut.
func TestWindowGoneSoundAlive(t *testing.T) {
	s := talkInBrowser(t)
	s.detach()
	s.eventually("three looks", func() bool {
		s.caller.Forget()
		return s.caller.WaitTone(s.ctx(), toneAnn) == nil && s.stageOf(s.id) == StageTalking
	})
	if st := s.stageOf(s.id); st != StageTalking {
		t.Errorf("the call is %s", st)
	}
}

// TestSupervision checks with three tones who hears whom in each mode.
func TestSupervision(t *testing.T) {
	s := talkInBrowser(t)
	boss := s.connect("boss", toneThird)
	mix := func(b *mediatest.Browser, hz ...float64) {
		t.Helper()
		if err := b.WaitMix(s.ctx(), 0.2, hz...); err != nil {
			t.Fatalf("%v are not heard together", hz)
		}
	}
	if err := s.svc.Monitor(s.ctx(), "boss", s.id, "spy"); !errs.Is(err, errs.Invalid) {
		t.Errorf("unknown mode: %v", err)
	}
	s.must(s.svc.Monitor(s.ctx(), "boss", s.id, ModeListen))
	mix(boss, toneCaller, toneAnn)
	s.hears(s.caller, toneAnn) // the caller hears the agent alone
	s.hears(s.ann, toneCaller)
	s.must(s.svc.Monitor(s.ctx(), "boss", s.id, ModeWhisper))
	mix(s.ann, toneCaller, toneThird)
	s.caller.Forget()
	s.hears(s.caller, toneAnn)
	if phone.ToneLevel(s.caller.Received(), toneThird) > 0.05 {
		t.Error("the caller hears the whisper")
	}
	s.must(s.svc.Monitor(s.ctx(), "boss", s.id, ModeBarge))
	s.mixes(s.caller, [2]float64{toneAnn, toneThird})
	mix(s.ann, toneCaller, toneThird)
	mix(boss, toneCaller, toneAnn)
	s.must(s.svc.StopMonitor(s.ctx(), "boss", s.id))
	s.hears(s.caller, toneAnn)
	s.must(s.svc.ForceHangup(s.ctx(), "boss", s.id))
	s.ended(s.caller)
	if rec := s.record(s.id); rec.EndedBy != bySupervisor {
		t.Errorf("ended by %s", rec.EndedBy)
	}
	s.noted(s.id, journal.KindMonitorStarted, journal.KindMonitorEnded)
}

// TestForceSignOut takes the agent out and ends the call truthfully.
func TestForceSignOut(t *testing.T) {
	s := talkInBrowser(t)
	s.must(s.svc.ForceState(s.ctx(), "boss", "ann", false, "meeting"))
	s.must(s.svc.ForceSignOut(s.ctx(), "boss", "ann"))
	s.ended(s.caller)
	s.agentState("ann", acd.SignedOut)
	s.nobody()
}

// TestAutoAnswer connects an agent who wants it without a command.
func TestAutoAnswer(t *testing.T) {
	r := newRig(t)
	p := r.dir.agents["ann"]
	p.AutoAnswer = true
	r.dir.agents["ann"] = p
	b, _ := r.atBrowser("ann", toneAnn)
	caller := r.caller("96167")
	r.hears(caller, toneAnn)
	r.hears(b, toneCaller)
}

// TestConsultAnother dials a colleague while the caller is on hold and comes
// back: the one browser moves between the calls.
func TestConsultAnother(t *testing.T) {
	s := talkInBrowser(t)
	desk := s.extension("8009")
	if _, err := s.svc.Dial(s.ctx(), "ann", "8009"); !errs.Is(err, errs.Conflict) {
		t.Errorf("dialling in mid-talk: %v", err)
	}
	s.must(s.svc.Hold(s.ctx(), "ann", s.id))
	second, err := s.svc.Dial(s.ctx(), "ann", "8009")
	s.must(err)
	colleague := s.answer(s.ringing(desk), toneThird)
	s.hears(s.ann, toneThird)
	s.hears(colleague, toneAnn)
	s.hears(s.caller, toneMusic)
	if err := s.svc.Resume(s.ctx(), "ann", s.id); !errs.Is(err, errs.Conflict) {
		t.Errorf("resuming in mid-talk: %v", err)
	}
	s.must(s.svc.Hangup(s.ctx(), "ann", second))
	s.ended(colleague)
	s.agentState("ann", acd.Talking) // still has the caller
	s.must(s.svc.Resume(s.ctx(), "ann", s.id))
	s.hears(s.ann, toneCaller)
	s.hears(s.caller, toneAnn)
}

// visitor is somebody on /try.
type visitor struct {
	*rig
	events <-chan TryEvent
	sound  *mediatest.Browser
}

func newVisitor(r *rig) *visitor {
	r.Helper()
	v := &visitor{rig: r, events: r.svc.TryEvents("visitor")}
	b, err := mediatest.New(toneCaller)
	r.must(err)
	r.Cleanup(func() { _ = b.Close() })
	r.must(b.Connect(r.ctx(), func(offer string) (string, error) { return r.svc.TryConnect(r.ctx(), "visitor", offer) }))
	v.sound = b
	v.told(TryStateConnected)
	return v
}

func (v *visitor) dials(number string) string {
	v.Helper()
	id, err := v.svc.TryDial(v.ctx(), "visitor", number, "13800138000")
	v.must(err)
	return id
}

func (v *visitor) told(want string) TryEvent {
	v.Helper()
	for {
		select {
		case e := <-v.events:
			if e.State == want {
				return e
			}
		case <-time.After(patience):
			v.Fatalf("never told %s", want)
		}
	}
}

// TestTry is a visitor of /try who dials, presses a key, talks, hangs up.
func TestTry(t *testing.T) {
	r := newRig(t)
	ann := r.seated("ann", "8001")
	if _, err := r.svc.TryDial(r.ctx(), "visitor", "96166", "13800138000"); !errs.Is(err, errs.Conflict) {
		t.Errorf("dialling without sound: %v", err)
	}
	v := newVisitor(r)
	if _, err := r.svc.TryDial(r.ctx(), "visitor", "13900000000", ""); !errs.Is(err, errs.Invalid) {
		t.Errorf("dialling the world: %v", err)
	}
	id := v.dials("96166")
	v.told(TryStateAnswered)
	r.hears(v.sound, promptTone("main_menu"))
	r.must(r.svc.TryDTMF(r.ctx(), "visitor", "1"))
	desk := r.answer(r.ringing(ann), toneAnn)
	r.hears(v.sound, toneAnn)
	r.hears(desk, toneCaller)
	if c := r.only(); c.Channel != "browser" || len(c.Patients) != 1 {
		t.Errorf("call: %+v", c)
	}
	if _, err := r.svc.TryDial(r.ctx(), "visitor", "96166", ""); !errs.Is(err, errs.Conflict) {
		t.Errorf("a second call: %v", err)
	}
	r.must(r.svc.TryHangup(r.ctx(), "visitor"))
	if e := v.told(TryStateEnded); e.Call != id {
		t.Errorf("ended: %+v", e)
	}
	r.ended(desk)
	if rec := r.record(id); rec.EndedBy != byCaller {
		t.Errorf("record: %+v", rec)
	}
}

// TestTryRingsAndCloses rings an extension; a window that is closed ends its
// call.
func TestTryRingsAndCloses(t *testing.T) {
	r := newRig(t)
	v := newVisitor(r)
	desk := r.extension("8009")
	v.dials("96168")
	v.told(TryStateRinging)
	r.answer(r.ringing(desk), toneThird)
	v.told(TryStateAnswered)
	r.hears(v.sound, toneThird)
	r.must(r.svc.TryHangup(r.ctx(), "visitor"))
	v.told(TryStateEnded)
	v.dials("96167")
	v.told(TryStateAnswered)
	r.must(r.svc.TryClose(context.Background(), "visitor"))
	r.nobody()
	for range v.events { // closed by TryClose
	}
}

// TestReloadInWrapUp does not cut the wrap-up short.
func TestReloadInWrapUp(t *testing.T) {
	s := talkInBrowser(t)
	s.must(s.caller.Hangup(s.ctx()))
	s.nobody()
	s.agentState("ann", acd.WrapUp)
	s.detach()
	s.must(s.ann.Close())
	s.eventually("loss", func() bool { return !s.desk().Agent.BrowserConnected })
	defer s.svc.AgentConnected("ann")()
	s.connect("ann", toneAnn)
	if w := s.desk().WrapUp; w == nil || s.desk().Agent.State != "wrap_up" {
		t.Errorf("desk: %+v", s.desk())
	}
	s.must(s.svc.WrapUpDone(s.ctx(), "ann"))
	s.agentState("ann", acd.Ready)
}

// TestReloadWhileReady brings a waiting agent back to readiness.
func TestReloadWhileReady(t *testing.T) {
	r := newRig(t)
	b, detach := r.atBrowser("ann", toneAnn)
	detach()
	r.must(b.Close())
	r.agentState("ann", acd.NotReady)
	defer r.svc.AgentConnected("ann")()
	r.connect("ann", toneAnn)
	r.agentState("ann", acd.Ready)
}
