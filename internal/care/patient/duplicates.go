package patient

import (
	"context"
	"strings"
	"unicode/utf8"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// Duplicates lists records that may be the same person, the surest first.
func (s *Service) Duplicates(ctx context.Context, f DuplicateFilter) (list []Duplicate, next string, err error) {
	who, err := identity.Require(ctx, identity.PatientMerge)
	if err != nil {
		return nil, "", err
	}
	if f.Status == "" {
		f.Status = DuplicateOpen
	}
	at, last, err := parseCursor(f.Cursor)
	if err != nil {
		return nil, "", err
	}
	f.Limit = pageSize(f.Limit)
	err = s.db.Read(ctx, func(tx *store.Tx) (err error) {
		list, err = s.queryDuplicates(ctx, tx, f, at, last, who)
		return err
	})
	if len(list) > f.Limit {
		list = list[:f.Limit]
		e := list[f.Limit-1]
		next = formatCursor(int64(e.Score), e.ID)
	}
	return list, next, err
}

// DismissDuplicate says that two records are two people; the pair is not
// proposed again.
func (s *Service) DismissDuplicate(ctx context.Context, duplicateID, note string) error {
	who, err := identity.Require(ctx, identity.PatientMerge)
	if err != nil {
		return err
	}
	if note = strings.TrimSpace(note); utf8.RuneCountInString(note) > 200 || !utf8.ValidString(note) || strings.ContainsRune(note, 0) {
		return errs.InvalidField("note", "too_long")
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		a, err := decideDuplicate(ctx, tx, duplicateID, DuplicateDismissed, who.UserID, note, s.now())
		if err != nil {
			return err
		}
		return s.auditTx(ctx, tx, who, "patient.duplicate_dismiss", a, note, map[string]any{"duplicate": duplicateID})
	})
}

// Compare shows two records side by side, with what speaks for one person. The
// looks are audited.
func (s *Service) Compare(ctx context.Context, a, b string) (Comparison, error) {
	who, err := identity.Require(ctx, identity.PatientMerge)
	if err != nil {
		return Comparison{}, err
	}
	var c Comparison
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		left, right, err := s.pair(ctx, tx, who, a, b)
		if err != nil {
			return err
		}
		profiles, err := s.profiles(ctx, tx, []string{left.ID, right.ID})
		if err != nil {
			return err
		}
		c = Comparison{Fields: compare(left.Patient, right.Patient, full(who))}
		c.Score, c.Points = score(profiles[left.ID], profiles[right.ID])
		c.A, c.B = view(left.Patient, who), view(right.Patient, who)
		for _, one := range []string{left.ID, right.ID} {
			if err := s.auditTx(ctx, tx, who, "patient.compare", one, "", nil); err != nil {
				return err
			}
		}
		return nil
	})
	return c, err
}

// pair loads two records that may be merged: two, of people, open to who.
func (s *Service) pair(ctx context.Context, tx *store.Tx, who identity.Principal, a, b string) (left, right record, err error) {
	if a == b {
		return left, right, errs.InvalidField("merge", "patient.merge_self")
	}
	for _, one := range []struct {
		id   string
		into *record
	}{{a, &left}, {b, &right}} {
		if *one.into, err = s.load(ctx, tx, one.id); err != nil {
			return left, right, err
		}
		if err := gone(one.into.Patient); err != nil {
			return left, right, err
		}
		if _, err := s.viewable(ctx, tx, who, one.id); err != nil {
			return left, right, err
		}
	}
	return left, right, nil
}

// united are the fields of which a merge keeps both values.
func united(field string) bool {
	switch field {
	case "phones", "identifiers", "allergies", "hereditary_diseases", "tags":
		return true
	}
	return false
}

// compare lists the fields of two records. Notes and the code follow the kept
// record unless chosen.
func compare(a, b Patient, full bool) []ComparedField {
	left, right := fieldTexts(a), fieldTexts(b)
	out := make([]ComparedField, 0, len(left))
	for i, l := range left {
		r := right[i]
		if l.text == "" && r.text == "" {
			continue
		}
		f := ComparedField{Field: l.field, Same: l.text == r.text, A: shown(l.field, l.text, full), B: shown(r.field, r.text, full), Suggest: "a"}
		switch {
		case united(l.field):
			f.Suggest = "both"
		case empty(l.field, l.text) && !empty(r.field, r.text):
			f.Suggest = "b"
		}
		out = append(out, f)
	}
	return out
}

// empty tells values that say nothing.
func empty(field, text string) bool {
	return text == "" || (field == "sex" && text == SexUnknown) || (field == "lifecycle" && text == Potential)
}
