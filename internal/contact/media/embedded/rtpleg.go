package embedded

import (
	"bytes"
	"context"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"

	"heartline/internal/contact/media"
	"heartline/internal/contact/media/sdp"
	"heartline/internal/platform/errs"
)

// rtpLeg is a leg towards a phone or trunk: a port pair and the negotiated
// session.
type rtpLeg struct {
	leg
	ports      pair
	conn, ctrl socket // of ports
	port       int
	closing    sync.Once

	remote     atomic.Pointer[netip.AddrPort] // where RTP goes
	remoteRTCP atomic.Pointer[netip.AddrPort]
	expecting  atomic.Bool

	latchMu sync.Mutex
	latch   latch
	muxed   bool

	sdpMu   sync.Mutex // one negotiation at a time
	hold    bool
	id      uint64 // o= session id
	version uint64
	last    []byte // our last description
	offered *sdp.Local
	session *sdp.Session
}

func newRTPLeg(c *call, id string) (*rtpLeg, error) {
	r := &rtpLeg{id: rand.Uint64() >> 2, version: 1}
	r.leg.id, r.leg.call, r.leg.rtp = id, c, r
	var err error
	if r.ports, err = c.eng.ports.take(); err != nil {
		return nil, err
	}
	r.conn, r.ctrl, r.port = r.ports.rtp, r.ports.rtcp, r.ports.port
	r.leg.ep = newEndpoint(c.eng, r.writeRTP, r.writeRTCP)
	r.leg.ep.leg.Store(&r.leg)
	r.conn.serve(r.onRTP)
	r.ctrl.serve(r.onRTCP)
	return r, nil
}

func (r *rtpLeg) close() {
	r.closing.Do(func() {
		r.leg.ep.tx.setOpen(false)
		r.writeRTCP(appendBye(appendReport(nil, r.leg.ep.tx.ssrc, nil, nil), r.leg.ep.tx.ssrc))
		r.remote.Store(nil) // a late write must not use a socket that serves somebody else
		r.remoteRTCP.Store(nil)
		r.call.eng.ports.give(r.ports)
	})
}

// onRTP gets every datagram of the RTP port.
func (r *rtpLeg) onRTP(b []byte, src netip.AddrPort) {
	eng := r.call.eng
	switch {
	case isRTCP(b):
		if r.controlFrom(src, true) {
			r.leg.ep.receiveControl(b, eng.clock())
		}
	case len(b) >= headerLen:
		now := eng.clock()
		if r.admit(b, src, now, int64(eng.cfg.LatchWindow), int64(eng.cfg.RelatchAfter)) {
			r.leg.ep.receive(b, now)
		}
	}
}

// onRTCP gets every datagram of the RTCP port.
func (r *rtpLeg) onRTCP(b []byte, src netip.AddrPort) {
	if isRTCP(b) && r.controlFrom(src, false) {
		r.leg.ep.receiveControl(b, r.call.eng.clock())
	}
}

// admit asks the latch, but only for packets that could be our peer's.
func (r *rtpLeg) admit(pkt []byte, src netip.AddrPort, now, window, silence int64) bool {
	r.latchMu.Lock()
	defer r.latchMu.Unlock()
	if src != r.latch.current {
		h, _, _, ok := parseRTP(pkt)
		if !ok || !r.leg.ep.rx.knows(h.pt) {
			return false
		}
	}
	ok, changed := r.latch.admit(src, now, window, silence)
	if changed {
		r.remote.Store(&src)
		if r.muxed {
			r.remoteRTCP.Store(&src)
		}
	}
	return ok
}

// controlFrom accepts RTCP from the peer's host only, and learns its port.
func (r *rtpLeg) controlFrom(src netip.AddrPort, onRTP bool) bool {
	remote := r.remote.Load()
	if remote == nil || remote.Addr() != src.Addr() {
		return false
	}
	if old := r.remoteRTCP.Load(); !onRTP && (old == nil || *old != src) {
		r.remoteRTCP.Store(&src)
	}
	return true
}

func (r *rtpLeg) writeRTP(pkt []byte) {
	if to := r.remote.Load(); to != nil {
		r.conn.write(pkt, *to)
	}
}

func (r *rtpLeg) writeRTCP(pkt []byte) {
	to := r.remoteRTCP.Load()
	if to == nil {
		return
	}
	r.latchMu.Lock()
	conn := r.ctrl
	if r.muxed {
		conn = r.conn
	}
	r.latchMu.Unlock()
	conn.write(pkt, *to)
}

