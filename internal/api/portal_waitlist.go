package api

import (
	"context"

	"heartline/internal/care/booking"
	"heartline/internal/care/portal"
)

// waits lists the waitlist entries of the account's people, with whose they are.
func (s *Server) waits(ctx context.Context) ([]booking.WaitEntry, map[string]portal.Member, error) {
	rules, err := s.bookings()
	if err != nil {
		return nil, nil, err
	}
	members := membersOf(ctx)
	whose := make(map[string]portal.Member, len(members))
	var all []booking.WaitEntry
	for _, m := range members {
		whose[m.PatientID] = m
		list, err := rules.Waitlist(ctx, booking.WaitFilter{PatientID: m.PatientID, Limit: 50})
		if err != nil {
			return nil, nil, err
		}
		all = append(all, list...)
	}
	return all, whose, nil
}

// ownWait returns an entry of the account's people; anything else is refused
// and noted.
func (s *Server) ownWait(ctx context.Context, entryID, action string) (booking.WaitEntry, portal.Member, error) {
	all, _, err := s.waits(ctx)
	if err != nil {
		return booking.WaitEntry{}, portal.Member{}, err
	}
	var e booking.WaitEntry
	for _, x := range all {
		if x.ID == entryID {
			e = x
		}
	}
	m, err := s.deps.Portal.Own(ctx, e.PatientID, portal.Deed{Action: action, Object: "waitlist", ObjectID: entryID})
	return e, m, err
}

// waitViewer shows entries with names and, for an offer, what is offered.
func (s *Server) waitViewer(ctx context.Context) (func(booking.WaitEntry, portal.Member) PortalWait, error) {
	names, err := s.directoryOf(ctx)
	if err != nil {
		return nil, err
	}
	return func(e booking.WaitEntry, m portal.Member) PortalWait {
		d := names.departments[e.DepartmentID]
		v := PortalWait{ID: e.ID, MemberID: m.ID, Member: m.Name, DepartmentID: e.DepartmentID, Department: d.Name, DepartmentEN: d.NameEN,
			DoctorID: e.DoctorID, Doctor: names.doctors[e.DoctorID].Name, Period: string(e.Period), From: e.From, To: e.To, State: string(e.State),
			Place: e.Place, OfferUntil: maybe(e.OfferUntil), CreatedAt: utc(e.CreatedAt)}
		if e.State == booking.OfferMade && e.AppointmentID != "" && s.deps.Booking != nil {
			if a, err := s.deps.Booking.Get(ctx, e.AppointmentID); err == nil {
				v.OfferStartAt, v.OfferDoctor = maybe(a.StartAt), names.doctors[a.DoctorID].Name
			}
		}
		return v
	}, nil
}

func (s *Server) waitOut(ctx context.Context, e booking.WaitEntry, m portal.Member, err error) (*Out[PortalWait], error) {
	if err != nil {
		return nil, err
	}
	view, err := s.waitViewer(ctx)
	if err != nil {
		return nil, err
	}
	return out(view(e, m)), nil
}

func (s *Server) portalWaitlist(ctx context.Context, _ *None) (*Out[List[PortalWait]], error) {
	all, whose, err := s.waits(ctx)
	if err != nil {
		return nil, err
	}
	for _, m := range whose {
		if _, err := s.deps.Portal.OwnMember(ctx, m.ID, portal.Deed{Action: "portal.waitlist", Object: "portal_member", ObjectID: m.ID}); err != nil {
			return nil, err
		}
	}
	view, err := s.waitViewer(ctx)
	if err != nil {
		return nil, err
	}
	items := []PortalWait{}
	for _, e := range all {
		if e.State == booking.Waiting || e.State == booking.OfferMade {
			items = append(items, view(e, whose[e.PatientID]))
		}
	}
	return out(List[PortalWait]{Items: items}), nil
}

func (s *Server) portalJoinWaitlist(ctx context.Context, in *PortalWish) (*Out[PortalWait], error) {
	rules, err := s.bookings()
	if err != nil {
		return nil, err
	}
	b := in.Body
	m, err := s.deps.Portal.OwnMember(ctx, b.MemberID, portal.Deed{Action: "portal.wait", Object: "department", ObjectID: b.DepartmentID})
	if err != nil {
		return nil, err
	}
	e, err := rules.JoinWaitlist(ctx, booking.Wish{PatientID: m.PatientID, DepartmentID: b.DepartmentID, DoctorID: b.DoctorID,
		Period: booking.Period(b.Period), From: b.From, To: b.To, Channel: booking.ChannelWeb})
	return s.waitOut(ctx, e, m, err)
}

func (s *Server) portalLeaveWaitlist(ctx context.Context, in *ByID) (*Empty, error) {
	if _, _, err := s.ownWait(ctx, in.ID, "portal.unwait"); err != nil {
		return nil, err
	}
	_, err := s.deps.Booking.LeaveWaitlist(ctx, in.ID)
	return nil, err
}

func (s *Server) portalAcceptOffer(ctx context.Context, in *ByID) (*Out[PortalAppointment], error) {
	if _, _, err := s.ownWait(ctx, in.ID, "portal.accept"); err != nil {
		return nil, err
	}
	e, err := s.deps.Booking.AcceptOffer(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	a, err := s.deps.Booking.Get(ctx, e.AppointmentID)
	return s.appointmentOut(ctx, a, err)
}

func (s *Server) portalDeclineOffer(ctx context.Context, in *ByID) (*Out[PortalWait], error) {
	_, m, err := s.ownWait(ctx, in.ID, "portal.decline")
	if err != nil {
		return nil, err
	}
	e, err := s.deps.Booking.DeclineOffer(ctx, in.ID)
	return s.waitOut(ctx, e, m, err)
}
