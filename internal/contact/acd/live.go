package acd

import "time"

// AgentLive is an agent as the wallboard shows one.
type AgentLive struct {
	Agent   string         `json:"agent"`
	State   AgentStateName `json:"state"`
	Reason  string         `json:"reason,omitempty"`
	Since   time.Time      `json:"since"`
	Until   time.Time      `json:"until,omitzero"` // end of wrap-up or ring time-out
	Call    string         `json:"call,omitempty"`
	Queue   string         `json:"queue,omitempty"` // queue of the call, when routed
	Seat    string         `json:"seat,omitempty"`
	Pending string         `json:"pending,omitempty"` // not-ready reason that follows the call
	Queues  []QueueLevel   `json:"queues,omitempty"`
}

// QueueLive is a queue as the wallboard shows one.
type QueueLive struct {
	Queue    string    `json:"queue"`
	Waiting  int       `json:"waiting"`         // includes calls that ring at an agent
	Oldest   time.Time `json:"oldest,omitzero"` // waiting since, of the longest wait
	Ready    int       `json:"ready"`           // agents of the queue by state
	Ringing  int       `json:"ringing"`
	Talking  int       `json:"talking"`
	WrapUp   int       `json:"wrap_up"`
	NotReady int       `json:"not_ready"`
	Today    Today     `json:"today"`
}

// Today counts a queue's calls since midnight in hospital time. ServiceLevel
// is answered in time / (offered and finished − short abandoned), the
// published default of docs/kpi.md; −1 while there is nothing to count.
type Today struct {
	Offered        int     `json:"offered"`
	Answered       int     `json:"answered"`
	AnsweredInTime int     `json:"answered_in_time"`
	Abandoned      int     `json:"abandoned"` // includes short ones
	ShortAbandoned int     `json:"short_abandoned"`
	Overflowed     int     `json:"overflowed"`
	OtherLeft      int     `json:"other_left"` // exit key, closed, moved …
	WaitMsAnswered int64   `json:"wait_ms_answered"`
	LongestWaitMs  int64   `json:"longest_wait_ms"`
	ServiceLevel   float64 `json:"service_level"`
	ASAMs          int64   `json:"asa_ms"`
}

// State is the live picture for the wallboard: queues and signed-in agents in
// order of their ids.
type State struct {
	At     time.Time   `json:"at"`
	Queues []QueueLive `json:"queues"`
	Agents []AgentLive `json:"agents"`
}

// AgentChanged is the fact on the bus after each change of an agent's state.
type AgentChanged struct{ AgentLive }

// QueueChanged is the fact on the bus after anything about a queue changed;
// several changes in one go make one fact.
type QueueChanged struct{ QueueLive }
