// Package switchboard is the configuration of the telephone system: which
// numbers a hospital answers and how (flow, queue or extension), extensions
// and their secrets, trunks, queues, skills, agents' profiles, opening hours,
// prompts, flows with their versions, dispositions and not-ready reasons.
//
// It owns the tables behind them, their validation and their audit trail, and
// keeps everything a running call needs in one immutable Snapshot, so that no
// call ever waits for the database. It routes no call, plays no sound and
// knows no patient.
package switchboard

import "time"

// Meta is what every stored item carries. Version grows with each change; an
// update that names an older version is refused.
type Meta struct {
	ID        string
	Version   int64
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Number is a called number (DID) and what answers it: exactly one of FlowID,
// QueueID and Extension is set.
type Number struct {
	Meta
	Number     string // digits as dialled, normalised: "96166"
	Name       string
	FlowID     string
	QueueID    string
	Extension  string // number of an extension
	CalendarID string // opening hours that flows use by default; may be ""
	Language   string // language tag of prompts: "zh-CN", "en"
	Enabled    bool
}

// The kinds of extension.
const (
	KindDeskPhone = "desk_phone"
	KindSoftphone = "softphone"
	KindMobile    = "mobile"
)

// Extension is an internal number. Its secret never leaves the service except
// as digests in the Snapshot.
type Extension struct {
	Meta
	Number       string // "8001"
	Name         string
	UserID       string // owner, may be ""
	Kind         string
	MobileNumber string // follow-me target when Kind is mobile
	Department   string // department code, may be ""
	MaxContacts  int    // phones that may register at once
	Enabled      bool
	HasSecret    bool   // read only: a password is set
	Secret       string // write only: a new password; "" keeps the old one
	sealed       string
}

// The kinds of trunk and of trunk transport.
const (
	TrunkStatic   = "static"
	TrunkRegister = "register"

	TransportUDP = "udp"
	TransportTCP = "tcp"
	TransportTLS = "tls"
)

// The directions of a number rule, seen from Heartline.
const (
	RuleIn  = "in"
	RuleOut = "out"
)

// NumberRule rewrites a number on its way through a trunk: the first rule of
// the direction whose prefix and length match strips Strip digits and puts
// Prepend in front.
type NumberRule struct {
	Direction string `json:"direction"`
	Prefix    string `json:"prefix"`
	MinLen    int    `json:"min_len"`
	MaxLen    int    `json:"max_len"` // 0: no limit
	Strip     int    `json:"strip"`
	Prepend   string `json:"prepend"`
}

// Trunk is a line to a carrier or to the hospital's PBX.
type Trunk struct {
	Meta
	Name         string
	Kind         string // static: trusted by address; register: we sign in
	Host         string
	Port         int
	Transport    string
	PeerIPs      []string // addresses, address:port or CIDR ranges that may send us calls
	Username     string
	Priority     int // lower is tried first
	MaxCalls     int // 0: no limit
	CallerID     string
	Rules        []NumberRule
	OptionsEvery int // seconds between OPTIONS checks; 0: off
	RegisterFor  int // seconds of a registration we ask for
	Enabled      bool
	HasSecret    bool   // read only
	Password     string // write only; "" keeps the old one
	sealed       string
}

// Normalise rewrites a number by the first rule of the direction that
// matches; without one the number stays as it is.
func (t Trunk) Normalise(direction, number string) string {
	for _, r := range t.Rules {
		if r.Direction == direction && r.matches(number) {
			return r.Prepend + number[min(r.Strip, len(number)):]
		}
	}
	return number
}

func (r NumberRule) matches(number string) bool {
	if len(number) < r.MinLen || (r.MaxLen > 0 && len(number) > r.MaxLen) {
		return false
	}
	return len(number) >= len(r.Prefix) && number[:len(r.Prefix)] == r.Prefix
}

// Changed says that the configuration moved on: subscribers take the new
// Snapshot from Service.Current.
type Changed struct {
	Kind     string // "queue", "prompt", …; "" when everything may have changed
	ID       string
	Snapshot uint64 // sequence of the snapshot that holds the change
}
