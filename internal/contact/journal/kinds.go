package journal

import (
	"encoding/json"
	"fmt"
)

// Kind names the event kind.
func (CallStarted) Kind() string { return KindCallStarted }

// Kind names the event kind.
func (CallIdentified) Kind() string { return KindCallIdentified }

// Kind names the event kind.
func (LegStarted) Kind() string { return KindLegStarted }

// Kind names the event kind.
func (LegRinging) Kind() string { return KindLegRinging }

// Kind names the event kind.
func (LegAnswered) Kind() string { return KindLegAnswered }

// Kind names the event kind.
func (LegEnded) Kind() string { return KindLegEnded }

// Kind names the event kind.
func (MediaUp) Kind() string { return KindMediaUp }

// Kind names the event kind.
func (MediaLost) Kind() string { return KindMediaLost }

// Kind names the event kind.
func (MediaQuality) Kind() string { return KindMediaQuality }

// Kind names the event kind.
func (IVREntered) Kind() string { return KindIVREntered }

// Kind names the event kind.
func (IVRNode) Kind() string { return KindIVRNode }

// Kind names the event kind.
func (IVRInput) Kind() string { return KindIVRInput }

// Kind names the event kind.
func (IVRDip) Kind() string { return KindIVRDip }

// Kind names the event kind.
func (IVRLeft) Kind() string { return KindIVRLeft }

// Kind names the event kind.
func (QueueEntered) Kind() string { return KindQueueEntered }

// Kind names the event kind.
func (QueueAnnounced) Kind() string { return KindQueueAnnounced }

// Kind names the event kind.
func (QueueOffered) Kind() string { return KindQueueOffered }

// Kind names the event kind.
func (QueueRefused) Kind() string { return KindQueueRefused }

// Kind names the event kind.
func (QueueAnswered) Kind() string { return KindQueueAnswered }

// Kind names the event kind.
func (QueueLeft) Kind() string { return KindQueueLeft }

// Kind names the event kind.
func (CallHeld) Kind() string { return KindCallHeld }

// Kind names the event kind.
func (CallResumed) Kind() string { return KindCallResumed }

// Kind names the event kind.
func (CallMuted) Kind() string { return KindCallMuted }

// Kind names the event kind.
func (CallTransferred) Kind() string { return KindCallTransferred }

// Kind names the event kind.
func (CallConferenced) Kind() string { return KindCallConferenced }

// Kind names the event kind.
func (CallParked) Kind() string { return KindCallParked }

// Kind names the event kind.
func (CallUnparked) Kind() string { return KindCallUnparked }

// Kind names the event kind.
func (MonitorStarted) Kind() string { return KindMonitorStarted }

// Kind names the event kind.
func (MonitorEnded) Kind() string { return KindMonitorEnded }

// Kind names the event kind.
func (RecordingStarted) Kind() string { return KindRecordingStarted }

// Kind names the event kind.
func (RecordingPaused) Kind() string { return KindRecordingPaused }

// Kind names the event kind.
func (RecordingResumed) Kind() string { return KindRecordingResumed }

// Kind names the event kind.
func (RecordingStopped) Kind() string { return KindRecordingStopped }

// Kind names the event kind.
func (RecordingFailed) Kind() string { return KindRecordingFailed }

// Kind names the event kind.
func (DTMFReceived) Kind() string { return KindDTMFReceived }

// Kind names the event kind.
func (CallDisposed) Kind() string { return KindCallDisposed }

// Kind names the event kind.
func (CallNoted) Kind() string { return KindCallNoted }

// Kind names the event kind.
func (CallEnded) Kind() string { return KindCallEnded }

// Kind names the event kind.
func (AgentSignedIn) Kind() string { return KindAgentSignedIn }

// Kind names the event kind.
func (AgentState) Kind() string { return KindAgentState }

// Kind names the event kind.
func (AgentSignedOut) Kind() string { return KindAgentSignedOut }

// Unknown is the payload of a kind that this build does not know: it keeps
// what was stored, so that an older build can still show a newer log.
type Unknown struct {
	Name string
	Data json.RawMessage
}

