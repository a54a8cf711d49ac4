package api

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"heartline/internal/platform/id"
)

const (
	cookieName = "heartline_session"
	csrfHeader = "X-Heartline"
)

type requestKey struct{}

// request is what the edge knows about a request besides who is asking. The
// fields below the line are filled on the way in, for the access log.
type request struct {
	id     string
	method string
	ip     string
	client string
	secure bool
	token  string
	portal string // the portal's token

	operation string
	user      string
}

func requestOf(ctx context.Context) *request {
	if r, ok := ctx.Value(requestKey{}).(*request); ok {
		return r
	}
	return &request{}
}

// requestID is the id under which the access log knows the request.
func requestID(ctx context.Context) string { return requestOf(ctx).id }

// newRequest reads what the edge needs of a request.
func (s *Server) newRequest(r *http.Request) *request {
	q := &request{id: id.New(), method: r.Method, ip: s.clientIP(r), client: r.UserAgent(), secure: r.TLS != nil || s.deps.Secure}
	if s.trusted(r.RemoteAddr) && r.Header.Get("X-Forwarded-Proto") == "https" {
		q.secure = true
	}
	if c, err := r.Cookie(cookieName); err == nil {
		q.token = c.Value
	}
	if c, err := r.Cookie(portalCookie); err == nil {
		q.portal = c.Value
	}
	return q
}

// clientIP is the address of the browser: that of the connection, or, from a
// trusted proxy, the last address in X-Forwarded-For that is no proxy.
func (s *Server) clientIP(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	if !s.trusted(r.RemoteAddr) {
		return host
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		addr, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		host = addr.String()
		if !s.trustedAddr(addr) {
			break
		}
	}
	return host
}

func (s *Server) trusted(remote string) bool {
	ap, err := netip.ParseAddrPort(remote)
	return err == nil && s.trustedAddr(ap.Addr())
}

func (s *Server) trustedAddr(a netip.Addr) bool {
	for _, p := range s.deps.TrustedProxies {
		if p.Contains(a.Unmap()) {
			return true
		}
	}
	return false
}

// sameOrigin reports whether the page behind a request is ours. Requests
// without Origin do not come from another site's page: browsers send it.
func (s *Server) sameOrigin(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
	default:
		return s.allowedOrigin(r.Header.Get("Origin"))
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" {
		return false
	}
	return strings.EqualFold(u.Host, r.Host) || s.allowedOrigin(origin)
}

func (s *Server) allowedOrigin(origin string) bool {
	for _, o := range s.deps.Origins {
		if origin != "" && strings.EqualFold(o, origin) {
			return true
		}
	}
	return false
}

// safeMethod tells methods that change nothing.
func safeMethod(m string) bool {
	return m == http.MethodGet || m == http.MethodHead || m == http.MethodOptions
}

// raw gives streaming handlers the plain request and writer.
var raw = humago.Unwrap
