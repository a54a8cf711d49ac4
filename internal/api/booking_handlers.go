package api

import (
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"heartline/internal/care/booking"
	"heartline/internal/care/hospital"
	"heartline/internal/care/patient"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/identity"
)

// booking is the service, or the error when this program has none.
func (s *Server) booking() (*booking.Service, error) {
	if s.deps.Booking == nil {
		return nil, errs.New(errs.Unavailable, "unavailable")
	}
	return s.deps.Booking, nil
}

// places are the names of departments, doctors, sites and examinations by id.
type places struct {
	departments map[string]hospital.Department
	doctors     map[string]hospital.Doctor
	campuses    map[string]hospital.Campus
	exams       map[string]booking.ExamItem
}

// places reads the directory; readers without the right get none of it.
func (s *Server) places(ctx context.Context) (places, error) {
	p := places{departments: map[string]hospital.Department{}, doctors: map[string]hospital.Doctor{}, campuses: map[string]hospital.Campus{},
		exams: map[string]booking.ExamItem{}}
	who, _ := identity.From(ctx)
	if s.deps.Booking != nil && who.Has(identity.BookingRead) {
		exams, err := s.deps.Booking.ExamItems(ctx)
		if err != nil {
			return p, err
		}
		for _, e := range exams {
			p.exams[e.ID] = e
		}
	}
	if s.deps.Hospital == nil || !who.Has(identity.DirectoryRead) {
		return p, nil
	}
	departments, err := s.deps.Hospital.Departments(ctx, "", "")
	if err != nil {
		return p, err
	}
	doctors, err := s.deps.Hospital.Doctors(ctx, hospital.DoctorFilter{})
	if err != nil {
		return p, err
	}
	campuses, err := s.deps.Hospital.Campuses(ctx)
	if err != nil {
		return p, err
	}
	for _, d := range departments {
		p.departments[d.ID] = d
	}
	for _, d := range doctors {
		p.doctors[d.ID] = d
	}
	for _, c := range campuses {
		p.campuses[c.ID] = c
	}
	return p, nil
}

func (s *Server) bookingSession(p places, x booking.Session) BookingSessionView {
	d := p.doctors[x.DoctorID]
	return BookingSessionView{
		ID: x.ID, Version: x.Version, Date: x.Date, Period: string(x.Period), StartAt: utc(x.StartAt), EndAt: utc(x.EndAt),
		DepartmentID: x.DepartmentID, Department: p.departments[x.DepartmentID].Name, DoctorID: x.DoctorID, Doctor: d.Name, DoctorTitle: d.Title,
		ExamID: x.ExamID, Exam: p.exams[x.ExamID].Name, CampusID: x.CampusID, Campus: p.campuses[x.CampusID].Name, Room: x.Room, Type: string(x.Type),
		FeeCents: x.Fee, ReleaseAt: utc(x.ReleaseAt), Released: !x.ReleaseAt.After(s.now()), LaneUntil: maybe(x.LaneUntil), State: string(x.State),
		CloseReason: x.CloseReason, SubstituteOf: x.SubstituteOf, TemplateID: x.TemplateID, Total: x.Total, Free: x.Free,
	}
}

func bookingNumber(n booking.Number) BookingNumberView {
	return BookingNumberView{ID: n.ID, Seq: n.Seq, StartAt: utc(n.StartAt), EndAt: utc(n.EndAt), Lane: string(n.Lane), State: string(n.State)}
}

func appointmentPatient(c patient.Card) *AppointmentPatient {
	return &AppointmentPatient{ID: c.ID, Code: c.Code, Name: c.Name, Sex: c.Sex, Age: c.Age, PhoneMasked: c.Phone, Allergies: some(c.Allergies), VIP: c.VIP}
}

