package booking_test

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"heartline/internal/care/booking"
	"heartline/internal/care/booking/policy"
	"heartline/internal/platform/audit"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/event"
	"heartline/internal/platform/id"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/job"
	"heartline/internal/platform/store"
)

const cardiology = "dep-cardiology"

func shanghai() *time.Location { return time.FixedZone("CST", 8*3600) }

// monday is the morning on which all tests begin.
func monday() time.Time { return time.Date(2026, 11, 23, 7, 0, 0, 0, shanghai()) }

// watch is a clock that the test turns.
type watch struct{ ms atomic.Int64 }

func (w *watch) now() time.Time      { return store.Time(w.ms.Load()) }
func (w *watch) set(t time.Time)     { w.ms.Store(t.UnixMilli()) }
func (w *watch) add(d time.Duration) { w.ms.Add(d.Milliseconds()) }

// rig is a booking service on a database of its own.
type rig struct {
	t     testing.TB
	db    *store.DB
	bus   *event.Bus
	jobs  *job.Queue
	clock *watch
	notes *notices
	purse *purse
	svc   *booking.Service
}

func newRig(t testing.TB, db *store.DB) *rig {
	t.Helper()
	r := &rig{t: t, db: db, bus: event.NewBus(), clock: &watch{}, notes: &notices{}, purse: newPurse(t, db)}
	r.clock.set(monday())
	t.Cleanup(r.bus.Close)
	jobs, err := job.New(db, r.clock.now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	r.jobs = jobs
	r.svc = booking.New(booking.Deps{DB: db, Audit: audit.New(r.clock.now), Bus: r.bus, Jobs: jobs, Now: r.clock.now, Zone: shanghai(),
		People: people{}, Purse: r.purse, Notifier: r.notes, Timeline: story{}})
	r.mild()
	return r
}

// mild puts a policy in force that limits and punishes nobody: rules have
// tests of their own.
func (r *rig) mild() {
	r.t.Helper()
	p := policy.Default()
	p.Limits, p.Penalties, p.CancelByType, p.Cancel = nil, nil, nil, policy.Deadline{Kind: policy.BeforeStart}
	sys := identity.System(r.t.Context(), "test")
	saved, err := r.svc.SavePolicy(sys, booking.StoredPolicy{Name: "mild", Policy: p})
	if err == nil {
		_, err = r.svc.ActivatePolicy(sys, saved.ID)
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

// desk is an agent's context; patient that of somebody in the portal.
func desk(ctx context.Context) context.Context {
	return actor(ctx, "user-1", identity.BookingRead, identity.BookingWrite, identity.BookingCheckIn, identity.BookingSchedule)
}

func patient(ctx context.Context, patientID string) context.Context {
	return actor(ctx, "patient:"+patientID, identity.BookingRead, identity.BookingWrite)
}

func actor(ctx context.Context, userID string, perms ...identity.Permission) context.Context {
	held := make(map[identity.Permission]bool)
	for _, p := range perms {
		held[p] = true
	}
	return identity.With(ctx, identity.Principal{UserID: userID, Name: userID, Permissions: held})
}

func (r *rig) ctx() context.Context { return desk(r.t.Context()) }

// clinic creates an ordinary session on a day from monday on, at eight, with
// ten-minute numbers in the given lanes; change adjusts it.
func (r *rig) clinic(day int, lanes []booking.Lane, change ...func(*booking.Session)) booking.Session {
	r.t.Helper()
	start := monday().AddDate(0, 0, day).Add(time.Hour)
	se := booking.Session{Date: start.Format(time.DateOnly), Period: booking.Morning, StartAt: start, EndAt: start.Add(4 * time.Hour),
		DepartmentID: cardiology, Type: booking.Ordinary, Fee: 1500, ReleaseAt: monday().AddDate(0, 0, -7), Room: "203"}
	for _, c := range change {
		c(&se)
	}
	numbers := make([]booking.Number, len(lanes))
	for i, l := range lanes {
		at := se.StartAt.Add(time.Duration(i) * 10 * time.Minute)
		numbers[i] = booking.Number{StartAt: at, EndAt: at.Add(10 * time.Minute), Lane: l}
	}
	se, err := r.svc.CreateSession(r.ctx(), se, numbers)
	if err != nil {
		r.t.Fatal(err)
	}
	return se
}

func shared(n int) []booking.Lane { return make([]booking.Lane, n) }

// want is a request for the earliest number of a session.
func want(se booking.Session, patientID string, change ...func(*booking.Request)) booking.Request {
	q := booking.Request{Key: id.New(), PatientID: patientID, SessionID: se.ID, Channel: booking.ChannelDesk}
	for _, c := range change {
		c(&q)
	}
	return q
}

func (r *rig) book(se booking.Session, patientID string, change ...func(*booking.Request)) booking.Appointment {
	r.t.Helper()
	a, err := r.svc.Book(r.ctx(), want(se, patientID, change...))
	if err != nil {
		r.t.Fatal(err)
	}
	return a
}

// refused checks the key of an error.
func refused(t testing.TB, err error, key string) {
	t.Helper()
	if keyOf(err) != key {
		t.Fatalf("got %v, want %s", err, key)
	}
}

func keyOf(err error) string {
	if err == nil {
		return ""
	}
	var e *errs.Error
	if !as(err, &e) {
		return "internal: " + err.Error()
	}
	if len(e.Fields) > 0 {
		return e.Fields[0].Path + " " + e.Fields[0].Key
	}
	return e.Key
}

// actions are those in the audit log, oldest first.
func (r *rig) actions() []string {
	r.t.Helper()
	list, err := audit.List(r.t.Context(), r.db, audit.Filter{Limit: 1000})
	if err != nil {
		r.t.Fatal(err)
	}
	var out []string
	for _, e := range slices.Backward(list) {
		out = append(out, e.Action)
	}
	return out
}

// people knows everybody; "merged" became "other", "vip…" are important.
type people struct{}

func (people) Person(ctx context.Context, _ *store.Tx, patientID string) (booking.Person, error) {
	yield(ctx, 0)
	p := booking.Person{ID: patientID, BirthDate: "1980-05-06", Sex: "female", RealName: true, VIP: patientID == "vip"}
	switch patientID {
	case "merged":
		p.Merged = "other"
	case "nobody":
		return p, errs.New(errs.NotFound, "patient.not_found")
	}
	return p, nil
}

// notices keeps what was promised, in a table, so that an undone transaction
// takes its promises along.
type notices struct {
	clash atomic.Value // the next notice to this person meets another on a unique index
	seen  sync.Map     // the transactions with a notice since then
}

func (x *notices) Notify(ctx context.Context, tx *store.Tx, n booking.Notice) error {
	yield(ctx, 1)
	if x.clash.CompareAndSwap(n.PatientID, "") {
		x.seen.Clear()
		_, err := tx.Exec(ctx, "INSERT INTO test_notices (id, kind, patient_id, time, exam) SELECT id, kind, patient_id, time, exam FROM test_notices")
		return err
	}
	x.seen.Store(tx, true)
	_, err := tx.Exec(ctx, "INSERT INTO test_notices (id, kind, patient_id, time, exam) VALUES ($1, $2, $3, $4, $5)", id.New(), n.Kind, n.PatientID,
		cmp.Or(n.Params["visits"], n.Params["time"]), n.Params["exam"]+n.Params["exam_en"])
	return err
}

// story keeps the last state of each appointment.
type story struct{}

func (story) Appointment(ctx context.Context, tx *store.Tx, a booking.Appointment) error {
	yield(ctx, 2)
	_, err := tx.Exec(ctx, `INSERT INTO test_story (id, state) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET state = excluded.state`, a.ID, string(a.State))
	return err
}

func (r *rig) noticesOf(patientID string) (kinds []string) {
	r.t.Helper()
	return r.column("SELECT kind FROM test_notices WHERE patient_id = '" + patientID + "' ORDER BY id")
}

func (r *rig) column(query string) (out []string) {
	r.t.Helper()
	rows, err := r.db.SQL().QueryContext(r.t.Context(), query)
	if err != nil {
		r.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var v string
		if err := rows.Scan(&v); err != nil {
			r.t.Fatal(err)
		}
		out = append(out, v)
	}
	if err := rows.Err(); err != nil {
		r.t.Fatal(err)
	}
	return out
}

func run(t testing.TB, db *store.DB, queries ...string) {
	t.Helper()
	err := db.Write(context.WithoutCancel(t.Context()), func(tx *store.Tx) error {
		for _, q := range queries {
			if _, err := tx.Exec(t.Context(), q); err != nil {
				return fmt.Errorf("%s: %w", q, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
