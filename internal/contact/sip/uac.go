package sip

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// outbound is an outgoing call: one branch per contact or trunk tried.
type outbound struct {
	spec     DialSpec
	branches []*branch
	trunks   []*trunk // still to be tried
	best     int      // best final code so far (§16.7 step 6, simplified)
	reason   string
	user     string // credentials of the answered branch
	pass     string
	opening  int // branches whose connection is being made
}

// branch is one INVITE of an outgoing call.
type branch struct {
	leg       *leg
	tx        *clientTx
	trunk     *trunk
	user      string
	pass      string
	authed    int
	minSE     time.Duration
	answered  bool // a provisional response came: CANCEL is allowed
	alerted   bool // more than 100: no failover any more
	cancelled bool
	cancelSet bool // CANCEL was sent
	done      bool
	rseq      map[string]uint32
}

func (o *outbound) idle() bool {
	if o == nil {
		return true
	}
	for _, b := range o.branches {
		if !b.done {
			return false
		}
	}
	return o.opening == 0
}

func (o *outbound) credentials() (user, pass string) { return o.user, o.pass }

func (o *outbound) legOf(tag string) *leg {
	if o == nil {
		return nil
	}
	for _, b := range o.branches {
		if b.leg.localTag == tag && !b.done {
			return b.leg
		}
	}
	return nil
}

// forget drops the tags and transactions of all branches.
func (o *outbound) forget(s *Server) {
	if o == nil {
		return
	}
	for _, b := range o.branches {
		b.done = true
		s.dropDialog(b.leg.localTag)
		if b.tx != nil {
			b.tx.remove()
		}
	}
}

// ErrUnreachable: nobody is registered, or no trunk is usable.
var ErrUnreachable = errors.New("sip: no way to the callee")

// Dial starts an outgoing call and returns at once; the rest comes as events.
func (s *Server) Dial(ctx context.Context, spec DialSpec) (*Dialog, error) {
	if s.ctx == nil || s.stopping.Load() {
		return nil, ErrEnded
	}
	if spec.MaxForwards < 0 {
		return nil, &ResponseError{483, reasonPhrase(483)}
	}
	if spec.Timeout <= 0 {
		spec.Timeout = time.Minute
	}
	d := s.newDialog(Outbound)
	d.out = &outbound{spec: spec}
	d.from = Address{User: spec.From, Display: spec.FromName}
	d.localSDP = spec.Offer
	var err error
	switch {
	case spec.Extension != "":
		d.peer = Peer{Kind: PeerExtension, Extension: spec.Extension}
		d.to.User = spec.Extension
		err = d.aimExtension(spec)
	case spec.Number != "":
		d.peer = Peer{Kind: PeerTrunk}
		d.to.User = spec.Number
		d.out.trunks, err = s.trunks.route(spec.Trunk)
	case spec.URI != "":
		d.peer = Peer{Kind: PeerURI}
		err = d.aimURI(ctx, spec)
	default:
		err = errors.New("sip: nothing to dial")
	}
	if err != nil {
		d.cancel()
		return nil, err
	}
	tag := newTag() // the dialog's own place in the table; branches have theirs
	if len(d.out.branches) > 0 {
		tag = d.out.branches[0].leg.localTag
		d.callID = d.out.branches[0].leg.callID
	}
	if !s.startDialog(tag, d, false) {
		return nil, fmt.Errorf("dial: %w", errStopping)
	}
	d.post(func() { d.launch(tag) })
	return d, nil
}

func (d *Dialog) aimExtension(spec DialSpec) error {
	for _, t := range d.s.reg.targets(spec.Extension) {
		host, _ := d.s.local(t.f)
		to := "<sip:" + escapeUser(spec.Extension) + "@" + host + ">"
		d.addBranch(t.uri, to, host, spec.From, t.f, nil)
	}
	if len(d.out.branches) == 0 {
		return ErrUnreachable
	}
	return nil
}

