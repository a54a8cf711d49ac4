package call

import (
	"context"
	"time"

	"heartline/internal/contact/journal"
	"heartline/internal/contact/media"
	"heartline/internal/platform/alarm"
)

// minRecording is how long a call without a conversation must have been
// recorded for the recording to be worth keeping.
const minRecording = time.Second

// tape is the recording of a call. It taps the caller's leg, so it stays
// whole from the answer across menu, music, hold and transfer.
type tape struct {
	id     string
	leg    *leg
	run    media.Recording
	talk   bool // began with the conversation
	paused bool
	ended  bool
	broken bool
}

func (t *tape) state() string {
	switch {
	case t == nil || t.ended:
		return "off"
	case t.paused:
		return "paused"
	}
	return "on"
}

// recordAnswer begins the recording of a caller with the answer: what menu and
// queue say and play is on it.
func (c *call) recordAnswer() {
	if !c.svc.cfg.ConversationsOnly {
		c.startRecording()
	}
}

// startRecording begins with the answer or with the first conversation. A
// recording that cannot start raises an alarm and never hinders the call; one
// that broke before anybody talked gets a second try when they do.
func (c *call) startRecording() {
	if c.svc.deps.Recorder == nil || (c.svc.cfg.InternalUnrecorded && c.origin.direction == Internal) {
		return
	}
	if t := c.tape; t != nil && (t.talk || !t.broken) {
		return
	}
	l := c.recorded()
	if l == nil || l.sound == nil {
		return
	}
	ctx, cancel := c.op()
	defer cancel()
	sink, recID, err := c.svc.deps.Recorder.Start(ctx, c.id)
	if err != nil {
		c.recordingTrouble("", err)
		return
	}
	t := &tape{id: recID, leg: l, talk: !c.answered.IsZero()}
	c.tape = t
	if t.run, err = c.sound.Record(ctx, l.id, sink); err != nil {
		t.ended, t.broken = true, true
		c.recordingTrouble(recID, err)
		c.finishRecording(recID, 0)
		return
	}
	c.note("", journal.RecordingStarted{Recording: recID})
	c.touch()
}

// recorded is the leg whose hearing and saying is the record: the caller, or
// in calls between colleagues the one who was called.
func (c *call) recorded() *leg {
	if c.caller != nil {
		return c.caller
	}
	for _, l := range c.talkers() {
		if l != c.opener {
			return l
		}
	}
	return nil
}

func (c *call) recordingTrouble(recID string, err error) {
	c.log().Error("recording", "recording_id", recID, "error", err)
	c.svc.alarms.Raise(alarm.Critical, "alarm.recording_failed", "", nil)
	c.note("", journal.RecordingFailed{Recording: recID, Reason: "write"})
	c.touch()
}

// recordingFailed handles a recording that broke while it ran.
func (c *call) recordingFailed(err error) {
	if c.tape == nil || c.tape.ended {
		return
	}
	c.tape.ended, c.tape.broken = true, true
	c.recordingTrouble(c.tape.id, err)
	c.finishRecording(c.tape.id, 0)
}

// stopRecording flushes what was said and hands it to the recorder. Of a
// caller who was gone at once nothing is kept.
func (c *call) stopRecording() {
	t := c.tape
	if t == nil || t.ended {
		return
	}
	t.ended = true
	ctx, cancel := c.op()
	defer cancel()
	length, err := t.run.Stop(ctx)
	if err != nil {
		c.recordingTrouble(t.id, err)
	}
	junk := err == nil && c.answered.IsZero() && length < minRecording
	c.note("", journal.RecordingStopped{Recording: t.id, DurationMs: length.Milliseconds(), Discarded: junk})
	if junk {
		c.discardRecording(t.id)
		return
	}
	c.finishRecording(t.id, length)
}

// finishRecording lets the recorder complete its work beside the call.
func (c *call) finishRecording(recID string, length time.Duration) {
	rec := c.svc.deps.Recorder
	c.task(30*time.Second, func(ctx context.Context) {
		if err := rec.Finish(ctx, recID, length); err != nil {
			c.log().Error("finish recording", "recording_id", recID, "error", err)
			c.svc.alarms.Raise(alarm.Critical, "alarm.recording_failed", "", nil)
		}
	})
}

func (c *call) discardRecording(recID string) {
	rec := c.svc.deps.Recorder
	c.task(30*time.Second, func(ctx context.Context) {
		if err := rec.Discard(ctx, recID); err != nil {
			c.log().Warn("discard recording", "recording_id", recID, "error", err)
		}
	})
}

// RecordingPause stops the recording for a while (card numbers, secrets).
func (s *Service) RecordingPause(ctx context.Context, agent, callID string) error {
	return s.setRecording(ctx, agent, callID, true)
}

// RecordingResume goes on recording.
func (s *Service) RecordingResume(ctx context.Context, agent, callID string) error {
	return s.setRecording(ctx, agent, callID, false)
}

func (s *Service) setRecording(ctx context.Context, agent, callID string, pause bool) error {
	return s.onOwn(ctx, agent, callID, func(c *call, _ *leg) error {
		t := c.tape
		switch {
		case t == nil || t.ended:
			return errState
		case t.paused == pause:
			return nil
		}
		if err := t.pause(ctx, pause); err != nil {
			return errFailed
		}
		t.paused = pause
		if pause {
			c.note(agent, journal.RecordingPaused{Recording: t.id, By: agent})
		} else {
			c.note(agent, journal.RecordingResumed{Recording: t.id, By: agent})
		}
		c.touch()
		return nil
	})
}

func (t *tape) pause(ctx context.Context, on bool) error {
	if on {
		return t.run.Pause(ctx)
	}
	return t.run.Resume(ctx)
}
