package media

import (
	"math"
	"time"
)

// Tone is a Source that repeats frequencies in a rhythm. Cadence alternates
// on and off; empty means a continuous tone.
type Tone struct {
	Name    string
	Freqs   []float64 // summed
	LevelDB float64   // dBFS of the sum
	Cadence []time.Duration
	Once    bool // play the cadence a single time, then PlayDone
}

// RingbackCN is the Chinese ringing tone: 450 Hz, 1 s on, 4 s off (GB/T 3380).
func RingbackCN() Tone {
	return Tone{Name: "ringback", Freqs: []float64{450}, LevelDB: -16, Cadence: []time.Duration{time.Second, 4 * time.Second}}
}

// BusyCN is the Chinese busy tone: 450 Hz, 0.35 s on, 0.35 s off.
func BusyCN() Tone {
	return Tone{Name: "busy", Freqs: []float64{450}, LevelDB: -16, Cadence: []time.Duration{350 * time.Millisecond, 350 * time.Millisecond}}
}

// Comfort is the soft double note that tells a parked caller that the line lives.
func Comfort() Tone {
	return Tone{Name: "comfort", Freqs: []float64{392, 523.25}, LevelDB: -27,
		Cadence: []time.Duration{180 * time.Millisecond, 120 * time.Millisecond, 180 * time.Millisecond, 2520 * time.Millisecond}}
}

// Beep is a single short signal.
func Beep() Tone {
	return Tone{Name: "beep", Freqs: []float64{1000}, LevelDB: -18, Cadence: []time.Duration{200 * time.Millisecond}, Once: true}
}

// Sine is a continuous tone, for tests and drills.
func Sine(hz, levelDB float64) Tone {
	return Tone{Name: "sine", Freqs: []float64{hz}, LevelDB: levelDB}
}

// DTMFTone is the pair of frequencies of a key (ITU-T Q.23); ok is false for
// anything but 0-9 * # A-D.
func DTMFTone(digit byte, on time.Duration) (t Tone, ok bool) {
	row, col, ok := dtmfIndex(digit)
	if !ok {
		return Tone{}, false
	}
	return Tone{Name: "dtmf", Freqs: []float64{DTMFRows[row], DTMFCols[col]}, LevelDB: -10, Cadence: []time.Duration{on}, Once: true}, true
}

// DTMFRows and DTMFCols are the frequencies of the keypad; DTMFKeys its layout.
var (
	DTMFRows = [4]float64{697, 770, 852, 941}
	DTMFCols = [4]float64{1209, 1336, 1477, 1633}
)

// DTMFKeys is the keypad read row by row.
const DTMFKeys = "123A456B789C*0#D"

func dtmfIndex(d byte) (row, col int, ok bool) {
	for i := range len(DTMFKeys) {
		if DTMFKeys[i] == d {
			return i / 4, i % 4, true
		}
	}
	return 0, 0, false
}

// Repeats reports whether the tone goes on until it is stopped.
func (t Tone) Repeats() bool { return !t.Once }

// Clip renders one period: the whole cadence, or a second of a continuous
// tone (frequencies in whole Hz then loop without a click).
func (t Tone) Clip() Clip {
	cadence := t.Cadence
	if len(cadence) == 0 {
		cadence = []time.Duration{time.Second}
	}
	amp := 0.0
	if len(t.Freqs) > 0 {
		amp = 32767 * math.Pow(10, t.LevelDB/20) / float64(len(t.Freqs))
	}
	var pcm []int16
	for i, d := range cadence {
		n := int(d * Rate / time.Second)
		part := make([]int16, n)
		if i%2 == 0 {
			fillTone(part, t.Freqs, amp, len(t.Cadence) > 0)
		}
		pcm = append(pcm, part...)
	}
	return Clip{PCM: pcm}
}

// fillTone writes the sum of sines; ramped softens both ends by 4 ms.
func fillTone(out []int16, freqs []float64, amp float64, ramped bool) {
	const ramp = Rate / 250
	for i := range out {
		v := 0.0
		for _, f := range freqs {
			v += math.Sin(2 * math.Pi * f * float64(i) / Rate)
		}
		if edge := min(i, len(out)-1-i); ramped && edge < ramp {
			v *= float64(edge) / ramp
		}
		out[i] = int16(amp * v)
	}
}
