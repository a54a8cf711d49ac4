// Package job keeps promises: an SMS to send, an export to write. A job is a
// row written in the caller's transaction, so it exists if and only if the deed
// behind it does; it is run at least once, retried with growing pauses, and
// visible until it is old. It does not carry facts to screens: that is event.
package job

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/id"
	"heartline/internal/platform/store"
)

// Args are the parameters of a job, stored as JSON: ids, never personal data.
type Args interface{ Kind() string }

// State of a job.
type State string

// The states. A waiting job may have failed before: see Info.Attempt.
const (
	Waiting State = "waiting"
	Running State = "running"
	Done    State = "done"
	Failed  State = "failed" // gave up; Retry starts it again
)

// Limits of a queue.
const (
	workers            = 16
	defaultMaxAttempts = 12 // about six hours of trying
	lease              = 60 * time.Second
	poll               = time.Second // how soon jobs of other nodes are noticed
	keepDone           = 24 * time.Hour
	keepFailed         = 90 * 24 * time.Hour
)

// Queue runs jobs. Make it with New, Register all kinds, then Start it.
type Queue struct {
	db    *store.DB
	now   func() time.Time
	log   *slog.Logger
	owner string        // this process, in the rows it works on
	wake  chan struct{} // something may be due

	mu      sync.Mutex
	kinds   map[string]func(ctx context.Context, args []byte) error
	running map[string]context.CancelFunc
	stop    context.CancelFunc
	loops   sync.WaitGroup // dispatcher and upkeep
	jobs    sync.WaitGroup
}

// New makes a queue on db. Nothing runs before Start.
func New(db *store.DB, now func() time.Time, log *slog.Logger) (*Queue, error) {
	if db == nil || now == nil || log == nil {
		return nil, errors.New("new job queue: database, clock and log are required")
	}
	return &Queue{
		db:      db,
		now:     now,
		log:     log,
		owner:   id.New(),
		wake:    make(chan struct{}, 1),
		kinds:   make(map[string]func(context.Context, []byte) error),
		running: make(map[string]context.CancelFunc),
	}, nil
}

// Register says how jobs with arguments of type A are done. An error means
// try again later; Discard(err) means never. fn may run again after a crash,
// so its effects must bear repetition.
func Register[A Args](q *Queue, fn func(ctx context.Context, a A) error) {
	var zero A
	q.mu.Lock()
	defer q.mu.Unlock()
	q.kinds[zero.Kind()] = func(ctx context.Context, args []byte) error {
		var a A
		if err := json.Unmarshal(args, &a); err != nil {
			return Discard(fmt.Errorf("decode arguments: %w", err))
		}
		return fn(ctx, a)
	}
}

// Option changes how a job is enqueued.
type Option func(*row)

// RunAt runs the job not before t.
func RunAt(t time.Time) Option { return func(r *row) { r.runAt = store.Millis(t) } }

// UniqueKey makes Enqueue do nothing while a job of the same kind and key is
// waiting or running.
func UniqueKey(key string) Option { return func(r *row) { r.uniqueKey = &key } }

// MaxAttempts gives up after n attempts.
func MaxAttempts(n int) Option { return func(r *row) { r.maxAttempts = max(n, 1) } }

// Enqueue promises in tx that a will be done.
func Enqueue[A Args](ctx context.Context, tx *store.Tx, q *Queue, a A, opts ...Option) error {
	args, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("enqueue %s: %w", a.Kind(), err)
	}
	now := store.Millis(q.now())
	r := row{id: id.New(), kind: a.Kind(), args: string(args), runAt: now, maxAttempts: defaultMaxAttempts, createdAt: now}
	for _, opt := range opts {
		opt(&r)
	}
	if err := insert(ctx, tx, r); err != nil {
		return fmt.Errorf("enqueue %s: %w", a.Kind(), err)
	}
	tx.AfterCommit(q.nudge)
	return nil
}

// Discard marks an error of a job as final: it is not tried again.
func Discard(err error) error { return &discarded{err} }

type discarded struct{ error }

func (d *discarded) Unwrap() error { return d.error }

// Retry makes a failed job wait for a worker again, with all its attempts.
func (q *Queue) Retry(ctx context.Context, jobID string) error {
	err := q.db.Write(ctx, func(tx *store.Tx) error {
		n, err := retry(ctx, tx, jobID, store.Millis(q.now()))
		if store.IsUnique(err) {
			return errs.Wrap(errs.Conflict, "job.already_waiting", err)
		}
		if err == nil && n == 0 {
			return errs.New(errs.NotFound, "job.not_failed")
		}
		tx.AfterCommit(q.nudge)
		return err
	})
	if err != nil {
		return fmt.Errorf("retry job: %w", err)
	}
	return nil
}

// nudge makes the dispatcher look for due jobs now.
func (q *Queue) nudge() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}
