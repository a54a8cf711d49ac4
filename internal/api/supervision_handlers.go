package api

import (
	"context"
	"time"

	"heartline/internal/contact/acd"
	"heartline/internal/contact/call"
	"heartline/internal/contact/switchboard"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/identity"
)

// directory is the telephone configuration of this moment; an empty one when
// there is none.
func (s *Server) directory() *switchboard.Snapshot {
	if s.deps.Switchboard == nil {
		return &switchboard.Snapshot{}
	}
	return s.deps.Switchboard.Current(context.Background())
}

func (s *Server) agentName(user string) string {
	a, _ := s.directory().Agent(user)
	return a.Name
}

func (s *Server) wallAgent(a acd.AgentLive) WallAgent {
	profile, _ := s.directory().Agent(a.Agent)
	w := WallAgent{ID: a.Agent, Name: profile.Name, Number: profile.Number, State: string(a.State), Reason: a.Reason, Since: maybe(a.Since),
		Seat: a.Seat, CallID: a.Call, Queues: []string{}}
	for _, q := range profile.Queues {
		w.Queues = append(w.Queues, q.QueueID)
	}
	return w
}

func (s *Server) wallQueue(q acd.QueueLive) WallQueue {
	conf, _ := s.directory().Queue(q.Queue)
	return WallQueue{
		ID: q.Queue, Code: conf.Code, Name: conf.Name, NameEN: conf.NameEN, Waiting: q.Waiting, LongestWaitS: longest(q.Oldest, s.now()),
		ServiceLevelS: conf.ServiceLevelS, Today: today(q.Today),
		AgentCounts: AgentCounts{Ready: q.Ready, Ringing: q.Ringing, Talking: q.Talking, WrapUp: q.WrapUp, NotReady: q.NotReady},
	}
}

// today turns counters into the figures of a day.
func today(t acd.Today) DayFigures {
	d := DayFigures{Offered: t.Offered, Answered: t.Answered, Abandoned: t.Abandoned, ShortAbandoned: t.ShortAbandoned}
	if t.ServiceLevel >= 0 && t.Answered+t.Abandoned > 0 {
		d.ServiceLevel = &t.ServiceLevel
	}
	if t.Answered > 0 {
		asa := float64(t.WaitMsAnswered) / float64(t.Answered)
		d.ASAMs = &asa
	}
	if n := t.Offered - t.ShortAbandoned; n > 0 {
		rate := float64(t.Abandoned-t.ShortAbandoned) / float64(n)
		d.AbandonRate = &rate
	}
	return d
}

func (s *Server) getWallboard(ctx context.Context, _ *None) (*Out[Wallboard], error) {
	if s.deps.Distributor == nil {
		return nil, errs.New(errs.Unavailable, "unavailable")
	}
	st := s.deps.Distributor.Snapshot()
	w := Wallboard{At: utc(s.now()), Queues: []WallQueue{}, Agents: []WallAgent{}}
	sum := acd.Today{}
	inTime := 0
	for _, q := range st.Queues {
		v := s.wallQueue(q)
		w.Queues = append(w.Queues, v)
		w.Totals.Waiting += q.Waiting
		w.Totals.LongestWaitS = max(w.Totals.LongestWaitS, v.LongestWaitS)
		addToday(&sum, q.Today)
		inTime += q.Today.AnsweredInTime
	}
	sum.ServiceLevel = -1
	if n := sum.Answered + sum.Abandoned - sum.ShortAbandoned; n > 0 {
		sum.ServiceLevel = float64(inTime) / float64(n)
	}
	w.Totals.Today = today(sum)
	for _, a := range st.Agents {
		w.Agents = append(w.Agents, s.wallAgent(a))
		count(&w.Totals.AgentCounts, a.State)
	}
	s.addLive(ctx, &w)
	return out(w), nil
}

func addToday(sum *acd.Today, t acd.Today) {
	sum.Offered += t.Offered
	sum.Answered += t.Answered
	sum.Abandoned += t.Abandoned
	sum.ShortAbandoned += t.ShortAbandoned
	sum.WaitMsAnswered += t.WaitMsAnswered
}

func count(c *AgentCounts, state acd.AgentStateName) {
	switch state {
	case acd.Ready:
		c.Ready++
	case acd.Ringing:
		c.Ringing++
	case acd.Talking:
		c.Talking++
	case acd.WrapUp:
		c.WrapUp++
	case acd.NotReady:
		c.NotReady++
	}
}

// addLive notes how many calls go on and who asks for help.
func (s *Server) addLive(ctx context.Context, w *Wallboard) {
	if s.deps.Telephone == nil {
		return
	}
	asked := map[string]bool{}
	for _, c := range s.deps.Telephone.Live(ctx) {
		w.Totals.LiveCalls++
		if c.Help {
			for _, a := range c.Agents {
				asked[a] = true
			}
		}
	}
	for i := range w.Agents {
		w.Agents[i].Help = asked[w.Agents[i].ID]
	}
}

