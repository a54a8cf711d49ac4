package booking_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"heartline/internal/care/booking"
	"heartline/internal/care/booking/policy"
	"heartline/internal/platform/store"
	"heartline/internal/platform/store/storetest"
)

// TestSeriesTellsOnce: a course of visits is one message, not one for each;
// the same when the rest of it is given up.
func TestSeriesTellsOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := ruled(t, db, preset(t, "hgsyiyuan"))
		r.template(time.Monday)
		x, err := r.svc.BookSeries(r.ctx(), course(func(q *booking.SeriesRequest) { q.Times = 10 }))
		if err != nil {
			t.Fatal(err)
		}
		if got := r.noticesOf("a"); !slices.Equal(got, []string{booking.NoticeSeries}) {
			t.Fatalf("notices %v", got)
		}
		visits := strings.Split(r.column("SELECT time FROM test_notices WHERE patient_id = 'a'")[0], ", ")
		if len(visits) != 8 || !strings.HasPrefix(visits[0], "2026-11-23 ") || !strings.HasPrefix(visits[7], "2027-01-11 ") {
			t.Errorf("visits %v", visits)
		}
		r.clock.set(time.Date(2027, 1, 12, 9, 0, 0, 0, shanghai()))
		if _, err := r.svc.CancelSeries(r.ctx(), x.ID, onWish()); err != nil {
			t.Fatal(err)
		}
		if got := r.noticesOf("a"); !slices.Equal(got, []string{booking.NoticeSeries, booking.NoticeSeriesCancelled}) {
			t.Errorf("notices %v", got)
		}
		// A single visit is told of like any other, and so is one that moves.
		one, err := r.svc.BookSeries(r.ctx(), course(func(q *booking.SeriesRequest) {
			q.Key, q.PatientID, q.Times, q.From = "series-key-2", "b", 1, "2027-01-18"
		}))
		if err != nil || one.Visits[0].Appointment == nil {
			t.Fatalf("%+v, %v", one, err)
		}
		if _, err := r.svc.CancelSeries(r.ctx(), one.ID, onWish()); err != nil {
			t.Fatal(err)
		}
		if got := r.noticesOf("b"); !slices.Equal(got, []string{booking.NoticeBooked, booking.NoticeCancelled}) {
			t.Errorf("notices %v", got)
		}
		sound(t, db)
	})
}

// TestLapsedReplacementOfAVisit: a number that was kept in place of a closed
// one, and that nobody took, is not what the series shows: it shows a visit
// without a number, or the closed one to who did not want another.
func TestLapsedReplacementOfAVisit(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := ruled(t, db, policy.Default())
		r.template(time.Monday)
		r.template(time.Tuesday)
		for name, end := range map[string]func(a booking.Appointment) error{
			"lapsed": func(a booking.Appointment) error {
				r.clock.set(a.ExpiresAt.Add(time.Minute))
				_, err := r.svc.Expire(r.ctx(), a.ID)
				return err
			},
			"declined": func(a booking.Appointment) error { _, err := r.svc.Cancel(r.ctx(), a.ID, onWish()); return err },
		} {
			r.clock.set(monday())
			x, err := r.svc.BookSeries(r.ctx(), course(func(q *booking.SeriesRequest) {
				q.Key, q.PatientID, q.Times, q.From, q.Tolerance = "series-"+name, name, 1, map[string]string{"lapsed": "2026-11-30", "declined": "2026-12-07"}[name], 0
			}))
			if err != nil || x.Visits[0].Appointment == nil {
				t.Fatalf("%+v, %v", x, err)
			}
			old := x.Visits[0].Appointment
			if _, err := r.svc.Generate(r.ctx(), "2026-11-24", "2026-12-08"); err != nil {
				t.Fatal(err)
			}
			report, err := r.svc.CloseSession(r.ctx(), old.SessionID, booking.Closing{Reason: "会诊", OfferReplacements: true})
			if err != nil || report.Replaced != 1 {
				t.Fatalf("%+v, %v", report, err)
			}
			offer := report.Affected[0].Replacement
			shown := func() string {
				x, err := r.svc.Series(r.ctx(), x.ID)
				if err != nil {
					t.Fatal(err)
				}
				if x.Visits[0].Appointment == nil {
					return ""
				}
				return x.Visits[0].Appointment.ID
			}
			if shown() != offer.ID {
				t.Errorf("%s: the visit does not follow to what is offered", name)
			}
			if err := end(*offer); err != nil {
				t.Fatal(err)
			}
			if want := map[string]string{"lapsed": "", "declined": old.ID}[name]; shown() != want {
				t.Errorf("%s: the visit shows %q, want %q", name, shown(), want)
			}
		}
	})
}

