package booking

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/store"
)

func insertChange(ctx context.Context, tx *store.Tx, c SessionChange) error {
	detail, err := json.Marshal(c.Detail)
	if err != nil {
		return fmt.Errorf("encode change: %w", err)
	}
	if c.Detail == nil {
		detail = []byte("{}")
	}
	return insertRow(ctx, tx, "session_changes", "id, session_id, kind, other_id, at, actor, reason, detail", c.ID, c.SessionID, c.Kind, c.OtherID,
		store.Millis(c.At), c.Actor, c.Reason, string(detail))
}

func listChanges(ctx context.Context, tx *store.Tx, sessionID string) ([]SessionChange, error) {
	return collect(ctx, tx, "changes", `SELECT id, session_id, kind, other_id, at, actor, reason, detail FROM session_changes
		WHERE session_id = $1 OR other_id = $1 ORDER BY id DESC LIMIT 200`, []any{sessionID},
		func(row scanner) (c SessionChange, err error) {
			var at int64
			var detail string
			if err = row.Scan(&c.ID, &c.SessionID, &c.Kind, &c.OtherID, &at, &c.Actor, &c.Reason, &detail); err != nil {
				return c, err
			}
			c.At = store.Time(at)
			return c, json.Unmarshal([]byte(detail), &c.Detail)
		})
}

func insertAffected(ctx context.Context, tx *store.Tx, changeID string, a Affected) error {
	replacement := ""
	if a.Replacement != nil {
		replacement = a.Replacement.ID
	}
	return insertRow(ctx, tx, "session_affected", "change_id, appointment_id, patient_id, refunded, replacement_id, notified", changeID, a.Appointment.ID,
		a.Appointment.PatientID, a.Refunded, replacement, bit(a.Notified))
}

// equipmentOf reads which equipment each examination needs.
func equipmentOf(ctx context.Context, tx *store.Tx) (map[string]string, error) {
	list, err := collect(ctx, tx, "equipment", "SELECT id, equipment FROM exam_items WHERE equipment <> ''", nil, func(row scanner) (p [2]string, err error) {
		err = row.Scan(&p[0], &p[1])
		return p, err
	})
	out := make(map[string]string, len(list))
	for _, p := range list {
		out[p[0]] = p[1]
	}
	return out, err
}

// lockSession reads a session that tx is about to change; nobody else changes
// it before tx ends.
func lockSession(ctx context.Context, tx *store.Tx, sessionID string) (Session, error) {
	se, err := scanSession(tx.QueryRow(ctx, "SELECT "+sessionColumns+" FROM booking_sessions s WHERE s.id = $1"+forUpdate(tx), sessionID))
	if store.IsNoRows(err) {
		return Session{}, sessionNotFound()
	}
	if err != nil {
		return Session{}, fmt.Errorf("lock session: %w", err)
	}
	return se, nil
}

// withdraw takes free numbers out of the pool. All of them must still be free.
func withdraw(ctx context.Context, tx *store.Tx, numberIDs []string) error {
	for _, n := range numberIDs {
		done, err := tx.Exec(ctx, "UPDATE booking_numbers SET state = 'blocked' WHERE id = $1 AND state = 'free'", n)
		if err != nil {
			return fmt.Errorf("withdraw number: %w", err)
		}
		if done == 0 {
			return errs.New(errs.Conflict, "booking.version_conflict")
		}
	}
	return nil
}

// retime gives numbers, which nobody may hold, the times of others.
func retime(ctx context.Context, tx *store.Tx, numbers, times []Number) error {
	for i, n := range numbers {
		done, err := tx.Exec(ctx, "UPDATE booking_numbers SET start_at = $2, end_at = $3 WHERE id = $1 AND state = 'free'", n.ID,
			millis(times[i].StartAt), millis(times[i].EndAt))
		if err != nil {
			return fmt.Errorf("move number: %w", err)
		}
		if done == 0 {
			return errs.New(errs.Conflict, "booking.version_conflict")
		}
	}
	return nil
}

