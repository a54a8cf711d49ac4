package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"heartline/internal/platform/id"
	"heartline/internal/platform/store"
	"heartline/internal/platform/store/storetest"

	"github.com/google/go-cmp/cmp"
)

// TestInsertMany inserts few and very many rows, and none when one of them is
// there already.
func TestInsertMany(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		table(t, db)
		ctx, want := t.Context(), 0
		put := func(n int, last string) error {
			rows := make([][]any, n)
			for i := range rows {
				rows[i] = []any{fmt.Sprint(n, "-", i, " 王'\"\\{}"), i}
			}
			if last != "" {
				rows[n-1][0] = last
			}
			return db.Write(ctx, func(tx *store.Tx) error { return tx.Insert(ctx, "thing", []string{"id", "n"}, rows) })
		}
		for _, n := range []int{0, 1, 2, 199, 200, 201, 499, 500, 1000} {
			if err := put(n, ""); err != nil {
				t.Fatalf("%d rows: %v", n, err)
			}
			want += n
		}
		for _, n := range []int{1, 3, 450, 700} {
			if err := put(n, "2-0 王'\"\\{}"); !store.IsUnique(err) {
				t.Errorf("%d rows, the last one twice: %v", n, err)
			}
		}
		if n := count(t, db); n != want {
			t.Errorf("%d rows, want %d", n, want)
		}
	})
}

// TestTable asks with rows of texts as a table.
func TestTable(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		rows := [][]string{{"a", ""}, {"王 \"'\\", "{1,2}"}, {"", "null"}, {"a", "[0]"}}
		var got [][]string
		err := db.Read(ctx, func(tx *store.Tx) error {
			w, args := tx.Table("w", 2, []string{"x", "y"}, rows)
			found, err := tx.Query(ctx, "WITH "+w+" SELECT x, y, ord FROM w WHERE ord < $1 ORDER BY ord", append([]any{9}, args...)...)
			if err != nil {
				return err
			}
			for found.Next() {
				var x, y string
				var ord int
				if err := found.Scan(&x, &y, &ord); err != nil {
					return err
				}
				if ord != len(got)+1 {
					t.Errorf("row %d stands at %d", len(got)+1, ord)
				}
				got = append(got, []string{x, y})
			}
			return found.Err()
		})
		if d := cmp.Diff(rows, got); err != nil || d != "" {
			t.Error(err, d)
		}
	})
}

// TestTogetherInOneTransaction shares what SQLite's Writes want: of those that
// succeed, in their own transaction, and alone where it fails.
func TestTogetherInOneTransaction(t *testing.T) {
	db := storetest.SQLite(t)
	table(t, db)
	ctx := context.Background()
	type key struct{}
	var runs atomic.Int32
	shared := func(ctx context.Context, tx *store.Tx, items []any) error {
		runs.Add(1)
		for _, item := range items {
			if item == 7 {
				return errors.New("not this one")
			}
			if err := insert(ctx, tx, fmt.Sprint("shared-", item), 1); err != nil {
				return err
			}
		}
		return nil
	}
	fns := make([]func(*store.Tx) error, 40)
	for i := range fns {
		fns[i] = func(tx *store.Tx) error {
			item := i
			if i >= 20 { // a second group has no trouble
				item += 100
			}
			tx.Together(key{}, shared, item)
			if i == 3 {
				return errors.New("refused")
			}
			return insert(ctx, tx, fmt.Sprint("own-", item), 1)
		}
	}
	for i, err := range together(t, db, fns[:20]) {
		if (err != nil) != (i == 3 || i == 7) {
			t.Errorf("write %d: %v", i, err)
		}
	}
	before := runs.Load()
	for i, err := range together(t, db, fns[20:]) {
		if err != nil {
			t.Errorf("write %d: %v", i, err)
		}
	}
	if n := runs.Load() - before; n >= 20 {
		t.Errorf("20 Writes were shared in %d runs", n)
	}
	all := ids(t, db)
	if len(all) != 2*(18+20) || all["own-7"] || all["shared-3"] || all["shared-7"] || !all["shared-8"] {
		t.Errorf("%d rows: %v", len(all), all)
	}
}

// TestTryForgets leaves nothing of what a failed try wanted for later.
func TestTryForgets(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		table(t, db)
		ctx := t.Context()
		type key struct{}
		var done []string
		later := func(tx *store.Tx, name string) {
			tx.Together(key{}, func(ctx context.Context, tx *store.Tx, items []any) error {
				for _, item := range items {
					done = append(done, "together "+item.(string))
				}
				return nil
			}, name)
			tx.BeforeCommit(func(context.Context) error { done = append(done, "before "+name); return nil })
			tx.AfterCommit(func() { done = append(done, "after "+name) })
		}
		boom := errors.New("boom")
		err := db.Write(ctx, func(tx *store.Tx) error {
			done = nil
			later(tx, "kept")
			if err := tx.Try(ctx, func() error { later(tx, "undone"); return boom }); !errors.Is(err, boom) {
				t.Errorf("tried: %v", err)
			}
			return tx.Try(ctx, func() error { later(tx, "tried"); return nil })
		})
		want := []string{"before kept", "before tried", "together kept", "together tried", "after kept", "after tried"}
		if d := cmp.Diff(want, done); err != nil || d != "" {
			t.Error(err, d)
		}
	})
}

// TestJournalStaysShort writes more than twice what the journal may hold.
func TestJournalStaysShort(t *testing.T) {
	path := filepath.Join(t.TempDir(), "long.db")
	db, err := store.Open(t.Context(), "sqlite:"+path)
	if err != nil {
		t.Fatal(err)
	}
	write(t, db, "CREATE TABLE bulk (id TEXT PRIMARY KEY, page TEXT NOT NULL)")
	const page, pages, limit = 4096, 40_000, 16_000
	text := strings.Repeat("x", page)
	for range pages / 100 {
		err := db.Write(t.Context(), func(tx *store.Tx) error {
			rows := make([][]any, 100)
			for i := range rows {
				rows[i] = []any{id.New(), text}
			}
			return tx.Insert(t.Context(), "bulk", []string{"id", "page"}, rows)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	wal, err := os.Stat(path + "-wal")
	if err != nil || wal.Size() > 2*limit*page {
		t.Errorf("journal of %d MB, %v", wal.Size()>>20, err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + "-wal"); err == nil {
		t.Error("the journal was left behind")
	}
}
