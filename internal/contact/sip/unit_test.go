package sip

import (
	"net/netip"
	"testing"
	"time"
)

type addrT = netip.Addr

func mustAddr(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

func TestWheelFiresInTimeAndNeverEarly(t *testing.T) {
	w := newWheel(time.Millisecond)
	go w.run()
	defer w.close()
	ends := make(chan time.Duration, 4)
	for _, d := range []time.Duration{0, 5 * time.Millisecond, 50 * time.Millisecond, 1100 * time.Millisecond} {
		start := time.Now()
		w.after(d, wakerFunc(func() { ends <- time.Since(start) - d }), 0)
	}
	for range 4 {
		select {
		case late := <-ends:
			if late < 0 || late > 500*time.Millisecond {
				t.Fatalf("fired %v after its time", late)
			}
		case <-time.After(5 * time.Second):
			t.Fatal("a timer was lost") // 1100 ms is more than one turn of the wheel
		}
	}
}

type wakerFunc func()

func (f wakerFunc) wake(uint32) { f() }

func TestNonceCountWindow(t *testing.T) {
	var w ncWindow
	for _, step := range []struct {
		nc uint32
		ok bool
	}{{1, true}, {1, false}, {3, true}, {2, true}, {2, false}, {200, true}, {137, true}, {136, false}, {137, false}, {3, false}} {
		if got := w.take(step.nc); got != step.ok {
			t.Errorf("nc %d: %v, want %v", step.nc, got, step.ok)
		}
	}
}

func TestNormaliseTakesTheFirstRuleThatMatches(t *testing.T) {
	rules := []Rule{{Match: "+86", Strip: 3}, {Match: "0086", Strip: 4}, {Match: "1", Length: 11, Prefix: "0"}, {Strip: 0}}
	for in, want := range map[string]string{
		"+8613800000000": "13800000000", "00861380": "1380", "13800000000": "013800000000", "120": "120", "": "",
	} {
		if got := normalise(rules, in); got != want {
			t.Errorf("%q → %q, want %q", in, got, want)
		}
	}
}

func TestEdgeLimitsEachSourceAndForgetsIt(t *testing.T) {
	now := time.Unix(0, 0)
	e := newEdge(ACL{Deny: []netip.Prefix{netip.MustParsePrefix("10.6.0.0/16")}}, 10, func() time.Time { return now })
	a, b := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2")
	n := 0
	for range 100 {
		if e.admit(a) {
			n++
		}
	}
	if n != 20 || !e.admit(b) {
		t.Fatalf("%d of 100 admitted at once", n)
	}
	if e.allowed(netip.MustParseAddr("10.6.1.1")) || !e.allowed(a) {
		t.Fatal("access list")
	}
	now = now.Add(2 * time.Minute)
	e.sweep()
	if e.size() != 0 || !e.admit(a) {
		t.Fatal("silent sources are remembered")
	}
	for i := range maxSources + 100 {
		e.admit(netip.AddrFrom4([4]byte{172, 16, byte(i >> 8), byte(i)}))
	}
	if e.size() > maxSources {
		t.Fatalf("%d sources kept", e.size())
	}
}

func TestDTMFBodies(t *testing.T) {
	for _, tc := range []struct {
		ct, body string
		digit    byte
		dur      time.Duration
		ok       bool
	}{
		{"application/dtmf-relay", "Signal=5\r\nDuration=250\r\n", '5', 250 * time.Millisecond, true},
		{"application/dtmf-relay", "Signal= #\nDuration= 99999\n", '#', 160 * time.Millisecond, true},
		{"application/dtmf-relay", "signal=11", '#', 160 * time.Millisecond, true},
		{"application/dtmf", "*\r\n", '*', 160 * time.Millisecond, true},
		{"application/dtmf", "d", 'D', 160 * time.Millisecond, true},
		{"application/dtmf", "55", 0, 0, false},
		{"application/dtmf-relay", "Duration=5", 0, 0, false},
	} {
		d, dur, ok := parseDTMF(tc.ct, tc.body)
		if d != tc.digit || ok != tc.ok || ok && dur != tc.dur {
			t.Errorf("%q: %c %v %v", tc.body, d, dur, ok)
		}
	}
}

func TestSessionTimerAgreement(t *testing.T) {
	for _, tc := range []struct {
		name, headers string
		interval      time.Duration
		mine          bool
		answer        string
	}{
		{"peer refreshes", "Supported: timer\r\nSession-Expires: 600\r\n", 600 * time.Second, false, "Session-Expires: 600;refresher=uac\r\nRequire: timer\r\n"},
		{"we refresh", "Supported: timer\r\nSession-Expires: 600;refresher=uas\r\n", 600 * time.Second, true, "Session-Expires: 600;refresher=uas\r\n"},
		{"proxy asked, phone cannot", "Session-Expires: 600\r\n", 600 * time.Second, true, "Session-Expires: 600;refresher=uas\r\n"},
		{"nobody asked, phone can", "Supported: timer\r\n", 1800 * time.Second, false, "Session-Expires: 1800;refresher=uac\r\nRequire: timer\r\n"},
		{"nobody asked, phone cannot", "", 1800 * time.Second, true, ""},
	} {
		m, err := parseMessage([]byte("INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n" +
			"To: <sip:c@d>\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n" + tc.headers + "\r\n"))
		if err != nil {
			t.Fatal(err)
		}
		d := &Dialog{s: &Server{cfg: Config{SessionExpiry: 30 * time.Minute, MinSE: 90 * time.Second}}}
		got := d.acceptTimer(m)
		if got != tc.answer || d.timer.interval != tc.interval || d.timer.mine != tc.mine {
			t.Errorf("%s: %q %+v", tc.name, got, d.timer)
		}
	}
}
