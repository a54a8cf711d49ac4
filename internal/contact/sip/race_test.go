package sip_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"heartline/internal/contact/sip"
	"heartline/internal/contact/sip/phone"
)

// established sets up a call from a phone to the hospital.
func established(t *testing.T, h *hospital, p *phone.Phone) (*phone.Call, *sip.Dialog) {
	t.Helper()
	ctx := patience(t)
	c, err := p.Dial(ctx, "96166", "")
	must(t, err)
	d := h.nextCall()
	must(t, d.Answer(ctx, []byte(sdpA)))
	must(t, c.WaitAnswered(ctx))
	next[sip.Confirmed](t, d)
	return c, d
}

func TestCancelEndsARingingCall(t *testing.T) {
	ctx := patience(t)
	h := startHospital(t, nil)
	p := h.bank(nil).Phone("8001", "pw-8001", phone.WithoutMedia())
	c, err := p.Dial(ctx, "96166", "")
	must(t, err)
	d := h.nextCall()
	must(t, d.Ring(ctx))
	must(t, c.WaitRinging(ctx))
	must(t, c.Hangup(ctx))
	e := next[sip.Ended](t, d)
	if e.Cause.SIPCode != 487 || !e.Cause.Remote {
		t.Fatalf("cause %+v", e.Cause)
	}
	if err := d.Answer(ctx, []byte(sdpA)); err == nil {
		t.Fatal("a cancelled call was answered")
	}
	eventually(t, "no dialog left", func() bool { return h.srv.Stats().Dialogs == 0 })
}

// TestCancelAndAnswerRace lets CANCEL and 200 cross again and again: both
// ends must agree that it is over, whatever came first.
func TestCancelAndAnswerRace(t *testing.T) {
	ctx := patience(t)
	h := startHospital(t, nil)
	b := h.bank(nil)
	p := b.Phone("8001", "pw-8001", phone.WithoutMedia())
	for range 100 {
		c, err := p.Dial(ctx, "96166", "")
		must(t, err)
		d := h.nextCall()
		must(t, d.Ring(ctx))
		must(t, c.WaitRinging(ctx))
		var wg sync.WaitGroup
		wg.Go(func() { _ = c.Hangup(ctx) })
		wg.Go(func() { _ = d.Answer(ctx, []byte(sdpA)) })
		wg.Wait()
		next[sip.Ended](t, d)
		must(t, c.WaitEnded(ctx))
	}
	eventually(t, "no dialog left", func() bool { return h.srv.Stats().Dialogs == 0 && b.Stats().Dialogs == 0 })
}

func TestOutgoingCancelAndAnswerRace(t *testing.T) {
	ctx := patience(t)
	h := startHospital(t, nil)
	b := h.bank(nil)
	p := b.Phone("8001", "pw-8001", phone.WithoutMedia())
	must(t, p.Register(ctx))
	for range 100 {
		d, err := h.srv.Dial(ctx, sip.DialSpec{Extension: "8001", From: "1", Offer: []byte(sdpA)})
		must(t, err)
		in := <-p.Incoming()
		next[sip.Ringing](t, d)
		var wg sync.WaitGroup
		wg.Go(func() { _ = d.Hangup(ctx, sip.Cause{}) })
		wg.Go(func() { _ = in.Answer(ctx) })
		wg.Wait()
		next[sip.Ended](t, d)
		must(t, in.WaitEnded(ctx))
	}
	eventually(t, "no dialog left", func() bool { return h.srv.Stats().Dialogs == 0 && b.Stats().Dialogs == 0 })
}

func TestForkingRingsAllContactsAndTheFirstWins(t *testing.T) {
	ctx := patience(t)
	h := startHospital(t, nil)
	p1 := h.bank(nil).Phone("8001", "pw-8001", phone.WithoutMedia())
	p2 := h.bank(func(c *phone.BankConfig) { c.Transport = "TCP" }).Phone("8001", "pw-8001", phone.WithoutMedia())
	must(t, p1.Register(ctx))
	must(t, p2.Register(ctx))
	for i := range 20 {
		d, err := h.srv.Dial(ctx, sip.DialSpec{Extension: "8001", From: "1", Offer: []byte(sdpA)})
		must(t, err)
		a, b := <-p1.Incoming(), <-p2.Incoming()
		winner, loser := a, b
		if i%2 == 1 {
			winner, loser = b, a
		}
		if i%5 == 4 { // both pick up at once
			var wg sync.WaitGroup
			wg.Go(func() { _ = a.Answer(ctx) })
			wg.Go(func() { _ = b.Answer(ctx) })
			wg.Wait()
			next[sip.Answered](t, d)
			must(t, d.Hangup(ctx, sip.Cause{}))
			must(t, a.WaitEnded(ctx))
			must(t, b.WaitEnded(ctx))
			continue
		}
		must(t, winner.Answer(ctx))
		next[sip.Answered](t, d)
		must(t, loser.WaitEnded(ctx))
		must(t, winner.WaitAnswered(ctx))
		must(t, winner.Hangup(ctx))
		next[sip.Ended](t, d)
	}
	eventually(t, "no dialog left", func() bool { return h.srv.Stats().Dialogs == 0 })
}

