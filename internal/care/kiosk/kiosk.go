// Package kiosk knows the self-service machines in the halls: which machine is
// signed in, and which patient stands in front of it. A patient identifies by
// document number, appointment code, or account and PIN; a minute without a
// touch ends their turn. Wrong attempts pause the machine and the account.
//
// It books nothing and reads no appointments: the edge asks other services in
// the name of the patient that this package vouches for.
package kiosk

import (
	"context"
	"time"
)

// Idle is how long a patient's turn lasts without a touch.
const Idle = 60 * time.Second

// The ways to identify.
const (
	ByIDCard  = "id_card"
	ByCode    = "code"
	ByAccount = "account" // phone or customer code, and PIN
)

// Kiosk is one machine.
type Kiosk struct {
	ID        string
	Version   int64
	Name      string
	Place     string // "门诊大厅 1 楼"
	CampusID  string
	Printer   string // host:port of a receipt printer on the network, or ""
	Active    bool
	SeenAt    time.Time
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Turn is a signed-in machine with, perhaps, a patient in front of it.
type Turn struct {
	SessionID string
	Kiosk     Kiosk
	PatientID string // "" when nobody is identified
	By        string
	Until     time.Time // the end of the patient's turn
}

// Proved reports whether the person in front of the machine knows the PIN,
// which a code or a document that somebody lost does not show.
func (t Turn) Proved() bool { return t.PatientID != "" && t.By == ByAccount }

// Identification is what a patient typed.
type Identification struct {
	By    string
	Value string
	PIN   string // for ByAccount
}

// People finds patients by what they know of themselves. app wires
// care/patient to it.
type People interface {
	ByDocument(ctx context.Context, number string) ([]string, error)
	ByAccount(ctx context.Context, account string) ([]string, error) // whole phone number or customer code
}

// Appointments finds whose appointment a code names. app wires care/booking to
// it; a code of nobody is errs.NotFound.
type Appointments interface {
	PatientOf(ctx context.Context, code string) (string, error)
}

// Secrets hashes PINs. app wires platform/identity to it.
type Secrets interface {
	HashSecret(secret string) (string, error)
	VerifySecret(secret, hash string) bool
}
