package sip

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// registrar keeps which contacts an extension has and over which flow each is
// reached (RFC 3261 §10, RFC 5626 in spirit: the flow it came over is used,
// whatever address the contact claims).
type registrar struct {
	s  *Server
	mu sync.Mutex
	// users has an entry only while there is a live contact.
	users map[string][]*binding

	reportMu sync.Mutex
	reported map[string]bool // what the handler was told last
}

type binding struct {
	user    string
	key     string // contact URI, or instance and reg-id
	contact string // URI text
	f       flow
	nat     bool // the contact's address is not the source: keep the path open
	callID  string
	cseq    uint32
	agent   string
	since   time.Time
	expires time.Time
}

func newRegistrar(s *Server) *registrar {
	return &registrar{s: s, users: map[string][]*binding{}, reported: map[string]bool{}}
}

// register handles a REGISTER. Challenges are answered at once; checking a
// password takes its own goroutine, so that readers never wait for a directory.
func (s *Server) register(m *message, f flow, tx *serverTx) {
	if s.cfg.OpenUA {
		tx.reply(405, "", "")
		return
	}
	if !m.has(hAuthorization) && !m.has(hProxyAuthorization) {
		tx.reply(401, "", s.auth.challenges(false))
		return
	}
	s.wg.Go(func() {
		user, ok := s.authenticate(m, f, tx)
		if !ok {
			return
		}
		aor := unescape(m.to.uri.user)
		if !m.to.uri.isSIP() || aor != user {
			tx.reply(403, "", "")
			return
		}
		s.reg.update(user, m, f, tx)
	})
}

// authenticate checks digest credentials and answers if they do not pass.
func (s *Server) authenticate(m *message, f flow, tx *serverTx) (string, bool) {
	src := f.addr.Addr()
	user, res := s.auth.check(s.ctx, m, src.String(), func(u string) bool { return s.reg.from(u, src) })
	switch res {
	case authOK:
		return user, true
	case authRefused:
		s.stats.authFailed.Add(1)
		tx.reply(403, "", "")
	case authLocked:
		s.stats.lockedOut.Add(1)
		tx.reply(403, "", "")
	case authStale:
		s.stats.authReplayed.Add(1)
		tx.reply(401, "", s.auth.challenges(true))
	default:
		tx.reply(401, "", s.auth.challenges(false))
	}
	return "", false
}

// update applies the contacts of an authenticated REGISTER (§10.3).
func (r *registrar) update(user string, m *message, f flow, tx *serverTx) {
	acct, _ := r.s.dir.Extension(r.s.ctx, user)
	limit := acct.MaxContacts
	if limit <= 0 {
		limit = 5
	}
	now := r.s.cfg.Now()
	contacts := m.values(hContact)
	r.mu.Lock()
	code := r.apply(user, m, f, contacts, limit, now)
	list := r.list(user, now)
	r.mu.Unlock()
	switch code {
	case 200:
		tx.reply(200, "", list)
	case 423:
		tx.reply(423, "", line("Min-Expires", strconv.Itoa(int(r.s.cfg.MinExpires/time.Second))))
	default:
		tx.reply(code, "", "")
	}
	r.report(user)
}

// report tells the handler of a change, in the order in which changes happen.
func (r *registrar) report(user string) {
	r.reportMu.Lock()
	defer r.reportMu.Unlock()
	r.mu.Lock()
	online := len(r.users[user]) > 0
	r.mu.Unlock()
	if online == r.reported[user] {
		return
	}
	if online {
		r.reported[user] = true
	} else {
		delete(r.reported, user)
	}
	r.s.handler.Registered(user, online)
}

func (r *registrar) apply(user string, m *message, f flow, contacts []string, limit int, now time.Time) int {
	if len(contacts) == 1 && contacts[0] == "*" {
		if m.get(hExpires) != "0" {
			return 400
		}
		r.set(user, nil)
		return 200
	}
	def := r.s.cfg.MaxExpires
	if n, err := strconv.ParseUint(m.get(hExpires), 10, 32); err == nil {
		def = time.Duration(n) * time.Second
	}
	for _, text := range contacts {
		na, err := parseNameAddr(text)
		if err != nil || !na.uri.isSIP() {
			return 400
		}
		exp := def
		if v := na.params.get("expires"); v != "" {
			n, err := strconv.ParseUint(v, 10, 32)
			if err != nil {
				n = 3600 // §20.19: malformed counts as an hour
			}
			exp = time.Duration(n) * time.Second
		}
		if exp > 0 && exp < r.s.cfg.MinExpires {
			return 423
		}
		if code := r.bind(user, m, f, &na, min(exp, r.s.cfg.MaxExpires), limit, now); code != 0 {
			return code
		}
	}
	return 200
}

