package call

import "time"

// LiveCall is the published view of a call: immutable, cheap to read.
// Number is the caller's full number; whoever shows it checks the right first
// (it is not part of the JSON).
type LiveCall struct {
	ID           string      `json:"id"`
	Direction    string      `json:"direction"`
	Stage        string      `json:"stage"`
	Channel      string      `json:"channel"` // sip or browser
	Number       string      `json:"-"`
	NumberMasked string      `json:"number_masked"`
	To           string      `json:"to"`
	DID          string      `json:"did,omitempty"`
	Trunk        string      `json:"trunk,omitempty"`
	Extension    string      `json:"extension,omitempty"`
	Queue        string      `json:"queue,omitempty"`
	QueueName    string      `json:"queue_name,omitempty"`
	Agents       []string    `json:"agents"` // user ids on the call or being rung
	StartedAt    time.Time   `json:"started_at"`
	QueuedAt     *time.Time  `json:"queued_at,omitempty"`
	AnsweredAt   *time.Time  `json:"answered_at,omitempty"` // by the first agent or callee
	EndedAt      *time.Time  `json:"ended_at,omitempty"`
	WaitedMS     int64       `json:"waited_ms"`
	Position     int         `json:"position,omitempty"`
	Recording    string      `json:"recording"` // on, paused or off
	Patients     []Candidate `json:"patients"`
	Legs         []LegView   `json:"legs"`
	Quality      *Quality    `json:"quality,omitempty"`
	EndCause     string      `json:"end_cause,omitempty"`
	Help         bool        `json:"help,omitempty"` // the agent asked for a supervisor
}

// LegView is one party of a live call.
type LegView struct {
	ID    string `json:"id"`
	Party string `json:"party"`           // caller, agent, external, supervisor
	User  string `json:"user,omitempty"`  // user id of an agent or supervisor
	Name  string `json:"name,omitempty"`  // of the agent or extension; a masked number outside
	State string `json:"state"`           // ringing, up, lost, ended
	Held  bool   `json:"held,omitempty"`  // neither hears nor is heard
	Muted bool   `json:"muted,omitempty"` // hears, is not heard
	Mode  string `json:"mode,omitempty"`  // of a supervisor: listen, whisper, barge
	Dials bool   `json:"-"`               // its agent began the call
	// Deadline is when a ringing leg stops ringing.
	Deadline *time.Time `json:"deadline,omitempty"`
}

// Quality is what a call sounds like, by the E-model.
type Quality struct {
	MOS      float64 `json:"mos"`
	LossPct  float64 `json:"loss_pct"`
	JitterMS float64 `json:"jitter_ms"`
	RTTMS    float64 `json:"rtt_ms"`
}

// Candidate is somebody the caller may be. The package only carries it from
// the Identifier to the screens.
type Candidate struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Sex   string `json:"sex"`
	Age   int    `json:"age"`
	Match string `json:"match"` // why: phone, household, …
	// Allergies warn whoever answers before the record is open.
	Allergies []string `json:"allergies,omitempty"`
}

// DeskView is everything an agent's desk shows about telephony.
type DeskView struct {
	Agent  DeskAgent   `json:"agent"`
	Queues []DeskQueue `json:"queues"`
	Calls  []DeskCall  `json:"calls"`
	WrapUp *DeskWrapUp `json:"wrap_up"`
}

// DeskAgent is the agent's own state.
type DeskAgent struct {
	ID               string    `json:"id"`
	Name             string    `json:"name"`
	Number           string    `json:"number"`
	State            string    `json:"state"` // as in package acd: signed_out, ready, not_ready, ringing, talking, wrap_up
	Reason           string    `json:"reason"`
	Since            time.Time `json:"since"`
	Seat             string    `json:"seat"` // browser, extension or ""
	Extension        string    `json:"extension"`
	BrowserConnected bool      `json:"browser_connected"`
}

// DeskQueue is a queue that the agent serves.
type DeskQueue struct {
	ID           string `json:"id"`
	Name         string `json:"name"`
	Waiting      int    `json:"waiting"`
	LongestWaitS int    `json:"longest_wait_s"`
}

// DeskCall is a call as its agent sees it. State is ringing, dialing, talking,
// held, parked or ended.
type DeskCall struct {
	ID            string      `json:"id"`
	Direction     string      `json:"direction"`
	State         string      `json:"state"`
	NumberMasked  string      `json:"number_masked"`
	Number        string      `json:"number,omitempty"` // only with the right to see it
	Colleague     string      `json:"colleague"`        // who is at the other end of a call within the house
	Queue         string      `json:"queue"`
	QueueName     string      `json:"queue_name"`
	WaitedMS      int64       `json:"waited_ms"`
	StartedAt     time.Time   `json:"started_at"`
	AnsweredAt    *time.Time  `json:"answered_at"`
	Muted         bool        `json:"muted"`
	Recording     string      `json:"recording"` // on, paused or off
	Patients      []Candidate `json:"patients"`
	Legs          []LegView   `json:"legs"`
	Quality       *Quality    `json:"quality"`
	OfferDeadline *time.Time  `json:"offer_deadline"`
}

// DeskWrapUp says which call is being wrapped up, and until when.
type DeskWrapUp struct {
	Call   string     `json:"call"`
	EndsAt *time.Time `json:"ends_at"`
}
