package embedded

import (
	"context"
	"errors"
	"testing"
	"time"

	"heartline/internal/contact/media"
	"heartline/internal/contact/media/sdp"
	"heartline/internal/platform/errs"
)

// hearsExactly waits until the tones of the list are heard and the others not.
func (p *peer) hearsExactly(all []float64, want ...float64) {
	p.t.Helper()
	eventually(p.t, "the right voices", func() bool {
		for _, hz := range all {
			share, db := p.power(hz, 1600)
			wanted := false
			for _, w := range want {
				wanted = wanted || w == hz
			}
			if wanted && (share < 0.6/float64(len(want)) || db < -40) || !wanted && db > -60 && share > 0.01 {
				return false
			}
		}
		return true
	})
}

func TestThreeInAConferenceHearTheOthersAndNotThemselves(t *testing.T) {
	c := testCall(t, testEngine(t, nil))
	tones := []float64{400, 1000, 1800}
	pts := []uint8{8, 0, 9}
	var peers []*peer
	for i, hz := range tones {
		p := newPeer(t, pts[i], hz).start()
		p.join(c, string(rune('a'+i)))
		peers = append(peers, p)
	}
	check(t, c.Connect(ctx, media.Conference("a", "b", "c")))
	peers[0].hearsExactly(tones, 1000, 1800)
	peers[1].hearsExactly(tones, 400, 1800)
	peers[2].hearsExactly(tones, 400, 1000)
}

func TestSupervisorListensWhispersAndBargesIn(t *testing.T) {
	c := testCall(t, testEngine(t, nil))
	tones := []float64{400, 1000, 1800}
	caller, agent, boss := newPeer(t, 8, 400).start(), newPeer(t, 8, 1000).start(), newPeer(t, 8, 1800).start()
	caller.join(c, "caller")
	agent.join(c, "agent")
	boss.join(c, "boss")
	listen := append(media.Bridge("caller", "agent"), media.Route{From: "caller", To: "boss"}, media.Route{From: "agent", To: "boss"})

	check(t, c.Connect(ctx, listen))
	boss.hearsExactly(tones, 400, 1000)
	caller.hearsExactly(tones, 1000)
	agent.hearsExactly(tones, 400)

	check(t, c.Connect(ctx, append(listen, media.Route{From: "boss", To: "agent"})))
	agent.hearsExactly(tones, 400, 1800)
	caller.hearsExactly(tones, 1000)

	check(t, c.Connect(ctx, media.Conference("caller", "agent", "boss")))
	caller.hearsExactly(tones, 1000, 1800)

	check(t, c.Connect(ctx, media.Bridge("caller", "agent")))
	caller.hearsExactly(tones, 1000)
	boss.hearsExactly(tones)
}

func TestGainIsApplied(t *testing.T) {
	c := testCall(t, testEngine(t, nil))
	a, b := newPeer(t, 8, 400).start(), newPeer(t, 8, 1000)
	a.join(c, "a")
	b.join(c, "b")
	check(t, c.Connect(ctx, []media.Route{{From: "a", To: "b", Gain: 0.1}}))
	eventually(t, "20 dB less", func() bool {
		share, db := b.power(400, 800) // the peer sends at -15.3 dBFS
		return share > 0.9 && db > -37 && db < -34
	})
}

