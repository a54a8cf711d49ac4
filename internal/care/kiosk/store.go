package kiosk

import (
	"context"
	"fmt"
	"time"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/store"
)

const kioskColumns = "k.id, k.version, k.name, k.place, k.campus_id, k.printer, k.active, k.seen_at, k.created_at, k.updated_at"

type scanner interface{ Scan(dest ...any) error }

func scanKiosk(row scanner, extra ...any) (Kiosk, error) {
	var k Kiosk
	var active, seen, created, updated int64
	err := row.Scan(append([]any{&k.ID, &k.Version, &k.Name, &k.Place, &k.CampusID, &k.Printer, &active, &seen, &created, &updated}, extra...)...)
	k.Active, k.CreatedAt, k.UpdatedAt = active != 0, store.Time(created), store.Time(updated)
	if seen > 0 {
		k.SeenAt = store.Time(seen)
	}
	return k, err
}

func selectKiosks(ctx context.Context, tx *store.Tx) ([]Kiosk, error) {
	rows, err := tx.Query(ctx, "SELECT "+kioskColumns+" FROM kiosks k ORDER BY k.name")
	if err != nil {
		return nil, fmt.Errorf("list kiosks: %w", err)
	}
	defer rows.Close()
	out := []Kiosk{}
	for rows.Next() {
		k, err := scanKiosk(rows)
		if err != nil {
			return nil, fmt.Errorf("scan kiosk: %w", err)
		}
		out = append(out, k)
	}
	return out, rows.Err()
}

func oneKiosk(k Kiosk, err error) (Kiosk, error) {
	if store.IsNoRows(err) {
		return k, errs.New(errs.NotFound, "kiosk.unknown")
	}
	if err != nil {
		return k, fmt.Errorf("read kiosk: %w", err)
	}
	return k, nil
}

func selectKiosk(ctx context.Context, tx *store.Tx, kioskID string) (Kiosk, error) {
	return oneKiosk(scanKiosk(tx.QueryRow(ctx, "SELECT "+kioskColumns+" FROM kiosks k WHERE k.id = $1", kioskID)))
}

func selectByToken(ctx context.Context, tx *store.Tx, hash string) (Kiosk, error) {
	return oneKiosk(scanKiosk(tx.QueryRow(ctx, "SELECT "+kioskColumns+" FROM kiosks k WHERE k.token_hash = $1", hash)))
}

func insertKiosk(ctx context.Context, tx *store.Tx, k Kiosk, hash string) error {
	_, err := tx.Exec(ctx, `INSERT INTO kiosks (id, version, name, place, campus_id, printer, token_hash, active, seen_at, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9, $9)`, k.ID, k.Version, k.Name, k.Place, k.CampusID, k.Printer, hash, bit(k.Active), store.Millis(k.CreatedAt))
	if err != nil {
		return fmt.Errorf("insert kiosk: %w", err)
	}
	return nil
}

func updateKiosk(ctx context.Context, tx *store.Tx, k Kiosk) error {
	_, err := tx.Exec(ctx, `UPDATE kiosks SET version = $2, name = $3, place = $4, campus_id = $5, printer = $6, active = $7, updated_at = $8 WHERE id = $1`,
		k.ID, k.Version, k.Name, k.Place, k.CampusID, k.Printer, bit(k.Active), store.Millis(k.UpdatedAt))
	if err != nil {
		return fmt.Errorf("update kiosk: %w", err)
	}
	return nil
}

func updateToken(ctx context.Context, tx *store.Tx, kioskID, hash string, now time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE kiosks SET token_hash = $2, version = version + 1, updated_at = $3 WHERE id = $1`, kioskID, hash, store.Millis(now))
	if err != nil {
		return fmt.Errorf("update token: %w", err)
	}
	return nil
}

func insertSession(ctx context.Context, tx *store.Tx, sessionID, kioskID, hash string, now, until time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO kiosk_sessions (id, kiosk_id, token_hash, created_at, expires_at, patient_id, identified_by, touched_at)
		VALUES ($1, $2, $3, $4, $5, '', '', 0)`, sessionID, kioskID, hash, store.Millis(now), store.Millis(until))
	if err != nil {
		return fmt.Errorf("insert session: %w", err)
	}
	return seen(ctx, tx, kioskID, now)
}

// seen notes that a machine is at work.
func seen(ctx context.Context, tx *store.Tx, kioskID string, now time.Time) error {
	return exec(ctx, tx, "note machine", `UPDATE kiosks SET seen_at = $2 WHERE id = $1 AND seen_at < $2`, kioskID, store.Millis(now))
}

