package embedded

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"

	"heartline/internal/contact/media"
	"heartline/internal/contact/media/sdp"
	"heartline/internal/platform/errs"
)

const (
	browserEvents  = 16
	gatherTimeout  = 5 * time.Second
	idleFrameEvery = 1e9 // silence to a browser without a call, in ns
)

// browser is one PeerConnection. Its endpoint, and with it SSRC, numbering and
// statistics, outlives the legs it is lent to.
type browser struct {
	id    string
	eng   *Engine
	ep    *endpoint
	pc    *webrtc.PeerConnection
	track *track

	attach sync.Mutex // one attach or detach at a time
	offers sync.Mutex // one negotiation at a time
	read   sync.Mutex // tracks that follow one another share the endpoint
	wg     sync.WaitGroup

	connected atomic.Bool
	idleAt    int64 // housekeeper only

	evMu    sync.Mutex
	events  chan media.BrowserEvent
	closed  bool
	closing sync.Once
}

// NewBrowser implements media.Engine.
func (e *Engine) NewBrowser(ctx context.Context, id, offer string) (media.Browser, string, error) {
	if err := checkOffer(offer); err != nil {
		return nil, "", err
	}
	e.mu.Lock()
	closed := e.closed
	e.mu.Unlock()
	if closed {
		return nil, "", errs.New(errs.Unavailable, "media.engine_closed")
	}
	b, err := newBrowser(e, id)
	if err != nil {
		return nil, "", errs.Wrap(errs.Internal, "media.browser_failed", err)
	}
	answer, err := b.negotiate(ctx, offer)
	if err != nil {
		_ = b.Close(ctx)
		return nil, "", err
	}
	return b, answer, nil
}

func newBrowser(e *Engine, id string) (*browser, error) {
	pc, err := e.rtc.api.NewPeerConnection(webrtc.Configuration{Certificates: e.rtc.certificates})
	if err != nil {
		return nil, err
	}
	b := &browser{id: id, eng: e, pc: pc, events: make(chan media.BrowserEvent, browserEvents)}
	b.track = &track{id: id, bound: b.bound}
	b.ep = newEndpoint(e, b.track.write, b.writeRTCP)
	b.ep.rx.level = true
	sender, err := pc.AddTrack(b.track)
	if err != nil {
		_ = pc.Close()
		return nil, err
	}
	pc.OnTrack(b.onTrack)
	pc.OnConnectionStateChange(b.onState)
	pc.SCTP().Transport().OnStateChange(b.onDTLS)
	b.wg.Go(func() { b.readControl(sender.Read) })
	e.mu.Lock()
	defer e.mu.Unlock()
	e.browsers[b] = struct{}{}
	return b, nil
}

// negotiate answers an offer with all candidates gathered.
func (b *browser) negotiate(ctx context.Context, offer string) (string, error) {
	b.offers.Lock()
	defer b.offers.Unlock()
	refused := func(err error) error { return errs.Wrap(errs.Invalid, "media.offer_refused", err) }
	if err := b.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}); err != nil {
		return "", refused(err)
	}
	answer, err := b.pc.CreateAnswer(nil)
	if err != nil {
		return "", refused(err)
	}
	gathered := webrtc.GatheringCompletePromise(b.pc)
	if err := b.pc.SetLocalDescription(answer); err != nil {
		return "", refused(err)
	}
	timeout := time.NewTimer(gatherTimeout)
	defer timeout.Stop()
	select {
	case <-gathered:
	case <-ctx.Done():
		return "", ctx.Err()
	case <-timeout.C:
		return "", errs.New(errs.Unavailable, "media.gathering_timed_out")
	}
	b.learn()
	return b.pc.LocalDescription().SDP, nil
}

// learn takes the negotiated payload types for receiving.
func (b *browser) learn() {
	event := -1
	var formats []sdp.Format
	for _, t := range b.pc.GetTransceivers() {
		if t.Receiver() == nil || t.Kind() != webrtc.RTPCodecTypeAudio {
			continue
		}
		for _, c := range t.Receiver().GetParameters().Codecs {
			switch {
			case c.MimeType == mimeEvent:
				event = int(c.PayloadType)
			case kindOf(c) != sdp.None:
				formats = append(formats, sdp.Format{Kind: kindOf(c), PT: uint8(c.PayloadType)})
			}
		}
	}
	b.ep.rx.negotiated(formats, event, b.eng.clock())
}

// bound is told by pion what our track was negotiated to.
func (b *browser) bound(ssrc uint32, f sdp.Format, event int) {
	b.ep.tx.identify(ssrc)
	b.ep.tx.negotiated(f, event, b.connected.Load())
}

// onTrack reads one track of the browser until it ends.
func (b *browser) onTrack(remote *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
	b.evMu.Lock()
	if b.closed {
		b.evMu.Unlock()
		return
	}
	b.wg.Add(2)
	b.evMu.Unlock()
	go func() {
		defer b.wg.Done()
		b.readControl(receiver.Read)
	}()
	defer b.wg.Done()
	buf := make([]byte, maxPacket)
	for {
		n, _, err := remote.Read(buf)
		if err != nil {
			if errors.Is(err, io.ErrShortBuffer) {
				continue
			}
			return
		}
		b.read.Lock()
		b.ep.receive(buf[:n], b.eng.clock())
		b.read.Unlock()
	}
}

// readControl reads RTCP of one direction until it ends.
func (b *browser) readControl(read func([]byte) (int, attributes, error)) {
	buf := make([]byte, maxPacket)
	for {
		n, _, err := read(buf)
		if err != nil {
			return
		}
		if isRTCP(buf[:n]) {
			b.ep.receiveControl(buf[:n], b.eng.clock())
		}
	}
}

