package patient

import (
	"context"
	"fmt"
	"slices"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/event"
	"heartline/internal/platform/id"
	"heartline/internal/platform/store"
)

// subjects is the person alone, or everybody of the household.
func (s *Service) subjects(ctx context.Context, tx *store.Tx, patientID string, family bool) ([]string, error) {
	var household string
	err := tx.QueryRow(ctx, "SELECT household_id FROM patients WHERE id = $1", patientID).Scan(&household)
	if store.IsNoRows(err) {
		return nil, notFound()
	}
	if err != nil {
		return nil, fmt.Errorf("read household: %w", err)
	}
	if !family || household == "" {
		return []string{patientID}, nil
	}
	rows, err := tx.Query(ctx, "SELECT id FROM patients WHERE household_id = $1 AND household_id <> '' AND (restricted = 0 OR id = $2) LIMIT 50",
		household, patientID)
	if err != nil {
		return nil, fmt.Errorf("read household: %w", err)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var one string
		if err := rows.Scan(&one); err != nil {
			return nil, fmt.Errorf("scan household: %w", err)
		}
		out = append(out, one)
	}
	return out, rows.Err()
}

// queryTimeline reads one entry more than the page holds.
func queryTimeline(ctx context.Context, tx *store.Tx, people []string, f TimelineFilter, at int64, last string) ([]TimelineEntry, error) {
	args := anys(people)
	cond := "patient_id IN (" + marks(1, len(people)) + ")"
	add := func(format string, vals ...any) {
		idx := make([]any, len(vals))
		for i := range vals {
			idx[i] = len(args) + 1 + i
		}
		cond += " AND " + fmt.Sprintf(format, idx...)
		args = append(args, vals...)
	}
	if len(f.Kinds) > 0 {
		cond += " AND kind IN (" + marks(len(args)+1, len(f.Kinds)) + ")"
		args = append(args, anys(f.Kinds)...)
	}
	if !f.From.IsZero() {
		add("at >= $%d", store.Millis(f.From))
	}
	if !f.To.IsZero() {
		add("at < $%d", store.Millis(f.To))
	}
	if last != "" {
		add("(at, id) < ($%d, $%d)", at, last)
	}
	add("TRUE ORDER BY at DESC, id DESC LIMIT $%d", int64(f.Limit+1))
	rows, err := tx.Query(ctx, "SELECT "+timelineColumns+" FROM patient_timeline WHERE "+cond, args...)
	if err != nil {
		return nil, fmt.Errorf("read timeline: %w", err)
	}
	defer rows.Close()
	var out []TimelineEntry
	for rows.Next() {
		var e TimelineEntry
		var ms int64
		if err := rows.Scan(&e.ID, &e.PatientID, &ms, &e.Kind, &e.Title, &e.Summary, &e.Department, &e.Doctor, &e.SourceID); err != nil {
			return nil, fmt.Errorf("scan timeline: %w", err)
		}
		e.At = store.Time(ms)
		out = append(out, e)
	}
	return out, rows.Err()
}

// AddTimeline adds entries in the caller's transaction: the way for other
// packages to tell a person's history. Ids are given where missing.
func (s *Service) AddTimeline(ctx context.Context, tx *store.Tx, entries ...TimelineEntry) error {
	b := &batch{table: "patient_timeline", columns: timelineColumns, width: 9}
	last := make(map[string]int64)
	for _, e := range entries {
		if e.PatientID == "" || e.At.IsZero() || !slices.Contains(Kinds(), e.Kind) {
			return errs.InvalidField("timeline", "patient.timeline_invalid")
		}
		if e.ID == "" {
			e.ID = id.New()
		}
		ms := store.Millis(e.At)
		b.add(e.ID, e.PatientID, ms, e.Kind, e.Title, e.Summary, e.Department, e.Doctor, e.SourceID)
		last[e.PatientID] = max(last[e.PatientID], ms)
		event.PublishTx(tx, s.bus, TimelineAdded{PatientID: e.PatientID, EntryID: e.ID, Kind: e.Kind})
	}
	if err := b.flush(ctx, tx); err != nil {
		if store.IsForeignKey(err) {
			return notFound()
		}
		return err
	}
	now := store.Millis(s.now())
	for patientID, ms := range last {
		err := tx.Later(ctx, "UPDATE patients SET last_at = $2 WHERE id = $1 AND last_at < $2", patientID, min(ms, now))
		if err != nil {
			return fmt.Errorf("note last contact: %w", err)
		}
	}
	return s.grow(ctx, tx, entries)
}
