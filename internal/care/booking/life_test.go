package booking_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"heartline/internal/care/booking"
	"heartline/internal/care/booking/policy"
	"heartline/internal/platform/event"
	"heartline/internal/platform/store"
	"heartline/internal/platform/store/storetest"
)

func held(q *booking.Request) { q.Hold = 10 * time.Minute }
func card(q *booking.Request) { q.UseCard = true }

func onWish() booking.Cancel {
	return booking.Cancel{Reason: booking.CancelPatient, Channel: booking.ChannelDesk}
}

func kinds(t *testing.T, r *rig, appointmentID string) (out []string) {
	t.Helper()
	h, err := r.svc.History(r.ctx(), appointmentID)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range h {
		out = append(out, e.Kind)
	}
	return out
}

func TestHoldAndConfirm(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		se := r.clinic(1, shared(1))
		a := r.book(se, "p1", held, card)
		if a.State != booking.Requested || !a.ExpiresAt.Equal(r.clock.now().Add(10*time.Minute)) || len(r.noticesOf("p1")) != 0 {
			t.Fatalf("held %+v", a)
		}
		_, err := r.svc.Book(r.ctx(), want(se, "p2"))
		refused(t, err, "booking.session_full")
		b, err := r.svc.Confirm(r.ctx(), a.ID)
		if err != nil || b.State != booking.Scheduled || !b.ExpiresAt.IsZero() || b.Version != 2 {
			t.Fatalf("confirmed %+v, %v", b, err)
		}
		if again, err := r.svc.Confirm(r.ctx(), a.ID); err != nil || again.Version != 2 {
			t.Fatalf("again %+v, %v", again, err)
		}
		r.clock.add(time.Hour)
		if ended, err := r.svc.Expire(r.ctx(), a.ID); err != nil || ended {
			t.Fatalf("a confirmed hold expired: %v", err)
		}
		if k := kinds(t, r, a.ID); !slices.Equal(k, []string{booking.EventHeld, booking.EventConfirmed}) {
			t.Fatalf("history %v", k)
		}
		if n := r.noticesOf("p1"); !slices.Equal(n, []string{booking.NoticeBooked}) {
			t.Fatalf("notices %v", n)
		}
	})
}

// TestLateJob shows that a hold past its time stands in nobody's way, whether
// or not the job that ends it has run.
func TestLateJob(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		se := r.clinic(1, shared(1))
		a := r.book(se, "p1", held, card)
		r.clock.add(10 * time.Minute)
		_, err := r.svc.Confirm(r.ctx(), a.ID)
		refused(t, err, "booking.hold_expired")
		list, err := r.svc.Timetable(r.ctx(), booking.TimetableFilter{From: se.Date, To: se.Date, Channel: booking.ChannelWeb, OnlyFree: true})
		if err != nil || len(list) != 1 || list[0].Free != 1 {
			t.Fatalf("timetable %+v, %v", list, err)
		}
		if n, err := r.svc.Numbers(r.ctx(), se.ID, booking.ChannelWeb); err != nil || len(n) != 1 || n[0].State != booking.NumberFree {
			t.Fatalf("numbers %+v, %v", n, err)
		}
		b := r.book(se, "p2", func(q *booking.Request) { q.NumberID = a.NumberID; q.Hold = time.Minute })
		_, err = r.svc.Confirm(r.ctx(), a.ID)
		refused(t, err, "booking.hold_expired")
		r.clock.add(2 * time.Minute)
		r.book(se, "p2") // in the place of the own hold
		if ended, err := r.svc.Expire(r.ctx(), b.ID); err != nil || ended {
			t.Fatalf("expired twice: %v", err)
		}
	})
}

func TestHoldEndsByItself(t *testing.T) {
	r := newRig(t, storetest.SQLite(t))
	facts := make(chan booking.Given, 10)
	t.Cleanup(event.Subscribe(r.bus, "test", func(_ context.Context, g booking.Given) { facts <- g }))
	se := r.clinic(1, shared(1))
	a := r.book(se, "p1", held)
	r.clock.add(11 * time.Minute)
	if err := r.jobs.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.jobs.Stop(context.WithoutCancel(t.Context())) })
	for g := range facts {
		if g.State == booking.Expired {
			break
		}
	}
	if got, err := r.svc.Get(r.ctx(), a.ID); err != nil || got.State != booking.Expired {
		t.Fatalf("%+v, %v", got, err)
	}
	sound(t, r.db)
}

