package booking

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/store"
)

const (
	sessionColumns = `s.id, s.version, s.date, s.period, s.start_at, s.end_at, s.department_id, s.doctor_id, s.exam_id, s.campus_id, s.room,
		s.type, s.fee, s.release_at, s.lane_until, s.state, s.close_reason, s.substitute_of, s.template_id`
	numberColumns = `id, session_id, seq, start_at, end_at, lane, state`
)

type scanner interface{ Scan(dest ...any) error }

// scanSession reads sessionColumns and, behind them, what more points to.
func scanSession(row scanner, more ...any) (Session, error) {
	var se Session
	var start, end, release, lanes int64
	err := row.Scan(append([]any{&se.ID, &se.Version, &se.Date, &se.Period, &start, &end, &se.DepartmentID, &se.DoctorID, &se.ExamID,
		&se.CampusID, &se.Room, &se.Type, &se.Fee, &release, &lanes, &se.State, &se.CloseReason, &se.SubstituteOf, &se.TemplateID}, more...)...)
	if err != nil {
		return Session{}, err
	}
	se.StartAt, se.EndAt, se.ReleaseAt, se.LaneUntil = timeOf(start), timeOf(end), timeOf(release), timeOf(lanes)
	return se, nil
}

func scanNumber(row scanner) (Number, error) {
	var n Number
	var start, end int64
	if err := row.Scan(&n.ID, &n.SessionID, &n.Seq, &start, &end, &n.Lane, &n.State); err != nil {
		return Number{}, err
	}
	n.StartAt, n.EndAt = timeOf(start), timeOf(end)
	return n, nil
}

// dayKey is what a person may hold only one active appointment of: a
// department, or an examination, on a day.
func dayKey(date, departmentID, examID string) string {
	if examID != "" {
		return date + " exam " + examID
	}
	return date + " " + departmentID
}

func sessionNotFound() error { return errs.New(errs.NotFound, "booking.session_not_found") }

// loadSession reads a session without its counts.
func loadSession(ctx context.Context, tx *store.Tx, sessionID string) (Session, error) {
	se, err := scanSession(tx.QueryRow(ctx, `SELECT `+sessionColumns+` FROM booking_sessions s WHERE s.id = $1`, sessionID))
	if store.IsNoRows(err) {
		return Session{}, sessionNotFound()
	}
	if err != nil {
		return Session{}, fmt.Errorf("read session: %w", err)
	}
	return se, nil
}

func insertSession(ctx context.Context, tx *store.Tx, se Session, now int64) error {
	_, err := tx.Exec(ctx, `INSERT INTO booking_sessions (id, version, date, period, start_at, end_at, department_id, doctor_id, exam_id, campus_id,
		room, type, fee, release_at, lane_until, state, close_reason, substitute_of, template_id, day_key, last_queue, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, 0, $21, $21)`,
		se.ID, se.Version, se.Date, string(se.Period), millis(se.StartAt), millis(se.EndAt), se.DepartmentID, se.DoctorID, se.ExamID, se.CampusID,
		se.Room, string(se.Type), se.Fee, millis(se.ReleaseAt), millis(se.LaneUntil), string(se.State), se.CloseReason, se.SubstituteOf,
		se.TemplateID, dayKey(se.Date, se.DepartmentID, se.ExamID), now)
	if err != nil {
		return fmt.Errorf("insert session: %w", err)
	}
	return nil
}

// updateSession stores all of a session but its date, department and
// examination, on which its appointments rest. It must be the version read.
func updateSession(ctx context.Context, tx *store.Tx, se Session, now int64) error {
	n, err := tx.Exec(ctx, `UPDATE booking_sessions SET version = version + 1, period = $3, start_at = $4, end_at = $5, doctor_id = $6, campus_id = $7,
		room = $8, type = $9, fee = $10, release_at = $11, lane_until = $12, state = $13, close_reason = $14, substitute_of = $15,
		template_id = $16, updated_at = $17 WHERE id = $1 AND version = $2`,
		se.ID, se.Version, string(se.Period), millis(se.StartAt), millis(se.EndAt), se.DoctorID, se.CampusID, se.Room, string(se.Type), se.Fee,
		millis(se.ReleaseAt), millis(se.LaneUntil), string(se.State), se.CloseReason, se.SubstituteOf, se.TemplateID, now)
	if err != nil {
		return fmt.Errorf("update session: %w", err)
	}
	if n == 0 {
		return errs.New(errs.Conflict, "booking.version_conflict")
	}
	return nil
}

