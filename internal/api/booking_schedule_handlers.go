package api

import (
	"context"
	"time"

	"heartline/internal/care/booking"
	"heartline/internal/platform/errs"
)

// lanesOf turns quotas by name into quotas by lane.
func lanesOf(in map[string]int) map[booking.Lane]int {
	out := make(map[booking.Lane]int, len(in))
	for name, n := range in {
		out[booking.Lane(name)] = n
	}
	return out
}

func (f TemplateFields) template(templateID string) booking.Template {
	if f.Weeks == "" {
		f.Weeks = string(booking.EveryWeek)
	}
	return booking.Template{ID: templateID, Version: f.Version, Weekday: time.Weekday(f.Weekday % 7), Weeks: booking.Weeks(f.Weeks), Period: booking.Period(f.Period),
		StartMinute: minuteOf(f.Start), EndMinute: minuteOf(f.End), SlotMinutes: f.SlotMinutes, Capacity: f.Capacity, Lanes: lanesOf(f.Lanes),
		LaneHours: f.LaneHours, Type: booking.NumberType(f.Type), Fee: f.FeeCents, DepartmentID: f.DepartmentID, DoctorID: f.DoctorID, ExamID: f.ExamID,
		CampusID: f.CampusID, Room: f.Room, ValidFrom: f.ValidFrom, ValidTo: f.ValidTo, Active: f.Active}
}

func templateView(p places, t booking.Template) TemplateView {
	lanes := make(map[string]int, len(t.Lanes))
	for lane, n := range t.Lanes {
		lanes[string(lane)] = n
	}
	return TemplateView{ID: t.ID, Department: p.departments[t.DepartmentID].Name, Doctor: p.doctors[t.DoctorID].Name, Exam: p.exams[t.ExamID].Name,
		Campus: p.campuses[t.CampusID].Name, UpdatedAt: utc(t.UpdatedAt),
		TemplateFields: TemplateFields{Version: t.Version, Weekday: (int(t.Weekday)+6)%7 + 1, Weeks: string(t.Weeks), Period: string(t.Period),
			Start: hourText(t.StartMinute), End: hourText(t.EndMinute), SlotMinutes: t.SlotMinutes, Capacity: t.Capacity, Lanes: lanes, LaneHours: t.LaneHours,
			Type: string(t.Type), FeeCents: t.Fee, DepartmentID: t.DepartmentID, DoctorID: t.DoctorID, ExamID: t.ExamID, CampusID: t.CampusID,
			Room: t.Room, ValidFrom: t.ValidFrom, ValidTo: t.ValidTo, Active: t.Active}}
}

func (s *Server) listTemplates(ctx context.Context, in *TemplateQuery) (*Out[List[TemplateView]], error) {
	b, err := s.booking()
	if err != nil {
		return nil, err
	}
	list, err := b.Templates(ctx, booking.TemplateFilter{DepartmentID: in.Department, DoctorID: in.Doctor, ExamID: in.Exam, CampusID: in.Campus, OnlyActive: in.OnlyActive})
	if err != nil {
		return nil, err
	}
	p, err := s.places(ctx)
	if err != nil {
		return nil, err
	}
	return listOf(list, func(t booking.Template) TemplateView { return templateView(p, t) }, ""), nil
}

func (s *Server) saveTemplate(ctx context.Context, t booking.Template) (*Out[TemplateView], error) {
	b, err := s.booking()
	if err != nil {
		return nil, err
	}
	if t, err = b.SaveTemplate(ctx, t); err != nil {
		return nil, err
	}
	p, err := s.places(ctx)
	if err != nil {
		return nil, err
	}
	return out(templateView(p, t)), nil
}

func (s *Server) createTemplate(ctx context.Context, in *TemplateInput) (*Out[TemplateView], error) {
	return s.saveTemplate(ctx, in.Body.template(""))
}

func (s *Server) updateTemplate(ctx context.Context, in *TemplateUpdateInput) (*Out[TemplateView], error) {
	return s.saveTemplate(ctx, in.Body.template(in.ID))
}

