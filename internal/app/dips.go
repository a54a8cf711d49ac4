package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"heartline/internal/care/booking"
	"heartline/internal/care/hospital"
	"heartline/internal/care/patient"
	"heartline/internal/contact/call"
	"heartline/internal/contact/ivr"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/identity"
)

// dips answers the telephone menu: who the caller is, what can be booked, and
// the booking itself. It is where keys meet care. What it may do for a person
// is bounded by the person's id, like every edge where patients act.
type dips struct {
	patients *patient.Service
	hospital *hospital.Service
	bookings *booking.Service
	zone     *time.Location
	now      func() time.Time
	guesses  guesses
}

func newDips(patients *patient.Service, house *hospital.Service, bookings *booking.Service, zone *time.Location, now func() time.Time) *dips {
	return &dips{patients: patients, hospital: house, bookings: bookings, zone: zone, now: now, guesses: guesses{byCaller: map[string]guess{}}}
}

// Run implements call.Dips.
func (d *dips) Run(ctx context.Context, callID, name string, vars map[string]string) (call.DipResult, error) {
	run, ok := map[string]func(context.Context, map[string]string) (call.DipResult, error){
		"identify_by_phone": d.byPhone,
		"identify_by_id": func(ctx context.Context, v map[string]string) (call.DipResult, error) {
			return d.guessed(callID, v, func() (call.DipResult, error) { return d.byID(ctx, v) })
		},
		"identify_by_phone_birth": func(ctx context.Context, v map[string]string) (call.DipResult, error) {
			return d.guessed(callID, v, func() (call.DipResult, error) { return d.byPhoneAndBirth(ctx, v) })
		},
		"booking.departments": d.departments,
		"booking.days":        d.days,
		"booking.slots":       d.slots,
		"booking.book":        d.book,
		"booking.mine":        d.mine,
		"booking.cancel":      d.cancel,
	}[name]
	if !ok {
		return call.DipResult{}, errs.New(errs.Invalid, "flow.dip_unknown", "value", name)
	}
	return run(ctx, vars)
}

// outcome is an answer without more.
func outcome(name string, say ...string) call.DipResult {
	return call.DipResult{Outcome: name, Say: say}
}

// asSystem looks things up as the telephone menu.
func asSystem(ctx context.Context) context.Context { return identity.System(ctx, "keypad") }

// asPatient acts for one patient, and can touch nobody else.
func asPatient(ctx context.Context, patientID string) context.Context {
	who := identity.Principal{UserID: "patient:" + patientID, Name: "keypad", Roles: []string{"patient"},
		Permissions: map[identity.Permission]bool{identity.BookingRead: true, identity.BookingWrite: true}}
	return booking.OnlyFor(identity.With(ctx, who), patientID)
}

// The most wrong identities that a telephone may try within an hour. Who
// needs more of them needs a person.
const (
	maxGuesses    = 6
	guessesEvery  = time.Hour
	guessesPurged = 1000
)

// guesses counts wrong identities by caller, so that nobody can try out
// identity numbers by keypad.
type guesses struct {
	mu       sync.Mutex
	byCaller map[string]guess
}

type guess struct {
	count int
	since time.Time
}

// guessed runs an identification, unless the telephone has guessed too often.
func (d *dips) guessed(callID string, vars map[string]string, identify func() (call.DipResult, error)) (call.DipResult, error) {
	who := vars[call.VarCaller]
	if who == "" {
		who = callID
	}
	if d.guesses.count(who, d.now()) >= maxGuesses {
		return outcome("none"), nil
	}
	r, err := identify()
	if err == nil && (r.Outcome == "none" || r.Outcome == "invalid") {
		d.guesses.add(who, d.now())
	}
	return r, err
}

func (g *guesses) count(who string, now time.Time) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	if x := g.byCaller[who]; now.Sub(x.since) < guessesEvery {
		return x.count
	}
	return 0
}

func (g *guesses) add(who string, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.byCaller) >= guessesPurged {
		for k, x := range g.byCaller {
			if now.Sub(x.since) >= guessesEvery {
				delete(g.byCaller, k)
			}
		}
	}
	x := g.byCaller[who]
	if now.Sub(x.since) >= guessesEvery {
		x = guess{since: now}
	}
	x.count++
	g.byCaller[who] = x
}

