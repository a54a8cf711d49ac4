package call

import (
	"context"
	"testing"

	"heartline/internal/contact/acd"
	"heartline/internal/contact/callrecord"
	"heartline/internal/contact/journal"
	"heartline/internal/contact/media/codec"
	"heartline/internal/contact/media/mediatest"
	"heartline/internal/contact/sip"
	"heartline/internal/contact/sip/phone"
	"heartline/internal/platform/event"
)

// conversation is a caller who talks to ann at extension 8001.
type conversation struct {
	*rig
	id           string
	ann          *phone.Phone
	caller, desk *phone.Call
}

func talk(t *testing.T, opts ...rigOption) *conversation {
	t.Helper()
	s := &conversation{rig: newRig(t, opts...)}
	s.ann = s.seated("ann", "8001")
	s.caller = s.rig.caller("96167")
	s.desk = s.answer(s.ringing(s.ann), toneAnn)
	s.hears(s.caller, toneAnn)
	s.hears(s.desk, toneCaller)
	s.id = s.only().ID
	return s
}

// failures collects what agents are told about failed transfers.
func (s *conversation) failures() <-chan TransferFailed {
	out := make(chan TransferFailed, 10)
	s.Cleanup(event.Subscribe(s.bus, "test", func(_ context.Context, f TransferFailed) { out <- f }))
	return out
}

// TestTransferToAgent moves the caller to a second agent; the recording has
// both conversations and the caller throughout.
func TestTransferToAgent(t *testing.T) {
	s := talk(t)
	bob := s.seated("bob", "8002")
	s.must(s.svc.Transfer(s.ctx(), "ann", s.id, Target{TargetAgent, "bob"}))
	second := s.answer(s.ringing(bob), toneBob)
	s.ended(s.desk)
	s.hears(s.caller, toneBob)
	s.hears(second, toneCaller)
	s.agentState("ann", acd.WrapUp)
	s.agentState("bob", acd.Talking)
	s.must(s.caller.Hangup(s.ctx()))
	s.ended(second)
	left, right := s.tapes.wait(t, s.id)
	for _, part := range []struct {
		name string
		alaw []byte
		hz   float64
	}{{"caller", left, toneCaller}, {"first agent", right, toneAnn}, {"second agent", right, toneBob}} {
		if !holds(part.alaw, part.hz) {
			t.Errorf("the recording has no tone of the %s", part.name)
		}
	}
	rec := s.record(s.id)
	if rec.Transfers != 1 || len(rec.Agents) != 2 || rec.Outcome != callrecord.Answered {
		t.Errorf("record: %+v", rec)
	}
}

// holds reports whether a channel of a recording has a stretch of a tone.
func holds(alaw []byte, hz float64) bool {
	pcm := make([]int16, len(alaw))
	codec.DecodeALaw(pcm, alaw)
	for len(pcm) >= 800 {
		if mediatest.Level(pcm[:800], hz) > 0.6 {
			return true
		}
		pcm = pcm[400:]
	}
	return false
}

func TestTransferToExtensionAndOutside(t *testing.T) {
	for _, tt := range []struct {
		name   string
		target Target
	}{{"extension", Target{TargetExtension, "8009"}}, {"outside", Target{TargetExternal, "13900000009"}}} {
		t.Run(tt.name, func(t *testing.T) {
			s := talk(t)
			var third *phone.Phone
			if tt.target.Kind == TargetExternal {
				third = s.carrier.Phone(tt.target.ID, "")
			} else {
				third = s.extension(tt.target.ID)
			}
			s.must(s.svc.Transfer(s.ctx(), "ann", s.id, tt.target))
			guest := s.answer(s.ringing(third), toneThird)
			s.hears(s.caller, toneThird)
			s.hears(guest, toneCaller)
			s.ended(s.desk)
			s.must(guest.Hangup(s.ctx()))
			s.ended(s.caller)
			s.record(s.id)
		})
	}
}

