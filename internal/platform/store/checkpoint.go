package store

import (
	"context"
	"database/sql"
	"sync"
)

// checkpointer copies SQLite's journal back into the database beside the
// writer, which would otherwise stop for it. What it leaves, because writes go
// on meanwhile, the writer copies itself when the journal has reached
// walPages; the journal then begins anew.
type checkpointer struct {
	conn *sql.DB
	wake chan struct{}
	once sync.Once
	done chan struct{}
}

// Sizes of the journal in pages: when copying begins, how much at a time, and
// when the writer copies the rest.
const (
	copyFromPages = 8000
	copyPages     = 2000
	walPages      = 16000
)

func newCheckpointer(conn *sql.DB) *checkpointer {
	c := &checkpointer{conn: conn, wake: make(chan struct{}, 1), done: make(chan struct{})}
	conn.SetMaxOpenConns(1)
	go c.loop()
	return c
}

// written says that there is more in the journal.
func (c *checkpointer) written() {
	select {
	case c.wake <- struct{}{}:
	default: // it is about to look
	}
}

func (c *checkpointer) loop() {
	defer close(c.done)
	for range c.wake {
		if all, copied, ok := c.pragma("NOOP"); ok && all >= copyFromPages && all-copied >= copyPages {
			c.pragma("PASSIVE")
		}
	}
}

// pragma runs a checkpoint of a kind and tells the journal's pages, and how
// many of them are copied. That it could not be done is no error: the writer
// does it then.
func (c *checkpointer) pragma(kind string) (all, copied int, ok bool) {
	var busy int
	err := c.conn.QueryRowContext(context.Background(), "PRAGMA wal_checkpoint("+kind+")").Scan(&busy, &all, &copied)
	return all, copied, err == nil
}

// close is called when nothing is written any more.
func (c *checkpointer) close() error {
	c.once.Do(func() { close(c.wake) })
	<-c.done
	return c.conn.Close()
}
