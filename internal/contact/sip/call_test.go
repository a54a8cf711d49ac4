package sip_test

import (
	"errors"
	"testing"
	"time"

	"heartline/internal/contact/sip"
	"heartline/internal/contact/sip/phone"
)

func TestPhoneRegistersAndCallsGoBothWays(t *testing.T) {
	for _, transport := range []string{"UDP", "TCP"} {
		t.Run(transport, func(t *testing.T) {
			ctx := patience(t)
			h := startHospital(t, nil)
			b := h.bank(func(c *phone.BankConfig) { c.Transport = transport })
			p := b.Phone("8001", "pw-8001", phone.WithoutMedia())
			must(t, p.Register(ctx))
			eventually(t, "8001 online", func() bool { return h.isOnline("8001") })

			c, err := p.Dial(ctx, "96166", "")
			must(t, err)
			d := h.nextCall()
			if d.From().User != "8001" || d.To().User != "96166" || d.Peer().Kind != sip.PeerExtension {
				t.Fatalf("from %v to %v peer %v", d.From(), d.To(), d.Peer())
			}
			must(t, d.Ring(ctx))
			must(t, c.WaitRinging(ctx))
			must(t, d.Answer(ctx, []byte(sdpA)))
			must(t, c.WaitAnswered(ctx))
			next[sip.Confirmed](t, d)
			must(t, c.Hangup(ctx))
			if e := next[sip.Ended](t, d); !e.Cause.Remote {
				t.Fatal("the phone hung up, not we")
			}

			out, err := h.srv.Dial(ctx, sip.DialSpec{Extension: "8001", From: "13800000000", Offer: []byte(sdpA)})
			must(t, err)
			in := <-p.Incoming()
			if next[sip.Ringing](t, out).Code != 180 {
				t.Fatal("no 180")
			}
			must(t, in.Answer(ctx))
			if a := next[sip.Answered](t, out); len(a.SDP) == 0 {
				t.Fatal("no SDP in the answer")
			}
			must(t, out.Hangup(ctx, sip.Cause{Q850: 16}))
			must(t, in.WaitEnded(ctx))
			next[sip.Ended](t, out)
		})
	}
}

func TestCallerIsRefusedWithoutTheRightPassword(t *testing.T) {
	ctx := patience(t)
	h := startHospital(t, nil)
	b := h.bank(nil)
	for _, user := range []string{"8001", "no-such-user", "8009"} {
		c, err := b.Phone(user, "wrong", phone.WithoutMedia()).Dial(ctx, "96166", "")
		must(t, err)
		var re *sip.ResponseError
		if err := c.WaitAnswered(ctx); !errors.As(err, &re) || re.Code != 403 {
			t.Fatalf("%s: %v", user, err)
		}
	}
	select {
	case <-h.calls:
		t.Fatal("an unauthenticated call reached the handler")
	case <-time.After(50 * time.Millisecond):
	}
}

func TestSHA256IsAcceptedWithPasswordAndStoredHash(t *testing.T) {
	ctx := patience(t)
	h := startHospital(t, func(c *sip.Config) { c.Algorithms = []string{"SHA-256", "MD5"} })
	b := h.bank(nil)
	for _, user := range []string{"8001", "8005"} {
		must(t, b.Phone(user, "pw-"+user, phone.WithoutMedia()).Register(ctx))
	}
	if err := b.Phone("8002", "pw-8001", phone.WithoutMedia()).Register(ctx); err == nil {
		t.Fatal("a wrong password registered")
	}
}

func TestUnregisteringTakesThePhoneOffline(t *testing.T) {
	ctx := patience(t)
	h := startHospital(t, nil)
	udp := h.bank(nil).Phone("8001", "pw-8001", phone.WithoutMedia())
	tb := h.bank(func(c *phone.BankConfig) { c.Transport = "TCP" })
	must(t, udp.Register(ctx))
	must(t, tb.Phone("8002", "pw-8002", phone.WithoutMedia()).Register(ctx))
	eventually(t, "both online", func() bool { return h.isOnline("8001") && h.isOnline("8002") })
	must(t, udp.Unregister(ctx))
	eventually(t, "8001 offline", func() bool { return !h.isOnline("8001") })
	must(t, tb.Close(ctx)) // the connection goes, and with it the contact
	eventually(t, "8002 offline", func() bool { return !h.isOnline("8002") })
}
