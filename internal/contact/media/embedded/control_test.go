package embedded

import (
	"encoding/binary"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"heartline/internal/contact/media"
)

// Our reports are read by an independent implementation.
func TestReportsAreWellFormed(t *testing.T) {
	si := &senderInfo{ntp: 1<<40 | 5, ts: 77, packets: 3, octets: 480}
	rb := &reportBlock{ssrc: 9, fraction: 25, lost: 70000, highest: 0x1FFFF, jitter: 12, lsr: 4, dlsr: 5}
	for _, b := range [][]byte{
		appendReport(nil, 1, si, rb), appendReport(nil, 1, nil, rb), appendReport(nil, 1, si, nil),
		appendBye(appendReport(nil, 1, nil, nil), 1),
	} {
		packets, err := rtcp.Unmarshal(b)
		if err != nil || len(packets) < 2 {
			t.Fatalf("%v %v", packets, err)
		}
		check(t, rtcp.CompoundPacket(packets).Validate())
		switch r := packets[0].(type) {
		case *rtcp.SenderReport:
			if r.SSRC != 1 || r.NTPTime != si.ntp || r.RTPTime != 77 || r.PacketCount != 3 || r.OctetCount != 480 {
				t.Errorf("%+v", r)
			}
		case *rtcp.ReceiverReport:
			for _, got := range r.Reports {
				if got.SSRC != 9 || got.FractionLost != 25 || got.TotalLost != 70000 || got.LastSequenceNumber != 0x1FFFF || got.Delay != 5 {
					t.Errorf("%+v", got)
				}
			}
		}
	}
}

func TestRoundTripAndFarLossComeFromReports(t *testing.T) {
	var r receiver
	const ours, sentAt, now = 42, 1000 << 16, (1000 << 16) + 65536/5 // 200 ms later
	rb := &reportBlock{ssrc: ours, fraction: 128, lsr: sentAt, dlsr: 65536 / 10}
	r.control(appendReport(nil, 7, &senderInfo{ntp: 0x1122334455667788}, rb), ours, now, 5)
	if q := r.quality(); math.Abs(q.RTTMs-100) > 1 || math.Abs(q.RecentLossPct-50) > 1 {
		t.Errorf("%+v", q)
	}
	if r.lsr != 0x33445566 {
		t.Errorf("last SR %x", r.lsr)
	}
	rb.ssrc, rb.fraction = 43, 255 // about somebody else
	r.control(appendReport(nil, 7, nil, rb), ours, now, 6)
	if q := r.quality(); q.RecentLossPct > 51 {
		t.Errorf("took another's report: %+v", q)
	}
}

func TestReceptionCountsLossOnceAndJitter(t *testing.T) {
	var r receiver
	now := int64(0)
	feed := func(seq uint16, ts uint32) {
		r.stats.count(&rtpHeader{seq: seq, ts: ts, ssrc: 1}, now, true)
	}
	for i := range 1000 {
		now += 20e6
		seq := uint16(65000 + i)
		switch {
		case i%10 == 3: // lost
		case i%50 == 4: // comes twice the usual time later, after its follower
			feed(seq+1, uint32(i+1)*frame)
			feed(seq, uint32(i)*frame)
		case i%50 == 5:
		default:
			feed(seq, uint32(i)*frame)
		}
	}
	q := r.quality()
	if q.Lost != 100 || q.Packets != 900 || math.Abs(q.LossPct-10) > 0.1 {
		t.Errorf("%+v", q)
	}
	if q.MOS < 2.5 || q.MOS > 3.8 {
		t.Errorf("MOS %.2f at 10 %% loss", q.MOS)
	}
	r.stats.count(&rtpHeader{seq: 7, ssrc: 2}, now, true) // another source is no loss
	if q := r.quality(); q.Lost != 100 {
		t.Errorf("%+v", q)
	}
}

func TestPeersGetReports(t *testing.T) {
	for _, mux := range []string{"", "a=rtcp-mux\r\n"} {
		e := testEngine(t, nil)
		c := testCall(t, e)
		a := newPeer(t, 8, 400).start()
		leg, err := c.AddRTPLeg(ctx, "a")
		check(t, err)
		ctrl := newPeer(t, 8, 0)
		rtcpPort := "a=rtcp:" + portOf(ctrl) + "\r\n"
		a.offer(leg, a.sdp(mux+rtcpPort))
		a.fresh(1600)
		got := make(chan []rtcp.Packet, 16)
		reader := ctrl
		if mux != "" {
			reader = a
		}
		reader.set(func(p *peer) {
			p.onRTCP = func(b []byte) {
				if packets, err := rtcp.Unmarshal(append([]byte(nil), b...)); err == nil {
					got <- packets
				}
			}
		})
		leg.(*rtpLeg).leg.ep.housekeep(e.clock() + 2*reportEvery)
		select {
		case packets := <-got:
			sr, ok := packets[0].(*rtcp.SenderReport)
			if !ok || len(sr.Reports) != 1 || sr.Reports[0].SSRC != a.ssrc || sr.PacketCount == 0 {
				t.Errorf("mux %q: %v", mux, packets)
			}
		case <-time.After(5 * time.Second):
			t.Errorf("mux %q: no report", mux)
		}
	}
}

