package booking_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"heartline/internal/care/booking"
	"heartline/internal/care/booking/policy"
	"heartline/internal/platform/audit"
	"heartline/internal/platform/calendar"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
	"heartline/internal/platform/store/storetest"
)

// crowd knows people by what their id says: child-…, nameless-…, others are
// grown-up and known by name.
type crowd struct{ people }

func (c crowd) Person(ctx context.Context, tx *store.Tx, patientID string) (booking.Person, error) {
	p, err := c.people.Person(ctx, tx, patientID)
	switch {
	case len(patientID) > 5 && patientID[:5] == "child":
		p.BirthDate = "2020-01-01"
	case len(patientID) > 8 && patientID[:8] == "nameless":
		p.RealName = false
	}
	return p, err
}

// holidays of the tests: Thursday of the first week is off, Saturday is worked
// like Thursday, Sunday is worked and nobody knows how.
func holidays(context.Context) (calendar.Hours, error) {
	return calendar.Hours{Holidays: map[string]calendar.Day{
		"2026-11-26": {Name: "假日", Closed: true},
		"2026-11-28": {Name: "补班", Like: time.Thursday},
		"2026-11-29": {Name: "补班"},
	}}, nil
}

// ruled is a rig with holidays, a crowd and a policy in force.
func ruled(t testing.TB, db *store.DB, p policy.Policy) *rig {
	t.Helper()
	r := newRig(t, db)
	r.svc = booking.New(booking.Deps{DB: db, Audit: audit.New(r.clock.now), Bus: r.bus, Jobs: r.jobs, Now: r.clock.now, Zone: shanghai(),
		Calendar: holidays, People: crowd{}, Purse: r.purse, Notifier: r.notes, Timeline: story{}})
	r.force(p)
	return r
}

// force puts a policy in force.
func (r *rig) force(p policy.Policy) booking.StoredPolicy {
	r.t.Helper()
	saved, err := r.svc.SavePolicy(r.sys(), booking.StoredPolicy{Name: "规则", Policy: p})
	if err == nil {
		saved, err = r.svc.ActivatePolicy(r.sys(), saved.ID)
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return saved
}

func (r *rig) sys() context.Context { return identity.System(r.t.Context(), "test") }

func preset(t testing.TB, source string) policy.Policy {
	t.Helper()
	for _, p := range policy.Presets() {
		if p.Source == source {
			return p.Policy
		}
	}
	t.Fatalf("no preset %s", source)
	return policy.Policy{}
}

// byRule leaves the release of a session to its own time.
func byRule(se *booking.Session) { se.ReleaseAt = time.Time{} }

func TestPolicyInTheBooking(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := ruled(t, db, preset(t, "guahaoe c7fb5521"))
		for _, c := range []struct {
			name, patient string
			day           int
			change        func(*booking.Request)
			want          string
		}{
			{"too near", "a", 0, nil, "booking.window"},
			{"too far", "a", 15, nil, "booking.window"},
			{"a child", "child-1", 1, nil, "booking.age"},
			{"nameless", "nameless-1", 1, nil, "booking.real_name"},
			{"a referral goes further", "a", 15, func(q *booking.Request) { q.Channel = booking.ChannelReferral }, ""},
			{"at the window today", "b", 0, func(q *booking.Request) { q.Channel = booking.ChannelOnSite }, ""},
			{"tomorrow", "c", 1, nil, ""},
			{"the last day opens at half past six", "d", 14, nil, ""},
		} {
			se := r.clinic(c.day, shared(3), byRule)
			q := want(se, c.patient)
			if c.change != nil {
				c.change(&q)
			}
			v, err := r.svc.Eligibility(r.ctx(), c.patient, se.ID, q.Channel)
			if err != nil {
				t.Fatal(err)
			}
			if v.Allowed != (c.want == "") && q.Channel != booking.ChannelReferral {
				t.Errorf("%s: eligibility says %+v", c.name, v)
			}
			_, err = r.svc.Book(r.ctx(), q)
			if keyOf(err) != c.want {
				t.Errorf("%s: got %v, want %q", c.name, err, c.want)
			}
		}
		r.clock.set(monday().Add(-time.Hour)) // six o'clock
		_, err := r.svc.Book(r.ctx(), want(r.clinic(14, shared(3), byRule), "e"))
		refused(t, err, "booking.not_released")
		sound(t, db)
	})
}

