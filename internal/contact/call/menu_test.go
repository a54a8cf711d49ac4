package call

import (
	"slices"
	"testing"

	"heartline/internal/contact/acd"
	"heartline/internal/contact/callrecord"
	"heartline/internal/contact/journal"
)

// TestMenuSilenceAndWrongKeys repeats the menu and hands a caller who does
// not manage to a person.
func TestMenuSilenceAndWrongKeys(t *testing.T) {
	r := newRig(t)
	caller := r.caller("96166")
	r.hears(caller, promptTone("main_menu"))
	r.must(caller.SendDTMF(r.ctx(), "9"))
	r.hears(caller, promptTone("menu_invalid"))
	r.hears(caller, promptTone("main_menu"))
	r.hears(caller, toneMusic) // silence, the second failure: the operator's queue
	v := r.stage(StageQueued)
	r.must(caller.Hangup(r.ctx()))
	rec := r.record(v.ID)
	want := []string{"notice", "hours", "menu", "menu=invalid 9", "menu=timeout", "person"}
	if !slices.Equal(rec.IVRPath, want) {
		t.Errorf("path %v, want %v", rec.IVRPath, want)
	}
}

// TestZeroReachesAPerson from the first prompt on.
func TestZeroReachesAPerson(t *testing.T) {
	r := newRig(t)
	ann := r.seated("ann", "8001")
	caller := r.caller("96166")
	r.hears(caller, promptTone("recording_notice"))
	r.must(caller.SendDTMF(r.ctx(), "0"))
	r.answer(r.ringing(ann), toneAnn)
	r.hears(caller, toneAnn)
}

// TestInfoDigits takes keys that come by SIP INFO.
func TestInfoDigits(t *testing.T) {
	r := newRig(t)
	ann := r.seated("ann", "8001")
	caller := r.caller("96166")
	r.hears(caller, promptTone("main_menu"))
	r.must(caller.SendInfo(r.ctx(), "1"))
	r.ringing(ann)
}

func TestClosedAtNight(t *testing.T) {
	r := newRig(t)
	r.dir.closed["day"] = true
	caller := r.caller("96166")
	id := r.only().ID
	r.hears(caller, promptTone("after_hours"))
	r.ended(caller)
	if rec := r.record(id); rec.Outcome != callrecord.SelfService || rec.EndedBy != bySystem {
		t.Errorf("record: %+v", rec)
	}
}

// TestMissingPrompt plays a tone instead, raises an alarm, and goes on.
func TestMissingPrompt(t *testing.T) {
	r := newRig(t)
	caller := r.caller("96166")
	r.hears(caller, promptTone("main_menu"))
	r.must(caller.SendDTMF(r.ctx(), "3"))
	r.hears(caller, 1000) // the beep
	r.hears(caller, promptTone("main_menu"))
	alarms := r.alarms.Active()
	if len(alarms) != 1 || alarms[0].Key != "alarm.prompt_missing" || alarms[0].Subject != "nobody_recorded_this" {
		t.Errorf("alarms: %+v", alarms)
	}
}

// TestMenuTransfer connects to an extension, and to the queue when nobody is
// there.
func TestMenuTransfer(t *testing.T) {
	r := newRig(t)
	desk := r.extension("8009")
	caller := r.caller("96166")
	r.hears(caller, promptTone("main_menu"))
	r.must(caller.SendDTMF(r.ctx(), "2"))
	r.answer(r.ringing(desk), toneThird)
	r.hears(caller, toneThird)
	first := r.only().ID
	r.must(caller.Hangup(r.ctx()))
	r.noted(first, journal.KindIVRLeft, journal.KindLegAnswered)

	second := r.caller("96166")
	r.hears(second, promptTone("main_menu"))
	r.must(second.SendDTMF(r.ctx(), "2"))
	r.must(r.ringing(desk).Reject(r.ctx(), 486))
	r.hears(second, toneMusic)
	r.stage(StageQueued)
}

// TestQueueFull says so and lets the caller go; TestNobodySignedIn keeps the
// place of a caller for whom nobody is signed in.
func TestQueueFull(t *testing.T) {
	r := newRig(t, func(p *rigPlan) { p.queue.MaxWaiting = 1 })
	ann := r.seated("ann", "8001")
	first := r.caller("96167")
	r.answer(r.ringing(ann), toneAnn)
	r.hears(first, toneAnn)
	r.caller("96167")
	r.stage(StageQueued)
	third := r.caller("96167")
	r.ended(third)
}

func TestNobodySignedIn(t *testing.T) {
	r := newRig(t)
	caller := r.caller("96167")
	r.hears(caller, promptTone("queue_still_waiting"))
	r.hears(caller, toneMusic)
	ann := r.seated("ann", "8001")
	r.answer(r.ringing(ann), toneAnn)
	r.hears(caller, toneAnn)
}

// TestOverflow moves a caller to the second queue with the place kept.
func TestOverflow(t *testing.T) {
	r := newRig(t, func(p *rigPlan) { p.queue.OverflowTo = "q2" })
	cid := r.seated("cid", "8003")
	caller := r.caller("96167")
	r.answer(r.ringing(cid), toneThird)
	r.hears(caller, toneThird)
	if v := r.only(); v.Queue != "q2" || v.QueueName != "Enquiries" {
		t.Errorf("queue: %+v", v)
	}
	r.agentState("cid", acd.Talking)
}

// TestAnnouncements tells the waiting caller where they stand, over the music.
func TestAnnouncements(t *testing.T) {
	r := newRig(t, func(p *rigPlan) { p.queue.AnnounceEvery = 1500 * ms })
	r.must(r.svc.SignIn(r.ctx(), "ann", Seat{Kind: SeatExtension, Extension: "8001"}))
	caller := r.caller("96167")
	r.hears(caller, promptTone("queue_next"))
	r.hears(caller, toneMusic)
	r.eventually("position", func() bool { return r.only().Position == 1 })
	r.hears(caller, promptTone("queue_next"))
	r.hears(caller, toneMusic)
}
