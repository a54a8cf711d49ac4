package sip

import (
	"context"
	"strconv"
	"strings"
	"time"
)

// uasInvite is an INVITE or re-INVITE that we are answering.
type uasInvite struct {
	tx       *serverTx
	req      *message
	offered  bool   // it brought an offer
	ok       []byte // the 2xx, repeated until ACK
	interval time.Duration
	deadline time.Time
	done     bool // acknowledged or refused
}

// inboundInvite decides who is calling; only who is known gets a dialog.
func (s *Server) inboundInvite(m *message, f flow, tx *serverTx) {
	s.stats.invites.Add(1)
	if s.cfg.OpenUA {
		s.admitCall(m, f, tx, Peer{Kind: PeerURI, Source: f.addr, Transport: f.transport}, nil)
		return
	}
	if t := s.trunks.match(f); t != nil {
		if !t.take() {
			tx.reply(503, "", "Retry-After: 10\r\n")
			return
		}
		s.admitCall(m, f, tx, Peer{Kind: PeerTrunk, Trunk: t.cfg.ID, Source: f.addr, Transport: f.transport}, t)
		return
	}
	if !m.has(hAuthorization) && !m.has(hProxyAuthorization) {
		tx.reply(401, "", s.auth.challenges(false))
		return
	}
	s.wg.Go(func() {
		if user, ok := s.authenticate(m, f, tx); ok {
			s.admitCall(m, f, tx, Peer{Kind: PeerExtension, Extension: user, Source: f.addr, Transport: f.transport}, nil)
		}
	})
}

// admitCall checks the INVITE as a UAS (RFC 3261 §8.2.2–3) and starts its dialog.
func (s *Server) admitCall(m *message, f flow, tx *serverTx, p Peer, t *trunk) {
	refuse := func(code int, extra string) {
		if t != nil {
			t.calls.Add(-1)
		}
		tx.reply(code, "", extra)
	}
	contact, ok := m.contact()
	if !ok && !m.has(hContact) && !strings.HasPrefix(m.via.branch, branchCookie) {
		contact, ok = m.from, true // RFC 2543 did not ask for a Contact
	}
	asked, _ := sessionExpires(m.get(hSessionExpires))
	switch {
	case !ok || !contact.uri.isSIP() && contact.uri.scheme != "tel":
		refuse(400, "")
		return
	case len(m.body) > 0 && m.sdp() == nil && !strings.Contains(m.named("Content-Disposition"), "optional"):
		refuse(415, acceptLine)
		return
	case m.named("Accept") != "" && !acceptsSDP(m):
		refuse(406, acceptLine)
		return
	case asked > 0 && asked < s.cfg.MinSE:
		refuse(422, line("Min-SE", seconds(s.cfg.MinSE)))
		return
	}
	d := s.newDialog(Inbound)
	if val := m.get(hReplaces); val != "" {
		if d.repl = s.replaced(val); d.repl == nil {
			refuse(481, "")
			return
		}
	}
	d.inbound(m, f, tx, p, t, contact)
	if !s.startDialog(d.leg.localTag, d, true) {
		refuse(503, "Retry-After: 5\r\n")
		return
	}
}

// startDialog enters a dialog into the table and starts its actor, and the
// handler of an inbound one. It refuses when there are too many or on the way down.
func (s *Server) startDialog(tag string, d *Dialog, inbound bool) bool {
	s.dialogMu.Lock()
	if len(s.dialogs) >= s.cfg.MaxDialogs || s.stopping.Load() {
		s.dialogMu.Unlock()
		d.cancel()
		return false
	}
	s.dialogs[tag] = d
	s.dialogWG.Add(1)
	if inbound {
		s.dialogWG.Add(1)
	}
	s.dialogMu.Unlock()
	if inbound {
		d.uas.tx.watchCancel(func() { d.post(d.onCancel) })
		go func() {
			defer s.dialogWG.Done()
			s.handler.Invite(d.ctx, d)
		}()
	}
	go d.run()
	return true
}

func acceptsSDP(m *message) bool {
	for i := range m.hdrs {
		if strings.EqualFold(m.hdrs[i].name, "Accept") {
			v := strings.ToLower(m.hdrs[i].val)
			if strings.Contains(v, "application/sdp") || strings.Contains(v, "*/*") || strings.Contains(v, "application/*") {
				return true
			}
		}
	}
	return false
}

