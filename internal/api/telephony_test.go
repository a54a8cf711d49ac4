package api

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"heartline/internal/platform/identity"
)

// lifecycle runs an item of the administration through its life.
type lifecycle struct {
	plural, kind string
	good         map[string]any
	change       string // field that is changed
	to           any
	bad          map[string]any
	badField     string
}

func TestItemsOfTheSwitchboard(t *testing.T) {
	e := newEnv(t)
	admin := e.as("admin1", identity.RoleAdmin)
	skill := read[SkillView](admin.do("POST", "/api/admin/skills", map[string]any{"code": "cardiology", "name": "心内"}).status(200))
	week := make([][]map[string]string, 7)
	for i := range week {
		week[i] = []map[string]string{}
	}
	week[0] = []map[string]string{{"from": "08:00", "to": "12:00"}, {"from": "13:30", "to": "24:00"}}
	for _, x := range []lifecycle{
		{"skills", "skill", map[string]any{"code": "english", "name": "英语"}, "name", "英文", map[string]any{"code": "a b", "name": ""}, "body.code"},
		{"queues", "queue", map[string]any{"code": "appointments", "name": "预约", "enabled": true, "wrap_up_s": 0, "skills": []any{map[string]any{"skill": skill.Code, "level": 2}}},
			"ring_timeout_s", 25.0, map[string]any{"code": "q", "name": "x", "enabled": true, "wrap_up_s": -1}, "body.wrap_up_s"},
		{"extensions", "extension", map[string]any{"number": "8001", "name": "护士站", "kind": "desk_phone", "enabled": true, "secret": "long-enough-secret-1"},
			"name", "一号护士站", map[string]any{"number": "80x1", "name": "x", "kind": "desk_phone", "enabled": true}, "body.number"},
		{"trunks", "trunk", map[string]any{"name": "电信", "kind": "static", "host": "192.0.2.10", "peer_ips": []string{"192.0.2.10"}, "enabled": true, "options_every_s": 0,
			"rules": []any{map[string]any{"direction": "out", "prefix": "0", "strip": 1, "prepend": "9"}}},
			"max_calls", 30.0, map[string]any{"name": "x", "kind": "magic", "host": "h", "enabled": true}, "body.kind"},
		{"calendars", "calendar", map[string]any{"name": "门诊", "week": week, "days": []any{map[string]any{"date": "2026-10-01", "name": "国庆节"},
			map[string]any{"date": "2026-10-10", "name": "补班", "like": 1}, map[string]any{"date": "2026-10-05", "spans": []any{map[string]any{"from": "09:00", "to": "10:00"}}}}},
			"name", "门诊部", map[string]any{"name": "x", "week": week[:6]}, "body.week"},
		{"dispositions", "disposition", map[string]any{"code": "booked", "name": "已预约", "enabled": true}, "category", "appointment",
			map[string]any{"code": "b", "enabled": true}, "body.name"},
		{"reasons", "reason", map[string]any{"code": "lunch", "name": "用餐", "enabled": true}, "paid", true, map[string]any{"code": "", "name": "x", "enabled": true}, "body.code"},
	} {
		t.Run(x.plural, func(t *testing.T) {
			e.t = t
			x.run(e, admin)
		})
	}
}

func (x lifecycle) run(e *env, c *client) {
	t, path := e.t, "/api/admin/"+x.plural
	made := read[map[string]any](c.do("POST", path, x.good).status(200))
	id := made["id"].(string)
	for k, v := range x.good {
		if k == "secret" || k == "skills" || k == "rules" || k == "week" || k == "days" || k == "peer_ips" || k == "wrap_up_s" || k == "options_every_s" {
			continue
		}
		if made[k] != v {
			t.Errorf("%s: %s = %v, want %v", x.kind, k, made[k], v)
		}
	}
	if _, told := made["secret"]; told {
		t.Error("the secret came back")
	}
	c.do("POST", path, x.bad).fails(422, "invalid", x.badField)
	changed := map[string]any{"version": made["version"]}
	for k, v := range made {
		if !slices.Contains([]string{"id", "created_at", "updated_at", "has_secret", "user_name", "online", "status", "open", "open_why", "next_at", "system"}, k) {
			changed[k] = v
		}
	}
	changed[x.change] = x.to
	after := read[map[string]any](c.do("PUT", path+"/"+id, changed).status(200))
	if after[x.change] != x.to || after["version"].(float64) != 2 {
		t.Errorf("after the change: %v", after)
	}
	if has, ok := after["has_secret"]; ok && has != made["has_secret"] {
		t.Error("a change without a secret lost the old one")
	}
	c.do("PUT", path+"/"+id, changed).fails(409, "switchboard.version_conflict")
	if got := read[map[string]any](c.get(path + "/" + id).status(200)); got[x.change] != x.to {
		t.Errorf("read again: %v", got)
	}
	if n := len(read[List[map[string]any]](c.get(path)).Items); n < 1 {
		t.Errorf("list has %d", n)
	}
	if n := len(read[List[map[string]any]](c.get(path + "?q=no-such-thing")).Items); n != 0 {
		t.Errorf("search found %d", n)
	}
	c.do("DELETE", path+"/"+id, nil).status(204)
	c.get(path + "/" + id).status(404)
	for _, verb := range []string{".create", ".update", ".delete"} {
		if !slices.Contains(e.audited(), x.kind+verb) {
			t.Errorf("%s%s is not audited", x.kind, verb)
		}
	}
}

