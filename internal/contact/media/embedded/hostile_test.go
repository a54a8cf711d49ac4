package embedded

import (
	"net"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"heartline/internal/contact/media"
)

func TestLatchRules(t *testing.T) {
	const window, silence = int64(3e9), int64(5e9)
	told := netip.MustParseAddrPort("192.0.2.1:4000")
	host := netip.MustParseAddrPort("192.0.2.1:4999")
	nat := netip.MustParseAddrPort("198.51.100.7:61000")
	evil := netip.MustParseAddrPort("203.0.113.66:666")
	type step struct {
		at  int64
		src netip.AddrPort
		ok  bool
	}
	for name, steps := range map[string][]step{
		"signalled address":           {{0, told, true}, {1, evil, false}, {1, host, false}, {2, told, true}},
		"behind NAT":                  {{0, nat, true}, {1, evil, false}, {2, nat, true}},
		"intruder first, peer next":   {{0, evil, true}, {1e9, told, true}, {2e9, evil, false}},
		"other port of the host":      {{0, evil, true}, {1e9, host, true}, {2e9, nat, false}},
		"better host after window":    {{0, nat, true}, {2e9, nat, true}, {4e9, host, false}},
		"exact address at any time":   {{0, nat, true}, {4e9, nat, true}, {8e9, told, true}, {9e9, nat, false}},
		"silent source is replaced":   {{0, nat, true}, {4e9, evil, false}, {5.1e9, evil, true}, {5.2e9, nat, false}},
		"window counts from latching": {{20e9, nat, true}, {22e9, told, true}},
	} {
		k := latch{}
		k.signal(told, 0, silence)
		for i, s := range steps {
			if ok, _ := k.admit(s.src, s.at, window, silence); ok != s.ok {
				t.Errorf("%s, step %d: %t", name, i, ok)
			}
		}
	}
	k := latch{}
	k.signal(told, 0, silence)
	k.admit(nat, 0, window, silence)
	k.signal(evil, 1e9, silence) // re-INVITE names another address
	if ok, changed := k.admit(evil, 1e9, window, silence); !ok || !changed {
		t.Error("renegotiated address refused")
	}
	k.signal(evil, 10e9, silence) // the same again: only a source silent already may be replaced
	if ok, _ := k.admit(nat, 10.1e9, window, silence); !ok {
		t.Error("a silent source was kept after renegotiation")
	}
}

func TestInjectedSoundIsNotHeard(t *testing.T) {
	c := testCall(t, testEngine(t, nil))
	a, b, evil := newPeer(t, 8, 400).start(), newPeer(t, 8, 1000).start(), newPeer(t, 8, 2000)
	a.join(c, "a")
	b.join(c, "b")
	check(t, c.Connect(ctx, media.Bridge("a", "b")))
	b.hears(400)
	evil.set(func(p *peer) { a.mu.Lock(); p.to = a.to; a.mu.Unlock() })
	evil.start()
	b.fresh(4000)
	if share, _ := b.power(2000, 4000); share > 0.02 {
		t.Errorf("%.2f of the sound is the intruder's", share)
	}
	evil.set(func(p *peer) {
		if len(p.heard) > 0 {
			t.Error("the intruder hears the call")
		}
	})
}

