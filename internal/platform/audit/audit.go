// Package audit keeps the record of who did and saw what: append-only entries,
// each carrying a hash over itself and the entry before it, written in the
// transaction of the deed. Verify finds a changed, removed or inserted entry.
// It holds ids and reasons, never a patient's data, and does not decide what
// must be audited: the domain packages do.
package audit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"heartline/internal/platform/id"
	"heartline/internal/platform/store"
)

// Entry is one deed. Detail holds ids, counts and names of fields only.
type Entry struct {
	Seq       int64 // set by Append, from 1 without gaps
	ID        string
	At        time.Time // zero means now
	Actor     string    // user id, or the name of a part of the system
	ActorName string    // as it was then
	Action    string    // "patient.view"
	Object    string    // "patient"
	ObjectID  string
	Patient   string // whose data was touched, if anybody's
	Reason    string
	IP        string
	RequestID string
	Detail    map[string]any
	Hash      string // set by Append
}

// Log appends entries. One Log serves the whole process.
type Log struct {
	now func() time.Time

	// PostgreSQL only, see chain.
	behind atomic.Bool  // some entries may have been left out
	swept  atomic.Int64 // when we looked for such entries last
}

type head struct {
	seq  int64
	hash string
}

// New makes a log; now is its clock.
func New(now func() time.Time) *Log { return &Log{now: now} }

// Append writes entries in tx; they are there if and only if tx is committed,
// and part of the chain when the Write around tx returns.
func (l *Log) Append(ctx context.Context, tx *store.Tx, entries ...Entry) error {
	list := make([]pending, len(entries))
	for i, e := range entries {
		p, err := l.ready(e)
		if err != nil {
			return fmt.Errorf("append audit entry: %w", err)
		}
		list[i] = p
		tx.Together(l, l.chain, p)
	}
	if tx.Dialect() == store.SQLite { // chained before tx commits
		return nil
	}
	return leave(ctx, tx, list)
}

// ready is e as it is stored and hashed.
func (l *Log) ready(e Entry) (pending, error) {
	if e.Actor == "" || e.Action == "" {
		return pending{}, errors.New("actor and action are required")
	}
	if e.At.IsZero() {
		e.At = l.now()
	}
	if e.ID == "" {
		e.ID = id.New()
	}
	e.At = store.Time(store.Millis(e.At)) // what is hashed is what is stored
	if e.Detail == nil {
		return pending{e, []byte("{}")}, nil
	}
	detail, err := json.Marshal(e.Detail)
	return pending{e, detail}, err
}

// chained is p with its place behind last.
func chained(last head, p pending) pending {
	p.entry.Seq = last.seq + 1
	p.entry.Hash = hash(last.hash, p.entry, p.detail)
	return p
}

// hash chains an entry to the one before. Lengths are part of what is hashed,
// so that no text can move from one field to its neighbour.
func hash(prev string, e Entry, detail []byte) string {
	h := sha256.New()
	for _, s := range []string{prev, fmt.Sprint(e.Seq), e.ID, fmt.Sprint(store.Millis(e.At)), e.Actor, e.ActorName,
		e.Action, e.Object, e.ObjectID, e.Patient, e.Reason, e.IP, e.RequestID, string(detail)} {
		fmt.Fprintf(h, "%d:%s,", len(s), s)
	}
	return hex.EncodeToString(h.Sum(nil))
}
