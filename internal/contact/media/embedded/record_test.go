package embedded

import (
	"bytes"
	"cmp"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"heartline/internal/contact/media"
	"heartline/internal/contact/media/codec"
	"heartline/internal/contact/media/sdp"
)

// memorySink keeps a recording.
type memorySink struct {
	mu   sync.Mutex
	data []byte
	fail error
	gone bool
}

func (s *memorySink) WriteStereo(b []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone {
		panic("written after stop")
	}
	s.data = append(s.data, b...)
	return s.fail
}

// channels splits and expands what was recorded.
func (s *memorySink) channels() (l, r []int16) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := 0; i+1 < len(s.data); i += 2 {
		l = append(l, codec.ALawDecode(s.data[i]))
		r = append(r, codec.ALawDecode(s.data[i+1]))
	}
	return l, r
}

// A minute on a clock of its own: both sides send the number of the second as
// sound, late by up to 60 ms, reordered, with losses, one sender's clock 300 ppm
// fast, the flusher irregular. Every sample found must be in its second.
func TestRecordingPlacesEverySampleInItsSecond(t *testing.T) {
	const seconds = 60
	e := testEngine(t, nil)
	sink := &memorySink{}
	rec := newRecording(&leg{call: testCall(t, e).(*call)}, sink, 0)
	rng := rand.New(rand.NewPCG(3, 4))
	type arrival struct {
		at int64
		ch int
		ts uint32
	}
	var all []arrival
	for n := range int64(seconds * 50) {
		for ch, ppm := range []int64{0, 300} {
			sent := n * 20e6
			at := sent - sent/1e6*ppm + rng.Int64N(60e6)
			if rng.IntN(20) > 0 && at > 0 {
				all = append(all, arrival{at, ch, uint32(n*frame) + uint32(ch)<<31})
			}
		}
	}
	slices.SortFunc(all, func(a, b arrival) int { return cmp.Compare(a.at, b.at) })
	nextFlush := int64(0)
	for _, a := range all {
		if a.at > nextFlush {
			rec.flush(nil, a.at, false)
			nextFlush = a.at + 200e6 + rng.Int64N(400e6)
		}
		payload := bytes.Repeat([]byte{byte(1 + a.at/1e9)}, frame)
		rec.audio(a.ch, sdp.PCMA, payload, a.ts, uint32(a.ch), a.at)
	}
	rec.ended, rec.endAt = true, seconds*1e9
	rec.flush(nil, 0, true)
	if len(sink.data) != 2*seconds*media.Rate {
		t.Fatalf("%d bytes", len(sink.data))
	}
	for ch := range 2 {
		found := 0
		for i := ch; i < len(sink.data); i += 2 {
			if sink.data[i] == codec.ALawSilence {
				continue
			}
			found++
			off := float64(i/2)/media.Rate - float64(sink.data[i]-1) // 0..1 within the second
			if off < -0.1 || off > 1.1 {
				t.Fatalf("channel %d: second %d at %.3f s", ch, sink.data[i]-1, float64(i/2)/media.Rate)
			}
		}
		if share := float64(found) / (seconds * media.Rate); share < 0.92 || share > 0.99 {
			t.Errorf("channel %d: %.3f of the time has sound, 0.95 was sent", ch, share)
		}
	}
}

func TestRecordingHoldsBothSidesForTheRightTime(t *testing.T) {
	for _, pts := range [][2]uint8{{8, 8}, {0, 8}, {9, 9}} {
		c := testCall(t, testEngine(t, nil))
		a, b := newPeer(t, pts[0], 400).start(), newPeer(t, pts[1], 1000).start()
		a.join(c, "a")
		b.join(c, "b")
		check(t, c.Connect(ctx, media.Bridge("a", "b")))
		a.hears(1000)
		b.hears(400)
		sink := &memorySink{}
		start := time.Now()
		rec, err := c.Record(ctx, "a", sink)
		check(t, err)
		if _, err := c.Record(ctx, "a", sink); err == nil {
			t.Error("two recordings of one leg")
		}
		a.fresh(12000)
		length, err := rec.Stop(ctx)
		check(t, err)
		wall := time.Since(start)
		sink.mu.Lock()
		sink.gone = true
		sink.mu.Unlock()
		l, r := sink.channels()
		if recorded := time.Duration(len(l)) * time.Second / media.Rate; recorded != length || (wall-length).Abs() > 40*time.Millisecond {
			t.Errorf("wall %v, told %v, recorded %v", wall, length, recorded)
		}
		end := len(l) - 800 // the last packet may be still to come
		if !mostly(l[800:end], 400) || !mostly(r[800:end], 1000) {
			t.Error("a side is missing")
		}
		again, err := rec.Stop(ctx)
		if err != nil || again != length {
			t.Errorf("second stop: %v %v", again, err)
		}
	}
}

