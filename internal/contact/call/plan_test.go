package call

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func up(leg string, r role) party { return party{leg: leg, role: r, up: true} }

func (p party) with(fn func(*party)) party { fn(&p); return p }

func away(p *party)  { p.away = true }
func muted(p *party) { p.muted = true }
func lost(p *party)  { p.up = false }
func early(p *party) { p.up, p.early = false, true }

func mode(m string) func(*party) { return func(p *party) { p.mode = m } }

func describe(p plan) string {
	var out []string
	for _, r := range p.routes {
		out = append(out, r.from+">"+r.to)
	}
	for leg, a := range p.ambience {
		out = append(out, leg+"="+[...]string{"", "ringback", "queue", "music", "comfort"}[a])
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func TestPlan(t *testing.T) {
	c, a, g, s := up("c", roleCaller), up("a", roleAgent), up("g", roleGuest), up("s", roleSupervisor)
	b := up("b", roleAgent)
	for _, tt := range []struct {
		name     string
		backdrop ambience
		parties  []party
		want     string
	}{
		{"alone in a menu", silence, []party{c}, ""},
		{"alone in a queue", queueMusic, []party{c}, "c=queue"},
		{"agent rings", queueMusic, []party{c, a.with(lost)}, "c=queue"},
		{"bridge", holdMusic, []party{c, a}, "a>c c>a"},
		{"agent muted", holdMusic, []party{c, a.with(muted)}, "c>a"},
		{"hold", holdMusic, []party{c, a.with(away)}, "c=music"},
		{"caller's telephone holds", holdMusic, []party{c.with(away), a}, ""},
		{"agent lost", comfort, []party{c, a.with(lost)}, "c=comfort"},
		{"agent dials", ringback, []party{a, c.with(lost)}, "a=ringback"},
		{"agent dials, early sound", ringback, []party{a, c.with(early)}, "c>a"},
		{"extension dials extension", ringback, []party{c, g.with(lost)}, "c=ringback"},
		{"transfer rings", ringback, []party{c, a.with(away), g.with(lost)}, "c=ringback"},
		{"conference", holdMusic, []party{c, a, g}, "a>c a>g c>a c>g g>a g>c"},
		{"conference, agent holds", holdMusic, []party{c, a.with(away), g}, "c>g g>c"},
		{"conference, agent lost", comfort, []party{c, a.with(lost), g}, "c>g g>c"},
		{"listen", holdMusic, []party{c, a, s.with(mode(ModeListen))}, "a>c a>s c>a c>s"},
		{"whisper", holdMusic, []party{c, a, s.with(mode(ModeWhisper))}, "a>c a>s c>a c>s s>a"},
		{"whisper to both agents", holdMusic, []party{c, a, b, s.with(mode(ModeWhisper))},
			"a>b a>c a>s b>a b>c b>s c>a c>b c>s s>a s>b"},
		{"barge", holdMusic, []party{c, a, s.with(mode(ModeBarge))}, "a>c a>s c>a c>s s>a s>c"},
		{"listen while held", holdMusic, []party{c, a.with(away), s.with(mode(ModeListen))}, "c=music c>s"},
		{"whisper while held", holdMusic, []party{c, a.with(away), s.with(mode(ModeWhisper))}, "c=music c>s"},
		{"barge while held", holdMusic, []party{c, a.with(away), s.with(mode(ModeBarge))}, "c>s s>c"},
		{"listen to a queue", queueMusic, []party{c, s.with(mode(ModeListen))}, "c=queue c>s"},
		{"nobody", holdMusic, nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := describe(makePlan(scene{tt.backdrop, tt.parties})); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestPlanKeepsSecrets checks for any scene: nobody hears themselves, a
// listener is heard by nobody, a whisper reaches agents alone, and who is
// away or muted is not heard.
func TestPlanKeepsSecrets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 6).Draw(t, "n")
		byLeg := map[string]party{}
		s := scene{backdrop: ambience(rapid.IntRange(0, 4).Draw(t, "backdrop"))}
		for i := range n {
			p := party{
				leg: string(rune('a' + i)), role: role(rapid.IntRange(0, 3).Draw(t, "role")),
				up: rapid.Bool().Draw(t, "up"), away: rapid.Bool().Draw(t, "away"), muted: rapid.Bool().Draw(t, "muted"),
				mode: rapid.SampledFrom([]string{ModeListen, ModeWhisper, ModeBarge}).Draw(t, "mode"),
			}
			byLeg[p.leg] = p
			s.parties = append(s.parties, p)
		}
		p := makePlan(s)
		for _, r := range p.routes {
			from, to := byLeg[r.from], byLeg[r.to]
			switch {
			case r.from == r.to:
				t.Fatalf("%s hears itself", r.from)
			case !from.up || !to.up || from.away || to.away || from.muted:
				t.Fatalf("%+v must not be heard by %+v", from, to)
			case from.role == roleSupervisor && from.mode == ModeListen:
				t.Fatalf("listener %s is heard", r.from)
			case from.role == roleSupervisor && from.mode == ModeWhisper && to.role != roleAgent:
				t.Fatalf("whisper of %s reaches %s", r.from, to.role)
			}
		}
		for leg, a := range p.ambience {
			if to := byLeg[leg]; !to.up || to.away || to.role == roleSupervisor || a == silence {
				t.Fatalf("%+v hears ambience %d", to, a)
			}
		}
	})
}
