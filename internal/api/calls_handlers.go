package api

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"heartline/internal/contact/call"
	"heartline/internal/contact/callrecord"
	"heartline/internal/contact/journal"
	"heartline/internal/contact/switchboard"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/id"
	"heartline/internal/platform/identity"
)

// names resolves the ids in call records for display.
type names struct {
	s        *Server
	users    map[string]string
	patients map[string]string
}

// namesFor reads the names that a list of calls mentions: of colleagues
// always, of customers with the right to see them. nil asks for the names of
// all colleagues.
func (s *Server) namesFor(ctx context.Context, records []callrecord.Record) (names, error) {
	n := names{s: s, patients: map[string]string{}}
	var unknown []string // not agents of today: the directory does not know them
	for _, r := range records {
		for _, a := range r.Agents {
			if s.agentName(a) == "" {
				unknown = append(unknown, a)
			}
		}
	}
	var err error
	if records == nil || len(unknown) > 0 {
		if n.users, err = s.deps.Identity.Names(ctx, unknown...); err != nil {
			return n, err
		}
	}
	if p, _ := identity.From(ctx); !p.Permissions[identity.PatientRead] || s.deps.Patients == nil {
		return n, nil
	}
	var ids []string
	for _, r := range records {
		ids = append(ids, r.PatientID)
	}
	cards, err := s.deps.Patients.Cards(ctx, ids)
	for patientID, c := range cards {
		n.patients[patientID] = c.Name
	}
	return n, err
}

func (n names) trunk(trunkID string) string {
	for _, t := range n.s.directory().Trunks() {
		if t.ID == trunkID {
			return t.Name
		}
	}
	return ""
}

func (n names) agent(userID string) string {
	if a, ok := n.s.directory().Agent(userID); ok && a.Name != "" {
		return a.Name
	}
	return n.users[userID]
}

func (n names) queue(queueID string) string {
	if q, ok := n.s.directory().Queue(queueID); ok {
		return q.Name
	}
	return ""
}

// callRow is a record as the reader may see it.
func (s *Server) callRow(p identity.Principal, n names, r callrecord.Record) CallRow {
	row := CallRow{
		ID: r.ID, Direction: r.Direction, Channel: r.Channel, StartedAt: utc(r.StartedAt), AnsweredAt: maybe(r.AnsweredAt), EndedAt: maybe(r.EndedAt),
		FromMasked: r.From.Masked, To: r.To, DID: r.DID, Trunk: r.Trunk, TrunkName: n.trunk(r.Trunk), Queue: r.Queue, QueueName: n.queue(r.Queue), Agents: []Ref{},
		Outcome: string(r.Outcome), IVRMs: r.IVRMs, WaitMs: r.WaitMs, RingMs: r.RingMs, TalkMs: r.TalkMs, HoldMs: r.HoldMs, WrapMs: r.WrapMs,
		Transfers: r.Transfers, Disposition: r.Disposition, EndedBy: r.EndedBy, MOS: r.MOS,
	}
	for _, a := range r.Agents {
		row.Agents = append(row.Agents, Ref{ID: a, Name: n.agent(a)})
	}
	if r.PatientID != "" && p.Permissions[identity.PatientRead] {
		row.Patient = &Ref{ID: r.PatientID, Name: n.patients[r.PatientID]}
	}
	if mayListen(p, r) {
		row.Recording = r.Recording
	}
	return row
}

// tookPart reports whether a user was rung for a call or spoke on it.
func tookPart(r callrecord.Record, userID string) bool {
	return slices.Contains(r.Agents, userID) || slices.ContainsFunc(r.Handled, func(h callrecord.Handled) bool { return h.Agent == userID })
}

func mayListen(p identity.Principal, r callrecord.Record) bool {
	return p.Permissions[identity.RecordingListen] || p.Permissions[identity.RecordingListenOwn] && slices.Contains(r.Agents, p.UserID)
}

