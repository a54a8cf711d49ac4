package store_test

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"syscall"
	"testing"
	"time"

	"heartline/internal/platform/id"
	"heartline/internal/platform/store"
	"heartline/internal/platform/store/pgcluster"
	"heartline/internal/platform/store/storetest"
)

// crashing is a PostgreSQL server of its own whose processes may be killed.
type crashing struct {
	t     *testing.T
	url   string
	admin *sql.DB
}

func newCrashing(t *testing.T) *crashing {
	t.Helper()
	storetest.PostgresURL(t) // skips where there is none
	url, leash, err := pgcluster.Start(pgcluster.Durable)
	if err != nil {
		t.Fatal(err)
	}
	admin, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	admin.SetMaxIdleConns(0) // a new connection for each question
	t.Cleanup(func() {
		if err := errors.Join(admin.Close(), leash.Close()); err != nil {
			t.Error(err)
		}
	})
	return &crashing{t: t, url: url, admin: admin}
}

// crash kills a server process with SIGKILL, whereupon the server throws away
// its memory, commits that are not on disk with it, and recovers. It returns
// once the server answers again.
func (c *crashing) crash() {
	ctx := context.Background()
	var pid int
	if err := c.admin.QueryRowContext(ctx, "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'").Scan(&pid); err != nil {
		c.t.Error(err)
		return
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		c.t.Error(err)
		return
	}
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); <-poll.C {
		var now int
		err := c.admin.QueryRowContext(ctx, "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'").Scan(&now)
		if err == nil && now != pid {
			return
		}
	}
	c.t.Error("the server does not come back")
}

// TestServerCrashKeepsEveryAcknowledgedWrite kills the PostgreSQL server under
// load, several times, and looks for everything that was acknowledged.
func TestServerCrashKeepsEveryAcknowledgedWrite(t *testing.T) {
	c := newCrashing(t)
	db, err := store.Open(t.Context(), c.url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	table(t, db)
	var mu sync.Mutex
	var acknowledged []string
	var failed int
	stop := make(chan struct{})
	var wg sync.WaitGroup
	enough := make(chan struct{}, 1)
	for range 16 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				key := id.New()
				err := db.Write(context.Background(), func(tx *store.Tx) error { return insert(context.Background(), tx, key, 1) })
				mu.Lock()
				if err == nil {
					acknowledged = append(acknowledged, key)
				} else {
					failed++
				}
				if err == nil && len(acknowledged)%300 == 0 {
					select {
					case enough <- struct{}{}:
					default:
					}
				}
				mu.Unlock()
			}
		})
	}
	for range 4 {
		<-enough
		c.crash()
	}
	<-enough
	close(stop)
	wg.Wait()
	found := ids(t, db)
	for _, key := range acknowledged {
		if !found[key] {
			t.Fatalf("acknowledged write %s is lost", key)
		}
	}
	if failed == 0 {
		t.Error("no write met a crash")
	}
	t.Logf("%d acknowledged, %d stored, %d failed", len(acknowledged), len(found), failed)
}

// TestCrashBetweenCommitAndFlush lets the server crash and recover after a
// commit, before the flush: a flush on the recovered server proves nothing.
func TestCrashBetweenCommitAndFlush(t *testing.T) {
	c := newCrashing(t)
	db, err := store.Open(t.Context(), c.url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	table(t, db)
	ctx := t.Context()
	told := false
	err = db.Write(ctx, func(tx *store.Tx) error {
		tx.OnEnd(func(committed bool) {
			if !committed {
				t.Error("the transaction was not committed")
			}
			c.crash()
		})
		tx.AfterCommit(func() { told = true })
		return insert(ctx, tx, "x", 1)
	})
	if err == nil || told {
		t.Errorf("error %v, told %v: a write was acknowledged that the crash may have undone", err, told)
	}
	err = db.Write(ctx, func(tx *store.Tx) error { return insert(ctx, tx, "y", 2) })
	if err != nil {
		t.Fatalf("write after the crash: %v", err)
	}
	if !ids(t, db)["y"] {
		t.Error("the write after the crash is lost")
	}
}

// TestTogether runs what Writes want together once for several of them, and
// acknowledges them although it fails.
func TestTogether(t *testing.T) {
	db := storetest.Postgres(t)
	ctx := context.Background()
	table(t, db)
	type key struct{}
	var mu sync.Mutex
	seen, runs := map[int]bool{}, 0
	shared := func(ctx context.Context, tx *store.Tx, items []any) error {
		mu.Lock()
		defer mu.Unlock()
		runs++
		for _, item := range items {
			seen[item.(int)] = true
		}
		_, err := tx.Exec(ctx, "UPDATE thing SET n = n + 1 WHERE id = 'runs'")
		if runs%3 == 0 {
			_, err = tx.Exec(ctx, "SELECT 1 / 0")
		}
		return err
	}
	write(t, db, "INSERT INTO thing (id, n) VALUES ('runs', 0)")
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			err := db.WriteLocking(ctx, func(tx *store.Tx) error {
				tx.Together(key{}, shared, i)
				return insert(ctx, tx, id.New(), i)
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	var n int
	if err := db.SQL().QueryRow("SELECT n FROM thing WHERE id = 'runs'").Scan(&n); err != nil {
		t.Fatal(err)
	}
	if len(seen) != 200 || runs >= 200 || n != runs-runs/3 || len(ids(t, db)) != 201 {
		t.Errorf("%d items in %d runs, %d of them kept, %d rows", len(seen), runs, n, len(ids(t, db))-1)
	}
}

// TestLater sends statements with the next one: in order, and with their
// failure as that one's or the commit's.
func TestLater(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		table(t, db)
		put := func(tx *store.Tx, key string) error {
			return tx.Later(ctx, "INSERT INTO thing (id, n) VALUES ($1, 1)", key)
		}
		err := db.Write(ctx, func(tx *store.Tx) error {
			if err := errors.Join(put(tx, "a"), put(tx, "b")); err != nil {
				return err
			}
			var n int
			if err := tx.QueryRow(ctx, "SELECT COUNT(*) FROM thing WHERE n = $1", 1).Scan(&n); err != nil || n != 2 {
				t.Errorf("%d rows seen, %v", n, err)
			}
			return put(tx, "c")
		})
		if err != nil || len(ids(t, db)) != 3 {
			t.Errorf("%d rows, %v", len(ids(t, db)), err)
		}
		for name, fn := range map[string]func(tx *store.Tx) error{
			"last":        func(tx *store.Tx) error { return errors.Join(put(tx, "d"), put(tx, "a")) },
			"in between":  func(tx *store.Tx) error { return errors.Join(put(tx, "d"), put(tx, "a"), insert(ctx, tx, "e", 1)) },
			"before read": func(tx *store.Tx) error { return errors.Join(put(tx, "a"), sum(ctx, tx)) },
		} {
			if err := db.Write(ctx, fn); !store.IsUnique(err) || len(ids(t, db)) != 3 {
				t.Errorf("%s: %d rows, %v", name, len(ids(t, db)), err)
			}
		}
		err = db.Write(ctx, func(tx *store.Tx) error {
			if err := tx.Try(ctx, func() error { return put(tx, "a") }); !store.IsUnique(err) {
				t.Errorf("tried: %v", err)
			}
			return put(tx, "f")
		})
		if err != nil || !ids(t, db)["f"] {
			t.Errorf("after a failed try: %v", err)
		}
	})
}

func sum(ctx context.Context, tx *store.Tx) error {
	var n int
	return tx.QueryRow(ctx, "SELECT SUM(n) FROM thing WHERE n > $1", 0).Scan(&n)
}