func TestHoldByReinviteBothWays(t *testing.T) {
	ctx := patience(t)
	h := startHospital(t, nil)
	c, d := established(t, h, h.bank(nil).Phone("8001", "pw-8001", phone.WithoutMedia()))
	res := make(chan error, 1)
	go func() { res <- c.Hold(ctx, true) }()
	ev := next[sip.Reinvited](t, d)
	if !bytes.Contains(ev.SDP, []byte("sendonly")) {
		t.Fatalf("offer %s", ev.SDP)
	}
	ev.Reply([]byte(strings.TrimSpace(sdpA)+"\r\na=recvonly\r\n"), 200)
	must(t, <-res)
	answer, err := d.Reinvite(ctx, []byte(sdpA+"a=inactive\r\n"))
	must(t, err)
	if !bytes.Contains(answer, []byte("a=inactive")) {
		t.Fatalf("answer %s", answer)
	}
	answer, err = d.Update(ctx, []byte(sdpA+"a=sendonly\r\n"))
	must(t, err)
	if !bytes.Contains(answer, []byte("a=recvonly")) {
		t.Fatalf("answer to UPDATE %s", answer)
	}
	go func() { _ = c.Hold(ctx, false) }()
	next[sip.Reinvited](t, d).Reply(nil, 488)
	must(t, d.Hangup(ctx, sip.Cause{}))
	must(t, c.WaitEnded(ctx))
}

// TestGlareIsResolved lets both ends re-INVITE at once: 491 and a later try.
func TestGlareIsResolved(t *testing.T) {
	ctx := patience(t)
	h := startHospital(t, func(c *sip.Config) { c.T1 = 10 * time.Millisecond })
	b := h.bank(func(c *phone.BankConfig) { c.T1 = 10 * time.Millisecond })
	c, d := established(t, h, b.Phone("8001", "pw-8001", phone.WithoutMedia()))
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ev := range d.Events() {
			if r, ok := ev.(sip.Reinvited); ok {
				r.Reply([]byte(sdpA), 200)
			}
		}
	}()
	for range 10 {
		var wg sync.WaitGroup
		errs := make(chan error, 2)
		wg.Go(func() { errs <- c.Hold(ctx, true) })
		wg.Go(func() { _, err := d.Reinvite(ctx, []byte(sdpA)); errs <- err })
		wg.Wait()
		must(t, <-errs)
		must(t, <-errs)
	}
	must(t, d.Hangup(ctx, sip.Cause{}))
	must(t, c.WaitEnded(ctx))
	<-done
}

func TestLateOfferBothWays(t *testing.T) {
	ctx := patience(t)
	h := startHospital(t, nil)
	b := h.bank(nil)
	p := b.Phone("8001", "pw-8001", phone.WithoutMedia(), phone.WithLateOffer())
	c, err := p.Dial(ctx, "96166", "")
	must(t, err)
	d := h.nextCall()
	if d.RemoteSDP() != nil {
		t.Fatal("an offer came")
	}
	must(t, d.Answer(ctx, []byte(sdpA)))
	if ev := next[sip.AckSDP](t, d); !bytes.Contains(ev.SDP, []byte("m=audio")) {
		t.Fatalf("ACK brought %q", ev.SDP)
	}
	must(t, c.WaitAnswered(ctx))
	must(t, c.Hangup(ctx))

	must(t, p.Register(ctx))
	out, err := h.srv.Dial(ctx, sip.DialSpec{Extension: "8001", From: "1"})
	must(t, err)
	in := <-p.Incoming()
	must(t, in.Answer(ctx))
	if ev := next[sip.Answered](t, out); !ev.NeedAck || len(ev.SDP) == 0 {
		t.Fatalf("%+v", ev)
	}
	must(t, out.Ack(ctx, []byte(sdpA)))
	must(t, in.WaitAnswered(ctx))
	offer, err := out.Reinvite(ctx, nil) // late offer inside the dialog
	must(t, err)
	if len(offer) == 0 {
		t.Fatal("no offer in the 200")
	}
	must(t, out.Ack(ctx, []byte(sdpA)))
	must(t, out.Hangup(ctx, sip.Cause{}))
	must(t, in.WaitEnded(ctx))
}

