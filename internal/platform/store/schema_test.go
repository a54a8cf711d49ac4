package store_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"heartline/internal/platform/store"
	"heartline/internal/platform/store/storetest"

	"github.com/google/go-cmp/cmp"
)

// TestBothSchemasAreEqual compares tables, columns and indexes after all
// migrations. The search tables differ on purpose: each database has its own
// full-text engine.
func TestBothSchemasAreEqual(t *testing.T) {
	lite := describe(t, storetest.SQLite(t),
		`SELECT m.name, c.name, c.type, c."notnull" = 1 OR c.pk > 0, COALESCE(c.dflt_value, ''), c.pk > 0
			FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'`,
		`SELECT tbl_name, name FROM sqlite_master WHERE type = 'index' AND name NOT LIKE 'sqlite_%'`)
	pg := describe(t, storetest.Postgres(t),
		`SELECT c.table_name, c.column_name, c.data_type, c.is_nullable = 'NO', COALESCE(c.column_default, ''),
			EXISTS (SELECT 1 FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
				WHERE i.indisprimary AND i.indrelid = CAST(c.table_name AS regclass) AND a.attname = c.column_name)
			FROM information_schema.columns c WHERE c.table_schema = 'public'`,
		`SELECT tablename, indexname FROM pg_indexes x WHERE schemaname = 'public'
			AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conname = x.indexname)`)
	if len(lite) < 20 {
		t.Fatalf("only %d columns and indexes seen: the comparison is blind", len(lite))
	}
	if d := cmp.Diff(lite, pg); d != "" {
		t.Fatalf("SQLite (-) and PostgreSQL (+) differ:\n%s", d)
	}
}

func describe(t *testing.T, db *store.DB, columns, indexes string) (lines []string) {
	t.Helper()
	err := db.Read(t.Context(), func(tx *store.Tx) error {
		rows, err := tx.Query(t.Context(), columns)
		if err != nil {
			return err
		}
		for rows.Next() {
			var table, column, typ, def string
			var notNull, key bool
			if err := rows.Scan(&table, &column, &typ, &notNull, &def, &key); err != nil {
				return err
			}
			def, _, _ = strings.Cut(def, "::")
			if own(table) {
				lines = append(lines, fmt.Sprintf("%s.%s %s notnull=%t default=%s key=%t", table, column, plainType(typ), notNull, def, key))
			}
		}
		if err := rows.Err(); err != nil {
			return err
		}
		if rows, err = tx.Query(t.Context(), indexes); err != nil {
			return err
		}
		for rows.Next() {
			var table, index string
			if err := rows.Scan(&table, &index); err != nil {
				return err
			}
			if own(table) {
				lines = append(lines, "index "+index+" on "+table)
			}
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(lines)
	return lines
}

func own(table string) bool {
	return !strings.HasPrefix(table, "search_") && table != "goose_db_version"
}

// plainType names what a type can hold, not how a dialect spells it.
func plainType(typ string) string {
	switch strings.ToLower(typ) {
	case "integer", "bigint", "int", "smallint":
		return "integer"
	case "real", "double precision", "double", "numeric":
		return "number"
	case "blob", "bytea":
		return "bytes"
	}
	return strings.ToLower(typ)
}

// TestOpenAgainKeepsData opens a migrated database a second time.
func TestOpenAgainKeepsData(t *testing.T) {
	for _, url := range []string{"sqlite:" + t.TempDir() + "/h.db", storetest.PostgresURL(t)} {
		for range 2 {
			db, err := store.Open(context.Background(), url)
			if err != nil {
				t.Fatal(err)
			}
			write(t, db, "CREATE TABLE IF NOT EXISTS thing (id TEXT PRIMARY KEY, n BIGINT NOT NULL)")
			write(t, db, "INSERT INTO thing (id, n) VALUES ('a', 1) ON CONFLICT (id) DO UPDATE SET n = thing.n + 1")
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
		}
		db, err := store.Connect(context.Background(), url)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		var n int
		if err := db.SQL().QueryRow("SELECT n FROM thing").Scan(&n); err != nil || n != 2 {
			t.Fatalf("n = %d (%v), want 2", n, err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, url := range []string{"", "sqlite:", "mysql://h/db", "heartline.db", "sqlite:/proc/none/x.db",
		"postgres:///db?host=/nonexistent&user=x"} {
		if db, err := store.Open(t.Context(), url); err == nil {
			_ = db.Close()
			t.Errorf("%q was opened", url)
		}
	}
}
