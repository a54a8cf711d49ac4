package sip

import (
	"crypto/rand"
	"encoding/hex"
	"net/netip"
	"strconv"
	"strings"
)

// Writing is plain text assembly: every message leaves as bytes and a
// retransmission is the same bytes again. Extra headers are whole lines.

func line(name, val string) string { return name + ": " + clean(val) + "\r\n" }

// clean keeps a value from breaking out of its line.
func clean(s string) string {
	if strings.IndexByte(s, '\r') < 0 && strings.IndexByte(s, '\n') < 0 && strings.IndexByte(s, 0) < 0 {
		return s
	}
	return strings.NewReplacer("\r", " ", "\n", " ", "\x00", "").Replace(s)
}

// quote makes a display name.
func quote(s string) string {
	s = clean(s)
	if strings.ContainsAny(s, `"\`) {
		s = strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s)
	}
	return `"` + s + `"`
}

// response writes a response to m. toTag is added if To has none.
func (s *Server) response(m *message, f flow, code int, reason, toTag, extra string, body []byte) []byte {
	if reason == "" {
		reason = reasonPhrase(code)
	}
	b := make([]byte, 0, 512+len(extra)+len(body))
	b = append(b, "SIP/2.0 "...)
	b = strconv.AppendInt(b, int64(code), 10)
	b = append(b, ' ')
	b = append(b, clean(reason)...)
	b = append(b, "\r\n"...)
	b = appendVias(b, m, f.addr)
	if m.from.raw != "" {
		b = appendLine(b, "From", m.from.raw)
	}
	if m.to.raw != "" {
		b = append(b, "To: "...)
		b = append(b, m.to.raw...)
		if toTag != "" && m.to.tag() == "" {
			b = append(b, ";tag="...)
			b = append(b, toTag...)
		}
		b = append(b, "\r\n"...)
	}
	if m.callID != "" {
		b = appendLine(b, "Call-ID", m.callID)
	}
	if m.cseqMeth != "" {
		b = append(b, "CSeq: "...)
		b = strconv.AppendUint(b, uint64(m.cseq), 10)
		b = append(b, ' ')
		b = append(b, m.cseqMeth...)
		b = append(b, "\r\n"...)
	}
	b = append(b, extra...)
	return s.appendBody(b, "Server", body)
}

func (s *Server) appendBody(b []byte, agent string, body []byte) []byte {
	b = appendLine(b, agent, s.cfg.UserAgent)
	b = append(b, "Content-Length: "...)
	b = strconv.AppendInt(b, int64(len(body)), 10)
	b = append(b, "\r\n\r\n"...)
	return append(b, body...)
}

func appendLine(b []byte, name, val string) []byte {
	b = append(b, name...)
	b = append(b, ": "...)
	b = append(b, val...)
	return append(b, "\r\n"...)
}

func appendVias(b []byte, m *message, src netip.AddrPort) []byte {
	first := true
	for i := range m.hdrs {
		if m.hdrs[i].id != hVia {
			continue
		}
		if first {
			first = false
			b = append(b, "Via: "...)
			b = appendTopVia(b, &m.via, src)
			b = append(b, "\r\n"...)
		}
		if v := m.hdrs[i].val; v != "" {
			b = appendLine(b, "Via", v)
		}
	}
	return b
}

// appendTopVia adds received and rport (RFC 3261 §18.2.1, RFC 3581 §4).
func appendTopVia(b []byte, v *via, src netip.AddrPort) []byte {
	raw := v.raw
	if v.rport {
		if i := strings.Index(strings.ToLower(raw), ";rport"); i >= 0 {
			i += len(";rport")
			end := i
			for end < len(raw) && raw[end] != ';' {
				end++ // an empty "=" or spaces
			}
			raw = raw[:i] + "=" + strconv.Itoa(int(src.Port())) + raw[end:]
		}
	}
	b = append(b, raw...)
	if (v.rport || v.host != src.Addr().String()) && !v.params.has("received") {
		b = append(b, ";received="...)
		b = src.Addr().AppendTo(b)
	}
	return b
}

// replyFlow is where the response to a request from f goes.
func replyFlow(m *message, f flow) flow {
	if f.stream != nil || m.via.rport || m.via.host == "" || m.via.host != f.addr.Addr().String() {
		return f // a name or a foreign address in Via means NAT: answer where it came from
	}
	port := m.via.port
	if port == 0 {
		port = 5060
	}
	return flow{transport: f.transport, addr: netip.AddrPortFrom(f.addr.Addr(), uint16(port))}
}

// reqParts is what a request is made of.
type reqParts struct {
	method, uri, branch  string
	routes               []string
	from, to, callID     string
	cseq                 uint32
	cseqMethod           string // "" = method
	maxForwards          int    // 0 = 70
	contact, extra, body string
	ctype                string // of body; default application/sdp
}

func (s *Server) request(f flow, p *reqParts) []byte {
	host, port := s.local(f)
	b := make([]byte, 0, 640+len(p.extra)+len(p.body))
	b = append(b, p.method...)
	b = append(b, ' ')
	b = append(b, p.uri...)
	b = append(b, " SIP/2.0\r\nVia: SIP/2.0/"...)
	b = append(b, f.transport...)
	b = append(b, ' ')
	b = append(b, host...)
	b = append(b, ':')
	b = strconv.AppendUint(b, uint64(port), 10)
	b = append(b, ";rport;branch="...)
	b = append(b, p.branch...)
	b = append(b, "\r\nMax-Forwards: "...)
	if p.maxForwards == 0 {
		p.maxForwards = 70
	}
	b = strconv.AppendInt(b, int64(p.maxForwards), 10)
	b = append(b, "\r\n"...)
	for _, r := range p.routes {
		b = appendLine(b, "Route", r)
	}
	b = appendLine(b, "From", p.from)
	b = appendLine(b, "To", p.to)
	b = appendLine(b, "Call-ID", p.callID)
	b = append(b, "CSeq: "...)
	b = strconv.AppendUint(b, uint64(p.cseq), 10)
	b = append(b, ' ')
	if p.cseqMethod == "" {
		p.cseqMethod = p.method
	}
	b = append(b, p.cseqMethod...)
	b = append(b, "\r\n"...)
	if p.contact != "" {
		b = appendLine(b, "Contact", p.contact)
	}
	b = append(b, p.extra...)
	if p.body != "" {
		if p.ctype == "" {
			p.ctype = "application/sdp"
		}
		b = appendLine(b, "Content-Type", p.ctype)
	}
	return s.appendBody(b, "User-Agent", []byte(p.body))
}

const sdpType = "Content-Type: application/sdp\r\n"

// newTag returns 64 random bits; it also keys the table of dialogs.
func newTag() string {
	var b [8]byte
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

func (s *Server) newBranch() string {
	var b [8]byte
	_, _ = rand.Read(b[:])
	return s.branchPrefix + hex.EncodeToString(b[:])
}

func reasonPhrase(code int) string {
	if r, ok := reasons[code]; ok {
		return r
	}
	switch code / 100 {
	case 1:
		return "Progress"
	case 2:
		return "OK"
	case 3:
		return "Redirect"
	case 4:
		return "Client Error"
	case 5:
		return "Server Error"
	}
	return "Failure"
}

// reasons is read only.
var reasons = map[int]string{
	100: "Trying", 180: "Ringing", 181: "Call Is Being Forwarded", 182: "Queued", 183: "Session Progress",
	200: "OK", 202: "Accepted", 302: "Moved Temporarily",
	400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
	406: "Not Acceptable", 407: "Proxy Authentication Required", 408: "Request Timeout", 410: "Gone",
	413: "Request Entity Too Large", 415: "Unsupported Media Type", 416: "Unsupported URI Scheme",
	420: "Bad Extension", 421: "Extension Required", 422: "Session Interval Too Small",
	423: "Interval Too Brief", 480: "Temporarily Unavailable", 481: "Call/Transaction Does Not Exist",
	482: "Loop Detected", 483: "Too Many Hops", 484: "Address Incomplete", 486: "Busy Here",
	487: "Request Terminated", 488: "Not Acceptable Here", 489: "Bad Event", 491: "Request Pending",
	500: "Server Internal Error", 501: "Not Implemented", 502: "Bad Gateway", 503: "Service Unavailable",
	504: "Server Time-out", 505: "Version Not Supported", 600: "Busy Everywhere", 603: "Decline",
}
