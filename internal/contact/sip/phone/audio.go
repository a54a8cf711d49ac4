package phone

import (
	"context"
	"math"
	"math/bits"
)

// PlayTone sends a sine of a frequency until StopPlay.
func (c *Call) PlayTone(hz float64) {
	if c.rtp != nil {
		c.rtp.mu.Lock()
		c.rtp.hz = hz
		c.rtp.mu.Unlock()
	}
}

// PlayPCM sends 8 kHz samples once, then silence.
func (c *Call) PlayPCM(pcm []int16) {
	if c.rtp != nil {
		c.rtp.mu.Lock()
		c.rtp.hz, c.rtp.pcm = 0, pcm
		c.rtp.mu.Unlock()
	}
}

// StopPlay sends silence.
func (c *Call) StopPlay() { c.PlayPCM(nil) }

// Cut stops sending without a word, as a pulled cable does, or sends again.
func (c *Call) Cut(on bool) {
	if c.rtp != nil {
		c.rtp.mu.Lock()
		c.rtp.cut = on
		c.rtp.mu.Unlock()
	}
}

// SendDTMF sends digits as RFC 4733 events, 100 ms each, and waits until they are out.
func (c *Call) SendDTMF(ctx context.Context, digits string) error {
	if c.rtp == nil {
		return ErrEnded
	}
	done := make(chan struct{})
	c.rtp.mu.Lock()
	c.rtp.digits, c.rtp.step, c.rtp.sent = []byte(digits), 0, done
	c.rtp.mu.Unlock()
	return c.waitFor(ctx, done)
}

func (c *Call) waitFor(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-c.ended:
		return ErrEnded
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Received returns a copy of the audio heard so far (8 kHz, at most the last 60 s).
func (c *Call) Received() []int16 {
	if c.rtp == nil {
		return nil
	}
	c.rtp.mu.Lock()
	defer c.rtp.mu.Unlock()
	h := c.rtp.heard
	return append([]int16(nil), h[max(0, len(h)-keepAudio):]...)
}

// Forget drops the audio heard so far.
func (c *Call) Forget() {
	if c.rtp != nil {
		c.rtp.mu.Lock()
		c.rtp.heard = c.rtp.heard[:0]
		c.rtp.mu.Unlock()
	}
}

// Packets counts the RTP packets received.
func (c *Call) Packets() uint64 {
	if c.rtp == nil {
		return 0
	}
	return c.rtp.packets.Load()
}

// WaitTone waits until the last 200 ms heard are dominated by a frequency.
func (c *Call) WaitTone(ctx context.Context, hz float64) error {
	return c.WaitAudio(ctx, func(heard []int16) bool {
		return len(heard) >= 1600 && ToneLevel(heard[len(heard)-1600:], hz) > 0.6
	})
}

// WaitAudio waits until what has been heard satisfies a condition.
func (c *Call) WaitAudio(ctx context.Context, ok func(heard []int16) bool) error {
	if c.rtp == nil {
		return ErrEnded
	}
	for !ok(c.Received()) {
		if err := c.waitFor(ctx, c.rtp.notify); err != nil {
			return err
		}
	}
	return nil
}

// Digits returns the digits heard so far, by RFC 4733 and by INFO.
func (c *Call) Digits() string {
	c.mu.Lock()
	got := c.digits
	c.mu.Unlock()
	if c.rtp != nil {
		c.rtp.mu.Lock()
		got += c.rtp.got
		c.rtp.mu.Unlock()
	}
	return got
}

// ToneLevel is the share (0–1) of the power of pcm at a frequency (Goertzel, 8 kHz).
func ToneLevel(pcm []int16, hz float64) float64 {
	if len(pcm) == 0 {
		return 0
	}
	coeff := 2 * math.Cos(2*math.Pi*hz/8000)
	var s1, s2, power float64
	for _, v := range pcm {
		x := float64(v)
		s1, s2 = x+coeff*s1-s2, s1
		power += x * x
	}
	if power < float64(len(pcm))*100 { // near silence has no tone
		return 0
	}
	mag := s1*s1 + s2*s2 - coeff*s1*s2
	return min(1, 2*mag/(float64(len(pcm))*power))
}

// Correlate finds needle in hay: the best normalised correlation (0–1) and
// its offset. It searches coarsely by 4 samples, then finely around the best.
func Correlate(hay, needle []int16) (score float64, at int) {
	if len(needle) == 0 || len(hay) < len(needle) {
		return 0, 0
	}
	at = -1
	for off := 0; off+len(needle) <= len(hay); off += 4 {
		if s := correlation(hay[off:off+len(needle)], needle, 4); s > score || at < 0 {
			score, at = s, off
		}
	}
	best := at
	score = 0
	for off := max(0, best-4); off <= best+4 && off+len(needle) <= len(hay); off++ {
		if s := correlation(hay[off:off+len(needle)], needle, 1); s > score {
			score, at = s, off
		}
	}
	return score, at
}

func correlation(a, b []int16, step int) float64 {
	var ab, aa, bb float64
	for i := 0; i < len(b); i += step {
		x, y := float64(a[i]), float64(b[i])
		ab += x * y
		aa += x * x
		bb += y * y
	}
	if aa == 0 || bb == 0 {
		return 0
	}
	return ab / math.Sqrt(aa*bb)
}

// alaw encodes one sample (ITU-T G.711).
func alaw(v int16) byte {
	x := int(v)
	sign := byte(0x80)
	if x < 0 {
		x, sign = -x-1, 0
	}
	x >>= 3 // 13 bits
	seg := 0
	if x >= 32 {
		seg = bits.Len(uint(x)) - 5
	}
	var mant int
	if seg < 1 {
		mant = x >> 1
	} else {
		mant = x >> seg
	}
	return (sign | byte(seg<<4) | byte(mant&15)) ^ 0x55
}

func unalaw(b byte) int16 {
	b ^= 0x55
	seg := int(b>>4) & 7
	v := int(b&15)<<4 + 8
	if seg >= 1 {
		v = (v + 0x100) << (seg - 1)
	}
	if b&0x80 == 0 {
		return int16(-v)
	}
	return int16(v)
}
