// Package phone is a small scripted SIP phone with its own RTP (PCMA): for
// drills, simulated callers, tests and load. It owns no configuration and
// plays no part in real calls of the hospital.
package phone

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"heartline/internal/contact/sip"
)

// Bank is one SIP socket that many phones share.
type Bank struct {
	cfg    BankConfig
	srv    *sip.Server
	media  *mediaClock
	ctx    context.Context // until Close
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu     sync.Mutex
	phones map[string]*Phone
}

// BankConfig says where the phones live.
type BankConfig struct {
	Listen    string // "127.0.0.1:0" by default
	Server    string // "127.0.0.1:5060": registrar and proxy of all phones
	Transport string // UDP (default) or TCP
	T1        time.Duration
	// SessionExpiry of the phones' calls; default 30 minutes, <0 off.
	SessionExpiry time.Duration
	MinSE         time.Duration
	Log           *slog.Logger
}

// NewBank opens the socket.
func NewBank(ctx context.Context, cfg BankConfig) (*Bank, error) {
	if cfg.Listen == "" {
		cfg.Listen = "127.0.0.1:0"
	}
	if cfg.Transport == "" {
		cfg.Transport = "UDP"
	}
	b := &Bank{cfg: cfg, phones: map[string]*Phone{}}
	sc := sip.Config{
		UDP: cfg.Listen, UserAgent: "Heartline phone", OpenUA: true, T1: cfg.T1, MinSE: cfg.MinSE,
		SourceRate: 1 << 20, MaxDialogs: 1 << 20, SessionExpiry: cfg.SessionExpiry,
	}
	if cfg.Transport == "TCP" {
		sc.TCP = cfg.Listen
	}
	srv, err := sip.New(sc, nil, (*bankHandler)(b), cfg.Log)
	if err != nil {
		return nil, err
	}
	b.srv = srv
	b.ctx, b.cancel = context.WithCancel(context.WithoutCancel(ctx))
	if err := srv.Start(ctx); err != nil {
		b.cancel()
		return nil, fmt.Errorf("phone bank: %w", err)
	}
	b.media = newMediaClock(b.ctx, &b.wg)
	return b, nil
}

// Addr is the bank's SIP address.
func (b *Bank) Addr() netip.AddrPort { return b.srv.Addr("udp") }

// Stats are the SIP counters of the bank.
func (b *Bank) Stats() sip.Stats { return b.srv.Stats() }

// Close hangs up and closes everything.
func (b *Bank) Close(ctx context.Context) error {
	err := b.srv.Stop(ctx)
	b.cancel()
	b.wg.Wait()
	return err
}

// Phone adds a phone with credentials ("" password for none).
func (b *Bank) Phone(user, password string, opts ...Option) *Phone {
	p := &Phone{bank: b, user: user, password: password, media: true, incoming: make(chan *Call, 64)}
	for _, o := range opts {
		o(p)
	}
	b.mu.Lock()
	b.phones[user] = p
	b.mu.Unlock()
	return p
}

// Option of a phone.
type Option func(*Phone)

// WithoutMedia makes calls that send and receive no RTP.
func WithoutMedia() Option { return func(p *Phone) { p.media = false } }

// WithAnswer lets the phone pick up by itself after a while of ringing.
func WithAnswer(after time.Duration) Option {
	return func(p *Phone) { p.auto, p.answerAfter = true, after }
}

// WithLateOffer lets the phone call without an offer: its answer goes into the ACK.
func WithLateOffer() Option { return func(p *Phone) { p.late = true } }

// WithHeaders adds headers to the phone's INVITEs.
func WithHeaders(h ...sip.Header) Option { return func(p *Phone) { p.headers = h } }

// Phone is one line.
type Phone struct {
	bank           *Bank
	user, password string
	media, auto    bool
	late           bool
	answerAfter    time.Duration
	headers        []sip.Header
	incoming       chan *Call

	mu   sync.Mutex
	reg  *sip.Registrant
	stop context.CancelFunc
}

// Register registers and keeps the registration fresh until Unregister or Close.
func (p *Phone) Register(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reg == nil {
		p.reg = p.bank.srv.NewRegistrant(sip.RegisterSpec{
			Registrar: p.bank.cfg.Server, Transport: p.bank.cfg.Transport, User: p.user, Password: p.password,
		})
	}
	granted, err := p.reg.Register(ctx, time.Hour)
	if err != nil || p.stop != nil {
		return err
	}
	kctx, stop := context.WithCancel(p.bank.ctx)
	p.stop = stop
	reg := p.reg
	p.bank.wg.Go(func() { keepRegistered(kctx, reg, granted) })
	return nil
}

func keepRegistered(ctx context.Context, reg *sip.Registrant, granted time.Duration) {
	for {
		t := time.NewTimer(max(granted*4/5, time.Second))
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C:
		}
		if g, err := reg.Register(ctx, time.Hour); err == nil {
			granted = g
		} else {
			granted = 10 * time.Second
		}
	}
}

// Unregister removes the registration.
func (p *Phone) Unregister(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reg == nil {
		return nil
	}
	if p.stop != nil {
		p.stop()
		p.stop = nil
	}
	_, err := p.reg.Register(ctx, 0)
	return err
}

// Incoming delivers calls as they arrive (ringing; with WithAnswer they get
// answered meanwhile).
func (p *Phone) Incoming() <-chan *Call { return p.incoming }

// Dial calls a number; from "" is the phone's own user. It returns once the
// INVITE is out.
func (p *Phone) Dial(ctx context.Context, number, from string) (*Call, error) {
	if from == "" {
		from = p.user
	}
	c, err := newCall(p)
	if err != nil {
		return nil, err
	}
	uri := "sip:" + number + "@" + p.bank.cfg.Server
	if p.bank.cfg.Transport != "UDP" {
		uri += ";transport=tcp"
	}
	spec := sip.DialSpec{
		URI: uri, From: from, Username: p.user, Password: p.password, Headers: p.headers, Timeout: 3 * time.Minute,
	}
	if !p.late {
		spec.Offer = c.offer("sendrecv")
	}
	d, err := p.bank.srv.Dial(ctx, spec)
	if err != nil {
		c.closeMedia()
		return nil, err
	}
	c.d = d
	p.bank.wg.Go(func() { c.run(p.bank.ctx) })
	return c, nil
}

// bankHandler receives the calls of all phones of a bank.
type bankHandler Bank

// Invite implements sip.Handler.
func (h *bankHandler) Invite(ctx context.Context, d *sip.Dialog) {
	b := (*Bank)(h)
	b.mu.Lock()
	p := b.phones[d.To().User]
	b.mu.Unlock()
	if p == nil {
		_ = d.Reject(ctx, 404, "")
		return
	}
	c, err := newCall(p)
	if err != nil {
		_ = d.Reject(ctx, 500, "")
		return
	}
	c.d = d
	if sdp := d.RemoteSDP(); sdp != nil {
		c.setRemote(sdp)
	}
	_ = d.Ring(ctx)
	if p.auto && p.answerAfter == 0 {
		_ = c.Answer(ctx)
	}
	select {
	case p.incoming <- c:
	default: // nobody collects them
	}
	if p.auto && p.answerAfter > 0 {
		t := time.NewTimer(p.answerAfter)
		defer t.Stop()
		b.wg.Go(func() { c.run(b.ctx) })
		select {
		case <-t.C:
			_ = c.Answer(ctx)
		case <-ctx.Done():
		}
		return
	}
	c.run(b.ctx)
}

// Registered implements sip.Handler; nobody registers with a phone.
func (h *bankHandler) Registered(string, bool) {}
