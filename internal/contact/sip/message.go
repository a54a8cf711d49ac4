package sip

import (
	"strings"
)

// message is one parsed SIP request or response. Strings share one copy of
// the datagram. Values are taken apart only when somebody asks.
type message struct {
	method string // "" for a response
	uri    string // Request-URI as received
	code   int    // 0 for a request
	reason string

	hdrs []header
	body []byte

	via      via
	from, to nameAddr
	callID   string
	cseq     uint32
	cseqMeth string
	maxFwd   int // -1: absent
}

type header struct {
	id        hid
	name, val string
}

// hid names the headers that we look at; 0 is any other.
type hid uint8

const (
	hOther hid = iota
	hVia
	hFrom
	hTo
	hCallID
	hCSeq
	hContact
	hMaxForwards
	hContentLength
	hContentType
	hRoute
	hRecordRoute
	hRequire
	hProxyRequire
	hSupported
	hAllow
	hAuthorization
	hProxyAuthorization
	hWWWAuthenticate
	hProxyAuthenticate
	hExpires
	hSessionExpires
	hMinSE
	hRSeq
	hRAck
	hReferTo
	hReplaces
	hEvent
	hSubscriptionState
	hPAI
	hReason
	hRetryAfter
	hUserAgent
	hMinExpires
)

// headerID finds the id of a header name, long or compact, in any case.
func headerID(name string) hid {
	switch len(name) {
	case 1:
		switch name[0] | 0x20 {
		case 'v':
			return hVia
		case 'f':
			return hFrom
		case 't':
			return hTo
		case 'i':
			return hCallID
		case 'm':
			return hContact
		case 'l':
			return hContentLength
		case 'c':
			return hContentType
		case 'k':
			return hSupported
		case 'r':
			return hReferTo
		case 'o':
			return hEvent
		case 'x':
			return hSessionExpires
		}
		return hOther
	case 2, 3, 4, 5, 6, 7, 8:
		for _, k := range shortNames {
			if len(k.name) == len(name) && strings.EqualFold(k.name, name) {
				return k.id
			}
		}
		return hOther
	}
	for _, k := range longNames {
		if len(k.name) == len(name) && strings.EqualFold(k.name, name) {
			return k.id
		}
	}
	return hOther
}

type headerName struct {
	name string
	id   hid
}

var shortNames = [...]headerName{
	{"Via", hVia}, {"From", hFrom}, {"To", hTo}, {"CSeq", hCSeq}, {"Call-ID", hCallID},
	{"Contact", hContact}, {"Route", hRoute}, {"Allow", hAllow}, {"Require", hRequire},
	{"Expires", hExpires}, {"Event", hEvent}, {"Reason", hReason}, {"RSeq", hRSeq},
	{"RAck", hRAck}, {"Min-SE", hMinSE}, {"Refer-To", hReferTo}, {"Replaces", hReplaces},
}

var longNames = [...]headerName{
	{"Max-Forwards", hMaxForwards}, {"Content-Length", hContentLength}, {"Content-Type", hContentType},
	{"Record-Route", hRecordRoute}, {"Supported", hSupported}, {"Authorization", hAuthorization},
	{"Proxy-Authorization", hProxyAuthorization}, {"WWW-Authenticate", hWWWAuthenticate},
	{"Proxy-Authenticate", hProxyAuthenticate}, {"Proxy-Require", hProxyRequire},
	{"Session-Expires", hSessionExpires}, {"Subscription-State", hSubscriptionState},
	{"P-Asserted-Identity", hPAI}, {"Retry-After", hRetryAfter}, {"User-Agent", hUserAgent},
	{"Min-Expires", hMinExpires},
}

func (m *message) isRequest() bool { return m.code == 0 }

// get returns the first value of a header, "" if absent.
func (m *message) get(id hid) string {
	for i := range m.hdrs {
		if m.hdrs[i].id == id {
			return m.hdrs[i].val
		}
	}
	return ""
}

// has says whether a header is present.
func (m *message) has(id hid) bool {
	for i := range m.hdrs {
		if m.hdrs[i].id == id {
			return true
		}
	}
	return false
}

// named returns the first value of a header by name.
func (m *message) named(name string) string {
	id := headerID(name)
	for i := range m.hdrs {
		h := &m.hdrs[i]
		if h.id == id && (id != hOther || strings.EqualFold(h.name, name)) {
			return h.val
		}
	}
	return ""
}

// values returns all values of a header, lists taken apart at commas.
func (m *message) values(id hid) []string {
	var out []string
	for i := range m.hdrs {
		if m.hdrs[i].id == id {
			out = append(out, splitList(m.hdrs[i].val)...)
		}
	}
	return out
}

// lists says whether a token is in a list header such as Supported.
func (m *message) lists(id hid, token string) bool {
	for i := range m.hdrs {
		if m.hdrs[i].id != id {
			continue
		}
		rest := m.hdrs[i].val
		for rest != "" {
			var item string
			item, rest, _ = strings.Cut(rest, ",")
			if strings.EqualFold(strings.TrimSpace(item), token) {
				return true
			}
		}
	}
	return false
}

// contact parses the first Contact.
func (m *message) contact() (nameAddr, bool) {
	list := m.values(hContact)
	if len(list) == 0 {
		return nameAddr{}, false
	}
	na, err := parseNameAddr(list[0])
	return na, err == nil
}

// sdp returns the body if it is a session description. Multipart bodies are
// searched for one.
func (m *message) sdp() []byte {
	if len(m.body) == 0 {
		return nil
	}
	ct := m.get(hContentType)
	kind, params, _ := strings.Cut(ct, ";")
	kind = strings.TrimSpace(kind)
	switch {
	case strings.EqualFold(kind, "application/sdp"):
		return m.body
	case len(kind) > 10 && strings.EqualFold(kind[:10], "multipart/"):
		return multipartSDP(m.body, parseParams(params).get("boundary"))
	}
	return nil
}

func multipartSDP(body []byte, boundary string) []byte {
	if boundary == "" {
		return nil
	}
	for part := range strings.SplitSeq(string(body), "--"+boundary) {
		head, rest, ok := strings.Cut(strings.TrimPrefix(part, "\r\n"), "\r\n\r\n")
		if ok && strings.Contains(strings.ToLower(head), "application/sdp") {
			return []byte(rest)
		}
	}
	return nil
}

// nameAddr is a From, To, Contact, Route or Refer-To value.
type nameAddr struct {
	raw     string // as received, without header parameters' last-minute changes
	display string
	uri     uri
	uriText string
	params  params
}

func (n *nameAddr) tag() string { return n.params.get("tag") }

// via is one Via value.
type via struct {
	raw       string
	transport string
	host      string
	port      int
	params    params
	branch    string
	rport     bool // an empty rport parameter asks for symmetric responses
}

// uri is a parsed SIP URI; other schemes keep only scheme and opaque.
type uri struct {
	scheme     string // lower case
	opaque     string
	user, pass string // user still escaped
	host       string
	port       int
	params     params
	headers    string
}

func (u *uri) isSIP() bool { return u.scheme == "sip" || u.scheme == "sips" }

// params are name=value pairs, names in lower case.
type params []param

type param struct{ name, val string }

func (p params) get(name string) string {
	for i := range p {
		if p[i].name == name {
			return p[i].val
		}
	}
	return ""
}

func (p params) has(name string) bool {
	for i := range p {
		if p[i].name == name {
			return true
		}
	}
	return false
}
