package call

import (
	"context"
	"fmt"

	"heartline/internal/contact/media"
	"heartline/internal/contact/sip"
	"heartline/internal/contact/switchboard"
	"heartline/internal/platform/errs"
)

// destination is what a dialled number leads to: exactly one of flow, queue
// and target is set, or refuse says why there is none.
type destination struct {
	number switchboard.Number // the called number, when there is an entry
	flow   string
	queue  string
	target Target
	refuse string // reason as in failure
}

// callerKind is who dials, as far as it decides what may be dialled.
type callerKind uint8

const (
	fromOutside   callerKind = iota // trunk or /try: our own numbers only
	fromExtension                   // also extensions, queues and, if permitted, outside
)

// resolve finds what a dialled number leads to. An outside caller never gets
// past our own numbers, so no call from outside can reach a trunk.
func resolve(dir Directory, kind callerKind, dialled string, mayDialOut bool) destination {
	if n, ok := dir.Number(dialled); ok {
		switch {
		case n.FlowID != "":
			return destination{number: n, flow: n.FlowID}
		case n.QueueID != "":
			return destination{number: n, queue: n.QueueID}
		case n.Extension != "":
			return destination{number: n, target: Target{TargetExtension, n.Extension}}
		}
	}
	if kind == fromOutside {
		return destination{refuse: "not_found"}
	}
	if _, ok := dir.Extension(dialled); ok {
		return destination{target: Target{TargetExtension, dialled}}
	}
	if q, ok := dir.Queue(dialled); ok {
		return destination{queue: q.ID}
	}
	switch {
	case !dialable(dialled) || len(dialled) < 3:
		return destination{refuse: "not_found"}
	case !mayDialOut:
		return destination{refuse: "refused"}
	}
	return destination{target: Target{TargetExternal, dialled}}
}

// Invite implements sip.Handler: a new call from a trunk or an extension.
func (s *Service) Invite(ctx context.Context, d *sip.Dialog) {
	o, dest := s.place(d)
	reject := func(code int, reason string) {
		if err := d.Reject(ctx, code, reason); err != nil {
			s.log.Debug("reject call", "dialog", d.ID(), "error", err)
		}
		for range d.Events() { // until Ended
		}
	}
	switch {
	case d.Replaces() != nil:
		reject(501, "Replaces is not supported")
		return
	case dest.refuse != "":
		reject(failure{reason: dest.refuse}.sipCode(), dest.refuse)
		return
	}
	c, err := s.open(ctx, o)
	if err != nil {
		if !errs.Is(err, errs.Unavailable) {
			s.log.Error("take call", "dialog", d.ID(), "error", err)
		}
		reject(503, "busy")
		return
	}
	l := &leg{}
	accepted := c.post(func() {
		if c.over {
			c.task(c.svc.cfg.OpTimeout, func(context.Context) { reject(503, "closing") })
			return
		}
		c.arrive(l, dest, func() error { return c.takeIn(l, d) })
	})
	if !accepted {
		reject(503, "closing")
	}
}

// place says where a call comes from and where it goes.
func (s *Service) place(d *sip.Dialog) (origin, destination) {
	dir := s.deps.Directory()
	peer, dialled := d.Peer(), switchboard.CleanNumber(d.To().User)
	o := origin{direction: Inbound, channel: "sip", number: callerNumber(d.From().User), to: dialled, trunk: peer.Trunk}
	if peer.Kind != sip.PeerExtension {
		dest := resolve(dir, fromOutside, dialled, false)
		o.did = dest.number.Number
		return o, dest
	}
	ext, _ := dir.Extension(peer.Extension)
	may := s.deps.MayDialOut != nil && ext.Number != "" && s.deps.MayDialOut(ext)
	dest := resolve(dir, fromExtension, dialled, may)
	o.direction, o.extension, o.number, o.did = Internal, peer.Extension, peer.Extension, dest.number.Number
	if dest.target.Kind == TargetExternal {
		o.direction, o.number = Outbound, dialled
	}
	return o, dest
}

// arrive is the first message of a call that somebody opened; takeIn connects
// the opener's sound.
func (c *call) arrive(l *leg, dest destination, takeIn func() error) {
	c.opener = l
	kind := "trunk"
	l.role = roleCaller
	switch {
	case c.origin.channel == channelBrowser:
		kind = channelBrowser
	case c.origin.extension != "":
		kind, l.name = "extension", c.origin.extension
		if dest.target.Kind != "" {
			l.role = roleGuest
			if user, ok := c.svc.seats.atPhone(c.origin.extension); ok {
				l.role, l.user = roleAgent, user
			}
		}
	}
	c.addLeg(l, kind)
	if l.role == roleCaller {
		c.caller = l
	}
	if err := takeIn(); err != nil {
		c.log().Warn("take call in", "error", err)
		code := rejectCode(err)
		c.gone(l, "media", sip.Cause{SIPCode: code})
		if d := l.dialog; d != nil {
			c.task(c.svc.cfg.OpTimeout, func(ctx context.Context) {
				if err := d.Reject(ctx, code, "media"); err != nil {
					c.log().Debug("reject", "error", err)
				}
			})
		}
		c.end("media", bySystem)
		return
	}
	if l.role == roleAgent {
		c.occupy(l)
	}
	c.identify()
	c.route(dest)
}

// route starts what the dialled number leads to.
func (c *call) route(dest destination) {
	if dest.number.Language != "" {
		c.lang = dest.number.Language
	}
	if dest.target.Kind == "" {
		if err := c.answerOpener(); err != nil {
			c.log().Warn("answer caller", "error", err)
			c.end("media", bySystem)
			return
		}
		c.tellVisitor(TryEvent{State: TryStateAnswered})
		c.recordAnswer()
		if dest.flow != "" {
			c.runFlow(dest.flow, dest.number)
		} else {
			c.enterQueue(queueOrder{queue: dest.queue})
		}
		return
	}
	c.stage, c.backdrop = StageRinging, ringback
	c.touch()
	r := roleGuest
	if dest.target.Kind == TargetExternal {
		r = roleCaller
	}
	l := c.reach(dest.target, r, c.joined, c.refuseOpener)
	if r == roleCaller {
		c.caller = l
	}
}

// joined connects whoever answered to the opener of the call.
func (c *call) joined(*leg) {
	if err := c.answerOpener(); err != nil {
		c.log().Warn("answer caller", "error", err)
		c.end("media", bySystem)
		return
	}
	if c.answered.IsZero() {
		c.tellVisitor(TryEvent{State: TryStateAnswered})
	}
	c.converse()
}

// takeBrowser gives the opener the sound of a browser.
func (c *call) takeBrowser(l *leg, b media.Browser) error {
	l.state = legRinging
	if err := c.attach(l, b); err != nil {
		return fmt.Errorf("attach browser: %w", err)
	}
	l.progress = true // a browser hears ringing before the answer
	return nil
}
