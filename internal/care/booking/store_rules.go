package booking

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"heartline/internal/care/booking/policy"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/store"
)

const (
	policyColumns  = "id, version, name, document, active, created_at, updated_at"
	penaltyColumns = `id, patient_id, policy_id, event, count, appointment_id, from_at, until_at, state, appeal, appealed_at,
		decided_by, decided_at, decision, created_at`
)

// insertRow inserts one row.
func insertRow(ctx context.Context, tx *store.Tx, table, columns string, args ...any) error {
	if _, err := tx.Exec(ctx, "INSERT INTO "+table+" ("+columns+") VALUES ("+placeholders(0, len(args))+")", args...); err != nil {
		return fmt.Errorf("insert %s: %w", table, err)
	}
	return nil
}

// updateRow writes every column of the row whose id, the first column, and
// version, the second, are given; a version that moved on is a conflict.
func updateRow(ctx context.Context, tx *store.Tx, table, columns string, args ...any) error {
	names := strings.Split(columns, ",")
	sets := make([]string, 0, len(names))
	for i, n := range names[2:] {
		sets = append(sets, fmt.Sprintf("%s = $%d", strings.TrimSpace(n), i+3))
	}
	n, err := tx.Exec(ctx, "UPDATE "+table+" SET version = version + 1, "+strings.Join(sets, ", ")+" WHERE id = $1 AND version = $2", args...)
	if err != nil {
		return fmt.Errorf("update %s: %w", table, err)
	}
	if n == 1 {
		return nil
	}
	var have int
	if err := tx.QueryRow(ctx, "SELECT COUNT(*) FROM "+table+" WHERE id = $1", args[0]).Scan(&have); err != nil {
		return fmt.Errorf("update %s: %w", table, err)
	}
	if have == 0 {
		return errs.New(errs.NotFound, "booking.not_found")
	}
	return errs.New(errs.Conflict, "booking.version_conflict")
}

// collect reads all rows of a query.
func collect[T any](ctx context.Context, tx *store.Tx, what, query string, args []any, scan func(row scanner) (T, error)) ([]T, error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", what, err)
	}
	defer rows.Close()
	out := []T{}
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("scan %s: %w", what, err)
		}
		out = append(out, v)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list %s: %w", what, err)
	}
	return out, nil
}

// first is the only row of a list that was read by id.
func first[T any](list []T, err error) (T, error) {
	var zero T
	if err != nil {
		return zero, err
	}
	if len(list) == 0 {
		return zero, errs.New(errs.NotFound, "booking.not_found")
	}
	return list[0], nil
}

func scanPolicy(row scanner) (StoredPolicy, error) {
	var p StoredPolicy
	var text string
	var active, created, updated int64
	if err := row.Scan(&p.ID, &p.Version, &p.Name, &text, &active, &created, &updated); err != nil {
		return p, err
	}
	p.Active, p.CreatedAt, p.UpdatedAt = active != 0, store.Time(created), store.Time(updated)
	if err := json.Unmarshal([]byte(text), &p.Policy); err != nil { // one that an older program wrote may lack fields: it still stands
		return p, fmt.Errorf("decode policy: %w", err)
	}
	return p, nil
}

func policyRow(p StoredPolicy) ([]any, error) {
	text, err := json.Marshal(p.Policy)
	if err != nil {
		return nil, fmt.Errorf("encode policy: %w", err)
	}
	return []any{p.ID, p.Version, p.Name, string(text), bit(p.Active), store.Millis(p.CreatedAt), store.Millis(p.UpdatedAt)}, nil
}

func listPolicies(ctx context.Context, tx *store.Tx) ([]StoredPolicy, error) {
	return collect(ctx, tx, "policies", "SELECT "+policyColumns+" FROM booking_policies ORDER BY active DESC, created_at, id", nil, scanPolicy)
}

func loadPolicy(ctx context.Context, tx *store.Tx, policyID string) (StoredPolicy, error) {
	return first(collect(ctx, tx, "policy", "SELECT "+policyColumns+" FROM booking_policies WHERE id = $1", []any{policyID}, scanPolicy))
}

// activePolicy reads the policy in force; ok is false when none was chosen.
func activePolicy(ctx context.Context, tx *store.Tx) (p StoredPolicy, ok bool, err error) {
	list, err := collect(ctx, tx, "active policy", "SELECT "+policyColumns+" FROM booking_policies WHERE active = 1", nil, scanPolicy)
	if err != nil || len(list) == 0 {
		return p, false, err
	}
	return list[0], true, nil
}

// activateOnly makes one policy the active one.
func activateOnly(ctx context.Context, tx *store.Tx, policyID string, at time.Time) error {
	if _, err := tx.Exec(ctx, "UPDATE booking_policies SET active = 0 WHERE active = 1"); err != nil {
		return fmt.Errorf("deactivate policy: %w", err)
	}
	n, err := tx.Exec(ctx, "UPDATE booking_policies SET active = 1, version = version + 1, updated_at = $2 WHERE id = $1", policyID, store.Millis(at))
	if err != nil {
		return fmt.Errorf("activate policy: %w", err)
	}
	if n == 0 {
		return errs.New(errs.NotFound, "booking.policy_not_found")
	}
	return nil
}

func scanPenalty(row scanner) (Penalty, error) {
	var p Penalty
	var from, until, appealed, decided, created int64
	err := row.Scan(&p.ID, &p.PatientID, &p.PolicyID, &p.Event, &p.Count, &p.AppointmentID, &from, &until, &p.State, &p.Appeal, &appealed,
		&p.DecidedBy, &decided, &p.Decision, &created)
	p.From, p.Until, p.AppealedAt, p.DecidedAt, p.CreatedAt = store.Time(from), store.Time(until), timeOf(appealed), timeOf(decided), store.Time(created)
	return p, err
}

