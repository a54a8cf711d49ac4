package booking_test

import (
	"fmt"
	"testing"
	"time"

	"heartline/internal/care/booking"
	"heartline/internal/care/booking/policy"
	"heartline/internal/platform/store"
	"heartline/internal/platform/store/storetest"

	"pgregory.net/rapid"
)

// wish waits for a cardiology number of the next days.
func wish(patientID string, change ...func(*booking.Wish)) booking.Wish {
	w := booking.Wish{PatientID: patientID, DepartmentID: cardiology, From: "2026-11-23", To: "2026-12-10", Channel: booking.ChannelDesk}
	for _, c := range change {
		c(&w)
	}
	return w
}

func (r *rig) waits(patientID string, change ...func(*booking.Wish)) booking.WaitEntry {
	r.t.Helper()
	e, err := r.svc.JoinWaitlist(r.ctx(), wish(patientID, change...))
	if err != nil {
		r.t.Fatal(err)
	}
	return e
}

// entry reads one wish again.
func (r *rig) entry(e booking.WaitEntry) booking.WaitEntry {
	r.t.Helper()
	list, err := r.svc.Waitlist(r.ctx(), booking.WaitFilter{PatientID: e.PatientID})
	if err != nil {
		r.t.Fatal(err)
	}
	for _, x := range list {
		if x.ID == e.ID {
			return x
		}
	}
	r.t.Fatalf("no entry %s", e.ID)
	return e
}

func TestOffersGoInOrder(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := ruled(t, db, policy.Default())
		se := r.clinic(2, shared(1), of("wang"))
		a := r.book(se, "a")
		r.waits("child-no", func(w *booking.Wish) { w.DoctorID = "li" }) // wants somebody else
		first := r.waits("first")
		second := r.waits("second", func(w *booking.Wish) { w.DoctorID = "wang" })
		third := r.waits("third", func(w *booking.Wish) { w.Period = booking.Afternoon }) // another half day
		fourth := r.waits("fourth")
		_, err := r.svc.JoinWaitlist(r.ctx(), wish("first"))
		refused(t, err, "booking.already_waiting")
		if x := r.entry(second); x.Place != 3 || x.State != booking.Waiting {
			t.Fatalf("%+v", x)
		}
		if _, err := r.svc.Cancel(r.ctx(), a.ID, booking.Cancel{Reason: booking.CancelStaff, Channel: booking.ChannelDesk}); err != nil {
			t.Fatal(err)
		}
		x := r.entry(first)
		if x.State != booking.OfferMade || x.Offers != 1 || !x.OfferUntil.Equal(r.clock.now().Add(30*time.Minute)) {
			t.Fatalf("the first in the queue: %+v", x)
		}
		if got := r.noticesOf("first"); fmt.Sprint(got) != "[booking.waitlist_offer]" {
			t.Errorf("notices %v", got)
		}
		_, err = r.svc.Book(r.ctx(), want(se, "passer-by"))
		refused(t, err, "booking.session_full")
		if x, err = r.svc.DeclineOffer(r.ctx(), first.ID); err != nil || x.State != booking.Waiting || x.AppointmentID != "" {
			t.Fatalf("declined: %+v, %v", x, err)
		}
		if x = r.entry(second); x.State != booking.OfferMade {
			t.Fatalf("then the second: %+v", x)
		}
		_, err = r.svc.AcceptOffer(patient(t.Context(), "first"), second.ID)
		refused(t, err, "booking.not_yours")
		r.clock.add(30 * time.Minute)
		_, err = r.svc.AcceptOffer(r.ctx(), second.ID)
		refused(t, err, "booking.offer_over")
		if ended, err := r.svc.Expire(r.sys(), x.AppointmentID); err != nil || !ended {
			t.Fatalf("%t, %v", ended, err)
		}
		takes(t, r, fourth)
		if x = r.entry(first); x.Place != 2 {
			t.Errorf("the first keeps the place: %+v", x)
		}
		if x, err = r.svc.LeaveWaitlist(r.ctx(), third.ID); err != nil || x.State != booking.WaitLeft {
			t.Fatalf("%+v, %v", x, err)
		}
		_, err = r.svc.LeaveWaitlist(r.ctx(), third.ID)
		refused(t, err, "booking.wait_over")
		if list, _ := r.svc.Penalties(r.ctx(), booking.PenaltyFilter{}); len(list) != 0 {
			t.Errorf("penalties %+v", list)
		}
		sound(t, db)
	})
}

