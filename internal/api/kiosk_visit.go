package api

import (
	"context"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"heartline/internal/care/booking"
	"heartline/internal/care/hospital"
	"heartline/internal/platform/alarm"
	"heartline/internal/platform/document"
	"heartline/internal/platform/errs"
)

// kioskAhead is how far a kiosk shows a patient's own visits.
const kioskAhead = 30

// place is the way to a department; here is the campus of the machine.
func (p places) place(departmentID, campusID, room, here string) KioskPlace {
	d := p.departments[departmentID]
	c, ok := p.campuses[campusID]
	if !ok {
		c = p.campuses[d.CampusID]
	}
	return KioskPlace{DepartmentID: departmentID, Department: d.Name, DepartmentEN: d.NameEN, Campus: c.Name, CampusEN: c.NameEN, Address: c.Address,
		Transit: c.Transit, Hours: c.Hours, Floor: d.Floor, Room: room, Phone: d.Phone, Here: here == "" || c.ID == here}
}

// kioskVisits makes views of a patient's appointments.
func (s *Server) kioskVisits(ctx context.Context, list []booking.Appointment) ([]KioskAppointment, error) {
	p, err := s.places(ctx)
	if err != nil {
		return nil, err
	}
	ids := make([]string, 0, len(list))
	for _, a := range list {
		ids = append(ids, a.SessionID)
	}
	sessions, err := s.deps.Booking.Sessions(ctx, ids)
	if err != nil {
		return nil, err
	}
	door, err := s.deps.Booking.Door(ctx)
	if err != nil {
		return nil, err
	}
	here := turnOf(ctx).Kiosk.CampusID
	return mapped(list, func(a booking.Appointment) KioskAppointment {
		se, doc := sessions[a.SessionID], p.doctors[a.DoctorID]
		return KioskAppointment{ID: a.ID, Code: a.Code, Seq: a.Seq, Date: a.Date, StartAt: utc(a.StartAt), EndAt: utc(a.EndAt), State: string(a.State),
			Type: string(a.Type), FeeCents: a.Fee, Paid: a.Paid || a.HoldID != "", QueueNumber: a.QueueNumber,
			CanCheckIn: door.Refuses(a, booking.ActCheckIn) == nil, CheckInWhy: notLetIn(door, a), Doctor: doc.Name, DoctorTitle: doc.Title,
			KioskPlace: p.place(a.DepartmentID, se.CampusID, se.Room, here)}
	}), nil
}

func (s *Server) kioskVisit(ctx context.Context, a booking.Appointment, err error) (KioskAppointment, error) {
	if err != nil {
		return KioskAppointment{}, err
	}
	list, err := s.kioskVisits(ctx, []booking.Appointment{a})
	if err != nil {
		return KioskAppointment{}, err
	}
	return list[0], nil
}

func (s *Server) kioskAppointments(ctx context.Context, _ *None) (*Out[List[KioskAppointment]], error) {
	t, err := patientTurn(ctx)
	if err != nil {
		return nil, err
	}
	visits, err := s.booking()
	if err != nil {
		return nil, err
	}
	now := s.now().In(s.zone())
	page, err := visits.List(ctx, booking.Filter{PatientID: t.PatientID, From: now.Format(time.DateOnly), To: now.AddDate(0, 0, kioskAhead).Format(time.DateOnly),
		States: []booking.State{booking.Scheduled, booking.Arrived, booking.CheckedIn, booking.Completed}})
	if err != nil {
		return nil, err
	}
	views, err := s.kioskVisits(ctx, page.Appointments)
	if err != nil {
		return nil, err
	}
	return out(List[KioskAppointment]{Items: views}), nil
}

