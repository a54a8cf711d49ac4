package api

import (
	"context"
	"time"

	"heartline/internal/insight/kpi"
	"heartline/internal/platform/errs"
)

// longestReport bounds the work of one report.
const longestReport = 400 * 24 * time.Hour

func (s *Server) reportQuery(q ReportQuery) (kpi.Query, error) {
	if s.deps.Reports == nil {
		return kpi.Query{}, errs.New(errs.Unavailable, "unavailable")
	}
	if q.To.IsZero() {
		q.To = s.now()
	}
	if q.From.IsZero() {
		local := q.To.In(s.zone())
		q.From = time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, s.zone())
	}
	if err := q.check(longestReport); err != nil {
		return kpi.Query{}, err
	}
	return kpi.Query{From: q.From, To: q.To, Queue: q.Queue}, nil
}

func figures(f kpi.Figures) Figures {
	level, hasLevel := f.ServiceLevel(kpi.ExShort)
	connected, hasConnected := f.Connection()
	abandoned, hasAbandoned := f.AbandonRate()
	asa, hasASA := f.ASA()
	aht, hasAHT := f.AHT()
	return Figures{
		Inbound: f.Inbound, Outbound: f.Outbound, Internal: f.Internal, Offered: f.Offered, Answered: f.Answered, Abandoned: f.Abandoned,
		ShortAbandoned: f.ShortAbandoned, Overflowed: f.Overflowed, Unserved: f.Unserved, IVROnly: f.SelfService, Missed: f.Missed, Failed: f.Failed,
		TransferredOut: f.TransferredOut, Transfers: f.Transfers, InService: f.AnsweredInTime, Handled: f.Handled,
		ServiceLevel: share(level, hasLevel), AnswerRate: share(connected, hasConnected), AbandonRate: share(abandoned, hasAbandoned),
		ASAMs: floatMs(asa, hasASA), AHTMs: floatMs(aht, hasAHT), TalkMs: f.Talk.Milliseconds(), HoldMs: f.Hold.Milliseconds(),
		WrapMs: f.Wrap.Milliseconds(), WaitMs: f.WaitAnswered.Milliseconds(), MaxWaitMs: f.LongestWait.Milliseconds(),
	}
}

func (s *Server) reportSummary(ctx context.Context, in *ReportQuery) (*Out[ReportSummary], error) {
	q, err := s.reportQuery(*in)
	if err != nil {
		return nil, err
	}
	sum, err := s.deps.Reports.Summary(ctx, q)
	if err != nil {
		return nil, err
	}
	dir := s.directory()
	return out(ReportSummary{
		From: utc(sum.From), To: utc(sum.To), Formulas: sum.Formulas, ServiceLevelS: int(sum.Goals.ServiceLevel.Seconds()), Total: figures(sum.Total),
		Queues: mapped(sum.Queues, func(f kpi.QueueFigures) QueueFigures {
			conf, _ := dir.Queue(f.Queue)
			return QueueFigures{Queue: f.Queue, Name: conf.Name, NameEN: conf.NameEN, Figures: figures(f.Figures)}
		}),
	}), nil
}

func (s *Server) reportIntervals(ctx context.Context, in *IntervalQuery) (*Out[List[IntervalFigures]], error) {
	q, err := s.reportQuery(in.ReportQuery)
	if err != nil {
		return nil, err
	}
	list, err := s.deps.Reports.Intervals(ctx, q, kpi.Interval(in.Interval))
	if err != nil {
		return nil, err
	}
	return listOf(list, func(b kpi.Bucket) IntervalFigures {
		return IntervalFigures{Start: utc(b.Start), Figures: figures(b.Figures)}
	}, ""), nil
}

func (s *Server) reportAgents(ctx context.Context, in *ReportQuery) (*Out[List[AgentFigures]], error) {
	q, err := s.reportQuery(*in)
	if err != nil {
		return nil, err
	}
	list, err := s.deps.Reports.Agents(ctx, q)
	if err != nil {
		return nil, err
	}
	n, err := s.namesFor(ctx, nil)
	if err != nil {
		return nil, err
	}
	dir := s.directory()
	return listOf(list, func(a kpi.AgentFigures) AgentFigures {
		profile, _ := dir.Agent(a.Agent)
		aht, hasAHT := a.AHT()
		busy, hasBusy := a.Occupancy()
		return AgentFigures{
			Agent: a.Agent, Name: n.agent(a.Agent), Number: profile.Number, Handled: a.Handled, Outbound: a.Outbound, Missed: a.NoAnswer,
			Refused: a.Refused, TalkMs: a.Talk.Milliseconds(), HoldMs: a.Hold.Milliseconds(), WrapMs: a.Wrap.Milliseconds(),
			SignedInMs: a.SignedIn.Milliseconds(), ReadyMs: a.Ready.Milliseconds(), NotReadyMs: a.NotReady.Milliseconds(),
			AHTMs: floatMs(aht, hasAHT), Occupancy: share(busy, hasBusy),
		}
	}, ""), nil
}
