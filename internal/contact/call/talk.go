package call

import (
	"context"
	"slices"
	"strings"

	"heartline/internal/contact/acd"
	"heartline/internal/contact/journal"
	"heartline/internal/contact/sip"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/event"
)

var (
	errState    = errs.New(errs.Conflict, "call.wrong_state")
	errNoSound  = errs.New(errs.Conflict, "call.no_sound")
	errElse     = errs.New(errs.Conflict, "call.other_active")
	errTransfer = errs.New(errs.Conflict, "call.transfer_running")
)

// converse starts or goes on with the conversation of the answered legs.
func (c *call) converse() {
	if !c.company() { // the others left in the same moment
		c.end("hangup", bySystem)
		return
	}
	c.stage, c.backdrop = StageTalking, holdMusic
	if c.answered.IsZero() {
		c.answered = c.svc.now()
		c.watchQuality()
	}
	c.startRecording()
	c.touch()
}

// leave lets a leg go that is still connected, and decides what becomes of
// the call.
func (c *call) leave(l *leg, cause, by string) {
	c.drop(l, cause)
	c.left(l, cause, by)
}

// left decides what becomes of the call after a party has gone: two or more
// talk on, a caller who waits for a transfer waits on, otherwise it ends.
func (c *call) left(l *leg, cause, by string) {
	if c.over || l.role == roleSupervisor {
		return
	}
	if h := c.handover; h != nil && h.from == l {
		h.from = nil
		return
	}
	if l.role == roleAgent && c.waiting() {
		return
	}
	c.abandonHandover()
	if c.company() {
		c.touch()
		return
	}
	c.end(cause, by)
}

// company reports whether two can talk of whom one has a right to the line.
func (c *call) company() bool {
	rest := c.talkers()
	return len(rest) >= 2 && slices.ContainsFunc(rest, c.principal)
}

// principal reports whether a call may go on for a leg's sake: guests who were
// only asked in are not left alone on our lines.
func (c *call) principal(l *leg) bool {
	return l.role == roleCaller || l.role == roleAgent || l == c.opener
}

// occupy tells the distributor that a direct call has the agent.
func (c *call) occupy(l *leg) {
	c.svc.acd.Post(acd.AgentBusy{Agent: l.user, Call: c.id})
	c.book(l)
}

// watchQuality measures the call every few seconds while people talk.
func (c *call) watchQuality() {
	c.after(c.svc.cfg.QualityEvery, func() {
		c.measure()
		c.watchQuality()
	})
}

// measure takes the worst reception of the talkers as the call's quality.
func (c *call) measure() {
	var worst *Quality
	for _, l := range c.talkers() {
		if l.sound == nil {
			continue
		}
		q := l.sound.Quality()
		if q.Packets > 0 && (worst == nil || q.RecentMOS < worst.MOS) {
			worst = &Quality{MOS: q.RecentMOS, LossPct: q.RecentLossPct, JitterMS: q.JitterMs, RTTMS: q.RTTMs}
		}
	}
	if worst != nil {
		c.quality = worst
		c.touch()
	}
}

// own finds the agent's leg on a call, answered and not in a handover.
func (c *call) own(agent string) (*leg, error) {
	l := c.userLeg(agent, roleAgent)
	switch {
	case l == nil:
		return nil, errNotFound
	case l.state != legUp:
		return nil, errState
	}
	return l, nil
}

// onOwn runs fn in the actor of a call with the agent's answered leg.
func (s *Service) onOwn(ctx context.Context, agent, callID string, fn func(c *call, l *leg) error) error {
	c, err := s.find(callID)
	if err != nil {
		return err
	}
	return c.do(ctx, func() error {
		l, err := c.own(agent)
		if err != nil {
			return err
		}
		return fn(c, l)
	})
}

// activeElsewhere reports whether the user talks on another call, not held.
func (s *Service) activeElsewhere(user string, c *call) bool {
	for _, other := range s.seats.of(user).calls {
		v := other.seen.Load()
		if other == c || v == nil || v.Stage == StageEnded {
			continue
		}
		for _, l := range v.Legs {
			if l.User == user && l.Party == roleAgent.String() && l.State != "ringing" && !l.Held {
				return true
			}
		}
	}
	return false
}

// Dial calls a number (extension or outside) for an agent.
func (s *Service) Dial(ctx context.Context, agent, to string) (string, error) {
	number := cleanDial(to)
	dest := resolve(s.deps.Directory(), fromExtension, number, true)
	p := s.seats.of(agent)
	switch {
	case dest.refuse != "" || dest.target.Kind == "":
		return "", errs.InvalidField("body.to", "call.number_invalid")
	case !p.signedIn:
		return "", errs.New(errs.Conflict, "agent.signed_out")
	case p.kind == SeatBrowser && !p.connected:
		return "", errNoSound
	case s.activeElsewhere(agent, nil):
		return "", errElse
	}
	o := origin{direction: Internal, channel: "sip", to: number, number: s.ownNumber(agent, p)}
	if p.kind == SeatBrowser {
		o.channel = channelBrowser
	}
	if dest.target.Kind == TargetExternal {
		o.direction, o.number = Outbound, number
	}
	c, err := s.open(ctx, o)
	if err != nil {
		return "", err
	}
	return c.id, c.do(ctx, func() error { return c.dialOut(agent, p, dest.target) })
}

// ownNumber is what colleagues see when an agent calls them.
func (s *Service) ownNumber(agent string, p place) string {
	if p.kind == SeatExtension {
		return p.ext
	}
	profile, _ := s.deps.Directory().Agent(agent)
	return profile.Number
}

