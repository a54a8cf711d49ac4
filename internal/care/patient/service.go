package patient

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"heartline/internal/platform/audit"
	"heartline/internal/platform/crypto"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/event"
	"heartline/internal/platform/id"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/job"
	"heartline/internal/platform/store"
)

// Service is the record of people. Views show names, phones and addresses in
// full to readers with patient.reveal and masked to others; document numbers
// are masked for everybody until Reveal, with a reason.
type Service struct {
	db    *store.DB
	keys  *crypto.Keyring
	audit *audit.Log
	bus   *event.Bus
	now   func() time.Time
	zone  *time.Location // in which ages are counted
	jobs  *job.Queue     // nil: nothing runs behind
	parts []Mergeable    // what other packages keep by patient id
	scan  scanState
}

// New makes the service. zone is the hospital's; nil means UTC.
func New(db *store.DB, keys *crypto.Keyring, log *audit.Log, bus *event.Bus, now func() time.Time, zone *time.Location) *Service {
	if zone == nil {
		zone = time.UTC
	}
	return &Service{db: db, keys: keys, audit: log, bus: bus, now: now, zone: zone}
}

// Get returns a person's record; of one that was merged into another, that
// other. The look is audited in the same transaction. A restricted record opens
// only to emergency access.
func (s *Service) Get(ctx context.Context, patientID string) (Patient, error) {
	who, err := identity.Require(ctx, identity.PatientRead)
	if err != nil {
		return Patient{}, err
	}
	var r record
	err = s.db.Write(ctx, func(tx *store.Tx) (err error) {
		current, err := s.viewable(ctx, tx, who, patientID)
		if err != nil {
			return err
		}
		if r, err = s.load(ctx, tx, current); err != nil {
			return err
		}
		return s.auditTx(ctx, tx, who, "patient.view", current, "", nil)
	})
	if err != nil {
		return Patient{}, err
	}
	return view(r.Patient, who), nil
}

// view masks p for a reader.
func view(p Patient, who identity.Principal) Patient {
	full := who.Has(identity.PatientReveal)
	p.Phones, p.Identifiers = slices.Clone(p.Phones), slices.Clone(p.Identifiers)
	for i := range p.Identifiers {
		p.Identifiers[i].Value, p.Identifiers[i].Masked = MaskID(p.Identifiers[i].Value), true
	}
	if full {
		return p
	}
	for i := range p.Phones {
		p.Phones[i].Number, p.Phones[i].Masked = MaskPhone(p.Phones[i].Number), true
	}
	return maskPatient(p)
}

// Create validates and stores a new person. Field errors say what to correct;
// a document that already names somebody is a conflict.
func (s *Service) Create(ctx context.Context, p Patient) (Patient, error) {
	who, err := identity.Require(ctx, identity.PatientWrite)
	if err != nil {
		return Patient{}, err
	}
	p.ID, p.Version, p.CreatedAt, p.UpdatedAt = id.New(), 1, s.now(), s.now()
	p.Phones, p.Identifiers = slices.Clone(p.Phones), slices.Clone(p.Identifiers)
	clearIDs(&p)
	if err := normalise(&p, s.now()).Err(); err != nil {
		return Patient{}, err
	}
	wanted := p.Code
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		p.Code = wanted
		if err := s.references(ctx, tx, &p); err != nil {
			return err
		}
		if p.Code == "" {
			n, err := nextCodes(ctx, tx, 1)
			if err != nil {
				return err
			}
			p.Code = formatCode(n)
		}
		b := newBatches()
		b.patients.add(values(&record{Patient: p})...)
		if err := s.addDetails(b, &p); err != nil {
			return err
		}
		if err := b.flush(ctx, tx); err != nil {
			return err
		}
		if err := s.lookForDuplicates(ctx, tx, p.ID); err != nil {
			return err
		}
		event.PublishTx(tx, s.bus, Changed{PatientID: p.ID, Version: 1, Created: true})
		return s.auditTx(ctx, tx, who, "patient.create", p.ID, "", nil)
	})
	if err != nil {
		return Patient{}, taken(err)
	}
	return view(p, who), nil
}

