package sip

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Server is the SIP edge.
type Server struct {
	cfg     Config
	dir     Directory
	handler Handler
	log     *slog.Logger

	ctx      context.Context // from Start to Stop
	cancel   context.CancelFunc
	wg       sync.WaitGroup // readers and housekeeping
	dialogWG sync.WaitGroup // actors and Handler.Invite
	stopping atomic.Bool

	udp      *net.UDPConn
	tcp, tls net.Listener

	edge         *edge
	auth         *authenticator
	wheel        *wheel
	reg          *registrar
	trunks       *trunkSet
	localIPs     localIPs
	branchPrefix string

	connMu    sync.Mutex
	conns     map[*stream]struct{}
	dialled   map[string]*stream
	perSource map[netip.Addr]int

	txMu      sync.Mutex
	serverTxs map[string]*serverTx
	clientTxs map[string]*clientTx
	merging   map[string]*serverTx

	dialogMu sync.RWMutex
	dialogs  map[string]*Dialog // by our tag

	openRequests atomic.Int64 // non-INVITE requests of ours without an answer yet
	stats        counters
}

type counters struct {
	received, sent, dropped, malformed, limited atomic.Uint64
	retransmitted                               atomic.Uint64
	authFailed, authReplayed, lockedOut         atomic.Uint64
	invites, answered, failed                   atomic.Uint64
}

