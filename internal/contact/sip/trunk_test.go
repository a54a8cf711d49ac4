package sip_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"heartline/internal/contact/sip"
	"heartline/internal/contact/sip/phone"
)

// carrier is a peer without registrar that answers or refuses every call.
type carrier struct {
	srv   *sip.Server
	calls chan *sip.Dialog
	code  atomic.Int32 // 0: hand out, else refuse
}

func (c *carrier) Invite(ctx context.Context, d *sip.Dialog) {
	if code := c.code.Load(); code != 0 {
		_ = d.Reject(ctx, int(code), "")
		return
	}
	c.calls <- d
}

func (c *carrier) Registered(string, bool) {}

func startCarrier(t *testing.T, listen string) *carrier {
	t.Helper()
	c := &carrier{calls: make(chan *sip.Dialog, 16)}
	srv, err := sip.New(sip.Config{UDP: listen, TCP: listen, OpenUA: true, T1: fastT1}, nil, c, nil)
	must(t, err)
	must(t, srv.Start(context.Background()))
	c.srv = srv
	t.Cleanup(func() { c.stop() })
	return c
}

func (c *carrier) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = c.srv.Stop(ctx)
}

func (c *carrier) trunk(id string, prio int) sip.Trunk {
	a := c.srv.Addr("udp")
	return sip.Trunk{
		ID: id, Kind: sip.TrunkStatic, Host: a.Addr().String(), Port: int(a.Port()), Priority: prio,
		OptionsEvery: 100 * time.Millisecond,
	}
}

func TestTrunkCallsGoBothWaysWithNormalisedNumbers(t *testing.T) {
	ctx := patience(t)
	h := startHospital(t, nil)
	c := startCarrier(t, "127.0.0.1:0")
	tr := c.trunk("main", 1)
	tr.MaxCalls, tr.CallerID = 2, "02896166"
	tr.Inbound = []sip.Rule{{Match: "+86", Strip: 3}, {Match: "028", Strip: 3}}
	tr.Outbound = []sip.Rule{{Match: "1", Length: 11, Prefix: "0"}}
	must(t, h.srv.SetTrunks([]sip.Trunk{tr}))

	in, err := c.srv.Dial(ctx, sip.DialSpec{
		URI: "sip:02896166@" + h.srv.Addr("udp").String(), From: "+8613800000000", Offer: []byte(sdpA),
	})
	must(t, err)
	d := h.nextCall()
	if d.Peer().Kind != sip.PeerTrunk || d.Peer().Trunk != "main" || d.From().User != "13800000000" || d.To().User != "96166" {
		t.Fatalf("from %v to %v by %v", d.From(), d.To(), d.Peer())
	}
	must(t, d.Answer(ctx, []byte(sdpA)))
	next[sip.Answered](t, in)

	out, err := h.srv.Dial(ctx, sip.DialSpec{Number: "13912345678", Offer: []byte(sdpA)})
	must(t, err)
	cd := <-c.calls
	if cd.To().User != "013912345678" || cd.From().User != "02896166" {
		t.Fatalf("the carrier saw %v → %v", cd.From(), cd.To())
	}
	must(t, cd.Answer(ctx, []byte(sdpA)))
	next[sip.Answered](t, out)
	if out.Peer().Trunk != "main" {
		t.Fatal("trunk of the outgoing call unknown")
	}

	full, err := h.srv.Dial(ctx, sip.DialSpec{Number: "13912345678", Offer: []byte(sdpA)})
	must(t, err)
	if f := next[sip.Failed](t, full); f.Code != 503 {
		t.Fatalf("beyond the channel limit: %+v", f)
	}
	over, err := c.srv.Dial(ctx, sip.DialSpec{URI: "sip:1@" + h.srv.Addr("udp").String(), From: "2", Offer: []byte(sdpA)})
	must(t, err)
	if f := next[sip.Failed](t, over); f.Code != 503 {
		t.Fatalf("inbound beyond the channel limit: %+v", f)
	}
	must(t, out.Hangup(ctx, sip.Cause{}))
	must(t, d.Hangup(ctx, sip.Cause{}))
	eventually(t, "channels free", func() bool { return h.srv.TrunkStatus()[0].Calls == 0 })
}

func TestStrangersDoNotReachTrunkOrHandler(t *testing.T) {
	ctx := patience(t)
	h := startHospital(t, nil)
	c, stranger := startCarrier(t, "127.0.0.1:0"), startCarrier(t, "127.0.0.1:0")
	must(t, h.srv.SetTrunks([]sip.Trunk{c.trunk("main", 1)}))
	d, err := stranger.srv.Dial(ctx, sip.DialSpec{URI: "sip:96166@" + h.srv.Addr("udp").String(), From: "13800000000", Offer: []byte(sdpA)})
	must(t, err)
	if f := next[sip.Failed](t, d); f.Code != 401 {
		t.Fatalf("%+v", f)
	}
	if len(h.calls) > 0 {
		t.Fatal("the stranger came in")
	}
}

