package call

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"heartline/internal/contact/acd"
	"heartline/internal/contact/journal"
	"heartline/internal/contact/sip/phone"
)

// TestStorm lets many callers come and go at any moment while agents answer,
// hold, transfer, ask others in and hang up. Afterwards nobody is stuck: no
// call is live, no agent rings or talks, every call ended exactly once.
func TestStorm(t *testing.T) {
	const callers = 80
	r := newRig(t, func(p *rigPlan) { p.queue.RingTimeout, p.call.DirectRing = 400*ms, 300*ms })
	random := rand.New(rand.NewPCG(1, 2))
	agents := map[string]string{"ann": "8001", "bob": "8002", "cid": "8003"}
	for a, ext := range agents {
		r.seated(a, ext, phone.WithAnswer(time.Duration(random.IntN(60))*ms))
	}
	r.extension("8009", phone.WithAnswer(40*ms))
	r.carrier.Phone("13900000009", "", phone.WithAnswer(40*ms))
	ids := r.started()
	ctx, stop := context.WithTimeout(context.Background(), 2*patience)
	defer stop()
	var tasks, desks sync.WaitGroup
	working, rest := context.WithCancel(ctx)
	for a := range agents {
		seed := random.Uint64()
		desks.Go(func() { r.work(working, a, rand.New(rand.NewPCG(seed, 3))) })
	}
	for i := range callers {
		number := []string{"96166", "96167", "96167", "96168"}[random.IntN(4)]
		pause, length := time.Duration(random.IntN(1500))*ms, time.Duration(random.IntN(2000))*ms
		p := r.carrier.Phone("1380013"+string(rune('0'+i/10))+string(rune('0'+i%10))+"00", "")
		tasks.Go(func() {
			<-time.After(pause)
			c, err := p.Dial(ctx, number, "")
			if err != nil {
				return
			}
			<-time.After(length)
			_ = c.Hangup(ctx)
			_ = c.WaitEnded(ctx)
		})
	}
	tasks.Wait()
	r.nobody()
	rest()
	desks.Wait()
	for a := range agents {
		r.atRest(a)
	}
	r.settled(ids())
}

// atRest checks that an agent has nothing to do with any call any more.
func (r *rig) atRest(agent string) {
	r.Helper()
	r.eventually(agent+" at rest", func() bool {
		l, _ := r.svc.agentLive(agent)
		p := r.svc.seats.of(agent)
		return l.State != acd.Ringing && l.State != acd.Talking && len(p.calls) == 0 && p.booked == 0
	})
}

// settled checks that nobody waits and that each call ended exactly once.
func (r *rig) settled(ids []string) {
	r.Helper()
	for _, q := range r.acd.Snapshot().Queues {
		if q.Waiting != 0 {
			r.Errorf("queue %s still has %d waiting", q.Queue, q.Waiting)
		}
	}
	for _, id := range ids {
		kinds, ends := r.kinds(id), 0
		for _, k := range kinds {
			if k == journal.KindCallEnded {
				ends++
			}
		}
		if ends != 1 {
			r.Errorf("call %s ended %d times: %v", id, ends, kinds)
		}
	}
}

// started collects the calls that begin from now on.
func (r *rig) started() func() []string {
	after := ""
	r.must(r.journal.Flush(r.ctx()))
	return func() []string {
		r.must(r.journal.Flush(r.ctx()))
		var ids []string
		for {
			events, err := r.journal.Since(r.ctx(), after, 500)
			r.must(err)
			if len(events) == 0 {
				return ids
			}
			for _, e := range events {
				if after = e.ID; e.Kind == journal.KindCallStarted {
					ids = append(ids, e.Contact)
				}
			}
		}
	}
}

// work is an agent who does anything that the desk allows.
func (r *rig) work(ctx context.Context, agent string, random *rand.Rand) {
	targets := []Target{{TargetAgent, "ann"}, {TargetAgent, "bob"}, {TargetExtension, "8009"}, {TargetQueue, "q2"}, {TargetExternal, "13900000009"}}
	for ctx.Err() == nil {
		select {
		case <-time.After(time.Duration(20+random.IntN(60)) * ms):
		case <-ctx.Done():
		}
		_ = r.svc.WrapUpDone(ctx, agent)
		_ = r.svc.SetState(ctx, agent, true, "")
		v, err := r.svc.Desk(ctx, agent)
		if err != nil || len(v.Calls) == 0 {
			continue
		}
		id, to := v.Calls[0].ID, targets[random.IntN(len(targets))]
		switch random.IntN(8) { // refused commands are part of the game
		case 0:
			_ = r.svc.Hold(ctx, agent, id)
		case 1:
			_ = r.svc.Resume(ctx, agent, id)
		case 2:
			_ = r.svc.Transfer(ctx, agent, id, to)
		case 3:
			_ = r.svc.Conference(ctx, agent, id, to)
		case 4:
			_ = r.svc.Hangup(ctx, agent, id)
		case 5:
			_ = r.svc.Mute(ctx, agent, id, random.IntN(2) == 0)
		case 6:
			_ = r.svc.Reject(ctx, agent, id)
		}
	}
}