// New checks the configuration; nothing listens before Start.
func New(cfg Config, dir Directory, h Handler, log *slog.Logger) (*Server, error) {
	if dir == nil && !cfg.OpenUA || h == nil {
		return nil, errors.New("sip: directory and handler are required")
	}
	if cfg.TLS != "" && cfg.TLSConfig == nil {
		return nil, errors.New("sip: TLS listener without certificate")
	}
	for _, alg := range cfg.Algorithms {
		if alg != "MD5" && alg != "SHA-256" {
			return nil, fmt.Errorf("sip: digest algorithm %q", alg)
		}
	}
	if cfg.ExternalIP != "" {
		if _, err := netip.ParseAddr(cfg.ExternalIP); err != nil {
			return nil, fmt.Errorf("sip: external address: %w", err)
		}
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	cfg.setDefaults()
	s := &Server{
		cfg: cfg, dir: dir, handler: h, log: log,
		edge:         newEdge(cfg.ACL, cfg.SourceRate, cfg.Now),
		auth:         newAuthenticator(&cfg, dir),
		wheel:        newWheel(max(cfg.T1/25, time.Millisecond)),
		localIPs:     localIPs{seen: map[netip.Addr]string{}},
		branchPrefix: branchCookie + "hl" + newTag()[:6] + ".",
		conns:        map[*stream]struct{}{},
		dialled:      map[string]*stream{},
		perSource:    map[netip.Addr]int{},
		serverTxs:    map[string]*serverTx{},
		clientTxs:    map[string]*clientTx{},
		merging:      map[string]*serverTx{},
		dialogs:      map[string]*Dialog{},
	}
	s.reg = newRegistrar(s)
	s.trunks = newTrunkSet(s)
	s.edge.trusted = s.trunks.knows
	return s, nil
}

func (c *Config) setDefaults() {
	def := func(n *int, v int) {
		if *n <= 0 {
			*n = v
		}
	}
	dur := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	def(&c.SourceRate, 200)
	def(&c.MaxDialogs, 4000)
	def(&c.MaxConns, 4000)
	def(&c.AuthFailures, 10)
	dur(&c.LockoutTime, 5*time.Minute)
	dur(&c.NonceLife, 2*time.Minute)
	dur(&c.MinExpires, time.Minute)
	dur(&c.MaxExpires, time.Hour)
	dur(&c.SessionExpiry, 30*time.Minute)
	dur(&c.MinSE, 90*time.Second)
	dur(&c.T1, 500*time.Millisecond)
	if len(c.Algorithms) == 0 {
		c.Algorithms = []string{"MD5"}
	}
	if c.Realm == "" {
		c.Realm = "heartline"
	}
	if c.UserAgent == "" {
		c.UserAgent = "Heartline"
	}
	if c.Now == nil {
		c.Now = time.Now
	}
}

// Start binds all listeners, returns the first error, and serves in the background.
func (s *Server) Start(ctx context.Context) error {
	if err := s.listen(ctx); err != nil {
		return err
	}
	s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	go s.wheel.run()
	s.serve()
	s.wg.Go(s.housekeeping)
	s.trunks.start()
	return nil
}

// Stop hangs up what is left, stops listening and waits for every goroutine.
// ctx bounds the polite part: BYEs and their answers.
func (s *Server) Stop(ctx context.Context) error {
	if s.ctx == nil || s.stopping.Swap(true) {
		return nil
	}
	s.trunks.stop(ctx)
	s.dialogMu.RLock()
	var live []*Dialog
	for _, d := range s.dialogs {
		live = append(live, d)
	}
	s.dialogMu.RUnlock()
	for _, d := range live {
		d.post(func() { d.hangup(Cause{SIPCode: 503, Q850: 41, Reason: "server stops"}) })
	}
	ended := make(chan struct{})
	go func() { s.dialogWG.Wait(); close(ended) }()
	var err error
	select {
	case <-ended:
	case <-ctx.Done():
		err = ctx.Err()
	}
	s.settle(ctx)
	s.cancel()
	<-ended
	s.closeListeners()
	s.connMu.Lock()
	for st := range s.conns {
		st.close()
	}
	s.connMu.Unlock()
	s.wg.Wait()
	s.wheel.close()
	return err
}

// settle waits until our last requests are answered.
func (s *Server) settle(ctx context.Context) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for s.openRequests.Load() > 0 {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// housekeeping sweeps tables once a second.
func (s *Server) housekeeping() {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for n := 1; ; n++ {
		select {
		case <-s.ctx.Done():
			return
		case <-tick.C:
		}
		s.reg.sweep(n)
		if n%10 == 0 {
			s.edge.sweep()
			s.auth.sweep()
		}
	}
}

// Addr returns the bound address of "udp", "tcp" or "tls".
func (s *Server) Addr(network string) netip.AddrPort {
	switch {
	case network == "udp" && s.udp != nil:
		return unmap(s.udp.LocalAddr().(*net.UDPAddr).AddrPort())
	case network == "tcp" && s.tcp != nil:
		return unmap(s.tcp.Addr().(*net.TCPAddr).AddrPort())
	case network == "tls" && s.tls != nil:
		return unmap(s.tls.Addr().(*net.TCPAddr).AddrPort())
	}
	return netip.AddrPort{}
}

// flowGone forgets what depended on a closed connection.
func (s *Server) flowGone(st *stream) { s.reg.flowGone(st) }

// Stats returns the counters.
func (s *Server) Stats() Stats {
	c := &s.stats
	st := Stats{
		Received: c.received.Load(), Sent: c.sent.Load(), Dropped: c.dropped.Load(),
		Malformed: c.malformed.Load(), Limited: c.limited.Load(), Retransmitted: c.retransmitted.Load(),
		AuthFailed: c.authFailed.Load(), AuthReplayed: c.authReplayed.Load(), LockedOut: c.lockedOut.Load(),
		Invites: c.invites.Load(), Answered: c.answered.Load(), Failed: c.failed.Load(),
		Contacts: s.reg.count(),
	}
	s.dialogMu.RLock()
	st.Dialogs = len(s.dialogs)
	s.dialogMu.RUnlock()
	s.txMu.Lock()
	st.Transactions = len(s.serverTxs) + len(s.clientTxs)
	s.txMu.Unlock()
	s.connMu.Lock()
	st.Conns = len(s.conns)
	s.connMu.Unlock()
	return st
}

// addDialog enters a dialog under one of our tags; false if there are too many.
func (s *Server) addDialog(tag string, d *Dialog) bool {
	s.dialogMu.Lock()
	defer s.dialogMu.Unlock()
	if len(s.dialogs) >= s.cfg.MaxDialogs || s.stopping.Load() {
		return false
	}
	s.dialogs[tag] = d
	return true
}

func (s *Server) dropDialog(tag string) {
	s.dialogMu.Lock()
	delete(s.dialogs, tag)
	s.dialogMu.Unlock()
}

func (s *Server) findDialog(tag string) *Dialog {
	s.dialogMu.RLock()
	defer s.dialogMu.RUnlock()
	return s.dialogs[tag]
}
