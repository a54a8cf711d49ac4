package store

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // driver "pgx"
)

// Attempts of one Write on PostgreSQL. From aloneFrom on, a transaction runs
// while no other write of this process does, so that it cannot starve.
const (
	maxAttempts = 12
	aloneFrom   = 4
)

// lane lets transactions that keep losing to others run alone.
type lane struct{ mu sync.RWMutex }

func (l *lane) enter(alone bool) (leave func()) {
	if alone {
		l.mu.Lock()
		return l.mu.Unlock
	}
	l.mu.RLock()
	return l.mu.RUnlock
}

func openPostgres(ctx context.Context, url string) (*DB, error) {
	pool, err := sql.Open("pgx", url)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	n := max(16, 8*runtime.GOMAXPROCS(0))
	pool.SetMaxOpenConns(n)
	pool.SetMaxIdleConns(n)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	if err := pool.PingContext(ctx); err != nil {
		_ = pool.Close()
		return nil, fmt.Errorf("open database: %w", err)
	}
	return &DB{dialect: Postgres, url: url, pool: pool, lane: &lane{}}, nil
}

// writePostgres runs fn at an isolation, for Write serializably as SQLite's
// single writer does by nature, and again when the database says that it
// collided with another transaction.
func (db *DB) writePostgres(ctx context.Context, level sql.IsolationLevel, fn func(*Tx) error) error {
	for attempt := 1; ; attempt++ {
		err := db.attempt(ctx, level, fn, attempt >= aloneFrom)
		if err == nil || !isRetryable(err) || attempt == maxAttempts {
			return err
		}
		if err := pause(ctx, attempt); err != nil {
			return err
		}
	}
}

func (db *DB) attempt(ctx context.Context, level sql.IsolationLevel, fn func(*Tx) error, alone bool) error {
	tx, err := db.attemptTx(ctx, level, fn, alone)
	if err == nil {
		tx.committed()
	}
	return err
}

func (db *DB) attemptTx(ctx context.Context, level sql.IsolationLevel, fn func(*Tx) error, alone bool) (*Tx, error) {
	defer db.lane.enter(alone)()
	sqlTx, err := db.pool.BeginTx(ctx, &sql.TxOptions{Isolation: level})
	if err != nil {
		return nil, fmt.Errorf("begin write: %w", closedError(err))
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
		return nil, err
	}
	if err := sqlTx.Commit(); err != nil {
		return nil, fmt.Errorf("commit: %w", err)
	}
	committed = true
	tx.end(true)
	return tx, nil
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
