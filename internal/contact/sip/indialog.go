package sip

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// legOf finds the leg that a request inside the dialog belongs to.
func (d *Dialog) legOf(m *message) *leg {
	tag := m.to.tag()
	l := d.leg
	if l == nil || l.localTag != tag {
		l = d.out.legOf(tag)
	}
	if l == nil || l.callID != m.callID || l.remoteTag != "" && l.remoteTag != m.from.tag() {
		return nil
	}
	return l
}

// onRequest handles a request inside the dialog (RFC 3261 §12.2.2).
func (d *Dialog) onRequest(m *message, f flow, tx *serverTx) {
	l := d.legOf(m)
	if l == nil || d.ended {
		tx.reply(481, "", "")
		return
	}
	if l.remoteSeq != 0 && m.cseq <= l.remoteSeq {
		tx.reply(500, "", "") // out of order
		return
	}
	l.remoteSeq = m.cseq
	if d.peer.Kind == PeerExtension && (f.stream != nil || f.transport == "UDP" && l.f.transport == "UDP") {
		l.f = f // a phone that moved behind its NAT
	}
	switch m.method {
	case "BYE":
		d.onBye(m, tx)
	case "INVITE":
		d.onReinvite(m, l, tx)
	case "UPDATE":
		d.onUpdate(m, l, tx)
	case "PRACK":
		d.onPrack(m, tx)
	case "INFO":
		d.onInfo(m, tx)
	case "REFER":
		d.onRefer(m, tx)
	case "NOTIFY":
		d.onNotify(m, tx)
	case "OPTIONS":
		tx.reply(200, "", allowLine+supportedLine+acceptLine)
	default:
		tx.reply(405, "", allowLine)
	}
}

func (d *Dialog) onBye(m *message, tx *serverTx) {
	tx.reply(200, "", "")
	if d.dir == Inbound && d.state == stEarly {
		d.reject(487, "", "")
	}
	if d.uas != nil {
		d.uas.done = true // nothing to be acknowledged any more
	}
	if d.offered != nil {
		d.offered.reply(487, "", "")
		d.offered = nil
	}
	c := Cause{Remote: true, Reason: "BYE", Q850: 16}
	if r := m.get(hReason); r != "" {
		c.Reason = r
		proto, par, _ := strings.Cut(r, ";")
		if n, err := strconv.Atoi(parseParams(par).get("cause")); err == nil && strings.EqualFold(strings.TrimSpace(proto), "Q.850") {
			c.Q850 = n
		}
	}
	d.end(c)
	d.out.cancelAll(d, "")
}

// onReinvite handles an INVITE inside the dialog (§14.2).
func (d *Dialog) onReinvite(m *message, l *leg, tx *serverTx) {
	switch {
	case d.mid != nil:
		tx.reply(491, "", "")
		return
	case d.uas != nil && !d.uas.done, d.offered != nil:
		tx.reply(500, "", "Retry-After: 1\r\n")
		return
	case d.state != stConfirmed:
		tx.reply(491, "", "")
		return
	}
	if asked, _ := sessionExpires(m.get(hSessionExpires)); asked > 0 && asked < d.s.cfg.MinSE {
		tx.reply(422, "", line("Min-SE", seconds(d.s.cfg.MinSE)))
		return
	}
	d.retarget(m, l)
	sdp := m.sdp()
	u := &uasInvite{tx: tx, req: m, offered: sdp != nil}
	d.uas = u
	d.timers[tReply].set(20*time.Second, func() { d.replyInvite(u, nil, 500) })
	d.emit(Reinvited{SDP: sdp, Reply: func(sdp []byte, code int) {
		d.post(func() { d.replyInvite(u, sdp, code) })
	}})
}