// appointments makes views of appointments, with all names read at once.
func (s *Server) appointments(ctx context.Context, list []booking.Appointment) ([]AppointmentView, error) {
	p, err := s.places(ctx)
	if err != nil {
		return nil, err
	}
	who, _ := identity.From(ctx)
	sessionIDs, patientIDs := make([]string, 0, len(list)), make([]string, 0, len(list))
	for _, a := range list {
		sessionIDs, patientIDs = append(sessionIDs, a.SessionID), append(patientIDs, a.PatientID)
	}
	sessions, cards := map[string]booking.Session{}, map[string]patient.Card{}
	if who.Has(identity.BookingRead) {
		if sessions, err = s.deps.Booking.Sessions(ctx, sessionIDs); err != nil {
			return nil, err
		}
	}
	if s.deps.Patients != nil && who.Has(identity.PatientRead) {
		if cards, err = s.deps.Patients.Cards(ctx, patientIDs); err != nil {
			return nil, err
		}
	}
	door, err := s.deps.Booking.Door(ctx)
	if err != nil {
		return nil, err
	}
	return mapped(list, func(a booking.Appointment) AppointmentView {
		v := appointmentView(p, a, sessions[a.SessionID])
		v.Can = appointmentCan(door, a, who)
		if c, ok := cards[a.PatientID]; ok {
			v.Patient = appointmentPatient(c)
		}
		return v
	}), nil
}

// appointmentCan is what who may do with an appointment now.
func appointmentCan(door booking.Door, a booking.Appointment, who identity.Principal) AppointmentCan {
	write, checkIn := who.Has(identity.BookingWrite), who.Has(identity.BookingCheckIn)
	can := AppointmentCan{
		Confirm: write && a.Allows(booking.ActConfirm), Change: write && a.Allows(booking.ActChange), Cancel: write && a.Allows(booking.ActCancel),
		Arrive: checkIn && door.Refuses(a, booking.ActArrive) == nil, CheckIn: checkIn && door.Refuses(a, booking.ActCheckIn) == nil,
		Complete: checkIn && a.Allows(booking.ActComplete), Miss: checkIn && door.Refuses(a, booking.ActMiss) == nil,
		Acknowledge: write && !a.Confirmed && a.Allows(booking.ActAcknowledge),
	}
	if checkIn {
		can.Why = notLetIn(door, a)
	}
	return can
}

// notLetIn is why nobody can check in now, where the state would let them.
func notLetIn(door booking.Door, a booking.Appointment) *EligibilityNote {
	var why *errs.Error
	if !a.Allows(booking.ActCheckIn) || !errors.As(door.Refuses(a, booking.ActCheckIn), &why) {
		return nil
	}
	return &EligibilityNote{Key: why.Key, Params: why.Params}
}

func appointmentView(p places, a booking.Appointment, se booking.Session) AppointmentView {
	dep, doc, campus, exam := p.departments[a.DepartmentID], p.doctors[a.DoctorID], p.campuses[se.CampusID], p.exams[a.ExamID]
	if campus.ID == "" {
		campus = p.campuses[dep.CampusID]
	}
	return AppointmentView{
		ID: a.ID, Version: a.Version, Code: a.Code, PatientID: a.PatientID, SessionID: a.SessionID, NumberID: a.NumberID, Seq: a.Seq, Date: a.Date,
		StartAt: utc(a.StartAt), EndAt: utc(a.EndAt), DepartmentID: a.DepartmentID, Department: dep.Name, DoctorID: a.DoctorID, Doctor: doc.Name,
		DoctorTitle: doc.Title, ExamID: a.ExamID, Exam: exam.Name, Preparation: exam.Preparation, CampusID: campus.ID, Campus: campus.Name,
		Room: se.Room, Floor: dep.Floor, HowToGetThere: campus.Transit, Type: string(a.Type), State: string(a.State), Channel: string(a.Channel),
		Lane: string(a.Lane), FeeCents: a.Fee, UsesCard: a.HoldID != "", Paid: a.Paid, Confirmed: a.Confirmed, CancelReason: a.CancelReason,
		CancelledAt: maybe(a.CancelledAt), ExpiresAt: maybe(a.ExpiresAt), QueueNumber: a.QueueNumber, SeriesID: a.SeriesID, MovedFrom: a.MovedFrom,
		Note: a.Note, Reference: a.Reference, ReceivedOn: a.ReceivedOn, BookedBy: a.BookedBy, CreatedAt: utc(a.CreatedAt), UpdatedAt: utc(a.UpdatedAt),
	}
}

