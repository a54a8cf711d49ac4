package app

import (
	"context"
	"fmt"

	"heartline/internal/care/consent"
	"heartline/internal/care/patient"
	"heartline/internal/care/privacy"
	"heartline/internal/contact/messaging"
	"heartline/internal/platform/dossier"
	"heartline/internal/platform/store"
)

// openConsents builds what people agreed to, and lets the records work behind
// the scenes: imports, duplicates, quality.
func (a *App) openConsents(context.Context) error {
	a.consents = consent.New(consent.Deps{DB: a.db, Audit: a.audit, Bus: a.bus, Now: a.now, Zone: a.cfg.Location(), People: consentPeople{a.patients}})
	a.patients.UseJobs(a.jobs)
	return nil
}

// openPrivacy builds the requests of people about their data. It is the last
// of the services: every part that keeps something of a person is asked for a
// copy and told to forget, and follows when two records become one.
func (a *App) openPrivacy(context.Context) error {
	a.patients.Register(
		patient.RowsOf("consents", "consents", "patient_id"),
		patient.RowsOf("appointments", "appointments", "patient_id"),
		patient.RowsOf("penalties", "booking_penalties", "patient_id"),
		patient.RowsOf("waitlist", "booking_waitlist", "patient_id"),
		patient.RowsOf("series", "booking_series", "patient_id"),
		patient.RowsOf("messages", "messages", "patient_id"),
	)
	a.privacy = privacy.New(privacy.Deps{DB: a.db, Audit: a.audit, Bus: a.bus, Jobs: a.jobs, Now: a.now, Zone: a.cfg.Location(), People: a.patients,
		Keepers: []dossier.Keeper{a.patients.Keeper(), a.consents.Keeper(), a.booking.Keeper(), a.ledger.Keeper(), a.messages.Keeper(),
			a.records.Keeper(), a.recordingKeeper(), a.portal.Keeper(), a.kiosks.Keeper()}})
	return nil
}

// recordingKeeper stops a removal while a recorded call of the person must be
// kept; the recordings go by themselves when their time is over.
func (a *App) recordingKeeper() dossier.Keeper {
	const part = "recordings"
	return dossier.Keeper{Part: part, Obstacles: func(ctx context.Context, tx *store.Tx, ids []string) ([]dossier.Obstacle, error) {
		calls, err := a.records.CallsOf(ctx, tx, ids)
		if err != nil {
			return nil, err
		}
		until, err := a.recordings.KeptUntil(ctx, tx, calls)
		if err != nil || !until.After(a.now()) {
			return nil, err
		}
		return []dossier.Obstacle{{Key: "privacy.must_be_kept_recordings", Part: part, Until: until}}, nil
	}}
}

// consentPeople tells the consents who somebody is.
type consentPeople struct{ patients *patient.Service }

// Person implements consent.People.
func (c consentPeople) Person(ctx context.Context, tx *store.Tx, patientID string) (consent.Person, error) {
	p, err := c.patients.Profile(ctx, tx, patientID)
	return consent.Person{ID: p.ID, BirthDate: p.BirthDate, GuardianID: p.GuardianID, Restricted: p.Restricted, Erased: p.Erased}, err
}

// permits asks the consents whether a message may go.
type permits struct{ consents *consent.Service }

// MaySend implements messaging.Permits.
func (p permits) MaySend(ctx context.Context, tx *store.Tx, patientID, channel string, class messaging.Class) (bool, error) {
	purpose := map[messaging.Class]string{messaging.ClassReminder: "reminder", messaging.ClassMarketing: "marketing"}[class]
	ok, err := p.consents.AllowedTx(ctx, tx, patientID, purpose, channel)
	if err != nil {
		return false, fmt.Errorf("ask consents: %w", err)
	}
	return ok, nil
}
