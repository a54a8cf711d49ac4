package api

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"heartline/internal/care/patient"
	"heartline/internal/contact/call"
	"heartline/internal/contact/callrecord"
	"heartline/internal/contact/journal"
	"heartline/internal/platform/audit"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// recentCalls is how many earlier calls a pop shows.
const recentCalls = 5

func (s *Server) getCallPop(ctx context.Context, in *ByID) (*Out[PopView], error) {
	return s.pop(ctx, in.ID)
}

func (s *Server) getPatientPop(ctx context.Context, in *PopQuery) (*Out[PopView], error) {
	return s.pop(ctx, in.Call)
}

// pop answers who may be behind a call: one's own while it rings or goes on,
// any with the wider right.
func (s *Server) pop(ctx context.Context, callID string) (*Out[PopView], error) {
	p, err := identity.Require(ctx, identity.PatientRead)
	if err != nil {
		return nil, err
	}
	number, masked, chosen, err := s.numberOf(ctx, p, callID)
	if err != nil {
		return nil, err
	}
	found, err := s.deps.Patients.Pop(ctx, number)
	if err != nil {
		return nil, err
	}
	v := PopView{CallID: callID, NumberMasked: masked, RecentCalls: []CallRow{}, Candidates: []PopCandidate{}}
	if p.Permissions[identity.PatientReveal] {
		v.Number = number
	}
	for i, c := range found.Candidates {
		x := PopCandidate{PatientHit: patientHit(c, patient.MatchPhone), Recent: []TimelineRow{}}
		if i == 0 {
			x.Recent = mapped(found.Recent, timelineRow)
		}
		v.Candidates = append(v.Candidates, x)
	}
	if err := s.addChosen(ctx, &v, chosen); err != nil {
		return nil, err
	}
	if v.RecentCalls, err = s.callsFrom(ctx, p, number, callID); err != nil {
		return nil, err
	}
	return out(v), nil
}

// addChosen puts the customer that the agent has chosen first, also when the
// number does not lead to them.
func (s *Server) addChosen(ctx context.Context, v *PopView, chosen string) error {
	if chosen == "" || slices.ContainsFunc(v.Candidates, func(c PopCandidate) bool { return c.ID == chosen }) {
		return nil
	}
	cards, err := s.deps.Patients.Cards(ctx, []string{chosen})
	if err != nil {
		return err
	}
	if c, ok := cards[chosen]; ok {
		v.Candidates = slices.Insert(v.Candidates, 0, PopCandidate{PatientHit: patientHit(c, "agent"), Recent: []TimelineRow{}})
	}
	return nil
}

// numberOf returns the outside number of a call that the principal may see.
func (s *Server) numberOf(ctx context.Context, p identity.Principal, callID string) (number, masked, chosen string, err error) {
	if s.deps.Telephone != nil {
		if live, err := s.deps.Telephone.LiveCall(ctx, callID); err == nil {
			if !slices.Contains(live.Agents, p.UserID) && !p.Has(identity.CallRead, identity.SuperviseMonitor) {
				return "", "", "", errs.New(errs.NotFound, "call.not_found")
			}
			return live.Number, live.NumberMasked, "", nil
		}
	}
	rec, err := s.readableCall(ctx, callID)
	if errs.Is(err, errs.Denied) {
		err = errs.New(errs.NotFound, "call.not_found")
	}
	if err != nil {
		return "", "", "", err
	}
	if rec.From.Sealed == "" {
		return "", rec.From.Masked, rec.PatientID, nil
	}
	if number, err = s.deps.Keys.Unseal(rec.From.Sealed, "calls:"+rec.ID+":from"); err != nil {
		return "", "", "", fmt.Errorf("unseal number: %w", err)
	}
	return number, rec.From.Masked, rec.PatientID, nil
}

// callsFrom lists earlier calls of a number, as far as the reader may see
// them. An agent on the call sees all of that number's: they are the
// caller's history.
func (s *Server) callsFrom(ctx context.Context, p identity.Principal, number, except string) ([]CallRow, error) {
	rows := []CallRow{}
	if number == "" {
		return rows, nil
	}
	f := callrecord.Filter{FromIndexes: []string{s.deps.Keys.Index("phone", call.Canonical(number))}, Limit: recentCalls + 1}
	page, err := s.deps.Calls.List(ctx, f, "")
	if err != nil {
		return nil, err
	}
	n, err := s.namesFor(ctx, page.Items)
	if err != nil {
		return nil, err
	}
	for _, r := range page.Items {
		if r.ID != except && len(rows) < recentCalls {
			rows = append(rows, s.callRow(p, n, r))
		}
	}
	return rows, nil
}

// identified notes the customer of a call that an agent dials.
func (s *Server) identified(callID, agent, patientID string) {
	if s.deps.Journal != nil {
		s.deps.Journal.Append(callID, agent, "", journal.CallIdentified{Patients: []string{patientID}})
	}
}

// viewed notes in the audit log that somebody looked at a thing that tells
// about a customer.
func (s *Server) viewed(ctx context.Context, p identity.Principal, action, object, objectID, patientID string) error {
	err := s.deps.DB.Write(ctx, func(tx *store.Tx) error {
		return s.deps.Audit.Append(ctx, tx, audit.Entry{At: s.now(), Actor: p.UserID, ActorName: p.Name, Action: action,
			Object: object, ObjectID: objectID, Patient: patientID, IP: p.IP, RequestID: p.RequestID})
	})
	if err != nil {
		return fmt.Errorf("audit %s: %w", action, err)
	}
	return nil
}

// publicData is the content of an event without sealed values and blind
// indexes, which mean nothing outside, and without customers for those who
// may not see them.
func publicData(p identity.Principal, e journal.Event) json.RawMessage {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(e.Data, &fields); err != nil {
		return json.RawMessage("{}")
	}
	delete(fields, "from_sealed")
	delete(fields, "from_index")
	if !p.Permissions[identity.PatientRead] {
		delete(fields, "patients")
		delete(fields, "patient")
	}
	b, err := json.Marshal(fields)
	if err != nil || len(b) == 0 {
		return json.RawMessage("{}")
	}
	return b
}
