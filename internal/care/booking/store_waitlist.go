package booking

import (
	"context"
	"fmt"
	"time"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/store"
)

const (
	waitColumns = `id, version, patient_id, department_id, doctor_id, exam_id, type, period, date_from, date_to, channel, state, appointment_id, number_id,
		offered_at, offer_until, offers, note, reference, received_on, created_by, created_at, updated_at`
	seriesColumns = `id, idem_key, patient_id, department_id, doctor_id, exam_id, type, period, date_from, every_days, times, tolerance, reason, channel,
		reference, received_on, state, created_by, created_at`
)

func waitRow(e WaitEntry) []any {
	return []any{e.ID, e.Version, e.PatientID, e.DepartmentID, e.DoctorID, e.ExamID, string(e.Type), string(e.Period), e.From, e.To, string(e.Channel),
		string(e.State), e.AppointmentID, e.NumberID, millis(e.OfferedAt), millis(e.OfferUntil), e.Offers, e.Note, e.Reference, e.ReceivedOn,
		e.CreatedBy, millis(e.CreatedAt), millis(e.UpdatedAt)}
}

func scanWait(row scanner) (WaitEntry, error) {
	var e WaitEntry
	var offered, until, created, updated int64
	err := row.Scan(&e.ID, &e.Version, &e.PatientID, &e.DepartmentID, &e.DoctorID, &e.ExamID, &e.Type, &e.Period, &e.From, &e.To, &e.Channel,
		&e.State, &e.AppointmentID, &e.NumberID, &offered, &until, &e.Offers, &e.Note, &e.Reference, &e.ReceivedOn, &e.CreatedBy, &created, &updated)
	e.OfferedAt, e.OfferUntil, e.CreatedAt, e.UpdatedAt = timeOf(offered), timeOf(until), timeOf(created), timeOf(updated)
	return e, err
}

// putWait stores a changed entry and counts up its version.
func putWait(ctx context.Context, tx *store.Tx, e WaitEntry) error {
	return updateRow(ctx, tx, "booking_waitlist", waitColumns, waitRow(e)...)
}

// lockWait reads an entry that tx is about to change.
func lockWait(ctx context.Context, tx *store.Tx, entryID string) (WaitEntry, error) {
	e, err := first(collect(ctx, tx, "waitlist entry", "SELECT "+waitColumns+" FROM booking_waitlist WHERE id = $1"+forUpdate(tx), []any{entryID}, scanWait))
	return e, err
}

// fittingWishes reads who waits for a number like one of a session, first come
// first, without those whom it went past.
func fittingWishes(ctx context.Context, tx *store.Tx, se Session, numberID string, limit int) ([]string, error) {
	return collect(ctx, tx, "fitting wishes", `SELECT id FROM booking_waitlist w
		WHERE w.state = 'waiting' AND w.department_id = $1 AND (w.doctor_id = '' OR w.doctor_id = $2) AND w.exam_id = $3 AND (w.type = '' OR w.type = $4)
		AND (w.period = '' OR w.period = $5) AND w.date_from <= $6 AND w.date_to >= $6
		AND NOT EXISTS (SELECT 1 FROM booking_waitlist_passed p WHERE p.entry_id = w.id AND p.number_id = $7)
		ORDER BY w.id LIMIT $8`,
		[]any{se.DepartmentID, se.DoctorID, se.ExamID, string(se.Type), string(se.Period), se.Date, numberID, limit},
		func(row scanner) (entryID string, err error) {
			err = row.Scan(&entryID)
			return entryID, err
		})
}

