package sip

import (
	"context"
	"crypto/tls"
	"net/netip"
	"time"
)

// Config says where the server listens and how much it puts up with.
// The zero value of every limit means its default.
type Config struct {
	UDP, TCP, TLS string // listen addresses such as ":5060"; "" leaves the transport off
	TLSConfig     *tls.Config
	ExternalIP    string // address written into Via and Contact towards public peers
	Realm         string // digest realm; default "heartline"
	UserAgent     string // User-Agent and Server header; default "Heartline"
	ACL           ACL

	SourceRate   int           // messages per second and source address; default 200, trunk peers ×20
	MaxDialogs   int           // dialogs at the same time; default 4000
	MaxConns     int           // TCP, TLS and WebSocket connections at the same time; default 4000
	AuthFailures int           // wrong passwords per account or address before lockout; default 10
	LockoutTime  time.Duration // default 5 minutes
	NonceLife    time.Duration // default 2 minutes
	// Algorithms of the digest challenge, the preferred one first; default MD5
	// alone, because older phones (baresip 1.0, sipp) give up on a challenge
	// that offers SHA-256 at all. Answers by either algorithm are accepted.
	Algorithms    []string
	MinExpires    time.Duration // shortest registration; default 60 s
	MaxExpires    time.Duration // longest registration granted; default 1 h
	SessionExpiry time.Duration // session timer asked for; default 30 minutes; <0 turns it off
	MinSE         time.Duration // shortest session timer accepted; default 90 s
	T1            time.Duration // RFC 3261 T1; default 500 ms (T2 = 8×T1, time-out = 64×T1)

	// OpenUA makes the server a plain user agent (package phone): calls from
	// anybody reach the Handler. Never set it on a server that has trunks.
	OpenUA bool

	Now func() time.Time // default time.Now
}

// ACL limits which source addresses are read at all. Deny wins; an empty
// Allow lets everybody in who is not denied.
type ACL struct{ Allow, Deny []netip.Prefix }

// Account is what the registrar needs to know of an extension. Either
// Password or the HA1 values (hex, for Config.Realm) are set.
type Account struct {
	User        string
	Password    string
	HA1MD5      string // MD5(user:realm:password)
	HA1SHA256   string // SHA-256(user:realm:password)
	Enabled     bool
	MaxContacts int // default 5
}

// Directory finds extensions. It is asked on the signalling path, so it
// should answer from memory.
type Directory interface {
	Extension(ctx context.Context, user string) (Account, bool)
}

// Handler receives what the world wants from us.
type Handler interface {
	// Invite runs in its own goroutine for each new, authenticated, inbound
	// dialog. ctx ends with the dialog, and Invite has to return soon after.
	// Returning earlier does not end the dialog.
	Invite(ctx context.Context, d *Dialog)
	// Registered says that an extension's first contact came or its last went.
	// It must not block.
	Registered(user string, online bool)
}

// PeerKind says what the other end of a dialog is to us.
type PeerKind uint8

// The kinds of peer.
const (
	PeerExtension PeerKind = iota + 1 // a registered or digest-authenticated extension
	PeerTrunk                         // a carrier or PBX known by its address
	PeerURI                           // dialled directly, or anybody when Config.OpenUA
)

// Peer identifies the other end of a dialog.
type Peer struct {
	Kind      PeerKind
	Extension string         // user of the extension
	Trunk     string         // Trunk.ID
	Source    netip.AddrPort // where its messages come from
	Transport string         // UDP, TCP, TLS, WS
}

// Address is a name-addr of a From, To or Contact header.
type Address struct{ User, Host, Display string }

// Direction of a dialog as seen from this server.
type Direction uint8

// The directions.
const (
	Inbound Direction = iota + 1
	Outbound
)

// Header is one extra header of an outgoing INVITE.
type Header struct{ Name, Value string }

// DialSpec describes an outgoing call. One of Extension, Number or URI is set.
type DialSpec struct {
	Extension string // all its registered contacts ring
	Number    string // goes out by trunk
	Trunk     string // Trunk.ID; "" with Number: by priority, with failover
	URI       string // "sip:user@host:port;transport=tcp"
	Username  string // credentials if a URI peer challenges
	Password  string

	From        string // user part of From; "" with a trunk: its caller ID
	FromName    string
	Offer       []byte // nil: late offer, the answer goes into Dialog.Ack
	Headers     []Header
	Timeout     time.Duration // until answered; default 60 s
	AlertInfo   string
	AutoAnswer  bool // asks the phone to pick up by itself
	MaxForwards int  // Dialog.MaxForwards of the call being forwarded; 0: 70, <0: refused
}

