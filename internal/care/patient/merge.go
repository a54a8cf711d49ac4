package patient

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/event"
	"heartline/internal/platform/id"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// Register adds a part of the program that keeps things by patient id. Call it
// before the first merge.
func (s *Service) Register(parts ...Mergeable) { s.parts = append(s.parts, parts...) }

// mergeables are the parts in the order in which a merge moves them: our own
// tables first.
func (s *Service) mergeables() []Mergeable {
	own := []Mergeable{
		RowsOf("timeline", "patient_timeline", "patient_id"),
		RowsOf("wards", "patients", "guardian_id"),
		memberships(),
	}
	return append(own, s.parts...)
}

// Merge makes one record of two: the fields as chosen, everything that other
// parts keep moved over. The merged record stays and leads to the kept one;
// UndoMerge parts them again.
func (s *Service) Merge(ctx context.Context, in MergeRequest) (Merged, error) {
	who, err := identity.Require(ctx, identity.PatientMerge)
	if err != nil {
		return Merged{}, err
	}
	if err := checkChoices(in.Fields).Err(); err != nil {
		return Merged{}, err
	}
	if in.Reason = strings.TrimSpace(in.Reason); utf8.RuneCountInString(in.Reason) > 200 || !utf8.ValidString(in.Reason) || strings.ContainsRune(in.Reason, 0) {
		return Merged{}, errs.InvalidField("reason", "too_long")
	}
	var m Merged
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		keep, merge, err := s.pair(ctx, tx, who, in.Keep, in.Merge)
		if err != nil {
			return err
		}
		if in.Version != 0 && in.Version != keep.Version {
			return errs.New(errs.Conflict, "patient.version_conflict", "version", keep.Version)
		}
		if keep.GuardianID == merge.ID || merge.GuardianID == keep.ID {
			return errs.New(errs.Conflict, "patient.merge_guardian")
		}
		joined, err := join(keep.Patient, merge.Patient, in.Fields)
		if err != nil {
			return err
		}
		if err := normalise(&joined, s.now()).Err(); err != nil {
			return err
		}
		m = Merged{ID: id.New(), Keep: keep.ID, Merge: merge.ID, At: s.now(), Actor: who.UserID, ActorName: who.Name, Reason: in.Reason, CanUndo: true}
		return s.mergeTx(ctx, tx, who, &m, keep, merge, joined)
	})
	return m, taken(err)
}

// mergeTx writes a merge: details of the merged record out, the joined record
// in, everything else moved, the way back noted.
func (s *Service) mergeTx(ctx context.Context, tx *store.Tx, who identity.Principal, m *Merged, keep, merge record, joined Patient) error {
	before, other := snapshot{keep.Patient, keep.relation, keep.lastAt}, snapshot{merge.Patient, merge.relation, merge.lastAt}
	if err := deleteDetails(ctx, tx, merge.ID); err != nil {
		return err
	}
	if err := setMerged(ctx, tx, merge.ID, keep.ID); err != nil {
		return err
	}
	next := keep
	next.Patient = joined
	next.Version, next.UpdatedAt, next.lastAt = keep.Version+1, m.At, max(keep.lastAt, merge.lastAt)
	if joined.HouseholdID != keep.HouseholdID {
		next.relation = merge.relation
	}
	if err := s.rewrite(ctx, tx, &next); err != nil {
		return err
	}
	receipts, parts, err := s.move(ctx, tx, merge.ID, keep.ID)
	if err != nil {
		return err
	}
	m.Parts = parts
	after := snapshot{next.Patient, next.relation, next.lastAt}
	if err := s.insertMerge(ctx, tx, *m, before, after, other, receipts); err != nil {
		return err
	}
	if err := settlePair(ctx, tx, keep.ID, merge.ID, DuplicateMerged, who.UserID, m.At); err != nil {
		return err
	}
	if err := s.note(ctx, tx, who, SourceMerge, keep.Patient, next.Patient); err != nil {
		return err
	}
	return s.told(ctx, tx, who, "patient.merge", m, next.Version)
}

// told publishes and audits a merge, or its undoing, for both records.
func (s *Service) told(ctx context.Context, tx *store.Tx, who identity.Principal, action string, m *Merged, version int64) error {
	event.PublishTx(tx, s.bus, Changed{PatientID: m.Keep, Version: version})
	event.PublishTx(tx, s.bus, Changed{PatientID: m.Merge})
	for _, one := range []string{m.Keep, m.Merge} {
		if err := s.auditTx(ctx, tx, who, action, one, m.Reason, map[string]any{"merge": m.ID, "keep": m.Keep, "merged": m.Merge}); err != nil {
			return err
		}
	}
	return nil
}

// rewrite stores a record whose fields were joined or parted.
func (s *Service) rewrite(ctx context.Context, tx *store.Tx, r *record) error {
	c := &checker{now: s.now()}
	c.readings(&r.Patient)
	if err := updatePatient(ctx, tx, r); err != nil {
		return err
	}
	return s.replaceDetails(ctx, tx, &r.Patient)
}

