package booking_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"heartline/internal/care/booking"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
	"heartline/internal/platform/store/storetest"

	"github.com/google/go-cmp/cmp"
)

func each(t *testing.T, fn func(t *testing.T, r *rig)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db)
		fn(t, r)
		sound(t, db)
	})
}

func TestBookGivesTheEarliestNumber(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		se := r.clinic(1, shared(3))
		a := r.book(se, "p1")
		if a.Seq != 1 || a.State != booking.Scheduled || !a.StartAt.Equal(se.StartAt) || len(a.Code) != 8 || a.Fee != 1500 || a.BookedBy != "user-1" {
			t.Fatalf("appointment %+v", a)
		}
		got, err := r.svc.Get(r.ctx(), a.ID)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(a, got); d != "" {
			t.Fatal(d)
		}
		if b := r.book(se, "p2"); b.Seq != 2 || b.Code == a.Code {
			t.Fatalf("second %+v", b)
		}
		list, err := r.svc.Timetable(r.ctx(), booking.TimetableFilter{From: se.Date, To: se.Date, Channel: booking.ChannelDesk})
		if err != nil || len(list) != 1 || list[0].Total != 3 || list[0].Free != 1 {
			t.Fatalf("timetable %+v, %v", list, err)
		}
		if found, err := r.svc.FindByCode(r.ctx(), a.Code); err != nil || found.ID != a.ID {
			t.Fatalf("by code: %+v, %v", found, err)
		}
		h, err := r.svc.History(r.ctx(), a.ID)
		if err != nil || len(h) != 1 || h[0].Kind != booking.EventBooked || h[0].Channel != booking.ChannelDesk {
			t.Fatalf("history %+v, %v", h, err)
		}
		if n := r.noticesOf("p1"); !slices.Equal(n, []string{booking.NoticeBooked}) {
			t.Fatalf("notices %v", n)
		}
		for _, want := range []string{"booking.session_create", "booking.book", "booking.view", "booking.find", "booking.history"} {
			if !slices.Contains(r.actions(), want) {
				t.Errorf("%s is not audited", want)
			}
		}
	})
}

func TestKeysAnswerTheSame(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		se := r.clinic(1, shared(2))
		q := want(se, "p1")
		a, err := r.svc.Book(r.ctx(), q)
		if err != nil {
			t.Fatal(err)
		}
		r.book(se, "p2") // now it is full
		again, err := r.svc.Book(r.ctx(), q)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(a, again); d != "" {
			t.Fatal(d)
		}
		q.Note = "by the window"
		_, err = r.svc.Book(r.ctx(), q)
		refused(t, err, "booking.key_reused")
		q.Note, q.PatientID = "", "p3"
		_, err = r.svc.Book(r.ctx(), q)
		refused(t, err, "booking.key_reused")
		if n := r.noticesOf("p1"); len(n) != 1 {
			t.Fatalf("a replay promised again: %v", n)
		}
		if !slices.Contains(r.actions(), "booking.refused") {
			t.Fatal("the attempt left no trace")
		}
	})
}