func TestEligibilityForANumberAndAMove(t *testing.T) {
	db := storetest.SQLite(t)
	r := ruled(t, db, preset(t, "guahaoe f1dee171")) // half an hour before the number's time
	se := r.clinic(2, shared(3))
	first := r.book(se, "a")
	second := r.book(se, "b")
	for _, a := range []booking.Appointment{first, second} {
		v, err := r.svc.EligibilityFor(r.ctx(), booking.Request{PatientID: "c", SessionID: se.ID, NumberID: a.NumberID, Channel: booking.ChannelDesk}, "")
		if err != nil || !v.Allowed || !v.CancelUntil.Equal(a.StartAt.Add(-30*time.Minute)) {
			t.Errorf("number %d: %+v, %v", a.Seq, v, err)
		}
	}
	q := booking.Request{PatientID: "a", SessionID: r.clinic(2, shared(1)).ID, Channel: booking.ChannelDesk} // one a day in a department
	if v, err := r.svc.EligibilityFor(r.ctx(), q, ""); err != nil || v.Allowed {
		t.Errorf("a second one on the day: %+v, %v", v, err)
	}
	if v, err := r.svc.EligibilityFor(r.ctx(), q, first.ID); err != nil || !v.Allowed {
		t.Errorf("what would be moved counts still: %+v, %v", v, err)
	}
}

func TestCancelDeadline(t *testing.T) {
	db := storetest.SQLite(t)
	r := ruled(t, db, preset(t, "shhospital/114"))
	se := r.clinic(4, shared(3)) // Friday; Thursday is a holiday: until Wednesday 16:00
	a, b := r.book(se, "a"), r.book(se, "b")
	r.clock.set(time.Date(2026, 11, 25, 15, 59, 0, 0, shanghai()))
	if _, err := r.svc.Cancel(r.ctx(), a.ID, onWish()); err != nil {
		t.Fatal(err)
	}
	r.clock.add(time.Minute)
	_, err := r.svc.Cancel(r.ctx(), b.ID, onWish())
	refused(t, err, "booking.too_late")
	_, err = r.svc.ChangeTo(r.ctx(), b.ID, booking.Change{Key: "change-b-1", SessionID: r.clinic(6, shared(1)).ID, Channel: booking.ChannelDesk})
	refused(t, err, "booking.too_late")
	if _, err := r.svc.Cancel(r.ctx(), b.ID, booking.Cancel{Reason: booking.CancelStaff, Channel: booking.ChannelDesk}); err != nil {
		t.Fatalf("the house may always: %v", err)
	}
	if list, _ := r.svc.Penalties(r.ctx(), booking.PenaltyFilter{}); len(list) != 0 {
		t.Fatalf("penalties %+v", list)
	}
}

// misses books somebody for some days and lets the days pass.
func (r *rig) misses(patientID string, days ...int) {
	r.t.Helper()
	for _, d := range days {
		r.clock.set(monday().AddDate(0, 0, d-1))
		se := r.clinic(d, shared(2))
		a := r.book(se, patientID)
		r.clock.set(se.EndAt.Add(time.Minute))
		if _, err := r.svc.Miss(r.ctx(), a.ID); err != nil {
			r.t.Fatal(err)
		}
	}
}

func TestPenaltyAndAppeal(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := ruled(t, db, preset(t, "bankerbay")) // 3 in 3 months: 3 months
		r.misses("late", 1, 3, 5)
		list, err := r.svc.Penalties(r.ctx(), booking.PenaltyFilter{PatientID: "late"})
		if err != nil || len(list) != 1 || list[0].Count != 3 || list[0].Event != "no_show" || list[0].State != booking.PenaltyActive {
			t.Fatalf("penalties %+v, %v", list, err)
		}
		p := list[0]
		if want := monday().AddDate(0, 3, 5).Add(time.Hour); !p.Until.Equal(want) {
			t.Errorf("until %s, want %s", p.Until, want)
		}
		se := r.clinic(9, shared(3))
		_, err = r.svc.Book(r.ctx(), want(se, "late"))
		refused(t, err, "booking.penalty")
		// Only the person themself, or staff, may appeal; only the rules may decide.
		_, err = r.svc.AppealPenalty(patient(t.Context(), "somebody"), p.ID, "不是我")
		refused(t, err, "booking.not_yours")
		if _, err = r.svc.AppealPenalty(patient(t.Context(), "late"), p.ID, "当天封路，有通知为证"); err != nil {
			t.Fatal(err)
		}
		_, err = r.svc.AppealPenalty(patient(t.Context(), "late"), p.ID, "再来一次")
		refused(t, err, "booking.penalty_moved_on")
		_, err = r.svc.DecideAppeal(r.ctx(), p.ID, true, "属实")
		refused(t, err, "auth.denied")
		_, err = r.svc.Book(r.ctx(), want(se, "late"))
		refused(t, err, "booking.penalty") // it binds until it is decided
		p, err = r.svc.DecideAppeal(r.sys(), p.ID, true, "属实，予以解除")
		if err != nil || p.State != booking.PenaltyLifted || p.DecidedBy == "" {
			t.Fatalf("%+v, %v", p, err)
		}
		r.book(se, "late")
		// What was excused counts no more: the next no-show is the third, not the fourth.
		r.misses("late", 12)
		if list, _ = r.svc.Penalties(r.ctx(), booking.PenaltyFilter{PatientID: "late", Current: true}); len(list) != 1 || list[0].Count != 3 {
			t.Fatalf("after the appeal: %+v", list)
		}
		actions := fmt.Sprint(r.actions())
		for _, want := range []string{"booking.penalty ", "booking.penalty_appeal", "booking.penalty_lift"} {
			if !contains(actions, want) {
				t.Errorf("%s is not in the audit log", want)
			}
		}
		sound(t, db)
	})
}

