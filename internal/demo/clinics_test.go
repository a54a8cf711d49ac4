package demo

import (
	"testing"

	"heartline/internal/care/booking"
	"heartline/internal/platform/store"
)

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
