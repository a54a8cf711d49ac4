package identity

import (
	"context"
	"slices"

	"heartline/internal/platform/errs"
)

// Principal is the person (or trusted part of the program) on whose behalf
// something happens.
type Principal struct {
	UserID      string
	Name        string
	Login       string
	Roles       []string
	Permissions map[Permission]bool
	Departments []string
	SessionID   string
	IP          string
	RequestID   string
	MustChange  bool // the password has to be changed before anything else
}

// Has reports whether the principal holds any of the given permissions.
func (p Principal) Has(any ...Permission) bool {
	return slices.ContainsFunc(any, func(x Permission) bool { return p.Permissions[x] })
}

type principalKey struct{}

// With returns a context that carries p as the acting principal.
func With(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// From returns the acting principal, if the context carries one.
func From(ctx context.Context) (Principal, bool) {
	p, ok := ctx.Value(principalKey{}).(Principal)
	return p, ok
}

// Require returns the acting principal when it holds any of the given
// permissions; none given means that being signed in is enough. Otherwise the
// error is errs.Unknown (nobody is signed in) or errs.Denied.
func Require(ctx context.Context, any ...Permission) (Principal, error) {
	p, ok := From(ctx)
	if !ok || p.UserID == "" {
		return Principal{}, errs.New(errs.Unknown, "auth.required")
	}
	if len(any) > 0 && !p.Has(any...) {
		return Principal{}, errs.New(errs.Denied, "auth.denied")
	}
	return p, nil
}

// System returns a context for a trusted part of the program acting on its
// own (seeding, jobs, call control), with every permission. The user id is
// "system:" and the given name, so that the audit log shows who it was.
func System(ctx context.Context, name string) context.Context {
	perms := make(map[Permission]bool)
	for _, p := range All() {
		perms[p] = true
	}
	return With(ctx, Principal{
		UserID: "system:" + name, Name: "system:" + name, Login: "system:" + name,
		Roles: []string{"system"}, Permissions: perms,
	})
}
