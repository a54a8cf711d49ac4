package switchboard

import (
	"slices"
	"strings"
	"time"
)

// Snapshot is the whole configuration at one moment. It is immutable: callers
// keep it as long as they like and never change what it returns.
type Snapshot struct {
	seq        uint64
	builtAt    time.Time
	numbers    map[string]Number    // by number
	extensions map[string]Extension // by number
	extByUser  map[string]Extension
	accounts   map[string]Account // by extension number
	trunks     []TrunkSettings    // by priority
	queues     map[string]Queue   // by id and by code
	queueList  []Queue
	skills     []Skill
	agents     map[string]AgentProfile // by user id
	agentByNo  map[string]AgentProfile
	agentList  []AgentProfile
	calendars  map[string]Calendar
	prompts    map[promptKey]Prompt
	flows      map[string]PublishedFlow
	disposals  []Disposition
	reasons    []Reason
}

type promptKey struct{ key, lang string }

// Account is what the registrar needs to know about an extension. HA1 values
// are hex digests for the service's realm; the password itself is not kept.
type Account struct {
	User        string
	HA1MD5      string
	HA1SHA256   string
	Enabled     bool
	MaxContacts int
}

// TrunkSettings is a trunk with its password in clear, for the SIP stack.
type TrunkSettings struct {
	Trunk
}

// Seq numbers snapshots; a later one has a larger number.
func (s *Snapshot) Seq() uint64 { return s.seq }

// BuiltAt is when the snapshot was taken.
func (s *Snapshot) BuiltAt() time.Time { return s.builtAt }

// Number finds an enabled called number. A leading country code +86 or 0086
// and separators do not matter.
func (s *Snapshot) Number(did string) (Number, bool) {
	n, ok := s.numbers[CleanNumber(did)]
	return n, ok && n.Enabled
}

// Extension finds an enabled extension by its number.
func (s *Snapshot) Extension(number string) (Extension, bool) {
	e, ok := s.extensions[number]
	return e, ok && e.Enabled
}

// ExtensionOf finds the enabled extension that belongs to a user.
func (s *Snapshot) ExtensionOf(userID string) (Extension, bool) {
	e, ok := s.extByUser[userID]
	return e, ok && e.Enabled
}

// Extensions lists all extensions by number.
func (s *Snapshot) Extensions() []Extension {
	out := make([]Extension, 0, len(s.extensions))
	for _, e := range s.extensions {
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b Extension) int { return strings.Compare(a.Number, b.Number) })
	return out
}

// Account finds the SIP account of an extension, enabled or not.
func (s *Snapshot) Account(user string) (Account, bool) {
	a, ok := s.accounts[user]
	return a, ok
}

// Trunks lists the enabled trunks by priority.
func (s *Snapshot) Trunks() []TrunkSettings { return s.trunks }

// Queue finds an enabled queue by id or code.
func (s *Snapshot) Queue(idOrCode string) (Queue, bool) {
	q, ok := s.queues[idOrCode]
	return q, ok && q.Enabled
}

// Queues lists the enabled queues in the order of their codes.
func (s *Snapshot) Queues() []Queue { return s.queueList }

// Skills lists all skills.
func (s *Snapshot) Skills() []Skill { return s.skills }

// Agent finds the enabled profile of a user.
func (s *Snapshot) Agent(userID string) (AgentProfile, bool) {
	a, ok := s.agents[userID]
	return a, ok && a.Enabled
}

// AgentByNumber finds an enabled profile by 工号.
func (s *Snapshot) AgentByNumber(number string) (AgentProfile, bool) {
	a, ok := s.agentByNo[number]
	return a, ok && a.Enabled
}

// Agents lists the enabled profiles by number.
func (s *Snapshot) Agents() []AgentProfile { return s.agentList }

// Calendar finds opening hours by id.
func (s *Snapshot) Calendar(id string) (Calendar, bool) {
	c, ok := s.calendars[id]
	return c, ok
}

// Open reports whether the calendar is open at a moment, why not, and when it
// opens next (zero when it never does). An empty or unknown id is open.
func (s *Snapshot) Open(calendarID string, at time.Time) (open bool, why string, next time.Time) {
	c, ok := s.calendars[calendarID]
	if !ok {
		return true, "", time.Time{}
	}
	return c.Open(at)
}

// Flow finds the published version of a flow.
func (s *Snapshot) Flow(id string) (PublishedFlow, bool) {
	f, ok := s.flows[id]
	return f, ok
}

// Prompt finds a prompt in a language, else in its base language ("en" for
// "en-GB"), else in the default language. ok is false when nobody ever
// recorded it: the caller plays a tone and raises an alarm.
func (s *Snapshot) Prompt(key, lang string) (Prompt, bool) {
	base, _, _ := strings.Cut(lang, "-")
	for _, l := range []string{lang, base, DefaultLanguage} {
		if p, ok := s.prompts[promptKey{key, l}]; ok && !p.Missing {
			return p, true
		}
	}
	return Prompt{}, false
}

// Dispositions lists the enabled dispositions in their order.
func (s *Snapshot) Dispositions() []Disposition { return s.disposals }

// Reasons lists the enabled not-ready reasons in their order.
func (s *Snapshot) Reasons() []Reason { return s.reasons }

// CleanNumber strips separators and the Chinese country code from a dialled
// number, so that "+86 961-66" and "96166" are the same.
func CleanNumber(n string) string {
	var b strings.Builder
	for i, r := range strings.TrimSpace(n) {
		switch {
		case r >= '0' && r <= '9', r == '*', r == '#', r == '+' && i == 0:
			b.WriteRune(r)
		}
	}
	s := b.String()
	for _, cc := range []string{"+86", "0086"} {
		if rest, ok := strings.CutPrefix(s, cc); ok && rest != "" {
			return rest
		}
	}
	return s
}
