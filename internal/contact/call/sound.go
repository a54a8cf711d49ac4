package call

import (
	"slices"
	"strings"

	"heartline/internal/contact/journal"
	"heartline/internal/contact/media"
	"heartline/internal/platform/alarm"
)

const defaultLanguage = "zh-CN"

// scene is the call as the plan sees it.
func (c *call) scene() scene {
	s := scene{backdrop: c.backdrop}
	for _, l := range c.legs {
		if l.sound == nil {
			continue
		}
		s.parties = append(s.parties, party{
			leg: l.id, role: l.role, up: (l.state == legUp || l.progress) && !l.lost, early: l.early && l.state == legRinging,
			away: l.away, muted: l.muted, mode: l.mode,
		})
	}
	return s
}

// remix makes the media engine do what the plan of the moment says.
func (c *call) remix() {
	p := makePlan(c.scene())
	if c.routes == nil || !slices.Equal(p.routes, c.routes) {
		routes := make([]media.Route, len(p.routes))
		for i, r := range p.routes {
			routes[i] = media.Route{From: r.from, To: r.to}
		}
		ctx, cancel := c.op()
		defer cancel()
		if err := c.sound.Connect(ctx, routes); err != nil {
			c.log().Error("connect sound", "error", err)
			return
		}
		c.routes = append([]route{}, p.routes...)
	}
	for _, l := range c.legs {
		want := p.ambience[l.id]
		if l.saying != "" {
			want = silence // words first, music afterwards
		}
		if l.sound != nil && want != l.ambience {
			c.surround(l, want)
		}
	}
}

// surround changes what a lonely leg hears.
func (c *call) surround(l *leg, a ambience) {
	ctx, cancel := c.op()
	defer cancel()
	if l.play != "" {
		if err := c.sound.Stop(ctx, l.id, l.play); err != nil {
			c.log().Warn("stop play", "leg", l.id, "error", err)
		}
	}
	l.play, l.ambience = "", a
	if a == silence {
		return
	}
	id, err := c.sound.Play(ctx, l.id, media.Play{Source: c.ambienceSource(a), Loop: true})
	if err != nil {
		c.log().Warn("play", "leg", l.id, "error", err)
		return
	}
	l.play = id
}

func (c *call) ambienceSource(a ambience) media.Source {
	switch a {
	case ringback:
		return media.RingbackCN()
	case comfort:
		return media.Comfort()
	}
	if c.visit != nil && c.visit.music != "" {
		if clip, ok := c.svc.deps.Prompts.Clip(c.visit.music, c.lang); ok {
			return media.Clips{clip}
		}
		c.missing(c.visit.music)
	}
	return media.Music{}
}

// say plays prompts to a leg instead of what it hears otherwise, then goes on
// with done. What it was being told before is cut off.
func (c *call) say(l *leg, prompts []string, done func()) {
	c.hush(l)
	c.surround(l, silence)
	clips := make(media.Clips, 0, len(prompts))
	for _, key := range prompts {
		clips = append(clips, c.clips(key)...)
	}
	ctx, cancel := c.op()
	defer cancel()
	id, err := c.sound.Play(ctx, l.id, media.Play{Source: clips, Exclusive: true})
	if err != nil {
		c.log().Error("play prompts", "leg", l.id, "error", err)
		if done != nil {
			c.post(func() {
				if !c.over {
					done()
				}
			})
		}
		return
	}
	l.saying, l.said = id, done
	c.touch()
}

// clips finds the sound of a prompt, or of what is said instead where the
// key names that (see ivr.Words); a tone where there is neither.
func (c *call) clips(key string) media.Clips {
	key, instead, more := strings.Cut(key, "|")
	if clip, ok := c.svc.deps.Prompts.Clip(key, c.lang); ok {
		return media.Clips{clip}
	}
	c.missing(key)
	if !more {
		return media.Clips{media.Beep().Clip()}
	}
	var out media.Clips
	for _, k := range strings.Split(instead, "+") {
		out = append(out, c.clips(k)...)
	}
	return out
}

// hush stops what a leg is being told; what should follow does not.
func (c *call) hush(l *leg) {
	if l == nil || l.saying == "" {
		return
	}
	ctx, cancel := c.op()
	defer cancel()
	if err := c.sound.Stop(ctx, l.id, l.saying); err != nil {
		c.log().Warn("stop prompt", "leg", l.id, "error", err)
	}
	l.saying, l.said = "", nil
	c.touch()
}

// missing tells the operators that a prompt has no sound.
func (c *call) missing(key string) {
	c.svc.alarms.Raise(alarm.Warning, "alarm.prompt_missing", key, map[string]any{"prompt": key, "language": c.lang})
}

// heard handles an event of the call's sound.
func (c *call) heard(ev media.Event) {
	if c.over {
		return
	}
	switch e := ev.(type) {
	case media.PlayDone:
		if l := c.leg(e.Leg); l != nil && l.saying == e.Play {
			done := l.said
			l.saying, l.said = "", nil
			c.touch()
			if done != nil {
				done()
			}
		}
	case media.DTMF:
		if l := c.leg(e.Leg); l != nil {
			c.pressed(l, e.Digit)
		}
	case media.MediaUp:
		if l := c.leg(e.Leg); l != nil {
			c.note(l.user, journal.MediaUp{Leg: l.id})
		}
	case media.MediaLost:
		if l := c.leg(e.Leg); l != nil {
			c.note(l.user, journal.MediaLost{Leg: l.id})
			c.soundLost(l)
		}
	case media.MediaBack:
		if l := c.leg(e.Leg); l != nil {
			c.note(l.user, journal.MediaUp{Leg: l.id})
			c.soundBack(l)
		}
	case media.RecFailed:
		c.recordingFailed(e.Err)
	}
}

// pressed handles a key: the menu takes it, or it is only counted. Passing it
// on to the other party is the media engine's work.
func (c *call) pressed(l *leg, digit byte) {
	if c.menu != nil && l == c.caller && c.stage == StageIVR {
		c.key(digit)
		return
	}
	c.note(l.user, journal.DTMFReceived{Leg: l.id, Count: 1})
}