// takes: the fourth got the offer and accepts it, twice.
func takes(t *testing.T, r *rig, fourth booking.WaitEntry) {
	t.Helper()
	x := r.entry(fourth)
	if x.State != booking.OfferMade {
		t.Fatalf("then the fourth, because the third wants the afternoon: %+v", x)
	}
	x, err := r.svc.AcceptOffer(patient(t.Context(), "fourth"), fourth.ID)
	if err != nil || x.State != booking.OfferTaken {
		t.Fatalf("accepted: %+v, %v", x, err)
	}
	if x, err = r.svc.AcceptOffer(patient(t.Context(), "fourth"), fourth.ID); err != nil || x.State != booking.OfferTaken {
		t.Fatalf("accepted twice: %+v, %v", x, err)
	}
	if a, err := r.svc.Get(r.ctx(), x.AppointmentID); err != nil || a.State != booking.Scheduled || a.PatientID != "fourth" {
		t.Fatalf("%+v, %v", a, err)
	}
}

// TestOffersAskTheRules: who may not book is passed over, silently.
func TestOffersAskTheRules(t *testing.T) {
	r := ruled(t, storetest.SQLite(t), preset(t, "guahaoe c7fb5521"))
	se := r.clinic(2, shared(1))
	a := r.book(se, "a")
	child := r.waits("child-1")
	double := r.waits("double")
	r.book(r.clinic(2, shared(1)), "double") // has a number of that day by now
	good := r.waits("good")
	if _, err := r.svc.Cancel(r.ctx(), a.ID, booking.Cancel{Reason: booking.CancelStaff, Channel: booking.ChannelDesk}); err != nil {
		t.Fatal(err)
	}
	if x := r.entry(child); x.State != booking.Waiting {
		t.Errorf("child %+v", x)
	}
	if x := r.entry(double); x.State != booking.Waiting {
		t.Errorf("double %+v", x)
	}
	if x := r.entry(good); x.State != booking.OfferMade {
		t.Errorf("good %+v", x)
	}
	sound(t, r.db)
}

// TestNewNumbersAreOffered: grown, added back and reopened numbers reach those
// who wait, each somebody else.
func TestNewNumbersAreOffered(t *testing.T) {
	r := ruled(t, storetest.SQLite(t), policy.Default())
	p := plan(2, 1)
	se, err := r.svc.SaveSession(r.ctx(), p)
	if err != nil {
		t.Fatal(err)
	}
	r.book(se, "a")
	list := []booking.WaitEntry{r.waits("one"), r.waits("two"), r.waits("three")}
	p.Session, p.Capacity = se, 3
	if _, err = r.svc.SaveSession(r.ctx(), p); err != nil {
		t.Fatal(err)
	}
	for i, want := range []booking.WaitState{booking.OfferMade, booking.OfferMade, booking.Waiting} {
		if x := r.entry(list[i]); x.State != want {
			t.Errorf("%d is %s", i, x.State)
		}
	}
	report, err := r.svc.CloseSession(r.ctx(), se.ID, booking.Closing{Reason: "停诊一天"})
	if err != nil || len(report.Affected) != 3 || report.Notified != 3 {
		t.Fatalf("%+v, %v", report, err)
	}
	if _, err = r.svc.Reopen(r.ctx(), se.ID); err != nil {
		t.Fatal(err)
	}
	if x := r.entry(list[2]); x.State != booking.OfferMade {
		t.Errorf("three is %s", x.State)
	}
	sound(t, r.db)
}

func TestWishChecks(t *testing.T) {
	r := newRig(t, storetest.SQLite(t))
	for want, change := range map[string]func(*booking.Wish){
		"patient_id required":         func(w *booking.Wish) { w.PatientID = "" },
		"department_id required":      func(w *booking.Wish) { w.DepartmentID = "" },
		"type not_allowed":            func(w *booking.Wish) { w.Type = "magic" },
		"period not_allowed":          func(w *booking.Wish) { w.Period = "night" },
		"from booking.date_invalid":   func(w *booking.Wish) { w.From = "" },
		"to booking.past":             func(w *booking.Wish) { w.From, w.To = "2026-11-01", "2026-11-22" },
		"to booking.end_before_start": func(w *booking.Wish) { w.To = "2026-11-01" },
		"to out_of_range":             func(w *booking.Wish) { w.To = "2028-01-01" },
		"patient.not_found":           func(w *booking.Wish) { w.PatientID = "nobody" },
	} {
		_, err := r.svc.JoinWaitlist(r.ctx(), wish("a", change))
		if keyOf(err) != want {
			t.Errorf("got %q, want %q", keyOf(err), want)
		}
	}
	_, err := r.svc.JoinWaitlist(patient(t.Context(), "b"), wish("a"))
	refused(t, err, "booking.not_yours")
	_, err = r.svc.Waitlist(patient(t.Context(), "b"), booking.WaitFilter{})
	refused(t, err, "booking.not_yours")
}

