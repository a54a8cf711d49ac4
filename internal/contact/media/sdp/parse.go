package sdp

import (
	"bytes"
	"net/netip"
	"strconv"
	"strings"
)

// Bounds on what a peer may send; far above any real telephone.
const (
	maxBody    = 16 << 10
	maxLines   = 400
	maxMedia   = 16
	maxFormats = 64
)

// description is the part of an SDP that matters here.
type description struct{ media []*media }

// media is one m= section with session-level values already applied.
type media struct {
	kind, proto string
	port        int
	fmts        []string
	names       map[uint8]string // rtpmap: "PCMA/8000"
	addr        netip.Addr
	rtcp        netip.AddrPort
	rtcpPort    int
	direction   Direction
	ptime       int
	mux         bool
}

// parser walks the lines; cur is nil at session level.
type parser struct {
	d         description
	cur       *media
	addr      netip.Addr
	direction Direction
	origin    bool
}

// parse reads a description leniently (RFC 4566): unknown lines are skipped,
// but the version, the origin and the media lines must be in order.
func parse(body []byte) (*description, error) {
	if len(body) > maxBody {
		return nil, &Malformed{Reason: "too long"}
	}
	if bytes.IndexByte(body, 0) >= 0 {
		return nil, &Malformed{Reason: "zero byte"}
	}
	lines := strings.FieldsFunc(string(body), func(r rune) bool { return r == '\n' || r == '\r' })
	if len(lines) == 0 || strings.TrimSpace(lines[0]) != "v=0" {
		return nil, &Malformed{Reason: "version"}
	}
	if len(lines) > maxLines {
		return nil, &Malformed{Reason: "too many lines"}
	}
	var p parser
	for _, line := range lines[1:] {
		if len(line) < 2 || line[1] != '=' {
			return nil, &Malformed{Reason: "line without type"}
		}
		if err := p.line(line[0], strings.TrimSpace(line[2:])); err != nil {
			return nil, err
		}
	}
	if !p.origin {
		return nil, &Malformed{Reason: "no origin"}
	}
	for _, m := range p.d.media {
		m.finish()
	}
	return &p.d, nil
}

func (p *parser) line(kind byte, value string) error {
	switch kind {
	case 'o':
		p.origin = true
	case 'm':
		return p.mediaLine(value)
	case 'c':
		addr := connection(value)
		if p.cur == nil {
			p.addr = addr
		} else {
			p.cur.addr = addr
		}
	case 'a':
		p.attribute(value)
	}
	return nil
}

func (p *parser) mediaLine(value string) error {
	f := strings.Fields(value)
	if len(f) < 4 || len(f) > 3+maxFormats || len(p.d.media) == maxMedia {
		return &Malformed{Reason: "media line"}
	}
	portText, _, _ := strings.Cut(f[1], "/") // "49170/2" is a layered stream; its first port counts
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return &Malformed{Reason: "media port"}
	}
	p.cur = &media{kind: f[0], proto: f[2], port: int(port), fmts: f[3:], addr: p.addr, direction: p.direction}
	p.d.media = append(p.d.media, p.cur)
	return nil
}

// connection reads "IN IP4 192.0.2.1" with or without TTL; names are not
// resolved, they make the address invalid.
func connection(value string) netip.Addr {
	f := strings.Fields(value)
	if len(f) != 3 || f[0] != "IN" {
		return netip.Addr{}
	}
	host, _, _ := strings.Cut(f[2], "/")
	a, err := netip.ParseAddr(host)
	if err != nil || a.Zone() != "" {
		return netip.Addr{}
	}
	return a.Unmap()
}

func (p *parser) attribute(value string) {
	name, arg, _ := strings.Cut(value, ":")
	for i, d := range directionNames {
		if name != d {
			continue
		}
		if p.cur == nil {
			p.direction = Direction(i)
		} else {
			p.cur.direction = Direction(i)
		}
	}
	m := p.cur
	if m == nil {
		return
	}
	switch name {
	case "rtpmap":
		m.rtpmap(arg)
	case "ptime":
		if n, err := strconv.Atoi(strings.TrimSpace(arg)); err == nil && n >= 5 && n <= 200 {
			m.ptime = n
		}
	case "rtcp-mux":
		m.mux = true
	case "rtcp":
		m.rtcpLine(arg)
	}
}

func (m *media) rtpmap(arg string) {
	f := strings.Fields(arg)
	if len(f) != 2 || len(m.names) == maxFormats {
		return
	}
	pt, err := strconv.ParseUint(f[0], 10, 7)
	if err != nil {
		return
	}
	if m.names == nil {
		m.names = make(map[uint8]string)
	}
	m.names[uint8(pt)] = strings.ToUpper(f[1])
}

// rtcpLine is a=rtcp of RFC 3605: a port, and maybe an address.
func (m *media) rtcpLine(arg string) {
	portText, rest, _ := strings.Cut(strings.TrimSpace(arg), " ")
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil || port == 0 {
		return
	}
	m.rtcpPort = int(port)
	if a := connection(rest); a.IsValid() && !a.IsUnspecified() && !a.IsMulticast() {
		m.rtcp = netip.AddrPortFrom(a, uint16(port))
	}
}

func (m *media) finish() {
	if m.rtcpPort != 0 && !m.rtcp.IsValid() && m.addr.IsValid() {
		m.rtcp = netip.AddrPortFrom(m.addr, uint16(m.rtcpPort))
	}
}

// formats lists the codecs we know, in the peer's order.
func (m *media) formats() []Format {
	var out []Format
	for _, text := range m.fmts {
		pt, err := strconv.ParseUint(text, 10, 7)
		if err != nil {
			continue
		}
		if k := m.kindOf(uint8(pt)); k != None {
			out = appendFormat(out, Format{Kind: k, PT: uint8(pt)})
		}
	}
	return out
}

func (m *media) kindOf(pt uint8) Kind {
	name, mapped := m.names[pt]
	if !mapped {
		for _, k := range []Kind{PCMA, PCMU, G722} {
			if k.staticPT() == pt {
				return k
			}
		}
		return None
	}
	switch strings.TrimSuffix(name, "/1") {
	case "PCMA/8000":
		return PCMA
	case "PCMU/8000":
		return PCMU
	case "G722/8000":
		return G722
	}
	return None
}

// eventPT finds telephone-event/8000 (RFC 4733), or -1.
func (m *media) eventPT() int {
	for _, text := range m.fmts {
		pt, err := strconv.ParseUint(text, 10, 7)
		if err == nil && strings.TrimSuffix(m.names[uint8(pt)], "/1") == "TELEPHONE-EVENT/8000" {
			return int(pt)
		}
	}
	return -1
}

func (m *media) firstFormat() string {
	if len(m.fmts) == 0 {
		return "0"
	}
	return m.fmts[0]
}
