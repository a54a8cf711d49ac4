package sip

import (
	"bytes"
	"strconv"
	"strings"
)

// parseError says why a message is refused and, for a request that can be
// answered, with which code (RFC 3261 §8.2, §21.4.1). Code 0: drop it.
type parseError struct {
	code   int
	reason string
}

func (e *parseError) Error() string { return e.reason }

func bad(reason string) *parseError { return &parseError{400, reason} }

const (
	maxMessage = 65535
	maxHeaders = 128
	maxCSeq    = 1<<31 - 1
)

// parseMessage reads one datagram or WebSocket frame. A non-nil message comes
// back even with an error if enough was read to answer it.
func parseMessage(data []byte) (*message, *parseError) {
	end := bytes.Index(data, []byte("\r\n\r\n"))
	if end < 0 {
		if m, _, _ := parseHead(string(data)); m != nil && m.isRequest() {
			return m, bad("no end of headers")
		}
		return nil, &parseError{0, "no end of headers"}
	}
	m, length, err := parseHead(string(data[:end+2]))
	if m == nil {
		return nil, err
	}
	body := data[end+4:]
	switch {
	case length > len(body):
		if err == nil {
			err = bad("Content-Length exceeds the message")
		}
	case length >= 0:
		body = body[:length]
		fallthrough
	default:
		m.body = bytes.Clone(body)
	}
	return m, err
}

// parseHead reads start line and headers; length is Content-Length or -1.
func parseHead(head string) (m *message, length int, err *parseError) {
	line, rest, _ := strings.Cut(head, "\r\n")
	m = &message{maxFwd: -1}
	err = m.parseStart(line)
	if m.method == "" && m.code == 0 {
		return nil, -1, err
	}
	m.hdrs = make([]header, 0, 16)
	for rest != "" {
		line, rest, _ = strings.Cut(rest, "\r\n")
		for rest != "" && (rest[0] == ' ' || rest[0] == '\t') {
			var more string
			more, rest, _ = strings.Cut(rest, "\r\n")
			line = strings.TrimRight(line, " \t") + " " + strings.Trim(more, " \t")
		}
		if e := m.addLine(line); e != nil && err == nil {
			err = e
		}
		if len(m.hdrs) > maxHeaders {
			return nil, -1, &parseError{0, "too many headers"}
		}
	}
	length, e := m.digest()
	if err == nil {
		err = e
	}
	return m, length, err
}

func (m *message) parseStart(line string) *parseError {
	if rest, ok := cutPrefixFold(line, "SIP/"); ok {
		_, rest, ok = strings.Cut(rest, " ")
		code, reason, _ := strings.Cut(rest, " ")
		n, err := strconv.Atoi(code)
		if !ok || err != nil || len(code) != 3 || n < 100 || n > 699 {
			return &parseError{0, "bad status line"}
		}
		m.code, m.reason = n, reason
		return nil
	}
	method, rest, ok := strings.Cut(line, " ")
	if !ok || !isToken(method) {
		return &parseError{0, "not a SIP message"}
	}
	i := strings.LastIndexByte(strings.TrimRight(rest, " "), ' ')
	if i < 0 {
		return &parseError{0, "not a SIP request line"}
	}
	version := strings.TrimRight(rest[i+1:], " ")
	if v, ok := cutPrefixFold(version, "SIP/"); !ok || v == "" {
		return &parseError{0, "not a SIP request line"}
	}
	m.method, m.uri = method, rest[:i]
	switch {
	case !strings.EqualFold(version, "SIP/2.0"):
		return &parseError{505, "Version Not Supported"}
	case len(version) != len(rest)-i-1:
		return bad("whitespace after the request line")
	case m.uri == "" || strings.ContainsAny(m.uri, " \t<>\""):
		return bad("malformed Request-URI")
	}
	return nil
}

func (m *message) addLine(line string) *parseError {
	name, val, ok := strings.Cut(line, ":")
	name = strings.TrimRight(name, " \t")
	if !ok || !isToken(name) {
		return bad("malformed header line")
	}
	m.hdrs = append(m.hdrs, header{headerID(name), name, strings.Trim(val, " \t")})
	return nil
}

// digest takes the mandatory headers apart and checks that they occur once.
func (m *message) digest() (length int, err *parseError) {
	length = -1
	var seen [hMinExpires + 1]uint8
	fail := func(e *parseError) {
		if err == nil {
			err = e
		}
	}
	for i := range m.hdrs {
		h := &m.hdrs[i]
		seen[h.id]++
		if seen[h.id] > 1 && single(h.id) {
			fail(bad("header more than once"))
			continue
		}
		fail(m.take(h, seen[h.id] == 1, &length))
	}
	if seen[hVia] == 0 || seen[hFrom] == 0 || seen[hTo] == 0 || seen[hCallID] == 0 || seen[hCSeq] == 0 {
		fail(bad("missing mandatory header"))
	}
	return length, err
}

func single(id hid) bool {
	switch id {
	case hFrom, hTo, hCallID, hCSeq, hMaxForwards, hContentLength, hContentType:
		return true
	}
	return false
}

