package sip

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
)

// RegisterSpec describes a registration of ours at somebody else's registrar
// (package phone; trunks have their own).
type RegisterSpec struct {
	Registrar string // "127.0.0.1:5060"
	Transport string // UDP (default), TCP, TLS
	User      string
	Password  string
	Expires   time.Duration // 0 removes the registration
}

// Registrant keeps the identity of one registration: Call-ID and sequence.
type Registrant struct {
	s      *Server
	spec   RegisterSpec
	mu     sync.Mutex
	callID string
	seq    uint32
}

// NewRegistrant prepares registrations; nothing is sent yet.
func (s *Server) NewRegistrant(spec RegisterSpec) *Registrant {
	if spec.Transport == "" {
		spec.Transport = "UDP"
	}
	return &Registrant{s: s, spec: spec, callID: newTag() + newTag()}
}

// Register sends a REGISTER, answers the challenge, and returns what was granted.
func (r *Registrant) Register(ctx context.Context, expires time.Duration) (time.Duration, error) {
	host, port, perr := parseHostPort(r.spec.Registrar)
	if perr != nil {
		return 0, fmt.Errorf("register: %w", perr)
	}
	addr, err := resolve(ctx, host, orPort(port, 5060))
	if err != nil {
		return 0, err
	}
	f, err := r.s.flowTo(ctx, r.spec.Transport, addr, host)
	if err != nil {
		return 0, err
	}
	uri := "sip:" + bracket(host)
	aor := "<sip:" + escapeUser(r.spec.User) + "@" + bracket(host) + ">"
	lhost, lport := r.s.local(f)
	auth := ""
	for try := 0; ; try++ {
		r.mu.Lock()
		r.seq++
		p := reqParts{
			method: "REGISTER", uri: uri, from: aor + ";tag=" + newTag(), to: aor, callID: r.callID, cseq: r.seq,
			contact: contactText(r.spec.User, lhost, lport, r.spec.Transport),
			extra:   line("Expires", strconv.Itoa(int(expires/time.Second))) + auth,
		}
		r.mu.Unlock()
		m, err := r.s.exchange(ctx, f, p, 0)
		switch {
		case err != nil:
			return 0, fmt.Errorf("register: %w", err)
		case m.code == 200:
			return grantedFor(m, r.spec.User, expires), nil
		case (m.code == 401 || m.code == 407) && try < 2 && r.spec.Password != "":
			if auth = authorize(m, "REGISTER", uri, r.spec.User, r.spec.Password, 1); auth != "" {
				continue
			}
		}
		return 0, &ResponseError{m.code, m.reason}
	}
}

// grantedFor finds our contact among those that a 200 lists.
func grantedFor(m *message, user string, asked time.Duration) time.Duration {
	for _, text := range m.values(hContact) {
		na, err := parseNameAddr(text)
		if err != nil || !strings.EqualFold(unescape(na.uri.user), user) {
			continue
		}
		if n, err := strconv.Atoi(na.params.get("expires")); err == nil {
			return time.Duration(n) * time.Second
		}
	}
	return asked
}
