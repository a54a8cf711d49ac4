package bench

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"heartline/internal/app"
	"heartline/internal/contact/call"
	"heartline/internal/contact/sip/phone"
	"heartline/internal/contact/switchboard"
	"heartline/internal/platform/identity"
)

// queueNumber is what the callers of the queue bench dial.
const queueNumber = "96160"

// Queue lets Rate callers a second enter a queue that Calls agents at desk
// phones serve, and measures from the caller's INVITE until an agent's phone
// rings: arrival, queue entry, routing, offer and the INVITE to the phone.
func Queue(ctx context.Context, o Options) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var agents []string
	callers, err := phone.NewBank(ctx, phone.BankConfig{Server: "127.0.0.1:9", SessionExpiry: -1})
	if err != nil {
		return err
	}
	if err := callers.Close(ctx); err != nil {
		return err
	}
	s, err := prepare(ctx, func(ctx context.Context, p app.Parts) (err error) {
		agents, err = queueWithAgents(ctx, p, o.Calls, callers.Addr().String())
		return err
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.remove()) }()
	a, err := app.Open(ctx, &s.cfg, slog.New(slog.DiscardHandler), "bench")
	if err != nil {
		return err
	}
	var rang []time.Duration
	var lost int
	err = a.Serve(ctx, func(ctx context.Context) (err error) {
		defer cancel()
		rang, lost, err = ringAgents(ctx, a.Parts(), s.sip, callers.Addr().String(), agents, o)
		return err
	})
	if err != nil {
		return err
	}
	r := o.report("queue", "%.0f callers/s for %s, %d agents at desk phones", o.Rate, o.Length, o.Calls)
	r.line("INVITE of the caller → agent's phone rings, p50", quantile(rang, .5).Round(10*time.Microsecond).String(), "")
	r.within("INVITE of the caller → agent's phone rings, p99", quantile(rang, .99), 20*time.Millisecond)
	r.most("callers who rang nobody", float64(lost), 0, "")
	return nil
}

// queueWithAgents configures a queue, its number, a trunk for the callers and
// n agents with an extension each; it returns their user ids.
func queueWithAgents(ctx context.Context, p app.Parts, n int, trunk string) (agents []string, err error) {
	err = p.Board.Bulk(ctx, func(ctx context.Context) error {
		q, err := p.Board.Queues.Create(ctx, switchboard.Queue{Code: "bench", Name: "bench", Strategy: switchboard.StrategyLongestIdle,
			RingTimeoutS: 20, ServiceLevelS: 15, Priority: 5, Enabled: true})
		if err != nil {
			return err
		}
		if _, err := p.Board.Numbers.Create(ctx, switchboard.Number{Number: queueNumber, Name: "bench", QueueID: q.ID, Language: "zh-CN", Enabled: true}); err != nil {
			return err
		}
		if _, err := p.Board.Trunks.Create(ctx, switchboard.Trunk{Name: "bench", Kind: switchboard.TrunkStatic, Host: "127.0.0.1", Port: 9,
			Transport: switchboard.TransportUDP, PeerIPs: []string{trunk}, Enabled: true}); err != nil {
			return err
		}
		for i := range n {
			u, err := p.Identity.CreateUser(ctx, identity.NewUser{Login: fmt.Sprintf("bench%03d", i), Name: fmt.Sprintf("bench %d", i), Password: "Bench-96166-" + fmt.Sprint(i), Roles: []string{"agent"}})
			if err != nil {
				return err
			}
			number := fmt.Sprint(7100 + i)
			if err := extension(ctx, p, number, u.ID); err != nil {
				return err
			}
			profile := switchboard.AgentProfile{Number: number, Name: u.Name, Queues: []switchboard.QueueMember{{QueueID: q.ID, Level: 1}},
				DefaultSeat: switchboard.SeatExtension, Extension: number, Enabled: true}
			profile.ID = u.ID
			if _, err := p.Board.Agents.Create(ctx, profile); err != nil {
				return err
			}
			agents = append(agents, u.ID)
		}
		return nil
	})
	return agents, err
}

func ringAgents(ctx context.Context, p app.Parts, sipAddr, trunk string, agents []string, o Options) ([]time.Duration, int, error) {
	ctx = identity.System(ctx, "bench")
	desks, err := phone.NewBank(ctx, phone.BankConfig{Server: sipAddr, SessionExpiry: -1})
	if err != nil {
		return nil, 0, err
	}
	defer desks.Close(context.WithoutCancel(ctx))
	callers, err := phone.NewBank(ctx, phone.BankConfig{Listen: trunk, Server: sipAddr, SessionExpiry: -1})
	if err != nil {
		return nil, 0, err
	}
	defer callers.Close(context.WithoutCancel(ctx))
	m := &ringTimes{dialled: map[string]time.Time{}}
	for i, user := range agents {
		number := fmt.Sprint(7100 + i)
		desk := desks.Phone(number, secret, phone.WithoutMedia(), phone.WithAnswer(0))
		if err := desk.Register(ctx); err != nil {
			return nil, 0, err
		}
		go func() {
			for c := range desk.Incoming() {
				m.rings(c.Dialog().From().User)
			}
		}()
		if err := p.Calls.SignIn(ctx, user, call.Seat{Kind: call.SeatExtension, Extension: number}); err != nil {
			return nil, 0, err
		}
		if err := p.Calls.SetState(ctx, user, true, ""); err != nil {
			return nil, 0, err
		}
	}
	var calls sync.WaitGroup
	tick := time.NewTicker(time.Duration(float64(time.Second) / o.Rate))
	defer tick.Stop()
	place := func(first int, length time.Duration) {
		for n := range int(o.Rate * length.Seconds()) {
			<-tick.C
			calls.Go(func() { m.call(ctx, callers, fmt.Sprintf("139%08d", first+n)) })
		}
	}
	place(0, warmFor) // meet a program that grows its heap and its ports
	m.forget()
	place(1_000_000, o.Length)
	calls.Wait()
	return m.took, len(m.dialled), nil
}

// ringTimes matches rings to dials by the caller's number.
type ringTimes struct {
	mu      sync.Mutex
	dialled map[string]time.Time
	took    []time.Duration
}

func (m *ringTimes) rings(from string) {
	at := time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	if started, ok := m.dialled[from]; ok {
		m.took = append(m.took, at.Sub(started))
		delete(m.dialled, from)
	}
}

// forget leaves out what was measured so far.
func (m *ringTimes) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.took = nil
}

func (m *ringTimes) call(ctx context.Context, bank *phone.Bank, number string) {
	m.mu.Lock()
	m.dialled[number] = time.Now()
	m.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	c, err := bank.Phone(number, "", phone.WithoutMedia()).Dial(ctx, queueNumber, number)
	if err != nil {
		return
	}
	if c.WaitAnswered(ctx) != nil || sleep(ctx, time.Second) != nil {
		return
	}
	_ = c.Hangup(ctx) // the server may be stopping already
	_ = c.WaitEnded(ctx)
}
