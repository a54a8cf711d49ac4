package smpp

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"

	"golang.org/x/time/rate"
)

// Config says which message centre, and how it likes to be treated.
type Config struct {
	Addr        string
	TLS         *tls.Config // nil: plain
	SystemID    string
	Password    string
	SystemType  string
	Separate    bool    // bind a transmitter and a receiver instead of a transceiver
	Source      Address // of what we send
	CountryCode string  // put before national numbers, as international ones; "" sends them as they are
	Long        Long    // UDH when empty
	Window      int     // requests without an answer; 10 when 0
	PerSecond   float64 // submissions; 50 when 0
	Keepalive   time.Duration
	Timeout     time.Duration // of one answer
	Retry       time.Duration // first pause before connecting again; doubled up to a minute
	Dial        func(ctx context.Context, addr string) (net.Conn, error)
	Now         func() time.Time
	Log         *slog.Logger
}

// Handler takes what comes in. An error makes the message centre try again.
type Handler interface {
	Receipt(ctx context.Context, r Receipt) error
	Message(ctx context.Context, from, text string) error
}

// Submission is a text to a number.
type Submission struct {
	To    string
	Text  string
	Ref   uint16    // of the parts of a long text
	Until time.Time // when it is worthless; zero: the centre decides
}

// Health is the state of the connection.
type Health struct {
	Bound     bool
	Since     time.Time // of this state
	LastError string
	Waiting   int
	Sent      int64 // short messages, each part of a long one counted
	Refused   int64
	Received  int64
	Receipts  int64
}

// Client keeps one bind, or a pair, with a message centre. It connects again
// by itself. Safe for concurrent use.
type Client struct {
	cfg     Config
	handler Handler
	joiner  joiner
	limit   *rate.Limiter

	submit *link // carries submissions
	links  []*link

	mu     sync.Mutex
	pause  time.Time // nothing is submitted before
	stop   context.CancelFunc
	tasks  sync.WaitGroup
	counts counts
}

type counts struct{ sent, refused, received, receipts atomic.Int64 }

// New makes a client; Start connects it.
func New(cfg Config, h Handler) *Client {
	cfg = cfg.withDefaults()
	c := &Client{cfg: cfg, handler: h, limit: rate.NewLimiter(rate.Limit(cfg.PerSecond), max(1, int(cfg.PerSecond)))}
	if cfg.Separate {
		c.submit = newLink(c, BindTransmitter)
		c.links = []*link{c.submit, newLink(c, BindReceiver)}
	} else {
		c.submit = newLink(c, BindTransceiver)
		c.links = []*link{c.submit}
	}
	return c
}