func (d *Dialog) aimURI(ctx context.Context, spec DialSpec) error {
	u, perr := parseURI(spec.URI)
	if perr != nil || !u.isSIP() {
		return fmt.Errorf("dial %w", &ResponseError{416, "Unsupported URI Scheme"})
	}
	transport := strings.ToUpper(u.params.get("transport"))
	port := u.port
	switch {
	case u.scheme == "sips" || transport == "TLS":
		transport = "TLS"
		port = orPort(port, 5061)
	case transport == "":
		transport = "UDP"
		fallthrough
	default:
		port = orPort(port, 5060)
	}
	addr, err := resolve(ctx, u.host, port)
	if err != nil {
		return err
	}
	f, err := d.s.flowTo(ctx, transport, addr, u.host)
	if err != nil {
		return err
	}
	host, _ := d.s.local(f)
	d.to = Address{User: unescape(u.user), Host: u.host}
	b := d.addBranch(spec.URI, "<"+spec.URI+">", host, spec.From, f, nil)
	b.user, b.pass = spec.Username, spec.Password
	return nil
}

func orPort(p, def int) int {
	if p == 0 {
		return def
	}
	return p
}

// addBranch prepares an INVITE; every branch is a dialog of its own.
func (d *Dialog) addBranch(uri, to, fromHost, fromUser string, f flow, t *trunk) *branch {
	host, port := d.s.local(f)
	tag := newTag()
	from := "<sip:"
	if fromUser != "" {
		from += escapeUser(fromUser) + "@"
	}
	from += fromHost + ">;tag=" + tag
	if name := d.out.spec.FromName; name != "" {
		from = quote(name) + " " + from
	}
	l := &leg{
		callID: newTag() + newTag(), localTag: tag, local: clean(from), remote: clean(to), target: clean(uri), f: f,
		contact: contactText(fromUser, host, port, f.transport),
	}
	b := &branch{leg: l, trunk: t}
	d.out.branches = append(d.out.branches, b)
	return b
}

// launch sends the INVITEs; it is the actor's first task.
func (d *Dialog) launch(tag string) {
	d.timers[tDial].set(d.out.spec.Timeout, func() {
		if d.state == stEarly && !d.ended {
			d.out.cancelAll(d, "")
			d.giveUpCall(408, "no answer")
		}
	})
	if len(d.out.branches) == 0 {
		defer d.s.dropDialog(tag)
		d.nextTrunk()
		return
	}
	for i, b := range d.out.branches {
		if i > 0 && !d.s.addDialog(b.leg.localTag, d) {
			b.done = true
			continue
		}
		d.invite1(b)
	}
}

// invite1 sends the INVITE of a branch, again with credentials if need be.
func (d *Dialog) invite1(b *branch) {
	spec := &d.out.spec
	extra := allowLine
	if spec.Offer != nil {
		extra += supportedLine
	} else {
		extra += "Supported: timer, replaces\r\n" // an offer in a reliable 18x could not be answered in time
	}
	if b.minSE > 0 {
		d.timer.interval = b.minSE
	}
	extra += d.offerTimer(false)
	if spec.AlertInfo != "" {
		extra += line("Alert-Info", spec.AlertInfo)
	}
	if spec.AutoAnswer {
		extra += "Call-Info: <sip:auto>;answer-after=0\r\n"
		if spec.AlertInfo == "" {
			extra += "Alert-Info: <http://auto>;info=alert-autoanswer;delay=0\r\n"
		}
	}
	for _, h := range spec.Headers {
		if isToken(h.Name) {
			extra += line(h.Name, h.Value)
		}
	}
	if b.trunk != nil {
		extra += b.trunk.identity(b.leg)
	}
	patience := time.Duration(0)
	if b.trunk != nil && len(d.out.trunks) > 0 {
		patience = 8 * d.s.cfg.T1 // another trunk waits
	}
	b.leg.localSeq++
	b.leg.inviteSeq = b.leg.localSeq
	seq := b.leg.inviteSeq
	b.tx = d.sendInvite(b.leg, extra+b.leg.auth, string(spec.Offer), spec.MaxForwards, patience, func(m *message, err error) {
		if seq == b.leg.inviteSeq {
			d.onBranch(b, m, err)
		}
	})
}

