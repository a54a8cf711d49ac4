package booking_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"heartline/internal/care/booking"
	"heartline/internal/care/booking/policy"
	"heartline/internal/platform/store"
	"heartline/internal/platform/store/storetest"
)

// of gives a session to a doctor.
func of(doctor string) func(*booking.Session) {
	return func(se *booking.Session) { se.DoctorID, se.Type = doctor, booking.Expert }
}

// TestCloseSession: everybody gets the money back, a notice and, as long as
// there are any, a number kept elsewhere; nobody a penalty.
func TestCloseSession(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := ruled(t, db, preset(t, "guahaoe f1dee171"))
		se := r.clinic(2, shared(6), of("wang"))
		substitute := r.clinic(4, shared(1), of("li"))
		own := r.clinic(8, shared(1), of("wang"))
		r.clinic(1, shared(1), of("zhao"), func(x *booking.Session) { x.DepartmentID = "eye" })
		r.book(se, "first", card)
		r.book(se, "second")
		r.book(se, "third")
		r.book(se, "holding", held)
		gone := r.book(se, "gone")
		if _, err := r.svc.Cancel(r.ctx(), gone.ID, onWish()); err != nil {
			t.Fatal(err)
		}
		preview, err := r.svc.AffectedBy(r.ctx(), se.ID)
		if err != nil || len(preview) != 4 {
			t.Fatalf("preview %d, %v", len(preview), err)
		}
		_, err = r.svc.CloseSession(patient(t.Context(), "first"), se.ID, booking.Closing{Reason: "医生外出"})
		refused(t, err, "auth.denied")
		_, err = r.svc.CloseSession(r.ctx(), se.ID, booking.Closing{})
		refused(t, err, "reason required")
		report, err := r.svc.CloseSession(r.ctx(), se.ID, booking.Closing{Reason: "医生外出", SubstituteDoctorID: "li", OfferReplacements: true})
		if err != nil {
			t.Fatal(err)
		}
		checkClosed(t, r, report, substitute, own)
		_, err = r.svc.Book(r.ctx(), want(se, "new"))
		refused(t, err, "booking.session_closed")
		_, err = r.svc.CloseSession(r.ctx(), se.ID, booking.Closing{Reason: "再停一次"})
		refused(t, err, "booking.session_closed")
		checkReplacements(t, r, report)
		sound(t, db)
	})
}

// checkClosed looks at what the closing reported and did.
func checkClosed(t *testing.T, r *rig, report booking.ClosedReport, elsewhere ...booking.Session) {
	t.Helper()
	if len(report.Affected) != 4 || report.Refunded != 1500 || report.Notified != 3 || report.Replaced != 2 {
		t.Fatalf("report %+v", report)
	}
	if report.Session.State != booking.SessionClosed || report.Session.CloseReason != "医生外出" {
		t.Errorf("session %+v", report.Session)
	}
	for i, se := range elsewhere { // the substitute first, then the doctor's own
		x := report.Affected[i]
		if x.Replacement == nil || x.Replacement.SessionID != se.ID || x.Replacement.State != booking.Requested || x.Replacement.MovedFrom != x.Appointment.ID {
			t.Errorf("replacement %d: %+v", i, x.Replacement)
		}
		if x.Appointment.State != booking.Cancelled || x.Appointment.CancelReason != booking.CancelClosed {
			t.Errorf("%+v", x.Appointment)
		}
	}
	if got := r.noticesOf("first"); fmt.Sprint(got) != "[booking.booked booking.session_closed]" {
		t.Errorf("notices %v", got)
	}
	if got := r.noticesOf("holding"); len(got) != 0 {
		t.Errorf("a hold on a screen gets no notice: %v", got)
	}
	if list, _ := r.svc.Penalties(r.ctx(), booking.PenaltyFilter{}); len(list) != 0 {
		t.Errorf("penalties %+v", list)
	}
	if n := r.column("SELECT state FROM booking_numbers WHERE session_id = '" + report.Session.ID + "' AND state <> 'blocked'"); len(n) != 0 {
		t.Errorf("numbers left: %v", n)
	}
}

