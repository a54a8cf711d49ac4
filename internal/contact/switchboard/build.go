package switchboard

import (
	"context"
	"crypto/md5" //nolint:gosec // RFC 2617 digests are MD5
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"strings"

	"heartline/internal/contact/ivr"
	"heartline/internal/platform/store"
)

// rows is everything a Snapshot is made of, as stored.
type rows struct {
	numbers    []Number
	extensions []Extension
	trunks     []Trunk
	queues     []Queue
	skills     []Skill
	agents     []AgentProfile
	calendars  []Calendar
	disposals  []Disposition
	reasons    []Reason
	flows      []Flow
	published  []FlowVersion
	uploads    []Prompt
}

// build reads the whole configuration in one transaction.
func (s *Service) build(ctx context.Context) (*Snapshot, error) {
	var r rows
	if err := s.db.Read(ctx, func(tx *store.Tx) error { return s.read(ctx, tx, &r) }); err != nil {
		return nil, err
	}
	snap := &Snapshot{
		builtAt: s.now(),
		numbers: make(map[string]Number), extensions: make(map[string]Extension), extByUser: make(map[string]Extension),
		accounts: make(map[string]Account), queues: make(map[string]Queue), agents: make(map[string]AgentProfile),
		agentByNo: make(map[string]AgentProfile), calendars: make(map[string]Calendar),
		prompts: make(map[promptKey]Prompt), flows: make(map[string]PublishedFlow), skills: r.skills,
	}
	for _, n := range r.numbers {
		snap.numbers[n.Number] = n
	}
	for _, c := range r.calendars {
		if c.Hours.Zone == "" {
			c.Hours.Zone = s.zone
		}
		snap.calendars[c.ID] = c
	}
	snap.addQueues(r.queues)
	snap.addAgents(r.agents)
	for _, d := range r.disposals {
		if d.Enabled {
			snap.disposals = append(snap.disposals, d)
		}
	}
	for _, d := range r.reasons {
		if d.Enabled {
			snap.reasons = append(snap.reasons, d)
		}
	}
	s.addPrompts(ctx, snap, r.uploads)
	s.addFlows(ctx, snap, r.flows, r.published)
	return snap, s.addSecrets(snap, r)
}

func (s *Service) read(ctx context.Context, tx *store.Tx, r *rows) (err error) {
	step := func(fn func() error) {
		if err == nil {
			err = fn()
		}
	}
	step(func() (e error) { r.numbers, e = s.Numbers.list(ctx, tx); return })
	step(func() (e error) { r.extensions, e = s.Extensions.list(ctx, tx); return })
	step(func() (e error) { r.trunks, e = s.Trunks.list(ctx, tx); return })
	step(func() (e error) { r.queues, e = s.Queues.list(ctx, tx); return })
	step(func() (e error) { r.skills, e = s.Skills.list(ctx, tx); return })
	step(func() (e error) { r.agents, e = s.Agents.list(ctx, tx); return })
	step(func() (e error) { r.calendars, e = s.Calendars.list(ctx, tx); return })
	step(func() (e error) { r.disposals, e = s.Dispositions.list(ctx, tx); return })
	step(func() (e error) { r.reasons, e = s.Reasons.list(ctx, tx); return })
	step(func() (e error) { r.flows, e = s.flows.list(ctx, tx); return })
	step(func() (e error) { r.published, e = queryVersions(ctx, tx, "WHERE state = 'published'"); return })
	step(func() (e error) { r.uploads, e = s.uploads(ctx, tx); return })
	return err
}

func (s *Snapshot) addQueues(list []Queue) {
	for _, q := range list {
		s.queues[q.ID], s.queues[q.Code] = q, q
		if q.Enabled {
			s.queueList = append(s.queueList, q)
		}
	}
}

func (s *Snapshot) addAgents(list []AgentProfile) {
	for _, a := range list {
		s.agents[a.ID], s.agentByNo[a.Number] = a, a
		if a.Enabled {
			s.agentList = append(s.agentList, a)
		}
	}
}

