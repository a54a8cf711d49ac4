package call

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"heartline/internal/contact/journal"
	"heartline/internal/contact/media"
	"heartline/internal/platform/alarm"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/event"
	"heartline/internal/platform/id"
)

var (
	errNotFound = errs.New(errs.NotFound, "call.not_found")
	errFailed   = errs.New(errs.Internal, "call.failed")
	errDraining = errs.New(errs.Unavailable, "call.draining")
	errLimit    = errs.New(errs.Unavailable, "call.limit")
	errNoPhones = errs.New(errs.Unavailable, "call.no_telephone")
)

// Service is call control: it takes calls from the SIP server, from agents
// and from /try, and carries out their commands. It implements sip.Handler
// and acd.Switch.
type Service struct {
	cfg     Config
	deps    Deps
	log     *slog.Logger
	alarms  *alarm.Board
	journal Journal
	acd     Router
	now     func() time.Time
	seats   *seats
	tries   *tries
	tasks   sync.WaitGroup

	mu       sync.Mutex
	phones   Phones
	calls    map[string]*call
	offers   map[string]*call // by id of an offer that rings
	parked   map[string]*call // by desk phone that is awaited
	draining bool
	closed   bool
	empty    chan struct{} // closed when draining and no call is left
}

// New makes call control. SetPhones follows before the first call.
func New(cfg Config, d Deps) *Service {
	return &Service{
		cfg: cfg.withDefaults(), deps: d, log: d.Log, alarms: d.Alarms, journal: d.Journal, acd: d.ACD, now: d.Now,
		seats: newSeats(), tries: newTries(), calls: map[string]*call{}, offers: map[string]*call{}, parked: map[string]*call{}, empty: make(chan struct{}),
	}
}

// SetPhones gives call control the SIP server, which in turn needs call
// control as its handler.
func (s *Service) SetPhones(p Phones) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.phones = p
}

func (s *Service) dialer() (Phones, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.phones == nil {
		return nil, errNoPhones
	}
	return s.phones, nil
}

// open starts the actor of a new call, or refuses it.
func (s *Service) open(ctx context.Context, o origin) (*call, error) {
	c := &call{
		svc: s, id: id.New(), box: newMailbox(), origin: o, lang: defaultLanguage,
		started: s.now(), stage: StageSetup, timers: map[*timer]struct{}{}, dirty: true,
	}
	if err := s.admit(c); err != nil {
		return nil, err
	}
	sound, err := s.deps.Media.NewCall(ctx, c.id)
	if err != nil {
		s.forget(c)
		return nil, errs.Wrap(errs.Unavailable, "call.no_media", fmt.Errorf("new call: %w", err))
	}
	c.sound = sound
	if err := c.begin(); err != nil {
		s.forget(c)
		_ = sound.Close(ctx) // nothing runs on it yet
		return nil, errs.Wrap(errs.Internal, "call.failed", fmt.Errorf("seal number: %w", err))
	}
	c.publish()
	c.tasks.Go(func() { c.listen(sound.Events()) })
	s.tasks.Go(c.run)
	return c, nil
}

// admit registers a call unless the house is full or closing.
func (s *Service) admit(c *call) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.draining:
		return errDraining
	case len(s.calls) >= s.cfg.MaxCalls:
		return errLimit
	}
	s.calls[c.id] = c
	return nil
}

func (s *Service) forget(c *call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.calls, c.id)
	if s.draining && len(s.calls) == 0 {
		s.closeEmpty()
	}
}

func (s *Service) closeEmpty() {
	select {
	case <-s.empty:
	default:
		close(s.empty)
	}
}

// begin notes the start of the call, with the number sealed.
func (c *call) begin() error {
	o := c.origin
	ev := journal.CallStarted{Direction: o.direction, FromMasked: Mask(o.number), To: o.to, DID: o.did,
		Trunk: o.trunk, Extension: o.extension, Channel: o.channel}
	if o.direction == Outbound {
		ev.To = Mask(o.to)
	}
	if o.number != "" {
		var err error
		if ev.FromSealed, err = c.svc.deps.Sealer.Seal(o.number, "calls:"+c.id+":from"); err != nil {
			return err
		}
		ev.FromIndex = c.svc.deps.Sealer.Index("phone", Canonical(o.number))
	}
	c.note("", ev)
	return nil
}

// listen passes the events of the call's sound to the actor.
func (c *call) listen(events <-chan media.Event) {
	for ev := range events {
		c.post(func() { c.heard(ev) })
	}
}

// find returns the actor of a live call.
func (s *Service) find(callID string) (*call, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.calls[callID]; c != nil {
		return c, nil
	}
	return nil, errNotFound
}

func (s *Service) all() []*call {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*call, 0, len(s.calls))
	for _, c := range s.calls {
		out = append(out, c)
	}
	return out
}

// Live returns all live calls, oldest first.
func (s *Service) Live(_ context.Context) []LiveCall {
	var out []LiveCall
	for _, c := range s.all() {
		if v := c.seen.Load(); v != nil && v.Stage != StageEnded {
			out = append(out, *v)
		}
	}
	slices.SortFunc(out, func(a, b LiveCall) int { return a.StartedAt.Compare(b.StartedAt) })
	return out
}

// LiveCall returns one live call.
func (s *Service) LiveCall(_ context.Context, callID string) (LiveCall, error) {
	c, err := s.find(callID)
	if err != nil {
		return LiveCall{}, err
	}
	if v := c.seen.Load(); v != nil {
		return *v, nil
	}
	return LiveCall{}, errNotFound
}

// Open fails while new calls are refused.
func (s *Service) Open() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining {
		return errDraining
	}
	return nil
}

// Drain refuses new calls and waits until the others have ended or ctx is
// done.
func (s *Service) Drain(ctx context.Context) error {
	s.mu.Lock()
	s.draining = true
	if len(s.calls) == 0 {
		s.closeEmpty()
	}
	s.mu.Unlock()
	select {
	case <-s.empty:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("drain calls: %w", ctx.Err())
	}
}

// Close ends all calls and browsers and waits for their goroutines.
func (s *Service) Close(ctx context.Context) error {
	s.mu.Lock()
	s.draining, s.closed = true, true
	s.mu.Unlock()
	for _, c := range s.all() {
		c.post(func() { c.end("shutdown", bySystem) })
	}
	s.closeBrowsers(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.tasks.Wait()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("close calls: %w", ctx.Err())
	}
}

// publish tells everybody what the call looks like now.
func (c *call) publish() {
	v := c.view()
	before := c.seen.Swap(&v)
	event.Publish(c.svc.deps.Bus, Changed{Call: v})
	agents := slices.Clone(v.Agents)
	if before != nil {
		agents = append(agents, before.Agents...)
	}
	slices.Sort(agents)
	for _, a := range slices.Compact(agents) {
		event.Publish(c.svc.deps.Bus, DeskChanged{Agent: a})
	}
}
