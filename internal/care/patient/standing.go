package patient

import (
	"context"
	"fmt"

	"heartline/internal/platform/store"
)

// Standing is what others must know of a person before they act for them.
type Standing struct {
	BirthDate  string // ISO date; "" when unknown
	Sex        string
	RealName   bool // holds an identity document, or has a guardian who does
	VIP        bool
	MergedInto string // the record that stands for this one now
}

// Standing says where a person stands, in the caller's transaction. It is for
// the program itself and checks no right.
func (s *Service) Standing(ctx context.Context, tx *store.Tx, patientID string) (Standing, error) {
	st, err := standingOf(ctx, tx, patientID)
	if store.IsNoRows(err) {
		return st, notFound()
	}
	if err != nil {
		return st, fmt.Errorf("standing of patient: %w", err)
	}
	return st, nil
}

// Profile is what decides how a person's data may be used.
type Profile struct {
	ID         string // of the record that stands for the asked one
	BirthDate  string // ISO date; "" when unknown
	GuardianID string
	Restricted bool
	Erased     bool
}

// Profile says how a person's data may be used, in the caller's transaction.
// It is for the program itself and checks no right.
func (s *Service) Profile(ctx context.Context, tx *store.Tx, patientID string) (Profile, error) {
	id, err := s.resolve(ctx, tx, patientID)
	if err != nil {
		return Profile{}, err
	}
	p, err := profileOf(ctx, tx, id)
	if err != nil {
		return p, fmt.Errorf("profile of patient: %w", err)
	}
	return p, nil
}