// expects reports whether the peer should be sending.
func (r *rtpLeg) expects() bool { return r.expecting.Load() }

// SetHold implements media.RTPLeg.
func (r *rtpLeg) SetHold(on bool) {
	r.sdpMu.Lock()
	defer r.sdpMu.Unlock()
	r.hold = on
}

// RemoteHeld implements media.RTPLeg.
func (r *rtpLeg) RemoteHeld() bool {
	r.sdpMu.Lock()
	defer r.sdpMu.Unlock()
	return r.session != nil && r.session.Held
}

// local describes our side now. Caller holds sdpMu.
func (r *rtpLeg) local() sdp.Local {
	l := sdp.Local{IP: r.call.eng.advertised, Port: r.port, SessionID: r.id, Version: r.version,
		Codecs: r.call.preferred(&r.leg), Previous: r.session}
	if r.hold {
		l.Direction = sdp.SendOnly
	}
	return l
}

// Offer implements media.RTPLeg.
func (r *rtpLeg) Offer(context.Context) ([]byte, error) {
	r.sdpMu.Lock()
	defer r.sdpMu.Unlock()
	l := r.local()
	body := r.versioned(&l, sdp.Offer(l), func() []byte { return sdp.Offer(l) })
	r.offered = &l
	return body, nil
}

// versioned raises the o= version when the description differs from the last
// one (RFC 3264 §8).
func (r *rtpLeg) versioned(l *sdp.Local, body []byte, write func() []byte) []byte {
	if r.last != nil && !bytes.Equal(body, r.last) {
		r.version++
		l.Version = r.version
		body = write()
	}
	r.last = body
	return body
}

// Accept implements media.RTPLeg.
func (r *rtpLeg) Accept(_ context.Context, offer []byte) ([]byte, error) {
	r.sdpMu.Lock()
	defer r.sdpMu.Unlock()
	l := r.local()
	body, s, err := sdp.Answer(l, offer)
	if err != nil {
		return nil, err
	}
	body = r.versioned(&l, body, func() []byte {
		b, _, _ := sdp.Answer(l, offer)
		return b
	})
	r.offered = nil
	r.apply(s)
	return body, nil
}

// Complete implements media.RTPLeg.
func (r *rtpLeg) Complete(_ context.Context, answer []byte) error {
	r.sdpMu.Lock()
	defer r.sdpMu.Unlock()
	if r.offered == nil {
		return errs.New(errs.Conflict, "media.no_offer_pending")
	}
	s, err := sdp.Complete(*r.offered, answer)
	if err != nil {
		return err
	}
	r.apply(s)
	return nil
}

// apply puts a session to work. Caller holds sdpMu.
func (r *rtpLeg) apply(s *sdp.Session) {
	r.session = s
	eng := r.call.eng
	now := eng.clock()
	r.expecting.Store(s.Direction.Receives())
	r.latchMu.Lock()
	r.muxed = s.Mux
	before := r.latch.current
	r.latch.signal(s.Remote, now, int64(eng.cfg.RelatchAfter))
	if s.Remote.IsValid() && (!before.IsValid() || before != r.latch.current) {
		r.remote.Store(&s.Remote)
		r.remoteRTCP.Store(&s.RTCP)
	}
	r.latchMu.Unlock()
	r.leg.ep.rx.negotiated(s.Receive, s.EventRecv, now)
	r.leg.ep.tx.negotiated(s.Send, s.EventSend, s.Direction.Sends() && !s.Held && s.Remote.IsValid())
	r.call.mu.Lock()
	defer r.call.mu.Unlock()
	if !r.call.closed && r.call.legs[r.leg.id] == &r.leg {
		r.call.rebuild()
	}
}

// preferred lists our codecs, those that other legs already speak first: a
// call of two wide-band phones stays wide-band and nothing is transcoded.
func (c *call) preferred(self *leg) []sdp.Kind {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := []sdp.Kind{sdp.PCMA, sdp.PCMU, sdp.G722}
	for _, l := range c.order {
		if l == self || l.rtp == nil {
			continue
		}
		if k := l.ep.tx.codec(); k != sdp.None {
			i := slices.Index(all, k)
			return append([]sdp.Kind{k}, slices.Delete(all, i, i+1)...)
		}
	}
	return all
}

// Interface conformance.
var _ media.RTPLeg = (*rtpLeg)(nil)
