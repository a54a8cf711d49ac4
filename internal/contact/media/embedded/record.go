package embedded

import (
	"context"
	"sync"
	"time"

	"heartline/internal/contact/media"
	"heartline/internal/contact/media/codec"
	"heartline/internal/contact/media/sdp"
)

// Channels of a recording.
const (
	left  = 0 // what the leg says
	right = 1 // what the leg hears
)

const (
	ringSize  = 10240                // samples per channel: 1.28 s
	flushLag  = media.Rate * 3 / 10  // how late a packet may come and still be placed
	maxSlip   = media.Rate / 4       // difference from wall time after which a channel is anchored anew
	keyMargin = media.Rate * 3 / 100 // silenced around a key
	flushTime = 250 * time.Millisecond
)

// recording is the tap of one leg. Packets are placed by timestamp into a ring
// of A-law silence; the engine's flusher takes out what is old enough and gives
// it to the sink. Position 0 is the moment of Record, so both channels stay
// with wall time whatever is lost, paused or moved.
type recording struct {
	leg   *leg
	sink  media.FrameSink
	start int64

	mu      sync.Mutex
	ring    [2][]byte
	chans   [2]channel
	flushed int64 // everything before is with the sink
	paused  bool
	ended   bool
	endAt   int64

	sinkMu sync.Mutex // orders the flusher and Stop
	failed bool
}

// channel anchors one stream's timestamps to positions.
type channel struct {
	set       bool
	ssrc      uint32
	anchor    uint32 // timestamp at position at
	at        int64
	from, to  int64 // silenced positions (keys)
	dec       *codec.G722Decoder
	converted []byte
}

func newRecording(l *leg, sink media.FrameSink, now int64) *recording {
	mem := make([]byte, 2*ringSize)
	fill(mem, codec.ALawSilence)
	return &recording{leg: l, sink: sink, start: now, ring: [2][]byte{mem[:ringSize], mem[ringSize:]}}
}

// position is wall time in samples since the start.
func (r *recording) position(now int64) int64 { return (now - r.start) / 125e3 }

// place maps a timestamp to a position. Caller holds mu.
func (r *recording) place(ch int, ts, ssrc uint32, now int64) int64 {
	c, wall := &r.chans[ch], r.position(now)
	pos := c.at + int64(int32(ts-c.anchor))
	if slip := pos - wall; !c.set || c.ssrc != ssrc || slip > maxSlip || slip < -maxSlip {
		pos = wall
		c.set, c.ssrc = true, ssrc
	}
	c.anchor, c.at = ts, pos
	return pos
}

// audio places one packet's sound.
func (r *recording) audio(ch int, kind sdp.Kind, payload []byte, ts, ssrc uint32, now int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return
	}
	pos := r.place(ch, ts, ssrc, now)
	payload = r.chans[ch].alaw(kind, payload)
	if r.paused {
		return
	}
	r.put(ch, pos, payload)
}

// put copies into the ring what is inside the window and not silenced.
func (r *recording) put(ch int, pos int64, b []byte) {
	if skip := r.flushed - pos; skip > 0 {
		b, pos = b[min(skip, int64(len(b))):], r.flushed
	}
	if over := pos + int64(len(b)) - (r.flushed + ringSize); over > 0 {
		b = b[:max(0, int64(len(b))-over)]
	}
	if c := &r.chans[ch]; pos < c.to && pos+int64(len(b)) > c.from {
		return
	}
	n := copy(r.ring[ch][pos%ringSize:], b)
	copy(r.ring[ch], b[n:])
}

// alaw converts a payload; the result is valid until the next call.
func (c *channel) alaw(kind sdp.Kind, payload []byte) []byte {
	if kind == sdp.PCMA {
		return payload
	}
	if cap(c.converted) < len(payload) {
		c.converted = make([]byte, max(frame, len(payload)))
	}
	out := c.converted[:len(payload)]
	if kind == sdp.PCMU {
		codec.MuLawToALaw(out, payload)
		return out
	}
	if c.dec == nil {
		c.dec = codec.NewG722Decoder()
	}
	var pcm [maxPayload]int16
	c.dec.Decode(pcm[:len(payload)], payload)
	codec.EncodeALaw(out, pcm[:len(payload)])
	return out
}

// key silences a key press that lasts from ts on.
func (r *recording) key(ts, ssrc, samples uint32, now int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := &r.chans[left]
	pos := r.position(now) - int64(samples)
	if c.set && c.ssrc == ssrc {
		if p := c.at + int64(int32(ts-c.anchor)); p > pos-maxSlip && p < pos+maxSlip {
			pos = p
		}
	}
	r.silence(left, pos-keyMargin, pos+int64(samples)+keyMargin)
}

// silence empties a range, also of what comes later. Caller holds mu.
func (r *recording) silence(ch int, from, to int64) {
	c := &r.chans[ch]
	if from > c.to {
		c.from = from
	}
	c.to = max(c.to, to)
	for p := max(from, r.flushed); p < min(to, r.flushed+ringSize); p++ {
		r.ring[ch][p%ringSize] = codec.ALawSilence
	}
}

// blank silences the last moments of what the leg said: a key found in-band.
func (r *recording) blank(samples int64, now int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	wall := r.position(now)
	r.silence(left, wall-samples-flushLag/2, wall+keyMargin)
}

// take moves everything up to position to into out, interleaved, and leaves
// silence. Caller holds mu.
func (r *recording) take(out []byte, to int64) []byte {
	for r.flushed < to {
		at := int(r.flushed % ringSize)
		n := int(min(to-r.flushed, int64(ringSize-at)))
		l, rt := r.ring[left][at:at+n], r.ring[right][at:at+n]
		for i := range l {
			out = append(out, l[i], rt[i])
		}
		fill(l, codec.ALawSilence)
		fill(rt, codec.ALawSilence)
		r.flushed += int64(n)
	}
	return out
}

// flush hands what is old enough to the sink, everything when final.
func (r *recording) flush(scratch []byte, now int64, final bool) []byte {
	r.sinkMu.Lock()
	defer r.sinkMu.Unlock()
	if r.failed {
		return scratch
	}
	for more := true; more; {
		r.mu.Lock()
		to := r.position(now) - flushLag
		if final {
			to = r.position(r.endAt)
		} else if r.ended {
			to = r.flushed
		}
		chunk := min(to, r.flushed+ringSize)
		more = chunk < to
		scratch = r.take(scratch[:0], chunk)
		r.mu.Unlock()
		if len(scratch) == 0 {
			break
		}
		if err := r.sink.WriteStereo(scratch); err != nil {
			r.failed = true
			r.leg.rec.CompareAndSwap(r, nil)
			r.leg.call.eng.forget(r)
			r.leg.call.emit(media.RecFailed{Leg: r.leg.id, Err: err})
			break
		}
	}
	return scratch
}

// Pause implements media.Recording: silence is written until Resume.
func (r *recording) Pause(context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.paused = true
	return nil
}

// Resume implements media.Recording.
func (r *recording) Resume(context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.paused = false
	return nil
}

// Stop implements media.Recording. It is idempotent.
func (r *recording) Stop(context.Context) (time.Duration, error) {
	eng := r.leg.call.eng
	r.mu.Lock()
	first := !r.ended
	if first {
		r.ended, r.endAt = true, eng.clock()
	}
	length := time.Duration(r.position(r.endAt)) * time.Second / media.Rate
	r.mu.Unlock()
	if first {
		r.leg.rec.CompareAndSwap(r, nil)
		eng.forget(r)
		r.flush(nil, 0, true)
	}
	return length, nil
}
