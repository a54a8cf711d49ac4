package api

import (
	"context"

	"heartline/internal/care/patient"
	"heartline/internal/platform/identity"
)

// persons are those whom a list mentions by id.
type persons struct {
	hits  map[string]patient.Card
	users map[string]string
}

// personsOf reads customers, for readers who may see them, and colleagues. It
// is a short view, as in every list: the record itself is not opened.
func (s *Server) personsOf(ctx context.Context, patients, users []string) (persons, error) {
	var p persons
	var err error
	if who, _ := identity.From(ctx); who.Has(identity.PatientRead) {
		if p.hits, err = s.deps.Patients.Cards(ctx, patients); err != nil {
			return p, err
		}
	}
	known := make([]string, 0, len(users))
	for _, u := range users {
		if u != "" {
			known = append(known, u)
		}
	}
	if len(known) > 0 {
		p.users, err = s.deps.Identity.Names(ctx, known...)
	}
	return p, err
}

func (p persons) hit(patientID string) *PatientHit {
	c, ok := p.hits[patientID]
	if !ok {
		return nil
	}
	h := patientHit(c, "")
	return &h
}

// name is the name behind a customer's id, or the id.
func (p persons) name(patientID string) string {
	if c, ok := p.hits[patientID]; ok {
		return c.Name
	}
	return patientID
}
