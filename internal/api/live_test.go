package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"heartline/internal/contact/acd"
	"heartline/internal/contact/call"
	"heartline/internal/contact/switchboard"
	"heartline/internal/platform/alarm"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/event"
	"heartline/internal/platform/identity"
)

// stream is a browser's live connection.
type stream struct {
	t      testing.TB
	ws     *websocket.Conn
	Stream string
	Seq    uint64
}

// frame is any message from the server.
type frame struct {
	Type, Stream, Topic, Event, Session, State, Call string
	Seq                                              uint64
	ID                                               int64
	OK                                               bool
	Data                                             json.RawMessage
	Error                                            *LiveError
}

func (c *client) dialWS(path string, header http.Header) (*websocket.Conn, *http.Response, error) {
	ctx, cancel := context.WithTimeout(c.e.t.Context(), 10*time.Second)
	defer cancel()
	return websocket.Dial(ctx, "ws"+strings.TrimPrefix(c.e.server.URL, "http")+path, &websocket.DialOptions{HTTPClient: c.http, HTTPHeader: header})
}

// live opens the stream and takes the hello.
func (c *client) live() *stream {
	c.e.t.Helper()
	ws, _, err := c.dialWS("/api/live", nil)
	if err != nil {
		c.e.t.Fatal(err)
	}
	ws.SetReadLimit(1 << 20)
	c.e.t.Cleanup(func() { _ = ws.CloseNow() })
	s := &stream{t: c.e.t, ws: ws}
	hello := s.next()
	if hello.Type != "hello" || hello.Stream == "" {
		c.e.t.Fatalf("first frame %+v", hello)
	}
	s.Stream, s.Seq = hello.Stream, hello.Seq
	return s
}

func (s *stream) next() frame {
	s.t.Helper()
	f, err := s.read()
	if err != nil {
		s.t.Fatal(err)
	}
	return f
}

func (s *stream) read() (f frame, err error) {
	ctx, cancel := context.WithTimeout(s.t.Context(), 10*time.Second)
	defer cancel()
	_, b, err := s.ws.Read(ctx)
	if err != nil {
		return f, err
	}
	return f, json.Unmarshal(b, &f)
}

func (s *stream) say(v any) {
	s.t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.ws.Write(s.t.Context(), websocket.MessageText, b); err != nil {
		s.t.Fatal(err)
	}
}

// ready makes sure that events flow: the pong comes after what was before it.
func (s *stream) ready() *stream {
	s.t.Helper()
	s.say(map[string]any{"type": "ping", "id": 1})
	if f := s.next(); f.Type != "pong" {
		s.t.Fatalf("pong expected, got %+v", f)
	}
	return s
}

// topics collects the topics of the events until the next pong.
func (s *stream) topics() (out []string) {
	s.t.Helper()
	s.say(map[string]any{"type": "ping", "id": 2})
	for {
		f := s.next()
		if f.Type == "pong" {
			return out
		}
		out = append(out, f.Topic)
	}
}

// settled waits until the hub has numbered everything published so far.
func (e *env) settled(n uint64) {
	e.t.Helper()
	eventually(e.t, fmt.Sprintf("%d events", n), func() bool { return e.api.hub.now() >= n })
}

func closeCode(err error) websocket.StatusCode { return websocket.CloseStatus(err) }

func TestLiveNeedsASession(t *testing.T) {
	e := newEnv(t)
	_, resp, err := e.anonymous().dialWS("/api/live", nil)
	if err == nil || resp.StatusCode != 401 {
		t.Fatalf("without session: %v", err)
	}
	c := e.as("nurse", identity.RoleAgent)
	_, resp, err = c.dialWS("/api/live", http.Header{"Origin": {"https://evil.example"}})
	if err == nil || resp.StatusCode != 403 {
		t.Fatalf("from another site: %v", err)
	}
	if ws, _, err := c.dialWS("/api/live", http.Header{"Origin": {e.server.URL}}); err != nil {
		t.Fatal(err)
	} else {
		_ = ws.CloseNow()
	}
}

