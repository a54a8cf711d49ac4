package journal

import "time"

// Skill is a skill that a call needs, at Level or above (1–5).
type Skill struct {
	Skill string `json:"skill"`
	Level int    `json:"level"`
}

// Receipt explains one routing decision: who could have had the call, who was
// chosen by which figure, and why the others were left out. The lists are cut
// to the first few; the totals are complete.
type Receipt struct {
	RuleVersion     string         `json:"rule_version"`
	At              time.Time      `json:"at"`
	Call            string         `json:"call"`
	Queue           string         `json:"queue"`
	Trigger         string         `json:"trigger,omitempty"` // call_waiting or agent_free
	WaitedMs        int64          `json:"waited_ms"`
	Priority        int            `json:"priority"`
	Front           bool           `json:"front,omitempty"`
	Position        int            `json:"position"`
	Skills          []Skill        `json:"skills,omitempty"`
	Candidates      []Candidate    `json:"candidates"`
	CandidatesTotal int            `json:"candidates_total"`
	Excluded        []Exclusion    `json:"excluded,omitempty"`
	ExcludedCounts  map[string]int `json:"excluded_counts,omitempty"`
}

// Candidate is an agent who was free and able. Score is IdleMs plus the
// queue's bonus for each level above the one needed; the highest wins, equal
// scores go to the smaller agent id.
type Candidate struct {
	Agent      string `json:"agent"`
	IdleMs     int64  `json:"idle_ms"`
	SkillLevel int    `json:"skill_level"`
	Score      int64  `json:"score"`
	Chosen     bool   `json:"chosen,omitempty"`
}

// Exclusion is an agent of the queue who could not be offered the call, such
// as talking, wrap_up, not_ready:lunch, skill:cardiology.
type Exclusion struct {
	Agent  string `json:"agent"`
	Reason string `json:"reason"`
}
