package switchboard

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/store"
)

// flag stores a bool as 0 or 1.
type flag struct{ b *bool }

func (f flag) Value() (driver.Value, error) {
	if *f.b {
		return int64(1), nil
	}
	return int64(0), nil
}

func (f flag) Scan(src any) error {
	n, ok := src.(int64)
	if !ok {
		return fmt.Errorf("scan flag: %T", src)
	}
	*f.b = n != 0
	return nil
}

// document stores a value as JSON text.
type document struct{ v any }

func (d document) Value() (driver.Value, error) {
	b, err := json.Marshal(d.v)
	return string(b), err
}

func (d document) Scan(src any) error {
	switch v := src.(type) {
	case string:
		return json.Unmarshal([]byte(v), d.v)
	case []byte:
		return json.Unmarshal(v, d.v)
	}
	return fmt.Errorf("scan document: %T", src)
}

// stamp stores a time as UTC milliseconds; the zero time is 0.
type stamp struct{ t *time.Time }

func (s stamp) Value() (driver.Value, error) {
	if s.t.IsZero() {
		return int64(0), nil
	}
	return store.Millis(*s.t), nil
}

func (s stamp) Scan(src any) error {
	n, ok := src.(int64)
	if !ok {
		return fmt.Errorf("scan time: %T", src)
	}
	*s.t = time.Time{}
	if n != 0 {
		*s.t = store.Time(n)
	}
	return nil
}

// text is the string behind a bound column.
func text(v any) (string, error) {
	switch s := v.(type) {
	case string:
		return s, nil
	case *string:
		return *s, nil
	}
	return "", fmt.Errorf("column %T is not text", v)
}

func (s *Set[T]) names() []string {
	out := []string{"id", "version", "created_at", "updated_at"}
	for _, c := range s.def.columns {
		out = append(out, c.name)
	}
	return out
}

func (s *Set[T]) bind(v *T) []any {
	m := s.def.meta(v)
	out := []any{&m.ID, &m.Version, stamp{&m.CreatedAt}, stamp{&m.UpdatedAt}}
	for _, c := range s.def.columns {
		out = append(out, c.bind(v))
	}
	return out
}

func (s *Set[T]) list(ctx context.Context, tx *store.Tx) ([]T, error) {
	rows, err := tx.Query(ctx, "SELECT "+strings.Join(s.names(), ", ")+" FROM "+s.def.table+" ORDER BY "+s.def.order)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", s.def.table, err)
	}
	return s.scanAll(rows)
}

func (s *Set[T]) scanAll(rows *sql.Rows) ([]T, error) {
	defer rows.Close()
	var out []T
	for rows.Next() {
		var v T
		if err := rows.Scan(s.bind(&v)...); err != nil {
			return nil, fmt.Errorf("scan %s: %w", s.def.table, err)
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

func (s *Set[T]) get(ctx context.Context, tx *store.Tx, itemID string) (T, error) {
	var v T
	err := tx.QueryRow(ctx, "SELECT "+strings.Join(s.names(), ", ")+" FROM "+s.def.table+" WHERE id = $1", itemID).
		Scan(s.bind(&v)...)
	if store.IsNoRows(err) {
		return v, errs.New(errs.NotFound, "switchboard.not_found", "kind", s.def.kind)
	}
	if err != nil {
		return v, fmt.Errorf("get %s: %w", s.def.kind, err)
	}
	return v, nil
}

func (s *Set[T]) insert(ctx context.Context, tx *store.Tx, v *T) error {
	names := s.names()
	marks := make([]string, len(names))
	for i := range names {
		marks[i] = fmt.Sprintf("$%d", i+1)
	}
	_, err := tx.Exec(ctx, "INSERT INTO "+s.def.table+" ("+strings.Join(names, ", ")+") VALUES ("+
		strings.Join(marks, ", ")+")", s.bind(v)...)
	if err != nil {
		return fmt.Errorf("insert %s: %w", s.def.kind, err)
	}
	return nil
}

func (s *Set[T]) update(ctx context.Context, tx *store.Tx, v *T) error {
	names := s.names()
	set := make([]string, 0, len(names))
	for i, n := range names[1:] {
		set = append(set, fmt.Sprintf("%s = $%d", n, i+2))
	}
	_, err := tx.Exec(ctx, "UPDATE "+s.def.table+" SET "+strings.Join(set, ", ")+" WHERE id = $1", s.bind(v)...)
	if err != nil {
		return fmt.Errorf("update %s: %w", s.def.kind, err)
	}
	return nil
}

// secret stores a sealed secret and tells whether there is one.
type secret struct {
	sealed *string
	has    *bool
}

func (s secret) Value() (driver.Value, error) { return *s.sealed, nil }

func (s secret) Scan(src any) error {
	switch v := src.(type) {
	case string:
		*s.sealed = v
	case []byte:
		*s.sealed = string(v)
	default:
		return fmt.Errorf("scan secret: %T", src)
	}
	*s.has = *s.sealed != ""
	return nil
}