func (d *Dialog) replyInvite(u *uasInvite, sdp []byte, code int) {
	if d.uas != u || u.done || u.ok != nil || d.ended {
		return
	}
	d.timers[tReply].stop()
	if code/100 != 2 {
		u.tx.send(code, d.respondDialog(u, code, "", "", nil))
		d.uas = nil
		d.next()
		return
	}
	if u.offered {
		d.setRemote(u.req.sdp())
	}
	if sdp != nil {
		d.localSDP = sdp
	}
	d.sendOK(sdp, allowLine+supportedLine)
}

// onUpdate handles RFC 3311.
func (d *Dialog) onUpdate(m *message, l *leg, tx *serverTx) {
	sdp := m.sdp()
	if asked, _ := sessionExpires(m.get(hSessionExpires)); asked > 0 && asked < d.s.cfg.MinSE {
		tx.reply(422, "", line("Min-SE", seconds(d.s.cfg.MinSE)))
		return
	}
	if sdp == nil {
		d.retarget(m, l)
		tx.reply(200, "", line("Contact", l.contact)+allowLine+d.acceptTimer(m))
		return
	}
	switch {
	case d.mid != nil:
		tx.reply(491, "", "")
	case d.offered != nil, d.uas != nil && !d.uas.done && d.state != stEarly:
		tx.reply(500, "", "Retry-After: 1\r\n")
	case d.state == stEarly && (d.rel == nil || !d.rel.described) && d.dir == Inbound:
		tx.reply(500, "", "Retry-After: 1\r\n") // the first offer is still open
	default:
		d.retarget(m, l)
		d.offerByRequest(m, tx, sdp)
	}
}

// offerByRequest passes on an offer in an UPDATE or PRACK.
func (d *Dialog) offerByRequest(m *message, tx *serverTx, sdp []byte) {
	d.offered = tx
	reply := func(answer []byte, code int) {
		if d.offered != tx {
			return
		}
		d.offered = nil
		d.timers[tReply].stop()
		if code/100 != 2 {
			tx.reply(code, "", "")
		} else {
			d.setRemote(sdp)
			extra := line("Contact", d.contact()) + allowLine
			if m.method == "UPDATE" {
				extra += d.acceptTimer(m)
			}
			if answer != nil {
				d.localSDP = answer
				extra += sdpType
			}
			tx.send(200, d.s.response(m, tx.f, 200, "", "", extra, answer))
		}
		d.next()
	}
	d.timers[tReply].set(20*time.Second, func() { reply(nil, 500) })
	d.emit(Reinvited{SDP: sdp, Reply: func(answer []byte, code int) {
		d.post(func() { reply(answer, code) })
	}})
}

func (d *Dialog) contact() string {
	if d.leg != nil {
		return d.leg.contact
	}
	return "<sip:invalid>"
}

// retarget takes a new remote target from a target refresh request (§12.2.2).
func (d *Dialog) retarget(m *message, l *leg) {
	if c, ok := m.contact(); ok && c.uri.isSIP() {
		l.target = c.uriText
	}
	if m.has(hAllow) {
		l.canUpdate = m.lists(hAllow, "UPDATE")
	}
}

// onInfo takes DTMF (application/dtmf-relay, application/dtmf).
func (d *Dialog) onInfo(m *message, tx *serverTx) {
	ct, _, _ := strings.Cut(m.get(hContentType), ";")
	ct = strings.ToLower(strings.TrimSpace(ct))
	if len(m.body) == 0 {
		tx.reply(200, "", "")
		return
	}
	if ct != "application/dtmf-relay" && ct != "application/dtmf" {
		tx.reply(415, "", acceptLine)
		return
	}
	digit, dur, ok := parseDTMF(ct, string(m.body))
	if !ok {
		tx.reply(400, "", "")
		return
	}
	tx.reply(200, "", "")
	d.emit(Digit{digit, dur})
}