// byPhone finds who calls from this number. Several people are told apart by
// the year of birth; where that does not tell them apart, by a document.
func (d *dips) byPhone(ctx context.Context, vars map[string]string) (call.DipResult, error) {
	number := vars[call.VarCaller]
	if len(number) < shortestOutside {
		return outcome("none"), nil
	}
	pop, err := d.patients.Pop(asSystem(ctx), number)
	if err != nil {
		return call.DipResult{}, fmt.Errorf("identify by phone: %w", err)
	}
	return people(pop.Candidates, patient.MatchPhone), nil
}

// people makes an answer of who was found.
func people(cards []patient.Card, match string) call.DipResult {
	var r call.DipResult
	years := map[int]bool{}
	for _, c := range cards {
		if c.Restricted {
			continue
		}
		if c.BirthYear <= 0 || years[c.BirthYear] {
			return outcome("none")
		}
		years[c.BirthYear] = true
		year := strconv.Itoa(c.BirthYear)
		r.People = append(r.People, call.Candidate{ID: c.ID, Name: c.Name, Sex: c.Sex, Age: c.Age, Match: match, Allergies: c.Allergies})
		r.Options = append(r.Options, call.DipOption{Value: c.ID, Say: []string{"=born:" + year},
			Vars: map[string]string{"patient": c.ID, "birth_year": year}})
	}
	switch len(r.Options) {
	case 0:
		return outcome("none")
	case 1:
		return call.DipResult{Outcome: "found", Vars: r.Options[0].Vars, People: r.People}
	}
	r.Outcome = "many"
	return r
}

// byID finds the holder of an identity number or residence permit.
func (d *dips) byID(ctx context.Context, vars map[string]string) (call.DipResult, error) {
	info, fault := patient.ParseID(patient.IDCard, vars["id_number"], d.now())
	if fault != "" {
		if info, fault = patient.ParseID(patient.Residence, vars["id_number"], d.now()); fault != "" {
			return outcome("invalid"), nil
		}
	}
	hits, err := d.patients.Search(asSystem(ctx), info.Number, 5)
	if err != nil {
		return call.DipResult{}, fmt.Errorf("identify by document: %w", err)
	}
	var found []patient.Card
	for _, h := range hits {
		if h.Match == patient.MatchID {
			found = append(found, h.Card)
		}
	}
	if len(found) != 1 {
		return outcome("none"), nil
	}
	return people(found, patient.MatchID), nil
}

// byPhoneAndBirth finds the person of a birth date behind a mobile number.
func (d *dips) byPhoneAndBirth(ctx context.Context, vars map[string]string) (call.DipResult, error) {
	born, err := time.Parse("20060102", vars["birth"])
	number, ok := patient.NormalisePhone(vars["phone"])
	if err != nil || !ok || born.After(d.now()) || born.Year() < 1900 {
		return outcome("invalid"), nil
	}
	ctx = asSystem(ctx)
	pop, err := d.patients.Pop(ctx, number)
	if err != nil {
		return call.DipResult{}, fmt.Errorf("identify by phone and birth date: %w", err)
	}
	var found []patient.Card
	for _, c := range pop.Candidates {
		if c.BirthYear != born.Year() || c.Restricted {
			continue
		}
		p, err := d.patients.Get(ctx, c.ID)
		if err != nil {
			return call.DipResult{}, fmt.Errorf("identify by phone and birth date: %w", err)
		}
		if p.BirthDate == born.Format(time.DateOnly) {
			found = append(found, c)
		}
	}
	if len(found) != 1 { // twins of one phone: a document tells them apart
		return outcome("none"), nil
	}
	return people(found, patient.MatchPhone), nil
}

// promptOf is the prompt that speaks a department's or a doctor's name.
func promptOf(kind, code string) string {
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, strings.ToLower(code))
	return kind + "_" + clean
}

// onceKey makes a step of a call, with the choices that led to it, happen once.
func onceKey(vars map[string]string, choices ...string) string {
	sum := sha256.Sum256([]byte(vars[call.VarKey] + "\x00" + strings.Join(choices, "\x00")))
	return "ivr-" + hex.EncodeToString(sum[:16])
}

var _ call.Dips = (*dips)(nil)

// fail keeps an error that the caller cannot do anything about.
func fail(what string, err error) (call.DipResult, error) {
	return call.DipResult{Outcome: ivr.OutcomeError}, fmt.Errorf("%s: %w", what, err)
}
