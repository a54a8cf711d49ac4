package switchboard

import (
	"context"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/store"
)

// The shapes of what people type.
var (
	codePattern     = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)
	didPattern      = regexp.MustCompile(`^\+?[0-9]{2,20}$`)
	extPattern      = regexp.MustCompile(`^[0-9]{2,8}$`)
	languagePattern = regexp.MustCompile(`^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$`)
	hostPattern     = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._:-]{0,251}[A-Za-z0-9])?$`)
)

// label trims a name in place and checks that people can read it.
func label(f *errs.Fields, path string, s *string, required bool) {
	*s = strings.TrimSpace(*s)
	switch {
	case *s == "" && required:
		f.Add(path, "required")
	case utf8.RuneCountInString(*s) > 100:
		f.Add(path, "too_long")
	case !utf8.ValidString(*s) || strings.ContainsFunc(*s, unicode.IsControl):
		f.Add(path, "bad_characters")
	}
}

func matches(f *errs.Fields, path, s string, re *regexp.Regexp, key string) {
	if !re.MatchString(s) {
		f.Add(path, key)
	}
}

func within(f *errs.Fields, path string, n, low, high int) {
	if n < low || n > high {
		f.Add(path, "out_of_range")
	}
}

func oneOf(f *errs.Fields, path, s string, allowed ...string) {
	for _, a := range allowed {
		if s == a {
			return
		}
	}
	f.Add(path, "not_allowed")
}

// language fills in and checks a language tag.
func language(f *errs.Fields, path string, s *string) {
	if *s == "" {
		*s = DefaultLanguage
	}
	matches(f, path, *s, languagePattern, "switchboard.language_invalid")
}

func (s *Service) checkNumber(ctx context.Context, tx *store.Tx, v *Number, f *errs.Fields) error {
	v.Number = CleanNumber(v.Number)
	matches(f, "number", v.Number, didPattern, "switchboard.number_invalid")
	label(f, "name", &v.Name, false)
	language(f, "language", &v.Language)
	targets := 0
	for _, t := range []string{v.FlowID, v.QueueID, v.Extension} {
		if t != "" {
			targets++
		}
	}
	if targets != 1 {
		f.Add("target", "switchboard.number_needs_one_target")
	}
	if err := exists(ctx, tx, f, "flow_id", "flows", "id", v.FlowID); err != nil {
		return err
	}
	if err := exists(ctx, tx, f, "queue_id", "queues", "id", v.QueueID); err != nil {
		return err
	}
	if err := exists(ctx, tx, f, "extension", "extensions", "number", v.Extension); err != nil {
		return err
	}
	return exists(ctx, tx, f, "calendar_id", "calendars", "id", v.CalendarID)
}

func (s *Service) checkExtension(_ context.Context, _ *store.Tx, v *Extension, f *errs.Fields) error {
	v.Number = strings.TrimSpace(v.Number)
	matches(f, "number", v.Number, extPattern, "switchboard.extension_invalid")
	label(f, "name", &v.Name, false)
	if v.Kind == "" {
		v.Kind = KindDeskPhone
	}
	oneOf(f, "kind", v.Kind, KindDeskPhone, KindSoftphone, KindMobile)
	v.MobileNumber = CleanNumber(v.MobileNumber)
	if v.Kind == KindMobile || v.MobileNumber != "" {
		matches(f, "mobile_number", v.MobileNumber, didPattern, "switchboard.number_invalid")
	}
	if v.MaxContacts == 0 {
		v.MaxContacts = 3
	}
	within(f, "max_contacts", v.MaxContacts, 1, 10)
	checkSecret(f, "secret", v.Secret)
	return nil
}

// checkSecret refuses passwords that toll-fraud robots guess.
func checkSecret(f *errs.Fields, path, s string) {
	switch {
	case s == "":
	case len(s) < 8:
		f.Add(path, "switchboard.secret_short")
	case len(s) > 128 || strings.ContainsFunc(s, unicode.IsControl):
		f.Add(path, "bad_characters")
	}
}

func (s *Service) checkTrunk(_ context.Context, _ *store.Tx, v *Trunk, f *errs.Fields) error {
	label(f, "name", &v.Name, true)
	oneOf(f, "kind", v.Kind, TrunkStatic, TrunkRegister)
	matches(f, "host", v.Host, hostPattern, "switchboard.host_invalid")
	if v.Transport == "" {
		v.Transport = TransportUDP
	}
	oneOf(f, "transport", v.Transport, TransportUDP, TransportTCP, TransportTLS)
	if v.Port == 0 {
		v.Port = 5060
		if v.Transport == TransportTLS {
			v.Port = 5061
		}
	}
	within(f, "port", v.Port, 1, 65535)
	within(f, "priority", v.Priority, 0, 100)
	within(f, "max_calls", v.MaxCalls, 0, 10000)
	within(f, "options_every", v.OptionsEvery, 0, 3600)
	if v.RegisterFor == 0 {
		v.RegisterFor = 300
	}
	within(f, "register_for", v.RegisterFor, 60, 86400)
	if v.CallerID != "" {
		matches(f, "caller_id", v.CallerID, didPattern, "switchboard.number_invalid")
	}
	if v.Kind == TrunkRegister && strings.TrimSpace(v.Username) == "" {
		f.Add("username", "required")
	}
	label(f, "username", &v.Username, false)
	checkPeers(v, f)
	checkRules(v, f)
	if len(v.Password) > 128 || strings.ContainsFunc(v.Password, unicode.IsControl) {
		f.Add("password", "bad_characters")
	}
	return nil
}

func checkPeers(v *Trunk, f *errs.Fields) {
	if v.PeerIPs == nil {
		v.PeerIPs = []string{}
	}
	for i, p := range v.PeerIPs {
		path := fmt.Sprintf("peer_ips[%d]", i)
		prefix, err := netip.ParsePrefix(p)
		if err != nil {
			addr, aerr := netip.ParseAddr(p)
			if ap, perr := netip.ParseAddrPort(p); perr == nil {
				addr, aerr = ap.Addr(), nil
			}
			if aerr != nil {
				f.Add(path, "switchboard.address_invalid")
				continue
			}
			prefix = netip.PrefixFrom(addr, addr.BitLen())
		}
		if prefix.Bits() < 8 { // trusting the whole Internet is a typing error
			f.Add(path, "switchboard.address_range_too_wide")
		}
	}
	if v.Kind == TrunkStatic && len(v.PeerIPs) == 0 {
		f.Add("peer_ips", "required")
	}
	if len(v.PeerIPs) > 64 {
		f.Add("peer_ips", "too_long")
	}
}

func checkRules(v *Trunk, f *errs.Fields) {
	if v.Rules == nil {
		v.Rules = []NumberRule{}
	}
	if len(v.Rules) > 50 {
		f.Add("rules", "too_long")
	}
	for i, r := range v.Rules {
		path := fmt.Sprintf("rules[%d]", i)
		oneOf(f, path+".direction", r.Direction, RuleIn, RuleOut)
		within(f, path+".strip", r.Strip, 0, 20)
		within(f, path+".min_len", r.MinLen, 0, 30)
		within(f, path+".max_len", r.MaxLen, 0, 30)
		for _, d := range []string{r.Prefix, r.Prepend} {
			if d != "" && !regexp.MustCompile(`^\+?[0-9*#]{0,20}$`).MatchString(d) {
				f.Add(path, "switchboard.number_invalid")
			}
		}
	}
}