func (s *Server) kioskCheckIn(ctx context.Context, in *ByID) (*Out[KioskSlip], error) {
	if _, err := patientTurn(ctx); err != nil {
		return nil, err
	}
	visits, err := s.booking()
	if err != nil {
		return nil, err
	}
	a, err := visits.CheckIn(ctx, in.ID)
	v, err := s.kioskVisit(ctx, a, err)
	if err != nil {
		return nil, err
	}
	return out(KioskSlip{Appointment: v, PDF: "/api/kiosk/slips/" + v.ID + "/slip.pdf", ESCPOS: "/api/kiosk/slips/" + v.ID + "/slip.escpos"}), nil
}

// slip reads what is printed on a number slip: the visit and the masked name.
func (s *Server) slip(ctx context.Context, appointmentID string) (KioskAppointment, string, error) {
	t, err := patientTurn(ctx)
	if err != nil {
		return KioskAppointment{}, "", err
	}
	visits, err := s.booking()
	if err != nil {
		return KioskAppointment{}, "", err
	}
	a, err := visits.Get(ctx, appointmentID)
	v, err := s.kioskVisit(ctx, a, err)
	if err != nil {
		return v, "", err
	}
	if !a.State.Active() && a.State != booking.Completed {
		return v, "", errs.New(errs.Conflict, "kiosk.no_slip")
	}
	cards, err := s.deps.Patients.Cards(ctx, []string{t.PatientID})
	return v, cards[t.PatientID].Name, err
}