// bind adds, refreshes or removes one contact; 0 is success.
func (r *registrar) bind(user string, m *message, f flow, na *nameAddr, exp time.Duration, limit int, now time.Time) int {
	key := na.uriText
	if inst := na.params.get("+sip.instance"); inst != "" {
		key = inst + "#" + na.params.get("reg-id")
	}
	list := r.users[user]
	var b *binding
	rest := make([]*binding, 0, len(list)+1)
	for _, old := range list {
		if old.key == key {
			b = old
		} else {
			rest = append(rest, old)
		}
	}
	if b != nil && b.callID == m.callID && m.cseq <= b.cseq {
		return 500 // out of order (§10.3 step 7)
	}
	if exp == 0 {
		r.set(user, rest)
		return 0
	}
	if b == nil {
		b = &binding{user: user, key: key, since: now}
		for len(rest) >= limit { // the oldest gives way: a phone that moved on
			rest = rest[1:]
		}
	}
	b.contact, b.f, b.callID, b.cseq, b.agent = na.uriText, f, m.callID, m.cseq, m.get(hUserAgent)
	b.expires = now.Add(exp)
	b.nat = f.stream == nil && na.uri.host != f.addr.Addr().String()
	r.set(user, append(rest, b))
	return 0
}

func (r *registrar) set(user string, list []*binding) {
	if len(list) == 0 {
		delete(r.users, user)
	} else {
		r.users[user] = list
	}
}

// list writes the Contact lines of a 200.
func (r *registrar) list(user string, now time.Time) string {
	var b strings.Builder
	for _, c := range r.users[user] {
		left := int((c.expires.Sub(now) + time.Second - 1) / time.Second)
		b.WriteString("Contact: <" + c.contact + ">;expires=" + strconv.Itoa(left) + "\r\n")
	}
	b.WriteString("Date: " + now.UTC().Format("Mon, 02 Jan 2006 15:04:05") + " GMT\r\n")
	return b.String()
}

// target is a contact to ring.
type target struct {
	uri string
	f   flow
}

// targets returns the live contacts of a user.
func (r *registrar) targets(user string) []target {
	now := r.s.cfg.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []target
	for _, b := range r.users[user] {
		if b.expires.After(now) && (b.f.stream == nil || !b.f.stream.dead.Load()) {
			out = append(out, target{b.contact, b.f})
		}
	}
	return out
}

// from says whether a user has a live contact at an address.
func (r *registrar) from(user string, src netip.Addr) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, b := range r.users[user] {
		if b.f.addr.Addr() == src {
			return true
		}
	}
	return false
}

// sweep removes what expired and, every 25 s, keeps NAT paths open.
func (r *registrar) sweep(n int) {
	now := r.s.cfg.Now()
	r.removeIf(func(b *binding) bool { return !b.expires.After(now) })
	if n%25 != 0 {
		return
	}
	var open []flow
	r.mu.Lock()
	for _, list := range r.users {
		for _, b := range list {
			if b.nat {
				open = append(open, b.f)
			}
		}
	}
	r.mu.Unlock()
	for _, f := range open {
		_ = r.s.send(f, []byte("\r\n\r\n"))
	}
}

// flowGone removes the contacts of a closed connection.
func (r *registrar) flowGone(st *stream) {
	r.removeIf(func(b *binding) bool { return b.f.stream == st })
}

func (r *registrar) removeIf(gone func(*binding) bool) {
	var offline []string
	r.mu.Lock()
	for user, list := range r.users {
		if !slices.ContainsFunc(list, gone) {
			continue
		}
		keep := make([]*binding, 0, len(list))
		for _, b := range list {
			if !gone(b) {
				keep = append(keep, b)
			}
		}
		r.set(user, keep)
		if len(keep) == 0 {
			offline = append(offline, user)
		}
	}
	r.mu.Unlock()
	for _, user := range offline {
		r.report(user)
	}
}

func (r *registrar) count() (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, list := range r.users {
		n += len(list)
	}
	return n
}

// Registrations lists the live contacts.
func (s *Server) Registrations() []Registration {
	s.reg.mu.Lock()
	defer s.reg.mu.Unlock()
	var out []Registration
	for _, list := range s.reg.users {
		for _, b := range list {
			out = append(out, Registration{
				User: b.user, Contact: b.contact, Source: b.f.addr, Transport: b.f.transport,
				UserAgent: b.agent, Expires: b.expires, Since: b.since,
			})
		}
	}
	return out
}

// Online says whether an extension has a live contact.
func (s *Server) Online(user string) bool { return len(s.reg.targets(user)) > 0 }
