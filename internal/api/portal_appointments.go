package api

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"heartline/internal/care/booking"
	"heartline/internal/care/ledger"
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
	b, err := s.bookings()
	if err != nil {
		return booking.Appointment{}, portal.Member{}, err
	}
	a, err := b.Get(ctx, appointmentID)
	if errs.Is(err, errs.NotFound) {
		_, err = s.deps.Portal.Own(ctx, "", portal.Deed{Action: action, Object: "appointment", ObjectID: appointmentID})
	}
	return a, memberOf(ctx, a.PatientID), err
}

// appointmentViewer shows appointments with names.
func (s *Server) appointmentViewer(ctx context.Context, list ...booking.Appointment) (func(booking.Appointment) PortalAppointment, error) {
	names, err := s.directoryOf(ctx)
	if err != nil {
		return nil, err
	}
	ids := make([]string, 0, len(list))
	exams := false
	for _, a := range list {
		ids = append(ids, a.SessionID)
		exams = exams || a.ExamID != ""
	}
	sessions, err := s.deps.Booking.Sessions(s.guest(ctx), ids)
	if err != nil {
		return nil, err
	}
	items := map[string]booking.ExamItem{}
	if exams {
		all, err := s.deps.Booking.ExamItems(s.guest(ctx))
		if err != nil {
			return nil, err
		}
		for _, x := range all {
			items[x.ID] = x
		}
	}
	return func(a booking.Appointment) PortalAppointment {
		return s.portalAppointmentView(a, memberOf(ctx, a.PatientID), sessions[a.SessionID], items[a.ExamID], names)
	}, nil
}

func (s *Server) portalAppointmentView(a booking.Appointment, m portal.Member, x booking.Session, exam booking.ExamItem, names *nameBook) PortalAppointment {
	d, doc := names.departments[a.DepartmentID], names.doctors[a.DoctorID]
	c := names.campusOf(x.CampusID, d)
	coming := a.StartAt.After(s.now())
	return PortalAppointment{ID: a.ID, Code: a.Code, MemberID: m.ID, Member: m.Name, SessionID: a.SessionID, Seq: a.Seq, Date: a.Date,
		StartAt: utc(a.StartAt), EndAt: utc(a.EndAt), DepartmentID: a.DepartmentID, Department: d.Name, DepartmentEN: d.NameEN,
		DoctorID: a.DoctorID, Doctor: doc.Name, DoctorTitle: doc.Title, Exam: exam.Name, ExamEN: exam.NameEN, Preparation: exam.Preparation,
		PreparationEN: exam.PreparationEN, Campus: c.Name, Address: c.Address, Transit: c.Transit,
		Room: x.Room, Floor: d.Floor, Type: string(a.Type), State: string(a.State), FeeCents: a.Fee, Paid: a.Paid, ByCard: a.HoldID != "", Confirmed: a.Confirmed,
		CancelReason: a.CancelReason, ExpiresAt: maybe(a.ExpiresAt), QueueNumber: a.QueueNumber, CreatedAt: utc(a.CreatedAt),
		CanChange: coming && a.Allows(booking.ActChange), CanCancel: coming && a.Allows(booking.ActCancel),
		CanConfirm: coming && (a.Allows(booking.ActConfirm) || !a.Confirmed && a.Allows(booking.ActAcknowledge) && a.StartAt.Sub(s.now()) < 72*time.Hour)}
}

// appointmentOut answers with an appointment, or the error.
func (s *Server) appointmentOut(ctx context.Context, a booking.Appointment, err error) (*Out[PortalAppointment], error) {
	if err != nil {
		return nil, err
	}
	view, err := s.appointmentViewer(ctx, a)
	if err != nil {
		return nil, err
	}
	return out(view(a)), nil
}

func (s *Server) portalAppointments(ctx context.Context, in *PortalListQuery) (*Out[List[PortalAppointment]], error) {
	b, err := s.bookings()
	if err != nil {
		return nil, err
	}
	var list []booking.Appointment
	seen := map[string]bool{}
	for _, m := range membersOf(ctx) {
		if seen[m.PatientID] {
			continue
		}
		seen[m.PatientID] = true
		page, err := b.List(ctx, booking.Filter{PatientID: m.PatientID, Limit: 200})
		if err != nil {
			return nil, err
		}
		for _, a := range page.Appointments {
			if s.over(a) == in.Past {
				list = append(list, a)
			}
		}
	}
	slices.SortFunc(list, func(a, b booking.Appointment) int {
		if in.Past {
			a, b = b, a
		}
		return cmp.Or(a.StartAt.Compare(b.StartAt), cmp.Compare(a.ID, b.ID))
	})
	list = list[:min(len(list), 100)]
	view, err := s.appointmentViewer(ctx, list...)
	if err != nil {
		return nil, err
	}
	return listOf(list, view, ""), nil
}

