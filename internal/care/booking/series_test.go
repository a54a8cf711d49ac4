package booking_test

import (
	"fmt"
	"testing"
	"time"

	"heartline/internal/care/booking"
	"heartline/internal/care/booking/policy"
	"heartline/internal/platform/store"
	"heartline/internal/platform/store/storetest"
)

func course(change ...func(*booking.SeriesRequest)) booking.SeriesRequest {
	q := booking.SeriesRequest{Key: "series-key-1", PatientID: "a", DepartmentID: cardiology, From: "2026-11-23", EveryDays: 7, Times: 4, Tolerance: 1,
		Reason: "换药", Channel: booking.ChannelDesk}
	for _, c := range change {
		c(&q)
	}
	return q
}

func TestSeries(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := ruled(t, db, preset(t, "hgsyiyuan")) // a week ahead for everybody else
		r.template(time.Monday)
		r.template(time.Tuesday)
		x, err := r.svc.BookSeries(r.ctx(), course())
		if err != nil {
			t.Fatal(err)
		}
		var dates []string
		for _, v := range x.Visits {
			if v.Appointment == nil || v.Appointment.SeriesID != x.ID || v.Appointment.State != booking.Scheduled {
				t.Fatalf("visit %+v", v)
			}
			dates = append(dates, v.Date)
		}
		if fmt.Sprint(dates) != "[2026-11-23 2026-11-30 2026-12-07 2026-12-14]" {
			t.Errorf("dates %v", dates)
		}
		again, err := r.svc.BookSeries(r.ctx(), course())
		if err != nil || again.ID != x.ID {
			t.Fatalf("same key: %+v, %v", again, err)
		}
		_, err = r.svc.BookSeries(r.ctx(), course(func(q *booking.SeriesRequest) { q.Times = 5 }))
		refused(t, err, "booking.key_reused")
		// Those sessions are not open for others yet.
		_, err = r.svc.Book(r.ctx(), booking.Request{Key: "key-number-9", PatientID: "b", SessionID: x.Visits[3].Appointment.SessionID, Channel: booking.ChannelDesk})
		refused(t, err, "booking.not_released")
		_, err = r.svc.Series(patient(t.Context(), "b"), x.ID)
		refused(t, err, "booking.not_yours")
		// A month later the course is given up: what lies ahead goes, without penalty.
		r.clock.set(time.Date(2026, 12, 1, 9, 0, 0, 0, shanghai()))
		x, err = r.svc.CancelSeries(r.ctx(), x.ID, onWish())
		if err != nil || x.State != booking.SeriesCancelled {
			t.Fatalf("%+v, %v", x, err)
		}
		var states []booking.State
		for _, v := range x.Visits {
			states = append(states, v.Appointment.State)
		}
		if fmt.Sprint(states) != "[scheduled scheduled cancelled cancelled]" {
			t.Errorf("states %v", states)
		}
		_, err = r.svc.CancelSeries(r.ctx(), x.ID, onWish())
		refused(t, err, "booking.series_over")
		sound(t, db)
	})
}

// TestAYearAhead: somebody who is discharged gets a number months ahead; the
// session is made for it.
func TestAYearAhead(t *testing.T) {
	r := ruled(t, storetest.SQLite(t), policy.Default())
	r.template(time.Monday, func(x *booking.Template) { x.DoctorID, x.Type = "wang", booking.Expert })
	one := course(func(q *booking.SeriesRequest) { q.Times, q.From, q.Tolerance, q.DoctorID = 1, "2027-11-20", 2, "wang" })
	x, err := r.svc.BookSeries(r.ctx(), one)
	if err != nil || x.Visits[0].Appointment == nil || x.Visits[0].Date != "2027-11-22" {
		t.Fatalf("%+v, %v", x, err)
	}
	one.Key, one.From, one.PatientID = "series-key-2", "2027-11-30", "b"
	_, err = r.svc.BookSeries(r.ctx(), one)
	refused(t, err, "times booking.year_ahead")
	if g, err := r.svc.Generate(r.ctx(), "2027-11-20", "2027-11-23"); err != nil || g.Sessions != 0 || g.Existing != 1 {
		t.Fatalf("not made twice: %+v, %v", g, err)
	}
	sound(t, r.db)
}

