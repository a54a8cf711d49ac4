package api

import (
	"context"

	"heartline/internal/care/patient"
	"heartline/internal/platform/identity"
)

func patientHit(c patient.Card, match string) PatientHit {
	return PatientHit{
		ID: c.ID, Code: c.Code, Name: c.Name, Sex: sexOf(c.Sex), Age: c.Age, BirthYear: c.BirthYear, PhoneMasked: c.Phone, District: c.District,
		Tags: some(c.Tags), Allergies: some(c.Allergies), Lifecycle: c.Lifecycle, VIP: c.VIP, Language: c.Language, GuardianID: c.GuardianID, Restricted: c.Restricted,
		LastSeen: maybe(c.LastSeen), Match: match,
	}
}

func timelineRow(e patient.TimelineEntry) TimelineRow {
	return TimelineRow{ID: e.ID, PatientID: e.PatientID, At: utc(e.At), Kind: e.Kind, Title: e.Title, Summary: e.Summary,
		Department: e.Department, Doctor: e.Doctor, SourceID: e.SourceID}
}

func (s *Server) patientView(p patient.Patient) Patient {
	return Patient{
		ID: p.ID, Version: p.Version, Code: p.Code, Pinyin: p.Pinyin, Age: p.Age(s.now().In(s.zone())), Household: p.HouseholdID, Masked: p.Masked,
		Restricted: p.Restricted, Erased: !p.ErasedAt.IsZero(), CreatedAt: utc(p.CreatedAt), UpdatedAt: utc(p.UpdatedAt),
		PatientFields: PatientFields{
			Name: p.Name, NameLatin: p.NameLatin, Sex: sexOf(p.Sex), BirthDate: p.BirthDate, Email: p.Email, WeChat: p.WeChat, Address: Address(p.Address),
			Nationality: p.Nationality, Ethnicity: p.Ethnicity, Industry: p.Industry, Occupation: p.Occupation, Insurance: p.Insurance,
			Allergies: some(p.Allergies), HereditaryDiseases: some(p.HereditaryDiseases), HeartHistory: p.HeartHistory,
			DonationBehaviour: p.DonationBehaviour, Tags: some(p.Tags), Language: p.Language, Channel: p.Channel, Lifecycle: p.Lifecycle,
			VIP: p.VIP, GuardianID: p.GuardianID, Notes: p.Notes,
		},
		Identifiers: mapped(p.Identifiers, func(x patient.Identifier) IdentifierView {
			return IdentifierView{ID: x.ID, Type: x.Type, Value: x.Value, Masked: x.Masked}
		}),
		Phones: mapped(p.Phones, func(x patient.Phone) PhoneView {
			return PhoneView{ID: x.ID, Number: x.Number, Type: x.Type, Owner: x.Owner, Primary: x.Primary, Masked: x.Masked}
		}),
	}
}

func (s *Server) patientOut(p patient.Patient, err error) (*Out[Patient], error) {
	if err != nil {
		return nil, err
	}
	return out(s.patientView(p)), nil
}

func (s *Server) findPatients(ctx context.Context, in *PatientQuery) (*Out[List[PatientHit]], error) {
	hits, err := s.deps.Patients.Search(ctx, in.Q, in.Limit)
	if err != nil {
		return nil, err
	}
	return listOf(hits, func(h patient.Hit) PatientHit { return patientHit(h.Card, h.Match) }, ""), nil
}

func (s *Server) createPatient(ctx context.Context, in *PatientCreateInput) (*Out[Patient], error) {
	b := in.Body
	p := b.patient()
	p.Identifiers, p.Phones = identifiers(b.Identifiers), phones(b.Phones)
	return s.patientOut(s.deps.Patients.Create(ctx, p))
}

func (f PatientFields) patient() patient.Patient {
	return patient.Patient{
		Name: f.Name, NameLatin: f.NameLatin, Sex: f.Sex, BirthDate: f.BirthDate, Email: f.Email, WeChat: f.WeChat, Address: patient.Address(f.Address),
		Nationality: f.Nationality, Ethnicity: f.Ethnicity, Industry: f.Industry, Occupation: f.Occupation, Insurance: f.Insurance,
		Allergies: f.Allergies, HereditaryDiseases: f.HereditaryDiseases, HeartHistory: f.HeartHistory, DonationBehaviour: f.DonationBehaviour,
		Tags: f.Tags, Language: f.Language, Channel: f.Channel, Lifecycle: f.Lifecycle, VIP: f.VIP, GuardianID: f.GuardianID, Notes: f.Notes,
	}
}

