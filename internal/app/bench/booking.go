package bench

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"heartline/internal/app"
	"heartline/internal/care/booking"
	"heartline/internal/care/hospital"
	"heartline/internal/care/patient"
	"heartline/internal/platform/audit"
	"heartline/internal/platform/config"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/event"
	"heartline/internal/platform/id"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
	"heartline/internal/platform/store/pgcluster"
)

// The load of the booking bench.
const (
	bookers      = 64
	stormPeople  = 10_000
	stormNumbers = 2_000
	perSession   = 40 // numbers of a session
	customers    = 60_000
	wards        = 24 // departments of the house
)

// For how many takings and bookings a second numbers are prepared: more than
// were ever seen, since sessions drawn by lot do not run dry together.
const (
	mostTakes = 24_000
	mostBooks = 12_000
)

// Booking measures, on SQLite and on PostgreSQL, how many bookings a second 64
// clients get through the service, beside bare loops of single statements on
// the same database, by as many clients: one that takes the next number of a
// session and does nothing else, which is the least that a booking can be, and
// one that inserts a row of two columns; and the storm of seven o'clock, when thousands
// press the button in one instant.
func Booking(ctx context.Context, o Options) (err error) {
	if o.Profile != "" {
		f, err := os.Create(o.Profile)
		if err != nil {
			return err
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer func() { pprof.StopCPUProfile(); _ = f.Close() }()
	}
	dir, err := os.MkdirTemp("", "heartline-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if o.Database != "postgres" {
		if err := bookingOn(ctx, o, "SQLite", "sqlite:"+filepath.Join(dir, "bench.db"), filepath.Join(dir, "raw.db"), 1); err != nil {
			return fmt.Errorf("SQLite: %w", err)
		}
	}
	if o.Database == "sqlite" {
		return nil
	}
	url, leash, err := postgres(o.Postgres)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, leash.Close()) }()
	return bookingOn(ctx, o, "PostgreSQL", url, url, .6)
}

// postgres is the server to measure: the one named, in a database that may be
// filled, or a private one with the durability of a hospital's.
func postgres(url string) (string, io.Closer, error) {
	if url != "" {
		return url, io.NopCloser(nil), nil
	}
	return pgcluster.Start(pgcluster.Durable)
}

// counter is the service under test, on its database.
type counter struct {
	db  *store.DB
	svc *booking.Service
	who func(i int) string // the i-th person

	departments []string
}

// bookingOn measures the service alone, whose limit is the bare taking of
// numbers, and then the whole program, where a booking also knows the person, sends a message
// and is told in the story.
func bookingOn(ctx context.Context, o Options, name, url, rawURL string, goal float64) error {
	ctx = identity.System(ctx, "bench")
	took, bare, err := alone(ctx, o, url, rawURL)
	if err != nil {
		return err
	}
	rate := float64(len(took)) / o.Length.Seconds()
	r := o.report("booking on "+name, "%d clients, %s", bookers, o.Length)
	r.line("bare statement that takes a number", fmt.Sprintf("%.0f/s", bare.takes), "")
	r.line("bare insert of two columns", fmt.Sprintf("%.0f/s", bare.inserts), "")
	r.line("bookings", fmt.Sprintf("%.0f/s", rate), "")
	r.least("bookings to bare takings", rate/bare.takes, goal, "")
	r.line("bookings to bare inserts", fmt.Sprintf("%.2f", rate/bare.inserts), "")
	r.line("booking, p50", quantile(took, .5).Round(10*time.Microsecond).String(), "")
	r.line("booking, p99", quantile(took, .99).Round(10*time.Microsecond).String(), "")
	return inProgram(ctx, url, func(c *counter) error { return c.measure(ctx, o, name) })
}

// limits are what the database gives at most, in statements a second.
type limits struct{ takes, inserts float64 }

