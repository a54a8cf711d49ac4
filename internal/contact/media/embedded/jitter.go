package embedded

import "heartline/internal/contact/media"

const (
	jitterSize = 4096 // samples: half a second
	frame      = media.FrameSamples
	jitterMin  = 2 * frame
	jitterMax  = 12 * frame
)

// jitterBuffer lines packets up for the mixer: written by timestamp, read in
// frames. The delay grows by a frame after running dry and shrinks again after
// ten quiet seconds. It exists only while its source is mixed.
type jitterBuffer struct {
	buf      [jitterSize]int16
	read     uint32 // timestamp of the next sample to play
	end      uint32 // timestamp after the newest sample
	started  bool
	flowing  bool
	target   int
	least    int // smallest fill seen in this window
	pulls    int // of this window
	quiet    int // windows without running dry
	last     [frame]int16
	conceals int
}

func newJitterBuffer() *jitterBuffer { return &jitterBuffer{target: jitterMin, least: jitterSize} }

// restart drops everything and begins at ts.
func (j *jitterBuffer) restart(ts uint32) {
	clear(j.buf[:])
	j.read, j.end, j.started, j.flowing = ts, ts, true, false
}

func (j *jitterBuffer) push(ts uint32, pcm []int16) {
	if len(pcm) > jitterSize/2 {
		return
	}
	ahead := int32(ts - j.read)
	empty := j.started && !j.flowing && j.end == j.read
	if !j.started || empty || int(ahead)+len(pcm) > jitterSize || ahead < -4*media.Rate {
		j.restart(ts)
		ahead = 0
	}
	if ahead < 0 {
		return // too late to be heard
	}
	at := int(ts % jitterSize)
	n := copy(j.buf[at:], pcm)
	copy(j.buf[:], pcm[n:])
	if e := ts + uint32(len(pcm)); int32(e-j.end) > 0 {
		j.end = e
	}
}

// pull writes the next frame; false means there is none and out is silence or
// the fading repetition of the last.
func (j *jitterBuffer) pull(out *[frame]int16) bool {
	fill := int(int32(j.end - j.read))
	if !j.flowing {
		if !j.started || fill < j.target {
			return j.conceal(out)
		}
		j.flowing, j.least, j.pulls = true, jitterSize, 0
	}
	if fill < frame {
		j.flowing, j.quiet = false, 0
		j.target = min(j.target+frame, jitterMax)
		return j.conceal(out)
	}
	j.take(out)
	j.last, j.conceals = *out, 0
	j.adapt(fill - frame)
	return true
}

// take copies a frame out and leaves silence behind.
func (j *jitterBuffer) take(out *[frame]int16) {
	at := int(j.read % jitterSize)
	n := copy(out[:], j.buf[at:])
	clear(j.buf[at : at+n])
	copy(out[n:], j.buf[:])
	clear(j.buf[:frame-n])
	j.read += frame
}

// conceal repeats the last frame, halved each time, four times at most.
func (j *jitterBuffer) conceal(out *[frame]int16) bool {
	if j.conceals >= 4 {
		clear(out[:])
		return false
	}
	j.conceals++
	for i := range out {
		j.last[i] /= 2
	}
	*out = j.last
	return false
}

// adapt drops a frame when more was buffered for a whole second than needed.
func (j *jitterBuffer) adapt(fill int) {
	j.least = min(j.least, fill)
	if j.pulls++; j.pulls < 50 {
		return
	}
	if j.least >= j.target+frame && int(int32(j.end-j.read)) >= frame {
		var dropped [frame]int16
		j.take(&dropped)
	}
	if j.quiet++; j.quiet >= 10 && j.target > jitterMin {
		j.target, j.quiet = j.target-frame, 0
	}
	j.least, j.pulls = jitterSize, 0
}
