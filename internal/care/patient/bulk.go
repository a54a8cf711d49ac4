package patient

import (
	"context"
	"fmt"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/event"
	"heartline/internal/platform/id"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// Batch is many people at once, from another system or a demonstration.
// Ids that are set are kept, so that people, households and entries can refer
// to each other; Relations gives the place in the household by patient id.
type Batch struct {
	Households []Household // Members are ignored
	Patients   []Patient
	Relations  map[string]string
	Timeline   []TimelineEntry
}

// Import validates and stores a batch in one transaction: all of it or
// nothing. Field errors carry the position ("patients[17].phones[0].number").
// Codes are given where missing. One audit entry tells how many came.
func (s *Service) Import(ctx context.Context, b Batch) error {
	who, err := identity.Require(ctx, identity.PatientWrite)
	if err != nil {
		return err
	}
	var fields errs.Fields
	now := s.now()
	for i := range b.Patients {
		p := &b.Patients[i]
		if p.ID == "" {
			p.ID = id.New()
		}
		if p.CreatedAt.IsZero() {
			p.CreatedAt = now
		}
		p.Version, p.UpdatedAt = 1, p.CreatedAt
		for _, f := range normalise(p, now) {
			fields.Add(fmt.Sprintf("patients[%d].%s", i, f.Path), f.Key)
		}
		if len(fields) > 100 {
			break
		}
	}
	if err := fields.Err(); err != nil {
		return err
	}
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		if err := s.insertBatch(ctx, tx, b); err != nil {
			return err
		}
		return s.auditTx(ctx, tx, who, "patient.import", "", "",
			map[string]any{"patients": len(b.Patients), "timeline": len(b.Timeline)})
	})
	if err != nil {
		return taken(err)
	}
	event.Publish(s.bus, Changed{})
	return nil
}
