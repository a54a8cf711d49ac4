package identity

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/store"
)

// storedUser is a user with what never leaves the package.
type storedUser struct {
	User
	password    string
	passwordAt  time.Time
	totp        string
	totpPending string
	totpStep    int64
}

const userColumns = `id, login, name, name_latin, email, password, active, must_change, settings,
	totp, totp_pending, totp_step, last_login, password_at, created_at, updated_at`

type scanner interface{ Scan(dest ...any) error }

func scanUser(row scanner) (storedUser, error) {
	var u storedUser
	var active, change int
	var settings string
	var last, pw, created, updated int64
	err := row.Scan(&u.ID, &u.Login, &u.Name, &u.NameLatin, &u.Email, &u.password, &active, &change, &settings,
		&u.totp, &u.totpPending, &u.totpStep, &last, &pw, &created, &updated)
	if err != nil {
		return u, err
	}
	u.Active, u.MustChange, u.TOTP = active == 1, change == 1, u.totp != ""
	u.passwordAt, u.CreatedAt, u.UpdatedAt = store.Time(pw), store.Time(created), store.Time(updated)
	if last > 0 {
		u.LastLogin = store.Time(last)
	}
	if err := json.Unmarshal([]byte(settings), &u.Settings); err != nil {
		return u, fmt.Errorf("settings of user %s: %w", u.ID, err)
	}
	return u, nil
}

func selectUser(ctx context.Context, tx *store.Tx, userID string) (storedUser, error) {
	u, err := scanUser(tx.QueryRow(ctx, `SELECT `+userColumns+` FROM users WHERE id = $1`, userID))
	if store.IsNoRows(err) {
		return u, errs.New(errs.NotFound, "user.not_found")
	}
	return u, err
}

func selectLogin(ctx context.Context, tx *store.Tx, folded string) (storedUser, error) {
	return scanUser(tx.QueryRow(ctx, `SELECT `+userColumns+` FROM users WHERE login_fold = $1`, folded))
}

func selectUsers(ctx context.Context, tx *store.Tx, f UserFilter) ([]User, error) {
	q := `SELECT ` + userColumns + ` FROM users WHERE login_fold > $1`
	args := []any{f.Cursor}
	if f.Query != "" {
		args = append(args, "%"+escapeLike(fold(f.Query))+"%")
		q += fmt.Sprintf(` AND search LIKE $%d ESCAPE '\'`, len(args))
	}
	if f.Role != "" {
		args = append(args, f.Role)
		q += fmt.Sprintf(` AND id IN (SELECT user_id FROM user_roles WHERE role = $%d)`, len(args))
	}
	if f.Active != nil {
		args = append(args, bit(*f.Active))
		q += fmt.Sprintf(` AND active = $%d`, len(args))
	}
	args = append(args, f.Limit+1)
	q += fmt.Sprintf(` ORDER BY login_fold LIMIT $%d`, len(args))
	rows, err := tx.Query(ctx, q, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []User
	for rows.Next() {
		u, err := scanUser(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, u.User)
	}
	return list, rows.Err()
}

func escapeLike(s string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(s)
}

func selectNames(ctx context.Context, tx *store.Tx, ids []string) (map[string]string, error) {
	q, args := `SELECT id, name FROM users`, []any{}
	if ids = sortedSet(ids); len(ids) > 0 && len(ids) <= 500 {
		for _, x := range ids {
			args = append(args, x)
		}
		marks := make([]string, len(ids))
		for i := range marks {
			marks[i] = fmt.Sprintf("$%d", i+1)
		}
		q += ` WHERE id IN (` + strings.Join(marks, ", ") + `)`
	}
	rows, err := tx.Query(ctx, q, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	names := make(map[string]string)
	for rows.Next() {
		var userID, name string
		if err := rows.Scan(&userID, &name); err != nil {
			return nil, err
		}
		names[userID] = name
	}
	return names, rows.Err()
}

func searchText(u User) string {
	return fold(u.Login + " " + u.Name + " " + u.NameLatin + " " + u.Email)
}

func insertUser(ctx context.Context, tx *store.Tx, u storedUser) error {
	settings, err := json.Marshal(u.Settings)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO users (`+userColumns+`, login_fold, search)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, '', '', 0, 0, $10, $11, $12, $13, $14)`,
		u.ID, u.Login, u.Name, u.NameLatin, u.Email, u.password, bit(u.Active), bit(u.MustChange), string(settings),
		store.Millis(u.passwordAt), store.Millis(u.CreatedAt), store.Millis(u.UpdatedAt), fold(u.Login), searchText(u.User))
	return err
}

func updateUser(ctx context.Context, tx *store.Tx, u storedUser) error {
	settings, err := json.Marshal(u.Settings)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE users SET name = $2, name_latin = $3, email = $4, password = $5, active = $6, must_change = $7,
		settings = $8, password_at = $9, updated_at = $10, search = $11 WHERE id = $1`,
		u.ID, u.Name, u.NameLatin, u.Email, u.password, bit(u.Active), bit(u.MustChange), string(settings),
		store.Millis(u.passwordAt), store.Millis(u.UpdatedAt), searchText(u.User))
	return err
}