// TestLapsedVisitIsBookedAtNight: a visit of a closed clinic whose replacement
// lapsed is open, for the desk to see, and the next night gives it a number.
func TestLapsedVisitIsBookedAtNight(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := ruled(t, db, policy.Default())
		r.template(time.Monday)
		r.template(time.Tuesday)
		x, err := r.svc.BookSeries(r.ctx(), course(func(q *booking.SeriesRequest) { q.Times, q.From = 2, "2026-11-30" }))
		if err != nil || x.Visits[0].Appointment == nil || x.Visits[1].Appointment == nil {
			t.Fatalf("%+v, %v", x, err)
		}
		if _, err := r.svc.Generate(r.ctx(), "2026-11-24", "2026-12-08"); err != nil {
			t.Fatal(err)
		}
		report, err := r.svc.CloseSession(r.ctx(), x.Visits[0].Appointment.SessionID, booking.Closing{Reason: "会诊", OfferReplacements: true})
		if err != nil || report.Replaced != 1 {
			t.Fatalf("%+v, %v", report, err)
		}
		if err := r.svc.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		offer := report.Affected[0].Replacement
		r.clock.set(offer.ExpiresAt.Add(time.Minute))
		if ended, err := r.svc.Expire(r.ctx(), offer.ID); err != nil || !ended {
			t.Fatal(ended, err)
		}
		sum, err := r.svc.SeriesList(r.ctx(), booking.SeriesFilter{PatientID: "a"})
		if err != nil || len(sum) != 1 || sum[0].Open != 1 || sum[0].Coming != 1 {
			t.Fatalf("%+v, %v", sum, err)
		}
		if x, err = r.svc.Series(r.ctx(), x.ID); err != nil || x.Visits[0].Appointment != nil || x.Visits[0].Date != "2026-11-30" {
			t.Fatalf("%+v, %v", x, err)
		}
		if err := r.jobs.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = r.jobs.Stop(r.t.Context()) })
		night := offer.ExpiresAt.AddDate(0, 0, 1)
		r.clock.set(time.Date(night.Year(), night.Month(), night.Day(), 0, 31, 0, 0, shanghai()))
		until(t, "a number for the visit", func() bool {
			x, err = r.svc.Series(r.ctx(), x.ID)
			return err == nil && x.Visits[0].Appointment != nil
		})
		if a := x.Visits[0].Appointment; a.State != booking.Scheduled || a.Date != "2026-12-01" || a.SeriesID != x.ID {
			t.Errorf("%+v", a)
		}
		until(t, "the message", func() bool {
			return fmt.Sprint(r.noticesOf("a")) == "[booking.series booking.session_closed booking.booked]"
		})
		sound(t, db)
	})
}

// TestReplacementsLieLater: what is offered for a closed clinic is not before
// the day that was agreed on, unless there is nothing else.
func TestReplacementsLieLater(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		se := r.clinic(3, shared(3), of("wang"))
		earlier := r.clinic(1, shared(1), of("wang"))
		same := r.clinic(3, shared(1), of("li"), func(x *booking.Session) {
			x.Period, x.StartAt, x.EndAt = booking.Afternoon, x.StartAt.Add(6*time.Hour), x.EndAt.Add(6*time.Hour)
		})
		later := r.clinic(5, shared(1), of("wang"))
		for i := range 3 {
			r.book(se, fmt.Sprint("p-", i))
		}
		report, err := r.svc.CloseSession(r.ctx(), se.ID, booking.Closing{Reason: "会诊", OfferReplacements: true})
		if err != nil || len(report.Affected) != 3 {
			t.Fatalf("%+v, %v", report, err)
		}
		for i, want := range []booking.Session{later, same, earlier} { // the doctor's own first
			if got := report.Affected[i].Replacement; got == nil || got.SessionID != want.ID {
				t.Errorf("%d: %+v, want one on %s", i, got, want.Date)
			}
		}
	})
}
