// Package patient keeps the people a hospital serves: who they are, how to
// reach them, their families, and the timeline of everything that happened
// with them. It finds anybody from any key (phone, ID, card, code, name,
// pinyin, initials), shows masked views unless the reader holds the right,
// and audits every look in the same transaction.
//
// Identity documents and phone numbers are sealed; blind indexes find them.
// The package does not know calls, bookings or knowledge: other packages add
// timeline entries through it.
package patient

import "time"

// The kinds of identifier.
const (
	IDCard      = "id_card"   // 居民身份证, 18 digits (15 are converted)
	Passport    = "passport"  //
	HKMacao     = "hk_macao"  // 港澳居民来往内地通行证: H/M + 8 digits
	Taiwan      = "taiwan"    // 台湾居民来往大陆通行证: 8 digits
	Residence   = "residence" // residence permit (81/82/83…) or foreign permanent resident card (9…)
	Newborn     = "newborn"   // no document yet: found under the guardian's
	Insurance   = "insurance" // social insurance or medical insurance number
	BankCard    = "bank_card"
	MedicalCard = "medical_card" // 就诊卡
)

// Identifier is a document or card that names a person. Value is the number
// in full on input, masked on output unless the reader may see it.
type Identifier struct {
	ID     string
	Type   string
	Value  string
	Masked bool
}

// Phone is a number to reach a person.
type Phone struct {
	ID      string
	Number  string // normalised digits; masked on output unless the reader may see it
	Type    string // mobile, home, work, family
	Owner   string // whose phone it is when not the patient's own: "mother"
	Primary bool
	Masked  bool

	stored bool // as it is in the database: older rules let it in
}

// Address is a postal address in the Chinese order.
type Address struct {
	Province string `json:"province,omitempty"`
	City     string `json:"city,omitempty"`
	District string `json:"district,omitempty"`
	Street   string `json:"street,omitempty"`
	Detail   string `json:"detail,omitempty"`
	Code     string `json:"code,omitempty"` // division code, 6 or 9 digits
}

// The sexes as recorded.
const (
	Male       = "male"
	Female     = "female"
	SexUnknown = "unknown"
)

// The stages of a customer's life with the hospital.
const (
	Potential = "potential"
	Customer  = "customer"
	Loyal     = "loyal"
	Lifelong  = "lifelong"
)

// The kinds of insurance.
const (
	InsEmployee   = "employee"
	InsResident   = "resident"
	InsCommercial = "commercial"
	InsPublic     = "public"
	InsSelfPay    = "self_pay"
	InsOutOfArea  = "out_of_area"
	InsOther      = "other"
)

// Patient is one person. Views returned by the Service are masked unless the
// reader holds patient.reveal; Masked says so.
type Patient struct {
	ID                 string
	Version            int64
	Code               string // customer code, given by the program when empty
	Name               string
	NameLatin          string
	Pinyin             string   // full pinyin, surname reading first: "zeng xiaoxian"
	PinyinAlternates   []string // other readings, also found by search
	Initials           string
	Sex                string
	BirthDate          string // ISO date; "" when unknown
	Identifiers        []Identifier
	Phones             []Phone
	Email              string
	WeChat             string
	Address            Address
	Nationality        string // ISO 3166 alpha-2; CN by default
	Ethnicity          string
	Industry           string
	Occupation         string
	Insurance          string
	Allergies          []string
	HereditaryDiseases []string
	HeartHistory       string
	DonationBehaviour  string
	Tags               []string
	Language           string // preferred language tag
	Channel            string // preferred channel: phone, sms, wechat, email
	Lifecycle          string
	VIP                bool
	HouseholdID        string
	GuardianID         string
	Notes              string
	MergedInto         string    // the record that replaced this one; "" normally
	Restricted         bool      // the person asked that it is not used: views need emergency access
	ErasedAt           time.Time // the person's data was removed
	Masked             bool
	CreatedAt          time.Time
	UpdatedAt          time.Time
}

// Age returns full years at the given day, or -1 when the birth date is
// unknown.
func (p Patient) Age(at time.Time) int { return ageOn(p.BirthDate, at) }

func ageOn(birth string, at time.Time) int {
	b, err := time.Parse(time.DateOnly, birth)
	if err != nil {
		return -1
	}
	years := at.Year() - b.Year()
	if at.Month() < b.Month() || (at.Month() == b.Month() && at.Day() < b.Day()) {
		years--
	}
	return max(years, 0)
}

// Card is the short view of a person for lists and the screen pop. Its phone
// is masked for everybody, its name for readers without patient.reveal.
type Card struct {
	ID         string
	Code       string
	Name       string // masked unless the reader may see it: 张*
	Sex        string
	Age        int
	BirthYear  int
	Phone      string // the primary one: 138****5678
	District   string
	Tags       []string
	Allergies  []string
	Lifecycle  string
	VIP        bool
	Language   string
	GuardianID string
	Restricted bool      // views need emergency access
	LastSeen   time.Time // last timeline entry
}

// The reasons for which a search found somebody.
const (
	MatchPhone     = "phone"
	MatchPhoneTail = "phone_tail"
	MatchID        = "id_number"
	MatchIDTail    = "id_tail"
	MatchCode      = "code"
	MatchName      = "name"
	MatchPinyin    = "pinyin"
	MatchInitials  = "initials"
	MatchLatin     = "latin"
	MatchFuzzy     = "fuzzy"
)

// Hit is one answer of Search, best first.
type Hit struct {
	Card
	Match string
	Score int
}

// Pop is what the desk shows while the phone rings. No candidates means an
// unknown caller; several mean a shared phone, most likely first.
type Pop struct {
	Phone      string // masked
	Candidates []Card
	Recent     []TimelineEntry // latest entries of the first candidate
}

// Household is a family or people living together.
type Household struct {
	ID      string
	Name    string
	Members []Member
}

// Member is one person of a household.
type Member struct {
	Card
	Relation string // self, spouse, child, parent, grandparent, grandchild, sibling, other
}

// The kinds of timeline entry.
const (
	KindAppointment  = "appointment"
	KindOutpatient   = "outpatient"
	KindInpatient    = "inpatient"
	KindExam         = "exam"
	KindReport       = "report"
	KindOrder        = "order"
	KindPrescription = "prescription"
	KindRemote       = "remote"
	KindCall         = "call"
	KindMessage      = "message"
	KindEnquiry      = "enquiry"
	KindComplaint    = "complaint"
	KindSurvey       = "survey"
	KindFollowup     = "followup"
	KindPromise      = "promise"
)

// Kinds lists every kind of timeline entry, in the order screens show them.
func Kinds() []string {
	return []string{
		KindAppointment, KindOutpatient, KindInpatient, KindExam, KindReport, KindOrder,
		KindPrescription, KindRemote, KindCall, KindMessage, KindEnquiry, KindComplaint,
		KindSurvey, KindFollowup, KindPromise,
	}
}

// TimelineEntry is one thing that happened with a person.
type TimelineEntry struct {
	ID         string
	PatientID  string
	At         time.Time
	Kind       string
	Title      string
	Summary    string
	Department string
	Doctor     string
	SourceID   string // id of the call, booking, … behind it
}

// TimelineFilter narrows a timeline; zero fields do not.
type TimelineFilter struct {
	Kinds  []string
	From   time.Time
	To     time.Time
	Family bool // include the household
	Limit  int  // 50 when 0, at most 200
}

// TimelinePage is one page, newest first. Next is "" on the last page.
type TimelinePage struct {
	Entries []TimelineEntry
	Next    string
}
