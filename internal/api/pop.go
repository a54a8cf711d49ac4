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
	number, masked, k, err := s.numberOf(ctx, p, callID)
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
	if err := s.addKnown(ctx, &v, k); err != nil {
		return nil, err
	}
	if v.RecentCalls, err = s.callsFrom(ctx, p, number, callID); err != nil {
		return nil, err
	}
	return out(v), nil
}

// known is whom a call is taken for, beyond what its number says.
type known struct {
	id, match string
	alone     bool // the caller said so by keypad: nobody else is meant
}

// addKnown puts the customer that the agent has chosen first, also when the
// number does not lead to them; who proved by keypad who is calling stands
// alone.
func (s *Server) addKnown(ctx context.Context, v *PopView, k known) error {
	if k.id == "" {
		return nil
	}
	found := slices.IndexFunc(v.Candidates, func(c PopCandidate) bool { return c.ID == k.id })
	if found < 0 {
		cards, err := s.deps.Patients.Cards(ctx, []string{k.id})
		if err != nil {
			return err
		}
		c, ok := cards[k.id]
		if !ok {
			return nil
		}
		v.Candidates = slices.Insert(v.Candidates, 0, PopCandidate{PatientHit: patientHit(c, k.match), Recent: []TimelineRow{}})
		found = 0
	}
	if k.alone {
		v.Candidates = v.Candidates[found : found+1]
	}
	return nil
}

// numberOf returns the outside number of a call that the principal may see,
// and whom the call is taken for.
func (s *Server) numberOf(ctx context.Context, p identity.Principal, callID string) (number, masked string, k known, err error) {
	if s.deps.Telephone != nil {
		if live, err := s.deps.Telephone.LiveCall(ctx, callID); err == nil {
			if !slices.Contains(live.Agents, p.UserID) && !p.Has(identity.CallRead, identity.SuperviseMonitor) {
				return "", "", k, errs.New(errs.NotFound, "call.not_found")
			}
			if len(live.Patients) == 1 {
				k = known{id: live.Patients[0].ID, match: live.Patients[0].Match, alone: true}
			}
			return live.Number, live.NumberMasked, k, nil
		}
	}
	rec, err := s.readableCall(ctx, callID)
	if errs.Is(err, errs.Denied) {
		err = errs.New(errs.NotFound, "call.not_found")
	}
	if err != nil {
		return "", "", k, err
	}
	k = known{id: rec.PatientID, match: "agent"}
	if rec.From.Sealed == "" {
		return "", rec.From.Masked, k, nil
	}
	if number, err = s.deps.Keys.Unseal(rec.From.Sealed, "calls:"+rec.ID+":from"); err != nil {
		return "", "", k, fmt.Errorf("unseal number: %w", err)
	}
	return number, rec.From.Masked, k, nil
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