func TestLiveTopicsFollowRights(t *testing.T) {
	e := newEnv(t)
	nurse, other, boss, director := e.as("nurse", identity.RoleAgent), e.as("nurse2", identity.RoleAgent), e.as("boss1", identity.RoleSupervisor), e.as("director", identity.RoleDirector)
	e.phone.setDesk(nurse.user.ID, deskOf(nurse.user.ID))
	streams := map[*client]*stream{}
	for _, c := range []*client{nurse, other, boss, director} {
		streams[c] = c.live().ready()
	}
	base := e.api.hub.now()
	event.Publish(e.bus, call.Changed{Call: call.LiveCall{ID: "c1", Stage: "talking", Agents: []string{nurse.user.ID}, Number: "13812345678", NumberMasked: "138****5678"}})
	event.Publish(e.bus, call.DeskChanged{Agent: nurse.user.ID})
	event.Publish(e.bus, call.Popped{Agent: nurse.user.ID, CallID: "c1", Patients: []call.Candidate{{ID: "p1", Name: "曾小贤"}}})
	event.Publish(e.bus, call.TransferFailed{Agent: nurse.user.ID, CallID: "c1", Target: call.Target{Kind: "external", ID: "13900000000"}, Reason: "busy"})
	event.Publish(e.bus, call.HelpAsked{Agent: nurse.user.ID, Call: "c1"})
	event.Publish(e.bus, acd.AgentChanged{AgentLive: acd.AgentLive{Agent: nurse.user.ID, State: acd.Talking}})
	event.Publish(e.bus, acd.QueueChanged{QueueLive: acd.QueueLive{Queue: "q1", Waiting: 1}})
	event.Publish(e.bus, alarm.Changed{Alarm: alarm.Alarm{Key: "alarm.x"}, Active: true})
	event.Publish(e.bus, switchboard.Changed{Kind: "queue", ID: "q1"})
	e.settled(base + 10)
	for c, want := range map[*client]string{
		nurse:    "agent alarm call desk desk notice pop queue switchboard",
		other:    "agent alarm queue switchboard",
		boss:     "agent alarm alarm call queue switchboard",
		director: "agent alarm queue switchboard",
	} {
		got := streams[c].topics()
		sortStrings(got)
		if strings.Join(got, " ") != want {
			t.Errorf("%s got %q, want %q", c.user.Login, strings.Join(got, " "), want)
		}
	}
}

func TestLiveEventsShowNoNumbers(t *testing.T) {
	e := newEnv(t)
	boss, blind := e.as("boss1", identity.RoleSupervisor), e.with("blind", identity.SuperviseMonitor, identity.CallHandle)
	e.phone.setDesk(boss.user.ID, deskOf(boss.user.ID))
	a, b := boss.live().ready(), blind.live().ready()
	base := e.api.hub.now()
	event.Publish(e.bus, call.Changed{Call: call.LiveCall{ID: "c1", Number: "13812345678", NumberMasked: "138****5678", Patients: []call.Candidate{{ID: "p1", Name: "曾小贤"}}}})
	e.settled(base + 1)
	f := a.next()
	var v LiveCall
	if err := json.Unmarshal(f.Data, &v); err != nil || v.NumberMasked != "138****5678" || len(v.Patients) != 1 || strings.Contains(string(f.Data), "13812345678") {
		t.Fatalf("event %s %v", f.Data, err)
	}
	if f = b.next(); strings.Contains(string(f.Data), "曾小贤") {
		t.Fatalf("customers without the right: %s", f.Data)
	}
	masked := e.with("masked", identity.SuperviseMonitor, identity.PatientRead).live().ready()
	base = e.api.hub.now()
	event.Publish(e.bus, call.Changed{Call: call.LiveCall{ID: "c2", Patients: []call.Candidate{{ID: "p1", Name: "曾小贤"}}}})
	e.settled(base + 1)
	if f = masked.next(); !strings.Contains(string(f.Data), "曾**") || strings.Contains(string(f.Data), "曾小贤") {
		t.Fatalf("masked %s", f.Data)
	}
	a.next()
	event.Publish(e.bus, call.DeskChanged{Agent: boss.user.ID})
	if f = a.next(); f.Topic != "desk" || strings.Contains(string(f.Data), "13812345678") {
		t.Fatalf("desk %s", f.Data)
	}
}

