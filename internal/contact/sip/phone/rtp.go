package phone

import (
	"context"
	"encoding/binary"
	"math"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// mediaClock paces the senders of all calls of a bank: one goroutine, 20 ms.
type mediaClock struct {
	mu    sync.Mutex
	calls map[*rtpSession]struct{}
	wg    *sync.WaitGroup
}

func newMediaClock(ctx context.Context, wg *sync.WaitGroup) *mediaClock {
	m := &mediaClock{calls: map[*rtpSession]struct{}{}, wg: wg}
	wg.Go(func() { m.run(ctx) })
	return m
}

func (m *mediaClock) run(ctx context.Context) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	var list []*rtpSession
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		m.mu.Lock()
		list = list[:0]
		for c := range m.calls {
			list = append(list, c)
		}
		m.mu.Unlock()
		for _, c := range list {
			c.sendFrame()
		}
	}
}

const (
	frame      = 160
	keepAudio  = 60 * 8000
	eventFrame = 5 // packets per digit, then three with the end bit
)

// rtpSession is the media of one call.
type rtpSession struct {
	bank *Bank
	conn *net.UDPConn

	mu      sync.Mutex
	cut     bool // sends nothing
	remote  remoteSDP
	seq     uint16
	ts      uint32
	ssrc    uint32
	hz      float64
	phase   float64
	pcm     []int16
	digits  []byte // to be sent
	step    int    // packet of the digit being sent
	eventTS uint32
	sent    chan struct{} // closed when the digits are out

	heard   []int16
	got     string
	lastEvt uint32
	notify  chan struct{}
	packets atomic.Uint64
}

type remoteSDP struct {
	addr  netip.AddrPort
	dir   string
	event int
}

func newRTP(b *Bank) (*rtpSession, error) {
	host, _, _ := net.SplitHostPort(b.cfg.Listen)
	pc, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.ParseIP(host)})
	if err != nil {
		return nil, err
	}
	r := &rtpSession{bank: b, conn: pc, ssrc: uint32(time.Now().UnixNano()), notify: make(chan struct{}, 1)}
	b.media.mu.Lock()
	b.media.calls[r] = struct{}{}
	b.media.mu.Unlock()
	b.wg.Go(r.read)
	return r, nil
}

func (r *rtpSession) addr() netip.AddrPort {
	return r.conn.LocalAddr().(*net.UDPAddr).AddrPort()
}

func (r *rtpSession) close() {
	r.bank.media.mu.Lock()
	delete(r.bank.media.calls, r)
	r.bank.media.mu.Unlock()
	_ = r.conn.Close()
}

func (r *rtpSession) setRemote(s remoteSDP) {
	r.mu.Lock()
	r.remote = s
	r.mu.Unlock()
}

// sendFrame sends the next 20 ms.
func (r *rtpSession) sendFrame() {
	var buf [12 + frame]byte
	r.mu.Lock()
	to := r.remote
	if r.cut || !to.addr.IsValid() || to.addr.Port() == 0 || to.dir == "sendonly" || to.dir == "inactive" {
		r.mu.Unlock()
		return
	}
	n := r.fill(&buf)
	r.mu.Unlock()
	_, _ = r.conn.WriteToUDPAddrPort(buf[:n], to.addr)
}

// fill writes one packet; mu is held.
func (r *rtpSession) fill(buf *[12 + frame]byte) int {
	r.seq++
	r.ts += frame
	buf[0], buf[1] = 0x80, 8
	binary.BigEndian.PutUint16(buf[2:], r.seq)
	binary.BigEndian.PutUint32(buf[4:], r.ts)
	binary.BigEndian.PutUint32(buf[8:], r.ssrc)
	if len(r.digits) > 0 {
		return r.fillEvent(buf)
	}
	for i := range frame {
		var v int16
		switch {
		case r.hz > 0:
			v = int16(8000 * math.Sin(r.phase))
			r.phase = math.Mod(r.phase+2*math.Pi*r.hz/8000, 2*math.Pi)
		case len(r.pcm) > 0:
			v, r.pcm = r.pcm[0], r.pcm[1:]
		}
		buf[12+i] = alaw(v)
	}
	return len(buf)
}

// fillEvent writes one RFC 4733 packet.
func (r *rtpSession) fillEvent(buf *[12 + frame]byte) int {
	if r.step == 0 {
		r.eventTS = r.ts
		buf[1] = 0x80
	} else {
		buf[1] = 0
	}
	buf[1] |= byte(r.remote.event)
	binary.BigEndian.PutUint32(buf[4:], r.eventTS)
	buf[12] = byte(strings.IndexByte(events, r.digits[0]))
	buf[13] = 10
	if r.step >= eventFrame {
		buf[13] |= 0x80
	}
	binary.BigEndian.PutUint16(buf[14:], uint16(min(r.step+1, eventFrame)*frame))
	if r.step++; r.step == eventFrame+3 {
		r.step = 0
		r.digits = r.digits[1:]
		if len(r.digits) == 0 && r.sent != nil {
			close(r.sent)
			r.sent = nil
		}
	}
	return 16
}

const events = "0123456789*#ABCD"

// read collects audio and digits until the socket closes.
func (r *rtpSession) read() {
	var buf [2048]byte
	for {
		n, _, err := r.conn.ReadFromUDPAddrPort(buf[:])
		if err != nil {
			return
		}
		if n < 12 || buf[0]>>6 != 2 {
			continue
		}
		r.packets.Add(1)
		head := 12 + 4*int(buf[0]&15)
		if head > n {
			continue
		}
		r.take(int(buf[1]&0x7f), binary.BigEndian.Uint32(buf[4:]), buf[head:n])
		select {
		case r.notify <- struct{}{}:
		default:
		}
	}
}

func (r *rtpSession) take(pt int, ts uint32, payload []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case pt == 8:
		for _, b := range payload {
			r.heard = append(r.heard, unalaw(b))
		}
		if len(r.heard) > keepAudio+8000 {
			r.heard = append(r.heard[:0], r.heard[len(r.heard)-keepAudio:]...)
		}
	case pt == 101 && len(payload) >= 4 && ts != r.lastEvt && int(payload[0]) < len(events):
		r.lastEvt = ts
		r.got += string(events[payload[0]])
	}
}

func parseSDP(sdp []byte) remoteSDP {
	r := remoteSDP{dir: "sendrecv", event: 101}
	var ip netip.Addr
	port := 0
	for ln := range strings.Lines(string(sdp)) {
		ln = strings.TrimSpace(ln)
		switch {
		case strings.HasPrefix(ln, "c=IN IP"):
			if f := strings.Fields(ln); len(f) == 3 {
				ip, _ = netip.ParseAddr(f[2])
			}
		case strings.HasPrefix(ln, "m=audio ") && port == 0:
			port, _ = strconv.Atoi(strings.Fields(ln)[1])
		case ln == "a=sendonly", ln == "a=recvonly", ln == "a=inactive", ln == "a=sendrecv":
			r.dir = ln[2:]
		case strings.HasPrefix(ln, "a=rtpmap:") && strings.Contains(ln, "telephone-event"):
			r.event, _ = strconv.Atoi(strings.Fields(ln[9:])[0])
		}
	}
	r.addr = netip.AddrPortFrom(ip, uint16(port))
	return r
}
