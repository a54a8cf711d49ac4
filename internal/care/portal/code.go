package portal

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"math/big"
	"strings"
	"time"

	"heartline/internal/platform/audit"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/id"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// CodeRequest asks for a sign-in code.
type CodeRequest struct {
	Phone     string
	Lang      string
	IP        string
	RequestID string
}

// Sent says when another code may be asked for and how long this one lives. It
// is the same for every number, known or not.
type Sent struct {
	Resend time.Duration
	Life   time.Duration
}

// SignIn is a telephone number with the code that was sent to it.
type SignIn struct {
	Phone     string
	Code      string
	Lang      string
	IP        string
	Client    string
	RequestID string
}

// Mobile brings a number to the eleven digits of a Chinese mobile, the only
// kind that gets codes. Spaces, +86 and the like are taken off.
func Mobile(s string) (number string, ok bool) {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r >= '０' && r <= '９':
			b.WriteRune(r - '０' + '0')
		case r >= '0' && r <= '9':
			b.WriteRune(r)
		case !strings.ContainsRune(" +-()（）　", r):
			return "", false
		}
	}
	d := b.String()
	if len(d) > 11 {
		d = strings.TrimPrefix(strings.TrimPrefix(d, "00"), "86")
	}
	d = strings.TrimPrefix(d, "0")
	return d, len(d) == 11 && d[0] == '1' && d[1] >= '3'
}

// RequestCode sends a fresh code to a number. A number that nobody knows gets
// one too: it may become an account.
func (s *Service) RequestCode(ctx context.Context, r CodeRequest) (Sent, error) {
	phone, ok := Mobile(r.Phone)
	if !ok {
		return Sent{}, errs.InvalidField("phone", "portal.phone_invalid")
	}
	code, err := newCode()
	if err != nil {
		return Sent{}, err
	}
	idx, now := s.keys.Index("portal.phone", phone), s.now()
	var wait time.Duration
	err = s.db.Write(ctx, func(tx *store.Tx) (err error) {
		if wait, err = s.maySend(ctx, tx, idx, r.IP, now); err != nil || wait > 0 {
			return err
		}
		if err := putCode(ctx, tx, storedCode{phone: idx, hash: s.codeHash(phone, code), sentAt: now, expiresAt: now.Add(s.policy.CodeLife)}); err != nil {
			return err
		}
		err = s.codes.SendCode(ctx, tx, Code{Phone: phone, Code: code, Lang: r.Lang, Minutes: int(s.policy.CodeLife / time.Minute), Key: "portal.code:" + id.New()})
		if err != nil {
			return fmt.Errorf("send code: %w", err)
		}
		return s.record(ctx, tx, Guest(r.IP, r.RequestID), audit.Entry{Action: "portal.code", Object: "portal_phone", ObjectID: idx[:16]})
	})
	if err != nil {
		return Sent{}, fmt.Errorf("request code: %w", err)
	}
	if wait > 0 {
		return Sent{}, errs.New(errs.Limited, "portal.code_wait", "seconds", int(wait.Seconds())+1)
	}
	return Sent{Resend: s.policy.Resend, Life: s.policy.CodeLife}, nil
}

// maySend counts the request and returns how long the number or the address
// has to wait, 0 when a code may go out.
func (s *Service) maySend(ctx context.Context, tx *store.Tx, phoneIdx, ip string, now time.Time) (time.Duration, error) {
	last, err := getCode(ctx, tx, phoneIdx)
	if err != nil && !store.IsNoRows(err) {
		return 0, fmt.Errorf("read code: %w", err)
	}
	if err == nil && now.Before(last.sentAt.Add(s.policy.Resend)) {
		return last.sentAt.Add(s.policy.Resend).Sub(now), nil
	}
	if err := forgetCounts(ctx, tx, now); err != nil {
		return 0, err
	}
	for _, l := range []limit{
		{"code-hour:" + phoneIdx, time.Hour, s.policy.CodesPerHour},
		{"code-day:" + phoneIdx, 24 * time.Hour, s.policy.CodesPerDay},
		{"code-address:" + s.keys.Index("portal.address", ip), time.Hour, s.policy.AddressPerHour},
		{"code-house", time.Hour, s.policy.HousePerHour},
	} {
		wait, err := l.count(ctx, tx, now)
		if err != nil || wait > 0 {
			return wait, err
		}
	}
	return 0, nil
}

// limit is how often something may happen in a span of time.
type limit struct {
	subject string
	span    time.Duration
	most    int
}

// count counts one more, and returns how long to wait when it was one too many.
func (l limit) count(ctx context.Context, tx *store.Tx, now time.Time) (time.Duration, error) {
	since := now.Truncate(l.span)
	n, err := addCount(ctx, tx, l.subject, since, since.Add(l.span))
	if err != nil || n <= l.most {
		return 0, err
	}
	return since.Add(l.span).Sub(now), nil
}

