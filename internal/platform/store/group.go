package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Limits of one group: how many writes share a commit, and for how long the
// first of them may be kept waiting for the others.
const (
	maxGroup     = 512
	maxGroupTime = 25 * time.Millisecond
)

// writer is the one goroutine that owns SQLite's writing connection. Writes
// that arrive while another commit waits for the disk become savepoints of the
// next transaction and share its fsync. The closures run in their callers'
// goroutines, one at a time, when the writer hands them their turn.
type writer struct {
	conn  *sql.DB // limited to one connection
	copy  *checkpointer
	queue chan *request
	quit  chan struct{}
	done  chan struct{}
	once  sync.Once
}

// request is one Write on its way through the writer.
type request struct {
	turn    chan *Tx     // writer → caller: run now
	ran     chan ran     // caller → writer: how it went
	verdict chan verdict // writer → caller: on disk, or not, or again

	called, gone bool // the writer's notes
	joined       []joined
}

var errAborted = errors.New("store: transaction closure did not return")

type ran struct {
	err  error
	gone bool // the closure panicked or its goroutine ended: nobody waits for the verdict
}

type verdict struct {
	err   error
	again bool
}

func newWriter(conn *sql.DB, c *checkpointer) *writer {
	w := &writer{conn: conn, copy: c, queue: make(chan *request), quit: make(chan struct{}), done: make(chan struct{})}
	go w.loop()
	return w
}

func (w *writer) close() error {
	w.once.Do(func() { close(w.quit) })
	<-w.done
	return errors.Join(w.copy.close(), w.conn.Close())
}

// write is the caller's side.
func (w *writer) write(ctx context.Context, fn func(*Tx) error) error {
	r := &request{turn: make(chan *Tx, 1), ran: make(chan ran, 1), verdict: make(chan verdict, 1)}
	select {
	case <-ctx.Done():
		return ctx.Err()
	default:
	}
	select {
	case w.queue <- r:
	case <-ctx.Done():
		return ctx.Err()
	case <-w.quit:
		return ErrClosed
	}
	for {
		select {
		case v := <-r.verdict: // the transaction could not even begin
			return v.err
		case tx := <-r.turn:
			r.run(ctx, tx, fn)
			v := <-r.verdict
			tx.end(!v.again && v.err == nil)
			if v.again {
				continue
			}
			if v.err != nil {
				return v.err
			}
			tx.committed()
			return nil
		}
	}
}

// run calls the closure and always reports back, even when the closure panics
// or ends its goroutine, so that one bad closure cannot stop all others.
func (r *request) run(ctx context.Context, tx *Tx, fn func(*Tx) error) {
	report := ran{gone: true}
	defer func() {
		r.ran <- report
		if report.gone {
			<-r.verdict // undone by now
			tx.end(false)
		}
	}()
	err := tx.run(ctx, fn)
	report = ran{err: err}
}

// loop is the writer's side.
func (w *writer) loop() {
	defer close(w.done)
	for {
		select {
		case r := <-w.queue:
			w.group(r)
			w.copy.written()
		case <-w.quit:
			return
		}
	}
}

// group runs first and whatever else is waiting in one transaction.
func (w *writer) group(first *request) {
	tx, err := w.begin()
	if err != nil {
		first.verdict <- verdict{err: err}
		return
	}
	start := time.Now()
	// Nobody's work precedes the first, so it needs no savepoint: what it
	// leaves half done goes with the whole transaction.
	if err := first.call(tx); err != nil {
		_ = tx.Rollback()
		first.verdict <- verdict{err: err}
		return
	}
	members := []*request{first}
	for r := w.next(len(members), start); r != nil; r = w.next(len(members), start) {
		err, broken := r.inSavepoint(tx)
		if broken != nil { // SQLite gave up the whole transaction: a full disk, for one
			_ = tx.Rollback()
			w.oneByOne(append(members, r))
			return
		}
		if err != nil {
			r.verdict <- verdict{err: err}
			continue
		}
		members = append(members, r)
	}
	err, broken := finish(tx, members)
	if broken {
		w.oneByOne(members)
		return
	}
	for _, r := range members {
		r.verdict <- verdict{err: err}
	}
}

// finish does what the members wanted to be done together, and commits. broken
// means that all was undone because of what one of them wanted.
func finish(tx *sql.Tx, members []*request) (err error, broken bool) {
	var list []joined
	for _, r := range members {
		list = append(list, r.joined...)
	}
	if len(list) == 0 {
		return commit(tx), false
	}
	shared := &Tx{dialect: SQLite, tx: tx, uncancelled: true}
	err = shared.share(context.Background(), list)
	shared.closeRows()
	if err != nil {
		_ = tx.Rollback()
		return err, true
	}
	if err := commit(tx); err != nil {
		return err, false
	}
	shared.committed()
	return nil, false
}

// next takes a write that is already waiting, if the group has room and time.
func (w *writer) next(n int, start time.Time) *request {
	if n >= maxGroup || time.Since(start) > maxGroupTime {
		return nil
	}
	select {
	case r := <-w.queue:
		return r
	default:
		return nil
	}
}

// oneByOne gives every member of a lost group a transaction of its own, so that
// only those fail that cannot succeed.
func (w *writer) oneByOne(members []*request) {
	for _, r := range members {
		if r.gone {
			r.verdict <- verdict{err: errAborted}
			continue
		}
		if r.called {
			r.verdict <- verdict{again: true}
		}
		r.verdict <- verdict{err: w.alone(r)}
	}
}

func (w *writer) alone(r *request) error {
	tx, err := w.begin()
	if err != nil {
		return err
	}
	if err := r.call(tx); err != nil {
		_ = tx.Rollback()
		return err
	}
	err, _ = finish(tx, []*request{r})
	return err
}

func (w *writer) begin() (*sql.Tx, error) {
	tx, err := w.conn.BeginTx(context.Background(), nil)
	if err != nil {
		return nil, fmt.Errorf("begin write: %w", closedError(err))
	}
	return tx, nil
}

func commit(tx *sql.Tx) error {
	if err := tx.Commit(); err != nil {
		_ = tx.Rollback()
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// inSavepoint gives r its turn inside a savepoint of tx. err is r's own
// failure, already undone; broken means that the whole transaction is lost.
func (r *request) inSavepoint(tx *sql.Tx) (err, broken error) {
	ctx := context.Background()
	if _, err := tx.ExecContext(ctx, "SAVEPOINT w"); err != nil {
		return nil, err
	}
	err = r.call(tx)
	if err != nil {
		if _, err := tx.ExecContext(ctx, "ROLLBACK TO w"); err != nil {
			return nil, err
		}
	}
	if _, err := tx.ExecContext(ctx, "RELEASE w"); err != nil {
		return nil, err
	}
	return err, nil
}

// call hands tx to the waiting caller and waits until its closure is through.
func (r *request) call(tx *sql.Tx) error {
	t := &Tx{dialect: SQLite, tx: tx, uncancelled: true}
	r.called = true
	r.turn <- t
	report := <-r.ran
	t.closeRows()
	r.gone, r.joined = report.gone, t.together
	if report.gone {
		return errAborted
	}
	return report.err
}