// The recording follows the leg: music, another partner, silence, a pause.
func TestRecordingIsWholeAcrossTransferHoldAndPause(t *testing.T) {
	c := testCall(t, testEngine(t, nil))
	a, b, d := newPeer(t, 8, 400).start(), newPeer(t, 8, 1000).start(), newPeer(t, 0, 1800).start()
	for id, p := range map[string]*peer{"a": a, "b": b, "d": d} {
		p.join(c, id)
	}
	sink := &memorySink{}
	rec, err := c.Record(ctx, "a", sink)
	check(t, err)
	start := time.Now()
	var marks []int
	mark := func() { marks = append(marks, int(time.Since(start)*media.Rate/time.Second)) }
	stage := func() { mark(); a.fresh(4000); mark() }

	check(t, c.Connect(ctx, media.Bridge("a", "b")))
	a.hears(1000)
	stage() // 0: first agent
	id, err := c.Play(ctx, "a", media.Play{Source: media.Sine(620, -15), Exclusive: true})
	check(t, err)
	a.hears(620)
	stage() // 1: hold
	check(t, c.Stop(ctx, "a", id))
	check(t, c.RemoveLeg(ctx, "b"))
	check(t, c.Connect(ctx, media.Bridge("a", "d")))
	a.hears(1800)
	stage() // 2: second agent
	check(t, rec.Pause(ctx))
	stage() // 3: paused
	check(t, rec.Resume(ctx))
	a.fresh(1600)
	stage() // 4: on again
	_, err = rec.Stop(ctx)
	check(t, err)

	l, r := sink.channels()
	for i, hz := range []float64{1000, 620, 1800, 0, 1800} {
		from, to := marks[2*i]+400, marks[2*i+1]-400
		caller := 400.0
		if hz == 0 {
			caller = 0 // paused
		}
		if !mostly(r[from:to], hz) || !mostly(l[from:to], caller) {
			t.Errorf("stage %d: wrong sound", i)
		}
	}
}

func TestBothChannelsStayAlignedWhenPacketsAreMissing(t *testing.T) {
	c := testCall(t, testEngine(t, nil))
	a, b := newPeer(t, 8, 400).start(), newPeer(t, 8, 1000).start()
	a.join(c, "a")
	b.join(c, "b")
	check(t, c.Connect(ctx, media.Bridge("a", "b")))
	a.hears(1000)
	sink := &memorySink{}
	rec, err := c.Record(ctx, "a", sink)
	check(t, err)
	start := time.Now()
	a.fresh(4000)
	gapFrom := time.Since(start)
	a.set(func(p *peer) { p.mute = true })
	a.fresh(4000)
	gapTo := time.Since(start)
	a.set(func(p *peer) { p.mute = false })
	a.fresh(4000)
	_, err = rec.Stop(ctx)
	check(t, err)
	l, r := sink.channels()
	samples := func(d time.Duration) int { return int(d * media.Rate / time.Second) }
	if !mostly(l[samples(gapFrom)+400:samples(gapTo)-400], 0) {
		t.Error("the gap holds sound")
	}
	if !mostly(l[samples(gapTo)+400:len(l)-800], 400) || !mostly(r[800:len(r)-800], 1000) {
		t.Error("a side is missing")
	}
}

func TestKeysAreSilentInTheRecording(t *testing.T) {
	c := testCall(t, testEngine(t, nil))
	a := newPeer(t, 8, 400).start()
	a.join(c, "a")
	sink := &memorySink{}
	rec, err := c.Record(ctx, "a", sink)
	check(t, err)
	waitEvent[media.MediaUp](t, c, nil)
	tone, _ := media.DTMFTone('5', 20*time.Millisecond)
	in := make([]byte, frame)
	codec.EncodeALaw(in, tone.Clip().PCM)
	// This phone sends the tone along with its events.
	for i := range 8 {
		a.set(func(p *peer) {
			ts := p.ts + 4000
			p.sendLocked(rtpHeader{pt: 101, seq: p.seq, ts: ts, ssrc: p.ssrc}, []byte{5, byte(i/7) << 7, byte((i + 1) * 160 >> 8), byte((i + 1) * 160)})
			p.sendLocked(rtpHeader{pt: 8, seq: p.seq, ts: ts + uint32(i*frame), ssrc: p.ssrc}, in)
		})
	}
	waitEvent[media.DTMF](t, c, nil)
	a.set(func(p *peer) { p.mute = true })
	a.fresh(1600)
	_, err = rec.Stop(ctx)
	check(t, err)
	l, _ := sink.channels()
	for i := 0; i+frame <= len(l); i += frame / 2 {
		if share, db := tonePower(l[i:i+frame], 770); share > 0.3 && db > -40 {
			t.Errorf("key audible at %d ms (%.0f dB)", i/8, db)
		}
	}
}