func insertPenalty(ctx context.Context, tx *store.Tx, p Penalty) error {
	return insertRow(ctx, tx, "booking_penalties", penaltyColumns, p.ID, p.PatientID, p.PolicyID, p.Event, p.Count, p.AppointmentID, store.Millis(p.From),
		store.Millis(p.Until), string(p.State), p.Appeal, millis(p.AppealedAt), p.DecidedBy, millis(p.DecidedAt), p.Decision, store.Millis(p.CreatedAt))
}

// settlePenalty writes appeal and decision of a penalty that is still in the
// state from.
func settlePenalty(ctx context.Context, tx *store.Tx, p Penalty, from PenaltyState) error {
	n, err := tx.Exec(ctx, `UPDATE booking_penalties SET state = $3, appeal = $4, appealed_at = $5, decided_by = $6, decided_at = $7, decision = $8
		WHERE id = $1 AND state = $2`, p.ID, string(from), string(p.State), p.Appeal, millis(p.AppealedAt), p.DecidedBy, millis(p.DecidedAt), p.Decision)
	if err != nil {
		return fmt.Errorf("settle penalty: %w", err)
	}
	if n == 0 {
		return errs.New(errs.Conflict, "booking.penalty_moved_on")
	}
	return nil
}

func listPenalties(ctx context.Context, tx *store.Tx, f PenaltyFilter, now time.Time) ([]Penalty, error) {
	query, args := "SELECT "+penaltyColumns+" FROM booking_penalties WHERE 1 = 1", []any{}
	add := func(clause string, v any) {
		args = append(args, v)
		query += fmt.Sprintf(clause, len(args))
	}
	if f.PatientID != "" {
		add(" AND patient_id = $%d", f.PatientID)
	}
	if f.State != "" {
		add(" AND state = $%d", string(f.State))
	}
	if f.Current {
		add(" AND until_at > $%d AND state <> 'lifted'", store.Millis(now))
	}
	add(" ORDER BY created_at DESC, id DESC LIMIT $%d", f.Limit)
	return collect(ctx, tx, "penalties", query, args, scanPenalty)
}

func loadPenalty(ctx context.Context, tx *store.Tx, penaltyID string) (Penalty, error) {
	return first(collect(ctx, tx, "penalty", "SELECT "+penaltyColumns+" FROM booking_penalties WHERE id = $1", []any{penaltyID}, scanPenalty))
}

// bansOf reads the penalties of a person that are in force.
func bansOf(ctx context.Context, tx *store.Tx, patientID string, now time.Time) ([]policy.Active, error) {
	return collect(ctx, tx, "bans", `SELECT id, event, from_at, until_at FROM booking_penalties
		WHERE patient_id = $1 AND until_at > $2 AND state <> 'lifted'`, []any{patientID, store.Millis(now)},
		func(row scanner) (policy.Active, error) {
			var b policy.Active
			var from, until int64
			err := row.Scan(&b.ID, &b.Event, &from, &until)
			b.From, b.Until = store.Time(from), store.Time(until)
			return b, err
		})
}

// counted is an appointment that limits count.
type counted struct {
	id, date, departmentID, doctorID, sessionID, period string
}

// countedOf reads a person's visits from one date to another that hold a
// number or held it to the end.
func countedOf(ctx context.Context, tx *store.Tx, patientID string, from, to time.Time) ([]counted, error) {
	return collect(ctx, tx, "a person's bookings", `SELECT a.id, a.date, a.department_id, a.doctor_id, a.session_id, s.period
		FROM appointments a JOIN booking_sessions s ON s.id = a.session_id
		WHERE a.patient_id = $1 AND a.start_at >= $2 AND a.start_at < $3 AND a.exam_id = ''
		AND a.state IN ('requested', 'scheduled', 'arrived', 'checked_in', 'completed', 'missed')`,
		[]any{patientID, store.Millis(from), store.Millis(to)},
		func(row scanner) (c counted, err error) {
			err = row.Scan(&c.id, &c.date, &c.departmentID, &c.doctorID, &c.sessionID, &c.period)
			return c, err
		})
}

// offence is a cancellation by the patient, or a no-show.
type offence struct {
	id      string
	missed  bool
	at      time.Time // of the deed: the cancellation, or the time of the visit
	startAt time.Time
}

// offencesOf reads a person's no-shows and cancellations since a time, without
// those that an appeal excused and without one appointment.
func offencesOf(ctx context.Context, tx *store.Tx, patientID, without string, since time.Time) ([]offence, error) {
	return collect(ctx, tx, "a person's offences", `SELECT a.id, a.state, a.start_at, a.cancelled_at FROM appointments a
		WHERE a.patient_id = $1 AND a.id <> $2 AND a.start_at >= $3
		AND (a.state = 'missed' OR (a.state = 'cancelled' AND a.cancel_reason = 'patient' AND a.expires_at = 0))
		AND NOT EXISTS (SELECT 1 FROM booking_penalties p WHERE p.appointment_id = a.id AND p.state = 'lifted')`,
		[]any{patientID, without, store.Millis(since)},
		func(row scanner) (o offence, err error) {
			var state string
			var start, cancelled int64
			err = row.Scan(&o.id, &state, &start, &cancelled)
			o.missed, o.startAt = state == string(Missed), store.Time(start)
			o.at = o.startAt
			if !o.missed {
				o.at = store.Time(cancelled)
			}
			return o, err
		})
}
