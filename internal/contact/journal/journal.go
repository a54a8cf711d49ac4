package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"heartline/internal/platform/id"
	"heartline/internal/platform/store"
)

const (
	linger       = 20 * time.Millisecond // longest an event waits for company
	maxBatch     = 256
	maxPending   = 1 << 18 // events kept in memory while the database is away
	firstBackoff = 50 * time.Millisecond
	lastBackoff  = 2 * time.Second
	skipAfter    = 3 // failures of a projection before the log goes on without it
)

// ErrStopped is what Flush answers when the journal cannot write any more.
var ErrStopped = errors.New("journal is stopped")

// Alarm tells about trouble: err is the failure, pending how many events wait,
// lost how many were given up since the start. A nil err says it is over.
type Alarm func(err error, pending int, lost uint64)

// Stats are the journal's counters since the start.
type Stats struct {
	Pending                                       int
	Appended, Written, Batches, Failures, Skipped uint64
	Lost                                          uint64
}

// Journal appends events in batches. Append never waits for the database: the
// events queue in memory, and one goroutine writes them in order. While the
// database is away it retries for ever and alarms; beyond 262,144 waiting
// events new ones are lost, counted and alarmed, as memory is not endless.
type Journal struct {
	db    *store.DB
	now   func() time.Time
	alarm Alarm
	limit int

	mu       sync.Mutex
	pending  []Event
	stats    Stats
	waiters  []waiter
	started  bool
	stopping bool

	wake    chan struct{} // something to do
	full    chan struct{} // a batch is complete or somebody waits: do not linger
	done    chan struct{}
	writeMu sync.Mutex // one transaction of the journal at a time

	onBatch []func(ctx context.Context, tx *store.Tx, events []Event) error
	onEvent []func(Event)
}

type waiter struct {
	upTo uint64 // events appended before
	ch   chan error
}

// Option changes a journal.
type Option func(*Journal)

// WithAlarm sets who hears of trouble; it must not block or Append.
func WithAlarm(fn Alarm) Option { return func(j *Journal) { j.alarm = fn } }

// WithMaxPending sets how many events may wait in memory.
func WithMaxPending(n int) Option { return func(j *Journal) { j.limit = n } }

// New makes a journal; Start begins writing.
func New(db *store.DB, now func() time.Time, opts ...Option) *Journal {
	j := &Journal{
		db: db, now: now, limit: maxPending, alarm: func(error, int, uint64) {},
		wake: make(chan struct{}, 1), full: make(chan struct{}, 1), done: make(chan struct{}),
	}
	for _, o := range opts {
		o(j)
	}
	return j
}

// OnBatch adds a projection that runs in the transaction of each batch. It may
// run again for the same events (retry) and must give the same result then. A
// projection that keeps failing is left out for that batch, with an alarm: the
// log is the truth and the projection can be rebuilt. Call before Start.
func (j *Journal) OnBatch(fn func(ctx context.Context, tx *store.Tx, events []Event) error) {
	j.onBatch = append(j.onBatch, fn)
}

// OnEvent adds a receiver that Append calls at once, before the event is
// stored. It must be quick and must not wait for the journal. Call before Start.
func (j *Journal) OnEvent(fn func(Event)) { j.onEvent = append(j.onEvent, fn) }

// Append notes a fact that happened now and returns it.
func (j *Journal) Append(contact, agent, queue string, p Payload) Event {
	return j.AppendAt(j.now(), contact, agent, queue, p)
}

// AppendAt is Append for a fact of another time, such as a call found open
// after a restart.
func (j *Journal) AppendAt(at time.Time, contact, agent, queue string, p Payload) Event {
	data, err := json.Marshal(p)
	if err != nil { // a payload holds plain data only; NaN is the one way here
		data = json.RawMessage("{}")
	}
	ev := Event{
		At: at.UTC().Truncate(time.Millisecond), Contact: clean(contact), Agent: clean(agent),
		Queue: clean(queue), Kind: p.Kind(), Version: payloadVersion, Data: data, payload: p,
	}
	lost := false
	j.mu.Lock()
	ev.ID = id.New() // inside the lock: ids sort as the log does
	if len(j.pending) >= j.limit || (j.stopping && !j.running()) {
		lost = true
		j.stats.Lost++
	} else {
		j.pending = append(j.pending, ev)
		j.stats.Appended++
	}
	n, lostN := len(j.pending), j.stats.Lost
	j.mu.Unlock()
	switch {
	case lost:
		j.alarm(fmt.Errorf("event lost: %d events wait to be written", n), n, lostN)
	case n == 1:
		signal(j.wake)
	case n >= maxBatch:
		signal(j.full)
	}
	for _, fn := range j.onEvent {
		fn(ev)
	}
	return ev
}

func (j *Journal) running() bool {
	select {
	case <-j.done:
		return false
	default:
		return j.started
	}
}

// clean removes what PostgreSQL refuses in a text.
func clean(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
}

func signal(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// Flush returns once every event appended before it is on disk.
func (j *Journal) Flush(ctx context.Context) error {
	j.mu.Lock()
	if len(j.pending) == 0 {
		j.mu.Unlock()
		return nil
	}
	if !j.running() {
		j.mu.Unlock()
		return ErrStopped
	}
	w := waiter{upTo: j.stats.Appended, ch: make(chan error, 1)}
	j.waiters = append(j.waiters, w)
	j.mu.Unlock()
	signal(j.wake)
	signal(j.full)
	select {
	case err := <-w.ch:
		return err
	case <-ctx.Done():
		return fmt.Errorf("flush journal: %w", ctx.Err())
	}
}

// Stats returns the counters.
func (j *Journal) Stats() Stats {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := j.stats
	s.Pending = len(j.pending)
	return s
}