func TestFailingSinkEndsTheRecordingNotTheCall(t *testing.T) {
	c := testCall(t, testEngine(t, nil))
	a, b := newPeer(t, 8, 400).start(), newPeer(t, 8, 1000).start()
	a.join(c, "a")
	b.join(c, "b")
	check(t, c.Connect(ctx, media.Bridge("a", "b")))
	full := errors.New("disk full")
	rec, err := c.Record(ctx, "a", &memorySink{fail: full})
	check(t, err)
	if ev := waitEvent[media.RecFailed](t, c, nil); !errors.Is(ev.Err, full) || ev.Leg != "a" {
		t.Errorf("%+v", ev)
	}
	a.hears(1000)
	_, err = rec.Stop(ctx)
	check(t, err)
	_, err = c.Record(ctx, "a", &memorySink{})
	check(t, err) // a new one may start
}

func TestJitterBufferReordersConcealsAndCatchesUp(t *testing.T) {
	j := newJitterBuffer()
	frames := func(v int16) []int16 {
		f := make([]int16, frame)
		for i := range f {
			f[i] = v
		}
		return f
	}
	var out [frame]int16
	if j.pull(&out) {
		t.Fatal("sound from nothing")
	}
	base := uint32(math.MaxUint32 - 2*frame)
	for _, n := range []uint32{0, 2, 1} {
		j.push(base+n*frame, frames(int16(100*(n+1))))
	}
	for want := int16(100); want <= 300; want += 100 {
		if !j.pull(&out) || out[0] != want {
			t.Fatalf("got %d, want %d", out[0], want)
		}
	}
	if j.pull(&out) || out[0] != 150 {
		t.Errorf("concealment %d", out[0])
	}
	for range 5 {
		j.pull(&out)
	}
	if out[0] != 0 {
		t.Errorf("endless concealment %d", out[0])
	}
	// A burst that stays: the delay comes down again, a frame a second.
	ts := base + 1000*frame
	for n := range uint32(12) {
		j.push(ts+n*frame, frames(1))
	}
	ts += 12 * frame
	for range 50 * 12 {
		j.pull(&out)
		j.push(ts, frames(1))
		ts += frame
	}
	if fill := int(int32(j.end - j.read)); fill > j.target+2*frame {
		t.Errorf("%d ms buffered", fill/8)
	}
	j.push(ts+1<<20, make([]int16, frame)) // the clock was set
	j.push(ts+1<<20+frame, make([]int16, frame))
	j.push(ts+1<<20+2*frame, make([]int16, frame))
	if !j.pull(&out) {
		t.Error("not flowing after a jump")
	}
}

// Also those of a phone that could send events and does not (T10): its keys are
// not understood, but nobody reads them out of the recording.
func TestInBandKeysAreSilentInTheRecording(t *testing.T) {
	for name, format := range map[string]string{
		"without events": "RTP/AVP 8\r\n",
		"with events":    "RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n",
	} {
		t.Run(name, func(t *testing.T) { inBandKeySilent(t, format, name == "without events") })
	}
}

func inBandKeySilent(t *testing.T, format string, understood bool) {
	c := testCall(t, testEngine(t, nil))
	a := newPeer(t, 8, 400)
	leg, err := c.AddRTPLeg(ctx, "a")
	check(t, err)
	a.offer(leg, []byte("v=0\r\no=x 1 1 IN IP4 127.0.0.1\r\nc=IN IP4 127.0.0.1\r\nm=audio "+portOf(a)+" "+format))
	sink := &memorySink{}
	rec, err := c.Record(ctx, "a", sink)
	check(t, err)
	tone, _ := media.DTMFTone('5', 120*time.Millisecond)
	payload := make([]byte, 960)
	codec.EncodeALaw(payload, tone.Clip().PCM)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for i := range 6 {
		<-tick.C
		a.set(func(p *peer) {
			p.sendLocked(rtpHeader{pt: 8, seq: uint16(i), ts: uint32(i * frame), ssrc: 1}, payload[i*frame:(i+1)*frame])
		})
	}
	if understood {
		waitEvent[media.DTMF](t, c, nil)
	}
	a.start()
	a.fresh(4800)
	_, err = rec.Stop(ctx)
	check(t, err)
	l, _ := sink.channels()
	for i := 0; i+frame <= len(l); i += frame / 2 {
		if share, db := tonePower(l[i:i+frame], 770); share > 0.3 && db > -40 {
			t.Errorf("key audible at %d ms (%.0f dB)", i/8, db)
		}
	}
	if !mostly(l[len(l)-3200:len(l)-800], 400) {
		t.Error("the voice afterwards is gone")
	}
	select {
	case ev := <-c.Events():
		if press, ok := ev.(media.DTMF); ok {
			t.Errorf("heard %+v", press)
		}
	default:
	}
}