// move hands everything that is kept under one id to another.
func (s *Service) move(ctx context.Context, tx *store.Tx, from, to string) (map[string]Receipt, map[string]int, error) {
	receipts, parts := make(map[string]Receipt), make(map[string]int)
	for _, p := range s.mergeables() {
		r, err := p.Move(ctx, tx, from, to)
		if store.IsUnique(err) {
			return nil, nil, &errs.Error{Kind: errs.Conflict, Key: "patient.merge_blocked", Params: map[string]any{"part": p.Name}}
		}
		if err != nil {
			return nil, nil, fmt.Errorf("move %s: %w", p.Name, err)
		}
		receipts[p.Name] = r
		if r.Moved > 0 {
			parts[p.Name] = r.Moved
		}
	}
	return receipts, parts, nil
}

// UndoMerge parts two records again: the merged one is what it was, the kept
// one loses what the merge brought and keeps what happened since. Merges into
// one record are undone in reverse order.
func (s *Service) UndoMerge(ctx context.Context, mergeID, reason string) (Merged, error) {
	who, err := identity.Require(ctx, identity.PatientMerge)
	if err != nil {
		return Merged{}, err
	}
	if reason, err = givenReason(reason); err != nil {
		return Merged{}, err
	}
	var m Merged
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		kept, err := s.loadMerge(ctx, tx, mergeID)
		if err != nil {
			return err
		}
		m = kept.Merged
		if err := undoable(ctx, tx, m); err != nil {
			return err
		}
		m.Reason, m.UndoneAt, m.CanUndo = reason, s.now(), false
		return s.undoTx(ctx, tx, who, &m, kept)
	})
	return m, taken(err)
}

func (s *Service) undoTx(ctx context.Context, tx *store.Tx, who identity.Principal, m *Merged, kept storedMerge) error {
	now, err := s.load(ctx, tx, m.Keep)
	if err != nil {
		return err
	}
	if err := gone(now.Patient); err != nil {
		return err
	}
	next := now
	next.Patient = part(kept.before.Patient, kept.after.Patient, now.Patient)
	next.Version, next.UpdatedAt = now.Version+1, m.UndoneAt
	if now.relation == kept.after.Relation {
		next.relation = kept.before.Relation
	}
	if now.lastAt == kept.after.LastAt {
		next.lastAt = kept.before.LastAt
	}
	if err := s.rewrite(ctx, tx, &next); err != nil {
		return err
	}
	other := record{Patient: kept.merged.Patient, relation: kept.merged.Relation, lastAt: kept.merged.LastAt}
	other.Version, other.UpdatedAt = other.Version+1, m.UndoneAt
	if err := s.rewrite(ctx, tx, &other); err != nil {
		return err
	}
	for _, p := range s.mergeables() {
		r, ok := kept.receipts[p.Name]
		if !ok || r.Moved == 0 {
			continue
		}
		if err := p.Undo(ctx, tx, m.Merge, m.Keep, r); err != nil {
			return fmt.Errorf("move back %s: %w", p.Name, err)
		}
	}
	if err := markUndone(ctx, tx, m.ID, who.UserID, m.UndoneAt); err != nil {
		return err
	}
	if err := settlePair(ctx, tx, m.Keep, m.Merge, DuplicateDismissed, who.UserID, m.UndoneAt); err != nil {
		return err
	}
	if err := s.note(ctx, tx, who, SourceUnmerge, now.Patient, next.Patient); err != nil {
		return err
	}
	return s.told(ctx, tx, who, "patient.unmerge", m, next.Version)
}

// Merges lists merges, newest first, of one record or of all.
func (s *Service) Merges(ctx context.Context, patientID, cursor string, limit int) (list []Merged, next string, err error) {
	if _, err := identity.Require(ctx, identity.PatientMerge); err != nil {
		return nil, "", err
	}
	at, last, err := parseCursor(cursor)
	if err != nil {
		return nil, "", err
	}
	limit = pageSize(limit)
	err = s.db.Read(ctx, func(tx *store.Tx) (err error) {
		list, err = queryMerges(ctx, tx, patientID, at, last, limit+1)
		return err
	})
	if len(list) > limit {
		list = list[:limit]
		next = formatCursor(store.Millis(list[limit-1].At), list[limit-1].ID)
	}
	return list, next, err
}

// storedMerge is a merge with the way back.
type storedMerge struct {
	Merged
	before, after, merged snapshot
	receipts              map[string]Receipt
}

// partsOf counts what was moved.
func partsOf(receipts string) (map[string]int, error) {
	var list map[string]Receipt
	if err := json.Unmarshal([]byte(receipts), &list); err != nil {
		return nil, fmt.Errorf("decode receipts: %w", err)
	}
	out := make(map[string]int)
	for name, r := range list {
		if r.Moved > 0 {
			out[name] = r.Moved
		}
	}
	return out, nil
}
