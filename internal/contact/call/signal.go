package call

import (
	"context"
	"errors"
	"fmt"

	"heartline/internal/contact/journal"
	"heartline/internal/contact/sip"
)

// follow passes the events of a dialog to the actor. An event that comes too
// late still gets the reply it needs.
func (c *call) follow(l *leg, d *sip.Dialog) {
	c.tasks.Go(func() {
		for ev := range d.Events() {
			if !c.post(func() { c.signalled(l, ev) }) {
				refuseLate(ev)
			}
		}
	})
}

func refuseLate(ev sip.DialogEvent) {
	switch e := ev.(type) {
	case sip.Reinvited:
		e.Reply(nil, 481)
	case sip.Refer:
		e.Reply(481)
	}
}

// signalled handles an event of a leg's dialog.
func (c *call) signalled(l *leg, ev sip.DialogEvent) {
	if c.over || l.state == legEnded {
		refuseLate(ev)
		return
	}
	switch e := ev.(type) {
	case sip.Ringing:
		if e.SDP != nil && c.complete(l, e.SDP) == nil {
			l.early = true
		}
		c.ringing(l, e.SDP)
	case sip.Answered:
		c.phoneAnswered(l, e)
	case sip.Failed:
		c.failLeg(l, failureOf(e.Code))
	case sip.AckSDP:
		if err := c.complete(l, e.SDP); err != nil {
			c.log().Warn("answer in ACK", "leg", l.id, "error", err)
			c.leave(l, "media", bySystem)
		}
	case sip.Reinvited:
		c.reinvited(l, e)
	case sip.Digit:
		c.pressed(l, e.D)
	case sip.Refer:
		c.referred(l, e)
	case sip.Ended:
		c.hungUp(l, e.Cause)
	}
}

func (c *call) complete(l *leg, answer []byte) error {
	ctx, cancel := c.op()
	defer cancel()
	return l.rtp.Complete(ctx, answer)
}

func (c *call) phoneAnswered(l *leg, e sip.Answered) {
	if l.state != legRinging {
		return
	}
	if err := c.complete(l, e.SDP); err != nil {
		c.log().Warn("answer of phone", "leg", l.id, "error", err)
		c.failLeg(l, failure{reason: "failed"})
		return
	}
	c.upLeg(l)
}

// reinvited answers a new offer of the peer: other addresses, other codecs,
// or the phone's hold key.
func (c *call) reinvited(l *leg, e sip.Reinvited) {
	ctx, cancel := c.op()
	defer cancel()
	if e.SDP == nil {
		offer, err := l.rtp.Offer(ctx)
		if err != nil {
			e.Reply(nil, 500)
			return
		}
		e.Reply(offer, 200)
		return
	}
	answer, err := l.rtp.Accept(ctx, e.SDP)
	if err != nil {
		e.Reply(nil, rejectCode(err))
		return
	}
	e.Reply(answer, 200)
	if held := l.rtp.RemoteHeld(); held != l.phoneHeld && l.state == legUp {
		l.phoneHeld = held
		c.hold(l, held)
	}
}

// rejectCode is what a peer is told whose offer cannot be taken: an offer that
// is wrong is the peer's fault, anything else ours.
func rejectCode(err error) int {
	var theirs interface{ SIPCode() int } // sdp.Malformed, sdp.NotAcceptable
	if errors.As(err, &theirs) {
		return theirs.SIPCode()
	}
	return 500
}

// hungUp handles the end of a dialog by the other side or by the network.
func (c *call) hungUp(l *leg, cause sip.Cause) {
	switch {
	case l.state != legUp && l == c.opener:
		c.gone(l, "cancelled", cause)
		c.end("cancelled", byCaller)
	case l.state != legUp:
		c.failLeg(l, failureOf(cause.SIPCode))
	case l.role == roleAgent && !cause.Remote:
		// Our side gave up on the phone: no ACK, session timer, transport.
		l.lost = true
		c.gone(l, "device_lost", cause)
		c.agentLost(l)
	default:
		c.gone(l, "hangup", cause)
		c.left(l, "hangup", c.whoIs(l))
	}
}

// whoIs names a leg's party as the one who ended something.
func (c *call) whoIs(l *leg) string {
	if l.role == roleAgent {
		return byAgent
	}
	return byCaller
}

// takeIn gives an inbound dialog its sound; the answer is sent later.
func (c *call) takeIn(l *leg, d *sip.Dialog) error {
	ctx, cancel := c.op()
	defer cancel()
	l.dialog, l.state = d, legRinging
	c.follow(l, d)
	rtp, err := c.sound.AddRTPLeg(ctx, l.id)
	if err != nil {
		return fmt.Errorf("add leg: %w", err)
	}
	l.rtp, l.sound = rtp, rtp
	if offer := d.RemoteSDP(); offer != nil {
		if l.answer, err = rtp.Accept(ctx, offer); err != nil {
			return err
		}
	}
	return nil
}

// answer accepts the opener's call: 200 with our answer, or with an offer when
// the INVITE had none. A browser caller is answered by being told.
func (c *call) answerOpener() error {
	l := c.opener
	if l == nil || l.state != legRinging {
		return nil
	}
	if l.dialog != nil {
		ctx, cancel := c.op()
		defer cancel()
		body := l.answer
		if body == nil {
			var err error
			if body, err = l.rtp.Offer(ctx); err != nil {
				return err
			}
		}
		if err := l.dialog.Answer(ctx, body); err != nil {
			return fmt.Errorf("answer: %w", err)
		}
	}
	l.progress = false
	c.up(l)
	return nil
}

// refuseOpener ends a call that could not be connected with a code that says
// why.
func (c *call) refuseOpener(f failure) {
	l := c.opener
	if l != nil && l.state == legRinging && l.dialog != nil {
		d := l.dialog
		c.gone(l, f.reason, sip.Cause{SIPCode: f.sipCode()})
		c.task(c.svc.cfg.OpTimeout, func(ctx context.Context) {
			if err := d.Reject(ctx, f.sipCode(), f.reason); err != nil {
				c.log().Debug("reject", "error", err)
			}
		})
	}
	c.end(f.reason, bySystem)
}

// hold is a party's wish not to hear and not to be heard.
func (c *call) hold(l *leg, on bool) {
	if l.away == on {
		return
	}
	l.away = on
	if l.role == roleAgent || l.role == roleCaller {
		if on {
			c.note(l.user, journal.CallHeld{By: c.holder(l)})
		} else {
			c.note(l.user, journal.CallResumed{By: c.holder(l)})
		}
	}
	c.touch()
}

func (c *call) holder(l *leg) string {
	if l.user != "" {
		return l.user
	}
	return c.whoIs(l)
}
