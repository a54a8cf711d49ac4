package switchboard

import (
	"context"
	"fmt"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/store"
)

// exists checks that a row a field refers to is there.
func exists(ctx context.Context, tx *store.Tx, f *errs.Fields, path, table, column, value string) error {
	if value == "" {
		return nil
	}
	var n int
	if err := tx.QueryRow(ctx, "SELECT COUNT(*) FROM "+table+" WHERE "+column+" = $1", value).Scan(&n); err != nil {
		return fmt.Errorf("check %s: %w", path, err)
	}
	if n == 0 {
		f.Add(path, "switchboard.unknown_reference")
	}
	return nil
}