func (c Config) withDefaults() Config {
	def := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	def(&c.Keepalive, 30*time.Second)
	def(&c.Timeout, 10*time.Second)
	def(&c.Retry, time.Second)
	if c.Window <= 0 {
		c.Window = 10
	}
	if c.PerSecond <= 0 {
		c.PerSecond = 50
	}
	if c.Long == "" {
		c.Long = UDH
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Dial == nil {
		c.Dial = dialer(c.TLS, c.Timeout)
	}
	return c
}

func dialer(conf *tls.Config, timeout time.Duration) func(ctx context.Context, addr string) (net.Conn, error) {
	d := &net.Dialer{Timeout: timeout}
	if conf == nil {
		return func(ctx context.Context, addr string) (net.Conn, error) { return d.DialContext(ctx, "tcp", addr) }
	}
	t := &tls.Dialer{NetDialer: d, Config: conf}
	return func(ctx context.Context, addr string) (net.Conn, error) { return t.DialContext(ctx, "tcp", addr) }
}

// Start begins to connect. It does not wait for the bind.
func (c *Client) Start(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stop != nil {
		return errors.New("smpp: already started")
	}
	ctx, c.stop = context.WithCancel(context.WithoutCancel(ctx))
	for _, l := range c.links {
		c.tasks.Go(func() { l.run(ctx) })
	}
	return nil
}

// Stop unbinds and waits for everything the client started.
func (c *Client) Stop(ctx context.Context) error {
	c.mu.Lock()
	stop := c.stop
	c.stop = nil
	c.mu.Unlock()
	if stop == nil {
		return nil
	}
	for _, l := range c.links {
		l.unbind(ctx)
	}
	stop()
	c.tasks.Wait()
	return nil
}

// Health says how the connection is: bound when all of its binds are.
func (c *Client) Health() Health {
	h := Health{Bound: true, Sent: c.counts.sent.Load(), Refused: c.counts.refused.Load(), Received: c.counts.received.Load(), Receipts: c.counts.receipts.Load()}
	for _, l := range c.links {
		bound, since, lastErr, waiting := l.state()
		h.Bound = h.Bound && bound
		h.Waiting += waiting
		if since.After(h.Since) {
			h.Since = since
		}
		if lastErr != "" {
			h.LastError = lastErr
		}
	}
	return h
}

// ErrNotBound says that there is no bind at the moment.
var ErrNotBound = errors.New("smpp: not bound")

// throttleTries is how often a part that the centre had no room for is
// offered again, with growing pauses.
const throttleTries = 4

// Submit sends a text, in as many parts as it needs, and returns the ids that
// the centre gave them. After an error the whole text may be submitted again
// with the same reference: telephones put parts of one reference together.
func (c *Client) Submit(ctx context.Context, s Submission) ([]string, error) {
	coding, parts := segments(s.Text, c.cfg.Long, s.Ref)
	ids := make([]string, 0, len(parts))
	for _, part := range parts {
		p := PDU{Command: SubmitSM, TLVs: part.tlvs, Message: Short{Source: c.cfg.Source, Dest: c.address(s.To), ESMClass: part.esmClass,
			Validity: validity(s.Until), Registered: 1, Coding: coding, Text: part.text}}
		id, err := c.offer(ctx, p)
		if err != nil {
			c.counts.refused.Add(1)
			return ids, err
		}
		c.counts.sent.Add(1)
		ids = append(ids, id)
	}
	return ids, nil
}

// offer submits one part and waits when the centre asks for it.
func (c *Client) offer(ctx context.Context, p PDU) (string, error) {
	for try := 1; ; try++ {
		if err := c.waitTurn(ctx); err != nil {
			return "", err
		}
		answer, err := c.submit.request(ctx, p)
		if err != nil {
			return "", err
		}
		if answer.Status == StatusOK && answer.Command == SubmitSMResp {
			return answer.ID, nil
		}
		refusal := &StatusError{Status: answer.Status}
		if answer.Status == StatusOK { // a generic_nack without a reason
			refusal.Status = StatusUnknown
		}
		if !refusal.slow() || try == throttleTries {
			return "", refusal
		}
		c.slowDown(c.cfg.Retry << (try - 1))
	}
}

// slowDown keeps all submissions back for a while.
func (c *Client) slowDown(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if until := c.cfg.Now().Add(d); until.After(c.pause) {
		c.pause = until
	}
}

// waitTurn waits for the pace and for a pause that the centre asked for.
func (c *Client) waitTurn(ctx context.Context) error {
	if err := c.limit.Wait(ctx); err != nil {
		return err
	}
	for {
		c.mu.Lock()
		wait := c.pause.Sub(c.cfg.Now())
		c.mu.Unlock()
		if wait <= 0 {
			return nil
		}
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// The kinds of number (§5.2.5, §5.2.6).
const (
	tonUnknown       = 0
	tonInternational = 1
	tonAlphanumeric  = 5
	npiUnknown       = 0
	npiISDN          = 1
)

// address writes a number as the centre wants it.
func (c *Client) address(number string) Address {
	if digits, ok := strings.CutPrefix(number, "+"); ok {
		return Address{TON: tonInternational, NPI: npiISDN, Addr: digits}
	}
	if c.cfg.CountryCode != "" {
		return Address{TON: tonInternational, NPI: npiISDN, Addr: c.cfg.CountryCode + number}
	}
	return Address{TON: tonUnknown, NPI: npiISDN, Addr: number}
}

// SourceAddress is the sender's address for a service number or a name.
func SourceAddress(s string) Address {
	if strings.ContainsFunc(s, unicode.IsLetter) {
		return Address{TON: tonAlphanumeric, NPI: npiUnknown, Addr: s}
	}
	return Address{TON: tonUnknown, NPI: npiISDN, Addr: s}
}

// validity is an absolute time (§7.1.1), in UTC.
func validity(until time.Time) string {
	if until.IsZero() {
		return ""
	}
	return until.UTC().Format("060102150405") + "000+"
}

// incoming hands a deliver_sm on.
func (c *Client) incoming(ctx context.Context, p *PDU) error {
	if r, ok := receiptOf(p); ok {
		c.counts.receipts.Add(1)
		return c.handler.Receipt(ctx, r)
	}
	if p.Message.ESMClass&esmTypes != 0 && p.Message.ESMClass&esmTypes != 0x08 && p.Message.ESMClass&esmTypes != 0x10 {
		return nil // a receipt without an id, or what only a centre understands
	}
	from := p.Message.Source.Addr
	if p.Message.Source.TON == tonInternational && !strings.HasPrefix(from, "+") {
		p.Message.Source.Addr = "+" + from
	}
	return c.give(ctx, c.joiner.add(p, c.cfg.Now()))
}

// give hands whole texts on.
func (c *Client) give(ctx context.Context, texts []whole) error {
	var all error
	for _, w := range texts {
		c.counts.received.Add(1)
		all = errors.Join(all, c.handler.Message(ctx, w.from, w.text))
	}
	return all
}

// sweep gives out long messages that never became whole.
func (c *Client) sweep(ctx context.Context) {
	c.joiner.mu.Lock()
	late := c.joiner.overdue(c.cfg.Now())
	c.joiner.mu.Unlock()
	if err := c.give(ctx, late); err != nil {
		c.cfg.Log.ErrorContext(ctx, "incoming message not stored", "error", err)
	}
}