func parseDTMF(ct, body string) (digit byte, dur time.Duration, ok bool) {
	dur = 160 * time.Millisecond
	text := strings.TrimSpace(body)
	if ct == "application/dtmf-relay" {
		text = ""
		for ln := range strings.Lines(body) {
			k, v, _ := strings.Cut(ln, "=")
			v = strings.TrimSpace(v)
			switch strings.ToLower(strings.TrimSpace(k)) {
			case "signal":
				text = v
			case "duration":
				if n, err := strconv.Atoi(v); err == nil && n > 0 && n <= 10000 {
					dur = time.Duration(n) * time.Millisecond
				}
			}
		}
	}
	switch text {
	case "10":
		text = "*"
	case "11":
		text = "#"
	}
	if len(text) != 1 || !strings.Contains("0123456789*#ABCDabcd", text) {
		return 0, 0, false
	}
	return strings.ToUpper(text)[0], dur, true
}

// onRefer passes a transfer request on (RFC 3515).
func (d *Dialog) onRefer(m *message, tx *serverTx) {
	list := m.values(hReferTo)
	if len(list) != 1 {
		tx.reply(400, "", "")
		return
	}
	na, err := parseNameAddr(list[0])
	switch {
	case err != nil:
		tx.reply(400, "", "")
		return
	case d.state != stConfirmed || d.referring:
		tx.reply(491, "", "")
		return
	case !na.uri.isSIP() && na.uri.scheme != "tel":
		tx.reply(416, "", "")
		return
	}
	ev := Refer{Target: Address{unescape(na.uri.user), na.uri.host, na.display}, URI: na.uriText}
	for kv := range strings.SplitSeq(na.uri.headers, "&") {
		if k, v, _ := strings.Cut(kv, "="); strings.EqualFold(k, "Replaces") {
			ev.Replaces = unescape(v)
			ev.Dialog = d.s.replaced(ev.Replaces)
		}
	}
	quiet := strings.EqualFold(strings.TrimSpace(m.named("Refer-Sub")), "false")
	ev.Reply = func(code int) { d.post(func() { d.replyRefer(m, tx, code, quiet) }) }
	d.referring = true
	d.emit(ev)
}

func (d *Dialog) replyRefer(m *message, tx *serverTx, code int, quiet bool) {
	if code/100 != 2 {
		d.referring = false
		tx.reply(code, "", "")
		return
	}
	extra := line("Contact", d.contact())
	if quiet {
		extra += "Refer-Sub: false\r\n"
	}
	tx.reply(202, "", extra)
	d.referSeq = m.cseq
	if quiet {
		d.referring = false
		return
	}
	d.notify(100, "")
}

// notify reports on a transfer; it ends with a final code.
func (d *Dialog) notify(code int, reason string) {
	if !d.referring || d.ended {
		return
	}
	state := "active;expires=60"
	if code >= 200 {
		state = "terminated;reason=noresource"
		d.referring = false
	}
	if reason == "" {
		reason = reasonPhrase(code)
	}
	extra := fmt.Sprintf("Event: refer;id=%d\r\nSubscription-State: %s\r\n", d.referSeq, state)
	body := fmt.Sprintf("SIP/2.0 %d %s\r\n", code, clean(reason))
	d.request("NOTIFY", extra, body, "message/sipfrag;version=2.0", func(*message, error) {})
}

// onNotify takes the progress of a transfer that we asked for.
func (d *Dialog) onNotify(m *message, tx *serverTx) {
	event, _, _ := strings.Cut(m.get(hEvent), ";")
	if !strings.EqualFold(strings.TrimSpace(event), "refer") {
		tx.reply(489, "", "")
		return
	}
	tx.reply(200, "", "")
	frag, ok := cutPrefixFold(string(m.body), "SIP/2.0 ")
	if !ok || len(frag) < 3 {
		return
	}
	code, err := strconv.Atoi(frag[:3])
	if err != nil {
		return
	}
	state := strings.ToLower(m.get(hSubscriptionState))
	d.emit(Notified{Code: code, Final: code >= 200 || strings.HasPrefix(state, "terminated")})
}
