package embedded

import (
	"encoding/binary"
	"time"

	"heartline/internal/contact/media"
)

// keyCodes are the events 0-15 of RFC 4733 table 3.
const keyCodes = "0123456789*#ABCD"

func keyCode(digit byte) (uint8, bool) {
	for i := range len(keyCodes) {
		if keyCodes[i] == digit {
			return uint8(i), true
		}
	}
	return 0, false
}

// Times of key presses, in nanoseconds.
const (
	keyLostEnd = 150e6 // an event without packets for so long has ended
	keyMinGap  = 25e6  // two ends closer than this are no human and no dialler
)

// keyPress is a finished key.
type keyPress struct {
	digit    byte
	duration time.Duration
}

// keyReceiver collects the packets of RFC 4733 events: one press per timestamp,
// whatever is repeated, reordered or lost.
type keyReceiver struct {
	active, any bool
	ts          uint32 // of the current or last event
	code        uint8
	samples     uint16
	lastAt      int64
	doneAt      int64
}

// packet takes one event packet. It returns the press that ended with it: this
// event's, or the previous one's whose end was lost.
func (k *keyReceiver) packet(payload []byte, ts uint32, now int64) (press keyPress, ok bool) {
	if len(payload) < 4 || payload[0] >= uint8(len(keyCodes)) {
		return press, false
	}
	if k.any && ts != k.ts {
		if int32(ts-k.ts) < 0 {
			return press, false // an old event, late
		}
		press, ok = k.finish(now)
	}
	if !k.any || ts != k.ts {
		k.any, k.active, k.ts, k.code, k.samples = true, true, ts, payload[0], 0
	}
	if !k.active {
		return press, ok // the end, repeated
	}
	k.samples = max(k.samples, binary.BigEndian.Uint16(payload[2:]))
	k.lastAt = now
	if payload[1]&0x80 != 0 && !ok {
		return k.finish(now)
	}
	return press, ok
}

// expired ends an event whose end packets were all lost.
func (k *keyReceiver) expired(now int64) (keyPress, bool) {
	if k.active && now-k.lastAt > keyLostEnd {
		return k.finish(now)
	}
	return keyPress{}, false
}

func (k *keyReceiver) finish(now int64) (keyPress, bool) {
	if !k.active {
		return keyPress{}, false
	}
	k.active = false
	if k.doneAt != 0 && now-k.doneAt < keyMinGap {
		return keyPress{}, false
	}
	k.doneAt = now
	return keyPress{digit: keyCodes[k.code], duration: time.Duration(k.samples) * time.Second / media.Rate}, true
}

// Rhythm of the keys that we send, in 20 ms frames.
const (
	keyOnFrames   = 6 // 120 ms
	keyGapFrames  = 4
	keyEndRepeats = 3
	keyPause      = 25 // ","
	maxQueuedKeys = 64
)

// keySender plays queued keys, one step per frame.
type keySender struct {
	queue []byte
	frame int // within the current key: 0 idle
	ts    uint32
}

func (k *keySender) active() bool { return k.frame > 0 || len(k.queue) > 0 }

// put queues what is a key or a pause; it reports false when full.
func (k *keySender) put(digits string) bool {
	if len(k.queue)+len(digits) > maxQueuedKeys {
		return false
	}
	k.queue = append(k.queue, digits...)
	return true
}

// step advances one frame. phase says what the frame is.
func (k *keySender) step() (digit byte, frame int, phase keyPhase) {
	if len(k.queue) == 0 {
		k.frame = 0
		return 0, 0, keyIdle
	}
	digit, k.frame = k.queue[0], k.frame+1
	frame = k.frame
	last, phase := keyOnFrames+keyGapFrames, keyOn
	switch {
	case digit == ',':
		last, phase = keyPause, keyGap
	case frame == keyOnFrames:
		phase = keyEnd
	case frame > keyOnFrames:
		phase = keyGap
	}
	if frame >= last {
		k.queue, k.frame = k.queue[1:], 0
	}
	return digit, frame, phase
}

type keyPhase uint8

const (
	keyIdle keyPhase = iota
	keyOn
	keyEnd
	keyGap
)
