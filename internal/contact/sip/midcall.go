package sip

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"strings"
	"time"
)

// midRequest is an offer of ours inside an established dialog.
type midRequest struct {
	method  string // INVITE or UPDATE
	sdp     []byte
	refresh bool // session timer: nobody waits
	tries   int
	auth    string
	authed  int
	result  chan midResult
}

type midResult struct {
	sdp []byte
	err error
}

func (r *midRequest) fail(err error) { r.result <- midResult{nil, err} }

// Reinvite sends an offer in an established dialog and returns the answer;
// glare (491) is retried. A nil offer asks the peer for one: the offer comes
// back as answer, and Ack must follow.
func (d *Dialog) Reinvite(ctx context.Context, sdp []byte) ([]byte, error) {
	return d.offer(ctx, "INVITE", sdp)
}

// Update is Reinvite by UPDATE (RFC 3311), also allowed before the answer.
func (d *Dialog) Update(ctx context.Context, sdp []byte) ([]byte, error) {
	return d.offer(ctx, "UPDATE", sdp)
}

func (d *Dialog) offer(ctx context.Context, method string, sdp []byte) ([]byte, error) {
	r := &midRequest{method: method, sdp: sdp, result: make(chan midResult, 1)}
	ok := d.post(func() {
		d.whenIdle(func() {
			early := method == "UPDATE" && d.state == stEarly && d.leg != nil
			if d.state != stConfirmed && !early {
				r.fail(ErrState)
				return
			}
			d.startMid(r)
		})
	})
	if !ok {
		return nil, ErrEnded
	}
	select {
	case res := <-r.result:
		return res.sdp, res.err
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-d.s.ctx.Done():
		return nil, ErrEnded
	}
}

// whenIdle runs fn once no offer is open in either direction.
func (d *Dialog) whenIdle(fn func()) {
	if d.mid != nil || d.glare != nil || d.offered != nil || d.uas != nil && !d.uas.done && d.state != stEarly {
		if !d.ended {
			d.waiting = append(d.waiting, fn)
			return
		}
	}
	fn()
}

// next starts the offer that waits.
func (d *Dialog) next() {
	if len(d.waiting) > 0 && !d.ended {
		fn := d.waiting[0]
		d.waiting = d.waiting[1:]
		d.whenIdle(fn)
	}
}

func (d *Dialog) startMid(r *midRequest) {
	if d.ended || d.leg == nil {
		r.fail(ErrEnded)
		return
	}
	d.mid = r
	extra := allowLine + supportedLine + d.offerTimer(r.refresh) + r.auth
	body := string(r.sdp)
	if r.method == "UPDATE" {
		if r.refresh {
			body = ""
		}
		d.request("UPDATE", extra, body, "", func(m *message, err error) { d.midDone(r, m, err) })
		return
	}
	l := d.leg
	l.localSeq++
	l.inviteSeq = l.localSeq
	seq := l.inviteSeq
	d.sendInvite(l, extra, body, 0, 0, func(m *message, err error) {
		switch {
		case err == nil && m.code < 200:
		case d.mid == r:
			d.midDone(r, m, err)
		case err == nil && m.code/100 == 2 && m.cseq == seq && d.lastAck != nil:
			_ = d.s.send(d.hop(l), d.lastAck) // the 200 was repeated: so is the ACK
		}
	})
}

// sendInvite sends an INVITE of a leg with its inviteSeq; cb runs in the actor
// for every response.
func (d *Dialog) sendInvite(l *leg, extra, body string, maxFwd int, patience time.Duration, cb func(*message, error)) *clientTx {
	branch := d.s.newBranch()
	f := d.hop(l)
	p := reqParts{
		method: "INVITE", uri: l.target, branch: branch, routes: l.routes, from: l.local, to: l.remote,
		callID: l.callID, cseq: l.inviteSeq, contact: l.contact, extra: extra, body: body, maxForwards: maxFwd,
	}
	tx := &clientTx{s: d.s, key: branch, invite: true, f: f, ack: errorAck(d.s, f, p)}
	tx.onResponse = func(m *message) { d.post(func() { cb(m, nil) }) }
	tx.onFail = func(err error) { d.post(func() { cb(nil, err) }) }
	tx.start(d.s.request(f, &p), patience)
	return tx
}

