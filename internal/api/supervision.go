package api

import (
	"time"

	"heartline/internal/platform/identity"
)

// Wallboard is the state of the whole centre now.
type Wallboard struct {
	At     time.Time   `json:"at"`
	Totals WallTotals  `json:"totals"`
	Queues []WallQueue `json:"queues"`
	Agents []WallAgent `json:"agents"`
}

// WallTotals sums the queues.
type WallTotals struct {
	LiveCalls    int `json:"live_calls"`
	Waiting      int `json:"waiting"`
	LongestWaitS int `json:"longest_wait_s"`
	AgentCounts
	Today DayFigures `json:"today"`
}

// AgentCounts counts agents by state.
type AgentCounts struct {
	Ready    int `json:"ready"`
	Ringing  int `json:"ringing"`
	Talking  int `json:"talking"`
	WrapUp   int `json:"wrap_up"`
	NotReady int `json:"not_ready"`
}

// DayFigures are the figures since midnight in hospital time. docs/kpi.md has
// the formulas.
type DayFigures struct {
	Offered        int      `json:"offered"`
	Answered       int      `json:"answered"`
	Abandoned      int      `json:"abandoned"`
	ShortAbandoned int      `json:"short_abandoned"`
	ServiceLevel   *float64 `json:"service_level,omitempty" doc:"0 to 1; absent without calls"`
	ASAMs          *float64 `json:"asa_ms,omitempty" doc:"Average speed of answer"`
	AbandonRate    *float64 `json:"abandon_rate,omitempty" doc:"0 to 1"`
	AHTMs          *float64 `json:"aht_ms,omitempty" doc:"Average handling time"`
}

// WallQueue is one queue now and today.
type WallQueue struct {
	ID            string `json:"id"`
	Code          string `json:"code"`
	Name          string `json:"name"`
	NameEN        string `json:"name_en"`
	Waiting       int    `json:"waiting"`
	LongestWaitS  int    `json:"longest_wait_s"`
	ServiceLevelS int    `json:"service_level_s" doc:"Goal in seconds"`
	AgentCounts
	Today DayFigures `json:"today"`
}

// WallAgent is one agent now.
type WallAgent struct {
	ID     string     `json:"id"`
	Name   string     `json:"name"`
	Number string     `json:"number" doc:"工号"`
	State  string     `json:"state" enum:"signed_out,ready,not_ready,ringing,talking,wrap_up"`
	Reason string     `json:"reason"`
	Since  *time.Time `json:"since,omitempty"`
	Queues []string   `json:"queues"`
	Seat   string     `json:"seat"`
	CallID string     `json:"call_id"`
	Help   bool       `json:"help" doc:"Asked for a supervisor"`
}

// LiveCall is a call that is going on.
type LiveCall struct {
	ID           string        `json:"id"`
	Direction    string        `json:"direction" enum:"inbound,outbound,internal"`
	Stage        string        `json:"stage" enum:"setup,ivr,queued,ringing,talking,held,parked,ended"`
	Channel      string        `json:"channel"`
	NumberMasked string        `json:"number_masked"`
	To           string        `json:"to"`
	DID          string        `json:"did"`
	Trunk        string        `json:"trunk"`
	Extension    string        `json:"extension"`
	Queue        string        `json:"queue"`
	QueueName    string        `json:"queue_name"`
	Agents       []Ref         `json:"agents" doc:"On the call or being rung"`
	StartedAt    time.Time     `json:"started_at"`
	QueuedAt     *time.Time    `json:"queued_at,omitempty"`
	AnsweredAt   *time.Time    `json:"answered_at,omitempty"`
	EndedAt      *time.Time    `json:"ended_at,omitempty"`
	WaitedMs     int64         `json:"waited_ms"`
	Position     int           `json:"position"`
	Recording    string        `json:"recording" enum:"on,paused,off"`
	Patients     []DeskPatient `json:"patients" doc:"With the right to see customers"`
	Legs         []CallLeg     `json:"legs"`
	Quality      *Quality      `json:"quality,omitempty"`
	EndCause     string        `json:"end_cause"`
	Help         bool          `json:"help"`
}

// MonitorInput steps into a call.
type MonitorInput struct {
	ByID
	Body struct {
		Mode string `json:"mode" enum:"listen,whisper,barge"`
	}
}

// AgentStateInput changes an agent's state from outside.
type AgentStateInput struct {
	ByID
	Body struct {
		Ready   bool   `json:"ready" required:"false"`
		Reason  string `json:"reason,omitempty" maxLength:"40"`
		SignOut bool   `json:"sign_out,omitempty"`
	}
}

// QueueRef is a queue in lists to choose from.
type QueueRef struct {
	ID     string `json:"id"`
	Code   string `json:"code"`
	Name   string `json:"name"`
	NameEN string `json:"name_en"`
}

// AgentRef is an agent in lists to choose from.
type AgentRef struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Number string `json:"number"`
}

func (s *Server) routeSupervision() {
	watch := needs(identity.WallboardRead)
	monitor := needs(identity.SuperviseMonitor)
	lists := needs(identity.CallReadOwn, identity.CallRead, identity.WallboardRead, identity.ReportRead, identity.AdminTelephony, identity.AdminFlows)
	get(s, "/api/wallboard", "getWallboard", "The centre now", watch, s.getWallboard)
	get(s, "/api/queues", "listQueueNames", "Queues to choose from", lists, s.listQueueNames)
	get(s, "/api/agents", "listAgentNames", "Agents to choose from", lists, s.listAgentNames)
	get(s, "/api/live-calls", "listLiveCalls", "Calls going on", monitor, s.listLiveCalls)
	post(s, "/api/live-calls/{id}/monitor", "monitorCall", "Listen, whisper or barge", monitor, s.monitorCall)
	del(s, "/api/live-calls/{id}/monitor", "stopMonitor", "Step out of a call", monitor, s.stopMonitor)
	post(s, "/api/live-calls/{id}/hangup", "endLiveCall", "End a call", monitor, s.endLiveCall)
	put(s, "/api/agents/{id}/state", "forceAgentState", "Change an agent's state", needs(identity.SuperviseState), s.forceAgentState)
}
