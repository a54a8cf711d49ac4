package call

import (
	"context"
	"time"

	"heartline/internal/contact/acd"
	"heartline/internal/contact/journal"
	"heartline/internal/contact/sip"
	"heartline/internal/contact/switchboard"
)

// reach rings a target and goes on with one of the two functions, never
// before reach has returned. The role is what an extension or an outside
// number becomes; an agent is always an agent.
func (c *call) reach(to Target, r role, onUp func(*leg), onFail func(failure)) *leg {
	l := &leg{role: r}
	switch to.Kind {
	case TargetAgent:
		return c.reachAgent(to.ID, onUp, onFail)
	case TargetExtension:
		return c.reachExtension(to.ID, r, onUp, onFail)
	case TargetExternal:
		l.name = Mask(to.ID)
		c.ringPhone(l, sip.DialSpec{Number: to.ID}, c.svc.cfg.DirectRing, onUp, onFail)
		return l
	}
	c.addLeg(l, to.Kind)
	c.failSoon(l, failure{reason: "not_found"}, onFail)
	return l
}

// reachExtension rings the phone; where none is registered, the browser of
// its owner, or the owner's mobile.
func (c *call) reachExtension(number string, r role, onUp func(*leg), onFail func(failure)) *leg {
	l := &leg{role: r, name: number}
	ext, ok := c.dir().Extension(number)
	if !ok {
		c.addLeg(l, TargetExtension)
		c.failSoon(l, failure{reason: "not_found"}, onFail)
		return l
	}
	if user, ok := c.svc.seats.atPhone(number); ok {
		return c.reachAgent(user, onUp, onFail)
	}
	if ext.Kind == switchboard.KindMobile && ext.MobileNumber != "" {
		c.ringPhone(l, sip.DialSpec{Number: ext.MobileNumber}, c.svc.cfg.DirectRing, onUp, onFail)
		return l
	}
	if phones, err := c.svc.dialer(); err == nil && !phones.Online(number) && ext.UserID != "" && c.svc.seats.of(ext.UserID).reachable() {
		return c.reachAgent(ext.UserID, onUp, onFail)
	}
	c.ringPhone(l, sip.DialSpec{Extension: number}, c.svc.cfg.DirectRing, onUp, onFail)
	return l
}

// reachAgent rings an agent directly, past the queues; the distributor is
// told that the agent is busy.
func (c *call) reachAgent(user string, onUp func(*leg), onFail func(failure)) *leg {
	l := &leg{role: roleAgent, user: user, deadline: c.svc.now().Add(c.svc.cfg.DirectRing)}
	if c.userLeg(user, roleAgent) != nil || !c.svc.idle(user) {
		l.user = "" // the agent's own leg elsewhere must not be touched
		c.addLeg(l, TargetAgent)
		c.failSoon(l, failure{reason: "busy"}, onFail)
		return l
	}
	c.ringSeat(l, c.svc.cfg.DirectRing, onUp, onFail)
	if l.state == legRinging {
		c.svc.acd.Post(acd.AgentBusy{Agent: user, Call: c.id})
		c.book(l)
		l.ring = c.after(c.svc.cfg.DirectRing, func() { c.failLeg(l, failure{reason: "no_answer"}) })
	}
	return l
}

// idle reports whether an agent is signed in and on no call.
func (s *Service) idle(user string) bool {
	for _, a := range s.acd.Snapshot().Agents {
		if a.Agent == user {
			return a.State == acd.Ready || a.State == acd.NotReady || a.State == acd.WrapUp
		}
	}
	return false
}

// ringSeat rings an agent where the agent sits.
func (c *call) ringSeat(l *leg, limit time.Duration, onUp func(*leg), onFail func(failure)) {
	p := c.svc.seats.of(l.user)
	if p.signedIn && p.kind == SeatExtension {
		l.name = p.ext
		c.ringPhone(l, sip.DialSpec{Extension: p.ext}, limit, onUp, onFail)
		c.pop(l)
		return
	}
	c.addLeg(l, SeatBrowser)
	if !p.reachable() {
		c.failSoon(l, failure{reason: "device_lost"}, onFail)
		return
	}
	l.state, l.onUp, l.onFail = legRinging, onUp, onFail
	c.ringing(l, nil)
	c.pop(l)
	if profile, ok := c.dir().Agent(l.user); ok && profile.AutoAnswer {
		c.post(func() {
			if l.state == legRinging && !c.over {
				if err := c.pickUp(l); err != nil {
					c.log().Warn("answer automatically", "leg", l.id, "error", err)
				}
			}
		})
	}
}

// pickUp answers in the browser.
func (c *call) pickUp(l *leg) error {
	p := c.svc.seats.of(l.user)
	if p.browser == nil || !p.connected {
		c.failLeg(l, failure{reason: "device_lost"})
		return errNoSound
	}
	if err := c.attach(l, p.browser); err != nil {
		c.failLeg(l, failure{reason: "device_lost"})
		return err
	}
	c.upLeg(l)
	return nil
}

