package embedded

import (
	"math/rand/v2"
	"sync"
	"time"

	"heartline/internal/contact/media"
	"heartline/internal/contact/media/codec"
	"heartline/internal/contact/media/sdp"
)

// stream is the sending half of an endpoint. Whatever changes behind it (who
// is relayed, what is played), the peer sees one SSRC with continuous sequence
// numbers and timestamps.
type stream struct {
	mu    sync.Mutex
	write func(pkt []byte) // to the wire
	open  bool             // may send now
	ever  bool             // was open before
	kind  sdp.Kind
	pt    uint8
	event int // payload type of telephone events, -1 none

	ssrc    uint32
	seq     uint16 // of the last packet
	ts      uint32 // of the last packet
	length  uint32 // samples in the last packet
	lastAt  int64
	packets uint32
	octets  uint32
	lastRep uint32 // packets at the last report

	from    source // whose numbers are mapped at present
	fromSeq uint16
	fromTS  uint32

	enc  *codec.G722Encoder
	buf  []byte // one packet, for what is not relayed in place
	keys keySender
	work []int16 // samples on their way to another gain
	tone []int16 // in-band key being played
}

// source identifies a run of packets whose numbers can be mapped by an offset.
type source struct {
	rx   *receiver // nil for the pacer
	ssrc uint32
}

func newStream(write func([]byte)) *stream {
	return &stream{write: write, event: -1, ssrc: rand.Uint32(), seq: uint16(rand.Uint32()), ts: rand.Uint32()}
}

// negotiated sets codec and payload types; open says whether the peer listens.
func (t *stream) negotiated(f sdp.Format, event int, open bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if f.Kind != t.kind {
		t.enc = nil
	}
	t.kind, t.pt, t.event, t.open = f.Kind, f.PT, event, open
	t.ever = t.ever || open
}

func (t *stream) setOpen(open bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.open = open
	t.ever = t.ever || open
}

func (t *stream) state() (open, ever, keys bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.open, t.ever, t.keys.active()
}

// identify sets the SSRC that a browser was promised.
func (t *stream) identify(ssrc uint32) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ssrc = ssrc
}

func (t *stream) identity() uint32 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.ssrc
}

func (t *stream) codec() sdp.Kind {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.kind
}

func (t *stream) hasEvents() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.event >= 0
}

// number maps a source's sequence number and timestamp onto ours. A new source,
// or one that set its clock or its numbers, starts after what was sent, by as
// much time as has passed. Events carry the time of their start, however old.
func (t *stream) number(from source, seq uint16, ts uint32, event bool, now int64) (h rtpHeader) {
	elapsed := uint32(0)
	if t.lastAt != 0 {
		elapsed = uint32(min((now-t.lastAt)/125e3, 1<<30))
	}
	outSeq, outTS := seq+t.fromSeq, ts+t.fromTS
	fresh := from != t.from
	if !fresh && !event {
		off, step := int32(outTS-t.ts-elapsed), int16(outSeq-t.seq)
		fresh = off > 2*media.Rate || off < -2*media.Rate || step > 1000 || step < -1000
	}
	if fresh {
		h.marker = true
		outSeq, outTS = t.seq+1, t.ts+max(t.length, elapsed)
		t.from, t.fromTS, t.fromSeq = from, outTS-ts, outSeq-seq
	}
	h.pt, h.seq, h.ts, h.ssrc = t.pt, outSeq, outTS, t.ssrc
	return h
}

// sent notes a packet that goes out.
func (t *stream) sent(h rtpHeader, payload int, samples uint32, now int64) {
	if int16(h.seq-t.seq) > 0 {
		t.seq = h.seq
	}
	if int32(h.ts-t.ts) >= 0 {
		t.ts, t.length = h.ts, samples
	}
	t.lastAt = now
	t.packets++
	t.octets += uint32(payload)
}

// packetIn is a packet on its way through: the payload is pkt[headerLen:], and
// the header before it may be overwritten.
type packetIn struct {
	h    rtpHeader
	from source
	kind sdp.Kind // None for a telephone event
	pkt  []byte
	pcm  []int16 // decoded, if somebody needed it
	gain int32
	now  int64
}

// relay sends one received packet on. tap receives what the peer will hear.
func (t *stream) relay(p *packetIn, tap *recording) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.open || t.keys.active() {
		return
	}
	if p.kind == sdp.None {
		if t.event < 0 {
			return
		}
		h := t.number(p.from, p.h.seq, p.h.ts, true, p.now)
		h.pt, h.marker = uint8(t.event), p.h.marker
		t.emit(p.pkt, h, 0, p.now)
		return
	}
	samples := uint32(len(p.pkt) - headerLen)
	h := t.number(p.from, p.h.seq, p.h.ts, false, p.now)
	h.marker = h.marker || p.h.marker
	pkt := p.pkt
	if p.kind != t.kind || p.gain != unity {
		if pkt = t.transcode(p); pkt == nil {
			return // the matrix is just changing; the next packet is decoded
		}
	}
	t.emit(pkt, h, samples, p.now)
	if tap != nil {
		tap.audio(right, t.kind, pkt[headerLen:], h.ts, t.ssrc, p.now)
	}
}