func (s *Service) checkQueue(ctx context.Context, tx *store.Tx, v *Queue, f *errs.Fields) error {
	matches(f, "code", v.Code, codePattern, "switchboard.code_invalid")
	label(f, "name", &v.Name, true)
	label(f, "name_en", &v.NameEN, false)
	if v.Strategy == "" {
		v.Strategy = StrategyLongestIdle
	}
	oneOf(f, "strategy", v.Strategy, StrategyLongestIdle)
	defaults(v)
	within(f, "ring_timeout_s", v.RingTimeoutS, 5, 120)
	within(f, "wrap_up_s", v.WrapUpS, 0, 3600)
	within(f, "service_level_s", v.ServiceLevelS, 1, 600)
	within(f, "announce_every_s", v.AnnounceEveryS, 0, 600)
	within(f, "overflow_after_s", v.OverflowAfterS, 0, 7200)
	within(f, "max_waiting", v.MaxWaiting, 0, 1000)
	within(f, "priority", v.Priority, 1, 9)
	if v.OverflowAfterS > 0 && v.OverflowQueue == "" {
		f.Add("overflow_queue", "required")
	}
	if v.OverflowQueue != "" && v.OverflowQueue == v.ID {
		f.Add("overflow_queue", "switchboard.overflow_to_itself")
	}
	if v.MusicPrompt != "" && !promptKeyPattern.MatchString(v.MusicPrompt) {
		f.Add("music_prompt", "switchboard.prompt_key_invalid")
	}
	if v.Skills == nil {
		v.Skills = []SkillNeed{}
	}
	for i, n := range v.Skills {
		path := fmt.Sprintf("skills[%d]", i)
		within(f, path+".level", n.Level, 1, 5)
		if err := knownSkill(ctx, tx, f, path+".skill", n.Skill); err != nil {
			return err
		}
	}
	if err := exists(ctx, tx, f, "overflow_queue", "queues", "id", v.OverflowQueue); err != nil {
		return err
	}
	return exists(ctx, tx, f, "calendar_id", "calendars", "id", v.CalendarID)
}

