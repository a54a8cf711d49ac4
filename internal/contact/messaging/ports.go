package messaging

import (
	"context"
	"time"

	"heartline/internal/platform/store"
)

// Contact is how a person is reached.
type Contact struct {
	Name   string // as the message addresses them
	Number string // "" when there is none
	Lang   string // "" when unknown
}

// People says how to reach somebody. app wires care/patient to it.
type People interface {
	Reach(ctx context.Context, tx *store.Tx, patientID string) (Contact, error)
}

// Permits says whether a person may be sent messages of a class; app wires
// the consents to it. Sign-in codes and service notices are never asked for.
type Permits interface {
	MaySend(ctx context.Context, tx *store.Tx, patientID, channel string, class Class) (bool, error)
}

// Story shows messages in the story of a person. app wires care/patient to it.
type Story interface {
	Message(ctx context.Context, tx *store.Tx, m Message) error
}

// Parcel is what a sender carries. Reference is the same for every attempt.
type Parcel struct {
	ID        string
	To        string
	Text      string
	Class     Class
	Reference uint16 // of the parts of a long message
	Until     time.Time
}

// Accepted is what a message centre answered.
type Accepted struct {
	RemoteIDs []string // one for each part; may be empty
	Final     bool     // no receipt will come: the message counts as delivered
}

// Sender carries messages out of the house. An error means try again later;
// one made by Permanent means never.
type Sender interface {
	Name() string
	Start(ctx context.Context, in Inbox) error
	Send(ctx context.Context, p Parcel) (Accepted, error)
	Health(ctx context.Context) Health
	Stop(ctx context.Context) error
}

// Receipt is what a message centre says later about a part.
type Receipt struct {
	Sender   string
	RemoteID string
	State    State // StateDelivered, StateFailed, StateExpired
	Reason   string
	At       time.Time
}

// Arrival is a message that a sender received.
type Arrival struct {
	Sender string
	From   string
	Text   string
	At     time.Time
}

// Inbox takes what senders receive.
type Inbox interface {
	Receipt(ctx context.Context, r Receipt) error
	Receive(ctx context.Context, a Arrival) (id string, err error)
}

// Health is the condition of a sender.
type Health struct {
	Name      string
	Up        bool
	Since     time.Time
	Detail    string // a key such as "bound", "connecting", "refused"
	LastError string
	Sent      int64
	Failed    int64
	Received  int64
	Receipts  int64
	Waiting   int // answers that the message centre owes
}

// Permanent marks an error of a sender as final.
func Permanent(reason string, err error) error { return &permanent{reason, err} }

type permanent struct {
	reason string
	error
}

func (p *permanent) Unwrap() error { return p.error }
