package embedded

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"time"

	"heartline/internal/contact/media"
	"heartline/internal/platform/errs"
)

const housekeepEvery = 200 * time.Millisecond

// Engine is the media engine of this process.
type Engine struct {
	cfg        Config
	log        *slog.Logger
	now        func() time.Time
	start      time.Time
	advertised netip.Addr
	net        network
	ports      *ports
	sounds     sounds
	shards     []*shard
	rtc        *browserSide

	stop  chan struct{}
	tasks chan func() // small work that must not run on a reading goroutine
	wg    sync.WaitGroup

	mu        sync.Mutex
	calls     map[*call]struct{}
	browsers  map[*browser]struct{}
	closed    bool
	nextShard int

	recMu      sync.Mutex
	recordings []*recording // replaced, never changed
}

// New binds nothing but the browsers' port; RTP ports are bound per leg.
func New(cfg Config) (media.Engine, error) {
	e, err := newEngine(cfg)
	if err != nil {
		return nil, err
	}
	return e, nil
}

func newEngine(cfg Config) (*Engine, error) {
	cfg = cfg.withDefaults()
	bind, advertised, err := addresses(cfg)
	if err != nil {
		return nil, err
	}
	e := &Engine{cfg: cfg, log: cfg.Log, now: cfg.Now, start: cfg.Now(), advertised: advertised,
		stop: make(chan struct{}), tasks: make(chan func(), 256),
		calls: make(map[*call]struct{}), browsers: make(map[*browser]struct{})}
	if e.net, err = newNetwork(bind.Is4() && !cfg.portable, cfg.Shards); err != nil {
		return nil, fmt.Errorf("start media engine: %w", err)
	}
	e.ports = newPorts(e.net, bind, cfg.PortMin, cfg.PortMax)
	if e.rtc, err = newBrowserSide(cfg, bind); err != nil {
		e.net.stop()
		return nil, fmt.Errorf("start media engine: %w", err)
	}
	for range cfg.Shards {
		s := &shard{eng: e, wake: make(chan struct{}, 1)}
		e.shards = append(e.shards, s)
		e.wg.Go(func() { s.run(e.stop) })
	}
	e.wg.Go(e.housekeeper)
	e.wg.Go(e.flusher)
	e.wg.Go(e.worker)
	e.wg.Go(func() { e.sounds.music() }) // takes long: not while the first caller waits
	return e, nil
}

func (c Config) withDefaults() Config {
	if c.PortMin == 0 && c.PortMax == 0 {
		c.PortMin, c.PortMax = 20000, 29999
	}
	for _, d := range []struct {
		v      *time.Duration
		preset time.Duration
	}{{&c.MediaTimeout, 3 * time.Second}, {&c.LatchWindow, 3 * time.Second}, {&c.RelatchAfter, 5 * time.Second}} {
		if *d.v <= 0 {
			*d.v = d.preset
		}
	}
	if c.Shards <= 0 {
		c.Shards = max(1, runtime.GOMAXPROCS(0)/2)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// addresses finds what to bind and what to tell peers.
func addresses(cfg Config) (bind, advertised netip.Addr, err error) {
	bind = netip.IPv4Unspecified()
	if cfg.IP != "" {
		if bind, err = netip.ParseAddr(cfg.IP); err != nil {
			return bind, advertised, errs.Wrap(errs.Invalid, "media.bad_address", err)
		}
	}
	if cfg.PortMin < 1024 || cfg.PortMax > 65535 || cfg.PortMax-cfg.PortMin < 1 {
		return bind, advertised, errs.New(errs.Invalid, "media.bad_port_range", "min", cfg.PortMin, "max", cfg.PortMax)
	}
	advertised = bind
	switch {
	case cfg.ExternalIP != "":
		if advertised, err = netip.ParseAddr(cfg.ExternalIP); err != nil {
			return bind, advertised, errs.Wrap(errs.Invalid, "media.bad_address", err)
		}
	case bind.IsUnspecified():
		advertised = hostAddress()
	}
	return bind.Unmap(), advertised.Unmap(), nil
}

// hostAddress is the first address of this machine that others can reach, or
// loopback.
func hostAddress() netip.Addr {
	list, _ := net.InterfaceAddrs()
	for _, a := range list {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Is4() && p.Addr().IsGlobalUnicast() {
			return p.Addr()
		}
	}
	return netip.AddrFrom4([4]byte{127, 0, 0, 1})
}

// clock is nanoseconds since the start, monotonic.
func (e *Engine) clock() int64 { return int64(e.now().Sub(e.start)) }

// ntp is wall time as an NTP timestamp.
func (e *Engine) ntp() uint64 {
	t := e.now()
	const toNTP = 2208988800
	return uint64(t.Unix()+toNTP)<<32 | uint64(t.Nanosecond())<<32/1e9
}

// Caps implements media.Engine.
func (e *Engine) Caps() media.Caps {
	return media.Caps{Mix: true, Play: true, Record: true, DTMF: true, Browser: true, Transcode: true,
		Codecs: []string{"PCMA", "PCMU", "G722"}}
}

// Health implements media.Engine.
func (e *Engine) Health(context.Context) error {
	e.mu.Lock()
	closed := e.closed
	e.mu.Unlock()
	if closed {
		return errs.New(errs.Unavailable, "media.engine_closed")
	}
	if e.ports.available() == 0 {
		return errs.New(errs.Unavailable, "media.ports_exhausted")
	}
	if err := e.net.err(); err != nil {
		return errs.Wrap(errs.Unavailable, "media.network_broken", err)
	}
	return nil
}

// NewCall implements media.Engine.
func (e *Engine) NewCall(_ context.Context, id string) (media.Call, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, errs.New(errs.Unavailable, "media.engine_closed")
	}
	c := &call{eng: e, id: id, events: make(chan media.Event, eventBuffer), legs: make(map[string]*leg),
		shard: e.shards[e.nextShard%len(e.shards)]}
	e.nextShard++
	e.calls[c] = struct{}{}
	return c, nil
}

func (e *Engine) dropCall(c *call) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.calls, c)
}

