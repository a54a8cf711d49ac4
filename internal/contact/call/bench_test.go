package call

import (
	"context"
	"log/slog"
	"runtime"
	"testing"
	"time"

	"heartline/internal/contact/acd"
	"heartline/internal/contact/journal"
	"heartline/internal/contact/media/embedded"
	"heartline/internal/platform/alarm"
	"heartline/internal/platform/event"
)

// quiet stands in for the parts that a benchmark of the actor leaves out.
type quiet struct{}

func (quiet) Append(_, _, _ string, p journal.Payload) journal.Event {
	return journal.Event{Kind: p.Kind()}
}
func (quiet) Post(acd.Event)                       {}
func (quiet) Do(context.Context, acd.Event) error  { return nil }
func (quiet) Snapshot() acd.State                  { return acd.State{} }
func (quiet) Seal(plain, _ string) (string, error) { return plain, nil }
func (quiet) Index(_, value string) string         { return value }

func benchService(b *testing.B) *Service {
	b.Helper()
	engine, err := embedded.New(embedded.Config{IP: "127.0.0.1", PortMin: 40000, PortMax: 49999, Log: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		b.Fatal(err)
	}
	bus := event.NewBus()
	dir := newTestDirectory(testFlow())
	s := New(Config{MaxCalls: 1 << 20}, Deps{Media: engine, ACD: quiet{}, Journal: quiet{}, Directory: func() Directory { return dir },
		Prompts: testPrompts{}, Sealer: quiet{}, Alarms: alarm.NewBoard(bus, time.Now), Bus: bus, Log: slog.New(slog.DiscardHandler), Now: time.Now})
	b.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			b.Error(err)
		}
		_ = engine.Close(ctx)
		bus.Close()
	})
	return s
}

// BenchmarkCall is the actor's own share of a call: start, a place in the
// queue, the end; without signalling and database.
func BenchmarkCall(b *testing.B) {
	s := benchService(b)
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		c, err := s.open(ctx, origin{direction: Inbound, number: "13800138000", to: "96167"})
		if err != nil {
			b.Fatal(err)
		}
		_ = c.do(ctx, func() error {
			c.opener = c.addLeg(&leg{role: roleCaller, state: legUp}, "trunk")
			c.caller = c.opener
			c.enterQueue(queueOrder{queue: "q1"})
			return nil
		})
		_ = c.do(ctx, func() error { c.end("hangup", byCaller); return nil })
	}
}

// BenchmarkIdleCalls reports the memory that a waiting call takes, with a
// media leg that receives nothing.
func BenchmarkIdleCalls(b *testing.B) {
	s := benchService(b)
	ctx := context.Background()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for b.Loop() {
		c, err := s.open(ctx, origin{direction: Inbound, number: "13800138000", to: "96167"})
		if err != nil {
			b.Fatal(err)
		}
		_ = c.do(ctx, func() error {
			l := c.addLeg(&leg{role: roleCaller, state: legUp}, "trunk")
			l.rtp, err = c.sound.AddRTPLeg(ctx, l.id)
			l.sound, c.opener, c.caller = l.rtp, l, l
			c.enterQueue(queueOrder{queue: "q1"})
			return err
		})
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.HeapInuse+after.StackInuse-before.HeapInuse-before.StackInuse)/float64(b.N), "B/call")
}

func BenchmarkPlan(b *testing.B) {
	s := scene{holdMusic, []party{up("c", roleCaller), up("a", roleAgent), up("g", roleGuest), up("s", roleSupervisor)}}
	b.ReportAllocs()
	for b.Loop() {
		makePlan(s)
	}
}
