package embedded

import (
	"slices"
	"sync"
	"time"
)

const (
	frameTime = 20 * time.Millisecond
	maxLate   = 5 * frameTime // after a longer stall frames are skipped, not sent in a burst
)

// shard is one pacer goroutine and the calls that need frames from it. Calls
// that are merely relayed are not in the list.
type shard struct {
	eng   *Engine
	mix   mixBuffers // of the tick in progress
	mu    sync.Mutex
	calls []*call // replaced, never changed
	wake  chan struct{}
}

type mixBuffers struct {
	sum      [frame]int32
	total    [frame]int32
	totalled bool // total is of this call and tick
	out      [frame]int16
	play     [frame]int16
}

// tickWhen enters or leaves the pacer. Caller holds c.mu.
func (c *call) tickWhen(on bool) {
	if on == c.ticking {
		return
	}
	c.ticking = on
	s := c.shard
	s.mu.Lock()
	defer s.mu.Unlock()
	if !on {
		s.calls = slices.DeleteFunc(slices.Clone(s.calls), func(o *call) bool { return o == c })
		return
	}
	s.calls = append(slices.Clone(s.calls), c)
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *shard) list() []*call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

// run paces on absolute times, so that rounding and scheduling do not add up.
// Without calls it sleeps.
func (s *shard) run(stop <-chan struct{}) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	next := s.eng.clock()
	for {
		if len(s.list()) == 0 {
			select {
			case <-stop:
				return
			case <-s.wake:
			}
		}
		now := s.eng.clock()
		if now-next > int64(maxLate) {
			next = now - now%int64(frameTime)
		}
		if wait := next - now; wait > 0 {
			timer.Reset(time.Duration(wait))
			select {
			case <-stop:
				return
			case <-timer.C:
			}
			now = s.eng.clock()
		}
		tick := uint32(next / int64(frameTime))
		for _, c := range s.list() {
			c.tick(tick, now)
		}
		next += int64(frameTime)
	}
}
