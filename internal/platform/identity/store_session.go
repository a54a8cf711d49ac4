package identity

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"heartline/internal/platform/store"
)

const roleColumns = `r.code, r.name, r.name_en, r.builtin, r.permissions`

func scanRole(row scanner, more ...any) (Role, error) {
	var r Role
	var builtin int
	var perms string
	if err := row.Scan(append([]any{&r.Code, &r.Name, &r.NameEN, &builtin, &perms}, more...)...); err != nil {
		return r, err
	}
	r.Builtin = builtin == 1
	if r.Code == RoleAdmin {
		r.Permissions = All() // also those of later versions
		return r, nil
	}
	if err := json.Unmarshal([]byte(perms), &r.Permissions); err != nil {
		return r, fmt.Errorf("permissions of role %s: %w", r.Code, err)
	}
	r.Permissions = slices.DeleteFunc(r.Permissions, func(p Permission) bool { return !Known(p) })
	return r, nil
}

const roleWithUsers = `SELECT ` + roleColumns + `, (SELECT COUNT(*) FROM user_roles u WHERE u.role = r.code) FROM roles r `

func selectRole(ctx context.Context, tx *store.Tx, code string) (Role, error) {
	var users int
	r, err := scanRole(tx.QueryRow(ctx, roleWithUsers+`WHERE r.code = $1`, code), &users)
	r.Users = users
	return r, err
}

