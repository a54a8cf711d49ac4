package identity

import (
	"context"
	"fmt"
	"time"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/event"
	"heartline/internal/platform/store"
)

// Authenticate returns whose session a token opens. Using a session keeps it
// from going idle.
func (s *Service) Authenticate(ctx context.Context, token string) (Principal, error) {
	if len(token) < 20 || len(token) > 100 {
		return Principal{}, errs.New(errs.Unknown, "auth.required")
	}
	var p Principal
	var seen time.Time
	now := s.now()
	err := s.db.Read(ctx, func(tx *store.Tx) error {
		sess, u, err := selectSession(ctx, tx, tokenHash(token))
		if store.IsNoRows(err) {
			return errs.New(errs.Unknown, "auth.required")
		}
		if err != nil {
			return fmt.Errorf("read session: %w", err)
		}
		if !now.Before(sess.ExpiresAt) || now.Sub(sess.SeenAt) >= s.policy.Idle || !u.Active {
			return errs.New(errs.Unknown, "auth.expired")
		}
		seen = sess.SeenAt
		p, err = principalOf(ctx, tx, u)
		p.SessionID = sess.ID
		return err
	})
	if err != nil {
		return Principal{}, err
	}
	if now.Sub(seen) >= time.Minute {
		err = s.db.Write(ctx, func(tx *store.Tx) error { return touchSession(ctx, tx, p.SessionID, now) })
	}
	return p, err
}

func principalOf(ctx context.Context, tx *store.Tx, u storedUser) (Principal, error) {
	p := Principal{UserID: u.ID, Name: u.Name, Login: u.Login, MustChange: u.MustChange, Permissions: map[Permission]bool{}}
	roles, err := selectUserRoles(ctx, tx, u.ID)
	if err != nil {
		return p, fmt.Errorf("read roles: %w", err)
	}
	for _, r := range roles {
		p.Roles = append(p.Roles, r.Code)
		for _, x := range r.Permissions {
			p.Permissions[x] = true
		}
	}
	p.Departments, err = selectUserDepartments(ctx, tx, u.ID)
	return p, err
}

// Logout ends the acting principal's session.
func (s *Service) Logout(ctx context.Context) error {
	p, err := Require(ctx)
	if err != nil {
		return err
	}
	return s.endSessions(ctx, "session.close", p.UserID, func(x Session) bool { return x.ID == p.SessionID })
}

// Sessions lists the acting principal's sessions, the newest first.
func (s *Service) Sessions(ctx context.Context) ([]Session, error) {
	p, err := Require(ctx)
	if err != nil {
		return nil, err
	}
	return s.sessionsOf(ctx, p, p.UserID)
}

// UserSessions lists another user's sessions.
func (s *Service) UserSessions(ctx context.Context, userID string) ([]Session, error) {
	p, err := Require(ctx, AdminUsers)
	if err != nil {
		return nil, err
	}
	return s.sessionsOf(ctx, p, userID)
}

func (s *Service) sessionsOf(ctx context.Context, p Principal, userID string) (list []Session, err error) {
	now := s.now()
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		list, err = selectSessions(ctx, tx, userID, now, now.Add(-s.policy.Idle))
		return err
	})
	for i := range list {
		list[i].Current = list[i].ID == p.SessionID
	}
	return list, err
}

// Revoke ends one of the acting principal's sessions.
func (s *Service) Revoke(ctx context.Context, sessionID string) error {
	p, err := Require(ctx)
	if err != nil {
		return err
	}
	return s.endSessions(ctx, "session.revoke", p.UserID, func(x Session) bool { return x.ID == sessionID })
}

// RevokeUser signs a user out everywhere.
func (s *Service) RevokeUser(ctx context.Context, userID string) error {
	if _, err := Require(ctx, AdminUsers); err != nil {
		return err
	}
	return s.endSessions(ctx, "session.revoke", userID, nil)
}

// endSessions ends those sessions of a user that match; with no match given,
// all, and then it is no error when there are none.
func (s *Service) endSessions(ctx context.Context, action, userID string, match func(Session) bool) error {
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		ended, err := s.endSessionsTx(ctx, tx, action, userID, match)
		if err == nil && match != nil && ended == 0 {
			return errs.New(errs.NotFound, "session.not_found")
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("end sessions: %w", err)
	}
	return nil
}

func (s *Service) endSessionsTx(ctx context.Context, tx *store.Tx, action, userID string, match func(Session) bool) (int, error) {
	list, err := selectSessions(ctx, tx, userID, time.Time{}, time.Time{})
	if err != nil {
		return 0, err
	}
	ended := 0
	for _, x := range list {
		if match != nil && !match(x) {
			continue
		}
		if err := deleteSession(ctx, tx, x.ID); err != nil {
			return 0, err
		}
		if err := s.record(ctx, tx, action, "session", x.ID, map[string]any{"user": userID}); err != nil {
			return 0, err
		}
		event.PublishTx(tx, s.bus, SessionEnded{SessionID: x.ID, UserID: userID})
		ended++
	}
	return ended, nil
}