func TestReliableProvisionalResponses(t *testing.T) {
	ctx := patience(t)
	h := startHospital(t, nil)
	p := h.bank(nil).Phone("8001", "pw-8001", phone.WithoutMedia(),
		phone.WithHeaders(sip.Header{Name: "Require", Value: "100rel"}))
	c, err := p.Dial(ctx, "96166", "")
	must(t, err)
	d := h.nextCall()
	must(t, d.Ring(ctx))
	must(t, d.Progress(ctx, []byte(sdpA)))
	must(t, d.Ring(ctx))
	must(t, d.Answer(ctx, []byte(sdpA)))
	must(t, c.WaitAnswered(ctx))
	if got := c.Provisional(); len(got) != 3 || got[1] != 183 {
		t.Fatalf("provisional %v", got)
	}
	must(t, d.Hangup(ctx, sip.Cause{}))
	must(t, c.WaitEnded(ctx))
}

func TestSessionTimerRefreshesAndExpires(t *testing.T) {
	ctx := patience(t)
	short := func(c *sip.Config) { c.SessionExpiry, c.MinSE = 2*time.Second, time.Second }
	h := startHospital(t, short)
	b := h.bank(func(c *phone.BankConfig) { c.SessionExpiry, c.MinSE = 2*time.Second, time.Second })
	_, d := established(t, h, b.Phone("8001", "pw-8001", phone.WithoutMedia()))
	select { // the phone refreshes every second: the call outlives its timer
	case <-d.Done():
		t.Fatal("the refreshed call ended")
	case <-time.After(3500 * time.Millisecond):
	}
	cctx, cancel := context.WithTimeout(ctx, time.Millisecond)
	defer cancel()
	_ = b.Close(cctx) // the phone vanishes
	select {
	case <-d.Done():
	case <-time.After(8 * time.Second):
		t.Fatal("a call with a dead phone never ends")
	}
}

func TestTooShortSessionTimerIsRaised(t *testing.T) {
	ctx := patience(t)
	h := startHospital(t, func(c *sip.Config) { c.MinSE = 100 * time.Second })
	b := h.bank(func(c *phone.BankConfig) { c.SessionExpiry, c.MinSE = 5*time.Second, time.Second })
	c, d := established(t, h, b.Phone("8001", "pw-8001", phone.WithoutMedia()))
	if se := d.Header("Session-Expires"); se != "100" {
		t.Fatalf("Session-Expires %q after 422", se)
	}
	must(t, c.Hangup(ctx))
}

func TestLargeMessagesPassOverUDP(t *testing.T) {
	ctx := patience(t)
	h := startHospital(t, nil)
	big := strings.Repeat("x", 3000)
	p := h.bank(nil).Phone("8001", "pw-8001", phone.WithoutMedia(), phone.WithHeaders(sip.Header{Name: "X-Big", Value: big}))
	c, d := established(t, h, p)
	if d.Header("X-Big") != big {
		t.Fatal("the header was cut")
	}
	long := []byte(sdpA + strings.Repeat("a=x-filler:0123456789\r\n", 100))
	if _, err := d.Reinvite(ctx, long); err != nil {
		t.Fatal(err)
	}
	must(t, c.Hangup(ctx))
}

func TestInfoDigitsArriveInOrderOverTCP(t *testing.T) {
	ctx := patience(t)
	h := startHospital(t, nil)
	b := h.bank(func(c *phone.BankConfig) { c.Transport = "TCP" })
	c, d := established(t, h, b.Phone("8001", "pw-8001", phone.WithoutMedia()))
	const digits = "0123456789*#ABCD"
	go func() { _ = c.SendInfo(ctx, digits) }()
	for _, want := range []byte(digits) {
		if got := next[sip.Digit](t, d); got.D != want {
			t.Fatalf("digit %c, want %c", got.D, want)
		}
	}
	must(t, d.SendInfoDTMF(ctx, "42#"))
	eventually(t, "digits at the phone", func() bool { return c.Digits() == "42#" })
	must(t, d.Hangup(ctx, sip.Cause{}))
}

func TestUnansweredCallFails(t *testing.T) {
	ctx := patience(t)
	h := startHospital(t, nil)
	p := h.bank(nil).Phone("8001", "pw-8001", phone.WithoutMedia())
	must(t, p.Register(ctx))
	d, err := h.srv.Dial(ctx, sip.DialSpec{Extension: "8001", Offer: []byte(sdpA), Timeout: 200 * time.Millisecond})
	must(t, err)
	in := <-p.Incoming()
	if f := next[sip.Failed](t, d); f.Code != 408 {
		t.Fatalf("%+v", f)
	}
	must(t, in.WaitEnded(ctx))
	d, err = h.srv.Dial(ctx, sip.DialSpec{Extension: "8001", Offer: []byte(sdpA)})
	must(t, err)
	must(t, (<-p.Incoming()).Reject(ctx, 486))
	if f := next[sip.Failed](t, d); f.Code != 486 {
		t.Fatalf("%+v", f)
	}
	if _, err := h.srv.Dial(ctx, sip.DialSpec{Extension: "8002", Offer: []byte(sdpA)}); !errors.Is(err, sip.ErrUnreachable) {
		t.Fatalf("calling an absent phone: %v", err)
	}
}
