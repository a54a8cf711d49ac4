package api

import (
	"context"
	"slices"
	"strings"

	"heartline/internal/contact/acd"
	"heartline/internal/contact/call"
	"heartline/internal/contact/switchboard"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/identity"
)

// telephone returns call control, or says that it is away.
func (s *Server) telephone() (Telephone, error) {
	if s.deps.Telephone == nil {
		return nil, errs.New(errs.Unavailable, "unavailable")
	}
	return s.deps.Telephone, nil
}

// agent returns the acting agent and call control.
func (s *Server) agent(ctx context.Context) (identity.Principal, Telephone, error) {
	p, err := identity.Require(ctx, identity.CallHandle)
	if err != nil {
		return p, nil, err
	}
	tel, err := s.telephone()
	return p, tel, err
}

// onCallOf makes a handler of a command on one of the agent's own calls.
func (s *Server) onCallOf(command func(Telephone, context.Context, string, string) error) func(context.Context, *ByID) (*Empty, error) {
	return func(ctx context.Context, in *ByID) (*Empty, error) {
		p, tel, err := s.agent(ctx)
		if err != nil {
			return nil, err
		}
		return nil, command(tel, ctx, p.UserID, in.ID)
	}
}

func (s *Server) getDesk(ctx context.Context, _ *None) (*Out[DeskView], error) {
	p, tel, err := s.agent(ctx)
	if err != nil {
		return nil, err
	}
	return s.deskOut(ctx, tel, p)
}

func (s *Server) deskOut(ctx context.Context, tel Telephone, p identity.Principal) (*Out[DeskView], error) {
	v, err := tel.Desk(ctx, p.UserID)
	if err != nil {
		return nil, err
	}
	return out(sightOf(p).desk(s.deskView(v))), nil
}

func (s *Server) deskView(v call.DeskView) DeskView {
	a := v.Agent
	d := DeskView{
		Agent: DeskAgent{ID: a.ID, Name: a.Name, Number: a.Number, State: a.State, Reason: a.Reason, Since: maybe(a.Since), Seat: a.Seat,
			Extension: a.Extension, BrowserConnected: a.BrowserConnected},
		Queues: mapped(v.Queues, s.deskQueue), Calls: mapped(v.Calls, deskCall),
	}
	if v.WrapUp != nil {
		d.WrapUp = &DeskWrapUp{Call: v.WrapUp.Call, EndsAt: v.WrapUp.EndsAt}
	}
	return d
}

func (s *Server) deskQueue(q call.DeskQueue) DeskQueue {
	d := DeskQueue{ID: q.ID, Name: q.Name, Waiting: q.Waiting, LongestWaitS: q.LongestWaitS}
	if conf, ok := s.directory().Queue(q.ID); ok {
		d.NameEN = conf.NameEN
	}
	return d
}

func deskCall(c call.DeskCall) DeskCall {
	return DeskCall{
		ID: c.ID, Direction: c.Direction, State: c.State, NumberMasked: c.NumberMasked, Number: c.Number, Colleague: c.Colleague, Queue: c.Queue, QueueName: c.QueueName,
		WaitedMs: c.WaitedMS, StartedAt: utc(c.StartedAt), AnsweredAt: c.AnsweredAt, Muted: c.Muted, Recording: orOff(c.Recording),
		Patients: mapped(c.Patients, deskPatient), Legs: mapped(c.Legs, callLeg), Quality: quality(c.Quality), OfferDeadline: c.OfferDeadline,
	}
}

func orOff(recording string) string {
	if recording == "" {
		return "off"
	}
	return recording
}

func deskPatient(c call.Candidate) DeskPatient {
	return DeskPatient{ID: c.ID, Name: c.Name, Sex: sexOf(c.Sex), Age: c.Age, Match: c.Match, Allergies: some(c.Allergies)}
}

func sexOf(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}

func callLeg(l call.LegView) CallLeg {
	return CallLeg{ID: l.ID, Party: l.Party, Name: l.Name, User: l.User, State: l.State, Held: l.Held, Muted: l.Muted, Mode: l.Mode}
}

func quality(q *call.Quality) *Quality {
	if q == nil {
		return nil
	}
	return &Quality{MOS: q.MOS, LossPct: q.LossPct, JitterMs: q.JitterMS, RTTMs: q.RTTMS}
}

func (s *Server) deskSignIn(ctx context.Context, in *SignInInput) (*Out[DeskView], error) {
	p, tel, err := s.agent(ctx)
	if err != nil {
		return nil, err
	}
	if err := tel.SignIn(ctx, p.UserID, call.Seat{Kind: in.Body.Seat, Extension: in.Body.Extension}); err != nil {
		return nil, err
	}
	return s.deskOut(ctx, tel, p)
}

