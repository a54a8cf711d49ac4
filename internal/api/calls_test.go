package api

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"heartline/internal/contact/call"
	"heartline/internal/contact/journal"
	"heartline/internal/platform/id"
	"heartline/internal/platform/identity"
)

// record writes an answered call with a recording into the event log.
func (e *env) record(number, agent string) (callID, recordingID string) {
	e.t.Helper()
	ctx := e.sys()
	callID = id.New()
	sealed, err := e.keys.Seal(number, "calls:"+callID+":from")
	if err != nil {
		e.t.Fatal(err)
	}
	sink, recordingID, err := e.sound.Start(ctx, callID)
	if err != nil {
		e.t.Fatal(err)
	}
	if err := sink.WriteStereo(bytes.Repeat([]byte{0xd5, 0x55}, 16000)); err != nil {
		e.t.Fatal(err)
	}
	if err := e.sound.Finish(ctx, recordingID, 2*time.Second); err != nil {
		e.t.Fatal(err)
	}
	for _, p := range []journal.Payload{
		journal.CallStarted{Direction: "inbound", FromSealed: sealed, FromIndex: e.keys.Index("phone", call.Canonical(number)), FromMasked: call.Mask(number),
			To: "96166", DID: "96166", Channel: "sip"},
		journal.LegStarted{Leg: "l1", Party: "caller"},
		journal.QueueEntered{Queue: "q1", Position: 1},
		journal.QueueOffered{Agent: agent, Offer: "o1"},
		journal.QueueAnswered{Agent: agent, Offer: "o1", WaitedMs: 10},
		journal.RecordingStarted{Recording: recordingID},
		journal.RecordingStopped{Recording: recordingID, DurationMs: 2000},
		journal.CallEnded{By: "caller", Cause: "normal"},
	} {
		e.log.Append(callID, agent, "q1", p)
	}
	if err := e.log.Flush(ctx); err != nil {
		e.t.Fatal(err)
	}
	return callID, recordingID
}

func TestCallsAreOneselfsWithoutTheWiderRight(t *testing.T) {
	e := newEnv(t)
	mine, other, boss := e.as("nurse1", identity.RoleAgent), e.as("nurse2", identity.RoleAgent), e.as("boss1", identity.RoleSupervisor)
	callID, recordingID := e.record("13812345678", mine.user.ID)
	e.record("13900000000", other.user.ID)
	for c, want := range map[*client]int{mine: 1, other: 1, boss: 2} {
		if n := len(read[List[CallRow]](c.get("/api/calls").status(200)).Items); n != want {
			t.Errorf("%s sees %d calls, want %d", c.user.Login, n, want)
		}
	}
	row := read[List[CallRow]](mine.get("/api/calls")).Items[0]
	if row.Outcome != "answered" || row.FromMasked != "138****5678" || row.Recording != recordingID || len(row.Agents) != 1 || row.Agents[0].Name != mine.user.Name {
		t.Fatalf("row %+v", row)
	}
	other.get("/api/calls?agent="+mine.user.ID).fails(403, "call.only_own")
	for _, path := range []string{"/api/calls/" + callID, "/api/calls/" + callID + "/events", "/api/calls/" + callID + "/pop"} {
		other.get(path).fails(404, "call.not_found")
		mine.get(path).status(200)
		boss.get(path).status(200)
	}
	for _, path := range []string{"/api/recordings/" + recordingID, "/api/recordings/" + recordingID + "/audio", "/api/recordings/" + recordingID + "/waveform"} {
		other.get(path).fails(404, "recording.not_found")
		mine.get(path).status(200)
		boss.get(path).status(200)
	}
	other.do("PUT", "/api/calls/"+callID+"/notes", map[string]any{"notes": "x"}).fails(404, "call.not_found")
	if n := len(read[List[CallRow]](mine.get("/api/calls?q=" + callID)).Items); n != 1 {
		t.Errorf("by id: %d", n)
	}
	if n := len(read[List[CallRow]](other.get("/api/calls?q=" + callID)).Items); n != 0 {
		t.Errorf("somebody else's by id: %d", n)
	}
	if n := len(read[List[CallRow]](boss.get("/api/calls?q=%2B86%20138-1234-5678")).Items); n != 1 {
		t.Errorf("by number: %d", n)
	}
	if n := len(slices.DeleteFunc(e.audited(), func(a string) bool { return a != "recording.listen" })); n != 2 {
		t.Errorf("%d listenings in the audit log, want 2", n)
	}
}