func cleanDial(to string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(" -()", r) {
			return -1
		}
		return r
	}, to)
}

// dialOut starts an agent's call: the agent's own seat first, then the target.
func (c *call) dialOut(agent string, p place, to Target) error {
	l := &leg{role: roleAgent, user: agent, dials: true}
	c.opener, c.stage, c.backdrop = l, StageRinging, ringback
	c.identify()
	onward := func(*leg) {
		r := roleGuest
		if to.Kind == TargetExternal {
			r = roleCaller
		}
		callee := c.reach(to, r, c.joined, func(f failure) { c.end(f.reason, bySystem) })
		if r == roleCaller {
			c.caller = callee
		}
	}
	if p.kind == SeatExtension {
		c.opener = nil // nobody waits for our answer: the phone is called too
		spec := sip.DialSpec{Extension: p.ext, AutoAnswer: true}
		l.name = p.ext
		c.ringPhone(l, spec, c.svc.cfg.DirectRing, onward, func(f failure) { c.end(f.reason, bySystem) })
		c.occupy(l)
		return nil
	}
	c.addLeg(l, SeatBrowser)
	if err := c.attach(l, p.browser); err != nil {
		c.end("no_sound", bySystem)
		return errNoSound
	}
	c.up(l)
	c.occupy(l)
	onward(l)
	return nil
}

// Answer takes the call that rings for the agent.
func (s *Service) Answer(ctx context.Context, agent, callID string) error {
	c, err := s.find(callID)
	if err != nil {
		return err
	}
	return c.do(ctx, func() error {
		l := c.userLeg(agent, roleAgent)
		switch {
		case l == nil:
			return errNotFound
		case l.state == legUp:
			return nil
		case l.dialog != nil:
			return errs.New(errs.Conflict, "call.answer_on_phone")
		case c.svc.activeElsewhere(agent, c):
			return errElse
		}
		return c.pickUp(l)
	})
}

// Reject refuses the call that rings for the agent.
func (s *Service) Reject(ctx context.Context, agent, callID string) error {
	c, err := s.find(callID)
	if err != nil {
		return err
	}
	return c.do(ctx, func() error {
		l := c.userLeg(agent, roleAgent)
		if l == nil || l.state != legRinging {
			return errState
		}
		c.failLeg(l, failure{reason: "refused"})
		return nil
	})
}

// Hold puts the other parties on hold with music.
func (s *Service) Hold(ctx context.Context, agent, callID string) error {
	return s.onOwn(ctx, agent, callID, func(c *call, l *leg) error {
		if c.stage != StageTalking || c.handover != nil {
			return errState
		}
		c.hold(l, true)
		return nil
	})
}

// Resume ends the hold.
func (s *Service) Resume(ctx context.Context, agent, callID string) error {
	return s.onOwn(ctx, agent, callID, func(c *call, l *leg) error {
		switch {
		case c.stage != StageTalking || c.handover != nil:
			return errState
		case s.activeElsewhere(agent, c):
			return errElse
		}
		if l.browser != nil && s.seats.of(agent).hears != c {
			if err := c.attach(l, l.browser); err != nil {
				return errNoSound
			}
		}
		c.hold(l, false)
		return nil
	})
}

// Hangup takes the agent out of the call; a call of two ends. A ringing call
// is refused, one that the agent dials is given up.
func (s *Service) Hangup(ctx context.Context, agent, callID string) error {
	c, err := s.find(callID)
	if err != nil {
		return err
	}
	return c.do(ctx, func() error {
		l := c.userLeg(agent, roleAgent)
		switch {
		case l == nil:
			return errNotFound
		case l.state == legRinging && l.onFail != nil:
			c.failLeg(l, failure{reason: "refused"})
		case c.answered.IsZero() && !c.waiting():
			c.end("cancelled", byAgent)
		default:
			c.leave(l, "hangup", byAgent)
		}
		return nil
	})
}

// Mute stops or restarts the agent's voice.
func (s *Service) Mute(ctx context.Context, agent, callID string, on bool) error {
	return s.onOwn(ctx, agent, callID, func(c *call, l *leg) error {
		if l.muted != on {
			l.muted = on
			c.note(agent, journal.CallMuted{On: on, By: agent})
			c.touch()
		}
		return nil
	})
}

// SendDTMF sends digits to the other parties.
func (s *Service) SendDTMF(ctx context.Context, agent, callID, digits string) error {
	digits = strings.ToUpper(digits)
	if digits == "" || len(digits) > 64 || strings.Trim(digits, "0123456789*#ABCD,") != "" {
		return errs.InvalidField("body.digits", "call.digits_invalid")
	}
	return s.onOwn(ctx, agent, callID, func(c *call, l *leg) error {
		if c.stage != StageTalking {
			return errState
		}
		for _, other := range c.talkers() {
			if other == l || other.sound == nil {
				continue
			}
			if err := other.sound.SendDTMF(ctx, digits); err != nil {
				return errs.Wrap(errs.Unavailable, "call.digits_failed", err)
			}
		}
		return nil
	})
}

// Help asks supervisors to look at the agent's current call.
func (s *Service) Help(ctx context.Context, agent string) error {
	callID := ""
	for _, c := range s.seats.of(agent).calls {
		err := c.do(ctx, func() error {
			if l, err := c.own(agent); err != nil || l.away {
				return errState
			}
			c.help = true
			c.touch()
			return nil
		})
		if err == nil {
			callID = c.id
			break
		}
	}
	event.Publish(s.deps.Bus, HelpAsked{Agent: agent, Call: callID})
	return nil
}