// onBranch takes a response to an INVITE of an outgoing call.
func (d *Dialog) onBranch(b *branch, m *message, err error) {
	switch {
	case err != nil:
		if !b.done {
			d.branchFailed(b, 408, err.Error())
		}
	case m.code < 200:
		d.onProvisional(b, m)
	case m.code < 300:
		d.onAnswer(b, m)
	case b.done:
	case (m.code == 401 || m.code == 407) && b.user != "" && b.authed < 2 && !b.cancelled:
		b.authed++
		b.leg.auth = authorize(m, "INVITE", b.leg.target, b.user, b.pass, 1)
		if b.leg.auth == "" {
			d.branchFailed(b, m.code, m.reason)
			return
		}
		d.invite1(b)
	case m.code == 422 && b.minSE == 0 && !b.cancelled:
		if b.minSE, _ = sessionExpires(m.get(hMinSE)); b.minSE > 0 && b.minSE < 24*time.Hour {
			d.invite1(b)
			return
		}
		d.branchFailed(b, m.code, m.reason)
	default:
		d.branchFailed(b, m.code, m.reason)
	}
}

func (d *Dialog) onProvisional(b *branch, m *message) {
	b.answered = true
	if b.cancelled {
		d.cancelBranch(b, "")
		return
	}
	if b.done || m.code == 100 || d.state != stEarly {
		return
	}
	b.alerted = true
	if m.lists(hRequire, "100rel") && m.has(hRSeq) && !d.prack(b, m) {
		return // a repeat
	}
	sdp := m.sdp()
	d.setRemote(sdp)
	d.emit(Ringing{Code: m.code, SDP: sdp})
}

// onAnswer: the first 2xx wins, every other one is acknowledged and hung up
// (RFC 3261 §13.2.2.4).
func (d *Dialog) onAnswer(b *branch, m *message) {
	tag := m.to.tag()
	if d.leg == b.leg && tag == b.leg.remoteTag {
		if d.lastAck != nil { // our ACK was lost
			_ = d.s.send(d.hop(b.leg), d.lastAck)
		}
		return
	}
	if d.ended || d.state != stEarly {
		b.done = b.done || d.leg != b.leg
		d.dismiss(b, m)
		return
	}
	b.done = true
	l := b.leg
	d.leg = l
	establish(l, m)
	d.mu.Lock()
	d.peer.Source, d.peer.Transport = l.f.addr, l.f.transport
	if b.trunk != nil {
		d.peer.Trunk = b.trunk.cfg.ID
	}
	d.mu.Unlock()
	d.out.user, d.out.pass = b.user, b.pass
	d.out.trunks = nil
	d.timers[tDial].stop()
	for _, other := range d.out.branches {
		if other != b {
			d.cancelBranch(other, "Reason: SIP;cause=200;text=\"Call completed elsewhere\"\r\n")
		}
	}
	sdp := m.sdp()
	d.setRemote(sdp)
	d.agreeTimer(m)
	late := d.out.spec.Offer == nil
	if late {
		d.state = stAnswered
	} else {
		d.state = stConfirmed
		d.sendAck(nil)
	}
	d.s.stats.answered.Add(1)
	d.emit(Answered{SDP: sdp, NeedAck: late})
}

// establish takes the dialog state from a 2xx (§12.1.2).
func establish(l *leg, m *message) {
	l.remoteTag = m.to.tag()
	l.remote = m.to.raw
	routes := m.values(hRecordRoute)
	l.routes = nil
	for i := len(routes) - 1; i >= 0; i-- {
		l.routes = append(l.routes, routes[i])
	}
	if c, ok := m.contact(); ok && c.uri.isSIP() {
		l.target = c.uriText
	}
	l.canUpdate = m.lists(hAllow, "UPDATE")
}

