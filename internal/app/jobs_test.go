package app

import (
	"log/slog"
	"testing"

	"heartline/internal/platform/config"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/job"
)

// TestDailyJobsArePromised: a hospital that was just installed has its nightly
// work, its sweep, its reminders and the end of old recordings ahead of it; a second start doubles nothing.
func TestDailyJobsArePromised(t *testing.T) {
	ctx := identity.System(t.Context(), "test")
	cfg := config.Default()
	cfg.DataDir = t.TempDir()
	for range 2 {
		a, err := Open(ctx, &cfg, slog.New(slog.DiscardHandler), "test")
		if err != nil {
			t.Fatal(err)
		}
		if err := a.startJobs(ctx); err != nil {
			t.Fatal(err)
		}
		list, err := a.jobs.List(ctx, job.Filter{State: job.Waiting})
		if err != nil {
			t.Fatal(err)
		}
		waiting := map[string]int{}
		for _, j := range list {
			waiting[j.Kind]++
		}
		for _, kind := range []string{"booking.nightly", "booking.sweep", "booking.reminders", "recording.expire"} {
			if waiting[kind] == 0 {
				t.Errorf("nobody promised %s: %v", kind, waiting)
			}
		}
		if n := waiting["booking.nightly"]; n > 1 {
			t.Errorf("the nightly work is promised %d times", n)
		}
		if err := a.Close(ctx); err != nil {
			t.Fatal(err)
		}
	}
}
