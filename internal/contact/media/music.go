package media

import "math"

// HoldMusic composes the built-in hold music: eight slow broken chords that
// run in a circle, 26 s long and seamless when looped, about -20 dBFS. It is
// computed, so there is no recording and nobody else's right in it.
func HoldMusic() Clip {
	const chordLen = 13 * Rate / 4
	// MIDI notes: bass, then the chord from below. D major, never far from home.
	chords := [][]int{
		{38, 57, 62, 66, 69}, {35, 57, 62, 66, 71}, {43, 59, 62, 67, 71}, {45, 57, 61, 64, 69},
		{42, 57, 61, 66, 69}, {43, 59, 62, 66, 71}, {40, 59, 62, 67, 71}, {45, 57, 62, 64, 69},
	}
	arpeggio := []int{1, 2, 3, 4, 3, 2, 3, 2} // which chord note each beat plucks
	mix := make([]float64, len(chords)*chordLen)
	for c, chord := range chords {
		at := c * chordLen
		addNote(mix, at, chordLen+Rate/2, hz(chord[0]), 0.30, 1.6, 0.25)
		for _, n := range chord[1:] {
			addNote(mix, at, chordLen+Rate/2, hz(n), 0.05, 3.5, 0.6)
		}
		for i, k := range arpeggio {
			addNote(mix, at+i*chordLen/len(arpeggio), 2*Rate, hz(chord[k]+12), 0.22, 0.55, 0.01)
		}
	}
	return Clip{PCM: normalise(mix, -20)}
}

func hz(midi int) float64 { return 440 * math.Pow(2, float64(midi-69)/12) }

// addNote adds a decaying note with two soft overtones, wrapping at the end so
// that the loop closes. decay is the time constant, attack the fade-in, in s.
func addNote(mix []float64, at, n int, f, amp, decay, attack float64) {
	for h, level := range []float64{1, 0.32, 0.09} {
		w := 2 * math.Pi * f * float64(h+1) / Rate
		if w > 0.85*math.Pi {
			return
		}
		// A rotating pair is a sine without calling one for every sample.
		s, c, ds, dc := 0.0, 1.0, math.Sin(w), math.Cos(w)
		env, fall := 1.0, math.Exp(-1/(decay*Rate))
		for i := range n {
			rise := math.Min(1, float64(i)/(attack*Rate))
			tail := math.Min(1, float64(n-i)/(Rate/10))
			mix[(at+i)%len(mix)] += amp * level * env * rise * tail * s
			s, c = s*dc+c*ds, c*dc-s*ds
			env *= fall
		}
	}
}

// normalise scales to an RMS level in dBFS, rounding peaks off softly.
func normalise(mix []float64, db float64) []int16 {
	sum := 0.0
	for _, v := range mix {
		sum += v * v
	}
	scale := math.Pow(10, db/20) / math.Sqrt(sum/float64(len(mix)))
	out := make([]int16, len(mix))
	for i, v := range mix {
		out[i] = int16(32767 * math.Tanh(v*scale))
	}
	return out
}
