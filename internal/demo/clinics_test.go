package demo

import (
	"fmt"
	"testing"
	"time"

	"heartline/internal/care/booking"
	"heartline/internal/care/patient"
	"heartline/internal/platform/store"
	"heartline/internal/platform/store/storetest"
)

// TestSeedLateInTheEvening: the emergency clinic of the coming night is within
// hours, but nobody is let in on the day before.
func TestSeedLateInTheEvening(t *testing.T) {
	now := time.Date(2026, 11, 29, 22, 2, 0, 0, time.FixedZone("CST", 8*3600))
	sv, ctx := services(t, storetest.SQLite(t), now)
	se, err := sv.Booking.SaveSession(ctx, booking.Plan{SlotMinutes: 20, Capacity: 20, Session: booking.Session{Date: "2026-11-30", Period: booking.Morning,
		StartAt: now.Add(118 * time.Minute), EndAt: now.Add(10 * time.Hour), DepartmentID: "emergency", Type: booking.Ordinary, ReleaseAt: now.Add(-time.Hour)}})
	if err != nil {
		t.Fatal(err)
	}
	s := &seeder{Services: sv, now: now, dice: newDice(96166)}
	for i := range 12 {
		p := &person{Patient: patient.Patient{ID: fmt.Sprint("p-", i)}}
		if done, err := s.appoint(ctx, p, se, fmt.Sprint("demo-visit-", i)); !done || err != nil {
			t.Fatal(done, err)
		}
	}
}

// checkClinics wants something to book, and people who have booked.
func checkClinics(t *testing.T, db *store.DB) {
	t.Helper()
	for what, c := range map[string]struct {
		sql string
		min int
	}{
		"sessions":            {"SELECT COUNT(*) FROM booking_sessions", 1000},
		"free numbers":        {"SELECT COUNT(*) FROM booking_numbers WHERE state = 'free'", 20000},
		"appointments":        {"SELECT COUNT(*) FROM appointments WHERE state IN ('scheduled', 'checked_in')", appointments},
		"departments to book": {"SELECT COUNT(DISTINCT department_id) FROM booking_sessions", 20},
		"examinations":        {"SELECT COUNT(*) FROM exam_items WHERE preparation <> '' AND preparation_en <> ''", len(booking.DefaultExams())},
		"kept apart":          {"SELECT COUNT(*) FROM exam_exclusions", 9},
		"sessions of them":    {"SELECT COUNT(DISTINCT exam_id) FROM booking_sessions WHERE exam_id <> ''", len(booking.DefaultExams())},
		"examinations booked": {"SELECT COUNT(*) FROM appointments WHERE exam_id <> ''", 5},
		"cards with money":    {"SELECT COUNT(*) FROM ledger_cards WHERE available > 0", cards},
	} {
		if n := count(t, db, c.sql); n < c.min {
			t.Errorf("%s: %d, want at least %d", what, n, c.min)
		}
	}
}

// TestSeedOverMidnight begins to fill on one day and comes to the clinics on
// the next.
func TestSeedOverMidnight(t *testing.T) {
	sv, ctx := services(t, storetest.SQLite(t), time.Date(2026, 11, 20, 16, 0, 6, 0, time.UTC)) // Saturday 00:00:06
	began, rest := false, sv.Now
	sv.Now = func() time.Time {
		if began {
			return rest()
		}
		began = true
		return rest().Add(-12 * time.Second)
	}
	if err := Seed(ctx, sv); err != nil {
		t.Fatal(err)
	}
}
