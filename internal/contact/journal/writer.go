package journal

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"heartline/internal/platform/store"
)

// Start begins writing. ctx only limits the start; Stop ends the writing.
func (j *Journal) Start(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.started {
		return errors.New("journal was started before")
	}
	j.started = true
	go j.loop(context.WithoutCancel(ctx))
	return nil
}

// Stop writes what waits and ends the journal. If ctx ends first, the events
// that could not be written are counted as lost and the error says so.
func (j *Journal) Stop(ctx context.Context) error {
	flushErr := j.Flush(ctx)
	j.mu.Lock()
	started := j.started
	j.stopping = true
	j.mu.Unlock()
	signal(j.wake)
	signal(j.full)
	if !started {
		return flushErr
	}
	<-j.done
	j.mu.Lock()
	defer j.mu.Unlock()
	if n := len(j.pending); n > 0 {
		j.stats.Lost += uint64(n)
		return fmt.Errorf("stop journal: %d events not written: %w", n, flushErr)
	}
	return flushErr
}

// loop is the only writer of batches. It ends after Stop, when nothing waits
// or the last attempt failed.
func (j *Journal) loop(ctx context.Context) {
	defer close(j.done)
	defer j.release(ErrStopped)
	backoff := firstBackoff
	projectionFailures := 0
	for {
		batch, urgent, stopping := j.peek()
		if len(batch) == 0 {
			if stopping {
				return
			}
			<-j.wake
			continue
		}
		if !urgent && !stopping {
			j.linger()
			batch, _, _ = j.peek()
		}
		err, inProjection := j.writeBatch(ctx, batch, projectionFailures < skipAfter)
		if err == nil {
			j.commit(len(batch), projectionFailures >= skipAfter)
			projectionFailures, backoff = 0, firstBackoff
			continue
		}
		if inProjection {
			projectionFailures++
		}
		j.failed(err)
		if j.isStopping() {
			return
		}
		j.wait(backoff)
		backoff = min(2*backoff, lastBackoff)
	}
}

// peek returns the next batch; urgent says that it is full or waited for.
func (j *Journal) peek() (batch []Event, urgent, stopping bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	n := min(len(j.pending), maxBatch)
	return j.pending[:n:n], n == maxBatch || len(j.waiters) > 0, j.stopping
}

func (j *Journal) isStopping() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.stopping
}

func (j *Journal) linger() {
	t := time.NewTimer(linger)
	defer t.Stop()
	select {
	case <-t.C:
	case <-j.full:
	}
}

func (j *Journal) wait(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			return
		case <-j.wake:
			if j.isStopping() {
				return
			}
		}
	}
}

func (j *Journal) commit(n int, skipped bool) {
	j.mu.Lock()
	clear(j.pending[:n])
	j.pending = j.pending[n:]
	if len(j.pending) == 0 {
		j.pending = nil
	}
	j.stats.Written += uint64(n)
	j.stats.Batches++
	recovered := j.stats.Failures > 0
	if skipped {
		j.stats.Skipped++
	} else {
		j.stats.Failures = 0
	}
	var ready []waiter
	rest := j.waiters[:0]
	for _, w := range j.waiters {
		if w.upTo <= j.stats.Written {
			ready = append(ready, w)
		} else {
			rest = append(rest, w)
		}
	}
	j.waiters = rest
	pending, lost := len(j.pending), j.stats.Lost
	j.mu.Unlock()
	for _, w := range ready {
		w.ch <- nil
	}
	if recovered && !skipped {
		j.alarm(nil, pending, lost)
	}
}

func (j *Journal) failed(err error) {
	j.mu.Lock()
	j.stats.Failures++
	n, lost := len(j.pending), j.stats.Lost
	j.mu.Unlock()
	j.alarm(err, n, lost)
}

func (j *Journal) release(err error) {
	j.mu.Lock()
	waiters := j.waiters
	j.waiters = nil
	j.mu.Unlock()
	for _, w := range waiters {
		w.ch <- err
	}
}

// writeBatch stores events and runs the projections in one transaction.
func (j *Journal) writeBatch(ctx context.Context, batch []Event, project bool) (err error, inProjection bool) {
	j.writeMu.Lock()
	defer j.writeMu.Unlock()
	err = j.db.Write(ctx, func(tx *store.Tx) error {
		inProjection = false
		if err := insert(ctx, tx, batch); err != nil {
			return fmt.Errorf("write %d events: %w", len(batch), err)
		}
		if !project {
			return nil
		}
		for _, fn := range j.onBatch {
			if err := fn(ctx, tx, batch); err != nil {
				inProjection = true
				return fmt.Errorf("project %d events: %w", len(batch), err)
			}
		}
		return nil
	})
	return err, inProjection
}

// Exclusive runs fn in a transaction while no batch is being written, for
// projections that are rebuilt from the log.
func (j *Journal) Exclusive(ctx context.Context, fn func(tx *store.Tx) error) error {
	j.writeMu.Lock()
	defer j.writeMu.Unlock()
	return j.db.Write(ctx, fn)
}

const (
	columns    = "id, at, contact, agent, queue, kind, version, data"
	columnsN   = 8
	rowsPerSQL = 16 // SQLite looks parameters up one by one: more rows cost more
)

func insert(ctx context.Context, tx *store.Tx, events []Event) error {
	for len(events) > 0 {
		n := min(len(events), rowsPerSQL)
		args := make([]any, 0, n*columnsN)
		for i := range events[:n] {
			e := &events[i]
			args = append(args, e.ID, store.Millis(e.At), e.Contact, e.Agent, e.Queue, e.Kind, e.Version, string(e.Data))
		}
		if _, err := tx.Exec(ctx, insertSQL(n), args...); err != nil {
			return err
		}
		events = events[n:]
	}
	return nil
}

// insertSQL is the statement for n rows. A batch whose commit was in doubt may
// come again, hence DO NOTHING.
func insertSQL(n int) string {
	var b strings.Builder
	b.Grow(96 + n*columnsN*6)
	b.WriteString("INSERT INTO contact_events (" + columns + ") VALUES ")
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('(')
		for c := range columnsN {
			if c > 0 {
				b.WriteByte(',')
			}
			b.WriteByte('$')
			b.WriteString(strconv.Itoa(i*columnsN + c + 1))
		}
		b.WriteByte(')')
	}
	b.WriteString(" ON CONFLICT (id) DO NOTHING")
	return b.String()
}
