package api

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/identity"
)

// maxRequest bounds every request body; operations set tighter bounds.
const maxRequest = 25 << 20

// ServeHTTP is the way in for every request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := s.newRequest(r)
	ctx := context.WithValue(r.Context(), requestKey{}, q)
	rec := &recorder{ResponseWriter: w}
	start := s.now()
	defer func() { s.finish(r, q, rec, recover(), s.now().Sub(start)) }()
	secure(rec.Header(), q)
	rec.Header().Set("X-Request-Id", q.id)
	r.Body = http.MaxBytesReader(rec, r.Body, maxRequest)
	if !isAPI(r.URL.Path) {
		s.mux.ServeHTTP(rec, r.WithContext(ctx))
		return
	}
	rec.Header().Set("Cache-Control", "no-store")
	if !safeMethod(r.Method) && (r.Header.Get(csrfHeader) != "1" || !s.sameOrigin(r)) {
		sendProblem(rec, newProblem(http.StatusForbidden, "request.cross_site"))
		return
	}
	ctx, err := s.authenticate(ctx, q)
	if err != nil {
		sendProblem(rec, s.problem(ctx, err))
		return
	}
	zip := newGzipWriter(rec, r, &s.zips)
	defer zip.close()
	s.mux.ServeHTTP(zip, r.WithContext(ctx))
}

func isAPI(path string) bool { return path == "/api" || strings.HasPrefix(path, "/api/") }

// authenticate puts the acting principal into the context. A session that is
// over leaves the request without one.
func (s *Server) authenticate(ctx context.Context, q *request) (context.Context, error) {
	if q.token == "" || s.deps.Identity == nil {
		return ctx, nil
	}
	p, err := s.deps.Identity.Authenticate(ctx, q.token)
	if errs.Is(err, errs.Unknown) {
		return ctx, nil
	}
	if err != nil {
		return ctx, fmt.Errorf("authenticate: %w", err)
	}
	p.IP, p.RequestID = q.ip, q.id
	q.user = p.UserID
	return identity.With(ctx, p), nil
}

// finish answers a panic, writes the access log and counts.
func (s *Server) finish(r *http.Request, q *request, rec *recorder, fault any, took time.Duration) {
	if fault == http.ErrAbortHandler {
		panic(fault)
	}
	if fault != nil {
		s.log.Error("panic in request", "request_id", q.id, "operation", q.operation, "panic", fmt.Sprint(fault), "stack", string(debug.Stack()))
		if rec.status == 0 && !rec.hijacked {
			sendProblem(rec, newProblem(http.StatusInternalServerError, "internal"))
		}
	}
	status := rec.status
	if status == 0 {
		status = http.StatusOK
	}
	if rec.hijacked {
		status = http.StatusSwitchingProtocols
	}
	name := q.operation
	if name == "" {
		name = "other"
	}
	s.metrics.request(name, status, took)
	level := slog.LevelDebug
	switch {
	case status >= 500:
		level = slog.LevelWarn
	case !safeMethod(r.Method):
		level = slog.LevelInfo
	}
	// Neither path nor query: both can hold what somebody searched for.
	s.log.LogAttrs(r.Context(), level, "request", slog.String("request_id", q.id), slog.String("operation", name),
		slog.String("method", r.Method), slog.Int("status", status), slog.Int64("bytes", rec.bytes),
		slog.Float64("ms", float64(took.Microseconds())/1000), slog.String("user", q.user))
}

// secure sets the headers that keep browsers on the safe side. Scripts come
// from our own files only; inline styles are needed by the chart tooltips.
func secure(h http.Header, q *request) {
	h.Set("Content-Security-Policy", "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; "+
		"img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; "+
		"object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Permissions-Policy", "microphone=(self), camera=(), geolocation=(), payment=(), usb=()")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	if q.secure {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// recorder notes what was answered.
type recorder struct {
	http.ResponseWriter
	status   int
	bytes    int64
	hijacked bool
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && status >= 200 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(b)
	r.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// Flush passes streaming on.
func (r *recorder) Flush() { _ = http.NewResponseController(r.ResponseWriter).Flush() }

// Hijack hands the connection to a WebSocket.
func (r *recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, rw, err := http.NewResponseController(r.ResponseWriter).Hijack()
	if err == nil {
		r.hijacked = true
	} else if errors.Is(err, http.ErrNotSupported) {
		err = fmt.Errorf("hijack: %w", err)
	}
	return c, rw, err
}
