package api

import (
	"strings"
	"testing"

	"github.com/coder/websocket"
)

func TestTryCaller(t *testing.T) {
	e := newEnv(t)
	c := e.anonymous()
	ws, _, err := c.dialWS("/api/try/ws", nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &stream{t: t, ws: ws}
	s.say(map[string]any{"id": 1, "type": "rtc.offer", "sdp": "v=0"})
	if f := s.next(); f.ID != 1 || !f.OK || string(f.Data) != `{"sdp":"answer to v=0"}` {
		t.Fatalf("answer %+v", f)
	}
	s.say(map[string]any{"id": 2, "type": "dial", "number": "96166", "caller": "13800000000"})
	states, replies := "", 0
	for states == "" || replies == 0 {
		f := s.next()
		if f.Type == "state" {
			states = f.State + f.Call
		} else if f.ID == 2 && f.OK {
			replies++
		}
	}
	if states != "ringingtry-call" {
		t.Fatalf("state %s", states)
	}
	s.say(map[string]any{"type": "dtmf", "digits": "1"})
	s.say(map[string]any{"id": 3, "type": "hangup"})
	if f := s.next(); f.ID != 3 || !f.OK {
		t.Fatalf("hangup %+v", f)
	}
	_ = ws.Close(websocket.StatusNormalClosure, "")
	var asked []string
	eventually(t, "session closed", func() bool {
		asked = append(asked, e.phone.take()...)
		return len(asked) > 0 && asked[len(asked)-1] == "try-close"
	})
	if got := strings.Join(asked, ";"); got != "try-connect v=0;try-dial 96166 13800000000;try-dtmf 1;try-hangup;try-close" {
		t.Fatalf("asked %s", got)
	}
	for range maxTriesPerIP { // the first caller's place is free a moment after the telephone heard of the end
		eventually(t, "a free place", func() bool {
			ws, _, err := c.dialWS("/api/try/ws", nil)
			if err == nil {
				t.Cleanup(func() { _ = ws.CloseNow() })
			}
			return err == nil
		})
	}
	if _, resp, err := c.dialWS("/api/try/ws", nil); err == nil || resp.StatusCode != 429 {
		t.Fatalf("too many callers: %v", err)
	}
}

func TestTryIsForTheDemoAlone(t *testing.T) {
	e := newEnv(t, func(d *Deps) {
		d.About.Demo = false
		d.About.Logins = []DemoLogin{{Login: "admin", Password: "x"}}
	})
	c := e.anonymous()
	if _, resp, err := c.dialWS("/api/try/ws", nil); err == nil || resp.StatusCode != 404 {
		t.Fatalf("outside the demo: %v", err)
	}
	c.get("/api/try/identities").fails(404, "not_found")
	if v := read[About](c.get("/api/about")); len(v.Logins) != 0 {
		t.Fatal("logins are told outside the demo")
	}
}
