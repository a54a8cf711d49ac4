package patient

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/id"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// household resolves the household id of SetFamily.
func (s *Service) household(ctx context.Context, tx *store.Tx, householdID, name string) (string, error) {
	switch householdID {
	case "-":
		return "", nil
	case "":
		name = strings.TrimSpace(name)
		if name == "" || utf8.RuneCountInString(name) > 60 {
			return "", errs.InvalidField("name", "required")
		}
		householdID = id.New()
		_, err := tx.Exec(ctx, "INSERT INTO households (id, name, created_at) VALUES ($1, $2, $3)", householdID, name, store.Millis(s.now()))
		if err != nil {
			return "", fmt.Errorf("create household: %w", err)
		}
		return householdID, nil
	}
	var n int
	if err := tx.QueryRow(ctx, "SELECT COUNT(*) FROM households WHERE id = $1", householdID).Scan(&n); err != nil {
		return "", fmt.Errorf("find household: %w", err)
	}
	if n == 0 {
		return "", errs.InvalidField("household_id", "patient.unknown_reference")
	}
	return householdID, nil
}

func (s *Service) insertBatch(ctx context.Context, tx *store.Tx, in Batch) error {
	homes := &batch{table: "households", columns: "id, name, created_at", width: 3}
	for _, h := range in.Households {
		homes.add(h.ID, h.Name, store.Millis(s.now()))
	}
	if err := homes.flush(ctx, tx); err != nil {
		return err
	}
	last := make(map[string]int64)
	for _, e := range in.Timeline {
		last[e.PatientID] = max(last[e.PatientID], min(store.Millis(e.At), store.Millis(s.now())))
	}
	code, err := nextCodes(ctx, tx, len(in.Patients))
	if err != nil {
		return err
	}
	b := newBatches()
	for i := range in.Patients {
		p := in.Patients[i]
		if p.Code == "" {
			p.Code = formatCode(code + int64(i))
		}
		b.patients.add(values(&record{Patient: p, relation: in.Relations[p.ID], lastAt: last[p.ID]})...)
		if err := s.addDetails(b, &p); err != nil {
			return err
		}
	}
	if err := b.flush(ctx, tx); err != nil {
		return err
	}
	return insertTimeline(ctx, tx, in.Timeline)
}

func insertTimeline(ctx context.Context, tx *store.Tx, entries []TimelineEntry) error {
	b := &batch{table: "patient_timeline", columns: timelineColumns, width: 9}
	for _, e := range entries {
		if e.ID == "" {
			e.ID = id.New()
		}
		b.add(e.ID, e.PatientID, store.Millis(e.At), e.Kind, e.Title, e.Summary, e.Department, e.Doctor, e.SourceID)
	}
	return b.flush(ctx, tx)
}

// Count returns how many people the hospital knows.
func (s *Service) Count(ctx context.Context) (int, error) {
	if _, err := identity.Require(ctx, identity.PatientRead); err != nil {
		return 0, err
	}
	var n int
	err := s.db.Read(ctx, func(tx *store.Tx) error {
		return tx.QueryRow(ctx, "SELECT COUNT(*) FROM patients").Scan(&n)
	})
	return n, err
}