func TestRefusals(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		se := r.clinic(1, shared(2))
		other := r.clinic(2, shared(1))
		closed := r.clinic(3, shared(1), func(se *booking.Session) { se.State, se.CloseReason = booking.SessionClosed, "ill" })
		later := r.clinic(4, shared(1), func(se *booking.Session) { se.ReleaseAt = monday().Add(time.Hour) })
		gone := r.clinic(-1, shared(1))
		full := r.clinic(5, shared(1))
		r.book(full, "p9")
		taken := r.book(se, "p8")
		foreign, err := r.svc.Numbers(r.ctx(), other.ID, "")
		if err != nil {
			t.Fatal(err)
		}
		number := func(id string) func(*booking.Request) { return func(q *booking.Request) { q.NumberID = id } }
		for name, c := range map[string]struct {
			q   booking.Request
			key string
		}{
			"closed":            {want(closed, "p1"), "booking.session_closed"},
			"not released":      {want(later, "p1"), "booking.not_released"},
			"past":              {want(gone, "p1"), "booking.past"},
			"full":              {want(full, "p1"), "booking.session_full"},
			"twice a day":       {want(se, "p8"), "booking.double"},
			"taken":             {want(se, "p1", number(taken.NumberID)), "booking.slot_taken"},
			"foreign number":    {want(se, "p1", number(foreign[0].ID)), "booking.number_not_found"},
			"unknown number":    {want(se, "p1", number("none")), "booking.number_not_found"},
			"unknown session":   {want(booking.Session{ID: "none"}, "p1"), "booking.session_not_found"},
			"unknown person":    {want(se, "nobody"), "patient.not_found"},
			"merged person":     {want(se, "merged"), "booking.patient_merged"},
			"no vip":            {want(se, "p1", func(q *booking.Request) { q.Lane = booking.LaneVIP }), "booking.wrong_lane"},
			"no lane":           {want(se, "p1", func(q *booking.Request) { q.Lane = "phone" }), "lane not_allowed"},
			"no channel":        {want(se, "p1", func(q *booking.Request) { q.Channel = "fly" }), "channel not_allowed"},
			"short key":         {want(se, "p1", func(q *booking.Request) { q.Key = "x" }), "key booking.key_invalid"},
			"long hold":         {want(se, "p1", func(q *booking.Request) { q.Hold = time.Hour }), "hold_seconds booking.hold_long"},
			"too little money":  {want(se, "poor", func(q *booking.Request) { q.UseCard = true }), "ledger.too_little"},
			"broken characters": {want(se, "p1", func(q *booking.Request) { q.Note = "a\x00" }), "note bad_characters"},
		} {
			_, err := r.svc.Book(r.ctx(), c.q)
			if keyOf(err) != c.key {
				t.Errorf("%s: %v, want %s", name, err, c.key)
			}
		}
		if n := r.column("SELECT COUNT(*) FROM appointments")[0]; n != "2" {
			t.Fatalf("%s appointments: a refusal changed something", n)
		}
	})
}

// TestWalls writes past the service what it would never write: the indexes
// refuse a number for two and a person twice on a day, while those who gave
// their number back are in nobody's way.
func TestWalls(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db)
		se, other := r.clinic(3, shared(3)), r.clinic(3, shared(3))
		first, second := r.book(se, "p1"), r.book(se, "p2")
		set := func(a booking.Appointment, what string, value any) error {
			return db.Write(r.ctx(), func(tx *store.Tx) error {
				_, err := tx.Exec(r.ctx(), "UPDATE appointments SET "+what+" = $2 WHERE id = $1", a.ID, value)
				return err
			})
		}
		if err := set(second, "seq", first.Seq); !store.IsUnique(err) {
			t.Errorf("a number for two: %v", err)
		}
		if err := set(second, "patient_id", "p1"); !store.IsUnique(err) {
			t.Errorf("a person twice on a day: %v", err)
		}
		if err := set(second, "session_id", other.ID); err != nil {
			t.Errorf("the same seq of another session: %v", err)
		}
		for range 2 { // both gave the same number back
			if _, err := r.svc.Cancel(r.ctx(), first.ID, booking.Cancel{Reason: booking.CancelPatient, Channel: booking.ChannelDesk}); err != nil {
				t.Fatal(err)
			}
			first = r.book(se, "p1")
		}
		if n := r.column("SELECT COUNT(*) FROM appointments WHERE patient_id = 'p1' AND seq = 1 AND active = 0")[0]; n != "2" {
			t.Errorf("%s appointments gave the number back", n)
		}
	})
}