func TestClipsPlayInOrderAndReportTheirEnd(t *testing.T) {
	c := testCall(t, testEngine(t, nil))
	a := newPeer(t, 8, 400)
	leg, err := c.AddRTPLeg(ctx, "a")
	check(t, err)
	short := func(hz float64) media.Clip { return media.Clip{PCM: media.Sine(hz, -10).Clip().PCM[:1200]} }
	// Started before the answer: it waits for the caller to be able to hear it.
	id, err := c.Play(ctx, "a", media.Play{Source: media.Clips{short(500), short(900)}, Exclusive: true})
	check(t, err)
	a.offer(leg, a.sdp(""))
	done := waitEvent[media.PlayDone](t, c, nil)
	if done.Play != id || done.Leg != "a" {
		t.Errorf("%+v", done)
	}
	eventually(t, "the whole of it", func() bool { a.mu.Lock(); defer a.mu.Unlock(); return len(a.heard) >= 2400 })
	a.set(func(p *peer) {
		for i, hz := range []float64{500, 900} {
			if share, _ := tonePower(p.heard[1200*i:1200*i+1200], hz); share < 0.98 {
				t.Errorf("clip %d: %.2f", i, share)
			}
		}
	})
	_, err = c.Play(ctx, "a", media.Play{Source: media.RingbackCN()})
	check(t, err)
	a.hears(450)
}

// Whatever the peer hears, it sees one stream without a hole.
func TestStreamStaysContinuousAcrossSources(t *testing.T) {
	c := testCall(t, testEngine(t, nil))
	a, b, d := newPeer(t, 8, 400).start(), newPeer(t, 8, 1000).start(), newPeer(t, 0, 1800).start()
	legA := a.join(c, "a")
	b.join(c, "b")
	d.join(c, "d")
	for _, step := range []func(){
		func() { check(t, c.Connect(ctx, media.Bridge("a", "b"))); a.hears(1000) },
		func() { check(t, c.Connect(ctx, media.Bridge("a", "d"))); a.hears(1800) },
		func() { check(t, legA.SendDTMF(ctx, "5")); a.fresh(2400) },
		func() { check(t, c.Connect(ctx, media.Conference("a", "b", "d"))); a.fresh(800) },
		func() { check(t, c.Connect(ctx, nil)); a.fresh(800) },
		func() { check(t, c.Connect(ctx, media.Bridge("a", "b"))); a.hears(1000) },
	} {
		step()
	}
	a.set(func(p *peer) {
		for i := 1; i < len(p.packets); i++ {
			was, is := p.packets[i-1], p.packets[i]
			if is.ssrc != was.ssrc || is.seq != was.seq+1 {
				t.Fatalf("packet %d: ssrc %x→%x seq %d→%d", i, was.ssrc, is.ssrc, was.seq, is.seq)
			}
			if step := int32(is.ts - was.ts); step < -960 || step > 2*media.Rate {
				t.Errorf("packet %d: timestamp step %d", i, step)
			}
		}
	})
}

func TestPortsAreEvenPairsAndRunOut(t *testing.T) {
	e := testEngine(t, func(c *Config) { c.PortMin++; c.PortMax = c.PortMin + 4 })
	c := testCall(t, e)
	for _, id := range []string{"a", "b"} {
		leg, err := c.AddRTPLeg(ctx, id)
		check(t, err)
		if leg.(*rtpLeg).port%2 != 0 {
			t.Errorf("odd port %d", leg.(*rtpLeg).port)
		}
	}
	if _, err := c.AddRTPLeg(ctx, "c"); !errs.Is(err, errs.Unavailable) {
		t.Errorf("third leg: %v", err)
	}
	if e.Health(ctx) == nil {
		t.Error("healthy without ports")
	}
	check(t, c.RemoveLeg(ctx, "a"))
	if _, err := c.AddRTPLeg(ctx, "c"); err != nil || e.Health(ctx) == nil {
		t.Errorf("after a leg went: %v, health %v", err, e.Health(ctx))
	}
	check(t, c.Close(ctx))
	check(t, e.Health(ctx))
}