// clearIDs makes sure that a new person brings no row ids of somebody else.
func clearIDs(p *Patient) {
	for i := range p.Phones {
		p.Phones[i].ID = ""
	}
	for i := range p.Identifiers {
		p.Identifiers[i].ID = ""
	}
}

// taken turns a violated unique index into a message about the code or the
// document.
func taken(err error) error {
	if !store.IsUnique(err) {
		return err
	}
	if strings.Contains(err.Error(), "insert patients") || strings.Contains(err.Error(), "update patient:") {
		return &errs.Error{Kind: errs.Conflict, Key: "patient.code_taken", Fields: errs.Fields{{Path: "code", Key: "patient.code_taken"}}}
	}
	return errs.Wrap(errs.Conflict, "patient.id_taken", err)
}

// Update stores a changed record. Version must be the one that was read.
// Phones and documents that still carry their id and their mask keep their
// numbers; masked texts that were not changed are kept as well.
func (s *Service) Update(ctx context.Context, p Patient) (Patient, error) {
	return s.Edit(ctx, p.ID, p.Version, func(stored *Patient) error {
		old := *stored
		keep := maskPatient(old)
		*stored = p
		for _, t := range []struct {
			in        *string
			mask, old string
		}{
			{&stored.Name, keep.Name, old.Name}, {&stored.NameLatin, keep.NameLatin, old.NameLatin},
			{&stored.BirthDate, keep.BirthDate, old.BirthDate}, {&stored.Email, keep.Email, old.Email},
			{&stored.WeChat, keep.WeChat, old.WeChat}, {&stored.Address.Detail, keep.Address.Detail, old.Address.Detail},
		} {
			if p.Masked && *t.in == t.mask {
				*t.in = t.old
			}
		}
		return nil
	})
}

// Edit loads a person in full, lets change alter the record, validates it and
// stores it. A version other than 0 must be the stored one.
func (s *Service) Edit(ctx context.Context, patientID string, version int64, change func(p *Patient) error) (Patient, error) {
	who, err := identity.Require(ctx, identity.PatientWrite)
	if err != nil {
		return Patient{}, err
	}
	var r record
	err = s.db.Write(ctx, func(tx *store.Tx) (err error) {
		if r, err = s.editable(ctx, tx, who, patientID, version); err != nil {
			return err
		}
		old := r.Patient
		old.Phones, old.Identifiers = slices.Clone(r.Phones), slices.Clone(r.Identifiers)
		if err := change(&r.Patient); err != nil {
			return err
		}
		keepOwn(&r.Patient, old, s.now())
		keepNumbers(&r.Patient, old)
		if err := normalise(&r.Patient, s.now()).Err(); err != nil {
			return err
		}
		if err := s.references(ctx, tx, &r.Patient); err != nil {
			return err
		}
		if err := updatePatient(ctx, tx, &r); err != nil {
			return err
		}
		if err := s.replaceDetails(ctx, tx, &r.Patient); err != nil {
			return err
		}
		if err := s.note(ctx, tx, who, SourceEdit, old, r.Patient); err != nil {
			return err
		}
		if err := s.lookForDuplicates(ctx, tx, r.ID); err != nil {
			return err
		}
		event.PublishTx(tx, s.bus, Changed{PatientID: r.ID, Version: r.Version})
		return s.auditTx(ctx, tx, who, "patient.update", r.ID, "", map[string]any{"fields": changedFields(old, r.Patient)})
	})
	if err != nil {
		return Patient{}, taken(err)
	}
	return view(r.Patient, who), nil
}

// editable loads a record to be changed: the version that was read, no merged
// or erased one, and a restricted one only with emergency access.
func (s *Service) editable(ctx context.Context, tx *store.Tx, who identity.Principal, patientID string, version int64) (record, error) {
	r, err := s.load(ctx, tx, patientID)
	if err != nil {
		return r, err
	}
	if err := gone(r.Patient); err != nil {
		return r, err
	}
	if _, err := s.viewable(ctx, tx, who, patientID); err != nil {
		return r, err
	}
	if version != 0 && version != r.Version {
		return r, errs.New(errs.Conflict, "patient.version_conflict", "version", r.Version)
	}
	return r, nil
}

