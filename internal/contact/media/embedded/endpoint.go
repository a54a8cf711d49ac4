package embedded

import (
	"math/rand/v2"
	"sync/atomic"

	"heartline/internal/contact/media"
	"heartline/internal/contact/media/sdp"
)

// comfortNoise is the payload type of RFC 3389; we play silence instead.
const comfortNoise = 13

// reportEvery is the RTCP interval of RFC 3550 for two parties, in ns.
const reportEvery = 5e9

// endpoint is one peer's two streams, whatever carries them. An RTP leg owns
// its endpoint; a browser's endpoint is lent to one leg at a time.
type endpoint struct {
	eng     *Engine
	rx      receiver
	tx      *stream
	leg     atomic.Pointer[leg]
	control func(rtcp []byte) // sends RTCP
	nextRep int64             // housekeeper only
}

func newEndpoint(e *Engine, write, control func([]byte)) *endpoint {
	ep := &endpoint{eng: e, tx: newStream(write), control: control}
	ep.rx.event = -1
	ep.nextRep = e.clock() + rand.Int64N(reportEvery)
	return ep
}

// receive handles one datagram that was admitted. It is called by the one
// goroutine that reads this peer, and may overwrite the packet.
func (ep *endpoint) receive(pkt []byte, now int64) {
	if isRTCP(pkt) {
		ep.receiveControl(pkt, now)
		return
	}
	h, off, end, ok := parseRTP(pkt)
	if !ok {
		return
	}
	l := ep.leg.Load()
	p := packetIn{h: h, from: source{&ep.rx, h.ssrc}, pkt: pkt[off-headerLen : end], now: now}
	if !ep.take(l, &p) || l == nil {
		return
	}
	l.arrived()
	r := l.routing.Load()
	if r == nil {
		return
	}
	for _, d := range r.direct {
		p.gain = d.gain
		d.ep.tx.relay(&p, d.leg.rec.Load())
	}
}

// take counts the packet and gives it to whoever needs this side: tap, mixer,
// level, key detection. It reports false when the packet is to be dropped.
func (ep *endpoint) take(l *leg, p *packetIn) bool {
	rx := &ep.rx
	rx.mu.Lock()
	defer rx.mu.Unlock()
	event := int(p.h.pt) == rx.event
	p.kind = rx.kinds[p.h.pt]
	noise := p.h.pt == comfortNoise && p.kind == sdp.None
	if !event && !noise && p.kind == sdp.None || rx.flooded(p.now) {
		return false
	}
	payload := p.pkt[headerLen:]
	newSource := rx.stats.count(&p.h, p.now, !event && !noise)
	rx.lastAt.Store(p.now)
	if noise {
		return false // a silent moment, described; the peer is alive
	}
	if event {
		p.kind = sdp.None
		ep.key(l, payload, p)
		return true
	}
	if press, ok := rx.keys.expired(p.now); ok {
		ep.pressed(l, press, false)
	}
	rec := l.recording()
	if rec != nil {
		rec.audio(left, p.kind, payload, p.h.ts, p.h.ssrc, p.now)
	}
	if newSource && rx.jitter != nil {
		rx.jitter.started = false
	}
	if rx.jitter != nil || rx.level || rx.event < 0 || rec != nil || l.wantsPCM() {
		ep.listen(l, rec, p, payload)
	}
	return true
}

// listen decodes the packet for the consumers of samples. Caller holds rx.mu.
func (ep *endpoint) listen(l *leg, rec *recording, p *packetIn, payload []byte) {
	rx := &ep.rx
	p.pcm = rx.decode(p.kind, payload)
	if rx.jitter != nil {
		rx.jitter.push(p.h.ts, p.pcm)
	}
	if rx.level {
		rx.measure(p.pcm)
	}
	if rx.event < 0 || rec != nil {
		ep.findKeys(l, rec, p)
	}
}

// findKeys looks for keys in the sound. Who can send telephone events is only
// silenced: what a gateway leaks of a key is not to be counted twice.
func (ep *endpoint) findKeys(l *leg, rec *recording, p *packetIn) {
	rx := &ep.rx
	if rx.tones == nil {
		rx.tones = newToneDetector()
	}
	if press, ok := rx.tones.feed(p.pcm); ok && rx.event < 0 {
		ep.pressed(l, press, true)
	}
	if rec != nil && rx.tones.hearing() {
		rec.blank(int64(len(p.pcm))*2, p.now)
	}
}

// key handles an event packet. Caller holds rx.mu.
func (ep *endpoint) key(l *leg, payload []byte, p *packetIn) {
	press, done := ep.rx.keys.packet(payload, p.h.ts, p.now)
	if rec := l.recording(); rec != nil && len(payload) >= 4 && payload[0] < uint8(len(keyCodes)) {
		rec.key(p.h.ts, p.h.ssrc, uint32(payload[2])<<8|uint32(payload[3]), p.now)
	}
	if done {
		ep.pressed(l, press, false)
	}
}

// pressed reports a key, and passes it on to those who hear this leg but do
// not get its event packets. In-band keys are heard anyway.
func (ep *endpoint) pressed(l *leg, press keyPress, inBand bool) {
	if l == nil {
		return
	}
	l.call.emit(media.DTMF{Leg: l.id, Digit: press.digit, Duration: press.duration, InBand: inBand})
	if r := l.routing.Load(); r != nil && !inBand {
		l.call.passKey(l, press.digit)
	}
}

// receiveControl reads RTCP.
func (ep *endpoint) receiveControl(pkt []byte, now int64) {
	ep.rx.control(pkt, ep.tx.identity(), uint32(ep.eng.ntp()>>16), now)
}

// housekeep sends reports and ends key presses that were cut off. It runs on
// the engine's housekeeper.
func (ep *endpoint) housekeep(now int64) {
	ep.rx.mu.Lock()
	press, ok := ep.rx.keys.expired(now)
	ep.rx.mu.Unlock()
	if ok {
		ep.pressed(ep.leg.Load(), press, false)
	}
	if now < ep.nextRep {
		return
	}
	ep.nextRep = now + reportEvery
	rb := ep.rx.report(now)
	ssrc, si := ep.tx.report(ep.eng.ntp(), now)
	if si == nil && rb == nil {
		return
	}
	var buf [128]byte
	ep.control(appendReport(buf[:0], ssrc, si, rb))
}

// mixing switches the jitter buffer on or off.
func (ep *endpoint) mixing(on bool) {
	ep.rx.mu.Lock()
	defer ep.rx.mu.Unlock()
	if on && ep.rx.jitter == nil {
		ep.rx.jitter = newJitterBuffer()
	} else if !on {
		ep.rx.jitter = nil
	}
}

// pull takes the next frame for the mixer.
func (ep *endpoint) pull(out *[frame]int16) {
	ep.rx.mu.Lock()
	defer ep.rx.mu.Unlock()
	if ep.rx.jitter == nil {
		clear(out[:])
		return
	}
	ep.rx.jitter.pull(out)
}
