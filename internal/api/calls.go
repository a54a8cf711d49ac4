package api

import (
	"encoding/json"
	"time"

	"heartline/internal/platform/identity"
)

// CallRow is a call in a list.
type CallRow struct {
	ID          string     `json:"id"`
	Direction   string     `json:"direction" enum:"inbound,outbound,internal"`
	Channel     string     `json:"channel" enum:"sip,browser,"`
	StartedAt   time.Time  `json:"started_at"`
	AnsweredAt  *time.Time `json:"answered_at,omitempty"`
	EndedAt     *time.Time `json:"ended_at,omitempty"`
	FromMasked  string     `json:"from_masked"`
	To          string     `json:"to"`
	DID         string     `json:"did" doc:"The hospital's number that was called"`
	Trunk       string     `json:"trunk"`
	TrunkName   string     `json:"trunk_name" doc:"Of the trunk as it is called today; empty when it is gone"`
	Queue       string     `json:"queue"`
	QueueName   string     `json:"queue_name"`
	Agents      []Ref      `json:"agents"`
	Patient     *Ref       `json:"patient,omitempty"`
	Outcome     string     `json:"outcome" enum:"answered,abandoned,short_abandoned,ivr,missed,failed,transferred_out," doc:"Empty while the call lives"`
	IVRMs       int64      `json:"ivr_ms"`
	WaitMs      int64      `json:"wait_ms"`
	RingMs      int64      `json:"ring_ms"`
	TalkMs      int64      `json:"talk_ms"`
	HoldMs      int64      `json:"hold_ms"`
	WrapMs      int64      `json:"wrap_ms"`
	Transfers   int        `json:"transfers"`
	Recording   string     `json:"recording" doc:"Id of the recording; empty when there is none or no right to it"`
	Disposition string     `json:"disposition"`
	EndedBy     string     `json:"ended_by" doc:"caller, agent, system, supervisor or restart"`
	MOS         float64    `json:"mos"`
}

// CallDetail is one call with everything known about it.
type CallDetail struct {
	CallRow
	EndCause string   `json:"end_cause"`
	IVRPath  []string `json:"ivr_path"`
	Notes    string   `json:"notes"`
	Own      bool     `json:"own" doc:"The reader took part in it"`
	Live     bool     `json:"live"`
}

// CallEvent is one step of a call, from the event log.
type CallEvent struct {
	ID        string          `json:"id"`
	At        time.Time       `json:"at"`
	Kind      string          `json:"kind" doc:"Such as queue.offered"`
	Version   int             `json:"version"`
	Agent     string          `json:"agent"`
	AgentName string          `json:"agent_name"`
	Queue     string          `json:"queue"`
	QueueName string          `json:"queue_name"`
	Data      json.RawMessage `json:"data" doc:"Fields of this kind of event; queue.offered carries the routing receipt"`
}

// CallQuery filters calls.
type CallQuery struct {
	Period
	Queue       string `query:"queue" maxLength:"64"`
	Agent       string `query:"agent" maxLength:"64"`
	Patient     string `query:"patient" maxLength:"64"`
	Outcome     string `query:"outcome" enum:"answered,abandoned,short_abandoned,ivr,missed,failed,transferred_out,"`
	Direction   string `query:"direction" enum:"inbound,outbound,internal,"`
	Disposition string `query:"disposition" maxLength:"40"`
	Q           string `query:"q" maxLength:"60" doc:"Whole telephone number or call id"`
}

// CallListInput lists calls.
type CallListInput struct {
	CallQuery
	Paging
}

// CallNotesInput changes the notes of a call afterwards.
type CallNotesInput struct {
	ByID
	Body struct {
		Disposition string `json:"disposition" required:"false" maxLength:"40"`
		Notes       string `json:"notes" maxLength:"4000"`
		PatientID   string `json:"patient_id,omitempty" maxLength:"64"`
	}
}

// RecordingView describes a recording.
type RecordingView struct {
	ID         string    `json:"id"`
	CallID     string    `json:"call_id"`
	StartedAt  time.Time `json:"started_at"`
	DurationMs int64     `json:"duration_ms"`
	Bytes      int64     `json:"bytes"`
	State      string    `json:"state" enum:"ready,erased"`
	Truncated  bool      `json:"truncated" doc:"The server stopped in mid-call; what was spoken until then is here"`
}

// WaveformInput asks for the shape of a recording.
type WaveformInput struct {
	ByID
	Points int `query:"points" minimum:"10" maximum:"4000" default:"800"`
}

// Waveform is the loudness over time, 0 to 1.
type Waveform struct {
	DurationMs int64     `json:"duration_ms"`
	Caller     []float32 `json:"caller" doc:"Left channel"`
	Agent      []float32 `json:"agent" doc:"Right channel"`
}

// PopView is who may be calling.
type PopView struct {
	CallID       string         `json:"call_id"`
	NumberMasked string         `json:"number_masked"`
	Number       string         `json:"number,omitempty" doc:"In full, with the right to see it"`
	Candidates   []PopCandidate `json:"candidates" doc:"Empty: the number is unknown"`
	RecentCalls  []CallRow      `json:"recent_calls"`
}

// PopCandidate is a customer behind the calling number.
type PopCandidate struct {
	PatientHit
	Recent []TimelineRow `json:"recent" doc:"Latest entries of the most likely candidate"`
}

func (s *Server) routeCalls() {
	read := needs(identity.CallRead, identity.CallReadOwn)
	get(s, "/api/calls", "listCalls", "List calls; without the wider right only one's own", read, s.listCalls)
	get(s, "/api/calls/export.csv", "exportCalls", "Calls as CSV", needs(identity.CallRead), s.exportCalls, produces("text/csv"))
	get(s, "/api/calls/{id}", "getCall", "One call", read, s.getCall)
	get(s, "/api/calls/{id}/events", "getCallEvents", "Every step of a call", read, s.getCallEvents)
	get(s, "/api/calls/{id}/pop", "getCallPop", "Who may be calling", needs(identity.PatientRead), s.getCallPop)
	put(s, "/api/calls/{id}/notes", "saveCallNotes", "Change notes and disposition", read, s.saveCallNotes)
	listen := needs(identity.RecordingListen, identity.RecordingListenOwn)
	get(s, "/api/recordings/{id}", "getRecording", "A recording", listen, s.getRecording)
	get(s, "/api/recordings/{id}/audio", "getRecordingAudio", "Sound of a recording (WAV, ranges)", listen, s.getRecordingAudio, produces("audio/wav"))
	get(s, "/api/recordings/{id}/waveform", "getRecordingWaveform", "Shape of a recording", listen, s.getRecordingWaveform)
}
