package call

import (
	"context"

	"heartline/internal/contact/acd"
	"heartline/internal/contact/journal"
	"heartline/internal/platform/errs"
)

// Monitor connects the supervisor's browser to a call, or changes the mode.
// A supervisor who listens to another call leaves that one.
func (s *Service) Monitor(ctx context.Context, supervisor, callID, mode string) error {
	if mode != ModeListen && mode != ModeWhisper && mode != ModeBarge {
		return errs.InvalidField("body.mode", "call.mode_invalid")
	}
	c, err := s.find(callID)
	if err != nil {
		return err
	}
	p := s.seats.of(supervisor)
	switch {
	case p.browser == nil || !p.connected:
		return errNoSound
	case s.activeElsewhere(supervisor, c):
		return errElse
	}
	return c.do(ctx, func() error { return c.monitor(supervisor, mode) })
}

// stopListening takes a user off the calls that they supervise, but this one:
// a browser hears one call at a time.
func (c *call) stopListening(user string) {
	for _, other := range c.svc.seats.of(user).calls {
		if other == c {
			continue
		}
		other.post(func() {
			if l := other.userLeg(user, roleSupervisor); l != nil {
				other.drop(l, "hangup")
			}
		})
	}
}

func (c *call) monitor(supervisor, mode string) error {
	if c.userLeg(supervisor, roleAgent) != nil {
		return errState // one cannot supervise oneself
	}
	l := c.userLeg(supervisor, roleSupervisor)
	switch {
	case l == nil:
		p := c.svc.seats.of(supervisor)
		if p.browser == nil {
			return errNoSound
		}
		l = c.addLeg(&leg{role: roleSupervisor, user: supervisor, mode: mode}, SeatBrowser)
		if err := c.attach(l, p.browser); err != nil {
			c.gone(l, "no_sound", noCause)
			return errNoSound
		}
		c.up(l)
	case l.mode == mode:
		return nil
	}
	l.mode = mode
	c.note("", journal.MonitorStarted{Supervisor: supervisor, Mode: mode})
	c.touch()
	return nil
}

// StopMonitor takes the supervisor off the call.
func (s *Service) StopMonitor(ctx context.Context, supervisor, callID string) error {
	c, err := s.find(callID)
	if err != nil {
		return err
	}
	return c.do(ctx, func() error {
		l := c.userLeg(supervisor, roleSupervisor)
		if l == nil {
			return errNotFound
		}
		c.drop(l, "hangup")
		return nil
	})
}

// ForceHangup ends a call for a supervisor.
func (s *Service) ForceHangup(ctx context.Context, supervisor, callID string) error {
	c, err := s.find(callID)
	if err != nil {
		return err
	}
	return c.do(ctx, func() error {
		c.log().Info("call ended by supervisor", "user_id", supervisor)
		c.end("forced", bySupervisor)
		return nil
	})
}

// ForceState sets an agent's state for a supervisor.
func (s *Service) ForceState(ctx context.Context, supervisor, agent string, ready bool, reason string) error {
	if !s.seats.of(agent).signedIn {
		return errs.New(errs.Conflict, "agent.signed_out")
	}
	s.log.Info("agent state set by supervisor", "user_id", supervisor, "agent", agent, "ready", ready)
	return s.SetState(ctx, agent, ready, reason)
}

// ForceSignOut signs an agent out for a supervisor; calls in progress end.
func (s *Service) ForceSignOut(ctx context.Context, supervisor, agent string) error {
	p := s.seats.of(agent)
	if !p.signedIn {
		return errs.New(errs.Conflict, "agent.signed_out")
	}
	s.log.Info("agent signed out by supervisor", "user_id", supervisor, "agent", agent)
	for _, c := range p.calls {
		_ = c.do(ctx, func() error { // a call that has just ended is fine
			l := c.userLeg(agent, roleAgent)
			switch {
			case l == nil:
			case l.state == legRinging:
				c.failLeg(l, failure{reason: "signed_out"})
			default:
				c.leave(l, "forced", bySupervisor)
			}
			return nil
		})
	}
	return s.signOut(ctx, agent, "forced")
}

// ConfigChanged gives the distributor the agents' queues and skills of the
// newest configuration; app calls it when the switchboard has changed.
func (s *Service) ConfigChanged() {
	dir := s.deps.Directory()
	for _, user := range s.seats.signedIn() {
		if p, ok := dir.Agent(user); ok {
			s.acd.Post(signInEvent(p, s.seats.of(user).kind))
		} else {
			s.acd.Post(acd.AgentState{Agent: user, Reason: "disabled"})
		}
	}
}