// TestVisitsWaitForNumbers: what cannot be booked now is booked at night.
func TestVisitsWaitForNumbers(t *testing.T) {
	r := ruled(t, storetest.SQLite(t), policy.Default())
	x, err := r.svc.BookSeries(r.ctx(), course(func(q *booking.SeriesRequest) { q.From, q.Times = "2026-11-30", 2 }))
	if err != nil || x.Visits[0].Appointment != nil {
		t.Fatalf("%+v, %v", x, err)
	}
	if err := r.svc.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.template(time.Monday)
	if err := r.jobs.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.jobs.Stop(r.t.Context()) })
	r.clock.set(time.Date(2026, 11, 24, 0, 31, 0, 0, shanghai()))
	until(t, "both visits", func() bool {
		x, err := r.svc.Series(r.ctx(), x.ID)
		return err == nil && x.Visits[0].Appointment != nil && x.Visits[1].Appointment != nil
	})
}

func TestSeriesChecks(t *testing.T) {
	r := newRig(t, storetest.SQLite(t))
	for want, change := range map[string]func(*booking.SeriesRequest){
		"key booking.key_invalid":   func(q *booking.SeriesRequest) { q.Key = "short" },
		"times out_of_range":        func(q *booking.SeriesRequest) { q.Times = 61 },
		"every_days out_of_range":   func(q *booking.SeriesRequest) { q.EveryDays = 0 },
		"tolerance out_of_range":    func(q *booking.SeriesRequest) { q.Tolerance = 4 },
		"from booking.past":         func(q *booking.SeriesRequest) { q.From = "2026-11-22" },
		"from booking.date_invalid": func(q *booking.SeriesRequest) { q.From = "Montag" },
		"times booking.year_ahead":  func(q *booking.SeriesRequest) { q.Times = 54 },
		"patient.not_found":         func(q *booking.SeriesRequest) { q.PatientID = "nobody" },
	} {
		_, err := r.svc.BookSeries(r.ctx(), course(change))
		if keyOf(err) != want {
			t.Errorf("got %q, want %q", keyOf(err), want)
		}
	}
	_, err := r.svc.BookSeries(patient(t.Context(), "b"), course())
	refused(t, err, "booking.not_yours")
}

