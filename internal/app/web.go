package app

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"heartline/internal/api"
	"heartline/web"
)

// webServer is the HTTP listener with the API, the live stream and the app.
type webServer struct {
	server *http.Server
	addr   net.Addr
	failed chan error
}

func (a *App) startWeb(ctx context.Context) error {
	handler, err := api.New(a.apiDeps())
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", a.cfg.HTTPAddr)
	if err != nil {
		return err
	}
	if a.cfg.TLSCert != "" {
		pair, err := tls.LoadX509KeyPair(a.cfg.TLSCert, a.cfg.TLSKey)
		if err != nil {
			return errors.Join(err, listener.Close())
		}
		listener = tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}})
	}
	w := &webServer{addr: listener.Addr(), failed: make(chan error, 1), server: api.HTTPServer(handler, a.log)}
	go func() {
		if err := w.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			w.failed <- err
		}
		close(w.failed)
	}()
	a.web = w
	a.onClose("web", func(ctx context.Context) error {
		handler.Close()
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		if err := w.server.Shutdown(ctx); err != nil {
			return w.server.Close()
		}
		return nil
	})
	return nil
}

func (a *App) apiDeps() api.Deps {
	return api.Deps{
		Log: a.log, Now: a.now, Bus: a.bus, DB: a.db, Audit: a.audit,
		Identity: a.identity, Patients: a.patients, Consents: a.consents, Privacy: a.privacy, Hospital: a.hospital, Booking: a.booking, Ledger: a.ledger, Kiosks: a.kiosks, Portal: a.portal, Switchboard: a.board, Calls: a.records,
		Journal: a.journal, Reports: a.reports, Jobs: a.jobs, Alarms: a.alarms, Messages: a.messages, Keys: a.keys, Recordings: a.recordings,
		Telephone: a.calls, Distributor: a.acd, System: a.system, Trunks: a.trunkStatus, Online: a.sip.Online,
		TryPeople: a.tryPeople(), TryKiosk: a.tryKiosk(), About: a.about(), Zone: a.cfg.Location(),
		Secure: strings.HasPrefix(a.cfg.PublicURL, "https:"), Origins: a.origins(), Web: web.Files(),
		Print: a.print, SIPSocket: http.HandlerFunc(a.sip.ServeWebSocket), Ready: a.ready,
	}
}

// origins are further addresses under which browsers see the application.
func (a *App) origins() []string {
	u, err := url.Parse(a.cfg.PublicURL)
	if err != nil || u.Host == "" {
		return nil
	}
	return []string{u.Scheme + "://" + u.Host}
}

// ready fails while a call that came now would not be served.
func (a *App) ready(ctx context.Context) error {
	if err := a.calls.Open(); err != nil {
		return err
	}
	if err := a.media.Health(ctx); err != nil {
		return err
	}
	return a.db.SQL().PingContext(ctx)
}

func splitAddr(addr string) (host, port string) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", ""
	}
	return host, port
}
