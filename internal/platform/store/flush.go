package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"sync"
	"time"
)

// flusher makes commits on PostgreSQL durable together. The connections that
// write do not wait for the disk when they commit (synchronous_commit = off),
// so that they give up their locks at once. Before a Write returns, one small
// transaction with the server's own setting is committed for all Writes that
// wait: the log is written in order, so that what came before it is on disk
// too, on the replicas that the server waits for as well.
//
// That holds as long as it is the same run of the server: one that crashed in
// between may have lost a commit and yet flush the next. So all flushes go
// through one connection that was there before the Write began; when it breaks,
// the Writes around it fail (docs/adr/0006).
type flusher struct {
	db *sql.DB // one connection

	mu    sync.Mutex
	next  *flush // for the Writes that arrive while another flush runs
	busy  bool
	loops sync.WaitGroup

	dial    sync.Mutex // while conn is checked or replaced
	conn    *sql.Conn  // nil: broken or not opened yet
	session int        // counts the connections
	used    time.Time  // when conn answered last
}

// flush is one wait for the disk.
type flush struct {
	done    chan struct{}
	err     error
	session int // of the connection that it went through
	joined  []joined
}

const (
	flushTime = 30 * time.Second // the longest wait for a server that does not answer any more
	trustFor  = time.Second      // so long a connection that answered is taken to be there
)

// errLost says that a Write may or may not have happened.
var errLost = errors.New("store: the database server was lost before the commit was known to be on disk")

// begin is called before a transaction begins and returns the session that its
// flush must go through.
func (f *flusher) begin(ctx context.Context) (session int, err error) {
	f.dial.Lock()
	defer f.dial.Unlock()
	if f.conn != nil && time.Since(f.used) > trustFor && !f.working() {
		if err := f.conn.PingContext(ctx); err != nil {
			if ctx.Err() != nil {
				return 0, ctx.Err()
			}
			f.drop()
		}
		f.used = time.Now()
	}
	if f.conn == nil {
		conn, err := f.db.Conn(ctx)
		if err != nil {
			return 0, fmt.Errorf("open flushing connection: %w", closedError(err))
		}
		f.conn, f.used = conn, time.Now()
		f.session++
	}
	return f.session, nil
}

// drop closes the connection for good. f.dial is held.
func (f *flusher) drop() {
	_ = f.conn.Raw(func(any) error { return driver.ErrBadConn }) // not back into the pool
	_ = f.conn.Close()
	f.conn = nil
}

func (f *flusher) working() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.busy
}

// wait returns once everything committed before is on disk, and what the
// Writes wanted done together was tried. It does not end early: the commit has
// happened, only its fate in a power cut is open.
func (f *flusher) wait(session int, list []joined) error {
	f.mu.Lock()
	mine := f.next
	if mine == nil {
		mine = &flush{done: make(chan struct{})}
		f.next = mine
	}
	mine.joined = append(mine.joined, list...)
	if !f.busy {
		f.busy = true
		f.loops.Go(f.run)
	}
	f.mu.Unlock()
	<-mine.done
	if mine.err == nil && mine.session != session {
		return errLost
	}
	return mine.err
}

// durably runs fn and returns once what it committed is on disk.
func (f *flusher) durably(ctx context.Context, fn func() error) error {
	session, err := f.begin(ctx)
	if err != nil {
		return err
	}
	if err := fn(); err != nil {
		return err
	}
	return f.wait(session, nil)
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
		now.session, now.err = f.flush(now.joined)
		close(now.done)
	}
}

// flush does what the Writes wanted and makes them durable; if the first fails,
// the second is done alone.
func (f *flusher) flush(list []joined) (session int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), flushTime)
	defer cancel()
	f.dial.Lock()
	conn, session := f.conn, f.session
	f.dial.Unlock()
	if conn == nil {
		return session, errLost
	}
	if len(list) == 0 || f.together(ctx, conn, list) != nil {
		_, err = conn.ExecContext(ctx, message)
	}
	f.dial.Lock()
	defer f.dial.Unlock()
	f.used = time.Now()
	if err != nil {
		f.drop()
		return session, fmt.Errorf("%w: %w", errLost, err)
	}
	return session, nil
}

// message is something to write, and so to wait for.
const message = "SELECT pg_logical_emit_message(true, 'heartline', '')"

func (f *flusher) together(ctx context.Context, conn *sql.Conn, list []joined) error {
	sqlTx, err := conn.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return err
	}
	tx := &Tx{dialect: Postgres, tx: sqlTx}
	err = tx.share(ctx, list)
	if err == nil {
		err = tx.Later(ctx, message)
	}
	tx.closeRows()
	if err != nil {
		return errors.Join(err, sqlTx.Rollback())
	}
	if err := sqlTx.Commit(); err != nil {
		return err
	}
	tx.committed()
	return nil
}

func (f *flusher) close() error {
	f.loops.Wait()
	f.dial.Lock()
	defer f.dial.Unlock()
	if f.conn != nil {
		_ = f.conn.Close()
		f.conn = nil
	}
	return f.db.Close()
}