// take fills the parsed fields from one header.
func (m *message) take(h *header, first bool, length *int) *parseError {
	switch h.id {
	case hVia:
		if first {
			v, rest, err := parseVia(h.val)
			m.via = v
			h.val = strings.TrimSpace(rest) // what remains in this line below our own copy of the top
			return err
		}
	case hFrom:
		return m.addr(&m.from, h.val)
	case hTo:
		return m.addr(&m.to, h.val)
	case hCallID:
		m.callID = h.val
		if h.val == "" || strings.ContainsAny(h.val, " \t") {
			return bad("malformed Call-ID")
		}
	case hCSeq:
		return m.takeCSeq(h.val)
	case hMaxForwards:
		n, err := strconv.ParseUint(h.val, 10, 32)
		if err != nil || n > 255 {
			return bad("malformed Max-Forwards")
		}
		m.maxFwd = int(n)
	case hContentLength:
		n, err := strconv.ParseUint(h.val, 10, 31)
		if err != nil {
			return bad("malformed Content-Length")
		}
		*length = int(n)
	case hContact:
		return checkContacts(h.val)
	case hExpires:
		if h.val == "" || strings.Trim(h.val, "0123456789") != "" {
			return bad("malformed Expires")
		}
	}
	return nil
}

func (m *message) addr(dst *nameAddr, val string) *parseError {
	na, err := parseNameAddr(val)
	*dst = na
	return err
}

func (m *message) takeCSeq(val string) *parseError {
	num, meth, ok := strings.Cut(strings.ReplaceAll(val, "\t", " "), " ")
	n, err := strconv.ParseUint(num, 10, 64)
	meth = strings.TrimSpace(meth)
	if !ok || err != nil || n > maxCSeq || !isToken(meth) {
		return bad("malformed CSeq")
	}
	m.cseq, m.cseqMeth = uint32(n), meth
	return nil
}

func checkContacts(val string) *parseError {
	if val == "*" {
		return nil
	}
	for _, item := range splitList(val) {
		na, err := parseNameAddr(item)
		if err != nil {
			return err
		}
		if na.uri.headers != "" && !strings.Contains(item, "<") {
			return bad("Contact with '?' outside brackets")
		}
	}
	return nil
}

// parseVia reads the first value of a Via line and returns what follows it.
func parseVia(val string) (v via, rest string, err *parseError) {
	first := val
	if i := indexOutside(val, ','); i >= 0 {
		first, rest = val[:i], val[i+1:]
	}
	v.raw = strings.TrimSpace(first)
	proto, s, ok := strings.Cut(v.raw, "/")
	version, s, ok2 := strings.Cut(s, "/")
	if !ok || !ok2 || !strings.EqualFold(strings.TrimSpace(proto), "SIP") {
		return v, rest, bad("malformed Via")
	}
	if strings.TrimSpace(version) != "2.0" || malformedVias(rest) { // still read, so that it can be answered
		err = bad("malformed Via")
	}
	s = strings.TrimLeft(s, " \t")
	i := strings.IndexAny(s, " \t")
	if i < 0 {
		return v, rest, bad("malformed Via")
	}
	v.transport = strings.ToUpper(s[:i])
	sentBy, par, _ := strings.Cut(s[i:], ";")
	var perr *parseError
	v.host, v.port, perr = parseHostPort(strings.TrimSpace(sentBy))
	if perr != nil {
		return v, rest, perr
	}
	v.params = parseParams(par)
	v.branch = v.params.get("branch")
	v.rport = v.params.has("rport") && v.params.get("rport") == ""
	return v, rest, err
}

// malformedVias looks at the values after the first in one Via line.
func malformedVias(rest string) bool {
	for rest != "" {
		item := rest
		if i := indexOutside(rest, ','); i >= 0 {
			item, rest = rest[:i], rest[i+1:]
		} else {
			rest = ""
		}
		if strings.Count(item, "/") < 2 {
			return true
		}
	}
	return false
}

// indexOutside finds a byte outside quotes and angle brackets.
func indexOutside(s string, c byte) int {
	quoted, angle := false, false
	for i := 0; i < len(s); i++ {
		switch b := s[i]; {
		case quoted:
			if b == '\\' {
				i++
			} else if b == '"' {
				quoted = false
			}
		case b == '"':
			quoted = true
		case b == '<':
			angle = true
		case b == '>':
			angle = false
		case b == c && !angle:
			return i
		}
	}
	return -1
}

// splitList takes a comma list apart, quotes and brackets respected.
func splitList(s string) []string {
	var out []string
	for {
		i := indexOutside(s, ',')
		item := s
		if i >= 0 {
			item, s = s[:i], s[i+1:]
		}
		if item = strings.TrimSpace(item); item != "" {
			out = append(out, item)
		}
		if i < 0 {
			return out
		}
	}
}

func cutPrefixFold(s, prefix string) (string, bool) {
	if len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix) {
		return s[len(prefix):], true
	}
	return s, false
}

// isToken: RFC 3261 §25.1.
func isToken(s string) bool {
	if s == "" {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if !(c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z') &&
			strings.IndexByte("-.!%*_+`'~", c) < 0 {
			return false
		}
	}
	return true
}
