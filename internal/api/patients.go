package api

import (
	"time"

	"heartline/internal/platform/identity"
)

// PatientHit is a customer in a list: always short, masked without the right.
type PatientHit struct {
	ID          string     `json:"id"`
	Code        string     `json:"code"`
	Name        string     `json:"name"`
	Sex         string     `json:"sex" enum:"male,female,unknown"`
	Age         int        `json:"age" doc:"-1 when unknown"`
	BirthYear   int        `json:"birth_year"`
	PhoneMasked string     `json:"phone_masked"`
	District    string     `json:"district"`
	Tags        []string   `json:"tags"`
	Allergies   []string   `json:"allergies"`
	Lifecycle   string     `json:"lifecycle" enum:"potential,customer,loyal,lifelong,"`
	VIP         bool       `json:"vip"`
	Language    string     `json:"language"`
	GuardianID  string     `json:"guardian_id"`
	Restricted  bool       `json:"restricted" doc:"Its record opens to emergency access only"`
	LastSeen    *time.Time `json:"last_seen,omitempty"`
	Match       string     `json:"match" doc:"Why it was found: phone, phone_tail, id_number, id_tail, code, name, pinyin, initials, latin, fuzzy"`
}

// Patient is the record of a customer.
type Patient struct {
	ID         string    `json:"id"`
	Version    int64     `json:"version"`
	Code       string    `json:"code"`
	Pinyin     string    `json:"pinyin"`
	Age        int       `json:"age" doc:"-1 when unknown"`
	Household  string    `json:"household_id"`
	Masked     bool      `json:"masked" doc:"Names, numbers and addresses are not in full"`
	Restricted bool      `json:"restricted" doc:"The person asked that it is not used: views need emergency access"`
	Erased     bool      `json:"erased" doc:"The person's data was removed"`
	CreatedAt  time.Time `json:"created_at"`
	UpdatedAt  time.Time `json:"updated_at"`
	PatientFields
	Identifiers []IdentifierView `json:"identifiers"`
	Phones      []PhoneView      `json:"phones"`
}

// PatientFields are the plain fields that an agent may set.
type PatientFields struct {
	Name               string   `json:"name" minLength:"1" maxLength:"100"`
	NameLatin          string   `json:"name_latin" required:"false" maxLength:"100"`
	Sex                string   `json:"sex" required:"false" enum:"male,female,unknown" default:"unknown"`
	BirthDate          string   `json:"birth_date" required:"false" pattern:"^([0-9]{4}(-[0-9]{2}-[0-9]{2})?)?$" doc:"ISO date; only the year when masked"`
	Email              string   `json:"email" required:"false" maxLength:"200"`
	WeChat             string   `json:"wechat" required:"false" maxLength:"60"`
	Address            Address  `json:"address" required:"false"`
	Nationality        string   `json:"nationality" required:"false" maxLength:"2" doc:"ISO 3166 alpha-2"`
	Ethnicity          string   `json:"ethnicity" required:"false" maxLength:"40"`
	Industry           string   `json:"industry" required:"false" maxLength:"60"`
	Occupation         string   `json:"occupation" required:"false" maxLength:"60"`
	Insurance          string   `json:"insurance" required:"false" enum:"employee,resident,commercial,public,self_pay,out_of_area,other,"`
	Allergies          []string `json:"allergies" required:"false" maxItems:"50"`
	HereditaryDiseases []string `json:"hereditary_diseases" required:"false" maxItems:"50"`
	HeartHistory       string   `json:"heart_history" required:"false" maxLength:"500"`
	DonationBehaviour  string   `json:"donation_behaviour" required:"false" maxLength:"200"`
	Tags               []string `json:"tags" required:"false" maxItems:"50"`
	Language           string   `json:"language" required:"false" maxLength:"20"`
	Channel            string   `json:"channel" required:"false" enum:"phone,sms,wechat,email,"`
	Lifecycle          string   `json:"lifecycle" required:"false" enum:"potential,customer,loyal,lifelong,"`
	VIP                bool     `json:"vip" required:"false"`
	GuardianID         string   `json:"guardian_id" required:"false" maxLength:"64"`
	Notes              string   `json:"notes" required:"false" maxLength:"4000"`
}