// errorAck builds the ACK for a non-2xx final response (§17.1.1.3).
func errorAck(s *Server, f flow, p reqParts) func(*message) []byte {
	p.method, p.cseqMethod, p.extra, p.body, p.contact = "ACK", "", "", "", ""
	return func(resp *message) []byte {
		q := p
		q.to = resp.to.raw
		return s.request(f, &q)
	}
}

func (d *Dialog) midDone(r *midRequest, m *message, err error) {
	if d.mid != r {
		return
	}
	code := 408
	if err == nil {
		code = m.code
	}
	switch {
	case code == 491 && r.tries < 5 && !d.ended:
		r.tries++
		d.mid, d.glare = nil, r // meanwhile the peer's offer may come through
		d.timers[tGlare].set(d.glareDelay(), func() {
			d.glare = nil
			d.whenIdle(func() { d.startMid(r) })
		})
		return
	case (code == 401 || code == 407) && r.authed < 2 && d.authFor(m, r.method, &r.auth):
		r.authed++
		d.startMid(r)
		return
	case code == 422 && r.tries < 2:
		if lo, _ := sessionExpires(m.get(hMinSE)); lo > d.timer.interval {
			r.tries++
			d.timer.interval = lo
			d.startMid(r)
			return
		}
	}
	d.mid = nil
	if code/100 == 2 {
		d.midAccepted(r, m)
	} else {
		rerr := err
		if rerr == nil {
			rerr = &ResponseError{m.code, m.reason}
		}
		r.result <- midResult{nil, rerr}
		if r.refresh {
			d.refreshFailed(code)
		} else if code == 481 || code == 408 && err != nil { // §12.2.1.2
			d.hangup(Cause{SIPCode: code, Q850: 102, Reason: "dialog is gone at the peer"})
		}
	}
	d.next()
}

func (d *Dialog) midAccepted(r *midRequest, m *message) {
	d.retarget(m, d.leg)
	d.agreeTimer(m)
	sdp := m.sdp()
	if r.method == "INVITE" {
		d.lastAck = nil
		if r.sdp != nil || r.refresh {
			d.sendAck(nil)
		}
	}
	if r.sdp != nil {
		d.localSDP = r.sdp
	}
	if !r.refresh || sdp != nil {
		d.setRemote(sdp)
	}
	r.result <- midResult{sdp, nil}
}

// Ack completes a late offer (Answered.NeedAck, or Reinvite with nil) with
// the answer.
func (d *Dialog) Ack(ctx context.Context, sdp []byte) error {
	return d.call(ctx, func() error {
		if d.leg == nil || d.ended || d.lastAck != nil {
			return ErrState
		}
		d.localSDP = sdp
		d.sendAck(sdp)
		if d.state == stAnswered {
			d.state = stConfirmed
			d.next()
		}
		return nil
	})
}

// sendAck acknowledges a 2xx and keeps the bytes for repeats (§13.2.2.4).
func (d *Dialog) sendAck(sdp []byte) {
	l := d.leg
	f := d.hop(l)
	d.lastAck = d.s.request(f, &reqParts{
		method: "ACK", uri: l.target, branch: d.s.newBranch(), routes: l.routes, from: l.local,
		to: l.remote, callID: l.callID, cseq: l.inviteSeq, extra: l.auth, body: string(sdp),
	})
	_ = d.s.send(f, d.lastAck)
}

// glareDelay: §14.1; whoever owns the Call-ID waits longer.
func (d *Dialog) glareDelay() time.Duration {
	unit := d.s.cfg.T1 / 50 // 10 ms
	if d.dir == Outbound {
		return unit * time.Duration(210+rand.IntN(191))
	}
	return unit * time.Duration(rand.IntN(200))
}

// request sends a non-INVITE request inside the dialog; cb runs in the actor
// with the final response. A challenge is answered once.
func (d *Dialog) request(method, extra, body, ctype string, cb func(*message, error)) {
	l := d.leg
	if l == nil {
		cb(nil, ErrState)
		return
	}
	d.requestOn(l, method, extra, body, ctype, func(m *message, err error) {
		var auth string
		if err == nil && (m.code == 401 || m.code == 407) && method != "UPDATE" && d.authFor(m, method, &auth) {
			d.requestOn(l, method, extra+auth, body, ctype, cb)
			return
		}
		if err == nil && m.code == 481 && method != "BYE" && method != "NOTIFY" && method != "UPDATE" {
			d.hangup(Cause{SIPCode: 481, Reason: "dialog is gone at the peer"})
		}
		cb(m, err)
	})
}