// checkReplacements: the first takes the replacement; nobody answers for the
// other one, which is free again a day later.
func checkReplacements(t *testing.T, r *rig, report booking.ClosedReport) {
	t.Helper()
	if a, err := r.svc.Confirm(patient(t.Context(), "first"), report.Affected[0].Replacement.ID); err != nil || a.State != booking.Scheduled || a.DoctorID != "li" {
		t.Errorf("the replacement is taken: %+v, %v", a, err)
	}
	sound(t, r.db)
	r.clock.add(25 * time.Hour)
	if ended, err := r.svc.Expire(r.sys(), report.Affected[1].Replacement.ID); err != nil || !ended {
		t.Fatalf("%t, %v", ended, err)
	}
}

func TestReopen(t *testing.T) {
	r := ruled(t, storetest.SQLite(t), policy.Default())
	p := plan(1, 4)
	se, err := r.svc.SaveSession(r.ctx(), p)
	if err != nil {
		t.Fatal(err)
	}
	p.Session, p.Capacity = se, 3 // one is withdrawn, and stays so
	if se, err = r.svc.SaveSession(r.ctx(), p); err != nil {
		t.Fatal(err)
	}
	r.book(se, "a")
	_, err = r.svc.Reopen(r.ctx(), se.ID)
	refused(t, err, "booking.session_open")
	if _, err = r.svc.CloseSession(r.ctx(), se.ID, booking.Closing{Reason: "设备故障"}); err != nil {
		t.Fatal(err)
	}
	if se, err = r.svc.Reopen(r.ctx(), se.ID); err != nil || se.State != booking.SessionOpen || se.Free != 3 {
		t.Fatalf("%+v, %v", se, err)
	}
	r.book(se, "a")
	sound(t, r.db)
}

// TestCloseUnderFire closes a session while many book it: who got a number is
// in the report, nobody keeps one.
func TestCloseUnderFire(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db)
		se := r.clinic(1, shared(30))
		done := make(chan string, 40)
		for i := range 40 {
			go func() {
				a, err := r.svc.Book(desk(context.WithoutCancel(t.Context())), want(se, fmt.Sprint("p", i)))
				if err != nil && keyOf(err) != "booking.session_closed" && keyOf(err) != "booking.session_full" {
					t.Errorf("book: %v", err)
				}
				done <- a.ID
			}()
		}
		got := map[string]bool{<-done: true}
		report, err := r.svc.CloseSession(r.ctx(), se.ID, booking.Closing{Reason: "停电"})
		if err != nil {
			t.Fatal(err)
		}
		for range 39 {
			got[<-done] = true
		}
		delete(got, "")
		if len(got) != len(report.Affected) {
			t.Errorf("%d booked, %d in the report", len(got), len(report.Affected))
		}
		for _, x := range report.Affected {
			if !got[x.Appointment.ID] {
				t.Errorf("%s is in the report and was refused", x.Appointment.ID)
			}
		}
		if n := r.column("SELECT id FROM appointments WHERE active = 1"); len(n) != 0 {
			t.Errorf("%d keep a number of a closed session", len(n))
		}
		sound(t, db)
	})
}

func TestSubstitute(t *testing.T) {
	r := newRig(t, storetest.SQLite(t))
	se, busy := r.clinic(1, shared(3), of("wang")), r.clinic(1, shared(3), of("busy"))
	a := r.book(se, "a")
	_, err := r.svc.Substitute(r.ctx(), se.ID, "busy")
	refused(t, err, "booking.doctor_busy")
	_, err = r.svc.Substitute(r.ctx(), se.ID, "wang")
	refused(t, err, "doctor_id booking.same_doctor")
	if se, err = r.svc.Substitute(r.ctx(), se.ID, "li"); err != nil || se.DoctorID != "li" || se.SubstituteOf != "wang" {
		t.Fatalf("%+v, %v", se, err)
	}
	if a, err = r.svc.Get(r.ctx(), a.ID); err != nil || a.DoctorID != "li" || a.State != booking.Scheduled {
		t.Fatalf("%+v, %v", a, err)
	}
	if got := r.noticesOf("a"); fmt.Sprint(got) != "[booking.booked booking.changed]" {
		t.Errorf("notices %v", got)
	}
	if se, err = r.svc.Substitute(r.ctx(), se.ID, "wang"); err != nil || se.SubstituteOf != "" {
		t.Fatalf("back again: %+v, %v", se, err)
	}
	_ = busy
	sound(t, r.db)
}

