package call

import (
	"context"

	"heartline/internal/contact/journal"
	"heartline/internal/contact/sip"
	"heartline/internal/contact/switchboard"
	"heartline/internal/platform/errs"
)

// handover is a blind transfer while its target rings. The transferring
// agent's leg stays, out of hearing, until the target has answered, so that a
// failed transfer has somewhere to return to.
type handover struct {
	by     string // user id of the agent
	from   *leg   // nil once the agent has hung up
	target Target
	leg    *leg
	notify func(code int, reason string) // to a phone that asked by REFER
}

// Transfer hands the caller on without asking (blind).
func (s *Service) Transfer(ctx context.Context, agent, callID string, to Target) error {
	return s.onOwn(ctx, agent, callID, func(c *call, l *leg) error { return c.transfer(l, to, nil) })
}

func (c *call) transfer(l *leg, to Target, notify func(int, string)) error {
	switch {
	case c.handover != nil:
		return errTransfer
	case c.stage != StageTalking || len(c.talkers()) != 2:
		return errState
	}
	if err := c.checkTarget(l, to); err != nil {
		return err
	}
	if to.Kind == TargetQueue {
		return c.transferToQueue(l, to)
	}
	c.handover = &handover{by: l.user, from: l, target: to, notify: notify}
	l.away, l.lost = true, false
	c.stage, c.backdrop = StageRinging, ringback
	r := roleGuest
	if c.caller == nil && to.Kind == TargetExternal {
		r = roleCaller
	}
	c.handover.leg = c.reach(to, r, c.handedOver, c.handoverFailed)
	if rest := c.others(l); rest != nil {
		c.say(rest, []string{"connecting"}, nil)
	}
	c.touch()
	return nil
}

// checkTarget refuses what cannot be reached before anything is torn down.
func (c *call) checkTarget(l *leg, to Target) error {
	bad := errs.InvalidField("body.target", "call.target_invalid")
	switch to.Kind {
	case TargetQueue:
		q, ok := c.dir().Queue(to.ID)
		if !ok || c.others(l) != c.caller || c.caller == nil {
			return bad
		}
		if open, _, _ := c.dir().Open(q.CalendarID, c.svc.now()); !open {
			return errs.New(errs.Conflict, "call.queue_closed")
		}
	case TargetAgent:
		if _, ok := c.dir().Agent(to.ID); !ok || to.ID == l.user {
			return bad
		}
	case TargetExtension:
		if _, ok := c.dir().Extension(to.ID); !ok {
			return bad
		}
	case TargetExternal:
		if !dialable(to.ID) {
			return bad
		}
	default:
		return bad
	}
	return nil
}

// others is the other talker of a call of two.
func (c *call) others(l *leg) *leg {
	for _, o := range c.talkers() {
		if o != l {
			return o
		}
	}
	return nil
}

// transferToQueue cannot fail any more: the caller waits there with the
// priority of the first queue.
func (c *call) transferToQueue(l *leg, to Target) error {
	order := queueOrder{queue: to.ID}
	if c.visit != nil {
		order.priority = c.visit.priority
	}
	c.note(l.user, journal.CallTransferred{Type: "blind", From: l.user, TargetKind: to.Kind, Target: to.ID, Result: "ok"})
	c.menu = nil
	c.drop(l, "transferred")
	c.enterQueue(order)
	return nil
}

// handedOver connects the caller to the target and lets the agent go.
func (c *call) handedOver(l *leg) {
	h := c.handover
	c.handover = nil
	c.note(h.by, journal.CallTransferred{Type: "blind", From: h.by, TargetKind: h.target.Kind, Target: c.shownTarget(h.target), Result: "ok"})
	if h.notify != nil {
		h.notify(200, "OK")
	}
	if h.from != nil {
		c.drop(h.from, "transferred")
	}
	if rest := c.others(l); rest != nil {
		c.hush(rest)
		if l.role == roleAgent && rest == c.caller {
			c.greet(l)
		}
	}
	c.converse()
}

// shownTarget keeps outside numbers out of the journal.
func (c *call) shownTarget(t Target) string {
	if t.Kind == TargetExternal {
		return Mask(t.ID)
	}
	return t.ID
}

