package call

import (
	"slices"
	"testing"
	"time"

	"heartline/internal/contact/callrecord"
	"heartline/internal/contact/journal"
)

func conversationsOnly(p *rigPlan) { p.call.ConversationsOnly = true }

// taped checks which tones are in a channel of a recording.
func taped(t *testing.T, side string, alaw []byte, tones map[string]float64, want bool) {
	t.Helper()
	for name, hz := range tones {
		if holds(alaw, hz) != want {
			t.Errorf("%s channel: %s heard %v, want %v", side, name, !want, want)
		}
	}
}

// tapeRuns waits until so much more of a call is on tape.
func (r *rig) tapeRuns(callID string, more time.Duration) {
	r.Helper()
	until := r.tapes.length(callID) + more
	r.eventually("the tape to run", func() bool { return r.tapes.length(callID) > until })
}

// TestMenuCallIsRecorded from the answer on, though nobody ever talks: the
// caller on the left, what the menu says on the right.
func TestMenuCallIsRecorded(t *testing.T) {
	r := newRig(t)
	caller := r.caller("96166")
	id := r.only().ID
	r.hears(caller, promptTone("main_menu"))
	r.must(caller.SendDTMF(r.ctx(), "9"))
	r.hears(caller, promptTone("menu_invalid"))
	if v := r.only(); v.Stage != StageIVR || v.Recording != "on" {
		t.Errorf("live call: %+v", v)
	}
	r.tapeRuns(id, minRecording)
	r.must(caller.Hangup(r.ctx()))
	left, right := r.tapes.wait(t, id)
	taped(t, "left", left, map[string]float64{"caller": toneCaller}, true)
	taped(t, "right", right, map[string]float64{"notice": promptTone("recording_notice"), "menu": promptTone("main_menu"), "wrong key": promptTone("menu_invalid")}, true)
	taped(t, "right", right, map[string]float64{"caller": toneCaller}, false)
	if rec := r.record(id); rec.Recording != "rec-"+id || rec.Outcome != callrecord.SelfService {
		t.Errorf("record: %+v", rec)
	}
	kinds := r.kinds(id)
	if start := slices.Index(kinds, journal.KindRecordingStarted); start < 0 || start > slices.Index(kinds, journal.KindIVREntered) {
		t.Errorf("the recording does not begin before the menu: %v", kinds)
	}
}

// TestWaitIsRecorded has the music, the giving up and, of a caller who is
// answered, menu, music and conversation on one recording.
func TestWaitIsRecorded(t *testing.T) {
	r := newRig(t)
	caller := r.caller("96167")
	id := r.only().ID
	r.hears(caller, toneMusic)
	r.tapeRuns(id, minRecording)
	r.must(caller.Hangup(r.ctx()))
	_, right := r.tapes.wait(t, id)
	taped(t, "right", right, map[string]float64{"music": toneMusic}, true)
	if rec := r.record(id); rec.Recording != "rec-"+id || rec.Outcome != callrecord.ShortAbandoned {
		t.Errorf("record: %+v", rec)
	}

	caller = r.caller("96166")
	id = r.only().ID
	r.hears(caller, promptTone("main_menu"))
	r.must(caller.SendDTMF(r.ctx(), "1"))
	r.hears(caller, toneMusic)
	ann := r.seated("ann", "8001")
	desk := r.answer(r.ringing(ann), toneAnn)
	r.hears(caller, toneAnn)
	r.tapeRuns(id, 500*ms)
	r.must(desk.Hangup(r.ctx()))
	left, right := r.tapes.wait(t, id)
	taped(t, "left", left, map[string]float64{"caller": toneCaller}, true)
	taped(t, "right", right, map[string]float64{"menu": promptTone("main_menu"), "music": toneMusic, "agent": toneAnn}, true)
	if n := count(r.kinds(id), journal.KindRecordingStarted); n != 1 {
		t.Errorf("%d recordings of one call", n)
	}
}

