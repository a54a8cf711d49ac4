package job_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/job"
	"heartline/internal/platform/store"
	"heartline/internal/platform/store/storetest"
)

type send struct{ N int }

func (send) Kind() string { return "test.send" }

type other struct{}

func (other) Kind() string { return "test.other" }

// hand is a clock that the test moves.
type hand struct {
	mu sync.Mutex
	at time.Time
}

func newHand() *hand { return &hand{at: time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)} }

func (h *hand) now() time.Time { h.mu.Lock(); defer h.mu.Unlock(); return h.at }

func (h *hand) move(d time.Duration) { h.mu.Lock(); defer h.mu.Unlock(); h.at = h.at.Add(d) }

func newQueue(t testing.TB, db *store.DB, now func() time.Time) *job.Queue {
	t.Helper()
	q, err := job.New(db, now, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func start(t testing.TB, q *job.Queue) {
	t.Helper()
	if err := q.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := q.Stop(ctx); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
}

func enqueue[A job.Args](t testing.TB, db *store.DB, q *job.Queue, a A, opts ...job.Option) {
	t.Helper()
	err := db.Write(context.Background(), func(tx *store.Tx) error {
		return job.Enqueue(context.Background(), tx, q, a, opts...)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// settled waits until the newest job is in a state other than waiting for its
// first attempt or running, and returns it.
func settled(t testing.TB, q *job.Queue, want job.State) job.Info {
	t.Helper()
	deadline := time.After(20 * time.Second)
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	for {
		list, err := q.List(context.Background(), job.Filter{Limit: 1})
		if err != nil {
			t.Fatal(err)
		}
		if len(list) == 1 && list[0].State == want && (want != job.Waiting || list[0].LastError != "") {
			return list[0]
		}
		select {
		case <-deadline:
			t.Fatalf("never %s: %+v", want, list)
		case <-poll.C:
		}
	}
}

func TestJobRunsIfAndOnlyIfCommitted(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		q := newQueue(t, db, time.Now)
		got := make(chan int, 10)
		job.Register(q, func(_ context.Context, a send) error { got <- a.N; return nil })
		start(t, q)
		boom := errors.New("boom")
		err := db.Write(t.Context(), func(tx *store.Tx) error {
			return errors.Join(job.Enqueue(t.Context(), tx, q, send{1}), boom)
		})
		if !errors.Is(err, boom) {
			t.Fatal(err)
		}
		enqueue(t, db, q, send{2})
		if n := <-got; n != 2 {
			t.Fatalf("job %d of a transaction that failed ran", n)
		}
		if i := settled(t, q, job.Done); i.Attempt != 1 || i.FinishedAt.IsZero() || i.Kind != "test.send" {
			t.Fatalf("%+v", i)
		}
		counts, err := q.Counts(t.Context())
		if err != nil || counts[job.Done] != 1 || len(counts) != 1 {
			t.Fatalf("%v, %v", counts, err)
		}
	})
}

func TestEachJobRunsOnceOnTwoNodes(t *testing.T) {
	db := storetest.Postgres(t)
	const jobs = 200
	var mu sync.Mutex
	runs := make(map[int]int)
	done := make(chan struct{}, jobs*2)
	var queues []*job.Queue
	for range 2 {
		q := newQueue(t, db, time.Now)
		job.Register(q, func(_ context.Context, a send) error {
			mu.Lock()
			runs[a.N]++
			mu.Unlock()
			done <- struct{}{}
			return nil
		})
		queues = append(queues, q)
	}
	for i := range jobs {
		enqueue(t, db, queues[i%2], send{i})
	}
	for _, q := range queues {
		start(t, q)
	}
	for range jobs {
		<-done
	}
	mu.Lock()
	defer mu.Unlock()
	for n, times := range runs {
		if times != 1 {
			t.Errorf("job %d ran %d times", n, times)
		}
	}
}

func TestRetryBackoffAndGivingUp(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHand()
		q := newQueue(t, db, h.now)
		fail := make(chan error, 5)
		job.Register(q, func(context.Context, send) error {
			err := <-fail
			if err != nil && err.Error() == "panic" {
				panic(err)
			}
			return err
		})
		start(t, q)
		enqueue(t, db, q, send{1}, job.MaxAttempts(2))
		fail <- errors.New("busy")
		first := settled(t, q, job.Waiting)
		if wait := first.RunAt.Sub(h.now()); first.Attempt != 1 || first.LastError != "busy" || wait < 500*time.Millisecond || wait > 2*time.Second {
			t.Fatalf("%+v waits %s", first, first.RunAt.Sub(h.now()))
		}
		h.move(time.Minute)
		fail <- errors.New("panic")
		last := settled(t, q, job.Failed)
		if last.Attempt != 2 || !strings.Contains(last.LastError, "panic: panic") {
			t.Fatalf("%+v", last)
		}
		if err := q.Retry(t.Context(), last.ID); err != nil {
			t.Fatal(err)
		}
		fail <- nil
		settled(t, q, job.Done)
		if err := q.Retry(t.Context(), last.ID); !errs.Is(err, errs.NotFound) {
			t.Fatalf("a job that is done was retried: %v", err)
		}
		enqueue(t, db, q, send{2})
		fail <- job.Discard(errors.New("no such number"))
		if i := settled(t, q, job.Failed); i.Attempt != 1 || i.LastError != "no such number" {
			t.Fatalf("%+v", i)
		}
	})
}

func TestRunAtAndUniqueKey(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHand()
		q := newQueue(t, db, h.now)
		got := make(chan int, 10)
		job.Register(q, func(_ context.Context, a send) error { got <- a.N; return nil })
		start(t, q)
		enqueue(t, db, q, send{1}, job.RunAt(h.now().Add(time.Hour)), job.UniqueKey("k"))
		enqueue(t, db, q, send{2}, job.RunAt(h.now().Add(time.Hour)), job.UniqueKey("k"))
		enqueue(t, db, q, send{3}, job.UniqueKey("other"))
		enqueue(t, db, q, other{}) // nobody does this kind: it waits and harms nothing
		if n := <-got; n != 3 {
			t.Fatalf("job %d ran before its time", n)
		}
		h.move(2 * time.Hour)
		if n := <-got; n != 1 {
			t.Fatalf("job %d, want the first of its key", n)
		}
		list, err := q.List(t.Context(), job.Filter{Kind: "test.send"})
		if err != nil || len(list) != 2 {
			t.Fatalf("%d jobs, %v; want 2", len(list), err)
		}
		if list, err = q.List(t.Context(), job.Filter{State: job.Waiting}); err != nil || len(list) != 1 || list[0].Kind != "test.other" {
			t.Fatalf("%v, %v", list, err)
		}
	})
}