func TestComfortNoiseKeepsALegAlive(t *testing.T) {
	e := testEngine(t, func(c *Config) { c.MediaTimeout = time.Second })
	c := testCall(t, e)
	a := newPeer(t, 8, 400)
	leg := a.join(c, "a")
	a.start()
	waitEvent[media.MediaUp](t, c, nil)
	a.set(func(p *peer) { p.mute = true })
	ep := leg.(*rtpLeg).leg.ep
	var seq uint16 // of its own: the muted peer's clock may run ahead of this loop
	a.set(func(p *peer) { seq = p.seq })
	for range 75 {
		<-time.After(20 * time.Millisecond)
		a.set(func(p *peer) {
			p.sendLocked(rtpHeader{pt: comfortNoise, seq: seq, ts: p.ts, ssrc: p.ssrc}, []byte{40})
		})
		seq++
	}
	if len(c.Events()) != 0 || ep.rx.quality().LossPct > 10 {
		t.Errorf("%d events, %+v", len(c.Events()), ep.rx.quality())
	}
}

func TestAddressesAreAdvertised(t *testing.T) {
	e := testEngine(t, func(c *Config) { c.ExternalIP = "203.0.113.5" })
	leg, err := testCall(t, e).AddRTPLeg(ctx, "a")
	check(t, err)
	offer, err := leg.Offer(ctx)
	check(t, err)
	if !strings.Contains(string(offer), "c=IN IP4 203.0.113.5\r\n") {
		t.Errorf("%s", offer)
	}
	pg := newPage(t, 600)
	b, answer, err := e.NewBrowser(ctx, "x", pg.offer(nil))
	check(t, err)
	if !strings.Contains(answer, " 203.0.113.5 ") || !strings.Contains(answer, " 127.0.0.1 ") {
		t.Errorf("candidates of both addresses expected in\n%s", answer)
	}
	pg.answer(answer)
	if ev := <-b.Events(); ev != media.BrowserConnected {
		t.Error(ev)
	}

	all := testEngine(t, func(c *Config) { c.IP = "" })
	newPage(t, 600).connect(all)
	phone := newPeer(t, 8, 400).start()
	phone.join(testCall(t, all), "a")
	phone.fresh(800)

	for _, bad := range []Config{{IP: "nonsense"}, {ExternalIP: "x"}, {PortMin: 5, PortMax: 10}, {PortMin: 9000, PortMax: 8000}} {
		if _, err := New(bad); err == nil {
			t.Errorf("%+v accepted", bad)
		}
	}
}

func TestKeysToAndFromABrowser(t *testing.T) {
	e := testEngine(t, nil)
	c := testCall(t, e)
	pg := newPage(t, 600)
	b := pg.connect(e)
	phone := newPeer(t, 8, 400).start()
	phone.join(c, "phone")
	leg, err := c.AddBrowserLeg(ctx, "agent", b)
	check(t, err)
	check(t, c.Connect(ctx, media.Bridge("phone", "agent")))
	pg.hears(400)
	check(t, leg.SendDTMF(ctx, "3"))
	eventually(t, "the browser gets the key", func() bool { pg.mu.Lock(); defer pg.mu.Unlock(); return pg.events >= keyEndRepeats })

	pg.mu.Lock()
	pg.keys = []byte{6}
	pg.mu.Unlock()
	ev := waitEvent(t, c, func(d media.DTMF) bool { return d.Leg == "agent" })
	if ev.Digit != '6' || ev.InBand {
		t.Errorf("%+v", ev)
	}
	eventually(t, "the telephone gets it too", func() bool {
		phone.mu.Lock()
		defer phone.mu.Unlock()
		return len(phone.events) > 0 && phone.events[0][0] == 6
	})
}

func eventPayload(code byte, n int) []byte {
	out := []byte{code, 10, 0, 0}
	if n >= 6 {
		out[1] |= 0x80
	}
	binary.BigEndian.PutUint16(out[2:], uint16(n*frame))
	return out
}

func TestPortPairsBelongTogether(t *testing.T) {
	p := newPorts(goNetwork{}, netip.MustParseAddr("127.0.0.1"), 29100, 29111)
	t.Cleanup(p.close)
	got, err := p.take()
	check(t, err)
	if got.port%2 != 0 || !strings.HasSuffix(got.rtcp.(*goSocket).conn.LocalAddr().String(), strconv.Itoa(got.port+1)) || p.available() != 5 {
		t.Errorf("port %d, %d left", got.port, p.available())
	}
	p.give(got)
	if p.available() != 6 {
		t.Errorf("%d free", p.available())
	}
}

func TestPortPairsRestBetweenCalls(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	p := newPorts(goNetwork{}, netip.MustParseAddr("127.0.0.1"), 29100, 29103) // two pairs
	p.now = func() time.Time { return now }
	t.Cleanup(p.close)
	first, err := p.take()
	check(t, err)
	p.give(first)
	second, err := p.take()
	check(t, err)
	if second.port == first.port {
		t.Error("a pair was handed out without its rest")
	}
	now = now.Add(restFor)
	again, err := p.take()
	check(t, err)
	if again.rtp != first.rtp {
		t.Error("a rested pair was not used again")
	}
	if _, err := p.take(); err == nil {
		t.Error("a third pair out of two")
	}
	p.give(second)
	if short, err := p.take(); err != nil || short.port != second.port {
		t.Errorf("a short rest is better than no port: %v", err)
	}
}
