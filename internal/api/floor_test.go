package api

import (
	"slices"
	"strings"
	"testing"
	"time"

	"heartline/internal/contact/acd"
	"heartline/internal/contact/call"
	"heartline/internal/platform/alarm"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/job"
	"heartline/internal/platform/store"
)

func TestDeskCommandsReachCallControl(t *testing.T) {
	e := newEnv(t)
	c := e.as("nurse", identity.RoleAgent)
	me := c.user.ID
	e.phone.put(call.LiveCall{ID: "c1", Agents: []string{me}})
	e.phone.put(call.LiveCall{ID: "c2", Agents: []string{"somebody"}})
	for _, x := range []struct {
		method, path string
		body         any
		status       int
		asked        string
	}{
		{"POST", "sign-in", map[string]any{"seat": "browser"}, 200, "sign-in " + me + " browser"},
		{"POST", "sign-in", map[string]any{"seat": "extension", "extension": "8001"}, 200, "sign-in " + me + " extension 8001"},
		{"POST", "sign-in", map[string]any{"seat": "sofa"}, 422, ""},
		{"PUT", "state", map[string]any{"ready": true}, 200, "state " + me + " true"},
		{"POST", "dial", map[string]any{"to": "138 1234 5678"}, 200, "dial " + me + " 138 1234 5678"},
		{"POST", "dial", map[string]any{"to": "sip:evil@example.org"}, 422, ""},
		{"POST", "calls/c1/answer", nil, 204, "answer " + me + " c1"},
		{"POST", "calls/c1/reject", nil, 204, "reject " + me + " c1"},
		{"POST", "calls/c1/hold", nil, 204, "hold " + me + " c1"},
		{"POST", "calls/c1/resume", nil, 204, "resume " + me + " c1"},
		{"PUT", "calls/c1/mute", map[string]any{"on": true}, 204, "mute " + me + " c1 true"},
		{"POST", "calls/c1/dtmf", map[string]any{"digits": "12a#"}, 204, "dtmf " + me + " c1 12A#"},
		{"POST", "calls/c1/dtmf", map[string]any{"digits": "12x"}, 422, ""},
		{"POST", "calls/c1/transfer", map[string]any{"kind": "queue", "target": "q1"}, 204, "transfer " + me + " c1 queue q1"},
		{"POST", "calls/c1/transfer", map[string]any{"kind": "moon", "target": "q1"}, 422, ""},
		{"POST", "calls/c1/conference", map[string]any{"kind": "extension", "target": "8002"}, 204, "conference " + me + " c1 extension 8002"},
		{"POST", "calls/c1/recording", map[string]any{"action": "pause"}, 204, "pause " + me + " c1"},
		{"POST", "calls/c1/recording", map[string]any{"action": "resume"}, 204, "unpause " + me + " c1"},
		{"POST", "calls/c1/help", nil, 204, "help " + me},
		{"POST", "calls/c2/help", nil, 404, ""},
		{"POST", "calls/c1/hangup", nil, 204, "hangup " + me + " c1"},
		{"POST", "wrap-up/done", nil, 200, "wrap-up-done " + me},
		{"POST", "sign-out", nil, 200, "sign-out " + me},
	} {
		a := c.do(x.method, "/api/desk/"+x.path, x.body).status(x.status)
		asked := e.phone.take()
		if x.asked == "" && len(asked) > 0 || x.asked != "" && !slices.Equal(asked, []string{x.asked}) {
			t.Errorf("%s: asked %q, want %q", a.what, asked, x.asked)
		}
	}
	e.phone.failWith(errs.New(errs.Conflict, "call.not_ringing"))
	c.do("POST", "/api/desk/calls/c1/answer", nil).fails(409, "call.not_ringing")
}

