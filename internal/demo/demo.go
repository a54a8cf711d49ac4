// Package demo makes a believable, entirely fictional hospital: its campuses,
// departments and doctors, its customers with their families and histories,
// its telephone system, and four weeks of past calls. The same clock and the
// same program always give the same people.
//
// It holds no rules of its own: everything goes through the services that a
// real hospital uses, and the past calls run through the real router. Nobody
// in it exists; names, numbers and stories are made by chance.
package demo

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"heartline/internal/care/booking"
	"heartline/internal/care/hospital"
	"heartline/internal/care/kiosk"
	"heartline/internal/care/ledger"
	"heartline/internal/care/patient"
	"heartline/internal/contact/callrecord"
	"heartline/internal/contact/journal"
	"heartline/internal/contact/switchboard"
	"heartline/internal/platform/crypto"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// The hospital and its ways in.
const (
	HospitalName   = "江城爱心医院"
	HospitalNameEN = "Jiangcheng Aixin Hospital"

	ServiceNumber = "96166"          // the hotline, in Mandarin
	EnglishNumber = "96188"          // the hotline in English
	DirectNumber  = "02786960000"    // the switchboard's own line, straight to the operator
	TrunkPeer     = "127.0.0.1:5070" // where the demo carrier sends its calls from

	SoftphoneUser   = "8000" // a free extension for a newcomer's own softphone
	SoftphoneSecret = "softphone-demo-8000"
)

// ErrSeeded says that the database holds people or users already; Seed has
// changed nothing.
var ErrSeeded = errs.New(errs.Conflict, "demo.seeded")

// ErrPartly says that an earlier Seed was interrupted: the data folder should
// be removed and seeded anew.
var ErrPartly = errs.New(errs.Conflict, "demo.partly_seeded")

// Services are the parts of the program that Seed fills.
type Services struct {
	DB       *store.DB
	Identity *identity.Service
	Board    *switchboard.Service
	Patients *patient.Service
	Hospital *hospital.Service
	Booking  *booking.Service
	Ledger   *ledger.Service
	Kiosks   *kiosk.Service // nil: no machine is set up
	Journal  *journal.Journal
	Records  *callrecord.Service
	Keys     *crypto.Keyring
	Now      func() time.Time
	Zone     *time.Location
	Log      *slog.Logger
}

// seeder carries what one step leaves for the next.
type seeder struct {
	Services
	now   time.Time
	dice  *dice
	world world
	staff staff
	board board
}

// Seed fills an empty database. It needs a context with every permission
// (identity.System).
func Seed(ctx context.Context, sv Services) error {
	if err := fresh(ctx, sv); err != nil {
		return err
	}
	if sv.Zone == nil {
		sv.Zone = time.FixedZone("CST", 8*3600)
	}
	if sv.Log == nil {
		sv.Log = slog.New(slog.DiscardHandler)
	}
	s := &seeder{Services: sv, now: sv.Now().In(sv.Zone).Truncate(time.Second), dice: newDice(96166)}
	for _, step := range []struct {
		name string
		fn   func(context.Context) error
	}{
		{"users", s.seedUsers},
		{"departments and doctors", s.seedHospital},
		{"switchboard", s.seedBoard},
		{"customers", s.seedPeople},
		{"past calls", s.seedCalls},
		{"clinics and appointments", s.seedClinics},
		{"open work", s.seedOpenWork},
		{"kiosk", s.seedKiosk},
	} {
		began := time.Now()
		if err := step.fn(ctx); err != nil {
			return fmt.Errorf("seed %s: %w", step.name, err)
		}
		sv.Log.Info("demo seeded", "step", step.name, "took", time.Since(began).Round(time.Millisecond))
	}
	return nil
}

// fresh refuses a database that holds anything.
func fresh(ctx context.Context, sv Services) error {
	people, err := sv.Patients.Count(ctx)
	if err != nil {
		return fmt.Errorf("look at the database: %w", err)
	}
	users, _, err := sv.Identity.ListUsers(ctx, identity.UserFilter{Limit: 1})
	if err != nil {
		return fmt.Errorf("look at the database: %w", err)
	}
	if people == 0 && len(users) == 0 {
		return nil
	}
	page, err := sv.Records.List(ctx, callrecord.Filter{Limit: 1}, "")
	if err != nil {
		return fmt.Errorf("look at the database: %w", err)
	}
	if len(page.Items) == 0 {
		return ErrPartly
	}
	return ErrSeeded
}
