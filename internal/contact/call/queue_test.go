package call

import (
	"context"
	"sync"
	"testing"
	"time"

	"heartline/internal/contact/acd"
	"heartline/internal/contact/callrecord"
	"heartline/internal/contact/journal"
	"heartline/internal/contact/sip/phone"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/event"
)

// TestFirstCall follows a caller through menu, queue, agent's phone, hold and
// hang-up, listening at both ends.
func TestFirstCall(t *testing.T) {
	r := newRig(t)
	ann := r.seated("ann", "8001")
	caller := r.caller("96166")
	r.hears(caller, promptTone("recording_notice"))
	r.hears(caller, promptTone("main_menu"))
	r.must(caller.SendDTMF(r.ctx(), "1"))
	desk := r.answer(r.ringing(ann), toneAnn)
	r.hears(desk, toneCaller)
	r.hears(caller, toneAnn)
	v := r.stage(StageTalking)
	if v.Queue != "q1" || v.Recording != "on" || len(v.Agents) != 1 || len(v.Patients) != 1 || v.NumberMasked != "138****8000" {
		t.Errorf("live call: %+v", v)
	}
	r.agentState("ann", acd.Talking)
	r.must(r.svc.Hold(r.ctx(), "ann", v.ID))
	r.hears(caller, toneMusic)
	r.stage(StageHeld)
	r.must(r.svc.Resume(r.ctx(), "ann", v.ID))
	r.hears(caller, toneAnn)
	r.hears(desk, toneCaller)
	r.must(caller.Hangup(r.ctx()))
	r.ended(desk)
	r.agentState("ann", acd.WrapUp)
	rec := r.record(v.ID)
	if rec.Outcome != callrecord.Answered || rec.EndedBy != "caller" || rec.Queue != "q1" || rec.PatientID != "p1" || rec.Recording != "rec-"+v.ID || rec.MOS < 3 {
		t.Errorf("record: %+v", rec)
	}
	r.noted(v.ID, journal.KindIVREntered, journal.KindIVRInput, journal.KindQueueEntered, journal.KindQueueOffered, journal.KindQueueAnswered,
		journal.KindRecordingStarted, journal.KindCallHeld, journal.KindCallResumed, journal.KindRecordingStopped, journal.KindMediaQuality, journal.KindCallEnded)
}

// stages bring a caller who dials into the middle of a call.
var stages = []struct {
	name    string
	until   func(s *staged)
	outcome callrecord.Outcome
	ann     acd.AgentStateName
}{
	{"greeting", func(s *staged) { s.calls("96166"); s.hears(s.caller, promptTone("recording_notice")) }, callrecord.SelfService, acd.Ready},
	{"menu", func(s *staged) { s.calls("96166"); s.hears(s.caller, promptTone("main_menu")) }, callrecord.SelfService, acd.Ready},
	{"queue", func(s *staged) {
		s.must(s.svc.SetState(s.ctx(), "ann", false, "lunch"))
		s.calls("96167")
		s.hears(s.caller, toneMusic)
	}, callrecord.ShortAbandoned, acd.NotReady},
	{"ringing", func(s *staged) { s.rings() }, callrecord.ShortAbandoned, acd.Ready},
	{"talking", func(s *staged) { s.talks() }, callrecord.Answered, acd.WrapUp},
	{"on hold", func(s *staged) {
		s.talks()
		s.must(s.svc.Hold(s.ctx(), "ann", s.only().ID))
	}, callrecord.Answered, acd.WrapUp},
	{"transfer rings", func(s *staged) {
		s.talks()
		s.extension("8009")
		s.must(s.svc.Transfer(s.ctx(), "ann", s.only().ID, Target{TargetExtension, "8009"}))
		s.stage(StageRinging)
	}, callrecord.Answered, acd.WrapUp},
	{"parked", func(s *staged) {
		s.talks()
		s.desk.Cut(true)
		s.stage(StageParked)
	}, callrecord.Answered, acd.NotReady},
}

type staged struct {
	*rig
	ann          *phone.Phone
	caller, desk *phone.Call
}

func (s *staged) calls(number string) { s.caller = s.rig.caller(number) }

func (s *staged) rings() {
	s.calls("96167")
	s.desk = s.ringing(s.ann)
}

func (s *staged) talks() {
	s.rings()
	s.answer(s.desk, toneAnn)
	s.hears(s.caller, toneAnn)
}

// TestCallerHangsUp ends the call from the caller's side at every stage: the
// call is closed truthfully and nobody is stuck.
func TestCallerHangsUp(t *testing.T) {
	for _, tt := range stages {
		t.Run(tt.name, func(t *testing.T) {
			s := &staged{rig: newRig(t)}
			s.ann = s.seated("ann", "8001")
			tt.until(s)
			id := s.only().ID
			s.must(s.caller.Hangup(s.ctx()))
			rec := s.record(id)
			if rec.Outcome != tt.outcome || rec.EndedBy != byCaller {
				t.Errorf("outcome %s ended by %s (%s), want %s by caller: %v", rec.Outcome, rec.EndedBy, rec.EndCause, tt.outcome, s.kinds(id))
			}
			s.agentState("ann", tt.ann)
			if s.desk != nil {
				s.ended(s.desk)
			}
			for _, q := range s.acd.Snapshot().Queues {
				if q.Waiting != 0 {
					t.Errorf("queue %s still has %d waiting", q.Queue, q.Waiting)
				}
			}
		})
	}
}

