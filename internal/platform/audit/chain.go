package audit

import (
	"cmp"
	"context"
	"slices"
	"time"

	"heartline/internal/platform/store"
)

// chain puts entries into the hash chain: on SQLite at the end of the
// transaction that several Writes share. On PostgreSQL transactions run side by
// side, and each would have to wait for the one before to chain its own entry:
// so they only leave their entries, and all those that become durable together
// are chained in one go, before any of them is acknowledged. Entries whose
// process died in between, or whose turn failed, are swept up by the next turn.
func (l *Log) chain(ctx context.Context, tx *store.Tx, items []any) error {
	last, list, err := l.takeTurn(ctx, tx, items)
	if err != nil {
		return err
	}
	slices.SortFunc(list, func(a, b pending) int { return cmp.Compare(a.entry.ID, b.entry.ID) })
	return insert(ctx, tx, last, list)
}

// sweepEvery is how often a node looks for what others left.
const sweepEvery = time.Minute

// takeTurn takes the entries of the Writes that wait, or all that there are,
// and the newest entry of the chain, which nobody else continues before tx ends.
func (l *Log) takeTurn(ctx context.Context, tx *store.Tx, items []any) (last head, list []pending, err error) {
	list = make([]pending, len(items))
	for i, item := range items {
		list[i] = item.(pending)
	}
	if tx.Dialect() == store.SQLite { // one writer, and nothing was left behind
		last, err = readHead(ctx, tx)
		return last, list, err
	}
	if err := lockChain(ctx, tx); err != nil { // other nodes chain as well
		return head{}, nil, err
	}
	now := l.now()
	failed := l.behind.Swap(true)
	if failed || now.Sub(store.Time(l.swept.Load())) > sweepEvery {
		tx.AfterCommit(func() { l.swept.Store(store.Millis(now)); l.behind.Store(false) })
		if last, err = readHead(ctx, tx); err != nil {
			return head{}, nil, err
		}
		list, err = takeAll(ctx, tx)
		return last, list, err
	}
	tx.AfterCommit(func() { l.behind.Store(false) })
	return takeThese(ctx, tx, list)
}

// pending is an entry with its detail as it is stored and hashed.
type pending struct {
	entry  Entry
	detail []byte
}