func (b *browser) writeRTCP(pkt []byte) {
	raw := rtcp.RawPacket(pkt)
	_ = b.pc.WriteRTCP([]rtcp.Packet{&raw})
}

func (b *browser) onState(s webrtc.PeerConnectionState) {
	switch s {
	case webrtc.PeerConnectionStateConnected:
		b.setConnected(true)
	case webrtc.PeerConnectionStateDisconnected, webrtc.PeerConnectionStateFailed:
		b.setConnected(false)
	}
}

// onDTLS notices that the browser closed the connection (a reload does): that
// cannot heal, so the browser is closed here too. pion calls it under its own
// lock, hence the goroutine.
func (b *browser) onDTLS(s webrtc.DTLSTransportState) {
	if s != webrtc.DTLSTransportStateClosed && s != webrtc.DTLSTransportStateFailed {
		return
	}
	b.eng.mu.Lock()
	defer b.eng.mu.Unlock()
	if !b.eng.closed {
		b.eng.wg.Go(func() { _ = b.Close(context.Background()) })
	}
}

func (b *browser) setConnected(on bool) {
	if b.connected.Swap(on) == on {
		return
	}
	b.ep.tx.setOpen(on)
	if on {
		b.emit(media.BrowserConnected)
	} else {
		b.emit(media.BrowserDisconnected)
	}
	if l := b.ep.leg.Load(); l != nil {
		l.call.mu.Lock()
		defer l.call.mu.Unlock()
		if !l.call.closed {
			l.call.rebuild()
		}
	}
}

// emit keeps the newest events when nobody reads.
func (b *browser) emit(ev media.BrowserEvent) {
	b.evMu.Lock()
	defer b.evMu.Unlock()
	for !b.closed {
		select {
		case b.events <- ev:
			return
		default:
		}
		select {
		case <-b.events:
		default:
		}
	}
}

// housekeep sends reports, and a sign of life while no call is attached.
func (b *browser) housekeep(now int64) {
	if !b.connected.Load() {
		return
	}
	b.ep.housekeep(now)
	if b.ep.leg.Load() == nil && now-b.idleAt >= idleFrameEvery {
		b.idleAt = now
		b.ep.tx.frame(nil, uint32(now/int64(frameTime)), now, nil)
	}
}

// ID implements media.Browser.
func (b *browser) ID() string { return b.id }

// Renegotiate implements media.Browser.
func (b *browser) Renegotiate(ctx context.Context, offer string) (string, error) {
	if err := checkOffer(offer); err != nil {
		return "", err
	}
	return b.negotiate(ctx, offer)
}

// Candidate implements media.Browser. The empty candidate ends trickling.
func (b *browser) Candidate(_ context.Context, candidate string) error {
	var c webrtc.ICECandidateInit
	if len(candidate) > maxCandidate {
		return errs.New(errs.Invalid, "media.candidate_invalid")
	}
	if err := json.Unmarshal([]byte(candidate), &c); err != nil {
		return errs.Wrap(errs.Invalid, "media.candidate_invalid", err)
	}
	if err := b.pc.AddICECandidate(c); err != nil {
		return errs.Wrap(errs.Invalid, "media.candidate_invalid", err)
	}
	return nil
}

// Events implements media.Browser.
func (b *browser) Events() <-chan media.BrowserEvent { return b.events }

// Connected implements media.Browser.
func (b *browser) Connected() bool { return b.connected.Load() }

// Level implements media.Browser.
func (b *browser) Level() float64 { return b.ep.rx.levelDB(b.eng.clock()) }

// Quality implements media.Browser.
func (b *browser) Quality() media.Quality { return b.ep.rx.quality() }

// Close implements media.Browser. It is idempotent and waits.
func (b *browser) Close(context.Context) error {
	var err error
	b.closing.Do(func() {
		b.eng.mu.Lock()
		delete(b.eng.browsers, b)
		b.eng.mu.Unlock()
		b.detach(nil)
		b.setConnected(false)
		b.emit(media.BrowserClosed)
		b.evMu.Lock()
		b.closed = true
		close(b.events)
		b.evMu.Unlock()
		err = b.pc.Close()
		b.wg.Wait()
	})
	return err
}

// detach takes the browser from its leg; only tells which leg, nil any.
func (b *browser) detach(only *leg) {
	b.attach.Lock()
	defer b.attach.Unlock()
	b.detachLocked(only)
}

func (b *browser) detachLocked(only *leg) {
	l := b.ep.leg.Load()
	if l == nil || only != nil && l != only {
		return
	}
	b.ep.leg.Store(nil)
	l.call.mu.Lock()
	defer l.call.mu.Unlock()
	l.ep = nil
	if !l.call.closed {
		l.call.rebuild()
	}
	b.ep.mixing(false)
}

// AddBrowserLeg implements media.Call.
func (c *call) AddBrowserLeg(_ context.Context, id string, mb media.Browser) (media.Leg, error) {
	b, ok := mb.(*browser)
	if !ok || b.eng != c.eng {
		return nil, errs.New(errs.Invalid, "media.foreign_browser")
	}
	b.attach.Lock()
	defer b.attach.Unlock()
	l := &leg{id: id, call: c, ep: b.ep, browser: b}
	c.mu.Lock()
	err := c.add(l)
	c.mu.Unlock()
	if err != nil {
		return nil, err
	}
	b.detachLocked(nil)
	b.ep.leg.Store(l)
	b.ep.rx.lastAt.Store(c.eng.clock())
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.rebuild()
	}
	return l, nil
}