// Address is a postal address in the Chinese order.
type Address struct {
	Province string `json:"province" required:"false" maxLength:"40"`
	City     string `json:"city" required:"false" maxLength:"40"`
	District string `json:"district" required:"false" maxLength:"40"`
	Street   string `json:"street" required:"false" maxLength:"60"`
	Detail   string `json:"detail" required:"false" maxLength:"200"`
	Code     string `json:"code" required:"false" maxLength:"12"`
}

// IdentifierView is a document or card; the number is masked without the right.
type IdentifierView struct {
	ID     string `json:"id"`
	Type   string `json:"type" enum:"id_card,passport,hk_macao,taiwan,residence,newborn,insurance,bank_card,medical_card"`
	Value  string `json:"value"`
	Masked bool   `json:"masked"`
}

// PhoneView is a number to reach somebody; masked without the right.
type PhoneView struct {
	ID      string `json:"id"`
	Number  string `json:"number"`
	Type    string `json:"type" enum:"mobile,home,work,family"`
	Owner   string `json:"owner" doc:"Whose phone it is, when not the patient's own"`
	Primary bool   `json:"primary"`
	Masked  bool   `json:"masked"`
}

// IdentifierInput is a document or card being written. With an id and no
// value the stored one stays.
type IdentifierInput struct {
	ID    string `json:"id,omitempty" maxLength:"64"`
	Type  string `json:"type" enum:"id_card,passport,hk_macao,taiwan,residence,newborn,insurance,bank_card,medical_card"`
	Value string `json:"value,omitempty" maxLength:"40"`
}

// PhoneInput is a number being written. With an id and no number the stored
// one stays.
type PhoneInput struct {
	ID      string `json:"id,omitempty" maxLength:"64"`
	Number  string `json:"number,omitempty" maxLength:"30"`
	Type    string `json:"type" required:"false" enum:"mobile,home,work,family" default:"mobile"`
	Owner   string `json:"owner,omitempty" maxLength:"40"`
	Primary bool   `json:"primary" required:"false"`
}

// PatientCreate is a new customer.
type PatientCreate struct {
	PatientFields
	Identifiers []IdentifierInput `json:"identifiers" required:"false" maxItems:"20"`
	Phones      []PhoneInput      `json:"phones" required:"false" maxItems:"20"`
}

// PatientCreateInput creates a customer.
type PatientCreateInput struct{ Body PatientCreate }

// PatientPatch changes a customer; what is absent stays as it is.
type PatientPatch struct {
	Version            int64              `json:"version" minimum:"1" doc:"As read; an older one is refused"`
	Name               *string            `json:"name,omitempty" minLength:"1" maxLength:"100"`
	NameLatin          *string            `json:"name_latin,omitempty" maxLength:"100"`
	Sex                *string            `json:"sex,omitempty" enum:"male,female,unknown"`
	BirthDate          *string            `json:"birth_date,omitempty" pattern:"^([0-9]{4}-[0-9]{2}-[0-9]{2})?$"`
	Email              *string            `json:"email,omitempty" maxLength:"200"`
	WeChat             *string            `json:"wechat,omitempty" maxLength:"60"`
	Address            *Address           `json:"address,omitempty"`
	Nationality        *string            `json:"nationality,omitempty" maxLength:"2"`
	Ethnicity          *string            `json:"ethnicity,omitempty" maxLength:"40"`
	Industry           *string            `json:"industry,omitempty" maxLength:"60"`
	Occupation         *string            `json:"occupation,omitempty" maxLength:"60"`
	Insurance          *string            `json:"insurance,omitempty" enum:"employee,resident,commercial,public,self_pay,out_of_area,other,"`
	Allergies          *[]string          `json:"allergies,omitempty" maxItems:"50"`
	HereditaryDiseases *[]string          `json:"hereditary_diseases,omitempty" maxItems:"50"`
	HeartHistory       *string            `json:"heart_history,omitempty" maxLength:"500"`
	DonationBehaviour  *string            `json:"donation_behaviour,omitempty" maxLength:"200"`
	Tags               *[]string          `json:"tags,omitempty" maxItems:"50"`
	Language           *string            `json:"language,omitempty" maxLength:"20"`
	Channel            *string            `json:"channel,omitempty" enum:"phone,sms,wechat,email,"`
	Lifecycle          *string            `json:"lifecycle,omitempty" enum:"potential,customer,loyal,lifelong,"`
	VIP                *bool              `json:"vip,omitempty"`
	GuardianID         *string            `json:"guardian_id,omitempty" maxLength:"64"`
	Notes              *string            `json:"notes,omitempty" maxLength:"4000"`
	Identifiers        *[]IdentifierInput `json:"identifiers,omitempty" maxItems:"20" doc:"The whole list"`
	Phones             *[]PhoneInput      `json:"phones,omitempty" maxItems:"20" doc:"The whole list"`
}

