package traffic

import (
	"context"
	"time"

	"heartline/internal/contact/call"
	"heartline/internal/contact/sip/phone"
	"heartline/internal/platform/identity"
)

// seat registers an agent's desk phone, signs the agent in and starts the two
// things an agent does: answer the phone, and finish the wrap-up.
func (m *morning) seat(ctx context.Context, a Agent) error {
	p := m.phones.Phone(a.Extension, a.Secret)
	if err := p.Register(ctx); err != nil {
		return err
	}
	desk := identity.System(ctx, "demo-traffic")
	if err := m.cfg.Desk.SignIn(desk, a.UserID, call.Seat{Kind: call.SeatExtension, Extension: a.Extension}); err != nil {
		return err
	}
	if err := m.cfg.Desk.SetState(desk, a.UserID, true, ""); err != nil {
		return err
	}
	m.people.Go(func() { m.answer(ctx, p) })
	m.people.Go(func() { m.finish(desk, a) })
	return nil
}

// answer picks up after a moment, talks for a while and hangs up.
func (m *morning) answer(ctx context.Context, p *phone.Phone) {
	for {
		select {
		case <-ctx.Done():
			return
		case c, open := <-p.Incoming():
			if !open {
				return
			}
			m.converse(ctx, c)
		}
	}
}

func (m *morning) converse(ctx context.Context, c *phone.Call) {
	if !wait(ctx, shortestUse+m.exp(shortestUse)) {
		return
	}
	if err := c.Answer(ctx); err != nil {
		return // the caller gave up while it rang
	}
	c.PlayPCM(m.cfg.Voice)
	over, cancel := context.WithTimeout(ctx, 10*time.Second+m.exp(talk))
	defer cancel()
	if err := c.WaitEnded(over); err != nil {
		_ = c.Hangup(context.WithoutCancel(ctx)) // both may hang up at once
	}
}

// finish notes what calls were about and returns to ready; it also comes back
// from a missed ring.
func (m *morning) finish(ctx context.Context, a Agent) {
	for wait(ctx, deskTick) {
		view, err := m.cfg.Desk.Desk(ctx, a.UserID)
		if err != nil {
			continue
		}
		switch view.Agent.State {
		case "wrap_up":
			if view.WrapUp == nil || !wait(ctx, m.exp(wrapUp)) {
				continue
			}
			code := m.cfg.Dispositions[m.pick(len(m.cfg.Dispositions))]
			if err := m.cfg.Records.SetDisposition(ctx, view.WrapUp.Call, code, "", ""); err != nil {
				m.cfg.Log.Debug("simulated wrap-up", "error", err)
			}
			err = m.cfg.Desk.WrapUpDone(ctx, a.UserID)
		case "not_ready":
			err = m.cfg.Desk.SetState(ctx, a.UserID, true, "")
		}
		if err != nil && ctx.Err() == nil {
			m.cfg.Log.Debug("simulated agent", "error", err)
		}
	}
}
