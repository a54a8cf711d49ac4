package acd

import (
	"context"
	"errors"
	"sync"
	"time"

	"heartline/internal/contact/journal"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/event"
)

// Switch is implemented by call control. Its methods are called from the
// service's own goroutine, in order, and must not block; they may Post.
type Switch interface {
	Offer(o Offer)                    // ring the agent
	CancelOffer(id, reason string)    // stop ringing
	Announce(call string, a Announce) // say position and estimate
	Overflow(o Overflow)              // the call moved, or call control must decide
	NoAgents(n NoAgents)              // nobody able is signed in; call control must decide
}

// Journal is what the service writes to; *journal.Journal is one.
type Journal interface {
	Append(contact, agent, queue string, p journal.Payload) journal.Event
}

// Settings configure a service.
type Settings struct {
	Config  Config
	Version Version
	Zone    *time.Location // where midnight resets today's counters; nil is UTC
}

// Service owns a router: one goroutine takes posted events in order, sets the
// timers, writes the journal, tells the switch and publishes AgentChanged and
// QueueChanged. Start and Stop bound its life.
//
// It writes all queue.* events and agent.* events; nobody else should.
type Service struct {
	journal Journal
	bus     *event.Bus
	now     func() time.Time
	zone    *time.Location

	inMu    sync.Mutex
	in      []posted
	wake    chan struct{}
	stop    chan struct{}
	done    chan struct{}
	started bool
	stopped bool

	mu     sync.Mutex // router, counters, switch
	router *Router
	today  map[string]*Today
	day    string
	sw     Switch
	dirty  map[string]bool // queues to publish
	moved  map[string]bool // agents to publish
	gone   []AgentLive     // agents who signed out
}

type posted struct {
	ev    Event
	reply chan error
}

// NewService makes a service; Start runs it.
func NewService(s Settings, j Journal, bus *event.Bus, now func() time.Time) *Service {
	if s.Zone == nil {
		s.Zone = time.UTC
	}
	svc := &Service{
		journal: j, bus: bus, now: now, zone: s.Zone,
		wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
		router: NewRouter(s.Config, s.Version), today: make(map[string]*Today),
		dirty: make(map[string]bool), moved: make(map[string]bool),
	}
	svc.day = svc.dayOf(now())
	return svc
}

// SetSwitch names call control; decisions before are not repeated to it.
func (s *Service) SetSwitch(sw Switch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sw = sw
}

// Start runs the service's goroutine.
func (s *Service) Start(ctx context.Context) error {
	s.inMu.Lock()
	defer s.inMu.Unlock()
	if s.started {
		return errors.New("acd service was started before")
	}
	s.started = true
	go s.loop()
	return ctx.Err()
}

// Stop signs every agent out with the reason "shutdown" and ends the goroutine
// after what was posted before is done.
func (s *Service) Stop(ctx context.Context) error {
	s.inMu.Lock()
	if !s.started || s.stopped {
		s.inMu.Unlock()
		return nil
	}
	s.stopped = true
	close(s.stop)
	s.inMu.Unlock()
	select {
	case <-s.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Post hands an event in and returns at once. Events are handled in order.
func (s *Service) Post(ev Event) { s.post(posted{ev: ev}) }

func (s *Service) post(p posted) bool {
	s.inMu.Lock()
	if s.stopped {
		s.inMu.Unlock()
		return false
	}
	s.in = append(s.in, p)
	s.inMu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
	return true
}

// Do posts an event and waits until it was handled. An event that came too
// late, such as the acceptance of an offer that is over, is a Conflict. It must
// not be called from a Switch method.
func (s *Service) Do(ctx context.Context, ev Event) error {
	p := posted{ev: ev, reply: make(chan error, 1)}
	if !s.post(p) {
		return errs.New(errs.Unavailable, "acd.stopped")
	}
	select {
	case err := <-p.reply:
		return err
	case <-s.done:
		return errs.New(errs.Unavailable, "acd.stopped")
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Configure replaces queues and rules while calls go on.
func (s *Service) Configure(cfg Config, v Version) { s.Post(ConfigChanged{Config: cfg, Version: v}) }

func (s *Service) loop() {
	defer close(s.done)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		s.arm(timer)
		select {
		case <-s.wake:
			s.drain()
		case <-timer.C:
			s.handle([]posted{{ev: Tick{}}})
		case <-s.stop:
			s.drain()
			s.signOutAll()
			return
		}
	}
}

// arm sets the timer to the router's next deadline.
func (s *Service) arm(timer *time.Timer) {
	s.mu.Lock()
	next := s.router.NextWake()
	s.mu.Unlock()
	wait := time.Hour
	if !next.IsZero() {
		wait = max(0, next.Sub(s.now()))
	}
	timer.Reset(wait)
}

func (s *Service) drain() {
	s.inMu.Lock()
	batch := s.in
	s.in = nil
	s.inMu.Unlock()
	if len(batch) > 0 {
		s.handle(batch)
	}
}

// handle runs events through the router. The switch is told outside of the
// lock, so that it may ask for a Snapshot.
func (s *Service) handle(batch []posted) {
	for _, p := range batch {
		s.mu.Lock()
		now := s.now()
		s.turnDay(now)
		decisions := s.router.Handle(p.ev, now)
		for _, d := range decisions {
			s.note(d)
		}
		sw := s.sw
		s.mu.Unlock()
		if sw != nil {
			for _, d := range decisions {
				tell(sw, d)
			}
		}
		if p.reply != nil {
			p.reply <- verdict(decisions)
		}
	}
	s.publish()
}

// verdict is an error if the event itself was ignored; a due timer that fired
// before it does not matter.
func verdict(decisions []Decision) error {
	for _, d := range decisions {
		if i, ok := d.(Ignored); ok {
			return errs.New(errs.Conflict, "acd."+i.Why)
		}
	}
	return nil
}

func tell(sw Switch, d Decision) {
	switch v := d.(type) {
	case Offer:
		sw.Offer(v)
	case CancelOffer:
		sw.CancelOffer(v.ID, v.Reason)
	case Announce:
		sw.Announce(v.Call, v)
	case Overflow:
		sw.Overflow(v)
	case NoAgents:
		sw.NoAgents(v)
	}
}

func (s *Service) signOutAll() {
	s.mu.Lock()
	var outs []posted
	for _, a := range s.router.Snapshot().Agents {
		outs = append(outs, posted{ev: AgentSignedOut{Agent: a.ID, Reason: "shutdown"}})
	}
	s.mu.Unlock()
	s.handle(outs)
}
