package portal

import (
	"context"
	"fmt"
	"time"

	"heartline/internal/platform/store"
)

const (
	memberColumns = `id, account_id, patient_id, relation, state, name_sealed, document_type, document_sealed, birth_date, sex, created_at,
	verified_at, verified_by`
	sessionColumns = "id, account_id, ip, client, created_at, seen_at, expires_at"
)

// storedCode is the live code of a number.
type storedCode struct {
	phone, hash       string
	sentAt, expiresAt time.Time
}

func getCode(ctx context.Context, tx *store.Tx, phoneIdx string) (c storedCode, err error) {
	var sent, expires int64
	err = tx.QueryRow(ctx, "SELECT phone_idx, code_hash, sent_at, expires_at FROM portal_codes WHERE phone_idx = $1", phoneIdx).
		Scan(&c.phone, &c.hash, &sent, &expires)
	c.sentAt, c.expiresAt = store.Time(sent), store.Time(expires)
	return c, err
}

func putCode(ctx context.Context, tx *store.Tx, c storedCode) error {
	_, err := tx.Exec(ctx, `INSERT INTO portal_codes (phone_idx, code_hash, tries, sent_at, expires_at) VALUES ($1, $2, 0, $3, $4)
		ON CONFLICT (phone_idx) DO UPDATE SET code_hash = excluded.code_hash, tries = 0, sent_at = excluded.sent_at, expires_at = excluded.expires_at`,
		c.phone, c.hash, store.Millis(c.sentAt), store.Millis(c.expiresAt))
	if err != nil {
		return fmt.Errorf("put code: %w", err)
	}
	return nil
}

// tryCode counts a try and returns the hash, or no rows when there is no live
// code with tries left.
func tryCode(ctx context.Context, tx *store.Tx, phoneIdx string, most int, now time.Time) (hash string, err error) {
	err = tx.QueryRow(ctx, `UPDATE portal_codes SET tries = tries + 1 WHERE phone_idx = $1 AND tries < $2 AND expires_at > $3 RETURNING code_hash`,
		phoneIdx, most, store.Millis(now)).Scan(&hash)
	return hash, err
}

// spendCode makes a used code worthless; when it was sent still counts.
func spendCode(ctx context.Context, tx *store.Tx, phoneIdx string) error {
	if _, err := tx.Exec(ctx, "UPDATE portal_codes SET code_hash = '', expires_at = 0 WHERE phone_idx = $1", phoneIdx); err != nil {
		return fmt.Errorf("spend code: %w", err)
	}
	return nil
}

func addCount(ctx context.Context, tx *store.Tx, subject string, since, until time.Time) (n int, err error) {
	err = tx.QueryRow(ctx, `INSERT INTO portal_counts (subject, since, until, happened) VALUES ($1, $2, $3, 1)
		ON CONFLICT (subject, since) DO UPDATE SET happened = portal_counts.happened + 1 RETURNING happened`,
		subject, store.Millis(since), store.Millis(until)).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count: %w", err)
	}
	return n, nil
}

func readCount(ctx context.Context, tx *store.Tx, subject string, since time.Time) (n int, err error) {
	err = tx.QueryRow(ctx, "SELECT COALESCE(SUM(happened), 0) FROM portal_counts WHERE subject = $1 AND since = $2", subject, store.Millis(since)).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("read count: %w", err)
	}
	return n, nil
}

// forgetCounts clears spans that are over, and codes that nobody may use again.
func forgetCounts(ctx context.Context, tx *store.Tx, now time.Time) error {
	if _, err := tx.Exec(ctx, "DELETE FROM portal_counts WHERE until <= $1", store.Millis(now)); err != nil {
		return fmt.Errorf("forget counts: %w", err)
	}
	if _, err := tx.Exec(ctx, "DELETE FROM portal_codes WHERE sent_at <= $1", store.Millis(now.Add(-24*time.Hour))); err != nil {
		return fmt.Errorf("forget codes: %w", err)
	}
	return nil
}

func findAccount(ctx context.Context, tx *store.Tx, phoneIdx string) (accountID string, err error) {
	err = tx.QueryRow(ctx, "SELECT id FROM portal_accounts WHERE phone_idx = $1", phoneIdx).Scan(&accountID)
	return accountID, err
}