func TestCallEventsHideWhatIsSealed(t *testing.T) {
	e := newEnv(t)
	c := e.as("boss1", identity.RoleSupervisor)
	callID, _ := e.record("13812345678", c.user.ID)
	a := c.get("/api/calls/" + callID + "/events").status(200)
	events := read[List[CallEvent]](a).Items
	if len(events) != 8 || events[0].Kind != "call.started" || events[3].Kind != "queue.offered" || events[3].AgentName != c.user.Name {
		t.Fatalf("events %+v", events)
	}
	for _, secret := range []string{"from_sealed", "from_index", "13812345678"} {
		if bytes.Contains(a.body, []byte(secret)) {
			t.Errorf("events show %s", secret)
		}
	}
	e.log.Append(callID, "", "", journal.CallIdentified{Patients: []string{"p1"}})
	if err := e.log.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	blind := e.with("blind", identity.CallRead)
	if body := blind.get("/api/calls/" + callID + "/events").status(200).body; bytes.Contains(body, []byte("p1")) {
		t.Error("customers are shown without the right")
	}
}

func TestWrapUpAndNotes(t *testing.T) {
	e := newEnv(t)
	admin, nurse, other := e.as("admin1", identity.RoleAdmin), e.as("nurse", identity.RoleAgent), e.as("nurse2", identity.RoleAgent)
	admin.do("POST", "/api/admin/dispositions", map[string]any{"code": "booked", "name": "已预约", "enabled": true}).status(200)
	p := newPatient(nurse, "曾小贤", "13812345678")
	callID, _ := e.record("13812345678", nurse.user.ID)
	path := "/api/desk/calls/" + callID + "/wrap-up"
	nurse.do("PUT", path, map[string]any{"disposition": "no-such"}).fails(422, "invalid", "body.disposition")
	nurse.do("PUT", path, map[string]any{"disposition": "booked", "patient_id": "nobody"}).fails(422, "invalid", "body.patient_id")
	other.do("PUT", path, map[string]any{"disposition": "booked"}).fails(404, "call.not_found")
	admin.do("PUT", path, map[string]any{"disposition": "booked"}).fails(403, "call.not_yours")
	nurse.do("PUT", path, map[string]any{"disposition": "booked", "notes": "周三上午", "patient_id": p.ID}).status(204)
	d := read[CallDetail](nurse.get("/api/calls/" + callID).status(200))
	if d.Disposition != "booked" || d.Notes != "周三上午" || d.Patient == nil || d.Patient.ID != p.ID || d.Patient.Name != "曾小贤" || !d.Own || d.Live {
		t.Fatalf("detail %+v", d)
	}
	d = read[CallDetail](nurse.do("PUT", "/api/calls/"+callID+"/notes", map[string]any{"notes": ""}).status(200))
	if d.Notes != "" || d.Disposition != "booked" || d.Patient == nil {
		t.Fatalf("after clearing the notes %+v", d)
	}
	if list := read[List[CallRow]](nurse.get("/api/calls?disposition=booked&patient=" + p.ID)).Items; len(list) != 1 {
		t.Errorf("by disposition: %+v", list)
	}
	if !slices.Contains(e.audited(), "call.view") {
		t.Error("a look at a customer's call is not audited")
	}
}

func TestPopFindsTheCaller(t *testing.T) {
	e := newEnv(t)
	nurse, other := e.as("nurse", identity.RoleAgent), e.as("nurse2", identity.RoleAgent)
	p := newPatient(nurse, "曾小贤", "13812345678")
	newPatient(nurse, "曾小明", "13812345678")
	before, _ := e.record("13812345678", other.user.ID)
	e.phone.put(call.LiveCall{ID: "live1", Number: "13812345678", NumberMasked: "138****5678", Agents: []string{nurse.user.ID}})
	v := read[PopView](nurse.get("/api/patients/pop?call=live1").status(200))
	if len(v.Candidates) != 2 || v.Number != "13812345678" || len(v.RecentCalls) != 1 || v.RecentCalls[0].ID != before {
		t.Fatalf("pop %+v", v)
	}
	if !slices.ContainsFunc(v.Candidates, func(c PopCandidate) bool { return c.ID == p.ID && c.Match == "phone" }) {
		t.Fatalf("candidates %+v", v.Candidates)
	}
	other.get("/api/patients/pop?call=live1").fails(404, "call.not_found")
	nurse.get("/api/patients/pop?call=gone").fails(404, "call.not_found")
	nurse.get("/api/patients/pop").fails(422, "invalid", "query.call")
	e.phone.put(call.LiveCall{ID: "live2", Number: "13700000000", NumberMasked: "137****0000", Agents: []string{nurse.user.ID}})
	if v = read[PopView](nurse.get("/api/calls/live2/pop").status(200)); len(v.Candidates) != 0 || len(v.RecentCalls) != 0 {
		t.Fatalf("unknown caller %+v", v)
	}
	e.phone.put(call.LiveCall{ID: "live3", Agents: []string{nurse.user.ID}})
	if v = read[PopView](nurse.get("/api/calls/live3/pop").status(200)); len(v.Candidates) != 0 || len(v.RecentCalls) != 0 {
		t.Fatalf("withheld number %+v", v)
	}
	// Somebody of a shared telephone, and somebody who calls from a strange
	// one, said by keypad who they are.
	e.phone.put(call.LiveCall{ID: "live4", Number: "13812345678", Agents: []string{nurse.user.ID}, Patients: []call.Candidate{{ID: p.ID, Match: "phone"}}})
	if v = read[PopView](nurse.get("/api/calls/live4/pop").status(200)); len(v.Candidates) != 1 || v.Candidates[0].ID != p.ID || len(v.RecentCalls) != 1 {
		t.Fatalf("one of two %+v", v)
	}
	e.phone.put(call.LiveCall{ID: "live5", Number: "13700000000", Agents: []string{nurse.user.ID}, Patients: []call.Candidate{{ID: p.ID, Match: "id_number"}}})
	if v = read[PopView](nurse.get("/api/calls/live5/pop").status(200)); len(v.Candidates) != 1 || v.Candidates[0].ID != p.ID || v.Candidates[0].Match != "id_number" || v.Candidates[0].PhoneMasked == "" {
		t.Fatalf("by identity number %+v", v)
	}
}

