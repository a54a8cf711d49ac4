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

const (
	templateColumns = `id, version, weekday, weeks, period, start_minute, end_minute, slot_minutes, capacity, lanes, lane_hours, type, fee,
		department_id, doctor_id, exam_id, campus_id, room, valid_from, valid_to, active, updated_at`
	examColumns = `id, version, code, name, name_en, department_id, campus_id, room, equipment, minutes, preparation, preparation_en,
		fasting, fee, active, updated_at`
)

func templateRow(t Template) ([]any, error) {
	lanes, err := json.Marshal(t.Lanes)
	if err != nil {
		return nil, fmt.Errorf("encode lanes: %w", err)
	}
	return []any{t.ID, t.Version, int64(t.Weekday), string(t.Weeks), string(t.Period), t.StartMinute, t.EndMinute, t.SlotMinutes, t.Capacity, string(lanes),
		t.LaneHours, string(t.Type), t.Fee, t.DepartmentID, t.DoctorID, t.ExamID, t.CampusID, t.Room, t.ValidFrom, t.ValidTo, bit(t.Active),
		store.Millis(t.UpdatedAt)}, nil
}

func scanTemplate(row scanner) (Template, error) {
	var t Template
	var lanes string
	var weekday, active, updated int64
	if err := row.Scan(&t.ID, &t.Version, &weekday, &t.Weeks, &t.Period, &t.StartMinute, &t.EndMinute, &t.SlotMinutes, &t.Capacity, &lanes,
		&t.LaneHours, &t.Type, &t.Fee, &t.DepartmentID, &t.DoctorID, &t.ExamID, &t.CampusID, &t.Room, &t.ValidFrom, &t.ValidTo, &active, &updated); err != nil {
		return t, err
	}
	t.Weekday, t.Active, t.UpdatedAt = time.Weekday(weekday), active != 0, store.Time(updated)
	if err := json.Unmarshal([]byte(lanes), &t.Lanes); err != nil {
		return t, fmt.Errorf("decode lanes: %w", err)
	}
	return t, nil
}

func listTemplates(ctx context.Context, tx *store.Tx, f TemplateFilter) ([]Template, error) {
	return collect(ctx, tx, "templates", "SELECT "+templateColumns+` FROM booking_templates
		WHERE ($1 = '' OR department_id = $1) AND ($2 = '' OR doctor_id = $2) AND ($3 = '' OR exam_id = $3) AND ($4 = '' OR campus_id = $4)
		AND active >= $5 ORDER BY department_id, (weekday + 6) % 7, start_minute, id`,
		[]any{f.DepartmentID, f.DoctorID, f.ExamID, f.CampusID, bit(f.OnlyActive)}, scanTemplate)
}

func deleteTemplate(ctx context.Context, tx *store.Tx, templateID string) error {
	n, err := tx.Exec(ctx, "DELETE FROM booking_templates WHERE id = $1", templateID)
	if err != nil {
		return fmt.Errorf("delete template: %w", err)
	}
	if n == 0 {
		return errs.New(errs.NotFound, "booking.not_found")
	}
	return nil
}

// generatedOn reads which templates were carried out on which dates, as
// "template date".
func generatedOn(ctx context.Context, tx *store.Tx, from, to string) (map[string]bool, error) {
	list, err := collect(ctx, tx, "generated days", "SELECT template_id, date FROM booking_generated WHERE date >= $1 AND date <= $2", []any{from, to},
		func(row scanner) (string, error) {
			var t, d string
			err := row.Scan(&t, &d)
			return t + " " + d, err
		})
	out := make(map[string]bool, len(list))
	for _, k := range list {
		out[k] = true
	}
	return out, err
}

func markGenerated(ctx context.Context, tx *store.Tx, templateID, date, sessionID string) error {
	return insertRow(ctx, tx, "booking_generated", "template_id, date, session_id", templateID, date, sessionID)
}

// busyTime is when a doctor or a piece of equipment is taken by a session.
type busyTime struct {
	date, doctorID, equipment, sessionID string
	start, end                           time.Time
}

// busyTimes reads the open sessions of some days that occupy a doctor or
// equipment.
func busyTimes(ctx context.Context, tx *store.Tx, from, to string) ([]busyTime, error) {
	return collect(ctx, tx, "busy times", `SELECT s.id, s.date, s.doctor_id, COALESCE(e.equipment, ''), s.start_at, s.end_at FROM booking_sessions s
		LEFT JOIN exam_items e ON e.id = s.exam_id
		WHERE s.date >= $1 AND s.date <= $2 AND s.state = 'open' AND (s.doctor_id <> '' OR s.exam_id <> '')`, []any{from, to},
		func(row scanner) (b busyTime, err error) {
			var start, end int64
			err = row.Scan(&b.sessionID, &b.date, &b.doctorID, &b.equipment, &start, &end)
			b.start, b.end = store.Time(start), store.Time(end)
			return b, err
		})
}

// rereleaseDate moves the release of a date's sessions that are made from
// templates and not open yet.
func rereleaseDate(ctx context.Context, tx *store.Tx, date string, at, now time.Time) error {
	if _, err := tx.Exec(ctx, `UPDATE booking_sessions SET release_at = $2, version = version + 1, updated_at = $3
		WHERE date = $1 AND release_at > $3 AND release_at <> $2 AND template_id <> ''`, date, store.Millis(at), store.Millis(now)); err != nil {
		return fmt.Errorf("move release: %w", err)
	}
	return nil
}