// handoverFailed returns the caller to the agent, or, when the agent has
// gone, to the front of the queue.
func (c *call) handoverFailed(f failure) {
	h := c.handover
	if h == nil {
		return
	}
	c.handover = nil
	c.note(h.by, journal.CallTransferred{Type: "blind", From: h.by, TargetKind: h.target.Kind, Target: c.shownTarget(h.target), Result: f.reason})
	fact(c, TransferFailed{Agent: h.by, CallID: c.id, Target: h.target, Reason: f.reason})
	if h.notify != nil {
		h.notify(f.sipCode(), f.reason)
	}
	if h.from == nil {
		c.requeue("transfer_failed")
		return
	}
	h.from.away = false
	c.hush(c.others(h.from))
	c.converse()
}

// abandonHandover gives a transfer up because a party of the call has gone;
// whoever is left is no longer out of hearing.
func (c *call) abandonHandover() {
	h := c.handover
	if h == nil {
		return
	}
	c.handover = nil
	if h.leg != nil {
		c.drop(h.leg, "cancelled")
	}
	if h.from != nil {
		h.from.away = false
	}
	c.stage, c.backdrop = StageTalking, holdMusic
	c.note(h.by, journal.CallTransferred{Type: "blind", From: h.by, TargetKind: h.target.Kind, Target: c.shownTarget(h.target), Result: "caller_gone"})
}

// requeue puts a caller whose agent is gone at the front of the queue, after
// a word of explanation; a caller who came by no queue hears it and is let go.
func (c *call) requeue(prompt string) {
	switch {
	case c.caller == nil || c.caller.state != legUp:
		c.end("agent_gone", bySystem)
	case c.visit == nil:
		c.farewell(prompt, "agent_gone")
	default:
		v := c.visit
		c.enterQueue(queueOrder{queue: v.queue, priority: v.priority, skills: v.skills, since: v.since, front: true})
		if c.waiting() {
			c.say(c.caller, []string{prompt}, nil)
		}
	}
}

// Conference asks a further party into the call.
func (s *Service) Conference(ctx context.Context, agent, callID string, who Target) error {
	return s.onOwn(ctx, agent, callID, func(c *call, l *leg) error {
		switch {
		case who.Kind == TargetQueue:
			return errs.InvalidField("body.target", "call.target_invalid")
		case c.stage != StageTalking || c.handover != nil || l.away:
			return errState
		case len(c.legs) >= maxParties:
			return errs.New(errs.Conflict, "call.conference_full")
		}
		if err := c.checkTarget(l, who); err != nil {
			return err
		}
		c.reach(who, roleGuest, func(guest *leg) {
			c.note(agent, journal.CallConferenced{TargetKind: who.Kind, Target: c.shownTarget(who)})
			c.converse()
		}, func(f failure) {
			fact(c, TransferFailed{Agent: agent, CallID: c.id, Target: who, Reason: f.reason})
		})
		return nil
	})
}

// maxParties bounds what one call may cost.
const maxParties = 12

// referred maps a phone's REFER onto a transfer of ours.
func (c *call) referred(l *leg, e sip.Refer) {
	if e.Replaces != "" || e.Dialog != nil {
		e.Reply(501)
		return
	}
	to, ok := c.referTarget(l, switchboard.CleanNumber(e.Target.User))
	if !ok {
		e.Reply(404)
		return
	}
	d := l.dialog
	notify := func(code int, reason string) {
		c.task(c.svc.cfg.OpTimeout, func(ctx context.Context) {
			if err := d.Notify(ctx, code, reason); err != nil {
				c.log().Debug("notify transfer", "error", err)
			}
		})
	}
	if l.role == roleCaller || c.transfer(l, to, notify) != nil {
		e.Reply(403)
		return
	}
	e.Reply(202)
	if to.Kind == TargetQueue {
		return // the phone has been told by BYE
	}
	notify(100, "Trying")
}

// referTarget reads the number a phone transfers to as its dial plan would.
func (c *call) referTarget(l *leg, number string) (Target, bool) {
	ext, _ := c.dir().Extension(l.name)
	may := c.svc.deps.MayDialOut != nil && ext.Number != "" && c.svc.deps.MayDialOut(ext)
	dest := resolve(c.dir(), fromExtension, number, may)
	switch {
	case dest.queue != "":
		return Target{TargetQueue, dest.queue}, true
	case dest.target.Kind != "":
		return dest.target, true
	}
	return Target{}, false
}