// Close implements media.Engine.
func (e *Engine) Close(ctx context.Context) error {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return nil
	}
	e.closed = true
	calls, browsers := keys(e.calls), keys(e.browsers)
	e.mu.Unlock()
	for _, c := range calls {
		_ = c.Close(ctx)
	}
	for _, b := range browsers {
		_ = b.Close(ctx)
	}
	close(e.stop)
	e.wg.Wait()
	e.ports.close()
	e.net.stop()
	return e.rtc.close()
}

func keys[K comparable](m map[K]struct{}) []K {
	out := make([]K, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	return out
}

// later runs fn soon on the worker; under a flood it is dropped.
func (e *Engine) later(fn func()) {
	select {
	case e.tasks <- fn:
	default:
		e.log.Warn("media task dropped")
	}
}

func (e *Engine) worker() {
	for {
		select {
		case <-e.stop:
			return
		case fn := <-e.tasks:
			fn()
		}
	}
}

// housekeeper sends RTCP, notices silence and ends cut-off keys.
func (e *Engine) housekeeper() {
	tick := time.NewTicker(housekeepEvery)
	defer tick.Stop()
	for {
		select {
		case <-e.stop:
			return
		case <-tick.C:
		}
		now := e.clock()
		e.mu.Lock()
		calls, browsers := keys(e.calls), keys(e.browsers)
		e.mu.Unlock()
		for _, c := range calls {
			c.housekeep(now)
		}
		for _, b := range browsers {
			b.housekeep(now)
		}
	}
}

func (c *call) housekeep(now int64) {
	type pair struct {
		l  *leg
		ep *endpoint
	}
	var buf [8]pair
	c.mu.Lock()
	list := buf[:0]
	for _, l := range c.order {
		if l.ep != nil {
			list = append(list, pair{l, l.ep})
		}
	}
	c.mu.Unlock()
	for _, p := range list {
		p.l.watch(p.ep, now)
		if p.l.rtp != nil {
			p.ep.housekeep(now)
		}
	}
}

func (e *Engine) remember(r *recording) {
	e.recMu.Lock()
	defer e.recMu.Unlock()
	e.recordings = append(slices.Clone(e.recordings), r)
}

func (e *Engine) forget(r *recording) {
	e.recMu.Lock()
	defer e.recMu.Unlock()
	e.recordings = slices.DeleteFunc(slices.Clone(e.recordings), func(o *recording) bool { return o == r })
}

// flusher is the one goroutine that writes all recordings.
func (e *Engine) flusher() {
	tick := time.NewTicker(flushTime)
	defer tick.Stop()
	scratch := make([]byte, 0, 2*ringSize)
	for {
		select {
		case <-e.stop:
			return
		case <-tick.C:
		}
		e.recMu.Lock()
		list := e.recordings
		e.recMu.Unlock()
		for _, r := range list {
			scratch = r.flush(scratch, e.clock(), false)
		}
	}
}
