package consent

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
	"heartline/internal/platform/event"
	"heartline/internal/platform/id"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// Deps are what the service works with.
type Deps struct {
	DB     *store.DB
	Audit  *audit.Log
	Bus    *event.Bus
	Now    func() time.Time
	Zone   *time.Location // in which ages are counted; UTC when nil
	People People
}

// Service keeps consents.
type Service struct{ d Deps }

// New makes the service.
func New(d Deps) *Service {
	if d.Zone == nil {
		d.Zone = time.UTC
	}
	return &Service{d: d}
}

// Allowed reports whether a person may be contacted, or the data used, for a
// purpose by a channel. An unknown purpose is never allowed.
func (s *Service) Allowed(ctx context.Context, patientID, purpose, channel string) (ok bool, err error) {
	err = s.d.DB.Read(ctx, func(tx *store.Tx) (err error) {
		ok, err = s.AllowedTx(ctx, tx, patientID, purpose, channel)
		return err
	})
	return ok, err
}

// AllowedTx is Allowed in the caller's transaction.
func (s *Service) AllowedTx(ctx context.Context, tx *store.Tx, patientID, purpose, channel string) (bool, error) {
	p, err := s.d.People.Person(ctx, tx, patientID)
	if err != nil {
		return false, err
	}
	what, err := loadPurpose(ctx, tx, purpose)
	if errs.Is(err, errs.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if !slices.Contains(what.Channels, channel) {
		if !slices.Equal(what.Channels, []string{AnyChannel}) {
			return false, nil
		}
		channel = AnyChannel
	}
	last, decided, err := latest(ctx, tx, p.ID, purpose, channel)
	return err == nil && allowed(p, what, last, decided), err
}

// Purposes lists what data may be used for.
func (s *Service) Purposes(ctx context.Context) (list []Purpose, err error) {
	if _, err := identity.Require(ctx, identity.PatientRead); err != nil {
		return nil, err
	}
	err = s.d.DB.Read(ctx, func(tx *store.Tx) (err error) {
		list, err = purposes(ctx, tx)
		return err
	})
	return list, err
}

// Texts lists the versions of a purpose's text, newest first.
func (s *Service) Texts(ctx context.Context, purpose string) (list []Text, err error) {
	if _, err := identity.Require(ctx, identity.PatientRead); err != nil {
		return nil, err
	}
	err = s.d.DB.Read(ctx, func(tx *store.Tx) (err error) {
		list, err = texts(ctx, tx, purpose)
		return err
	})
	return list, err
}

// AddText publishes the next version of a purpose's text in one language.
// Consents keep the version that they were given to.
func (s *Service) AddText(ctx context.Context, t Text) (Text, error) {
	who, err := identity.Require(ctx, identity.PrivacyManage)
	if err != nil {
		return Text{}, err
	}
	t.Text = strings.TrimSpace(t.Text)
	if n := utf8.RuneCountInString(t.Text); n < 10 || n > 20000 || !utf8.ValidString(t.Text) || strings.ContainsRune(t.Text, 0) {
		return Text{}, errs.InvalidField("text", "consent.text_length")
	}
	if t.Language != "zh-CN" && t.Language != "en" {
		return Text{}, errs.InvalidField("language", "not_allowed")
	}
	err = s.d.DB.Write(ctx, func(tx *store.Tx) error {
		if _, err := loadPurpose(ctx, tx, t.Purpose); err != nil {
			return err
		}
		n, err := lastVersion(ctx, tx, t.Purpose, t.Language)
		if err != nil {
			return err
		}
		t.ID, t.Version, t.CreatedAt, t.CreatedBy = id.New(), n+1, s.d.Now(), who.UserID
		if err := insertText(ctx, tx, t); err != nil {
			return err
		}
		return s.record(ctx, tx, who, "consent.text", "", map[string]any{"purpose": t.Purpose, "version": t.Version})
	})
	return t, err
}

// Of tells where a person stands, for every active purpose and channel. The
// look is audited.
func (s *Service) Of(ctx context.Context, patientID string) (list []Current, err error) {
	who, err := identity.Require(ctx, identity.PatientRead)
	if err != nil {
		return nil, err
	}
	err = s.d.DB.Write(ctx, func(tx *store.Tx) error {
		p, err := s.d.People.Person(ctx, tx, patientID)
		if err != nil {
			return err
		}
		if list, err = s.standing(ctx, tx, p); err != nil {
			return err
		}
		return s.record(ctx, tx, who, "consent.view", p.ID, nil)
	})
	return list, err
}

func (s *Service) standing(ctx context.Context, tx *store.Tx, p Person) ([]Current, error) {
	all, err := purposes(ctx, tx)
	if err != nil {
		return nil, err
	}
	out := []Current{}
	for _, purpose := range all {
		for _, channel := range purpose.Channels {
			last, decided, err := latest(ctx, tx, p.ID, purpose.Code, channel)
			if err != nil {
				return nil, err
			}
			c := Current{Purpose: purpose, Channel: channel, Entry: last, Decided: decided, Allowed: allowed(p, purpose, last, decided)}
			if decided && last.TextVersion > 0 {
				n, err := lastVersion(ctx, tx, purpose.Code, last.TextLanguage)
				if err != nil {
					return nil, err
				}
				c.Outdated = n > last.TextVersion
			}
			out = append(out, c)
		}
	}
	return out, nil
}

// History lists every decision of a person, newest first.
func (s *Service) History(ctx context.Context, patientID string) (list []Entry, err error) {
	if _, err := identity.Require(ctx, identity.PatientRead); err != nil {
		return nil, err
	}
	err = s.d.DB.Read(ctx, func(tx *store.Tx) error {
		p, err := s.d.People.Person(ctx, tx, patientID)
		if err == nil {
			list, err = history(ctx, tx, p.ID)
		}
		return err
	})
	return list, err
}

// Decide adds a decision. A sensitive purpose wants evidence; for a child the
// guardian decides; withdrawing is as easy as agreeing and wants neither text
// nor evidence.
func (s *Service) Decide(ctx context.Context, e Entry) (Entry, error) {
	who, err := identity.Require(ctx, identity.PatientWrite)
	if err != nil {
		return Entry{}, err
	}
	e.Note, e.EvidenceRef = strings.TrimSpace(e.Note), strings.TrimSpace(e.EvidenceRef)
	if err := checkEntry(e); err != nil {
		return Entry{}, err
	}
	err = s.d.DB.Write(ctx, func(tx *store.Tx) error {
		in := e
		p, err := s.d.People.Person(ctx, tx, in.PatientID)
		if err != nil {
			return err
		}
		if p.Erased {
			return errs.New(errs.Conflict, "patient.erased")
		}
		purpose, err := loadPurpose(ctx, tx, in.Purpose)
		if err != nil {
			return err
		}
		if err := s.fits(ctx, tx, &in, p, purpose); err != nil {
			return err
		}
		in.ID, in.PatientID, in.At, in.Actor, in.ActorName = id.New(), p.ID, s.d.Now(), who.UserID, who.Name
		if err := insertEntry(ctx, tx, in); err != nil {
			return err
		}
		event.PublishTx(tx, s.d.Bus, Changed{PatientID: p.ID, Purpose: in.Purpose, Channel: in.Channel, Decision: in.Decision})
		tx.AfterCommit(func() { e = in })
		return s.record(ctx, tx, who, "consent."+in.Decision, p.ID, map[string]any{"purpose": in.Purpose, "channel": in.Channel, "version": in.TextVersion})
	})
	return e, err
}

// fits checks a decision against its purpose, its text and the person.
func (s *Service) fits(ctx context.Context, tx *store.Tx, e *Entry, p Person, purpose Purpose) error {
	var f errs.Fields
	if !slices.Contains(purpose.Channels, e.Channel) {
		f.Add("channel", "not_allowed")
	}
	if e.Decision != Granted {
		return f.Err()
	}
	n, err := lastVersion(ctx, tx, e.Purpose, e.TextLanguage)
	if err != nil {
		return err
	}
	if purpose.Basis == BasisConsent && n == 0 {
		f.Add("text_language", "consent.no_text")
	} else if e.TextVersion == 0 {
		e.TextVersion = n
	}
	if e.TextVersion != n {
		f.Add("text_version", "consent.text_outdated")
	}
	if purpose.Sensitive && (e.Evidence == "" || e.EvidenceRef == "") {
		f.Add("evidence", "consent.evidence_needed")
	}
	if minor(p.BirthDate, s.d.Now().In(s.d.Zone)) {
		switch {
		case e.GivenBy != ByGuardian:
			f.Add("given_by", "consent.guardian_needed")
		case e.GuardianID == "":
			e.GuardianID = p.GuardianID
		}
		if e.GivenBy == ByGuardian && (e.GuardianID == "" || (p.GuardianID != "" && e.GuardianID != p.GuardianID)) {
			f.Add("guardian_id", "consent.guardian_unknown")
		}
	}
	return f.Err()
}

func checkEntry(e Entry) error {
	var f errs.Fields
	if !slices.Contains([]string{Granted, Refused, Withdrawn}, e.Decision) {
		f.Add("decision", "not_allowed")
	}
	if !slices.Contains([]string{"", EvidenceCall, EvidenceForm, EvidencePortal, EvidenceSMS, EvidenceOnSite}, e.Evidence) {
		f.Add("evidence", "not_allowed")
	}
	if !slices.Contains([]string{BySelf, ByGuardian}, e.GivenBy) {
		f.Add("given_by", "not_allowed")
	}
	for _, t := range []struct {
		path, text string
		limit      int
	}{{"evidence_ref", e.EvidenceRef, 100}, {"note", e.Note, 500}, {"text_language", e.TextLanguage, 10}, {"guardian_id", e.GuardianID, 64}} {
		if utf8.RuneCountInString(t.text) > t.limit {
			f.Add(t.path, "too_long")
		}
		if !utf8.ValidString(t.text) || strings.ContainsFunc(t.text, unicode.IsControl) {
			f.Add(t.path, "bad_characters")
		}
	}
	return f.Err()
}

func (s *Service) record(ctx context.Context, tx *store.Tx, who identity.Principal, action, patientID string, detail map[string]any) error {
	err := s.d.Audit.Append(ctx, tx, audit.Entry{At: s.d.Now(), Actor: who.UserID, ActorName: who.Name, Action: action, Object: "consent",
		ObjectID: patientID, Patient: patientID, IP: who.IP, RequestID: who.RequestID, Detail: detail})
	if err != nil {
		return fmt.Errorf("audit %s: %w", action, err)
	}
	return nil
}