// keepOwn puts back what no edit changes.
func keepOwn(p *Patient, old Patient, now time.Time) {
	p.ID, p.Version, p.CreatedAt, p.UpdatedAt = old.ID, old.Version+1, old.CreatedAt, now
	p.MergedInto, p.Restricted, p.ErasedAt = old.MergedInto, old.Restricted, old.ErasedAt
	if p.Code == "" {
		p.Code = old.Code
	}
}

// keepNumbers puts back the numbers of phones and documents that came back
// masked, and refuses row ids that belong to nobody or to somebody else.
func keepNumbers(p *Patient, old Patient) {
	phones := make(map[string]string)
	for _, ph := range old.Phones {
		phones[ph.ID] = ph.Number
	}
	p.Phones = slices.Clone(p.Phones)
	for i := range p.Phones {
		ph := &p.Phones[i]
		was, ok := phones[ph.ID]
		switch {
		case !ok:
			ph.ID = ""
		case ph.Masked || ph.Number == MaskPhone(was):
			ph.Number = was
		}
		ph.Masked, ph.stored = false, ok && ph.Number == was
	}
	docs := make(map[string]string)
	for _, d := range old.Identifiers {
		docs[d.ID] = d.Value
	}
	p.Identifiers = slices.Clone(p.Identifiers)
	for i := range p.Identifiers {
		d := &p.Identifiers[i]
		was, ok := docs[d.ID]
		switch {
		case !ok:
			d.ID = ""
		case d.Masked || d.Value == MaskID(was):
			d.Value = was
		}
		d.Masked = false
	}
	p.Masked = false
}

// changedFields names what an update changed, for the audit log; never values.
func changedFields(a, b Patient) []string {
	out := []string{}
	for _, c := range changes(a, b) {
		out = append(out, c.Field)
	}
	return out
}

// Reveal returns one field in full: name, birth_date, email, wechat, address,
// phone:<id> or identifier:<id>. The reason goes to the audit log.
func (s *Service) Reveal(ctx context.Context, patientID, field, reason string) (string, error) {
	who, err := identity.Require(ctx, identity.PatientReveal)
	if err != nil {
		return "", err
	}
	if reason, err = givenReason(reason); err != nil {
		return "", err
	}
	var out string
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		if patientID, err = s.viewable(ctx, tx, who, patientID); err != nil {
			return err
		}
		r, err := s.load(ctx, tx, patientID)
		if err != nil {
			return err
		}
		var ok bool
		if out, ok = fieldOf(r.Patient, field); !ok {
			return errs.InvalidField("field", "patient.field_unknown")
		}
		name, _, _ := strings.Cut(field, ":")
		return s.auditTx(ctx, tx, who, "patient.reveal", patientID, reason, map[string]any{"field": name})
	})
	if err != nil {
		return "", err
	}
	return out, nil
}

func fieldOf(p Patient, field string) (string, bool) {
	kind, rowID, _ := strings.Cut(field, ":")
	switch kind {
	case "name":
		return p.Name, true
	case "birth_date":
		return p.BirthDate, true
	case "email":
		return p.Email, true
	case "wechat":
		return p.WeChat, true
	case "address":
		a := p.Address
		return a.Province + a.City + a.District + a.Street + a.Detail, true
	case "phone":
		for _, ph := range p.Phones {
			if ph.ID == rowID {
				return ph.Number, true
			}
		}
	case "identifier":
		for _, d := range p.Identifiers {
			if d.ID == rowID {
				return d.Value, true
			}
		}
	}
	return "", false
}

// auditTx appends an entry about a person in the caller's transaction.
func (s *Service) auditTx(ctx context.Context, tx *store.Tx, who identity.Principal, action, patientID, reason string, detail map[string]any) error {
	err := s.audit.Append(ctx, tx, audit.Entry{
		At: s.now(), Actor: who.UserID, ActorName: who.Name, Action: action, Object: "patient", ObjectID: patientID,
		Patient: patientID, Reason: reason, IP: who.IP, RequestID: who.RequestID, Detail: detail,
	})
	if err != nil {
		return fmt.Errorf("audit %s: %w", action, err)
	}
	return nil
}

// full reports whether a reader sees names and phones unmasked.
func full(who identity.Principal) bool { return who.Has(identity.PatientReveal) }
