package api

import (
	"context"
	"errors"
	"runtime"
	"strconv"

	"heartline/internal/platform/alarm"
	"heartline/internal/platform/audit"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/job"
)

func (s *Server) listAudit(ctx context.Context, in *AuditQuery) (*Out[List[AuditRow]], error) {
	if err := in.check(0); err != nil {
		return nil, err
	}
	f := audit.Filter{From: in.From, To: in.To, Actor: in.Actor, Action: in.Action, Object: in.Object, ObjectID: in.ObjectID,
		Patient: in.Patient, Limit: in.Limit + 1}
	if in.Cursor != "" {
		before, err := strconv.ParseInt(in.Cursor, 10, 64)
		if err != nil || before < 1 {
			return nil, errs.InvalidField("query.cursor", "validation.cursor")
		}
		f.Before = before
	}
	list, err := audit.List(ctx, s.deps.DB, f)
	if err != nil {
		return nil, err
	}
	next := ""
	if len(list) > in.Limit {
		list = list[:in.Limit]
		next = strconv.FormatInt(list[in.Limit-1].Seq, 10)
	}
	return listOf(list, auditRow, next), nil
}

func auditRow(e audit.Entry) AuditRow {
	return AuditRow{ID: e.ID, At: utc(e.At), Actor: e.Actor, ActorName: e.ActorName, Action: e.Action, Object: e.Object, ObjectID: e.ObjectID,
		Patient: e.Patient, Reason: e.Reason, IP: e.IP, RequestID: e.RequestID, Detail: e.Detail}
}

func (s *Server) verifyAudit(ctx context.Context, _ *None) (*Out[AuditVerified], error) {
	n, err := audit.Verify(ctx, s.deps.DB)
	var broken *audit.Broken
	if err != nil && !errors.As(err, &broken) {
		return nil, err
	}
	v := AuditVerified{OK: err == nil, Entries: int64(n)}
	if broken != nil {
		v.BrokenAt = broken.Seq
	}
	return out(v), nil
}

func (s *Server) listJobs(ctx context.Context, in *JobQuery) (*Out[List[JobRow]], error) {
	if s.deps.Jobs == nil {
		return nil, errs.New(errs.Unavailable, "unavailable")
	}
	list, err := s.deps.Jobs.List(ctx, job.Filter{State: job.State(in.State), Kind: in.Kind, Before: in.Cursor, Limit: in.Limit + 1})
	if err != nil {
		return nil, err
	}
	next := ""
	if len(list) > in.Limit {
		list = list[:in.Limit]
		next = list[in.Limit-1].ID
	}
	return listOf(list, func(j job.Info) JobRow {
		return JobRow{ID: j.ID, Kind: j.Kind, State: string(j.State), Attempt: j.Attempt, MaxAttempts: j.MaxAttempts, RunAt: maybe(j.RunAt),
			CreatedAt: utc(j.CreatedAt), FinishedAt: maybe(j.FinishedAt), LastError: j.LastError}
	}, next), nil
}

func (s *Server) retryJob(ctx context.Context, in *ByID) (*Empty, error) {
	p, err := identity.Require(ctx, identity.SystemAdmin)
	if err != nil {
		return nil, err
	}
	if s.deps.Jobs == nil {
		return nil, errs.New(errs.Unavailable, "unavailable")
	}
	if err := s.deps.Jobs.Retry(ctx, in.ID); err != nil {
		return nil, err
	}
	return nil, s.viewed(ctx, p, "job.retry", "job", in.ID, "")
}

func (s *Server) getSystem(ctx context.Context, _ *None) (*Out[SystemView], error) {
	v := SystemView{}
	if s.deps.System != nil {
		v = s.deps.System(ctx)
	}
	v.GoVersion, v.Now, v.Version = runtime.Version(), utc(s.now()), first(v.Version, s.deps.About.Version)
	if s.deps.DB != nil {
		v.Database = string(s.deps.DB.Dialect())
	}
	if v.Listeners == nil {
		v.Listeners = map[string]string{}
	}
	v.Checks, v.Registrations, v.Trunks = some(v.Checks), some(v.Registrations), s.trunkStatus()
	v.Alarms = s.activeAlarms()
	if s.deps.Telephone != nil {
		v.LiveCalls = len(s.deps.Telephone.Live(ctx))
	}
	return out(v), nil
}

func (s *Server) activeAlarms() []AlarmView {
	if s.deps.Alarms == nil {
		return []AlarmView{}
	}
	return mapped(s.deps.Alarms.Active(), alarmView)
}

func alarmView(a alarm.Alarm) AlarmView {
	return AlarmView{Key: a.Key, Subject: a.Subject, Severity: string(a.Severity), Since: utc(a.Since), Last: utc(a.Last), Count: a.Count, Params: a.Params}
}

func (s *Server) listAlarms(context.Context, *None) (*Out[List[AlarmView]], error) {
	return out(List[AlarmView]{Items: s.activeAlarms()}), nil
}

// tryKiosk is for the demo alone.
func (s *Server) tryKiosk(ctx context.Context, _ *None) (*Out[TryKiosk], error) {
	if !s.deps.About.Demo || s.deps.TryKiosk == nil {
		return nil, errs.New(errs.NotFound, "not_found")
	}
	v, err := s.deps.TryKiosk(ctx)
	if err != nil {
		return nil, err
	}
	return out(v), nil
}

// listTryIdentities is for the demo alone.
func (s *Server) listTryIdentities(ctx context.Context, _ *None) (*Out[TryIdentities], error) {
	if !s.deps.About.Demo {
		return nil, errs.New(errs.NotFound, "not_found")
	}
	v := TryIdentities{Items: []TryIdentity{}, Numbers: []TryNumber{}}
	if s.deps.TryPeople != nil {
		people, err := s.deps.TryPeople(ctx)
		if err != nil {
			return nil, err
		}
		v.Items = some(people)
	}
	for _, n := range s.directory().Numbers() {
		v.Numbers = append(v.Numbers, TryNumber{Number: n.Number, Name: n.Name})
	}
	return out(v), nil
}
