package switchboard

import "time"

// Where the sound of a prompt came from.
const (
	SourceShipped = "shipped"
	SourceUpload  = "upload"
	SourceBrowser = "browser"
)

// DefaultLanguage is the language prompts fall back to.
const DefaultLanguage = "zh-CN"

// Prompt is one recorded sentence in one language.
type Prompt struct {
	Key       string
	Language  string
	Name      string
	Text      string // what is said, for screens and for speech synthesis
	Source    string
	SHA       string // hex SHA-256 of the WAV file; equal SHA means equal sound
	Duration  time.Duration
	Bytes     int64
	Shipped   bool // a shipped recording exists under this upload
	Missing   bool // listed, but its sound file is gone: callers play a tone and raise an alarm
	UpdatedAt time.Time
}
