package call

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"heartline/internal/contact/acd"
	"heartline/internal/contact/callrecord"
	"heartline/internal/contact/ivr"
	"heartline/internal/contact/journal"
	"heartline/internal/contact/media"
	"heartline/internal/contact/media/embedded"
	"heartline/internal/contact/media/mediatest"
	"heartline/internal/contact/sip"
	"heartline/internal/contact/sip/phone"
	"heartline/internal/contact/switchboard"
	"heartline/internal/platform/alarm"
	"heartline/internal/platform/crypto"
	"heartline/internal/platform/event"
	"heartline/internal/platform/store/storetest"
)

// The tones by which the tests know what somebody hears.
const (
	toneCaller = 500.0
	toneAnn    = 800.0
	toneBob    = 1100.0
	toneThird  = 1700.0
	toneMusic  = 1400.0
	toneHeart  = 600.0 // prompts
)

const patience = 15 * time.Second

// rig is a whole contact centre on the loopback: real SIP server, media
// engine, distributor, journal and call records; phones and browsers outside.
type rig struct {
	*testing.T
	svc      *Service
	sip      *sip.Server
	acd      *acd.Service
	journal  *journal.Journal
	records  *callrecord.Service
	bus      *event.Bus
	alarms   *alarm.Board
	dir      *testDirectory
	tapes    *tapes
	people   *people
	phones   *phone.Bank // extensions
	carrier  *phone.Bank // the outside world, behind the trunk
	shutdown func()
}

type rigOption func(*rigPlan)

type rigPlan struct {
	call  Config
	queue acd.QueueConfig
	flow  ivr.Flow
	dips  Dips
	log   io.Writer
}

func newRig(t *testing.T, opts ...rigOption) *rig {
	t.Helper()
	plan := rigPlan{
		call:  Config{QualityEvery: 200 * time.Millisecond, WindowGrace: 100 * time.Millisecond, ParkPromptAfter: 100 * time.Millisecond},
		queue: acd.QueueConfig{ID: "q1", RingTimeout: 10 * time.Second, WrapUp: time.Minute},
		flow:  testFlow(),
	}
	for _, o := range opts {
		o(&plan)
	}
	r := &rig{T: t, bus: event.NewBus(), dir: newTestDirectory(plan.flow), tapes: &tapes{}, people: &people{}}
	if plan.log == nil {
		plan.log = io.Discard
	}
	log := slog.New(slog.NewTextHandler(plan.log, nil))
	if os.Getenv("CALL_TEST_LOG") != "" {
		log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	db := storetest.SQLite(t)
	keys, err := crypto.Open(t.TempDir())
	r.must(err)
	r.journal = journal.New(db, time.Now)
	r.records = callrecord.New(db, r.journal, callrecord.DefaultRules(), time.Now)
	r.must(r.journal.Start(r.ctx()))
	r.acd = acd.NewService(acd.Settings{Config: acd.Config{Queues: []acd.QueueConfig{plan.queue, {ID: "q2", RingTimeout: plan.queue.RingTimeout}}}, Version: "test"}, r.journal, r.bus, time.Now)
	engine, err := embedded.New(embedded.Config{IP: "127.0.0.1", PortMin: 30000, PortMax: 39999, MediaTimeout: 400 * time.Millisecond, Log: log, Now: time.Now})
	r.must(err)
	r.alarms = alarm.NewBoard(r.bus, time.Now)
	r.svc = New(plan.call, Deps{Media: engine, ACD: r.acd, Journal: r.journal, Directory: func() Directory { return r.dir },
		Prompts: testPrompts{}, Recorder: r.tapes, Identifier: r.people, Dips: plan.dips, Sealer: keys, Alarms: r.alarms, Bus: r.bus, Log: log, Now: time.Now,
		MayDialOut: func(e switchboard.Extension) bool { return e.Number == "8001" }, ShowNumber: func(context.Context) bool { return true }})
	r.acd.SetSwitch(r.svc)
	r.must(r.acd.Start(r.ctx()))
	r.sip, err = sip.New(sip.Config{UDP: "127.0.0.1:0", SourceRate: 1 << 20}, accounts{}, r.svc, log)
	r.must(err)
	r.must(r.sip.Start(r.ctx()))
	r.svc.SetPhones(r.sip)
	server := r.sip.Addr("udp").String()
	r.phones, err = phone.NewBank(r.ctx(), phone.BankConfig{Server: server, Log: log})
	r.must(err)
	r.carrier, err = phone.NewBank(r.ctx(), phone.BankConfig{Server: server, Log: log})
	r.must(err)
	outside := r.carrier.Addr()
	r.must(r.sip.SetTrunks([]sip.Trunk{{ID: "trunk1", Name: "carrier", Kind: sip.TrunkStatic, Host: "127.0.0.1", Port: int(outside.Port()),
		PeerIPs: []string{outside.String()}, OptionsEvery: -1, CallerID: "96166"}}))
	r.shutdown = sync.OnceFunc(func() { r.close(engine) })
	t.Cleanup(r.shutdown)
	return r
}

func (r *rig) close(engine media.Engine) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, stop := range []func(context.Context) error{r.svc.Close, r.phones.Close, r.carrier.Close, r.sip.Stop, r.acd.Stop, engine.Close, r.journal.Stop} {
		if err := stop(ctx); err != nil {
			r.Errorf("close: %v", err)
		}
	}
	r.bus.Close()
}

func (r *rig) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

// ctx lasts as long as a test may reasonably wait for something.
func (r *rig) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	r.Cleanup(cancel)
	return ctx
}