func TestRecordingInRanges(t *testing.T) {
	e := newEnv(t)
	c := e.as("nurse", identity.RoleAgent)
	_, recordingID := e.record("13812345678", c.user.ID)
	v := read[RecordingView](c.get("/api/recordings/" + recordingID).status(200))
	if v.DurationMs != 1000*16000/8000 || v.State != "ready" || v.Truncated {
		t.Fatalf("recording %+v", v)
	}
	path := "/api/recordings/" + recordingID + "/audio"
	whole := c.get(path).status(200)
	if whole.header.Get("Content-Type") != "audio/wav" || !bytes.HasPrefix(whole.body, []byte("RIFF")) || !strings.Contains(whole.header.Get("Cache-Control"), "no-store") {
		t.Fatalf("audio %v", whole.header)
	}
	req := c.request("GET", path, nil)
	req.Header.Set("Range", "bytes=44-143")
	part := c.send(req).status(206)
	if !bytes.Equal(part.body, whole.body[44:144]) {
		t.Fatal("another sound in a range")
	}
	req = c.request("GET", path, nil)
	req.Header.Set("Range", "bytes=99999999-")
	c.send(req).status(416)
	w := read[Waveform](c.get("/api/recordings/" + recordingID + "/waveform?points=50").status(200))
	if len(w.Caller) != 50 || len(w.Agent) != 50 || w.DurationMs != v.DurationMs {
		t.Fatalf("waveform %d %d", len(w.Caller), len(w.Agent))
	}
	c.get("/api/recordings/"+recordingID+"/waveform?points=5").fails(422, "invalid", "query.points")
	c.get("/api/recordings/gone").status(404)
}

func TestExportIsWholeAndHarmless(t *testing.T) {
	e := newEnv(t)
	boss := e.as("boss1", identity.RoleSupervisor)
	evil, err := e.ids.CreateUser(e.sys(), identity.NewUser{Login: "evil", Name: `=HYPERLINK("http://evil","x")`, Password: password, Roles: []string{"agent"}})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		e.record("13812345678", evil.ID)
	}
	a := boss.get("/api/calls/export.csv").status(200)
	if !bytes.HasPrefix(a.body, []byte("\xef\xbb\xbf")) || !strings.Contains(a.header.Get("Content-Disposition"), "attachment") ||
		a.header.Get("Content-Type") != "text/csv; charset=utf-8" {
		t.Fatalf("export %v", a.header)
	}
	rows, err := csv.NewReader(bytes.NewReader(a.body[3:])).ReadAll()
	if err != nil || len(rows) != 4 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for _, cell := range rows[1] {
		if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r") {
			t.Errorf("a spreadsheet would run %q", cell)
		}
	}
	if bytes.Contains(a.body, []byte("13812345678")) {
		t.Error("the export shows numbers in full")
	}
	if rows, _ = csv.NewReader(bytes.NewReader(boss.get("/api/calls/export.csv?outcome=abandoned").body[3:])).ReadAll(); len(rows) != 1 {
		t.Errorf("filtered export has %d rows", len(rows))
	}
	if !slices.Contains(e.audited(), "call.export") {
		t.Error("the export is not audited")
	}
	for in, want := range map[string]string{"": "", "abc": "abc", "=1+1": "'=1+1", "+86": "'+86", "-1": "'-1", "@x": "'@x", "\tx": "'\tx"} {
		if got := harmless(in); got != want {
			t.Errorf("harmless(%q) = %q", in, got)
		}
	}
}

func TestPublicDataSurvivesAnything(t *testing.T) {
	for _, data := range []string{``, `null`, `[]`, `"x"`, `{`, `{"a":1}`} {
		out := publicData(identity.Principal{}, journal.Event{Data: json.RawMessage(data)})
		var v map[string]any
		if err := json.Unmarshal(out, &v); err != nil {
			t.Errorf("%q became %q", data, out)
		}
	}
}
