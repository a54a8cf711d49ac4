package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"heartline/internal/platform/store"
	"heartline/internal/platform/store/storetest"
)

// table creates a table for the test alone; both dialects read this SQL.
func table(t testing.TB, db *store.DB) {
	t.Helper()
	write(t, db, "CREATE TABLE thing (id TEXT PRIMARY KEY, n BIGINT NOT NULL)")
}

func write(t testing.TB, db *store.DB, query string, args ...any) {
	t.Helper()
	err := db.Write(context.WithoutCancel(t.Context()), func(tx *store.Tx) error {
		_, err := tx.Exec(context.Background(), query, args...)
		return err
	})
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func insert(ctx context.Context, tx *store.Tx, id string, n int) error {
	_, err := tx.Exec(ctx, "INSERT INTO thing (id, n) VALUES ($1, $2)", id, n)
	return err
}

func count(t testing.TB, db *store.DB) (n int) {
	t.Helper()
	err := db.Read(context.WithoutCancel(t.Context()), func(tx *store.Tx) error {
		return tx.QueryRow(context.Background(), "SELECT COUNT(*) FROM thing").Scan(&n)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestWriteThenRead(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		table(t, db)
		var after int
		err := db.Write(t.Context(), func(tx *store.Tx) error {
			tx.AfterCommit(func() { after = count(t, db) })
			return insert(t.Context(), tx, "a", 1)
		})
		if err != nil || after != 1 || count(t, db) != 1 {
			t.Fatalf("err %v, rows seen after commit %d, now %d", err, after, count(t, db))
		}
		err = db.Read(t.Context(), func(tx *store.Tx) error {
			var n int
			return tx.QueryRow(t.Context(), "SELECT n FROM thing WHERE id = $1", "nobody").Scan(&n)
		})
		if !store.IsNoRows(err) {
			t.Fatalf("want no rows, got %v", err)
		}
		if err := db.Read(t.Context(), func(tx *store.Tx) error { return insert(t.Context(), tx, "b", 1) }); err == nil {
			t.Fatal("a read transaction could write")
		}
	})
}

func TestFailedWriteLeavesNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		table(t, db)
		boom := errors.New("boom")
		var undone, after bool
		err := db.Write(t.Context(), func(tx *store.Tx) error {
			tx.AfterCommit(func() { after = true })
			tx.OnEnd(func(committed bool) { undone = !committed })
			return errors.Join(insert(t.Context(), tx, "a", 1), boom)
		})
		if !errors.Is(err, boom) || count(t, db) != 0 || !undone || after {
			t.Fatalf("err %v, rows %d, undone %v, after %v", err, count(t, db), undone, after)
		}
		err = db.Write(t.Context(), func(tx *store.Tx) error {
			tx.BeforeCommit(func(context.Context) error { return boom })
			return insert(t.Context(), tx, "a", 1)
		})
		if !errors.Is(err, boom) || count(t, db) != 0 {
			t.Fatalf("a failing hook before commit: err %v, rows %d", err, count(t, db))
		}
	})
}

func TestUniqueAndTry(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		table(t, db)
		err := db.Write(t.Context(), func(tx *store.Tx) error {
			ctx := t.Context()
			if err := insert(ctx, tx, "a", 1); err != nil {
				return err
			}
			err := tx.Try(ctx, func() error { return insert(ctx, tx, "a", 2) })
			if !store.IsUnique(err) {
				return fmt.Errorf("want a unique violation, got %w", err)
			}
			return insert(ctx, tx, "b", 2)
		})
		if err != nil || count(t, db) != 2 {
			t.Fatalf("err %v, rows %d", err, count(t, db))
		}
	})
}

// TestConcurrentWrites mixes writes that succeed, fail, panic and end their
// goroutine; exactly those that succeeded are there.
func TestConcurrentWrites(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		table(t, db)
		var wg sync.WaitGroup
		var mu sync.Mutex
		acknowledged := 0
		for i := range 200 {
			wg.Go(func() {
				defer func() { _ = recover() }()
				err := db.Write(context.Background(), func(tx *store.Tx) error {
					if err := insert(context.Background(), tx, fmt.Sprint("k", i), i); err != nil {
						return err
					}
					switch i % 10 {
					case 3:
						return errors.New("no")
					case 7:
						panic("no")
					}
					return nil
				})
				if err == nil {
					mu.Lock()
					acknowledged++
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		if acknowledged != 160 || count(t, db) != 160 {
			t.Fatalf("acknowledged %d, stored %d, want 160", acknowledged, count(t, db))
		}
	})
}

// TestIncrementIsNeverLost is the read-then-write that READ COMMITTED loses.
func TestIncrementIsNeverLost(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		table(t, db)
		write(t, db, "INSERT INTO thing (id, n) VALUES ('x', 0)")
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 20 {
					err := db.Write(context.Background(), func(tx *store.Tx) error {
						var n int
						if err := tx.QueryRow(context.Background(), "SELECT n FROM thing WHERE id = 'x'").Scan(&n); err != nil {
							return err
						}
						_, err := tx.Exec(context.Background(), "UPDATE thing SET n = $1 WHERE id = 'x'", n+1)
						return err
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		var n int
		err := db.Read(t.Context(), func(tx *store.Tx) error {
			return tx.QueryRow(t.Context(), "SELECT n FROM thing WHERE id = 'x'").Scan(&n)
		})
		if err != nil || n != 160 {
			t.Fatalf("n = %d, want 160 (%v)", n, err)
		}
	})
}

// TestCancelledCallerHarmsNobody cancels contexts in the middle of writes.
func TestCancelledCallerHarmsNobody(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		table(t, db)
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() {
				ctx := context.Background()
				if i%2 == 1 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithCancel(ctx)
					defer cancel()
					go cancel()
				}
				err := db.Write(ctx, func(tx *store.Tx) error {
					return errors.Join(insert(ctx, tx, fmt.Sprint("a", i), i), insert(ctx, tx, fmt.Sprint("b", i), i))
				})
				if err != nil && i%2 == 0 {
					t.Errorf("write %d, not cancelled: %v", i, err)
				}
			})
		}
		wg.Wait()
		n := count(t, db)
		if n%2 != 0 || n < 100 {
			t.Fatalf("%d rows: a write was torn or lost", n)
		}
	})
}

func TestClosedStore(t *testing.T) {
	storetest.Each(t, func(t *testing.T, _ *store.DB) {})
	db, err := store.Open(t.Context(), "sqlite:"+t.TempDir()+"/a b?c#d%20.db")
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	ok := func(*store.Tx) error { return nil }
	if err := db.Write(t.Context(), ok); !errors.Is(err, store.ErrClosed) {
		t.Fatalf("write: %v", err)
	}
	if err := db.Read(t.Context(), ok); !errors.Is(err, store.ErrClosed) {
		t.Fatalf("read: %v", err)
	}
}

func TestMillis(t *testing.T) {
	at := time.Date(2026, 11, 22, 8, 0, 0, 123e6, time.FixedZone("CST", 8*3600))
	if got := store.Time(store.Millis(at)); !got.Equal(at) || got.Location() != time.UTC {
		t.Fatalf("got %v", got)
	}
}
