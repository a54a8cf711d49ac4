package call

import (
	"context"

	"heartline/internal/contact/acd"
	"heartline/internal/contact/switchboard"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/event"
)

// ReasonConnection is the not-ready reason of an agent whose browser is lost.
const ReasonConnection = "connection_lost"

// SignIn seats an agent. An agent who is already signed in changes the seat.
func (s *Service) SignIn(ctx context.Context, agent string, place Seat) error {
	dir := s.deps.Directory()
	profile, ok := dir.Agent(agent)
	if !ok {
		return errs.New(errs.NotFound, "agent.not_found")
	}
	if place.Kind == "" {
		place.Kind = profile.DefaultSeat
	}
	if place.Kind == SeatExtension && place.Extension == "" {
		place.Extension = profile.Extension
	}
	if err := s.checkSeat(dir, agent, place); err != nil {
		return err
	}
	s.seats.with(agent, func(st *seat) { st.signedIn, st.kind, st.ext = true, place.Kind, place.Extension })
	if err := s.acd.Do(ctx, signInEvent(profile, place.Kind)); err != nil {
		return err
	}
	event.Publish(s.deps.Bus, DeskChanged{Agent: agent})
	return nil
}

func (s *Service) checkSeat(dir Directory, agent string, seat Seat) error {
	p := s.seats.of(agent)
	if p.booked > 0 && (p.kind != seat.Kind || p.ext != seat.Extension) {
		return errs.New(errs.Conflict, "agent.on_call")
	}
	switch seat.Kind {
	case SeatBrowser:
		return nil
	case SeatExtension:
		if _, ok := dir.Extension(seat.Extension); !ok {
			return errs.InvalidField("body.extension", "extension.not_found")
		}
		if user, taken := s.seats.atPhone(seat.Extension); taken && user != agent {
			return errs.New(errs.Conflict, "agent.extension_taken")
		}
		return nil
	}
	return errs.InvalidField("body.seat", "agent.seat_invalid")
}

func signInEvent(p switchboard.AgentProfile, seat string) acd.AgentSignedIn {
	ev := acd.AgentSignedIn{Agent: p.ID, Seat: seat}
	for _, q := range p.Queues {
		ev.Queues = append(ev.Queues, acd.QueueLevel{Queue: q.QueueID, Level: q.Level})
	}
	for _, k := range p.Skills {
		ev.Skills = append(ev.Skills, acd.SkillLevel{Skill: k.Skill, Level: k.Level})
	}
	return ev
}

// SignOut takes an agent out; refused while a call is in progress.
func (s *Service) SignOut(ctx context.Context, agent string) error {
	p := s.seats.of(agent)
	switch {
	case !p.signedIn:
		return nil
	case p.booked > 0:
		return errs.New(errs.Conflict, "agent.on_call")
	}
	return s.signOut(ctx, agent, "agent")
}

func (s *Service) signOut(ctx context.Context, agent, reason string) error {
	s.seats.with(agent, func(st *seat) { st.signedIn, st.wantReady, st.kind, st.ext = false, false, "", "" })
	err := s.acd.Do(ctx, acd.AgentSignedOut{Agent: agent, Reason: reason})
	event.Publish(s.deps.Bus, DeskChanged{Agent: agent})
	return err
}

// SetState makes an agent ready, or not ready with a reason code. A browser
// seat can only be ready while its sound is connected, a desk phone while it
// is registered.
func (s *Service) SetState(ctx context.Context, agent string, ready bool, reason string) error {
	p := s.seats.of(agent)
	switch {
	case !p.signedIn:
		return errs.New(errs.Conflict, "agent.signed_out")
	case ready && p.kind == SeatBrowser && !p.connected:
		return errNoSound
	case ready && p.kind == SeatExtension:
		if phones, err := s.dialer(); err != nil || !phones.Online(p.ext) {
			return errs.New(errs.Conflict, "agent.phone_offline")
		}
	}
	s.seats.with(agent, func(st *seat) { st.wantReady = false })
	return s.acd.Do(ctx, acd.AgentState{Agent: agent, Ready: ready, Reason: reason})
}

// WrapUpDone ends the agent's wrap-up time.
func (s *Service) WrapUpDone(ctx context.Context, agent string) error {
	return s.acd.Do(ctx, acd.WrapUpDone{Agent: agent})
}

// agentLive is what the distributor knows of a signed-in agent.
func (s *Service) agentLive(agent string) (acd.AgentLive, bool) {
	for _, a := range s.acd.Snapshot().Agents {
		if a.Agent == agent {
			return a, true
		}
	}
	return acd.AgentLive{}, false
}
