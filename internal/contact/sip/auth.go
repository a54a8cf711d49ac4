package sip

import (
	"context"
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"
	"sync"
	"time"
)

// authenticator challenges and checks requests by digest (RFC 3261 §22,
// RFC 8760). Nonces are our own: a time stamp and random bits under a MAC, so
// nothing is stored for a challenge; a nonce is remembered only once it has
// been used with the right password, together with the counts already seen.
// Unknown, disabled and locked accounts get exactly the answer of a wrong
// password, after the same work.
type authenticator struct {
	realm string
	life  time.Duration
	fails int
	lock  time.Duration
	now   func() time.Time
	dir   Directory
	algs  []string
	key   [32]byte
	dummy Account

	mu       sync.Mutex
	used     map[nonceID]*ncWindow
	usedPrev map[nonceID]*ncWindow
	rotated  time.Time
	bad      map[string]*failure // by "a"+address and "u"+account
}

type nonceID [12]byte

// ncWindow refuses a nonce count seen before; requests may overtake each
// other within 64 counts.
type ncWindow struct {
	top  uint32
	seen uint64
}

type failure struct {
	count int
	since time.Time
	until time.Time
}

type authResult uint8

const (
	authOK        authResult = iota
	authChallenge            // no usable credentials: challenge
	authStale                // right password, spent nonce: challenge with stale=true
	authRefused              // 403
	authLocked               // the same 403
)

const maxFailures = 65536

func newAuthenticator(cfg *Config, dir Directory) *authenticator {
	a := &authenticator{
		algs: cfg.Algorithms, realm: cfg.Realm, life: cfg.NonceLife, fails: cfg.AuthFailures, lock: cfg.LockoutTime,
		now: cfg.Now, dir: dir, used: map[nonceID]*ncWindow{}, usedPrev: map[nonceID]*ncWindow{},
		bad: map[string]*failure{}, rotated: cfg.Now(),
	}
	_, _ = rand.Read(a.key[:])
	a.dummy = Account{Password: newTag()}
	return a
}

func (a *authenticator) mac(b []byte) []byte {
	h := hmac.New(sha256.New, a.key[:])
	h.Write(b)
	return h.Sum(nil)[:12]
}

// nonce: 8 bytes time, 12 random, 12 MAC.
func (a *authenticator) nonce() string {
	var b [32]byte
	binary.BigEndian.PutUint64(b[:8], uint64(a.now().UnixMilli()))
	_, _ = rand.Read(b[8:20])
	copy(b[20:], a.mac(b[:20]))
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// openNonce says whether a nonce is ours and still fresh.
func (a *authenticator) openNonce(s string) (id nonceID, ours, fresh bool) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(b) != 32 || !hmac.Equal(b[20:], a.mac(b[:20])) {
		return id, false, false
	}
	copy(id[:], b[8:20])
	age := a.now().Sub(time.UnixMilli(int64(binary.BigEndian.Uint64(b[:8]))))
	return id, true, age >= 0 && age < a.life
}

// challenges returns the headers of a 401, one per algorithm (RFC 8760 §2.4).
func (a *authenticator) challenges(stale bool) string {
	head := "WWW-Authenticate: Digest realm=\"" + a.realm + "\", nonce=\"" + a.nonce() + "\", algorithm="
	tail := ", qop=\"auth\"\r\n"
	if stale {
		tail = ", qop=\"auth\", stale=true\r\n"
	}
	out := ""
	for _, alg := range a.algs {
		out += head + alg + tail
	}
	return out
}