// full reports how long to wait without counting.
func (l limit) full(ctx context.Context, tx *store.Tx, now time.Time) (time.Duration, error) {
	since := now.Truncate(l.span)
	n, err := readCount(ctx, tx, l.subject, since)
	if err != nil || n < l.most {
		return 0, err
	}
	return since.Add(l.span).Sub(now), nil
}

func newCode() (string, error) {
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		return "", fmt.Errorf("code: %w", err)
	}
	return fmt.Sprintf("%06d", n), nil
}

func (s *Service) codeHash(phone, code string) string {
	return s.keys.Index("portal.code", phone+":"+code)
}

// outcome is what became of a sign-in inside its transaction.
type outcome struct {
	session Session
	wait    time.Duration
	wrong   bool
}

// SignIn opens a session for a number with the right code, and an account when
// the number has none. A wrong code, an old one and one that was never sent
// get the same answer.
func (s *Service) SignIn(ctx context.Context, in SignIn) (Session, error) {
	phone, ok := Mobile(in.Phone)
	if !ok {
		return Session{}, errs.InvalidField("phone", "portal.phone_invalid")
	}
	var got outcome
	err := s.db.Write(ctx, func(tx *store.Tx) (err error) {
		got = outcome{}
		now, wrongs := s.now(), limit{"wrong-address:" + s.keys.Index("portal.address", in.IP), time.Hour, s.policy.WrongPerHour}
		if got.wait, err = wrongs.full(ctx, tx, now); err != nil || got.wait > 0 {
			return err
		}
		right, err := s.checkCode(ctx, tx, phone, strings.TrimSpace(in.Code), now)
		if err != nil {
			return err
		}
		if !right {
			got.wrong = true
			if _, err := wrongs.count(ctx, tx, now); err != nil {
				return err
			}
			return s.record(ctx, tx, Guest(in.IP, in.RequestID), audit.Entry{Action: "portal.refused", Object: "portal_phone",
				ObjectID: s.keys.Index("portal.phone", phone)[:16], Detail: map[string]any{"why": "portal.code_wrong"}})
		}
		got.session, err = s.open(ctx, tx, phone, in, now)
		return err
	})
	switch {
	case err != nil:
		return Session{}, fmt.Errorf("portal sign-in: %w", err)
	case got.wait > 0:
		return Session{}, errs.New(errs.Limited, "portal.code_wait", "seconds", int(got.wait.Seconds())+1)
	case got.wrong:
		return Session{}, errs.New(errs.Unknown, "portal.code_wrong")
	}
	return got.session, nil
}

// checkCode counts a try, so that many at once get no more guesses than one
// after another, and takes the code away when it was right.
func (s *Service) checkCode(ctx context.Context, tx *store.Tx, phone, code string, now time.Time) (bool, error) {
	idx := s.keys.Index("portal.phone", phone)
	hash, err := tryCode(ctx, tx, idx, s.policy.CodeTries, now)
	if store.IsNoRows(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("try code: %w", err)
	}
	if subtle.ConstantTimeCompare([]byte(hash), []byte(s.codeHash(phone, code))) != 1 {
		return false, nil
	}
	return true, spendCode(ctx, tx, idx)
}

// open makes the session, and the account on its first use.
func (s *Service) open(ctx context.Context, tx *store.Tx, phone string, in SignIn, now time.Time) (Session, error) {
	a, err := s.account(ctx, tx, phone, in.Lang, now)
	if err != nil {
		return Session{}, err
	}
	x := Session{ID: id.New(), AccountID: a, Token: s.keys.Token(), IP: in.IP, Client: cut(in.Client, 200),
		CreatedAt: now, SeenAt: now, ExpiresAt: now.Add(s.policy.Absolute)}
	if err := forgetSessions(ctx, tx, a, now, now.Add(-s.policy.Idle), s.policy.Sessions-1); err != nil {
		return Session{}, err
	}
	if err := insertSession(ctx, tx, x, tokenHash(x.Token)); err != nil {
		return Session{}, err
	}
	return x, s.record(ctx, tx, x.Principal(in.IP, in.RequestID), audit.Entry{Action: "portal.sign_in", Object: "portal_account", ObjectID: a})
}

func (s *Service) account(ctx context.Context, tx *store.Tx, phone, lang string, now time.Time) (string, error) {
	idx := s.keys.Index("portal.phone", phone)
	accountID, err := findAccount(ctx, tx, idx)
	if err == nil {
		return accountID, touchAccount(ctx, tx, accountID, lang, now)
	}
	if !store.IsNoRows(err) {
		return "", fmt.Errorf("find account: %w", err)
	}
	accountID = id.New()
	sealed, err := s.keys.Seal(phone, "portal_accounts:"+accountID+":phone")
	if err != nil {
		return "", fmt.Errorf("seal phone: %w", err)
	}
	who := identity.Principal{UserID: Actor(accountID), Name: Actor(accountID)}
	if err := insertAccount(ctx, tx, accountID, sealed, idx, phone[:3]+"****"+phone[7:], lang, now); err != nil {
		return "", err
	}
	return accountID, s.record(ctx, tx, who, audit.Entry{Action: "portal.account", Object: "portal_account", ObjectID: accountID})
}
