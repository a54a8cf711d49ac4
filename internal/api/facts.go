package api

import (
	"context"
	"slices"
	"time"

	"heartline/internal/care/booking"
	"heartline/internal/care/patient"
	"heartline/internal/contact/acd"
	"heartline/internal/contact/call"
	"heartline/internal/contact/recording"
	"heartline/internal/contact/switchboard"
	"heartline/internal/platform/alarm"
	"heartline/internal/platform/event"
	"heartline/internal/platform/identity"
)

// PopEvent asks the agent's screen to show who is calling.
type PopEvent struct {
	CallID       string        `json:"call_id"`
	NumberMasked string        `json:"number_masked"`
	Queue        string        `json:"queue"`
	QueueName    string        `json:"queue_name"`
	Patients     []DeskPatient `json:"patients"`
	AutoAnswer   bool          `json:"auto_answer"`
}

// NoticeEvent tells an agent that something came to nothing.
type NoticeEvent struct {
	Kind   string `json:"kind"` // transfer_failed
	CallID string `json:"call_id"`
	Target string `json:"target"`
	Reason string `json:"reason"`
}

// AlarmEvent is an alarm that began or ended.
type AlarmEvent struct {
	AlarmView
	Active bool `json:"active"`
}

// ChangeEvent says that something must be read again.
type ChangeEvent struct {
	Kind string `json:"kind"`
	ID   string `json:"id"`
}

// listen subscribes the live stream to the facts of the house.
func (s *Server) listen() {
	b := s.deps.Bus
	if b == nil {
		return
	}
	s.cancels = append(s.cancels,
		hear(s, b, "live calls", s.onCall),
		hear(s, b, "live desks", s.onDesk),
		hear(s, b, "live pops", s.onPop),
		hear(s, b, "live help", s.onHelp),
		hear(s, b, "live sound", s.onRTC),
		hear(s, b, "live transfers", s.onTransfer),
		hear(s, b, "live agents", s.onAgent),
		hear(s, b, "live queues", s.onQueue),
		hear(s, b, "live alarms", s.onAlarm),
		hear(s, b, "live switchboard", s.onSwitchboard),
		hear(s, b, "live patients", s.onPatient),
		hear(s, b, "live timeline", s.onTimeline),
		hear(s, b, "live imports", s.onImport),
		hear(s, b, "live duplicates", s.onScan),
		hear(s, b, "live consents", s.onConsent),
		hear(s, b, "live privacy", s.onPrivacy),
		hear(s, b, "live emergency access", s.onGlass),
		hear(s, b, "live messages", s.onMessage),
		hear(s, b, "live recordings", s.onRecording),
		hear(s, b, "live appointments", s.onAppointment),
		hear(s, b, "live timetable", s.onBookingSession),
		hear(s, b, "live sessions", s.onSessionEnded),
		hear(s, b, "live users", s.onUser),
	)
}

// hear subscribes to a fact; when facts were lost, browsers read again.
func hear[T any](s *Server, b *event.Bus, name string, fn func(context.Context, T)) (cancel func()) {
	return event.SubscribeResync(b, name, fn, func(context.Context) { s.hub.resyncAll() })
}

func supervisors() []identity.Permission { return []identity.Permission{identity.SuperviseMonitor} }
func watchers() []identity.Permission    { return []identity.Permission{identity.WallboardRead} }

func (s *Server) onCall(_ context.Context, f call.Changed) {
	v := s.liveCall(f.Call)
	s.hub.publish(&fact{topic: topicCall, needs: supervisors(), users: f.Call.Agents, data: v, render: func(x sight) any { return x.call(v) }})
}

// onDesk sends an agent's desk without numbers in full: those are read, with
// the right, by GET /api/desk. Two kinds of facts lead here; one at a time, so
// that the desk read last is also the one sent last.
func (s *Server) onDesk(ctx context.Context, f call.DeskChanged) {
	s.desks.Lock()
	defer s.desks.Unlock()
	v, err := s.deps.Telephone.Desk(ctx, f.Agent)
	if err != nil {
		s.hub.publish(&fact{topic: topicSwitchboard, users: []string{f.Agent}, data: ChangeEvent{Kind: "desk", ID: f.Agent}})
		return
	}
	desk := s.deskView(v)
	for i := range desk.Calls {
		desk.Calls[i].Number = ""
	}
	s.hub.publish(&fact{topic: topicDesk, users: []string{f.Agent}, data: desk, render: func(x sight) any { return x.desk(desk) }})
}

func (s *Server) onPop(_ context.Context, f call.Popped) {
	v := PopEvent{CallID: f.CallID, NumberMasked: f.NumberMasked, Queue: f.Queue, QueueName: f.QueueName,
		Patients: mapped(f.Patients, deskPatient), AutoAnswer: f.AutoAnswer}
	s.hub.publish(&fact{topic: topicPop, users: []string{f.Agent}, data: v, render: func(x sight) any {
		w := v
		w.Patients = x.patients(v.Patients)
		return w
	}})
}

