package bench

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"heartline/internal/app"
	"heartline/internal/care/patient"
	"heartline/internal/platform/identity"
)

// Pop fills SQLite with Calls customers and measures how long it takes to know
// who calls from a number, Rate times a second for Length.
func Pop(ctx context.Context, o Options) (err error) {
	const chunk = 5000
	started := time.Now()
	s, err := prepare(ctx, func(ctx context.Context, p app.Parts) error {
		for at := 0; at < o.Calls; at += chunk {
			if err := p.Patients.Import(ctx, patient.Batch{Patients: people(at, min(chunk, o.Calls-at))}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.remove()) }()
	filled := time.Since(started)
	ctx = identity.System(ctx, "bench")
	a, err := app.Open(ctx, &s.cfg, slog.New(slog.DiscardHandler), "bench")
	if err != nil {
		return err
	}
	took, missed := popTimes(ctx, a.Parts().Patients, int(o.Rate*o.Length.Seconds()), o.Calls)
	if err := a.Close(ctx); err != nil {
		return err
	}
	r := o.report("pop", "%d customers in SQLite (stored in %s)", o.Calls, filled.Round(time.Second))
	r.line("who calls, p50", quantile(took, .5).Round(10*time.Microsecond).String(), "")
	r.within("who calls, p99", quantile(took, .99), popLimit)
	r.most("known callers not found", float64(missed), 0, "")
	return nil
}

// popLimit is how long it may take to know the caller.
const popLimit = 100 * time.Millisecond

// popTimes asks n times who calls from one of the numbers of a house.
func popTimes(ctx context.Context, patients *patient.Service, n, people int) (took []time.Duration, missed int) {
	for n := range n {
		number := mobile((n * 7919) % people)
		at := time.Now()
		pop, err := patients.Pop(ctx, number)
		if err != nil || len(pop.Candidates) == 0 {
			missed++
			continue
		}
		took = append(took, time.Since(at))
	}
	return took, missed
}

func mobile(n int) string { return fmt.Sprintf("138%08d", n) }

// people are customers with common names and a phone each.
func people(from, n int) []patient.Patient {
	family := []rune("王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗")
	given := []rune("伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华")
	list := make([]patient.Patient, n)
	for i := range list {
		k := from + i
		name := string([]rune{family[k%len(family)], given[k/20%len(given)], given[k/480%len(given)]})
		list[i] = patient.Patient{Name: name, Sex: patient.Female, BirthDate: fmt.Sprintf("%d-%02d-%02d", 1940+k%80, 1+k%12, 1+k%28),
			Nationality: "CN", Language: "zh-CN", Lifecycle: patient.Customer, Phones: []patient.Phone{{Number: mobile(k), Type: "mobile", Primary: true}}}
	}
	return list
}
