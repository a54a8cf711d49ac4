package portal

import (
	"context"
	"fmt"

	"heartline/internal/platform/audit"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// Unverified lists, oldest first, the members whose document the desk has yet
// to see: those of one patient, or all.
func (s *Service) Unverified(ctx context.Context, patientID string) ([]Member, error) {
	who, err := identity.Require(ctx, identity.PatientRead)
	if err != nil {
		return nil, err
	}
	var list []Member
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		where, args := "state = 'unverified'", []any{}
		if patientID != "" {
			where, args = "state = 'unverified' AND patient_id = $1", []any{patientID}
		}
		if list, err = s.members(ctx, tx, where, args...); err != nil {
			return err
		}
		for _, m := range list {
			if err := s.look(ctx, tx, who, "portal.unverified", m.PatientID, "portal_member", m.ID); err != nil {
				return err
			}
		}
		return nil
	})
	return list, err
}

// Verify says that the desk has seen the document of an unverified member, and
// puts it onto the member's record. A document that names somebody else's
// record already is a conflict: the two are one person and want merging first.
func (s *Service) Verify(ctx context.Context, memberID string) (Member, error) {
	who, err := identity.Require(ctx, identity.PatientWrite)
	if err != nil {
		return Member{}, err
	}
	var m Member
	var number string
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		list, err := s.members(ctx, tx, "id = $1", memberID)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return errs.New(errs.NotFound, "not_found")
		}
		if m = list[0]; m.State != Unverified {
			return errs.New(errs.Conflict, "portal.member_verified")
		}
		number, err = s.documentOf(ctx, tx, memberID)
		return err
	})
	if err != nil {
		return Member{}, err
	}
	if m.DocumentType != Newborn {
		if err := s.people.Attach(ctx, m.PatientID, m.DocumentType, number); err != nil {
			return Member{}, fmt.Errorf("attach document: %w", err)
		}
	}
	m.State, m.VerifiedAt, m.VerifiedBy = Verified, s.now(), who.UserID
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		if err := settleMember(ctx, tx, m); err != nil {
			return err
		}
		return s.record(ctx, tx, who, audit.Entry{Action: "portal.verify", Object: "portal_member", ObjectID: m.ID, Patient: m.PatientID})
	})
	return m, err
}

// Reject takes an unverified member off its account: the document was not
// theirs.
func (s *Service) Reject(ctx context.Context, memberID string) error {
	who, err := identity.Require(ctx, identity.PatientWrite)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		list, err := s.members(ctx, tx, "id = $1 AND state = 'unverified'", memberID)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return errs.New(errs.NotFound, "not_found")
		}
		if err := deleteMember(ctx, tx, memberID); err != nil {
			return err
		}
		return s.record(ctx, tx, who, audit.Entry{Action: "portal.reject", Object: "portal_member", ObjectID: memberID, Patient: list[0].PatientID})
	})
}

// Declared reports whether an account holder stated a checked document for a
// patient who has none on record yet. Real-name rules may accept that until
// the visit.
func (s *Service) Declared(ctx context.Context, tx *store.Tx, patientID string) (bool, error) {
	n, err := countDeclared(ctx, tx, patientID)
	return n > 0, err
}
