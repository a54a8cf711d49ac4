package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"heartline/internal/platform/store"
	"heartline/internal/platform/store/storetest"

	_ "modernc.org/sqlite"
)

// writers is how many callers write at the same time in the group benchmarks.
const writers = 64

// booking is a write of four statements: look, take, note, count.
func booking(ctx context.Context, tx *store.Tx, n int64) error {
	var free int64
	if err := tx.QueryRow(ctx, "SELECT n FROM thing WHERE id = $1", "free").Scan(&free); err != nil {
		return err
	}
	_, err1 := tx.Exec(ctx, "INSERT INTO thing (id, n) VALUES ($1, $2)", fmt.Sprint("taken", n), n)
	_, err2 := tx.Exec(ctx, "INSERT INTO thing (id, n) VALUES ($1, $2)", fmt.Sprint("note", n), n)
	_, err3 := tx.Exec(ctx, "UPDATE thing SET n = n + 1 WHERE id = $1", "free")
	return errors.Join(err1, err2, err3)
}

func benchmarkBooking(b *testing.B, db *store.DB, callers int) {
	table(b, db)
	write(b, db, "INSERT INTO thing (id, n) VALUES ('free', 0)")
	b.ResetTimer()
	var n atomic.Int64
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for i := n.Add(1); i <= int64(b.N); i = n.Add(1) {
				if err := db.Write(context.Background(), func(tx *store.Tx) error {
					return booking(context.Background(), tx, i)
				}); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "writes/s")
}

func BenchmarkSQLiteOneByOne(b *testing.B) { benchmarkBooking(b, storetest.SQLite(b), 1) }
func BenchmarkSQLiteGrouped(b *testing.B)  { benchmarkBooking(b, storetest.SQLite(b), writers) }

// The PostgreSQL of the tests does not wait for the disk, so its figures show
// the cost of statements and retries only.
func BenchmarkPostgresOneByOne(b *testing.B) { benchmarkBooking(b, storetest.Postgres(b), 1) }

// BenchmarkSQLiteRaw is a single autocommit statement on a plain connection
// with the same durability: what one fsync per write allows.
func BenchmarkSQLiteRaw(b *testing.B) {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(b.TempDir(), "raw.db")+
		"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("CREATE TABLE thing (id TEXT PRIMARY KEY, n BIGINT NOT NULL)"); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	for i := range b.N {
		if _, err := db.Exec("INSERT INTO thing (id, n) VALUES ($1, $2)", fmt.Sprint(i), i); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "writes/s")
}

// BenchmarkRead is one point query in a read transaction.
func BenchmarkRead(b *testing.B) {
	for name, db := range map[string]*store.DB{"sqlite": storetest.SQLite(b), "postgres": storetest.Postgres(b)} {
		b.Run(name, func(b *testing.B) {
			write(b, db, "CREATE TABLE IF NOT EXISTS thing (id TEXT PRIMARY KEY, n BIGINT NOT NULL)")
			write(b, db, "INSERT INTO thing (id, n) VALUES ('free', 0) ON CONFLICT (id) DO NOTHING")
			ctx := context.Background()
			for b.Loop() {
				var n int
				if err := db.Read(ctx, func(tx *store.Tx) error {
					return tx.QueryRow(ctx, "SELECT n FROM thing WHERE id = $1", "free").Scan(&n)
				}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkSearch asks 100,000 names for a common surname with a given name, a
// surname alone and a pinyin prefix.
func BenchmarkSearch(b *testing.B) {
	const names = 100_000
	surnames := []rune("王李张刘陈杨赵黄周吴徐孙马朱胡郭何高林郑")
	given := []rune("伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰")
	ix := store.NewSearchIndex("bench")
	for name, db := range map[string]*store.DB{"sqlite": storetest.SQLite(b), "postgres": storetest.Postgres(b)} {
		err := db.Write(context.Background(), func(tx *store.Tx) error {
			for i := range names {
				text := string([]rune{surnames[i%20], given[i/20%26], given[i/520%26]})
				tok := new(store.Tokens).Text(text).Word([]string{"zhangwei", "wangfang", "lina", "zhangmin"}[i%4])
				if err := ix.Put(context.Background(), tx, fmt.Sprint(i), tok); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
		for _, query := range []string{"王秀英", "王", "zhang", "zh"} {
			b.Run(name+"/"+query, func(b *testing.B) {
				for b.Loop() {
					if len(find(b, db, ix, query)) == 0 {
						b.Fatal("nothing found")
					}
				}
			})
		}
	}
}
