package api

import (
	"cmp"
	"context"

	"heartline/internal/care/booking"
	"heartline/internal/care/booking/policy"
	"heartline/internal/care/patient"
	"heartline/internal/platform/identity"
)

// plainPolicy never shows null in place of an empty list or map.
func plainPolicy(p policy.Policy) policy.Policy {
	p.Limits, p.Penalties = some(p.Limits), some(p.Penalties)
	if p.Channels == nil {
		p.Channels = map[string]policy.Window{}
	}
	if p.CancelByType == nil {
		p.CancelByType = map[string]policy.Deadline{}
	}
	return p
}

func policyView(p booking.StoredPolicy) BookingPolicyView {
	return BookingPolicyView{ID: p.ID, Active: p.Active, CreatedAt: utc(p.CreatedAt), UpdatedAt: utc(p.UpdatedAt),
		BookingPolicyFields: BookingPolicyFields{Version: p.Version, Name: p.Name, Policy: plainPolicy(p.Policy)}}
}

func (s *Server) listPolicies(ctx context.Context, _ *None) (*Out[List[BookingPolicyView]], error) {
	b, err := s.booking()
	if err != nil {
		return nil, err
	}
	list, err := b.Policies(ctx)
	if err != nil {
		return nil, err
	}
	return listOf(list, policyView, ""), nil
}

func (s *Server) listPresets(ctx context.Context, _ *None) (*Out[List[BookingPresetView]], error) {
	b, err := s.booking()
	if err != nil {
		return nil, err
	}
	list, err := b.Presets(ctx)
	if err != nil {
		return nil, err
	}
	return listOf(list, func(p policy.Preset) BookingPresetView {
		return BookingPresetView{Code: p.Code, Name: p.Name, NameEN: p.NameEN, Source: p.Source, Policy: plainPolicy(p.Policy)}
	}, ""), nil
}

func (s *Server) savePolicy(ctx context.Context, f BookingPolicyFields, policyID string) (*Out[BookingPolicyView], error) {
	b, err := s.booking()
	if err != nil {
		return nil, err
	}
	p, err := b.SavePolicy(ctx, booking.StoredPolicy{ID: policyID, Version: f.Version, Name: f.Name, Policy: f.Policy})
	if err != nil {
		return nil, err
	}
	return out(policyView(p)), nil
}

func (s *Server) createPolicy(ctx context.Context, in *BookingPolicyInput) (*Out[BookingPolicyView], error) {
	return s.savePolicy(ctx, in.Body, "")
}

func (s *Server) updatePolicy(ctx context.Context, in *BookingPolicyUpdateInput) (*Out[BookingPolicyView], error) {
	return s.savePolicy(ctx, in.Body, in.ID)
}

