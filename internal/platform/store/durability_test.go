package store_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"heartline/internal/platform/id"
	"heartline/internal/platform/store"
	"heartline/internal/platform/store/storetest"
)

// childURL in the environment turns this test program into the process that
// writes until it is killed.
const childURL = "HEARTLINE_TEST_WRITER"

func TestMain(m *testing.M) {
	if url := os.Getenv(childURL); url != "" {
		writeForever(url)
	}
	os.Exit(m.Run())
}

// writeForever writes pairs of rows from many goroutines and prints the id of
// each pair once Write has acknowledged it.
func writeForever(url string) {
	ctx := context.Background()
	db, err := store.Connect(ctx, url)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for {
				key := id.New()
				err := db.Write(ctx, func(tx *store.Tx) error {
					return errors.Join(insert(ctx, tx, key+"-a", 1), insert(ctx, tx, key+"-b", 2))
				})
				if err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
				mu.Lock()
				fmt.Println(key)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
}

// TestKillKeepsEveryAcknowledgedWrite kills a writing process with SIGKILL and
// looks for everything it had acknowledged.
func TestKillKeepsEveryAcknowledgedWrite(t *testing.T) {
	urls := map[string]string{"sqlite": "sqlite:" + t.TempDir() + "/k.db", "postgres": storetest.PostgresURL(t)}
	for name, url := range urls {
		t.Run(name, func(t *testing.T) {
			db, err := store.Open(t.Context(), url)
			if err != nil {
				t.Fatal(err)
			}
			table(t, db)
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			acknowledged := killedWriter(t, url, 1500)
			if db, err = store.Open(t.Context(), url); err != nil {
				t.Fatalf("open after the kill: %v", err)
			}
			defer db.Close()
			found := ids(t, db)
			for _, key := range acknowledged {
				if !found[key+"-a"] || !found[key+"-b"] {
					t.Fatalf("acknowledged write %s is lost", key)
				}
			}
			for row := range found { // nothing half
				key := strings.TrimSuffix(strings.TrimSuffix(row, "-a"), "-b")
				if !found[key+"-a"] || !found[key+"-b"] {
					t.Fatalf("write %s is torn", key)
				}
			}
			t.Logf("%d acknowledged, %d stored", len(acknowledged), len(found)/2)
		})
	}
}

// killedWriter runs the writer, kills it after n acknowledgements and returns
// all that came through.
func killedWriter(t *testing.T, url string, n int) (acknowledged []string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childURL+"="+url)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if len(lines.Text()) != 36 { // the line that the kill cut off
			break
		}
		acknowledged = append(acknowledged, lines.Text())
		if len(acknowledged) == n {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = cmd.Wait() // killed
	if len(acknowledged) < n {
		t.Fatalf("the writer ended by itself after %d writes", len(acknowledged))
	}
	return acknowledged
}

func ids(t *testing.T, db *store.DB) map[string]bool {
	t.Helper()
	found := make(map[string]bool)
	err := db.Read(t.Context(), func(tx *store.Tx) error {
		rows, err := tx.Query(t.Context(), "SELECT id FROM thing")
		if err != nil {
			return err
		}
		for rows.Next() {
			var s string
			if err := rows.Scan(&s); err != nil {
				return err
			}
			found[s] = true
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestFullDiskFailsOnlyWhatNeedsRoom limits the size of the file: writes that
// need room fail with IsFull and take none of their neighbours along.
func TestFullDiskFailsOnlyWhatNeedsRoom(t *testing.T) {
	db := storetest.SQLite(t)
	ctx := context.Background()
	table(t, db)
	write(t, db, "INSERT INTO thing (id, n) VALUES ('x', 0)")
	var pages int
	err := db.Write(ctx, func(tx *store.Tx) error {
		if err := tx.QueryRow(ctx, "PRAGMA page_count").Scan(&pages); err != nil {
			return err
		}
		return tx.QueryRow(ctx, fmt.Sprintf("PRAGMA max_page_count = %d", pages+2)).Scan(&pages)
	})
	if err != nil {
		t.Fatal(err)
	}
	big := strings.Repeat("x", 100_000)
	var wg sync.WaitGroup
	var small, full atomic.Int32
	for i := range 200 {
		wg.Go(func() {
			err := db.Write(ctx, func(tx *store.Tx) error {
				if i%10 == 0 {
					return insert(ctx, tx, fmt.Sprint(big, i), i)
				}
				_, err := tx.Exec(ctx, "UPDATE thing SET n = n + 1 WHERE id = 'x'")
				return err
			})
			switch {
			case err == nil && i%10 != 0:
				small.Add(1)
			case store.IsFull(err) && i%10 == 0:
				full.Add(1)
			default:
				t.Errorf("write %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	var n int32
	if err := db.SQL().QueryRow("SELECT n FROM thing WHERE id = 'x'").Scan(&n); err != nil {
		t.Fatal(err)
	}
	if small.Load() != 180 || full.Load() != 20 || n != 180 {
		t.Fatalf("%d small writes acknowledged, %d refused for room, counter %d; want 180, 20, 180", small.Load(), full.Load(), n)
	}
}
