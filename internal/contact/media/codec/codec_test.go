package codec

import (
	"math"
	"testing"
)

func TestG711DecodesWhatItEncodes(t *testing.T) {
	for i := range 256 {
		b := byte(i)
		if got := ALawEncode(ALawDecode(b)); got != b {
			t.Errorf("A-law %#x: %#x", b, got)
		}
		// µ-law has two zeros; both mean silence.
		if got := MuLawEncode(MuLawDecode(b)); got != b && MuLawDecode(b) != 0 {
			t.Errorf("µ-law %#x: %#x", b, got)
		}
	}
	if ALawDecode(ALawSilence) != 8 || MuLawDecode(MuLawSilence) != 0 {
		t.Errorf("silence: %d, %d", ALawDecode(ALawSilence), MuLawDecode(MuLawSilence))
	}
}

// The peak codes of ITU-T G.711: 32256 of A-law, 32124 of µ-law.
func TestG711Extremes(t *testing.T) {
	for s, want := range map[int16][2]int16{32767: {32256, 32124}, -32768: {-32256, -32124}} {
		if a, m := ALawDecode(ALawEncode(s)), MuLawDecode(MuLawEncode(s)); a != want[0] || m != want[1] {
			t.Errorf("%d: A-law %d, µ-law %d", s, a, m)
		}
	}
}

func TestSignalToNoise(t *testing.T) {
	in := make([]int16, 8000)
	for i := range in {
		in[i] = int16(6000*math.Sin(2*math.Pi*440*float64(i)/8000) + 3000*math.Sin(2*math.Pi*1870*float64(i)/8000))
	}
	buf, out := make([]byte, len(in)), make([]int16, len(in))
	for name, c := range map[string]struct {
		run  func()
		want float64
	}{
		"A-law": {func() { EncodeALaw(buf, in); DecodeALaw(out, buf) }, 36},
		"µ-law": {func() { EncodeMuLaw(buf, in); DecodeMuLaw(out, buf) }, 36},
		"both":  {func() { EncodeALaw(buf, in); ALawToMuLaw(buf, buf); MuLawToALaw(buf, buf); DecodeALaw(out, buf) }, 33},
		"G.722": {func() { NewG722Encoder().Encode(buf, in); NewG722Decoder().Decode(out, buf) }, 30},
	} {
		c.run()
		var signal, noise float64
		for i := 800; i < len(in); i++ {
			d := float64(in[i]) - float64(out[i])
			signal += float64(in[i]) * float64(in[i])
			noise += d * d
		}
		if snr := 10 * math.Log10(signal/noise); snr < c.want {
			t.Errorf("%s: %.1f dB, want %.0f", name, snr, c.want)
		}
	}
}

// In the reset state the predictors are zero and the step is the smallest, so
// the first code of silence follows from the tables by hand: the decision levels
// 35, 72 and 110 times 32/4096 are below one, so the lower band takes the fourth
// level, code 58, and the upper band its small positive code 3.
func TestG722FirstCodeOfSilence(t *testing.T) {
	var out [1]byte
	NewG722Encoder().Encode(out[:], []int16{0})
	if out[0] != 3<<6|58 {
		t.Errorf("%#x", out[0])
	}
}

func TestG722SurvivesAnyInput(t *testing.T) {
	d, e := NewG722Decoder(), NewG722Encoder()
	in, out, pcm := make([]byte, 4096), make([]byte, 4096), make([]int16, 4096)
	for round := range 64 {
		for i := range in {
			in[i] = byte(i*round*31 + i>>3 ^ round)
		}
		d.Decode(pcm, in)
		for i := range pcm {
			if round%2 == 0 {
				pcm[i] = int16(uint16(i*round) << 3)
			}
		}
		e.Encode(out, pcm)
	}
}

func BenchmarkG722Decode20ms(b *testing.B) {
	d, in, out := NewG722Decoder(), make([]byte, 160), make([]int16, 160)
	for b.Loop() {
		d.Decode(out, in)
	}
}

func BenchmarkALawDecode20ms(b *testing.B) {
	in, out := make([]byte, 160), make([]int16, 160)
	for b.Loop() {
		DecodeALaw(out, in)
	}
}