// TestWaitlistProperty does random things to a small clinic and a waitlist.
// Whatever happens: no number is offered twice, an offer is a hold of its
// person, and nobody overtakes somebody who waits for the same and was not
// passed by.
func TestWaitlistProperty(t *testing.T) {
	p := policy.Default()
	p.Limits, p.Penalties, p.CancelByType, p.Cancel = nil, nil, nil, policy.Deadline{Kind: policy.BeforeStart}
	rapid.Check(t, func(rt *rapid.T) {
		r := ruled(t, storetest.SQLite(t), p)
		se := r.clinic(2, shared(2))
		active, entries := []string{}, []booking.WaitEntry{}
		for range rapid.IntRange(5, 25).Draw(rt, "steps") {
			who := fmt.Sprint("p", rapid.IntRange(0, 6).Draw(rt, "who"))
			switch rapid.IntRange(0, 6).Draw(rt, "what") {
			case 0, 1:
				if a, err := r.svc.Book(r.ctx(), want(se, who)); err == nil {
					active = append(active, a.ID)
				}
			case 2, 3:
				if e, err := r.svc.JoinWaitlist(r.ctx(), wish(who)); err == nil {
					entries = append(entries, e)
				}
			case 4:
				if len(active) > 0 {
					_, _ = r.svc.Cancel(r.ctx(), active[rapid.IntRange(0, len(active)-1).Draw(rt, "which")], onWish())
				}
			case 5:
				if len(entries) > 0 {
					e := entries[rapid.IntRange(0, len(entries)-1).Draw(rt, "which")]
					switch rapid.IntRange(0, 2).Draw(rt, "answer") {
					case 0:
						if x, err := r.svc.AcceptOffer(r.ctx(), e.ID); err == nil {
							active = append(active, x.AppointmentID)
						}
					case 1:
						_, _ = r.svc.DeclineOffer(r.ctx(), e.ID)
					default:
						_, _ = r.svc.LeaveWaitlist(r.ctx(), e.ID)
					}
				}
			case 6:
				r.clock.add(time.Duration(rapid.IntRange(1, 40).Draw(rt, "minutes")) * time.Minute)
				for _, id := range r.column("SELECT id FROM appointments WHERE state = 'requested'") {
					_, _ = r.svc.Expire(r.sys(), id)
				}
			}
			r.fair(rt)
		}
		sound(t, r.db)
	})
}

// fair checks the promises of the waitlist as queries that find nothing.
func (r *rig) fair(rt *rapid.T) {
	for what, query := range map[string]string{
		"an offer is a hold of its person": `SELECT w.id FROM booking_waitlist w LEFT JOIN appointments a ON a.id = w.appointment_id
			WHERE w.state = 'offered' AND (a.id IS NULL OR a.state <> 'requested' OR a.patient_id <> w.patient_id OR a.number_id <> w.number_id)`,
		"a number is offered once": `SELECT number_id FROM booking_waitlist WHERE state = 'offered' GROUP BY number_id HAVING COUNT(*) > 1`,
		"an accepted offer is an appointment": `SELECT w.id FROM booking_waitlist w LEFT JOIN appointments a ON a.id = w.appointment_id
			WHERE w.state = 'accepted' AND (a.id IS NULL OR a.state IN ('requested', 'expired'))`,
		"nobody is overtaken": `SELECT w.id FROM booking_waitlist w JOIN booking_waitlist o ON o.id > w.id AND o.state = 'offered'
			WHERE w.state = 'waiting' AND w.created_at <= o.offered_at AND NOT EXISTS (SELECT 1 FROM booking_waitlist_passed p WHERE p.entry_id = w.id AND p.number_id = o.number_id)
			AND NOT EXISTS (SELECT 1 FROM appointments a WHERE a.patient_id = w.patient_id AND a.created_at <= o.offered_at
				AND (a.active = 1 OR a.cancelled_at >= o.offered_at))`,
	} {
		if bad := r.column(query); len(bad) > 0 {
			rt.Fatalf("broken: %s: %v", what, bad)
		}
	}
}
