package sip_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"heartline/internal/contact/sip"
)

// selfSigned makes a certificate for 127.0.0.1 and a pool that trusts it.
func selfSigned(t *testing.T) *tls.Config {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	must(t, err)
	cert, err := x509.ParseCertificate(der)
	must(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, RootCAs: pool}
}

func TestTrunkOverTLS(t *testing.T) {
	ctx := patience(t)
	conf := selfSigned(t)
	secure := func(c *sip.Config) { c.TLS, c.TLSConfig = "127.0.0.1:0", conf }
	provider, h := startHospital(t, secure), startHospital(t, secure)
	must(t, h.srv.SetTrunks([]sip.Trunk{{
		ID: "p", Kind: sip.TrunkRegister, Host: "127.0.0.1", Port: int(provider.srv.Addr("tls").Port()), Transport: "TLS",
		Username: "8001", Password: "pw-8001",
	}}))
	eventually(t, "registered", func() bool { return h.srv.TrunkStatus()[0].Up && provider.isOnline("8001") })
	in, err := provider.srv.Dial(ctx, sip.DialSpec{Extension: "8001", From: "1", Offer: []byte(sdpA)})
	must(t, err)
	d := h.nextCall() // over the connection that we opened
	if d.Peer().Transport != "TLS" || d.Peer().Trunk != "p" {
		t.Fatalf("%+v", d.Peer())
	}
	must(t, d.Answer(ctx, []byte(sdpA)))
	next[sip.Answered](t, in)
	must(t, d.Hangup(ctx, sip.Cause{}))
	next[sip.Ended](t, in)
}

// TestWebSocketPhone registers by WebSocket and is called over the same flow.
func TestWebSocketPhone(t *testing.T) {
	ctx := patience(t)
	h := startHospital(t, nil)
	web := httptest.NewServer(http.HandlerFunc(h.srv.ServeWebSocket))
	defer web.Close()
	ws, _, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(web.URL, "http"), &websocket.DialOptions{Subprotocols: []string{"sip"}})
	must(t, err)
	defer ws.CloseNow()
	register := func(seq int, auth string) string {
		must(t, ws.Write(ctx, websocket.MessageText, fmt.Appendf(nil, "REGISTER sip:127.0.0.1 SIP/2.0\r\n"+
			"Via: SIP/2.0/WS x.invalid;branch=z9hG4bKr%d\r\nFrom: <sip:8001@127.0.0.1>;tag=1\r\nTo: <sip:8001@127.0.0.1>\r\n"+
			"Call-ID: wsr\r\nCSeq: %d REGISTER\r\nContact: <sip:8001@x.invalid;transport=ws>\r\n%sContent-Length: 0\r\n\r\n", seq, seq, auth)))
		_, data, err := ws.Read(ctx)
		must(t, err)
		return string(data)
	}
	nonce := nonceOf(t, register(1, ""))
	if got := register(2, credentials("8001", "pw-8001", nonce, "REGISTER", 1)); !strings.HasPrefix(got, "SIP/2.0 200") {
		t.Fatal(got)
	}
	d, err := h.srv.Dial(ctx, sip.DialSpec{Extension: "8001", From: "1", Offer: []byte(sdpA)})
	must(t, err)
	_, invite, err := ws.Read(ctx)
	must(t, err)
	if !bytes.HasPrefix(invite, []byte("INVITE sip:8001@x.invalid;transport=ws SIP/2.0\r\nVia: SIP/2.0/WS ")) {
		t.Fatalf("%s", invite)
	}
	must(t, ws.Write(ctx, websocket.MessageText, answerTo(invite, "wst")))
	next[sip.Answered](t, d)
	if _, ack, err := ws.Read(ctx); err != nil || !bytes.HasPrefix(ack, []byte("ACK ")) {
		t.Fatalf("%s %v", ack, err)
	}
	must(t, ws.Close(websocket.StatusNormalClosure, ""))
	eventually(t, "offline with its connection", func() bool { return !h.isOnline("8001") })
}

// answerTo writes a 200 with SDP to a request.
func answerTo(req []byte, tag string) []byte {
	var b strings.Builder
	b.WriteString("SIP/2.0 200 OK\r\n")
	for ln := range strings.Lines(string(req)) {
		switch name, _, _ := strings.Cut(ln, ":"); name {
		case "Via", "From", "Call-ID", "CSeq":
			b.WriteString(ln)
		case "To":
			b.WriteString(strings.TrimRight(ln, "\r\n") + ";tag=" + tag + "\r\n")
		}
	}
	fmt.Fprintf(&b, "Contact: <sip:peer@127.0.0.1:%s>\r\nContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s", "9", len(sdpA), sdpA)
	return []byte(b.String())
}

// TestRepeated200GetsTheSameAck: the ACK was lost on its way.
func TestRepeated200GetsTheSameAck(t *testing.T) {
	ctx := patience(t)
	h := startHospital(t, nil)
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	must(t, err)
	defer pc.Close()
	d, err := h.srv.Dial(ctx, sip.DialSpec{URI: "sip:b@" + pc.LocalAddr().String(), From: "a", Offer: []byte(sdpA)})
	must(t, err)
	buf := make([]byte, 4096)
	read := func() ([]byte, net.Addr) {
		must(t, pc.SetReadDeadline(time.Now().Add(5*time.Second)))
		n, from, err := pc.ReadFrom(buf)
		must(t, err)
		return bytes.Clone(buf[:n]), from
	}
	invite, from := read()
	ok := bytes.Replace(answerTo(invite, "x"), []byte("peer@127.0.0.1:9"), []byte("peer@"+pc.LocalAddr().String()), 1)
	_, _ = pc.WriteTo(ok, from)
	first, _ := read()
	for bytes.HasPrefix(first, []byte("INVITE")) { // a repeat that crossed our 200
		first, _ = read()
	}
	_, _ = pc.WriteTo(ok, from)
	second, _ := read()
	if !bytes.HasPrefix(first, []byte("ACK ")) || !bytes.Equal(first, second) {
		t.Fatalf("first %s\nsecond %s", first, second)
	}
	next[sip.Answered](t, d)
}

// TestStartReportsATakenPort: errors come from Start, not later from a log.
func TestStartReportsATakenPort(t *testing.T) {
	h := startHospital(t, nil)
	for _, cfg := range []sip.Config{
		{UDP: h.srv.Addr("udp").String()}, {TCP: h.srv.Addr("tcp").String()},
	} {
		srv, err := sip.New(cfg, h, h, nil)
		must(t, err)
		if err := srv.Start(context.Background()); err == nil {
			t.Fatalf("%+v started twice", cfg)
		}
	}
}

// TestStopHangsUp: a stopping server says BYE and ends its dialogs.
func TestStopHangsUp(t *testing.T) {
	ctx := patience(t)
	h := startHospital(t, nil)
	c := startCarrier(t, "127.0.0.1:0")
	must(t, h.srv.SetTrunks([]sip.Trunk{c.trunk("t", 1)}))
	out, err := h.srv.Dial(ctx, sip.DialSpec{Number: "1", From: "2", Offer: []byte(sdpA)})
	must(t, err)
	cd := <-c.calls
	must(t, cd.Answer(ctx, []byte(sdpA)))
	next[sip.Answered](t, out)
	must(t, h.srv.Stop(ctx))
	if e := next[sip.Ended](t, cd); !e.Cause.Remote || e.Cause.Q850 != 41 {
		t.Fatalf("%+v", e)
	}
	if _, err := h.srv.Dial(ctx, sip.DialSpec{Number: "1"}); err == nil {
		t.Fatal("a stopped server dials")
	}
}
