package embedded

import (
	"slices"
	"sync"
	"time"

	"heartline/internal/contact/media"
)

// sounds keeps generated sound, so that a hundred waiting callers share one
// copy. Only the few tones with a name are kept; others are made each time.
type sounds struct {
	once sync.Once
	hold media.Clip

	mu    sync.Mutex
	tones map[string]kept
}

type kept struct {
	tone media.Tone
	clip media.Clip
}

const maxKeptTones = 16

func (s *sounds) music() media.Clip {
	s.once.Do(func() { s.hold = media.HoldMusic() })
	return s.hold
}

func (s *sounds) tone(t media.Tone) media.Clip {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k, ok := s.tones[t.Name]; ok && sameTone(k.tone, t) {
		return k.clip
	}
	c := t.Clip()
	if _, ok := s.tones[t.Name]; !ok && len(s.tones) < maxKeptTones {
		if s.tones == nil {
			s.tones = make(map[string]kept)
		}
		t.Freqs, t.Cadence = slices.Clone(t.Freqs), slices.Clone[[]time.Duration](t.Cadence)
		s.tones[t.Name] = kept{t, c}
	}
	return c
}

func sameTone(a, b media.Tone) bool {
	return a.LevelDB == b.LevelDB && a.Once == b.Once && slices.Equal(a.Freqs, b.Freqs) && slices.Equal(a.Cadence, b.Cadence)
}
