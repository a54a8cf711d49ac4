package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// A round trip to PostgreSQL costs more than most statements. So connections
// keep BEGIN, and statements whose result nobody waits for, until the next
// statement and send them together with it. The server runs them one after
// another, each seeing what is committed by then; after one that fails it
// skips the rest, and the failure is what the next statement reports.

// openPipelining opens a pool of connections that do so.
func openPipelining(cfg pgx.ConnConfig) *sql.DB {
	return sql.OpenDB(pipelining{stdlib.GetConnector(cfg)})
}

type pipelining struct{ driver.Connector }

// Connect implements driver.Connector.
func (p pipelining) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := p.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	c, ok := conn.(*stdlib.Conn)
	if !ok {
		_ = conn.Close()
		return nil, fmt.Errorf("the PostgreSQL driver's connection %T is another than expected", conn)
	}
	return &pipeConn{Conn: c}, nil
}

// laterKey marks the context of a statement that may wait for the next one.
type laterKey struct{}

// copyKey is where the context of a COPY keeps its rows.
type copyKey struct{}

type copyRows struct {
	table   string
	columns []string
	rows    [][]any
}

type heldStatement struct {
	query string
	args  []any
}

// pipeConn is used by one goroutine at a time, as database/sql guarantees.
type pipeConn struct {
	*stdlib.Conn
	held []heldStatement
}

// BeginTx implements driver.ConnBeginTx.
func (c *pipeConn) BeginTx(_ context.Context, opts driver.TxOptions) (driver.Tx, error) {
	if c.Conn.Conn().IsClosed() {
		return nil, driver.ErrBadConn
	}
	begin := "BEGIN ISOLATION LEVEL "
	switch level := sql.IsolationLevel(opts.Isolation); level {
	case sql.LevelDefault, sql.LevelReadCommitted:
		begin += "READ COMMITTED"
	case sql.LevelRepeatableRead:
		begin += "REPEATABLE READ"
	case sql.LevelSerializable:
		begin += "SERIALIZABLE"
	default:
		return nil, fmt.Errorf("isolation %s is not used here", level)
	}
	if opts.ReadOnly {
		begin += " READ ONLY"
	}
	c.held = append(c.held[:0], heldStatement{query: begin})
	return &pipeTx{c}, nil
}

// errGone says that a connection was lost before COMMIT was sent: nothing
// happened, as when BEGIN had found it lost.
var errGone = errors.New("the connection to the database was lost")

// gone marks an error with errGone where that is the cause.
func (c *pipeConn) gone(err *error) {
	if *err != nil && c.Conn.Conn().IsClosed() {
		*err = fmt.Errorf("%w: %w", errGone, *err)
	}
}

// ExecContext implements driver.ExecerContext. The number of changed rows of a
// statement that waits is not known; it answers 0.
func (c *pipeConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (_ driver.Result, err error) {
	defer c.gone(&err)
	if in, ok := ctx.Value(copyKey{}).(copyRows); ok {
		if err := c.sendHeld(ctx); err != nil {
			return nil, err
		}
		n, err := c.Conn.Conn().CopyFrom(ctx, pgx.Identifier{in.table}, in.columns, pgx.CopyFromRows(in.rows))
		return driver.RowsAffected(n), err
	}
	if ctx.Value(laterKey{}) != nil {
		c.held = append(c.held, heldStatement{query, plain(args)})
		return driver.RowsAffected(0), nil
	}
	if len(c.held) == 0 {
		return c.Conn.ExecContext(ctx, query, args)
	}
	if len(args) == 0 && strings.Contains(query, ";") { // several statements, perhaps
		if err := c.sendHeld(ctx); err != nil {
			return nil, err
		}
		return c.Conn.ExecContext(ctx, query, args)
	}
	res, err := c.send(ctx, query, plain(args))
	if err != nil {
		return nil, err
	}
	tag, err := res.Exec()
	return driver.RowsAffected(tag.RowsAffected()), first(err, res.Close())
}

// QueryContext implements driver.QueryerContext.
func (c *pipeConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (_ driver.Rows, err error) {
	defer c.gone(&err)
	if len(c.held) == 0 {
		return c.Conn.QueryContext(ctx, query, args)
	}
	res, err := c.send(ctx, query, plain(args))
	if err != nil {
		return nil, err
	}
	rows, err := res.Query()
	if err != nil {
		return nil, first(err, res.Close())
	}
	r := &pipeRows{results: res, rows: rows, types: c.Conn.Conn().TypeMap()}
	if r.more = rows.Next(); rows.Err() != nil {
		return nil, first(rows.Err(), r.Close())
	}
	return r, nil
}

// PrepareContext implements driver.ConnPrepareContext. A prepared statement
// does not look at what is held.
func (c *pipeConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	if err := c.sendHeld(ctx); err != nil {
		return nil, err
	}
	return c.Conn.PrepareContext(ctx, query)
}

// send sends what is held and one statement more, whose result is the next.
func (c *pipeConn) send(ctx context.Context, query string, args []any) (pgx.BatchResults, error) {
	batch, n := &pgx.Batch{}, len(c.held)
	for _, h := range c.held {
		batch.Queue(h.query, h.args...)
	}
	c.held = c.held[:0]
	batch.Queue(query, args...)
	res := c.Conn.Conn().SendBatch(ctx, batch)
	for range n {
		if _, err := res.Exec(); err != nil {
			return nil, first(err, res.Close())
		}
	}
	return res, nil
}

// sendHeld sends what is held alone.
func (c *pipeConn) sendHeld(ctx context.Context) error {
	n := len(c.held)
	if n == 0 {
		return nil
	}
	last := c.held[n-1]
	c.held = c.held[:n-1]
	res, err := c.send(ctx, last.query, last.args)
	if err != nil {
		return err
	}
	_, err = res.Exec()
	return first(err, res.Close())
}

// plain gives the values alone: the driver takes every type as it is.
func plain(args []driver.NamedValue) []any {
	list := make([]any, len(args))
	for i, a := range args {
		list[i] = a.Value
	}
	return list
}

// first is the error that came first; the others only follow from it.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// rollbackTime bounds the wait for a server that does not answer any more.
const rollbackTime = 5 * time.Second

type pipeTx struct{ c *pipeConn }

// errUndone is what COMMIT of a failed transaction comes to.
var errUndone = errors.New("the transaction had failed and was undone")

// Commit implements driver.Tx.
func (t *pipeTx) Commit() error {
	c := t.c
	if !c.began() && len(c.held) == 1 { // BEGIN waits alone: nothing happened
		c.held = c.held[:0]
		return nil
	}
	ctx := context.Background()
	res, err := c.send(ctx, "COMMIT", nil)
	if err == nil {
		tag, failed := res.Exec()
		err = first(failed, res.Close())
		if err == nil && tag.String() == "ROLLBACK" {
			err = errUndone
		}
	}
	if err != nil && c.began() {
		_ = t.Rollback()
	}
	return err
}

// Rollback implements driver.Tx.
func (t *pipeTx) Rollback() error {
	c := t.c
	c.held = c.held[:0]
	if !c.began() {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), rollbackTime)
	defer cancel()
	_, err := c.Conn.Conn().Exec(ctx, "ROLLBACK")
	return err
}

// began reports whether a transaction is open on the server.
func (c *pipeConn) began() bool { return c.Conn.Conn().PgConn().TxStatus() != 'I' }
