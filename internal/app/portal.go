package app

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"heartline/internal/care/patient"
	"heartline/internal/care/portal"
	"heartline/internal/contact/messaging"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// openPortal builds the accounts of the patients' portal, which meet the
// records of patients and the messages here.
func (a *App) openPortal() {
	a.portal = portal.New(portal.Deps{DB: a.db, Keys: a.keys, Audit: a.audit, Now: a.now,
		People: portalPeople{a.patients}, Codes: portalCodes{a.messages}})
	a.patients.Register(patient.RowsOf("portal", "portal_members", "patient_id"))
}

// declared reports whether somebody stated a document for a patient at the
// portal. It counts as a real name until the visit, when the desk looks at it.
func (a *App) declared(ctx context.Context, tx *store.Tx, patientID string) (bool, error) {
	if a.portal == nil {
		return false, nil
	}
	return a.portal.Declared(ctx, tx, patientID)
}

// portalCodes sends sign-in codes as messages.
type portalCodes struct{ messages *messaging.Service }

// SendCode implements portal.CodeSender.
func (p portalCodes) SendCode(ctx context.Context, tx *store.Tx, c portal.Code) error {
	_, err := p.messages.Queue(ctx, tx, messaging.Outgoing{To: c.Phone, Template: messaging.KindCode, Lang: c.Lang, Class: messaging.ClassOTP,
		Params: map[string]string{"code": c.Code, "minutes": strconv.Itoa(c.Minutes)}, Key: c.Key})
	return err
}

// portalPeople answers the portal from the records. An account may not read
// records itself; what is asked here is asked in its name, so that the audit
// log shows who wanted to know.
type portalPeople struct{ patients *patient.Service }

// raised lets the acting account do one thing more, under its own name.
func raised(ctx context.Context, more ...identity.Permission) context.Context {
	p, _ := identity.From(ctx)
	perms := make(map[identity.Permission]bool, len(p.Permissions)+len(more))
	for x := range p.Permissions {
		perms[x] = true
	}
	for _, x := range more {
		perms[x] = true
	}
	p.Permissions = perms
	return identity.With(ctx, p)
}

// CheckDocument implements portal.People.
func (p portalPeople) CheckDocument(kind, number string, now time.Time) (portal.Document, string) {
	if !slices.Contains([]string{patient.IDCard, patient.Passport, patient.HKMacao, patient.Taiwan, patient.Residence}, kind) {
		return portal.Document{}, "not_allowed"
	}
	info, fault := patient.ParseID(kind, number, now)
	return portal.Document{Number: info.Number, BirthDate: info.BirthDate, Sex: info.Sex}, fault
}

// Match implements portal.People: the holder of the document, if name and
// telephone are those on the record.
func (p portalPeople) Match(ctx context.Context, c portal.Claim) (string, error) {
	ctx = raised(ctx, identity.PatientRead, identity.PatientReveal)
	hits, err := p.patients.Search(ctx, c.Document, 20)
	if err != nil {
		return "", fmt.Errorf("find document: %w", err)
	}
	for _, h := range hits {
		if h.Match != patient.MatchID {
			continue
		}
		record, err := p.read(ctx, h.ID)
		if err != nil {
			return "", err
		}
		if sameName(record.Name, c.Name) && hasDocument(record, c) && hasPhone(record, c.Phone) {
			return record.ID, nil
		}
	}
	return "", nil
}

func sameName(a, b string) bool {
	fold := func(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), "")) }
	return fold(a) == fold(b)
}

func hasDocument(record patient.Patient, c portal.Claim) bool {
	return slices.ContainsFunc(record.Identifiers, func(d patient.Identifier) bool {
		return d.Type == c.DocumentType && d.Value == patient.MaskID(c.Document)
	})
}

func hasPhone(record patient.Patient, phone string) bool {
	return slices.ContainsFunc(record.Phones, func(ph patient.Phone) bool { return ph.Number == phone })
}

// Child implements portal.People: children without a document are found under
// that of their guardian.
func (p portalPeople) Child(ctx context.Context, g portal.Guardian, name, birthDate string) (string, error) {
	ctx = raised(ctx, identity.PatientRead, identity.PatientReveal)
	hits, err := p.patients.Search(ctx, g.Document, 50)
	if err != nil {
		return "", fmt.Errorf("find children: %w", err)
	}
	for _, h := range hits {
		if h.GuardianID != g.PatientID || !sameName(h.Name, name) {
			continue
		}
		record, err := p.read(ctx, h.ID)
		if err != nil {
			return "", err
		}
		if record.BirthDate == birthDate {
			return record.ID, nil
		}
	}
	return "", nil
}

// read returns a record; one that is closed even to staff is as good as none.
func (p portalPeople) read(ctx context.Context, patientID string) (patient.Patient, error) {
	record, err := p.patients.Get(ctx, patientID)
	if errs.Is(err, errs.Denied) || errs.Is(err, errs.NotFound) {
		return patient.Patient{}, nil
	}
	if err != nil {
		return record, fmt.Errorf("read record: %w", err)
	}
	return record, nil
}

// Register implements portal.People.
func (p portalPeople) Register(ctx context.Context, n portal.Newcomer) (string, error) {
	person := patient.Patient{Name: n.Name, Sex: n.Sex, BirthDate: n.BirthDate, GuardianID: n.GuardianID, Lifecycle: patient.Potential,
		Phones: []patient.Phone{{Number: n.Phone, Type: patient.PhoneMobile, Owner: phoneOwner(n.Relation), Primary: true}}}
	if n.GuardianID != "" {
		person.Identifiers = []patient.Identifier{{Type: patient.Newborn}}
	}
	created, err := p.patients.Create(raised(ctx, identity.PatientWrite), person)
	return created.ID, err
}

// phoneOwner says whose telephone it is when it is not the patient's own.
func phoneOwner(relation string) string {
	if relation == portal.RelationSelf {
		return ""
	}
	return "family"
}

// Attach implements portal.People. The context is that of the desk.
func (p portalPeople) Attach(ctx context.Context, patientID, kind, number string) error {
	_, err := p.patients.Edit(ctx, patientID, 0, func(record *patient.Patient) error {
		if !slices.ContainsFunc(record.Identifiers, func(d patient.Identifier) bool { return d.Type == kind && d.Value == number }) {
			record.Identifiers = append(record.Identifiers, patient.Identifier{Type: kind, Value: number})
		}
		return nil
	})
	return err
}