// Cause says why a dialog ended or should end.
type Cause struct {
	SIPCode int    // final response, or 0 after BYE
	Q850    int    // Q.850 cause, 0 if none
	Reason  string // reason phrase or text, for logs only
	Remote  bool   // the other end did it
}

// DialogEvent is one of the events below.
type DialogEvent interface{ dialogEvent() }

// Ringing: a provisional response came (outbound); SDP if there is early media.
type Ringing struct {
	Code int
	SDP  []byte
}

// Answered: the call was answered (outbound). NeedAck says that SDP is an
// offer (we sent none) and Dialog.Ack must be called with the answer.
type Answered struct {
	SDP     []byte
	NeedAck bool
}

// Failed: the call was not answered (outbound); no further event but Ended follows.
type Failed struct {
	Code   int
	Reason string
}

// AckSDP: the answer to an offer that we made in a 200 or reliable 18x arrived.
type AckSDP struct{ SDP []byte }

// Confirmed: our 200 was acknowledged (inbound).
type Confirmed struct{}

// Reinvited: the peer sent a re-INVITE or an UPDATE with an offer, or a
// re-INVITE without one (SDP nil: reply with an offer, AckSDP follows).
// Reply must be called once, with an SDP and code 200, or nil and an error code.
type Reinvited struct {
	SDP   []byte
	Reply func(sdp []byte, code int)
}

// Digit: a DTMF digit came by INFO.
type Digit struct {
	D        byte
	Duration time.Duration
}

// Refer: the peer asks to transfer. Reply once with 202 or an error code;
// after 202 progress is told by Dialog.Notify.
type Refer struct {
	Target   Address // user and host of Refer-To
	URI      string
	Replaces string  // value of the embedded Replaces header, decoded
	Dialog   *Dialog // the dialog of this server that Replaces names, if any
	Reply    func(code int)
}

// Notified: progress of a transfer that we asked for with Dialog.Refer.
type Notified struct {
	Code  int
	Final bool
}

// Ended is the last event of every dialog; the channel closes after it.
type Ended struct{ Cause Cause }

func (Ringing) dialogEvent()   {}
func (Answered) dialogEvent()  {}
func (Failed) dialogEvent()    {}
func (AckSDP) dialogEvent()    {}
func (Confirmed) dialogEvent() {}
func (Reinvited) dialogEvent() {}
func (Digit) dialogEvent()     {}
func (Refer) dialogEvent()     {}
func (Notified) dialogEvent()  {}
func (Ended) dialogEvent()     {}

// TrunkKind says how a trunk is joined to us.
type TrunkKind string

// The trunk kinds.
const (
	TrunkStatic   TrunkKind = "static"   // the peer is known by its addresses
	TrunkRegister TrunkKind = "register" // we register with the peer
)

// Trunk is one way to and from the outside world.
type Trunk struct {
	ID, Name      string
	Kind          TrunkKind
	Host          string   // peer's host name or address
	Port          int      // default 5060, TLS 5061
	Transport     string   // UDP (default), TCP, TLS
	PeerIPs       []string // addresses, "address:port" or prefixes that calls may come from, besides Host
	Username      string
	Password      string
	Domain        string // host part of our From and of the AOR; default Host
	Priority      int    // lower is tried first
	MaxCalls      int    // both directions together; 0: unlimited
	CallerID      string // From user when the call has none or ForceCallerID
	ForceCallerID bool
	Inbound       []Rule        // rewrite of the numbers of incoming calls (called and calling)
	Outbound      []Rule        // rewrite of the called number of outgoing calls
	OptionsEvery  time.Duration // keepalive; 0: 30 s, <0: off
	Expires       time.Duration // of a registration; default 10 minutes
	Disabled      bool
}

// Rule rewrites a number that begins with Match: Strip characters go, Prefix
// is put in front. The first rule that matches wins. Length, if set, must
// equal the number's length.
type Rule struct {
	Match  string
	Length int
	Strip  int
	Prefix string
}

// Registration is one live contact of an extension.
type Registration struct {
	User      string
	Contact   string
	Source    netip.AddrPort
	Transport string
	UserAgent string
	Expires   time.Time
	Since     time.Time
}

// TrunkStatus is the live state of a trunk.
type TrunkStatus struct {
	ID, Name   string
	Up         bool
	Registered bool
	LastCode   int // of the last OPTIONS or REGISTER; 0: no answer
	Calls      int
	RTT        time.Duration
	Changed    time.Time
}

// Stats are counters since the start and gauges of now.
type Stats struct {
	Received, Sent, Dropped, Malformed, Limited uint64
	Retransmitted                               uint64
	AuthFailed, AuthReplayed, LockedOut         uint64
	Invites, Answered, Failed                   uint64
	Dialogs, Transactions, Contacts, Conns      int
}
