package patient

import (
	"context"
	"fmt"
	"time"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/store"
)

const accessColumns = "id, patient_id, user_id, user_name, reason, at, until, reviewed_at, reviewed_by, review_note"

// longestChain is how often in a row records may have been merged.
const longestChain = 20

// follow walks from a merged record to the one that stands for it.
func follow(ctx context.Context, tx *store.Tx, patientID string) (current string, restricted bool, err error) {
	current = patientID
	for range longestChain {
		var into string
		var flag int64
		err := tx.QueryRow(ctx, "SELECT merged_into, restricted FROM patients WHERE id = $1", current).Scan(&into, &flag)
		if store.IsNoRows(err) {
			return "", false, notFound()
		}
		if err != nil {
			return "", false, fmt.Errorf("resolve patient: %w", err)
		}
		if into == "" {
			return current, flag != 0, nil
		}
		current = into
	}
	return "", false, fmt.Errorf("resolve patient: merged in a circle")
}

// mergedInto lists the records that were merged into one, however deep.
func mergedInto(ctx context.Context, tx *store.Tx, patientID string) ([]string, error) {
	var out []string
	todo := []string{patientID}
	for len(todo) > 0 && len(out) < 100 {
		rows, err := tx.Query(ctx, "SELECT id FROM patients WHERE merged_into = $1 AND merged_into <> ''", todo[0])
		if err != nil {
			return nil, fmt.Errorf("read merged records: %w", err)
		}
		todo = todo[1:]
		for rows.Next() {
			var one string
			if err := rows.Scan(&one); err != nil {
				return nil, fmt.Errorf("scan merged records: %w", err)
			}
			out, todo = append(out, one), append(todo, one)
		}
		if err := rows.Err(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func hasAccess(ctx context.Context, tx *store.Tx, patientID, userID string, now time.Time) (bool, error) {
	var n int
	err := tx.QueryRow(ctx, "SELECT COUNT(*) FROM break_glass WHERE patient_id = $1 AND user_id = $2 AND until > $3",
		patientID, userID, store.Millis(now)).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("check emergency access: %w", err)
	}
	return n > 0, nil
}

func insertAccess(ctx context.Context, tx *store.Tx, a Access) error {
	_, err := tx.Exec(ctx, "INSERT INTO break_glass ("+accessColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7, 0, '', '')",
		a.ID, a.PatientID, a.UserID, a.UserName, a.Reason, store.Millis(a.At), store.Millis(a.Until))
	if err != nil {
		return fmt.Errorf("store emergency access: %w", err)
	}
	return nil
}

func scanAccess(row interface{ Scan(...any) error }) (Access, error) {
	var a Access
	var at, until, reviewed int64
	err := row.Scan(&a.ID, &a.PatientID, &a.UserID, &a.UserName, &a.Reason, &at, &until, &reviewed, &a.ReviewedBy, &a.ReviewNote)
	a.At, a.Until, a.ReviewedAt = store.Time(at), store.Time(until), fromMillis(reviewed)
	return a, err
}

func loadAccess(ctx context.Context, tx *store.Tx, accessID string) (Access, error) {
	a, err := scanAccess(tx.QueryRow(ctx, "SELECT "+accessColumns+" FROM break_glass WHERE id = $1", accessID))
	if store.IsNoRows(err) {
		return a, errs.New(errs.NotFound, "patient.access_not_found")
	}
	if err != nil {
		return a, fmt.Errorf("read emergency access: %w", err)
	}
	return a, nil
}

func queryAccesses(ctx context.Context, tx *store.Tx, patientID string, pending bool, at int64, last string, limit int) ([]Access, error) {
	cond, args := "TRUE", []any{}
	add := func(format string, vals ...any) {
		idx := make([]any, len(vals))
		for i := range vals {
			idx[i] = len(args) + 1 + i
		}
		cond += " AND " + fmt.Sprintf(format, idx...)
		args = append(args, vals...)
	}
	if patientID != "" {
		add("patient_id = $%d", patientID)
	}
	if pending {
		add("reviewed_at = 0")
	}
	if last != "" {
		add("(at, id) < ($%d, $%d)", at, last)
	}
	args = append(args, int64(limit))
	rows, err := tx.Query(ctx, "SELECT "+accessColumns+" FROM break_glass WHERE "+cond+
		fmt.Sprintf(" ORDER BY at DESC, id DESC LIMIT $%d", len(args)), args...)
	if err != nil {
		return nil, fmt.Errorf("read emergency accesses: %w", err)
	}
	defer rows.Close()
	out := []Access{}
	for rows.Next() {
		a, err := scanAccess(rows)
		if err != nil {
			return nil, fmt.Errorf("scan emergency access: %w", err)
		}
		out = append(out, a)
	}
	return out, rows.Err()
}

func reviewAccess(ctx context.Context, tx *store.Tx, accessID, by, note string, now time.Time) error {
	_, err := tx.Exec(ctx, "UPDATE break_glass SET reviewed_at = $2, reviewed_by = $3, review_note = $4 WHERE id = $1", accessID, store.Millis(now), by, note)
	if err != nil {
		return fmt.Errorf("review emergency access: %w", err)
	}
	return nil
}

func setRestricted(ctx context.Context, tx *store.Tx, patientID string, on bool) error {
	n, err := tx.Exec(ctx, "UPDATE patients SET restricted = $2, version = version + 1 WHERE id = $1", patientID, bit(on))
	if err != nil {
		return fmt.Errorf("restrict patient: %w", err)
	}
	if n == 0 {
		return notFound()
	}
	return nil
}
