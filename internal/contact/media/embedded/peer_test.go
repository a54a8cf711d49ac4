package embedded

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"heartline/internal/contact/media"
	"heartline/internal/contact/media/codec"
)

// peer is a telephone of the tests: it sends a tone and keeps what it hears.
type peer struct {
	t    testing.TB
	conn *net.UDPConn
	pt   uint8 // 8, 0 or 9
	ssrc uint32

	mu      sync.Mutex
	to      netip.AddrPort
	hz      float64 // 0 sends silence
	mute    bool    // sends nothing
	heard   []int16
	packets []rtpHeader
	events  [][]byte // telephone-event payloads
	seq     uint16
	ts      uint32
	phase   int
	onRTCP  func([]byte)
	g722    *codec.G722Decoder
	enc     *codec.G722Encoder
	done    sync.WaitGroup
	stop    chan struct{}
}

func newPeer(t testing.TB, pt uint8, hz float64) *peer {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{t: t, conn: conn, pt: pt, ssrc: uint32(conn.LocalAddr().(*net.UDPAddr).Port) << 8, hz: hz,
		seq: 65500, ts: 0xFFFFFF00, g722: codec.NewG722Decoder(), enc: codec.NewG722Encoder(), stop: make(chan struct{})}
	p.done.Go(p.receive)
	t.Cleanup(p.close)
	return p
}

func (p *peer) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.stop:
		return
	default:
	}
	close(p.stop)
	p.conn.Close()
}

// start sends a frame every 20 ms until the test ends, and after a stall of a
// busy machine those that are due.
func (p *peer) start() *peer {
	p.done.Go(func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		begin, sent := time.Now(), 0
		for {
			select {
			case <-p.stop:
				return
			case <-tick.C:
			}
			for ; sent < int(time.Since(begin)/(20*time.Millisecond)); sent++ {
				p.sendFrame()
			}
		}
	})
	return p
}

func (p *peer) sendFrame() {
	p.mu.Lock()
	defer p.mu.Unlock()
	pcm := make([]int16, frame)
	for i := range pcm {
		pcm[i] = int16(8000 * math.Sin(2*math.Pi*p.hz*float64(p.phase)/media.Rate))
		p.phase++
	}
	payload := make([]byte, frame)
	switch p.pt {
	case 0:
		codec.EncodeMuLaw(payload, pcm)
	case 9:
		p.enc.Encode(payload, pcm)
	default:
		codec.EncodeALaw(payload, pcm)
	}
	p.seq++
	p.ts += frame
	if !p.mute {
		p.sendLocked(rtpHeader{pt: p.pt, seq: p.seq, ts: p.ts, ssrc: p.ssrc}, payload)
	}
}

func (p *peer) sendLocked(h rtpHeader, payload []byte) {
	if !p.to.IsValid() {
		return
	}
	pkt := make([]byte, headerLen, headerLen+len(payload))
	putRTP(pkt, h)
	_, _ = p.conn.WriteToUDPAddrPort(append(pkt, payload...), p.to)
}

func (p *peer) set(fn func(*peer)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fn(p)
}

func (p *peer) receive() {
	buf := make([]byte, 2048)
	for {
		n, _, err := p.conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		p.mu.Lock()
		if isRTCP(buf[:n]) && p.onRTCP != nil {
			p.onRTCP(buf[:n])
		}
		p.mu.Unlock()
		h, off, end, ok := parseRTP(buf[:n])
		if isRTCP(buf[:n]) || !ok {
			continue
		}
		p.mu.Lock()
		p.packets = append(p.packets, h)
		pcm := make([]int16, end-off)
		switch h.pt {
		case 8:
			codec.DecodeALaw(pcm, buf[off:end])
		case 0:
			codec.DecodeMuLaw(pcm, buf[off:end])
		case 9:
			p.g722.Decode(pcm, buf[off:end])
		default:
			p.events = append(p.events, append([]byte(nil), buf[off:end]...))
			pcm = nil
		}
		p.heard = append(p.heard, pcm...)
		p.mu.Unlock()
	}
}

