// Package callrecord derives call records from the event log.
//
// It owns the fold (events → Record), the tables calls, call_visits,
// call_agents, agent_spans and agent_presence as projections kept in the same
// transaction as the events, the list and export of calls, and the agent's
// disposition. It does not own the log itself (journal), nor figures (kpi),
// and sees a caller's number only sealed, indexed and masked.
package callrecord

import "time"

// Outcome says how a call ended, from the caller's point of view.
type Outcome string

// The outcomes. An open call has none.
const (
	// Answered: a person of the hospital (or, outbound, the far end) answered.
	Answered Outcome = "answered"
	// Abandoned: the caller gave up while waiting for a person.
	Abandoned Outcome = "abandoned"
	// ShortAbandoned: abandoned within Rules.ShortAbandon of asking for one.
	ShortAbandoned Outcome = "short_abandoned"
	// SelfService: the caller was done in the menu and never asked for a person.
	SelfService Outcome = "ivr"
	// Missed: a person was wanted and nobody came, and the caller did not give
	// up: closed, full, no agents, no answer at an extension or outside.
	Missed Outcome = "missed"
	// Failed: a fault ended the call before anybody answered.
	Failed Outcome = "failed"
	// TransferredOut: only a number outside the hospital answered.
	TransferredOut Outcome = "transferred_out"
)

// Number is a telephone number that this package cannot read.
type Number struct {
	Sealed string `json:"sealed,omitempty"`
	Index  string `json:"index,omitempty"`
	Masked string `json:"masked,omitempty"`
}

// Record is the account of one call. Durations are in milliseconds; WaitMs is
// all waiting in queues before the first answer, ringing included; TalkMs is
// the time from the answer to the end without HoldMs and ParkMs; ParkMs is
// time after the answer without an agent on the line.
type Record struct {
	ID          string    `json:"id"`
	Direction   string    `json:"direction"`
	StartedAt   time.Time `json:"started_at"`
	From        Number    `json:"from"`
	To          string    `json:"to,omitempty"`
	DID         string    `json:"did,omitempty"`
	Trunk       string    `json:"trunk,omitempty"`
	Extension   string    `json:"extension,omitempty"`
	Channel     string    `json:"channel,omitempty"`
	Queue       string    `json:"queue,omitempty"` // the last one
	Agents      []string  `json:"agents,omitempty"`
	PatientID   string    `json:"patient_id,omitempty"`
	IVRPath     []string  `json:"ivr_path,omitempty"` // nodes; "menu=1" for a key
	AnsweredAt  time.Time `json:"answered_at,omitzero"`
	EndedAt     time.Time `json:"ended_at,omitzero"`
	IVRMs       int64     `json:"ivr_ms"`
	WaitMs      int64     `json:"wait_ms"`
	RingMs      int64     `json:"ring_ms"`
	TalkMs      int64     `json:"talk_ms"`
	HoldMs      int64     `json:"hold_ms"`
	ParkMs      int64     `json:"park_ms,omitempty"`
	WrapMs      int64     `json:"wrap_ms"`
	Outcome     Outcome   `json:"outcome,omitempty"`
	EndCause    string    `json:"end_cause,omitempty"`
	EndedBy     string    `json:"ended_by,omitempty"`
	Transfers   int       `json:"transfers"`
	Recording   string    `json:"recording,omitempty"`
	Disposition string    `json:"disposition,omitempty"`
	Notes       string    `json:"notes,omitempty"`
	MOS         float64   `json:"mos,omitempty"` // the worst a leg reported
	Visits      []Visit   `json:"visits,omitempty"`
	Handled     []Handled `json:"handled,omitempty"`

	fold foldState
}

// Visit is one stay in a queue. Result is as in queue.left: answered,
// abandoned, short_abandoned, overflow, exit_key, no_agents, closed, moved.
type Visit struct {
	Queue     string    `json:"queue"`
	EnteredAt time.Time `json:"entered_at"`
	LeftAt    time.Time `json:"left_at,omitzero"`
	WaitMs    int64     `json:"wait_ms"`
	Result    string    `json:"result,omitempty"`
	To        string    `json:"to,omitempty"`
	Agent     string    `json:"agent,omitempty"`
}

// Handled is one agent's part: an offer or a direct call, answered or not.
// Result is answered, no_answer, refused, cancelled (the caller's side ended
// the ringing) or empty while it rings.
type Handled struct {
	Agent      string    `json:"agent"`
	Queue      string    `json:"queue,omitempty"`
	RangAt     time.Time `json:"rang_at"`
	AnsweredAt time.Time `json:"answered_at,omitzero"`
	EndedAt    time.Time `json:"ended_at,omitzero"`
	Result     string    `json:"result,omitempty"`
	RingMs     int64     `json:"ring_ms"`
	TalkMs     int64     `json:"talk_ms"`
	HoldMs     int64     `json:"hold_ms"`
	WrapMs     int64     `json:"wrap_ms"`
}

// Rules are the configurable limits of the fold.
type Rules struct {
	ShortAbandon time.Duration // hang-ups up to it are short; default 5 s
}

// DefaultRules are the published ones.
func DefaultRules() Rules { return Rules{ShortAbandon: 5 * time.Second} }

// Filter narrows a list of calls. Zero fields do not filter; From is
// inclusive, To exclusive, both by the start of the call.
type Filter struct {
	From, To    time.Time
	Queue       string
	Agent       string
	Outcome     Outcome
	Direction   string
	PatientIDs  []string // any of them: people are known under several once records were merged
	Disposition string
	FromIndexes []string // blind indexes of a number, any of them
	OpenOnly    bool     // calls without an end
	Limit       int      // default 50, at most 500
}

// Page is a piece of a list, newest first; Next is "" at the end.
type Page struct {
	Items []Record
	Next  string
}
