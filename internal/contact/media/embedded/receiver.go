package embedded

import (
	"encoding/binary"
	"math"
	"slices"
	"sync"
	"sync/atomic"

	"heartline/internal/contact/media"
	"heartline/internal/contact/media/codec"
	"heartline/internal/contact/media/sdp"
)

// maxRate bounds what one source may send; telephones send 50 packets/s, 100
// with 10 ms frames, and a few more during key presses.
const maxRate = 400

// receiver is the receiving half of an endpoint: reception statistics
// (RFC 3550 A.1, A.3, A.8), key presses, and decoding for the mixer.
type receiver struct {
	mu     sync.Mutex
	kinds  [128]sdp.Kind // by payload type
	event  int           // payload type of telephone events, -1 none
	lastAt atomic.Int64  // arrival of the last good packet

	stats reception
	keys  keyReceiver
	tones *toneDetector // of keys in the sound; made when needed

	jitter *jitterBuffer // only while something mixes this source
	dec    *codec.G722Decoder
	pcm    []int16 // scratch: the last packet decoded
	level  bool    // measure loudness
	dbov   atomic.Uint64

	windowAt, windowN int64 // flood limit
	lsr               uint32
	lsrAt             int64
	rttMs             float64
	farLoss           float64 // percent, as the peer reports about our stream
}

// reception counts one source; the fields with prior survive a change of source.
type reception struct {
	started                 bool
	ssrc                    uint32
	base, highest           uint32 // extended sequence numbers
	received                uint64
	priorGot, priorExpected uint64
	jitter, transit         float64 // in samples
	markGot, markExpected   uint64  // at the last interval
	recentLoss              float64 // percent
}

// negotiated sets what the peer may send.
func (r *receiver) negotiated(formats []sdp.Format, event int, now int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.kinds = [128]sdp.Kind{}
	for _, f := range formats {
		r.kinds[f.PT&0x7F] = f.Kind
	}
	r.event = event
	r.lastAt.Store(now)
}

// speaks reports whether the peer may send a codec, only whether nothing else.
func (r *receiver) speaks(k sdp.Kind) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Contains(r.kinds[:], k)
}

// knows reports whether a payload type was negotiated.
func (r *receiver) knows(pt uint8) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.kinds[pt&0x7F] != sdp.None || int(pt) == r.event
}

func (r *receiver) only(k sdp.Kind) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !slices.ContainsFunc(r.kinds[:], func(o sdp.Kind) bool { return o != sdp.None && o != k })
}

// flooded counts a packet against the limit of one second. Caller holds mu.
func (r *receiver) flooded(now int64) bool {
	if now-r.windowAt >= 1e9 {
		r.windowAt, r.windowN = now, 0
	}
	r.windowN++
	return r.windowN > maxRate
}

// count updates the statistics for a packet. Caller holds mu.
func (s *reception) count(h *rtpHeader, now int64, audio bool) (newSource bool) {
	if !s.started || s.ssrc != h.ssrc {
		s.restart(h)
		newSource = true
	}
	delta := int16(h.seq - uint16(s.highest))
	switch {
	case delta > 1000 || delta < -1000: // the peer started its numbers again
		s.restart(h)
		newSource = true
	case delta > 0:
		s.highest += uint32(delta)
	}
	s.received++
	if !audio { // events carry the time of their start
		return newSource
	}
	transit := float64(now)/125e3 - float64(h.ts) // 8 kHz clock
	if !newSource {
		if d := math.Abs(transit - s.transit); d < 8000 {
			s.jitter += (d - s.jitter) / 16
		}
	}
	s.transit = transit
	return newSource
}

func (s *reception) restart(h *rtpHeader) {
	s.priorGot, s.priorExpected = s.totals()
	s.started, s.ssrc, s.received = true, h.ssrc, 0
	s.base, s.highest = 0x10000|uint32(h.seq), 0x10000|uint32(h.seq)
}

// totals gives packets received and expected over all sources.
func (s *reception) totals() (got, expected uint64) {
	if !s.started {
		return 0, 0
	}
	return s.priorGot + s.received, s.priorExpected + uint64(s.highest-s.base) + 1
}