// ringPhone sends an INVITE with our offer.
func (c *call) ringPhone(l *leg, spec sip.DialSpec, limit time.Duration, onUp func(*leg), onFail func(failure)) {
	kind := "extension"
	if spec.Number != "" {
		kind = "trunk"
	}
	c.addLeg(l, kind)
	ctx, cancel := c.op()
	defer cancel()
	err := c.dial(ctx, l, spec, limit)
	if err != nil {
		c.log().Info("dial", "leg", l.id, "error", err)
		c.failSoon(l, failure{reason: "unreachable"}, onFail)
		return
	}
	l.state, l.onUp, l.onFail = legRinging, onUp, onFail
	c.follow(l, l.dialog)
}

func (c *call) dial(ctx context.Context, l *leg, spec sip.DialSpec, limit time.Duration) error {
	phones, err := c.svc.dialer()
	if err != nil {
		return err
	}
	if l.rtp, err = c.sound.AddRTPLeg(ctx, l.id); err != nil {
		return err
	}
	l.sound, c.routes = l.rtp, nil
	if spec.Offer, err = l.rtp.Offer(ctx); err != nil {
		return err
	}
	spec.Timeout = limit
	if c.opener != nil && c.opener.dialog != nil {
		spec.MaxForwards = c.opener.dialog.MaxForwards() // so that a loop over a trunk ends
	}
	if spec.Number == "" {
		spec.From, spec.FromName = c.presented()
	}
	l.dialog, err = phones.Dial(context.WithoutCancel(ctx), spec)
	return err
}

// presented is the number that a desk phone shows.
func (c *call) presented() (number, name string) {
	if c.origin.number != "" {
		return c.origin.number, ""
	}
	return "anonymous", ""
}

// failSoon fails a leg that could not even ring, after the present message.
func (c *call) failSoon(l *leg, f failure, onFail func(failure)) {
	l.onFail = onFail
	c.post(func() { c.failLeg(l, f) })
}

// failLeg ends a leg that was not answered.
func (c *call) failLeg(l *leg, f failure) {
	if l.state == legEnded || l.state == legUp {
		return
	}
	next := l.onFail
	if l.dialog != nil && f.code == 0 {
		c.drop(l, f.reason)
	} else {
		c.gone(l, f.reason, sip.Cause{SIPCode: f.code})
	}
	if next != nil && !c.over {
		next(f)
	}
}

// upLeg goes on with a leg that was answered.
func (c *call) upLeg(l *leg) {
	if l.state != legRinging {
		return
	}
	if l.offer != "" && !c.claim(l) {
		c.drop(l, "answered_elsewhere")
		return
	}
	next := l.onUp
	l.onUp, l.onFail = nil, nil
	c.up(l)
	if next != nil {
		next(l)
	}
}

// ringing passes on that the far end rings, with its early sound if any.
func (c *call) ringing(l *leg, early []byte) {
	if !l.noted {
		l.noted = true
		c.note(l.user, journal.LegRinging{Leg: l.id})
	}
	c.touch()
	o := c.opener
	if o != nil && o != l && o.browser != nil && o.state == legRinging {
		c.tellVisitor(TryEvent{State: TryStateRinging})
	}
	if o == nil || o == l || o.dialog == nil || o.state != legRinging || o.heard {
		return
	}
	o.heard = true
	d, answer := o.dialog, o.answer
	c.task(c.svc.cfg.OpTimeout, func(ctx context.Context) {
		err := error(nil)
		if early != nil && answer != nil {
			err = d.Progress(ctx, answer)
		} else {
			err = d.Ring(ctx)
		}
		if err != nil {
			c.log().Debug("pass ringing on", "error", err)
		}
	})
	o.progress = early != nil && answer != nil
}

// book notes that the distributor counts the agent as busy with this call.
func (c *call) book(l *leg) {
	if l.role == roleAgent && !l.booked {
		l.booked = true
		c.svc.seats.book(l.user, c)
	}
}

// release tells the distributor that the agent is free of this call, or busy
// with another one that was on hold.
func (c *call) release(l *leg, wasUp bool) {
	if l.role != roleAgent || !l.booked {
		return
	}
	l.booked = false
	if l.lost {
		c.svc.sideline(l.user)
	}
	if other := c.svc.seats.unbook(l.user, c); other != nil {
		c.svc.acd.Post(acd.AgentBusy{Agent: l.user, Call: other.id})
		return
	}
	var wrap time.Duration
	switch {
	case !wasUp, l.lost: // nothing to wrap up, or nobody there to do it
	case l.offer != "":
		wrap = acd.UseQueueWrapUp
		if q, ok := c.dir().Queue(c.visit.queue); ok { // the distributor forgets the queue when another call came between
			wrap = time.Duration(q.WrapUpS) * time.Second
		}
	case c.caller != nil:
		wrap = c.svc.cfg.DirectWrapUp
	}
	c.svc.acd.Post(acd.AgentFree{Agent: l.user, WrapUp: wrap})
}