// eventually waits for a condition.
func (r *rig) eventually(what string, ok func() bool) {
	r.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			r.Fatalf("waited in vain: %s\nlive: %s", what, r.describe())
		}
	}
}

func (r *rig) describe() string {
	out := ""
	for _, c := range r.svc.Live(r.ctx()) {
		out += fmt.Sprintf("%s %s %v\n", c.Stage, c.Direction, c.Legs)
	}
	for _, a := range r.acd.Snapshot().Agents {
		out += fmt.Sprintf("%s %s %s\n", a.Agent, a.State, a.Reason)
	}
	return out
}

// extension registers a phone that the test answers itself.
func (r *rig) extension(number string, opts ...phone.Option) *phone.Phone {
	r.Helper()
	p := r.phones.Phone(number, "secret", opts...)
	r.must(p.Register(r.ctx()))
	r.eventually("registered "+number, func() bool { return r.sip.Online(number) })
	return p
}

// seated signs an agent in at a desk phone, ready.
func (r *rig) seated(agent, ext string, opts ...phone.Option) *phone.Phone {
	r.Helper()
	p := r.extension(ext, opts...)
	r.must(r.svc.SignIn(r.ctx(), agent, Seat{Kind: SeatExtension, Extension: ext}))
	r.must(r.svc.SetState(r.ctx(), agent, true, ""))
	return p
}

// atBrowser signs an agent in at a browser that sends a tone, ready.
func (r *rig) atBrowser(agent string, hz float64) (*mediatest.Browser, func()) {
	r.Helper()
	detach := r.svc.AgentConnected(agent)
	b := r.connect(agent, hz)
	r.must(r.svc.SignIn(r.ctx(), agent, Seat{Kind: SeatBrowser}))
	r.must(r.svc.SetState(r.ctx(), agent, true, ""))
	return b, detach
}

// connect connects a user's browser without signing in.
func (r *rig) connect(user string, hz float64) *mediatest.Browser {
	r.Helper()
	b, err := mediatest.New(hz)
	r.must(err)
	r.Cleanup(func() { _ = b.Close() })
	r.must(b.Connect(r.ctx(), func(offer string) (string, error) { return r.svc.RTCOffer(r.ctx(), user, offer) }))
	r.eventually("browser of "+user, func() bool { return r.svc.seats.of(user).connected })
	return b
}

// dial calls the hospital from outside and speaks with the caller's tone.
func (r *rig) dial(number string) *phone.Call {
	r.Helper()
	p := r.carrier.Phone("13800138000", "")
	c, err := p.Dial(r.ctx(), number, "13800138000")
	r.must(err)
	c.PlayTone(toneCaller)
	return c
}

// caller calls and waits for the answer of the service.
func (r *rig) caller(number string) *phone.Call {
	r.Helper()
	c := r.dial(number)
	r.must(c.WaitAnswered(r.ctx()))
	return c
}

// ringing waits for a call at a phone.
func (r *rig) ringing(p *phone.Phone) *phone.Call {
	r.Helper()
	select {
	case c := <-p.Incoming():
		return c
	case <-time.After(patience):
		r.Fatalf("the phone did not ring\n%s", r.describe())
		return nil
	}
}

func (r *rig) answer(c *phone.Call, hz float64) *phone.Call {
	r.Helper()
	r.must(c.Answer(r.ctx()))
	c.PlayTone(hz)
	return c
}

func (r *rig) hears(c interface {
	WaitTone(ctx context.Context, hz float64) error
}, hz float64) {
	r.Helper()
	if err := c.WaitTone(r.ctx(), hz); err != nil {
		r.Fatalf("does not hear %v Hz: %v\n%s", hz, err, r.describe())
	}
}

func (r *rig) ended(c *phone.Call) {
	r.Helper()
	r.must(c.WaitEnded(r.ctx()))
}

// only is the single live call.
func (r *rig) only() LiveCall {
	r.Helper()
	var live []LiveCall
	r.eventually("one live call", func() bool { live = r.svc.Live(r.ctx()); return len(live) == 1 })
	return live[0]
}

func (r *rig) stage(want string) LiveCall {
	r.Helper()
	var v LiveCall
	r.eventually("stage "+want, func() bool {
		for _, c := range r.svc.Live(r.ctx()) {
			if v = c; v.Stage == want {
				return true
			}
		}
		return false
	})
	return v
}

func (r *rig) nobody() {
	r.Helper()
	r.eventually("all calls over", func() bool { return len(r.svc.all()) == 0 })
}

func (r *rig) agentState(agent string, want acd.AgentStateName) {
	r.Helper()
	r.eventually(fmt.Sprintf("%s is %s", agent, want), func() bool {
		a, ok := r.svc.agentLive(agent)
		return ok && a.State == want || !ok && want == acd.SignedOut
	})
}

// record is the call's record after everything was written.
func (r *rig) record(callID string) callrecord.Record {
	r.Helper()
	r.nobody()
	r.must(r.journal.Flush(r.ctx()))
	rec, err := r.records.Get(r.ctx(), callID)
	r.must(err)
	return rec
}

// kinds lists the kinds of a call's events, in order.
func (r *rig) kinds(callID string) []string {
	r.Helper()
	r.must(r.journal.Flush(r.ctx()))
	events, err := r.journal.OfContact(r.ctx(), callID)
	r.must(err)
	out := make([]string, len(events))
	for i, e := range events {
		out[i] = e.Kind
	}
	return out
}

func (r *rig) noted(callID string, kinds ...string) {
	r.Helper()
	have := r.kinds(callID)
	for _, k := range kinds {
		if !slices.Contains(have, k) {
			r.Errorf("%s is missing in %v", k, have)
		}
	}
}