func TestNoRightNoBooking(t *testing.T) {
	r := newRig(t, storetest.SQLite(t))
	se := r.clinic(1, shared(1))
	a := r.book(se, "p1")
	nobody, reader := context.Background(), actor(t.Context(), "reader", identity.BookingRead)
	for name, fn := range map[string]func(ctx context.Context) error{
		"book":     func(ctx context.Context) error { _, err := r.svc.Book(ctx, want(se, "p2")); return err },
		"confirm":  func(ctx context.Context) error { _, err := r.svc.Confirm(ctx, a.ID); return err },
		"check in": func(ctx context.Context) error { _, err := r.svc.CheckIn(ctx, a.ID); return err },
		"cancel": func(ctx context.Context) error {
			_, err := r.svc.Cancel(ctx, a.ID, booking.Cancel{Reason: booking.CancelPatient, Channel: booking.ChannelDesk})
			return err
		},
		"change": func(ctx context.Context) error {
			_, err := r.svc.ChangeTo(ctx, a.ID, booking.Change{Key: "12345678", SessionID: se.ID, Channel: booking.ChannelDesk})
			return err
		},
		"create": func(ctx context.Context) error { _, err := r.svc.CreateSession(ctx, se, nil); return err },
		"expire": func(ctx context.Context) error { _, err := r.svc.Expire(ctx, a.ID); return err },
	} {
		if k := keyOf(fn(nobody)); k != "auth.required" {
			t.Errorf("%s by nobody: %s", name, k)
		}
		if k := keyOf(fn(reader)); k != "auth.denied" {
			t.Errorf("%s by a reader: %s", name, k)
		}
	}
	_, err := r.svc.Get(nobody, a.ID)
	refused(t, err, "auth.required")
}

// TestOthersAppointments tries what a patient, a family and a kiosk may touch.
func TestOthersAppointments(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		se := r.clinic(1, shared(9))
		other := r.clinic(2, shared(9))
		a := r.book(se, "p1")
		thief := patient(t.Context(), "p2")
		kiosk := actor(t.Context(), "kiosk:1", identity.BookingRead, identity.BookingWrite, identity.BookingCheckIn)
		for name, ctx := range map[string]context.Context{"patient": thief, "kiosk": kiosk, "family": booking.OnlyFor(thief, "p2", "p3")} {
			for what, fn := range map[string]func() error{
				"book": func() error { _, err := r.svc.Book(ctx, want(other, "p1")); return err },
				"get":  func() error { _, err := r.svc.Get(ctx, a.ID); return err },
				"cancel": func() error {
					_, err := r.svc.Cancel(ctx, a.ID, booking.Cancel{Reason: booking.CancelPatient, Channel: booking.ChannelWeb})
					return err
				},
				"change": func() error {
					_, err := r.svc.ChangeTo(ctx, a.ID, booking.Change{Key: "12345678", SessionID: other.ID, Channel: booking.ChannelWeb})
					return err
				},
				"history": func() error { _, err := r.svc.History(ctx, a.ID); return err },
				"list":    func() error { _, err := r.svc.List(ctx, booking.Filter{PatientID: "p1"}); return err },
				"all":     func() error { _, err := r.svc.List(ctx, booking.Filter{}); return err },
			} {
				if k := keyOf(fn()); k != "booking.not_yours" {
					t.Errorf("%s by %s: %q", what, name, k)
				}
			}
		}
		if _, err := r.svc.FindByCode(kiosk, a.Code); err != nil {
			t.Errorf("a kiosk looks up a code: %v", err)
		}
		_, err := r.svc.FindByCode(thief, a.Code)
		refused(t, err, "booking.not_yours")
		_, err = r.svc.Cancel(patient(t.Context(), "p1"), a.ID, booking.Cancel{Reason: booking.CancelStaff, Channel: booking.ChannelWeb})
		refused(t, err, "auth.denied")
		if _, err := r.svc.Get(booking.OnlyFor(thief, "p1", "p2"), a.ID); err != nil {
			t.Errorf("a family member: %v", err)
		}
		if got, err := r.svc.Get(patient(t.Context(), "p1"), a.ID); err != nil || got.State != booking.Scheduled {
			t.Fatalf("%+v, %v", got, err)
		}
		if n := r.column("SELECT COUNT(*) FROM audit_log WHERE action = 'booking.refused'")[0]; n != "22" {
			t.Errorf("%s refusals on record", n)
		}
	})
}

