package call

// The facts that this package publishes on the event bus. They may be lost;
// receivers read Live, LiveCall and Desk to catch up.

// Changed says that a live call looks different now; Call is its new view.
// Bursts are published once.
type Changed struct {
	Call LiveCall
}

// DeskChanged says that what Desk returns for an agent has changed.
type DeskChanged struct {
	Agent string
}

// Popped asks the agent's screen to show who is calling, before the answer.
// The same call pops again when identification arrives after the ringing.
type Popped struct {
	Agent        string      `json:"-"`
	CallID       string      `json:"call_id"`
	NumberMasked string      `json:"number_masked"`
	Queue        string      `json:"queue"`
	QueueName    string      `json:"queue_name"`
	Patients     []Candidate `json:"patients"`
	AutoAnswer   bool        `json:"auto_answer"`
}

// RTCState says what happened to a user's browser sound. Session is the
// session id of the o= line of the browser's offer, so that each tab knows
// whether it is meant.
type RTCState struct {
	User    string `json:"-"`
	Session string `json:"session"`
	Event   string `json:"event"` // connected, disconnected, closed or replaced
}

// HelpAsked says that an agent asks for a supervisor's help on a call.
type HelpAsked struct {
	Agent string
	Call  string
}

// TransferFailed tells an agent that a transfer or an invitation to a
// conference came to nothing.
type TransferFailed struct {
	Agent  string `json:"-"`
	CallID string `json:"call_id"`
	Target Target `json:"target"`
	Reason string `json:"reason"` // busy, no_answer, unreachable, not_found, limit, failed
}

// TryEvent is what a browser caller of /try is told.
type TryEvent struct {
	State string `json:"state"` // connected, dialling, ringing, answered, ended, disconnected
	Call  string `json:"call,omitempty"`
	Cause string `json:"cause,omitempty"`
}