func TestTransferToQueue(t *testing.T) {
	s := talk(t)
	if err := s.svc.Transfer(s.ctx(), "ann", s.id, Target{TargetQueue, "nowhere"}); err == nil {
		t.Error("transfer to an unknown queue was accepted")
	}
	s.must(s.svc.Transfer(s.ctx(), "ann", s.id, Target{TargetQueue, "q2"}))
	s.ended(s.desk)
	s.hears(s.caller, toneMusic)
	s.agentState("ann", acd.WrapUp)
	cid := s.seated("cid", "8003")
	s.answer(s.ringing(cid), toneThird)
	s.hears(s.caller, toneThird)
	if v := s.only(); v.Queue != "q2" {
		t.Errorf("the call belongs to queue %s", v.Queue)
	}
	s.must(s.caller.Hangup(s.ctx()))
	if rec := s.record(s.id); len(rec.Visits) != 2 || rec.Transfers != 1 {
		t.Errorf("record: %+v", rec)
	}
}

// TestTransferFails returns the caller to the agent who transferred.
func TestTransferFails(t *testing.T) {
	s := talk(t)
	failed := s.failures()
	third := s.extension("8009")
	s.must(s.svc.Transfer(s.ctx(), "ann", s.id, Target{TargetExtension, "8009"}))
	s.must(s.ringing(third).Reject(s.ctx(), 486))
	s.hears(s.caller, toneAnn)
	s.hears(s.desk, toneCaller)
	if f := <-failed; f.Agent != "ann" || f.Reason != "busy" {
		t.Errorf("told: %+v", f)
	}
	// An extension without a phone fails as well, at once.
	s.must(s.svc.Transfer(s.ctx(), "ann", s.id, Target{TargetExtension, "8003"}))
	if f := <-failed; f.Reason == "" {
		t.Errorf("told: %+v", f)
	}
	s.hears(s.caller, toneAnn)
	s.agentState("ann", acd.Talking)
}

// TestTransferFailsAgentGone puts the caller at the front of the queue when
// nobody is left to return to.
func TestTransferFailsAgentGone(t *testing.T) {
	s := talk(t)
	third := s.extension("8009")
	s.must(s.svc.Transfer(s.ctx(), "ann", s.id, Target{TargetExtension, "8009"}))
	ringing := s.ringing(third)
	s.must(s.desk.Hangup(s.ctx()))
	s.agentState("ann", acd.WrapUp)
	s.must(ringing.Reject(s.ctx(), 480))
	s.hears(s.caller, promptTone("transfer_failed"))
	s.stage(StageQueued)
	s.must(s.svc.WrapUpDone(s.ctx(), "ann"))
	s.answer(s.ringing(s.ann), toneAnn)
	s.hears(s.caller, toneAnn)
	s.noted(s.id, journal.KindCallTransferred, journal.KindQueueEntered)
}

// TestRefer maps a phone's own transfer key onto a transfer of ours.
func TestRefer(t *testing.T) {
	s := talk(t)
	third := s.extension("8009")
	s.must(s.desk.Dialog().Refer(s.ctx(), "sip:8009@127.0.0.1"))
	guest := s.answer(s.ringing(third), toneThird)
	s.hears(s.caller, toneThird)
	s.ended(s.desk)
	s.must(s.caller.Hangup(s.ctx()))
	s.ended(guest)
}

// TestCallerMayNotRefer refuses a transfer that the outside asks for.
func TestCallerMayNotRefer(t *testing.T) {
	s := talk(t)
	if err := s.caller.Dialog().Refer(s.ctx(), "sip:13900000009@127.0.0.1"); err == nil {
		t.Error("a caller's REFER was accepted")
	}
	s.hears(s.desk, toneCaller)
}

