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
