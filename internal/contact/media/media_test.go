package media

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"
	"time"

	"heartline/internal/platform/errs"
)

func wav(tag, channels, rate, bits int, data []byte) []byte {
	var b bytes.Buffer
	le := func(v any) { _ = binary.Write(&b, binary.LittleEndian, v) }
	b.WriteString("RIFF")
	le(uint32(36 + len(data)))
	b.WriteString("WAVEfmt ")
	le(uint32(16))
	le([]uint16{uint16(tag), uint16(channels)})
	le([]uint32{uint32(rate), uint32(rate * channels * bits / 8)})
	le([]uint16{uint16(channels * bits / 8), uint16(bits)})
	b.WriteString("data")
	le(uint32(len(data)))
	b.Write(data)
	return b.Bytes()
}

func sinePCM(rate int, hz, amp float64, n int) []byte {
	out := make([]byte, 2*n)
	for i := range n {
		binary.LittleEndian.PutUint16(out[2*i:], uint16(int16(amp*math.Sin(2*math.Pi*hz*float64(i)/float64(rate)))))
	}
	return out
}

func rms(pcm []int16) float64 {
	sum := 0.0
	for _, v := range pcm {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum / float64(len(pcm)))
}

func TestLoadWAVKeepsTheBandAndRemovesWhatWouldAlias(t *testing.T) {
	for _, c := range []struct {
		hz   float64
		want float64 // share of the level that remains
	}{{300, 1}, {1000, 1}, {3300, 1}, {4400, 0}, {5000, 0}, {7000, 0}} {
		clip, err := LoadWAV(bytes.NewReader(wav(1, 1, 16000, 16, sinePCM(16000, c.hz, 10000, 16000))))
		if err != nil {
			t.Fatal(err)
		}
		if clip.Duration() != time.Second {
			t.Errorf("duration %v", clip.Duration())
		}
		got := rms(clip.PCM[200:7800]) / (10000 / math.Sqrt2)
		if math.Abs(got-c.want) > 0.02 {
			t.Errorf("%v Hz: %.3f of the level", c.hz, got)
		}
	}
}

func TestLoadWAVFormats(t *testing.T) {
	quiet := bytes.Repeat([]byte{0xD5}, 800)
	for name, c := range map[string]struct {
		file []byte
		n    int
		kind errs.Kind
	}{
		"pcm 8k":       {wav(1, 1, 8000, 16, make([]byte, 1600)), 800, 0},
		"stereo":       {wav(1, 2, 8000, 16, make([]byte, 1600)), 400, 0},
		"a-law":        {wav(6, 1, 8000, 8, quiet), 800, 0},
		"mu-law":       {wav(7, 1, 8000, 8, quiet), 800, 0},
		"cut off":      {wav(1, 1, 8000, 16, make([]byte, 1600))[:44+800], 400, 0},
		"odd tail":     {wav(1, 1, 8000, 16, make([]byte, 1601)), 800, 0},
		"44.1 kHz":     {wav(1, 1, 44100, 16, make([]byte, 1600)), 0, errs.Invalid},
		"24 bit":       {wav(1, 1, 8000, 24, make([]byte, 1600)), 0, errs.Invalid},
		"six channels": {wav(1, 6, 8000, 16, make([]byte, 1600)), 0, errs.Invalid},
		"empty":        {wav(1, 1, 8000, 16, nil), 0, errs.Invalid},
		"not wav":      {[]byte("ID3 something else entirely"), 0, errs.Invalid},
		"nothing":      {nil, 0, errs.Invalid},
	} {
		clip, err := LoadWAV(bytes.NewReader(c.file))
		if len(clip.PCM) != c.n || (err == nil) != (c.n > 0) || err != nil && errs.KindOf(err) != c.kind {
			t.Errorf("%s: %d samples, %v", name, len(clip.PCM), err)
		}
	}
}

func FuzzLoadWAV(f *testing.F) {
	f.Add(wav(1, 2, 16000, 16, make([]byte, 64)))
	f.Add(wav(6, 1, 8000, 8, make([]byte, 64)))
	f.Add(wav(waveExtensible, 1, 8000, 16, make([]byte, 64)))
	f.Fuzz(func(t *testing.T, b []byte) {
		clip, err := LoadWAV(bytes.NewReader(b))
		if err == nil && len(clip.PCM) == 0 {
			t.Fatal("empty clip without error")
		}
	})
}

func TestTonesHaveTheirRhythm(t *testing.T) {
	for _, c := range []struct {
		tone       Tone
		on, period time.Duration
	}{{RingbackCN(), time.Second, 5 * time.Second}, {BusyCN(), 350 * time.Millisecond, 700 * time.Millisecond}} {
		clip := c.tone.Clip()
		if clip.Duration() != c.period || !c.tone.Repeats() {
			t.Errorf("%s: %v", c.tone.Name, clip.Duration())
		}
		n := int(c.on * Rate / time.Second)
		if rms(clip.PCM[:n]) < 2000 || rms(clip.PCM[n:]) != 0 {
			t.Errorf("%s: on %v off %v", c.tone.Name, rms(clip.PCM[:n]), rms(clip.PCM[n:]))
		}
	}
	if _, ok := DTMFTone('E', time.Second); ok || Beep().Repeats() {
		t.Error("no such key; a beep sounds once")
	}
}

func TestHoldMusicIsCalmAndLoops(t *testing.T) {
	m := HoldMusic().PCM
	db := 20 * math.Log10(rms(m)/32768)
	if db < -22 || db > -17 || len(m) < 20*Rate {
		t.Errorf("%.1f dBFS, %d samples", db, len(m))
	}
	if step := math.Abs(float64(m[0]) - float64(m[len(m)-1])); step > 1500 {
		t.Errorf("click of %v at the loop", step)
	}
	for i := 0; i+Rate <= len(m); i += Rate {
		if rms(m[i:i+Rate]) < 300 {
			t.Errorf("silent second at %d s", i/Rate)
		}
	}
}

// Reference points: the default R of 93.2 is MOS 4.41 (G.107 annex B); loss
// and delay only ever lower it.
func TestEModel(t *testing.T) {
	if best := EModel(0, 0, 0, 25.1); math.Abs(best-4.41) > 0.01 {
		t.Errorf("best %.3f", best)
	}
	if bad := EModel(100, 2000, 0, 25.1); bad != 1 {
		t.Errorf("worst %.3f", bad)
	}
	last := 5.0
	for _, loss := range []float64{0, 1, 3, 5, 10, 20} {
		mos := MOSFor(loss, 10, 50)
		if mos >= last {
			t.Errorf("%v %% loss: %.2f not below %.2f", loss, mos, last)
		}
		last = mos
	}
	if mos := MOSFor(5, 10, 50); mos < 3.2 || mos > 4.0 {
		t.Errorf("5 %% loss: %.2f", mos)
	}
}

func BenchmarkHoldMusic(b *testing.B) {
	for b.Loop() {
		HoldMusic()
	}
}
