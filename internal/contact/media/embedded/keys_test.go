package embedded

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"heartline/internal/contact/media"
	"heartline/internal/contact/media/codec"
)

// press sends an RFC 4733 event: updates every 20 ms, then the end three times.
// ends is how many of those arrive.
func (p *peer) press(digit byte, ends int) {
	code, _ := keyCode(digit)
	p.mu.Lock()
	p.mute = true
	ts := p.ts
	p.mu.Unlock()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	send := func(end byte, duration uint16) {
		p.set(func(p *peer) {
			p.seq++
			payload := []byte{code, end | 10, 0, 0}
			binary.BigEndian.PutUint16(payload[2:], duration)
			p.sendLocked(rtpHeader{pt: 101, seq: p.seq, ts: ts, ssrc: p.ssrc}, payload)
		})
	}
	for i := range 5 {
		<-tick.C
		send(0, uint16(160*(i+1)))
	}
	for range ends {
		send(0x80, 960)
	}
	p.set(func(p *peer) { p.mute = false })
}

func TestKeysAreReportedOnceEvenIfTheirEndIsLost(t *testing.T) {
	c := testCall(t, testEngine(t, nil))
	a := newPeer(t, 8, 400).start()
	a.join(c, "a")
	var got []byte
	for i, d := range []byte("1#D0") {
		a.press(d, []int{3, 0, 1, 2}[i])
		ev := waitEvent[media.DTMF](t, c, nil)
		got = append(got, ev.Digit)
		if ev.Duration < 100*time.Millisecond || ev.Duration > 130*time.Millisecond || ev.InBand || ev.Leg != "a" {
			t.Errorf("%+v", ev)
		}
	}
	if string(got) != "1#D0" {
		t.Errorf("got %s", got)
	}
}

func TestKeyReceiverSurvivesDuplicatesAndReordering(t *testing.T) {
	var k keyReceiver
	var got []byte
	now := int64(0)
	feed := func(code, end byte, ts uint32, dur uint16) {
		now += 20e6
		if press, ok := k.packet([]byte{code, end, byte(dur >> 8), byte(dur)}, ts, now); ok {
			got = append(got, press.digit)
		}
	}
	feed(1, 0, 1000, 160)
	feed(1, 0x80, 1000, 320)
	feed(1, 0x80, 1000, 320)
	feed(2, 0, 5000, 160) // its end is lost
	feed(1, 0x80, 1000, 320)
	feed(3, 0, 9000, 160) // ends 2
	feed(3, 0, 9000, 320)
	feed(3, 0x80, 9000, 480)
	feed(2, 0x80, 5000, 480)
	feed(16, 0x80, 20000, 480) // flash hook is no key
	k.packet([]byte{4}, 30000, now)
	if string(got) != "123" {
		t.Errorf("got %q", got)
	}
}

// Keys reach the other party: as packets, through the mixer, and as a tone
// where there are no events.
func TestKeysPassThroughTheBridge(t *testing.T) {
	c := testCall(t, testEngine(t, nil))
	a, b, deaf := newPeer(t, 8, 400).start(), newPeer(t, 8, 0), newPeer(t, 8, 0)
	a.join(c, "a")
	b.join(c, "b")
	leg, err := c.AddRTPLeg(ctx, "deaf")
	check(t, err)
	deaf.offer(leg, []byte("v=0\r\no=x 1 1 IN IP4 127.0.0.1\r\nc=IN IP4 127.0.0.1\r\nm=audio "+
		portOf(deaf)+" RTP/AVP 8\r\n"))
	keysOf := func(p *peer) (out []byte) {
		var k keyReceiver
		p.mu.Lock()
		defer p.mu.Unlock()
		at := 0
		for _, h := range p.packets {
			if h.pt != 101 {
				continue
			}
			if press, ok := k.packet(p.events[at], h.ts, int64(at)*20e6); ok {
				out = append(out, press.digit)
			}
			at++
		}
		return out
	}
	check(t, c.Connect(ctx, []media.Route{{From: "a", To: "b"}}))
	b.hears(400)
	a.press('7', 3)
	eventually(t, "7 relayed", func() bool { return string(keysOf(b)) == "7" })

	check(t, c.Connect(ctx, []media.Route{{From: "a", To: "b"}, {From: "deaf", To: "b"}, {From: "a", To: "deaf"}}))
	a.press('8', 3)
	eventually(t, "8 through the mixer", func() bool { return string(keysOf(b)) == "78" })
	found := newToneDetector()
	eventually(t, "8 as a tone", func() bool {
		deaf.mu.Lock()
		defer deaf.mu.Unlock()
		press, ok := found.feed(deaf.heard)
		deaf.heard = nil
		return ok && press.digit == '8'
	})
}

