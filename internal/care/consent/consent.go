// Package consent keeps what people agreed to: for which purpose, by which
// channel, to which version of the text, on what evidence, and when they took
// it back. Entries are only added; the latest of a purpose and channel counts.
//
// Purposes and texts are data. A purpose whose basis is the contract (telling
// somebody of their appointment) needs no consent, one that uses health data or
// is otherwise sensitive needs its own, and for a child under fourteen the
// guardian gives it. The package sends nothing and does not know patients
// beyond what People answers.
package consent

import (
	"context"
	"time"

	"heartline/internal/platform/store"
)

// The decisions.
const (
	Granted   = "granted"
	Refused   = "refused"
	Withdrawn = "withdrawn"
)

// The bases of a purpose (PIPL article 13).
const (
	BasisConsent  = "consent"
	BasisContract = "contract" // allowed until refused
)

// AnyChannel is the channel of purposes that use none.
const AnyChannel = "any"

// The kinds of evidence.
const (
	EvidenceCall   = "call"   // reference: the recorded call
	EvidenceForm   = "form"   // reference: number of the signed form
	EvidencePortal = "portal" // reference: session of the portal
	EvidenceSMS    = "sms"    // reference: the message
	EvidenceOnSite = "onsite" // reference: who witnessed
)

// Who decides.
const (
	BySelf     = "self"
	ByGuardian = "guardian"
)

// guardianAge is the age below which a guardian decides (PIPL article 31).
const guardianAge = 14

// Purpose is something for which a person's data may be used.
type Purpose struct {
	Code      string
	Name      string
	NameEN    string
	Basis     string
	Sensitive bool     // needs a consent of its own, with evidence
	Channels  []string // AnyChannel alone for purposes that use none
	Active    bool
}

// Text is one version of what people agree to.
type Text struct {
	ID        string
	Purpose   string
	Version   int
	Language  string
	Text      string
	CreatedAt time.Time
	CreatedBy string
}

// Entry is one decision of a person.
type Entry struct {
	ID           string
	PatientID    string
	Purpose      string
	Channel      string
	Decision     string
	TextVersion  int
	TextLanguage string
	GivenBy      string // self, guardian
	GuardianID   string
	Evidence     string
	EvidenceRef  string
	Note         string
	At           time.Time
	Actor        string
	ActorName    string
}

// Current is where a person stands on one purpose and channel.
type Current struct {
	Purpose  Purpose
	Channel  string
	Allowed  bool
	Decided  bool // the person decided; else the basis does
	Outdated bool // a newer text exists than the one agreed to
	Entry    Entry
}

// Person is what consent must know of somebody.
type Person struct {
	ID         string // of the record that stands for the asked one
	BirthDate  string // ISO date; "" when unknown
	GuardianID string
	Restricted bool // the person's data is not to be used
	Erased     bool
}

// People answers who somebody is. app wires care/patient to it.
type People interface {
	Person(ctx context.Context, tx *store.Tx, patientID string) (Person, error)
}

// Changed says that somebody decided.
type Changed struct {
	PatientID string
	Purpose   string
	Channel   string
	Decision  string
}

// allowed is the rule, and it is pure: who is restricted or erased is left
// alone except for what the contract needs; a decision counts before the basis.
func allowed(p Person, purpose Purpose, latest Entry, decided bool) bool {
	switch {
	case p.Erased || !purpose.Active:
		return false
	case p.Restricted && purpose.Basis != BasisContract:
		return false
	case decided:
		return latest.Decision == Granted
	}
	return purpose.Basis == BasisContract
}

// minor reports whether a guardian decides for somebody.
func minor(birth string, now time.Time) bool {
	b, err := time.Parse(time.DateOnly, birth)
	if err != nil {
		return false
	}
	today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC)
	return today.Before(b.AddDate(guardianAge, 0, 0))
}
