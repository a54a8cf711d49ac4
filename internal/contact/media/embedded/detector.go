package embedded

import (
	"math"
	"time"

	"heartline/internal/contact/media"
)

// toneDetector finds keys in the sound (ITU-T Q.24: 40 ms must be recognised,
// talk must not): those of legs without telephone events, to be understood,
// and in everything recorded, to be silenced. It works on blocks of 20 ms with
// Goertzel filters at the eight frequencies.
type toneDetector struct {
	coef  [8]float64
	block [frame]float64
	n     int
	digit byte // of the current run
	run   int  // equal blocks so far
	said  bool // reported
}

func newToneDetector() *toneDetector {
	d := &toneDetector{}
	for i := range d.coef {
		f := 0.0
		if i < 4 {
			f = media.DTMFRows[i]
		} else {
			f = media.DTMFCols[i-4]
		}
		d.coef[i] = 2 * math.Cos(2*math.Pi*f/media.Rate)
	}
	return d
}

// hearing reports that the last block looked like a key.
func (d *toneDetector) hearing() bool { return d.digit != 0 }

// feed takes samples; a key is reported once, at its second block.
func (d *toneDetector) feed(pcm []int16) (press keyPress, ok bool) {
	for _, s := range pcm {
		d.block[d.n] = float64(s)
		if d.n++; d.n < len(d.block) {
			continue
		}
		d.n = 0
		if p, found := d.step(d.classify()); found {
			press, ok = p, true
		}
	}
	return press, ok
}

func (d *toneDetector) step(digit byte) (keyPress, bool) {
	if digit != d.digit {
		d.digit, d.run, d.said = digit, 0, false
	}
	d.run++
	if digit == 0 || d.said || d.run < 2 {
		return keyPress{}, false
	}
	d.said = true
	return keyPress{digit: digit, duration: time.Duration(d.run) * frameTime}, true
}

// classify names the key of the block, or 0: one row and one column must hold
// nearly all the energy, with a twist within Q.24.
func (d *toneDetector) classify() byte {
	total := 0.0
	for _, v := range d.block {
		total += v * v
	}
	if total/frame < 200*200 { // about -44 dBFS
		return 0
	}
	low, high := d.goertzel(d.coef[0], d.coef[1], d.coef[2], d.coef[3]), d.goertzel(d.coef[4], d.coef[5], d.coef[6], d.coef[7])
	row, col := strongest(low), strongest(high)
	pr, pc := low[row], high[col]
	if pr+pc < 0.85*total || pr > 6.3*pc || pc > 6.3*pr {
		return 0
	}
	return media.DTMFKeys[row*4+col]
}

// goertzel is the energy of the block at four frequencies. Four at a time keep
// the processor busy: each filter alone waits for its own last sample.
func (d *toneDetector) goertzel(ca, cb, cc, cd float64) [4]float64 {
	var a1, a2, b1, b2, c1, c2, d1, d2 float64
	for _, v := range d.block {
		a1, a2 = v+ca*a1-a2, a1
		b1, b2 = v+cb*b1-b2, b1
		c1, c2 = v+cc*c1-c2, c1
		d1, d2 = v+cd*d1-d2, d1
	}
	at := func(c, s1, s2 float64) float64 { return (s1*s1 + s2*s2 - c*s1*s2) / (frame / 2) }
	return [4]float64{at(ca, a1, a2), at(cb, b1, b2), at(cc, c1, c2), at(cd, d1, d2)}
}

func strongest(p [4]float64) int {
	best := 0
	for i, v := range p {
		if v > p[best] {
			best = i
		}
	}
	return best
}