// addSecrets unseals what the SIP stack needs: digests for extensions, the
// password for trunks we sign in to.
func (s *Service) addSecrets(snap *Snapshot, r rows) error {
	for _, e := range r.extensions {
		snap.extensions[e.Number] = e
		if e.UserID != "" {
			if old, ok := snap.extByUser[e.UserID]; !ok || (e.Enabled && !old.Enabled) {
				snap.extByUser[e.UserID] = e
			}
		}
		acc := Account{User: e.Number, Enabled: e.Enabled && e.HasSecret, MaxContacts: e.MaxContacts}
		if e.HasSecret {
			plain, err := s.keys.Unseal(e.sealed, "extensions:"+e.ID+":secret")
			if err != nil {
				return fmt.Errorf("unseal secret of extension %s: %w", e.ID, err)
			}
			acc.HA1MD5, acc.HA1SHA256 = HA1(e.Number, s.realm, plain)
		}
		snap.accounts[e.Number] = acc
	}
	for _, t := range r.trunks {
		if !t.Enabled {
			continue
		}
		if t.HasSecret {
			plain, err := s.keys.Unseal(t.sealed, "trunks:"+t.ID+":secret")
			if err != nil {
				return fmt.Errorf("unseal secret of trunk %s: %w", t.ID, err)
			}
			t.Password = plain
		}
		snap.trunks = append(snap.trunks, TrunkSettings{t})
	}
	return nil
}

// HA1 gives the digests of RFC 7616 §3.4.2 in hex for MD5 and SHA-256.
func HA1(user, realm, password string) (md5Hex, sha256Hex string) {
	a1 := []byte(user + ":" + realm + ":" + password)
	m, h := md5.Sum(a1), sha256.Sum256(a1) //nolint:gosec // as above
	return hex.EncodeToString(m[:]), hex.EncodeToString(h[:])
}

// addPrompts lays the hospital's own recordings over the shipped ones. One
// whose file is gone gives way to the shipped one, if there is any.
func (s *Service) addPrompts(ctx context.Context, snap *Snapshot, own []Prompt) {
	for k, p := range s.shipped {
		snap.prompts[k] = p
	}
	for _, p := range own {
		k := promptKey{p.Key, p.Language}
		under, shipped := s.shipped[k]
		p.Shipped = shipped
		if _, err := os.Stat(s.promptFile(p.SHA)); err != nil {
			s.log.ErrorContext(ctx, "prompt file is missing", "key", p.Key, "language", p.Language, "error", err)
			if shipped {
				under.Missing = false
				snap.prompts[k] = under
				continue
			}
			p.Missing = true
		}
		snap.prompts[k] = p
	}
}

// addFlows decodes the published versions. A graph that cannot be read (it was
// checked when it was published) is left out and logged: its number falls back
// to what call control does without a flow.
func (s *Service) addFlows(ctx context.Context, snap *Snapshot, flows []Flow, versions []FlowVersion) {
	byID := make(map[string]Flow, len(flows))
	for _, f := range flows {
		byID[f.ID] = f
	}
	for _, v := range versions {
		f, ok := byID[v.FlowID]
		if !ok {
			continue
		}
		graph, err := ivr.Parse(v.Graph)
		if err != nil {
			s.log.ErrorContext(ctx, "published flow cannot be read", "flow", v.FlowID, "version", v.Number, "error", err)
			continue
		}
		graph.ID, graph.Name, graph.Version = f.ID, f.Name, v.Number
		if graph.Language == "" {
			graph.Language = f.Language
		}
		snap.flows[f.ID] = PublishedFlow{FlowID: f.ID, Name: f.Name, Language: graph.Language, Number: v.Number, Graph: graph}
	}
}

// promptList lists the prompts by language and key.
func (s *Snapshot) promptList() []Prompt {
	out := make([]Prompt, 0, len(s.prompts))
	for _, p := range s.prompts {
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b Prompt) int {
		if c := strings.Compare(a.Language, b.Language); c != 0 {
			return c
		}
		return strings.Compare(a.Key, b.Key)
	})
	return out
}

// anyPrompt reports whether a key is recorded in any language.
func (s *Snapshot) anyPrompt(key string) bool {
	for k, p := range s.prompts {
		if k.key == key && !p.Missing {
			return true
		}
	}
	return false
}

// Language reports whether there are prompts in a language.
func (s *Snapshot) Language(lang string) bool {
	for k := range s.prompts {
		if k.lang == lang {
			return true
		}
	}
	return false
}

// Skill reports whether a skill exists.
func (s *Snapshot) Skill(code string) bool {
	return slices.ContainsFunc(s.skills, func(sk Skill) bool { return sk.Code == code })
}