// anybodyWaits reports whether a number of a session could interest anybody:
// one look at a small index, because most numbers come back to no waitlist.
func anybodyWaits(ctx context.Context, tx *store.Tx, sessionID string) (bool, error) {
	var n int
	err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM booking_sessions s WHERE s.id = $1 AND EXISTS
		(SELECT 1 FROM booking_waitlist w WHERE w.department_id = s.department_id AND w.state = 'waiting')`, sessionID).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("look at waitlist: %w", err)
	}
	return n > 0, nil
}

// offeredWith finds the entry to which a number is offered: by the number, or
// by the hold.
func offeredWith(ctx context.Context, tx *store.Tx, column, value string) (WaitEntry, bool, error) {
	list, err := collect(ctx, tx, "offer", "SELECT "+waitColumns+" FROM booking_waitlist WHERE "+column+" = $1 AND state = 'offered'"+forUpdate(tx),
		[]any{value}, scanWait)
	if err != nil || len(list) == 0 {
		return WaitEntry{}, false, err
	}
	return list[0], true, nil
}

// passBy notes that a number went past an entry.
func passBy(ctx context.Context, tx *store.Tx, entryID, numberID string) error {
	if _, err := tx.Exec(ctx, "INSERT INTO booking_waitlist_passed (entry_id, number_id) VALUES ($1, $2) ON CONFLICT (entry_id, number_id) DO NOTHING",
		entryID, numberID); err != nil {
		return fmt.Errorf("pass number by: %w", err)
	}
	return nil
}

func listWaits(ctx context.Context, tx *store.Tx, f WaitFilter) ([]WaitEntry, error) {
	c := &conditions{}
	c.equal("w.patient_id", f.PatientID)
	c.equal("w.department_id", f.DepartmentID)
	c.equal("w.doctor_id", f.DoctorID)
	if len(f.States) > 0 {
		states := make([]string, len(f.States))
		for i, st := range f.States {
			states[i] = string(st)
		}
		c.in("w.state", states)
	}
	n := len(c.args)
	list, err := collect(ctx, tx, "waitlist", "SELECT "+waitColumns+" FROM booking_waitlist w"+c.where()+fmt.Sprintf(" ORDER BY w.id LIMIT $%d", n+1),
		append(c.args, f.Limit), scanWait)
	if err != nil {
		return nil, err
	}
	for i := range list {
		if list[i].State != Waiting {
			continue
		}
		if err := tx.QueryRow(ctx, "SELECT COUNT(*) FROM booking_waitlist WHERE state = 'waiting' AND department_id = $1 AND id <= $2", list[i].DepartmentID,
			list[i].ID).Scan(&list[i].Place); err != nil {
			return nil, fmt.Errorf("count place: %w", err)
		}
	}
	return list, nil
}

// endPastWishes ends the wishes whose last day has gone by.
func endPastWishes(ctx context.Context, tx *store.Tx, today string, now time.Time) (int64, error) {
	n, err := tx.Exec(ctx, "UPDATE booking_waitlist SET state = 'past', version = version + 1, updated_at = $2 WHERE state = 'waiting' AND date_to < $1",
		today, store.Millis(now))
	if err != nil {
		return 0, fmt.Errorf("end past wishes: %w", err)
	}
	return n, nil
}

func insertSeries(ctx context.Context, tx *store.Tx, x Series) error {
	err := insertRow(ctx, tx, "booking_series", seriesColumns, x.ID, x.Key, x.PatientID, x.DepartmentID, x.DoctorID, x.ExamID, string(x.Type), string(x.Period),
		x.From, x.EveryDays, x.Times, x.Tolerance, x.Reason, string(x.Channel), x.Reference, x.ReceivedOn, x.State, x.CreatedBy, millis(x.CreatedAt))
	if err != nil {
		return err
	}
	for _, v := range x.Visits {
		if err := insertRow(ctx, tx, "booking_series_visits", "series_id, seq, date, appointment_id", x.ID, v.Seq, v.Date, ""); err != nil {
			return err
		}
	}
	return nil
}

// findSeries reads a series by its id or its key.
func findSeries(ctx context.Context, tx *store.Tx, column, value string) (Series, error) {
	x, err := first(collect(ctx, tx, "series", "SELECT "+seriesColumns+" FROM booking_series WHERE "+column+" = $1", []any{value}, func(row scanner) (x Series, err error) {
		var created int64
		err = row.Scan(&x.ID, &x.Key, &x.PatientID, &x.DepartmentID, &x.DoctorID, &x.ExamID, &x.Type, &x.Period, &x.From, &x.EveryDays, &x.Times,
			&x.Tolerance, &x.Reason, &x.Channel, &x.Reference, &x.ReceivedOn, &x.State, &x.CreatedBy, &created)
		x.CreatedAt = timeOf(created)
		return x, err
	}))
	if err != nil {
		return x, err
	}
	type row struct {
		Visit
		appointmentID string
	}
	rows, err := collect(ctx, tx, "visits", "SELECT seq, date, appointment_id FROM booking_series_visits WHERE series_id = $1 ORDER BY seq", []any{x.ID},
		func(r scanner) (v row, err error) {
			err = r.Scan(&v.Seq, &v.Date, &v.appointmentID)
			return v, err
		})
	if err != nil {
		return x, err
	}
	x.Visits = []Visit{}
	for _, v := range rows {
		if v.appointmentID != "" {
			a, err := loadAppointment(ctx, tx, v.appointmentID)
			if err != nil {
				return x, err
			}
			v.Appointment, v.Visit.Date = &a, a.Date
		}
		x.Visits = append(x.Visits, v.Visit)
	}
	return x, nil
}

func setVisit(ctx context.Context, tx *store.Tx, seriesID string, seq int, appointmentID string) error {
	if _, err := tx.Exec(ctx, "UPDATE booking_series_visits SET appointment_id = $3 WHERE series_id = $1 AND seq = $2", seriesID, seq, appointmentID); err != nil {
		return fmt.Errorf("set visit: %w", err)
	}
	return nil
}

// endSeries marks a series as cancelled.
func endSeries(ctx context.Context, tx *store.Tx, seriesID string) error {
	n, err := tx.Exec(ctx, "UPDATE booking_series SET state = 'cancelled' WHERE id = $1 AND state = 'active'", seriesID)
	if err != nil {
		return fmt.Errorf("end series: %w", err)
	}
	if n == 0 {
		return errs.New(errs.Conflict, "booking.series_over")
	}
	return nil
}

// openVisits reads which series have visits without an appointment up to a
// date.
func openVisits(ctx context.Context, tx *store.Tx, from, to string) ([]string, error) {
	return collect(ctx, tx, "open visits", `SELECT DISTINCT v.series_id FROM booking_series_visits v JOIN booking_series s ON s.id = v.series_id
		WHERE v.appointment_id = '' AND v.date >= $1 AND v.date <= $2 AND s.state = 'active' ORDER BY 1 LIMIT 1000`, []any{from, to},
		func(row scanner) (seriesID string, err error) {
			err = row.Scan(&seriesID)
			return seriesID, err
		})
}

// fitting is a session of a day, and whether it has a free number.
type fitting struct {
	Session
	free bool
}

// openSessions reads the open sessions of a day that fit a series, earliest
// first.
func openSessions(ctx context.Context, tx *store.Tx, r SeriesRequest, date string) ([]fitting, error) {
	return collect(ctx, tx, "sessions of a day", "SELECT "+sessionColumns+`,
		(SELECT COUNT(*) FROM booking_numbers n WHERE n.session_id = s.id AND n.state = 'free') FROM booking_sessions s
		WHERE s.date = $1 AND s.department_id = $2 AND ($3 = '' OR s.doctor_id = $3) AND s.exam_id = $4 AND ($5 = '' OR s.type = $5)
		AND ($6 = '' OR s.period = $6) AND s.state = 'open' ORDER BY s.start_at, s.id`,
		[]any{date, r.DepartmentID, r.DoctorID, r.ExamID, string(r.Type), string(r.Period)}, func(row scanner) (x fitting, err error) {
			var n int
			x.Session, err = scanSession(row, &n)
			x.free = n > 0
			return x, err
		})
}

// listSeries reads series with the sums of their visits, newest first.
func listSeries(ctx context.Context, tx *store.Tx, f SeriesFilter, now time.Time, limit int) ([]SeriesSum, error) {
	const ahead = `FROM booking_series_visits v JOIN appointments a ON a.id = v.appointment_id WHERE v.series_id = s.id AND a.active <> 0 AND a.start_at > $1`
	return collect(ctx, tx, "series", "SELECT "+seriesColumns+`,
		(SELECT COUNT(*) FROM booking_series_visits v WHERE v.series_id = s.id AND v.appointment_id = ''),
		(SELECT COUNT(*) `+ahead+`), COALESCE((SELECT MIN(a.date) `+ahead+`), '')
		FROM booking_series s WHERE ($2 = '' OR s.patient_id = $2) AND ($3 = '' OR s.state = $3) ORDER BY s.id DESC LIMIT $4`,
		[]any{store.Millis(now), f.PatientID, f.State, limit}, func(row scanner) (x SeriesSum, err error) {
			var created int64
			var by string
			err = row.Scan(&x.ID, &x.Key, &x.PatientID, &x.DepartmentID, &x.DoctorID, &x.ExamID, &x.Type, &x.Period, &x.From, &x.EveryDays, &x.Times,
				&x.Tolerance, &x.Reason, &x.Channel, &x.Reference, &x.ReceivedOn, &x.State, &by, &created, &x.Open, &x.Coming, &x.NextDate)
			x.CreatedAt = timeOf(created)
			return x, err
		})
}

// repointVisit lets a visit follow its appointment to another number.
func repointVisit(ctx context.Context, tx *store.Tx, seriesID, from, to string) error {
	if _, err := tx.Exec(ctx, "UPDATE booking_series_visits SET appointment_id = $3 WHERE series_id = $1 AND appointment_id = $2", seriesID, from, to); err != nil {
		return fmt.Errorf("move visit: %w", err)
	}
	return nil
}
