package audit

import (
	"context"
	"errors"

	"heartline/internal/platform/store"
)

// appendLast chains e as the last step of a PostgreSQL transaction. The first
// entry of a transaction takes the turn; the end of the transaction, whichever
// it is, gives it back.
func (l *Log) appendLast(ctx context.Context, tx *store.Tx, e Entry, detail []byte) error {
	if l.holder.Load() != tx {
		l.turn.Lock()
		l.holder.Store(tx)
		l.next = l.head
		tx.OnEnd(func(committed bool) {
			l.head, l.known = l.next, committed // after a failure nobody knows: read it again
			l.holder.Store(nil)
			l.turn.Unlock()
		})
		if !l.known {
			h, err := readHead(ctx, tx)
			if err != nil {
				return err
			}
			l.next = h
		}
	}
	h, err := insert(ctx, tx, l.next, e, detail)
	if store.IsUnique(err) { // another node was faster
		return errors.Join(store.ErrRetry, err)
	}
	if err != nil {
		return err
	}
	l.next = h
	return nil
}