func publishQueues(e *env, n int) {
	base := e.api.hub.now()
	for i := range n {
		event.Publish(e.bus, acd.QueueChanged{QueueLive: acd.QueueLive{Queue: "q1", Waiting: i}})
		if i%500 == 499 {
			e.settled(base + uint64(i+1))
		}
	}
	e.settled(base + uint64(n))
}

func TestLiveResume(t *testing.T) {
	e := newEnv(t)
	c := e.as("boss1", identity.RoleSupervisor)
	first := c.live().ready()
	publishQueues(e, 3)
	for range 3 {
		first.Seq = first.next().Seq
	}
	_ = first.ws.CloseNow()
	publishQueues(e, 5)
	second := c.live()
	publishQueues(e, 2) // between hello and resume
	second.say(map[string]any{"id": 7, "type": "resume", "stream": first.Stream, "seq": first.Seq})
	var seqs []uint64
	for len(seqs) < 7 {
		f := second.next()
		if f.Type == "reply" {
			if f.ID != 7 || !f.OK {
				t.Fatalf("reply %+v", f)
			}
			continue
		}
		seqs = append(seqs, f.Seq)
	}
	for i, seq := range seqs {
		if seq != first.Seq+uint64(i)+1 {
			t.Fatalf("events %v after %d: lost, doubled or out of order", seqs, first.Seq)
		}
	}
	second.say(map[string]any{"id": 8, "type": "resume", "stream": first.Stream, "seq": first.Seq})
	for {
		if f := second.next(); f.Type == "reply" && f.ID == 8 {
			if f.OK || f.Error.Key != "live.resumed_already" {
				t.Fatalf("second resume %+v", f)
			}
			break
		}
	}
}

func TestLiveResyncWhenItCannotResume(t *testing.T) {
	e := newEnv(t)
	c := e.as("boss1", identity.RoleSupervisor)
	first := c.live().ready()
	for name, ask := range map[string]map[string]any{
		"another program": {"stream": "0192-other", "seq": 0},
		"future":          {"stream": first.Stream, "seq": 1 << 40},
	} {
		s := c.live()
		ask["type"], ask["id"] = "resume", 3
		s.say(ask)
		if f := s.next(); f.Type != "resync" {
			t.Errorf("%s: %+v", name, f)
		}
		_ = s.ws.CloseNow()
	}
	publishQueues(e, ringSize+10)
	s := c.live()
	s.say(map[string]any{"type": "resume", "stream": first.Stream, "seq": first.Seq})
	if f := s.next(); f.Type != "resync" {
		t.Errorf("gone from the ring: %+v", f)
	}
	event.Publish(e.bus, acd.QueueChanged{QueueLive: acd.QueueLive{Queue: "q1"}})
	if f := s.next(); f.Topic != "queue" {
		t.Errorf("after resync: %+v", f)
	}
}

func TestLiveSilentBrowserGetsEvents(t *testing.T) {
	e := newEnv(t)
	s := e.as("boss1", identity.RoleSupervisor).live()
	event.Publish(e.bus, acd.QueueChanged{QueueLive: acd.QueueLive{Queue: "q1"}})
	if f := s.next(); f.Topic != "queue" {
		t.Fatalf("%+v", f)
	}
}