// activeOf reads the appointments of a session that hold a number, by their
// order.
func activeOf(ctx context.Context, tx *store.Tx, sessionID string) ([]Appointment, error) {
	return collect(ctx, tx, "appointments of a session", "SELECT "+appointmentColumns+` FROM appointments a
		WHERE a.session_id = $1 AND a.active <> 0 ORDER BY a.seq`, []any{sessionID}, func(row scanner) (Appointment, error) { return scanAppointment(row) })
}

// holdsOn counts the active appointments of a person for a day key, save one.
func holdsOn(ctx context.Context, tx *store.Tx, patientID, key, without string) (n int, err error) {
	err = tx.QueryRow(ctx, "SELECT COUNT(*) FROM appointments WHERE patient_id = $1 AND day_key = $2 AND active <> 0 AND id <> $3",
		patientID, key, without).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count a person's bookings: %w", err)
	}
	return n, nil
}

// blockedNumbers reads which numbers of a session were withdrawn.
func blockedNumbers(ctx context.Context, tx *store.Tx, sessionID string) ([]string, error) {
	return collect(ctx, tx, "withdrawn numbers", "SELECT id FROM booking_numbers WHERE session_id = $1 AND state = 'blocked' ORDER BY seq", []any{sessionID},
		func(row scanner) (n string, err error) {
			err = row.Scan(&n)
			return n, err
		})
}

// unblock frees the numbers of a session but for those that had been withdrawn
// before it was closed.
func unblock(ctx context.Context, tx *store.Tx, sessionID string) ([]Number, error) {
	var text string
	err := tx.QueryRow(ctx, "SELECT detail FROM session_changes WHERE session_id = $1 AND kind = 'close' ORDER BY id DESC LIMIT 1", sessionID).Scan(&text)
	if err != nil && !store.IsNoRows(err) {
		return nil, fmt.Errorf("read closing: %w", err)
	}
	var detail struct {
		Withdrawn []string `json:"withdrawn"`
	}
	if err == nil {
		if err := json.Unmarshal([]byte(text), &detail); err != nil {
			return nil, fmt.Errorf("decode closing: %w", err)
		}
	}
	if _, err := setNumbers(ctx, tx, sessionID, NumberBlocked, NumberFree); err != nil {
		return nil, err
	}
	if err := withdraw(ctx, tx, detail.Withdrawn); err != nil {
		return nil, err
	}
	return collect(ctx, tx, "free numbers", "SELECT "+numberColumns+" FROM booking_numbers WHERE session_id = $1 AND state = 'free' ORDER BY seq",
		[]any{sessionID}, scanNumberRow)
}

func scanNumberRow(row scanner) (Number, error) { return scanNumber(row) }

// spares reads the earliest free numbers of the same department and kind as a
// session, from now to a date, that are open to booking. Lanes that only
// staff draws from are left out.
func spares(ctx context.Context, tx *store.Tx, se Session, now time.Time, today, last string, limit int) ([]spareNumber, error) {
	return collect(ctx, tx, "spare numbers", "SELECT "+sessionColumns+`, n.id, n.seq, n.start_at, n.end_at, n.lane FROM booking_sessions s
		JOIN booking_numbers n ON n.session_id = s.id AND n.state = 'free'
		WHERE s.department_id = $1 AND s.exam_id = $2 AND s.state = 'open' AND s.id <> $3 AND s.date >= $4 AND s.date <= $5 AND s.release_at <= $6
		AND n.start_at > $6 AND n.lane IN ('', 'phone', 'web', 'kiosk') ORDER BY n.start_at, n.seq LIMIT $7`,
		[]any{se.DepartmentID, se.ExamID, se.ID, today, last, store.Millis(now), limit}, func(row scanner) (x spareNumber, err error) {
			var start, end int64
			x.Session, err = scanSession(row, &x.Number.ID, &x.Number.Seq, &start, &end, &x.Number.Lane)
			x.Number.SessionID, x.Number.StartAt, x.Number.EndAt, x.Number.State = x.Session.ID, store.Time(start), store.Time(end), NumberFree
			return x, err
		})
}

