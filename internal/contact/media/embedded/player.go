package embedded

import (
	"heartline/internal/contact/media"
	"heartline/internal/platform/errs"
)

// player walks through the samples of a play.
type player struct {
	id        string
	parts     [][]int16
	part, off int
	loop      bool
	exclusive bool
	gain      int32
}

func (e *Engine) newPlayer(id string, p media.Play) (*player, error) {
	pl := &player{id: id, loop: p.Loop, exclusive: p.Exclusive, gain: fixedGain(p.Gain)}
	total := 0
	switch s := p.Source.(type) {
	case media.Clips:
		for _, c := range s {
			if len(c.PCM) > 0 {
				pl.parts = append(pl.parts, c.PCM)
				total += len(c.PCM)
			}
		}
	case media.Tone:
		pl.parts = [][]int16{e.sounds.tone(s).PCM}
		pl.loop = pl.loop || s.Repeats()
		total = len(pl.parts[0])
	case media.Music:
		pl.parts = [][]int16{e.sounds.music().PCM}
		pl.loop, total = true, len(pl.parts[0])
	default:
		return nil, errs.New(errs.Invalid, "media.play_without_source")
	}
	if pl.loop && total == 0 {
		return nil, errs.New(errs.Invalid, "media.play_empty")
	}
	return pl, nil
}

// next gives the next frame: a piece of the clip itself where possible, else
// composed in buf. A short last frame ends in silence.
func (p *player) next(buf *[frame]int16) (pcm *[frame]int16, done bool) {
	if p.part < len(p.parts) {
		if cur := p.parts[p.part]; len(cur)-p.off >= frame {
			pcm = (*[frame]int16)(cur[p.off:])
			p.advance(frame)
			return pcm, p.part == len(p.parts)
		}
	}
	n := 0
	for n < frame && p.part < len(p.parts) {
		c := copy(buf[n:], p.parts[p.part][p.off:])
		n += c
		p.advance(c)
	}
	clear(buf[n:])
	return buf, p.part == len(p.parts)
}

func (p *player) advance(n int) {
	p.off += n
	if p.off < len(p.parts[p.part]) {
		return
	}
	p.part, p.off = p.part+1, 0
	if p.part == len(p.parts) && p.loop {
		p.part = 0
	}
}