// check verifies a request. exempt says that the source holds a registration
// of the account, so that an attacker elsewhere cannot lock it out of it.
func (a *authenticator) check(ctx context.Context, m *message, addr string, exempt func(user string) bool) (string, authResult) {
	creds, ok := a.credentials(m)
	if !ok {
		return "", authChallenge
	}
	id, ours, fresh := a.openNonce(creds.nonce)
	if !ours { // forged, or from before a restart: nothing is evaluated
		return "", authStale
	}
	acct, known := a.dir.Extension(ctx, creds.user)
	if !known || !acct.Enabled {
		acct = a.dummy
	}
	want := a.expected(&acct, &creds, m.method)
	right := subtle.ConstantTimeCompare([]byte(want), []byte(strings.ToLower(creds.response))) == 1
	right = right && known && acct.Enabled && creds.matches(m)
	locked := a.locked("a"+addr) || a.locked("u"+creds.user) && !exempt(creds.user)
	switch {
	case locked:
		return creds.user, authLocked
	case !right:
		a.failed("a" + addr)
		a.failed("u" + creds.user)
		return creds.user, authRefused
	case !fresh || !a.spend(id, creds.nc):
		return creds.user, authStale
	}
	a.forgive("u" + creds.user)
	return creds.user, authOK
}

type credentials struct {
	user, nonce, uri, response, algorithm, qop, cnonce, ncText string
	nc                                                         uint32
}

// credentials finds the Digest header of our realm.
func (a *authenticator) credentials(m *message) (c credentials, ok bool) {
	for i := range m.hdrs {
		if m.hdrs[i].id != hAuthorization && m.hdrs[i].id != hProxyAuthorization {
			continue
		}
		rest, digest := cutPrefixFold(m.hdrs[i].val, "Digest ")
		if !digest {
			continue
		}
		p := parseAuth(rest)
		if p.get("realm") != a.realm {
			continue
		}
		c = credentials{
			user: p.get("username"), nonce: p.get("nonce"), uri: p.get("uri"), response: p.get("response"),
			algorithm: strings.ToUpper(p.get("algorithm")), qop: strings.ToLower(p.get("qop")),
			cnonce: p.get("cnonce"), ncText: p.get("nc"),
		}
		n, err := strconv.ParseUint(c.ncText, 16, 32)
		if c.qop == "" {
			n, err = 1, nil // RFC 2069: the nonce serves once
		}
		c.nc = uint32(n)
		ok = err == nil && n > 0 && c.user != "" && c.response != "" && (c.qop == "" || c.qop == "auth")
		return c, ok
	}
	return c, false
}

// matches: the URI that was signed has to be the one that was sent; some
// clients sign it without the user part.
func (c *credentials) matches(m *message) bool {
	if c.uri == m.uri {
		return true
	}
	signed, err := parseURI(c.uri)
	sent, err2 := parseURI(m.uri)
	return err == nil && err2 == nil && (signed.user == sent.user || signed.user == "") &&
		strings.EqualFold(signed.host, sent.host)
}

func (a *authenticator) expected(acct *Account, c *credentials, method string) string {
	sum := md5Hex
	ha1 := acct.HA1MD5
	if c.algorithm == "SHA-256" {
		sum, ha1 = sha256Hex, acct.HA1SHA256
	}
	if acct.Password != "" {
		ha1 = sum(c.user + ":" + a.realm + ":" + acct.Password)
	}
	return digestResponse(sum, ha1, c, method)
}

// digestResponse is the request-digest of RFC 7616 §3.4.1.
func digestResponse(sum func(string) string, ha1 string, c *credentials, method string) string {
	ha2 := sum(method + ":" + c.uri)
	if c.qop == "" {
		return sum(ha1 + ":" + c.nonce + ":" + ha2)
	}
	return sum(ha1 + ":" + c.nonce + ":" + c.ncText + ":" + c.cnonce + ":" + c.qop + ":" + ha2)
}

func md5Hex(s string) string {
	b := md5.Sum([]byte(s))
	return hex.EncodeToString(b[:])
}

func sha256Hex(s string) string {
	b := sha256.Sum256([]byte(s))
	return hex.EncodeToString(b[:])
}

// HA1 computes the stored hashes of a password for a realm.
func HA1(user, realm, password string) (md5Hash, sha256Hash string) {
	s := user + ":" + realm + ":" + password
	return md5Hex(s), sha256Hex(s)
}

// spend marks a nonce count as used; false if it was used before.
func (a *authenticator) spend(id nonceID, nc uint32) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if now := a.now(); now.Sub(a.rotated) > a.life { // older nonces are stale by age
		a.usedPrev, a.used = a.used, map[nonceID]*ncWindow{}
		a.rotated = now
	}
	w := a.used[id]
	if w == nil {
		if w = a.usedPrev[id]; w == nil {
			w = &ncWindow{}
		}
		a.used[id] = w
	}
	return w.take(nc)
}

