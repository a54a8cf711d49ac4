package api

import (
	"time"

	"heartline/internal/platform/errs"
)

// Out is a response with a JSON body and nothing else.
type Out[T any] struct{ Body T }

func out[T any](v T) *Out[T] { return &Out[T]{Body: v} }

// Empty is a response without a body (204).
type Empty struct{}

// List is the envelope of every list.
type List[T any] struct {
	Items      []T    `json:"items"`
	NextCursor string `json:"next_cursor" doc:"Give it back as cursor to read on; empty at the end"`
}

// listOf converts a slice of domain values into a list that is never null.
func listOf[T, V any](in []T, view func(T) V, next string) *Out[List[V]] {
	return out(List[V]{Items: mapped(in, view), NextCursor: next})
}

func mapped[T, V any](in []T, view func(T) V) []V {
	items := make([]V, 0, len(in))
	for _, x := range in {
		items = append(items, view(x))
	}
	return items
}

// some makes a nil slice an empty one, so that JSON says [] and not null.
func some[T any](in []T) []T {
	if in == nil {
		return []T{}
	}
	return in
}

// None is the input of operations that take nothing.
type None struct{}

// ByID is the input of operations on one thing.
type ByID struct {
	ID string `path:"id" minLength:"1" maxLength:"64"`
}

// Paging is the cursor part of list queries.
type Paging struct {
	Cursor string `query:"cursor" maxLength:"200" doc:"From next_cursor of the previous page"`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

// Period is the time part of list and report queries.
type Period struct {
	From time.Time `query:"from" doc:"Beginning, inclusive"`
	To   time.Time `query:"to" doc:"End, exclusive"`
}

// check refuses a period that ends before it begins or spans too much.
func (p Period) check(longest time.Duration) error {
	if !p.From.IsZero() && !p.To.IsZero() {
		if p.To.Before(p.From) {
			return errs.InvalidField("query.to", "validation.period_order")
		}
		if longest > 0 && p.To.Sub(p.From) > longest {
			return errs.InvalidField("query.to", "validation.period_long")
		}
	}
	return nil
}

// maybe returns nil for the zero time, so that JSON leaves it out.
func maybe(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	u := t.UTC().Truncate(time.Millisecond)
	return &u
}

// utc is a time as the API gives it: UTC, milliseconds.
func utc(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// Ref names a thing of the system for display.
type Ref struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}
