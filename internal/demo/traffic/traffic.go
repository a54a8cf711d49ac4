// Package traffic lets a hospital morning happen on a running demo: simulated
// people ring the service number over real SIP and real sound, choose from the
// menu, wait, talk and give up; simulated agents at desk phones answer them.
// Everything that screens and reports then show went through the same code as
// a real call. It owns no rules and is never part of a real installation.
package traffic

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"heartline/internal/contact/call"
	"heartline/internal/contact/sip/phone"
)

// Desk is what simulated agents and callers need of call control.
type Desk interface {
	SignIn(ctx context.Context, agent string, seat call.Seat) error
	SetState(ctx context.Context, agent string, ready bool, reason string) error
	Desk(ctx context.Context, agent string) (call.DeskView, error)
	WrapUpDone(ctx context.Context, agent string) error
	Live(ctx context.Context) []call.LiveCall
}

// Records is where agents note what a call was about.
type Records interface {
	SetDisposition(ctx context.Context, callID, disposition, notes, patientID string) error
}

// Agent is a simulated agent at a desk phone.
type Agent struct {
	UserID    string
	Extension string
	Secret    string
}

// Config describes the morning.
type Config struct {
	Server       string // SIP address, host:port
	Trunk        string // address of the demo trunk, from which callers come
	Number       string // what callers dial
	Callers      []string
	Agents       []Agent
	Dispositions []string // codes
	PerMinute    float64  // callers a minute, on average
	Voice        []int16  // what agents and callers say, 8 kHz
	Seed         uint64
	Desk         Desk
	Records      Records
	Log          *slog.Logger
}

// The habits of simulated people.
const (
	patience    = 75 * time.Second // mean time until a waiting caller gives up
	talk        = 55 * time.Second // mean length of a conversation
	wrapUp      = 8 * time.Second
	deskTick    = time.Second
	menuDelay   = 4 * time.Second
	shortestUse = 2 * time.Second
)

type morning struct {
	cfg     Config
	callers *phone.Bank
	phones  *phone.Bank
	people  sync.WaitGroup
	mu      sync.Mutex
	dice    *rand.Rand
}

// Run plays the morning until ctx ends, then hangs up and returns.
func Run(ctx context.Context, cfg Config) error {
	m := &morning{cfg: cfg, dice: rand.New(rand.NewPCG(cfg.Seed, 96166))}
	var err error
	if m.callers, err = phone.NewBank(ctx, phone.BankConfig{Listen: cfg.Trunk, Server: cfg.Server, Log: cfg.Log}); err != nil {
		return fmt.Errorf("callers: %w", err)
	}
	if m.phones, err = phone.NewBank(ctx, phone.BankConfig{Server: cfg.Server, Log: cfg.Log}); err != nil {
		return errors.Join(fmt.Errorf("desk phones: %w", err), m.callers.Close(ctx))
	}
	for _, a := range cfg.Agents {
		if err := m.seat(ctx, a); err != nil {
			cfg.Log.Warn("simulated agent could not start", "agent", a.UserID, "error", err)
		}
	}
	m.ring(ctx)
	m.people.Wait()
	last := context.WithoutCancel(ctx)
	return errors.Join(m.callers.Close(last), m.phones.Close(last))
}

// ring lets callers arrive as a Poisson process.
func (m *morning) ring(ctx context.Context) {
	for {
		gap := m.exp(time.Duration(float64(time.Minute) / m.cfg.PerMinute))
		if !wait(ctx, gap) {
			return
		}
		m.people.Go(func() {
			if err := m.caller(ctx); err != nil && ctx.Err() == nil {
				m.cfg.Log.Debug("simulated caller", "error", err)
			}
		})
	}
}

// caller is one person's call.
func (m *morning) caller(ctx context.Context) error {
	number := m.cfg.Callers[m.pick(len(m.cfg.Callers))]
	c, err := m.callers.Phone(number, "").Dial(ctx, m.cfg.Number, number)
	if err != nil {
		return err
	}
	defer func() { _ = c.Hangup(context.WithoutCancel(ctx)) }() // the agent may have hung up first
	if err := c.WaitAnswered(ctx); err != nil {
		return err
	}
	if !wait(ctx, menuDelay+m.exp(menuDelay)) {
		return nil
	}
	if err := c.SendDTMF(ctx, m.key()); err != nil {
		return err
	}
	ended, cancel := context.WithTimeout(ctx, shortestUse+m.exp(patience))
	defer cancel()
	if err := c.WaitEnded(ended); err == nil || !m.talking(ctx, number) {
		return err
	}
	c.PlayPCM(m.cfg.Voice)
	return c.WaitEnded(ctx)
}

// key is what callers press at the menu: most want an appointment, from a
// person.
func (m *morning) key() string {
	switch n := m.pick(100); {
	case n < 58:
		return "13"
	case n < 84:
		return "2"
	case n < 90:
		return "3"
	default:
		return "0"
	}
}

// talking says whether a caller is with an agent by now.
func (m *morning) talking(ctx context.Context, number string) bool {
	for _, c := range m.cfg.Desk.Live(ctx) {
		if c.Number == number && (c.Stage == call.StageTalking || c.Stage == call.StageHeld || c.Stage == call.StageRinging) {
			return true
		}
	}
	return false
}

// exp draws from the exponential distribution with a mean.
func (m *morning) exp(mean time.Duration) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return time.Duration(m.dice.ExpFloat64() * float64(mean))
}

func (m *morning) pick(n int) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.dice.IntN(n)
}

// wait returns false when ctx ended first.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