func TestNotReadyNeedsAReasonOfTheList(t *testing.T) {
	e := newEnv(t)
	admin, c := e.as("admin1", identity.RoleAdmin), e.as("nurse", identity.RoleAgent)
	admin.do("POST", "/api/admin/reasons", map[string]any{"code": "lunch", "name": "用餐", "enabled": true}).status(200)
	c.do("PUT", "/api/desk/state", map[string]any{"ready": false}).fails(422, "invalid", "body.reason")
	c.do("PUT", "/api/desk/state", map[string]any{"ready": false, "reason": "golf"}).fails(422, "invalid", "body.reason")
	c.do("PUT", "/api/desk/state", map[string]any{"ready": false, "reason": "lunch"}).status(200)
	o := read[DeskOptions](c.get("/api/desk/options").status(200))
	if len(o.Reasons) != 1 || o.Reasons[0].Code != "lunch" || o.DefaultSeat != "browser" {
		t.Fatalf("options %+v", o)
	}
}

func deskOf(user string) call.DeskView {
	since := time.Now()
	return call.DeskView{
		Agent:  call.DeskAgent{ID: user, Name: "李", Number: "1001", State: "talking", Since: since, Seat: "browser", BrowserConnected: true},
		Queues: []call.DeskQueue{{ID: "q1", Name: "预约", Waiting: 2, LongestWaitS: 7}},
		Calls: []call.DeskCall{{ID: "c1", Direction: "inbound", State: "talking", Number: "13812345678", NumberMasked: "138****5678", StartedAt: since,
			Recording: "on", Patients: []call.Candidate{{ID: "p1", Name: "曾小贤", Sex: "male", Age: 41, Match: "phone"}},
			Legs: []call.LegView{{ID: "l1", Party: "caller", State: "up"}}, Quality: &call.Quality{MOS: 4.3}}},
		WrapUp: &call.DeskWrapUp{Call: "c0"},
	}
}

func TestDeskShowsWhatTheReaderMaySee(t *testing.T) {
	e := newEnv(t)
	full, plain := e.as("nurse", identity.RoleAgent), e.as("operator", identity.RoleOperator)
	masked := e.with("masked", identity.CallHandle, identity.PatientRead)
	for _, c := range []*client{full, plain, masked} {
		e.phone.setDesk(c.user.ID, deskOf(c.user.ID))
	}
	v := read[DeskView](full.get("/api/desk").status(200))
	if v.Calls[0].Number != "13812345678" || v.Calls[0].Patients[0].Name != "曾小贤" || v.Calls[0].Quality.MOS != 4.3 || v.WrapUp.Call != "c0" {
		t.Fatalf("desk %+v", v)
	}
	v = read[DeskView](masked.get("/api/desk").status(200))
	if v.Calls[0].Number != "" || v.Calls[0].Patients[0].Name != "曾**" {
		t.Fatalf("masked desk %+v", v)
	}
	v = read[DeskView](plain.get("/api/desk").status(200))
	if v.Calls[0].Number != "" || len(v.Calls[0].Patients) != 0 || v.Calls[0].NumberMasked != "138****5678" {
		t.Fatalf("desk without rights %+v", v)
	}
}

func TestTransferTargets(t *testing.T) {
	e := newEnv(t, func(d *Deps) { d.Online = func(ext string) bool { return ext == "8001" } })
	admin, c, other := e.as("admin1", identity.RoleAdmin), e.as("nurse", identity.RoleAgent), e.as("nurse2", identity.RoleAgent)
	admin.do("POST", "/api/admin/queues", map[string]any{"code": "main", "name": "总台", "enabled": true, "wrap_up_s": 0}).status(200)
	for i, u := range []*client{c, other} {
		admin.do("POST", "/api/admin/agents", map[string]any{"user_id": u.user.ID, "number": "100" + string(rune('1'+i)), "enabled": true}).status(200)
	}
	for _, n := range []string{"8001", "8002"} {
		admin.do("POST", "/api/admin/extensions", map[string]any{"number": n, "name": "分机" + n, "kind": "desk_phone", "enabled": true}).status(200)
	}
	e.floor.set(acd.State{Agents: []acd.AgentLive{{Agent: c.user.ID, State: acd.Ready}, {Agent: other.user.ID, State: acd.Talking}}})
	list := read[List[TransferTarget]](c.get("/api/desk/targets").status(200)).Items
	kinds := map[string]int{}
	for _, x := range list {
		kinds[x.Kind]++
		if x.ID == c.user.ID {
			t.Error("one can transfer to oneself")
		}
	}
	if kinds["agent"] != 1 || kinds["queue"] != 1 || kinds["extension"] != 2 || !list[0].Available {
		t.Fatalf("targets %+v", list)
	}
	if list = read[List[TransferTarget]](c.get("/api/desk/targets?q=13812345678")).Items; len(list) != 1 || list[0].Kind != "external" {
		t.Fatalf("a number %+v", list)
	}
	if list = read[List[TransferTarget]](c.get("/api/desk/targets?q=8002")).Items; len(list) != 1 || list[0].Available || list[0].State != "offline" {
		t.Fatalf("an extension %+v", list)
	}
}

