package booking

import (
	"context"
	"fmt"
	"strings"

	"heartline/internal/platform/store"
)

// conditions collects the parts of a WHERE and their parameters.
type conditions struct {
	parts []string
	args  []any
}

// add takes a condition in which ? stands for the next parameter.
func (c *conditions) add(cond string, args ...any) {
	for _, a := range args {
		c.args = append(c.args, a)
		cond = strings.Replace(cond, "?", fmt.Sprintf("$%d", len(c.args)), 1)
	}
	c.parts = append(c.parts, cond)
}

func (c *conditions) equal(column, value string) {
	if value != "" {
		c.add(column+" = ?", value)
	}
}

func (c *conditions) in(column string, values []string) {
	marks, args := make([]string, len(values)), make([]any, len(values))
	for i, v := range values {
		marks[i], args[i] = "?", v
	}
	c.add(column+" IN ("+strings.Join(marks, ", ")+")", args...)
}

func (c *conditions) where() string {
	if len(c.parts) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(c.parts, " AND ")
}

func (f TimetableFilter) conditions() *conditions {
	c := &conditions{}
	c.add("s.date >= ? AND s.date <= ?", f.From, f.To)
	c.equal("s.department_id", f.DepartmentID)
	c.equal("s.doctor_id", f.DoctorID)
	c.equal("s.exam_id", f.ExamID)
	c.equal("s.campus_id", f.CampusID)
	c.equal("s.type", string(f.Type))
	return c
}

func listSessions(ctx context.Context, tx *store.Tx, c *conditions) ([]Session, error) {
	rows, err := tx.Query(ctx, `SELECT `+sessionColumns+` FROM booking_sessions s`+c.where()+` ORDER BY s.date, s.start_at, s.id`, c.args...)
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	defer rows.Close()
	list := []Session{}
	for rows.Next() {
		se, err := scanSession(rows)
		if err != nil {
			return nil, fmt.Errorf("scan session: %w", err)
		}
		list = append(list, se)
	}
	return list, rows.Err()
}

// tally is how many numbers of a lane a session has, how many of them are
// still to come and free, and how many of those that began are.
type tally struct {
	lane               Lane
	total, free, begun int
}

// countNumbers counts the numbers of the sessions that fit, by session and
// lane. A number whose hold ran out counts as free.
func countNumbers(ctx context.Context, tx *store.Tx, c *conditions, now int64) (map[string][]tally, error) {
	at := len(c.args) + 1
	args := append(append([]any{}, c.args...), now)
	query := fmt.Sprintf(`SELECT n.session_id, n.lane, COUNT(*), SUM(CASE WHEN n.state = 'free' AND n.start_at > $%[1]d THEN 1 ELSE 0 END),
			SUM(CASE WHEN n.state = 'free' AND n.start_at <= $%[1]d AND n.end_at > $%[1]d THEN 1 ELSE 0 END)
		FROM booking_sessions s JOIN booking_numbers n ON n.session_id = s.id%[2]s GROUP BY n.session_id, n.lane
		UNION ALL SELECT n.session_id, n.lane, 0, SUM(CASE WHEN n.start_at > $%[1]d THEN 1 ELSE 0 END),
			SUM(CASE WHEN n.start_at <= $%[1]d AND n.end_at > $%[1]d THEN 1 ELSE 0 END)
		FROM booking_sessions s JOIN appointments h ON h.session_id = s.id AND h.state = 'requested' AND h.expires_at <= $%[1]d
		JOIN booking_numbers n ON n.id = h.number_id%[2]s GROUP BY n.session_id, n.lane`, at, c.where())
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("count numbers: %w", err)
	}
	defer rows.Close()
	out := make(map[string][]tally)
	for rows.Next() {
		var session string
		var t tally
		if err := rows.Scan(&session, &t.lane, &t.total, &t.free, &t.begun); err != nil {
			return nil, fmt.Errorf("scan count of numbers: %w", err)
		}
		out[session] = append(out[session], t)
	}
	return out, rows.Err()
}

// lapsedNumbers are the numbers of a session whose hold ran out.
func lapsedNumbers(ctx context.Context, tx *store.Tx, sessionID string, now int64) (map[string]bool, error) {
	rows, err := tx.Query(ctx, `SELECT number_id FROM appointments WHERE state = 'requested' AND session_id = $1 AND expires_at <= $2`, sessionID, now)
	if err != nil {
		return nil, fmt.Errorf("list lapsed numbers: %w", err)
	}
	defer rows.Close()
	out := make(map[string]bool)
	for rows.Next() {
		var n string
		if err := rows.Scan(&n); err != nil {
			return nil, fmt.Errorf("scan lapsed number: %w", err)
		}
		out[n] = true
	}
	return out, rows.Err()
}

func (f Filter) conditions(from, to int64) *conditions {
	c := &conditions{}
	for _, x := range []struct{ column, value string }{{"a.patient_id", f.PatientID}, {"a.session_id", f.SessionID},
		{"a.department_id", f.DepartmentID}, {"a.doctor_id", f.DoctorID}, {"a.code", f.Code}} {
		c.equal(x.column, x.value)
	}
	if from != 0 {
		c.add("a.start_at >= ?", from)
	}
	if to != 0 {
		c.add("a.start_at < ?", to)
	}
	if len(f.States) > 0 {
		states := make([]string, len(f.States))
		for i, st := range f.States {
			states[i] = string(st)
		}
		c.in("a.state", states)
	}
	f.ways(c)
	return c
}

// ways keeps to some channels and lanes.
func (f Filter) ways(c *conditions) {
	var parts []string
	var args []any
	for _, ch := range f.Channels {
		parts, args = append(parts, "a.channel = ?"), append(args, string(ch))
	}
	for _, lane := range f.Lanes {
		parts, args = append(parts, "a.lane = ?"), append(args, string(lane))
	}
	if len(parts) > 0 {
		c.add("("+strings.Join(parts, " OR ")+")", args...)
	}
}

// listAppointments reads up to limit appointments, the earliest visit first.
func listAppointments(ctx context.Context, tx *store.Tx, c *conditions, limit int) ([]Appointment, error) {
	args := append(append([]any{}, c.args...), limit)
	rows, err := tx.Query(ctx, `SELECT `+appointmentColumns+` FROM appointments a`+c.where()+
		fmt.Sprintf(` ORDER BY a.start_at, a.id LIMIT $%d`, len(args)), args...)
	if err != nil {
		return nil, fmt.Errorf("list appointments: %w", err)
	}
	defer rows.Close()
	list := []Appointment{}
	for rows.Next() {
		a, err := scanAppointment(rows)
		if err != nil {
			return nil, fmt.Errorf("scan appointment: %w", err)
		}
		list = append(list, a)
	}
	return list, rows.Err()
}
