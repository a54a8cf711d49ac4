package bench

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"heartline/internal/platform/id"
	"heartline/internal/platform/store"
)

// limits are what the database gives to single statements, each a transaction
// of its own, past everything of ours, a second: one that takes the next number
// of a session and does nothing else, which is the least that a booking can be,
// and one that inserts a row of two columns.
type limits struct{ takes, inserts float64 }

// bare are single statements on a database by as many clients as there are
// bookers.
type bare struct {
	db        *sql.DB
	statement *sql.Stmt
	args      func(dice *rand.Rand) []any

	turns      uint64
	length     time.Duration // of all runs
	done, idle atomic.Int64  // statements that changed a row, and that did not
}

func newBare(ctx context.Context, d store.Dialect, url, query string, args func(dice *rand.Rand) []any) (*bare, error) {
	db, err := open(d, url)
	if err != nil {
		return nil, err
	}
	b := &bare{db: db, args: args}
	if b.statement, err = db.PrepareContext(ctx, query); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return b, nil
}

// open opens the database past everything of ours, as durable as ours is.
func open(d store.Dialect, url string) (*sql.DB, error) {
	driver, dsn, conns := "pgx", url, bookers
	if d == store.SQLite { // one writer at a time: more would only wait in the busy handler
		driver, dsn, conns = "sqlite", "file:"+url+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(10000)", 1
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db, nil
}

func (b *bare) close() error { return errors.Join(b.statement.Close(), b.db.Close()) }

// run lets all clients work until the time is over.
func (b *bare) run(ctx context.Context, length time.Duration) error {
	b.turns++
	failures := make([]error, bookers)
	until := time.Now().Add(length)
	var wg sync.WaitGroup
	for i := range bookers {
		wg.Go(func() {
			failures[i] = b.runOne(ctx, rand.New(rand.NewPCG(b.turns, uint64(i))), until)
		})
	}
	wg.Wait()
	b.length += length
	if err := errors.Join(failures...); err != nil {
		return err
	}
	if done, idle := b.done.Load(), b.idle.Load(); idle > done/100 {
		return fmt.Errorf("%d of %d found nothing to do", idle, done+idle)
	}
	return nil
}

func (b *bare) runOne(ctx context.Context, dice *rand.Rand, until time.Time) error {
	for time.Now().Before(until) {
		res, err := b.statement.ExecContext(ctx, b.args(dice)...)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		if err != nil {
			return err
		}
		b.done.Add(n)
		if n == 0 {
			b.idle.Add(1)
		}
	}
	return nil
}

// rate is how many rows were changed a second.
func (b *bare) rate() float64 { return float64(b.done.Load()) / b.length.Seconds() }

// bareInserts is the rate of inserts into a table of its own.
func bareInserts(ctx context.Context, d store.Dialect, url string, length time.Duration) (rate float64, err error) {
	db, err := open(d, url)
	if err != nil {
		return 0, err
	}
	_, err = db.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS bench_raw (id TEXT PRIMARY KEY, n BIGINT NOT NULL)")
	if err = errors.Join(err, db.Close()); err != nil {
		return 0, err
	}
	b, err := newBare(ctx, d, url, "INSERT INTO bench_raw (id, n) VALUES ($1, $2)",
		func(dice *rand.Rand) []any { return []any{id.New(), dice.IntN(bookers)} })
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	err = b.run(ctx, length)
	return b.rate(), err
}

// newTakes prepares numbers for a time, and the statement that takes one.
func (c *counter) newTakes(ctx context.Context, url string, length time.Duration) (*bare, error) {
	ids, err := c.sessions(ctx, "bare", int(length.Seconds()*mostTakes/perSession), perSession, time.Now())
	if err != nil {
		return nil, err
	}
	lock := ""
	if c.db.Dialect() == store.Postgres {
		lock = "FOR UPDATE SKIP LOCKED" // without it numbers are lost
	}
	return newBare(ctx, c.db.Dialect(), strings.TrimPrefix(url, "sqlite:"), `UPDATE booking_numbers SET state = 'taken' WHERE id = (SELECT id
		FROM booking_numbers WHERE session_id = $1 AND state = 'free' ORDER BY seq LIMIT 1 `+lock+`)`,
		func(dice *rand.Rand) []any { return []any{ids[dice.IntN(len(ids))]} })
}