func selectRoles(ctx context.Context, tx *store.Tx) ([]Role, error) {
	rows, err := tx.Query(ctx, roleWithUsers+`ORDER BY r.builtin DESC, r.created_at, r.code`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Role
	for rows.Next() {
		var users int
		r, err := scanRole(rows, &users)
		if err != nil {
			return nil, err
		}
		r.Users = users
		list = append(list, r)
	}
	return list, rows.Err()
}

func selectUserRoles(ctx context.Context, tx *store.Tx, userID string) ([]Role, error) {
	rows, err := tx.Query(ctx, `SELECT `+roleColumns+` FROM roles r JOIN user_roles u ON u.role = r.code WHERE u.user_id = $1 ORDER BY r.code`, userID)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Role
	for rows.Next() {
		r, err := scanRole(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, rows.Err()
}

func insertBuiltinRoles(ctx context.Context, tx *store.Tx, at time.Time) error {
	for i, r := range builtinRoles() {
		perms, err := json.Marshal(r.Permissions)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO roles (code, name, name_en, builtin, permissions, created_at, updated_at)
			VALUES ($1, $2, $3, 1, $4, $5, $5) ON CONFLICT (code) DO NOTHING`,
			r.Code, r.Name, r.NameEN, string(perms), store.Millis(at)+int64(i))
		if err != nil {
			return err
		}
	}
	return nil
}

func insertRole(ctx context.Context, tx *store.Tx, r Role, at time.Time) error {
	perms, err := json.Marshal(r.Permissions)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO roles (code, name, name_en, builtin, permissions, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $6)`,
		r.Code, r.Name, r.NameEN, bit(r.Builtin), string(perms), store.Millis(at))
	return err
}

func updateRole(ctx context.Context, tx *store.Tx, r Role, at time.Time) error {
	perms, err := json.Marshal(r.Permissions)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE roles SET name = $2, name_en = $3, permissions = $4, updated_at = $5 WHERE code = $1`,
		r.Code, r.Name, r.NameEN, string(perms), store.Millis(at))
	return err
}

func deleteRole(ctx context.Context, tx *store.Tx, code string) error {
	_, err := tx.Exec(ctx, `DELETE FROM roles WHERE code = $1`, code)
	return err
}

func replaceRoles(ctx context.Context, tx *store.Tx, userID string, roles []string) error {
	if _, err := tx.Exec(ctx, `DELETE FROM user_roles WHERE user_id = $1`, userID); err != nil {
		return err
	}
	for _, code := range sortedSet(roles) {
		if _, err := tx.Exec(ctx, `INSERT INTO user_roles (user_id, role) VALUES ($1, $2)`, userID, code); err != nil {
			return err
		}
	}
	return nil
}

func sortedSet(in []string) []string { return slices.Compact(sorted(in)) }

const sessionColumns = `s.id, s.user_id, s.ip, s.client, s.created_at, s.seen_at, s.expires_at`

func scanSession(row scanner) (Session, error) {
	var x Session
	var created, seen, expires int64
	err := row.Scan(&x.ID, &x.UserID, &x.IP, &x.Client, &created, &seen, &expires)
	x.CreatedAt, x.SeenAt, x.ExpiresAt = store.Time(created), store.Time(seen), store.Time(expires)
	return x, err
}

func insertSession(ctx context.Context, tx *store.Tx, x Session, hash string) error {
	_, err := tx.Exec(ctx, `INSERT INTO sessions (id, token_hash, user_id, ip, client, created_at, seen_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		x.ID, hash, x.UserID, x.IP, x.Client, store.Millis(x.CreatedAt), store.Millis(x.SeenAt), store.Millis(x.ExpiresAt))
	return err
}

func selectSession(ctx context.Context, tx *store.Tx, hash string) (Session, storedUser, error) {
	x, err := scanSession(tx.QueryRow(ctx, `SELECT `+sessionColumns+` FROM sessions s WHERE s.token_hash = $1`, hash))
	if err != nil {
		return x, storedUser{}, err
	}
	u, err := selectUser(ctx, tx, x.UserID)
	return x, u, err
}

// selectSessions lists a user's sessions that are still good at a time, the
// newest first; the zero time lists all.
func selectSessions(ctx context.Context, tx *store.Tx, userID string, at, idleSince time.Time) ([]Session, error) {
	var now, idle int64
	if !at.IsZero() {
		now, idle = store.Millis(at), store.Millis(idleSince)
	}
	rows, err := tx.Query(ctx, `SELECT `+sessionColumns+` FROM sessions s
		WHERE s.user_id = $1 AND s.expires_at > $2 AND s.seen_at > $3 ORDER BY s.created_at DESC, s.id DESC`, userID, now, idle)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Session
	for rows.Next() {
		x, err := scanSession(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, x)
	}
	return list, rows.Err()
}

func touchSession(ctx context.Context, tx *store.Tx, sessionID string, at time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE sessions SET seen_at = $2 WHERE id = $1 AND seen_at < $2`, sessionID, store.Millis(at))
	return err
}

func deleteSession(ctx context.Context, tx *store.Tx, sessionID string) error {
	_, err := tx.Exec(ctx, `DELETE FROM sessions WHERE id = $1`, sessionID)
	return err
}

func deleteExpired(ctx context.Context, tx *store.Tx, at, idleSince time.Time) error {
	_, err := tx.Exec(ctx, `DELETE FROM sessions WHERE expires_at <= $1 OR seen_at <= $2`, store.Millis(at), store.Millis(idleSince))
	return err
}

// failures are the failed sign-ins of an account or an address.
type failures struct {
	count       int
	first, last time.Time
	until       time.Time // the pause; zero: none
}

func selectFailures(ctx context.Context, tx *store.Tx, subject string) (failures, error) {
	var f failures
	var first, last, until int64
	err := tx.QueryRow(ctx, `SELECT failures, first_at, last_at, until FROM login_failures WHERE subject = $1`, subject).
		Scan(&f.count, &first, &last, &until)
	if store.IsNoRows(err) {
		return failures{}, nil
	}
	f.first, f.last = store.Time(first), store.Time(last)
	if until > 0 {
		f.until = store.Time(until)
	}
	return f, err
}

func upsertFailures(ctx context.Context, tx *store.Tx, subject string, f failures) error {
	var until int64
	if !f.until.IsZero() {
		until = store.Millis(f.until)
	}
	_, err := tx.Exec(ctx, `INSERT INTO login_failures (subject, failures, first_at, last_at, until) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (subject) DO UPDATE SET failures = excluded.failures, first_at = excluded.first_at, last_at = excluded.last_at, until = excluded.until`,
		subject, f.count, store.Millis(f.first), store.Millis(f.last), until)
	return err
}

func deleteFailures(ctx context.Context, tx *store.Tx, subject string) error {
	_, err := tx.Exec(ctx, `DELETE FROM login_failures WHERE subject = $1`, subject)
	return err
}

func selectKnownPermissions(ctx context.Context, tx *store.Tx) (map[Permission]bool, error) {
	rows, err := tx.Query(ctx, `SELECT permission FROM known_permissions`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	known := make(map[Permission]bool)
	for rows.Next() {
		var p Permission
		if err := rows.Scan(&p); err != nil {
			return nil, err
		}
		known[p] = true
	}
	return known, rows.Err()
}

func insertKnownPermissions(ctx context.Context, tx *store.Tx, list []Permission) error {
	for _, p := range list {
		if _, err := tx.Exec(ctx, `INSERT INTO known_permissions (permission) VALUES ($1) ON CONFLICT (permission) DO NOTHING`, string(p)); err != nil {
			return fmt.Errorf("note permission %s: %w", p, err)
		}
	}
	return nil
}