func (s *Server) activatePolicy(ctx context.Context, in *ByID) (*Out[BookingPolicyView], error) {
	b, err := s.booking()
	if err != nil {
		return nil, err
	}
	p, err := b.ActivatePolicy(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return out(policyView(p)), nil
}

func (s *Server) getEligibility(ctx context.Context, in *EligibilityQuery) (*Out[EligibilityView], error) {
	b, err := s.booking()
	if err != nil {
		return nil, err
	}
	v, err := b.EligibilityFor(ctx, booking.Request{PatientID: in.Patient, SessionID: in.Session, NumberID: in.Number,
		Channel: booking.Channel(cmp.Or(in.Channel, "desk")), Lane: booking.Lane(in.Lane)}, in.Change)
	if err != nil {
		return nil, err
	}
	return out(EligibilityView{Allowed: v.Allowed, OpensAt: maybe(v.OpensAt), CancelUntil: utc(v.CancelUntil), FeeCents: v.Fee, PriceRule: v.PriceRule,
		Reasons: mapped(v.Reasons, func(r policy.Reason) EligibilityNote {
			if r.Params == nil {
				r.Params = map[string]any{}
			}
			return EligibilityNote{Key: r.Key, Params: r.Params}
		}),
		Penalties: mapped(v.Bans, func(x policy.Active) EligibilityBan {
			return EligibilityBan{ID: x.ID, Event: string(x.Event), Until: utc(x.Until)}
		})}), nil
}

func (s *Server) penaltyView(p booking.Penalty) PenaltyView {
	return PenaltyView{ID: p.ID, PatientID: p.PatientID, Event: p.Event, Count: p.Count, AppointmentID: p.AppointmentID, From: utc(p.From), Until: utc(p.Until),
		Status: string(p.State), InForce: p.State != booking.PenaltyLifted && p.Until.After(s.now()), Appeal: p.Appeal, AppealedAt: maybe(p.AppealedAt),
		DecidedBy: p.DecidedBy, DecidedAt: maybe(p.DecidedAt), Decision: p.Decision, CreatedAt: utc(p.CreatedAt)}
}

func (s *Server) listPenalties(ctx context.Context, in *PenaltyQuery) (*Out[List[PenaltyView]], error) {
	b, err := s.booking()
	if err != nil {
		return nil, err
	}
	list, err := b.Penalties(ctx, booking.PenaltyFilter{PatientID: in.Patient, State: booking.PenaltyState(in.Status), Current: in.Current, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	cards, err := s.patientCards(ctx, mapped(list, func(p booking.Penalty) string { return p.PatientID }))
	if err != nil {
		return nil, err
	}
	return listOf(list, func(p booking.Penalty) PenaltyView {
		v := s.penaltyView(p)
		if c, ok := cards[p.PatientID]; ok {
			v.Patient = appointmentPatient(c)
		}
		return v
	}, ""), nil
}

// patientCards reads the cards of some patients for readers who may see them.
func (s *Server) patientCards(ctx context.Context, ids []string) (map[string]patient.Card, error) {
	if who, _ := identity.From(ctx); !who.Has(identity.PatientRead) || len(ids) == 0 {
		return map[string]patient.Card{}, nil
	}
	return s.deps.Patients.Cards(ctx, ids)
}

func (s *Server) appealPenalty(ctx context.Context, in *AppealInput) (*Out[PenaltyView], error) {
	b, err := s.booking()
	if err != nil {
		return nil, err
	}
	p, err := b.AppealPenalty(ctx, in.ID, in.Body.Text)
	if err != nil {
		return nil, err
	}
	return out(s.penaltyView(p)), nil
}

func (s *Server) decideAppeal(ctx context.Context, in *AppealDecisionInput) (*Out[PenaltyView], error) {
	b, err := s.booking()
	if err != nil {
		return nil, err
	}
	p, err := b.DecideAppeal(ctx, in.ID, in.Body.Accept, in.Body.Note)
	if err != nil {
		return nil, err
	}
	return out(s.penaltyView(p)), nil
}

// waitViews makes views of wishes, with all names read at once.
func (s *Server) waitViews(ctx context.Context, list []booking.WaitEntry) ([]WaitView, error) {
	p, err := s.places(ctx)
	if err != nil {
		return nil, err
	}
	cards, err := s.patientCards(ctx, mapped(list, func(e booking.WaitEntry) string { return e.PatientID }))
	if err != nil {
		return nil, err
	}
	return mapped(list, func(e booking.WaitEntry) WaitView {
		v := WaitView{ID: e.ID, State: string(e.State), Place: e.Place, Department: p.departments[e.DepartmentID].Name, Doctor: p.doctors[e.DoctorID].Name,
			Exam: p.exams[e.ExamID].Name, AppointmentID: e.AppointmentID, OfferedAt: maybe(e.OfferedAt), OfferUntil: maybe(e.OfferUntil), Offers: e.Offers,
			CreatedAt: utc(e.CreatedAt), WaitFields: WaitFields{PatientID: e.PatientID, DepartmentID: e.DepartmentID, DoctorID: e.DoctorID, ExamID: e.ExamID,
				Type: string(e.Type), Period: string(e.Period), From: e.From, To: e.To, Channel: string(e.Channel), Note: e.Note,
				OriginFields: OriginFields(e.Origin)}}
		if c, ok := cards[e.PatientID]; ok {
			v.Patient = appointmentPatient(c)
		}
		return v
	}), nil
}

// waitViewOut answers with a wish, or the error.
func (s *Server) waitViewOut(ctx context.Context, e booking.WaitEntry, err error) (*Out[WaitView], error) {
	if err != nil {
		return nil, err
	}
	views, err := s.waitViews(ctx, []booking.WaitEntry{e})
	if err != nil {
		return nil, err
	}
	return out(views[0]), nil
}

func (s *Server) listWaitlist(ctx context.Context, in *WaitQuery) (*Out[List[WaitView]], error) {
	b, err := s.booking()
	if err != nil {
		return nil, err
	}
	list, err := b.Waitlist(ctx, booking.WaitFilter{PatientID: in.Patient, DepartmentID: in.Department, DoctorID: in.Doctor, Limit: in.Limit,
		States: mapped(in.State, func(x string) booking.WaitState { return booking.WaitState(x) })})
	if err != nil {
		return nil, err
	}
	views, err := s.waitViews(ctx, list)
	if err != nil {
		return nil, err
	}
	return out(List[WaitView]{Items: views}), nil
}

func (s *Server) joinWaitlist(ctx context.Context, in *WaitInput) (*Out[WaitView], error) {
	b, err := s.booking()
	if err != nil {
		return nil, err
	}
	f := in.Body
	e, err := b.JoinWaitlist(ctx, booking.Wish{PatientID: f.PatientID, DepartmentID: f.DepartmentID, DoctorID: f.DoctorID, ExamID: f.ExamID,
		Type: booking.NumberType(f.Type), Period: booking.Period(f.Period), From: f.From, To: f.To, Channel: channelOf(f.Channel), Note: f.Note,
		Origin: booking.Origin(f.OriginFields)})
	return s.waitViewOut(ctx, e, err)
}

func (s *Server) leaveWaitlist(ctx context.Context, in *ByID) (*Empty, error) {
	b, err := s.booking()
	if err != nil {
		return nil, err
	}
	_, err = b.LeaveWaitlist(ctx, in.ID)
	return nil, err
}

func (s *Server) acceptOffer(ctx context.Context, in *ByID) (*Out[WaitView], error) {
	b, err := s.booking()
	if err != nil {
		return nil, err
	}
	e, err := b.AcceptOffer(ctx, in.ID)
	return s.waitViewOut(ctx, e, err)
}

func (s *Server) declineOffer(ctx context.Context, in *ByID) (*Out[WaitView], error) {
	b, err := s.booking()
	if err != nil {
		return nil, err
	}
	e, err := b.DeclineOffer(ctx, in.ID)
	return s.waitViewOut(ctx, e, err)
}

// seriesOut answers with a series, or the error.
func (s *Server) seriesOut(ctx context.Context, x booking.Series, err error) (*Out[SeriesView], error) {
	if err != nil {
		return nil, err
	}
	var list []booking.Appointment
	for _, v := range x.Visits {
		if v.Appointment != nil {
			list = append(list, *v.Appointment)
		}
	}
	views, err := s.appointments(ctx, list)
	if err != nil {
		return nil, err
	}
	v := SeriesView{ID: x.ID, State: x.State, CreatedAt: utc(x.CreatedAt), Visits: []SeriesVisit{}, SeriesFields: seriesFields(x.SeriesRequest)}
	for _, visit := range x.Visits {
		one := SeriesVisit{Seq: visit.Seq, Date: visit.Date}
		if visit.Appointment != nil {
			one.Appointment, views = &views[0], views[1:]
		} else {
			v.Open++
		}
		v.Visits = append(v.Visits, one)
	}
	return out(v), nil
}

func seriesRequest(f SeriesFields) booking.SeriesRequest {
	return booking.SeriesRequest{Key: f.Key, PatientID: f.PatientID, DepartmentID: f.DepartmentID, DoctorID: f.DoctorID, ExamID: f.ExamID,
		Type: booking.NumberType(f.Type), Period: booking.Period(f.Period), From: f.From, EveryDays: max(f.EveryDays, 1), Times: max(f.Times, 1),
		Tolerance: f.Tolerance, Reason: f.Reason, Channel: channelOf(f.Channel), Origin: booking.Origin(f.OriginFields)}
}

func seriesFields(r booking.SeriesRequest) SeriesFields {
	return SeriesFields{Key: r.Key, PatientID: r.PatientID, DepartmentID: r.DepartmentID, DoctorID: r.DoctorID, ExamID: r.ExamID, Type: string(r.Type),
		Period: string(r.Period), From: r.From, EveryDays: r.EveryDays, Times: r.Times, Tolerance: r.Tolerance, Reason: r.Reason, Channel: string(r.Channel),
		OriginFields: OriginFields(r.Origin)}
}

func (s *Server) planSeries(ctx context.Context, in *SeriesInput) (*Out[SeriesPlanView], error) {
	b, err := s.booking()
	if err != nil {
		return nil, err
	}
	plan, err := b.PlanSeries(ctx, seriesRequest(in.Body))
	if err != nil {
		return nil, err
	}
	var list []booking.Appointment
	for _, v := range plan {
		if v.Appointment != nil {
			list = append(list, *v.Appointment)
		}
	}
	views, err := s.appointments(ctx, list)
	if err != nil {
		return nil, err
	}
	v := SeriesPlanView{Visits: []PlannedVisitView{}, Free: len(views)}
	for _, p := range plan {
		one := PlannedVisitView{Seq: p.Seq, Date: p.Date, Wished: p.Wished}
		if p.Appointment != nil {
			one.Appointment, views = &views[0], views[1:]
		} else {
			one.Why = &EligibilityNote{Key: p.Why.Key, Params: p.Why.Params}
		}
		v.Visits = append(v.Visits, one)
	}
	return out(v), nil
}

func (s *Server) listSeries(ctx context.Context, in *SeriesQuery) (*Out[List[SeriesSumView]], error) {
	b, err := s.booking()
	if err != nil {
		return nil, err
	}
	list, err := b.SeriesList(ctx, booking.SeriesFilter{PatientID: in.Patient, State: in.State, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	p, err := s.places(ctx)
	if err != nil {
		return nil, err
	}
	ids := mapped(list, func(x booking.SeriesSum) string { return x.PatientID })
	cards, err := s.patientCards(ctx, ids)
	if err != nil {
		return nil, err
	}
	return listOf(list, func(x booking.SeriesSum) SeriesSumView {
		v := SeriesSumView{SeriesFields: seriesFields(x.SeriesRequest), ID: x.ID, State: x.State, Department: p.departments[x.DepartmentID].Name,
			Doctor: p.doctors[x.DoctorID].Name, Exam: p.exams[x.ExamID].Name, Open: x.Open, Coming: x.Coming, NextDate: x.NextDate, CreatedAt: utc(x.CreatedAt)}
		if c, ok := cards[x.PatientID]; ok {
			v.Patient = appointmentPatient(c)
		}
		return v
	}, ""), nil
}

func (s *Server) bookSeries(ctx context.Context, in *SeriesInput) (*Out[SeriesView], error) {
	b, err := s.booking()
	if err != nil {
		return nil, err
	}
	x, err := b.BookSeries(ctx, seriesRequest(in.Body))
	return s.seriesOut(ctx, x, err)
}

func (s *Server) getSeries(ctx context.Context, in *ByID) (*Out[SeriesView], error) {
	b, err := s.booking()
	if err != nil {
		return nil, err
	}
	x, err := b.Series(ctx, in.ID)
	return s.seriesOut(ctx, x, err)
}

func (s *Server) cancelSeries(ctx context.Context, in *SeriesCancelInput) (*Out[SeriesView], error) {
	b, err := s.booking()
	if err != nil {
		return nil, err
	}
	x, err := b.CancelSeries(ctx, in.ID, booking.Cancel{Reason: in.Body.Reason, Channel: channelOf(in.Body.Channel), Note: in.Body.Note,
		Origin: booking.Origin(in.Body.OriginFields)})
	return s.seriesOut(ctx, x, err)
}