// TestConversationsOnly is the setting of a hospital that records people alone.
func TestConversationsOnly(t *testing.T) {
	r := newRig(t, conversationsOnly)
	caller := r.caller("96166")
	id := r.only().ID
	r.hears(caller, promptTone("main_menu"))
	if v := r.only(); v.Recording != "off" {
		t.Errorf("recording is %s", v.Recording)
	}
	r.must(caller.SendDTMF(r.ctx(), "1"))
	r.hears(caller, toneMusic)
	ann := r.seated("ann", "8001")
	r.answer(r.ringing(ann), toneAnn)
	r.hears(caller, toneAnn)
	r.tapeRuns(id, 500*ms)
	r.must(caller.Hangup(r.ctx()))
	_, right := r.tapes.wait(t, id)
	taped(t, "right", right, map[string]float64{"agent": toneAnn}, true)
	taped(t, "right", right, map[string]float64{"menu": promptTone("main_menu"), "music": toneMusic}, false)
	if rec := r.record(id); rec.Recording != "rec-"+id {
		t.Errorf("record: %+v", rec)
	}

	caller = r.caller("96166")
	id = r.only().ID
	r.hears(caller, promptTone("main_menu"))
	r.must(caller.Hangup(r.ctx()))
	if rec := r.record(id); rec.Recording != "" || slices.Contains(r.kinds(id), journal.KindRecordingStarted) {
		t.Errorf("a call that nobody talked to was recorded: %+v", rec)
	}
}

// TestColleagueInTheMenu is recorded like everybody who dials the hotline.
func TestColleagueInTheMenu(t *testing.T) {
	r := newRig(t)
	c, err := r.extension("8002").Dial(r.ctx(), "96166", "")
	r.must(err)
	r.must(c.WaitAnswered(r.ctx()))
	id := r.only().ID
	r.hears(c, promptTone("main_menu"))
	r.tapeRuns(id, minRecording)
	r.must(c.Hangup(r.ctx()))
	if rec := r.record(id); rec.Recording == "" {
		t.Errorf("record: %+v", rec)
	}
}

// TestGoneAtOnce leaves no recording of a caller who hung up within a second.
func TestGoneAtOnce(t *testing.T) {
	r := newRig(t)
	caller := r.caller("96166")
	id := r.only().ID
	r.must(caller.Hangup(r.ctx()))
	if rec := r.record(id); rec.Recording != "" || rec.Outcome != callrecord.SelfService {
		t.Errorf("record: %+v", rec)
	}
	r.tapes.mu.Lock()
	gone := slices.Clone(r.tapes.discarded)
	r.tapes.mu.Unlock()
	if !slices.Equal(gone, []string{"rec-" + id}) || len(r.tapes.finished) != 0 {
		t.Errorf("discarded %v, kept %d", gone, len(r.tapes.finished))
	}
	r.noted(id, journal.KindRecordingStopped)
}

// TestRecordingBreaksInTheMenu raises an alarm, lets the caller go on, and
// does not cost the conversation its recording when the disk is well again.
func TestRecordingBreaksInTheMenu(t *testing.T) {
	for _, tt := range []struct {
		name   string
		broken int
		tries  int
	}{{"for a moment", 1, 2}, {"for good", 99, 2}} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			r.tapes.breaks(tt.broken)
			caller := r.caller("96166")
			id := r.only().ID
			r.eventually("alarm", func() bool { return len(r.alarms.Active()) > 0 })
			r.hears(caller, promptTone("main_menu"))
			r.eventually("recording off", func() bool { return r.only().Recording == "off" })
			r.must(caller.SendDTMF(r.ctx(), "1"))
			ann := r.seated("ann", "8001")
			desk := r.answer(r.ringing(ann), toneAnn)
			r.hears(caller, toneAnn)
			r.hears(desk, toneCaller)
			bob := r.seated("bob", "8002") // a further conversation is no further try
			r.must(r.svc.Transfer(r.ctx(), "ann", id, Target{TargetAgent, "bob"}))
			r.answer(r.ringing(bob), toneBob)
			r.hears(caller, toneBob)
			r.eventually("the failures noted", func() bool { return count(r.kinds(id), journal.KindRecordingFailed) == min(tt.broken, tt.tries) })
			r.must(caller.Hangup(r.ctx()))
			rec := r.record(id)
			if rec.Outcome != callrecord.Answered || rec.Recording != "rec-"+id+"+" {
				t.Errorf("record: %+v", rec)
			}
			if n := count(r.kinds(id), journal.KindRecordingStarted); n != tt.tries {
				t.Errorf("%d tries to record, want %d", n, tt.tries)
			}
		})
	}
}

func count(kinds []string, kind string) (n int) {
	for _, k := range kinds {
		if k == kind {
			n++
		}
	}
	return n
}
