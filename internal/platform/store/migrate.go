package store

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"strings"

	"github.com/pressly/goose/v3"
)

//go:embed migrations
var embedded embed.FS

// migrationLock is the advisory lock under which nodes that start together
// migrate a shared PostgreSQL one after another.
const migrationLock = 0x6865617274 // "heart"

// migrate brings the schema up to the newest embedded migration.
func (db *DB) migrate(ctx context.Context) error {
	dir, err := fs.Sub(embedded, "migrations")
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	dialect, conn := goose.DialectPostgres, db.pool
	if db.dialect == SQLite {
		dialect, conn = goose.DialectSQLite3, db.writer.conn
	} else {
		unlock, err := db.lockMigrations(ctx)
		if err != nil {
			return fmt.Errorf("migrate: %w", err)
		}
		defer unlock()
	}
	p, err := goose.NewProvider(dialect, conn, dialectFS{dir, db.dialect}, goose.WithAllowOutofOrder(true))
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	if db.flusher == nil {
		_, err = p.Up(ctx)
	} else {
		err = db.flusher.durably(ctx, func() error { _, err := p.Up(ctx); return err })
	}
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

func (db *DB) lockMigrations(ctx context.Context) (unlock func(), err error) {
	conn, err := db.pool.Conn(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock($1)", migrationLock); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return func() {
		_, _ = conn.ExecContext(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", migrationLock)
		_ = conn.Close()
	}, nil
}

// dialectFS shows the migrations of one dialect: NNNN_name.sql, or
// NNNN_name.<dialect>.sql in its place where that exists.
type dialectFS struct {
	fs.FS
	dialect Dialect
}

// ReadDir implements fs.ReadDirFS, which goose's glob uses.
func (d dialectFS) ReadDir(name string) ([]fs.DirEntry, error) {
	all, err := fs.ReadDir(d.FS, name)
	if err != nil {
		return nil, err
	}
	names := make(map[string]bool, len(all))
	for _, e := range all {
		names[e.Name()] = true
	}
	var mine []fs.DirEntry
	for _, e := range all {
		if d.applies(e.Name(), names) {
			mine = append(mine, e)
		}
	}
	return mine, nil
}

func (d dialectFS) applies(file string, all map[string]bool) bool {
	base, ok := strings.CutSuffix(file, ".sql")
	if !ok {
		return false
	}
	if i := strings.LastIndexByte(base, '.'); i >= 0 {
		return base[i+1:] == string(d.dialect)
	}
	return !all[base+"."+string(d.dialect)+".sql"]
}