// identifiers turns input into documents; one with an id and no value is the
// stored one.
func identifiers(in []IdentifierInput) []patient.Identifier {
	return mapped(in, func(x IdentifierInput) patient.Identifier {
		return patient.Identifier{ID: x.ID, Type: x.Type, Value: x.Value, Masked: x.ID != "" && x.Value == ""}
	})
}

func phones(in []PhoneInput) []patient.Phone {
	return mapped(in, func(x PhoneInput) patient.Phone {
		return patient.Phone{ID: x.ID, Number: x.Number, Type: x.Type, Owner: x.Owner, Primary: x.Primary, Masked: x.ID != "" && x.Number == ""}
	})
}

func (s *Server) getPatient(ctx context.Context, in *ByID) (*Out[Patient], error) {
	return s.patientOut(s.deps.Patients.Get(ctx, in.ID))
}

func (s *Server) updatePatient(ctx context.Context, in *PatientPatchInput) (*Out[Patient], error) {
	return s.patientOut(s.deps.Patients.Edit(ctx, in.ID, in.Body.Version, func(p *patient.Patient) error {
		in.Body.apply(p)
		return nil
	}))
}

// set changes a field that the request brings.
func set[T any](field *T, value *T) {
	if value != nil {
		*field = *value
	}
}

func (b PatientPatch) apply(p *patient.Patient) {
	set(&p.Name, b.Name)
	set(&p.NameLatin, b.NameLatin)
	set(&p.Sex, b.Sex)
	set(&p.BirthDate, b.BirthDate)
	set(&p.Email, b.Email)
	set(&p.WeChat, b.WeChat)
	if b.Address != nil {
		p.Address = patient.Address(*b.Address)
	}
	set(&p.Nationality, b.Nationality)
	set(&p.Ethnicity, b.Ethnicity)
	set(&p.Industry, b.Industry)
	set(&p.Occupation, b.Occupation)
	set(&p.Insurance, b.Insurance)
	set(&p.Allergies, b.Allergies)
	set(&p.HereditaryDiseases, b.HereditaryDiseases)
	set(&p.HeartHistory, b.HeartHistory)
	set(&p.DonationBehaviour, b.DonationBehaviour)
	set(&p.Tags, b.Tags)
	set(&p.Language, b.Language)
	set(&p.Channel, b.Channel)
	set(&p.Lifecycle, b.Lifecycle)
	set(&p.VIP, b.VIP)
	set(&p.GuardianID, b.GuardianID)
	set(&p.Notes, b.Notes)
	if b.Identifiers != nil {
		p.Identifiers = identifiers(*b.Identifiers)
	}
	if b.Phones != nil {
		p.Phones = phones(*b.Phones)
	}
}

func (s *Server) getTimeline(ctx context.Context, in *TimelineQuery) (*Out[List[TimelineRow]], error) {
	if err := in.check(0); err != nil {
		return nil, err
	}
	page, err := s.deps.Patients.Timeline(ctx, in.ID, patient.TimelineFilter{Kinds: in.Kinds, From: in.From, To: in.To, Family: in.Family, Limit: in.Limit}, in.Cursor)
	if err != nil {
		return nil, err
	}
	return listOf(page.Entries, timelineRow, page.Next), nil
}

func (s *Server) getFamily(ctx context.Context, in *ByID) (*Out[FamilyView], error) {
	h, err := s.deps.Patients.Family(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return out(FamilyView{ID: h.ID, Name: h.Name, Members: mapped(h.Members, func(m patient.Member) FamilyMember {
		return FamilyMember{PatientHit: patientHit(m.Card, ""), Relation: m.Relation}
	})}), nil
}

func (s *Server) revealField(ctx context.Context, in *RevealInput) (*Out[Revealed], error) {
	if _, err := identity.Require(ctx, identity.PatientReveal); err != nil {
		return nil, err
	}
	v, err := s.deps.Patients.Reveal(ctx, in.ID, in.Body.Field, in.Body.Reason)
	if err != nil {
		return nil, err
	}
	return out(Revealed{Field: in.Body.Field, Value: v}), nil
}
