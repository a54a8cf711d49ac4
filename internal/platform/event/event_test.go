package event_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"heartline/internal/platform/event"
	"heartline/internal/platform/store"
	"heartline/internal/platform/store/storetest"
)

type rang struct{ N int }
type hungUp struct{}

func TestFactsArriveInOrderAndByType(t *testing.T) {
	b := event.NewBus()
	defer b.Close()
	got := make(chan int, 500)
	event.Subscribe(b, "a", func(_ context.Context, f rang) { got <- f.N })
	event.Subscribe(b, "b", func(context.Context, hungUp) { t.Error("a fact of another type") })
	for i := range 500 {
		event.Publish(b, rang{i})
	}
	for i := range 500 {
		if n := <-got; n != i {
			t.Fatalf("got %d, want %d", n, i)
		}
	}
}

func TestSlowSubscriberLosesAndResyncs(t *testing.T) {
	b := event.NewBus()
	defer b.Close()
	entered, release := make(chan struct{}), make(chan struct{})
	var once, told sync.Once
	resynced, last := make(chan struct{}), make(chan int, 1)
	event.SubscribeResync(b, "slow", func(_ context.Context, f rang) {
		once.Do(func() { close(entered); <-release })
		if f.N == -1 {
			last <- f.N
		}
	}, func(context.Context) { told.Do(func() { close(resynced) }) })
	var named string
	b.OnLost(func(name string) { named = name })
	event.Publish(b, rang{0})
	<-entered
	for i := range 3000 { // never blocks
		event.Publish(b, rang{i})
	}
	if b.Lost() == 0 || named != "slow" {
		t.Fatalf("lost %d, named %q", b.Lost(), named)
	}
	close(release)
	<-resynced
	for {
		event.Publish(b, rang{-1})
		select {
		case <-last:
			return
		default:
		}
	}
}

func TestOnlyCommittedFactsArePublished(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := event.NewBus()
		defer b.Close()
		got := make(chan int, 2)
		event.Subscribe(b, "s", func(_ context.Context, f rang) { got <- f.N })
		boom := errors.New("boom")
		err := db.Write(t.Context(), func(tx *store.Tx) error { event.PublishTx(tx, b, rang{1}); return boom })
		if !errors.Is(err, boom) {
			t.Fatal(err)
		}
		if err := db.Write(t.Context(), func(tx *store.Tx) error { event.PublishTx(tx, b, rang{2}); return nil }); err != nil {
			t.Fatal(err)
		}
		if n := <-got; n != 2 {
			t.Fatalf("fact %d of a transaction that failed", n)
		}
	})
}

func TestCancelAndCloseEndSubscribers(t *testing.T) {
	b := event.NewBus()
	var mu sync.Mutex
	n := 0
	cancel := event.Subscribe(b, "s", func(context.Context, rang) { mu.Lock(); n++; mu.Unlock() })
	cancel()
	cancel() // twice is harmless
	event.Publish(b, rang{})
	event.Subscribe(b, "t", func(ctx context.Context, _ rang) { <-ctx.Done() })
	event.Publish(b, rang{})
	b.Close() // ends the one that waits for its context
	event.Subscribe(b, "late", func(context.Context, rang) { t.Error("called after Close") })()
	event.Publish(b, rang{})
	mu.Lock()
	defer mu.Unlock()
	if n != 0 {
		t.Fatalf("%d facts after cancel", n)
	}
}

func BenchmarkPublish(b *testing.B) {
	bus := event.NewBus()
	defer bus.Close()
	event.Subscribe(bus, "s", func(context.Context, rang) {})
	b.ReportAllocs()
	for b.Loop() {
		event.Publish(bus, rang{})
	}
}
