package call

import (
	"context"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"time"

	"heartline/internal/contact/ivr"
	"heartline/internal/contact/journal"
	"heartline/internal/platform/alarm"
)

// dip is a question to the hospital that a flow waits for.
type dip struct {
	ask     ivr.RunDip
	started time.Time
	slow    *timer
	limit   *timer
}

// runDip asks the hospital beside the actor. The caller may press keys, wait
// or hang up meanwhile; what was ordered happens all the same, once, and is
// written down.
func (c *call) runDip(a ivr.RunDip) {
	c.dropDip()
	d := &dip{ask: a, started: c.svc.now()}
	c.menu.dip = d
	limit := time.Duration(a.TimeoutS) * time.Second
	d.slow = c.after(c.svc.cfg.DipSlow, func() { c.dipSlow(d) })
	d.limit = c.after(limit, func() { c.dipDone(d, DipResult{Outcome: ivr.OutcomeTimeout}) })
	vars := maps.Clone(a.Vars)
	if vars == nil {
		vars = make(map[string]string, 3)
	}
	vars[VarCaller], vars[VarLanguage], vars[VarKey] = c.origin.number, c.lang, c.id+"/"+a.Key
	c.task(limit, func(ctx context.Context) {
		r := c.askHospital(ctx, a.Dip, vars)
		if !c.post(func() { c.dipAnswered(d, r) }) {
			c.dipNoted(d, r) // the caller has hung up
		}
	})
}

// askHospital runs a dip; whatever goes wrong becomes an outcome.
func (c *call) askHospital(ctx context.Context, name string, vars map[string]string) (r DipResult) {
	failed := func(err error) DipResult {
		c.log().Error("run dip", "dip", name, "error", err)
		c.svc.alarms.Raise(alarm.Warning, "alarm.dip_failed", name, map[string]any{"dip": name})
		return DipResult{Outcome: ivr.OutcomeError}
	}
	defer func() {
		if p := recover(); p != nil {
			r = failed(fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
		}
	}()
	if c.svc.deps.Dips == nil {
		return failed(errFailed)
	}
	r, err := c.svc.deps.Dips.Run(ctx, c.id, name, vars)
	if err != nil {
		return failed(err)
	}
	return r
}

// dipNoted writes down what a dip came to, without what it said.
func (c *call) dipNoted(d *dip, r DipResult) {
	c.svc.journal.Append(c.id, "", "", journal.IVRDip{Node: d.ask.Node, Dip: d.ask.Dip, Outcome: r.Outcome,
		Options: len(r.Options), Ms: c.svc.now().Sub(d.started).Milliseconds()})
}

// dipAnswered takes the hospital's answer. One that comes too late, or for a
// caller who has gone on, is written down and nothing more.
func (c *call) dipAnswered(d *dip, r DipResult) {
	if c.over || c.menu == nil || c.menu.dip != d {
		c.dipNoted(d, r)
		return
	}
	c.dipDone(d, r)
}

func (c *call) dipDone(d *dip, r DipResult) {
	c.dipNoted(d, r)
	if c.menu == nil || c.menu.dip != d {
		return
	}
	c.dropDip()
	c.menu.people = append(c.menu.people, r.People...)
	if c.stage == StageIVR {
		c.feed(ivr.DipDone{Seq: d.ask.Seq, Outcome: r.Outcome, Vars: r.Vars, Options: r.Options, Say: r.Say})
	}
}

// dropDip stops waiting for a dip.
func (c *call) dropDip() {
	d := c.menu.dip
	if d == nil {
		return
	}
	c.cancel(d.slow)
	c.cancel(d.limit)
	c.menu.dip = nil
	if c.stage == StageIVR && c.backdrop != silence {
		c.backdrop = silence
		c.touch()
	}
}

// dipSlow asks the caller to wait, and lets music follow.
func (c *call) dipSlow(d *dip) {
	if c.menu == nil || c.menu.dip != d || c.stage != StageIVR {
		return
	}
	c.backdrop = queueMusic
	c.touch()
	c.feed(ivr.DipSlow{Seq: d.ask.Seq})
}

// recognise tells the journal and the agent's screen whom the flow takes the
// caller for.
func (c *call) recognise(patient string) {
	m := c.menu
	if patient == "" || patient == m.patient {
		return
	}
	m.patient = patient
	known := append(slices.Clone(m.people), c.patients...)
	i := slices.IndexFunc(known, func(p Candidate) bool { return p.ID == patient })
	if i >= 0 {
		c.identified([]Candidate{known[i]})
	}
}
