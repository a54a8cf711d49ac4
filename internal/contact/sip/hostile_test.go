package sip_test

import (
	"bufio"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"heartline/internal/contact/sip"
	"heartline/internal/contact/sip/phone"
)

// wire is a bare UDP client that writes its own messages.
type wire struct {
	t   *testing.T
	c   net.Conn
	seq int
}

func newWire(t *testing.T, h *hospital) *wire {
	c, err := net.Dial("udp", h.srv.Addr("udp").String())
	must(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return &wire{t: t, c: c}
}

// ask sends a request with extra header lines and returns the final answer.
func (w *wire) ask(method, user, extra string) string {
	w.t.Helper()
	w.seq++
	msg := fmt.Sprintf("%s sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bK%p%d\r\n"+
		"From: <sip:%s@127.0.0.1>;tag=a\r\nTo: <sip:%s@127.0.0.1>\r\nCall-ID: w%p\r\nCSeq: %d %s\r\n"+
		"Contact: <sip:%s@%s>\r\nMax-Forwards: 70\r\n%sContent-Length: 0\r\n\r\n",
		method, w, w.seq, user, user, w, w.seq, method, user, w.c.LocalAddr(), extra)
	_, err := w.c.Write([]byte(msg))
	must(w.t, err)
	buf := make([]byte, 8192)
	for {
		must(w.t, w.c.SetReadDeadline(time.Now().Add(5*time.Second)))
		n, err := w.c.Read(buf)
		must(w.t, err)
		if s := string(buf[:n]); !strings.HasPrefix(s, "SIP/2.0 1") {
			return s
		}
	}
}

func nonceOf(t *testing.T, resp string) string {
	t.Helper()
	_, rest, ok := strings.Cut(resp, `nonce="`)
	if !ok {
		t.Fatalf("no challenge in %s", resp)
	}
	n, _, _ := strings.Cut(rest, `"`)
	return n
}

// credentials makes an MD5 Authorization line.
func credentials(user, password, nonce, method string, nc int) string {
	ha1, _ := sip.HA1(user, "heartline", password)
	ha2 := md5hex(method + ":sip:127.0.0.1")
	ncs := fmt.Sprintf("%08x", nc)
	resp := md5hex(ha1 + ":" + nonce + ":" + ncs + ":cn:auth:" + ha2)
	return fmt.Sprintf("Authorization: Digest username=%q, realm=\"heartline\", nonce=%q, uri=\"sip:127.0.0.1\", "+
		"response=%q, algorithm=MD5, qop=auth, cnonce=\"cn\", nc=%s\r\n", user, nonce, resp, ncs)
}

func md5hex(s string) string {
	b := md5.Sum([]byte(s))
	return hex.EncodeToString(b[:])
}

func TestReplayedNonceCountIsRefused(t *testing.T) {
	h := startHospital(t, nil)
	w := newWire(t, h)
	nonce := nonceOf(t, w.ask("REGISTER", "8001", ""))
	if got := w.ask("REGISTER", "8001", credentials("8001", "pw-8001", nonce, "REGISTER", 1)); !strings.HasPrefix(got, "SIP/2.0 200") {
		t.Fatal(got)
	}
	replay := w.ask("REGISTER", "8001", credentials("8001", "pw-8001", nonce, "REGISTER", 1))
	if !strings.HasPrefix(replay, "SIP/2.0 401") || !strings.Contains(replay, "stale=true") {
		t.Fatalf("a replay was answered %s", replay)
	}
	for _, nc := range []int{5, 3, 4} { // requests may overtake each other
		if got := w.ask("REGISTER", "8001", credentials("8001", "pw-8001", nonce, "REGISTER", nc)); !strings.HasPrefix(got, "SIP/2.0 200") {
			t.Fatalf("nc %d: %s", nc, got)
		}
	}
	if got := w.ask("REGISTER", "8001", credentials("8001", "pw-8001", nonce, "REGISTER", 4)); !strings.HasPrefix(got, "SIP/2.0 401") {
		t.Fatal(got)
	}
	// a nonce that we never gave is not even evaluated
	if got := w.ask("REGISTER", "8001", credentials("8001", "pw-8001", "AAAA", "REGISTER", 1)); !strings.HasPrefix(got, "SIP/2.0 401") {
		t.Fatal(got)
	}
}

func TestStaleNonceIsRenewed(t *testing.T) {
	h := startHospital(t, func(c *sip.Config) { c.NonceLife = 30 * time.Millisecond })
	w := newWire(t, h)
	nonce := nonceOf(t, w.ask("REGISTER", "8001", ""))
	eventually(t, "stale=true", func() bool {
		got := w.ask("REGISTER", "8001", credentials("8001", "pw-8001", nonce, "REGISTER", w.seq))
		return strings.HasPrefix(got, "SIP/2.0 401") && strings.Contains(got, "stale=true")
	})
}

// TestBruteForceIsLockedOut guesses passwords: after the limit even the right
// one is refused, unknown accounts behave the same, and a phone that is
// registered stays in.
func TestBruteForceIsLockedOut(t *testing.T) {
	h := startHospital(t, func(c *sip.Config) { c.AuthFailures = 5 })
	known, unknown := newWire(t, h), newWire(t, h)
	guess := func(w *wire, user, pass string) string {
		nonce := nonceOf(t, w.ask("REGISTER", user, ""))
		return w.ask("REGISTER", user, credentials(user, pass, nonce, "REGISTER", 1))
	}
	for i := range 5 {
		a, b := guess(known, "8001", "guess"), guess(unknown, "7777", "guess")
		if shape(a) != shape(b) {
			t.Fatalf("try %d: known and unknown accounts differ:\n%s\n%s", i, a, b)
		}
	}
	if got := guess(known, "8001", "pw-8001"); !strings.HasPrefix(got, "SIP/2.0 403") {
		t.Fatalf("the locked account opened: %s", got)
	}
	if shape(known.ask("REGISTER", "8001", "")) != shape(unknown.ask("REGISTER", "7777", "")) {
		t.Fatal("challenges differ")
	}
	for range 5 {
		guess(known, "8002", "guess")
	}
	if got := guess(known, "8003", "pw-8003"); !strings.HasPrefix(got, "SIP/2.0 403") {
		t.Fatalf("the address is not locked: %s", got)
	}
	if h.srv.Stats().AuthFailed < 15 {
		t.Fatalf("%+v", h.srv.Stats())
	}
}

// shape is a response without what differs by chance.
func shape(resp string) string {
	var out []string
	for ln := range strings.Lines(resp) {
		name, _, _ := strings.Cut(ln, ":")
		out = append(out, name)
	}
	return strings.Join(out, "|")
}

func TestJunkDatagramsLeaveNothingBehind(t *testing.T) {
	ctx := patience(t)
	h := startHospital(t, func(c *sip.Config) { c.SourceRate = 200 })
	runtime.GC()
	before := runtime.NumGoroutine()
	for i := range 2000 {
		c, err := net.Dial("udp", h.srv.Addr("udp").String())
		must(t, err)
		switch i % 4 {
		case 0:
			_, _ = c.Write([]byte(strings.Repeat("\xff\x00junk", 1+i%200)))
		case 1:
			_, _ = fmt.Fprintf(c, "INVITE sip:%d@x SIP/2.0\r\nVia: SIP/2.0/UDP 1.2.3.4;branch=z9hG4bK%d\r\n\r\n", i, i)
		case 2:
			_, _ = fmt.Fprintf(c, "INVITE sip:9@x SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKj%d\r\nFrom: <sip:a@b>;tag=%d\r\n"+
				"To: <sip:9@x>\r\nCall-ID: %d\r\nCSeq: 1 INVITE\r\nContact: <sip:a@b>\r\nContent-Length: 0\r\n\r\n", i, i, i)
		default:
			_, _ = c.Write([]byte("\r\n\r\n"))
		}
		_ = c.Close()
	}
	eventually(t, "transactions gone", func() bool {
		s := h.srv.Stats()
		return s.Transactions == 0 && s.Dialogs == 0 && s.Conns == 0
	})
	if after := runtime.NumGoroutine(); after > before+5 {
		t.Fatalf("%d goroutines, %d before", after, before)
	}
	if h.srv.Stats().Limited == 0 {
		t.Fatal("the flood was not limited")
	}
	eventually(t, "service after the flood", func() bool { // the bucket of this address refills
		c, err := h.bank(nil).Phone("8001", "pw-8001", phone.WithoutMedia()).Dial(ctx, "1", "")
		if err != nil {
			return false
		}
		select {
		case d := <-h.calls:
			_ = d.Reject(ctx, 486, "")
			return true
		case <-time.After(time.Second):
			_ = c.Hangup(ctx)
			return false
		}
	})
}

// TestWebSocketSlowloris: half-open upgrades and silent sockets do not keep
// anybody else out.
func TestWebSocketSlowloris(t *testing.T) {
	h := startHospital(t, nil)
	web := httptest.NewUnstartedServer(http.HandlerFunc(h.srv.ServeWebSocket))
	web.Config.ReadHeaderTimeout = 200 * time.Millisecond
	web.Start()
	defer web.Close()
	addr := web.Listener.Addr().String()
	for range 200 {
		c, err := net.Dial("tcp", addr)
		must(t, err)
		defer c.Close()
		_, _ = io.WriteString(c, "GET /sip HTTP/1.1\r\nHost: x\r\nUpgrade: webso")
	}
	ctx := patience(t)
	ws, _, err := websocket.Dial(ctx, "ws://"+addr+"/sip", &websocket.DialOptions{Subprotocols: []string{"sip"}})
	must(t, err)
	defer ws.CloseNow()
	must(t, ws.Write(ctx, websocket.MessageText, []byte("OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/WS abc.invalid;branch=z9hG4bKws1\r\n"+
		"From: <sip:a@b>;tag=1\r\nTo: <sip:x@y>\r\nCall-ID: ws1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n")))
	_, data, err := ws.Read(ctx)
	must(t, err)
	if !strings.HasPrefix(string(data), "SIP/2.0 200") {
		t.Fatalf("%s", data)
	}
	must(t, ws.Write(ctx, websocket.MessageText, []byte("\r\n\r\n")))
	if _, data, err = ws.Read(ctx); err != nil || string(data) != "\r\n" {
		t.Fatalf("pong %q %v", data, err)
	}
	if _, _, err := websocket.Dial(ctx, "ws://"+addr+"/sip", nil); err == nil {
		c, _, _ := websocket.Dial(ctx, "ws://"+addr+"/sip", nil)
		if _, _, err := c.Read(ctx); err == nil {
			t.Fatal("a socket without subprotocol sip was served")
		}
	}
}

// TestSilentTCPClientsAreBounded: connections that send nothing, or bytes
// that never become a message, do not keep phones out.
func TestSilentTCPClientsAreBounded(t *testing.T) {
	h := startHospital(t, func(c *sip.Config) { c.MaxConns = 40 })
	for range 60 {
		c, err := net.Dial("tcp", h.srv.Addr("tcp").String())
		must(t, err)
		defer c.Close()
	}
	eventually(t, "one address is bounded", func() bool { return h.srv.Stats().Conns <= 11 && h.srv.Stats().Dropped >= 49 })
	c, err := net.Dial("udp", h.srv.Addr("udp").String())
	must(t, err)
	defer c.Close()
}

func TestTCPFramesPipelinedAndSplitMessages(t *testing.T) {
	h := startHospital(t, nil)
	c, err := net.Dial("tcp", h.srv.Addr("tcp").String())
	must(t, err)
	defer c.Close()
	var all strings.Builder
	for i := range 50 {
		fmt.Fprintf(&all, "\r\nOPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/TCP a;branch=z9hG4bKp%d\r\nFrom: <sip:a@b>;tag=1\r\n"+
			"To: <sip:x@y>\r\nCall-ID: p\r\nCSeq: %d OPTIONS\r\nl: 5\r\n\r\nhello", i, i+1)
	}
	go func() {
		s := all.String()
		for len(s) > 0 {
			n := min(len(s), 777)
			_, _ = io.WriteString(c, s[:n])
			s = s[n:]
		}
	}()
	r := bufio.NewReader(c)
	must(t, c.SetReadDeadline(time.Now().Add(5*time.Second)))
	for i := 1; i <= 50; {
		ln, err := r.ReadString('\n')
		must(t, err)
		if strings.HasPrefix(ln, "CSeq:") {
			if want := fmt.Sprintf("CSeq: %d OPTIONS", i); strings.TrimSpace(ln) != want {
				t.Fatalf("%s, want %s: answers out of order", ln, want)
			}
			i++
		}
	}
}

// TestPipelinedInfoKeepsItsOrder writes 500 INFOs into a connection at once:
// a goroutine per message would mix them up.
func TestPipelinedInfoKeepsItsOrder(t *testing.T) {
	h := startHospital(t, func(c *sip.Config) { c.OpenUA = true })
	c, err := net.Dial("tcp", h.srv.Addr("tcp").String())
	must(t, err)
	defer c.Close()
	head := func(method string, seq int, to, extra string) string {
		return fmt.Sprintf("%s sip:x SIP/2.0\r\nVia: SIP/2.0/TCP a;branch=z9hG4bKi%s%d\r\nFrom: <sip:a@b>;tag=1\r\nTo: %s\r\n"+
			"Call-ID: pipe\r\nCSeq: %d %s\r\nContact: <sip:a@b>\r\n%s", method, method, seq, to, seq, method, extra)
	}
	_, err = io.WriteString(c, head("INVITE", 1, "<sip:x@y>", "Content-Length: 0\r\n\r\n"))
	must(t, err)
	d := h.nextCall()
	must(t, d.Answer(patience(t), []byte(sdpA)))
	r := bufio.NewReader(c)
	to := ""
	for to == "" {
		ln, err := r.ReadString('\n')
		must(t, err)
		if v, ok := strings.CutPrefix(ln, "To: "); ok && strings.Contains(v, "tag=") {
			to = strings.TrimSpace(v)
		}
	}
	var all strings.Builder
	all.WriteString(head("ACK", 1, to, "Content-Length: 0\r\n\r\n"))
	const n = 500
	for i := range n {
		body := fmt.Sprintf("Signal=%d", i%10)
		all.WriteString(head("INFO", i+2, to, fmt.Sprintf("Content-Type: application/dtmf-relay\r\nContent-Length: %d\r\n\r\n%s", len(body), body)))
	}
	go func() { _, _ = io.Copy(io.Discard, r) }()
	_, err = io.WriteString(c, all.String())
	must(t, err)
	for i := range n {
		if got := next[sip.Digit](t, d); got.D != byte('0'+i%10) {
			t.Fatalf("digit %d is %c", i, got.D)
		}
	}
}
