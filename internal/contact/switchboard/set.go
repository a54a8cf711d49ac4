package switchboard

import (
	"context"
	"fmt"

	"heartline/internal/platform/audit"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/event"
	"heartline/internal/platform/id"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// Set is all items of one kind: how they are listed, validated, changed and
// audited. Every method needs the permission admin.telephony (admin.flows for
// calendars as well); everybody else reads the Snapshot.
type Set[T any] struct {
	svc *Service
	def definition[T]
}

// definition says what is particular about a kind of item.
type definition[T any] struct {
	kind    string // object in the audit log and in Changed
	table   string
	order   string // ORDER BY
	perms   []identity.Permission
	givenID bool // the caller brings the id (agent profiles: the user's)
	columns []column[T]
	meta    func(*T) *Meta
	unique  string // field that must be unique, also its column
	check   func(ctx context.Context, tx *store.Tx, v *T, f *errs.Fields) error
	// merge takes over what an update must not lose (secrets); old is nil on creation.
	merge func(v, old *T) error
	refs  []reference
}

// column binds a column to a place in T that can be scanned and stored.
type column[T any] struct {
	name string
	bind func(*T) any
}

// reference is a place that may name an item and so forbids its removal.
type reference struct {
	table, column string
	by            string // column of the item that is referred to, "id" when ""
	inJSON        bool
	where         string
}

// List returns all items.
func (s *Set[T]) List(ctx context.Context) ([]T, error) {
	if _, err := identity.Require(ctx, s.def.perms...); err != nil {
		return nil, err
	}
	var out []T
	err := s.svc.db.Read(ctx, func(tx *store.Tx) (err error) {
		out, err = s.list(ctx, tx)
		return err
	})
	return out, err
}

// Get returns one item.
func (s *Set[T]) Get(ctx context.Context, itemID string) (T, error) {
	var out T
	if _, err := identity.Require(ctx, s.def.perms...); err != nil {
		return out, err
	}
	err := s.svc.db.Read(ctx, func(tx *store.Tx) (err error) {
		out, err = s.get(ctx, tx, itemID)
		return err
	})
	return out, err
}

// Create validates and stores a new item and returns it with its id.
func (s *Set[T]) Create(ctx context.Context, v T) (T, error) {
	p, err := identity.Require(ctx, s.def.perms...)
	if err != nil {
		return v, err
	}
	m := s.def.meta(&v)
	if !s.def.givenID {
		m.ID = id.New()
	}
	now := s.svc.now()
	m.Version, m.CreatedAt, m.UpdatedAt = 1, now, now
	in := v
	err = s.svc.write(ctx, s.def.kind, m.ID, func(tx *store.Tx) error {
		v = in
		if err := s.prepare(ctx, tx, &v, nil); err != nil {
			return err
		}
		if err := s.insert(ctx, tx, &v); err != nil {
			return err
		}
		return s.audit(ctx, tx, p, "create", m.ID)
	})
	return v, s.taken(err)
}

// Update validates and stores a changed item. A Version other than 0 must be
// the stored one.
func (s *Set[T]) Update(ctx context.Context, v T) (T, error) {
	p, err := identity.Require(ctx, s.def.perms...)
	if err != nil {
		return v, err
	}
	in := v
	m := s.def.meta(&v)
	err = s.svc.write(ctx, s.def.kind, m.ID, func(tx *store.Tx) error {
		v = in
		old, err := s.get(ctx, tx, m.ID)
		if err != nil {
			return err
		}
		was := s.def.meta(&old)
		if m.Version != 0 && m.Version != was.Version {
			return errs.New(errs.Conflict, "switchboard.version_conflict")
		}
		m.Version, m.CreatedAt, m.UpdatedAt = was.Version+1, was.CreatedAt, s.svc.now()
		if err := s.prepare(ctx, tx, &v, &old); err != nil {
			return err
		}
		if err := s.update(ctx, tx, &v); err != nil {
			return err
		}
		return s.audit(ctx, tx, p, "update", m.ID)
	})
	return v, s.taken(err)
}

// prepare validates v and merges what the stored item keeps.
func (s *Set[T]) prepare(ctx context.Context, tx *store.Tx, v, old *T) error {
	var f errs.Fields
	if err := s.def.check(ctx, tx, v, &f); err != nil {
		return err
	}
	if err := s.checkUnique(ctx, tx, v, &f); err != nil {
		return err
	}
	if err := f.Err(); err != nil {
		return err
	}
	if s.def.merge == nil {
		return nil
	}
	return s.def.merge(v, old)
}

// taken turns a lost race on a unique column into the field error of checkUnique.
func (s *Set[T]) taken(err error) error {
	if store.IsUnique(err) {
		if s.def.unique == "" || s.def.givenID {
			return errs.Wrap(errs.Conflict, "switchboard.taken", err)
		}
		return errs.InvalidField(s.def.unique, "switchboard.taken")
	}
	return err
}

func (s *Set[T]) value(v *T, column string) any {
	for _, c := range s.def.columns {
		if c.name == column {
			return c.bind(v)
		}
	}
	return s.def.meta(v).ID
}

func (s *Set[T]) audit(ctx context.Context, tx *store.Tx, p identity.Principal, verb, itemID string) error {
	return s.svc.auditTx(ctx, tx, p, s.def.kind+"."+verb, s.def.kind, itemID, nil)
}

// auditTx appends an entry to the audit log in the transaction of the change.
func (s *Service) auditTx(ctx context.Context, tx *store.Tx, p identity.Principal, action, object, objectID string, detail map[string]any) error {
	err := s.audit.Append(ctx, tx, audit.Entry{
		At: s.now(), Actor: p.UserID, ActorName: p.Name, Action: action, Object: object, ObjectID: objectID,
		IP: p.IP, RequestID: p.RequestID, Detail: detail,
	})
	if err != nil {
		return fmt.Errorf("audit %s: %w", action, err)
	}
	return nil
}

// write runs a change, then takes a new Snapshot and tells the bus.
func (s *Service) write(ctx context.Context, kind, itemID string, fn func(tx *store.Tx) error) error {
	if err := s.db.Write(ctx, fn); err != nil {
		return err
	}
	if s.bulk.Load() {
		return nil
	}
	if err := s.Refresh(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("refresh switchboard after a change: %w", err)
	}
	event.Publish(s.bus, Changed{Kind: kind, ID: itemID, Snapshot: s.Current(ctx).Seq()})
	return nil
}