// inbound fills a new dialog from its INVITE (§12.1.1).
func (d *Dialog) inbound(m *message, f flow, tx *serverTx, p Peer, t *trunk, contact nameAddr) {
	tag := tx.tag
	host, port := d.s.local(f)
	d.invite, d.peer, d.trunk, d.callID = m, p, t, m.callID
	d.leg = &leg{
		callID: m.callID, localTag: tag, remoteTag: m.from.tag(),
		local: m.to.raw + ";tag=" + tag, remote: m.from.raw,
		target: contact.uriText, routes: m.values(hRecordRoute),
		localSeq: 1, remoteSeq: m.cseq, f: f,
		contact:   contactText("", host, port, f.transport),
		canUpdate: m.lists(hAllow, "UPDATE"),
	}
	d.from = Address{User: unescape(m.from.uri.user), Host: m.from.uri.host, Display: m.from.display}
	if u, err := parseURI(m.uri); err == nil {
		d.to = Address{User: unescape(u.user), Host: u.host, Display: m.to.display}
	}
	switch p.Kind {
	case PeerExtension:
		d.from.User = p.Extension // From is the caller's claim, the digest is not
	case PeerTrunk:
		if pai := m.values(hPAI); len(pai) > 0 {
			if na, err := parseNameAddr(pai[0]); err == nil && na.uri.user != "" {
				d.from = Address{User: unescape(na.uri.user), Host: na.uri.host, Display: na.display}
			}
		}
		if t.cfg.Kind == TrunkRegister && d.to.User == t.cfg.Username && m.to.uri.user != "" {
			d.to.User = unescape(m.to.uri.user) // a provider that calls our Contact puts the number into To
		}
		d.from.User = normalise(t.cfg.Inbound, d.from.User)
		d.to.User = normalise(t.cfg.Inbound, d.to.User)
	}
	sdp := m.sdp()
	d.setRemote(sdp)
	d.uas = &uasInvite{tx: tx, req: m, offered: sdp != nil}
	if m.lists(hRequire, "100rel") {
		d.rel = &reliable{}
	}
}

func contactText(user, host string, port uint16, transport string) string {
	at := ""
	if user != "" {
		at = escapeUser(user) + "@"
	}
	tail := ">"
	if transport != "UDP" {
		tail = ";transport=" + strings.ToLower(transport) + ">"
	}
	return "<sip:" + at + host + ":" + strconv.Itoa(int(port)) + tail
}

// replaced finds the dialog that a Replaces header names (RFC 3891).
func (s *Server) replaced(val string) *Dialog {
	callID, par, _ := strings.Cut(val, ";")
	p := parseParams(par)
	d := s.findDialog(p.get("to-tag"))
	if d == nil || d.CallID() != strings.TrimSpace(callID) {
		return nil
	}
	return d
}

// respondDialog writes a response that creates or belongs to the dialog.
func (d *Dialog) respondDialog(u *uasInvite, code int, reason, extra string, body []byte) []byte {
	head := line("Contact", d.leg.contact)
	if code > 100 && code < 300 {
		for i := range u.req.hdrs {
			if u.req.hdrs[i].id == hRecordRoute {
				head += line("Record-Route", u.req.hdrs[i].val)
			}
		}
	}
	head += extra
	if len(body) > 0 {
		head += sdpType
	}
	return d.s.response(u.req, u.tx.f, code, reason, d.leg.localTag, head, body)
}

// Ring sends 180 (inbound, not yet answered).
func (d *Dialog) Ring(ctx context.Context) error {
	return d.call(ctx, func() error { return d.provisional(180, nil) })
}

// Progress sends 183 with early media (inbound, not yet answered).
func (d *Dialog) Progress(ctx context.Context, sdp []byte) error {
	return d.call(ctx, func() error { return d.provisional(183, sdp) })
}

func (d *Dialog) provisional(code int, sdp []byte) error {
	if d.dir != Inbound || d.state != stEarly || d.uas == nil {
		return ErrState
	}
	if sdp != nil {
		d.localSDP = sdp
	}
	if d.rel != nil {
		d.sendReliable(code, sdp)
		return nil
	}
	d.uas.tx.send(code, d.respondDialog(d.uas, code, "", allowLine, sdp))
	return nil
}

