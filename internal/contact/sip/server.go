package sip

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
)

// Server is the SIP edge.
type Server struct{}

// New checks the configuration; nothing listens before Start.
func New(cfg Config, dir Directory, h Handler, log *slog.Logger) (*Server, error) {
	return nil, errors.ErrUnsupported
}

// Start binds all listeners, returns the first error, and serves in the background.
func (s *Server) Start(ctx context.Context) error { return errors.ErrUnsupported }

// Stop hangs up what is left, stops listening and waits for every goroutine.
func (s *Server) Stop(ctx context.Context) error { return errors.ErrUnsupported }

// Addr returns the bound address of "udp", "tcp" or "tls".
func (s *Server) Addr(network string) netip.AddrPort { return netip.AddrPort{} }

// SetTrunks replaces the set of trunks; running calls are left alone.
func (s *Server) SetTrunks(trunks []Trunk) error { return errors.ErrUnsupported }

// ServeWebSocket upgrades a request on /sip (subprotocol "sip") and serves it
// until the client goes.
func (s *Server) ServeWebSocket(w http.ResponseWriter, r *http.Request) {}

// Dial starts an outgoing call and returns at once; the rest comes as events.
func (s *Server) Dial(ctx context.Context, spec DialSpec) (*Dialog, error) {
	return nil, errors.ErrUnsupported
}

// Registrations lists the live contacts.
func (s *Server) Registrations() []Registration { return nil }

// Online says whether an extension has a live contact.
func (s *Server) Online(user string) bool { return false }

// TrunkStatus lists the live state of all trunks.
func (s *Server) TrunkStatus() []TrunkStatus { return nil }

// Stats returns the counters.
func (s *Server) Stats() Stats { return Stats{} }
