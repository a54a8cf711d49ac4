// Package phone is a small scripted SIP phone with its own RTP (PCMA): for
// drills, simulated callers, tests and load. It owns no configuration and
// plays no part in real calls of the hospital.
package phone

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// Bank is one SIP socket that many phones share.
type Bank struct{}

// BankConfig says where the phones live.
type BankConfig struct {
	Listen    string // "127.0.0.1:0" by default
	Server    string // "127.0.0.1:5060": registrar and proxy of all phones
	Transport string // UDP (default) or TCP
	Realm     string
	Log       *slog.Logger
}

// NewBank opens the socket.
func NewBank(ctx context.Context, cfg BankConfig) (*Bank, error) { return nil, errors.ErrUnsupported }

// Close hangs up and closes everything.
func (b *Bank) Close(ctx context.Context) error { return errors.ErrUnsupported }

// Phone adds a phone with credentials ("" password for none).
func (b *Bank) Phone(user, password string, opts ...Option) *Phone { return nil }

// Option of a phone.
type Option func(*Phone)

// WithoutMedia makes calls that send and receive no RTP.
func WithoutMedia() Option { return func(*Phone) {} }

// WithAnswer lets the phone pick up by itself after a while of ringing.
func WithAnswer(after time.Duration) Option { return func(*Phone) {} }

// Phone is one line.
type Phone struct{}

// Register registers and keeps the registration fresh until Unregister or Close.
func (p *Phone) Register(ctx context.Context) error { return errors.ErrUnsupported }

// Unregister removes the registration.
func (p *Phone) Unregister(ctx context.Context) error { return errors.ErrUnsupported }

// Dial calls a number; from "" is the phone's own user. It returns once the INVITE is out.
func (p *Phone) Dial(ctx context.Context, number, from string) (*Call, error) {
	return nil, errors.ErrUnsupported
}

// Incoming delivers calls as they arrive (ringing; already answered with WithAnswer).
func (p *Phone) Incoming() <-chan *Call { return nil }

// Call is one call of a phone.
type Call struct{}

// WaitRinging waits for a 18x (outgoing).
func (c *Call) WaitRinging(ctx context.Context) error { return errors.ErrUnsupported }

// WaitAnswered waits until the call is established, or fails with its SIP code.
func (c *Call) WaitAnswered(ctx context.Context) error { return errors.ErrUnsupported }

// WaitEnded waits until the call is over.
func (c *Call) WaitEnded(ctx context.Context) error { return errors.ErrUnsupported }

// Answer picks up an incoming call.
func (c *Call) Answer(ctx context.Context) error { return errors.ErrUnsupported }

// Reject refuses an incoming call.
func (c *Call) Reject(ctx context.Context, code int) error { return errors.ErrUnsupported }

// Hangup ends the call.
func (c *Call) Hangup(ctx context.Context) error { return errors.ErrUnsupported }

// Hold sends a re-INVITE with sendonly, or sendrecv again.
func (c *Call) Hold(ctx context.Context, on bool) error { return errors.ErrUnsupported }

// PlayTone sends a sine of a frequency until StopPlay; PlayPCM sends 8 kHz samples once.
func (c *Call) PlayTone(hz float64) {}

// PlayPCM sends 8 kHz samples once, then silence.
func (c *Call) PlayPCM(pcm []int16) {}

// StopPlay sends silence.
func (c *Call) StopPlay() {}

// SendDTMF sends digits as RFC 4733 events, 100 ms each.
func (c *Call) SendDTMF(ctx context.Context, digits string) error { return errors.ErrUnsupported }

// Received returns a copy of the audio heard so far (8 kHz, at most the last 60 s).
func (c *Call) Received() []int16 { return nil }

// WaitTone waits until the last 200 ms heard are dominated by a frequency.
func (c *Call) WaitTone(ctx context.Context, hz float64) error { return errors.ErrUnsupported }

// Digits returns the RFC 4733 digits heard so far.
func (c *Call) Digits() string { return "" }

// ToneLevel is the share (0–1) of the power of pcm at a frequency (Goertzel, 8 kHz).
func ToneLevel(pcm []int16, hz float64) float64 { return 0 }

// Correlate finds needle in hay: the best normalised correlation (0–1) and its offset.
func Correlate(hay, needle []int16) (score float64, at int) { return 0, 0 }