func (s *Server) deleteTemplate(ctx context.Context, in *ByID) (*Empty, error) {
	b, err := s.booking()
	if err != nil {
		return nil, err
	}
	return nil, b.DeleteTemplate(ctx, in.ID)
}

func (s *Server) generateSessions(ctx context.Context, in *GenerateInput) (*Out[GeneratedView], error) {
	b, err := s.booking()
	if err != nil {
		return nil, err
	}
	run := b.Generate
	if in.Body.DryRun {
		run = b.PlanGeneration
	}
	g, err := run(ctx, in.Body.From, in.Body.To)
	if err != nil {
		return nil, err
	}
	return out(GeneratedView{Sessions: g.Sessions, Numbers: g.Numbers, Existing: g.Existing, DryRun: g.DryRun,
		Skipped: mapped(g.Skipped, func(d booking.SkippedDay) SkippedDay { return SkippedDay(d) })}), nil
}

// plan turns the fields of a session into times of the hospital's zone.
func (s *Server) plan(f SessionPlanFields, sessionID string) (booking.Plan, error) {
	zone := s.deps.Zone
	if zone == nil {
		zone = time.UTC
	}
	day, err := time.ParseInLocation(time.DateOnly, f.Date, zone)
	if err != nil {
		return booking.Plan{}, errs.InvalidField("date", "booking.date_invalid")
	}
	at := func(text string) time.Time {
		return time.Date(day.Year(), day.Month(), day.Day(), 0, minuteOf(text), 0, 0, zone)
	}
	p := booking.Plan{SlotMinutes: f.SlotMinutes, Capacity: f.Capacity, Lanes: lanesOf(f.Lanes), Session: booking.Session{ID: sessionID, Version: f.Version,
		Date: f.Date, Period: booking.Period(f.Period), StartAt: at(f.Start), EndAt: at(f.End), DepartmentID: f.DepartmentID, DoctorID: f.DoctorID,
		ExamID: f.ExamID, CampusID: f.CampusID, Room: f.Room, Type: booking.NumberType(f.Type), Fee: f.FeeCents}}
	if f.ReleaseAt != nil {
		p.ReleaseAt = *f.ReleaseAt
	}
	return p, nil
}

// sessionOut answers with a session, or the error.
func (s *Server) sessionOut(ctx context.Context, se booking.Session, err error) (*Out[BookingSessionView], error) {
	if err != nil {
		return nil, err
	}
	p, err := s.places(ctx)
	if err != nil {
		return nil, err
	}
	return out(s.bookingSession(p, se)), nil
}

func (s *Server) saveSession(ctx context.Context, f SessionPlanFields, sessionID string) (*Out[BookingSessionView], error) {
	b, err := s.booking()
	if err != nil {
		return nil, err
	}
	p, err := s.plan(f, sessionID)
	if err != nil {
		return nil, err
	}
	se, err := b.SaveSession(ctx, p)
	return s.sessionOut(ctx, se, err)
}

func (s *Server) createSession(ctx context.Context, in *SessionPlanInput) (*Out[BookingSessionView], error) {
	return s.saveSession(ctx, in.Body, "")
}

func (s *Server) updateSession(ctx context.Context, in *SessionPlanUpdateInput) (*Out[BookingSessionView], error) {
	return s.saveSession(ctx, in.Body, in.ID)
}

