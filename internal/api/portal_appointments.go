package api

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"heartline/internal/care/booking"
	"heartline/internal/care/portal"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/identity"
)

// portalKey keeps the idempotency keys of accounts apart: nobody reaches the
// answer to another account's request by its key.
func portalKey(ctx context.Context, key string) string {
	p, _ := identity.From(ctx)
	sum := sha256.Sum256([]byte(p.UserID + "\x00" + key))
	return "portal-" + hex.EncodeToString(sum[:16])
}

// ownAppointment returns an appointment of the account's people. For another
// person's, or for none, the answer is the same and the attempt is noted.
func (s *Server) ownAppointment(ctx context.Context, appointmentID, action string) (booking.Appointment, portal.Member, error) {
	b, err := s.portalBooking()
	if err != nil {
		return booking.Appointment{}, portal.Member{}, err
	}
	a, err := b.Get(ctx, appointmentID)
	if err != nil && !errs.Is(err, errs.NotFound) {
		return a, portal.Member{}, err
	}
	m, err := s.deps.Portal.Accounts.Own(ctx, a.PatientID, portal.Deed{Action: action, Object: "appointment", ObjectID: appointmentID})
	return a, m, err
}

// appointmentViewer shows appointments with names.
func (s *Server) appointmentViewer(ctx context.Context) (func(booking.Appointment, portal.Member) PortalAppointment, error) {
	names, err := s.directoryOf(ctx)
	if err != nil {
		return nil, err
	}
	rooms := map[string]string{}
	return func(a booking.Appointment, m portal.Member) PortalAppointment {
		return s.portalAppointmentView(ctx, a, m, names, rooms)
	}, nil
}

func (s *Server) portalAppointmentView(ctx context.Context, a booking.Appointment, m portal.Member, names *nameBook, rooms map[string]string) PortalAppointment {
	d, doc := names.departments[a.DepartmentID], names.doctors[a.DoctorID]
	c := names.campuses[d.CampusID]
	if _, known := rooms[a.SessionID]; !known && s.deps.Portal.Booking != nil {
		x, err := s.deps.Portal.Booking.Session(s.guest(ctx), a.SessionID)
		if err == nil {
			rooms[a.SessionID] = x.Room
		}
	}
	coming := (a.State == booking.Scheduled || a.State == booking.Requested) && a.StartAt.After(s.now())
	v := PortalAppointment{ID: a.ID, Code: a.Code, MemberID: m.ID, Member: m.Name, SessionID: a.SessionID, Seq: a.Seq, Date: a.Date,
		StartAt: utc(a.StartAt), EndAt: utc(a.EndAt), DepartmentID: a.DepartmentID, Department: d.Name, DepartmentEN: d.NameEN,
		DoctorID: a.DoctorID, Doctor: doc.Name, DoctorTitle: doc.Title, Campus: c.Name, Address: c.Address, Transit: c.Transit,
		Room: rooms[a.SessionID], Floor: d.Floor, Type: string(a.Type), State: string(a.State), FeeCents: a.Fee, Paid: a.Paid, Confirmed: a.Confirmed,
		CancelReason: a.CancelReason, ExpiresAt: maybe(a.ExpiresAt), QueueNumber: a.QueueNumber, CreatedAt: utc(a.CreatedAt),
		CanChange: coming && a.State == booking.Scheduled, CanCancel: coming,
		CanConfirm: coming && (a.State == booking.Requested || !a.Confirmed && a.StartAt.Sub(s.now()) < 72*time.Hour)}
	if a.ExamID != "" && s.deps.Portal.Rules != nil {
		if name, prep, err := s.deps.Portal.Rules.Exam(s.guest(ctx), a.ExamID); err == nil {
			v.Exam, v.Preparation = name, prep
		}
	}
	return v
}

// appointmentOut answers with an appointment, or the error.
func (s *Server) appointmentOut(ctx context.Context, a booking.Appointment, m portal.Member, err error) (*Out[PortalAppointment], error) {
	if err != nil {
		return nil, err
	}
	view, err := s.appointmentViewer(ctx)
	if err != nil {
		return nil, err
	}
	return out(view(a, m)), nil
}

func (s *Server) portalAppointments(ctx context.Context, in *PortalListQuery) (*Out[List[PortalAppointment]], error) {
	b, err := s.portalBooking()
	if err != nil {
		return nil, err
	}
	members, err := s.deps.Portal.Accounts.Members(ctx)
	if err != nil {
		return nil, err
	}
	view, err := s.appointmentViewer(ctx)
	if err != nil {
		return nil, err
	}
	items := []PortalAppointment{}
	for _, m := range members {
		deed := portal.Deed{Action: "portal.appointments", Object: "portal_member", ObjectID: m.ID}
		if _, err := s.deps.Portal.Accounts.OwnMember(ctx, m.ID, deed); err != nil {
			return nil, err
		}
		page, err := b.List(ctx, booking.Filter{PatientID: m.PatientID, Limit: 200})
		if err != nil {
			return nil, err
		}
		for _, a := range page.Appointments {
			if s.over(a) == in.Past {
				items = append(items, view(a, m))
			}
		}
	}
	slices.SortFunc(items, func(a, b PortalAppointment) int {
		if in.Past {
			a, b = b, a
		}
		return cmp.Or(a.StartAt.Compare(b.StartAt), cmp.Compare(a.ID, b.ID))
	})
	return out(List[PortalAppointment]{Items: items[:min(len(items), 100)]}), nil
}