// Answer sends 200 with an answer, or an offer if the INVITE had none
// (AckSDP brings the answer). It returns when the 200 was sent.
func (d *Dialog) Answer(ctx context.Context, sdp []byte) error {
	return d.call(ctx, func() error {
		if d.dir != Inbound || d.state != stEarly || d.uas == nil {
			return ErrState
		}
		if d.rel != nil && d.rel.open() { // §3: 2xx waits for the PRACK of an 18x with SDP
			d.rel.then = func() { d.accept(sdp) }
			return nil
		}
		d.accept(sdp)
		return nil
	})
}

func (d *Dialog) accept(sdp []byte) {
	if d.state != stEarly {
		return
	}
	if d.rel != nil && d.rel.described {
		sdp = nil // the exchange was finished in the reliable 18x
	}
	if sdp != nil {
		d.localSDP = sdp
	}
	d.state = stAnswered
	d.s.stats.answered.Add(1)
	d.sendOK(sdp, allowLine+supportedLine)
}

// sendOK answers the open INVITE with 200 and repeats it until the ACK.
func (d *Dialog) sendOK(sdp []byte, extra string) {
	u := d.uas
	u.ok = d.respondDialog(u, 200, "", extra+d.acceptTimer(u.req), sdp)
	u.interval = d.s.cfg.T1
	u.deadline = time.Now().Add(64 * d.s.cfg.T1)
	u.tx.send(200, u.ok)
	d.timers[tRepeat].set(u.interval, d.repeatOK)
}

// repeatOK: RFC 3261 §13.3.1.4, on every transport.
func (d *Dialog) repeatOK() {
	u := d.uas
	if u == nil || u.done || u.ok == nil {
		return
	}
	if !time.Now().Before(u.deadline) {
		u.done = true
		cause := Cause{SIPCode: 408, Q850: 102, Reason: "200 was never acknowledged", Remote: true}
		d.state = stConfirmed
		d.bye(cause)
		d.end(cause)
		return
	}
	d.s.stats.retransmitted.Add(1)
	_ = d.s.send(u.tx.f, u.ok)
	u.interval = min(2*u.interval, 8*d.s.cfg.T1)
	d.timers[tRepeat].set(min(u.interval, max(time.Until(u.deadline), 0)), d.repeatOK)
}

// onAck confirms the 200 that we sent last.
func (d *Dialog) onAck(m *message, f flow) {
	u := d.uas
	if u == nil || u.done || u.ok == nil || m.cseq != u.req.cseq || m.from.tag() != d.leg.remoteTag {
		return
	}
	u.done = true
	u.ok = nil
	d.timers[tRepeat].stop()
	sdp := m.sdp()
	if d.ended { // hung up between 200 and ACK
		d.bye(Cause{Q850: 16})
		return
	}
	first := d.state == stAnswered
	d.state = stConfirmed
	if !u.offered && sdp != nil {
		d.setRemote(sdp)
		d.emit(AckSDP{sdp})
	}
	d.uas = nil
	if first {
		d.emit(Confirmed{})
	}
	d.next()
}

// Reject sends a final error response (inbound, not yet answered).
func (d *Dialog) Reject(ctx context.Context, code int, reason string) error {
	return d.call(ctx, func() error {
		if d.dir != Inbound || d.state != stEarly {
			return ErrState
		}
		extra := ""
		if code == 503 {
			extra = "Retry-After: 5\r\n"
		}
		d.reject(code, reason, extra)
		d.end(Cause{SIPCode: code, Reason: reason})
		return nil
	})
}

func (d *Dialog) reject(code int, reason, extra string) {
	if d.uas == nil || d.uas.done {
		return
	}
	d.s.stats.failed.Add(1)
	if code/100 == 3 {
		code = 480
	}
	d.uas.tx.send(code, d.respondDialog(d.uas, code, reason, extra, nil))
	d.uas.done = true
	d.timers[tRepeat].stop()
}

// onCancel: the CANCEL has had its 200; if our 200 was first it changes nothing.
func (d *Dialog) onCancel() {
	if d.dir != Inbound || d.state != stEarly {
		return
	}
	d.reject(487, "", "")
	d.end(Cause{SIPCode: 487, Q850: 16, Reason: "cancelled", Remote: true})
}
