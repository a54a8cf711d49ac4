package store_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"heartline/internal/platform/store"
	"heartline/internal/platform/store/storetest"
)

// together runs all functions as Writes that wait behind one that is held, so
// that they share a group, and returns their errors.
func together(t *testing.T, db *store.DB, fns []func(*store.Tx) error) []error {
	t.Helper()
	entered, release := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		once := sync.OnceFunc(func() { close(entered) })
		_ = db.Write(context.Background(), func(*store.Tx) error { once(); <-release; return nil })
	})
	<-entered
	errs := make([]error, len(fns))
	var queued atomic.Int32
	for i, fn := range fns {
		wg.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					errs[i] = fmt.Errorf("panic: %v", p)
				}
			}()
			queued.Add(1)
			errs[i] = db.Write(context.Background(), fn)
		})
	}
	for queued.Load() < int32(len(fns)) {
		runtime.Gosched()
	}
	close(release)
	wg.Wait()
	return errs
}

// TestLostGroupIsRunAgain lets one write destroy the shared transaction, as
// SQLite itself does on some I/O errors; all others must still succeed, once.
func TestLostGroupIsRunAgain(t *testing.T) {
	db := storetest.SQLite(t)
	table(t, db)
	ctx := context.Background()
	var ended, after atomic.Int32
	var fns []func(*store.Tx) error
	for i := range 20 {
		fns = append(fns, func(tx *store.Tx) error {
			tx.AfterCommit(func() { after.Add(1) })
			tx.OnEnd(func(committed bool) {
				if committed {
					ended.Add(1)
				}
			})
			if err := insert(ctx, tx, fmt.Sprint(i), i); err != nil {
				return err
			}
			if i == 7 {
				_, err := tx.Exec(ctx, "ROLLBACK")
				return err
			}
			return nil
		})
	}
	for i, err := range together(t, db, fns) {
		if (err != nil) != (i == 7) {
			t.Errorf("write %d: %v", i, err)
		}
	}
	if n := count(t, db); n != 19 || after.Load() != 19 || ended.Load() != 19 {
		t.Fatalf("%d rows, %d after commit, %d ended; want 19 of each", n, after.Load(), ended.Load())
	}
	write(t, db, "INSERT INTO thing (id, n) VALUES ('later', 1)") // the writer is still usable
}

// TestGoneCallers ends closures by panic and by runtime.Goexit, in the middle
// of a group and in one that is lost.
func TestGoneCallers(t *testing.T) {
	for _, lost := range []bool{false, true} {
		t.Run(fmt.Sprint("lost=", lost), func(t *testing.T) {
			db := storetest.SQLite(t)
			table(t, db)
			ctx := context.Background()
			var fns []func(*store.Tx) error
			for i := range 20 {
				fns = append(fns, func(tx *store.Tx) error {
					if err := insert(ctx, tx, fmt.Sprint(i), i); err != nil {
						return err
					}
					if lost && i%5 < 2 {
						_, _ = tx.Exec(ctx, "ROLLBACK")
					}
					switch i % 5 {
					case 0:
						panic("bad closure")
					case 1:
						runtime.Goexit()
					}
					return nil
				})
			}
			for i, err := range together(t, db, fns) {
				if i%5 == 0 && (err == nil || err.Error() != "panic: bad closure") || i%5 > 1 && err != nil {
					t.Errorf("write %d: %v", i, err)
				}
			}
			if n := count(t, db); n != 12 {
				t.Fatalf("%d rows, want 12", n)
			}
		})
	}
}

// TestOpenRowsAreClosed forgets to close rows; the transaction must not hang.
func TestOpenRowsAreClosed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		table(t, db)
		write(t, db, "INSERT INTO thing (id, n) VALUES ('a', 1), ('b', 2)")
		leak := func(tx *store.Tx) error {
			rows, err := tx.Query(t.Context(), "SELECT id FROM thing")
			if err != nil {
				return err
			}
			rows.Next()
			return nil
		}
		for range 3 {
			if err := errors.Join(db.Write(t.Context(), leak), db.Read(t.Context(), leak)); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestRetryGivesUp(t *testing.T) {
	db := storetest.Postgres(t)
	runs := 0
	err := db.Write(t.Context(), func(*store.Tx) error { runs++; return store.ErrRetry })
	if !errors.Is(err, store.ErrRetry) || runs < 2 || runs > 50 {
		t.Fatalf("%d runs, %v", runs, err)
	}
}

// TestStatementCache changes a table under statements that are kept prepared,
// runs the same statement inside itself, and more statements than are kept.
func TestStatementCache(t *testing.T) {
	db := storetest.SQLite(t)
	table(t, db)
	write(t, db, "INSERT INTO thing (id, n) VALUES ('a', 1), ('b', 2)")
	ctx := t.Context()
	columns := func() (n int) {
		err := db.Read(ctx, func(tx *store.Tx) error {
			outer, err := tx.Query(ctx, "SELECT * FROM thing")
			if err != nil {
				return err
			}
			for outer.Next() {
				inner, err := tx.Query(ctx, "SELECT * FROM thing")
				if err != nil {
					return err
				}
				rows := 0
				for inner.Next() {
					rows++
				}
				names, err := outer.Columns()
				if err != nil || rows != 2 || inner.Err() != nil {
					return fmt.Errorf("%d rows inside: %w", rows, errors.Join(err, inner.Err()))
				}
				n = len(names)
			}
			return outer.Err()
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for want := 2; want < 5; want++ {
		if n := columns(); n != want {
			t.Fatalf("%d columns, want %d", n, want)
		}
		write(t, db, fmt.Sprintf("ALTER TABLE thing ADD COLUMN c%d BIGINT", want))
	}
	for i := range 1000 {
		write(t, db, fmt.Sprintf("UPDATE thing SET n = %d WHERE id = 'a'", i))
	}
	write(t, db, "DROP TABLE thing")
	err := db.Read(ctx, func(tx *store.Tx) error {
		_, err := tx.Query(ctx, "SELECT * FROM thing")
		return err
	})
	if err == nil {
		t.Fatal("a prepared statement found a table that is gone")
	}
}
