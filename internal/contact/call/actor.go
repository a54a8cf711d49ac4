package call

import (
	"context"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"heartline/internal/contact/journal"
	"heartline/internal/contact/media"
	"heartline/internal/platform/alarm"
	"heartline/internal/platform/event"
)

// call is the actor of one call. Everything but svc, id, box, seen and tasks
// is touched by its own goroutine alone.
type call struct {
	svc   *Service
	id    string
	box   *mailbox
	seen  atomic.Pointer[LiveCall]
	tasks sync.WaitGroup // goroutines that work for this call

	sound    media.Call
	origin   origin
	lang     string
	started  time.Time
	answered time.Time // first conversation
	endedAt  time.Time
	endCause string
	over     bool

	stage    string
	backdrop ambience
	legs     []*leg // in order of arrival; ended ones leave
	opener   *leg   // who started the call
	caller   *leg   // the party the call is about; nil in calls between colleagues
	nextLeg  int

	menu     *menu
	visit    *visit
	handover *handover
	tape     *tape
	park     *parking
	silence  *timer // the caller's line is silent
	timers   map[*timer]struct{}

	visitor func(TryEvent) // the opener's window, when it is one of /try

	patients []Candidate
	quality  *Quality
	help     bool

	facts  []func() // to be published once the view shows what they are about
	routes []route  // what the media engine does now
	dirty  bool     // sound or view must be brought up to date
}

// origin is how a call came about.
type origin struct {
	direction string
	channel   string // sip or browser
	number    string // the outside party, or the calling extension
	to        string // what was dialled
	did       string
	trunk     string
	extension string // calling extension
}

// run handles messages until the call is over; then it waits for the call's
// other goroutines.
func (c *call) run() {
	for !c.over {
		<-c.box.wake
		for _, fn := range c.box.take() {
			c.guard(fn)
		}
		c.guard(c.settle)
	}
	for _, fn := range c.box.close() {
		c.guard(fn)
	}
	c.svc.forget(c)
	c.tasks.Wait()
}

// settle brings sound and view up to date after a burst of messages.
func (c *call) settle() {
	if !c.dirty {
		return
	}
	c.dirty = false
	if !c.over {
		c.remix()
	}
	c.publish()
	facts := c.facts
	c.facts = nil
	for _, tell := range facts {
		tell()
	}
}

// fact publishes something after the call's view.
func fact[T any](c *call, f T) {
	c.facts = append(c.facts, func() { event.Publish(c.svc.deps.Bus, f) })
	c.touch()
}

// guard contains a panic in this call: it is logged and the call ends, the
// process and the other calls go on.
func (c *call) guard(fn func()) {
	defer func() {
		if r := recover(); r != nil {
			c.svc.log.Error("call failed", "call_id", c.id, "panic", r, "stack", string(debug.Stack()))
			c.svc.alarms.Raise(alarm.Critical, "alarm.call_failed", "", nil)
			c.crash()
		}
	}()
	fn()
}

// crash ends a call whose state can no longer be trusted.
func (c *call) crash() {
	defer func() {
		if r := recover(); r != nil {
			c.svc.log.Error("call failed while ending", "call_id", c.id, "panic", r)
		}
		c.over = true
	}()
	c.end("failed", bySystem)
}

// post hands a message to the actor; false: the call is over.
func (c *call) post(fn func()) bool { return c.box.post(fn) }

// do runs fn in the actor and waits for its result.
func (c *call) do(ctx context.Context, fn func() error) error {
	done := make(chan error, 1)
	ok := c.post(func() {
		var err error = errFailed
		defer func() { done <- err }() // also after a panic
		if c.over {
			err = errNotFound
			return
		}
		result := fn()
		c.settle()
		err = result
	})
	if !ok {
		return errNotFound
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// task runs slow work (a request to a phone, identification) beside the
// actor; fn must come back by itself or when its context ends.
func (c *call) task(d time.Duration, fn func(ctx context.Context)) {
	c.tasks.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), d)
		defer cancel()
		fn(ctx)
	})
}

// op is the context of one quick request made by the actor itself.
func (c *call) op() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), c.svc.cfg.OpTimeout)
}

func (c *call) touch() { c.dirty = true }

func (c *call) dir() Directory { return c.svc.deps.Directory() }

func (c *call) log() *slog.Logger { return c.svc.log.With("call_id", c.id) }

// note appends to the journal. queue is filled in while the caller waits.
func (c *call) note(agent string, p journal.Payload) {
	queue := ""
	if c.visit != nil {
		queue = c.visit.queue
	}
	c.svc.journal.Append(c.id, agent, queue, p)
}

// timer is a message to the actor in the future.
type timer struct {
	t   *time.Timer
	off bool
}

func (c *call) after(d time.Duration, fn func()) *timer {
	tm := &timer{}
	tm.t = time.AfterFunc(d, func() {
		c.post(func() {
			if !tm.off {
				c.cancel(tm)
				fn()
			}
		})
	})
	c.timers[tm] = struct{}{}
	return tm
}

func (c *call) cancel(tm *timer) {
	if tm != nil {
		tm.off = true
		tm.t.Stop()
		delete(c.timers, tm)
	}
}

// leg finds a live leg by id.
func (c *call) leg(id string) *leg {
	for _, l := range c.legs {
		if l.id == id {
			return l
		}
	}
	return nil
}

// userLeg finds the live leg of a user in a role.
func (c *call) userLeg(user string, r role) *leg {
	for _, l := range c.legs {
		if l.user == user && l.role == r {
			return l
		}
	}
	return nil
}

// talkers are the answered legs of the conversation, supervisors left out.
func (c *call) talkers() []*leg {
	var out []*leg
	for _, l := range c.legs {
		if l.state == legUp && l.role != roleSupervisor {
			out = append(out, l)
		}
	}
	return out
}

// end is the end of the call, whatever the state: legs are let go, the
// recording is finished, everybody is told.
func (c *call) end(cause, by string) {
	if c.over {
		return
	}
	c.over = true
	c.endCause, c.endedAt, c.stage = cause, c.svc.now(), StageEnded
	for tm := range c.timers {
		c.cancel(tm)
	}
	c.leaveQueue(leaveReason(cause, by))
	if c.park != nil {
		c.svc.await(c, c.park.phone, "")
	}
	c.handover, c.menu, c.park = nil, nil, nil
	c.stopRecording()
	for _, l := range slices.Clone(c.legs) {
		c.drop(l, cause)
	}
	ctx, cancel := c.op()
	defer cancel()
	if err := c.sound.Close(ctx); err != nil {
		c.log().Warn("close media", "error", err)
	}
	c.note("", journal.CallEnded{Cause: cause, By: by})
	c.tellVisitor(TryEvent{State: TryStateEnded, Cause: cause})
	c.touch()
}

// Who ended a call.
const (
	byCaller     = "caller"
	byAgent      = "agent"
	bySystem     = "system"
	bySupervisor = "supervisor"
)

// leaveReason is what the queue is told when a waiting call ends.
func leaveReason(cause, by string) string {
	if by == byCaller {
		return "abandoned"
	}
	return cause
}
