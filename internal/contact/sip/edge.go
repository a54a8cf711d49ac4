package sip

import (
	"bytes"
	"net/netip"
	"sync"
	"time"
)

// edge decides, before anything is parsed or stored, whether a message from a
// source is read at all: access list, a token bucket per source, and whether
// it looks like SIP. The table of sources is bounded: once full, unknown
// sources share one bucket until idle entries have been swept.
type edge struct {
	acl  ACL
	rate float64
	now  func() time.Time

	mu      sync.Mutex
	sources map[netip.Addr]*bucket
	shared  bucket
	trusted func(netip.Addr) bool // trunk peers: twenty times the rate
}

type bucket struct {
	tokens float64
	at     time.Time
	factor float64
}

const maxSources = 16384

func newEdge(acl ACL, rate int, now func() time.Time) *edge {
	return &edge{acl: acl, rate: float64(rate), now: now, sources: map[netip.Addr]*bucket{}}
}

func (e *edge) allowed(a netip.Addr) bool {
	for _, p := range e.acl.Deny {
		if p.Contains(a) {
			return false
		}
	}
	for _, p := range e.acl.Allow {
		if p.Contains(a) {
			return true
		}
	}
	return len(e.acl.Allow) == 0
}

// admit takes a token of the source.
func (e *edge) admit(a netip.Addr) bool {
	now := e.now()
	e.mu.Lock()
	defer e.mu.Unlock()
	b := e.sources[a]
	if b == nil {
		if len(e.sources) >= maxSources {
			b = &e.shared
			b.factor = 20
		} else {
			b = &bucket{tokens: 2 * e.rate, at: now, factor: 1}
			if e.trusted != nil && e.trusted(a) {
				b.factor, b.tokens = 20, 40*e.rate
			}
			e.sources[a] = b
		}
	}
	limit := e.rate * b.factor
	b.tokens = min(b.tokens+now.Sub(b.at).Seconds()*limit, 2*limit)
	b.at = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// sweep forgets sources that have been silent for a minute.
func (e *edge) sweep() {
	now := e.now()
	e.mu.Lock()
	defer e.mu.Unlock()
	for a, b := range e.sources {
		if now.Sub(b.at) > time.Minute {
			delete(e.sources, a)
		}
	}
}

// reset forgets all sources, after the set of trusted peers changed.
func (e *edge) reset() {
	e.mu.Lock()
	clear(e.sources)
	e.mu.Unlock()
}

func (e *edge) size() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.sources)
}

// looksLikeSIP is the cheapest test that keeps noise away from the parser.
func looksLikeSIP(data []byte) bool {
	if len(data) < 16 {
		return false
	}
	line := data
	if i := bytes.IndexByte(data, '\r'); i >= 0 {
		line = data[:i]
	}
	return bytes.Contains(line, []byte("SIP/")) || bytes.Contains(line, []byte("sip/"))
}

// isKeepalive: CR LF pairs and NULs that phones send to keep a NAT open.
func isKeepalive(data []byte) bool {
	return len(data) <= 4 && len(bytes.Trim(data, "\r\n\x00")) == 0
}
