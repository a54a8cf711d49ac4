// Package sdp is offer and answer (RFC 3264) for telephone audio: it parses
// what peers send, decides codec, events, packet time and direction, and
// writes our descriptions. It is pure: no sockets, no clock, no randomness;
// everything local is passed in.
//
// It does not own browsers' descriptions: those are answered by the WebRTC
// library in media/embedded.
package sdp

import (
	"fmt"
	"net/netip"
	"slices"
)

// Direction is who may send, seen from the describing side.
type Direction uint8

// The four directions; SendRecv is the default of RFC 3264.
const (
	SendRecv Direction = iota
	SendOnly
	RecvOnly
	Inactive
)

var directionNames = [...]string{"sendrecv", "sendonly", "recvonly", "inactive"}

func (d Direction) String() string { return directionNames[d&3] }

// Sends reports whether the describing side sends.
func (d Direction) Sends() bool { return d == SendRecv || d == SendOnly }

// Receives reports whether the describing side receives.
func (d Direction) Receives() bool { return d == SendRecv || d == RecvOnly }

// direction builds one from its halves.
func direction(sends, receives bool) Direction {
	switch {
	case sends && receives:
		return SendRecv
	case sends:
		return SendOnly
	case receives:
		return RecvOnly
	}
	return Inactive
}

// Reverse is the same direction seen from the other side.
func (d Direction) Reverse() Direction { return direction(d.Receives(), d.Sends()) }

// Kind is an audio codec that we can speak.
type Kind uint8

// The codecs, all with an RTP clock of 8 kHz (G.722 too, RFC 3551 §4.5.2).
const (
	None Kind = iota
	PCMA
	PCMU
	G722
)

var kindNames = [...]string{"", "PCMA", "PCMU", "G722"}

func (k Kind) String() string { return kindNames[k&3] }

// staticPT is the payload type of RFC 3551 table 4.
func (k Kind) staticPT() uint8 {
	switch k {
	case PCMU:
		return 0
	case G722:
		return 9
	}
	return 8
}

// Format is a codec under a payload type.
type Format struct {
	Kind Kind
	PT   uint8
}

// EventPT is the payload type that our offers give to telephone events.
const EventPT = 101

// Local is everything about our side of a session.
type Local struct {
	IP        netip.Addr // to advertise
	Port      int        // RTP; RTCP is on the next one unless muxed
	SessionID uint64     // o= line, constant for the session
	Version   uint64     // o= line, grows with every changed description
	Codecs    []Kind     // in order of preference
	Direction Direction  // what we want: SendRecv, or SendOnly/Inactive for hold
	PTime     int        // packet time in ms, 0 means 20
	// Previous is the session as agreed before; a new offer keeps its media
	// lines and payload types (RFC 3264 §8). Nil for the first offer.
	Previous *Session
}

// Session is what both sides agreed on.
type Session struct {
	Send      Format         // codec and payload type towards the peer
	Receive   []Format       // formats that the peer may send
	EventSend int            // payload type of telephone events towards the peer, -1 none
	EventRecv int            // and from it, -1 none
	Remote    netip.AddrPort // where RTP goes; not valid when the peer has no address (old hold)
	RTCP      netip.AddrPort // where RTCP goes
	Mux       bool           // RTCP on the RTP port (RFC 5761)
	PTime     int            // what the peer wants, in ms
	Direction Direction      // ours, after negotiation
	// Held: the peer does not want to hear us (its hold), by direction or by
	// the 0.0.0.0 of RFC 2543.
	Held   bool
	layout []mediaLine
	audio  int // index of our line in layout
}

// mediaLine remembers a media line so that later descriptions repeat it.
type mediaLine struct{ kind, proto, format string }

// NotAcceptable says that an offer or answer holds nothing we can use: SIP 488.
type NotAcceptable struct{ Reason string }

func (e *NotAcceptable) Error() string { return "sdp not acceptable: " + e.Reason }

// SIPCode is the status of the refusal.
func (e *NotAcceptable) SIPCode() int { return 488 }

// Malformed says that a description could not be read: SIP 400.
type Malformed struct{ Reason string }

func (e *Malformed) Error() string { return "sdp malformed: " + e.Reason }

// SIPCode is the status of the refusal.
func (e *Malformed) SIPCode() int { return 400 }

// Offer writes our offer.
func Offer(l Local) []byte {
	layout, at := []mediaLine{{kind: "audio", proto: "RTP/AVP"}}, 0
	if l.Previous != nil {
		layout, at = l.Previous.layout, l.Previous.audio
	}
	w := newWriter(l)
	for i, m := range layout {
		if i != at {
			w.rejected(m)
			continue
		}
		formats, eventPT := offerFormats(l)
		w.audio(audioLine{proto: m.proto, port: l.Port, formats: formats, eventPT: eventPT,
			ptime: l.PTime, direction: l.Direction, mux: l.Previous == nil || l.Previous.Mux})
	}
	return w.bytes()
}

// offerFormats lists our codecs, under the payload types of the session if it
// has some already.
func offerFormats(l Local) (out []Format, eventPT int) {
	eventPT = EventPT
	var used []Format
	if p := l.Previous; p != nil {
		used = p.Receive
		if p.EventRecv >= 0 {
			eventPT = p.EventRecv
		}
	}
	for _, k := range l.Codecs {
		f := Format{Kind: k, PT: k.staticPT()}
		if i := slices.IndexFunc(used, func(u Format) bool { return u.Kind == k }); i >= 0 {
			f = used[i]
		}
		out = append(out, f)
	}
	return out, eventPT
}

