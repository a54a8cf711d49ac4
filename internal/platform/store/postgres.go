package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// Attempts of one Write on PostgreSQL. From aloneFrom on, a transaction runs
// while no other write of this process does, so that it cannot starve.
const (
	maxAttempts = 12
	aloneFrom   = 4
)

// lane is where transactions wait for a connection: first come, first served,
// which database/sql does not promise. Those that keep losing to others run
// alone.
type lane struct {
	slots chan struct{} // taken by running transactions
	mu    sync.RWMutex
}

func (l *lane) enter(ctx context.Context, alone bool) (leave func(), err error) {
	select {
	case l.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if alone {
		l.mu.Lock()
		return func() { l.mu.Unlock(); <-l.slots }, nil
	}
	l.mu.RLock()
	return func() { l.mu.RUnlock(); <-l.slots }, nil
}

func openPostgres(ctx context.Context, url string) (*DB, error) {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	flushing := cfg.Copy()
	flushing.RuntimeParams["enable_seqscan"] = "off" // what is done together finds its rows by key, also in tables nobody counted yet
	db := &DB{dialect: Postgres, url: url, flusher: &flusher{db: openPipelining(*flushing)}}
	db.flusher.db.SetMaxOpenConns(1)
	writing := cfg.Copy()
	writing.RuntimeParams["synchronous_commit"] = "off" // see flusher
	db.pool = openPipelining(*writing)
	n := max(16, 8*runtime.GOMAXPROCS(0))
	db.pool.SetMaxOpenConns(n)
	db.pool.SetMaxIdleConns(n)
	db.pool.SetConnMaxIdleTime(5 * time.Minute)
	db.lane = &lane{slots: make(chan struct{}, n-n/4)} // the rest is for those who only read
	if err := db.pool.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open database: %w", err), db.Close())
	}
	return db, nil
}

// writePostgres runs fn at an isolation, for Write serializably as SQLite's
// single writer does by nature, and again when the database says that it
// collided with another transaction.
func (db *DB) writePostgres(ctx context.Context, level sql.IsolationLevel, fn func(*Tx) error) error {
	for attempt := 1; ; attempt++ {
		tx, session, err := db.attempt(ctx, level, fn, attempt >= aloneFrom)
		if err == nil { // committed: from here on nothing may be tried again
			if err := db.flusher.wait(session, tx.together); err != nil {
				return err
			}
			tx.committed()
			return nil
		}
		if !isRetryable(err) || attempt == maxAttempts {
			return err
		}
		if err := pause(ctx, attempt); err != nil {
			return err
		}
	}
}

// attempt runs fn in a transaction that is committed, but not yet on disk, when
// it returns. session is what its flush must go through.
func (db *DB) attempt(ctx context.Context, level sql.IsolationLevel, fn func(*Tx) error, alone bool) (_ *Tx, session int, err error) {
	leave, err := db.lane.enter(ctx, alone)
	if err != nil {
		return nil, 0, err
	}
	defer leave()
	if session, err = db.flusher.begin(ctx); err != nil {
		return nil, 0, err
	}
	sqlTx, err := db.pool.BeginTx(ctx, &sql.TxOptions{Isolation: level})
	if err != nil {
		return nil, 0, fmt.Errorf("begin write: %w", closedError(err))
	}
	tx := &Tx{dialect: Postgres, tx: sqlTx}
	committed := false
	defer func() {
		if !committed { // also after a panic
			_ = sqlTx.Rollback()
			tx.end(false)
		}
	}()
	err = tx.run(ctx, fn)
	tx.closeRows()
	if err != nil {
		return nil, 0, err
	}
	if err := sqlTx.Commit(); err != nil {
		return nil, 0, fmt.Errorf("commit: %w", err)
	}
	committed = true
	tx.end(true)
	return tx, session, nil
}

// pause waits a little longer, and less predictably, before each new attempt.
func pause(ctx context.Context, attempt int) error {
	limit := int64(time.Millisecond) << min(attempt, 5)
	t := time.NewTimer(time.Duration(rand.Int64N(limit)))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