func TestAgentHangsUp(t *testing.T) {
	r := newRig(t)
	ann := r.seated("ann", "8001")
	caller := r.caller("96167")
	desk := r.answer(r.ringing(ann), toneAnn)
	r.hears(caller, toneAnn)
	id := r.only().ID
	r.must(desk.Hangup(r.ctx()))
	r.ended(caller)
	if rec := r.record(id); rec.EndedBy != byAgent || rec.Outcome != callrecord.Answered || rec.TalkMs == 0 {
		t.Errorf("record: %+v", rec)
	}
	r.agentState("ann", acd.WrapUp)
	r.must(r.svc.WrapUpDone(r.ctx(), "ann"))
	r.agentState("ann", acd.Ready)
}

// TestRingTimeOut rings the next agent when the first does not answer; the
// first is not ready then, and the second gets the screen pop.
func TestRingTimeOut(t *testing.T) {
	r := newRig(t, func(p *rigPlan) { p.queue.RingTimeout = 300 * time.Millisecond })
	pops := make(chan Popped, 10)
	defer event.Subscribe(r.bus, "test", func(_ context.Context, p Popped) { pops <- p })()
	ann := r.seated("ann", "8001")
	bob := r.seated("bob", "8002")
	caller := r.caller("96167")
	first := r.ringing(ann)
	second := r.ringing(bob)
	r.ended(first)
	r.answer(second, toneBob)
	r.hears(caller, toneBob)
	r.agentState("ann", acd.NotReady)
	r.agentState("bob", acd.Talking)
	rung := map[string]bool{}
	r.eventually("screens of both", func() bool {
		select {
		case p := <-pops:
			rung[p.Agent] = rung[p.Agent] || len(p.Patients) == 1
		default:
		}
		return rung["ann"] && rung["bob"]
	})
	if live, _ := r.svc.agentLive("ann"); live.Reason != acd.ReasonNoAnswer {
		t.Errorf("ann is not ready for %q", live.Reason)
	}
}

// TestAnswerAtTheDeadline lets agents answer in the very moment their time is
// up: whoever wins, exactly one talks and the distributor agrees.
func TestAnswerAtTheDeadline(t *testing.T) {
	const ring = 150 * time.Millisecond
	r := newRig(t, func(p *rigPlan) { p.queue.RingTimeout = ring; p.queue.WrapUp = 0 })
	for _, a := range []string{"ann", "bob"} {
		r.atBrowser(a, toneAnn)
	}
	for i := range 8 {
		for _, a := range []string{"ann", "bob"} {
			r.must(r.svc.SetState(r.ctx(), a, true, ""))
		}
		caller := r.caller("96167")
		v := r.stage(StageQueued)
		ctx := r.ctx()
		var tasks sync.WaitGroup
		for _, a := range []string{"ann", "bob"} {
			tasks.Go(func() {
				tick := time.NewTicker(time.Millisecond)
				defer tick.Stop()
				for r.stageOf(v.ID) == StageQueued && ctx.Err() == nil {
					<-tick.C
					if r.offDuty("ann") && r.offDuty("bob") {
						return // both were too late
					}
					if l, ok := r.svc.agentLive(a); ok && l.State == acd.Ringing && time.Until(l.Until) < time.Duration(i*10)*time.Millisecond {
						_ = r.svc.Answer(ctx, a, v.ID)
					}
				}
			})
		}
		tasks.Wait()
		talking := 0
		for _, a := range []string{"ann", "bob"} {
			if l, _ := r.svc.agentLive(a); l.State == acd.Talking {
				talking++
			}
		}
		stage := r.stageOf(v.ID)
		if (stage == StageTalking) != (talking == 1) || talking > 1 {
			t.Fatalf("round %d: call is %s, %d agents talk\n%s", i, stage, talking, r.describe())
		}
		r.must(caller.Hangup(r.ctx()))
		r.nobody()
	}
}

func (r *rig) offDuty(agent string) bool {
	l, _ := r.svc.agentLive(agent)
	return l.State == acd.NotReady
}

func (r *rig) stageOf(id string) string {
	v, err := r.svc.LiveCall(context.Background(), id)
	if err != nil {
		return StageEnded
	}
	return v.Stage
}

// TestAnswerTooLate refuses an agent whose offer has gone on.
func TestAnswerTooLate(t *testing.T) {
	r := newRig(t, func(p *rigPlan) { p.queue.RingTimeout = 100 * time.Millisecond })
	r.atBrowser("ann", toneAnn)
	caller := r.caller("96167")
	v := r.stage(StageQueued)
	r.agentState("ann", acd.NotReady)
	if err := r.svc.Answer(r.ctx(), "ann", v.ID); !errs.Is(err, errs.NotFound) {
		t.Errorf("answer after the time-out: %v", err)
	}
	r.must(caller.Hangup(r.ctx()))
	r.nobody()
	if err := r.svc.Answer(r.ctx(), "ann", v.ID); !errs.Is(err, errs.NotFound) {
		t.Errorf("answer after the end: %v", err)
	}
}

// TestRefuse offers a refused call to the next agent.
func TestRefuse(t *testing.T) {
	r := newRig(t)
	r.atBrowser("ann", toneAnn)
	caller := r.caller("96167")
	r.eventually("the desk rings", func() bool { return len(r.only().Agents) == 1 })
	bob := r.seated("bob", "8002")
	r.must(r.svc.Reject(r.ctx(), "ann", r.only().ID))
	r.answer(r.ringing(bob), toneBob)
	r.hears(caller, toneBob)
	r.agentState("ann", acd.NotReady)
}

// TestEngagedPhone goes on to the next agent when a desk phone is busy.
func TestEngagedPhone(t *testing.T) {
	r := newRig(t)
	ann := r.seated("ann", "8001")
	caller := r.caller("96167")
	r.must(r.ringing(ann).Reject(r.ctx(), 486))
	r.agentState("ann", acd.NotReady)
	bob := r.seated("bob", "8002")
	r.answer(r.ringing(bob), toneBob)
	r.hears(caller, toneBob)
}
