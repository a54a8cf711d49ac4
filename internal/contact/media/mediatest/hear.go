package mediatest

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"time"
	"unicode"

	"heartline/internal/contact/media"
)

// Heard is what a recording sounds like to a meter.
type Heard struct {
	Length  time.Duration
	PeakDB  float64       // loudest sample, against full scale
	VoiceDB float64       // mean power of the frames in which something is said
	Offset  float64       // direct current, as a share of full scale
	Lead    time.Duration // silence before the first word
	Trail   time.Duration // and after the last one
	Pause   time.Duration // longest silence between words
	Clipped int           // samples at full scale that follow each other
	Hiss    float64       // zero crossings per sample while something is said: 0.5 is noise
	Sway    float64       // how much the loudness changes: near 0 is a tone or a hum
}

const (
	grain     = media.Rate / 50 // 20 ms
	grainTime = 20 * time.Millisecond
	quietDB   = -45.0
	fullScale = 32767.0
)

func decibel(x float64) float64 { return 20 * math.Log10(max(x, 1e-9)) }

// Hear measures a recording as a caller gets it.
func Hear(c media.Clip) Heard {
	h := Heard{Length: c.Duration()}
	peak, sum, run := 0.0, 0.0, 0
	for _, v := range c.PCM {
		x := float64(v) / fullScale
		sum += x
		peak = max(peak, math.Abs(x))
		if math.Abs(x) < 0.999 {
			run = 0
			continue
		}
		run++
		h.Clipped = max(h.Clipped, run)
	}
	h.PeakDB, h.Offset = decibel(peak), sum/float64(max(len(c.PCM), 1))
	var levels []float64 // of the frames
	power, crossings, samples := 0.0, 0, 0
	for frame := range slices.Chunk(c.PCM, grain) {
		energy, zero := 0.0, 0
		for i, v := range frame {
			energy += float64(v) / fullScale * float64(v) / fullScale
			if i > 0 && (v < 0) != (frame[i-1] < 0) {
				zero++
			}
		}
		levels = append(levels, math.Sqrt(energy/float64(len(frame))))
		if decibel(levels[len(levels)-1]) > quietDB {
			power, crossings, samples = power+energy, crossings+zero, samples+len(frame)
		}
	}
	h.VoiceDB, h.Hiss = decibel(math.Sqrt(power/float64(max(samples, 1)))), float64(crossings)/float64(max(samples, 1))
	h.Lead, h.Trail, h.Pause = silences(levels)
	h.Sway = sway(levels)
	return h
}

// silences finds how long nothing is said before, after and in between.
func silences(levels []float64) (lead, trail, pause time.Duration) {
	loud := func(l float64) bool { return decibel(l) > quietDB }
	first := slices.IndexFunc(levels, loud)
	if first < 0 {
		all := time.Duration(len(levels)) * grainTime
		return all, all, all
	}
	last, quiet := first, 0
	for i, l := range levels[first:] {
		quiet++
		if loud(l) {
			pause = max(pause, time.Duration(quiet-1)*grainTime)
			last, quiet = first+i, 0
		}
	}
	return time.Duration(first) * grainTime, time.Duration(len(levels)-1-last) * grainTime, pause
}

// sway is the standard deviation of the loudness over its mean.
func sway(levels []float64) float64 {
	mean, squares := 0.0, 0.0
	for _, l := range levels {
		mean += l / float64(len(levels))
	}
	for _, l := range levels {
		squares += (l - mean) * (l - mean) / float64(len(levels))
	}
	return math.Sqrt(squares) / max(mean, 1e-9)
}

// Trouble says what is wrong with a spoken prompt; nothing when it is fine.
func (h Heard) Trouble() []string {
	var out []string
	for _, c := range []struct {
		what string
		bad  bool
	}{
		{"shorter than a syllable", h.Length < 200*time.Millisecond},
		{"a minute long", h.Length > time.Minute},
		{"silent", h.VoiceDB < -60},
		{"too soft", h.VoiceDB < -26},
		{"too loud", h.VoiceDB > -9},
		{"not levelled", h.PeakDB < -8 || h.PeakDB > -1},
		{"clipped", h.Clipped > 1},
		{"off centre", math.Abs(h.Offset) > 0.003},
		{"slow to begin", h.Lead > 250*time.Millisecond},
		{"silent at its end", h.Trail > 400*time.Millisecond},
		{"silent in the middle", h.Pause > time.Second},
		{"noise", h.Hiss > 0.38},
		{"a tone or a hum", h.Sway < 0.35},
	} {
		if c.bad {
			out = append(out, c.what)
		}
	}
	return out
}

// Pace says what is wrong with how long a text takes to say: a recording that
// is cut off is too fast, one of something else may be either.
func (h Heard) Pace(text, lang string) string {
	signs := 0
	for _, r := range text {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			signs++
		}
	}
	fast, slow := 150*time.Millisecond, 500*time.Millisecond // for a Chinese character
	if lang != "zh-CN" {
		fast, slow = 40*time.Millisecond, 160*time.Millisecond // for a letter
	}
	const breath = 500 * time.Millisecond // words said alone are said slowly
	switch n := time.Duration(signs); {
	case h.Length < n*fast:
		return fmt.Sprintf("too short for %q", text)
	case h.Length > n*slow+breath:
		return fmt.Sprintf("too long for %q", text)
	}
	return ""
}

func (h Heard) String() string {
	return fmt.Sprintf("%v, peak %.1f dB, voice %.1f dB, offset %.4f, silence %v/%v/%v, clipped %d, hiss %.2f, sway %.2f",
		h.Length.Round(time.Millisecond), h.PeakDB, h.VoiceDB, h.Offset, h.Lead, h.Pause, h.Trail, h.Clipped, h.Hiss, h.Sway)
}

// Faults says what is wrong with a recording of some words in a language, in
// words; nothing when it is speech at its usual level and pace.
func Faults(wav []byte, said, lang string) []string {
	clip, err := media.LoadWAV(bytes.NewReader(wav))
	if err != nil {
		return []string{err.Error()}
	}
	h := Hear(clip)
	wrong := h.Trouble()
	if pace := h.Pace(said, lang); pace != "" {
		wrong = append(wrong, pace)
	}
	if len(wrong) > 0 {
		wrong = append(wrong, fmt.Sprint(h))
	}
	return wrong
}
