package switchboard

// StrategyLongestIdle offers a call to the agent who has been idle longest.
const StrategyLongestIdle = "longest_idle"

// SkillNeed asks for a skill at a level (1–5) or better.
type SkillNeed struct {
	Skill string `json:"skill"` // code of the skill
	Level int    `json:"level"`
}

// Queue is a waiting line with its rules. Durations are whole seconds.
type Queue struct {
	Meta
	Code           string
	Name           string
	NameEN         string
	Strategy       string
	RingTimeoutS   int // an agent who does not answer in time is set not ready
	WrapUpS        int
	ServiceLevelS  int // GB/T 33358 asks for 15
	AnnounceEveryS int // 0: no announcements
	OverflowAfterS int // 0: never by time
	OverflowQueue  string
	MaxWaiting     int // 0: no limit
	Priority       int // 1 (first) … 9; 5 is usual
	Skills         []SkillNeed
	MusicPrompt    string // prompt key; "": built-in music
	CalendarID     string // "" means always open
	Enabled        bool
}

// Skill is something agents can be good at; queues and flows ask for it.
type Skill struct {
	Meta
	Code   string
	Name   string
	NameEN string
}

// The seats an agent may take.
const (
	SeatBrowser   = "browser"
	SeatExtension = "extension"
)

// QueueMember puts an agent into a queue with a preference level (1 first).
type QueueMember struct {
	QueueID string `json:"queue_id"`
	Level   int    `json:"level"`
}

// AgentSkill is how good an agent is at something, 1–5.
type AgentSkill struct {
	Skill string `json:"skill"`
	Level int    `json:"level"`
}

// AgentProfile is a user's working profile at the telephone. Its id is the
// user's id.
type AgentProfile struct {
	Meta               // ID is the user id
	Number      string // 工号, spoken to callers: digits
	Name        string // as shown on the desk and the wallboard
	Queues      []QueueMember
	Skills      []AgentSkill
	DefaultSeat string
	Extension   string // number of the extension for SeatExtension
	AutoAnswer  bool
	Enabled     bool
}

// Level returns the agent's level in a skill, 0 when it has none.
func (p AgentProfile) Level(skill string) int {
	for _, s := range p.Skills {
		if s.Skill == skill {
			return s.Level
		}
	}
	return 0
}

// Disposition says what a call was about and how it ended; agents choose one
// in wrap-up.
type Disposition struct {
	Meta
	Code     string
	Name     string
	NameEN   string
	Category string // appointment, enquiry, complaint, other
	Position int
	Enabled  bool
}

// Reason is why an agent is not ready.
type Reason struct {
	Meta
	Code     string
	Name     string
	NameEN   string
	Paid     bool // counts as working time
	System   bool // set by the program (missed call, lost connection), not offered on the desk
	Position int
	Enabled  bool
}
