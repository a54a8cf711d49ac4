package call

import (
	"fmt"
	"time"

	"heartline/internal/contact/ivr"
	"heartline/internal/contact/journal"
	"heartline/internal/contact/switchboard"
	"heartline/internal/platform/alarm"
)

// menu is a caller's way through a flow: the shell around package ivr.
type menu struct {
	flow     ivr.Flow
	state    ivr.State
	calendar string // opening hours where the flow names none
	playing  bool
	wait     time.Duration // for a key, after the prompts
	timer    *timer
	hangup   string // reason, once the prompts have been played
	dip      *dip   // the question that waits for the hospital's answer
	people   []Candidate
	patient  string // whom the flow takes the caller for
}

// runFlow takes the answered caller into a flow.
func (c *call) runFlow(id string, number switchboard.Number) {
	published, ok := c.dir().Flow(id)
	if !ok {
		c.brokenFlow(id, fmt.Errorf("flow %s is not published", id))
		return
	}
	flow := published.Graph
	if flow.Language == "" {
		flow.Language = published.Language
	}
	c.stage, c.backdrop = StageIVR, silence
	c.note("", journal.IVREntered{Flow: published.FlowID, Version: published.Number})
	m := &menu{flow: flow, calendar: number.CalendarID}
	c.menu = m
	var actions []ivr.Action
	m.state, actions = ivr.Start(flow, ivr.Vars{Language: number.Language})
	c.perform(actions)
}

// brokenFlow says goodbye politely: there is nothing to run.
func (c *call) brokenFlow(id string, err error) {
	c.log().Error("run flow", "flow", id, "error", err)
	c.svc.alarms.Raise(alarm.Critical, "alarm.flow_broken", id, map[string]any{"flow": id})
	c.farewell("system_fault", "flow_broken")
}

// farewell says a prompt to the caller and ends the call.
func (c *call) farewell(prompt, cause string) {
	if c.caller == nil || c.caller.state != legUp {
		c.end(cause, bySystem)
		return
	}
	c.stage, c.backdrop = StageIVR, silence
	c.say(c.caller, []string{prompt}, func() { c.end(cause, bySystem) })
}

// feed gives the interpreter an input and does what it asks for.
func (c *call) feed(in ivr.Input) {
	m := c.menu
	if m == nil || c.over {
		return
	}
	state, actions := ivr.Step(m.flow, m.state, in)
	m.state = state
	c.recognise(state.Vars[varPatient])
	if len(actions) > 0 {
		c.perform(actions)
	}
}

// key feeds a key. An interpreter that wants nothing of it lets the prompt go
// on; one that reacts cuts it off.
func (c *call) key(digit byte) { c.feed(ivr.Digit{D: string(digit)}) }

func (c *call) perform(actions []ivr.Action) {
	m := c.menu
	c.hush(c.caller)
	c.cancel(m.timer)
	m.playing, m.wait = false, 0
	for _, action := range actions {
		switch a := action.(type) {
		case ivr.Enter:
			c.note("", journal.IVRNode{Node: a.Node, Type: a.Type})
		case ivr.Note:
			c.note("", journal.IVRInput{Node: a.Node, Input: a.Input, Digit: a.Digit})
		case ivr.Entered:
			c.note("", journal.IVRInput{Node: a.Node, Input: "input", Digit: a.Text})
		case ivr.RunDip:
			c.runDip(a)
		case ivr.SetLanguage:
			c.lang = a.Lang
		case ivr.Play:
			m.playing = true
			c.say(c.caller, a.Prompts, c.promptsDone)
		case ivr.Collect:
			m.wait = time.Duration(a.TimeoutS) * time.Second
		case ivr.CheckHours:
			c.checkHours(a.Calendar)
			return
		case ivr.EnterQueue:
			c.leaveMenu("queue", a.Queue)
			c.enterQueue(queueOrder{queue: a.Queue, priority: a.Priority, skills: needs(a.Skills)})
			return
		case ivr.Transfer:
			c.leaveMenu("transfer", a.Target)
			c.menuTransfer(a)
			return
		case ivr.Hangup:
			m.hangup = a.Reason
		}
	}
	if !m.playing {
		c.promptsDone()
	}
}

// promptsDone goes on after the last prompt of a burst of actions.
func (c *call) promptsDone() {
	m := c.menu
	if m == nil {
		return
	}
	wasPlaying := m.playing
	m.playing = false
	switch {
	case m.hangup != "":
		c.note("", journal.IVRLeft{Result: "hangup", Target: m.hangup})
		c.end("completed", bySystem)
	case m.wait > 0:
		m.timer = c.after(m.wait, func() { c.feed(ivr.Timeout{}) })
	case wasPlaying:
		c.feed(ivr.PlayDone{})
	}
}

func (c *call) checkHours(calendar string) {
	if calendar == "" {
		calendar = c.menu.calendar
	}
	open, _, _ := c.dir().Open(calendar, c.svc.now())
	c.feed(ivr.Hours{Open: open})
}

// leaveMenu notes that the flow let the caller go on; the menu stays and
// takes the caller back when the queue or the transfer fails.
func (c *call) leaveMenu(result, target string) {
	c.note("", journal.IVRLeft{Result: result, Target: target})
}

// backToMenu lets the flow go on after a queue or transfer that came to
// nothing; false when there is no flow to go on with.
func (c *call) backToMenu(in ivr.Input) bool {
	if c.menu == nil || c.menu.state.Done {
		return false
	}
	c.stage, c.backdrop = StageIVR, silence
	c.touch()
	c.feed(in)
	return true
}

func (c *call) menuTransfer(t ivr.Transfer) {
	failed := func(failure) {
		if !c.backToMenu(ivr.TransferFailed{}) {
			c.farewell("transfer_failed", "transfer_failed")
		}
	}
	switch t.Kind {
	case ivr.TargetQueue:
		c.enterQueue(queueOrder{queue: t.Target})
		return
	case ivr.TargetExtension, ivr.TargetExternal:
		c.stage, c.backdrop = StageRinging, ringback
		c.touch()
		to := Target{Kind: TargetExtension, ID: t.Target}
		if t.Kind == ivr.TargetExternal {
			to.Kind = TargetExternal
		}
		c.reach(to, roleGuest, c.joined, failed)
		return
	}
	failed(failure{reason: "not_found"})
}

func needs(skills []ivr.SkillNeed) []journal.Skill {
	out := make([]journal.Skill, 0, len(skills))
	for _, s := range skills {
		out = append(out, journal.Skill{Skill: s.Skill, Level: s.Level})
	}
	return out
}