// over reports whether there is nothing left to come of an appointment.
func (s *Server) over(a booking.Appointment) bool { return !a.State.Active() || a.Date < s.today() }

func (s *Server) portalAppointment(ctx context.Context, in *ByID) (*Out[PortalAppointment], error) {
	a, _, err := s.ownAppointment(ctx, in.ID, "portal.appointment")
	return s.appointmentOut(ctx, a, err)
}

func (s *Server) portalBook(ctx context.Context, in *PortalBookInput) (*Out[PortalAppointment], error) {
	b, err := s.bookings()
	if err != nil {
		return nil, err
	}
	m, err := s.deps.Portal.OwnMember(ctx, in.Body.MemberID, portal.Deed{Action: "portal.book", Object: "booking_session", ObjectID: in.Body.SessionID})
	if err != nil {
		return nil, err
	}
	a, err := b.Book(ctx, booking.Request{Key: portalKey(ctx, in.Body.Key), PatientID: m.PatientID, SessionID: in.Body.SessionID,
		NumberID: in.Body.NumberID, Channel: booking.ChannelWeb, UseCard: in.Body.UseCard})
	return s.appointmentOut(ctx, a, err)
}

func (s *Server) portalChange(ctx context.Context, in *PortalChangeInput) (*Out[PortalAppointment], error) {
	_, _, err := s.ownAppointment(ctx, in.ID, "portal.change")
	if err != nil {
		return nil, err
	}
	a, err := s.deps.Booking.ChangeTo(ctx, in.ID, booking.Change{Key: portalKey(ctx, in.Body.Key), SessionID: in.Body.SessionID,
		NumberID: in.Body.NumberID, Channel: booking.ChannelWeb})
	return s.appointmentOut(ctx, a, err)
}

func (s *Server) portalCancel(ctx context.Context, in *ByID) (*Out[PortalAppointment], error) {
	_, _, err := s.ownAppointment(ctx, in.ID, "portal.cancel")
	if err != nil {
		return nil, err
	}
	a, err := s.deps.Booking.Cancel(ctx, in.ID, booking.Cancel{Reason: booking.CancelPatient, Channel: booking.ChannelWeb})
	return s.appointmentOut(ctx, a, err)
}

// portalConfirm ends a hold, or says that the patient will come.
func (s *Server) portalConfirm(ctx context.Context, in *ByID) (*Out[PortalAppointment], error) {
	a, _, err := s.ownAppointment(ctx, in.ID, "portal.confirm")
	if err != nil {
		return nil, err
	}
	if a.State == booking.Requested {
		a, err = s.deps.Booking.Confirm(ctx, in.ID)
	} else {
		a, err = s.deps.Booking.Acknowledge(ctx, in.ID, "confirm", booking.ChannelWeb)
	}
	return s.appointmentOut(ctx, a, err)
}

// portalCard shows a prepaid card to those who proved that it is theirs.
func (s *Server) portalCard(ctx context.Context, in *PortalCardQuery) (*Out[PortalCardView], error) {
	if s.deps.Ledger == nil {
		return nil, errs.New(errs.Unavailable, "unavailable")
	}
	m, err := s.deps.Portal.OwnMember(ctx, in.Member, portal.Deed{Action: "portal.card", Object: "portal_member", ObjectID: in.Member})
	if err != nil {
		return nil, err
	}
	if m.State != portal.Verified {
		return nil, errs.New(errs.Denied, "portal.unverified")
	}
	card, err := s.deps.Ledger.Account(ctx, m.PatientID)
	if err != nil {
		return nil, err
	}
	page, err := s.deps.Ledger.Entries(ctx, m.PatientID, "", 50)
	if err != nil {
		return nil, err
	}
	return out(PortalCardView{BalanceCents: card.Balance(), HeldCents: card.Held, AvailableCents: card.Available,
		Entries: mapped(page.Transactions, portalCardEntry)}), nil
}

func portalCardEntry(t ledger.Transaction) PortalCardEntry {
	return PortalCardEntry{ID: t.ID, At: utc(t.At), Kind: string(t.Kind), AmountCents: t.Amount}
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