// emit writes header and packet out. Caller holds mu.
func (t *stream) emit(pkt []byte, h rtpHeader, samples uint32, now int64) {
	putRTP(pkt, h)
	t.sent(h, len(pkt)-headerLen, samples, now)
	t.write(pkt)
}

// scratch gives the stream's own packet buffer with n bytes of payload.
func (t *stream) scratch(n int) []byte {
	if cap(t.buf) < headerLen+n {
		t.buf = make([]byte, headerLen+max(n, frame))
	}
	return t.buf[:headerLen+n]
}

// transcode brings a packet into our codec, and to its gain.
func (t *stream) transcode(p *packetIn) []byte {
	in := p.pkt[headerLen:]
	out := t.scratch(len(in))
	switch {
	case p.gain == unity && p.kind == sdp.PCMA && t.kind == sdp.PCMU:
		codec.ALawToMuLaw(out[headerLen:], in)
		return out
	case p.gain == unity && p.kind == sdp.PCMU && t.kind == sdp.PCMA:
		codec.MuLawToALaw(out[headerLen:], in)
		return out
	}
	pcm := p.pcm
	if len(pcm) != len(in) {
		return nil
	}
	if p.gain != unity {
		if cap(t.work) < len(p.pcm) {
			t.work = make([]int16, len(p.pcm))
		}
		pcm = t.work[:len(p.pcm)]
		for i, s := range p.pcm {
			pcm[i] = int16(max(-32768, min(32767, int32(s)*p.gain>>gainBits)))
		}
	}
	t.encode(out[headerLen:], pcm)
	return out
}

func (t *stream) encode(dst []byte, pcm []int16) {
	switch t.kind {
	case sdp.PCMU:
		codec.EncodeMuLaw(dst, pcm)
	case sdp.G722:
		if t.enc == nil {
			t.enc = codec.NewG722Encoder()
		}
		t.enc.Encode(dst, pcm)
	default:
		codec.EncodeALaw(dst, pcm)
	}
}

// frame sends one 20 ms frame of the pacer; pcm nil is silence. It reports
// whether keys are still being sent, which take the place of the sound.
func (t *stream) frame(pcm []int16, tick uint32, now int64, tap *recording) (keysActive bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.open {
		return t.keys.active()
	}
	h := t.number(source{}, t.seq+1-t.fromSeq, tick*frame, false, now)
	if t.keys.active() {
		if t.key(h, now) {
			return t.keys.active()
		}
		if t.tone != nil {
			pcm, tap = t.tone, nil // keys stay out of recordings
		}
	}
	pkt := t.scratch(frame)
	switch {
	case pcm != nil || t.kind == sdp.G722:
		if pcm == nil {
			pcm = silence[:]
		}
		t.encode(pkt[headerLen:], pcm)
	case t.kind == sdp.PCMU:
		fill(pkt[headerLen:], codec.MuLawSilence)
	default:
		fill(pkt[headerLen:], codec.ALawSilence)
	}
	t.emit(pkt, h, frame, now)
	if tap != nil {
		tap.audio(right, t.kind, pkt[headerLen:], h.ts, t.ssrc, now)
	}
	return t.keys.active()
}

// key sends the next step of a key. It reports true when that was an event
// packet; otherwise the frame carries t.tone or, in a gap, the usual sound.
func (t *stream) key(h rtpHeader, now int64) bool {
	digit, n, phase := t.keys.step()
	t.tone = nil
	if phase == keyGap || phase == keyIdle {
		return false
	}
	code, known := keyCode(digit)
	if !known {
		return false
	}
	if t.event < 0 {
		tone, _ := media.DTMFTone(digit, keyOnFrames*20*time.Millisecond)
		pcm := tone.Clip().PCM
		t.tone = pcm[min((n-1)*frame, len(pcm)):min(n*frame, len(pcm))]
		return false
	}
	if h.marker = n == 1; h.marker {
		t.keys.ts = h.ts
	}
	duration := uint16(n * frame)
	h.pt, h.ts = uint8(t.event), t.keys.ts
	repeats := 1
	if phase == keyEnd {
		repeats = keyEndRepeats
	}
	for i := range repeats {
		pkt := t.scratch(4)
		payload := pkt[headerLen:]
		payload[0], payload[1] = code, 10 // volume -10 dBm0
		if phase == keyEnd {
			payload[1] |= 0x80
		}
		payload[2], payload[3] = byte(duration>>8), byte(duration)
		h.seq += uint16(min(i, 1))
		t.emit(pkt, h, frame, now)
	}
	return true
}

// send queues keys; false when too many are waiting.
func (t *stream) send(digits string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.keys.put(digits)
}

// report gives what a sender report needs; nil when nothing was sent lately.
func (t *stream) report(ntp uint64, now int64) (ssrc uint32, si *senderInfo) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.packets == t.lastRep {
		return t.ssrc, nil
	}
	t.lastRep = t.packets
	return t.ssrc, &senderInfo{ntp: ntp, ts: t.ts + uint32((now-t.lastAt)/125e3), packets: t.packets, octets: t.octets}
}

// silence is a frame of nothing; never written.
var silence [frame]int16

func fill(b []byte, v byte) {
	for i := range b {
		b[i] = v
	}
}