// TestPlanSeries: a plan says what booking would give and why a visit gets
// nothing, follows the same rules, and leaves no trace.
func TestPlanSeries(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := ruled(t, db, preset(t, "hgsyiyuan"))
		r.template(time.Monday, func(x *booking.Template) { x.Capacity, x.Lanes = 1, nil })
		full := course(func(q *booking.SeriesRequest) {
			q.Key, q.PatientID, q.From, q.Times = "series-key-9", "b", "2026-11-30", 1
		})
		if _, err := r.svc.BookSeries(r.ctx(), full); err != nil {
			t.Fatal(err)
		}
		wish := course(func(q *booking.SeriesRequest) { q.Tolerance = 0 })
		before := traces(t, db)
		plan, err := r.svc.PlanSeries(r.ctx(), wish)
		if err != nil || len(plan) != 4 {
			t.Fatalf("%+v, %v", plan, err)
		}
		var got []string
		for _, v := range plan {
			got = append(got, fmt.Sprintf("%s %v %s", v.Date, v.Appointment != nil, v.Why.Key))
		}
		want := "[2026-11-23 true  2026-11-30 false booking.session_full 2026-12-07 true  2026-12-14 true ]"
		if fmt.Sprint(got) != want {
			t.Errorf("plan %v", got)
		}
		if after := traces(t, db); after != before {
			t.Errorf("the plan left something behind: %s, before %s", after, before)
		}
		x, err := r.svc.BookSeries(r.ctx(), wish)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range x.Visits {
			if (v.Appointment != nil) != (plan[i].Appointment != nil) {
				t.Errorf("visit %d is not as planned: %+v", i+1, v)
			}
		}
		// The same person again, and a day without a clinic.
		if plan, err = r.svc.PlanSeries(r.ctx(), wish); err != nil || plan[0].Why.Key != "booking.double" {
			t.Errorf("again: %+v, %v", plan[0], err)
		}
		plan, err = r.svc.PlanSeries(r.ctx(), course(func(q *booking.SeriesRequest) { q.From, q.Times, q.Tolerance = "2026-11-25", 1, 0 }))
		if err != nil || plan[0].Why.Key != "booking.no_session" {
			t.Errorf("no clinic: %+v, %v", plan, err)
		}
		list, err := r.svc.SeriesList(r.ctx(), booking.SeriesFilter{PatientID: "a"})
		if err != nil || len(list) != 1 || list[0].Open != 1 || list[0].Coming != 3 || list[0].NextDate != "2026-11-23" {
			t.Errorf("list %+v, %v", list, err)
		}
		_, err = r.svc.SeriesList(patient(t.Context(), "b"), booking.SeriesFilter{PatientID: "a"})
		refused(t, err, "booking.not_yours")
	})
}

// traces counts what a booking leaves in the database.
func traces(t *testing.T, db *store.DB) string {
	t.Helper()
	out := ""
	err := db.Read(t.Context(), func(tx *store.Tx) error {
		for _, table := range []string{"appointments", "appointment_events", "booking_sessions", "booking_numbers", "booking_series", "audit_log"} {
			var n int
			if err := tx.QueryRow(t.Context(), "SELECT COUNT(*) FROM "+table).Scan(&n); err != nil {
				return err
			}
			out += fmt.Sprintf("%s %d ", table, n)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestVisitMoves: a visit that is changed stays a visit of its series, and
// ends with it.
func TestVisitMoves(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := ruled(t, db, preset(t, "hgsyiyuan"))
		r.template(time.Monday)
		r.template(time.Tuesday)
		x, err := r.svc.BookSeries(r.ctx(), course(func(q *booking.SeriesRequest) { q.Times = 2 }))
		if err != nil {
			t.Fatal(err)
		}
		tuesday, err := r.svc.PlanSeries(r.ctx(), course(func(q *booking.SeriesRequest) { q.From, q.Times = "2026-12-01", 1 }))
		if err != nil || tuesday[0].Appointment == nil {
			t.Fatalf("%+v, %v", tuesday, err)
		}
		if _, err := r.svc.Generate(r.ctx(), "2026-12-01", "2026-12-01"); err != nil {
			t.Fatal(err)
		}
		list, err := r.svc.Timetable(r.ctx(), booking.TimetableFilter{From: "2026-12-01", To: "2026-12-01"})
		if err != nil || len(list) != 1 {
			t.Fatalf("%+v, %v", list, err)
		}
		moved, err := r.svc.ChangeTo(r.ctx(), x.Visits[1].Appointment.ID, booking.Change{Key: "move-key-1", SessionID: list[0].ID, Channel: booking.ChannelDesk})
		if err != nil {
			t.Fatal(err)
		}
		if x, err = r.svc.Series(r.ctx(), x.ID); err != nil || x.Visits[1].Appointment.ID != moved.ID || x.Visits[1].Date != "2026-12-01" {
			t.Fatalf("%+v, %v", x.Visits[1], err)
		}
		if x, err = r.svc.CancelSeries(r.ctx(), x.ID, onWish()); err != nil || x.Visits[1].Appointment.State != booking.Cancelled {
			t.Errorf("%+v, %v", x.Visits[1].Appointment, err)
		}
	})
}
