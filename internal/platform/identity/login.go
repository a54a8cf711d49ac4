package identity

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"time"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/id"
	"heartline/internal/platform/store"
)

// Login signs a person in by login, password and, where it is on, the code of
// the second factor.
func (s *Service) Login(ctx context.Context, login, password, totp, ip string) (Session, error) {
	return s.SignIn(ctx, Credentials{Login: login, Password: password, TOTP: totp, IP: ip})
}

// SignIn is Login with all that is known about the attempt. A wrong password,
// an unknown login and a deactivated user get the same answer after the same
// work; too many of them pause the account and the address.
func (s *Service) SignIn(ctx context.Context, c Credentials) (Session, error) {
	if wait, err := s.attempt(ctx, c); err != nil || wait > 0 {
		if err == nil {
			err = errs.New(errs.Limited, "auth.paused", "seconds", int(wait.Seconds())+1)
		}
		return Session{}, err
	}
	u, found, err := s.findLogin(ctx, c.Login)
	if err != nil {
		return Session{}, err
	}
	hash := s.hasher.dummy
	if found {
		hash = u.password
	}
	ok, renew := s.hasher.verify(c.Password, hash)
	if !ok || !found || !u.Active {
		return Session{}, s.refuse(ctx, c, u.ID, "auth.invalid")
	}
	factor, ok, err := s.secondFactor(ctx, u, c.TOTP)
	if err != nil {
		return Session{}, err
	}
	if !ok && c.TOTP == "" {
		return Session{}, s.askFactor(ctx, c)
	}
	if !ok {
		return Session{}, s.refuse(ctx, c, u.ID, "auth.totp_invalid")
	}
	return s.open(ctx, c, u, factor, renew)
}

func (s *Service) findLogin(ctx context.Context, login string) (u storedUser, found bool, err error) {
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		u, err = selectLogin(ctx, tx, fold(login))
		if store.IsNoRows(err) {
			return nil
		}
		found = err == nil
		return err
	})
	if err != nil {
		return u, false, fmt.Errorf("find login: %w", err)
	}
	return u, found, nil
}

// subjects names the account and the address of an attempt without keeping
// what was typed as a login.
func (s *Service) subjects(c Credentials) []string {
	return []string{"account:" + s.keys.Index("login", fold(c.Login)), "address:" + c.IP}
}

// attempt counts an attempt before it is decided, so that many at once get no
// more guesses than one after another. It returns how long the account or the
// address still has to pause.
func (s *Service) attempt(ctx context.Context, c Credentials) (wait time.Duration, err error) {
	now := s.now()
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		wait = 0
		subjects := s.subjects(c)
		counts := make([]failures, len(subjects))
		for i, subject := range subjects {
			if counts[i], err = selectFailures(ctx, tx, subject); err != nil {
				return err
			}
			wait = max(wait, counts[i].until.Sub(now))
		}
		if wait > 0 {
			return nil
		}
		for i, subject := range subjects {
			if err := upsertFailures(ctx, tx, subject, s.policy.more(counts[i], s.limit(i), now)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("count sign-in: %w", err)
	}
	return max(wait, 0), nil
}

// limit is the number of failures that the account (0) or the address (1) has.
func (s *Service) limit(subject int) int {
	if subject == 0 {
		return s.policy.AccountFailures
	}
	return s.policy.AddressFailures
}

// more adds a failure and, from the limit on, a pause that doubles.
func (p Policy) more(f failures, limit int, now time.Time) failures {
	if f.count > 0 && now.Sub(f.last) > p.Window {
		f = failures{}
	}
	if f.count == 0 {
		f.first = now
	}
	f.count++
	f.last, f.until = now, time.Time{}
	if over := f.count - limit; over >= 0 {
		f.until = now.Add(min(p.Pause<<min(over, 10), p.LongestPause))
	}
	return f
}

// takeBack undoes the count of an attempt that was no failure.
func (s *Service) takeBack(ctx context.Context, tx *store.Tx, subject string, limit int) error {
	f, err := selectFailures(ctx, tx, subject)
	if err != nil || f.count == 0 {
		return err
	}
	if f.count--; f.count < limit {
		f.until = time.Time{}
	}
	return upsertFailures(ctx, tx, subject, f)
}

// askFactor answers a right password without the code that is also needed.
func (s *Service) askFactor(ctx context.Context, c Credentials) error {
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		for i, subject := range s.subjects(c) {
			if err := s.takeBack(ctx, tx, subject, s.limit(i)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("sign in: %w", err)
	}
	return errs.New(errs.Unknown, "auth.totp_required")
}

// refuse notes a failed attempt in the audit log and answers it.
func (s *Service) refuse(ctx context.Context, c Credentials, userID, key string) error {
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		actor := Principal{UserID: "anonymous", IP: c.IP, RequestID: c.RequestID}
		return s.recordAs(ctx, tx, actor, "session.refused", "user", userID, map[string]any{"why": key})
	})
	if err != nil {
		return fmt.Errorf("note failed sign-in: %w", err)
	}
	return errs.New(errs.Unknown, key)
}

// factorUse is what a sign-in consumed of the second factor.
type factorUse struct {
	step     int64  // time step of a code
	recovery string // hash of a recovery code
}

// open creates the session.
func (s *Service) open(ctx context.Context, c Credentials, u storedUser, used factorUse, renew bool) (Session, error) {
	token, err := newToken()
	if err != nil {
		return Session{}, err
	}
	renewed := ""
	if renew {
		if renewed, err = s.hasher.hash(c.Password); err != nil {
			return Session{}, err
		}
	}
	now := s.now()
	sess := Session{
		ID: id.New(), Token: token, UserID: u.ID, IP: c.IP, Client: cut(c.Client, 200), Current: true,
		CreatedAt: now, SeenAt: now, ExpiresAt: now.Add(s.policy.Absolute),
	}
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		if err := consumeFactor(ctx, tx, u.ID, used, now); err != nil {
			return err
		}
		if err := s.forgive(ctx, tx, c); err != nil {
			return err
		}
		if err := deleteExpired(ctx, tx, now, now.Add(-s.policy.Idle)); err != nil {
			return err
		}
		if err := insertSession(ctx, tx, sess, tokenHash(token)); err != nil {
			return err
		}
		if err := touchLogin(ctx, tx, u.ID, renewed, now); err != nil {
			return err
		}
		actor := Principal{UserID: u.ID, Name: u.Name, IP: c.IP, RequestID: c.RequestID}
		return s.recordAs(ctx, tx, actor, "session.open", "session", sess.ID,
			map[string]any{"second_factor": used != factorUse{}, "recovery_code": used.recovery != ""})
	})
	if err != nil {
		return Session{}, fmt.Errorf("open session: %w", err)
	}
	return sess, nil
}

// forgive clears the account's failures after a right sign-in; the address
// only gets this attempt back.
func (s *Service) forgive(ctx context.Context, tx *store.Tx, c Credentials) error {
	subjects := s.subjects(c)
	if err := deleteFailures(ctx, tx, subjects[0]); err != nil {
		return err
	}
	return s.takeBack(ctx, tx, subjects[1], s.limit(1))
}

// newToken returns 256 random bits.
func newToken() (string, error) {
	b := make([]byte, 32)
	if _, err := rand.Read(b); err != nil {
		return "", fmt.Errorf("token: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b), nil
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
