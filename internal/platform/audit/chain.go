package audit

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"heartline/internal/platform/store"
)

// chain moves the entries of committed transactions into the hash chain. On
// PostgreSQL transactions run side by side, and each would have to wait for
// the one before to chain its own entry: so they only leave their entries, and
// all those that become durable together are chained in one go, before any of
// them is acknowledged. An entry whose process died in between is chained with
// the next ones.
func (l *Log) chain(ctx context.Context, tx *store.Tx) error {
	if err := lockChain(ctx, tx); err != nil { // other nodes chain as well
		return err
	}
	list, err := takePending(ctx, tx)
	if err != nil || len(list) == 0 {
		return err
	}
	slices.SortFunc(list, func(a, b pending) int { return cmp.Compare(a.entry.ID, b.entry.ID) })
	last, err := readHead(ctx, tx)
	if err != nil {
		return err
	}
	for len(list) > 0 {
		n := min(len(list), perInsert)
		if last, err = insert(ctx, tx, last, list[:n]); err != nil {
			return fmt.Errorf("chain audit entries: %w", err)
		}
		list = list[n:]
	}
	return nil
}

// pending is an entry with its detail as it is stored and hashed.
type pending struct {
	entry  Entry
	detail []byte
}