func TestChange(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		se, next := r.clinic(1, shared(2)), r.clinic(2, shared(1))
		a := r.book(se, "p1", card)
		c := booking.Change{Key: "change-1", SessionID: se.ID, Channel: booking.ChannelWeb}
		b, err := r.svc.ChangeTo(r.ctx(), a.ID, c) // same day, same department
		if err != nil || b.Seq != 2 || b.MovedFrom != a.ID || b.HoldID == "" || b.HoldID == a.HoldID {
			t.Fatalf("moved %+v, %v", b, err)
		}
		old, err := r.svc.Get(r.ctx(), a.ID)
		if err != nil || old.State != booking.Cancelled || old.CancelReason != booking.CancelMoved {
			t.Fatalf("old %+v, %v", old, err)
		}
		if again, err := r.svc.ChangeTo(r.ctx(), a.ID, c); err != nil || again.ID != b.ID {
			t.Fatalf("replay %+v, %v", again, err)
		}
		c.SessionID = next.ID
		_, err = r.svc.ChangeTo(r.ctx(), a.ID, c)
		refused(t, err, "booking.key_reused")
		r.book(next, "p2")
		_, err = r.svc.ChangeTo(r.ctx(), b.ID, booking.Change{Key: "change-2", SessionID: next.ID, Channel: booking.ChannelWeb})
		refused(t, err, "booking.session_full")
		if still, err := r.svc.Get(r.ctx(), b.ID); err != nil || still.State != booking.Scheduled || still.Version != 1 {
			t.Fatalf("a failed change took the old one: %+v, %v", still, err)
		}
		_, err = r.svc.ChangeTo(r.ctx(), b.ID, booking.Change{Key: "change-3", SessionID: se.ID, NumberID: b.NumberID, Channel: booking.ChannelWeb})
		refused(t, err, "booking.same_number")
		_, err = r.svc.ChangeTo(r.ctx(), a.ID, booking.Change{Key: "change-4", SessionID: se.ID, Channel: booking.ChannelWeb})
		refused(t, err, "booking.wrong_state")
		if n := r.noticesOf("p1"); !slices.Equal(n, []string{booking.NoticeBooked, booking.NoticeChanged}) {
			t.Fatalf("notices %v", n)
		}
	})
}

func TestCancelGivesBack(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		se := r.clinic(1, shared(1))
		a := r.book(se, "p1", card)
		b, err := r.svc.Cancel(r.ctx(), a.ID, onWish())
		if err != nil || b.State != booking.Cancelled || b.CancelledAt.IsZero() {
			t.Fatalf("%+v, %v", b, err)
		}
		_, err = r.svc.Cancel(r.ctx(), a.ID, onWish())
		refused(t, err, "booking.wrong_state")
		_, err = r.svc.Cancel(r.ctx(), "none", onWish())
		refused(t, err, "booking.not_found")
		_, err = r.svc.Cancel(r.ctx(), a.ID, booking.Cancel{Reason: booking.CancelClosed, Channel: booking.ChannelDesk})
		refused(t, err, "reason not_allowed")
		if c := r.book(se, "p2"); c.NumberID != a.NumberID || c.Code == a.Code {
			t.Fatalf("the number went to %+v", c)
		}
		r.book(r.clinic(1, shared(1)), "p1") // free again on that day
	})
}

func TestAcknowledge(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		a := r.book(r.clinic(1, shared(1)), "p1")
		for range 2 {
			b, err := r.svc.Acknowledge(r.ctx(), a.ID, "confirm", booking.ChannelSMS)
			if err != nil || !b.Confirmed || b.Version != 2 {
				t.Fatalf("%+v, %v", b, err)
			}
		}
		_, err := r.svc.Acknowledge(r.ctx(), a.ID, "maybe", booking.ChannelSMS)
		refused(t, err, "answer not_allowed")
		if b, err := r.svc.Acknowledge(r.ctx(), a.ID, "cancel", booking.ChannelSMS); err != nil || b.State != booking.Cancelled {
			t.Fatalf("%+v, %v", b, err)
		}
	})
}

func TestVisit(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		se := r.clinic(1, shared(4))
		a, b, c := r.book(se, "p1", card), r.book(se, "p2"), r.book(se, "p3", card)
		_, err := r.svc.CheckIn(r.ctx(), a.ID)
		refused(t, err, "booking.not_today")
		_, err = r.svc.Miss(r.ctx(), a.ID)
		refused(t, err, "booking.not_yet")
		r.clock.set(se.StartAt.Add(-20 * time.Minute))
		if x, err := r.svc.Arrive(r.ctx(), b.ID); err != nil || x.State != booking.Arrived {
			t.Fatalf("%+v, %v", x, err)
		}
		for i, id := range []string{b.ID, a.ID} {
			for range 2 {
				if x, err := r.svc.CheckIn(r.ctx(), id); err != nil || x.QueueNumber != i+1 || x.State != booking.CheckedIn {
					t.Fatalf("%+v, %v", x, err)
				}
			}
		}
		if x, err := r.svc.Get(r.ctx(), a.ID); err != nil || !x.Paid {
			t.Fatalf("%+v, %v", x, err)
		}
		_, err = r.svc.Cancel(r.ctx(), a.ID, onWish())
		refused(t, err, "booking.wrong_state")
		if x, err := r.svc.Complete(r.ctx(), a.ID); err != nil || x.State != booking.Completed {
			t.Fatalf("%+v, %v", x, err)
		}
		r.clock.set(se.StartAt.Add(3 * time.Hour))
		if x, err := r.svc.Miss(r.ctx(), c.ID); err != nil || x.State != booking.Missed {
			t.Fatalf("%+v, %v", x, err)
		}
		_, err = r.svc.CheckIn(r.ctx(), c.ID)
		refused(t, err, "booking.wrong_state")
		if n := r.noticesOf("p3"); !slices.Contains(n, booking.NoticeMissed) {
			t.Fatalf("notices %v", n)
		}
	})
}