// TestLiveSlowBrowser reads nothing until the queues are full, and is told to
// start again; another browser does not notice.
func TestLiveSlowBrowser(t *testing.T) {
	e := newEnv(t)
	slowUser := e.as("boss1", identity.RoleSupervisor)
	slow, other := slowUser.live().ready(), e.as("nurse", identity.RoleAgent).live().ready()
	big := strings.Repeat("x", 20000)
	resyncs := func() bool {
		return strings.Contains(string(e.anonymous().get("/metrics").body), "heartline_live_resyncs_total 1")
	}
	for i := 0; i < 20000 && (i%500 > 0 || !resyncs()); i++ {
		e.api.hub.publish(&fact{topic: topicQueue, users: []string{slowUser.user.ID}, data: map[string]any{"i": i, "pad": big}})
	}
	if !resyncs() {
		t.Fatal("a browser that reads nothing is fed for ever, or it is not counted")
	}
	event.Publish(e.bus, switchboard.Changed{Kind: "queue", ID: "q1"})
	if f := other.next(); f.Topic != topicSwitchboard {
		t.Fatalf("the other browser got %+v", f)
	}
	var last frame
	var err error
	for err == nil {
		var f frame
		if f, err = slow.read(); err == nil {
			last = f
		}
	}
	if closeCode(err) != closeResync || last.Type != "resync" {
		t.Fatalf("closed with %v after %s", err, last.Type)
	}
}

func TestLiveSignalling(t *testing.T) {
	e := newEnv(t)
	c := e.as("nurse", identity.RoleAgent)
	s := c.live()
	eventually(t, "window attached", func() bool { return e.phone.window(c.user.ID) == 1 })
	s.say(map[string]any{"id": 1, "type": "rtc.offer", "sdp": "v=0"})
	if f := s.next(); f.Type != "reply" || f.ID != 1 || !f.OK || string(f.Data) != `{"sdp":"answer to v=0"}` {
		t.Fatalf("answer %+v %s", f, f.Data)
	}
	s.say(map[string]any{"id": 2, "type": "rtc.candidate", "candidate": map[string]any{"candidate": "c"}})
	if f := s.next(); f.ID != 2 || !f.OK {
		t.Fatalf("candidate %+v", f)
	}
	s.say(map[string]any{"id": 3, "type": "rtc.level"})
	if f := s.next(); string(f.Data) != `{"dbov":-31.5}` {
		t.Fatalf("level %s", f.Data)
	}
	asked := strings.Join(e.phone.take(), ";")
	if asked != "offer "+c.user.ID+" v=0;candidate "+c.user.ID+` {"candidate":"c"}` {
		t.Fatalf("asked %s", asked)
	}
	e.phone.failWith(errs.New(errs.Invalid, "call.offer_invalid"))
	s.say(map[string]any{"id": 4, "type": "rtc.offer", "sdp": "junk"})
	if f := s.next(); f.OK || f.Error.Key != "call.offer_invalid" {
		t.Fatalf("refused offer %+v", f)
	}
	event.Publish(e.bus, call.RTCState{User: c.user.ID, Session: "42", Event: "connected"})
	if f := s.next(); f.Type != "rtc" || f.Event != "connected" || f.Session != "42" {
		t.Fatalf("rtc %+v", f)
	}
	s.say(map[string]any{"id": 5, "type": "dance"})
	if f := s.next(); f.OK || f.Error.Key != "live.unknown_type" {
		t.Fatalf("unknown %+v", f)
	}
	_ = s.ws.Close(websocket.StatusNormalClosure, "")
	eventually(t, "window detached", func() bool { return e.phone.window(c.user.ID) == 0 })
	director := e.as("director", identity.RoleDirector).live()
	director.say(map[string]any{"id": 1, "type": "rtc.offer", "sdp": "v=0"})
	if f := director.next(); f.OK || f.Error.Key != "auth.denied" {
		t.Fatalf("sound without right %+v", f)
	}
}

