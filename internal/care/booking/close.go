package booking

import "time"

// Closing says why a session does not take place (停诊) and what is offered.
type Closing struct {
	Reason             string
	SubstituteDoctorID string // whose numbers are offered first
	OfferReplacements  bool   // keep a number elsewhere for each patient
	Note               string
}

// Affected is a patient whom a change of a session hits.
type Affected struct {
	Appointment Appointment
	Refunded    int64        // 分
	Replacement *Appointment // held for the patient until its ExpiresAt; nil: none
	Notified    bool
}

// ClosedReport says what closing a session did.
type ClosedReport struct {
	ChangeID string
	Session  Session
	Affected []Affected
	Refunded int64
	Notified int
	Replaced int
}

// SessionChange is an entry of a session's history of changes.
type SessionChange struct {
	ID        string
	SessionID string
	Kind      string // close, reopen, substitute, swap, added, edit
	OtherID   string // the session swapped with
	At        time.Time
	Actor     string
	Reason    string
	Detail    map[string]any
}

// Consent is a doctor's agreement to numbers beyond the session's capacity.
type Consent struct {
	By       string // user id of the doctor, or their name
	Evidence string // how they agreed: in person, by phone at 10:20, a signed sheet
}
