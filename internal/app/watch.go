package app

import (
	"context"
	"time"

	"heartline/internal/platform/alarm"
)

const watchEvery = 5 * time.Second

// watch raises and clears the alarms of what nobody reports by itself: trunks
// that stop answering, a media engine that cannot take another call.
func (a *App) watch(ctx context.Context) error {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(watchEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				a.look(ctx)
			}
		}
	}()
	a.onClose("watch", func(context.Context) error { cancel(); <-done; return nil })
	return nil
}

func (a *App) look(ctx context.Context) {
	for _, t := range a.sip.TrunkStatus() {
		if t.Up {
			a.alarms.Clear("alarm.trunk_down", t.ID)
			continue
		}
		a.alarms.Raise(alarm.Critical, "alarm.trunk_down", t.ID, map[string]any{"name": t.Name, "code": t.LastCode})
	}
	if err := a.media.Health(ctx); err != nil {
		a.alarms.Raise(alarm.Critical, "alarm.media", "", nil)
	} else {
		a.alarms.Clear("alarm.media", "")
	}
	if lost := a.bus.Lost(); lost > a.lostFacts {
		a.log.Warn("screens missed facts and were told to catch up", "count", lost-a.lostFacts)
		a.lostFacts = lost
	}
}

// journalAlarm hears of trouble with the event log.
func (a *App) journalAlarm(err error, pending int, lost uint64) {
	if err == nil {
		a.alarms.Clear("alarm.event_log", "")
		return
	}
	a.log.Error("event log cannot be written", "error", err, "pending", pending, "lost", lost)
	a.alarms.Raise(alarm.Critical, "alarm.event_log", "", map[string]any{"pending": pending})
}
