// Package journal keeps contact_events, the truth about contacts: every step
// of a call and every change of an agent's state is an appended fact. Call
// records, figures, routing receipts and replay are derived from it.
//
// It owns the kinds of events and their payloads, the table and the batched
// writer. It does not interpret events (callrecord and kpi do), knows no
// patients beyond their ids, and stores no number in clear: whoever appends
// call.started seals the number first.
package journal

import (
	"encoding/json"
	"time"
)

// Event is one appended fact. Contact, Agent and Queue are ids and may be
// empty. Version is the version of the payload's shape.
type Event struct {
	ID      string          `json:"id"`
	At      time.Time       `json:"at"`
	Contact string          `json:"contact,omitempty"`
	Agent   string          `json:"agent,omitempty"`
	Queue   string          `json:"queue,omitempty"`
	Kind    string          `json:"kind"`
	Version int             `json:"version"`
	Data    json.RawMessage `json:"data,omitempty"`

	payload Payload // set by Append, so that nobody decodes what was just encoded
}

// Payload is the data of one kind of event: a struct of kinds.go.
type Payload interface{ Kind() string }

// payloadVersion is the shape that this build writes.
const payloadVersion = 1
