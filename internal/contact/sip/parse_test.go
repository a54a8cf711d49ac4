package sip

import (
	"strings"
	"testing"

	sipgo "github.com/emiago/sipgo/sip"
)

const sample = "INVITE sip:96166@h.example;user=phone SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1:5060;rport;branch=z9hG4bKa, SIP/2.0/TCP b.example;branch=z9hG4bKb\r\n" +
	"v: SIP/2.0/UDP [2001:db8::1]:5062;branch=z9hG4bKc\r\nMax-Forwards: 69\r\nf: \"Zhang \\\"San\\\"\" <sip:138%30@h.example>;tag=x\r\n" +
	"t: <sip:96166@h.example>\r\ni: abc@h\r\nCSeq: 7 INVITE\r\nm: <sip:a@10.0.0.1;transport=tcp>;q=1, <sip:b@10.0.0.2>\r\n" +
	"k: 100rel,\r\n timer\r\nRecord-Route: <sip:p1;lr>, <sip:p2;lr>\r\nc: application/sdp\r\nl: 4\r\n\r\nv=0\r\ntrailing"

func TestMessageIsTakenApart(t *testing.T) {
	m, err := parseMessage([]byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	c, _ := m.contact()
	checks := map[string]bool{
		"method":       m.method == "INVITE" && m.cseq == 7 && m.cseqMeth == "INVITE",
		"via":          m.via.host == "10.0.0.1" && m.via.port == 5060 && m.via.rport && m.via.branch == "z9hG4bKa",
		"display":      m.from.display == `Zhang "San"` && m.from.tag() == "x",
		"user":         unescape(m.from.uri.user) == "1380",
		"call-id":      m.callID == "abc@h",
		"contact":      c.uri.user == "a" && c.uri.params.get("transport") == "tcp" && c.params.get("q") == "1",
		"folded list":  m.lists(hSupported, "timer") && m.lists(hSupported, "100REL") && !m.lists(hSupported, "replaces"),
		"record-route": len(m.values(hRecordRoute)) == 2,
		"body":         string(m.sdp()) == "v=0\r",
		"max-forwards": m.maxFwd == 69,
	}
	for what, ok := range checks {
		if !ok {
			t.Errorf("%s is wrong: %+v", what, m)
		}
	}
	vias := string(appendVias(nil, m, mustAddr("192.0.2.7:4444")))
	want := "Via: SIP/2.0/UDP 10.0.0.1:5060;rport=4444;branch=z9hG4bKa;received=192.0.2.7\r\n" +
		"Via: SIP/2.0/TCP b.example;branch=z9hG4bKb\r\nVia: SIP/2.0/UDP [2001:db8::1]:5062;branch=z9hG4bKc\r\n"
	if vias != want {
		t.Errorf("vias\n%s", vias)
	}
}

// FuzzParse: no input crashes the parser, and whatever it accepts as a
// request can be answered with a response that sipgo's parser reads too.
func FuzzParse(f *testing.F) {
	f.Add([]byte(sample))
	f.Add([]byte("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCall-ID: x\r\nCSeq: 1 BYE\r\n\r\n"))
	f.Add([]byte("OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/UDP h;;,\r\nTo: \"\r\nFrom: <\r\nCSeq: \r\n\r\n"))
	s := &Server{cfg: Config{UserAgent: "t"}}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := parseMessage(data)
		if m == nil {
			if err == nil {
				t.Fatal("neither message nor error")
			}
			return
		}
		_, _ = m.contact()
		_ = m.sdp()
		_ = s.looped(m)
		_ = unsupported(m)
		_ = replyFlow(m, flow{addr: mustAddr("127.0.0.1:1")})
		if err != nil || !m.isRequest() {
			return
		}
		out := s.response(m, flow{addr: mustAddr("127.0.0.1:1")}, 200, "", "tag", "", nil)
		back, perr := parseMessage(out)
		if perr != nil || back.code != 200 || back.cseq != m.cseq || back.callID != m.callID {
			t.Fatalf("our own response does not parse: %v\n%q", perr, out)
		}
	})
}

// TestWrittenMessagesReadTheSameInSipgo holds our writer against another parser.
func TestWrittenMessagesReadTheSameInSipgo(t *testing.T) {
	s := &Server{cfg: Config{UserAgent: "Heartline"}, localIPs: localIPs{seen: map[addrT]string{mustAddr("127.0.0.1:1").Addr(): "127.0.0.1"}}}
	req := s.request(flow{transport: "UDP", addr: mustAddr("127.0.0.1:1")}, &reqParts{
		method: "INVITE", uri: "sip:8001@10.0.0.1", branch: "z9hG4bKq", routes: []string{"<sip:p;lr>"},
		from: quote(`A "B"`) + " <sip:1@h>;tag=t", to: "<sip:8001@h>", callID: "c1", cseq: 9,
		contact: "<sip:1@127.0.0.1>", extra: line("X-A", "b\r\nInjected: yes"), body: "v=0\r\n",
	})
	if strings.Contains(string(req), "\r\nInjected") {
		t.Fatal("a header value broke out of its line")
	}
	msg, err := sipgo.ParseMessage(req)
	if err != nil {
		t.Fatal(err)
	}
	r := msg.(*sipgo.Request)
	if r.Method != sipgo.INVITE || r.CSeq().SeqNo != 9 || r.CallID().Value() != "c1" || string(r.Body()) != "v=0\r\n" ||
		r.Recipient.User != "8001" || r.Route() == nil || r.From().Params.GetOr("tag", "") != "t" {
		t.Fatalf("sipgo reads %s", r)
	}
	m, perr := parseMessage([]byte(sample))
	if perr != nil {
		t.Fatal(perr)
	}
	res, err := sipgo.ParseMessage(s.response(m, flow{addr: mustAddr("127.0.0.1:9")}, 180, "", "lt", allowLine, nil))
	if err != nil {
		t.Fatal(err)
	}
	if p := res.(*sipgo.Response); p.StatusCode != 180 || p.To().Params.GetOr("tag", "") != "lt" || p.Via().Host != "10.0.0.1" {
		t.Fatalf("sipgo reads %s", p)
	}
}

func TestUserPartsSurviveEscaping(t *testing.T) {
	for _, user := range []string{"8001", "+86 138", "张三", "a@b", "x;y=z", "100%"} {
		u, err := parseURI("sip:" + escapeUser(user) + "@h")
		if err != nil || unescape(u.user) != user {
			t.Errorf("%q became %q (%v)", user, unescape(u.user), err)
		}
	}
}
