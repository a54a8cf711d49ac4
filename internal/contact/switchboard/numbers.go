package switchboard

import (
	"slices"
	"strings"
)

// Numbers lists the enabled called numbers.
func (s *Snapshot) Numbers() []Number {
	out := make([]Number, 0, len(s.numbers))
	for _, n := range s.numbers {
		if n.Enabled {
			out = append(out, n)
		}
	}
	slices.SortFunc(out, func(a, b Number) int { return strings.Compare(a.Number, b.Number) })
	return out
}
