package booking

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/store"
)

const appointmentColumns = `a.id, a.version, a.code, a.patient_id, a.session_id, a.number_id, a.seq, a.date, a.start_at, a.end_at, a.department_id,
	a.doctor_id, a.exam_id, a.type, a.state, a.channel, a.lane, a.fee, a.hold_id, a.paid, a.confirmed, a.cancel_reason, a.cancelled_at,
	a.expires_at, a.queue_number, a.series_id, a.moved_from, a.note, a.booked_by, a.created_at, a.updated_at,
	a.reference, a.received_on`

func scanAppointment(row scanner, more ...any) (Appointment, error) {
	var a Appointment
	var start, end, cancelled, expires, created, updated int64
	var paid, confirmed int
	err := row.Scan(append([]any{&a.ID, &a.Version, &a.Code, &a.PatientID, &a.SessionID, &a.NumberID, &a.Seq, &a.Date, &start, &end, &a.DepartmentID,
		&a.DoctorID, &a.ExamID, &a.Type, &a.State, &a.Channel, &a.Lane, &a.Fee, &a.HoldID, &paid, &confirmed, &a.CancelReason, &cancelled,
		&expires, &a.QueueNumber, &a.SeriesID, &a.MovedFrom, &a.Note, &a.BookedBy, &created, &updated,
		&a.Reference, &a.ReceivedOn}, more...)...)
	if err != nil {
		return Appointment{}, err
	}
	a.StartAt, a.EndAt, a.CancelledAt, a.ExpiresAt = timeOf(start), timeOf(end), timeOf(cancelled), timeOf(expires)
	a.CreatedAt, a.UpdatedAt, a.Paid, a.Confirmed = timeOf(created), timeOf(updated), paid == 1, confirmed == 1
	return a, nil
}

func appointmentNotFound() error { return errs.New(errs.NotFound, "booking.not_found") }

func loadAppointment(ctx context.Context, tx *store.Tx, appointmentID string) (Appointment, error) {
	return readAppointment(ctx, tx, `SELECT `+appointmentColumns+` FROM appointments a WHERE a.id = $1`, appointmentID)
}

// lockAppointment reads an appointment that tx is about to change; nobody else
// changes it before tx ends.
func lockAppointment(ctx context.Context, tx *store.Tx, appointmentID string) (Appointment, error) {
	return readAppointment(ctx, tx, `SELECT `+appointmentColumns+` FROM appointments a WHERE a.id = $1`+forUpdate(tx), appointmentID)
}

// findCode reads the active appointment of a code.
func findCode(ctx context.Context, tx *store.Tx, code string) (Appointment, error) {
	return readAppointment(ctx, tx, `SELECT `+appointmentColumns+` FROM appointments a WHERE a.code = $1 AND a.active = 1`, code)
}

func readAppointment(ctx context.Context, tx *store.Tx, query string, args ...any) (Appointment, error) {
	a, err := scanAppointment(tx.QueryRow(ctx, query, args...))
	if store.IsNoRows(err) {
		return Appointment{}, appointmentNotFound()
	}
	if err != nil {
		return Appointment{}, fmt.Errorf("read appointment: %w", err)
	}
	return a, nil
}

func insertAppointments(ctx context.Context, tx *store.Tx, rows [][]any) error {
	columns := strings.Fields(`id version code patient_id session_id number_id seq date start_at end_at department_id doctor_id exam_id type state active
		channel lane fee hold_id paid confirmed cancel_reason cancelled_at expires_at queue_number series_id moved_from note booked_by day_key
		idem_key request_hash created_at updated_at reference received_on`)
	if err := tx.Insert(ctx, "appointments", columns, rows); err != nil {
		return fmt.Errorf("insert appointments: %w", err)
	}
	return nil
}

