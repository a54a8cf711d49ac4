package journal

// The kinds of events. The names are contracts: they are stored for years.
const (
	KindCallStarted      = "call.started"
	KindCallIdentified   = "call.identified"
	KindLegStarted       = "leg.started"
	KindLegRinging       = "leg.ringing"
	KindLegAnswered      = "leg.answered"
	KindLegEnded         = "leg.ended"
	KindMediaUp          = "media.up"
	KindMediaLost        = "media.lost"
	KindMediaQuality     = "media.quality"
	KindIVREntered       = "ivr.entered"
	KindIVRNode          = "ivr.node"
	KindIVRInput         = "ivr.input"
	KindIVRDip           = "ivr.dip"
	KindIVRLeft          = "ivr.left"
	KindQueueEntered     = "queue.entered"
	KindQueueAnnounced   = "queue.announced"
	KindQueueOffered     = "queue.offered"
	KindQueueRefused     = "queue.refused"
	KindQueueAnswered    = "queue.answered"
	KindQueueLeft        = "queue.left"
	KindCallHeld         = "call.held"
	KindCallResumed      = "call.resumed"
	KindCallMuted        = "call.muted"
	KindCallTransferred  = "call.transferred"
	KindCallConferenced  = "call.conferenced"
	KindCallParked       = "call.parked"
	KindCallUnparked     = "call.unparked"
	KindMonitorStarted   = "monitor.started"
	KindMonitorEnded     = "monitor.ended"
	KindRecordingStarted = "recording.started"
	KindRecordingPaused  = "recording.paused"
	KindRecordingResumed = "recording.resumed"
	KindRecordingStopped = "recording.stopped"
	KindRecordingFailed  = "recording.failed"
	KindDTMFReceived     = "dtmf.received"
	KindCallDisposed     = "call.disposed"
	KindCallNoted        = "call.noted"
	KindCallEnded        = "call.ended"
	KindAgentSignedIn    = "agent.signed_in"
	KindAgentState       = "agent.state"
	KindAgentSignedOut   = "agent.signed_out"
)