func lossPct(got, expected uint64) float64 {
	if expected <= got {
		return 0
	}
	return 100 * float64(expected-got) / float64(expected)
}

// mark ends a reporting interval.
func (s *reception) mark() {
	got, expected := s.totals()
	s.recentLoss = lossPct(got-s.markGot, expected-s.markExpected)
	s.markGot, s.markExpected = got, expected
}

// decode turns a packet into samples for mixer, level and detector; the result
// is valid until the next packet. Only the reading goroutine calls it.
func (r *receiver) decode(kind sdp.Kind, payload []byte) []int16 {
	if cap(r.pcm) < len(payload) {
		r.pcm = make([]int16, max(len(payload), media.FrameSamples))
	}
	pcm := r.pcm[:len(payload)]
	switch kind {
	case sdp.PCMA:
		codec.DecodeALaw(pcm, payload)
	case sdp.PCMU:
		codec.DecodeMuLaw(pcm, payload)
	case sdp.G722:
		if r.dec == nil {
			r.dec = codec.NewG722Decoder()
		}
		r.dec.Decode(pcm, payload)
	}
	return pcm
}

// measure keeps a smoothed loudness in dBov.
func (r *receiver) measure(pcm []int16) {
	sum := 0.0
	for _, s := range pcm {
		sum += float64(s) * float64(s)
	}
	power := sum / float64(len(pcm)) / (32768 * 32768)
	old := math.Float64frombits(r.dbov.Load())
	r.dbov.Store(math.Float64bits(old + (power-old)*0.4))
}

// levelDB is the loudness now, -100 when nothing has come for half a second.
func (r *receiver) levelDB(now int64) float64 {
	power := math.Float64frombits(r.dbov.Load())
	if power < 1e-10 || now-r.lastAt.Load() > 5e8 {
		return -100
	}
	return 10 * math.Log10(power)
}

// control reads the peer's RTCP. ntp is our clock in the middle 32 bits of an
// NTP time, ours the SSRC we send under.
func (r *receiver) control(b []byte, ours, ntp uint32, now int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	walkRTCP(b, func(kind byte, count int, body []byte) {
		if kind != rtcpSR && kind != rtcpRR {
			return
		}
		if kind == rtcpSR && len(body) >= 24 {
			r.lsr, r.lsrAt = binary.BigEndian.Uint32(body[6:]), now
		}
		for blocks := blocksOf(kind, count, body); len(blocks) >= 24; blocks = blocks[24:] {
			rb := parseBlock(blocks)
			if rb.ssrc != ours {
				continue
			}
			r.farLoss = float64(rb.fraction) * 100 / 256
			if rtt := ntp - rb.lsr - rb.dlsr; rb.lsr != 0 && rtt < 10<<16 {
				r.rttMs = float64(rtt) * 1000 / 65536
			}
		}
	})
}

// report describes reception for our RTCP; nil when nothing was received.
func (r *receiver) report(now int64) *reportBlock {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := &r.stats
	if !s.started {
		return nil
	}
	s.mark()
	got, expected := s.totals()
	rb := &reportBlock{ssrc: s.ssrc, fraction: uint8(min(255, s.recentLoss*2.56)),
		highest: s.highest, jitter: uint32(s.jitter), lsr: r.lsr}
	if expected > got {
		rb.lost = uint32(min(expected-got, 0x7FFFFF))
	}
	if r.lsr != 0 {
		rb.dlsr = uint32((now - r.lsrAt) * 65536 / 1e9)
	}
	return rb
}

func (r *receiver) quality() media.Quality {
	r.mu.Lock()
	defer r.mu.Unlock()
	got, expected := r.stats.totals()
	q := media.Quality{LossPct: lossPct(got, expected), JitterMs: r.stats.jitter / 8, RTTMs: r.rttMs, Packets: got}
	if expected > got {
		q.Lost = expected - got
	}
	q.RecentLossPct = math.Max(r.stats.recentLoss, r.farLoss)
	q.MOS = media.MOSFor(q.LossPct, q.JitterMs, q.RTTMs)
	q.RecentMOS = media.MOSFor(q.RecentLossPct, q.JitterMs, q.RTTMs)
	return q
}
