package patient

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/event"
	"heartline/internal/platform/id"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// glassTime is how long an emergency access lasts.
const glassTime = 30 * time.Minute

// GlassBroken says that somebody took emergency access to a restricted record,
// so that whoever watches over privacy hears of it at once.
type GlassBroken struct {
	AccessID  string
	PatientID string
	UserID    string
}

// BreakGlass opens a restricted record to the acting person for half an hour.
// The reason is kept, audited, and must be reviewed by somebody else.
func (s *Service) BreakGlass(ctx context.Context, patientID, reason string) (Access, error) {
	who, err := identity.Require(ctx, identity.PatientBreakGlass)
	if err != nil {
		return Access{}, err
	}
	if reason, err = givenReason(reason); err != nil {
		return Access{}, err
	}
	var a Access
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		target, err := s.resolve(ctx, tx, patientID)
		if err != nil {
			return err
		}
		now := s.now()
		a = Access{ID: id.New(), PatientID: target, UserID: who.UserID, UserName: who.Name, Reason: reason, At: now, Until: now.Add(glassTime)}
		if err := insertAccess(ctx, tx, a); err != nil {
			return err
		}
		event.PublishTx(tx, s.bus, GlassBroken{AccessID: a.ID, PatientID: target, UserID: who.UserID})
		return s.auditTx(ctx, tx, who, "patient.break_glass", target, reason, map[string]any{"access": a.ID})
	})
	return a, err
}

// Accesses lists emergency accesses, newest first; patientID and pending
// narrow them.
func (s *Service) Accesses(ctx context.Context, patientID string, pending bool, cursor string, limit int) (list []Access, next string, err error) {
	if _, err := identity.Require(ctx, identity.PrivacyManage); err != nil {
		return nil, "", err
	}
	at, last, err := parseCursor(cursor)
	if err != nil {
		return nil, "", err
	}
	limit = pageSize(limit)
	err = s.db.Read(ctx, func(tx *store.Tx) (err error) {
		list, err = queryAccesses(ctx, tx, patientID, pending, at, last, limit+1)
		return err
	})
	if len(list) > limit {
		list = list[:limit]
		next = formatCursor(store.Millis(list[limit-1].At), list[limit-1].ID)
	}
	return list, next, err
}

// ReviewAccess notes that an emergency access was looked at, by somebody who
// did not take it.
func (s *Service) ReviewAccess(ctx context.Context, accessID, note string) error {
	who, err := identity.Require(ctx, identity.PrivacyManage)
	if err != nil {
		return err
	}
	if note, err = givenReason(note); err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		a, err := loadAccess(ctx, tx, accessID)
		if err != nil {
			return err
		}
		if a.UserID == who.UserID {
			return errs.New(errs.Denied, "patient.review_own_access")
		}
		if err := reviewAccess(ctx, tx, accessID, who.UserID, note, s.now()); err != nil {
			return err
		}
		return s.auditTx(ctx, tx, who, "patient.access_review", a.PatientID, note, map[string]any{"access": accessID})
	})
}

// givenReason checks the reason of something that is audited.
func givenReason(reason string) (string, error) {
	reason = strings.TrimSpace(reason)
	if n := utf8.RuneCountInString(reason); n < 2 || n > 200 || !utf8.ValidString(reason) || strings.ContainsRune(reason, 0) {
		return "", errs.InvalidField("reason", "patient.reason_needed")
	}
	return reason, nil
}

// viewable resolves the id of a record that may have been merged into another
// and refuses a restricted one to readers without emergency access.
func (s *Service) viewable(ctx context.Context, tx *store.Tx, who identity.Principal, patientID string) (string, error) {
	id, restricted, err := follow(ctx, tx, patientID)
	if err != nil || !restricted || trusted(who) {
		return id, err
	}
	ok, err := hasAccess(ctx, tx, id, who.UserID, s.now())
	if err == nil && !ok {
		err = errs.New(errs.Denied, "patient.restricted")
	}
	return id, err
}

// trusted reports whether the program itself acts.
func trusted(who identity.Principal) bool { return strings.HasPrefix(who.UserID, "system:") }

// resolve gives the id of the record that stands for patientID now.
func (s *Service) resolve(ctx context.Context, tx *store.Tx, patientID string) (string, error) {
	id, _, err := follow(ctx, tx, patientID)
	return id, err
}

// Resolve gives the id of the record that stands for patientID now: its own,
// or that of the record it was merged into.
func (s *Service) Resolve(ctx context.Context, tx *store.Tx, patientID string) (string, error) {
	return s.resolve(ctx, tx, patientID)
}

// SetRestricted marks a record as not to be used, or lifts that, in the
// caller's transaction; package privacy decides and audits.
func (s *Service) SetRestricted(ctx context.Context, tx *store.Tx, patientID string, on bool) error {
	if err := setRestricted(ctx, tx, patientID, on); err != nil {
		return err
	}
	event.PublishTx(tx, s.bus, Changed{PatientID: patientID})
	return nil
}
