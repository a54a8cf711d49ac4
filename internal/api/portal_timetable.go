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

func (s *Server) portalBooking() (PortalBooking, error) {
	if s.deps.Portal.Booking == nil {
		return nil, errs.New(errs.Unavailable, "unavailable")
	}
	return s.deps.Portal.Booking, nil
}

func (s *Server) portalRules() (PortalRules, error) {
	if s.deps.Portal.Rules == nil {
		return nil, errs.New(errs.Unavailable, "unavailable")
	}
	return s.deps.Portal.Rules, nil
}

// today is the date in the hospital.
func (s *Server) today() string { return s.now().In(s.zone()).Format(time.DateOnly) }

func (s *Server) portalTimetable(ctx context.Context, in *PortalTimetableQuery) (*Out[List[PortalSession]], error) {
	b, err := s.portalBooking()
	if err != nil {
		return nil, err
	}
	today := s.today()
	f := booking.TimetableFilter{From: max(in.From, today), To: in.To, DepartmentID: in.Department, DoctorID: in.Doctor, ExamID: in.Exam,
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
	return listOf(list, func(x booking.Session) PortalSession { return s.portalSessionView(x, names) }, ""), nil
}

func (s *Server) portalSessionView(x booking.Session, names *nameBook) PortalSession {
	d, doc := names.departments[x.DepartmentID], names.doctors[x.DoctorID]
	campus := x.CampusID
	if campus == "" {
		campus = d.CampusID
	}
	return PortalSession{ID: x.ID, Date: x.Date, Period: string(x.Period), StartAt: utc(x.StartAt), EndAt: utc(x.EndAt), DepartmentID: x.DepartmentID,
		Department: d.Name, DepartmentEN: d.NameEN, DoctorID: x.DoctorID, Doctor: doc.Name, DoctorTitle: doc.Title, ExamID: x.ExamID,
		Campus: names.campuses[campus].Name, Room: x.Room, Floor: d.Floor, Type: string(x.Type), FeeCents: x.Fee, ReleaseAt: maybe(x.ReleaseAt),
		Released: !s.now().Before(x.ReleaseAt), State: string(x.State), CloseReason: x.CloseReason, Total: x.Total, Free: x.Free}
}

func (s *Server) portalSession(ctx context.Context, in *ByID) (*Out[PortalSession], error) {
	b, err := s.portalBooking()
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

// portalNumbers lists what a patient could take: free numbers of the portal's
// lanes whose time is still to come.
func (s *Server) portalNumbers(ctx context.Context, in *ByID) (*Out[List[PortalNumber]], error) {
	b, err := s.portalBooking()
	if err != nil {
		return nil, err
	}
	list, err := b.Numbers(s.guest(ctx), in.ID, booking.ChannelWeb)
	if err != nil {
		return nil, err
	}
	free := make([]booking.Number, 0, len(list))
	for _, n := range list {
		if n.State == booking.NumberFree && (n.Lane == booking.LaneShared || n.Lane == booking.LaneWeb) && n.EndAt.After(s.now()) {
			free = append(free, n)
		}
	}
	return listOf(free, func(n booking.Number) PortalNumber {
		return PortalNumber{ID: n.ID, Seq: n.Seq, StartAt: utc(n.StartAt), EndAt: utc(n.EndAt)}
	}, ""), nil
}

func (s *Server) portalTerms(ctx context.Context, in *PortalTermsQuery) (*Out[PortalTerms], error) {
	rules, err := s.portalRules()
	if err != nil {
		return nil, err
	}
	m, err := s.deps.Portal.Accounts.OwnMember(ctx, in.Member, portal.Deed{Action: "portal.terms", Object: "booking_session", ObjectID: in.ID})
	if err != nil {
		return nil, err
	}
	t, err := rules.Terms(ctx, m.PatientID, in.ID)
	if err != nil {
		return nil, err
	}
	return out(tidyTerms(t)), nil
}

func tidyTerms(t PortalTerms) PortalTerms {
	t.Reasons, t.Warnings = some(t.Reasons), some(t.Warnings)
	return t
}
