package identity

import (
	"context"
	"fmt"
	"regexp"
	"slices"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/event"
	"heartline/internal/platform/store"
)

// Roles lists all roles with how many users hold each.
func (s *Service) Roles(ctx context.Context) (list []Role, err error) {
	if _, err := Require(ctx, AdminUsers); err != nil {
		return nil, err
	}
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		list, err = selectRoles(ctx, tx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list roles: %w", err)
	}
	return list, nil
}

// CreateRole makes a custom role.
func (s *Service) CreateRole(ctx context.Context, r Role) (Role, error) {
	p, err := Require(ctx, AdminUsers)
	if err != nil {
		return Role{}, err
	}
	r.Builtin = false
	if err := checkRole(p, r); err != nil {
		return Role{}, err
	}
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		err := tx.Try(ctx, func() error { return insertRole(ctx, tx, r, s.now()) })
		if store.IsUnique(err) {
			return &errs.Error{Kind: errs.Conflict, Key: "role.code_taken", Fields: []errs.Field{{Path: "body.code", Key: "role.code_taken"}}}
		}
		if err != nil {
			return err
		}
		return s.record(ctx, tx, "role.create", "role", r.Code, map[string]any{"permissions": r.Permissions})
	})
	if err != nil {
		return Role{}, fmt.Errorf("create role: %w", err)
	}
	return s.getRole(ctx, r.Code)
}

// UpdateRole changes a role's names and permissions. The administrator's role
// always holds everything.
func (s *Service) UpdateRole(ctx context.Context, r Role) (Role, error) {
	p, err := Require(ctx, AdminUsers)
	if err != nil {
		return Role{}, err
	}
	if err := checkRole(p, r); err != nil {
		return Role{}, err
	}
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		old, err := selectRole(ctx, tx, r.Code)
		if store.IsNoRows(err) {
			return errs.New(errs.NotFound, "role.not_found")
		}
		if err != nil {
			return err
		}
		if old.Code == RoleAdmin {
			return errs.New(errs.Conflict, "role.admin_fixed")
		}
		if err := held(p, old.Permissions); err != nil {
			return err
		}
		if err := updateRole(ctx, tx, r, s.now()); err != nil {
			return err
		}
		event.PublishTx(tx, s.bus, UserChanged{})
		return s.record(ctx, tx, "role.update", "role", r.Code, map[string]any{"before": old.Permissions, "permissions": r.Permissions})
	})
	if err != nil {
		return Role{}, fmt.Errorf("update role: %w", err)
	}
	return s.getRole(ctx, r.Code)
}

// DeleteRole removes a custom role that nobody holds.
func (s *Service) DeleteRole(ctx context.Context, code string) error {
	if _, err := Require(ctx, AdminUsers); err != nil {
		return err
	}
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		r, err := selectRole(ctx, tx, code)
		switch {
		case store.IsNoRows(err):
			return errs.New(errs.NotFound, "role.not_found")
		case err != nil:
			return err
		case r.Builtin:
			return errs.New(errs.Conflict, "role.builtin")
		case r.Users > 0:
			return errs.New(errs.Conflict, "role.in_use", "users", r.Users)
		}
		if err := deleteRole(ctx, tx, code); err != nil {
			return err
		}
		return s.record(ctx, tx, "role.delete", "role", code, nil)
	})
	if err != nil {
		return fmt.Errorf("delete role: %w", err)
	}
	return nil
}

func (s *Service) getRole(ctx context.Context, code string) (r Role, err error) {
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		r, err = selectRole(ctx, tx, code)
		return err
	})
	if err != nil {
		return r, fmt.Errorf("get role: %w", err)
	}
	return r, nil
}

func checkRole(p Principal, r Role) error {
	var bad errs.Fields
	if !regexp.MustCompile(`^[a-z][a-z0-9_-]{1,39}$`).MatchString(r.Code) {
		bad.Add("body.code", "role.code_invalid")
	}
	if fold(r.Name) == "" {
		bad.Add("body.name", "validation.required")
	}
	for i, x := range r.Permissions {
		if !Known(x) {
			bad.Add(fmt.Sprintf("body.permissions[%d]", i), "role.permission_unknown")
		}
	}
	if err := bad.Err(); err != nil {
		return err
	}
	return held(p, r.Permissions)
}

// meetPermissions gives the permissions that this database has never seen to
// the shipped roles that hold them by default. It does so once: what a
// hospital took from a role stays taken.
func (s *Service) meetPermissions(ctx context.Context, tx *store.Tx) error {
	known, err := selectKnownPermissions(ctx, tx)
	if err != nil {
		return fmt.Errorf("known permissions: %w", err)
	}
	fresh := slices.DeleteFunc(All(), func(p Permission) bool { return known[p] })
	if len(fresh) == 0 {
		return nil
	}
	for _, shipped := range builtinRoles() {
		r, err := selectRole(ctx, tx, shipped.Code)
		if err != nil {
			return fmt.Errorf("shipped role %s: %w", shipped.Code, err)
		}
		before := len(r.Permissions)
		for _, p := range fresh {
			if slices.Contains(shipped.Permissions, p) && !slices.Contains(r.Permissions, p) {
				r.Permissions = append(r.Permissions, p)
			}
		}
		if len(r.Permissions) == before {
			continue
		}
		if err := updateRole(ctx, tx, r, s.now()); err != nil {
			return fmt.Errorf("shipped role %s: %w", shipped.Code, err)
		}
	}
	return insertKnownPermissions(ctx, tx, fresh)
}