// TestNoPenaltyForTheHouse: closed sessions, mistakes, dropped holds and
// declined offers are no offences.
func TestNoPenaltyForTheHouse(t *testing.T) {
	r := ruled(t, storetest.SQLite(t), preset(t, "guahaoe f1dee171")) // 3 cancels in a month
	for d := 1; d <= 3; d++ {
		se := r.clinic(d, shared(3))
		r.book(se, "a")
		if _, err := r.svc.CloseSession(r.ctx(), se.ID, booking.Closing{Reason: "医生外出"}); err != nil {
			t.Fatal(err)
		}
	}
	for d := 8; d <= 10; d++ {
		a := r.book(r.clinic(d, shared(3)), "a")
		if _, err := r.svc.Cancel(r.ctx(), a.ID, booking.Cancel{Reason: booking.CancelStaff, Channel: booking.ChannelDesk}); err != nil {
			t.Fatal(err)
		}
		h := r.book(r.clinic(d, shared(3)), "a", held)
		if _, err := r.svc.Cancel(r.ctx(), h.ID, onWish()); err != nil {
			t.Fatal(err)
		}
	}
	if list, _ := r.svc.Penalties(r.ctx(), booking.PenaltyFilter{}); len(list) != 0 {
		t.Fatalf("penalties %+v", list)
	}
	for d := 15; d <= 17; d++ { // these are
		a := r.book(r.clinic(d, shared(3)), "a")
		if _, err := r.svc.Cancel(r.ctx(), a.ID, onWish()); err != nil {
			t.Fatal(err)
		}
	}
	list, _ := r.svc.Penalties(r.ctx(), booking.PenaltyFilter{Current: true})
	if len(list) != 1 || list[0].Event != "cancel" || list[0].Until.In(shanghai()).Format(time.DateOnly) != "2026-12-01" {
		t.Fatalf("penalties %+v", list)
	}
}

func TestPoliciesAreGuarded(t *testing.T) {
	db := storetest.SQLite(t)
	r := newRig(t, db)
	_, err := r.svc.SavePolicy(r.ctx(), booking.StoredPolicy{Name: "x", Policy: policy.Default()})
	refused(t, err, "auth.denied")
	bad := policy.Default()
	bad.OfferMinutes = 5
	_, err = r.svc.SavePolicy(r.sys(), booking.StoredPolicy{Name: "规则", Policy: bad})
	refused(t, err, "policy.offer_minutes out_of_range")
	p := r.force(preset(t, "guahaoe c7fb5521"))
	se := r.clinic(1, shared(2))
	_, err = r.svc.Book(r.ctx(), want(se, "child-1"))
	if err != nil { // people of the plain rig are grown-up
		t.Fatal(err)
	}
	stale := p
	p.Policy.Window.From = 3
	if p, err = r.svc.SavePolicy(r.sys(), p); err != nil || !p.Active {
		t.Fatalf("%+v, %v", p, err)
	}
	_, err = r.svc.Book(r.ctx(), want(se, "b"))
	refused(t, err, "booking.window") // at once
	_, err = r.svc.SavePolicy(r.sys(), stale)
	refused(t, err, "booking.version_conflict")
	list, err := r.svc.Policies(r.ctx())
	if err != nil || len(list) != 2 || !list[0].Active || list[1].Active {
		t.Fatalf("%+v, %v", list, err)
	}
}

// TestReleaseFollowsThePolicy: numbers of templates that are not open yet open
// by the new policy's times.
func TestReleaseFollowsThePolicy(t *testing.T) {
	r := ruled(t, storetest.SQLite(t), preset(t, "shhospital/114"))
	r.template(time.Monday)
	if _, err := r.svc.Generate(r.ctx(), "2026-11-23", "2026-12-14"); err != nil {
		t.Fatal(err)
	}
	far := r.column("SELECT id FROM booking_sessions WHERE date = '2026-12-14'")[0]
	_, err := r.svc.Book(r.ctx(), booking.Request{Key: "key-number-1", PatientID: "a", SessionID: far, Channel: booking.ChannelDesk})
	refused(t, err, "booking.not_released")
	r.force(preset(t, "guahaoe f1dee171"))
	if _, err = r.svc.Book(r.ctx(), booking.Request{Key: "key-number-2", PatientID: "a", SessionID: far, Channel: booking.ChannelDesk}); err != nil {
		t.Fatal(err)
	}
}

func contains(s, part string) bool {
	for i := 0; i+len(part) <= len(s); i++ {
		if s[i:i+len(part)] == part {
			return true
		}
	}
	return false
}
