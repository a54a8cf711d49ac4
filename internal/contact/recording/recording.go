// Package recording keeps what was said: it captures the stereo sound of a
// call (left the caller, right what the caller heard) into an encrypted file
// with a key of its own, finishes files that a crash left open, and gives the
// sound back as WAV or as a waveform. It does not decide when to record (call
// does) nor who may listen to whose calls (api does, by row).
//
// A recording under way is a self-contained file NAME.part: a header with the
// wrapped key, then the encrypted stream. When it ends, the key moves into the
// database, is wiped from the header, and the file is renamed to NAME.hlr;
// destroying the row's key erases the sound wherever copies of the file are.
package recording

import (
	"time"

	"heartline/internal/platform/event"
)

// State tells whether the sound can be heard.
type State string

// Ready can be played; Erased had its key destroyed.
const (
	Ready  State = "ready"
	Erased State = "erased"
)

// BytesPerSecond of the stored sound: two channels of 8 kHz A-law (G.711).
const BytesPerSecond = 2 * 8000

// Recording is the record of one stored sound.
type Recording struct {
	ID        string
	CallID    string
	StartedAt time.Time
	EndedAt   time.Time
	Duration  time.Duration
	Bytes     int64
	// Truncated says that the program died while it was written; all that was
	// on disk by then is playable.
	Truncated bool
	State     State
	LegalHold bool
	KeepUntil time.Time

	path, wrappedKey string
}

// Finished is the fact that a recording can be listened to.
type Finished struct{ ID, CallID string }

func publishFinished(bus *event.Bus, r Recording) {
	event.Publish(bus, Finished{ID: r.ID, CallID: r.CallID})
}

// duration of n stored bytes.
func duration(n int64) time.Duration {
	return time.Duration(n) * time.Second / BytesPerSecond
}
