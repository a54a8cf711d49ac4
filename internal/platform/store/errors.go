package store

import (
	"database/sql"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// IsNoRows reports whether err says that a query found nothing.
func IsNoRows(err error) bool { return errors.Is(err, sql.ErrNoRows) }

// IsUnique reports whether err is a violated unique or primary key.
func IsUnique(err error) bool {
	switch sqliteCode(err) {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_ROWID:
		return true
	}
	return pgCode(err) == "23505"
}

// IsForeignKey reports whether err is a reference to a row that does not
// exist, or the removal of one that is still referred to.
func IsForeignKey(err error) bool {
	return sqliteCode(err) == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY || pgCode(err) == "23503"
}

// IsFull reports whether err says that the disk has no room left.
func IsFull(err error) bool {
	return sqliteCode(err)&0xff == sqlite3.SQLITE_FULL || pgCode(err) == "53100"
}

// ErrRetry may be wrapped by an error of a Write closure or a BeforeCommit hook
// to run the whole transaction again on PostgreSQL, as after a serialization
// failure.
var ErrRetry = errors.New("store: run the transaction again")

func isRetryable(err error) bool {
	if errors.Is(err, ErrRetry) || errors.Is(err, errGone) {
		return true
	}
	switch pgCode(err) {
	case "40001", "40P01", "55P03": // serialization failure, deadlock, lock not available
		return true
	}
	return false
}

func sqliteCode(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return 0
}

func pgCode(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// closedError turns database/sql's unnamed "database is closed" into ErrClosed.
func closedError(err error) error {
	if err != nil && strings.Contains(err.Error(), "database is closed") {
		return ErrClosed
	}
	return err
}
