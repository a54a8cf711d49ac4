package sip

import (
	"sync"
	"time"
)

// wheel is a hashed timing wheel: at hundreds of calls a second nearly every
// SIP timer is set and never fires, so setting must cost next to nothing and
// cancelling nothing at all (a stale entry is recognised by its generation).
type wheel struct {
	tick  time.Duration
	start time.Time

	mu    sync.Mutex
	slots [][]wheelEntry
	now   int64 // ticks since start already handled
	stop  chan struct{}
	done  chan struct{}
}

type wheelEntry struct {
	due int64
	gen uint32
	t   waker
}

// waker is woken with the generation it gave when it set the timer; it
// ignores generations that are no longer current. wake must not block.
type waker interface{ wake(gen uint32) }

const wheelSlots = 1024

func newWheel(tick time.Duration) *wheel {
	return &wheel{
		tick: tick, start: time.Now(), slots: make([][]wheelEntry, wheelSlots),
		stop: make(chan struct{}), done: make(chan struct{}),
	}
}

// after wakes t about d from now, never early.
func (w *wheel) after(d time.Duration, t waker, gen uint32) {
	due := int64((time.Since(w.start)+d)/w.tick) + 1
	w.mu.Lock()
	if due <= w.now {
		due = w.now + 1
	}
	i := due % wheelSlots
	w.slots[i] = append(w.slots[i], wheelEntry{due, gen, t})
	w.mu.Unlock()
}

// run ticks until close; it has one owner, Server.Start.
func (w *wheel) run() {
	defer close(w.done)
	ticker := time.NewTicker(w.tick)
	defer ticker.Stop()
	var fire []wheelEntry
	for {
		select {
		case <-w.stop:
			return
		case <-ticker.C:
		}
		fire = w.collect(fire[:0])
		for i := range fire {
			fire[i].t.wake(fire[i].gen)
			fire[i].t = nil
		}
	}
}

func (w *wheel) collect(fire []wheelEntry) []wheelEntry {
	target := int64(time.Since(w.start) / w.tick)
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.now < target {
		w.now++
		slot := w.slots[w.now%wheelSlots]
		keep := slot[:0]
		for _, e := range slot {
			if e.due <= w.now {
				fire = append(fire, e)
			} else {
				keep = append(keep, e)
			}
		}
		clear(slot[len(keep):])
		w.slots[w.now%wheelSlots] = keep
	}
	return fire
}

func (w *wheel) close() {
	close(w.stop)
	<-w.done
}
