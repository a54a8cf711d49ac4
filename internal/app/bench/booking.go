package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strconv"
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
// the same database (see limits); and the storm of seven o'clock, when
// thousands press the button in one instant.
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
// numbers, and then the whole program, where a booking also knows the person,
// sends a message and is told in the story.
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
	takes, err := c.newTakes(ctx, url, o.Length/2)
	if err != nil {
		return nil, bare, fmt.Errorf("bare takings: %w", err)
	}
	defer func() { err = errors.Join(err, takes.close()) }()
	rush, err := c.newRush(ctx, "alone", o.Length)
	if err != nil {
		return nil, bare, err
	}
	const turns = 5 // a machine that others share is seldom the same for long
	for range turns {
		if err := takes.run(ctx, o.Length/2/turns); err != nil {
			return nil, bare, fmt.Errorf("bare takings: %w", err)
		}
		if err := rush.book(ctx, o.Length/turns); err != nil {
			return nil, bare, err
		}
	}
	bare.takes = takes.rate()
	return rush.took, bare, rush.check(ctx)
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
	rush, err := c.newRush(ctx, "whole", o.Length)
	if err == nil {
		err = errors.Join(rush.book(ctx, o.Length), rush.check(ctx))
	}
	if err != nil {
		return fmt.Errorf("bookings: %w", err)
	}
	took := rush.took
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

// rush are bookings as fast as it goes: each client a person at a time, in
// sessions all over the house.
type rush struct {
	c       *counter
	room    string
	ids     []string // of the sessions
	persons atomic.Int64
	warm    int // bookings before took
	took    []time.Duration
}

// newRush prepares numbers for a time and warms up.
func (c *counter) newRush(ctx context.Context, room string, length time.Duration) (*rush, error) {
	r := &rush{c: c, room: room}
	var err error
	if r.ids, err = c.sessions(ctx, room, int((length+warmFor).Seconds()*mostBooks/perSession), perSession, time.Now()); err != nil {
		return nil, err
	}
	if err := r.book(ctx, warmFor); err != nil {
		return nil, err
	}
	r.warm, r.took = len(r.took), nil
	if c.db.Dialect() == store.Postgres { // as its autovacuum does within a minute
		if _, err := c.db.SQL().ExecContext(ctx, "ANALYZE"); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// book lets all clients book until the time is over.
func (r *rush) book(ctx context.Context, length time.Duration) (err error) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	until := time.Now().Add(length)
	seed := uint64(r.persons.Load())
	for i := range bookers {
		wg.Go(func() {
			mine, failure := r.bookOne(ctx, rand.New(rand.NewPCG(seed, uint64(i))), until)
			mu.Lock()
			defer mu.Unlock()
			r.took, err = append(r.took, mine...), errors.Join(err, failure)
		})
	}
	wg.Wait()
	return err
}

func (r *rush) bookOne(ctx context.Context, dice *rand.Rand, until time.Time) (took []time.Duration, err error) {
	for {
		at := time.Now()
		if at.After(until) {
			return took, nil
		}
		q := booking.Request{Key: id.New(), PatientID: r.c.who(int(r.persons.Add(1))), SessionID: r.ids[dice.IntN(len(r.ids))], Channel: booking.ChannelWeb}
		switch _, err := r.c.svc.Book(ctx, q); {
		case err == nil:
			took = append(took, time.Since(at))
		case !full(err):
			return took, err
		}
	}
}

// check is an error when numbers were lost.
func (r *rush) check(ctx context.Context) error {
	lost, err := r.c.lost(ctx, r.room, r.warm+len(r.took))
	if err == nil && lost > 0 {
		err = fmt.Errorf("%d numbers were lost or given twice", lost)
	}
	return err
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
