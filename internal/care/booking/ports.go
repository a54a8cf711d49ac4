package booking

import (
	"context"
	"time"

	"heartline/internal/platform/store"
)

// Person is what the rules need to know of a patient.
type Person struct {
	ID        string
	BirthDate string // ISO date; "" when unknown
	Sex       string
	RealName  bool // holds an identity document, or is a child under a guardian who does
	VIP       bool
	Merged    string // the record that replaced this one, "" normally
}

// People answers who a patient is. app wires care/patient to it.
type People interface {
	Person(ctx context.Context, tx *store.Tx, patientID string) (Person, error)
}

// Purse holds and takes fees. app wires care/ledger to it. All calls run in
// the booking's transaction; a refusal (too little money) undoes the booking.
type Purse interface {
	Hold(ctx context.Context, tx *store.Tx, patientID string, amount int64, reference string) (holdID string, err error)
	Capture(ctx context.Context, tx *store.Tx, holdID string) error
	Release(ctx context.Context, tx *store.Tx, holdID string) error               // before capture
	Refund(ctx context.Context, tx *store.Tx, holdID string, reason string) error // after capture
}

// The notices that booking promises.
const (
	NoticeBooked    = "booking.booked"
	NoticeChanged   = "booking.changed"
	NoticeCancelled = "booking.cancelled"
	NoticeClosed    = "booking.session_closed"
	NoticeOffer     = "booking.waitlist_offer"
	NoticeReminder  = "booking.reminder"
	NoticeMissed    = "booking.missed"
	NoticeMoved     = "booking.time_moved"

	NoticeSeries          = "booking.series" // several visits, one message
	NoticeSeriesCancelled = "booking.series_cancelled"
)

// Notice is a message to a patient; Params fill the template of its kind and
// hold no personal data beyond what the message says.
type Notice struct {
	Kind        string
	PatientID   string
	Appointment string // id
	SendAt      time.Time
	Params      map[string]string
}

// Notifier promises notices. app wires contact/messaging to it.
type Notifier interface {
	Notify(ctx context.Context, tx *store.Tx, n Notice) error
}

// Timeline shows an appointment in the patient's story. app wires
// care/patient to it; nil entries are removed.
type Timeline interface {
	Appointment(ctx context.Context, tx *store.Tx, a Appointment) error
}

// Booked, Changed and the like are facts for screens.
type (
	// Given says that an appointment was created or changed its state.
	Given struct {
		AppointmentID string
		PatientID     string
		SessionID     string
		State         State
	}
	// SessionChanged says that a session or its numbers changed.
	SessionChanged struct{ SessionID string }
)
