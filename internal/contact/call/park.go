package call

import (
	"heartline/internal/contact/acd"
	"heartline/internal/contact/journal"
	"heartline/internal/contact/sip"
)

// noCause is the end of a leg that has no signalling.
var noCause = sip.Cause{}

// parking is a caller's wait for a lost agent: comfort tone at once, words
// soon, the queue when the agent does not come back in time.
type parking struct {
	user   string
	phone  string // the agent's desk phone, rung again when it registers
	words  *timer
	expiry *timer
}

// soundLost handles a party who sends no sound any more.
func (c *call) soundLost(l *leg) {
	switch {
	case l.state != legUp || l.phoneHeld || l.lost:
	case l.browser != nil && l.user != "" && c.svc.seats.of(l.user).hears != c: // it serves another call
	case l.role == roleAgent && (c.stage == StageTalking || c.stage == StageRinging):
		l.lost = true
		c.agentLost(l)
	case l == c.caller && c.silence == nil:
		c.silence = c.after(c.svc.cfg.CallerLost, func() {
			c.silence = nil
			c.end("media_lost", bySystem)
		})
	}
}

func (c *call) soundBack(l *leg) {
	switch {
	case l.role == roleAgent && l.lost:
		c.agentBack(l)
	case l == c.caller:
		c.cancel(c.silence)
		c.silence = nil
	}
}

// browserLost handles the loss of a user's browser, seen from this call.
func (c *call) browserLost(user string) {
	if c.over {
		return
	}
	if l := c.userLeg(user, roleSupervisor); l != nil {
		c.drop(l, "device_lost")
	}
	l := c.userLeg(user, roleAgent)
	switch {
	case l == nil || l.dialog != nil:
	case l.state == legRinging:
		c.failLeg(l, failure{reason: "device_lost"})
	case l.state == legUp && !l.lost:
		l.lost = true
		c.agentLost(l)
	}
}

// browserBack gives a returned agent the sound of the call again.
func (c *call) browserBack(user string) {
	l := c.userLeg(user, roleAgent)
	if c.over || l == nil || l.state != legUp || !l.lost || l.dialog != nil {
		return
	}
	p := c.svc.seats.of(user)
	if p.browser == nil || !p.connected {
		return
	}
	if err := c.attach(l, p.browser); err != nil {
		c.log().Warn("attach returned browser", "error", err)
		return
	}
	c.agentBack(l)
}

// agentLost parks what is left of the conversation. l is lost, or gone.
func (c *call) agentLost(l *leg) {
	c.touch()
	if h := c.handover; h != nil && h.from == l {
		h.from = nil
		if l.state != legEnded {
			c.drop(l, "device_lost")
		}
		return
	}
	if c.answered.IsZero() {
		c.end("device_lost", bySystem)
		return
	}
	if c.park != nil {
		return
	}
	rest := c.listening()
	if len(rest) == 0 {
		c.end("device_lost", bySystem)
		return
	}
	p := &parking{user: l.user}
	if l.dialog != nil {
		p.phone = l.name
		c.svc.await(c, "", p.phone)
	}
	c.park = p
	p.expiry = c.after(c.svc.cfg.AgentGrace, c.parkExpired)
	if len(rest) > 1 {
		return // the others talk on
	}
	c.stage, c.backdrop = StageParked, comfort
	c.note(l.user, journal.CallParked{Reason: "agent_lost"})
	p.words = c.after(c.svc.cfg.ParkPromptAfter, func() {
		if c.park == p && rest[0].state == legUp {
			c.say(rest[0], []string{"comfort_resume"}, nil)
		}
	})
}

// listening are the talkers who can still hear.
func (c *call) listening() []*leg {
	var out []*leg
	for _, l := range c.talkers() {
		if !l.lost {
			out = append(out, l)
		}
	}
	return out
}

// agentBack goes on with the conversation.
func (c *call) agentBack(l *leg) {
	l.lost = false
	c.unpark("returned")
	if c.stage == StageParked {
		c.converse()
	}
	c.touch()
}

// unpark ends the wait for the agent. Without a reason the caller waits on,
// for somebody else.
func (c *call) unpark(reason string) {
	p := c.park
	if p == nil {
		return
	}
	c.park = nil
	c.svc.await(c, p.phone, "")
	c.cancel(p.words)
	c.cancel(p.expiry)
	for _, l := range c.listening() {
		c.hush(l)
	}
	if c.stage == StageParked && reason != "" {
		c.note(p.user, journal.CallUnparked{Reason: reason})
	}
	c.touch()
}

// parkExpired gives the agent up: the caller is first in the queue again.
func (c *call) parkExpired() {
	p := c.park
	parked := c.stage == StageParked
	c.unpark("")
	if l := c.userLeg(p.user, roleAgent); l != nil {
		c.drop(l, "agent_lost")
	}
	if !parked || len(c.listening()) >= 2 {
		if !c.company() {
			c.end("agent_lost", bySystem)
		}
		return
	}
	c.requeue("queue_still_waiting")
}

// phoneOnline rings a lost desk phone again that has come back.
func (c *call) phoneOnline(ext string) {
	p := c.park
	if c.over || p == nil || p.phone != ext || c.userLeg(p.user, roleAgent) != nil {
		return
	}
	l := &leg{role: roleAgent, user: p.user, name: ext}
	spec := sip.DialSpec{Extension: ext, AutoAnswer: true}
	back := func(l *leg) {
		c.svc.acd.Post(acd.AgentState{Agent: p.user, Ready: true}) // as before the loss
		c.agentBack(l)
	}
	c.ringPhone(l, spec, c.svc.cfg.AgentGrace, back, func(failure) {})
	c.occupy(l)
}

// await notes for which desk phone the call waits; "" ends the wait.
func (s *Service) await(c *call, before, ext string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if before != "" && s.parked[before] == c {
		delete(s.parked, before)
	}
	if ext != "" {
		s.parked[ext] = c
	}
}

// Registered implements sip.Handler: an extension came online or went.
func (s *Service) Registered(user string, online bool) {
	s.mu.Lock()
	c := s.parked[user]
	s.mu.Unlock()
	if online && c != nil {
		c.post(func() { c.phoneOnline(user) })
	}
}