func (w *ncWindow) take(nc uint32) bool {
	switch {
	case nc > w.top:
		if shift := nc - w.top; shift < 64 {
			w.seen = w.seen<<shift | 1
		} else {
			w.seen = 1
		}
		w.top = nc
		return true
	case w.top-nc >= 64 || w.seen&(1<<(w.top-nc)) != 0:
		return false
	}
	w.seen |= 1 << (w.top - nc)
	return true
}

func (a *authenticator) locked(key string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	f := a.bad[key]
	return f != nil && a.now().Before(f.until)
}

func (a *authenticator) failed(key string) {
	now := a.now()
	a.mu.Lock()
	defer a.mu.Unlock()
	f := a.bad[key]
	if f == nil {
		if len(a.bad) >= maxFailures {
			return // the table is full of attackers; addresses in it stay locked
		}
		f = &failure{since: now}
		a.bad[key] = f
	}
	if now.Sub(f.since) > a.lock {
		*f = failure{since: now}
	}
	f.count++
	limit := a.fails
	if key[0] == 'a' {
		limit *= 3 // many phones may share an address
	}
	if f.count >= limit {
		f.until = now.Add(a.lock)
	}
}

func (a *authenticator) forgive(key string) {
	a.mu.Lock()
	delete(a.bad, key)
	a.mu.Unlock()
}

// sweep forgets failures whose time is over.
func (a *authenticator) sweep() {
	now := a.now()
	a.mu.Lock()
	defer a.mu.Unlock()
	for k, f := range a.bad {
		if now.After(f.until) && now.Sub(f.since) > a.lock {
			delete(a.bad, k)
		}
	}
}

// parseAuth reads comma-separated name=value pairs of an auth header.
func parseAuth(s string) params {
	var p params
	for _, item := range splitList(s) {
		name, val, _ := strings.Cut(item, "=")
		p = append(p, param{strings.ToLower(strings.TrimSpace(name)), unquote(strings.TrimSpace(val))})
	}
	return p
}

// authorize answers a 401 or 407: the credentials header line, or "".
func authorize(resp *message, method, uri, user, password string, nc int) string {
	id, name := hWWWAuthenticate, "Authorization"
	if resp.code == 407 {
		id, name = hProxyAuthenticate, "Proxy-Authorization"
	}
	for i := range resp.hdrs {
		if resp.hdrs[i].id != id {
			continue
		}
		rest, ok := cutPrefixFold(resp.hdrs[i].val, "Digest ")
		if !ok {
			continue
		}
		p := parseAuth(rest)
		sum, alg := md5Hex, strings.ToUpper(p.get("algorithm"))
		switch alg {
		case "", "MD5":
		case "SHA-256":
			sum = sha256Hex
		default:
			continue
		}
		return name + ": " + digestHeader(p, sum, method, uri, user, password, nc)
	}
	return ""
}

func digestHeader(p params, sum func(string) string, method, uri, user, password string, nc int) string {
	c := credentials{user: user, nonce: p.get("nonce"), uri: uri}
	ncText := strconv.FormatInt(int64(nc), 16)
	c.ncText = strings.Repeat("0", 8-len(ncText)) + ncText
	if strings.Contains(p.get("qop"), "auth") {
		c.qop, c.cnonce = "auth", newTag()
	}
	realm := p.get("realm")
	resp := digestResponse(sum, sum(user+":"+realm+":"+password), &c, method)
	h := "Digest username=" + quote(user) + ", realm=" + quote(realm) + ", nonce=" + quote(c.nonce) +
		", uri=" + quote(uri) + ", response=\"" + resp + "\""
	if alg := p.get("algorithm"); alg != "" {
		h += ", algorithm=" + clean(alg)
	}
	if op := p.get("opaque"); op != "" {
		h += ", opaque=" + quote(op)
	}
	if c.qop != "" {
		h += ", qop=auth, cnonce=\"" + c.cnonce + "\", nc=" + c.ncText
	}
	return h + "\r\n"
}