// dismiss acknowledges and ends a 2xx that nobody wants.
func (d *Dialog) dismiss(b *branch, m *message) {
	l := *b.leg // the fork is a dialog of its own
	establish(&l, m)
	f := d.hop(&l)
	ack := d.s.request(f, &reqParts{
		method: "ACK", uri: l.target, branch: d.s.newBranch(), routes: l.routes, from: l.local,
		to: l.remote, callID: l.callID, cseq: m.cseq, extra: l.auth,
	})
	_ = d.s.send(f, ack)
	if d.leg != b.leg {
		if b.leg.remoteTag == l.remoteTag {
			return // repeated: the BYE is on its way
		}
		b.leg.remoteTag = l.remoteTag
	}
	d.byes++
	d.requestOn(&l, "BYE", "", "", "", func(*message, error) { d.byes-- })
}

// branchFailed ends a branch; the last one ends the call, or the next trunk is tried.
func (d *Dialog) branchFailed(b *branch, code int, reason string) {
	b.done = true
	d.s.dropDialog(b.leg.localTag)
	o := d.out
	if o.best == 0 || code >= 600 || o.best < 600 && betterCode(code, o.best) {
		o.best, o.reason = code, reason
	}
	if b.trunk != nil && d.trunk == b.trunk && !d.ended {
		d.trunk.calls.Add(-1)
		d.trunk = nil
	}
	if code >= 600 {
		o.cancelAll(d, "")
		o.trunks = nil
	}
	if d.ended || d.state != stEarly || !o.idle() {
		return
	}
	if b.trunk != nil && failover(code) && !b.alerted && len(o.trunks) > 0 {
		d.nextTrunk()
		return
	}
	d.giveUpCall(o.best, o.reason)
}

// betterCode prefers what says more: a busy phone over one that is away.
func betterCode(a, b int) bool {
	rank := func(c int) int {
		switch {
		case c == 486 || c == 600 || c == 603:
			return 0
		case c/100 == 4 && c != 408 && c != 480 && c != 487:
			return 1
		case c == 408 || c == 480:
			return 2
		}
		return 3
	}
	return rank(a) < rank(b)
}

// failover: these say that the trunk, not the callee, has the problem.
func failover(code int) bool {
	return code/100 == 5 || code == 408 || code == 403 || code == 401 || code == 407
}

func (d *Dialog) giveUpCall(code int, reason string) {
	if d.ended {
		return
	}
	if code == 0 {
		code, reason = 503, "no trunk"
	}
	d.s.stats.failed.Add(1)
	d.emit(Failed{code, reason})
	d.end(Cause{SIPCode: code, Reason: reason, Remote: code != 408})
}

// cancelAll cancels every branch that has not been answered.
func (o *outbound) cancelAll(d *Dialog, reason string) {
	if o == nil {
		return
	}
	for _, b := range o.branches {
		d.cancelBranch(b, reason)
	}
}

// cancelBranch sends CANCEL as soon as a provisional response allows it (§9.1).
func (d *Dialog) cancelBranch(b *branch, reason string) {
	if b.done || b.tx == nil {
		return
	}
	b.cancelled = true
	if !b.answered || b.cancelSet {
		return
	}
	b.cancelSet = true
	tx := &clientTx{s: d.s, key: clientKey(b.tx.key, "CANCEL"), f: b.tx.f}
	d.byes++
	tx.onResponse = func(m *message) {
		if m.code >= 200 {
			d.post(func() { d.byes-- })
		}
	}
	tx.onFail = func(error) { d.post(func() { d.byes-- }) }
	tx.start(d.s.request(tx.f, &reqParts{
		method: "CANCEL", uri: b.leg.target, branch: b.tx.key, routes: b.leg.routes, from: b.leg.local,
		to: b.leg.remote, callID: b.leg.callID, cseq: b.leg.inviteSeq, extra: reason,
	}), 0)
}
