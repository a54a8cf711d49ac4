package sip

import (
	"strconv"
	"strings"
	"time"
)

// reliable is our side of RFC 3262 while we answer an INVITE that requires
// 100rel: one reliable provisional response at a time, repeated until PRACK.
type reliable struct {
	rseq      uint32
	data      []byte // being repeated
	sdp       bool   // it carries a description
	described bool   // an offer/answer exchange went through
	interval  time.Duration
	deadline  time.Time
	queue     []func()
	then      func() // the 2xx that waits
}

func (r *reliable) open() bool { return r.data != nil }

func (d *Dialog) sendReliable(code int, sdp []byte) {
	r := d.rel
	if r.open() {
		r.queue = append(r.queue, func() { d.sendReliable(code, sdp) })
		return
	}
	if r.rseq == 0 {
		r.rseq = uint32(time.Now().UnixNano()&0xffff) + 1
	} else {
		r.rseq++
	}
	if r.described {
		sdp = nil
	}
	extra := allowLine + "Require: 100rel\r\nRSeq: " + strconv.FormatUint(uint64(r.rseq), 10) + "\r\n"
	r.data = d.respondDialog(d.uas, code, "", extra, sdp)
	r.sdp = sdp != nil
	r.interval = d.s.cfg.T1
	r.deadline = time.Now().Add(64 * d.s.cfg.T1)
	d.uas.tx.send(code, r.data)
	d.timers[tRepeat].set(r.interval, d.repeatReliable)
}

func (d *Dialog) repeatReliable() {
	r := d.rel
	if d.state != stEarly || r == nil || !r.open() {
		return
	}
	if !time.Now().Before(r.deadline) { // §3: give up with a 5xx
		d.reject(504, "", "")
		d.end(Cause{SIPCode: 504, Q850: 102, Reason: "no PRACK", Remote: true})
		return
	}
	d.s.stats.retransmitted.Add(1)
	_ = d.s.send(d.uas.tx.f, r.data)
	r.interval *= 2
	d.timers[tRepeat].set(r.interval, d.repeatReliable)
}

// onPrack acknowledges the open reliable response (RFC 3262 §3).
func (d *Dialog) onPrack(m *message, tx *serverTx) {
	r := d.rel
	f := strings.Fields(m.get(hRAck))
	if r == nil || !r.open() || len(f) != 3 || d.uas == nil ||
		f[0] != strconv.FormatUint(uint64(r.rseq), 10) ||
		f[1] != strconv.FormatUint(uint64(d.uas.req.cseq), 10) {
		tx.reply(481, "", "")
		return
	}
	r.data = nil
	d.timers[tRepeat].stop()
	sdp := m.sdp()
	switch {
	case r.sdp && !d.uas.offered && !r.described: // our offer, the answer is here
		r.described = true
		tx.reply(200, "", "")
		if sdp != nil {
			d.setRemote(sdp)
			d.emit(AckSDP{sdp})
		}
	case sdp != nil:
		r.described = r.described || r.sdp
		d.offerByRequest(m, tx, sdp)
	default:
		r.described = r.described || r.sdp
		tx.reply(200, "", "")
	}
	if len(r.queue) > 0 {
		fn := r.queue[0]
		r.queue = r.queue[1:]
		fn()
	}
	if !r.open() && r.then != nil {
		fn := r.then
		r.then = nil
		fn()
	}
}
