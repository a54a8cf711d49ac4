package switchboard

import (
	"context"
	"fmt"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// Delete removes an item that nothing refers to any more.
func (s *Set[T]) Delete(ctx context.Context, itemID string) error {
	p, err := identity.Require(ctx, s.def.perms...)
	if err != nil {
		return err
	}
	return s.svc.write(ctx, s.def.kind, itemID, func(tx *store.Tx) error {
		v, err := s.get(ctx, tx, itemID)
		if err != nil {
			return err
		}
		if err := s.unused(ctx, tx, &v); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "DELETE FROM "+s.def.table+" WHERE id = $1", itemID); err != nil {
			return fmt.Errorf("delete %s: %w", s.def.kind, err)
		}
		return s.audit(ctx, tx, p, "delete", itemID)
	})
}

func (s *Set[T]) checkUnique(ctx context.Context, tx *store.Tx, v *T, f *errs.Fields) error {
	if s.def.unique == "" {
		return nil
	}
	var n int
	err := tx.QueryRow(ctx, "SELECT COUNT(*) FROM "+s.def.table+" WHERE "+s.def.unique+" = $1 AND id <> $2",
		s.value(v, s.def.unique), s.def.meta(v).ID).Scan(&n)
	if err != nil {
		return fmt.Errorf("check %s: %w", s.def.kind, err)
	}
	if n > 0 {
		f.Add(s.def.unique, "switchboard.taken")
	}
	return nil
}

// unused refuses the removal of an item that something still refers to.
func (s *Set[T]) unused(ctx context.Context, tx *store.Tx, v *T) error {
	for _, r := range s.def.refs {
		by := r.by
		if by == "" {
			by = "id"
		}
		key, err := text(s.value(v, by))
		if err != nil {
			return err
		}
		cond, arg := r.column+" = $1", key
		if r.inJSON {
			cond, arg = r.column+" LIKE $1", `%"`+key+`"%`
		}
		if r.where != "" {
			cond += " AND " + r.where
		}
		var n int
		if err := tx.QueryRow(ctx, "SELECT COUNT(*) FROM "+r.table+" WHERE "+cond, arg).Scan(&n); err != nil {
			return fmt.Errorf("check use of %s: %w", s.def.kind, err)
		}
		if n > 0 {
			return errs.New(errs.Conflict, "switchboard.in_use", "by", r.table, "count", n)
		}
	}
	return nil
}