func TestSupervision(t *testing.T) {
	e := newEnv(t)
	boss, admin, nurse := e.as("boss1", identity.RoleSupervisor), e.as("admin1", identity.RoleAdmin), e.as("nurse", identity.RoleAgent)
	queue := read[QueueView](admin.do("POST", "/api/admin/queues", map[string]any{"code": "main", "name": "总台", "enabled": true, "wrap_up_s": 0}).status(200))
	admin.do("POST", "/api/admin/agents", map[string]any{"user_id": nurse.user.ID, "number": "1001", "enabled": true}).status(200)
	e.floor.set(acd.State{
		Queues: []acd.QueueLive{{Queue: queue.ID, Waiting: 2, Oldest: time.Now().Add(-9 * time.Second), Ready: 1,
			Today: acd.Today{Offered: 10, Answered: 6, AnsweredInTime: 5, Abandoned: 3, ShortAbandoned: 1, WaitMsAnswered: 60000, ServiceLevel: 5.0 / 8}}},
		Agents: []acd.AgentLive{{Agent: nurse.user.ID, State: acd.Talking, Call: "c1"}},
	})
	e.phone.put(call.LiveCall{ID: "c1", Direction: "inbound", Stage: "talking", Agents: []string{nurse.user.ID}, Help: true,
		Patients: []call.Candidate{{ID: "p1", Name: "曾小贤"}}})
	w := read[Wallboard](nurse.get("/api/wallboard").status(200))
	q := w.Queues[0]
	if q.Name != "总台" || q.Waiting != 2 || q.LongestWaitS < 9 || *q.Today.ASAMs != 10000 || *q.Today.ServiceLevel != 5.0/8 || *q.Today.AbandonRate != 2.0/9 {
		t.Fatalf("queue %+v %+v", q, q.Today)
	}
	if w.Totals.Talking != 1 || w.Totals.LiveCalls != 1 || w.Totals.Waiting != 2 || *w.Totals.Today.ServiceLevel != 5.0/8 || !w.Agents[0].Help || w.Agents[0].Number != "1001" {
		t.Fatalf("totals %+v %+v", w.Totals, w.Agents)
	}
	live := read[List[LiveCall]](boss.get("/api/live-calls").status(200)).Items
	if len(live) != 1 || live[0].Agents[0].Name != nurse.user.Name || live[0].Patients[0].Name != "曾小贤" {
		t.Fatalf("live %+v", live)
	}
	blind := e.with("blind", identity.SuperviseMonitor)
	if live = read[List[LiveCall]](blind.get("/api/live-calls")).Items; len(live[0].Patients) != 0 {
		t.Fatal("customers are shown without the right")
	}
	me := boss.user.ID
	for _, x := range []struct {
		method, path string
		body         any
		status       int
		asked        string
	}{
		{"POST", "/api/live-calls/c1/monitor", map[string]any{"mode": "whisper"}, 204, "monitor " + me + " c1 whisper"},
		{"POST", "/api/live-calls/c1/monitor", map[string]any{"mode": "sing"}, 422, ""},
		{"POST", "/api/live-calls/gone/monitor", map[string]any{"mode": "listen"}, 404, ""},
		{"DELETE", "/api/live-calls/c1/monitor", nil, 204, "stop-monitor " + me + " c1"},
		{"POST", "/api/live-calls/c1/hangup", nil, 204, "force-hangup " + me + " c1"},
		{"PUT", "/api/agents/" + nurse.user.ID + "/state", map[string]any{"ready": true}, 204, "force-state " + me + " " + nurse.user.ID + " true"},
		{"PUT", "/api/agents/" + nurse.user.ID + "/state", map[string]any{"sign_out": true}, 204, "force-sign-out " + me + " " + nurse.user.ID},
	} {
		boss.do(x.method, x.path, x.body).status(x.status)
		if asked := strings.Join(e.phone.take(), ";"); asked != x.asked {
			t.Errorf("%s %s: asked %q, want %q", x.method, x.path, asked, x.asked)
		}
	}
	for _, action := range []string{"call.monitor.whisper", "call.hangup", "agent.state", "agent.sign_out"} {
		if !slices.Contains(e.audited(), action) {
			t.Errorf("%s is not audited", action)
		}
	}
}