// alone is the service without what the program wires to it.
func alone(ctx context.Context, o Options, url, rawURL string) (took []time.Duration, bare limits, err error) {
	db, err := store.Open(ctx, url)
	if err != nil {
		return nil, bare, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	bus := event.NewBus()
	defer bus.Close()
	c := &counter{db: db, who: func(i int) string { return "nobody-" + strconv.Itoa(i) },
		svc: booking.New(booking.Deps{DB: db, Audit: audit.New(time.Now), Bus: bus, Now: time.Now, Zone: time.Local})}
	for i := range wards {
		c.departments = append(c.departments, "ward-"+strconv.Itoa(i))
	}
	if bare.inserts, err = bareInserts(ctx, db.Dialect(), rawURL, o.Length/2); err != nil {
		return nil, bare, fmt.Errorf("bare inserts: %w", err)
	}
	// Before and after: a machine that others share is seldom the same for long.
	before, err := c.bareTakes(ctx, url, o.Length/4)
	if err != nil {
		return nil, bare, fmt.Errorf("bare takings: %w", err)
	}
	if took, err = c.load(ctx, "alone", o.Length); err != nil {
		return nil, bare, err
	}
	after, err := c.bareTakes(ctx, url, o.Length/4)
	if err != nil {
		return nil, bare, fmt.Errorf("bare takings: %w", err)
	}
	bare.takes = (before + after) / 2
	return took, bare, nil
}

// inProgram runs fn with the composed program, which has customers enough.
func inProgram(ctx context.Context, url string, fn func(c *counter) error) (err error) {
	dir, err := os.MkdirTemp("", "heartline-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	cfg := config.Default()
	cfg.DataDir, cfg.DatabaseURL = dir, url
	a, err := app.Open(ctx, &cfg, slog.New(slog.DiscardHandler), "bench")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close(ctx)) }()
	p := a.Parts()
	c := &counter{db: p.DB, svc: p.Booking, who: func(i int) string { return personAt(i % customers).id }}
	for i := range wards {
		d, err := p.Hospital.CreateDepartment(ctx, hospital.Department{Code: strconv.Itoa(i), Name: "内科" + strconv.Itoa(i), Clinical: true})
		if err != nil {
			return err
		}
		c.departments = append(c.departments, d.ID)
	}
	const chunk = 5000
	for at := 0; at < customers; at += chunk {
		if err := p.Patients.Import(ctx, patient.Batch{Patients: peopleFrom(at, chunk)}); err != nil {
			return err
		}
	}
	return fn(c)
}

func (c *counter) measure(ctx context.Context, o Options, name string) error {
	took, err := c.load(ctx, "whole", o.Length)
	if err != nil {
		return fmt.Errorf("bookings: %w", err)
	}
	r := o.report("booking in the whole program on "+name, "with person, message and story; %d clients, %s", bookers, o.Length)
	r.line("bookings", fmt.Sprintf("%.0f/s", float64(len(took))/o.Length.Seconds()), "")
	r.line("booking, p50", quantile(took, .5).Round(10*time.Microsecond).String(), "")
	r.line("booking, p99", quantile(took, .99).Round(10*time.Microsecond).String(), "")
	s, err := c.storm(ctx)
	if err != nil {
		return fmt.Errorf("storm: %w", err)
	}
	r = o.report("seven o'clock in the whole program on "+name, "%d people, %d numbers", stormPeople, stormNumbers)
	r.least("numbers given", float64(s.given), stormNumbers, "")
	r.most("numbers lost or given twice", float64(s.lost), 0, "")
	r.line("all answered after", s.total.Round(time.Millisecond).String(), "")
	r.line("answer, p50", quantile(s.waits, .5).Round(time.Millisecond).String(), "")
	r.most("longest wait for yes or no", quantile(s.waits, 1).Seconds(), 5, "s")
	r.most("overtaken (later won, earlier lost), of pairs", 100*s.overtaken, 1, "%")
	return nil
}

// bareInserts is how many rows a second the database takes, each by a
// transaction of its own, past everything of ours.
func bareInserts(ctx context.Context, d store.Dialect, url string, length time.Duration) (float64, error) {
	db, err := open(d, url)
	if err != nil {
		return 0, err
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS bench_raw (id TEXT PRIMARY KEY, n BIGINT NOT NULL)"); err != nil {
		return 0, err
	}
	return bare(ctx, db, length, "INSERT INTO bench_raw (id, n) VALUES ($1, $2)", func(dice *rand.Rand) []any { return []any{id.New(), dice.IntN(bookers)} })
}

