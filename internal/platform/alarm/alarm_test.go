package alarm

import (
	"context"
	"testing"
	"time"

	"heartline/internal/platform/event"
)

func TestBoard(t *testing.T) {
	bus := event.NewBus()
	defer bus.Close()
	facts := make(chan Changed, 10)
	event.Subscribe(bus, "test", func(_ context.Context, f Changed) { facts <- f })
	at := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	b := NewBoard(bus, func() time.Time { at = at.Add(time.Minute); return at })

	b.Raise(Warning, "alarm.trunk_down", "t1", nil)
	b.Raise(Warning, "alarm.trunk_down", "t1", nil) // counted, not told again
	b.Raise(Critical, "alarm.recording_disk_full", "", nil)
	b.Clear("alarm.trunk_down", "t1")
	b.Clear("alarm.trunk_down", "t1") // not active any more

	want := []struct {
		key    string
		active bool
	}{{"alarm.trunk_down", true}, {"alarm.recording_disk_full", true}, {"alarm.trunk_down", false}}
	for i, w := range want {
		select {
		case f := <-facts:
			if f.Alarm.Key != w.key || f.Active != w.active {
				t.Errorf("fact %d = %+v, want %+v", i, f, w)
			}
		case <-time.After(5 * time.Second):
			t.Fatalf("fact %d did not come", i)
		}
	}
	active := b.Active()
	if len(active) != 1 || active[0].Severity != Critical {
		t.Errorf("active = %+v", active)
	}
}

func TestActiveShowsTheWorstFirst(t *testing.T) {
	bus := event.NewBus()
	defer bus.Close()
	b := NewBoard(bus, time.Now)
	b.Raise(Warning, "a", "", nil)
	b.Raise(Critical, "b", "", nil)
	b.Raise(Warning, "a", "", nil)
	got := b.Active()
	if len(got) != 2 || got[0].Key != "b" || got[1].Count != 2 {
		t.Errorf("active = %+v", got)
	}
}
