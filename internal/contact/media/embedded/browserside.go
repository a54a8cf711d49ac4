package embedded

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/logging"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"heartline/internal/contact/media/sdp"
	"heartline/internal/platform/errs"
)

type attributes = interceptor.Attributes

const (
	mimeEvent    = "audio/telephone-event"
	maxOffer     = 64 << 10
	maxSections  = 8
	maxCandidate = 2048
)

// browserSide is what all browsers share: one UDP port, one certificate, one
// set of codecs. PCMA comes first, so that calls from trunks need no transcoding.
type browserSide struct {
	api          *webrtc.API
	mux          ice.UDPMux
	certificates []webrtc.Certificate
}

func newBrowserSide(cfg Config, bind netip.Addr) (*browserSide, error) {
	var m webrtc.MediaEngine
	for _, c := range []webrtc.RTPCodecParameters{
		{RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypePCMA, ClockRate: 8000}, PayloadType: 8},
		{RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypePCMU, ClockRate: 8000}, PayloadType: 0},
		{RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: mimeEvent, ClockRate: 8000}, PayloadType: sdp.EventPT},
	} {
		if err := m.RegisterCodec(c, webrtc.RTPCodecTypeAudio); err != nil {
			return nil, fmt.Errorf("register codec: %w", err)
		}
	}
	quiet := logging.NewDefaultLoggerFactory()
	quiet.DefaultLogLevel = logging.LogLevelDisabled
	mux, err := browserMux(cfg, bind, quiet.NewLogger("ice"))
	if err != nil {
		return nil, fmt.Errorf("browser_udp_port: %w", err)
	}
	s := webrtc.SettingEngine{LoggerFactory: quiet}
	s.SetICEUDPMux(mux)
	s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6})
	s.SetIncludeLoopbackCandidate(true)
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	s.SetICETimeouts(3*time.Second, 20*time.Second, time.Second)
	s.DisableActiveTCP(true)
	if cfg.ExternalIP != "" && cfg.ExternalIP != cfg.IP {
		rule := webrtc.ICEAddressRewriteRule{External: []string{cfg.ExternalIP},
			AsCandidateType: webrtc.ICECandidateTypeHost, Mode: webrtc.ICEAddressRewriteAppend}
		if err := s.SetICEAddressRewriteRules(rule); err != nil {
			return nil, fmt.Errorf("external address: %w", err)
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generate certificate: %w", err)
	}
	cert, err := webrtc.GenerateCertificate(key)
	if err != nil {
		return nil, fmt.Errorf("generate certificate: %w", err)
	}
	api := webrtc.NewAPI(webrtc.WithMediaEngine(&m), webrtc.WithSettingEngine(s),
		webrtc.WithInterceptorRegistry(&interceptor.Registry{})) // reports are ours
	return &browserSide{api: api, mux: mux, certificates: []webrtc.Certificate{*cert}}, nil
}

// browserMux binds the port on the given address, or on every one.
func browserMux(cfg Config, bind netip.Addr, log logging.LeveledLogger) (ice.UDPMux, error) {
	if bind.IsUnspecified() {
		return ice.NewMultiUDPMuxFromPort(cfg.BrowserUDPPort, ice.UDPMuxFromPortWithLoopback(),
			ice.UDPMuxFromPortWithNetworks(ice.NetworkTypeUDP4), ice.UDPMuxFromPortWithLogger(log))
	}
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(bind, uint16(cfg.BrowserUDPPort))))
	if err != nil {
		return nil, err
	}
	return ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: conn, Logger: log}), nil
}

func (s *browserSide) close() error { return s.mux.Close() }

// checkOffer refuses what could only fail later, with a reason.
func checkOffer(offer string) error {
	if len(offer) > maxOffer {
		return errs.New(errs.TooLarge, "media.offer_too_large")
	}
	has := func(line string) bool { return strings.Contains("\n"+offer, "\n"+line) }
	codec := strings.Contains(offer, "PCMA/8000") || strings.Contains(offer, "PCMU/8000")
	switch {
	case !has("v=0"):
		return errs.New(errs.Invalid, "media.offer_malformed")
	case !has("a=group:BUNDLE"):
		return errs.New(errs.Invalid, "media.offer_without_bundle")
	case !has("m=audio ") || strings.Count(offer, "\nm=") > maxSections:
		return errs.New(errs.Invalid, "media.offer_without_audio")
	case !has("a=fingerprint:") || !has("a=ice-ufrag:"):
		return errs.New(errs.Invalid, "media.offer_without_security")
	case !codec:
		return errs.New(errs.Invalid, "media.offer_without_codec")
	}
	return nil
}

func kindOf(c webrtc.RTPCodecParameters) sdp.Kind {
	switch {
	case strings.EqualFold(c.MimeType, webrtc.MimeTypePCMA):
		return sdp.PCMA
	case strings.EqualFold(c.MimeType, webrtc.MimeTypePCMU):
		return sdp.PCMU
	}
	return sdp.None
}

// track is our voice towards a browser. pion binds it to SSRC and payload type
// when the answer is set.
type track struct {
	id    string
	bound func(ssrc uint32, f sdp.Format, event int)

	mu     sync.Mutex
	out    webrtc.TrackLocalWriter
	bindID string
	header rtp.Header
}

// Bind implements webrtc.TrackLocal.
func (t *track) Bind(ctx webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	event := -1
	var best webrtc.RTPCodecParameters
	for _, c := range ctx.CodecParameters() {
		k := kindOf(c)
		if strings.EqualFold(c.MimeType, mimeEvent) {
			event = int(c.PayloadType)
		}
		if k != sdp.None && (kindOf(best) == sdp.None || k == sdp.PCMA) {
			best = c
		}
	}
	if kindOf(best) == sdp.None {
		return best, webrtc.ErrUnsupportedCodec
	}
	t.mu.Lock()
	t.out, t.bindID = ctx.WriteStream(), ctx.ID()
	t.mu.Unlock()
	t.bound(uint32(ctx.SSRC()), sdp.Format{Kind: kindOf(best), PT: uint8(best.PayloadType)}, event)
	return best, nil
}

// Unbind implements webrtc.TrackLocal.
func (t *track) Unbind(ctx webrtc.TrackLocalContext) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.bindID == ctx.ID() {
		t.out = nil
	}
	return nil
}

// ID, RID, StreamID and Kind implement webrtc.TrackLocal.
func (t *track) ID() string                { return "voice" }
func (t *track) RID() string               { return "" }
func (t *track) StreamID() string          { return "heartline" }
func (t *track) Kind() webrtc.RTPCodecType { return webrtc.RTPCodecTypeAudio }

// write sends one of our packets; the header is kept to save an allocation.
func (t *track) write(pkt []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.out == nil {
		return
	}
	be := binary.BigEndian
	t.header = rtp.Header{Version: 2, Marker: pkt[1]&0x80 != 0, PayloadType: pkt[1] & 0x7F,
		SequenceNumber: be.Uint16(pkt[2:]), Timestamp: be.Uint32(pkt[4:]), SSRC: be.Uint32(pkt[8:])}
	_, _ = t.out.WriteRTP(&t.header, pkt[headerLen:])
}
