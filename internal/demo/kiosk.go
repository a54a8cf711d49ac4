package demo

import (
	"context"
	"fmt"
	"time"

	"heartline/internal/care/booking"
	"heartline/internal/care/kiosk"
	"heartline/internal/care/patient"
	"heartline/internal/platform/id"
)

// The self-service machine that a visitor of the demo can be at, and the PIN
// of the cards of everybody whom a visitor can play.
const (
	KioskToken = "demo-kiosk-jiangcheng-96166"
	KioskPIN   = "961660"
)

// aroundTheClock is the department with clinics at any hour, so that a visitor
// can check in whenever they come.
const aroundTheClock = "20"

// seedKiosk sets up a machine and gives the cast their PINs.
func (s *seeder) seedKiosk(ctx context.Context) error {
	if s.Kiosks == nil {
		return nil
	}
	k := kiosk.Kiosk{Name: "门诊大厅 1 号机", Place: "门诊楼 1 层大厅", CampusID: s.staff.departments[aroundTheClock].CampusID}
	if _, err := s.Kiosks.CreateWith(ctx, k, KioskToken); err != nil {
		return err
	}
	for _, p := range s.world.people {
		if !reserved(p.own) {
			continue
		}
		if err := s.Kiosks.SetPIN(ctx, p.ID, KioskPIN); err != nil {
			return fmt.Errorf("PIN of a visitor: %w", err)
		}
	}
	return nil
}

// alwaysOpen are the clinics of a department that never closes.
func alwaysOpen(base booking.Template) []booking.Template {
	var out []booking.Template
	for day := time.Sunday; day <= time.Saturday; day++ {
		for _, h := range []half{{booking.Morning, 0, 12 * 60}, {booking.Afternoon, 12 * 60, 18 * 60}, {booking.Evening, 18 * 60, 24 * 60}} {
			t := base
			t.Weekday, t.Period, t.StartMinute, t.EndMinute = day, h.period, h.start, h.end
			t.SlotMinutes, t.Capacity, t.Type, t.Fee, t.Room = 15, (h.end-h.start)/15, booking.Ordinary, 8_00, "1诊室"
			out = append(out, t)
		}
	}
	return out
}

// KioskVisitor is somebody a visitor can be at the machine.
type KioskVisitor struct {
	Name, Phone, IDNumber string
	Code                  string // of an appointment of today; "" when the rules allow none
}

// Visitor finds somebody with an appointment to check in for today, and books
// one when nobody has.
func Visitor(ctx context.Context, sv Services) (KioskVisitor, error) {
	var first KioskVisitor
	for _, p := range parts() {
		pop, err := sv.Patients.Pop(ctx, p.number)
		if err != nil {
			return first, fmt.Errorf("look up a visitor: %w", err)
		}
		if len(pop.Candidates) == 0 {
			continue
		}
		v := KioskVisitor{Phone: p.number, Name: pop.Candidates[0].Name}
		if v.IDNumber, err = idNumber(ctx, sv, pop.Candidates[0].ID); err != nil {
			return v, err
		}
		if v.Code, err = today(ctx, sv, pop.Candidates[0].ID); err != nil || v.Code != "" {
			return v, err
		}
		if first.Phone == "" {
			first = v
		}
	}
	return first, nil
}

// idNumber is the identity number of one of the cast.
func idNumber(ctx context.Context, sv Services, patientID string) (string, error) {
	p, err := sv.Patients.Get(ctx, patientID)
	if err != nil {
		return "", fmt.Errorf("look up a visitor: %w", err)
	}
	for _, d := range p.Identifiers {
		if d.Type == patient.IDCard || d.Type == patient.Passport {
			return sv.Patients.Reveal(ctx, patientID, "identifier:"+d.ID, "演示自助机")
		}
	}
	return "", nil
}

// today is the code of an appointment of today that is still ahead.
func today(ctx context.Context, sv Services, patientID string) (string, error) {
	now := sv.Now().In(sv.Zone)
	day := now.Format(time.DateOnly)
	page, err := sv.Booking.List(ctx, booking.Filter{PatientID: patientID, From: day, To: day, States: []booking.State{booking.Scheduled}})
	if err != nil {
		return "", fmt.Errorf("visits of a visitor: %w", err)
	}
	for _, a := range page.Appointments {
		if a.EndAt.After(now) {
			return a.Code, nil
		}
	}
	departments, err := sv.Hospital.Departments(ctx, "", "")
	if err != nil {
		return "", fmt.Errorf("department of a visitor: %w", err)
	}
	for _, d := range departments {
		if d.Code != aroundTheClock {
			continue
		}
		table, err := sv.Booking.Timetable(ctx, booking.TimetableFilter{From: day, To: day, DepartmentID: d.ID, Channel: booking.ChannelDesk})
		if err != nil {
			return "", fmt.Errorf("timetable for a visitor: %w", err)
		}
		for _, se := range table {
			if !se.EndAt.After(now) {
				continue
			}
			a, err := visit(ctx, sv, se.ID, patientID)
			if err == nil {
				return a.Code, nil
			}
			if !refusedByRule(err) {
				return "", fmt.Errorf("book for a visitor: %w", err)
			}
		}
	}
	return "", nil
}

// visit books a number of a session, an added one when nothing is left of it,
// as in the last quarter of the day.
func visit(ctx context.Context, sv Services, sessionID, patientID string) (booking.Appointment, error) {
	r := booking.Request{Key: id.New(), PatientID: patientID, SessionID: sessionID, Channel: booking.ChannelDesk}
	a, err := sv.Booking.Book(ctx, r)
	if !isFull(err) {
		return a, err
	}
	if _, err := sv.Booking.AddNumbers(ctx, sessionID, 1, booking.Consent{By: "急诊值班医师", Evidence: "演示：电话同意加号"}); err != nil {
		return a, err
	}
	r.Lane = booking.LaneAdded
	return sv.Booking.Book(ctx, r)
}