// TestPhoneHolds plays music to the caller while the agent's phone holds.
func TestPhoneHolds(t *testing.T) {
	s := talk(t)
	s.must(s.desk.Hold(s.ctx(), true))
	s.hears(s.caller, toneMusic)
	s.stage(StageHeld)
	s.must(s.desk.Hold(s.ctx(), false))
	s.hears(s.caller, toneAnn)
	s.noted(s.id, journal.KindCallHeld, journal.KindCallResumed)
}

// TestConference lets three hear each other, and two go on when one leaves.
func TestConference(t *testing.T) {
	s := talk(t)
	third := s.extension("8009")
	s.must(s.svc.Conference(s.ctx(), "ann", s.id, Target{TargetExtension, "8009"}))
	ringing := s.ringing(third)
	s.hears(s.caller, toneAnn) // they talk on meanwhile
	guest := s.answer(ringing, toneThird)
	for _, tt := range []struct {
		who *phone.Call
		hz  [2]float64
	}{{s.caller, [2]float64{toneAnn, toneThird}}, {s.desk, [2]float64{toneCaller, toneThird}}, {guest, [2]float64{toneCaller, toneAnn}}} {
		s.mixes(tt.who, tt.hz)
	}
	s.must(s.svc.Hangup(s.ctx(), "ann", s.id))
	s.ended(s.desk)
	s.hears(s.caller, toneThird)
	s.must(guest.Hangup(s.ctx()))
	s.ended(s.caller)
	s.noted(s.id, journal.KindCallConferenced)
}

// mixes waits until somebody hears two tones at once.
func (r *rig) mixes(c *phone.Call, hz [2]float64) {
	r.Helper()
	err := c.WaitAudio(r.ctx(), func(heard []int16) bool {
		last := heard[max(0, len(heard)-1600):]
		return phone.ToneLevel(last, hz[0]) > 0.3 && phone.ToneLevel(last, hz[1]) > 0.3
	})
	if err != nil {
		r.Fatalf("does not hear %v together: %v\n%s", hz, err, r.describe())
	}
}

// TestConferenceNobodyComes leaves the conversation alone.
func TestConferenceNobodyComes(t *testing.T) {
	s := talk(t)
	failed := s.failures()
	s.must(s.svc.Conference(s.ctx(), "ann", s.id, Target{TargetExtension, "8003"}))
	<-failed
	s.hears(s.caller, toneAnn)
	if v := s.only(); v.Stage != StageTalking || len(v.Legs) != 2 {
		t.Errorf("call: %+v", v)
	}
}

// TestDeskPhoneLosesSound parks the caller while a desk phone sends nothing,
// and goes on when it does again.
func TestDeskPhoneLosesSound(t *testing.T) {
	s := talk(t)
	s.desk.Cut(true)
	s.stage(StageParked)
	s.hears(s.caller, promptTone("comfort_resume"))
	s.desk.Cut(false)
	s.hears(s.caller, toneAnn)
	s.stage(StageTalking)
	s.must(s.caller.Hangup(s.ctx()))
	s.nobody()
	s.must(s.svc.WrapUpDone(s.ctx(), "ann"))
	s.agentState("ann", acd.Ready)
}

// TestDeskPhoneReturns rings a desk phone again that lost its call and
// registers anew.
func TestDeskPhoneReturns(t *testing.T) {
	s := talk(t)
	c, err := s.svc.find(s.id)
	s.must(err)
	s.must(c.do(s.ctx(), func() error { // as when a session timer runs out
		c.hungUp(c.userLeg("ann", roleAgent), sip.Cause{SIPCode: 408})
		return nil
	}))
	s.must(s.desk.Hangup(s.ctx())) // too late to matter
	s.stage(StageParked)
	s.must(s.ann.Unregister(s.ctx()))
	s.must(s.ann.Register(s.ctx()))
	s.answer(s.ringing(s.ann), toneBob)
	s.hears(s.caller, toneBob)
	s.stage(StageTalking)
	s.agentState("ann", acd.Talking)
}
