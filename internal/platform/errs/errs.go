// Package errs gives errors a kind and a message key, set once at the source,
// so that every edge (HTTP, SIP, CLI) can answer in its own way and the user
// reads a sentence in their own language. It holds no sentences itself.
package errs

import (
	"errors"
	"fmt"
)

// Kind says what sort of failure an error is; the HTTP edge maps it to a status.
type Kind uint8

// The kinds, and the HTTP status that the API edge gives each.
const (
	Internal    Kind = iota // 500: our fault; detail stays in the log
	Invalid                 // 422: the request breaks a rule; Fields says where
	NotFound                // 404
	Conflict                // 409: the state moved on, or a duplicate
	Denied                  // 403: known user, right missing
	Unknown                 // 401: nobody is signed in
	Limited                 // 429: too many attempts
	Unavailable             // 503: a peer or resource is away; try again
	TooLarge                // 413
)

// Error carries a kind, a message key such as "patient.phone_invalid", the
// parameters of that message, and field errors for Invalid.
type Error struct {
	Kind   Kind
	Key    string
	Params map[string]any
	Fields []Field
	cause  error
}

// Field is one rejected input: Path like "body.phones[0].number", Key a message key.
type Field struct {
	Path string
	Key  string
}

// New makes an error of a kind with a message key; kv are pairs of parameter
// name and value for the message.
func New(k Kind, key string, kv ...any) *Error {
	e := &Error{Kind: k, Key: key}
	for i := 0; i+1 < len(kv); i += 2 {
		if e.Params == nil {
			e.Params = make(map[string]any, len(kv)/2)
		}
		e.Params[fmt.Sprint(kv[i])] = kv[i+1]
	}
	return e
}

// Wrap makes an error like New that keeps its cause for logs and errors.Is.
func Wrap(k Kind, key string, cause error) *Error {
	return &Error{Kind: k, Key: key, cause: cause}
}

// InvalidField is the usual validation error for a single field.
func InvalidField(path, key string) *Error {
	return &Error{Kind: Invalid, Key: "invalid", Fields: []Field{{Path: path, Key: key}}}
}

// Fields collects field errors; Err returns nil when there were none.
type Fields []Field

// Add notes that the field at path was rejected with a message key.
func (f *Fields) Add(path, key string) { *f = append(*f, Field{Path: path, Key: key}) }

// Err returns an Invalid error over all collected fields, or nil.
func (f Fields) Err() error {
	if len(f) == 0 {
		return nil
	}
	return &Error{Kind: Invalid, Key: "invalid", Fields: f}
}

func (e *Error) Error() string {
	text := e.Key
	for _, f := range e.Fields {
		text += ", " + f.Path + " " + f.Key
	}
	if e.cause != nil {
		text += ": " + e.cause.Error()
	}
	return text
}

func (e *Error) Unwrap() error { return e.cause }

// KindOf returns the kind of the first *Error in err's chain, or Internal.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

// Is reports whether err is of the given kind.
func Is(err error, k Kind) bool { return err != nil && KindOf(err) == k }