func examRow(e ExamItem) []any {
	return []any{e.ID, e.Version, e.Code, e.Name, e.NameEN, e.DepartmentID, e.CampusID, e.Room, e.Equipment, e.Minutes, e.Preparation, e.PreparationEN,
		bit(e.Fasting), e.Fee, bit(e.Active), store.Millis(e.UpdatedAt)}
}

func scanExam(row scanner) (ExamItem, error) {
	var e ExamItem
	var fasting, active, updated int64
	err := row.Scan(&e.ID, &e.Version, &e.Code, &e.Name, &e.NameEN, &e.DepartmentID, &e.CampusID, &e.Room, &e.Equipment, &e.Minutes, &e.Preparation,
		&e.PreparationEN, &fasting, &e.Fee, &active, &updated)
	e.Fasting, e.Active, e.UpdatedAt = fasting != 0, active != 0, store.Time(updated)
	return e, err
}

// examNames are what an examination is called.
func examNames(ctx context.Context, tx *store.Tx, examID string) (name, en string, err error) {
	err = tx.QueryRow(ctx, "SELECT name, name_en FROM exam_items WHERE id = $1", examID).Scan(&name, &en)
	if err != nil && !store.IsNoRows(err) { // a booking stands without the name in its message
		return "", "", fmt.Errorf("name of examination: %w", err)
	}
	return name, en, nil
}

// listExams reads one examination, or all when the id is empty, with what they
// exclude.
func listExams(ctx context.Context, tx *store.Tx, examID string) ([]ExamItem, error) {
	list, err := collect(ctx, tx, "examinations", "SELECT "+examColumns+" FROM exam_items WHERE $1 = '' OR id = $1 ORDER BY code", []any{examID}, scanExam)
	if err != nil {
		return nil, err
	}
	type pair struct {
		first string
		Exclusion
	}
	pairs, err := collect(ctx, tx, "exclusions", "SELECT first_id, then_id, gap_hours, reason FROM exam_exclusions WHERE $1 = '' OR first_id = $1 ORDER BY first_id, then_id",
		[]any{examID}, func(row scanner) (p pair, err error) {
			err = row.Scan(&p.first, &p.ExamID, &p.GapHours, &p.Reason)
			return p, err
		})
	if err != nil {
		return nil, err
	}
	for i := range list {
		list[i].After = []Exclusion{}
		for _, p := range pairs {
			if p.first == list[i].ID {
				list[i].After = append(list[i].After, p.Exclusion)
			}
		}
	}
	return list, nil
}

func replaceExclusions(ctx context.Context, tx *store.Tx, e ExamItem) error {
	if _, err := tx.Exec(ctx, "DELETE FROM exam_exclusions WHERE first_id = $1", e.ID); err != nil {
		return fmt.Errorf("clear exclusions: %w", err)
	}
	for _, x := range e.After {
		if err := insertRow(ctx, tx, "exam_exclusions", "first_id, then_id, gap_hours, reason", e.ID, x.ExamID, x.GapHours, x.Reason); err != nil {
			return err
		}
	}
	return nil
}

// examUses counts what still refers to an examination.
func examUses(ctx context.Context, tx *store.Tx, examID string) (n int, err error) {
	err = tx.QueryRow(ctx, `SELECT (SELECT COUNT(*) FROM booking_templates WHERE exam_id = $1) + (SELECT COUNT(*) FROM booking_sessions WHERE exam_id = $1)`,
		examID).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count uses of examination: %w", err)
	}
	return n, nil
}

func deleteExam(ctx context.Context, tx *store.Tx, examID string) error {
	n, err := tx.Exec(ctx, "DELETE FROM exam_items WHERE id = $1", examID)
	if err != nil {
		return fmt.Errorf("delete examination: %w", err)
	}
	if n == 0 {
		return errs.New(errs.NotFound, "booking.not_found")
	}
	return nil
}

// neighbour is another examination of the same person.
type neighbour struct {
	examID, name string
	start, end   time.Time
	gapHours     int
	reason       string
	before       bool // it lies before the one asked for
}

// clashingExams reads the active examinations of a person that must be kept
// apart from an examination at a time and are not. without is left out.
func clashingExams(ctx context.Context, tx *store.Tx, patientID, examID, without string, start, end time.Time) ([]neighbour, error) {
	const hour = int64(time.Hour / time.Millisecond)
	query := `SELECT a.exam_id, e.name, a.start_at, a.end_at, x.gap_hours, x.reason, %s FROM appointments a
		JOIN exam_exclusions x ON %s JOIN exam_items e ON e.id = a.exam_id
		WHERE a.patient_id = $1 AND a.active <> 0 AND a.id <> $2 AND %s`
	halves := []string{
		fmt.Sprintf(query, "1", "x.first_id = a.exam_id AND x.then_id = $3", "a.start_at < $5 AND a.end_at + x.gap_hours * $6 > $4"),
		fmt.Sprintf(query, "0", "x.then_id = a.exam_id AND x.first_id = $3", "a.end_at > $4 AND a.start_at < $5 + x.gap_hours * $6"),
	}
	return collect(ctx, tx, "clashing examinations", strings.Join(halves, " UNION ALL "),
		[]any{patientID, without, examID, store.Millis(start), store.Millis(end), hour},
		func(row scanner) (n neighbour, err error) {
			var from, to, before int64
			err = row.Scan(&n.examID, &n.name, &from, &to, &n.gapHours, &n.reason, &before)
			n.start, n.end, n.before = store.Time(from), store.Time(to), before != 0
			return n, err
		})
}