// bareTakes is how many numbers a second are taken by nothing but the
// statement that takes one, each by a transaction of its own.
func (c *counter) bareTakes(ctx context.Context, url string, length time.Duration) (float64, error) {
	ids, err := c.sessions(ctx, "bare", int(length.Seconds()*mostTakes/perSession), perSession, time.Now())
	if err != nil {
		return 0, err
	}
	db, err := open(c.db.Dialect(), strings.TrimPrefix(url, "sqlite:"))
	if err != nil {
		return 0, err
	}
	defer db.Close()
	lock := ""
	if c.db.Dialect() == store.Postgres {
		lock = "FOR UPDATE SKIP LOCKED" // without it numbers are lost
	}
	return bare(ctx, db, length, `UPDATE booking_numbers SET state = 'taken' WHERE id = (SELECT id FROM booking_numbers
		WHERE session_id = $1 AND state = 'free' ORDER BY seq LIMIT 1 `+lock+`)`, func(dice *rand.Rand) []any { return []any{ids[dice.IntN(len(ids))]} })
}

// open opens the database past everything of ours, as durable as ours is.
func open(d store.Dialect, url string) (*sql.DB, error) {
	driver, dsn, conns := "pgx", url, bookers
	if d == store.SQLite { // one writer at a time: more would only wait in the busy handler
		driver, dsn, conns = "sqlite", "file:"+url+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(10000)", 1
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db, nil
}

// bare is how many rows a second as many clients as there are bookers change
// by a statement.
func bare(ctx context.Context, db *sql.DB, length time.Duration, query string, args func(dice *rand.Rand) []any) (float64, error) {
	statement, err := db.PrepareContext(ctx, query)
	if err != nil {
		return 0, err
	}
	defer statement.Close()
	var done, idle atomic.Int64
	failures := make([]error, bookers)
	until := time.Now().Add(length)
	var wg sync.WaitGroup
	for i := range bookers {
		wg.Go(func() {
			dice := rand.New(rand.NewPCG(11, uint64(i)))
			for time.Now().Before(until) && failures[i] == nil {
				res, err := statement.ExecContext(ctx, args(dice)...)
				if failures[i] = err; err != nil {
					return
				}
				n, err := res.RowsAffected()
				failures[i] = err
				done.Add(n)
				if n == 0 {
					idle.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if err := errors.Join(failures...); err != nil {
		return 0, err
	}
	if idle.Load() > done.Load()/100 {
		return 0, fmt.Errorf("%d of %d found nothing to do", idle.Load(), done.Load()+idle.Load())
	}
	return float64(done.Load()) / length.Seconds(), nil
}

// sessions creates n sessions of a size, in rooms called name, that open at a
// time.
func (c *counter) sessions(ctx context.Context, name string, n, size int, release time.Time) ([]string, error) {
	day := time.Now().AddDate(0, 0, 5)
	if name == "storm" { // nobody has an appointment on that day yet
		day = day.AddDate(0, 0, 1)
	}
	start := time.Date(day.Year(), day.Month(), day.Day(), 8, 0, 0, 0, time.Local)
	ids := make([]string, n)
	for i := range ids {
		numbers := make([]booking.Number, size)
		se, err := c.svc.CreateSession(ctx, booking.Session{Date: start.Format(time.DateOnly), Period: booking.Morning, StartAt: start,
			EndAt: start.Add(4 * time.Hour), DepartmentID: c.departments[i%len(c.departments)], Room: name, Type: booking.Ordinary, ReleaseAt: release}, numbers)
		if err != nil {
			return nil, err
		}
		ids[i] = se.ID
	}
	return ids, nil
}

// load books as fast as it goes: each client a person at a time, in sessions
// all over the house, until the time is over. The first bookings only warm up.
func (c *counter) load(ctx context.Context, name string, length time.Duration) (took []time.Duration, err error) {
	ids, err := c.sessions(ctx, name, int((length+warmFor).Seconds()*mostBooks/perSession), perSession, time.Now())
	if err != nil {
		return nil, err
	}
	var persons atomic.Int64
	warm, err := c.book(ctx, ids, &persons, warmFor)
	if err != nil {
		return nil, err
	}
	if c.db.Dialect() == store.Postgres { // as its autovacuum does within a minute
		if _, err := c.db.SQL().ExecContext(ctx, "ANALYZE"); err != nil {
			return nil, err
		}
	}
	if took, err = c.book(ctx, ids, &persons, length); err != nil {
		return nil, err
	}
	lost, err := c.lost(ctx, name, len(warm)+len(took))
	if err == nil && lost > 0 {
		err = fmt.Errorf("%d numbers were lost or given twice", lost)
	}
	return took, err
}

// book lets all clients book until the time is over.
func (c *counter) book(ctx context.Context, ids []string, persons *atomic.Int64, length time.Duration) (took []time.Duration, err error) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	until := time.Now().Add(length)
	for i := range bookers {
		wg.Go(func() {
			mine, failure := c.bookAlone(ctx, ids, persons, rand.New(rand.NewPCG(7, uint64(i))), until)
			mu.Lock()
			defer mu.Unlock()
			took, err = append(took, mine...), errors.Join(err, failure)
		})
	}
	wg.Wait()
	return took, err
}

func (c *counter) bookAlone(ctx context.Context, ids []string, persons *atomic.Int64, dice *rand.Rand, until time.Time) (took []time.Duration, err error) {
	for {
		at := time.Now()
		if at.After(until) {
			return took, nil
		}
		q := booking.Request{Key: id.New(), PatientID: c.who(int(persons.Add(1))), SessionID: ids[dice.IntN(len(ids))], Channel: booking.ChannelWeb}
		switch _, err := c.svc.Book(ctx, q); {
		case err == nil:
			took = append(took, time.Since(at))
		case !full(err):
			return took, err
		}
	}
}

func full(err error) bool {
	var e *errs.Error
	return errors.As(err, &e) && e.Key == "booking.session_full"
}

// lost counts the numbers that do not add up: taken ones against appointments
// and acknowledgements, and numbers with two appointments.
func (c *counter) lost(ctx context.Context, room string, acknowledged int) (int, error) {
	var taken, active, numbers int
	err := c.db.SQL().QueryRowContext(ctx, `SELECT
		(SELECT COUNT(*) FROM booking_numbers n JOIN booking_sessions s ON s.id = n.session_id WHERE n.state = 'taken' AND s.room = $1),
		(SELECT COUNT(*) FROM appointments a JOIN booking_sessions s ON s.id = a.session_id WHERE a.active = 1 AND s.room = $1),
		(SELECT COUNT(DISTINCT number_id) FROM appointments a JOIN booking_sessions s ON s.id = a.session_id WHERE a.active = 1 AND s.room = $1)`, room).Scan(&taken, &active, &numbers)
	if err != nil {
		return 0, err
	}
	return max(taken, active, numbers, acknowledged) - min(taken, active, numbers, acknowledged), nil
}

// storm is what came of seven o'clock.
type storm struct {
	given, lost int
	total       time.Duration
	waits       []time.Duration
	overtaken   float64
}

// press is one person's press of the button.
type press struct {
	session int
	arrival int64 // the how-manieth press it was
	wait    time.Duration
	won     bool
}

func (c *counter) storm(ctx context.Context) (storm, error) {
	open := time.Now().Add(2 * time.Second)
	ids, err := c.sessions(ctx, "storm", stormNumbers/perSession, perSession, open)
	if err != nil {
		return storm{}, err
	}
	if late := time.Since(open); late > 0 {
		return storm{}, fmt.Errorf("sessions took %s too long to make", late)
	}
	presses := make([]press, stormPeople)
	failures := make([]error, stormPeople)
	var arrivals atomic.Int64
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range presses {
		wg.Go(func() {
			p := &presses[i]
			p.session = i % len(ids)
			q := booking.Request{Key: id.New(), PatientID: c.who(i), SessionID: ids[p.session], Channel: booking.ChannelWeb}
			<-start
			at := time.Now()
			p.arrival = arrivals.Add(1)
			_, err := c.svc.Book(ctx, q)
			p.wait, p.won = time.Since(at), err == nil
			if err != nil && !full(err) {
				failures[i] = err
			}
		})
	}
	select {
	case <-time.After(time.Until(open)):
	case <-ctx.Done():
		return storm{}, ctx.Err()
	}
	begin := time.Now()
	close(start)
	wg.Wait()
	s := storm{total: time.Since(begin)}
	for _, p := range presses {
		s.waits = append(s.waits, p.wait)
		if p.won {
			s.given++
		}
	}
	s.overtaken = overtaken(presses)
	if s.lost, err = c.lost(ctx, "storm", s.given); err != nil {
		return s, err
	}
	return s, errors.Join(failures...)
}

// overtaken is the share of pairs of a winner and a loser of one session in
// which the loser had pressed first.
func overtaken(presses []press) float64 {
	bySession := map[int][]press{}
	for _, p := range presses {
		bySession[p.session] = append(bySession[p.session], p)
	}
	var bad, all float64
	for _, list := range bySession {
		for _, a := range list {
			for _, b := range list {
				if a.won && !b.won {
					all++
					if b.arrival < a.arrival {
						bad++
					}
				}
			}
		}
	}
	if all == 0 {
		return 0
	}
	return bad / all
}
