package sip

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// trunkSet holds the trunks; each has one goroutine that keeps its address,
// registration and keepalive.
type trunkSet struct {
	s       *Server
	mu      sync.RWMutex
	list    []*trunk // by priority
	started bool
}

type trunk struct {
	s     *Server
	cfg   Trunk
	peers []peerMatch
	calls atomic.Int64

	cancel context.CancelFunc
	done   chan struct{}

	mu         sync.Mutex
	addr       netip.AddrPort // of Host, once resolved
	f          flow
	up         bool
	registered bool
	lastCode   int
	fails      int
	rtt        time.Duration
	changed    time.Time
	callID     string // of registration and keepalive
	seq        uint32
}

// peerMatch is an address that calls may come from.
type peerMatch struct {
	prefix netip.Prefix
	port   uint16 // 0: any
}

func newTrunkSet(s *Server) *trunkSet { return &trunkSet{s: s} }

// SetTrunks replaces the set of trunks; running calls are left alone and
// trunks whose configuration is the same keep their state.
func (s *Server) SetTrunks(trunks []Trunk) error {
	next := make([]*trunk, 0, len(trunks))
	for _, cfg := range trunks {
		if cfg.Disabled {
			continue
		}
		t, err := s.newTrunk(cfg)
		if err != nil {
			return err
		}
		next = append(next, t)
	}
	slices.SortStableFunc(next, func(a, b *trunk) int { return cmp.Compare(a.cfg.Priority, b.cfg.Priority) })
	ts := s.trunks
	ts.mu.Lock()
	old := ts.list
	for i, t := range next {
		for j, o := range old {
			if o != nil && reflect.DeepEqual(o.cfg, t.cfg) {
				next[i], old[j] = o, nil
				break
			}
		}
	}
	ts.list = next
	started := ts.started
	ts.mu.Unlock()
	for _, o := range old {
		if o != nil {
			o.halt()
		}
	}
	if started {
		for _, t := range next {
			t.begin()
		}
	}
	s.edge.reset()
	return nil
}

func (s *Server) newTrunk(cfg Trunk) (*trunk, error) {
	cfg.Transport = strings.ToUpper(cfg.Transport)
	if cfg.Transport == "" {
		cfg.Transport = "UDP"
	}
	if cfg.Port == 0 {
		cfg.Port = 5060
		if cfg.Transport == "TLS" {
			cfg.Port = 5061
		}
	}
	if cfg.ID == "" || cfg.Host == "" || cfg.Kind != TrunkStatic && cfg.Kind != TrunkRegister ||
		!slices.Contains([]string{"UDP", "TCP", "TLS"}, cfg.Transport) {
		return nil, fmt.Errorf("sip: trunk %q: id, host, kind and transport are required", cfg.ID)
	}
	t := &trunk{s: s, cfg: cfg, callID: newTag() + newTag(), up: cfg.Kind == TrunkStatic, changed: s.cfg.Now()}
	for _, p := range cfg.PeerIPs {
		m, err := parsePeer(p)
		if err != nil {
			return nil, fmt.Errorf("sip: trunk %q: peer address: %w", cfg.ID, err)
		}
		t.peers = append(t.peers, m)
	}
	if a, err := netip.ParseAddr(cfg.Host); err == nil {
		t.addr = netip.AddrPortFrom(a.Unmap(), uint16(cfg.Port))
	}
	return t, nil
}

func parsePeer(p string) (peerMatch, error) {
	if ap, err := netip.ParseAddrPort(p); err == nil {
		ap = unmap(ap)
		return peerMatch{netip.PrefixFrom(ap.Addr(), ap.Addr().BitLen()), ap.Port()}, nil
	}
	if a, err := netip.ParseAddr(p); err == nil {
		a = a.Unmap()
		return peerMatch{netip.PrefixFrom(a, a.BitLen()), 0}, nil
	}
	pr, err := netip.ParsePrefix(p)
	return peerMatch{pr, 0}, err
}

func (ts *trunkSet) start() {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	ts.started = true
	for _, t := range ts.list {
		t.begin()
	}
}

// stop ends the keepalives and gives up registrations.
func (ts *trunkSet) stop(ctx context.Context) {
	ts.mu.Lock()
	list := ts.list
	ts.started = false
	ts.mu.Unlock()
	for _, t := range list {
		t.halt()
		if t.cfg.Kind == TrunkRegister && t.status().Registered {
			t.sendRegister(ctx, 0)
		}
	}
}

// knows says whether an address belongs to a trunk, for the edge's limits.
func (ts *trunkSet) knows(a netip.Addr) bool {
	ts.mu.RLock()
	defer ts.mu.RUnlock()
	for _, t := range ts.list {
		if t.matches(netip.AddrPortFrom(a, 0), true) {
			return true
		}
	}
	return false
}