func TestLanes(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		lanes := []booking.Lane{booking.LaneShared, booking.LanePhone, booking.LaneWeb, booking.LaneVIP, booking.LaneAdded}
		se := r.clinic(1, lanes, func(se *booking.Session) { se.LaneUntil = se.StartAt.Add(-2 * time.Hour) })
		free := func(c booking.Channel) int {
			list, err := r.svc.Timetable(r.ctx(), booking.TimetableFilter{From: se.Date, To: se.Date, Channel: c})
			if err != nil {
				t.Fatal(err)
			}
			return list[0].Free
		}
		if free(booking.ChannelDesk) != 2 || free(booking.ChannelKiosk) != 1 || free("") != 4 {
			t.Fatalf("free: desk %d, kiosk %d, all %d", free(booking.ChannelDesk), free(booking.ChannelKiosk), free(""))
		}
		if a := r.book(se, "p1"); a.Lane != booking.LanePhone {
			t.Fatalf("the own lane comes first: %+v", a)
		}
		if a := r.book(se, "p2"); a.Lane != booking.LaneShared {
			t.Fatalf("then the shared one: %+v", a)
		}
		_, err := r.svc.Book(r.ctx(), want(se, "p3"))
		refused(t, err, "booking.session_full")
		numbers, err := r.svc.Numbers(r.ctx(), se.ID, booking.ChannelDesk)
		if err != nil || len(numbers) != 2 {
			t.Fatalf("the desk sees %+v, %v", numbers, err)
		}
		all, err := r.svc.Numbers(r.ctx(), se.ID, "")
		if err != nil || len(all) != 5 {
			t.Fatalf("all: %+v, %v", all, err)
		}
		_, err = r.svc.Book(r.ctx(), want(se, "p3", func(q *booking.Request) { q.NumberID = all[2].ID }))
		refused(t, err, "booking.wrong_lane")
		if a := r.book(se, "vip", func(q *booking.Request) { q.Lane = booking.LaneVIP }); a.Seq != 4 {
			t.Fatalf("vip %+v", a)
		}
		if a := r.book(se, "p5", func(q *booking.Request) { q.Lane = booking.LaneAdded }); a.Seq != 5 {
			t.Fatalf("added %+v", a)
		}
		r.clock.set(se.StartAt.Add(-90 * time.Minute)) // lanes fall to everybody
		if a := r.book(se, "p3"); a.Lane != booking.LaneWeb {
			t.Fatalf("what the web left: %+v", a)
		}
	})
}

func TestNumbersThatBeganArePast(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		se := r.clinic(0, shared(3))
		r.clock.set(se.StartAt.Add(5 * time.Minute))
		if a := r.book(se, "p1"); a.Seq != 2 {
			t.Fatalf("by phone %+v", a)
		}
		if a := r.book(se, "p2", func(q *booking.Request) { q.Channel = booking.ChannelOnSite }); a.Seq != 1 {
			t.Fatalf("at the window %+v", a)
		}
	})
}

func TestListPages(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		for day := range 5 {
			r.book(r.clinic(day+1, shared(2)), "p1")
			r.book(r.clinic(day+1, shared(2), func(se *booking.Session) { se.DepartmentID = "dep-eyes" }), "p2")
		}
		var seen []string
		f := booking.Filter{PatientID: "p1", Limit: 2}
		for {
			page, err := r.svc.List(r.ctx(), f)
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range page.Appointments {
				seen = append(seen, a.Date)
			}
			if f.Cursor = page.Next; f.Cursor == "" {
				break
			}
		}
		if len(seen) != 5 || !slices.IsSorted(seen) {
			t.Fatalf("dates %v", seen)
		}
		for name, c := range map[string]struct {
			f booking.Filter
			n int
		}{
			"department": {booking.Filter{DepartmentID: "dep-eyes"}, 5}, "dates": {booking.Filter{From: "2026-11-24", To: "2026-11-25"}, 4},
			"states": {booking.Filter{States: []booking.State{booking.Cancelled, booking.Missed}}, 0}, "all": {booking.Filter{}, 10},
		} {
			if page, err := r.svc.List(r.ctx(), c.f); err != nil || len(page.Appointments) != c.n {
				t.Errorf("%s: %d, %v", name, len(page.Appointments), err)
			}
		}
		for _, bad := range []booking.Filter{{From: "x"}, {Cursor: "%%"}, {Cursor: "AAAA"}, {States: []booking.State{"gone"}}} {
			if _, err := r.svc.List(r.ctx(), bad); err == nil {
				t.Errorf("%+v was taken", bad)
			}
		}
		n := 0
		for _, err := range r.svc.Export(r.ctx(), booking.Filter{}) {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		if n != 10 {
			t.Fatalf("%d exported", n)
		}
	})
}
