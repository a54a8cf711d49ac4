package embedded

import (
	"math"
	"time"

	"heartline/internal/contact/media"
)

// toneDetector finds keys in the sound of legs that have no telephone events
// (ITU-T Q.24: 40 ms must be recognised, talk must not). It works on blocks of
// 20 ms with Goertzel filters at the eight frequencies.
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
	var power [8]float64
	for i, c := range d.coef {
		s1, s2 := 0.0, 0.0
		for _, v := range d.block {
			s1, s2 = v+c*s1-s2, s1
		}
		power[i] = (s1*s1 + s2*s2 - c*s1*s2) / (frame / 2)
	}
	row, col := strongest(power[:4]), strongest(power[4:])
	pr, pc := power[row], power[4+col]
	if pr+pc < 0.85*total || pr > 6.3*pc || pc > 6.3*pr {
		return 0
	}
	return media.DTMFKeys[row*4+col]
}

func strongest(p []float64) int {
	best := 0
	for i, v := range p {
		if v > p[best] {
			best = i
		}
	}
	return best
}