func portOf(p *peer) string {
	_, port, _ := splitPort(p.addr().String())
	return port
}

func splitPort(s string) (host, port string, ok bool) {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] == ':' {
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}

func TestSentKeysAreWellFormedEvents(t *testing.T) {
	c := testCall(t, testEngine(t, nil))
	a := newPeer(t, 8, 400).start()
	leg := a.join(c, "a")
	check(t, leg.SendDTMF(ctx, "9,*"))
	a.fresh(6400)
	a.set(func(p *peer) {
		ends, markers := 0, 0
		at := 0
		for _, h := range p.packets {
			if h.pt != 101 {
				continue
			}
			ev := p.events[at]
			at++
			if h.marker {
				markers++
			}
			if ev[1]&0x80 != 0 {
				ends++
				if d := binary.BigEndian.Uint16(ev[2:]); d != keyOnFrames*frame {
					t.Errorf("duration %d", d)
				}
			}
		}
		if ends != 2*keyEndRepeats || markers != 2 {
			t.Errorf("%d ends, %d markers in %d events", ends, markers, at)
		}
	})
	for range 40 {
		if err := leg.SendDTMF(ctx, "11111"); err != nil {
			return
		}
	}
	t.Error("the queue of keys has no end")
}

func TestInBandKeysAreFoundAndSpeechIsNot(t *testing.T) {
	for _, digit := range []byte(media.DTMFKeys) {
		d := newToneDetector()
		tone, _ := media.DTMFTone(digit, 80*time.Millisecond)
		pcm := append(make([]int16, 333), tone.Clip().PCM...)
		a := make([]byte, len(pcm))
		codec.EncodeALaw(a, pcm)
		codec.DecodeALaw(pcm, a)
		if press, ok := d.feed(pcm); !ok || press.digit != digit {
			t.Errorf("%c: found %c %t", digit, press.digit, ok)
		}
	}
	// Voiced sound: harmonics of a gliding pitch with formants, and noise.
	d := newToneDetector()
	rng := rand.New(rand.NewPCG(1, 2))
	phase := 0.0
	for i := range 60 * 50 {
		pcm := make([]int16, frame)
		pitch := 110 + 90*math.Sin(float64(i)/17)
		for j := range pcm {
			phase += 2 * math.Pi * pitch / media.Rate
			v := rng.NormFloat64() * 0.05
			for h := 1.0; h < 15; h++ {
				v += math.Sin(h*phase) / (1 + math.Abs(h*pitch-700)/300)
			}
			pcm[j] = int16(5000 * v)
		}
		if press, ok := d.feed(pcm); ok {
			t.Fatalf("heard %c in speech at %d ms", press.digit, i*20)
		}
	}
}

func TestInBandKeysOfALegWithoutEvents(t *testing.T) {
	c := testCall(t, testEngine(t, nil))
	a := newPeer(t, 8, 400)
	leg, err := c.AddRTPLeg(ctx, "a")
	check(t, err)
	a.offer(leg, []byte("v=0\r\no=x 1 1 IN IP4 127.0.0.1\r\nc=IN IP4 127.0.0.1\r\nm=audio "+portOf(a)+" RTP/AVP 8\r\n"))
	tone, _ := media.DTMFTone('4', 100*time.Millisecond)
	payload := make([]byte, 800)
	codec.EncodeALaw(payload, tone.Clip().PCM)
	for i := range 5 {
		a.set(func(p *peer) {
			p.sendLocked(rtpHeader{pt: 8, seq: uint16(i), ts: uint32(i * frame), ssrc: 1}, payload[i*frame:(i+1)*frame])
		})
	}
	if ev := waitEvent[media.DTMF](t, c, nil); ev.Digit != '4' || !ev.InBand {
		t.Errorf("%+v", ev)
	}
}

func FuzzKeyReceiver(f *testing.F) {
	f.Add([]byte{1, 0x80, 1, 64, 9, 0, 0, 0, 7})
	f.Fuzz(func(t *testing.T, b []byte) {
		var k keyReceiver
		presses, now := 0, int64(0)
		for ; len(b) > 5; b = b[5:] {
			now += int64(b[4]) * 1e6
			if press, ok := k.packet(b[:4], uint32(b[4])<<8|uint32(b[5]), now); ok {
				presses++
				if _, known := keyCode(press.digit); !known {
					t.Fatalf("key %q", press.digit)
				}
			}
		}
		if limit := now/int64(keyMinGap) + 1; int64(presses) > limit {
			t.Fatalf("%d presses in %d ms", presses, now/1e6)
		}
	})
}
