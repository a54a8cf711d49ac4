package portal

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
	"heartline/internal/platform/id"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// look notes in the audit log that an account saw or touched a person's data.
func (s *Service) look(ctx context.Context, tx *store.Tx, who identity.Principal, action, patientID, object, objectID string) error {
	return s.record(ctx, tx, who, audit.Entry{Action: action, Object: object, ObjectID: objectID, Patient: patientID})
}

// refused is the one answer to everything that is not the account's own,
// whether it exists or not.
func refused() error { return errs.New(errs.Denied, "booking.not_yours") }

// Deed is what an account wants with a person's data, for the audit log.
type Deed struct {
	Action   string // portal.…
	Object   string // appointment, card, …
	ObjectID string
}

// Own returns the acting account's member behind a patient and notes the deed;
// for anybody else's patient it notes the attempt and refuses it.
func (s *Service) Own(ctx context.Context, patientID string, d Deed) (Member, error) {
	return s.own(ctx, "patient_id", patientID, d)
}

// OwnMember is Own by the id of the member.
func (s *Service) OwnMember(ctx context.Context, memberID string, d Deed) (Member, error) {
	return s.own(ctx, "id", memberID, d)
}

func (s *Service) own(ctx context.Context, column, value string, d Deed) (Member, error) {
	who, accountID, err := actor(ctx)
	if err != nil {
		return Member{}, err
	}
	var found []Member
	err = s.db.Write(ctx, func(tx *store.Tx) (err error) {
		found = nil
		if value != "" {
			found, err = s.members(ctx, tx, "account_id = $1 AND state <> 'pending' AND "+column+" = $2", accountID, value)
		}
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return s.record(ctx, tx, who, audit.Entry{Action: "portal.refused", Object: d.Object, ObjectID: cut(d.ObjectID, 64),
				Detail: map[string]any{"why": "booking.not_yours", "deed": d.Action}})
		}
		return s.look(ctx, tx, who, d.Action, found[0].PatientID, d.Object, d.ObjectID)
	})
	if err != nil {
		return Member{}, fmt.Errorf("whose: %w", err)
	}
	if len(found) == 0 {
		return Member{}, refused()
	}
	return found[0], nil
}

// Members returns the acting account's people without noting a look; callers
// note what they show of each.
func (s *Service) Members(ctx context.Context) ([]Member, error) {
	_, accountID, err := actor(ctx)
	if err != nil {
		return nil, err
	}
	var list []Member
	err = s.db.Read(ctx, func(tx *store.Tx) (err error) {
		list, err = s.members(ctx, tx, "account_id = $1 AND state <> 'pending'", accountID)
		return err
	})
	return list, err
}

// Add joins a person to the acting account. The answer does not tell whether
// the hospital knew the person: a record that agrees in document, name and
// telephone is joined at once, anybody else becomes a new, unverified one.
func (s *Service) Add(ctx context.Context, in NewMember) (Member, error) {
	who, accountID, err := actor(ctx)
	if err != nil {
		return Member{}, err
	}
	m, err := s.checkMember(in)
	if err != nil {
		return Member{}, err
	}
	m.ID, m.AccountID, m.State, m.CreatedAt = id.New(), accountID, Pending, s.now()
	phone, guardian, err := s.reserve(ctx, who, &m, in)
	if err != nil {
		return Member{}, err
	}
	if err := s.join(ctx, who, &m, phone, guardian); err != nil {
		drop := s.db.Write(context.WithoutCancel(ctx), func(tx *store.Tx) error { return deleteMember(ctx, tx, m.ID) })
		if drop != nil {
			return Member{}, fmt.Errorf("add member: %w; and %w", err, drop)
		}
		return Member{}, err
	}
	m.Document = maskDocument(m.Document)
	return m, nil
}

// checkMember judges the form and fills in what the document says.
func (s *Service) checkMember(in NewMember) (Member, error) {
	var f errs.Fields
	m := Member{Name: strings.Join(strings.Fields(in.Name), " "), Relation: in.Relation, DocumentType: in.DocumentType, BirthDate: in.BirthDate, Sex: in.Sex}
	if n := utf8.RuneCountInString(m.Name); n < 2 || n > 60 || !utf8.ValidString(m.Name) || strings.ContainsFunc(m.Name, unicode.IsControl) ||
		!strings.ContainsFunc(m.Name, unicode.IsLetter) {
		f.Add("name", "portal.name_invalid")
	}
	if !slices.Contains(Relations(), m.Relation) {
		f.Add("relation", "not_allowed")
	}
	if m.DocumentType == Newborn {
		if in.GuardianID == "" || m.Relation != RelationChild {
			f.Add("guardian_id", "portal.guardian_needed")
		}
	} else {
		doc, fault := s.people.CheckDocument(m.DocumentType, in.Document, s.now())
		if fault != "" {
			f.Add("document", fault)
		}
		m.Document = doc.Number
		if doc.BirthDate != "" {
			m.BirthDate, m.Sex = doc.BirthDate, doc.Sex
		}
	}
	if t, err := time.Parse(time.DateOnly, m.BirthDate); err != nil || t.Year() < 1880 || t.After(s.now().Add(24*time.Hour)) {
		f.Add("birth_date", "portal.birth_needed")
	}
	if m.Sex != "male" && m.Sex != "female" {
		f.Add("sex", "portal.sex_needed")
	}
	return m, f.Err()
}

