package embedded

import (
	"context"
	"strings"
	"sync/atomic"

	"heartline/internal/contact/media"
	"heartline/internal/platform/errs"
)

// leg is a participant of a call. The fields without a note belong to the
// call and its lock; the atomic ones are read on every packet.
type leg struct {
	id      string
	call    *call
	ep      *endpoint // nil once its browser moved away
	rtp     *rtpLeg   // nil for browsers
	browser *browser  // nil for RTP

	routing atomic.Pointer[routing]
	rec     atomic.Pointer[recording]
	heard   atomic.Bool // sound came at least once
	lost    atomic.Bool // and stopped coming

	plays   []*player
	sources []mixSource
	others  bool          // its sources are all mixed legs but itself, unchanged
	paced   bool          // gets 20 ms frames from the pacer
	mixed   *[frame]int16 // this tick's frame of a leg that others hear through the mixer
}

// routing says where a leg's packets go; it is replaced, never changed.
type routing struct {
	direct []direct
	pcm    bool // some direct target needs samples
}

type direct struct {
	leg  *leg
	ep   *endpoint
	gain int32
}

type mixSource struct {
	leg  *leg
	gain int32
}

// recording is the tap, if any; safe on a nil leg.
func (l *leg) recording() *recording {
	if l == nil {
		return nil
	}
	return l.rec.Load()
}

func (l *leg) wantsPCM() bool {
	if l == nil {
		return false
	}
	r := l.routing.Load()
	return r != nil && r.pcm
}

// arrived turns packets into MediaUp and MediaBack.
func (l *leg) arrived() {
	if !l.heard.Load() && l.heard.CompareAndSwap(false, true) {
		l.call.emit(media.MediaUp{Leg: l.id})
	}
	if l.lost.Load() && l.lost.CompareAndSwap(true, false) {
		l.call.emit(media.MediaBack{Leg: l.id})
	}
}

// watch reports a leg that fell silent. It runs on the housekeeper.
func (l *leg) watch(ep *endpoint, now int64) {
	if !l.heard.Load() || l.lost.Load() || now-ep.rx.lastAt.Load() < int64(l.call.eng.cfg.MediaTimeout) {
		return
	}
	if l.rtp != nil && !l.rtp.expects() {
		return
	}
	if l.lost.CompareAndSwap(false, true) {
		l.call.emit(media.MediaLost{Leg: l.id})
	}
}

// ID implements media.Leg.
func (l *leg) ID() string { return l.id }

// Quality implements media.Leg.
func (l *leg) Quality() media.Quality {
	l.call.mu.Lock()
	ep := l.ep
	l.call.mu.Unlock()
	if ep == nil {
		return media.Quality{}
	}
	return ep.rx.quality()
}

// SendDTMF implements media.Leg.
func (l *leg) SendDTMF(_ context.Context, digits string) error {
	digits = strings.ToUpper(digits)
	for i := range len(digits) {
		if _, ok := keyCode(digits[i]); !ok && digits[i] != ',' {
			return errs.New(errs.Invalid, "media.dtmf_invalid")
		}
	}
	l.call.mu.Lock()
	defer l.call.mu.Unlock()
	if l.ep == nil || l.call.legs[l.id] != l {
		return errs.New(errs.Conflict, "media.leg_gone")
	}
	if !l.ep.tx.send(digits) {
		return errs.New(errs.Limited, "media.dtmf_queue_full")
	}
	l.call.rebuild()
	return nil
}
