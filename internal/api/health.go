package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// routePlain mounts what is not an operation: health, metrics, live streams,
// documentation, the SIP WebSocket and the web application.
func (s *Server) routePlain() {
	s.plain("GET /healthz", "healthz", func(w http.ResponseWriter, _ *http.Request) { sayStatus(w, http.StatusOK, "ok") })
	s.plain("GET /readyz", "readyz", s.readyz)
	s.plain("GET /metrics", "metrics", s.metrics.handler().ServeHTTP)
	s.plain("GET /api/openapi.json", "openapi", s.serveSpec)
	s.plain("GET /api/docs", "docs", s.serveDocs)
	s.plain("GET /api/docs/{file}", "docs", s.serveDocs)
	s.plain("GET /api/live", "live", s.serveLive)
	s.plain("GET /api/try/ws", "try", s.serveTry)
	s.plain("/api/", "unknown", func(w http.ResponseWriter, _ *http.Request) {
		sendProblem(w, newProblem(http.StatusNotFound, "not_found"))
	})
	if s.deps.SIPSocket != nil {
		s.plain("GET /sip", "sip", s.deps.SIPSocket.ServeHTTP)
	}
	if s.deps.Web != nil {
		s.plain("/", "web", newStatic(s.deps.Web).ServeHTTP)
	}
}

// plain mounts a handler under a name for log and metrics.
func (s *Server) plain(pattern, name string, h http.HandlerFunc) {
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		requestOf(r.Context()).operation = name
		h(w, r)
	})
}

// readyz says whether calls and requests can be served.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	if s.deps.Ready == nil {
		sayStatus(w, http.StatusOK, "ready")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
	defer cancel()
	if err := s.deps.Ready(ctx); err != nil {
		s.log.Warn("not ready", "error", err)
		sayStatus(w, http.StatusServiceUnavailable, "not_ready")
		return
	}
	sayStatus(w, http.StatusOK, "ready")
}

func sayStatus(w http.ResponseWriter, status int, word string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"status": word})
}