// newRow are the values of a new appointment.
func newRow(a Appointment, key, hash string) []any {
	return []any{a.ID, a.Version, a.Code, a.PatientID, a.SessionID, a.NumberID, a.Seq, a.Date, millis(a.StartAt), millis(a.EndAt), a.DepartmentID,
		a.DoctorID, a.ExamID, string(a.Type), string(a.State), bit(a.State.Active()), string(a.Channel), string(a.Lane), a.Fee, a.HoldID, bit(a.Paid),
		bit(a.Confirmed), a.CancelReason, millis(a.CancelledAt), millis(a.ExpiresAt), a.QueueNumber, a.SeriesID, a.MovedFrom, a.Note, a.BookedBy,
		dayKey(a.Date, a.DepartmentID, a.ExamID), key, hash, millis(a.CreatedAt), millis(a.UpdatedAt), a.Reference, a.ReceivedOn}
}

// putAppointment stores what may change of an appointment and counts up its
// version, which must be the one read.
func putAppointment(ctx context.Context, tx *store.Tx, a Appointment) error {
	n, err := tx.Exec(ctx, `UPDATE appointments SET version = version + 1, state = $3, active = $4, hold_id = $5, paid = $6, confirmed = $7,
		cancel_reason = $8, cancelled_at = $9, expires_at = $10, queue_number = $11, doctor_id = $12, note = $13, updated_at = $14,
		start_at = $15, end_at = $16, session_id = $17, number_id = $18, seq = $19
		WHERE id = $1 AND version = $2`, a.ID, a.Version, string(a.State), bit(a.State.Active()), a.HoldID, bit(a.Paid), bit(a.Confirmed),
		a.CancelReason, millis(a.CancelledAt), millis(a.ExpiresAt), a.QueueNumber, a.DoctorID, a.Note, millis(a.UpdatedAt),
		millis(a.StartAt), millis(a.EndAt), a.SessionID, a.NumberID, a.Seq)
	if err != nil {
		return fmt.Errorf("update appointment: %w", err)
	}
	if n == 0 {
		return errs.New(errs.Conflict, "booking.version_conflict")
	}
	return nil
}

// lapsedHolds names the holds past their time of a session and of a person.
func lapsedHolds(ctx context.Context, tx *store.Tx, sessionID, patientID string, now int64) ([]string, error) {
	rows, err := tx.Query(ctx, `SELECT id FROM appointments WHERE state = 'requested' AND session_id = $1 AND expires_at <= $3
		UNION SELECT id FROM appointments WHERE state = 'requested' AND patient_id = $2 AND expires_at <= $3 ORDER BY 1`, sessionID, patientID, now)
	if err != nil {
		return nil, fmt.Errorf("list lapsed holds: %w", err)
	}
	defer rows.Close()
	var list []string
	for rows.Next() {
		var appointmentID string
		if err := rows.Scan(&appointmentID); err != nil {
			return nil, fmt.Errorf("scan lapsed hold: %w", err)
		}
		list = append(list, appointmentID)
	}
	return list, rows.Err()
}

func listEvents(ctx context.Context, tx *store.Tx, appointmentID string) ([]Event, error) {
	rows, err := tx.Query(ctx, `SELECT id, appointment_id, at, kind, actor, channel, detail FROM appointment_events
		WHERE appointment_id = $1 ORDER BY id`, appointmentID)
	if err != nil {
		return nil, fmt.Errorf("list appointment events: %w", err)
	}
	defer rows.Close()
	list := []Event{}
	for rows.Next() {
		var e Event
		var at int64
		var detail string
		if err := rows.Scan(&e.ID, &e.AppointmentID, &at, &e.Kind, &e.Actor, &e.Channel, &detail); err != nil {
			return nil, fmt.Errorf("scan appointment event: %w", err)
		}
		e.At = timeOf(at)
		if err := json.Unmarshal([]byte(detail), &e.Detail); err != nil {
			return nil, fmt.Errorf("detail of appointment event %s: %w", e.ID, err)
		}
		list = append(list, e)
	}
	return list, rows.Err()
}

// forUpdate locks what a query reads where several write at once.
func forUpdate(tx *store.Tx) string {
	if tx.Dialect() == store.Postgres {
		return " FOR UPDATE"
	}
	return ""
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// millis and timeOf store the zero time as 0.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return store.Millis(t)
}

func timeOf(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return store.Time(ms)
}