func insertAccount(ctx context.Context, tx *store.Tx, accountID, sealed, idx, masked, lang string, now time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO portal_accounts (id, phone_sealed, phone_idx, phone_masked, lang, last_at, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $6)`, accountID, sealed, idx, masked, lang, store.Millis(now))
	if err != nil {
		return fmt.Errorf("insert account: %w", err)
	}
	return nil
}

func touchAccount(ctx context.Context, tx *store.Tx, accountID, lang string, now time.Time) error {
	_, err := tx.Exec(ctx, "UPDATE portal_accounts SET last_at = $2, lang = CASE WHEN $3 = '' THEN lang ELSE $3 END WHERE id = $1",
		accountID, store.Millis(now), lang)
	if err != nil {
		return fmt.Errorf("touch account: %w", err)
	}
	return nil
}

func readAccount(ctx context.Context, tx *store.Tx, accountID string) (a Account, err error) {
	var last, created int64
	err = tx.QueryRow(ctx, "SELECT id, phone_masked, lang, last_at, created_at FROM portal_accounts WHERE id = $1", accountID).
		Scan(&a.ID, &a.Phone, &a.Lang, &last, &created)
	if err != nil {
		return a, fmt.Errorf("read account: %w", err)
	}
	a.LastAt, a.CreatedAt = store.Time(last), store.Time(created)
	return a, nil
}

func (s *Service) phoneOf(ctx context.Context, tx *store.Tx, accountID string) (string, error) {
	var sealed string
	if err := tx.QueryRow(ctx, "SELECT phone_sealed FROM portal_accounts WHERE id = $1", accountID).Scan(&sealed); err != nil {
		return "", fmt.Errorf("read phone: %w", err)
	}
	return s.keys.Unseal(sealed, "portal_accounts:"+accountID+":phone")
}

func insertSession(ctx context.Context, tx *store.Tx, x Session, hash string) error {
	_, err := tx.Exec(ctx, `INSERT INTO portal_sessions (id, token_hash, account_id, ip, client, created_at, seen_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, x.ID, hash, x.AccountID, x.IP, x.Client, store.Millis(x.CreatedAt), store.Millis(x.SeenAt), store.Millis(x.ExpiresAt))
	if err != nil {
		return fmt.Errorf("insert session: %w", err)
	}
	return nil
}

func findSession(ctx context.Context, tx *store.Tx, hash string) (x Session, err error) {
	var created, seen, expires int64
	err = tx.QueryRow(ctx, "SELECT "+sessionColumns+" FROM portal_sessions WHERE token_hash = $1", hash).
		Scan(&x.ID, &x.AccountID, &x.IP, &x.Client, &created, &seen, &expires)
	x.CreatedAt, x.SeenAt, x.ExpiresAt = store.Time(created), store.Time(seen), store.Time(expires)
	return x, err
}

func touchSession(ctx context.Context, tx *store.Tx, sessionID string, now time.Time) error {
	if _, err := tx.Exec(ctx, "UPDATE portal_sessions SET seen_at = $2 WHERE id = $1", sessionID, store.Millis(now)); err != nil {
		return fmt.Errorf("touch session: %w", err)
	}
	return nil
}

// deleteSessions ends one session of an account, or with only "" all of them.
func deleteSessions(ctx context.Context, tx *store.Tx, accountID, only string) (int64, error) {
	n, err := tx.Exec(ctx, "DELETE FROM portal_sessions WHERE account_id = $1 AND ($2 = '' OR id = $2)", accountID, only)
	if err != nil {
		return 0, fmt.Errorf("end sessions: %w", err)
	}
	return n, nil
}

// forgetSessions clears what has ended anywhere, and the oldest sessions of
// an account beyond keep.
func forgetSessions(ctx context.Context, tx *store.Tx, accountID string, now, idle time.Time, keep int) error {
	if _, err := tx.Exec(ctx, "DELETE FROM portal_sessions WHERE expires_at <= $1 OR seen_at <= $2", store.Millis(now), store.Millis(idle)); err != nil {
		return fmt.Errorf("forget sessions: %w", err)
	}
	_, err := tx.Exec(ctx, `DELETE FROM portal_sessions WHERE account_id = $1 AND id NOT IN
		(SELECT id FROM portal_sessions WHERE account_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2)`, accountID, keep)
	if err != nil {
		return fmt.Errorf("forget old sessions: %w", err)
	}
	return nil
}
