package switchboard

import (
	"encoding/binary"
	"time"

	"heartline/internal/platform/errs"
)

// Limits of a prompt.
const (
	maxPromptBytes    = 5 << 20
	maxPromptDuration = 5 * time.Minute
)

// WAV format tags (RFC 2361).
const (
	wavPCM   = 1
	wavALaw  = 6
	wavMuLaw = 7
)

// checkWAV accepts a complete RIFF/WAVE file with one channel of 8 or 16 kHz,
// 16-bit PCM, A-law or µ-law, and returns how long it plays.
func checkWAV(b []byte) (time.Duration, error) {
	if len(b) > maxPromptBytes {
		return 0, errs.New(errs.TooLarge, "switchboard.prompt_too_large", "max_mb", maxPromptBytes>>20)
	}
	if len(b) < 12 || string(b[:4]) != "RIFF" || string(b[8:12]) != "WAVE" {
		return 0, errs.New(errs.Invalid, "switchboard.prompt_not_wav")
	}
	var format []byte
	for rest := b[12:]; len(rest) >= 8; {
		name, size := string(rest[:4]), int(binary.LittleEndian.Uint32(rest[4:]))
		body := rest[8:]
		if size < 0 || size > len(body) {
			return 0, errs.New(errs.Invalid, "switchboard.prompt_truncated")
		}
		switch name {
		case "fmt ":
			format = body[:size]
		case "data":
			return wavDuration(format, size)
		}
		rest = body[min(size+size%2, len(body)):]
	}
	return 0, errs.New(errs.Invalid, "switchboard.prompt_truncated")
}

func wavDuration(format []byte, size int) (time.Duration, error) {
	if len(format) < 16 {
		return 0, errs.New(errs.Invalid, "switchboard.prompt_not_wav")
	}
	tag := binary.LittleEndian.Uint16(format)
	channels := binary.LittleEndian.Uint16(format[2:])
	rate := binary.LittleEndian.Uint32(format[4:])
	bits := binary.LittleEndian.Uint16(format[14:])
	width := 1
	switch {
	case tag == wavPCM && bits == 16:
		width = 2
	case (tag == wavALaw || tag == wavMuLaw) && bits == 8:
	default:
		return 0, errs.New(errs.Invalid, "switchboard.prompt_format")
	}
	if channels != 1 || (rate != 8000 && rate != 16000) {
		return 0, errs.New(errs.Invalid, "switchboard.prompt_format")
	}
	d := time.Duration(size/width) * time.Second / time.Duration(rate)
	switch {
	case size/width == 0:
		return 0, errs.New(errs.Invalid, "switchboard.prompt_empty")
	case d > maxPromptDuration:
		return 0, errs.New(errs.Invalid, "switchboard.prompt_too_long")
	}
	return d, nil
}