func (s *Server) onHelp(_ context.Context, f call.HelpAsked) {
	now := utc(s.now())
	a := AlarmView{Key: "alarm.help_asked", Subject: f.Call, Severity: string(alarm.Critical), Since: now, Last: now, Count: 1,
		Params: map[string]any{"agent": f.Agent, "name": s.agentName(f.Agent), "call": f.Call}}
	s.hub.publish(&fact{topic: topicAlarm, needs: supervisors(), data: AlarmEvent{AlarmView: a, Active: true}})
}

// onRTC goes to the windows of one user and into no ring: it is about now.
func (s *Server) onRTC(_ context.Context, f call.RTCState) {
	for _, c := range s.hub.all(func(c *liveConn) bool { return c.principal().UserID == f.User }) {
		c.send(LiveRTC{Type: "rtc", Event: f.Event, Session: f.Session})
	}
}

func (s *Server) onTransfer(_ context.Context, f call.TransferFailed) {
	v := NoticeEvent{Kind: "transfer_failed", CallID: f.CallID, Target: f.Target.ID, Reason: f.Reason}
	if f.Target.Kind == call.TargetExternal {
		v.Target = call.Mask(v.Target)
	}
	s.hub.publish(&fact{topic: topicNotice, users: []string{f.Agent}, data: v})
}

// onAgent tells the wallboard, and the agent's own desk: the distributor
// changes states after call control has told of the call.
func (s *Server) onAgent(ctx context.Context, f acd.AgentChanged) {
	s.hub.publish(&fact{topic: topicAgent, needs: watchers(), users: []string{f.Agent}, data: s.wallAgent(f.AgentLive)})
	if s.deps.Telephone != nil {
		s.onDesk(ctx, call.DeskChanged{Agent: f.Agent})
	}
}

func (s *Server) onQueue(_ context.Context, f acd.QueueChanged) {
	s.hub.publish(&fact{topic: topicQueue, needs: watchers(), users: s.membersOf(f.Queue), data: s.wallQueue(f.QueueLive)})
}

func (s *Server) onAlarm(_ context.Context, f alarm.Changed) {
	s.hub.publish(&fact{topic: topicAlarm, needs: alarmReaders(), data: AlarmEvent{AlarmView: alarmView(f.Alarm), Active: f.Active}})
}

func alarmReaders() []identity.Permission {
	return []identity.Permission{identity.SystemAdmin, identity.WallboardRead, identity.AdminTelephony}
}

func (s *Server) onSwitchboard(_ context.Context, f switchboard.Changed) {
	s.hub.publish(&fact{topic: topicSwitchboard, needs: identity.All(), data: ChangeEvent{Kind: f.Kind, ID: f.ID}})
}

func (s *Server) onPatient(_ context.Context, f patient.Changed) {
	s.hub.publish(&fact{topic: topicPatient, needs: []identity.Permission{identity.PatientRead}, data: ChangeEvent{Kind: "patient", ID: f.PatientID}})
}

func (s *Server) onTimeline(_ context.Context, f patient.TimelineAdded) {
	s.hub.publish(&fact{topic: topicPatient, needs: []identity.Permission{identity.PatientRead}, data: ChangeEvent{Kind: "timeline", ID: f.PatientID}})
}

// onRecording tells those who may read all calls that a call has its
// recording; its agents read the call again at wrap-up.
func (s *Server) onRecording(_ context.Context, f recording.Finished) {
	s.hub.publish(&fact{topic: topicSwitchboard, needs: []identity.Permission{identity.CallRead, identity.CallReadOwn},
		data: ChangeEvent{Kind: "recording", ID: f.CallID}})
}

func (s *Server) onAppointment(_ context.Context, f booking.Given) {
	s.hub.publish(&fact{topic: topicBooking, needs: []identity.Permission{identity.BookingRead}, data: ChangeEvent{Kind: "appointment", ID: f.AppointmentID}})
}

// onBookingSession says that free numbers changed, or the session itself.
func (s *Server) onBookingSession(_ context.Context, f booking.SessionChanged) {
	s.hub.publish(&fact{topic: topicBooking, needs: []identity.Permission{identity.BookingRead}, data: ChangeEvent{Kind: "session", ID: f.SessionID}})
}

func (s *Server) onSessionEnded(_ context.Context, f identity.SessionEnded) {
	for _, c := range s.hub.all(func(c *liveConn) bool { return c.principal().SessionID == f.SessionID }) {
		c.end(closeSession)
	}
}

// onUser looks at the sessions of a user again; with no user named, at all.
func (s *Server) onUser(ctx context.Context, f identity.UserChanged) {
	for _, c := range s.hub.all(func(c *liveConn) bool { return f.UserID == "" || c.principal().UserID == f.UserID }) {
		c.recheck(ctx)
	}
}

// membersOf lists the agents of a queue.
func (s *Server) membersOf(queue string) []string {
	var out []string
	for _, a := range s.directory().Agents() {
		if slices.ContainsFunc(a.Queues, func(m switchboard.QueueMember) bool { return m.QueueID == queue }) {
			out = append(out, a.ID)
		}
	}
	return out
}

// longest is a wait in whole seconds.
func longest(since, now time.Time) int {
	if since.IsZero() {
		return 0
	}
	return max(0, int(now.Sub(since).Seconds()))
}
