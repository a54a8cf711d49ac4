// Package mediatest is a browser for tests: a WebRTC client that sends a tone
// and listens, so that tests of call control need no real browser. It is
// imported by tests only.
package mediatest

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/pion/webrtc/v4"
	wire "github.com/pion/webrtc/v4/pkg/media"

	"heartline/internal/contact/media"
	"heartline/internal/contact/media/codec"
)

const frame = 20 * time.Millisecond

// Browser is one connection of one browser window.
type Browser struct {
	pc    *webrtc.PeerConnection
	track *webrtc.TrackLocalStaticSample
	stop  chan struct{}
	once  sync.Once
	tasks sync.WaitGroup

	mu    sync.Mutex
	hz    float64
	quiet bool // sends nothing at all
	phase int
	heard []int16
}

// New makes a browser that sends a sine of hz once it is connected; 0 is
// silence.
func New(hz float64) (*Browser, error) {
	engine := &webrtc.MediaEngine{}
	pcma := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypePCMA, ClockRate: media.Rate}
	if err := engine.RegisterCodec(webrtc.RTPCodecParameters{RTPCodecCapability: pcma, PayloadType: 8}, webrtc.RTPCodecTypeAudio); err != nil {
		return nil, err
	}
	settings := webrtc.SettingEngine{}
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	api := webrtc.NewAPI(webrtc.WithMediaEngine(engine), webrtc.WithSettingEngine(settings))
	pc, err := api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return nil, err
	}
	track, err := webrtc.NewTrackLocalStaticSample(pcma, "audio", "browser")
	if err != nil {
		return nil, err
	}
	b := &Browser{pc: pc, track: track, hz: hz, stop: make(chan struct{})}
	if _, err := pc.AddTrack(track); err != nil {
		return nil, err
	}
	pc.OnTrack(func(t *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { b.tasks.Go(func() { b.listen(t) }) })
	b.tasks.Go(b.speak)
	return b, nil
}

// Connect makes the offer, lets answer bring the far end's answer, and waits
// until sound can flow.
func (b *Browser) Connect(ctx context.Context, answer func(offer string) (string, error)) error {
	connected := make(chan struct{})
	var once sync.Once
	b.pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		if s == webrtc.PeerConnectionStateConnected {
			once.Do(func() { close(connected) })
		}
	})
	offer, err := b.pc.CreateOffer(nil)
	if err != nil {
		return err
	}
	gathered := webrtc.GatheringCompletePromise(b.pc)
	if err := b.pc.SetLocalDescription(offer); err != nil {
		return err
	}
	select {
	case <-gathered:
	case <-ctx.Done():
		return ctx.Err()
	}
	sdp, err := answer(b.pc.LocalDescription().SDP)
	if err != nil {
		return err
	}
	if err := b.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: sdp}); err != nil {
		return err
	}
	select {
	case <-connected:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("connect: %w", ctx.Err())
	}
}

// SetTone changes what the browser sends; 0 is silence.
func (b *Browser) SetTone(hz float64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hz = hz
}

// Cut stops sending without saying so, as a pulled cable does.
func (b *Browser) Cut(on bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.quiet = on
}

// Close ends the connection, as closing the window does.
func (b *Browser) Close() error {
	err := error(nil)
	b.once.Do(func() {
		close(b.stop)
		err = b.pc.Close()
	})
	b.tasks.Wait()
	return err
}

// Heard returns a copy of the last n samples received.
func (b *Browser) Heard(n int) []int16 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]int16(nil), b.heard[max(0, len(b.heard)-n):]...)
}

// WaitTone waits until the last 200 ms received are dominated by hz.
func (b *Browser) WaitTone(ctx context.Context, hz float64) error {
	return b.waitFor(ctx, func() bool {
		pcm := b.Heard(media.Rate / 5)
		return len(pcm) == media.Rate/5 && Level(pcm, hz) > 0.6
	})
}

// WaitMix waits until each of the frequencies is a part of the last 200 ms.
func (b *Browser) WaitMix(ctx context.Context, share float64, hz ...float64) error {
	return b.waitFor(ctx, func() bool {
		pcm := b.Heard(media.Rate / 5)
		for _, f := range hz {
			if Level(pcm, f) < share {
				return false
			}
		}
		return true
	})
}

func (b *Browser) waitFor(ctx context.Context, ok func() bool) error {
	tick := time.NewTicker(frame)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (b *Browser) speak() {
	tick := time.NewTicker(frame)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-b.stop:
			return
		}
		if data := b.next(); data != nil {
			_ = b.track.WriteSample(wire.Sample{Data: data, Duration: frame}) // before the connection it goes nowhere
		}
	}
}

func (b *Browser) next() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.quiet {
		return nil
	}
	pcm := make([]int16, media.FrameSamples)
	if b.hz > 0 {
		for i := range pcm {
			pcm[i] = int16(9000 * math.Sin(2*math.Pi*b.hz*float64(b.phase+i)/media.Rate))
		}
	}
	b.phase += len(pcm)
	data := make([]byte, len(pcm))
	codec.EncodeALaw(data, pcm)
	return data
}

func (b *Browser) listen(t *webrtc.TrackRemote) {
	for {
		p, _, err := t.ReadRTP()
		if err != nil {
			return
		}
		pcm := make([]int16, len(p.Payload))
		codec.DecodeALaw(pcm, p.Payload)
		b.mu.Lock()
		b.heard = append(b.heard, pcm...)
		if extra := len(b.heard) - 60*media.Rate; extra > 0 {
			b.heard = b.heard[extra:]
		}
		b.mu.Unlock()
	}
}

// Level is the share (0–1) of the power of pcm at a frequency (Goertzel).
func Level(pcm []int16, hz float64) float64 {
	var total, s1, s2 float64
	k := 2 * math.Cos(2*math.Pi*hz/media.Rate)
	for _, v := range pcm {
		x := float64(v)
		total += x * x
		s1, s2 = x+k*s1-s2, s1
	}
	if total == 0 {
		return 0
	}
	return 2 * (s1*s1 + s2*s2 - k*s1*s2) / (total * float64(len(pcm)))
}
