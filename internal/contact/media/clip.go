package media

import (
	"io"
	"time"
)

// Clip is sound ready to play: 16-bit samples at Rate. Clips are shared by all
// players and never changed.
type Clip struct{ PCM []int16 }

// Duration is how long the clip plays.
func (c Clip) Duration() time.Duration {
	return time.Duration(len(c.PCM)) * time.Second / Rate
}

// LoadWAV reads a WAV file of 8 or 16 kHz, mono or stereo, as 16-bit PCM,
// A-law or µ-law, and brings it to 8 kHz mono. Anything else is an
// errs.Invalid with key media.wav_invalid or media.wav_unsupported.
func LoadWAV(r io.Reader) (Clip, error) { return loadWAV(r) }
