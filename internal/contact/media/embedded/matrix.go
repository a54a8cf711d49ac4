package embedded

import (
	"slices"

	"heartline/internal/contact/media"
	"heartline/internal/contact/media/sdp"
)

// rebuild derives from routes, plays and keys how each leg gets its sound: a
// leg with one source and nothing else is relayed directly, the rest is paced.
// Caller holds mu.
func (c *call) rebuild() {
	out := make(map[*leg]*routing, len(c.order))
	mixed := make(map[*leg]bool, len(c.order))
	ticking := false
	for _, l := range c.order {
		l.sources = l.sources[:0]
		for _, r := range c.routes {
			if from := c.legs[r.From]; r.To == l.id && from != nil {
				l.sources = append(l.sources, mixSource{from, fixedGain(r.Gain)})
			}
		}
		l.paced = c.needsPacer(l)
		ticking = ticking || l.paced
		if l.ep == nil {
			continue
		}
		for _, s := range l.sources {
			if !l.paced {
				addDirect(out, s, l)
			} else if !l.exclusive() {
				mixed[s.leg] = true
			}
		}
	}
	for _, l := range c.order {
		l.others = len(mixed) >= 4 && mixed[l] && len(l.sources) == len(mixed)-1 &&
			!slices.ContainsFunc(l.sources, func(s mixSource) bool { return !mixed[s.leg] || s.gain != unity })
		if l.ep != nil {
			l.ep.mixing(mixed[l])
		}
		l.mixed = l.frameFor(mixed[l])
		l.routing.Store(out[l])
	}
	c.tickWhen(ticking)
}

// frameFor keeps a mixing frame only for legs that are mixed.
func (l *leg) frameFor(mixed bool) *[frame]int16 {
	if !mixed {
		return nil
	}
	if l.mixed != nil {
		return l.mixed
	}
	return new([frame]int16)
}

func addDirect(out map[*leg]*routing, s mixSource, to *leg) {
	r := out[s.leg]
	if r == nil {
		r = &routing{}
		out[s.leg] = r
	}
	r.direct = append(r.direct, direct{leg: to, ep: to.ep, gain: s.gain})
	r.pcm = r.pcm || s.gain != unity || needsSamples(s.leg, to)
}

// needsSamples reports that a relay between two codecs goes over samples:
// G.722 does, the two G.711 laws have a table.
func needsSamples(from, to *leg) bool {
	if to.ep.tx.codec() == sdp.G722 {
		return from.ep == nil || !from.ep.rx.only(sdp.G722)
	}
	return from.ep != nil && from.ep.rx.speaks(sdp.G722)
}

func (l *leg) exclusive() bool {
	return slices.ContainsFunc(l.plays, func(p *player) bool { return p.exclusive })
}

// needsPacer: anything but a single relayed source. Caller holds mu.
func (c *call) needsPacer(l *leg) bool {
	if len(l.plays) > 0 {
		return true
	}
	if l.ep == nil {
		return false
	}
	open, _, keys := l.ep.tx.state()
	return keys || open && len(l.sources) != 1
}

// passKey sends a key to the legs that hear l through the mixer, or that have
// no event packets; relayed legs get the packets themselves. It is called with
// the receiver's lock held, so the work is left to the pacer.
func (c *call) passKey(l *leg, digit byte) {
	c.eng.later(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, to := range c.order {
			heard := slices.ContainsFunc(to.sources, func(s mixSource) bool { return s.leg == l })
			if heard && to.ep != nil && (to.paced || !to.ep.tx.hasEvents()) {
				to.ep.tx.send(string(digit))
			}
		}
		c.rebuild()
	})
}

// tick sends one frame to every paced leg. It runs on the call's pacer.
func (c *call) tick(tick uint32, now int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ticking {
		return
	}
	for _, l := range c.order {
		if l.mixed != nil && l.ep != nil {
			l.ep.pull(l.mixed)
		} else if l.mixed != nil {
			clear(l.mixed[:])
		}
	}
	changed := false
	c.shard.mix.totalled = false
	for _, l := range c.order {
		if l.paced && c.tickLeg(l, tick, now) {
			changed = true
		}
	}
	for _, ev := range c.finished {
		c.emit(ev)
	}
	c.finished = c.finished[:0]
	if changed {
		c.rebuild()
	}
}

// tickLeg composes and sends one leg's frame; true means that a play or the
// keys have ended.
func (c *call) tickLeg(l *leg, tick uint32, now int64) (changed bool) {
	if l.ep == nil {
		return c.skipPlays(l)
	}
	open, ever, keys := l.ep.tx.state()
	if !ever && l.rtp != nil {
		return false // plays wait for the first negotiation
	}
	if !open && !keys {
		return c.skipPlays(l)
	}
	pcm, done := c.compose(l)
	stillKeys := l.ep.tx.frame(pcm, tick, now, l.rec.Load())
	return done || keys && !stillKeys
}

// compose mixes plays and sources; nil is silence.
func (c *call) compose(l *leg) (pcm []int16, done bool) {
	m := &c.shard.mix
	exclusive := l.exclusive()
	if len(l.plays) == 1 && l.plays[0].gain == unity && (exclusive || len(l.sources) == 0) {
		part, done := l.plays[0].next(&m.play)
		c.retire(l, done)
		return part[:], done
	}
	if len(l.plays) == 0 && len(l.sources) == 0 {
		return nil, false
	}
	if !exclusive && l.others {
		minusFrame(&m.sum, c.everybody(), l.mixed)
	} else {
		clear(m.sum[:])
	}
	for _, p := range l.plays {
		part, end := p.next(&m.play)
		addFrame(&m.sum, part, p.gain)
		done = done || end
	}
	c.retire(l, done)
	if !exclusive && !l.others {
		for _, s := range l.sources {
			if s.leg.mixed != nil {
				addFrame(&m.sum, s.leg.mixed, s.gain)
			}
		}
	}
	clip(&m.out, &m.sum)
	return m.out[:], done
}

// everybody is the sum of all mixed legs, made once a tick: in a conference
// each leg then hears it without itself.
func (c *call) everybody() *[frame]int32 {
	m := &c.shard.mix
	if !m.totalled {
		m.totalled = true
		clear(m.total[:])
		for _, l := range c.order {
			if l.mixed != nil {
				addFrame(&m.total, l.mixed, unity)
			}
		}
	}
	return &m.total
}

// skipPlays lets time pass for a leg that cannot hear now.
func (c *call) skipPlays(l *leg) (done bool) {
	for _, p := range l.plays {
		_, end := p.next(&c.shard.mix.play)
		done = done || end
	}
	c.retire(l, done)
	return done
}

// retire removes plays that came to their end.
func (c *call) retire(l *leg, done bool) {
	if !done {
		return
	}
	l.plays = slices.DeleteFunc(l.plays, func(p *player) bool {
		over := p.part == len(p.parts)
		if over {
			c.finished = append(c.finished, media.PlayDone{Leg: l.id, Play: p.id})
		}
		return over
	})
}
