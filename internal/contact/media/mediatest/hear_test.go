package mediatest

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"heartline/internal/contact/media"
)

// sound makes a second and a half of samples.
func sound(f func(i int) float64) media.Clip {
	pcm := make([]int16, media.Rate*3/2)
	for i := range pcm {
		pcm[i] = int16(fullScale * max(-1, min(1, f(i))))
	}
	return media.Clip{PCM: pcm}
}

// voice is syllables: a tone of some harmonics that comes and goes.
func voice(level float64) func(i int) float64 {
	return func(i int) float64 {
		t := float64(i) / media.Rate
		swell := max(0, math.Sin(2*math.Pi*3*t))
		return level * swell * (math.Sin(2*math.Pi*180*t) + math.Sin(2*math.Pi*540*t)/2 + math.Sin(2*math.Pi*1260*t)/4)
	}
}

func TestTroubleIsHeard(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 2))
	good := voice(0.4)
	for want, c := range map[string]media.Clip{
		"":                        sound(good),
		"silent":                  sound(func(int) float64 { return 0 }),
		"too soft":                sound(voice(0.01)),
		"too loud":                sound(func(i int) float64 { return 3 * good(i) }),
		"clipped":                 sound(voice(1)),
		"off centre":              sound(func(i int) float64 { return good(i) + 0.05 }),
		"noise":                   sound(func(i int) float64 { return (2*dice.Float64() - 1) * max(0.05, good(i/8*8)) }),
		"a tone or a hum":         sound(func(i int) float64 { return 0.5 * math.Sin(2*math.Pi*440*float64(i)/media.Rate) }),
		"slow to begin":           {PCM: append(make([]int16, media.Rate/2), sound(good).PCM...)},
		"silent at its end":       {PCM: append(sound(good).PCM, make([]int16, media.Rate)...)},
		"silent in the middle":    {PCM: slices.Concat(sound(good).PCM, make([]int16, 2*media.Rate), sound(good).PCM)},
		"shorter than a syllable": {PCM: sound(good).PCM[:900]},
	} {
		h := Hear(c)
		if got := h.Trouble(); want == "" && len(got) > 0 || want != "" && !slices.Contains(got, want) {
			t.Errorf("%q: %v (%v)", want, got, h)
		}
	}
}

func TestPace(t *testing.T) {
	for _, c := range []struct {
		text, lang, want string
	}{
		{"您好，欢迎。", "zh-CN", ""},
		{"one moment please", "en", ""},
		{"您好，欢迎致电爱心医院专线。", "zh-CN", `too short for "您好，欢迎致电爱心医院专线。"`},
		{"好", "zh-CN", `too long for "好"`},
		{"Thank you for calling our hospital today", "en", ""},
		{"Thank you for calling our hospital today, somebody will be with you", "en", `too short for "Thank you for calling our hospital today, somebody will be with you"`},
	} {
		if got := (Heard{Length: 1500 * time.Millisecond}).Pace(c.text, c.lang); got != c.want {
			t.Errorf("%s: %q", c.text, got)
		}
	}
}
