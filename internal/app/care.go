package app

import (
	"context"

	"heartline/internal/care/booking"
	"heartline/internal/care/ledger"
	"heartline/internal/care/patient"
	"heartline/internal/platform/calendar"
	"heartline/internal/platform/store"
)

// openCare builds the services of the visit: the prepaid card and the
// appointments, which meet the patient, the card, the messages and the
// timeline here.
func (a *App) openCare(context.Context) error {
	zone := a.cfg.Location()
	a.ledger = ledger.New(ledger.Deps{DB: a.db, Audit: a.audit, Bus: a.bus, Now: a.now, Zone: zone,
		Known: func(ctx context.Context, tx *store.Tx, patientID string) error {
			_, err := a.patients.Standing(ctx, tx, patientID)
			return err
		}})
	a.booking = booking.New(booking.Deps{DB: a.db, Audit: a.audit, Bus: a.bus, Jobs: a.jobs, Calendar: a.holidays, Now: a.now, Zone: zone,
		People: bookingPeople{patients: a.patients, declared: a.declared}, Purse: a.ledger, Notifier: a.notices,
		Timeline: bookingTimeline{patients: a.patients, names: a.notices.names}})
	a.messages.OnReply(answers{a.booking}.answer)
	return nil
}

// holidays is the calendar that clinics follow: open every day, with the
// public holidays and the weekend days that are worked instead.
func (a *App) holidays(context.Context) (calendar.Hours, error) {
	return calendar.Hours{Weekly: calendar.Daily(calendar.At(0, 0, 24, 0)), Holidays: calendar.China2026(), Zone: a.cfg.TimeZone}, nil
}

// bookingPeople tells appointments who a patient is.
type bookingPeople struct {
	patients *patient.Service
	declared func(ctx context.Context, tx *store.Tx, patientID string) (bool, error)
}

// Person implements booking.People.
func (p bookingPeople) Person(ctx context.Context, tx *store.Tx, patientID string) (booking.Person, error) {
	st, err := p.patients.Standing(ctx, tx, patientID)
	if err == nil && !st.RealName {
		st.RealName, err = p.declared(ctx, tx, patientID)
	}
	return booking.Person{ID: patientID, BirthDate: st.BirthDate, Sex: st.Sex, RealName: st.RealName, VIP: st.VIP, Merged: st.MergedInto}, err
}

// bookingTimeline tells the patient's story of an appointment.
type bookingTimeline struct {
	patients *patient.Service
	names    *houseNames
}

// Appointment implements booking.Timeline. A hold is no part of the story, and
// an appointment that moved leaves only its successor.
func (b bookingTimeline) Appointment(ctx context.Context, tx *store.Tx, ap booking.Appointment) error {
	var entries []patient.TimelineEntry
	moved := ap.State == booking.Cancelled && ap.CancelReason == booking.CancelMoved
	if ap.State != booking.Requested && ap.State != booking.Expired && !moved {
		department, doctor, err := b.names.of(ctx, tx, ap.DepartmentID, ap.DoctorID)
		if err != nil {
			return err
		}
		entries = append(entries, patient.TimelineEntry{PatientID: ap.PatientID, At: ap.StartAt, Kind: patient.KindAppointment,
			Title: "appointment." + string(ap.State), Summary: ap.Note, Department: department, Doctor: doctor, SourceID: ap.ID})
	}
	return b.patients.SetTimelineOf(ctx, tx, patient.KindAppointment, ap.ID, entries...)
}