func updatePassword(ctx context.Context, tx *store.Tx, userID, hash string, at time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE users SET password = $2, password_at = $3, must_change = 0, updated_at = $3 WHERE id = $1`,
		userID, hash, store.Millis(at))
	return err
}

func updateSettings(ctx context.Context, tx *store.Tx, userID string, v Settings, at time.Time) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE users SET settings = $2, updated_at = $3 WHERE id = $1`, userID, string(raw), store.Millis(at))
	return err
}

// touchLogin notes a sign-in and, when the cost of hashing has changed, the
// renewed hash.
func touchLogin(ctx context.Context, tx *store.Tx, userID, renewed string, at time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE users SET last_login = $2 WHERE id = $1`, userID, store.Millis(at))
	if err != nil || renewed == "" {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE users SET password = $2 WHERE id = $1`, userID, renewed)
	return err
}

func updatePendingTOTP(ctx context.Context, tx *store.Tx, userID, sealed string) error {
	_, err := tx.Exec(ctx, `UPDATE users SET totp_pending = $2 WHERE id = $1`, userID, sealed)
	return err
}

func updateTOTP(ctx context.Context, tx *store.Tx, userID, sealed string, step int64) error {
	_, err := tx.Exec(ctx, `UPDATE users SET totp = $2, totp_pending = '', totp_step = $3 WHERE id = $1`, userID, sealed, step)
	return err
}

func useStep(ctx context.Context, tx *store.Tx, userID string, step int64) (int64, error) {
	return tx.Exec(ctx, `UPDATE users SET totp_step = $2 WHERE id = $1 AND totp_step < $2`, userID, step)
}

func replaceRecoveryCodes(ctx context.Context, tx *store.Tx, userID string, hashes []string) error {
	if _, err := tx.Exec(ctx, `DELETE FROM recovery_codes WHERE user_id = $1`, userID); err != nil {
		return err
	}
	for _, h := range hashes {
		if _, err := tx.Exec(ctx, `INSERT INTO recovery_codes (user_id, hash, used_at) VALUES ($1, $2, 0)`, userID, h); err != nil {
			return err
		}
	}
	return nil
}

func hasRecoveryCode(ctx context.Context, tx *store.Tx, userID, hash string) (bool, error) {
	var n int
	err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM recovery_codes WHERE user_id = $1 AND hash = $2 AND used_at = 0`, userID, hash).Scan(&n)
	return n > 0, err
}

func useRecoveryCode(ctx context.Context, tx *store.Tx, userID, hash string, at time.Time) (int64, error) {
	return tx.Exec(ctx, `UPDATE recovery_codes SET used_at = $3 WHERE user_id = $1 AND hash = $2 AND used_at = 0`, userID, hash, store.Millis(at))
}

func countRecoveryCodes(ctx context.Context, tx *store.Tx, userID string) (n int, err error) {
	err = tx.QueryRow(ctx, `SELECT COUNT(*) FROM recovery_codes WHERE user_id = $1 AND used_at = 0`, userID).Scan(&n)
	return n, err
}

func replaceDepartments(ctx context.Context, tx *store.Tx, userID string, ids []string) error {
	if _, err := tx.Exec(ctx, `DELETE FROM user_departments WHERE user_id = $1`, userID); err != nil {
		return err
	}
	for _, d := range sortedSet(ids) {
		if _, err := tx.Exec(ctx, `INSERT INTO user_departments (user_id, department_id) VALUES ($1, $2)`, userID, d); err != nil {
			return err
		}
	}
	return nil
}

func selectUserDepartments(ctx context.Context, tx *store.Tx, userID string) ([]string, error) {
	rows, err := tx.Query(ctx, `SELECT department_id FROM user_departments WHERE user_id = $1 ORDER BY department_id`, userID)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []string
	for rows.Next() {
		var d string
		if err := rows.Scan(&d); err != nil {
			return nil, err
		}
		list = append(list, d)
	}
	return list, rows.Err()
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}