func TestTrunkFailover(t *testing.T) {
	ctx := patience(t)
	h := startHospital(t, nil)
	a, b := startCarrier(t, "127.0.0.1:0"), startCarrier(t, "127.0.0.1:0")
	ta, tb := a.trunk("a", 1), b.trunk("b", 2)
	ta.OptionsEvery, tb.OptionsEvery = -1, -1
	must(t, h.srv.SetTrunks([]sip.Trunk{tb, ta}))
	call := func(c *carrier) {
		t.Helper()
		d, err := h.srv.Dial(ctx, sip.DialSpec{Number: "1", From: "2", Offer: []byte(sdpA)})
		must(t, err)
		select {
		case cd := <-c.calls:
			must(t, cd.Answer(ctx, []byte(sdpA)))
		case <-ctx.Done():
			t.Fatal("the call did not come this way")
		}
		next[sip.Answered](t, d)
		must(t, d.Hangup(ctx, sip.Cause{}))
	}
	call(a)
	a.code.Store(503)
	call(b)
	a.code.Store(486) // the callee is busy: that is no reason to try elsewhere
	d, err := h.srv.Dial(ctx, sip.DialSpec{Number: "1", From: "2", Offer: []byte(sdpA)})
	must(t, err)
	if f := next[sip.Failed](t, d); f.Code != 486 {
		t.Fatalf("%+v", f)
	}
	a.stop()
	call(b) // nobody answers at a: after a few repeats b is tried
}

func TestKeepaliveTakesASilentTrunkOut(t *testing.T) {
	ctx := patience(t)
	h := startHospital(t, func(c *sip.Config) { c.T1 = 10 * time.Millisecond })
	a := startCarrier(t, "127.0.0.1:0")
	must(t, h.srv.SetTrunks([]sip.Trunk{a.trunk("a", 1)}))
	eventually(t, "first answer", func() bool { s := h.srv.TrunkStatus()[0]; return s.Up && s.LastCode == 200 })
	listen := a.srv.Addr("udp").String()
	a.stop()
	eventually(t, "trunk down", func() bool { return !h.srv.TrunkStatus()[0].Up })
	if _, err := h.srv.Dial(ctx, sip.DialSpec{Number: "1"}); err == nil {
		t.Fatal("a call went out by a dead trunk")
	}
	startCarrier(t, listen)
	eventually(t, "trunk up again", func() bool { return h.srv.TrunkStatus()[0].Up })
}

// TestTrunkRegistersWithAProvider uses a second hospital as provider.
func TestTrunkRegistersWithAProvider(t *testing.T) {
	for _, transport := range []string{"UDP", "TCP"} {
		t.Run(transport, func(t *testing.T) {
			ctx := patience(t)
			provider, h := startHospital(t, nil), startHospital(t, nil)
			pa := provider.srv.Addr(map[string]string{"UDP": "udp", "TCP": "tcp"}[transport])
			must(t, h.srv.SetTrunks([]sip.Trunk{{
				ID: "p", Kind: sip.TrunkRegister, Host: "127.0.0.1", Port: int(pa.Port()), Transport: transport,
				Username: "8005", Password: "pw-8005", PeerIPs: []string{fmt.Sprint(provider.srv.Addr("udp"))},
			}}))
			eventually(t, "registered", func() bool { s := h.srv.TrunkStatus()[0]; return s.Up && s.Registered })
			eventually(t, "online at the provider", func() bool { return provider.isOnline("8005") })

			out, err := h.srv.Dial(ctx, sip.DialSpec{Number: "10086", From: "8005", Offer: []byte(sdpA)}) // challenged
			must(t, err)
			pd := provider.nextCall()
			if pd.From().User != "8005" || pd.To().User != "10086" {
				t.Fatalf("%v → %v", pd.From(), pd.To())
			}
			must(t, pd.Answer(ctx, []byte(sdpA)))
			next[sip.Answered](t, out)
			must(t, out.Hangup(ctx, sip.Cause{}))
			next[sip.Ended](t, pd)

			in, err := provider.srv.Dial(ctx, sip.DialSpec{Extension: "8005", From: "13800000000", Offer: []byte(sdpA)})
			must(t, err)
			d := h.nextCall()
			if d.Peer().Kind != sip.PeerTrunk {
				t.Fatalf("%+v", d.Peer())
			}
			must(t, d.Answer(ctx, []byte(sdpA)))
			next[sip.Answered](t, in)
			must(t, in.Hangup(ctx, sip.Cause{}))
			next[sip.Ended](t, d)
		})
	}
}

func TestTransferRequestsWork(t *testing.T) {
	ctx := patience(t)
	h := startHospital(t, nil)
	c, d := established(t, h, h.bank(nil).Phone("8001", "pw-8001", phone.WithoutMedia()))
	res := make(chan error, 1)
	go func() { res <- c.Dialog().Refer(ctx, "sip:8002@hospital") }()
	ev := next[sip.Refer](t, d)
	if ev.Target.User != "8002" {
		t.Fatalf("%+v", ev)
	}
	ev.Reply(202)
	must(t, <-res)
	must(t, d.Notify(ctx, 180, ""))
	must(t, d.Notify(ctx, 200, ""))
	must(t, d.Hangup(ctx, sip.Cause{}))
	must(t, c.WaitEnded(ctx))
}
