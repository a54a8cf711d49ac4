package booking

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"heartline/internal/platform/audit"
	"heartline/internal/platform/calendar"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/event"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/job"
	"heartline/internal/platform/store"
)

// Deps are what the service works with. Calendar, Jobs, Purse, Notifier and
// Timeline may be nil: no holidays, holds that end only when somebody asks, no
// cards, no messages, no story.
type Deps struct {
	DB       *store.DB
	Audit    *audit.Log
	Bus      *event.Bus
	Jobs     *job.Queue
	Calendar func(ctx context.Context) (calendar.Hours, error)
	Now      func() time.Time
	Zone     *time.Location // of the hospital; UTC when nil
	People   People
	Purse    Purse
	Notifier Notifier
	Timeline Timeline
}

// Service gives numbers and takes them back. Reading needs booking.read,
// booking booking.write, the waiting room booking.checkin, sessions
// booking.schedule. Every method is one transaction.
type Service struct {
	db       *store.DB
	audit    *audit.Log
	bus      *event.Bus
	jobs     *job.Queue
	calendar func(ctx context.Context) (calendar.Hours, error)
	now      func() time.Time
	zone     *time.Location
	people   People
	purse    Purse
	notifier Notifier
	timeline Timeline
	rules    rulesState
	clerk    *clerk
}

// New makes the service and registers its jobs.
func New(d Deps) *Service {
	s := &Service{db: d.DB, audit: d.Audit, bus: d.Bus, jobs: d.Jobs, calendar: d.Calendar, now: d.Now, zone: d.Zone,
		people: d.People, purse: d.Purse, notifier: d.Notifier, timeline: d.Timeline}
	if s.zone == nil {
		s.zone = time.UTC
	}
	s.clerk = newClerk(s.db.Dialect(), s.serve)
	s.registerHolds()
	s.startRules()
	return s
}

type narrowKey struct{}

// OnlyFor narrows what the service does in ctx to some patients. The edges
// where patients act themselves (portal, kiosk, keypad, SMS) set it to the
// people who proved who they are, so that a forged id is refused here too.
func OnlyFor(ctx context.Context, patientIDs ...string) context.Context {
	return context.WithValue(ctx, narrowKey{}, slices.Clone(patientIDs))
}

// narrowed reports whom ctx is narrowed to. A patient who signed in is never
// without bounds, nor is a kiosk.
func narrowed(ctx context.Context, who identity.Principal) (patients []string, ok bool) {
	if list, ok := ctx.Value(narrowKey{}).([]string); ok {
		return list, true
	}
	if own, ok := strings.CutPrefix(who.UserID, "patient:"); ok {
		return []string{own}, true
	}
	return nil, strings.HasPrefix(who.UserID, "kiosk:")
}

// bounded reports whether who acts for some patients only.
func bounded(ctx context.Context, who identity.Principal) bool {
	_, bound := narrowed(ctx, who)
	return bound
}

// mine reports whether a patient is within the bounds of ctx.
func mine(ctx context.Context, who identity.Principal, patientID string) bool {
	list, bound := narrowed(ctx, who)
	return !bound || slices.Contains(list, patientID)
}

// yours refuses to touch what belongs to somebody outside the bounds of ctx,
// and leaves a trace of the attempt.
func (s *Service) yours(ctx context.Context, who identity.Principal, patientID, appointmentID string) error {
	if mine(ctx, who, patientID) {
		return nil
	}
	return s.refused(ctx, who, patientID, appointmentID, errs.New(errs.Denied, "booking.not_yours"))
}

// refused records an attempt that looks like an attack and returns its error.
// It runs in a transaction of its own, because the refused one is undone.
func (s *Service) refused(ctx context.Context, who identity.Principal, patientID, appointmentID string, refusal *errs.Error) error {
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		return s.audit.Append(ctx, tx, s.entry(who, "booking.refused", patientID, appointmentID, map[string]any{"key": refusal.Key}))
	})
	if err != nil {
		return fmt.Errorf("audit refusal %s: %w", refusal.Key, err)
	}
	return refusal
}

func (s *Service) entry(who identity.Principal, action, patientID, appointmentID string, detail map[string]any) audit.Entry {
	return audit.Entry{At: s.now(), Actor: who.UserID, ActorName: who.Name, Action: action, Object: "appointment", ObjectID: appointmentID,
		Patient: patientID, IP: who.IP, RequestID: who.RequestID, Detail: detail}
}

// auditTx appends an entry about an appointment in the caller's transaction.
func (s *Service) auditTx(ctx context.Context, tx *store.Tx, who identity.Principal, action string, a Appointment, detail map[string]any) error {
	if err := s.audit.Append(ctx, tx, s.entry(who, action, a.PatientID, a.ID, detail)); err != nil {
		return fmt.Errorf("audit %s: %w", action, err)
	}
	return nil
}

// person asks who a patient is; without People everybody is real.
func (s *Service) person(ctx context.Context, tx *store.Tx, patientID string) (Person, error) {
	if s.people == nil {
		return Person{ID: patientID, RealName: true}, nil
	}
	p, err := s.people.Person(ctx, tx, patientID)
	if err != nil {
		return Person{}, err
	}
	if p.Merged != "" {
		return Person{}, errs.New(errs.Conflict, "booking.patient_merged", "into", p.Merged)
	}
	return p, nil
}
