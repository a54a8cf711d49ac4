package call

import (
	"context"
	"slices"
	"time"

	"heartline/internal/contact/acd"
	"heartline/internal/platform/errs"
)

// view is the call as others see it, made by the actor.
func (c *call) view() LiveCall {
	v := LiveCall{
		ID: c.id, Direction: c.origin.direction, Stage: c.shownStage(), Channel: c.origin.channel,
		Number: c.origin.number, NumberMasked: Mask(c.origin.number), To: c.shownTo(), DID: c.origin.did,
		Trunk: c.origin.trunk, Extension: c.origin.extension, Agents: []string{}, StartedAt: c.started,
		AnsweredAt: moment(c.answered), EndedAt: moment(c.endedAt), EndCause: c.endCause,
		Recording: c.tape.state(), Patients: c.patients, Quality: c.quality, Help: c.help, Legs: []LegView{},
	}
	if v.Patients == nil {
		v.Patients = []Candidate{}
	}
	if c.visit != nil {
		c.visit.show(&v, c.svc.now())
	}
	for _, l := range c.legs {
		lv := l.view()
		lv.Party, lv.Name = c.party(l), c.nameOf(l)
		v.Legs = append(v.Legs, lv)
		if l.role == roleAgent && !slices.Contains(v.Agents, l.user) {
			v.Agents = append(v.Agents, l.user)
		}
	}
	return v
}

// nameOf is what people call a party: colleagues by name, others by number.
func (c *call) nameOf(l *leg) string {
	if a, ok := c.dir().Agent(l.user); ok && l.user != "" {
		return a.Name
	}
	if ext, ok := c.dir().Extension(l.name); ok && ext.Name != "" {
		return ext.Name
	}
	return l.name
}

func (c *call) shownStage() string {
	if c.stage != StageTalking {
		return c.stage
	}
	for _, l := range c.legs {
		if l.away && l.role == roleAgent {
			return StageHeld
		}
	}
	return StageTalking
}

func (c *call) shownTo() string {
	if c.origin.direction == Outbound {
		return Mask(c.origin.to)
	}
	return c.origin.to
}

func (l *leg) view() LegView {
	state := "ringing"
	switch {
	case l.state == legUp && l.lost:
		state = "lost"
	case l.state == legUp:
		state = "up"
	}
	return LegView{ID: l.id, User: l.user, Name: l.name, State: state,
		Held: l.away, Muted: l.muted, Dials: l.dials, Mode: l.mode, Deadline: moment(l.deadline)}
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// Desk returns what the agent's desk shows.
func (s *Service) Desk(ctx context.Context, agent string) (DeskView, error) {
	dir := s.deps.Directory()
	profile, ok := dir.Agent(agent)
	if !ok {
		return DeskView{}, errs.New(errs.NotFound, "agent.not_found")
	}
	p := s.seats.of(agent)
	live := s.acd.Snapshot()
	view := DeskView{
		Agent: DeskAgent{ID: agent, Name: profile.Name, Number: profile.Number, State: string(acd.SignedOut),
			Seat: p.kind, Extension: p.ext, BrowserConnected: p.connected},
		Queues: []DeskQueue{}, Calls: []DeskCall{},
	}
	for _, a := range live.Agents {
		if a.Agent != agent {
			continue
		}
		view.Agent.State, view.Agent.Reason, view.Agent.Since = string(a.State), a.Reason, a.Since
		if a.State == acd.WrapUp {
			view.WrapUp = &DeskWrapUp{Call: a.Call, EndsAt: moment(a.Until)}
		}
	}
	for _, m := range profile.Queues {
		if q, ok := dir.Queue(m.QueueID); ok {
			view.Queues = append(view.Queues, deskQueue(q.ID, q.Name, live, s.now()))
		}
	}
	show := s.deps.ShowNumber != nil && s.deps.ShowNumber(ctx)
	for _, c := range p.calls {
		if v := c.seen.Load(); v != nil {
			if d, ok := v.desk(agent, show); ok {
				view.Calls = append(view.Calls, d)
			}
		}
	}
	return view, nil
}

func deskQueue(id, name string, live acd.State, now time.Time) DeskQueue {
	d := DeskQueue{ID: id, Name: name}
	for _, q := range live.Queues {
		if q.Queue == id {
			d.Waiting = q.Waiting
			if !q.Oldest.IsZero() {
				d.LongestWaitS = int(now.Sub(q.Oldest).Seconds())
			}
		}
	}
	return d
}

// desk is the call as one of its agents sees it; false when the agent is not
// part of it.
func (v *LiveCall) desk(agent string, showNumber bool) (DeskCall, bool) {
	i := slices.IndexFunc(v.Legs, func(l LegView) bool { return l.User == agent && l.Party == roleAgent.String() })
	if i < 0 {
		return DeskCall{}, false
	}
	own := v.Legs[i]
	d := DeskCall{
		ID: v.ID, Direction: v.Direction, State: deskState(v.Stage, own), NumberMasked: v.NumberMasked,
		Queue: v.Queue, QueueName: v.QueueName, WaitedMS: v.WaitedMS, StartedAt: v.StartedAt, AnsweredAt: v.AnsweredAt,
		Muted: own.Muted, Recording: v.Recording, Patients: v.Patients, Legs: v.Legs, Quality: v.Quality,
		OfferDeadline: own.Deadline,
	}
	if showNumber {
		d.Number = v.Number
	}
	if v.Direction == Internal {
		d.Colleague = v.opposite(own)
		if own.Dials {
			d.Number, d.NumberMasked = v.To, v.To
		}
	}
	return d, true
}

// opposite is the name of the party that a colleague speaks with: who called,
// or who was called.
func (v *LiveCall) opposite(own LegView) string {
	name := ""
	for _, l := range v.Legs {
		switch {
		case l.ID == own.ID || l.Party == roleSupervisor.String():
		case l.Dials || l.Party == roleCaller.String():
			return l.Name
		default:
			name = l.Name
		}
	}
	return name
}

// stateDialing is what an agent sees of a call that the agent began and that
// nobody has answered yet.
const stateDialing = "dialing"

func deskState(stage string, own LegView) string {
	switch {
	case stage == StageEnded:
		return StageEnded
	case stage == StageParked || own.State == "lost":
		return StageParked
	case own.Dials && (own.State == "ringing" || stage == StageRinging && !own.Held):
		return stateDialing
	case own.State == "ringing" || stage == StageRinging && !own.Held:
		return StageRinging
	case own.Held:
		return StageHeld
	}
	return StageTalking
}