func TestStopWaitsThenInterrupts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		q := newQueue(t, db, time.Now)
		entered := make(chan struct{})
		job.Register(q, func(ctx context.Context, _ send) error {
			close(entered)
			<-ctx.Done()
			return ctx.Err()
		})
		if err := q.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		enqueue(t, db, q, send{1})
		<-entered
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		defer cancel()
		if err := q.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("stop: %v", err)
		}
		list, err := q.List(t.Context(), job.Filter{})
		if err != nil || len(list) != 1 || list[0].State != job.Waiting || list[0].Attempt != 0 {
			t.Fatalf("%+v, %v: the interrupted job must wait again, with its attempt", list, err)
		}
	})
}

// TestJobsOfADeadProcessRunAgain leaves a job running, as kill -9 does.
func TestJobsOfADeadProcessRunAgain(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHand()
		q := newQueue(t, db, h.now)
		enqueue(t, db, q, send{1}, job.MaxAttempts(3))
		enqueue(t, db, q, send{2}, job.MaxAttempts(1))
		err := db.Write(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Exec(t.Context(), `UPDATE jobs SET state = 'running', owner = 'dead', attempt = 1, lease_until = $1`, store.Millis(h.now().Add(-time.Minute)))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		got := make(chan int, 2)
		job.Register(q, func(_ context.Context, a send) error { got <- a.N; return nil })
		start(t, q)
		if n := <-got; n != 1 {
			t.Fatalf("job %d", n)
		}
		if i := settled(t, q, job.Failed); i.MaxAttempts != 1 || i.LastError != "worker died" {
			t.Fatalf("the job without attempts left: %+v", i)
		}
	})
}

func TestListPages(t *testing.T) {
	db := storetest.SQLite(t)
	q := newQueue(t, db, time.Now)
	for i := range 5 {
		enqueue(t, db, q, send{i})
	}
	seen := make(map[string]bool)
	before := ""
	for range 3 {
		list, err := q.List(t.Context(), job.Filter{Limit: 2, Before: before})
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range list {
			seen[i.ID], before = true, i.ID
		}
	}
	if len(seen) != 5 {
		t.Fatalf("%d jobs on three pages of two", len(seen))
	}
}

// BenchmarkJobs is enqueue, claim, run and settle, from 16 callers.
func BenchmarkJobs(b *testing.B) {
	for name, db := range map[string]*store.DB{"sqlite": storetest.SQLite(b), "postgres": storetest.Postgres(b)} {
		b.Run(name, func(b *testing.B) {
			q := newQueue(b, db, time.Now)
			var wg sync.WaitGroup
			job.Register(q, func(context.Context, send) error { wg.Done(); return nil })
			if err := q.Start(context.Background()); err != nil {
				b.Fatal(err)
			}
			b.ResetTimer()
			wg.Add(b.N)
			b.SetParallelism(16)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					enqueue(b, db, q, send{1})
				}
			})
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "jobs/s")
			if err := q.Stop(context.Background()); err != nil {
				b.Fatal(err)
			}
			if err := db.Write(context.Background(), func(tx *store.Tx) error {
				_, err := tx.Exec(context.Background(), "DELETE FROM jobs")
				return err
			}); err != nil {
				b.Fatal(fmt.Errorf("clean: %w", err))
			}
		})
	}
}
