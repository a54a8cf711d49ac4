package embedded

import (
	"context"
	"slices"
	"strconv"
	"sync"

	"heartline/internal/contact/media"
	"heartline/internal/platform/errs"
)

const (
	eventBuffer  = 64 // events waiting for call control
	keysReserve  = 16 // of them never taken by keys
	maxLegs      = 32
	maxPlays     = 8 // at once on one leg
	maxRoutes    = maxLegs * maxLegs
	maxClipParts = 256
)

// call owns legs and the matrix between them. mu guards all of it except what
// leg marks as atomic; streams and receivers have locks of their own, which are
// taken after mu.
type call struct {
	eng    *Engine
	id     string
	events chan media.Event

	evMu     sync.Mutex
	evClosed bool

	mu       sync.Mutex
	legs     map[string]*leg
	order    []*leg // by age
	routes   []media.Route
	playSeq  int
	closed   bool
	shard    *shard
	ticking  bool
	finished []media.Event // of this tick
}

// ID implements media.Call.
func (c *call) ID() string { return c.id }

// Events implements media.Call.
func (c *call) Events() <-chan media.Event { return c.events }

// emit never blocks. Keys may not crowd out the rest: a leg that floods keys
// loses keys.
func (c *call) emit(ev media.Event) {
	c.evMu.Lock()
	defer c.evMu.Unlock()
	if _, isKey := ev.(media.DTMF); c.evClosed || isKey && len(c.events) >= eventBuffer-keysReserve {
		return
	}
	select {
	case c.events <- ev:
	default:
		c.eng.log.Warn("media event dropped", "call_id", c.id)
	}
}

func (c *call) find(id string) (*leg, error) {
	if c.closed {
		return nil, errs.New(errs.Conflict, "media.call_closed")
	}
	l, ok := c.legs[id]
	if !ok {
		return nil, errs.New(errs.NotFound, "media.leg_unknown")
	}
	return l, nil
}

// add puts a leg into the call. Caller holds mu.
func (c *call) add(l *leg) error {
	switch {
	case c.closed:
		return errs.New(errs.Conflict, "media.call_closed")
	case c.legs[l.id] != nil:
		return errs.New(errs.Conflict, "media.leg_exists")
	case len(c.legs) >= maxLegs:
		return errs.New(errs.Limited, "media.too_many_legs")
	}
	c.legs[l.id] = l
	c.order = append(c.order, l)
	return nil
}

// AddRTPLeg implements media.Call.
func (c *call) AddRTPLeg(_ context.Context, id string) (media.RTPLeg, error) {
	r, err := newRTPLeg(c, id)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	err = c.add(&r.leg)
	if err == nil {
		c.rebuild()
	}
	c.mu.Unlock()
	if err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

// RemoveLeg implements media.Call.
func (c *call) RemoveLeg(ctx context.Context, id string) error {
	c.mu.Lock()
	l, err := c.find(id)
	if err != nil {
		c.mu.Unlock()
		return err
	}
	c.drop(l)
	c.rebuild()
	c.mu.Unlock()
	l.release(ctx)
	return nil
}

// drop takes a leg out of the matrix. Caller holds mu and rebuilds.
func (c *call) drop(l *leg) {
	delete(c.legs, l.id)
	c.order = slices.DeleteFunc(c.order, func(o *leg) bool { return o == l })
	c.routes = slices.DeleteFunc(c.routes, func(r media.Route) bool { return r.From == l.id || r.To == l.id })
	l.plays, l.sources, l.paced = nil, nil, false
	l.routing.Store(nil)
}

// release ends what a leg owned, after it left the matrix.
func (l *leg) release(ctx context.Context) {
	if rec := l.rec.Load(); rec != nil {
		_, _ = rec.Stop(ctx)
	}
	if l.rtp != nil {
		l.rtp.close()
		return
	}
	l.browser.detach(l)
}

// Connect implements media.Call.
func (c *call) Connect(_ context.Context, routes []media.Route) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(routes) > maxRoutes {
		return errs.New(errs.Limited, "media.too_many_routes")
	}
	for i, r := range routes {
		if r.From == r.To {
			return errs.New(errs.Invalid, "media.route_to_itself")
		}
		for _, id := range []string{r.From, r.To} {
			if _, err := c.find(id); err != nil {
				return err
			}
		}
		if slices.ContainsFunc(routes[:i], func(q media.Route) bool { return q.From == r.From && q.To == r.To }) {
			return errs.New(errs.Invalid, "media.route_twice")
		}
	}
	c.routes = slices.Clone(routes)
	c.rebuild()
	return nil
}

// Play implements media.Call.
func (c *call) Play(_ context.Context, id string, p media.Play) (string, error) {
	if clips, ok := p.Source.(media.Clips); ok && len(clips) > maxClipParts {
		return "", errs.New(errs.Limited, "media.too_many_clips")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	l, err := c.find(id)
	if err != nil {
		return "", err
	}
	if len(l.plays) >= maxPlays {
		return "", errs.New(errs.Limited, "media.too_many_plays")
	}
	c.playSeq++
	pl, err := c.eng.newPlayer("p"+strconv.Itoa(c.playSeq), p)
	if err != nil {
		return "", err
	}
	l.plays = append(l.plays, pl)
	c.rebuild()
	return pl.id, nil
}

// Stop implements media.Call.
func (c *call) Stop(_ context.Context, id, play string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	l, err := c.find(id)
	if err != nil {
		return err
	}
	l.plays = slices.DeleteFunc(l.plays, func(p *player) bool { return play == "" || p.id == play })
	c.rebuild()
	return nil
}

// Record implements media.Call.
func (c *call) Record(_ context.Context, id string, sink media.FrameSink) (media.Recording, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l, err := c.find(id)
	if err != nil {
		return nil, err
	}
	rec := newRecording(l, sink, c.eng.clock())
	if !l.rec.CompareAndSwap(nil, rec) {
		return nil, errs.New(errs.Conflict, "media.already_recording")
	}
	c.eng.remember(rec)
	return rec, nil
}

// Close implements media.Call. It is idempotent.
func (c *call) Close(ctx context.Context) error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil
	}
	legs := slices.Clone(c.order)
	for _, l := range legs {
		c.drop(l)
	}
	c.rebuild()
	c.closed = true
	c.mu.Unlock()
	for _, l := range legs {
		l.release(ctx)
	}
	c.eng.dropCall(c)
	c.evMu.Lock()
	defer c.evMu.Unlock()
	c.evClosed = true
	close(c.events)
	return nil
}