// Thousands of broken and foreign datagrams: nothing panics, nothing grows,
// the call goes on.
func TestHostileDatagramsChangeNothing(t *testing.T) {
	e := testEngine(t, nil)
	c := testCall(t, e)
	a, b := newPeer(t, 8, 400).start(), newPeer(t, 8, 1000).start()
	legA := a.join(c, "a")
	b.join(c, "b")
	check(t, c.Connect(ctx, media.Bridge("a", "b")))
	b.hears(400)
	before := runtime.NumGoroutine()
	good := make([]byte, headerLen+frame)
	putRTP(good, rtpHeader{pt: 8, ssrc: 7})
	junk := [][]byte{
		{}, {0x80}, good[:11], good[:12],
		append([]byte{0x40}, good[1:]...),                // version 1
		append([]byte{0x8F}, good[1:40]...),              // contributing sources beyond the end
		append([]byte{0x90}, good[1:16]...),              // extension beyond the end
		append(append([]byte{0xA0}, good[1:20]...), 255), // padding beyond the start
		append([]byte{0x80, 77}, good[2:]...),            // unknown payload type
		append([]byte{0x80, 101}, good[2:14]...),         // event cut short
		make([]byte, 1500),
		{0x81, 200, 0xFF, 0xFF, 0, 0, 0, 0}, // RTCP with a wrong length
		{0x9F, 201, 0, 1, 0, 0, 0, 0},       // RTCP promising 31 blocks
		{0x80, 203, 0, 1, 0, 0, 0, 0},       // somebody says goodbye
	}
	conn, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(a.to))
	check(t, err)
	defer conn.Close()
	ctrl, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(a.to.Addr(), a.to.Port()+1)))
	check(t, err)
	defer ctrl.Close()
	for range 400 {
		for _, j := range junk {
			_, _ = conn.Write(j)
			_, _ = ctrl.Write(j)
			a.set(func(p *peer) { _, _ = p.conn.WriteToUDPAddrPort(j, p.to) }) // also from the right source
		}
	}
	b.fresh(1600)
	b.hears(400)
	if after := runtime.NumGoroutine(); after > before+2 {
		t.Errorf("%d goroutines before, %d after", before, after)
	}
	if q := legA.Quality(); q.LossPct > 50 {
		t.Logf("quality under attack: %+v", q)
	}
}

// A peer that sends far too much is cut to the limit, also in keys.
func TestFloodIsLimited(t *testing.T) {
	c := testCall(t, testEngine(t, nil))
	a, b := newPeer(t, 8, 400), newPeer(t, 8, 1000)
	a.join(c, "a")
	b.join(c, "b")
	check(t, c.Connect(ctx, media.Bridge("a", "b")))
	payload := make([]byte, frame)
	start := time.Now()
	for i := range 5000 {
		a.set(func(p *peer) {
			p.sendLocked(rtpHeader{pt: 8, seq: uint16(i), ts: uint32(i) * frame, ssrc: 9}, payload)
			p.sendLocked(rtpHeader{pt: 101, seq: uint16(i), ts: uint32(i) * 7, ssrc: 9}, []byte{1, 0x80, 1, 0})
		})
	}
	b.set(func(p *peer) { p.packets = p.packets[:len(p.packets):len(p.packets)] })
	eventually(t, "something arrives", func() bool { b.mu.Lock(); defer b.mu.Unlock(); return len(b.packets) > 0 })
	seconds := int(time.Since(start)/time.Second) + 2
	b.set(func(p *peer) {
		if len(p.packets) > seconds*maxRate+60*seconds {
			t.Errorf("%d packets passed in about %d s", len(p.packets), seconds)
		}
	})
	if n := len(c.Events()); n > eventBuffer {
		t.Errorf("%d events", n)
	}
}

func FuzzReceive(f *testing.F) {
	good := make([]byte, headerLen+frame)
	putRTP(good, rtpHeader{pt: 8, ssrc: 7})
	f.Add(good)
	f.Add([]byte{0x81, 201, 0, 7, 0, 0, 0, 1})
	f.Add([]byte{0x90, 101, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xBE, 0xDE, 0, 1, 1, 2, 3, 4, 5, 6})
	e := testEngine(f, nil)
	c := testCall(f, e)
	a, b := newPeer(f, 8, 400), newPeer(f, 0, 1000)
	legA := a.join(c, "a")
	b.join(c, "b")
	check(f, c.Connect(ctx, media.Bridge("a", "b")))
	rec, err := c.Record(ctx, "a", &memorySink{})
	check(f, err)
	defer rec.Stop(ctx)
	f.Fuzz(func(t *testing.T, pkt []byte) {
		if len(pkt) > maxPacket {
			return
		}
		legA.(*rtpLeg).leg.ep.receive(append(make([]byte, 0, maxPacket), pkt...), e.clock())
	})
}
