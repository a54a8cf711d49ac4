package api

import (
	"time"

	"heartline/internal/platform/identity"
)

// ReportQuery narrows a report.
type ReportQuery struct {
	Period
	Queue string `query:"queue" maxLength:"64"`
}

// IntervalQuery asks for a series.
type IntervalQuery struct {
	ReportQuery
	Interval string `query:"interval" enum:"15m,1h,1d" default:"1h"`
}

// Figures are the KPIs of a set of calls. Rates are 0 to 1 and absent when
// there is nothing to divide by. docs/kpi.md has the formulas.
type Figures struct {
	Inbound        int      `json:"inbound"`
	Outbound       int      `json:"outbound"`
	Internal       int      `json:"internal"`
	Offered        int      `json:"offered" doc:"Calls that entered a queue"`
	Answered       int      `json:"answered"`
	Abandoned      int      `json:"abandoned"`
	ShortAbandoned int      `json:"short_abandoned"`
	Overflowed     int      `json:"overflowed"`
	Unserved       int      `json:"unserved" doc:"Closed, full, nobody there, fault, key to leave"`
	IVROnly        int      `json:"ivr_only"`
	Missed         int      `json:"missed"`
	Failed         int      `json:"failed"`
	TransferredOut int      `json:"transferred_out"`
	Transfers      int      `json:"transfers"`
	Handled        int      `json:"handled" doc:"Calls with at least one answered part"`
	InService      int      `json:"in_service" doc:"Answered within the goal"`
	ServiceLevel   *float64 `json:"service_level,omitempty"`
	AnswerRate     *float64 `json:"answer_rate,omitempty"`
	AbandonRate    *float64 `json:"abandon_rate,omitempty"`
	ASAMs          *float64 `json:"asa_ms,omitempty"`
	AHTMs          *float64 `json:"aht_ms,omitempty"`
	TalkMs         int64    `json:"talk_ms"`
	HoldMs         int64    `json:"hold_ms"`
	WrapMs         int64    `json:"wrap_ms"`
	WaitMs         int64    `json:"wait_ms"`
	MaxWaitMs      int64    `json:"max_wait_ms"`
}

// ReportSummary is the whole of a period, and each queue of it.
type ReportSummary struct {
	From          time.Time      `json:"from"`
	To            time.Time      `json:"to"`
	Formulas      string         `json:"formulas" doc:"Version of the formulas"`
	ServiceLevelS int            `json:"service_level_s"`
	Total         Figures        `json:"total"`
	Queues        []QueueFigures `json:"queues"`
}

// QueueFigures are the figures of one queue.
type QueueFigures struct {
	Queue  string `json:"queue"`
	Name   string `json:"name"`
	NameEN string `json:"name_en"`
	Figures
}

// IntervalFigures are the figures of a piece of time.
type IntervalFigures struct {
	Start time.Time `json:"start"`
	Figures
}

// AgentFigures are what an agent did in a period.
type AgentFigures struct {
	Agent      string   `json:"agent"`
	Name       string   `json:"name"`
	Number     string   `json:"number"`
	Handled    int      `json:"handled"`
	Outbound   int      `json:"outbound"`
	Missed     int      `json:"missed"`
	Refused    int      `json:"refused"`
	TalkMs     int64    `json:"talk_ms"`
	HoldMs     int64    `json:"hold_ms"`
	WrapMs     int64    `json:"wrap_ms"`
	SignedInMs int64    `json:"signed_in_ms"`
	ReadyMs    int64    `json:"ready_ms"`
	NotReadyMs int64    `json:"not_ready_ms"`
	AHTMs      *float64 `json:"aht_ms,omitempty"`
	Occupancy  *float64 `json:"occupancy,omitempty"`
}

func (s *Server) routeReports() {
	a := needs(identity.ReportRead)
	get(s, "/api/reports/summary", "reportSummary", "KPIs of a period", a, s.reportSummary)
	get(s, "/api/reports/intervals", "reportIntervals", "KPIs over time", a, s.reportIntervals)
	get(s, "/api/reports/agents", "reportAgents", "What agents did", a, s.reportAgents)
}
