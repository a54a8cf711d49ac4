package embedded

import (
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"heartline/internal/contact/media"
	"heartline/internal/contact/media/codec"
	"heartline/internal/contact/media/sdp"
	"heartline/internal/platform/errs"
)

// page is a browser of the tests: a PeerConnection that sends a tone.
type page struct {
	t     testing.TB
	pc    *webrtc.PeerConnection
	track *track
	stop  chan struct{}
	wg    sync.WaitGroup

	mu      sync.Mutex
	hz      float64
	heard   []int16
	ssrcs   map[uint32]bool
	gaps    int
	last    uint16
	ssrc    uint32
	eventPT int
	events  int    // telephone events received
	keys    []byte // event codes to send
}

func newPage(t testing.TB, hz float64) *page {
	t.Helper()
	var m webrtc.MediaEngine
	for _, c := range []webrtc.RTPCodecParameters{
		{RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}, PayloadType: 111},
		{RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypePCMU, ClockRate: 8000}, PayloadType: 0},
		{RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypePCMA, ClockRate: 8000}, PayloadType: 8},
		{RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: mimeEvent, ClockRate: 8000}, PayloadType: 126},
	} {
		check(t, m.RegisterCodec(c, webrtc.RTPCodecTypeAudio))
	}
	var s webrtc.SettingEngine
	s.SetIncludeLoopbackCandidate(true)
	s.SetInterfaceFilter(func(name string) bool { return name == "lo" })
	s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	pc, err := webrtc.NewAPI(webrtc.WithMediaEngine(&m), webrtc.WithSettingEngine(s)).NewPeerConnection(webrtc.Configuration{})
	check(t, err)
	p := &page{t: t, pc: pc, hz: hz, stop: make(chan struct{}), ssrcs: map[uint32]bool{}}
	p.track = &track{bound: func(ssrc uint32, _ sdp.Format, event int) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.ssrc, p.eventPT = ssrc, event
	}}
	_, err = pc.AddTrack(p.track)
	check(t, err)
	pc.OnTrack(func(r *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { p.receive(r) })
	t.Cleanup(p.close)
	return p
}

func (p *page) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.stop:
	default:
		close(p.stop)
		_ = p.pc.Close()
	}
}

func (p *page) receive(r *webrtc.TrackRemote) {
	for {
		pkt, _, err := r.ReadRTP()
		if err != nil {
			return
		}
		pcm := make([]int16, len(pkt.Payload))
		codec.DecodeALaw(pcm, pkt.Payload)
		p.mu.Lock()
		if pkt.PayloadType != 8 {
			p.events, pcm = p.events+1, nil
		}
		p.ssrcs[pkt.SSRC] = true
		if p.heard != nil && pkt.SequenceNumber != p.last+1 {
			p.gaps++
		}
		p.last = pkt.SequenceNumber
		p.heard = append(p.heard, pcm...)
		p.mu.Unlock()
	}
}

// offer is a complete offer with candidates.
func (p *page) offer(o *webrtc.OfferOptions) string {
	p.t.Helper()
	offer, err := p.pc.CreateOffer(o)
	check(p.t, err)
	done := webrtc.GatheringCompletePromise(p.pc)
	check(p.t, p.pc.SetLocalDescription(offer))
	<-done
	return p.pc.LocalDescription().SDP
}

func (p *page) answer(text string) {
	p.t.Helper()
	check(p.t, p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: text}))
}

// connect makes the page a browser of the engine and lets it talk.
func (p *page) connect(e *Engine) media.Browser {
	p.t.Helper()
	b, answer, err := e.NewBrowser(ctx, "browser", p.offer(nil))
	check(p.t, err)
	p.answer(answer)
	if ev := <-b.Events(); ev != media.BrowserConnected {
		p.t.Fatalf("first event %s", ev)
	}
	p.wg.Go(p.talk)
	return b
}

func (p *page) talk() {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	seq, phase, key, keyTS := uint16(100), 0, 0, uint32(0)
	for {
		select {
		case <-p.stop:
			return
		case <-tick.C:
		}
		p.mu.Lock()
		pcm := make([]int16, frame)
		for i := range pcm {
			pcm[i] = int16(8000 * math.Sin(2*math.Pi*p.hz*float64(phase)/media.Rate))
			phase++
		}
		p.mu.Unlock()
		payload := make([]byte, frame)
		codec.EncodeALaw(payload, pcm)
		seq++
		p.mu.Lock()
		h := rtpHeader{pt: 8, seq: seq, ts: uint32(seq) * frame, ssrc: p.ssrc}
		if len(p.keys) > 0 {
			if key++; key == 1 {
				keyTS = h.ts
			}
			h.pt, h.ts, payload = uint8(p.eventPT), keyTS, eventPayload(p.keys[0], key)
			if key == 8 {
				p.keys, key = p.keys[1:], 0
			}
		}
		p.mu.Unlock()
		pkt := make([]byte, headerLen, headerLen+frame)
		putRTP(pkt, h)
		p.track.write(append(pkt, payload...))
	}
}