// shiftSession moves a session to another day and time, and its numbers and
// active appointments with it.
func shiftSession(ctx context.Context, tx *store.Tx, se Session, shift time.Duration, now time.Time) error {
	key := dayKey(se.Date, se.DepartmentID, se.ExamID)
	n, err := tx.Exec(ctx, `UPDATE booking_sessions SET version = version + 1, date = $3, period = $4, start_at = $5, end_at = $6, room = $7, release_at = $8,
		lane_until = $9, day_key = $10, updated_at = $11 WHERE id = $1 AND version = $2`, se.ID, se.Version, se.Date, string(se.Period), millis(se.StartAt),
		millis(se.EndAt), se.Room, millis(se.ReleaseAt), millis(se.LaneUntil), key, millis(now))
	if err != nil {
		return fmt.Errorf("move session: %w", err)
	}
	if n == 0 {
		return errs.New(errs.Conflict, "booking.version_conflict")
	}
	ms := shift.Milliseconds()
	if _, err := tx.Exec(ctx, "UPDATE booking_numbers SET start_at = start_at + $2, end_at = end_at + $2 WHERE session_id = $1", se.ID, ms); err != nil {
		return fmt.Errorf("move numbers: %w", err)
	}
	if _, err := tx.Exec(ctx, `UPDATE appointments SET start_at = start_at + $2, end_at = end_at + $2, date = $3, day_key = $4
		WHERE session_id = $1 AND active <> 0`, se.ID, ms, se.Date, key); err != nil {
		return fmt.Errorf("move appointments: %w", err)
	}
	return nil
}

// toRemind reads the appointments of a date that nobody was reminded of.
func toRemind(ctx context.Context, tx *store.Tx, date string, limit int) ([]Appointment, error) {
	return collect(ctx, tx, "appointments to remind of", "SELECT "+appointmentColumns+` FROM appointments a
		JOIN booking_sessions s ON s.id = a.session_id WHERE s.date = $1 AND s.state = 'open' AND a.state = 'scheduled'
		AND NOT EXISTS (SELECT 1 FROM appointment_events e WHERE e.appointment_id = a.id AND e.kind = 'reminded') ORDER BY a.id LIMIT $2`+
		lockOf(tx, "a"), []any{date, limit}, func(row scanner) (Appointment, error) { return scanAppointment(row) })
}

// lockOf locks the rows of one table of a query.
func lockOf(tx *store.Tx, table string) string {
	if lock := forUpdate(tx); lock != "" {
		return lock + " OF " + table
	}
	return ""
}

// notCome reads the appointments whose patients did not come: a grace after
// their time, or when the grace is negative after their session. It looks
// back a month, so that a long stop of the program loses none.
func notCome(ctx context.Context, tx *store.Tx, now time.Time, grace time.Duration, limit int) ([]string, error) {
	cond, at := "s.end_at <= $3", now
	if grace >= 0 {
		cond, at = "a.start_at < $3", now.Add(-grace)
	}
	return collect(ctx, tx, "appointments missed", `SELECT a.id FROM appointments a JOIN booking_sessions s ON s.id = a.session_id
		WHERE a.start_at > $1 AND a.start_at <= $2 AND a.state = 'scheduled' AND s.state = 'open' AND `+cond+` ORDER BY a.start_at, a.id LIMIT $4`,
		[]any{store.Millis(now.AddDate(0, -1, 0)), store.Millis(now), store.Millis(at), limit}, func(row scanner) (appointmentID string, err error) {
			err = row.Scan(&appointmentID)
			return appointmentID, err
		})
}