func (s *Server) listAffected(ctx context.Context, in *ByID) (*Out[List[AppointmentView]], error) {
	b, err := s.booking()
	if err != nil {
		return nil, err
	}
	list, err := b.AffectedBy(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	views, err := s.appointments(ctx, list)
	if err != nil {
		return nil, err
	}
	return out(List[AppointmentView]{Items: views}), nil
}

func (s *Server) listSessionChanges(ctx context.Context, in *ByID) (*Out[List[SessionChangeView]], error) {
	b, err := s.booking()
	if err != nil {
		return nil, err
	}
	list, err := b.Changes(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return listOf(list, func(c booking.SessionChange) SessionChangeView {
		return SessionChangeView{ID: c.ID, Kind: c.Kind, OtherID: c.OtherID, At: utc(c.At), Actor: c.Actor, Reason: c.Reason, Detail: c.Detail}
	}, ""), nil
}

func (s *Server) closeSession(ctx context.Context, in *CloseSessionInput) (*Out[ClosedView], error) {
	b, err := s.booking()
	if err != nil {
		return nil, err
	}
	r, err := b.CloseSession(ctx, in.ID, booking.Closing{Reason: in.Body.Reason, SubstituteDoctorID: in.Body.SubstituteDoctorID,
		OfferReplacements: in.Body.OfferReplacements, Note: in.Body.Note})
	if err != nil {
		return nil, err
	}
	p, err := s.places(ctx)
	if err != nil {
		return nil, err
	}
	var list []booking.Appointment
	for _, x := range r.Affected {
		list = append(list, x.Appointment)
		if x.Replacement != nil {
			list = append(list, *x.Replacement)
		}
	}
	views, err := s.appointments(ctx, list)
	if err != nil {
		return nil, err
	}
	v := ClosedView{ChangeID: r.ChangeID, Session: s.bookingSession(p, r.Session), RefundedCents: r.Refunded, Notified: r.Notified, Replaced: r.Replaced,
		Affected: []AffectedView{}}
	for _, x := range r.Affected {
		a := AffectedView{Appointment: views[0], RefundedCents: x.Refunded, Notified: x.Notified}
		views = views[1:]
		if x.Replacement != nil {
			a.Replacement, views = &views[0], views[1:]
		}
		v.Affected = append(v.Affected, a)
	}
	return out(v), nil
}

func (s *Server) reopenSession(ctx context.Context, in *ByID) (*Out[BookingSessionView], error) {
	b, err := s.booking()
	if err != nil {
		return nil, err
	}
	se, err := b.Reopen(ctx, in.ID)
	return s.sessionOut(ctx, se, err)
}

func (s *Server) substituteSession(ctx context.Context, in *SubstituteInput) (*Out[BookingSessionView], error) {
	b, err := s.booking()
	if err != nil {
		return nil, err
	}
	if _, err := s.deps.Hospital.Doctor(ctx, in.Body.DoctorID); errs.Is(err, errs.NotFound) {
		return nil, errs.InvalidField("doctor_id", "booking.unknown_reference")
	}
	se, err := b.Substitute(ctx, in.ID, in.Body.DoctorID)
	return s.sessionOut(ctx, se, err)
}

func (s *Server) swapSessions(ctx context.Context, in *SwapInput) (*Out[List[BookingSessionView]], error) {
	b, err := s.booking()
	if err != nil {
		return nil, err
	}
	mode := in.Body.Mode
	if mode == "" {
		mode = booking.SwapDoctors
	}
	if err := b.SwapBy(ctx, in.ID, in.Body.With, mode); err != nil {
		return nil, err
	}
	p, err := s.places(ctx)
	if err != nil {
		return nil, err
	}
	v := List[BookingSessionView]{Items: []BookingSessionView{}}
	for _, sessionID := range []string{in.ID, in.Body.With} {
		se, err := b.Session(ctx, sessionID)
		if err != nil {
			return nil, err
		}
		v.Items = append(v.Items, s.bookingSession(p, se))
	}
	return out(v), nil
}

func (s *Server) addNumbers(ctx context.Context, in *AddNumbersInput) (*Out[BookingSessionView], error) {
	b, err := s.booking()
	if err != nil {
		return nil, err
	}
	se, err := b.AddNumbers(ctx, in.ID, in.Body.Count, booking.Consent{By: in.Body.ConsentBy, Evidence: in.Body.Evidence})
	return s.sessionOut(ctx, se, err)
}

func (f ExamFields) exam(examID string) booking.ExamItem {
	return booking.ExamItem{ID: examID, Version: f.Version, Code: f.Code, Name: f.Name, NameEN: f.NameEN, DepartmentID: f.DepartmentID, CampusID: f.CampusID,
		Room: f.Room, Equipment: f.Equipment, Minutes: f.Minutes, Preparation: f.Preparation, PreparationEN: f.PreparationEN, Fasting: f.Fasting,
		Fee: f.FeeCents, Active: f.Active, After: mapped(f.After, func(x ExamExclusion) booking.Exclusion { return booking.Exclusion(x) })}
}

func examView(p places, e booking.ExamItem) ExamView {
	return ExamView{ID: e.ID, Department: p.departments[e.DepartmentID].Name, Campus: p.campuses[e.CampusID].Name, UpdatedAt: utc(e.UpdatedAt),
		ExamFields: ExamFields{Version: e.Version, Code: e.Code, Name: e.Name, NameEN: e.NameEN, DepartmentID: e.DepartmentID, CampusID: e.CampusID,
			Room: e.Room, Equipment: e.Equipment, Minutes: e.Minutes, Preparation: e.Preparation, PreparationEN: e.PreparationEN, Fasting: e.Fasting,
			FeeCents: e.Fee, Active: e.Active, After: mapped(e.After, func(x booking.Exclusion) ExamExclusion { return ExamExclusion(x) })}}
}

func (s *Server) listExams(ctx context.Context, _ *None) (*Out[List[ExamView]], error) {
	b, err := s.booking()
	if err != nil {
		return nil, err
	}
	list, err := b.ExamItems(ctx)
	if err != nil {
		return nil, err
	}
	p, err := s.places(ctx)
	if err != nil {
		return nil, err
	}
	return listOf(list, func(e booking.ExamItem) ExamView { return examView(p, e) }, ""), nil
}

func (s *Server) listExamDefaults(ctx context.Context, _ *None) (*Out[List[ExamDefaultView]], error) {
	b, err := s.booking()
	if err != nil {
		return nil, err
	}
	have, err := b.ExamItems(ctx)
	if err != nil {
		return nil, err
	}
	taken := make(map[string]bool, len(have))
	for _, e := range have {
		taken[e.Code] = true
	}
	return listOf(booking.DefaultExams(), func(d booking.ExamSeed) ExamDefaultView {
		v := ExamDefaultView{Code: d.Code, Name: d.Name, NameEN: d.NameEN, Equipment: d.Equipment, Minutes: d.Minutes, FeeCents: d.Fee, Fasting: d.Fasting,
			Preparation: d.Preparation, PreparationEN: d.PreparationEN, After: d.After, Taken: taken[d.Code]}
		if v.After == nil {
			v.After = map[string]int{}
		}
		return v
	}, ""), nil
}

// examOut answers with an examination, or the error.
func (s *Server) examOut(ctx context.Context, e booking.ExamItem, err error) (*Out[ExamView], error) {
	if err != nil {
		return nil, err
	}
	p, err := s.places(ctx)
	if err != nil {
		return nil, err
	}
	return out(examView(p, e)), nil
}

func (s *Server) getExam(ctx context.Context, in *ByID) (*Out[ExamView], error) {
	b, err := s.booking()
	if err != nil {
		return nil, err
	}
	e, err := b.ExamItem(ctx, in.ID)
	return s.examOut(ctx, e, err)
}

func (s *Server) createExam(ctx context.Context, in *ExamInput) (*Out[ExamView], error) {
	b, err := s.booking()
	if err != nil {
		return nil, err
	}
	e, err := b.SaveExamItem(ctx, in.Body.exam(""))
	return s.examOut(ctx, e, err)
}

func (s *Server) updateExam(ctx context.Context, in *ExamUpdateInput) (*Out[ExamView], error) {
	b, err := s.booking()
	if err != nil {
		return nil, err
	}
	e, err := b.SaveExamItem(ctx, in.Body.exam(in.ID))
	return s.examOut(ctx, e, err)
}

func (s *Server) deleteExam(ctx context.Context, in *ByID) (*Empty, error) {
	b, err := s.booking()
	if err != nil {
		return nil, err
	}
	return nil, b.DeleteExamItem(ctx, in.ID)
}
