package switchboard

import (
	"encoding/json"
	"time"

	"heartline/internal/contact/ivr"
)

// The states of a flow version.
const (
	FlowDraft     = "draft"
	FlowPublished = "published"
	FlowRetired   = "retired" // was published before
)

// Flow is a menu or call flow. Its versions hold the graph.
type Flow struct {
	Meta
	Name      string
	Language  string
	Published int // number of the published version, 0: none
	Draft     int // number of the draft version, 0: none
}

// FlowVersion is one numbered state of a flow's graph, the JSON of ivr.Flow.
type FlowVersion struct {
	FlowID      string
	Number      int
	State       string
	Graph       json.RawMessage
	Note        string
	Author      string // user id
	CreatedAt   time.Time
	PublishedAt time.Time
}

// PublishedFlow is the version of a flow that calls run.
type PublishedFlow struct {
	FlowID   string
	Name     string
	Language string
	Number   int // version
	Graph    ivr.Flow
}