// TestDoor: what the door offers is what is then done, at every hour and in
// every state, under a policy that voids late numbers and under one that does
// not.
func TestDoor(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		strict := policy.Default()
		strict.Penalties, strict.Limits = nil, nil
		strict.Late = policy.Late{Kind: policy.LateMiss, GraceMinutes: 30}
		r := ruled(t, db, strict)
		acts := map[booking.Action]func(context.Context, string) (booking.Appointment, error){
			booking.ActArrive: r.svc.Arrive, booking.ActCheckIn: r.svc.CheckIn, booking.ActMiss: r.svc.Miss,
		}
		day := 0
		offered := map[string]int{}
		for _, hours := range []time.Duration{-36, -3, 0, 1, 30} { // after the beginning of the visit
			for act, do := range acts {
				for _, arrived := range []bool{false, true} {
					day += 3
					a := r.book(r.clinic(day, shared(1)), "p")
					if arrived {
						r.clock.set(a.StartAt.Add(-time.Hour))
						if _, err := r.svc.Arrive(r.ctx(), a.ID); err != nil {
							t.Fatal(err)
						}
						a.State = booking.Arrived
					}
					r.clock.set(a.StartAt.Add(hours * time.Hour))
					door, err := r.svc.Door(r.ctx())
					if err != nil {
						t.Fatal(err)
					}
					offer := door.Refuses(a, act)
					_, err = do(r.ctx(), a.ID)
					if fmt.Sprint(offer) != fmt.Sprint(err) {
						t.Errorf("%s %d h, arrived %t: offered %v, done %v", act, hours, arrived, offer, err)
					}
					offered[string(act)+" "+keyOf(err)]++
				}
			}
		}
		want := map[string]int{"arrive ": 2, "arrive booking.not_today": 2, "arrive booking.late_arrival": 1, "arrive booking.wrong_state": 5,
			"check_in ": 5, "check_in booking.not_today": 4, "check_in booking.late_arrival": 1,
			"miss ": 6, "miss booking.not_yet": 4}
		if !maps.Equal(offered, want) {
			t.Errorf("%v", offered)
		}
	})
}

func TestSessionChecks(t *testing.T) {
	r := newRig(t, storetest.SQLite(t))
	good := booking.Session{Date: "2026-11-24", Period: booking.Morning, StartAt: monday().AddDate(0, 0, 1), EndAt: monday().AddDate(0, 0, 1).Add(time.Hour),
		DepartmentID: cardiology, Type: booking.Ordinary}
	for name, c := range map[string]struct {
		change  func(*booking.Session)
		numbers []booking.Number
		key     string
	}{
		"date":       {func(se *booking.Session) { se.Date = "24.11." }, nil, "date booking.date_invalid"},
		"other day":  {func(se *booking.Session) { se.Date = "2026-11-25" }, nil, "start_at booking.other_day"},
		"backwards":  {func(se *booking.Session) { se.EndAt = se.StartAt }, nil, "end_at booking.times"},
		"department": {func(se *booking.Session) { se.DepartmentID = "" }, nil, "department_id required"},
		"exam":       {func(se *booking.Session) { se.Type = booking.Exam }, nil, "exam_id booking.exam_type"},
		"fee":        {func(se *booking.Session) { se.Fee = -1 }, nil, "fee_cents out_of_range"},
		"many":       {func(*booking.Session) {}, make([]booking.Number, 501), "numbers out_of_range"},
		"twice":      {func(*booking.Session) {}, []booking.Number{{Seq: 1}, {Seq: 1}}, "numbers[1].seq not_allowed"},
		"early": {func(*booking.Session) {}, []booking.Number{{StartAt: monday(), EndAt: monday().Add(time.Minute)}},
			"numbers[0].start_at booking.times"},
	} {
		se := good
		c.change(&se)
		if _, err := r.svc.CreateSession(r.ctx(), se, c.numbers); keyOf(err) != c.key {
			t.Errorf("%s: %v, want %s", name, err, c.key)
		}
	}
}