// The payloads, one per kind.
type (
	// CallStarted opens a contact. The caller's number comes sealed, indexed and masked, never in clear.
	CallStarted struct {
		Direction  string `json:"direction"`
		FromSealed string `json:"from_sealed,omitempty"`
		FromIndex  string `json:"from_index,omitempty"`
		FromMasked string `json:"from_masked,omitempty"`
		To         string `json:"to,omitempty"`
		DID        string `json:"did,omitempty"`
		Trunk      string `json:"trunk,omitempty"`
		Extension  string `json:"extension,omitempty"`
		Channel    string `json:"channel,omitempty"`
	}
	// CallIdentified lists the patients who may be behind the caller's number.
	CallIdentified struct {
		Patients []string `json:"patients"`
	}
	// LegStarted adds a leg. Party is caller, agent, external or supervisor; User the agent's or extension's user.
	LegStarted struct {
		Leg         string `json:"leg"`
		Party       string `json:"party"`
		AddressKind string `json:"address_kind,omitempty"`
		User        string `json:"user,omitempty"`
	}
	// LegRinging says the far end rings.
	LegRinging struct {
		Leg string `json:"leg"`
	}
	// LegAnswered says the far end answered.
	LegAnswered struct {
		Leg string `json:"leg"`
	}
	// LegEnded closes a leg with its causes.
	LegEnded struct {
		Leg     string `json:"leg"`
		Cause   string `json:"cause,omitempty"`
		SIPCode int    `json:"sip_code,omitempty"`
		Q850    int    `json:"q850,omitempty"`
	}
	// MediaUp says sound flows on the leg.
	MediaUp struct {
		Leg string `json:"leg"`
	}
	// MediaLost says sound stopped on the leg.
	MediaLost struct {
		Leg string `json:"leg"`
	}
	// MediaQuality is what the leg measured.
	MediaQuality struct {
		Leg      string  `json:"leg"`
		MOS      float64 `json:"mos"`
		Loss     float64 `json:"loss"`
		JitterMs float64 `json:"jitter_ms"`
		RTTMs    float64 `json:"rtt_ms"`
	}
	// IVREntered says a flow took the call.
	IVREntered struct {
		Flow    string `json:"flow"`
		Version int    `json:"version"`
	}
	// IVRNode says the flow reached a node.
	IVRNode struct {
		Node string `json:"node"`
		Type string `json:"type"`
	}
	// IVRInput is one reaction in a menu: Input is digit, timeout or invalid, and Digit one key at most; or
	// Input is input, and Digit what was entered as far as it may be written down.
	IVRInput struct {
		Node  string `json:"node"`
		Input string `json:"kind"`
		Digit string `json:"digit,omitempty"`
	}
	// IVRDip says that the flow asked the hospital, and what came of it.
	IVRDip struct {
		Node    string `json:"node"`
		Dip     string `json:"dip"`
		Outcome string `json:"outcome"`
		Options int    `json:"options,omitempty"`
		Ms      int64  `json:"ms"`
	}
	// IVRLeft says the flow let go of the call, and to where.
	IVRLeft struct {
		Result string `json:"result"`
		Target string `json:"target,omitempty"`
	}
	// QueueEntered puts the caller in a queue at a position (1 is next).
	QueueEntered struct {
		Queue    string  `json:"queue"`
		Priority int     `json:"priority"`
		Skills   []Skill `json:"skills,omitempty"`
		Position int     `json:"position"`
		Front    bool    `json:"front,omitempty"`
	}
	// QueueAnnounced is what the waiting caller was told; no estimate leaves both bounds zero.
	QueueAnnounced struct {
		Position      int `json:"position"`
		EstimateLowS  int `json:"estimate_low_s,omitempty"`
		EstimateHighS int `json:"estimate_high_s,omitempty"`
	}
	// QueueOffered says the call rings at an agent, and why that agent.
	QueueOffered struct {
		Agent   string  `json:"agent"`
		Offer   string  `json:"offer"`
		Receipt Receipt `json:"receipt"`
	}
	// QueueRefused ends an offer without an answer: refused, no_answer, caller_gone, device_lost, signed_out, agent_busy …
	QueueRefused struct {
		Agent  string `json:"agent"`
		Offer  string `json:"offer"`
		Reason string `json:"reason"`
	}
	// QueueAnswered says the agent took the call after that wait.
	QueueAnswered struct {
		Agent    string `json:"agent"`
		Offer    string `json:"offer,omitempty"`
		WaitedMs int64  `json:"waited_ms"`
	}
	// QueueLeft ends a visit to a queue: answered, abandoned, overflow, exit_key, no_agents, closed.
	QueueLeft struct {
		Reason   string `json:"reason"`
		To       string `json:"to,omitempty"`
		WaitedMs int64  `json:"waited_ms"`
	}
	// CallHeld puts the caller on hold.
	CallHeld struct {
		By string `json:"by,omitempty"`
	}
	// CallResumed ends a hold.
	CallResumed struct {
		By string `json:"by,omitempty"`
	}
	// CallMuted switches the agent's microphone.
	CallMuted struct {
		On bool   `json:"on"`
		By string `json:"by,omitempty"`
	}
	// CallTransferred reports a transfer; only Result ok (or empty) counts.
	CallTransferred struct {
		Type       string `json:"kind"`
		From       string `json:"from,omitempty"`
		TargetKind string `json:"target_kind"`
		Target     string `json:"target"`
		Result     string `json:"result,omitempty"`
	}
	// CallConferenced adds a third party.
	CallConferenced struct {
		TargetKind string `json:"target_kind,omitempty"`
		Target     string `json:"target"`
	}
	// CallParked says the caller waits without an agent on the line.
	CallParked struct {
		Reason string `json:"reason,omitempty"`
	}
	// CallUnparked ends a park.
	CallUnparked struct {
		Reason string `json:"reason,omitempty"`
	}
	// MonitorStarted says a supervisor joined: listen, whisper or barge.
	MonitorStarted struct {
		Supervisor string `json:"supervisor"`
		Mode       string `json:"mode"`
	}
	// MonitorEnded says the supervisor left.
	MonitorEnded struct {
		Supervisor string `json:"supervisor,omitempty"`
	}
	// RecordingStarted names the recording.
	RecordingStarted struct {
		Recording string `json:"recording"`
	}
	// RecordingPaused stops capture at the source for a while.
	RecordingPaused struct {
		Recording string `json:"recording,omitempty"`
		By        string `json:"by,omitempty"`
	}
	// RecordingResumed goes on.
	RecordingResumed struct {
		Recording string `json:"recording,omitempty"`
		By        string `json:"by,omitempty"`
	}
	// RecordingStopped ends the recording. Discarded says that it was not kept:
	// the caller was gone before there was anything to hear.
	RecordingStopped struct {
		Recording  string `json:"recording,omitempty"`
		DurationMs int64  `json:"duration_ms"`
		Discarded  bool   `json:"discarded,omitempty"`
	}
	// RecordingFailed says capture broke; the call goes on.
	RecordingFailed struct {
		Recording string `json:"recording,omitempty"`
		Reason    string `json:"reason"`
	}
	// DTMFReceived counts keys pressed outside menus; the digits are never stored.
	DTMFReceived struct {
		Leg   string `json:"leg"`
		Count int    `json:"count"`
	}
	// CallDisposed is the agent's result of the call, and the patient it was about.
	CallDisposed struct {
		Disposition string `json:"disposition"`
		Patient     string `json:"patient,omitempty"`
	}
	// CallNoted replaces the notes of the call.
	CallNoted struct {
		Notes string `json:"notes"`
	}
	// CallEnded closes the contact: By is caller, agent, system, supervisor or restart.
	CallEnded struct {
		Cause string `json:"cause,omitempty"`
		By    string `json:"by"`
	}
	// AgentSignedIn says an agent sat down at a seat (browser or an extension).
	AgentSignedIn struct {
		Seat string `json:"seat,omitempty"`
	}
	// AgentState is a change of state; SincePrevMs is how long Prev lasted. The event's Contact is the call that Prev or State belongs to.
	AgentState struct {
		State       string `json:"state"`
		Reason      string `json:"reason,omitempty"`
		Prev        string `json:"prev,omitempty"`
		PrevReason  string `json:"prev_reason,omitempty"`
		SincePrevMs int64  `json:"since_prev_ms"`
	}
	// AgentSignedOut says the agent left; Prev and SincePrevMs as in AgentState.
	AgentSignedOut struct {
		Reason      string `json:"reason,omitempty"`
		Prev        string `json:"prev,omitempty"`
		PrevReason  string `json:"prev_reason,omitempty"`
		SincePrevMs int64  `json:"since_prev_ms"`
	}
)
