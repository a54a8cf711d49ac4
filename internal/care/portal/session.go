package portal

import (
	"context"
	"fmt"
	"sync"
	"time"

	"heartline/internal/platform/audit"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/store"
)

// Authenticate returns the session that a token opens; using it keeps it from
// going idle. A token that was never given out is noted in the audit log.
func (s *Service) Authenticate(ctx context.Context, token, ip, requestID string) (Session, error) {
	if len(token) < 20 || len(token) > 100 {
		return Session{}, s.forgery(ctx, ip, requestID)
	}
	now := s.now()
	var x Session
	err := s.db.Read(ctx, func(tx *store.Tx) (err error) {
		x, err = findSession(ctx, tx, tokenHash(token))
		return err
	})
	if store.IsNoRows(err) {
		return Session{}, s.forgery(ctx, ip, requestID)
	}
	if err != nil {
		return Session{}, fmt.Errorf("read portal session: %w", err)
	}
	if !now.Before(x.ExpiresAt) || now.Sub(x.SeenAt) >= s.policy.Idle {
		return Session{}, errs.New(errs.Unknown, "auth.expired")
	}
	if now.Sub(x.SeenAt) >= time.Minute {
		err = s.db.Write(ctx, func(tx *store.Tx) error { return touchSession(ctx, tx, x.ID, now) })
	}
	return x, err
}

// forgeries remembers which addresses sent unknown tokens of late, so that the
// audit log holds the deed and not a flood of it.
type forgeries struct {
	mu   sync.Mutex
	seen map[string]time.Time
}

const (
	forgeryPause     = time.Minute
	forgeryAddresses = 1000
)

func (f *forgeries) fresh(ip string, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if at, ok := f.seen[ip]; ok && now.Sub(at) < forgeryPause {
		return false
	}
	if f.seen == nil || len(f.seen) >= forgeryAddresses {
		f.seen = make(map[string]time.Time)
	}
	f.seen[ip] = now
	return true
}

// forgery refuses an unknown token. Sessions that ended are forgotten too, so
// the entry says no more than that the token is not known.
func (s *Service) forgery(ctx context.Context, ip, requestID string) error {
	refused := errs.New(errs.Unknown, "auth.required")
	if !s.forged.fresh(ip, s.now()) {
		return refused
	}
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		return s.record(ctx, tx, Guest(ip, requestID), audit.Entry{Action: "portal.refused", Object: "portal_session", Detail: map[string]any{"why": "token"}})
	})
	if err != nil {
		return fmt.Errorf("note unknown token: %w", err)
	}
	return refused
}

// SignOut ends the acting account's session, or all of them.
func (s *Service) SignOut(ctx context.Context, everywhere bool) error {
	who, accountID, err := actor(ctx)
	if err != nil {
		return err
	}
	only := who.SessionID
	if everywhere {
		only = ""
	}
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		n, err := deleteSessions(ctx, tx, accountID, only)
		if err != nil {
			return err
		}
		return s.record(ctx, tx, who, audit.Entry{Action: "portal.sign_out", Object: "portal_account", ObjectID: accountID,
			Detail: map[string]any{"sessions": n, "everywhere": everywhere}})
	})
	if err != nil {
		return fmt.Errorf("portal sign-out: %w", err)
	}
	return nil
}

// Me returns the acting account with its members, and notes the look at each.
func (s *Service) Me(ctx context.Context) (Account, []Member, error) {
	who, accountID, err := actor(ctx)
	if err != nil {
		return Account{}, nil, err
	}
	var a Account
	var members []Member
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		if a, err = readAccount(ctx, tx, accountID); err != nil {
			return err
		}
		if members, err = s.members(ctx, tx, "account_id = $1 AND state <> 'pending'", accountID); err != nil {
			return err
		}
		for _, m := range members {
			if err := s.look(ctx, tx, who, "portal.view", m.PatientID, "portal_member", m.ID); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return Account{}, nil, fmt.Errorf("portal account: %w", err)
	}
	return a, members, nil
}
