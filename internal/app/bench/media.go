package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"heartline/internal/contact/sip/phone"
)

// asteriskMedia is the share of a core that Asterisk 23 used for 100 bridged
// and recorded G.711 calls, the lower of what was measured.
const asteriskMedia = 47.0

// Media holds Calls bridged, recorded calls with sound both ways for Length.
func Media(ctx context.Context, o Options) (err error) {
	s, err := prepare(ctx, twoPhones)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.remove()) }()
	if err := s.start(ctx, o); err != nil {
		return err
	}
	m, err := hold(ctx, s, o)
	if err := errors.Join(err, s.stop()); err != nil {
		return err
	}
	held := o.Calls + warmUp
	packets := 2 * 50 * held * int(o.Length.Seconds())
	relay, err := relayCost(ctx, o.Binary, packets)
	if err != nil {
		return err
	}
	share := 100 * m.cpu.Seconds() / o.Length.Seconds()
	per100 := share * 100 / float64(held)
	r := o.report("media", "%d bridged, recorded G.711 calls for %s", o.Calls, o.Length)
	r.most("share of one core for 100 calls", per100, 15, "%")
	r.least("packets that reached the callers", 100*m.arrived, 99.9, "%")
	r.most("ratio to Asterisk 23 (47 %)", per100/asteriskMedia, 1, "")
	r.line("ratio to a bare UDP relay, no recording", fmt.Sprintf("%.2f", m.cpu.Seconds()/max(relay.Seconds(), 1e-9)), "")
	return nil
}

// Memory holds Calls bridged, recorded calls and measures what each adds to
// the idle program. The garbage collector of the program under test is told to
// be strict, so that what it has not got round to yet does not count.
func Memory(ctx context.Context, o Options) (err error) {
	s, err := prepare(ctx, twoPhones)
	if err != nil {
		return err
	}
	s.env = []string{"GOGC=5"}
	defer func() { err = errors.Join(err, s.remove()) }()
	if err := s.start(ctx, o); err != nil {
		return err
	}
	m, err := hold(ctx, s, o)
	if err := errors.Join(err, s.stop()); err != nil {
		return err
	}
	r := o.report("memory", "%d bridged, recorded calls", o.Calls)
	r.most("heap and stacks per established call", m.perCall/1000, 100, "kB")
	return nil
}

// warmUp is how many calls come before those that are measured for memory.
const warmUp = 5

type mediaLoad struct {
	cpu     time.Duration
	perCall float64
	arrived float64
}

// establish sets up n calls and the warm-up before them; idle is what the
// program held in between.
func establish(ctx context.Context, s *server, caller *phone.Phone, n int) (calls []*phone.Call, idle usage, err error) {
	for i := range n + warmUp {
		if i == warmUp { // what the first calls build once is not theirs
			if idle, err = s.used(); err != nil {
				return nil, idle, err
			}
		}
		c, err := caller.Dial(ctx, calleeExt, callerExt)
		if err != nil {
			return nil, idle, err
		}
		if err := c.WaitAnswered(ctx); err != nil {
			return nil, idle, err
		}
		c.Forget()
		c.PlayTone(440)
		calls = append(calls, c)
	}
	return calls, idle, nil
}

func hold(ctx context.Context, s *server, o Options) (mediaLoad, error) {
	var m mediaLoad
	bank, err := phone.NewBank(ctx, phone.BankConfig{Server: s.sip, SessionExpiry: -1})
	if err != nil {
		return m, err
	}
	defer bank.Close(context.WithoutCancel(ctx))
	caller := bank.Phone(callerExt, secret)
	callee := bank.Phone(calleeExt, secret, phone.WithAnswer(0))
	if err := callee.Register(ctx); err != nil {
		return m, err
	}
	go func() {
		for c := range callee.Incoming() {
			c.Forget()
			c.PlayTone(600)
		}
	}()
	calls, idle, err := establish(ctx, s, caller, o.Calls)
	if err != nil {
		return m, err
	}
	if err := sleep(ctx, 2*time.Second); err != nil {
		return m, err
	}
	heard := func() (n uint64) {
		for _, c := range calls {
			n += c.Packets()
		}
		return n
	}
	before, err := s.used()
	if err != nil {
		return m, err
	}
	packets, started := heard(), time.Now()
	if err := sleep(ctx, o.Length); err != nil {
		return m, err
	}
	after, err := s.used()
	expected := time.Since(started).Seconds() * 50 * float64(len(calls))
	m.arrived = float64(heard()-packets) / expected
	m.cpu = after.cpu - before.cpu
	m.perCall = (after.memory - idle.memory) / float64(o.Calls)
	return m, err
}
