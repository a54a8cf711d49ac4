package demo

import (
	"context"
	"fmt"
	"time"

	"heartline/internal/care/booking"
	"heartline/internal/care/patient"
)

// What an office finds in the morning: clinics that are full, people who wait
// for a number of them, and people who were recorded twice.
const (
	fullClinics = 2
	waitingEach = 3
	twice       = 6
)

func (s *seeder) seedOpenWork(ctx context.Context) error {
	if err := s.seedTwice(ctx); err != nil {
		return err
	}
	table, err := s.Booking.Timetable(ctx, booking.TimetableFilter{From: s.now.AddDate(0, 0, 1).Format(time.DateOnly),
		To: s.now.AddDate(0, 0, 7).Format(time.DateOnly), Channel: booking.ChannelDesk, OnlyFree: true, Type: booking.Expert})
	if err != nil {
		return fmt.Errorf("timetable: %w", err)
	}
	for i := 0; i < min(fullClinics, len(table)); i++ {
		if err := s.fillClinic(ctx, table[i*len(table)/fullClinics]); err != nil {
			return err
		}
	}
	return nil
}

// fillClinic gives away the last numbers of a clinic and lets others wait.
func (s *seeder) fillClinic(ctx context.Context, se booking.Session) error {
	waiting, day := 0, s.now.AddDate(-18, 0, 0)
	for tries := 0; tries < 200 && waiting < waitingEach; tries++ {
		p := pick(s.dice, s.world.people)
		if p.birth.After(day) || reserved(p.own) || p.own == "" {
			continue
		}
		_, err := s.Booking.Book(ctx, booking.Request{Key: fmt.Sprintf("demo-full-%s-%d", se.ID, tries), PatientID: p.ID, SessionID: se.ID,
			Channel: booking.ChannelDesk})
		if err == nil {
			continue
		}
		if !refusedByRule(err) {
			return fmt.Errorf("fill a clinic: %w", err)
		}
		if !isFull(err) {
			continue
		}
		_, err = s.Booking.JoinWaitlist(ctx, booking.Wish{PatientID: p.ID, DepartmentID: se.DepartmentID, DoctorID: se.DoctorID, Type: se.Type,
			From: se.Date, To: se.Date, Channel: pick(s.dice, []booking.Channel{booking.ChannelDesk, booking.ChannelWeb})})
		if err != nil {
			return fmt.Errorf("wait for a number: %w", err)
		}
		waiting++
	}
	return nil
}

// seedTwice records people a second time, as happens at a busy desk: without
// their document, by the same telephone or a new one.
func (s *seeder) seedTwice(ctx context.Context) error {
	day := s.now.AddDate(-30, 0, 0)
	for done := 0; done < twice; {
		p := pick(s.dice, s.world.people)
		if p.birth.After(day) || reserved(p.own) || p.own == "" {
			continue
		}
		again := &person{}
		if done%2 == 1 {
			s.phones(again, s.now.Year()-p.birth.Year())
		} else {
			again.Phones = []patient.Phone{{Number: p.own, Type: patient.PhoneMobile, Primary: true}}
		}
		_, err := s.Patients.Create(ctx, patient.Patient{Name: p.Name, Sex: p.Sex, BirthDate: p.BirthDate, Phones: again.Phones})
		if err != nil {
			return fmt.Errorf("record somebody twice: %w", err)
		}
		done++
	}
	return nil
}
