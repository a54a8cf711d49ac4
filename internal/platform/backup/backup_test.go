package backup_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"heartline/internal/platform/audit"
	"heartline/internal/platform/backup"
	"heartline/internal/platform/crypto"
	"heartline/internal/platform/store"
	"heartline/internal/platform/store/storetest"
)

const secret = "330102199003070011"

// house is an installation with data in it.
type house struct {
	db     *store.DB
	dir    string
	sealed string
}

// build makes one; emptyURL is where its database may be restored to.
func build(t *testing.T, postgres bool) (h house, emptyURL string) {
	t.Helper()
	h.dir = filepath.Join(t.TempDir(), "var")
	url := "sqlite:" + filepath.Join(h.dir, "heartline.db")
	if postgres {
		url, emptyURL = storetest.PostgresURL(t), storetest.PostgresURL(t)
		empty, err := store.Connect(t.Context(), emptyURL)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := empty.SQL().Exec("DROP SCHEMA public CASCADE; CREATE SCHEMA public"); err != nil {
			t.Fatal(err)
		}
		_ = empty.Close()
	}
	keys, err := crypto.Open(filepath.Join(h.dir, "keys"))
	if err != nil {
		t.Fatal(err)
	}
	if h.sealed, err = keys.Seal(secret, "t:1:c"); err != nil {
		t.Fatal(err)
	}
	if h.db, err = store.Open(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.db.Close() })
	for name, data := range map[string]string{"recordings/2026/a.rec": strings.Repeat("sound", 5000), "prompts/欢迎.wav": "RIFF",
		"recordings/empty.rec": "", ".keys-half/seal.json": "left by a crash"} {
		path := filepath.Join(h.dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(data), 0o640)); err != nil {
			t.Fatal(err)
		}
	}
	log := audit.New(time.Now)
	for range 50 {
		err := h.db.Write(t.Context(), func(tx *store.Tx) error {
			return log.Append(t.Context(), tx, audit.Entry{Actor: "u", Action: "test", Reason: h.sealed})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return h, emptyURL
}

// each runs a test on both databases.
func each(t *testing.T, fn func(t *testing.T, h house, emptyURL string)) {
	for _, name := range []string{"sqlite", "postgres"} {
		t.Run(name, func(t *testing.T) {
			h, emptyURL := build(t, name == "postgres")
			fn(t, h, emptyURL)
		})
	}
}

func TestBackupAndRestoreWhileWriting(t *testing.T) {
	each(t, func(t *testing.T, h house, emptyURL string) {
		stop := writeMeanwhile(t, h.db)
		out := filepath.Join(h.dir, "backup.tar.gz") // inside the folder it backs up
		m, err := backup.Backup(t.Context(), h.db, h.dir, out)
		if err != nil {
			t.Fatal(err)
		}
		stop()
		if info, err := os.Stat(out); err != nil || info.Mode().Perm() != 0o600 {
			t.Fatalf("%v %v", info, err)
		}
		if checked, err := backup.Check(t.Context(), out); err != nil || len(checked.Parts) != len(m.Parts) {
			t.Fatalf("check: %d parts, %v", len(checked.Parts), err)
		}
		target := filepath.Join(t.TempDir(), "deep", "var")
		if _, err := backup.Restore(t.Context(), out, target, emptyURL); err != nil {
			t.Fatal(err)
		}
		compareFiles(t, h.dir, target)
		compareContent(t, h, target, emptyURL)
		if left, _ := filepath.Glob(filepath.Join(filepath.Dir(target), ".restore-*")); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
		if left, _ := filepath.Glob(filepath.Join(h.dir, ".backup-*")); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	})
}

// writeMeanwhile adds pairs of jobs that only ever exist together.
func writeMeanwhile(t *testing.T, db *store.DB) (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	started := make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; ; i++ {
			err := db.Write(context.Background(), func(tx *store.Tx) error {
				for _, half := range []string{"a", "b"} {
					_, err := tx.Exec(context.Background(), `INSERT INTO jobs (id, kind, args, state, run_at, max_attempts, created_at)
						VALUES ($1, $2, '{}', 'waiting', 0, 1, 0)`, fmt.Sprint(i, half), half)
					if err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Error(err)
				return
			}
			if i == 0 {
				close(started)
			}
			select {
			case <-quit:
				return
			default:
			}
		}
	}()
	<-started
	return func() { close(quit); <-done }
}

func compareFiles(t *testing.T, from, to string) {
	t.Helper()
	for _, name := range []string{"recordings/2026/a.rec", "recordings/empty.rec", "prompts/欢迎.wav",
		"keys/seal.json", "keys/index.json", "keys/mac.json", "keys/recording.json"} {
		want, err1 := os.ReadFile(filepath.Join(from, name))
		got, err2 := os.ReadFile(filepath.Join(to, name))
		if err := errors.Join(err1, err2); err != nil || !bytes.Equal(want, got) {
			t.Errorf("%s differs: %v", name, err)
		}
	}
	for _, name := range []string{".keys-half", "backup.tar.gz", "heartline.db-wal"} {
		if _, err := os.Stat(filepath.Join(to, name)); err == nil {
			t.Errorf("%s came back", name)
		}
	}
}

func compareContent(t *testing.T, h house, target, url string) {
	t.Helper()
	if url == "" {
		url = "sqlite:" + filepath.Join(target, "heartline.db")
	}
	db, err := store.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if n, err := audit.Verify(t.Context(), db); err != nil || n != 50 {
		t.Fatalf("audit log: %d entries, %v", n, err)
	}
	list, err := audit.List(t.Context(), db, audit.Filter{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := crypto.Open(filepath.Join(target, "keys"))
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := keys.Unseal(list[0].Reason, "t:1:c"); err != nil || plain != secret {
		t.Fatalf("%q, %v: restored keys do not open restored data", plain, err)
	}
	var a, b int
	err = db.SQL().QueryRow("SELECT COUNT(CASE WHEN kind = 'a' THEN 1 END), COUNT(CASE WHEN kind = 'b' THEN 1 END) FROM jobs").Scan(&a, &b)
	if err != nil || a != b || a == 0 {
		t.Fatalf("%d and %d halves (%v): the copy is not one moment", a, b, err)
	}
}

func TestRestoreRefuses(t *testing.T) {
	each(t, func(t *testing.T, h house, emptyURL string) {
		dir := t.TempDir()
		good := filepath.Join(dir, "good.tar.gz")
		if _, err := backup.Backup(t.Context(), h.db, h.dir, good); err != nil {
			t.Fatal(err)
		}
		if _, err := backup.Backup(t.Context(), h.db, h.dir, good); err == nil {
			t.Error("an existing archive was overwritten")
		}
		data, err := os.ReadFile(good)
		if err != nil {
			t.Fatal(err)
		}
		target := filepath.Join(dir, "var")
		for i, bad := range [][]byte{nil, data[:20], data[:len(data)/2], data[:len(data)-9], flip(data, len(data)/3), flip(data, len(data)-60)} {
			path := filepath.Join(dir, fmt.Sprint("bad", i))
			if err := os.WriteFile(path, bad, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := backup.Restore(t.Context(), path, target, emptyURL); !errors.Is(err, backup.ErrDamaged) {
				t.Errorf("damage %d: %v", i, err)
			}
			if _, err := os.Stat(target); err == nil {
				t.Fatalf("damage %d: something was put in place", i)
			}
		}
		if _, err := backup.Restore(t.Context(), good, h.dir, emptyURL); err == nil {
			t.Error("a folder in use was overwritten")
		}
		other := "postgres://h/db"
		if emptyURL != "" {
			other = ""
			if _, err := backup.Restore(t.Context(), good, target, h.db.URL()); err == nil {
				t.Error("a database in use was overwritten")
			}
		}
		if _, err := backup.Restore(t.Context(), good, target, other); err == nil {
			t.Error("restored into the other kind of database")
		}
		if _, err := os.Stat(target); err == nil {
			t.Fatal("a refused restore left something")
		}
	})
}

func flip(data []byte, at int) []byte {
	c := bytes.Clone(data)
	c[at] ^= 0x10
	return c
}

func TestFoldersOutside(t *testing.T) {
	h, _ := build(t, false)
	outside := t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "x.rec"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "b")
	if _, err := backup.Backup(t.Context(), h.db, h.dir, out, backup.Dir{Name: "../up", Path: outside}); err == nil {
		t.Fatal("a folder may leave the data folder")
	}
	if _, err := os.Stat(out); err == nil {
		t.Fatal("a failed backup left an archive")
	}
	if _, err := backup.Backup(t.Context(), h.db, h.dir, out, backup.Dir{Name: "recordings2", Path: outside}); err != nil {
		t.Fatal(err)
	}
	target := filepath.Join(t.TempDir(), "var")
	url := "sqlite:" + filepath.Join(t.TempDir(), "elsewhere", "h.db")
	if _, err := backup.Restore(t.Context(), out, target, url); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(target, "recordings2", "x.rec")); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(strings.TrimPrefix(url, "sqlite:")); err != nil {
		t.Fatal(err)
	}
}

func TestCancelledBackupLeavesNothing(t *testing.T) {
	h, _ := build(t, false)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	out := filepath.Join(t.TempDir(), "b")
	if _, err := backup.Backup(ctx, h.db, h.dir, out); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(filepath.Dir(out)); len(left) > 0 {
		t.Fatalf("left behind: %v", left)
	}
}