// Answer negotiates a peer's offer and writes our answer: the codec that we
// like best among those offered, under the peer's payload types, every other
// media line refused with port 0.
func Answer(l Local, offer []byte) (answer []byte, s *Session, err error) {
	d, err := parse(offer)
	if err != nil {
		return nil, nil, err
	}
	at, choice, err := pickLine(l, d)
	if err != nil {
		return nil, nil, err
	}
	m := d.media[at]
	s = newSession(d, at)
	s.Send, s.Receive = choice, []Format{choice}
	s.EventSend = m.eventPT()
	s.EventRecv = s.EventSend
	s.Mux = m.mux
	m.address(s)
	remote := m.direction
	if s.Held && remote.Receives() {
		remote = direction(remote.Sends(), false)
	}
	s.Direction = intersect(l.Direction, remote.Reverse())

	w := newWriter(l)
	for i, line := range s.layout {
		if i != at {
			w.rejected(line)
			continue
		}
		w.audio(audioLine{proto: line.proto, port: l.Port, formats: s.Receive, eventPT: s.EventRecv,
			ptime: l.PTime, direction: s.Direction, mux: s.Mux})
	}
	return w.bytes(), s, nil
}

// Complete reads the answer to our offer. offered is the Local of that offer.
func Complete(offered Local, answer []byte) (*Session, error) {
	d, err := parse(answer)
	if err != nil {
		return nil, err
	}
	at := 0
	if offered.Previous != nil {
		at = offered.Previous.audio
	}
	if at >= len(d.media) || d.media[at].kind != "audio" || d.media[at].port == 0 {
		return nil, &NotAcceptable{Reason: "audio refused by answer"}
	}
	m := d.media[at]
	if err := m.usable(offered); err != nil {
		return nil, err
	}
	s := newSession(d, at)
	for _, f := range m.formats() {
		if !slices.Contains(offered.Codecs, f.Kind) {
			continue
		}
		if s.Send.Kind == None {
			s.Send = f
		}
		s.Receive = appendFormat(s.Receive, f)
	}
	if s.Send.Kind == None {
		return nil, &NotAcceptable{Reason: "answer without an offered codec"}
	}
	// The peer sends under the payload types of our offer (RFC 3264 §6.1).
	ours, eventPT := offerFormats(offered)
	for _, f := range ours {
		if slices.ContainsFunc(s.Receive, func(r Format) bool { return r.Kind == f.Kind }) {
			s.Receive = appendFormat(s.Receive, f)
		}
	}
	s.EventSend, s.EventRecv = m.eventPT(), -1
	if s.EventSend >= 0 {
		s.EventRecv = eventPT
	}
	s.Mux = m.mux
	m.address(s)
	s.Direction = intersect(offered.Direction, m.direction.Reverse())
	return s, nil
}

// appendFormat adds a format unless its payload type is taken.
func appendFormat(list []Format, f Format) []Format {
	if slices.ContainsFunc(list, func(g Format) bool { return g.PT == f.PT }) {
		return list
	}
	return append(list, f)
}

func newSession(d *description, at int) *Session {
	s := &Session{EventSend: -1, EventRecv: -1, PTime: d.media[at].ptime, audio: at}
	for _, m := range d.media {
		s.layout = append(s.layout, mediaLine{kind: m.kind, proto: m.proto, format: m.firstFormat()})
	}
	return s
}

func intersect(a, b Direction) Direction {
	return direction(a.Sends() && b.Sends(), a.Receives() && b.Receives())
}

// pickLine finds the first audio line that we can speak, and its codec.
func pickLine(l Local, d *description) (at int, f Format, err error) {
	var refusal error = &NotAcceptable{Reason: "no audio offered"}
	for i, m := range d.media {
		if m.kind != "audio" || m.port == 0 {
			continue
		}
		if err := m.usable(l); err != nil {
			refusal = err
			continue
		}
		offered := m.formats()
		for _, k := range l.Codecs {
			if j := slices.IndexFunc(offered, func(f Format) bool { return f.Kind == k }); j >= 0 {
				return i, offered[j], nil
			}
		}
		refusal = &NotAcceptable{Reason: "no codec in common"}
	}
	return 0, Format{}, refusal
}

// usable checks transport and address of a media line.
func (m *media) usable(l Local) error {
	if m.proto != "RTP/AVP" && m.proto != "RTP/AVPF" {
		return &NotAcceptable{Reason: "transport not supported"}
	}
	if !m.addr.IsValid() {
		return &NotAcceptable{Reason: "no usable address"}
	}
	if a := m.addr.Unmap(); l.IP.IsValid() && a.Is4() != l.IP.Unmap().Is4() && !a.IsUnspecified() {
		return &NotAcceptable{Reason: "address family"}
	}
	if m.addr.IsMulticast() || broadcast(m.addr) {
		return &NotAcceptable{Reason: "multicast"}
	}
	return nil
}

// broadcast tells whether an address is none of a single host: 240.0.0.0/4,
// with 255.255.255.255 at its end.
func broadcast(a netip.Addr) bool {
	a = a.Unmap()
	return a.Is4() && a.As4()[0] >= 240
}

// address fills in where to send, and whether the peer listens at all.
func (m *media) address(s *Session) {
	s.Held = !m.direction.Receives()
	if m.addr.IsUnspecified() {
		s.Held = true
		return
	}
	s.Remote = netip.AddrPortFrom(m.addr, uint16(m.port))
	switch {
	case s.Mux:
		s.RTCP = s.Remote
	case m.rtcp.IsValid():
		s.RTCP = m.rtcp
	case m.port < 65535:
		s.RTCP = netip.AddrPortFrom(m.addr, uint16(m.port+1))
	}
}

// String is for logs: it holds no address.
func (s *Session) String() string {
	return fmt.Sprintf("%s/%d events %d %s mux %t", s.Send.Kind, s.Send.PT, s.EventSend, s.Direction, s.Mux)
}