func TestSwap(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db)
		x, y := r.clinic(1, shared(3), of("wang")), r.clinic(3, shared(3), of("li"))
		a, b := r.book(x, "a"), r.book(y, "b")
		other := r.clinic(3, shared(1), func(se *booking.Session) { se.DepartmentID = "eye" })
		refused(t, r.svc.Swap(r.ctx(), x.ID, other.ID), "booking.swap_department")
		refused(t, r.svc.Swap(r.ctx(), x.ID, x.ID), "with booking.same_session")
		refused(t, r.svc.SwapBy(r.ctx(), x.ID, y.ID, "rooms"), "mode not_allowed")
		if err := r.svc.Swap(r.ctx(), x.ID, y.ID); err != nil {
			t.Fatal(err)
		}
		a1, _ := r.svc.Get(r.ctx(), a.ID)
		b1, _ := r.svc.Get(r.ctx(), b.ID)
		if a1.DoctorID != "li" || b1.DoctorID != "wang" || !a1.StartAt.Equal(a.StartAt) || a1.Date != a.Date {
			t.Fatalf("a %+v\nb %+v", a1, b1)
		}
		if err := r.svc.SwapBy(r.ctx(), x.ID, y.ID, booking.SwapTimes); err != nil {
			t.Fatal(err)
		}
		a2, _ := r.svc.Get(r.ctx(), a.ID)
		b2, _ := r.svc.Get(r.ctx(), b.ID)
		if a2.Date != b.Date || !a2.StartAt.Equal(b.StartAt) || a2.DoctorID != "li" || b2.Date != a.Date || b2.DoctorID != "wang" {
			t.Fatalf("a %+v\nb %+v", a2, b2)
		}
		if got := r.noticesOf("a"); fmt.Sprint(got) != "[booking.booked booking.changed booking.time_moved]" {
			t.Errorf("notices %v", got)
		}
		// A patient who holds numbers of both days cannot be moved onto themself.
		r.book(x, "both")
		r.book(y, "both")
		refused(t, r.svc.SwapBy(r.ctx(), x.ID, y.ID, booking.SwapTimes), "booking.swap_conflict")
		sound(t, db)
	})
}

func TestAddNumbers(t *testing.T) {
	r := newRig(t, storetest.SQLite(t))
	se := r.clinic(1, shared(1), of("wang"))
	r.book(se, "a")
	_, err := r.svc.AddNumbers(r.ctx(), se.ID, 2, booking.Consent{By: "王医生"})
	refused(t, err, "evidence required")
	_, err = r.svc.AddNumbers(r.ctx(), se.ID, 21, booking.Consent{By: "王医生", Evidence: "电话同意"})
	refused(t, err, "count out_of_range")
	if se, err = r.svc.AddNumbers(r.ctx(), se.ID, 2, booking.Consent{By: "王医生", Evidence: "10:20 电话同意"}); err != nil || se.Total != 3 {
		t.Fatalf("%+v, %v", se, err)
	}
	_, err = r.svc.Book(r.ctx(), want(se, "b"))
	refused(t, err, "booking.session_full") // added numbers are asked for
	b := r.book(se, "b", func(q *booking.Request) { q.Lane = booking.LaneAdded })
	if b.Lane != booking.LaneAdded || b.Seq != 2 {
		t.Fatalf("%+v", b)
	}
	changes, err := r.svc.Changes(r.ctx(), se.ID)
	if err != nil || len(changes) != 1 || changes[0].Detail["consent_by"] != "王医生" || changes[0].Reason == "" {
		t.Fatalf("%+v, %v", changes, err)
	}
	sound(t, r.db)
}
