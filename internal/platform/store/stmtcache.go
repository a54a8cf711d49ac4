package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"

	"modernc.org/sqlite"
)

// Parsing costs SQLite about a third of the time of a short statement, so every
// connection keeps the statements it has prepared.
const (
	maxStatements   = 256
	maxStatementLen = 4096 // longer ones are rare and made up on the spot
)

// openCaching opens a pool whose connections cache prepared statements.
func openCaching(dsn string) (*sql.DB, error) {
	c, err := sqlite.NewConnector(dsn)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(cachingConnector{c}), nil
}

type cachingConnector struct{ driver.Connector }

// Connect implements driver.Connector.
func (c cachingConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	full, ok := conn.(sqliteConn)
	if !ok {
		_ = conn.Close()
		return nil, fmt.Errorf("the SQLite driver's connection %T lacks a method", conn)
	}
	return &cachingConn{sqliteConn: full, idle: make(map[string]statement)}, nil
}

// sqliteConn is what database/sql uses of the driver's connection.
type sqliteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

type statement interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// cachingConn is used by one goroutine at a time, as database/sql guarantees.
type cachingConn struct {
	sqliteConn
	idle map[string]statement // not in use by open rows
}

// ExecContext implements driver.ExecerContext.
func (c *cachingConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	s, err := c.take(ctx, query)
	if err != nil {
		return nil, err
	}
	res, err := s.ExecContext(ctx, args)
	c.put(query, s, err)
	return res, err
}

// QueryContext implements driver.QueryerContext.
func (c *cachingConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	s, err := c.take(ctx, query)
	if err != nil {
		return nil, err
	}
	rows, err := s.QueryContext(ctx, args)
	if err != nil {
		c.put(query, s, err)
		return nil, err
	}
	return &cachedRows{Rows: rows, done: func(err error) { c.put(query, s, err) }}, nil
}

// Close implements driver.Conn.
func (c *cachingConn) Close() error {
	for _, s := range c.idle {
		_ = s.Close()
	}
	c.idle = nil
	return c.sqliteConn.Close()
}

func (c *cachingConn) take(ctx context.Context, query string) (statement, error) {
	if s, ok := c.idle[query]; ok {
		delete(c.idle, query)
		return s, nil
	}
	s, err := c.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	full, ok := s.(statement)
	if !ok {
		_ = s.Close()
		return nil, fmt.Errorf("the SQLite driver's statement %T lacks a method", s)
	}
	return full, nil
}

// put keeps s for the next time, unless it failed, another copy of it is kept
// already or it is too long.
func (c *cachingConn) put(query string, s statement, err error) {
	if _, twice := c.idle[query]; err != nil || twice || c.idle == nil || len(query) > maxStatementLen {
		_ = s.Close()
		return
	}
	if len(c.idle) >= maxStatements {
		for other, old := range c.idle { // any will do: the ones in use come back
			_ = old.Close()
			delete(c.idle, other)
			break
		}
	}
	c.idle[query] = s
}

// cachedRows gives the statement back when the rows are closed.
type cachedRows struct {
	driver.Rows
	done func(error)
}

// Close implements driver.Rows.
func (r *cachedRows) Close() error {
	err := r.Rows.Close()
	if r.done != nil {
		r.done(err)
		r.done = nil
	}
	return err
}
