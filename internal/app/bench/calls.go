package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"heartline/internal/contact/sip/phone"
)

// holdFor is how long each call of the set-up bench stays up.
const holdFor = time.Second

// warmFor is how long calls come before they are measured.
const warmFor = 2 * time.Second

// maxCPU is the limit for a call that is not recorded.
const maxCPU = 1400 * time.Microsecond

// asteriskCPU is what Asterisk 23 used for a call, measured the same way.
const asteriskCPU = 5500 * time.Microsecond

// Calls sets up Rate calls a second for Length: digest authentication, two
// dialogs, media ports, event log, call record. No sound flows; with Record
// each call has a recording of its second of silence as well.
func Calls(ctx context.Context, o Options) (err error) {
	s, err := prepare(ctx, twoPhones)
	if err != nil {
		return err
	}
	s.cfg.RecordInternal = o.Record
	defer func() { err = errors.Join(err, s.remove()) }()
	if err := s.start(ctx, o); err != nil {
		return err
	}
	load, err := setUp(ctx, s, o)
	if err := errors.Join(err, s.stop()); err != nil {
		return err
	}
	relay, err := relayCost(ctx, o.Binary, load.done*datagramsPerCall)
	if err != nil {
		return err
	}
	load.print(o, relay)
	if load.failed > 0 {
		return fmt.Errorf("%d of %d calls failed: %w", load.failed, load.failed+load.done, load.firstErr)
	}
	return nil
}

type callLoad struct {
	done, failed int
	took         time.Duration
	cpu          time.Duration
	setUp        []time.Duration
	firstErr     error
}

func setUp(ctx context.Context, s *server, o Options) (*callLoad, error) {
	bank, err := phone.NewBank(ctx, phone.BankConfig{Server: s.sip, SessionExpiry: -1})
	if err != nil {
		return nil, err
	}
	defer bank.Close(context.WithoutCancel(ctx))
	caller := bank.Phone(callerExt, secret, phone.WithoutMedia())
	callee := bank.Phone(calleeExt, secret, phone.WithoutMedia(), phone.WithAnswer(0))
	if err := callee.Register(ctx); err != nil {
		return nil, fmt.Errorf("register: %w", err)
	}
	go func() { // calls answer themselves; nobody reads them
		for range callee.Incoming() {
		}
	}()
	load := &callLoad{}
	var mu sync.Mutex
	var calls sync.WaitGroup
	tick := time.NewTicker(time.Duration(float64(time.Second) / o.Rate))
	defer tick.Stop()
	place := func(count bool) {
		<-tick.C
		calls.Go(func() {
			took, err := oneCall(ctx, caller)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err != nil:
				load.failed++
				load.firstErr = errors.Join(load.firstErr, err)
			case count:
				load.done++
				load.setUp = append(load.setUp, took)
			}
		})
	}
	// The first calls meet a program that is still growing its heap and its
	// ports. What counts is the steady state: as many calls end as begin.
	for range int(o.Rate * warmFor.Seconds()) {
		place(false)
	}
	before, err := s.used()
	started := time.Now()
	for n := int(o.Rate * o.Length.Seconds()); n > 0 && err == nil; n-- {
		place(true)
	}
	after, failed := s.used()
	load.took = time.Since(started)
	calls.Wait()
	load.cpu = after.cpu - before.cpu
	return load, errors.Join(err, failed)
}

func oneCall(ctx context.Context, caller *phone.Phone) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	started := time.Now()
	c, err := caller.Dial(ctx, calleeExt, callerExt)
	if err != nil {
		return 0, err
	}
	if err := c.WaitAnswered(ctx); err != nil {
		return 0, fmt.Errorf("not answered: %w (%+v)", err, c.Cause())
	}
	took := time.Since(started)
	if err := sleep(ctx, holdFor); err != nil {
		return 0, err
	}
	if err := c.Hangup(ctx); err != nil {
		return 0, fmt.Errorf("hang up: %w", err)
	}
	return took, c.WaitEnded(ctx)
}

func (l *callLoad) print(o Options, relay time.Duration) {
	perCall := l.cpu / time.Duration(max(l.done, 1))
	r := o.report("calls", "%.0f/s for %s, digest authentication, event log, recorded: %v", o.Rate, o.Length, o.Record)
	r.line("calls set up", fmt.Sprint(l.done), "")
	r.most("calls that failed", float64(l.failed), 0, "")
	r.line("set-up p50, p99", fmt.Sprintf("%s, %s", quantile(l.setUp, .5).Round(100*time.Microsecond), quantile(l.setUp, .99).Round(100*time.Microsecond)), "")
	if o.Record { // a file, a sync and a row more, for which there is no limit
		r.line("CPU per call", fmt.Sprintf("%.2f ms", ms(perCall)), "")
	} else {
		r.within("CPU per call", perCall, maxCPU)
	}
	r.line("share of one core", fmt.Sprintf("%.0f %%", 100*l.cpu.Seconds()/l.took.Seconds()), "")
	r.most("ratio to Asterisk 23 (5.5 ms)", float64(perCall)/float64(asteriskCPU), 1, "")
	r.line(fmt.Sprintf("ratio to a bare UDP relay of %d datagrams", datagramsPerCall), fmt.Sprintf("%.1f", float64(l.cpu)/float64(max(relay, 1))), "")
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