// callFilter applies the reader's scope: without the right to all calls, the
// reader's own.
func (s *Server) callFilter(ctx context.Context, q CallQuery) (callrecord.Filter, error) {
	p, err := identity.Require(ctx, identity.CallRead, identity.CallReadOwn)
	if err != nil {
		return callrecord.Filter{}, err
	}
	if err := q.check(0); err != nil {
		return callrecord.Filter{}, err
	}
	f := callrecord.Filter{From: q.From, To: q.To, Queue: q.Queue, Agent: q.Agent, Outcome: callrecord.Outcome(q.Outcome),
		Direction: q.Direction, Disposition: q.Disposition}
	if !p.Permissions[identity.CallRead] {
		if f.Agent != "" && f.Agent != p.UserID {
			return f, errs.New(errs.Denied, "call.only_own")
		}
		f.Agent = p.UserID
	}
	if q.Patient != "" {
		if s.deps.Patients == nil {
			return f, errs.New(errs.Unavailable, "unavailable")
		}
		if f.PatientIDs, err = s.deps.Patients.Aliases(ctx, q.Patient); err != nil {
			return f, err
		}
	}
	if number := strings.TrimSpace(q.Q); number != "" {
		f.FromIndexes = []string{s.deps.Keys.Index("phone", call.Canonical(number))}
	}
	return f, nil
}

func (s *Server) listCalls(ctx context.Context, in *CallListInput) (*Out[List[CallRow]], error) {
	if q := strings.TrimSpace(in.Q); id.Valid(q) {
		return s.listOneCall(ctx, q)
	}
	f, err := s.callFilter(ctx, in.CallQuery)
	if err != nil {
		return nil, err
	}
	f.Limit = in.Limit
	page, err := s.deps.Calls.List(ctx, f, in.Cursor)
	if err != nil {
		return nil, err
	}
	n, err := s.namesFor(ctx, page.Items)
	if err != nil {
		return nil, err
	}
	p, _ := identity.From(ctx)
	return listOf(page.Items, func(r callrecord.Record) CallRow { return s.callRow(p, n, r) }, page.Next), nil
}

// listOneCall answers a search by call id.
func (s *Server) listOneCall(ctx context.Context, callID string) (*Out[List[CallRow]], error) {
	rec, err := s.readableCall(ctx, callID)
	if errs.Is(err, errs.NotFound) || errs.Is(err, errs.Denied) {
		return out(List[CallRow]{Items: []CallRow{}}), nil
	}
	if err != nil {
		return nil, err
	}
	n, err := s.namesFor(ctx, []callrecord.Record{rec})
	if err != nil {
		return nil, err
	}
	p, _ := identity.From(ctx)
	return listOf([]callrecord.Record{rec}, func(r callrecord.Record) CallRow { return s.callRow(p, n, r) }, ""), nil
}

// readableCall returns a call that the acting principal may read. Somebody
// else's call is answered like one that does not exist.
func (s *Server) readableCall(ctx context.Context, callID string) (callrecord.Record, error) {
	p, err := identity.Require(ctx, identity.CallRead, identity.CallReadOwn)
	if err != nil {
		return callrecord.Record{}, err
	}
	rec, err := s.deps.Calls.Get(ctx, callID)
	if err != nil {
		return rec, err
	}
	if !p.Permissions[identity.CallRead] && !tookPart(rec, p.UserID) {
		return callrecord.Record{}, errs.New(errs.NotFound, "call.not_found")
	}
	return rec, nil
}

