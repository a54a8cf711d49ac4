package booking

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"heartline/internal/platform/audit"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// checkDate refuses what is no ISO date; "" is none.
func checkDate(f *errs.Fields, path, text string) {
	if text == "" {
		return
	}
	if _, err := time.Parse(time.DateOnly, text); err != nil {
		f.Add(path, "booking.date_invalid")
	}
}

// checkText refuses long text and control characters; lines may break.
func checkText(f *errs.Fields, path, text string, limit int) {
	switch {
	case utf8.RuneCountInString(text) > limit:
		f.Add(path, "too_long")
	case !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }):
		f.Add(path, "bad_characters")
	}
}

// needText is checkText for a text that must say something.
func needText(f *errs.Fields, path string, text *string, limit int) {
	*text = strings.TrimSpace(*text)
	if utf8.RuneCountInString(*text) < 2 {
		f.Add(path, "required")
		return
	}
	checkText(f, path, *text, limit)
}

// day reads an ISO date as midnight in the hospital's zone.
func (s *Service) day(path, text string) (time.Time, error) {
	t, err := time.ParseInLocation(time.DateOnly, text, s.zone)
	if err != nil {
		return t, errs.InvalidField(path, "booking.date_invalid")
	}
	return t, nil
}

// today is midnight of the current day in the hospital's zone.
func (s *Service) today() time.Time { return s.midnight(s.now()) }

// midnight is the beginning of the day of a time in the hospital's zone.
func (s *Service) midnight(t time.Time) time.Time {
	t = t.In(s.zone)
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, s.zone)
}

// longestAhead is how many days ahead anything can be booked at all.
const longestAhead = 366

// RulesChanged says that another policy is in force.
type RulesChanged struct{}

// auditRule appends an entry about a rule, a schedule or a penalty in the
// caller's transaction.
func (s *Service) auditRule(ctx context.Context, tx *store.Tx, who identity.Principal, action, object, objectID, patientID string, detail map[string]any) error {
	err := s.audit.Append(ctx, tx, audit.Entry{At: s.now(), Actor: who.UserID, ActorName: who.Name, Action: action, Object: object, ObjectID: objectID,
		Patient: patientID, IP: who.IP, RequestID: who.RequestID, Detail: detail})
	if err != nil {
		return fmt.Errorf("audit %s: %w", action, err)
	}
	return nil
}

// inside puts a prefix in front of the paths of an error's fields.
func inside(prefix string, err error) error {
	var e *errs.Error
	if !as(err, &e) || len(e.Fields) == 0 {
		return err
	}
	moved := *e
	moved.Fields = slices.Clone(e.Fields)
	for i := range moved.Fields {
		moved.Fields[i].Path = prefix + moved.Fields[i].Path
	}
	return &moved
}

// clock is a time as messages show it: in the hospital's zone.
func (s *Service) clock(t time.Time) string { return t.In(s.zone).Format("2006-01-02 15:04") }