// reserve checks the limits and writes the member as pending. It returns the
// account's telephone and, for a child, the parent.
func (s *Service) reserve(ctx context.Context, who identity.Principal, m *Member, in NewMember) (phone string, guardian Member, err error) {
	var wait time.Duration
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		guardian = Member{}
		list, err := s.members(ctx, tx, "account_id = $1", m.AccountID)
		if err != nil {
			return err
		}
		for _, x := range list {
			if x.State == Pending && s.now().Sub(x.CreatedAt) > time.Minute { // of a program that ended in the middle
				if err := deleteMember(ctx, tx, x.ID); err != nil {
					return err
				}
			}
			if x.ID == in.GuardianID && m.DocumentType == Newborn {
				guardian = x
				if guardian.Document, err = s.documentOf(ctx, tx, x.ID); err != nil {
					return err
				}
			}
		}
		if m.DocumentType == Newborn && (guardian.ID == "" || guardian.DocumentType == Newborn) {
			return errs.InvalidField("guardian_id", "portal.guardian_needed")
		}
		if len(list) >= s.policy.Members {
			return errs.New(errs.Conflict, "portal.members_full", "most", s.policy.Members)
		}
		if wait, err = (limit{"add:" + m.AccountID, 24 * time.Hour, s.policy.AddsPerDay}).count(ctx, tx, s.now()); err != nil || wait > 0 {
			return err
		}
		if phone, err = s.phoneOf(ctx, tx, m.AccountID); err != nil {
			return err
		}
		return s.putMember(ctx, tx, *m, s.documentIndex(*m, guardian.ID))
	})
	switch {
	case store.IsUnique(err):
		return "", guardian, errs.New(errs.Conflict, "portal.member_twice")
	case err != nil:
		return "", guardian, err
	case wait > 0:
		return "", guardian, errs.New(errs.Limited, "portal.adds_wait", "hours", int(wait.Hours())+1)
	}
	return phone, guardian, nil
}

// documentIndex is the blind index of what names a member once per account.
func (s *Service) documentIndex(m Member, guardianID string) string {
	if m.DocumentType == Newborn {
		return s.keys.Index("portal.child", guardianID+":"+m.Name+":"+m.BirthDate)
	}
	return s.keys.Index("portal.document", m.DocumentType+":"+m.Document)
}

// join finds or makes the record and settles the member on it.
func (s *Service) join(ctx context.Context, who identity.Principal, m *Member, phone string, guardian Member) (err error) {
	if m.DocumentType == Newborn {
		if guardian.State == Verified {
			m.PatientID, err = s.people.Child(ctx, Guardian{PatientID: guardian.PatientID, Document: guardian.Document}, m.Name, m.BirthDate)
		}
	} else {
		m.PatientID, err = s.people.Match(ctx, Claim{Name: m.Name, DocumentType: m.DocumentType, Document: m.Document, Phone: phone})
	}
	if err != nil {
		return fmt.Errorf("find the member: %w", err)
	}
	m.State = Unverified
	if m.PatientID != "" {
		m.State, m.VerifiedAt, m.VerifiedBy = Verified, s.now(), "portal"
	} else {
		m.PatientID, err = s.people.Register(ctx, Newcomer{Name: m.Name, Sex: m.Sex, BirthDate: m.BirthDate, Phone: phone,
			GuardianID: guardian.PatientID, Relation: m.Relation})
		if err != nil {
			return fmt.Errorf("register the member: %w", err)
		}
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		same, err := s.members(ctx, tx, "account_id = $1 AND patient_id = $2", m.AccountID, m.PatientID)
		if err != nil {
			return err
		}
		if len(same) > 0 {
			return errs.New(errs.Conflict, "portal.member_twice")
		}
		if err := settleMember(ctx, tx, *m); err != nil {
			return err
		}
		return s.look(ctx, tx, who, "portal.member", m.PatientID, "portal_member", m.ID)
	})
}

// Remove takes a person off the acting account. The record stays.
func (s *Service) Remove(ctx context.Context, memberID string) error {
	if _, err := s.OwnMember(ctx, memberID, Deed{Action: "portal.member_off", Object: "portal_member", ObjectID: memberID}); err != nil {
		return err
	}
	err := s.db.Write(ctx, func(tx *store.Tx) error { return deleteMember(ctx, tx, memberID) })
	if err != nil {
		return fmt.Errorf("remove member: %w", err)
	}
	return nil
}

func maskDocument(number string) string {
	switch n := len(number); {
	case n == 0:
		return ""
	case n <= 4:
		return strings.Repeat("*", n)
	case n < 12:
		return number[:1] + strings.Repeat("*", n-3) + number[n-2:]
	default:
		return number[:4] + strings.Repeat("*", n-6) + number[n-2:]
	}
}