func (d *Dialog) requestOn(l *leg, method, extra, body, ctype string, cb func(*message, error)) {
	l.localSeq++
	branch := d.s.newBranch()
	f := d.hop(l)
	contact := ""
	if method != "BYE" && method != "INFO" && method != "PRACK" {
		contact = l.contact
	}
	tx := &clientTx{s: d.s, key: branch, f: f}
	tx.onResponse = func(m *message) {
		if m.code >= 200 {
			d.post(func() { cb(m, nil) })
		}
	}
	tx.onFail = func(err error) { d.post(func() { cb(nil, err) }) }
	tx.start(d.s.request(f, &reqParts{
		method: method, uri: l.target, branch: branch, routes: l.routes, from: l.local, to: l.remote,
		callID: l.callID, cseq: l.localSeq, contact: contact, extra: extra, body: body, ctype: ctype,
	}), 0)
}

// authFor answers a challenge inside the dialog with the credentials we dialled with.
func (d *Dialog) authFor(m *message, method string, auth *string) bool {
	if d.out == nil || d.leg == nil {
		return false
	}
	user, pass := d.out.credentials()
	if user == "" {
		return false
	}
	*auth = authorize(m, method, d.leg.target, user, pass, 1)
	return *auth != ""
}

// hop is where requests of a leg go: over the flow for phones and for
// connections; a UDP peer with an address of its own in Contact, and no
// route, is addressed there (§12.2.1.1), unless that address is private and
// the peer is not.
func (d *Dialog) hop(l *leg) flow {
	if l.f.stream != nil || d.peer.Kind == PeerExtension {
		return l.f
	}
	next := l.target
	if len(l.routes) > 0 {
		na, err := parseNameAddr(l.routes[0])
		if err != nil {
			return l.f
		}
		next = na.uriText
	}
	u, err := parseURI(next)
	if err != nil || strings.EqualFold(u.params.get("transport"), "tcp") {
		return l.f
	}
	ip, perr := netip.ParseAddr(u.host)
	if perr != nil || ip.IsPrivate() && !l.f.addr.Addr().IsPrivate() || ip.IsUnspecified() ||
		ip.IsLoopback() != l.f.addr.Addr().IsLoopback() {
		return l.f
	}
	port := u.port
	if port == 0 {
		port = 5060
	}
	return flow{transport: "UDP", addr: netip.AddrPortFrom(ip.Unmap(), uint16(port))}
}

// SendInfoDTMF sends digits by INFO (application/dtmf-relay), one after the other.
func (d *Dialog) SendInfoDTMF(ctx context.Context, digits string) error {
	for _, c := range []byte(digits) {
		res := make(chan error, 1)
		ok := d.post(func() {
			if d.ended || d.leg == nil {
				res <- ErrEnded
				return
			}
			body := "Signal=" + string(rune(c)) + "\r\nDuration=160\r\n"
			d.request("INFO", "", body, "application/dtmf-relay", func(m *message, err error) { res <- verdict(m, err) })
		})
		if !ok {
			return ErrEnded
		}
		if err := d.await(ctx, res); err != nil {
			return err
		}
	}
	return nil
}

func (d *Dialog) await(ctx context.Context, res <-chan error) error {
	select {
	case err := <-res:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-d.done:
		return ErrEnded
	}
}

func verdict(m *message, err error) error {
	if err == nil && m.code >= 300 {
		err = &ResponseError{m.code, m.reason}
	}
	return err
}

// Refer asks the peer to call target ("sip:…" URI); Notified events follow.
func (d *Dialog) Refer(ctx context.Context, target string) error {
	res := make(chan error, 1)
	ok := d.post(func() {
		if d.state != stConfirmed {
			res <- ErrState
			return
		}
		extra := line("Refer-To", "<"+target+">") + line("Referred-By", d.leg.contact)
		d.request("REFER", extra, "", "", func(m *message, err error) { res <- verdict(m, err) })
	})
	if !ok {
		return ErrEnded
	}
	return d.await(ctx, res)
}

// Notify tells the progress of a transfer accepted with 202; code ≥ 200 ends it.
func (d *Dialog) Notify(ctx context.Context, code int, reason string) error {
	return d.call(ctx, func() error { d.notify(code, reason); return nil })
}