func (s *Server) kioskSlipPDF(ctx context.Context, in *LangQuery) (*huma.StreamResponse, error) {
	v, name, err := s.slip(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	w, err := paperWords(in.Lang)
	if err != nil {
		return nil, err
	}
	data, err := s.slipPDF(w, v, name, in.Lang, s.now())
	if err != nil {
		return nil, err
	}
	return paper("application/pdf", "slip.pdf", data), nil
}

func (s *Server) kioskSlipESCPOS(ctx context.Context, in *LangQuery) (*huma.StreamResponse, error) {
	v, name, err := s.slip(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	w, err := paperWords(in.Lang)
	if err != nil {
		return nil, err
	}
	return paper("application/octet-stream", "slip.escpos", s.slipESCPOS(w, v, name, in.Lang, s.now())), nil
}

// kioskSlipCode is the QR code that this and other machines read.
func (s *Server) kioskSlipCode(ctx context.Context, in *ByID) (*huma.StreamResponse, error) {
	v, _, err := s.slip(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	svg, err := document.QRSVG(v.Code)
	if err != nil {
		return nil, err
	}
	return paper("image/svg+xml", "code.svg", svg), nil
}

// kioskPrintSlip sends the slip to the machine's printer on the network. Staff
// hear of a printer that does not take it.
func (s *Server) kioskPrintSlip(ctx context.Context, in *KioskPrintInput) (*Empty, error) {
	k := turnOf(ctx).Kiosk
	v, name, err := s.slip(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if k.Printer == "" || s.deps.Print == nil {
		return nil, errs.New(errs.Conflict, "kiosk.no_printer")
	}
	w, err := paperWords(in.Body.Lang)
	if err != nil {
		return nil, err
	}
	if err := s.deps.Print(ctx, k.Printer, s.slipESCPOS(w, v, name, in.Body.Lang, s.now())); err != nil {
		s.deps.Log.WarnContext(ctx, "kiosk printer", "kiosk", k.ID, "error", err)
		if s.deps.Alarms != nil {
			s.deps.Alarms.Raise(alarm.Warning, "alarm.kiosk_printer", k.ID, map[string]any{"name": k.Name})
		}
		return nil, errs.New(errs.Unavailable, "kiosk.printer_failed")
	}
	if s.deps.Alarms != nil {
		s.deps.Alarms.Clear("alarm.kiosk_printer", k.ID)
	}
	return nil, nil
}

func (s *Server) kioskTimetable(ctx context.Context, in *KioskTimetableQuery) (*Out[List[KioskClinic]], error) {
	visits, err := s.booking()
	if err != nil {
		return nil, err
	}
	now := s.now()
	local := now.In(s.zone())
	list, err := visits.Timetable(ctx, booking.TimetableFilter{From: local.Format(time.DateOnly), To: local.AddDate(0, 0, in.Days-1).Format(time.DateOnly),
		DepartmentID: in.Department, Channel: booking.ChannelKiosk, OnlyFree: true})
	if err != nil {
		return nil, err
	}
	p, err := s.places(ctx)
	if err != nil {
		return nil, err
	}
	list = slices.DeleteFunc(list, func(x booking.Session) bool { // examinations follow a doctor's order, which the desk sees
		return x.ExamID != "" || x.State != booking.SessionOpen || !x.EndAt.After(now) || x.ReleaseAt.After(now)
	})
	here := turnOf(ctx).Kiosk.CampusID
	return listOf(list, func(x booking.Session) KioskClinic {
		doc := p.doctors[x.DoctorID]
		return KioskClinic{ID: x.ID, Date: x.Date, Period: string(x.Period), StartAt: utc(x.StartAt), EndAt: utc(x.EndAt), Doctor: doc.Name,
			DoctorTitle: doc.Title, Type: string(x.Type), FeeCents: x.Fee, Free: x.Free, KioskPlace: p.place(x.DepartmentID, x.CampusID, x.Room, here)}
	}, ""), nil
}

// kioskBook books for the patient in front of the machine. Money moves only
// with their PIN, however they identified.
func (s *Server) kioskBook(ctx context.Context, in *KioskBookInput) (*Out[KioskAppointment], error) {
	t, err := patientTurn(ctx)
	if err != nil {
		return nil, err
	}
	visits, err := s.booking()
	if err != nil {
		return nil, err
	}
	b := in.Body
	if b.UseCard {
		if err := s.deps.Kiosks.CheckPIN(ctx, t, b.PIN); err != nil {
			return nil, err
		}
	}
	a, err := visits.Book(ctx, booking.Request{Key: b.Key, PatientID: t.PatientID, SessionID: b.SessionID, Channel: booking.ChannelKiosk, UseCard: b.UseCard})
	v, err := s.kioskVisit(ctx, a, err)
	if err != nil {
		return nil, err
	}
	return out(v), nil
}

func (s *Server) kioskCard(ctx context.Context, _ *None) (*Out[KioskCard], error) {
	t, err := patientTurn(ctx)
	if err != nil {
		return nil, err
	}
	if !t.Proved() {
		return nil, errs.New(errs.Denied, "kiosk.pin_needed")
	}
	cards, err := s.cards()
	if err != nil {
		return nil, err
	}
	a, err := cards.Account(ctx, t.PatientID)
	if err != nil {
		return nil, err
	}
	page, err := cards.Entries(ctx, t.PatientID, "", 10)
	if err != nil {
		return nil, err
	}
	return out(KioskCard{AvailableCents: a.Available, HeldCents: a.Held, Entries: mapped(page.Transactions, ledgerEntryView)}), nil
}

// kioskGuide lists the departments that patients go to, those of the
// machine's own campus first.
func (s *Server) kioskGuide(ctx context.Context, in *KioskGuideQuery) (*Out[List[KioskPlace]], error) {
	p, err := s.places(ctx)
	if err != nil {
		return nil, err
	}
	list, err := s.deps.Hospital.Departments(ctx, "", "")
	if err != nil {
		return nil, err
	}
	list = slices.DeleteFunc(list, func(d hospital.Department) bool {
		return in.Department != "" && d.ID != in.Department || in.Department == "" && !d.Clinical
	})
	here := turnOf(ctx).Kiosk.CampusID
	views := mapped(list, func(d hospital.Department) KioskPlace { return p.place(d.ID, d.CampusID, "", here) })
	slices.SortStableFunc(views, func(a, b KioskPlace) int {
		switch {
		case a.Here == b.Here:
			return 0
		case a.Here:
			return -1
		}
		return 1
	})
	return out(List[KioskPlace]{Items: views}), nil
}