func insertNumbers(ctx context.Context, tx *store.Tx, list []Number) error {
	rows := make([][]any, len(list))
	for i, x := range list {
		rows[i] = []any{x.ID, x.SessionID, x.Seq, millis(x.StartAt), millis(x.EndAt), string(x.Lane), string(x.State)}
	}
	if err := tx.Insert(ctx, "booking_numbers", strings.Split(numberColumns, ", "), rows); err != nil {
		return fmt.Errorf("insert numbers: %w", err)
	}
	return nil
}

func listNumbers(ctx context.Context, tx *store.Tx, sessionID string) ([]Number, error) {
	rows, err := tx.Query(ctx, `SELECT `+numberColumns+` FROM booking_numbers WHERE session_id = $1 ORDER BY seq`, sessionID)
	if err != nil {
		return nil, fmt.Errorf("list numbers: %w", err)
	}
	defer rows.Close()
	list := []Number{}
	for rows.Next() {
		n, err := scanNumber(rows)
		if err != nil {
			return nil, fmt.Errorf("scan number: %w", err)
		}
		list = append(list, n)
	}
	return list, rows.Err()
}

func loadNumber(ctx context.Context, tx *store.Tx, numberID string) (Number, error) {
	n, err := scanNumber(tx.QueryRow(ctx, `SELECT `+numberColumns+` FROM booking_numbers WHERE id = $1`, numberID))
	if store.IsNoRows(err) {
		return Number{}, errs.New(errs.NotFound, "booking.number_not_found")
	}
	if err != nil {
		return Number{}, fmt.Errorf("read number: %w", err)
	}
	return n, nil
}

// setNumbers moves all numbers of a session that are in one state to another.
func setNumbers(ctx context.Context, tx *store.Tx, sessionID string, from, to NumberState) (int64, error) {
	n, err := tx.Exec(ctx, `UPDATE booking_numbers SET state = $3 WHERE session_id = $1 AND state = $2`, sessionID, string(from), string(to))
	if err != nil {
		return 0, fmt.Errorf("set numbers %s: %w", to, err)
	}
	return n, nil
}

// freeNumber gives a taken number back: free, or blocked when its session is
// closed.
func freeNumber(ctx context.Context, tx *store.Tx, numberID string) (Number, error) {
	n, err := scanNumber(tx.QueryRow(ctx, `UPDATE booking_numbers SET state =
		CASE (SELECT s.state FROM booking_sessions s WHERE s.id = booking_numbers.session_id) WHEN 'open' THEN 'free' ELSE 'blocked' END
		WHERE id = $1 AND state = 'taken' RETURNING `+numberColumns, numberID))
	if err != nil {
		return Number{}, fmt.Errorf("free number: %w", err)
	}
	return n, nil
}

// nextQueue counts up the queue numbers of a session. The row stays locked
// until tx ends, so that no two get the same one.
func nextQueue(ctx context.Context, tx *store.Tx, sessionID string) (n int, err error) {
	err = tx.QueryRow(ctx, `UPDATE booking_sessions SET last_queue = last_queue + 1 WHERE id = $1 RETURNING last_queue`, sessionID).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("next queue number: %w", err)
	}
	return n, nil
}

func insertEvents(ctx context.Context, tx *store.Tx, list ...Event) error {
	rows := make([][]any, len(list))
	for i, e := range list {
		detail, err := e.json()
		if err != nil {
			return err
		}
		rows[i] = []any{e.ID, e.AppointmentID, millis(e.At), e.Kind, e.Actor, string(e.Channel), detail}
	}
	err := tx.Insert(ctx, "appointment_events", []string{"id", "appointment_id", "at", "kind", "actor", "channel", "detail"}, rows)
	if err != nil {
		return fmt.Errorf("note events: %w", err)
	}
	return nil
}

// placeholders gives n of them, the first after number before.
func placeholders(before, n int) string {
	marks := make([]string, n)
	for i := range marks {
		marks[i] = "$" + strconv.Itoa(before+i+1)
	}
	return strings.Join(marks, ", ")
}
