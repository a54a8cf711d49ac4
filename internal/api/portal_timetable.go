package api

import (
	"context"
	"time"

	"heartline/internal/care/booking"
	"heartline/internal/care/portal"
	"heartline/internal/platform/errs"
)

// portalDays is how far the timetable of the portal looks ahead by itself.
const portalDays = 13

// bookings are the appointments, if this installation has them.
func (s *Server) bookings() (*booking.Service, error) {
	if s.deps.Booking == nil {
		return nil, errs.New(errs.Unavailable, "unavailable")
	}
	return s.deps.Booking, nil
}

// today is the date in the hospital.
func (s *Server) today() string { return s.now().In(s.zone()).Format(time.DateOnly) }

func (s *Server) portalTimetable(ctx context.Context, in *PortalTimetableQuery) (*Out[List[PortalSession]], error) {
	b, err := s.bookings()
	if err != nil {
		return nil, err
	}
	f := booking.TimetableFilter{From: max(in.From, s.today()), To: in.To, DepartmentID: in.Department, DoctorID: in.Doctor, ExamID: in.Exam,
		Channel: booking.ChannelWeb, OnlyFree: in.OnlyFree}
	if f.To == "" {
		f.To = s.now().In(s.zone()).AddDate(0, 0, portalDays).Format(time.DateOnly)
	}
	list, err := b.Timetable(s.guest(ctx), f)
	if err != nil {
		return nil, err
	}
	names, err := s.directoryOf(ctx)
	if err != nil {
		return nil, err
	}
	coming := list[:0:0]
	for _, x := range list {
		// Examinations follow a doctor's order: they are shown to who asks for one.
		if x.EndAt.After(s.now()) && x.ExamID == in.Exam {
			coming = append(coming, x)
		}
	}
	return listOf(coming, func(x booking.Session) PortalSession { return s.portalSessionView(x, names) }, ""), nil
}

func (s *Server) portalSessionView(x booking.Session, names *nameBook) PortalSession {
	d, doc := names.departments[x.DepartmentID], names.doctors[x.DoctorID]
	return PortalSession{ID: x.ID, Date: x.Date, Period: string(x.Period), StartAt: utc(x.StartAt), EndAt: utc(x.EndAt), DepartmentID: x.DepartmentID,
		Department: d.Name, DepartmentEN: d.NameEN, DoctorID: x.DoctorID, Doctor: doc.Name, DoctorTitle: doc.Title, ExamID: x.ExamID,
		Campus: names.campusOf(x.CampusID, d).Name, Room: x.Room, Floor: d.Floor, Type: string(x.Type), FeeCents: x.Fee, ReleaseAt: maybe(x.ReleaseAt),
		Released: !s.now().Before(x.ReleaseAt), State: string(x.State), CloseReason: x.CloseReason, Total: x.Total, Free: x.Free}
}

func (s *Server) portalSession(ctx context.Context, in *ByID) (*Out[PortalSession], error) {
	b, err := s.bookings()
	if err != nil {
		return nil, err
	}
	x, err := b.Session(s.guest(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	names, err := s.directoryOf(ctx)
	if err != nil {
		return nil, err
	}
	return out(s.portalSessionView(x, names)), nil
}

// portalNumbers lists what a patient could take: free numbers that the portal
// may give and whose time is still to come.
func (s *Server) portalNumbers(ctx context.Context, in *ByID) (*Out[List[PortalNumber]], error) {
	b, err := s.bookings()
	if err != nil {
		return nil, err
	}
	list, err := b.Numbers(s.guest(ctx), in.ID, booking.ChannelWeb)
	if err != nil {
		return nil, err
	}
	free := make([]booking.Number, 0, len(list))
	for _, n := range list {
		if n.State == booking.NumberFree && n.EndAt.After(s.now()) {
			free = append(free, n)
		}
	}
	return listOf(free, func(n booking.Number) PortalNumber {
		return PortalNumber{ID: n.ID, Seq: n.Seq, StartAt: utc(n.StartAt), EndAt: utc(n.EndAt)}
	}, ""), nil
}

// portalTerms says what booking a clinic means for a person: what Book will
// check, and until when it can be given back.
func (s *Server) portalTerms(ctx context.Context, in *PortalTermsQuery) (*Out[PortalTerms], error) {
	b, err := s.bookings()
	if err != nil {
		return nil, err
	}
	m, err := s.deps.Portal.OwnMember(ctx, in.Member, portal.Deed{Action: "portal.terms", Object: "booking_session", ObjectID: in.ID})
	if err != nil {
		return nil, err
	}
	if in.Change != "" {
		if _, _, err := s.ownAppointment(ctx, in.Change, "portal.terms"); err != nil {
			return nil, err
		}
	}
	v, err := b.EligibilityFor(ctx, booking.Request{PatientID: m.PatientID, SessionID: in.ID, NumberID: in.Number, Channel: booking.ChannelWeb}, in.Change)
	if err != nil {
		return nil, err
	}
	t := PortalTerms{Allowed: v.Allowed, Reasons: []PortalReason{}, CancelUntil: maybe(v.CancelUntil)}
	for _, r := range v.Reasons {
		t.Reasons = append(t.Reasons, PortalReason{Key: r.Key, Params: r.Params})
	}
	return out(t), nil
}

func (s *Server) portalCancelTerms(ctx context.Context, in *ByID) (*Out[PortalCancelTerms], error) {
	if _, _, err := s.ownAppointment(ctx, in.ID, "portal.terms"); err != nil {
		return nil, err
	}
	t, err := s.deps.Booking.CancelTerms(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	v := PortalCancelTerms{Allowed: t.Allowed, Until: maybe(t.Until), RefundCents: t.Refund}
	if !t.Allowed {
		v.Reason = &PortalReason{Key: t.Reason.Key, Params: t.Reason.Params}
	}
	if t.Counts {
		v.Count, v.Limit, v.Per = t.Near.Count, t.Near.Limit, string(t.Near.Per)
	}
	if !t.BanTo.IsZero() {
		v.BanUntil = maybe(t.BanTo)
	}
	return out(v), nil
}
