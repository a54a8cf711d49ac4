package app

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"time"

	"heartline/internal/contact/acd"
	"heartline/internal/contact/media"
	"heartline/internal/contact/sip"
	"heartline/internal/contact/switchboard"
	"heartline/internal/insight/kpi"
)

// directory shows the extensions of the switchboard to the SIP server.
type directory struct{ board *switchboard.Service }

// Extension implements sip.Directory from memory.
func (d directory) Extension(ctx context.Context, user string) (sip.Account, bool) {
	a, ok := d.board.Current(ctx).Account(user)
	return sip.Account{User: a.User, HA1MD5: a.HA1MD5, HA1SHA256: a.HA1SHA256, Enabled: a.Enabled, MaxContacts: a.MaxContacts}, ok
}

// sipTrunks translates the enabled trunks for the SIP server.
func sipTrunks(snap *switchboard.Snapshot) []sip.Trunk {
	list := make([]sip.Trunk, 0, len(snap.Trunks()))
	for _, t := range snap.Trunks() {
		options := time.Duration(t.OptionsEvery) * time.Second
		if t.OptionsEvery <= 0 {
			options = -1
		}
		list = append(list, sip.Trunk{ID: t.ID, Name: t.Name, Kind: sip.TrunkKind(t.Kind), Host: t.Host, Port: t.Port, Transport: t.Transport,
			PeerIPs: t.PeerIPs, Username: t.Username, Password: t.Password, Priority: t.Priority, MaxCalls: t.MaxCalls, CallerID: t.CallerID,
			Inbound: sipRules(t.Rules, switchboard.RuleIn), Outbound: sipRules(t.Rules, switchboard.RuleOut),
			OptionsEvery: options, Expires: time.Duration(t.RegisterFor) * time.Second})
	}
	return list
}

// sipRules translates the number rules of a direction. A range of lengths
// becomes one rule for each length; the digits have at most 20 places.
func sipRules(rules []switchboard.NumberRule, direction string) []sip.Rule {
	const longest = 20
	var out []sip.Rule
	for _, r := range rules {
		if r.Direction != direction {
			continue
		}
		base := sip.Rule{Match: r.Prefix, Strip: r.Strip, Prefix: r.Prepend}
		if r.MinLen <= len(r.Prefix) && r.MaxLen == 0 {
			out = append(out, base)
			continue
		}
		top := r.MaxLen
		if top == 0 {
			top = longest
		}
		for n := max(r.MinLen, len(r.Prefix), 1); n <= top; n++ {
			base.Length = n
			out = append(out, base)
		}
	}
	return out
}

// acdConfig translates the enabled queues for the router. The version names
// the snapshot, so that a receipt tells which configuration decided.
func acdConfig(snap *switchboard.Snapshot) (acd.Config, acd.Version) {
	var cfg acd.Config
	for _, q := range snap.Queues() {
		var skills []acd.SkillNeed
		for _, n := range q.Skills {
			skills = append(skills, acd.SkillNeed{Skill: n.Skill, Level: n.Level})
		}
		cfg.Queues = append(cfg.Queues, acd.QueueConfig{ID: q.ID, Priority: 10 - q.Priority, Skills: skills,
			RingTimeout: seconds(q.RingTimeoutS), WrapUp: seconds(q.WrapUpS), ServiceLevel: seconds(q.ServiceLevelS),
			AnnounceEvery: seconds(q.AnnounceEveryS), OverflowAfter: seconds(q.OverflowAfterS), OverflowTo: q.OverflowQueue, MaxWaiting: q.MaxWaiting})
	}
	return cfg, acd.Version(fmt.Sprintf("longest-idle/1 config/%d", snap.BuiltAt().UnixMilli()))
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }

// promptClips decodes prompts once and keeps them by content.
type promptClips struct {
	board *switchboard.Service

	mu    sync.Mutex
	bySHA map[string]media.Clip
}

func newPromptClips(board *switchboard.Service) *promptClips {
	return &promptClips{board: board, bySHA: map[string]media.Clip{}}
}

// Clip implements call.Prompts.
func (p *promptClips) Clip(key, lang string) (media.Clip, bool) {
	ctx := context.Background()
	prompt, ok := p.board.Current(ctx).Prompt(key, lang)
	if !ok || prompt.Missing {
		return media.Clip{}, false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if clip, ok := p.bySHA[prompt.SHA]; ok {
		return clip, true
	}
	wav, err := p.board.PromptWAV(ctx, prompt)
	if err != nil {
		return media.Clip{}, false
	}
	clip, err := media.LoadWAV(bytes.NewReader(wav))
	if err != nil {
		return media.Clip{}, false
	}
	p.bySHA[prompt.SHA] = clip
	return clip, true
}

// goals are the targets that reports measure a queue against.
func (a *App) goals(queue string) kpi.Goals {
	goals := kpi.DefaultGoals()
	if q, ok := a.board.Current(context.Background()).Queue(queue); ok && q.ServiceLevelS > 0 {
		goals.ServiceLevel = seconds(q.ServiceLevelS)
	}
	return goals
}