func TestAgentProfilesAndNumbers(t *testing.T) {
	e := newEnv(t)
	admin := e.as("admin1", identity.RoleAdmin)
	nurse := e.as("nurse", identity.RoleAgent)
	queue := read[QueueView](admin.do("POST", "/api/admin/queues", map[string]any{"code": "main", "name": "总台", "enabled": true, "wrap_up_s": 10}).status(200))
	admin.do("POST", "/api/admin/agents", map[string]any{"user_id": "nobody", "number": "1001", "enabled": true}).fails(422, "invalid", "body.user_id")
	a := read[AgentView](admin.do("POST", "/api/admin/agents", map[string]any{"user_id": nurse.user.ID, "number": "1001", "enabled": true,
		"queues": []any{map[string]any{"queue_id": queue.ID, "level": 1}}}).status(200))
	if a.ID != nurse.user.ID || a.Name != nurse.user.Name || a.DefaultSeat != "browser" {
		t.Fatalf("profile %+v", a)
	}
	if v := read[SessionView](nurse.get("/api/session")); !v.Agent || v.AgentNumber != "1001" {
		t.Fatalf("session of an agent %+v", v)
	}
	admin.do("DELETE", "/api/admin/queues/"+queue.ID, nil).fails(409, "switchboard.in_use")
	n := read[NumberView](admin.do("POST", "/api/admin/numbers", map[string]any{"number": "96166", "name": "热线", "queue_id": queue.ID, "enabled": true}).status(200))
	admin.do("POST", "/api/admin/numbers", map[string]any{"number": "96166", "name": "again", "queue_id": queue.ID, "enabled": true}).status(422)
	admin.do("POST", "/api/admin/numbers", map[string]any{"number": "96167", "name": "none", "enabled": true}).fails(422, "invalid", "body.flow_id")
	if got := read[TryIdentities](e.anonymous().get("/api/try/identities").status(200)); len(got.Numbers) != 1 || got.Numbers[0].Number != n.Number {
		t.Fatalf("try %+v", got)
	}
	if list := read[List[AgentRef]](nurse.get("/api/agents").status(200)).Items; len(list) != 1 || list[0].Number != "1001" {
		t.Fatalf("agents %+v", list)
	}
	if list := read[List[QueueRef]](nurse.get("/api/queues").status(200)).Items; len(list) != 1 || list[0].Code != "main" {
		t.Fatalf("queues %+v", list)
	}
}

func TestCalendarKeepsItsDays(t *testing.T) {
	f := CalendarFields{Name: "x", Week: [][]HourSpan{{{From: "08:00", To: "24:00"}}, {}, {}, {}, {}, {}, {{From: "00:00", To: "01:05"}}},
		Days: []SpecialDay{{Date: "2026-10-10", Like: 1, Spans: []HourSpan{}}, {Date: "2026-10-11", Like: 7, Spans: []HourSpan{}}, {Date: "2026-10-12", Spans: []HourSpan{}}}}
	c, err := buildCalendar(f, "id")
	if err != nil {
		t.Fatal(err)
	}
	if c.Hours.Weekly[1][0].To != 1440 || c.Hours.Weekly[0][0].To != 65 || c.Hours.Holidays["2026-10-11"].Like != 0 || !c.Hours.Holidays["2026-10-12"].Closed {
		t.Fatalf("hours %+v", c.Hours)
	}
	back := calendars().view(&Server{now: time.Now}, c)
	if len(back.Days) != 3 || back.Days[0].Like != 1 || back.Days[1].Like != 7 || back.Days[2].Like != 0 || back.Week[0][0].To != "24:00" || back.Week[6][0].To != "01:05" {
		t.Fatalf("view %+v", back)
	}
	f.Days = append(f.Days, f.Days[0])
	if _, err := buildCalendar(f, "id"); err == nil {
		t.Fatal("the same date twice")
	}
}

const goodGraph = `{"id":"f","name":"main","start":"hello","operator":"q","nodes":{
	"hello":{"type":"play","prompts":["recording_notice"],"next":"q"},
	"q":{"type":"queue","queue":"main","on_overflow":"bye"},
	"bye":{"type":"hangup"}}}`

