package store

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
)

// openSQLite opens one writing connection, owned by the group-commit writer,
// and a pool of reading ones.
func openSQLite(ctx context.Context, dbURL, path string) (*DB, error) {
	if path == "" {
		return nil, fmt.Errorf("open database: sqlite: needs a path")
	}
	if err := prepareFile(path); err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	w, err := openCaching(sqliteDSN(path, "immediate", false))
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	w.SetMaxOpenConns(1)
	if err := w.PingContext(ctx); err != nil { // also switches the file to WAL
		_ = w.Close()
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	r, err := openCaching(sqliteDSN(path, "deferred", true))
	if err != nil {
		_ = w.Close()
		return nil, fmt.Errorf("open database: %w", err)
	}
	c, err := openCaching(sqliteDSN(path, "deferred", false))
	if err != nil {
		_ = w.Close()
		_ = r.Close()
		return nil, fmt.Errorf("open database: %w", err)
	}
	n := max(4, 2*runtime.GOMAXPROCS(0))
	r.SetMaxOpenConns(n)
	r.SetMaxIdleConns(n)
	return &DB{dialect: SQLite, url: dbURL, pool: r, writer: newWriter(w, newCheckpointer(c))}, nil
}

// prepareFile makes the folder and the file with modes that keep patients'
// data from other users of the machine.
func prepareFile(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// sqliteDSN sets what every connection needs. synchronous=FULL makes each
// commit wait for the disk: with NORMAL a power cut loses acknowledged writes.
// The journal is copied back late (see checkpointer): pages that change again
// and again then travel once.
func sqliteDSN(path, lock string, readOnly bool) string {
	q := url.Values{}
	q.Add("_txlock", lock)
	for _, p := range []string{"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)",
		"foreign_keys(1)", "temp_store(MEMORY)", fmt.Sprintf("wal_autocheckpoint(%d)", walPages)} {
		q.Add("_pragma", p)
	}
	if readOnly {
		q.Add("_pragma", "query_only(1)")
		q.Add("_pragma", "cache_size(-16000)") // kB, of each
	} else {
		q.Add("_pragma", "cache_size(-64000)")
	}
	u := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: q.Encode()}
	return u.String()
}