// over reports whether there is nothing left to come of an appointment.
func (s *Server) over(a booking.Appointment) bool { return !a.State.Active() || a.Date < s.today() }

func (s *Server) portalAppointment(ctx context.Context, in *ByID) (*Out[PortalAppointment], error) {
	a, m, err := s.ownAppointment(ctx, in.ID, "portal.appointment")
	return s.appointmentOut(ctx, a, m, err)
}

func (s *Server) portalBook(ctx context.Context, in *PortalBookInput) (*Out[PortalAppointment], error) {
	b, err := s.portalBooking()
	if err != nil {
		return nil, err
	}
	m, err := s.deps.Portal.Accounts.OwnMember(ctx, in.Body.MemberID, portal.Deed{Action: "portal.book", Object: "booking_session", ObjectID: in.Body.SessionID})
	if err != nil {
		return nil, err
	}
	a, err := b.Book(ctx, booking.Request{Key: portalKey(ctx, in.Body.Key), PatientID: m.PatientID, SessionID: in.Body.SessionID,
		NumberID: in.Body.NumberID, Channel: booking.ChannelWeb, UseCard: in.Body.UseCard})
	return s.appointmentOut(ctx, a, m, err)
}

func (s *Server) portalChange(ctx context.Context, in *PortalChangeInput) (*Out[PortalAppointment], error) {
	_, m, err := s.ownAppointment(ctx, in.ID, "portal.change")
	if err != nil {
		return nil, err
	}
	a, err := s.deps.Portal.Booking.ChangeTo(ctx, in.ID, booking.Change{Key: portalKey(ctx, in.Body.Key), SessionID: in.Body.SessionID,
		NumberID: in.Body.NumberID, Channel: booking.ChannelWeb})
	return s.appointmentOut(ctx, a, m, err)
}

func (s *Server) portalCancel(ctx context.Context, in *ByID) (*Out[PortalAppointment], error) {
	_, m, err := s.ownAppointment(ctx, in.ID, "portal.cancel")
	if err != nil {
		return nil, err
	}
	a, err := s.deps.Portal.Booking.Cancel(ctx, in.ID, booking.Cancel{Reason: booking.CancelPatient, Channel: booking.ChannelWeb})
	return s.appointmentOut(ctx, a, m, err)
}

// portalConfirm ends a hold, or says that the patient will come.
func (s *Server) portalConfirm(ctx context.Context, in *ByID) (*Out[PortalAppointment], error) {
	a, m, err := s.ownAppointment(ctx, in.ID, "portal.confirm")
	if err != nil {
		return nil, err
	}
	if a.State == booking.Requested {
		a, err = s.deps.Portal.Booking.Confirm(ctx, in.ID)
	} else {
		a, err = s.deps.Portal.Booking.Acknowledge(ctx, in.ID, "confirm")
	}
	return s.appointmentOut(ctx, a, m, err)
}

func (s *Server) portalCancelTerms(ctx context.Context, in *ByID) (*Out[PortalTerms], error) {
	rules, err := s.portalRules()
	if err != nil {
		return nil, err
	}
	a, _, err := s.ownAppointment(ctx, in.ID, "portal.terms")
	if err != nil {
		return nil, err
	}
	t, err := rules.CancelTerms(ctx, a)
	if err != nil {
		return nil, err
	}
	return out(tidyTerms(t)), nil
}

func (s *Server) portalCard(ctx context.Context, in *PortalCardQuery) (*Out[PortalCardView], error) {
	if s.deps.Portal.Card == nil {
		return nil, errs.New(errs.Unavailable, "unavailable")
	}
	m, err := s.deps.Portal.Accounts.OwnMember(ctx, in.Member, portal.Deed{Action: "portal.card", Object: "ledger_account"})
	if err != nil {
		return nil, err
	}
	if m.State != portal.Verified {
		return nil, errs.New(errs.Denied, "portal.unverified")
	}
	v, err := s.deps.Portal.Card.Card(ctx, m.PatientID, 50)
	if err != nil {
		return nil, err
	}
	v.Entries = some(v.Entries)
	return out(v), nil
}

func (s *Server) listPortalMembers(ctx context.Context, in *PortalUnverifiedQuery) (*Out[List[PortalMemberRow]], error) {
	accounts, err := s.accounts()
	if err != nil {
		return nil, err
	}
	list, err := accounts.Unverified(ctx, in.Patient)
	if err != nil {
		return nil, err
	}
	return listOf(list, portalMemberRow, ""), nil
}

func portalMemberRow(m portal.Member) PortalMemberRow {
	return PortalMemberRow{PortalMember: portalMember(m), PatientID: m.PatientID}
}

func (s *Server) verifyPortalMember(ctx context.Context, in *ByID) (*Out[PortalMemberRow], error) {
	accounts, err := s.accounts()
	if err != nil {
		return nil, err
	}
	m, err := accounts.Verify(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return out(portalMemberRow(m)), nil
}

func (s *Server) rejectPortalMember(ctx context.Context, in *ByID) (*Empty, error) {
	accounts, err := s.accounts()
	if err != nil {
		return nil, err
	}
	return nil, accounts.Reject(ctx, in.ID)
}
