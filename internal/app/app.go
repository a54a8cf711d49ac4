// Package app is the composition root: it alone knows all parts, builds them
// from the configuration in order, starts them, and stops them in reverse. It
// holds no rules of its own; what joins two wings (the caller's number to the
// patient, a call's end to the timeline) is a few lines here.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"heartline/internal/care/booking"
	"heartline/internal/care/consent"
	"heartline/internal/care/hospital"
	"heartline/internal/care/kiosk"
	"heartline/internal/care/ledger"
	"heartline/internal/care/patient"
	"heartline/internal/care/portal"
	"heartline/internal/care/privacy"
	"heartline/internal/contact/acd"
	"heartline/internal/contact/call"
	"heartline/internal/contact/callrecord"
	"heartline/internal/contact/journal"
	"heartline/internal/contact/media"
	"heartline/internal/contact/messaging"
	"heartline/internal/contact/recording"
	"heartline/internal/contact/sip"
	"heartline/internal/contact/switchboard"
	"heartline/internal/insight/kpi"
	"heartline/internal/platform/alarm"
	"heartline/internal/platform/audit"
	"heartline/internal/platform/config"
	"heartline/internal/platform/crypto"
	"heartline/internal/platform/event"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/job"
	"heartline/internal/platform/store"
)

// App is one running (or openable) Heartline.
type App struct {
	cfg     *config.Config
	log     *slog.Logger
	version string
	now     func() time.Time

	db     *store.DB
	keys   *crypto.Keyring
	bus    *event.Bus
	alarms *alarm.Board
	audit  *audit.Log
	jobs   *job.Queue

	identity   *identity.Service
	board      *switchboard.Service
	patients   *patient.Service
	hospital   *hospital.Service
	ledger     *ledger.Service
	consents   *consent.Service
	privacy    *privacy.Service
	booking    *booking.Service
	kiosks     *kiosk.Service
	portal     *portal.Service
	journal    *journal.Journal
	records    *callrecord.Service
	recordings *recording.Service
	reports    *kpi.Service
	messages   *messaging.Service
	notices    *notices

	acd   *acd.Service
	media media.Engine
	calls *call.Service
	sip   *sip.Server
	web   *webServer

	startedAt time.Time
	closers   []closer
	lostFacts uint64 // seen by watch
}

type closer struct {
	name string
	fn   func(ctx context.Context) error
}

// minFree is what must stay free on the disk of recordings.
const minFree = 200 << 20

// keepRecordings is the retention of recordings: hospital-rules §11 asks for
// at least two years.
const keepRecordings = 2 * 365 * 24 * time.Hour

// Open builds every part but opens no port; Serve does. Close releases it.
func Open(ctx context.Context, cfg *config.Config, log *slog.Logger, version string) (*App, error) {
	a := &App{cfg: cfg, log: log, version: version, now: time.Now, startedAt: time.Now()}
	for _, step := range []struct {
		name string
		fn   func(context.Context) error
	}{
		{"data folder", a.openPlatform},
		{"services", a.openServices},
	} {
		if err := step.fn(ctx); err != nil {
			return nil, errors.Join(fmt.Errorf("%s: %w", step.name, err), a.Close(context.WithoutCancel(ctx)))
		}
	}
	return a, nil
}

func (a *App) openPlatform(ctx context.Context) (err error) {
	if err := os.MkdirAll(a.cfg.DataDir, 0o700); err != nil {
		return err
	}
	if a.keys, err = crypto.Open(a.cfg.KeyDir()); err != nil {
		return err
	}
	if a.db, err = store.Open(ctx, a.cfg.Database()); err != nil {
		return err
	}
	a.onClose("database", func(context.Context) error { return a.db.Close() })
	a.bus = event.NewBus()
	a.onClose("event bus", func(context.Context) error { a.bus.Close(); return nil })
	a.alarms = alarm.NewBoard(a.bus, a.now)
	a.audit = audit.New(a.now)
	a.jobs, err = job.New(a.db, a.now, a.log)
	return err
}

func (a *App) openServices(ctx context.Context) (err error) {
	if a.identity, err = identity.New(ctx, identity.Deps{DB: a.db, Audit: a.audit, Keys: a.keys, Bus: a.bus, Now: a.now}); err != nil {
		return err
	}
	if a.board, err = switchboard.New(ctx, switchboard.Config{DB: a.db, Keys: a.keys, Audit: a.audit, Bus: a.bus, Now: a.now,
		Log: a.log, DataDir: a.cfg.DataDir, Realm: a.cfg.SIPRealm, Zone: a.cfg.TimeZone}); err != nil {
		return err
	}
	a.patients = patient.New(a.db, a.keys, a.audit, a.bus, a.now, a.cfg.Location())
	a.hospital = hospital.New(hospital.Deps{DB: a.db, Audit: a.audit, Bus: a.bus, Now: a.now})
	if err = a.openConsents(ctx); err != nil {
		return err
	}
	if err = a.openMessages(ctx); err != nil {
		return err
	}
	if err = a.openCare(ctx); err != nil {
		return err
	}
	a.openPortal()
	a.openKiosks()
	a.journal = journal.New(a.db, a.now, journal.WithAlarm(a.journalAlarm))
	a.records = callrecord.New(a.db, a.journal, callrecord.DefaultRules(), a.now)
	a.journal.OnBatch(a.timelineOfCalls)
	a.reports = kpi.New(a.db, a.cfg.Location(), a.goals)
	a.recordings, err = recording.New(recording.Config{Dir: a.cfg.Recordings(), Keep: keepRecordings, MinFree: minFree},
		recording.Deps{DB: a.db, Keys: a.keys, Audit: a.audit, Bus: a.bus, Alarms: a.alarms, Log: a.log, Now: a.now})
	if err != nil {
		return err
	}
	return a.openPrivacy(ctx)
}

func (a *App) onClose(name string, fn func(ctx context.Context) error) {
	a.closers = append(a.closers, closer{name, fn})
}

// Close stops and releases everything that was opened, newest first.
func (a *App) Close(ctx context.Context) error {
	var all error
	for i := len(a.closers) - 1; i >= 0; i-- {
		if err := a.closers[i].fn(ctx); err != nil {
			all = errors.Join(all, fmt.Errorf("close %s: %w", a.closers[i].name, err))
		}
	}
	a.closers = nil
	return all
}

// lockFile keeps two programs off one data folder.
func (a *App) lockFile() string { return filepath.Join(a.cfg.DataDir, "heartline.lock") }

// Parts are the services that load tests prepare and measure directly.
type Parts struct {
	DB       *store.DB
	Identity *identity.Service
	Board    *switchboard.Service
	Patients *patient.Service
	Hospital *hospital.Service
	Booking  *booking.Service
	Calls    *call.Service // nil until Serve has started
}

// Parts gives access to the services of an App, for load tests.
func (a *App) Parts() Parts {
	return Parts{DB: a.db, Identity: a.identity, Board: a.board, Patients: a.patients, Hospital: a.hospital, Booking: a.booking, Calls: a.calls}
}
