package patient

import (
	"context"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// The ways in which a record changes.
const (
	SourceEdit      = "edit"
	SourceFamily    = "family"
	SourceLifecycle = "lifecycle"
	SourceMerge     = "merge"
	SourceUnmerge   = "unmerge"
)

// History tells who changed what of a person, newest first, records that were
// merged in included. The look is audited on the first page.
func (s *Service) History(ctx context.Context, patientID, cursor string, limit int) (list []FieldChange, next string, err error) {
	who, err := identity.Require(ctx, identity.PatientRead)
	if err != nil {
		return nil, "", err
	}
	at, last, err := parseCursor(cursor)
	if err != nil {
		return nil, "", err
	}
	limit = pageSize(limit)
	run := s.db.Read
	if cursor == "" {
		run = s.db.Write
	}
	err = run(ctx, func(tx *store.Tx) error {
		id, err := s.viewable(ctx, tx, who, patientID)
		if err != nil {
			return err
		}
		ids, err := mergedInto(ctx, tx, id)
		if err != nil {
			return err
		}
		if list, err = s.queryHistory(ctx, tx, append(ids, id), at, last, limit+1); err != nil {
			return err
		}
		if cursor != "" {
			return nil
		}
		return s.auditTx(ctx, tx, who, "patient.history", id, "", nil)
	})
	if err != nil {
		return nil, "", err
	}
	for i := range list {
		c := &list[i]
		c.Old, c.New = shown(c.Field, c.Old, full(who)), shown(c.Field, c.New, full(who))
	}
	if len(list) > limit {
		list = list[:limit]
		next = formatCursor(store.Millis(list[limit-1].At), list[limit-1].ID)
	}
	return list, next, nil
}

// note writes down what a change did, sealed with the person's own key.
func (s *Service) note(ctx context.Context, tx *store.Tx, who identity.Principal, source string, old, new Patient) error {
	list := changes(old, new)
	if len(list) == 0 {
		return nil
	}
	for i := range list {
		c := &list[i]
		c.PatientID, c.At, c.Version = new.ID, s.now(), new.Version
		c.Actor, c.ActorName, c.Source = who.UserID, who.Name, source
	}
	return s.insertHistory(ctx, tx, list)
}

// pageSize is the size of a page that a caller asked for.
func pageSize(limit int) int {
	if limit <= 0 {
		return 50
	}
	return min(limit, 200)
}

// gone is the refusal of writing to a record that is no person's any more.
func gone(p Patient) error {
	switch {
	case p.MergedInto != "":
		return errs.New(errs.Conflict, "patient.merged", "into", p.MergedInto)
	case !p.ErasedAt.IsZero():
		return errs.New(errs.Conflict, "patient.erased")
	}
	return nil
}
