package messaging

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"heartline/internal/platform/audit"
	"heartline/internal/platform/crypto"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/event"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/job"
	"heartline/internal/platform/store"
	"heartline/internal/platform/store/storetest"
)

// hand is a clock that the test moves.
type hand struct {
	mu sync.Mutex
	at time.Time
}

func (h *hand) now() time.Time { h.mu.Lock(); defer h.mu.Unlock(); return h.at }

func (h *hand) move(d time.Duration) { h.mu.Lock(); defer h.mu.Unlock(); h.at = h.at.Add(d) }

// post is a sender that a test answers for.
type post struct {
	mu     sync.Mutex
	sent   []Parcel
	answer func(p Parcel) (Accepted, error)
}

func (p *post) Name() string                       { return "post" }
func (p *post) Start(context.Context, Inbox) error { return nil }
func (p *post) Stop(context.Context) error         { return nil }
func (p *post) Health(context.Context) Health      { return Health{Name: "post", Up: true} }

func (p *post) Send(_ context.Context, x Parcel) (Accepted, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sent = append(p.sent, x)
	if p.answer != nil {
		return p.answer(x)
	}
	return Accepted{RemoteIDs: []string{"r-" + x.ID}}, nil
}

func (p *post) list() []Parcel {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]Parcel{}, p.sent...)
}

// book is a register of people.
type book map[string]Contact

// Reach implements People.
func (b book) Reach(_ context.Context, _ *store.Tx, patientID string) (Contact, error) {
	c, ok := b[patientID]
	if !ok {
		return c, errs.New(errs.NotFound, "patient.not_found")
	}
	return c, nil
}

// permits refuses marketing to one person.
type permits struct{ refused string }

// MaySend implements Permits.
func (p permits) MaySend(_ context.Context, _ *store.Tx, patientID, _ string, class Class) (bool, error) {
	return patientID != p.refused || class != ClassMarketing, nil
}

type rig struct {
	t    *testing.T
	db   *store.DB
	jobs *job.Queue
	bus  *event.Bus
	keys *crypto.Keyring
	s    *Service
	hand *hand
	post *post
}

// noon is a Sunday at noon in Beijing.
func noon() time.Time { return time.Date(2026, 3, 15, 12, 0, 0, 0, beijing()) }

func beijing() *time.Location { return time.FixedZone("CST", 8*3600) }

func newRig(t *testing.T, db *store.DB) *rig {
	t.Helper()
	r := &rig{t: t, db: db, bus: event.NewBus(), hand: &hand{at: noon()}, post: &post{}}
	t.Cleanup(r.bus.Close)
	var err error
	if r.keys, err = crypto.Open(t.TempDir() + "/keys"); err != nil {
		t.Fatal(err)
	}
	quiet := slog.New(slog.DiscardHandler)
	if r.jobs, err = job.New(db, r.hand.now, quiet); err != nil {
		t.Fatal(err)
	}
	r.s = New(Deps{DB: db, Keys: r.keys, Audit: audit.New(r.hand.now), Bus: r.bus, Jobs: r.jobs, Log: quiet, Now: r.hand.now, Sender: r.post,
		People:  book{"p1": {"张三", "13812345678", "zh-CN"}, "p2": {"Smith", "+4915112345678", "de"}, "p3": {"李四", "", ""}},
		Permits: permits{"p1"},
		Settings: Settings{Hospital: "爱心医院", HospitalEN: "Love Hospital", Hotline: "96166", PerHour: 3, Zone: beijing(),
			Quiet: map[Class]Quiet{ClassReminder: {From: 21 * time.Hour, To: 8 * time.Hour}, ClassMarketing: {From: 20 * time.Hour, To: 9 * time.Hour}}}})
	return r
}

// each runs a test on both databases.
func each(t *testing.T, fn func(t *testing.T, r *rig)) {
	storetest.Each(t, func(t *testing.T, db *store.DB) { fn(t, newRig(t, db)) })
}

func (r *rig) start() {
	r.t.Helper()
	if err := r.s.Start(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	if err := r.jobs.Start(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := errors.Join(r.jobs.Stop(ctx), r.s.Stop(ctx)); err != nil {
			r.t.Error(err)
		}
	})
}

func (r *rig) sys() context.Context { return identity.System(r.t.Context(), "test") }

func (r *rig) queue(m Outgoing) (id string, err error) {
	r.t.Helper()
	err = r.db.Write(r.t.Context(), func(tx *store.Tx) (err error) {
		id, err = r.s.Queue(r.t.Context(), tx, m)
		return err
	})
	return id, err
}

func (r *rig) must(m Outgoing) string {
	r.t.Helper()
	id, err := r.queue(m)
	if err != nil {
		r.t.Fatal(err)
	}
	return id
}

func visit(params ...string) map[string]string {
	out := map[string]string{"date": "2026-03-16", "time": "09:30", "department": "心血管内科", "code": "20418836"}
	for i := 0; i+1 < len(params); i += 2 {
		out[params[i]] = params[i+1]
	}
	return out
}

func (r *rig) get(id string) Message {
	r.t.Helper()
	m, _, err := r.s.Get(r.sys(), id)
	if err != nil {
		r.t.Fatal(err)
	}
	return m
}

// until waits for a state that jobs bring about.
func (r *rig) until(id string, want State) Message {
	r.t.Helper()
	return r.wait(id, string(want), func(m Message) bool { return m.State == want })
}

// after moves the clock until jobs have brought a state about: one that is
// just being put back counts from the moved clock.
func (r *rig) after(d time.Duration, id string, want State) Message {
	r.t.Helper()
	r.hand.move(d)
	return r.wait(id, string(want), func(m Message) bool {
		if m.State != want {
			r.hand.move(time.Minute)
		}
		return m.State == want
	})
}

func (r *rig) wait(id, what string, ok func(Message) bool) Message {
	r.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		m := r.get(id)
		if ok(m) {
			return m
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("never %s: %+v", what, m)
		}
		<-time.After(5 * time.Millisecond)
	}
}
