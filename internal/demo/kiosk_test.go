package demo

import (
	"testing"
	"time"

	"heartline/internal/care/booking"
	"heartline/internal/platform/store/storetest"
)

// TestVisitorsBeforeMidnight: people try the machine at any hour, also when no
// number of the day is left.
func TestVisitorsBeforeMidnight(t *testing.T) {
	now := time.Date(2026, 11, 20, 15, 50, 0, 0, time.UTC) // Friday 23:50
	sv, ctx := services(t, storetest.SQLite(t), now)
	if err := Seed(ctx, sv); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for range 5 {
		v, err := Visitor(ctx, sv)
		if err != nil {
			t.Fatal(err)
		}
		if v.Code == "" || seen[v.Code] {
			t.Fatalf("after %d visitors: code %q", len(seen), v.Code)
		}
		seen[v.Code] = true
		page, err := sv.Booking.List(ctx, booking.Filter{Code: v.Code})
		if err != nil || len(page.Appointments) != 1 {
			t.Fatalf("code %s: %d appointments, %v", v.Code, len(page.Appointments), err)
		}
		if _, err := sv.Booking.CheckIn(ctx, page.Appointments[0].ID); err != nil {
			t.Fatal(err)
		}
	}
}
