package sdp

import (
	"bytes"
	"errors"
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

func us() Local {
	return Local{IP: netip.MustParseAddr("192.0.2.10"), Port: 20000, SessionID: 42, Version: 1,
		Codecs: []Kind{PCMA, PCMU, G722}}
}

// body joins lines into a description with the usual session lines in front.
func body(lines ...string) []byte {
	head := []string{"v=0", "o=x 1 1 IN IP4 192.0.2.20", "s=-", "c=IN IP4 192.0.2.20", "t=0 0"}
	return []byte(strings.Join(append(head, lines...), "\r\n") + "\r\n")
}

// Every testdata/*.offer is answered; answer and session are the golden file.
func TestAnswersAreGolden(t *testing.T) {
	offers, err := filepath.Glob("testdata/*.offer")
	if err != nil || len(offers) < 10 {
		t.Fatalf("%d offers, %v", len(offers), err)
	}
	for _, name := range offers {
		offer, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var got []byte
		answer, s, err := Answer(us(), bytes.ReplaceAll(offer, []byte("\n"), []byte("\r\n")))
		if err != nil {
			got = []byte("error: " + err.Error() + "\n")
		} else {
			got = append(bytes.ReplaceAll(answer, []byte("\r\n"), []byte("\n")),
				"-- "+s.String()+" to "+s.Remote.String()+" rtcp "+s.RTCP.String()+"\n"...)
		}
		golden := strings.TrimSuffix(name, ".offer") + ".golden"
		if *update {
			if err := os.WriteFile(golden, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s:\n%s\nwant:\n%s", name, got, want)
		}
	}
}

func TestOurOfferIsAnsweredByOurselves(t *testing.T) {
	offered := us()
	offer := Offer(offered)
	them := us()
	them.IP, them.Port, them.Codecs = netip.MustParseAddr("192.0.2.99"), 30000, []Kind{G722, PCMU}
	answer, theirs, err := Answer(them, offer)
	if err != nil {
		t.Fatal(err)
	}
	ours, err := Complete(offered, answer)
	if err != nil {
		t.Fatal(err)
	}
	if theirs.Send.Kind != G722 || ours.Send.Kind != G722 || !ours.Mux || ours.EventSend != EventPT {
		t.Errorf("ours %s, theirs %s", ours, theirs)
	}
	if ours.Remote.String() != "192.0.2.99:30000" || theirs.Remote.String() != "192.0.2.10:20000" {
		t.Errorf("%v %v", ours.Remote, theirs.Remote)
	}
}

func TestAnswerWithOtherPayloadTypes(t *testing.T) {
	s, err := Complete(us(), body("m=audio 4000 RTP/AVP 0 97", "a=rtpmap:97 telephone-event/8000"))
	if err != nil {
		t.Fatal(err)
	}
	if s.Send != (Format{PCMU, 0}) || s.EventSend != 97 || s.EventRecv != EventPT || s.Mux || s.RTCP.Port() != 4001 {
		t.Errorf("%s rtcp %v, events from peer %d", s, s.RTCP, s.EventRecv)
	}
}

func TestHoldAndResumeKeepTheLayout(t *testing.T) {
	l := us()
	_, s, err := Answer(l, body("m=video 5000 RTP/AVP 96", "m=audio 4000 RTP/AVP 8 107", "a=rtpmap:107 telephone-event/8000"))
	if err != nil {
		t.Fatal(err)
	}
	l.Previous, l.Direction, l.Version = s, SendOnly, 2
	offer := string(Offer(l))
	for _, want := range []string{"m=video 0 RTP/AVP 96", "m=audio 20000 RTP/AVP 8 0 9 107", "a=sendonly", "o=heartline 42 2 "} {
		if !strings.Contains(offer, want) {
			t.Errorf("%q missing in\n%s", want, offer)
		}
	}
	s, err = Complete(l, body("m=video 0 RTP/AVP 96", "m=audio 4000 RTP/AVP 8", "a=recvonly"))
	if err != nil || s.Direction != SendOnly || s.Held {
		t.Errorf("%v %v", s, err)
	}
	if _, err = Complete(l, body("m=audio 4000 RTP/AVP 8")); err == nil {
		t.Error("an answer with missing lines was taken")
	}
}

func TestRefusalsAreTyped(t *testing.T) {
	for name, offer := range map[string][]byte{
		"codec":     body("m=audio 4000 RTP/AVP 18", "a=rtpmap:18 G729/8000"),
		"transport": body("m=audio 4000 RTP/SAVP 8"),
		"video":     body("m=video 4000 RTP/AVP 96"),
		"off":       body("m=audio 0 RTP/AVP 8"),
		"name":      bytes.ReplaceAll(body("m=audio 4000 RTP/AVP 8"), []byte("192.0.2.20"), []byte("pbx.example")),
		"multicast": bytes.ReplaceAll(body("m=audio 4000 RTP/AVP 8"), []byte("192.0.2.20"), []byte("224.2.1.1/127")),
		"broadcast": bytes.ReplaceAll(body("m=audio 4000 RTP/AVP 8"), []byte("192.0.2.20"), []byte("255.255.255.255")),
		"family":    body("m=audio 4000 RTP/AVP 8", "c=IN IP6 2001:db8::1"),
	} {
		var refusal *NotAcceptable
		if _, _, err := Answer(us(), offer); !errors.As(err, &refusal) || refusal.SIPCode() != 488 {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, offer := range map[string][]byte{
		"empty": nil, "version": []byte("v=1\r\n"), "long": bytes.Repeat([]byte("v=0\r\n"), 9000),
		"zero": body("a=\x00"), "origin": []byte("v=0\r\nm=audio 1 RTP/AVP 8\r\n"),
		"port": body("m=audio 99999 RTP/AVP 8"), "lines": body(strings.Split(strings.Repeat("m=audio 1 RTP/AVP 8\n", 20), "\n")...),
	} {
		var bad *Malformed
		if _, _, err := Answer(us(), offer); !errors.As(err, &bad) || bad.SIPCode() != 400 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDirections(t *testing.T) {
	for _, c := range []struct {
		local, remote, want Direction
	}{
		{SendRecv, SendRecv, SendRecv}, {SendRecv, SendOnly, RecvOnly}, {SendRecv, RecvOnly, SendOnly},
		{SendRecv, Inactive, Inactive}, {SendOnly, SendRecv, SendOnly}, {SendOnly, SendOnly, Inactive},
	} {
		l := us()
		l.Direction = c.local
		_, s, err := Answer(l, body("m=audio 4000 RTP/AVP 8", "a="+c.remote.String()))
		if err != nil || s.Direction != c.want {
			t.Errorf("%s answered to %s: %v, %v", c.local, c.remote, s, err)
		}
		if s.Held != (c.remote == SendOnly || c.remote == Inactive) {
			t.Errorf("%s: held %t", c.remote, s.Held)
		}
	}
}

// Whatever comes in: no panic, and an answer we give can be read by ourselves
// and has as many media lines as the offer.
func FuzzAnswer(f *testing.F) {
	offers, _ := filepath.Glob("testdata/*.offer")
	for _, name := range offers {
		b, _ := os.ReadFile(name)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, offer []byte) {
		_, _ = Complete(us(), offer)
		answer, s, err := Answer(us(), offer)
		if err != nil {
			return
		}
		d, err := parse(answer)
		if err != nil {
			t.Fatalf("our answer is malformed: %v\n%s", err, answer)
		}
		if len(d.media) != len(s.layout) {
			t.Fatalf("%d media lines for %d", len(d.media), len(s.layout))
		}
		l := us()
		l.Previous = s
		if _, err := parse(Offer(l)); err != nil {
			t.Fatalf("our re-offer is malformed: %v", err)
		}
	})
}