// Kind names the event kind.
func (u Unknown) Kind() string { return u.Name }

// Decode returns the payload of an event as a struct value of its kind, or
// Unknown for a kind of another version of the program. Malformed data of a
// known kind is an error.
func Decode(e Event) (Payload, error) {
	if e.payload != nil {
		return e.payload, nil
	}
	if dec := decoder(e.Kind); dec != nil {
		p, err := dec(e.Data)
		if err != nil {
			return nil, fmt.Errorf("decode %s event %s: %w", e.Kind, e.ID, err)
		}
		return p, nil
	}
	return Unknown{Name: e.Kind, Data: e.Data}, nil
}

// Known reports whether this build has a payload type for the kind.
func Known(kind string) bool { return decoder(kind) != nil }

func as[P Payload](data json.RawMessage) (Payload, error) {
	var p P
	if len(data) == 0 {
		return p, nil
	}
	if err := json.Unmarshal(data, &p); err != nil {
		return nil, err
	}
	return p, nil
}

// decoder is a table in the form of switches, so that nothing can change it.
func decoder(kind string) func(json.RawMessage) (Payload, error) {
	for _, find := range []func(string) func(json.RawMessage) (Payload, error){callDecoder, routingDecoder, mediaDecoder} {
		if dec := find(kind); dec != nil {
			return dec
		}
	}
	return nil
}

func callDecoder(kind string) func(json.RawMessage) (Payload, error) {
	switch kind {
	case KindCallStarted:
		return as[CallStarted]
	case KindCallIdentified:
		return as[CallIdentified]
	case KindCallHeld:
		return as[CallHeld]
	case KindCallResumed:
		return as[CallResumed]
	case KindCallMuted:
		return as[CallMuted]
	case KindCallTransferred:
		return as[CallTransferred]
	case KindCallConferenced:
		return as[CallConferenced]
	case KindCallParked:
		return as[CallParked]
	case KindCallUnparked:
		return as[CallUnparked]
	case KindCallDisposed:
		return as[CallDisposed]
	case KindCallNoted:
		return as[CallNoted]
	case KindCallEnded:
		return as[CallEnded]
	case KindLegStarted:
		return as[LegStarted]
	case KindLegRinging:
		return as[LegRinging]
	case KindLegAnswered:
		return as[LegAnswered]
	case KindLegEnded:
		return as[LegEnded]
	}
	return nil
}

func routingDecoder(kind string) func(json.RawMessage) (Payload, error) {
	switch kind {
	case KindQueueEntered:
		return as[QueueEntered]
	case KindQueueAnnounced:
		return as[QueueAnnounced]
	case KindQueueOffered:
		return as[QueueOffered]
	case KindQueueRefused:
		return as[QueueRefused]
	case KindQueueAnswered:
		return as[QueueAnswered]
	case KindQueueLeft:
		return as[QueueLeft]
	case KindIVREntered:
		return as[IVREntered]
	case KindIVRNode:
		return as[IVRNode]
	case KindIVRInput:
		return as[IVRInput]
	case KindIVRDip:
		return as[IVRDip]
	case KindIVRLeft:
		return as[IVRLeft]
	case KindDTMFReceived:
		return as[DTMFReceived]
	case KindAgentSignedIn:
		return as[AgentSignedIn]
	case KindAgentState:
		return as[AgentState]
	case KindAgentSignedOut:
		return as[AgentSignedOut]
	}
	return nil
}

func mediaDecoder(kind string) func(json.RawMessage) (Payload, error) {
	switch kind {
	case KindMediaUp:
		return as[MediaUp]
	case KindMediaLost:
		return as[MediaLost]
	case KindMediaQuality:
		return as[MediaQuality]
	case KindMonitorStarted:
		return as[MonitorStarted]
	case KindMonitorEnded:
		return as[MonitorEnded]
	case KindRecordingStarted:
		return as[RecordingStarted]
	case KindRecordingPaused:
		return as[RecordingPaused]
	case KindRecordingResumed:
		return as[RecordingResumed]
	case KindRecordingStopped:
		return as[RecordingStopped]
	case KindRecordingFailed:
		return as[RecordingFailed]
	}
	return nil
}