// match finds the trunk that a call comes from; entries with a port first.
func (ts *trunkSet) match(f flow) *trunk {
	ts.mu.RLock()
	defer ts.mu.RUnlock()
	for _, anyPort := range []bool{false, true} {
		for _, t := range ts.list {
			if t.from(f, anyPort) {
				return t
			}
		}
	}
	return nil
}

// from: UDP sources can be forged, but a forged INVITE still has to be
// acknowledged from the peer's address; connections cannot.
func (t *trunk) from(f flow, anyPort bool) bool {
	for _, p := range t.peers {
		if p.prefix.Contains(f.addr.Addr()) && (p.port == f.addr.Port() && !anyPort || p.port == 0 && anyPort) {
			return true
		}
	}
	t.mu.Lock()
	host, st := t.addr, t.f.stream
	t.mu.Unlock()
	if host.Addr() != f.addr.Addr() {
		return st != nil && st == f.stream
	}
	// on this very machine an address alone proves nothing
	if host.Addr().IsLoopback() {
		return host.Port() == f.addr.Port() && !anyPort
	}
	return anyPort
}

func (t *trunk) matches(a netip.AddrPort, _ bool) bool {
	for _, p := range t.peers {
		if p.prefix.Contains(a.Addr()) {
			return true
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.addr.Addr() == a.Addr()
}

// route lists the trunks for an outgoing call in the order to try them.
func (ts *trunkSet) route(id string) ([]*trunk, error) {
	ts.mu.RLock()
	defer ts.mu.RUnlock()
	var out []*trunk
	for _, t := range ts.list {
		if t.cfg.ID == id || id == "" && t.status().Up {
			out = append(out, t)
		}
	}
	if len(out) == 0 {
		return nil, ErrUnreachable
	}
	return out, nil
}

// take counts a call against the channel limit.
func (t *trunk) take() bool {
	for {
		n := t.calls.Load()
		if t.cfg.MaxCalls > 0 && n >= int64(t.cfg.MaxCalls) {
			return false
		}
		if t.calls.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// ready returns the way to the peer if it is open already.
func (t *trunk) ready() (flow, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.cfg.Transport == "UDP" && t.addr.IsValid() && t.s.udp != nil {
		return flow{transport: "UDP", addr: t.addr}, true
	}
	return t.f, t.f.stream != nil && !t.f.stream.dead.Load()
}

// connect resolves and connects.
func (t *trunk) connect(ctx context.Context) (flow, error) {
	addr, err := resolve(ctx, t.cfg.Host, t.cfg.Port)
	if err != nil {
		return flow{}, err
	}
	f, err := t.s.flowTo(ctx, t.cfg.Transport, addr, t.cfg.Host)
	if err != nil {
		return flow{}, err
	}
	t.mu.Lock()
	t.addr, t.f = addr, f
	t.mu.Unlock()
	return f, nil
}

func (t *trunk) domain() string {
	if t.cfg.Domain != "" {
		return t.cfg.Domain
	}
	return bracket(t.cfg.Host)
}

func (t *trunk) hostPort() string {
	return bracket(t.cfg.Host) + ":" + strconv.Itoa(t.cfg.Port)
}

func (t *trunk) param() string { return strings.ToLower(t.cfg.Transport) }

// identity asserts who calls (RFC 3325).
func (t *trunk) identity(l *leg) string {
	na, err := parseNameAddr(l.local)
	if err != nil || na.uri.user == "" {
		return ""
	}
	return line("P-Asserted-Identity", "<sip:"+na.uri.user+"@"+t.domain()+">")
}

// TrunkStatus lists the live state of all trunks.
func (s *Server) TrunkStatus() []TrunkStatus {
	s.trunks.mu.RLock()
	defer s.trunks.mu.RUnlock()
	var out []TrunkStatus
	for _, t := range s.trunks.list {
		out = append(out, t.status())
	}
	return out
}

func (t *trunk) status() TrunkStatus {
	t.mu.Lock()
	defer t.mu.Unlock()
	return TrunkStatus{
		ID: t.cfg.ID, Name: t.cfg.Name, Up: t.up, Registered: t.registered, LastCode: t.lastCode,
		Calls: int(t.calls.Load()), RTT: t.rtt, Changed: t.changed,
	}
}

// normalise rewrites a number by the first rule that matches.
func normalise(rules []Rule, number string) string {
	for _, r := range rules {
		if !strings.HasPrefix(number, r.Match) || r.Length > 0 && len(number) != r.Length || r.Strip > len(number) {
			continue
		}
		return r.Prefix + number[r.Strip:]
	}
	return number
}
