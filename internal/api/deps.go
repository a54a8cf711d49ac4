package api

import (
	"context"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"heartline/internal/care/booking"
	"heartline/internal/care/consent"
	"heartline/internal/care/hospital"
	"heartline/internal/care/kiosk"
	"heartline/internal/care/ledger"
	"heartline/internal/care/patient"
	"heartline/internal/care/portal"
	"heartline/internal/care/privacy"
	"heartline/internal/contact/acd"
	"heartline/internal/contact/call"
	"heartline/internal/contact/callrecord"
	"heartline/internal/contact/journal"
	"heartline/internal/contact/messaging"
	"heartline/internal/contact/recording"
	"heartline/internal/contact/switchboard"
	"heartline/internal/insight/kpi"
	"heartline/internal/platform/alarm"
	"heartline/internal/platform/audit"
	"heartline/internal/platform/crypto"
	"heartline/internal/platform/event"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/job"
	"heartline/internal/platform/store"
)

// Deps are the services behind the operations and the settings of the edge.
// Those from Log to Hospital are needed; what is missing of the others is
// answered with 503 or left out. The specification needs none.
type Deps struct {
	Log *slog.Logger
	Now func() time.Time
	Bus *event.Bus
	DB  *store.DB

	Identity    *identity.Service
	Audit       *audit.Log
	Patients    *patient.Service
	Hospital    *hospital.Service
	Consents    *consent.Service // nil: none are kept
	Privacy     *privacy.Service // nil: no requests are taken
	Booking     *booking.Service
	Ledger      *ledger.Service // nil: no prepaid cards
	Kiosks      *kiosk.Service  // nil: no self-service machines
	Portal      *portal.Service // nil: no portal for patients
	Switchboard *switchboard.Service
	Calls       *callrecord.Service
	Journal     *journal.Journal
	Reports     *kpi.Service
	Jobs        *job.Queue
	Alarms      *alarm.Board
	Messages    *messaging.Service // nil: no messages
	Keys        *crypto.Keyring
	Recordings  Recordings
	Telephone   Telephone
	Distributor Distributor
	System      func(ctx context.Context) SystemView                         // the parts that only app knows
	Trunks      func() []TrunkStatus                                         // as the SIP server sees them
	Online      func(extension string) bool                                  // a phone is registered
	Print       func(ctx context.Context, address string, data []byte) error // to a receipt printer; nil: none
	TryKiosk    func(ctx context.Context) (TryKiosk, error)                  // the machine of the demo; nil: none
	TryPeople   func(ctx context.Context) ([]TryIdentity, error)             // callers of the demo

	About          About
	Zone           *time.Location // of the hospital; UTC when nil
	Secure         bool           // a proxy in front speaks TLS: cookies are Secure
	Origins        []string       // further origins of the application
	TrustedProxies []netip.Prefix // whose X-Forwarded-For counts
	ICEServers     []ICEServer    // for browsers outside the house
	Web            fs.FS          // the built web application; nil: none
	SIPSocket      http.Handler   // GET /sip; nil: none
	Ready          func(ctx context.Context) error
}

// Recordings is what the edge wants of the recordings.
type Recordings interface {
	Get(ctx context.Context, id string) (recording.Recording, error)
	Open(ctx context.Context, id string) (*recording.Sound, error)
	Waveform(ctx context.Context, id string, points int) ([2][]float32, error)
}

// Distributor is the live picture of queues and agents.
type Distributor interface {
	Snapshot() acd.State
}

// Telephone is what the edge wants of call control.
type Telephone interface {
	SignIn(ctx context.Context, agent string, seat call.Seat) error
	SignOut(ctx context.Context, agent string) error
	SetState(ctx context.Context, agent string, ready bool, reason string) error
	Desk(ctx context.Context, agent string) (call.DeskView, error)
	WrapUpDone(ctx context.Context, agent string) error

	Dial(ctx context.Context, agent, to string) (string, error)
	Answer(ctx context.Context, agent, callID string) error
	Reject(ctx context.Context, agent, callID string) error
	Hold(ctx context.Context, agent, callID string) error
	Resume(ctx context.Context, agent, callID string) error
	Hangup(ctx context.Context, agent, callID string) error
	Mute(ctx context.Context, agent, callID string, on bool) error
	SendDTMF(ctx context.Context, agent, callID, digits string) error
	Transfer(ctx context.Context, agent, callID string, to call.Target) error
	Conference(ctx context.Context, agent, callID string, who call.Target) error
	RecordingPause(ctx context.Context, agent, callID string) error
	RecordingResume(ctx context.Context, agent, callID string) error
	Help(ctx context.Context, agent string) error

	Monitor(ctx context.Context, supervisor, callID, mode string) error
	StopMonitor(ctx context.Context, supervisor, callID string) error
	ForceHangup(ctx context.Context, supervisor, callID string) error
	ForceState(ctx context.Context, supervisor, agent string, ready bool, reason string) error
	ForceSignOut(ctx context.Context, supervisor, agent string) error
	Live(ctx context.Context) []call.LiveCall
	LiveCall(ctx context.Context, callID string) (call.LiveCall, error)

	AgentConnected(user string) (detach func())
	RTCOffer(ctx context.Context, user, sdp string) (string, error)
	RTCCandidate(ctx context.Context, user, candidate string) error
	RTCLevel(ctx context.Context, user string) (float64, error)

	TryConnect(ctx context.Context, session, offer string) (string, error)
	TryCandidate(ctx context.Context, session, candidate string) error
	TryDial(ctx context.Context, session, number, callerID string) (string, error)
	TryDTMF(ctx context.Context, session, digits string) error
	TryHangup(ctx context.Context, session string) error
	TryEvents(session string) <-chan call.TryEvent
	TryClose(ctx context.Context, session string) error
}

// sound is what Recordings.Open returns, as far as the edge uses it.
var _ interface {
	io.ReadSeeker
	io.Closer
} = (*recording.Sound)(nil)
