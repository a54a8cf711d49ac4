package patient

import (
	"context"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

const timelineColumns = "id, patient_id, at, kind, title, summary, department, doctor, source_id"

// Timeline returns a page of what happened with a person, newest first. The
// first page is audited as a look at the record.
func (s *Service) Timeline(ctx context.Context, patientID string, f TimelineFilter, cursor string) (TimelinePage, error) {
	who, err := identity.Require(ctx, identity.PatientRead)
	if err != nil {
		return TimelinePage{}, err
	}
	for _, k := range f.Kinds {
		if !slices.Contains(Kinds(), k) {
			return TimelinePage{}, errs.InvalidField("kinds", "not_allowed")
		}
	}
	at, last, err := parseCursor(cursor)
	if err != nil {
		return TimelinePage{}, err
	}
	if f.Limit <= 0 {
		f.Limit = 50
	}
	f.Limit = min(f.Limit, 200)
	var page TimelinePage
	run, first := s.db.Read, cursor == ""
	if first {
		run = s.db.Write
	}
	err = run(ctx, func(tx *store.Tx) error {
		page = TimelinePage{}
		current, err := s.viewable(ctx, tx, who, patientID)
		if err != nil {
			return err
		}
		people, err := s.subjects(ctx, tx, current, f.Family)
		if err != nil {
			return err
		}
		list, err := queryTimeline(ctx, tx, people, f, at, last)
		if err != nil {
			return err
		}
		page.Entries = list
		if len(list) > f.Limit {
			page.Entries = list[:f.Limit]
			e := page.Entries[f.Limit-1]
			page.Next = formatCursor(store.Millis(e.At), e.ID)
		}
		if !first {
			return nil
		}
		return s.auditTx(ctx, tx, who, "patient.timeline", current, "", map[string]any{"family": f.Family})
	})
	return page, err
}

func formatCursor(at int64, entryID string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(at, 10) + ":" + entryID))
}

func parseCursor(cursor string) (at int64, last string, err error) {
	if cursor == "" {
		return 0, "", nil
	}
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	ms, rowID, ok := strings.Cut(string(b), ":")
	if err != nil || !ok || len(b) > 100 {
		return 0, "", errs.InvalidField("cursor", "cursor_invalid")
	}
	if at, err = strconv.ParseInt(ms, 10, 64); err != nil || rowID == "" || !utf8.ValidString(rowID) || strings.ContainsRune(rowID, 0) {
		return 0, "", errs.InvalidField("cursor", "cursor_invalid")
	}
	return at, rowID, nil
}
