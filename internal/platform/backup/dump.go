package backup

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"heartline/internal/platform/store"
)

// dumpSQLite copies the database in one read transaction; writers go on.
func dumpSQLite(ctx context.Context, db *store.DB, path string) error {
	conn, err := db.SQL().Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	// The reading connections refuse to write, even into another file.
	if _, err := conn.ExecContext(ctx, "PRAGMA query_only = 0"); err != nil {
		return err
	}
	_, err = conn.ExecContext(ctx, "VACUUM INTO $1", path)
	_, again := conn.ExecContext(context.WithoutCancel(ctx), "PRAGMA query_only = 1")
	if err := errors.Join(err, again); err != nil {
		return fmt.Errorf("copy database: %w", err)
	}
	return checkSQLite(ctx, path)
}

// checkSQLite reads the whole copy: a backup that cannot be read is none.
func checkSQLite(ctx context.Context, path string) error {
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: "mode=ro"}).String())
	if err != nil {
		return err
	}
	defer db.Close()
	var verdict string
	if err := db.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&verdict); err != nil {
		return fmt.Errorf("check database: %w", err)
	}
	if verdict != "ok" {
		return fmt.Errorf("check database: %s", verdict)
	}
	return nil
}

func dumpPostgres(ctx context.Context, db *store.DB, path string) error {
	return pgTool(ctx, db.URL(), "pg_dump", "--format=custom", "--no-owner", "--no-privileges", "--file="+path)
}

// loadPostgres fills an empty database in one transaction.
func loadPostgres(ctx context.Context, databaseURL, path string) error {
	db, err := store.Connect(ctx, databaseURL)
	if err != nil {
		return err
	}
	defer db.Close()
	var tables int
	err = db.SQL().QueryRowContext(ctx, "SELECT COUNT(*) FROM pg_tables WHERE schemaname = 'public'").Scan(&tables)
	if err != nil {
		return err
	}
	if tables > 0 {
		return fmt.Errorf("the database has %d tables already: create an empty one", tables)
	}
	return pgTool(ctx, databaseURL, "pg_restore", "--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges", path)
}

// pgTool runs one of PostgreSQL's own programs. The password goes through the
// environment, where other users cannot see it.
func pgTool(ctx context.Context, databaseURL, name string, args ...string) error {
	u, err := url.Parse(databaseURL)
	if err != nil {
		return errors.New("database URL cannot be read") // the cause would show the password
	}
	tool, err := findTool(name)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, tool)
	cmd.Env = os.Environ()
	if password, ok := u.User.Password(); ok {
		cmd.Env = append(cmd.Env, "PGPASSWORD="+password)
		u.User = url.User(u.User.Username())
	}
	cmd.Args = append([]string{tool, "--dbname=" + u.String()}, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(stderr.String()))
	}
	return nil
}

// findTool prefers the newest installed version: a dump needs a program that is
// at least as new as the server.
func findTool(name string) (string, error) {
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin/", "/usr/pgsql-*/bin/"} {
		found, _ := filepath.Glob(pattern + name)
		if len(found) > 0 {
			return found[len(found)-1], nil
		}
	}
	tool, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("%s is needed to back up and restore PostgreSQL: install PostgreSQL's client programs: %w", name, err)
	}
	return tool, nil
}
