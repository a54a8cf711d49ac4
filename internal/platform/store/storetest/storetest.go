// Package storetest gives tests a fresh, migrated database: SQLite in the test's
// temporary folder, and PostgreSQL from HEARTLINE_TEST_POSTGRES or from a private
// cluster that lives as long as the test process. It is imported by tests only.
package storetest

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"heartline/internal/platform/id"
	"heartline/internal/platform/store"
	"heartline/internal/platform/store/pgcluster"
)

// Each runs fn as a subtest on an empty database of every kind. PostgreSQL that
// cannot be had fails the test unless HEARTLINE_SKIP_POSTGRES=1.
func Each(t *testing.T, fn func(t *testing.T, db *store.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { fn(t, SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { fn(t, Postgres(t)) })
}

// SQLite opens an empty SQLite database in t's temporary folder.
func SQLite(t testing.TB) *store.DB {
	t.Helper()
	data, err := template()
	if err != nil {
		t.Fatalf("make test database: %v", err)
	}
	path := filepath.Join(t.TempDir(), "heartline.db")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatalf("make test database: %v", err)
	}
	return connect(t, "sqlite:"+path)
}

// template is a migrated, empty SQLite file, made once per process.
var template = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "heartline-template")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "template.db")
	db, err := store.Open(context.Background(), "sqlite:"+path)
	if err != nil {
		return nil, err
	}
	if err := db.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// Postgres opens an empty PostgreSQL database of its own.
func Postgres(t testing.TB) *store.DB {
	t.Helper()
	return connect(t, PostgresURL(t))
}

func connect(t testing.TB, url string) *store.DB {
	t.Helper()
	db, err := store.Connect(t.Context(), url)
	if err != nil {
		t.Fatalf("open test database: %v", err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close test database: %v", err)
		}
	})
	return db
}

// PostgresURL creates an empty, migrated database and returns its address; the
// database is dropped when the test ends.
func PostgresURL(t testing.TB) string {
	t.Helper()
	if os.Getenv("HEARTLINE_SKIP_POSTGRES") == "1" {
		t.Skip("HEARTLINE_SKIP_POSTGRES=1")
	}
	srv, err := server()
	if err != nil {
		t.Fatalf("PostgreSQL for tests (set HEARTLINE_TEST_POSTGRES to a server, or HEARTLINE_SKIP_POSTGRES=1): %v", err)
	}
	name := "t_" + strings.ReplaceAll(id.New(), "-", "")
	ctx := context.WithoutCancel(t.Context())
	if err := srv.exec(ctx, fmt.Sprintf("CREATE DATABASE %s TEMPLATE %s", name, srv.template)); err != nil {
		t.Fatalf("create test database: %v", err)
	}
	t.Cleanup(func() {
		if err := srv.exec(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"); err != nil {
			t.Errorf("drop test database: %v", err)
		}
	})
	return srv.url(name)
}

// instance is the PostgreSQL server that all tests of this process share.
type instance struct {
	base     url.URL
	admin    *sql.DB
	template string
	leash    io.Closer  // of the private cluster
	mu       sync.Mutex // a template can be copied by one session at a time
}

// server starts or finds the server once per process.
var server = sync.OnceValues(func() (*instance, error) {
	if dsn := os.Getenv("HEARTLINE_TEST_POSTGRES"); dsn != "" {
		return newInstance(dsn, nil)
	}
	dsn, leash, err := pgcluster.Start(pgcluster.Quick)
	if err != nil {
		return nil, err
	}
	return newInstance(dsn, leash)
})

func newInstance(dsn string, leash io.Closer) (*instance, error) {
	base, err := url.Parse(dsn)
	if err != nil {
		return nil, fmt.Errorf("parse HEARTLINE_TEST_POSTGRES: %w", err)
	}
	s := &instance{base: *base, leash: leash, template: "tpl_" + strings.ReplaceAll(id.New(), "-", "")}
	if s.admin, err = sql.Open("pgx", dsn); err != nil {
		return nil, err
	}
	s.admin.SetMaxOpenConns(2)
	ctx := context.Background()
	if err := s.exec(ctx, "CREATE DATABASE "+s.template); err != nil {
		return nil, err
	}
	db, err := store.Open(ctx, s.url(s.template)) // migrate once, copy for each test
	if err != nil {
		return nil, err
	}
	return s, db.Close()
}

func (s *instance) exec(ctx context.Context, stmt string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.admin.ExecContext(ctx, stmt)
	return err
}

func (s *instance) url(name string) string {
	u := s.base
	u.Path = "/" + name
	return u.String()
}
