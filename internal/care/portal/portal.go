// Package portal knows who uses the patients' portal: accounts behind a
// telephone number that a code by SMS proved, their sessions, and the people
// whom an account may act for.
//
// An account proves a telephone, not a person. A person is joined to it when
// document, name and telephone agree with one record, all three; otherwise a
// new record is made and stays unverified until the desk has seen the document.
// What an account is told is the same in both cases, so that nobody learns from
// the portal who is a patient.
//
// The package keeps no records of patients and sends nothing itself: People and
// CodeSender do, and app wires them. Appointments are not its business; it
// answers whether an account may touch those of a person, and notes each look.
package portal

import (
	"context"
	"time"

	"heartline/internal/platform/store"
)

// Account is one telephone number that signed in.
type Account struct {
	ID        string
	Phone     string // masked: 138****5678
	Lang      string
	LastAt    time.Time
	CreatedAt time.Time
}

// Session is one browser that is signed in.
type Session struct {
	ID        string
	AccountID string
	Token     string // only from SignIn
	IP        string
	Client    string
	CreatedAt time.Time
	SeenAt    time.Time
	ExpiresAt time.Time
}

// MemberState says whether a person's record was proved to be the account's.
type MemberState string

// The states of a member.
const (
	Pending    MemberState = "pending"
	Verified   MemberState = "verified"
	Unverified MemberState = "unverified"
)

// The relations of a member to the account holder.
const (
	RelationSelf   = "self"
	RelationSpouse = "spouse"
	RelationChild  = "child"
	RelationParent = "parent"
	RelationOther  = "other"
)

// Relations lists what a member may be to the account holder.
func Relations() []string {
	return []string{RelationSelf, RelationSpouse, RelationChild, RelationParent, RelationOther}
}

// Newborn is the document type of a child who has none yet and comes under a
// parent's.
const Newborn = "newborn"

// Member is a person whom an account acts for, as the account holder named
// them.
type Member struct {
	ID           string
	AccountID    string
	PatientID    string
	Relation     string
	State        MemberState
	Name         string
	DocumentType string
	Document     string // masked
	BirthDate    string
	Sex          string
	CreatedAt    time.Time
	VerifiedAt   time.Time
	VerifiedBy   string
}

// NewMember is a person to be added. A child without a document (Newborn)
// names its parent, who is a member already, by GuardianID.
type NewMember struct {
	Name         string
	Relation     string
	DocumentType string
	Document     string
	BirthDate    string // needed when the document does not say
	Sex          string
	GuardianID   string // a member's id
}

// Claim is who somebody says they are. All of it must agree with one record.
type Claim struct {
	Name         string
	DocumentType string
	Document     string // normalised
	Phone        string
}

// Guardian is a parent whose document stands for a child's.
type Guardian struct {
	PatientID string
	Document  string
}

// Newcomer is a person of whom the portal makes a new record.
type Newcomer struct {
	Name       string
	Sex        string
	BirthDate  string
	Phone      string
	GuardianID string // a patient's id; set for a child without a document
	Relation   string
	Lang       string
}

// Document is a checked and normalised document.
type Document struct {
	Number    string
	BirthDate string // "" when the document does not say
	Sex       string
}

// People is what the portal asks of the records of patients. The context
// carries the account as the acting principal, so that each look is audited
// in its name.
type People interface {
	// CheckDocument normalises a document, or says with a message key what is wrong.
	CheckDocument(kind, number string, now time.Time) (Document, string)
	// Match finds the one patient with document, name and telephone; "" when
	// any of the three differs.
	Match(ctx context.Context, c Claim) (patientID string, err error)
	// Child finds the patient of that name and birth date under a guardian; "" if none.
	Child(ctx context.Context, g Guardian, name, birthDate string) (patientID string, err error)
	// Register makes the record of a potential customer, without a document.
	Register(ctx context.Context, n Newcomer) (patientID string, err error)
	// Attach puts a document that the desk has seen on the record, unless it is
	// there already.
	Attach(ctx context.Context, patientID, kind, number string) error
}

// CodeSender promises to send a sign-in code, in the transaction that stores it.
type CodeSender interface {
	SendCode(ctx context.Context, tx *store.Tx, c Code) error
}

// Code is a sign-in code on its way.
type Code struct {
	Phone   string
	Code    string
	Lang    string
	Minutes int    // how long it is good for
	Key     string // names this code once, for idempotency
}

// Policy holds the numbers of sign-in. DefaultPolicy is right for a hospital.
type Policy struct {
	Idle           time.Duration // a session unused for so long ends
	Absolute       time.Duration // and after so long in any case
	CodeLife       time.Duration
	CodeTries      int           // wrong codes before a code is void
	Resend         time.Duration // pause between two codes for one number
	CodesPerHour   int           // for one number
	CodesPerDay    int           // for one number
	AddressPerHour int           // codes asked for by one address: many people may share it
	WrongPerHour   int           // wrong codes of one address
	HousePerHour   int           // codes of the whole house: somebody may be paid for each SMS
	Sessions       int           // browsers of one account; the oldest ends
	Members        int           // people of one account
	AddsPerDay     int           // people that one account may try to add
}

// DefaultPolicy returns the numbers for production.
func DefaultPolicy() Policy {
	return Policy{
		Idle: time.Hour, Absolute: 24 * time.Hour,
		CodeLife: 5 * time.Minute, CodeTries: 5, Resend: time.Minute, CodesPerHour: 5, CodesPerDay: 10,
		AddressPerHour: 60, WrongPerHour: 100, HousePerHour: 6000,
		Sessions: 10, Members: 10, AddsPerDay: 10,
	}
}
