// Package id makes the identifiers of every stored thing: UUID version 7
// (RFC 9562 §5.7), in lower-case text, so that ids sort by creation time.
package id

import "github.com/google/uuid"

// New returns a fresh UUIDv7. It panics only when the operating system has no
// randomness, in which case no secret of this program could be trusted.
func New() string { return uuid.Must(uuid.NewV7()).String() }

// Valid reports whether s is a UUID in canonical text form.
func Valid(s string) bool {
	u, err := uuid.Parse(s)
	return err == nil && len(s) == 36 && u.String() == s
}