// bookedOut answers with an appointment, or the error.
func (s *Server) bookedOut(ctx context.Context, a booking.Appointment, err error) (*Out[AppointmentView], error) {
	if err != nil {
		return nil, err
	}
	views, err := s.appointments(ctx, []booking.Appointment{a})
	if err != nil {
		return nil, err
	}
	return out(views[0]), nil
}

func (s *Server) getTimetable(ctx context.Context, in *TimetableQuery) (*Out[List[BookingSessionView]], error) {
	svc, err := s.booking()
	if err != nil {
		return nil, err
	}
	list, err := svc.Timetable(ctx, booking.TimetableFilter{From: in.From, To: in.To, DepartmentID: in.Department, DoctorID: in.Doctor, ExamID: in.Exam,
		CampusID: in.Campus, Type: booking.NumberType(in.Type), Channel: booking.Channel(in.Channel), OnlyFree: in.OnlyFree})
	if err != nil {
		return nil, err
	}
	p, err := s.places(ctx)
	if err != nil {
		return nil, err
	}
	return listOf(list, func(x booking.Session) BookingSessionView { return s.bookingSession(p, x) }, ""), nil
}

func (s *Server) getBookingSession(ctx context.Context, in *ByID) (*Out[BookingSessionView], error) {
	svc, err := s.booking()
	if err != nil {
		return nil, err
	}
	x, err := svc.Session(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	p, err := s.places(ctx)
	if err != nil {
		return nil, err
	}
	return out(s.bookingSession(p, x)), nil
}

func (s *Server) listBookingNumbers(ctx context.Context, in *NumbersQuery) (*Out[List[BookingNumberView]], error) {
	svc, err := s.booking()
	if err != nil {
		return nil, err
	}
	list, err := svc.Numbers(ctx, in.ID, booking.Channel(in.Channel))
	if err != nil {
		return nil, err
	}
	return listOf(list, bookingNumber, ""), nil
}

func (s *Server) bookAppointment(ctx context.Context, in *BookInput) (*Out[AppointmentView], error) {
	svc, err := s.booking()
	if err != nil {
		return nil, err
	}
	b := in.Body
	a, err := svc.Book(ctx, booking.Request{Key: b.Key, PatientID: b.PatientID, SessionID: b.SessionID, NumberID: b.NumberID, Channel: channelOf(b.Channel),
		Lane: booking.Lane(b.Lane), Hold: time.Duration(b.HoldSeconds) * time.Second, UseCard: b.UseCard, Note: b.Note,
		Origin: booking.Origin(b.OriginFields)})
	return s.bookedOut(ctx, a, err)
}

func channelOf(name string) booking.Channel {
	return cmp.Or(booking.Channel(name), booking.ChannelDesk)
}

func (q AppointmentQuery) filter() booking.Filter {
	return booking.Filter{PatientID: q.Patient, SessionID: q.Session, DepartmentID: q.Department, DoctorID: q.Doctor, From: q.From, To: q.To,
		States: mapped(q.State, func(x string) booking.State { return booking.State(x) }), Code: q.Code,
		Channels: mapped(q.Channel, func(x string) booking.Channel { return booking.Channel(x) }),
		Lanes:    mapped(q.Lane, func(x string) booking.Lane { return booking.Lane(x) })}
}

func (s *Server) listAppointments(ctx context.Context, in *AppointmentListInput) (*Out[List[AppointmentView]], error) {
	svc, err := s.booking()
	if err != nil {
		return nil, err
	}
	f := in.filter()
	f.Cursor, f.Limit = in.Cursor, in.Limit
	page, err := svc.List(ctx, f)
	if err != nil {
		return nil, err
	}
	views, err := s.appointments(ctx, page.Appointments)
	if err != nil {
		return nil, err
	}
	return out(List[AppointmentView]{Items: views, NextCursor: page.Next}), nil
}

func (s *Server) getAppointment(ctx context.Context, in *ByID) (*Out[AppointmentView], error) {
	svc, err := s.booking()
	if err != nil {
		return nil, err
	}
	a, err := svc.Get(ctx, in.ID)
	return s.bookedOut(ctx, a, err)
}

func (s *Server) getAppointmentHistory(ctx context.Context, in *ByID) (*Out[List[AppointmentEventView]], error) {
	svc, err := s.booking()
	if err != nil {
		return nil, err
	}
	list, err := svc.History(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	users, err := s.deps.Identity.Names(ctx, mapped(list, func(e booking.Event) string { return e.Actor })...)
	if err != nil {
		return nil, err
	}
	return listOf(list, func(e booking.Event) AppointmentEventView {
		detail := e.Detail
		if detail == nil {
			detail = map[string]any{}
		}
		return AppointmentEventView{ID: e.ID, At: utc(e.At), Kind: e.Kind, Actor: e.Actor, Name: users[e.Actor], Channel: string(e.Channel), Detail: detail}
	}, ""), nil
}

// step runs one of the operations that only name an appointment.
func (s *Server) step(ctx context.Context, appointmentID string, fn func(*booking.Service, context.Context, string) (booking.Appointment, error)) (*Out[AppointmentView], error) {
	svc, err := s.booking()
	if err != nil {
		return nil, err
	}
	a, err := fn(svc, ctx, appointmentID)
	return s.bookedOut(ctx, a, err)
}

func (s *Server) confirmAppointment(ctx context.Context, in *ByID) (*Out[AppointmentView], error) {
	return s.step(ctx, in.ID, (*booking.Service).Confirm)
}

func (s *Server) arriveAppointment(ctx context.Context, in *ByID) (*Out[AppointmentView], error) {
	return s.step(ctx, in.ID, (*booking.Service).Arrive)
}

func (s *Server) checkInAppointment(ctx context.Context, in *ByID) (*Out[AppointmentView], error) {
	return s.step(ctx, in.ID, (*booking.Service).CheckIn)
}

func (s *Server) completeAppointment(ctx context.Context, in *ByID) (*Out[AppointmentView], error) {
	return s.step(ctx, in.ID, (*booking.Service).Complete)
}

func (s *Server) missAppointment(ctx context.Context, in *ByID) (*Out[AppointmentView], error) {
	return s.step(ctx, in.ID, (*booking.Service).Miss)
}

func (s *Server) changeAppointment(ctx context.Context, in *AppointmentChangeInput) (*Out[AppointmentView], error) {
	return s.step(ctx, in.ID, func(svc *booking.Service, ctx context.Context, appointmentID string) (booking.Appointment, error) {
		b := in.Body
		return svc.ChangeTo(ctx, appointmentID, booking.Change{Key: b.Key, SessionID: b.SessionID, NumberID: b.NumberID, Channel: channelOf(b.Channel),
			Origin: booking.Origin(b.OriginFields)})
	})
}

func (s *Server) cancelAppointment(ctx context.Context, in *AppointmentCancelInput) (*Out[AppointmentView], error) {
	return s.step(ctx, in.ID, func(svc *booking.Service, ctx context.Context, appointmentID string) (booking.Appointment, error) {
		b := in.Body
		return svc.Cancel(ctx, appointmentID, booking.Cancel{Reason: b.Reason, Channel: channelOf(b.Channel), Note: b.Note, Origin: booking.Origin(b.OriginFields)})
	})
}

func (s *Server) getCancelTerms(ctx context.Context, in *ByID) (*Out[CancelTermsView], error) {
	svc, err := s.booking()
	if err != nil {
		return nil, err
	}
	t, err := svc.CancelTerms(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	v := CancelTermsView{Allowed: t.Allowed, Until: maybe(t.Until), RefundCents: t.Refund, BanUntil: maybe(t.BanTo)}
	if !t.Allowed {
		v.Reason = &EligibilityNote{Key: t.Reason.Key, Params: t.Reason.Params}
	}
	if t.Counts {
		v.Count, v.Limit, v.Per = t.Near.Count, t.Near.Limit, string(t.Near.Per)
	}
	return out(v), nil
}

func (s *Server) acknowledgeAppointment(ctx context.Context, in *AcknowledgeInput) (*Out[AppointmentView], error) {
	return s.step(ctx, in.ID, func(svc *booking.Service, ctx context.Context, appointmentID string) (booking.Appointment, error) {
		return svc.Acknowledge(ctx, appointmentID, in.Body.Answer, channelOf(in.Body.Channel))
	})
}

// exportAppointments streams the appointments of a filter as CSV. The first
// page, read before anything is sent, tells bad filters and puts the export on
// record.
func (s *Server) exportAppointments(ctx context.Context, in *AppointmentQuery) (*huma.StreamResponse, error) {
	svc, err := s.booking()
	if err != nil {
		return nil, err
	}
	who, err := identity.Require(ctx, identity.BookingRead)
	if err != nil {
		return nil, err
	}
	f := in.filter()
	f.Limit = 1
	if _, err := svc.List(ctx, f); err != nil {
		return nil, err
	}
	if err := s.viewed(ctx, who, "booking.export", "appointment", "", in.Patient); err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hctx huma.Context) {
		_, w := raw(hctx)
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(10 * time.Minute)) // not every writer can
		w.Header().Set("Content-Type", "text/csv; charset=utf-8")
		w.Header().Set("Content-Disposition", `attachment; filename="appointments-`+s.now().In(s.zone()).Format("20060102-1504")+`.csv"`)
		if err := s.writeAppointments(ctx, w, svc, in.filter()); err != nil {
			s.log.Warn("export of appointments", "request_id", requestID(ctx), "error", err)
			panic(http.ErrAbortHandler) // a cut file must not look whole
		}
	}}, nil
}

