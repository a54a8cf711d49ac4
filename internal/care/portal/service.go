package portal

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"heartline/internal/platform/audit"
	"heartline/internal/platform/crypto"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// Deps are the parts the service works with.
type Deps struct {
	DB     *store.DB
	Keys   *crypto.Keyring
	Audit  *audit.Log
	People People
	Codes  CodeSender
	Now    func() time.Time
	Policy Policy // zero: DefaultPolicy
}

// Service signs patients in and keeps whom they may act for.
type Service struct {
	db     *store.DB
	keys   *crypto.Keyring
	audit  *audit.Log
	people People
	codes  CodeSender
	now    func() time.Time
	policy Policy
	forged forgeries
}

// New makes the service.
func New(d Deps) *Service {
	if d.Policy == (Policy{}) {
		d.Policy = DefaultPolicy()
	}
	return &Service{db: d.DB, keys: d.Keys, audit: d.Audit, people: d.People, codes: d.Codes, now: d.Now, policy: d.Policy}
}

// MaxMembers is how many people an account may have.
func (s *Service) MaxMembers() int { return s.policy.Members }

// permissions are what an account may ask of other services. Whose record it
// asks about is checked by Own.
func permissions() map[identity.Permission]bool {
	return map[identity.Permission]bool{
		identity.DirectoryRead: true, identity.BookingRead: true, identity.BookingWrite: true, identity.LedgerRead: true,
	}
}

// Actor is the principal of an account in the audit log and in other services.
func Actor(accountID string) string { return "patient:" + accountID }

// Principal returns the acting principal of a session.
func (x Session) Principal(ip, requestID string) identity.Principal {
	who := Actor(x.AccountID)
	return identity.Principal{UserID: who, Name: who, Login: who, Roles: []string{"patient"}, Permissions: permissions(),
		SessionID: x.ID, IP: ip, RequestID: requestID}
}

// Guest is the principal of somebody who has not signed in: it may look at the
// directory and the timetable.
func Guest(ip, requestID string) identity.Principal {
	return identity.Principal{UserID: "portal:guest", Name: "portal:guest", Login: "portal:guest",
		Permissions: map[identity.Permission]bool{identity.DirectoryRead: true, identity.BookingRead: true}, IP: ip, RequestID: requestID}
}

// actor is the account that acts in ctx.
func actor(ctx context.Context) (identity.Principal, string, error) {
	p, err := identity.Require(ctx)
	if err != nil {
		return p, "", err
	}
	const prefix = "patient:"
	if len(p.UserID) <= len(prefix) || p.UserID[:len(prefix)] != prefix {
		return p, "", errs.New(errs.Denied, "auth.denied")
	}
	return p, p.UserID[len(prefix):], nil
}

// record appends an audit entry in the name of who.
func (s *Service) record(ctx context.Context, tx *store.Tx, who identity.Principal, e audit.Entry) error {
	e.At, e.Actor, e.ActorName, e.IP, e.RequestID = s.now(), who.UserID, who.Name, who.IP, who.RequestID
	if err := s.audit.Append(ctx, tx, e); err != nil {
		return fmt.Errorf("audit %s: %w", e.Action, err)
	}
	return nil
}

func tokenHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

func cut(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}
