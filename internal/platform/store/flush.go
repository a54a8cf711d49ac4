package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"
)

// flusher makes commits on PostgreSQL durable together. The connections that
// write do not wait for the disk when they commit (synchronous_commit = off),
// so that they give up their locks at once. Before
// a Write returns, one small transaction with the server's own setting is
// committed for all Writes that wait: the log is written in order, so that
// what came before it is on disk too, on the replicas that the server waits
// for as well.
type flusher struct {
	conn *sql.DB // one connection

	mu    sync.Mutex
	next  *flush // for the Writes that arrive while another flush runs
	busy  bool
	loops sync.WaitGroup
}

// flush is one wait for the disk.
type flush struct {
	done  chan struct{}
	err   error
	hooks map[any]func(ctx context.Context, tx *Tx) error
}

// flushTime bounds the wait for a server that does not answer any more.
const flushTime = 30 * time.Second

// wait returns once everything committed before is on disk, and what the
// Writes wanted done together is done. It does not end early: the commit has
// happened, only its fate in a power cut is open.
func (f *flusher) wait(hooks map[any]func(ctx context.Context, tx *Tx) error) error {
	f.mu.Lock()
	mine := f.next
	if mine == nil {
		mine = &flush{done: make(chan struct{}), hooks: make(map[any]func(ctx context.Context, tx *Tx) error)}
		f.next = mine
	}
	maps.Copy(mine.hooks, hooks)
	if !f.busy {
		f.busy = true
		f.loops.Go(f.run)
	}
	f.mu.Unlock()
	<-mine.done
	return mine.err
}

// run serves flushes until nobody waits.
func (f *flusher) run() {
	for {
		f.mu.Lock()
		now := f.next
		f.next = nil
		f.busy = now != nil
		f.mu.Unlock()
		if now == nil {
			return
		}
		now.err = f.flush(now.hooks)
		close(now.done)
	}
}

func (f *flusher) flush(hooks map[any]func(ctx context.Context, tx *Tx) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), flushTime)
	defer cancel()
	const message = "SELECT pg_logical_emit_message(true, 'heartline', '')" // something to write, and so to wait for
	if len(hooks) == 0 {
		if _, err := f.conn.ExecContext(ctx, message); err != nil {
			return fmt.Errorf("flush commits: %w", err)
		}
		return nil
	}
	sqlTx, err := f.conn.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return fmt.Errorf("flush commits: %w", err)
	}
	tx := &Tx{dialect: Postgres, tx: sqlTx}
	hooks[f] = func(ctx context.Context, tx *Tx) error {
		_, err := tx.Exec(ctx, message)
		return err
	}
	for _, fn := range hooks {
		if err := fn(ctx, tx); err != nil {
			tx.closeRows()
			return errors.Join(fmt.Errorf("flush commits: %w", err), sqlTx.Rollback())
		}
	}
	tx.closeRows()
	if err := sqlTx.Commit(); err != nil {
		return fmt.Errorf("flush commits: %w", err)
	}
	return nil
}

func (f *flusher) close() error {
	f.loops.Wait()
	return f.conn.Close()
}