// selectTurn reads a machine's session; a patient whose time is over is gone.
func selectTurn(ctx context.Context, tx *store.Tx, hash string, now time.Time) (Turn, error) {
	var t Turn
	var touched, expires int64
	k, err := scanKiosk(tx.QueryRow(ctx, `SELECT `+kioskColumns+`, s.id, s.patient_id, s.identified_by, s.touched_at, s.expires_at
		FROM kiosk_sessions s JOIN kiosks k ON k.id = s.kiosk_id WHERE s.token_hash = $1`, hash), &t.SessionID, &t.PatientID, &t.By, &touched, &expires)
	if store.IsNoRows(err) || err == nil && (!k.Active || expires <= store.Millis(now)) {
		return Turn{}, errs.New(errs.Unknown, "auth.required")
	}
	if err != nil {
		return t, fmt.Errorf("read kiosk session: %w", err)
	}
	t.Kiosk, t.Until = k, store.Time(touched).Add(Idle)
	if t.PatientID == "" || !now.Before(t.Until) {
		t.PatientID, t.By, t.Until = "", "", time.Time{}
	}
	return t, nil
}

func touch(ctx context.Context, tx *store.Tx, sessionID, patientID string, now time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE kiosk_sessions SET touched_at = $3 WHERE id = $1 AND patient_id = $2 AND patient_id <> '' AND touched_at < $3`,
		sessionID, patientID, store.Millis(now))
	if err != nil {
		return fmt.Errorf("touch kiosk session: %w", err)
	}
	return nil
}

func setPatient(ctx context.Context, tx *store.Tx, sessionID, patientID, by string, now time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE kiosk_sessions SET patient_id = $2, identified_by = $3, touched_at = $4 WHERE id = $1`,
		sessionID, patientID, by, store.Millis(now))
	if err != nil {
		return fmt.Errorf("set patient: %w", err)
	}
	return nil
}

func deleteSession(ctx context.Context, tx *store.Tx, sessionID string) error {
	return exec(ctx, tx, "delete session", `DELETE FROM kiosk_sessions WHERE id = $1`, sessionID)
}

func deleteSessions(ctx context.Context, tx *store.Tx, kioskID string) error {
	return exec(ctx, tx, "delete sessions", `DELETE FROM kiosk_sessions WHERE kiosk_id = $1`, kioskID)
}

func deleteExpired(ctx context.Context, tx *store.Tx, now time.Time) error {
	if err := exec(ctx, tx, "delete old failures", `DELETE FROM kiosk_failures WHERE last_at < $1`, store.Millis(now.Add(-24*time.Hour))); err != nil {
		return err
	}
	return exec(ctx, tx, "delete old sessions", `DELETE FROM kiosk_sessions WHERE expires_at <= $1`, store.Millis(now))
}

func selectPIN(ctx context.Context, tx *store.Tx, patientID string) (hash string, err error) {
	err = tx.QueryRow(ctx, `SELECT hash FROM kiosk_pins WHERE patient_id = $1`, patientID).Scan(&hash)
	if err != nil && !store.IsNoRows(err) {
		return "", fmt.Errorf("read PIN: %w", err)
	}
	return hash, nil
}

func putPIN(ctx context.Context, tx *store.Tx, patientID, hash, by string, now time.Time) error {
	if hash == "" {
		return exec(ctx, tx, "delete PIN", `DELETE FROM kiosk_pins WHERE patient_id = $1`, patientID)
	}
	return exec(ctx, tx, "store PIN", `INSERT INTO kiosk_pins (patient_id, hash, set_by, set_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (patient_id) DO UPDATE SET hash = excluded.hash, set_by = excluded.set_by, set_at = excluded.set_at`,
		patientID, hash, by, store.Millis(now))
}

func selectFailures(ctx context.Context, tx *store.Tx, subject string) (failures, error) {
	var f failures
	var last, until int64
	err := tx.QueryRow(ctx, `SELECT failures, last_at, until FROM kiosk_failures WHERE subject = $1`, subject).Scan(&f.count, &last, &until)
	if store.IsNoRows(err) {
		return f, nil
	}
	f.last = store.Time(last)
	if until > 0 {
		f.until = store.Time(until)
	}
	if err != nil {
		return f, fmt.Errorf("read failures: %w", err)
	}
	return f, nil
}

func upsertFailures(ctx context.Context, tx *store.Tx, subject string, f failures) error {
	var until int64
	if !f.until.IsZero() {
		until = store.Millis(f.until)
	}
	return exec(ctx, tx, "count failure", `INSERT INTO kiosk_failures (subject, failures, last_at, until) VALUES ($1, $2, $3, $4)
		ON CONFLICT (subject) DO UPDATE SET failures = excluded.failures, last_at = excluded.last_at, until = excluded.until`,
		subject, f.count, store.Millis(f.last), until)
}

// takeBack undoes the count of an attempt that was no failure.
func takeBack(ctx context.Context, tx *store.Tx, subject string) error {
	return exec(ctx, tx, "take attempt back", `UPDATE kiosk_failures SET failures = failures - 1, until = 0 WHERE subject = $1 AND failures > 0`, subject)
}

func forget(ctx context.Context, tx *store.Tx, subject string) error {
	return exec(ctx, tx, "forget failures", `DELETE FROM kiosk_failures WHERE subject = $1`, subject)
}

func exec(ctx context.Context, tx *store.Tx, what, query string, args ...any) error {
	if _, err := tx.Exec(ctx, query, args...); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