func TestLiveEndsWithTheSession(t *testing.T) {
	e := newEnv(t)
	c, admin := e.as("nurse", identity.RoleAgent), e.as("admin1", identity.RoleAdmin)
	s := c.live().ready()
	c.do("DELETE", "/api/session", nil).status(204)
	if _, err := s.read(); closeCode(err) != closeSession {
		t.Fatalf("after sign-out: %v", err)
	}
	d := e.as("nurse2", identity.RoleAgent)
	s = d.live().ready()
	admin.do("DELETE", "/api/admin/users/"+d.user.ID, nil).status(204)
	for {
		if _, err := s.read(); err != nil {
			if closeCode(err) != closeSession {
				t.Fatalf("after deactivation: %v", err)
			}
			break
		}
	}
}

func TestLiveRightsChangeAtOnce(t *testing.T) {
	e := newEnv(t)
	admin := e.as("admin1", identity.RoleAdmin)
	admin.do("POST", "/api/admin/roles", map[string]any{"code": "watch", "name": "x", "permissions": []string{"wallboard.read"}}).status(200)
	c := e.as("watcher", "watch")
	s := c.live().ready()
	admin.do("PUT", "/api/admin/roles/watch", map[string]any{"name": "x", "permissions": []string{"report.read"}}).status(200)
	eventually(t, "rights taken", func() bool {
		return len(e.api.hub.all(func(x *liveConn) bool {
			p := x.principal()
			return p.UserID == c.user.ID && !p.Permissions[identity.WallboardRead]
		})) == 1
	})
	base := e.api.hub.now()
	event.Publish(e.bus, acd.QueueChanged{QueueLive: acd.QueueLive{Queue: "q1"}})
	e.settled(base + 1)
	for _, topic := range s.topics() {
		if topic == "queue" {
			t.Fatal("a queue after the right was taken")
		}
	}
}

func TestLiveHostileMessages(t *testing.T) {
	e := newEnv(t)
	c := e.as("nurse", identity.RoleAgent)
	for name, raw := range map[string]string{"no JSON": "hello", "array": "[1]", "number as id": `{"id":"x"}`} {
		s := c.live()
		if err := s.ws.Write(t.Context(), websocket.MessageText, []byte(raw)); err != nil {
			t.Fatal(err)
		}
		if _, err := s.read(); closeCode(err) != websocket.StatusUnsupportedData {
			t.Errorf("%s: %v", name, err)
		}
	}
	s := c.live()
	if err := s.ws.Write(t.Context(), websocket.MessageBinary, []byte(`{"type":"ping"}`)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.read(); closeCode(err) != websocket.StatusUnsupportedData {
		t.Errorf("binary: %v", err)
	}
	s = c.live()
	_ = s.ws.Write(t.Context(), websocket.MessageText, []byte(`{"type":"rtc.offer","sdp":"`+strings.Repeat("a", maxFrame)+`"}`))
	if _, err := s.read(); closeCode(err) != websocket.StatusMessageTooBig {
		t.Errorf("too big: %v", err)
	}
	s = c.live()
	var err error
	for i := 0; i < 5000 && err == nil; i++ {
		err = s.ws.Write(t.Context(), websocket.MessageText, []byte(`{"type":"resume"}`))
	}
	for err == nil || closeCode(err) == -1 && !errors.Is(err, context.DeadlineExceeded) {
		if _, err = s.read(); err != nil && closeCode(err) == -1 {
			break
		}
	}
	if code := closeCode(err); code != closeLimit && code != closeResync && code != -1 {
		t.Errorf("flood: %v", err)
	}
}

func TestLiveConnectionsPerUser(t *testing.T) {
	e := newEnv(t)
	c := e.as("nurse", identity.RoleAgent)
	for range maxPerUser {
		c.live()
	}
	if _, resp, err := c.dialWS("/api/live", nil); err == nil || resp.StatusCode != 429 {
		t.Fatalf("one more: %v", err)
	}
	e.as("nurse2", identity.RoleAgent).live()
}

func TestLiveCloses(t *testing.T) {
	e := newEnv(t)
	s := e.as("nurse", identity.RoleAgent).live().ready()
	go e.api.Close()
	if _, err := s.read(); closeCode(err) != closeRestart {
		t.Fatalf("at the end of the program: %v", err)
	}
}
