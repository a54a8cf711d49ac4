package sip

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// prack acknowledges a reliable provisional response of a branch (RFC 3262
// §4); false for a repeat or one out of order.
func (d *Dialog) prack(b *branch, m *message) bool {
	n, err := strconv.ParseUint(m.get(hRSeq), 10, 32)
	if err != nil {
		return false
	}
	rseq, tag := uint32(n), m.to.tag()
	last, seen := b.rseq[tag]
	if seen && rseq != last+1 {
		return false
	}
	if b.rseq == nil {
		b.rseq = map[string]uint32{}
	}
	b.rseq[tag] = rseq
	l := *b.leg // the early dialog of this tag; sequence numbers are shared
	establish(&l, m)
	extra := fmt.Sprintf("RAck: %d %d INVITE\r\n", rseq, m.cseq)
	d.requestOn(&l, "PRACK", extra, "", "", func(*message, error) {})
	b.leg.localSeq = l.localSeq
	return true
}

// nextTrunk tries the next trunk in the order of priority.
func (d *Dialog) nextTrunk() {
	o := d.out
	for len(o.trunks) > 0 {
		t := o.trunks[0]
		o.trunks = o.trunks[1:]
		if !t.take() {
			if o.best == 0 {
				o.best, o.reason = 503, "channel limit"
			}
			continue
		}
		d.trunk = t
		if f, ok := t.ready(); ok {
			d.viaTrunk(t, f)
			return
		}
		o.opening++
		d.s.wg.Go(func() { // connecting may take a while; the actor does not wait
			ctx, cancel := context.WithTimeout(d.s.ctx, 5*time.Second)
			defer cancel()
			f, err := t.connect(ctx)
			d.post(func() { d.connected(t, f, err) })
		})
		return
	}
	d.giveUpCall(o.best, o.reason)
}

func (d *Dialog) connected(t *trunk, f flow, err error) {
	d.out.opening--
	switch {
	case d.ended:
	case err != nil:
		t.calls.Add(-1)
		d.trunk = nil
		d.out.best, d.out.reason = 503, "trunk does not connect"
		d.nextTrunk()
	default:
		d.viaTrunk(t, f)
	}
}

func (d *Dialog) viaTrunk(t *trunk, f flow) {
	spec := &d.out.spec
	number := normalise(t.cfg.Outbound, spec.Number)
	from := spec.From
	if t.cfg.CallerID != "" && (from == "" || t.cfg.ForceCallerID) {
		from = t.cfg.CallerID
	}
	domain := t.domain()
	uri := "sip:" + escapeUser(number) + "@" + t.hostPort()
	if f.transport != "UDP" {
		uri += ";transport=" + t.param()
	}
	b := d.addBranch(uri, "<sip:"+escapeUser(number)+"@"+domain+">", domain, from, f, t)
	b.user, b.pass = t.cfg.Username, t.cfg.Password
	if d.callID == "" {
		d.mu.Lock()
		d.callID = b.leg.callID
		d.mu.Unlock()
	}
	if !d.s.addDialog(b.leg.localTag, d) {
		d.branchFailed(b, 503, "too many dialogs")
		return
	}
	d.invite1(b)
}