func TestMisuseIsRefused(t *testing.T) {
	e := testEngine(t, nil)
	c := testCall(t, e)
	leg, err := c.AddRTPLeg(ctx, "a")
	check(t, err)
	_, twice := c.AddRTPLeg(ctx, "a")
	_, noSource := c.Play(ctx, "a", media.Play{})
	_, emptyLoop := c.Play(ctx, "a", media.Play{Source: media.Clips{}, Loop: true})
	_, nobody := c.Play(ctx, "x", media.Play{Source: media.Music{}})
	_, offer := leg.Accept(ctx, []byte("v=0\r\no=x\r\n"))
	var refusal *sdp.NotAcceptable
	if !errors.As(offer, &refusal) {
		t.Errorf("offer without audio: %v", offer)
	}
	for name, got := range map[string]struct {
		err  error
		kind errs.Kind
	}{
		"leg twice":  {twice, errs.Conflict},
		"no source":  {noSource, errs.Invalid},
		"empty loop": {emptyLoop, errs.Invalid},
		"no leg":     {nobody, errs.NotFound},
		"to itself":  {c.Connect(ctx, []media.Route{{From: "a", To: "a"}}), errs.Invalid},
		"route":      {c.Connect(ctx, media.Bridge("a", "b")), errs.NotFound},
		"key":        {leg.SendDTMF(ctx, "1x"), errs.Invalid},
		"complete":   {leg.Complete(ctx, nil), errs.Conflict},
	} {
		if !errs.Is(got.err, got.kind) {
			t.Errorf("%s: %v", name, got.err)
		}
	}
	check(t, c.Close(ctx))
	check(t, c.Close(ctx))
	if _, err := c.AddRTPLeg(ctx, "z"); !errs.Is(err, errs.Conflict) {
		t.Errorf("leg of a closed call: %v", err)
	}
	if _, open := <-c.Events(); open {
		t.Error("events still open")
	}
}

func TestOfferAnswerHoldAndVersion(t *testing.T) {
	c := testCall(t, testEngine(t, nil))
	a, b := newPeer(t, 8, 400).start(), newPeer(t, 8, 1000).start()
	a.join(c, "a")
	legB, err := c.AddRTPLeg(ctx, "b")
	check(t, err)
	offer, err := legB.Offer(ctx)
	check(t, err)
	again, err := legB.Offer(ctx)
	check(t, err)
	if string(offer) != string(again) {
		t.Error("an unchanged offer got a new version")
	}
	b.offer(legB, b.sdp("")) // also learns where to send
	_, err = legB.Offer(ctx)
	check(t, err)
	check(t, legB.Complete(ctx, b.sdp("")))
	check(t, c.Connect(ctx, media.Bridge("a", "b")))
	a.hears(1000)
	b.hears(400)

	b.offer(legB, b.sdp("a=sendonly\r\n"))
	if !legB.RemoteHeld() {
		t.Error("hold not noticed")
	}
	b.set(func(p *peer) { p.heard = nil })
	a.fresh(1600)
	b.set(func(p *peer) {
		if len(p.heard) > 320 {
			t.Errorf("held peer was sent %d samples", len(p.heard))
		}
	})
	b.offer(legB, b.sdp(""))
	b.fresh(800)
	b.hears(400)
}

func TestMediaLostAndBack(t *testing.T) {
	e := testEngine(t, func(c *Config) { c.MediaTimeout = 300 * time.Millisecond })
	c := testCall(t, e)
	a := newPeer(t, 8, 400).start()
	leg := a.join(c, "a")
	waitEvent(t, c, func(u media.MediaUp) bool { return u.Leg == "a" })
	a.set(func(p *peer) { p.mute = true })
	waitEvent(t, c, func(u media.MediaLost) bool { return u.Leg == "a" })
	a.set(func(p *peer) { p.mute = false })
	waitEvent(t, c, func(u media.MediaBack) bool { return u.Leg == "a" })
	if q := leg.Quality(); q.Packets == 0 || q.Lost == 0 {
		t.Errorf("the numbers that were not sent count as lost: %+v", q)
	}
}

func TestEngineCloseEndsEverything(t *testing.T) {
	e := testEngine(t, nil)
	c := testCall(t, e)
	newPeer(t, 8, 400).start().join(c, "a")
	check(t, e.Close(context.Background()))
	if _, err := e.NewCall(ctx, "x"); !errs.Is(err, errs.Unavailable) {
		t.Errorf("call on a closed engine: %v", err)
	}
}