func (s *Server) deskSignOut(ctx context.Context, _ *None) (*Out[DeskView], error) {
	p, tel, err := s.agent(ctx)
	if err != nil {
		return nil, err
	}
	if err := tel.SignOut(ctx, p.UserID); err != nil {
		return nil, err
	}
	return s.deskOut(ctx, tel, p)
}

func (s *Server) setDeskState(ctx context.Context, in *StateInput) (*Out[DeskView], error) {
	p, tel, err := s.agent(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.checkReason(in.Body.Ready, in.Body.Reason); err != nil {
		return nil, err
	}
	if err := tel.SetState(ctx, p.UserID, in.Body.Ready, in.Body.Reason); err != nil {
		return nil, err
	}
	return s.deskOut(ctx, tel, p)
}

// checkReason makes sure that an agent who is not ready says why, by a code
// of the list. A hospital without a list may leave it empty.
func (s *Server) checkReason(ready bool, reason string) error {
	reasons := s.directory().Reasons()
	if ready || len(reasons) == 0 {
		return nil
	}
	if !slices.ContainsFunc(reasons, func(r switchboard.Reason) bool { return r.Code == reason && !r.System }) {
		return errs.InvalidField("body.reason", "desk.reason_unknown")
	}
	return nil
}

func (s *Server) dial(ctx context.Context, in *DialInput) (*Out[Dialled], error) {
	p, tel, err := s.agent(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.checkPatient(ctx, in.Body.PatientID); err != nil {
		return nil, err
	}
	callID, err := tel.Dial(ctx, p.UserID, in.Body.To)
	if err != nil {
		return nil, err
	}
	if in.Body.PatientID != "" {
		s.identified(callID, p.UserID, in.Body.PatientID)
	}
	return out(Dialled{CallID: callID}), nil
}

func (s *Server) askForHelp(ctx context.Context, in *ByID) (*Empty, error) {
	p, tel, err := s.agent(ctx)
	if err != nil {
		return nil, err
	}
	live, err := tel.LiveCall(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(live.Agents, p.UserID) {
		return nil, errs.New(errs.NotFound, "call.not_found")
	}
	return nil, tel.Help(ctx, p.UserID)
}

func (s *Server) muteCall(ctx context.Context, in *MuteInput) (*Empty, error) {
	p, tel, err := s.agent(ctx)
	if err != nil {
		return nil, err
	}
	return nil, tel.Mute(ctx, p.UserID, in.ID, in.Body.On)
}

func (s *Server) sendDTMF(ctx context.Context, in *DTMFInput) (*Empty, error) {
	p, tel, err := s.agent(ctx)
	if err != nil {
		return nil, err
	}
	return nil, tel.SendDTMF(ctx, p.UserID, in.ID, strings.ToUpper(in.Body.Digits))
}

func (s *Server) transferCall(ctx context.Context, in *TargetInput) (*Empty, error) {
	p, tel, err := s.agent(ctx)
	if err != nil {
		return nil, err
	}
	return nil, tel.Transfer(ctx, p.UserID, in.ID, call.Target{Kind: in.Body.Kind, ID: in.Body.Target})
}

func (s *Server) conferenceCall(ctx context.Context, in *TargetInput) (*Empty, error) {
	p, tel, err := s.agent(ctx)
	if err != nil {
		return nil, err
	}
	return nil, tel.Conference(ctx, p.UserID, in.ID, call.Target{Kind: in.Body.Kind, ID: in.Body.Target})
}

func (s *Server) pauseRecording(ctx context.Context, in *RecordingActionInput) (*Empty, error) {
	p, tel, err := s.agent(ctx)
	if err != nil {
		return nil, err
	}
	if in.Body.Action == "pause" {
		return nil, tel.RecordingPause(ctx, p.UserID, in.ID)
	}
	return nil, tel.RecordingResume(ctx, p.UserID, in.ID)
}

// saveWrapUp stores the result of a call that the agent took part in. It does
// not end wrap-up: the agent may go on writing.
func (s *Server) saveWrapUp(ctx context.Context, in *WrapUpInput) (*Empty, error) {
	p, err := identity.Require(ctx, identity.CallHandle)
	if err != nil {
		return nil, err
	}
	rec, err := s.readableCall(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if !tookPart(rec, p.UserID) {
		return nil, errs.New(errs.Denied, "call.not_yours")
	}
	return nil, s.dispose(ctx, rec, in.Body.Disposition, in.Body.Notes, in.Body.PatientID)
}

func (s *Server) finishWrapUp(ctx context.Context, _ *None) (*Out[DeskView], error) {
	p, tel, err := s.agent(ctx)
	if err != nil {
		return nil, err
	}
	if err := tel.WrapUpDone(ctx, p.UserID); err != nil {
		return nil, err
	}
	return s.deskOut(ctx, tel, p)
}

func (s *Server) getDeskOptions(ctx context.Context, _ *None) (*Out[DeskOptions], error) {
	p, err := identity.Require(ctx, identity.CallHandle)
	if err != nil {
		return nil, err
	}
	dir := s.directory()
	o := DeskOptions{Reasons: []CodeName{}, Dispositions: []CodeName{}, Extensions: []DeskSeat{}, DefaultSeat: switchboard.SeatBrowser,
		Languages: []string{"zh-CN", "en"}, ICEServers: some(s.deps.ICEServers), Limits: map[string]int{"resume_s": 30}}
	for _, r := range dir.Reasons() {
		if !r.System {
			o.Reasons = append(o.Reasons, CodeName{Code: r.Code, Name: r.Name, NameEN: r.NameEN})
		}
	}
	for _, d := range dir.Dispositions() {
		o.Dispositions = append(o.Dispositions, CodeName{Code: d.Code, Name: d.Name, NameEN: d.NameEN, Category: d.Category})
	}
	profile, _ := dir.Agent(p.UserID)
	if profile.DefaultSeat != "" {
		o.DefaultSeat = profile.DefaultSeat
	}
	for _, e := range dir.Extensions() {
		if e.Enabled && (e.UserID == p.UserID || e.UserID == "" && e.Kind == switchboard.KindDeskPhone || e.Number == profile.Extension) {
			o.Extensions = append(o.Extensions, DeskSeat{Number: e.Number, Name: e.Name, Online: s.online(e.Number)})
		}
	}
	return out(o), nil
}

func (s *Server) online(extension string) bool {
	return s.deps.Online != nil && s.deps.Online(extension)
}

// findTargets lists whom a call can be given to: agents who are signed in,
// queues, extensions, and the number itself when it looks like one.
func (s *Server) findTargets(ctx context.Context, in *TargetQuery) (*Out[List[TransferTarget]], error) {
	p, err := identity.Require(ctx, identity.CallHandle)
	if err != nil {
		return nil, err
	}
	q := strings.ToLower(strings.TrimSpace(in.Q))
	var list []TransferTarget
	add := func(t TransferTarget, words ...string) {
		words = append(words, t.Name, t.NameEN, t.Number, t.Department)
		if q == "" || slices.ContainsFunc(words, func(w string) bool { return strings.Contains(strings.ToLower(w), q) }) {
			list = append(list, t)
		}
	}
	dir, live := s.directory(), s.liveState()
	for _, a := range dir.Agents() {
		state, at := agentState(live, a.ID)
		if a.ID != p.UserID && at {
			add(TransferTarget{Kind: call.TargetAgent, ID: a.ID, Name: a.Name, Number: a.Number, State: state, Available: state == string(acd.Ready)})
		}
	}
	for _, v := range dir.Queues() {
		open, _, _ := dir.Open(v.CalendarID, s.now())
		state := "closed"
		if open {
			state = "open"
		}
		add(TransferTarget{Kind: call.TargetQueue, ID: v.ID, Name: v.Name, NameEN: v.NameEN, Number: v.Code, State: state, Available: open, Waiting: waiting(live, v.ID)})
	}
	departments := s.departmentNames(ctx)
	for _, e := range dir.Extensions() {
		on := e.Kind == switchboard.KindMobile || s.online(e.Number)
		state := "offline"
		if on {
			state = "online"
		}
		if e.Enabled {
			add(TransferTarget{Kind: call.TargetExtension, ID: e.Number, Name: e.Name, Number: e.Number, Department: departments[e.Department], State: state, Available: on})
		}
	}
	if isNumber(q) && !slices.ContainsFunc(list, func(t TransferTarget) bool { return t.Number == q }) {
		list = append(list, TransferTarget{Kind: call.TargetExternal, ID: q, Name: q, Number: q, State: "online", Available: true})
	}
	slices.SortStableFunc(list, func(a, b TransferTarget) int { return rank(a) - rank(b) })
	return listOf(list[:min(len(list), 60)], func(t TransferTarget) TransferTarget { return t }, ""), nil
}

func rank(t TransferTarget) int {
	if t.Available {
		return 0
	}
	return 1
}

func isNumber(q string) bool {
	return len(q) >= 3 && strings.Trim(q, "0123456789+-# *") == ""
}

// liveState is the present picture of queues and agents.
func (s *Server) liveState() acd.State {
	if s.deps.Distributor == nil {
		return acd.State{}
	}
	return s.deps.Distributor.Snapshot()
}

func agentState(st acd.State, user string) (state string, signedIn bool) {
	for _, a := range st.Agents {
		if a.Agent == user {
			return string(a.State), a.State != acd.SignedOut
		}
	}
	return string(acd.SignedOut), false
}

func waiting(st acd.State, queue string) int {
	for _, q := range st.Queues {
		if q.Queue == queue {
			return q.Waiting
		}
	}
	return 0
}