func (p *peer) addr() netip.AddrPort { return p.conn.LocalAddr().(*net.UDPAddr).AddrPort() }

// sdp is what the telephone says of itself; extra attribute lines are added.
func (p *peer) sdp(extra string) []byte {
	return fmt.Appendf(nil, "v=0\r\no=peer 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"+
		"m=audio %d RTP/AVP %d 101\r\na=rtpmap:101 telephone-event/8000\r\n%s", p.addr().Port(), p.pt, extra)
}

// join makes the telephone a leg: it offers, the leg answers.
func (p *peer) join(c media.Call, id string) media.RTPLeg {
	p.t.Helper()
	leg, err := c.AddRTPLeg(context.Background(), id)
	if err != nil {
		p.t.Fatal(err)
	}
	p.offer(leg, p.sdp(""))
	return leg
}

func (p *peer) offer(leg media.RTPLeg, body []byte) []byte {
	p.t.Helper()
	answer, err := leg.Accept(context.Background(), body)
	if err != nil {
		p.t.Fatal(err)
	}
	to := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(leg.(*rtpLeg).port))
	p.set(func(p *peer) { p.to = to })
	return answer
}

// power is the share of the last n samples' energy near hz, and their level in dBFS.
func (p *peer) power(hz float64, n int) (share, db float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.heard) < n {
		return 0, -100
	}
	return tonePower(p.heard[len(p.heard)-n:], hz)
}

func tonePower(pcm []int16, hz float64) (share, db float64) {
	total, c, s1, s2 := 0.0, 2*math.Cos(2*math.Pi*hz/media.Rate), 0.0, 0.0
	for _, v := range pcm {
		x := float64(v)
		total += x * x
		s1, s2 = x+c*s1-s2, s1
	}
	if total == 0 {
		return 0, -100
	}
	n := float64(len(pcm))
	return (s1*s1 + s2*s2 - c*s1*s2) / (n / 2) / total, 10 * math.Log10(total/n/32768/32768)
}

// mostly reports whether nearly every 100 ms of pcm is this tone: a busy
// machine loses a packet now and then, the exact rules have tests of their own.
func mostly(pcm []int16, hz float64) bool {
	good, all := 0, 0
	for i := 0; i+800 <= len(pcm); i += 800 {
		share, db := tonePower(pcm[i:i+800], hz)
		all++
		if hz == 0 && db < -60 || hz != 0 && share > 0.9 && db > -40 {
			good++
		}
	}
	return all > 0 && float64(good) >= 0.6*float64(all)
}

// eventually polls until ok or the deadline.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(10 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("never: %s", what)
		}
	}
}

// hears waits until the last 100 ms are this tone and hardly anything else.
func (p *peer) hears(hz float64) {
	p.t.Helper()
	eventually(p.t, fmt.Sprintf("hears %v Hz", hz), func() bool {
		share, db := p.power(hz, 800)
		return share > 0.95 && db > -40
	})
}

// fresh drops what was heard and waits for n new samples.
func (p *peer) fresh(n int) {
	p.t.Helper()
	p.set(func(p *peer) { p.heard = nil })
	eventually(p.t, "new sound", func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return len(p.heard) >= n
	})
}

func testEngine(t testing.TB, change func(*Config)) *Engine {
	t.Helper()
	lo := 30000 + 2*rand.IntN(5000) // what is taken is passed over
	cfg := Config{IP: "127.0.0.1", PortMin: lo, PortMax: lo + 399}
	if change != nil {
		change(&cfg)
	}
	e, err := newEngine(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return e
}

func testCall(t testing.TB, e *Engine) media.Call {
	t.Helper()
	c, err := e.NewCall(context.Background(), "call")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// waitEvent reads events until one matches.
func waitEvent[E media.Event](t testing.TB, c media.Call, match func(E) bool) E {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for {
		select {
		case ev := <-c.Events():
			if e, ok := ev.(E); ok && (match == nil || match(e)) {
				return e
			}
		case <-deadline:
			var e E
			t.Fatalf("no event %T", e)
		}
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
