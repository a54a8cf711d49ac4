package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"heartline/internal/care/patient"
	"heartline/internal/platform/audit"
	"heartline/internal/platform/crypto"
	"heartline/internal/platform/event"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// The time that finding a person and reading their story may take, p99.
const (
	findLimit  = 10 * time.Millisecond
	storyLimit = 20 * time.Millisecond
)

// storyLength is how many entries are shown.
const storyLength = 100

// crowd is the people service on a database full of generated people.
type crowd struct {
	db       *store.DB
	patients *patient.Service
	people   int
	entries  int // of all timelines together
	regulars int // people who have half of them
}

// People fills SQLite and PostgreSQL with generated people and entries of
// timelines and measures how long the search box takes for each kind of key,
// and the first page of a timeline.
func People(ctx context.Context, o Options) (err error) {
	dir := o.Keep
	if dir == "" {
		if dir, err = os.MkdirTemp("", "heartline-bench-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	}
	if o.Database != "postgres" {
		file := filepath.Join(dir, "bench.db")
		if err := peopleOn(ctx, o, "SQLite", dir, "sqlite:"+file); err != nil {
			return fmt.Errorf("SQLite: %w", err)
		}
		if o.Keep == "" {
			if err := os.Remove(file); err != nil { // room for the next
				return err
			}
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
	return peopleOn(ctx, o, "PostgreSQL", dir, url)
}

func peopleOn(ctx context.Context, o Options, name, dir, url string) error {
	ctx = identity.System(ctx, "bench")
	started := time.Now()
	fast := url
	if name == "PostgreSQL" && o.Postgres == "" { // our own: it need not look up every reference
		fast += "&session_replication_role=replica"
	}
	took := filepath.Join(dir, fmt.Sprintf("%s-%d-%d", name, o.People, o.Entries)) // says how long filling took
	filled, err := os.ReadFile(took)
	if errors.Is(err, os.ErrNotExist) {
		if err := inCrowd(ctx, o, dir, fast, func(c *crowd) error { return c.fill(ctx) }); err != nil {
			return fmt.Errorf("fill: %w", err)
		}
		filled = []byte(time.Since(started).Round(time.Second).String())
		err = os.WriteFile(took, filled, 0o600)
	}
	if err != nil {
		return err
	}
	return inCrowd(ctx, o, dir, url, func(c *crowd) error { return c.measure(ctx, o, name, string(filled)) })
}

// inCrowd opens the service on a database for as long as fn runs.
func inCrowd(ctx context.Context, o Options, dir, url string, fn func(c *crowd) error) error {
	db, err := store.Open(ctx, url)
	if err != nil {
		return err
	}
	keys, err := crypto.Open(filepath.Join(dir, "keys"))
	if err != nil {
		return errors.Join(err, db.Close())
	}
	bus := event.NewBus()
	c := &crowd{db: db, patients: patient.New(db, keys, audit.New(time.Now), bus, time.Now, time.Local), people: o.People, entries: o.Entries}
	if _, err := c.patients.FillSix(ctx); err != nil { // of a kept database
		return errors.Join(err, db.Close())
	}
	c.regulars = min(max(1, o.Entries/(4*storyLength)), c.people)
	err = fn(c)
	bus.Close()
	return errors.Join(err, db.Close())
}

func (c *crowd) measure(ctx context.Context, o Options, name, filled string) error {
	r := o.report("people on "+name, "%d people, %d timeline entries (stored in %s), %d questions of each kind", c.people, c.entries,
		filled, o.Calls)
	for _, k := range keysOfPeople() {
		took, missed, err := c.ask(ctx, o.Calls, k)
		if err != nil {
			return fmt.Errorf("find by %s: %w", k.name, err)
		}
		r.line("find by "+k.name+", p50", quantile(took, .5).Round(10*time.Microsecond).String(), "")
		r.within("find by "+k.name+", p99", quantile(took, .99), findLimit)
		if missed > 0 {
			r.most("not found by "+k.name, float64(missed), 0, "")
		}
	}
	took, missed := popTimes(ctx, c.patients, o.Calls, c.people)
	r.within("who calls (screen pop), p99", quantile(took, .99), popLimit)
	r.most("known callers not found", float64(missed), 0, "")
	for _, k := range []struct {
		name  string
		kinds []string
	}{{name: "timeline, 100 entries"}, {"timeline, 100 entries of two kinds", []string{patient.KindCall, patient.KindAppointment}}} {
		took, err := c.stories(ctx, o.Calls, patient.TimelineFilter{Kinds: k.kinds, Limit: storyLength})
		if err != nil {
			return fmt.Errorf("%s: %w", k.name, err)
		}
		r.line(k.name+", p50", quantile(took, .5).Round(10*time.Microsecond).String(), "")
		r.within(k.name+", p99", quantile(took, .99), storyLimit)
	}
	return nil
}

// key is one way to look for a person.
type key struct {
	name   string
	text   func(p person) string
	unique bool // the person must be among the hits; else there must be some
}

func keysOfPeople() []key {
	end := func(s string, n int) string { return s[len(s)-n:] }
	return []key{
		{"phone", func(p person) string { return p.phone }, true},
		{"last four of the phone", func(p person) string { return end(p.phone, 4) }, false},
		{"last six of the phone", func(p person) string { return end(p.phone, 6) }, false},
		{"last eight of the phone", func(p person) string { return end(p.phone, 8) }, true},
		{"ID number", func(p person) string { return p.document }, true},
		{"last six of the ID number", func(p person) string { return end(p.document, 6) }, false},
		{"name", func(p person) string { return p.name }, false},
		{"name and phone's last four", func(p person) string { return p.name + " " + end(p.phone, 4) }, true},
		{"name and birth year", func(p person) string { return p.name + " " + p.birth[:4] }, false},
		{"given name", func(p person) string { return string([]rune(p.name)[1:]) }, false},
		{"pinyin", func(p person) string { return p.pinyin() }, false},
		{"beginning of the pinyin", func(p person) string { return p.pinyin()[:4] }, false},
		{"initials", func(p person) string { return p.initials() }, false},
		{"misheard pinyin", func(p person) string { return misheard(p.pinyin()) }, false},
		{"wrong character", func(p person) string { return p.wrongCharacter() }, false},
	}
}

// ask looks for n people by one key.
func (c *crowd) ask(ctx context.Context, n int, k key) (took []time.Duration, missed int, err error) {
	dice := rand.New(rand.NewPCG(11, uint64(len(k.name))))
	for range n {
		p := personAt(dice.IntN(c.people))
		text := k.text(p)
		at := time.Now()
		hits, err := c.patients.Search(ctx, text, 0)
		if err != nil {
			return nil, 0, err
		}
		took = append(took, time.Since(at))
		found := !k.unique && len(hits) > 0
		for _, h := range hits {
			found = found || h.ID == p.id
		}
		if !found {
			missed++
		}
	}
	return took, missed, nil
}

// stories reads the first page of the timelines of people who have long ones.
func (c *crowd) stories(ctx context.Context, n int, f patient.TimelineFilter) (took []time.Duration, err error) {
	dice := rand.New(rand.NewPCG(13, uint64(len(f.Kinds))))
	for range n {
		who := personAt(dice.IntN(c.regulars)).id
		at := time.Now()
		page, err := c.patients.Timeline(ctx, who, f, "")
		if err != nil {
			return nil, err
		}
		took = append(took, time.Since(at))
		if len(f.Kinds) == 0 && len(page.Entries) < min(storyLength, c.entries/2/c.regulars) {
			return nil, fmt.Errorf("only %d entries", len(page.Entries))
		}
	}
	return took, nil
}