func (s *Server) getCall(ctx context.Context, in *ByID) (*Out[CallDetail], error) {
	rec, err := s.readableCall(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return s.callDetail(ctx, rec)
}

func (s *Server) callDetail(ctx context.Context, rec callrecord.Record) (*Out[CallDetail], error) {
	n, err := s.namesFor(ctx, []callrecord.Record{rec})
	if err != nil {
		return nil, err
	}
	p, _ := identity.From(ctx)
	d := CallDetail{CallRow: s.callRow(p, n, rec), EndCause: rec.EndCause, IVRPath: some(rec.IVRPath), Notes: rec.Notes,
		Own: tookPart(rec, p.UserID), Live: rec.EndedAt.IsZero()}
	if rec.PatientID != "" && d.Patient != nil {
		if err := s.viewed(ctx, p, "call.view", "call", rec.ID, rec.PatientID); err != nil {
			return nil, err
		}
	}
	return out(d), nil
}

func (s *Server) getCallEvents(ctx context.Context, in *ByID) (*Out[List[CallEvent]], error) {
	rec, err := s.readableCall(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	events, err := s.deps.Journal.OfContact(ctx, rec.ID)
	if err != nil {
		return nil, err
	}
	n, err := s.namesFor(ctx, nil)
	if err != nil {
		return nil, err
	}
	p, _ := identity.From(ctx)
	return listOf(events, func(e journal.Event) CallEvent {
		return CallEvent{ID: e.ID, At: utc(e.At), Kind: e.Kind, Version: e.Version, Agent: e.Agent, AgentName: n.agent(e.Agent),
			Queue: e.Queue, QueueName: n.queue(e.Queue), Data: publicData(p, e)}
	}, ""), nil
}

// dispose stores disposition, notes and customer of a call after checking
// them.
func (s *Server) dispose(ctx context.Context, rec callrecord.Record, disposition, notes, patientID string) error {
	if disposition != "" && disposition != rec.Disposition &&
		!slices.ContainsFunc(s.directory().Dispositions(), func(d switchboard.Disposition) bool { return d.Code == disposition }) {
		return errs.InvalidField("body.disposition", "call.disposition_unknown")
	}
	if patientID != rec.PatientID {
		if err := s.checkPatient(ctx, patientID); err != nil {
			return err
		}
	}
	if disposition != rec.Disposition || patientID != "" && patientID != rec.PatientID {
		if err := s.deps.Calls.SetDisposition(ctx, rec.ID, disposition, "", patientID); err != nil {
			return err
		}
	}
	if notes != rec.Notes {
		return s.deps.Calls.SetNotes(ctx, rec.ID, notes)
	}
	return nil
}

// checkPatient makes sure that a request names a customer that exists, and
// that the acting principal may know so.
func (s *Server) checkPatient(ctx context.Context, patientID string) error {
	if patientID == "" {
		return nil
	}
	cards, err := s.deps.Patients.Cards(ctx, []string{patientID})
	if err != nil {
		return err
	}
	if len(cards) == 0 {
		return errs.InvalidField("body.patient_id", "patient.not_found")
	}
	return nil
}

func (s *Server) saveCallNotes(ctx context.Context, in *CallNotesInput) (*Out[CallDetail], error) {
	rec, err := s.readableCall(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	disposition := in.Body.Disposition
	if disposition == "" {
		disposition = rec.Disposition
	}
	if err := s.dispose(ctx, rec, disposition, in.Body.Notes, in.Body.PatientID); err != nil {
		return nil, err
	}
	p, _ := identity.From(ctx)
	if err := s.viewed(ctx, p, "call.notes", "call", rec.ID, rec.PatientID); err != nil {
		return nil, err
	}
	if rec, err = s.deps.Calls.Get(ctx, rec.ID); err != nil {
		return nil, err
	}
	return s.callDetail(ctx, rec)
}

// listenable returns a recording's call when the acting principal may listen.
func (s *Server) listenable(ctx context.Context, recordingID string) error {
	p, err := identity.Require(ctx, identity.RecordingListen, identity.RecordingListenOwn)
	if err != nil {
		return err
	}
	if s.deps.Recordings == nil {
		return errs.New(errs.Unavailable, "unavailable")
	}
	rec, err := s.deps.Recordings.Get(ctx, recordingID)
	if err != nil || p.Permissions[identity.RecordingListen] {
		return err
	}
	c, err := s.deps.Calls.Get(ctx, rec.CallID)
	if err != nil || !mayListen(p, c) {
		return errs.New(errs.NotFound, "recording.not_found")
	}
	return nil
}

func (s *Server) getRecording(ctx context.Context, in *ByID) (*Out[RecordingView], error) {
	if err := s.listenable(ctx, in.ID); err != nil {
		return nil, err
	}
	r, err := s.deps.Recordings.Get(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return out(RecordingView{ID: r.ID, CallID: r.CallID, StartedAt: utc(r.StartedAt), DurationMs: r.Duration.Milliseconds(), Bytes: r.Bytes,
		State: string(r.State), Truncated: r.Truncated}), nil
}

// getRecordingAudio gives the sound in ranges, as a player asks for them.
func (s *Server) getRecordingAudio(ctx context.Context, in *ByID) (*huma.StreamResponse, error) {
	if err := s.listenable(ctx, in.ID); err != nil {
		return nil, err
	}
	sound, err := s.deps.Recordings.Open(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hctx huma.Context) {
		defer sound.Close()
		r, w := raw(hctx)
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(10 * time.Minute)) // not every writer can
		w.Header().Set("Content-Type", "audio/wav")
		w.Header().Set("Cache-Control", "private, no-store")
		http.ServeContent(w, r, "", sound.Recording.StartedAt, sound)
	}}, nil
}

func (s *Server) getRecordingWaveform(ctx context.Context, in *WaveformInput) (*Out[Waveform], error) {
	if err := s.listenable(ctx, in.ID); err != nil {
		return nil, err
	}
	r, err := s.deps.Recordings.Get(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	w, err := s.deps.Recordings.Waveform(ctx, in.ID, in.Points)
	if err != nil {
		return nil, err
	}
	return out(Waveform{DurationMs: r.Duration.Milliseconds(), Caller: some(w[0]), Agent: some(w[1])}), nil
}
