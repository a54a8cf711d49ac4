package identity

import (
	"context"
	"fmt"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"heartline/internal/platform/audit"
	"heartline/internal/platform/crypto"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/event"
	"heartline/internal/platform/store"
)

// Deps are the parts the service works with.
type Deps struct {
	DB     *store.DB
	Audit  *audit.Log
	Keys   *crypto.Keyring
	Bus    *event.Bus
	Now    func() time.Time
	Policy Policy // zero: DefaultPolicy
	Issuer string // name shown by authenticator apps; "Heartline" when empty
}

// Service signs people in and manages users and roles.
type Service struct {
	db     *store.DB
	audit  *audit.Log
	keys   *crypto.Keyring
	bus    *event.Bus
	now    func() time.Time
	policy Policy
	issuer string
	hasher *hasher
}

// New makes the service and writes the shipped roles that the database does
// not have yet.
func New(ctx context.Context, d Deps) (*Service, error) {
	if d.Policy == (Policy{}) {
		d.Policy = DefaultPolicy()
	}
	if d.Issuer == "" {
		d.Issuer = "Heartline"
	}
	h, err := newHasher(d.Policy.Hash)
	if err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	s := &Service{db: d.DB, audit: d.Audit, keys: d.Keys, bus: d.Bus, now: d.Now, policy: d.Policy, issuer: d.Issuer, hasher: h}
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		if err := insertBuiltinRoles(ctx, tx, s.now()); err != nil {
			return err
		}
		return s.meetPermissions(ctx, tx)
	})
	if err != nil {
		return nil, fmt.Errorf("shipped roles: %w", err)
	}
	return s, nil
}

// record appends an audit entry in the name of the acting principal.
func (s *Service) record(ctx context.Context, tx *store.Tx, action, object, objectID string, detail map[string]any) error {
	p, _ := From(ctx)
	return s.recordAs(ctx, tx, p, action, object, objectID, detail)
}

func (s *Service) recordAs(ctx context.Context, tx *store.Tx, p Principal, action, object, objectID string, detail map[string]any) error {
	err := s.audit.Append(ctx, tx, audit.Entry{
		At: s.now(), Actor: p.UserID, ActorName: p.Name, Action: action, Object: object, ObjectID: objectID,
		IP: p.IP, RequestID: p.RequestID, Detail: detail,
	})
	if err != nil {
		return fmt.Errorf("audit %s: %w", action, err)
	}
	return nil
}

// fold brings logins and search words to one form, in Go, so that both
// databases agree.
func fold(s string) string {
	return strings.ToLower(norm.NFKC.String(strings.TrimSpace(s)))
}

// held returns errs.Denied when permissions go beyond what the acting
// principal holds: nobody gives away more than they have.
func held(p Principal, perms []Permission) error {
	for _, x := range perms {
		if !p.Permissions[x] {
			return errs.New(errs.Denied, "role.exceeds_own", "permission", string(x))
		}
	}
	return nil
}
