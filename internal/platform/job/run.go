package job

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"time"

	"heartline/internal/platform/store"
)

// Start begins to run due jobs until Stop. All kinds must be registered.
func (q *Queue) Start(ctx context.Context) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.stop != nil {
		return errors.New("start job queue: already started")
	}
	leaseBefore := store.Millis(q.now())
	if q.db.Dialect() == store.SQLite { // no other node: whatever runs belonged to a process that is gone
		leaseBefore = math.MaxInt64
	}
	if err := q.rescue(ctx, leaseBefore); err != nil {
		return fmt.Errorf("start job queue: %w", err)
	}
	loops, stop := context.WithCancel(context.WithoutCancel(ctx))
	q.stop = stop
	kinds := slices.Sorted(maps.Keys(q.kinds))
	q.loops.Go(func() { q.dispatch(loops, kinds) })
	q.loops.Go(func() { q.upkeep(loops) })
	return nil
}

// Stop takes no more jobs and waits for those that run. When ctx ends before
// they do, they are cancelled and will start again with the next Start.
func (q *Queue) Stop(ctx context.Context) error {
	q.mu.Lock()
	stop := q.stop
	q.stop = nil
	q.mu.Unlock()
	if stop == nil {
		return nil
	}
	stop()
	q.loops.Wait()
	idle := make(chan struct{})
	go func() { q.jobs.Wait(); close(idle) }()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
	}
	q.mu.Lock()
	for _, cancel := range q.running {
		cancel()
	}
	q.mu.Unlock()
	<-idle
	return ctx.Err()
}

// dispatch gives due jobs to free workers, each in a goroutine of its own.
func (q *Queue) dispatch(ctx context.Context, kinds []string) {
	if len(kinds) == 0 {
		return
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-q.wake:
		case <-timer.C:
		}
		wait, err := q.startDue(ctx, kinds)
		if err != nil {
			if ctx.Err() != nil {
				return
			}
			q.log.ErrorContext(ctx, "job queue cannot look for work", "error", err)
			wait = poll
		}
		timer.Reset(wait)
	}
}

// startDue starts what is due and says when to look again.
func (q *Queue) startDue(ctx context.Context, kinds []string) (time.Duration, error) {
	q.mu.Lock()
	free := workers - len(q.running)
	q.mu.Unlock()
	if free <= 0 {
		return poll, nil // a worker that gets free nudges
	}
	var due int64
	var any bool
	err := q.db.Read(ctx, func(tx *store.Tx) (err error) {
		due, any, err = nextDue(ctx, tx, kinds)
		return err
	})
	now := q.now()
	if err != nil || !any {
		return poll, err
	}
	if wait := store.Time(due).Sub(now); wait > 0 {
		return min(wait, poll), nil
	}
	var rows []row
	err = q.db.Write(ctx, func(tx *store.Tx) (err error) {
		rows, err = claim(ctx, tx, q.owner, kinds, store.Millis(now), store.Millis(now.Add(lease)), free)
		return err
	})
	if err != nil {
		return poll, err
	}
	for _, r := range rows {
		q.start(ctx, r)
	}
	return 0, nil // perhaps there is more
}

func (q *Queue) start(ctx context.Context, r row) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx)) // a stop lets jobs finish
	q.mu.Lock()
	q.running[r.id] = cancel
	fn := q.kinds[r.kind]
	q.mu.Unlock()
	q.jobs.Go(func() {
		err := guard(ctx, fn, []byte(r.args))
		q.finish(ctx, r, err)
		q.mu.Lock()
		delete(q.running, r.id)
		q.mu.Unlock()
		cancel()
		q.nudge()
	})
}

// guard turns a panic of a job into its error.
func guard(ctx context.Context, fn func(context.Context, []byte) error, args []byte) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return fn(ctx, args)
}

// finish settles an attempt.
func (q *Queue) finish(ctx context.Context, r row, err error) {
	now := q.now()
	state, runAt, finished, attempt, text := Done, now, now, r.attempt, ""
	var final *discarded
	switch {
	case err == nil:
	case ctx.Err() != nil: // cancelled by Stop: this attempt does not count
		state, finished, attempt = Waiting, time.UnixMilli(0), r.attempt-1
	case errors.As(err, &final) || r.attempt >= r.maxAttempts:
		state = Failed
	default:
		state, finished, runAt = Waiting, time.UnixMilli(0), now.Add(backoff(r.attempt))
	}
	if err != nil {
		text = shorten(err.Error())
		q.log.WarnContext(ctx, "job failed", "job_id", r.id, "kind", r.kind, "attempt", r.attempt, "state", string(state), "error", text)
	}
	ctx = context.WithoutCancel(ctx)
	err = q.db.Write(ctx, func(tx *store.Tx) error {
		return settle(ctx, tx, q.owner, r.id, state, store.Millis(runAt), store.Millis(finished), attempt, text)
	})
	if err != nil { // its lease will end and it will run again
		q.log.ErrorContext(ctx, "job result not stored", "job_id", r.id, "error", err)
	}
}

// backoff grows with the fourth power, as 1 s, 16 s, 81 s … up to three hours,
// and is spread by a quarter so that failures do not come back together.
func backoff(attempt int) time.Duration {
	seconds := min(math.Pow(float64(attempt), 4), 3*3600)
	return time.Duration(seconds * (0.875 + rand.Float64()/4) * float64(time.Second))
}

func shorten(s string) string {
	const limit = 4000
	if len(s) > limit {
		s = s[:limit]
	}
	return string([]rune(s)) // no half character at the cut
}

// upkeep extends our leases, rescues the jobs of dead nodes and forgets old ones.
func (q *Queue) upkeep(ctx context.Context) {
	tick := time.NewTicker(lease / 3)
	defer tick.Stop()
	for n := 0; ; n++ {
		if err := q.upkeepOnce(ctx, n%180 == 0); err != nil && ctx.Err() == nil {
			q.log.ErrorContext(ctx, "job queue upkeep", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (q *Queue) upkeepOnce(ctx context.Context, hourly bool) error {
	now := q.now()
	q.mu.Lock()
	ids := slices.Collect(maps.Keys(q.running))
	q.mu.Unlock()
	if len(ids) > 0 {
		err := q.db.Write(ctx, func(tx *store.Tx) error {
			return extend(ctx, tx, q.owner, ids, store.Millis(now.Add(lease)))
		})
		if err != nil {
			return err
		}
	}
	if hourly {
		err := q.db.Write(ctx, func(tx *store.Tx) error {
			return prune(ctx, tx, store.Millis(now.Add(-keepDone)), store.Millis(now.Add(-keepFailed)))
		})
		if err != nil {
			return err
		}
	}
	if q.db.Dialect() == store.SQLite {
		return nil
	}
	return q.rescue(ctx, store.Millis(now))
}

func (q *Queue) rescue(ctx context.Context, leaseBefore int64) error {
	var n int64
	err := q.db.Write(ctx, func(tx *store.Tx) (err error) {
		n, err = rescue(ctx, tx, store.Millis(q.now()), leaseBefore)
		return err
	})
	if err == nil && n > 0 {
		q.log.WarnContext(ctx, "jobs of a dead worker taken back", "count", n)
		q.nudge()
	}
	return err
}
