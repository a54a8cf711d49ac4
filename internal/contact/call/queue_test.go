package call

import (
	"testing"

	"heartline/internal/contact/acd"
	"heartline/internal/contact/callrecord"
	"heartline/internal/contact/journal"
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
