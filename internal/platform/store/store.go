// Package store opens Heartline's database and runs transactions on it: SQLite
// embedded by default, PostgreSQL for larger sites, with one SQL text for both
// ($n parameters, times as UTC milliseconds, ids as text). It owns connections,
// transactions, group commit, retries, schema migrations and the search index
// helper. It does not own any table's meaning: SQL lives in store.go of the
// package whose data it is.
package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Dialect names the database behind a DB.
type Dialect string

// The dialects.
const (
	SQLite   Dialect = "sqlite"
	Postgres Dialect = "postgres"
)

// ErrClosed is returned by Read and Write after Close.
var ErrClosed = errors.New("store: closed")

// DB is an open, migrated database. It is safe for concurrent use.
type DB struct {
	dialect Dialect
	url     string
	pool    *sql.DB // readers on SQLite, everything on PostgreSQL
	writer  *writer // SQLite only

	// PostgreSQL only.
	lane    *lane
	flusher *flusher
}

// Open connects to "sqlite:/path/heartline.db" or "postgres://…" and brings the
// schema up to date before it returns.
func Open(ctx context.Context, url string) (*DB, error) {
	db, err := Connect(ctx, url)
	if err != nil {
		return nil, err
	}
	if err := db.migrate(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// Connect is Open without the migrations, for tools that look at a database
// as it is.
func Connect(ctx context.Context, url string) (*DB, error) {
	path, isFile := strings.CutPrefix(url, "sqlite:")
	switch {
	case isFile:
		return openSQLite(ctx, url, path)
	case strings.HasPrefix(url, "postgres://"), strings.HasPrefix(url, "postgresql://"):
		return openPostgres(ctx, url)
	}
	return nil, fmt.Errorf("open database: unknown scheme in database URL, want sqlite:/path or postgres://")
}

// Dialect says which database is behind db.
func (db *DB) Dialect() Dialect { return db.dialect }

// SQL is the pool below db. On SQLite it is read-only: writes go through Write.
func (db *DB) SQL() *sql.DB { return db.pool }

// URL is what the database was opened with. It may hold a password: never log it.
func (db *DB) URL() string { return db.url }

// Close waits for the running group of writes and closes all connections.
func (db *DB) Close() error {
	var err error
	if db.writer != nil {
		err = db.writer.close()
	}
	if db.flusher != nil {
		err = errors.Join(err, db.flusher.close())
	}
	return errors.Join(err, db.pool.Close())
}

// Read runs fn in a read-only transaction that sees one snapshot.
func (db *DB) Read(ctx context.Context, fn func(tx *Tx) error) error {
	opts := &sql.TxOptions{ReadOnly: true}
	if db.dialect == Postgres {
		opts.Isolation = sql.LevelRepeatableRead
	}
	sqlTx, err := db.pool.BeginTx(ctx, opts)
	if err != nil {
		return fmt.Errorf("begin read: %w", closedError(err))
	}
	tx := &Tx{dialect: db.dialect, tx: sqlTx}
	defer func() {
		tx.closeRows()
		_ = sqlTx.Rollback() // nothing to keep
	}()
	return fn(tx)
}

// Write runs fn in a transaction and returns once its effects are on disk.
// An error or panic of fn undoes everything fn did and nothing else.
//
// fn may run more than once (serialization retry on PostgreSQL, a group that
// failed on SQLite), so it must only change the database through tx and assign,
// not accumulate, captured variables. It must neither call Write (that would
// wait for itself) nor wait for the network or another goroutine's Write: on
// SQLite all writers share one transaction.
func (db *DB) Write(ctx context.Context, fn func(tx *Tx) error) error {
	if db.dialect == SQLite {
		return db.writer.write(ctx, fn)
	}
	return db.writePostgres(ctx, sql.LevelSerializable, fn)
}

// WriteLocking is Write for closures that lock every row they decide on, or
// rest on unique indexes: PostgreSQL runs them at READ COMMITTED, where many
// may work on neighbouring rows without losing to each other. What such a
// closure reads without a lock may be changed by others before it commits.
func (db *DB) WriteLocking(ctx context.Context, fn func(tx *Tx) error) error {
	if db.dialect == SQLite {
		return db.writer.write(ctx, fn)
	}
	return db.writePostgres(ctx, sql.LevelReadCommitted, fn)
}

const (
	// maxArgs is the number of parameters of one statement: modernc's binding
	// takes quadratic time, and a few hundred are as fast as it gets.
	maxArgs  = 400
	copyFrom = 500 // rows; fewer are as quick by INSERT, and wait for nobody
)

// Tx is a running transaction, valid until the closure it was given to returns.
type Tx struct {
	dialect      Dialect
	tx           *sql.Tx
	uncancelled  bool // statements must not carry a cancellable context
	rows         []*sql.Rows
	beforeCommit []func(ctx context.Context) error
	afterCommit  []func()
	onEnd        []func(committed bool)
	savepoints   int
	together     []joined
}

// Exec runs one statement and returns the number of rows it changed.
func (tx *Tx) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	res, err := tx.tx.ExecContext(tx.context(ctx), query, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// Later runs one statement whose outcome nobody waits for: PostgreSQL is sent
// it together with the next statement, or with COMMIT. Its failure may come as
// the failure of that one.
func (tx *Tx) Later(ctx context.Context, query string, args ...any) error {
	_, err := tx.Exec(context.WithValue(ctx, laterKey{}, true), query, args...)
	return err
}

// Insert inserts many rows, each of as many strings and integers as there are
// columns. On PostgreSQL it is sent like Later, or by COPY when they are very
// many; on SQLite in as few statements as are quick.
func (tx *Tx) Insert(ctx context.Context, table string, columns []string, rows [][]any) error {
	into := "INSERT INTO " + table + " (" + strings.Join(columns, ", ") + ") "
	switch {
	case len(rows) == 0:
		return nil
	case tx.dialect == SQLite:
		return tx.insertSQLite(ctx, into, rows)
	case len(rows) >= copyFrom:
		ctx = context.WithValue(ctx, copyKey{}, copyRows{table, columns, rows})
		_, err := tx.Exec(ctx, "COPY "+table)
		return err
	}
	if len(rows) == 1 {
		marks := make([]string, len(columns))
		for i := range marks {
			marks[i] = "$" + strconv.Itoa(i+1)
		}
		return tx.Later(ctx, into+"VALUES ("+strings.Join(marks, ", ")+")", rows[0]...)
	}
	lists, args := turned(rows)
	return tx.Later(ctx, into+"SELECT * FROM unnest("+strings.Join(lists, ", ")+")", args...)
}

// insertSQLite inserts as many rows at once as is quick, and then half as many,
// and so on: a table then needs few different statements, which stay prepared.
// Parameters have no names, which would have to be looked up for each.
func (tx *Tx) insertSQLite(ctx context.Context, into string, rows [][]any) error {
	width := len(rows[0])
	for n := max(1, maxArgs/width); len(rows) > 0; n = max(1, n/2) {
		for len(rows) >= n {
			args := slices.Concat(rows[:n]...)
			row := "(" + strings.TrimSuffix(strings.Repeat("?, ", width), ", ") + ")"
			if _, err := tx.Exec(ctx, into+"VALUES "+strings.TrimSuffix(strings.Repeat(row+", ", n), ", "), args...); err != nil {
				return err
			}
			rows = rows[n:]
		}
	}
	return nil
}

// turned makes columns of rows: lists that the statement names with their
// types, and their values.
func turned(rows [][]any) (lists []string, args []any) {
	for i, sample := range rows[0] {
		place := "CAST($" + strconv.Itoa(i+1)
		if _, text := sample.(string); text {
			column := make([]string, len(rows))
			for j, row := range rows {
				column[j] = row[i].(string)
			}
			lists, args = append(lists, place+" AS TEXT[])"), append(args, column)
			continue
		}
		column := make([]int64, len(rows))
		for j, row := range rows {
			column[j] = whole(row[i])
		}
		lists, args = append(lists, place+" AS BIGINT[])"), append(args, column)
	}
	return lists, args
}

func whole(v any) int64 {
	if n, ok := v.(int); ok {
		return int64(n)
	}
	return v.(int64)
}

// OneOf is the condition that a text is one of a list, which is given as one
// parameter, so that the statement reads the same however long the list is.
func (tx *Tx) OneOf(text string, parameter int, list []string) (condition string, arg any) {
	if tx.dialect == Postgres {
		return text + " = ANY($" + strconv.Itoa(parameter) + ")", list
	}
	b, err := json.Marshal(list)
	if err != nil { // never: they are strings
		panic(err)
	}
	return text + " IN (SELECT value FROM json_each($" + strconv.Itoa(parameter) + "))", string(b)
}

// Table is a common table expression of rows of texts, which are given as
// parameters from the first on, so that the statement reads the same however
// many rows there are. After columns it has the row's place, from 1, in ord.
func (tx *Tx) Table(name string, first int, columns []string, rows [][]string) (expression string, args []any) {
	head := name + " (" + strings.Join(columns, ", ") + ", ord) AS "
	picks := make([]string, len(columns))
	if tx.dialect == SQLite {
		for i := range columns {
			picks[i] = "json_extract(value, '$[" + strconv.Itoa(i) + "]')"
		}
		b, err := json.Marshal(rows)
		if err != nil { // never: they are strings
			panic(err)
		}
		return head + "MATERIALIZED (SELECT " + strings.Join(picks, ", ") + ", key + 1 FROM json_each($" + strconv.Itoa(first) + "))", []any{string(b)}
	}
	for i := range columns {
		picks[i] = "CAST($" + strconv.Itoa(first+i) + " AS TEXT[])"
		list := make([]string, len(rows))
		for j, row := range rows {
			list[j] = row[i]
		}
		args = append(args, list)
	}
	return head + "(SELECT * FROM unnest(" + strings.Join(picks, ", ") + ") WITH ORDINALITY)", args
}

// Query runs one query; rows left open are closed when the transaction ends.
func (tx *Tx) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	rows, err := tx.tx.QueryContext(tx.context(ctx), query, args...)
	if err == nil {
		tx.rows = append(tx.rows, rows)
	}
	return rows, err
}

// QueryRow runs a query for at most one row; Scan answers IsNoRows when none.
func (tx *Tx) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	return tx.tx.QueryRowContext(tx.context(ctx), query, args...)
}

// BeforeCommit runs fn as the last step of the transaction, after the closure
// returned nil; an error of fn fails the transaction.
func (tx *Tx) BeforeCommit(fn func(ctx context.Context) error) {
	tx.beforeCommit = append(tx.beforeCommit, fn)
}

// AfterCommit runs fn once the transaction is on disk, before Write returns, in
// the goroutine that called Write.
func (tx *Tx) AfterCommit(fn func()) { tx.afterCommit = append(tx.afterCommit, fn) }

// OnEnd runs fn as soon as this run of the transaction is on disk or undone,
// before any function given to AfterCommit. It is for releasing what the
// transaction held; it must not touch the database.
func (tx *Tx) OnEnd(fn func(committed bool)) { tx.onEnd = append(tx.onEnd, fn) }

// Dialect says which database the transaction runs on.
func (tx *Tx) Dialect() Dialect { return tx.dialect }

// Together runs fn once for all Writes that become durable together and gave
// the same key, with the items of them all: on SQLite as the last step of the
// transaction that they share; on PostgreSQL in a transaction after theirs,
// where Write returns also when it failed: what fn did not do there it must
// find out and make up for.
func (tx *Tx) Together(key any, fn Shared, item any) {
	tx.together = append(tx.together, joined{key, fn, item})
}

// Shared is what Writes want to be done together.
type Shared func(ctx context.Context, tx *Tx, items []any) error

// joined is what one Write wants to be done together with others.
type joined struct {
	key  any
	fn   Shared
	item any
}

// share runs what Writes wanted to be done together, key by key.
func (tx *Tx) share(ctx context.Context, list []joined) error {
	for len(list) > 0 {
		key, fn := list[0].key, list[0].fn
		var items []any
		var others []joined
		for _, j := range list {
			if j.key == key {
				items = append(items, j.item)
			} else {
				others = append(others, j)
			}
		}
		if err := fn(ctx, tx, items); err != nil {
			return err
		}
		list = others
	}
	return nil
}

// SQLTx is the transaction below, for libraries that insist on one. On SQLite
// it is shared with other writers: never commit it, roll it back, or give its
// statements a context that can be cancelled.
func (tx *Tx) SQLTx() *sql.Tx { return tx.tx }

// Try runs fn and, if it fails, undoes only what fn did and what it asked to be
// done later, so that the transaction stays usable on both databases
// (PostgreSQL otherwise refuses every statement after a failed one).
func (tx *Tx) Try(ctx context.Context, fn func() error) error {
	tx.savepoints++
	name := fmt.Sprintf("try_%d", tx.savepoints)
	if _, err := tx.Exec(ctx, "SAVEPOINT "+name); err != nil {
		return fmt.Errorf("savepoint: %w", err)
	}
	before, after, shared := len(tx.beforeCommit), len(tx.afterCommit), len(tx.together)
	err := fn()
	if err == nil {
		_, err = tx.Exec(ctx, "RELEASE SAVEPOINT "+name) // also says how the statements went that were to come later
	}
	if err != nil {
		tx.beforeCommit, tx.afterCommit, tx.together = tx.beforeCommit[:before], tx.afterCommit[:after], tx.together[:shared]
		if _, undo := tx.Exec(ctx, "ROLLBACK TO SAVEPOINT "+name); undo != nil {
			return errors.Join(err, fmt.Errorf("undo savepoint: %w", undo))
		}
		_, release := tx.Exec(ctx, "RELEASE SAVEPOINT "+name)
		return errors.Join(err, release)
	}
	return nil
}

// context removes cancellation where it would destroy other writers' work:
// SQLite rolls the whole transaction back when a writing statement is
// interrupted.
func (tx *Tx) context(ctx context.Context) context.Context {
	if tx.uncancelled {
		return context.WithoutCancel(ctx)
	}
	return ctx
}

// run calls fn and the BeforeCommit hooks.
func (tx *Tx) run(ctx context.Context, fn func(*Tx) error) error {
	if err := fn(tx); err != nil {
		return err
	}
	for i := 0; i < len(tx.beforeCommit); i++ {
		if err := tx.beforeCommit[i](tx.context(ctx)); err != nil {
			return err
		}
	}
	return nil
}

func (tx *Tx) closeRows() {
	for _, r := range tx.rows {
		_ = r.Close()
	}
	tx.rows = nil
}

// end runs the OnEnd functions.
func (tx *Tx) end(committed bool) {
	for _, fn := range tx.onEnd {
		fn(committed)
	}
	tx.onEnd = nil
}

func (tx *Tx) committed() {
	for _, fn := range tx.afterCommit {
		fn()
	}
}

// Millis is the stored form of a time: UTC milliseconds since 1970.
func Millis(t time.Time) int64 { return t.UnixMilli() }

// Time is the inverse of Millis, in UTC.
func Time(ms int64) time.Time { return time.UnixMilli(ms).UTC() }