func TestReports(t *testing.T) {
	e := newEnv(t)
	boss := e.as("boss1", identity.RoleSupervisor)
	e.record("13812345678", boss.user.ID)
	sum := read[ReportSummary](boss.get("/api/reports/summary").status(200))
	if sum.Total.Inbound != 1 || sum.Total.Answered != 1 || sum.Total.ServiceLevel == nil || *sum.Total.ServiceLevel != 1 || sum.Formulas == "" {
		t.Fatalf("summary %+v", sum)
	}
	from := time.Now().Add(-3 * time.Hour).UTC().Format(time.RFC3339)
	list := read[List[IntervalFigures]](boss.get("/api/reports/intervals?interval=15m&from=" + from).status(200)).Items
	if len(list) < 12 {
		t.Fatalf("%d intervals", len(list))
	}
	agents := read[List[AgentFigures]](boss.get("/api/reports/agents").status(200)).Items
	if len(agents) != 1 || agents[0].Handled != 1 || agents[0].Name != boss.user.Name {
		t.Fatalf("agents %+v", agents)
	}
	boss.get("/api/reports/intervals?interval=15m&from=2026-01-01T00:00:00Z&to=2026-12-31T00:00:00Z").status(422)
}

func TestSystemPages(t *testing.T) {
	e := newEnv(t, func(d *Deps) {
		d.Trunks = func() []TrunkStatus { return []TrunkStatus{{ID: "t1", Name: "电信", Up: true}} }
	})
	admin := e.as("admin1", identity.RoleAdmin)
	e.alarms.Raise(alarm.Critical, "alarm.disk_full", "/data", map[string]any{"free": 1})
	v := read[SystemView](admin.get("/api/admin/system").status(200))
	if v.Database != "sqlite" || len(v.Alarms) != 1 || v.Alarms[0].Key != "alarm.disk_full" || len(v.Trunks) != 1 || v.GoVersion == "" {
		t.Fatalf("system %+v", v)
	}
	if list := read[List[AlarmView]](e.as("boss1", identity.RoleSupervisor).get("/api/alarms").status(200)).Items; len(list) != 1 {
		t.Fatalf("alarms %+v", list)
	}
	if err := e.db.Write(t.Context(), func(tx *store.Tx) error {
		return job.Enqueue(t.Context(), tx, e.deps.Jobs, testJob{})
	}); err != nil {
		t.Fatal(err)
	}
	jobs := read[List[JobRow]](admin.get("/api/admin/jobs").status(200)).Items
	if len(jobs) != 1 || jobs[0].Kind != "test" {
		t.Fatalf("jobs %+v", jobs)
	}
	if a := admin.do("POST", "/api/admin/jobs/nothing/retry", nil); a.code != 404 && a.code != 409 {
		t.Fatalf("retry of nothing: %d", a.code)
	}
	page := read[List[AuditRow]](admin.get("/api/admin/audit?limit=1").status(200))
	if len(page.Items) != 1 || page.NextCursor == "" {
		t.Fatalf("audit %+v", page)
	}
	if next := read[List[AuditRow]](admin.get("/api/admin/audit?limit=1&cursor=" + page.NextCursor).status(200)); next.Items[0].ID == page.Items[0].ID {
		t.Fatal("the second page is the first")
	}
	if ok := read[AuditVerified](admin.do("POST", "/api/admin/audit/verify", nil).status(200)); !ok.OK || ok.Entries < 2 {
		t.Fatalf("verify %+v", ok)
	}
}

type testJob struct{}

func (testJob) Kind() string { return "test" }
