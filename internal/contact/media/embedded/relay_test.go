package embedded

import (
	"context"
	"testing"

	"heartline/internal/contact/media"
)

var ctx = context.Background()

func TestBridgedLegsHearEachOther(t *testing.T) {
	for _, pts := range [][2]uint8{{8, 8}, {8, 0}, {9, 9}, {9, 8}, {0, 9}} {
		e := testEngine(t, func(c *Config) { c.portable = pts[0] == 0 })
		c := testCall(t, e)
		a, b := newPeer(t, pts[0], 400).start(), newPeer(t, pts[1], 1000).start()
		a.join(c, "a")
		b.join(c, "b")
		check(t, c.Connect(ctx, media.Bridge("a", "b")))
		a.hears(1000)
		b.hears(400)
	}
}

func TestMusicIsAudibleAndReplacesTheBridge(t *testing.T) {
	c := testCall(t, testEngine(t, nil))
	a, b := newPeer(t, 8, 400).start(), newPeer(t, 8, 1000).start()
	a.join(c, "a")
	b.join(c, "b")
	check(t, c.Connect(ctx, media.Bridge("a", "b")))
	a.hears(1000)
	id, err := c.Play(ctx, "a", media.Play{Source: media.Music{}, Exclusive: true})
	check(t, err)
	eventually(t, "music without the other party", func() bool {
		share, db := a.power(1000, 4000)
		return share < 0.05 && db > -35
	})
	check(t, c.Stop(ctx, "a", id))
	a.hears(1000)
}