func TestFlowFromDraftToRollback(t *testing.T) {
	e := newEnv(t)
	admin := e.as("admin1", identity.RoleAdmin)
	admin.do("POST", "/api/admin/queues", map[string]any{"code": "main", "name": "总台", "enabled": true, "wrap_up_s": 10}).status(200)
	f := read[FlowView](admin.do("POST", "/api/admin/flows", map[string]any{"name": "热线"}).status(200))
	path := "/api/admin/flows/" + f.ID
	if d := read[FlowDetail](admin.get(path).status(200)); string(d.Graph) != "null" {
		t.Fatalf("new flow %+v", d)
	}
	admin.do("POST", path+"/publish", map[string]any{}).status(409)
	admin.do("PUT", path+"/draft", `{"graph":"nonsense"}`).status(422)
	broken := strings.Replace(goodGraph, `"next":"q"`, `"next":"nowhere"`, 1)
	d := read[FlowDetail](admin.do("PUT", path+"/draft", `{"graph":`+broken+`}`).status(200))
	if d.Draft != 1 || len(d.Problems) == 0 {
		t.Fatalf("broken draft %+v", d)
	}
	if v := read[FlowChecked](admin.do("POST", path+"/check", map[string]any{}).status(200)); v.OK {
		t.Fatal("a broken draft passed the check")
	}
	if a := admin.do("POST", path+"/publish", map[string]any{}); a.code != 422 && a.code != 409 {
		t.Fatalf("a broken flow was published: %d %s", a.code, a.body)
	}
	if v := read[FlowChecked](admin.do("POST", path+"/check", `{"graph":`+goodGraph+`}`).status(200)); !v.OK {
		t.Fatalf("check %+v", v)
	}
	for range 2 {
		admin.do("PUT", path+"/draft", `{"graph":`+goodGraph+`,"note":"first"}`).status(200)
		admin.do("POST", path+"/publish", map[string]any{}).status(200)
	}
	versions := read[List[FlowVersionView]](admin.get(path + "/versions").status(200)).Items
	if len(versions) < 2 || versions[0].AuthorName != admin.user.Name {
		t.Fatalf("versions %+v", versions)
	}
	oldest := versions[len(versions)-1].Number
	admin.do("POST", path+"/rollback", map[string]any{"number": oldest}).status(200)
	admin.do("POST", path+"/rollback", map[string]any{"number": 99}).status(404)
	for _, action := range []string{"flow.draft", "flow.publish"} {
		if !slices.Contains(e.audited(), action) {
			t.Errorf("%s is not audited: %v", action, e.audited())
		}
	}
}

// wav is a second of a tone, PCM 16 bit mono at 8 kHz.
func wav(hz float64) []byte {
	b := []byte("RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x80\x3e\x00\x00\x02\x00\x10\x00data\x80\x3e\x00\x00")
	for i := range 8000 {
		b = binary.LittleEndian.AppendUint16(b, uint16(int16(8000*math.Sin(2*math.Pi*hz*float64(i)/8000))))
	}
	binary.LittleEndian.PutUint32(b[4:], uint32(len(b)-8))
	return b
}

func TestPrompts(t *testing.T) {
	e := newEnv(t)
	admin := e.as("admin1", identity.RoleAdmin)
	shipped := read[List[PromptView]](admin.get("/api/admin/prompts?language=zh-CN").status(200)).Items
	if len(shipped) < 10 {
		t.Fatalf("%d shipped prompts", len(shipped))
	}
	p := shipped[0]
	if a := admin.get(p.Audio).status(200); a.header.Get("Content-Type") != "audio/wav" || int64(len(a.body)) != p.Bytes {
		t.Fatalf("audio %v, %d bytes of %d", a.header, len(a.body), p.Bytes)
	}
	req := admin.request("GET", p.Audio, nil)
	req.Header.Set("Range", "bytes=0-3")
	if a := admin.send(req).status(206); string(a.body) != "RIFF" {
		t.Fatalf("range %q", a.body)
	}
	upload := func(path string, b []byte) *answer {
		req := admin.request("PUT", path, b)
		req.Header.Set("Content-Type", "audio/wav")
		return admin.send(req)
	}
	if v := read[PromptView](upload(p.Audio+"?source=browser", wav(440)).status(200)); v.Source != "browser" || !v.Shipped || v.DurationMs != 1000 {
		t.Fatalf("replaced %+v", v)
	}
	upload(p.Audio, []byte("not a WAV")).status(422)
	upload(p.Audio, nil).status(400)
	upload("/api/admin/prompts/UPPER/zh-CN/audio", wav(440)).status(422)
	admin.do("DELETE", p.Audio, nil).status(204)
	if a := admin.get(p.Audio).status(200); int64(len(a.body)) != p.Bytes {
		t.Fatal("the shipped sound did not come back")
	}
	admin.get("/api/admin/prompts/no_such_prompt/zh-CN/audio").fails(404, "prompt.not_found")
}