func (s *Server) writeAppointments(ctx context.Context, w io.Writer, svc *booking.Service, f booking.Filter) error {
	if _, err := io.WriteString(w, "\ufeff"); err != nil {
		return err
	}
	out := csv.NewWriter(w)
	out.UseCRLF = true
	if err := out.Write([]string{"date", "time", "department", "doctor", "exam", "type", "seq", "code", "customer", "name", "phone", "state",
		"channel", "reference", "received_on", "fee", "paid", "queue_number", "cancel_reason", "created_at"}); err != nil {
		return err
	}
	var batch []booking.Appointment
	flush := func() error {
		views, err := s.appointments(ctx, batch)
		batch = batch[:0]
		for _, v := range views {
			if err := out.Write(s.appointmentRow(v)); err != nil {
				return err
			}
		}
		return err
	}
	for a, err := range svc.Export(ctx, f) {
		if err != nil {
			return err
		}
		if batch = append(batch, a); len(batch) == 500 {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if err := flush(); err != nil {
		return err
	}
	out.Flush()
	return out.Error()
}

func (s *Server) appointmentRow(v AppointmentView) []string {
	var who AppointmentPatient
	if v.Patient != nil {
		who = *v.Patient
	}
	row := []string{v.Date, v.StartAt.In(s.zone()).Format("15:04"), v.Department, v.Doctor, v.Exam, v.Type, strconv.Itoa(v.Seq), v.Code, who.Code,
		who.Name, who.PhoneMasked, v.State, v.Channel, v.Reference, v.ReceivedOn, strconv.FormatFloat(float64(v.FeeCents)/100, 'f', 2, 64), strconv.FormatBool(v.Paid),
		strconv.Itoa(v.QueueNumber), v.CancelReason, s.local(v.CreatedAt)}
	for i := range row {
		row[i] = harmless(row[i])
	}
	return row
}