// defaults fills in what a queue form may leave out.
func defaults(v *Queue) {
	if v.RingTimeoutS == 0 {
		v.RingTimeoutS = 20
	}
	if v.ServiceLevelS == 0 {
		v.ServiceLevelS = 15
	}
	if v.Priority == 0 {
		v.Priority = 5
	}
}

func knownSkill(ctx context.Context, tx *store.Tx, f *errs.Fields, path, code string) error {
	if code == "" {
		f.Add(path, "required")
		return nil
	}
	return exists(ctx, tx, f, path, "skills", "code", code)
}

func (s *Service) checkSkill(_ context.Context, _ *store.Tx, v *Skill, f *errs.Fields) error {
	matches(f, "code", v.Code, codePattern, "switchboard.code_invalid")
	label(f, "name", &v.Name, true)
	label(f, "name_en", &v.NameEN, false)
	return nil
}

func (s *Service) checkAgent(ctx context.Context, tx *store.Tx, v *AgentProfile, f *errs.Fields) error {
	if v.ID == "" {
		f.Add("user_id", "required")
	}
	matches(f, "number", v.Number, extPattern, "switchboard.agent_number_invalid")
	label(f, "name", &v.Name, true)
	if v.DefaultSeat == "" {
		v.DefaultSeat = SeatBrowser
	}
	oneOf(f, "default_seat", v.DefaultSeat, SeatBrowser, SeatExtension)
	if v.DefaultSeat == SeatExtension && v.Extension == "" {
		f.Add("extension", "required")
	}
	if err := exists(ctx, tx, f, "extension", "extensions", "number", v.Extension); err != nil {
		return err
	}
	if v.Queues == nil {
		v.Queues = []QueueMember{}
	}
	seen := make(map[string]bool)
	for i, q := range v.Queues {
		path := fmt.Sprintf("queues[%d]", i)
		within(f, path+".level", q.Level, 1, 9)
		if q.QueueID == "" || seen["q"+q.QueueID] {
			f.Add(path+".queue_id", "switchboard.unknown_reference")
		}
		seen["q"+q.QueueID] = true
		if err := exists(ctx, tx, f, path+".queue_id", "queues", "id", q.QueueID); err != nil {
			return err
		}
	}
	return checkAgentSkills(ctx, tx, v, f)
}

func checkAgentSkills(ctx context.Context, tx *store.Tx, v *AgentProfile, f *errs.Fields) error {
	if v.Skills == nil {
		v.Skills = []AgentSkill{}
	}
	seen := make(map[string]bool)
	for i, sk := range v.Skills {
		path := fmt.Sprintf("skills[%d]", i)
		within(f, path+".level", sk.Level, 1, 5)
		if seen[sk.Skill] {
			f.Add(path+".skill", "switchboard.taken")
		}
		seen[sk.Skill] = true
		if err := knownSkill(ctx, tx, f, path+".skill", sk.Skill); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) checkCalendar(_ context.Context, _ *store.Tx, v *Calendar, f *errs.Fields) error {
	label(f, "name", &v.Name, true)
	if len(v.Hours.Holidays) > 1000 {
		f.Add("hours.holidays", "too_long")
	}
	if err := v.Hours.Validate(); err != nil {
		f.Add("hours", "switchboard.hours_invalid")
	}
	return nil
}

func (s *Service) checkDisposition(_ context.Context, _ *store.Tx, v *Disposition, f *errs.Fields) error {
	matches(f, "code", v.Code, codePattern, "switchboard.code_invalid")
	label(f, "name", &v.Name, true)
	label(f, "name_en", &v.NameEN, false)
	label(f, "category", &v.Category, false)
	within(f, "position", v.Position, 0, 10000)
	return nil
}

func (s *Service) checkReason(_ context.Context, _ *store.Tx, v *Reason, f *errs.Fields) error {
	matches(f, "code", v.Code, codePattern, "switchboard.code_invalid")
	label(f, "name", &v.Name, true)
	label(f, "name_en", &v.NameEN, false)
	within(f, "position", v.Position, 0, 10000)
	return nil
}

func (s *Service) checkFlow(_ context.Context, _ *store.Tx, v *Flow, f *errs.Fields) error {
	label(f, "name", &v.Name, true)
	language(f, "language", &v.Language)
	return nil
}