// PatientPatchInput changes a customer.
type PatientPatchInput struct {
	ByID
	Body PatientPatch
}

// PatientQuery searches customers by any key.
type PatientQuery struct {
	Q     string `query:"q" maxLength:"100" doc:"Phone, ID or card number, code, name, pinyin, initials"`
	Limit int    `query:"limit" minimum:"1" maximum:"50" default:"20"`
}

// TimelineRow is one thing that happened with a customer.
type TimelineRow struct {
	ID         string    `json:"id"`
	PatientID  string    `json:"patient_id"`
	At         time.Time `json:"at"`
	Kind       string    `json:"kind" doc:"appointment, outpatient, inpatient, exam, report, order, prescription, remote, call, message, enquiry, complaint, survey, followup or promise"`
	Title      string    `json:"title"`
	Summary    string    `json:"summary"`
	Department string    `json:"department"`
	Doctor     string    `json:"doctor"`
	SourceID   string    `json:"source_id" doc:"The call or booking behind it"`
}

// TimelineQuery narrows a timeline.
type TimelineQuery struct {
	ByID
	Period
	Kinds  []string `query:"kinds" maxItems:"20"`
	Family bool     `query:"family" doc:"The household's too"`
	Paging
}

// FamilyView is the household of a customer.
type FamilyView struct {
	ID      string         `json:"id" doc:"Empty: no household"`
	Name    string         `json:"name"`
	Members []FamilyMember `json:"members"`
}

// FamilyMember is one person of a household.
type FamilyMember struct {
	PatientHit
	Relation string `json:"relation"`
}

// RevealInput asks for a masked field in full.
type RevealInput struct {
	ByID
	Body struct {
		Field  string `json:"field" minLength:"1" maxLength:"100" doc:"name, birth_date, email, wechat, address, phone:{id} or identifier:{id}"`
		Reason string `json:"reason" minLength:"2" maxLength:"200" doc:"Goes into the audit log"`
	}
}

// Revealed is the field in full.
type Revealed struct {
	Field string `json:"field"`
	Value string `json:"value"`
}

// PopQuery names the call that rings.
type PopQuery struct {
	Call string `query:"call" required:"true" minLength:"1" maxLength:"64"`
}

func (s *Server) routePatients() {
	read, write := needs(identity.PatientRead), needs(identity.PatientWrite)
	get(s, "/api/patients", "findPatients", "Find customers by any key", read, s.findPatients)
	post(s, "/api/patients", "createPatient", "Create a customer", write, s.createPatient)
	get(s, "/api/patients/pop", "getPatientPop", "Who may be calling", read, s.getPatientPop)
	get(s, "/api/patients/{id}", "getPatient", "A customer; the view is audited", read, s.getPatient)
	patch(s, "/api/patients/{id}", "updatePatient", "Change a customer", write, s.updatePatient)
	get(s, "/api/patients/{id}/timeline", "getTimeline", "Everything that happened with a customer", read, s.getTimeline)
	get(s, "/api/patients/{id}/family", "getFamily", "The household of a customer", read, s.getFamily)
	post(s, "/api/patients/{id}/reveal", "revealField", "See a masked field in full; audited", needs(identity.PatientReveal), s.revealField)
}