func (s *Server) listQueueNames(context.Context, *None) (*Out[List[QueueRef]], error) {
	return listOf(s.directory().Queues(), func(q switchboard.Queue) QueueRef {
		return QueueRef{ID: q.ID, Code: q.Code, Name: q.Name, NameEN: q.NameEN}
	}, ""), nil
}

func (s *Server) listAgentNames(context.Context, *None) (*Out[List[AgentRef]], error) {
	return listOf(s.directory().Agents(), func(a switchboard.AgentProfile) AgentRef {
		return AgentRef{ID: a.ID, Name: a.Name, Number: a.Number}
	}, ""), nil
}

func (s *Server) liveCall(c call.LiveCall) LiveCall {
	v := LiveCall{
		ID: c.ID, Direction: c.Direction, Stage: c.Stage, Channel: c.Channel, NumberMasked: c.NumberMasked, To: c.To, DID: c.DID, Trunk: c.Trunk,
		Extension: c.Extension, Queue: c.Queue, QueueName: c.QueueName, Agents: []Ref{}, StartedAt: utc(c.StartedAt), QueuedAt: c.QueuedAt,
		AnsweredAt: c.AnsweredAt, EndedAt: c.EndedAt, WaitedMs: c.WaitedMS, Position: c.Position, Recording: orOff(c.Recording),
		Patients: mapped(c.Patients, deskPatient), Legs: mapped(c.Legs, callLeg), Quality: quality(c.Quality), EndCause: c.EndCause, Help: c.Help,
	}
	for _, a := range c.Agents {
		v.Agents = append(v.Agents, Ref{ID: a, Name: s.agentName(a)})
	}
	return v
}

// supervisor returns the acting supervisor and call control.
func (s *Server) supervisor(ctx context.Context, right identity.Permission) (identity.Principal, Telephone, error) {
	p, err := identity.Require(ctx, right)
	if err != nil {
		return p, nil, err
	}
	tel, err := s.telephone()
	return p, tel, err
}

func (s *Server) listLiveCalls(ctx context.Context, _ *None) (*Out[List[LiveCall]], error) {
	p, tel, err := s.supervisor(ctx, identity.SuperviseMonitor)
	if err != nil {
		return nil, err
	}
	return listOf(tel.Live(ctx), func(c call.LiveCall) LiveCall {
		return sightOf(p).call(s.liveCall(c))
	}, ""), nil
}

// monitorCall steps into a call. Who listens to whom is in the audit log
// before a word is heard.
func (s *Server) monitorCall(ctx context.Context, in *MonitorInput) (*Empty, error) {
	p, tel, err := s.supervisor(ctx, identity.SuperviseMonitor)
	if err != nil {
		return nil, err
	}
	if _, err := tel.LiveCall(ctx, in.ID); err != nil {
		return nil, err
	}
	if err := s.viewed(ctx, p, "call.monitor."+in.Body.Mode, "call", in.ID, ""); err != nil {
		return nil, err
	}
	return nil, tel.Monitor(ctx, p.UserID, in.ID, in.Body.Mode)
}

func (s *Server) stopMonitor(ctx context.Context, in *ByID) (*Empty, error) {
	p, tel, err := s.supervisor(ctx, identity.SuperviseMonitor)
	if err != nil {
		return nil, err
	}
	return nil, tel.StopMonitor(ctx, p.UserID, in.ID)
}

func (s *Server) endLiveCall(ctx context.Context, in *ByID) (*Empty, error) {
	p, tel, err := s.supervisor(ctx, identity.SuperviseMonitor)
	if err != nil {
		return nil, err
	}
	if err := tel.ForceHangup(ctx, p.UserID, in.ID); err != nil {
		return nil, err
	}
	return nil, s.viewed(ctx, p, "call.hangup", "call", in.ID, "")
}

func (s *Server) forceAgentState(ctx context.Context, in *AgentStateInput) (*Empty, error) {
	p, tel, err := s.supervisor(ctx, identity.SuperviseState)
	if err != nil {
		return nil, err
	}
	action := "agent.state"
	if in.Body.SignOut {
		action = "agent.sign_out"
		err = tel.ForceSignOut(ctx, p.UserID, in.ID)
	} else if err = s.checkReason(in.Body.Ready, in.Body.Reason); err == nil {
		err = tel.ForceState(ctx, p.UserID, in.ID, in.Body.Ready, in.Body.Reason)
	}
	if err != nil {
		return nil, err
	}
	return nil, s.viewed(ctx, p, action, "user", in.ID, "")
}

// floatMs is a duration in milliseconds, nil when there is none.
func floatMs(d time.Duration, ok bool) *float64 {
	if !ok {
		return nil
	}
	v := float64(d) / float64(time.Millisecond)
	return &v
}

func share(v float64, ok bool) *float64 {
	if !ok {
		return nil
	}
	return &v
}
