package embedded

import (
	"errors"
	"math"
	"sync"
	"testing"
	"time"

	"heartline/internal/contact/media"
	"heartline/internal/contact/media/codec"
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

func level(pcm []int16) float64 {
	_, db := tonePower(pcm, 1000)
	return db
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
		if share, _ := tonePower(l[800:end], 400); share < 0.95 {
			t.Errorf("left: %.3f", share)
		}
		if share, _ := tonePower(r[800:end], 1000); share < 0.95 {
			t.Errorf("right: %.3f", share)
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
		if hz == 0 {
			if level(l[from:to]) > -60 || level(r[from:to]) > -60 {
				t.Errorf("stage %d: recorded while paused", i)
			}
			continue
		}
		if share, _ := tonePower(r[from:to], hz); share < 0.95 {
			t.Errorf("stage %d: %.2f of %v Hz", i, share, hz)
		}
		if share, _ := tonePower(l[from:to], 400); share < 0.95 {
			t.Errorf("stage %d: caller %.2f", i, share)
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
	if db := level(l[samples(gapFrom)+400 : samples(gapTo)-400]); db > -60 {
		t.Errorf("gap holds sound: %.0f dB", db)
	}
	if share, _ := tonePower(l[samples(gapTo)+400:len(l)-800], 400); share < 0.95 {
		t.Errorf("after the gap: %.2f", share)
	}
	if share, _ := tonePower(r[800:len(r)-800], 1000); share < 0.95 {
		t.Errorf("the other side: %.2f", share)
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
