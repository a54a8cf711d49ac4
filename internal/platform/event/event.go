// Package event carries facts between packages of one process: small values in
// the past tense (acd.AgentChanged, patient.Updated) that were true when they
// were published. Delivery is after commit, in order per subscriber, and may be
// lost when a subscriber is too slow; it is then told to resync from the store.
// Promises that must be kept belong into package job, never here.
package event

import (
	"context"
	"reflect"
	"sync"
	"sync/atomic"

	"heartline/internal/platform/store"
)

// queueSize is how many facts may wait for one subscriber.
const queueSize = 1024

// Bus connects publishers and subscribers by the Go type of the fact.
type Bus struct {
	mu     sync.RWMutex
	subs   map[reflect.Type][]*subscription
	closed bool
	wg     sync.WaitGroup
	lost   atomic.Uint64
	onLost atomic.Pointer[func(subscriber string)]
}

// NewBus makes an empty bus; Close ends its subscribers.
func NewBus() *Bus { return &Bus{subs: make(map[reflect.Type][]*subscription)} }

// Publish gives fact to all subscribers of its type at once; it never blocks.
func Publish[T any](b *Bus, fact T) { b.publish(reflect.TypeFor[T](), fact) }

// PublishTx publishes fact once tx is on disk, and not at all if it is undone.
func PublishTx[T any](tx *store.Tx, b *Bus, fact T) {
	tx.AfterCommit(func() { Publish(b, fact) })
}

// Subscribe calls fn for every fact of type T, one after another in a goroutine
// of its own. cancel stops it and waits until a running fn has returned; it
// must not be called from fn itself.
func Subscribe[T any](b *Bus, name string, fn func(ctx context.Context, fact T)) (cancel func()) {
	return SubscribeResync(b, name, fn, nil)
}

// SubscribeResync is Subscribe with a hook: after facts were lost, and before
// the next one is delivered, resync is called in the subscriber's goroutine.
func SubscribeResync[T any](b *Bus, name string, fn func(ctx context.Context, fact T), resync func(ctx context.Context)) (cancel func()) {
	ctx, stop := context.WithCancel(context.Background())
	s := &subscription{
		name:  name,
		typ:   reflect.TypeFor[T](),
		queue: make(chan any, queueSize),
		ctx:   ctx,
		stop:  stop,
		done:  make(chan struct{}),
		call:  func(fact any) { fn(ctx, fact.(T)) },
	}
	if resync != nil {
		s.resync = func() { resync(ctx) }
	}
	if !b.add(s) {
		stop()
		return func() {}
	}
	return func() { b.remove(s) }
}

// OnLost sets a hook that is called, in the publisher's goroutine, for each fact
// that a subscriber was too slow to take: for a metric or a log line.
func (b *Bus) OnLost(fn func(subscriber string)) { b.onLost.Store(&fn) }

// Lost counts the facts that were not delivered because a queue was full.
func (b *Bus) Lost() uint64 { return b.lost.Load() }

// Close stops all subscribers and waits for them. Facts still queued are dropped.
func (b *Bus) Close() {
	b.mu.Lock()
	b.closed = true
	for _, list := range b.subs {
		for _, s := range list {
			s.stop()
		}
	}
	clear(b.subs)
	b.mu.Unlock()
	b.wg.Wait()
}

func (b *Bus) publish(typ reflect.Type, fact any) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	for _, s := range b.subs[typ] {
		select {
		case s.queue <- fact:
		default:
			s.missed.Store(true)
			b.lost.Add(1)
			if fn := b.onLost.Load(); fn != nil {
				(*fn)(s.name)
			}
		}
	}
}

func (b *Bus) add(s *subscription) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return false
	}
	b.subs[s.typ] = append(b.subs[s.typ], s)
	b.wg.Go(s.run)
	return true
}

func (b *Bus) remove(s *subscription) {
	b.mu.Lock()
	list := b.subs[s.typ]
	for i, other := range list {
		if other == s {
			b.subs[s.typ] = append(append([]*subscription(nil), list[:i]...), list[i+1:]...)
			break
		}
	}
	b.mu.Unlock()
	s.stop()
	<-s.done
}

type subscription struct {
	name   string
	typ    reflect.Type
	queue  chan any
	missed atomic.Bool
	ctx    context.Context // of the subscriber's goroutine; given to its functions
	stop   context.CancelFunc
	done   chan struct{}
	call   func(fact any)
	resync func()
}

func (s *subscription) run() {
	defer close(s.done)
	for {
		select {
		case <-s.ctx.Done():
			return
		case fact := <-s.queue:
			if s.ctx.Err() != nil {
				return
			}
			if s.missed.Swap(false) && s.resync != nil {
				s.resync()
			}
			s.call(fact)
		}
	}
}