func (p *page) hears(hz float64) {
	p.t.Helper()
	eventually(p.t, "page hears tone", func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		if len(p.heard) < 800 {
			return false
		}
		share, db := tonePower(p.heard[len(p.heard)-800:], hz)
		return share > 0.95 && db > -40
	})
}

func TestBrowserTalksToTelephoneAndMovesToAnotherCall(t *testing.T) {
	e := testEngine(t, nil)
	pg := newPage(t, 600)
	b := pg.connect(e)
	eventually(t, "level", func() bool { return b.Level() > -30 })
	for i, hz := range []float64{400, 1000} {
		c := testCall(t, e)
		phone := newPeer(t, 8, hz).start()
		phone.join(c, "phone")
		_, err := c.AddBrowserLeg(ctx, "agent", b)
		check(t, err)
		check(t, c.Connect(ctx, media.Bridge("phone", "agent")))
		phone.hears(600)
		pg.hears(hz)
		waitEvent(t, c, func(u media.MediaUp) bool { return u.Leg == "agent" })
		if i == 0 {
			continue // the second call takes the browser away
		}
		check(t, c.RemoveLeg(ctx, "agent"))
	}
	pg.mu.Lock()
	defer pg.mu.Unlock()
	if len(pg.ssrcs) != 1 || pg.gaps > 0 {
		t.Errorf("%d SSRCs, %d gaps in what the browser received", len(pg.ssrcs), pg.gaps)
	}
}

func TestBrowserRestartsICEAndIsMissedWhenItCloses(t *testing.T) {
	e := testEngine(t, nil)
	c := testCall(t, e)
	pg, phone := newPage(t, 600), newPeer(t, 8, 400).start()
	b := pg.connect(e)
	phone.join(c, "phone")
	_, err := c.AddBrowserLeg(ctx, "agent", b)
	check(t, err)
	check(t, c.Connect(ctx, media.Bridge("phone", "agent")))
	phone.hears(600)

	answer, err := b.Renegotiate(ctx, pg.offer(&webrtc.OfferOptions{ICERestart: true}))
	check(t, err)
	pg.answer(answer)
	phone.fresh(800)
	phone.hears(600)
	pg.hears(400)

	pg.close()
	deadline := time.After(10 * time.Second)
	var got []media.BrowserEvent
	for ev := range b.Events() {
		got = append(got, ev)
		select {
		case <-deadline:
			t.Fatal("no end of events")
		default:
		}
	}
	if len(got) == 0 || got[len(got)-1] != media.BrowserClosed {
		t.Errorf("events after close: %v", got)
	}
}

func TestBadBrowserOffersAreRefusedWithAReason(t *testing.T) {
	e := testEngine(t, nil)
	good := newPage(t, 600).offer(nil)
	without := func(line string) string {
		var out []string
		for _, l := range strings.Split(good, "\r\n") {
			if !strings.HasPrefix(l, line) {
				out = append(out, l)
			}
		}
		return strings.Join(out, "\r\n")
	}
	for key, offer := range map[string]string{
		"media.offer_without_bundle":   without("a=group:BUNDLE"),
		"media.offer_without_security": without("a=fingerprint"),
		"media.offer_without_audio":    without("m=audio"),
		"media.offer_malformed":        "hello",
		"media.offer_without_codec":    strings.NewReplacer("PCMA", "XXXX", "PCMU", "XXXX").Replace(good),
		"media.offer_too_large":        good + strings.Repeat("a=x\r\n", 20000),
	} {
		_, _, err := e.NewBrowser(ctx, "x", offer)
		if err == nil || !strings.HasPrefix(err.Error(), key) {
			t.Errorf("want %s, got %v", key, err)
		}
		if errs.KindOf(err) == errs.Internal {
			t.Errorf("%s is internal", key)
		}
	}
	if n := len(e.browsers); n != 0 {
		t.Errorf("%d browsers left behind", n)
	}
}
