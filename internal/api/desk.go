package api

import (
	"time"

	"heartline/internal/platform/identity"
)

// DeskView is everything an agent's desk shows about the telephone.
type DeskView struct {
	Agent  DeskAgent   `json:"agent"`
	Queues []DeskQueue `json:"queues"`
	Calls  []DeskCall  `json:"calls"`
	WrapUp *DeskWrapUp `json:"wrap_up,omitempty"`
}

// DeskAgent is the agent's own state.
type DeskAgent struct {
	ID               string     `json:"id"`
	Name             string     `json:"name"`
	Number           string     `json:"number" doc:"工号"`
	State            string     `json:"state" enum:"signed_out,ready,not_ready,ringing,talking,wrap_up"`
	Reason           string     `json:"reason" doc:"Code of the not-ready reason"`
	Since            *time.Time `json:"since,omitempty"`
	Seat             string     `json:"seat" enum:"browser,extension,"`
	Extension        string     `json:"extension"`
	BrowserConnected bool       `json:"browser_connected" doc:"Media of the browser is proven"`
}

// DeskQueue is a queue of the agent with its waiting callers.
type DeskQueue struct {
	ID           string `json:"id"`
	Name         string `json:"name"`
	NameEN       string `json:"name_en"`
	Waiting      int    `json:"waiting"`
	LongestWaitS int    `json:"longest_wait_s"`
}

// DeskCall is one of the agent's calls.
type DeskCall struct {
	ID            string        `json:"id"`
	Direction     string        `json:"direction" enum:"inbound,outbound,internal"`
	State         string        `json:"state" enum:"ringing,dialing,talking,held,parked,ended"`
	NumberMasked  string        `json:"number_masked"`
	Number        string        `json:"number,omitempty" doc:"In full, with the right to see it"`
	Colleague     string        `json:"colleague" doc:"Who is at the other end of a call within the house"`
	Queue         string        `json:"queue"`
	QueueName     string        `json:"queue_name"`
	WaitedMs      int64         `json:"waited_ms"`
	StartedAt     time.Time     `json:"started_at"`
	AnsweredAt    *time.Time    `json:"answered_at,omitempty"`
	Muted         bool          `json:"muted"`
	Recording     string        `json:"recording" enum:"on,paused,off"`
	Patients      []DeskPatient `json:"patients"`
	Legs          []CallLeg     `json:"legs"`
	Quality       *Quality      `json:"quality,omitempty"`
	OfferDeadline *time.Time    `json:"offer_deadline,omitempty"`
}

// DeskPatient is a customer who may be calling.
type DeskPatient struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Sex   string `json:"sex" enum:"male,female,unknown"`
	Age   int    `json:"age" doc:"-1 when unknown"`
	Match string `json:"match" doc:"How they were found: phone, household, guardian, agent"`
	// Allergies warn whoever answers before the record is open.
	Allergies []string `json:"allergies"`
}

// CallLeg is one party of a call.
type CallLeg struct {
	ID    string `json:"id"`
	Party string `json:"party" enum:"caller,agent,external,supervisor"`
	Name  string `json:"name"`
	User  string `json:"user" doc:"User id, when the party is one of us"`
	State string `json:"state" doc:"ringing, up, lost or ended"`
	Held  bool   `json:"held" doc:"Neither hears nor is heard"`
	Muted bool   `json:"muted" doc:"Hears, is not heard"`
	Mode  string `json:"mode" doc:"Of a supervisor: listen, whisper or barge"`
}

// Quality is the sound quality of a leg.
type Quality struct {
	MOS      float64 `json:"mos"`
	LossPct  float64 `json:"loss_pct"`
	JitterMs float64 `json:"jitter_ms"`
	RTTMs    float64 `json:"rtt_ms"`
}

// DeskWrapUp is the call being wrapped up.
type DeskWrapUp struct {
	Call   string     `json:"call"`
	EndsAt *time.Time `json:"ends_at,omitempty" doc:"Absent: no limit"`
}

// DeskOptions are the lists a desk chooses from.
type DeskOptions struct {
	Reasons      []CodeName     `json:"reasons"`
	Dispositions []CodeName     `json:"dispositions"`
	Extensions   []DeskSeat     `json:"extensions" doc:"Desk phones this agent may sit at"`
	DefaultSeat  string         `json:"default_seat" enum:"browser,extension"`
	Languages    []string       `json:"languages"`
	ICEServers   []ICEServer    `json:"ice_servers"`
	Limits       map[string]int `json:"limits" doc:"resume_s: how long a lost browser may come back"`
}

// CodeName is an entry of a list of codes, in both languages.
type CodeName struct {
	Code     string `json:"code"`
	Name     string `json:"name"`
	NameEN   string `json:"name_en"`
	Category string `json:"category"`
}

// DeskSeat is an extension to sit at.
type DeskSeat struct {
	Number string `json:"number"`
	Name   string `json:"name"`
	Online bool   `json:"online"`
}

// ICEServer is a STUN or TURN server for browsers.
type ICEServer struct {
	URLs       []string `json:"urls"`
	Username   string   `json:"username,omitempty"`
	Credential string   `json:"credential,omitempty"`
}

// SignInInput takes a seat.
type SignInInput struct {
	Body struct {
		Seat      string `json:"seat" enum:"browser,extension"`
		Extension string `json:"extension,omitempty" maxLength:"20" pattern:"^[0-9]*$"`
	}
}

// StateInput makes the agent ready or not ready.
type StateInput struct {
	Body struct {
		Ready  bool   `json:"ready"`
		Reason string `json:"reason,omitempty" maxLength:"40" doc:"Code; needed when not ready"`
	}
}

// DialInput calls a number or an extension.
type DialInput struct {
	Body struct {
		To        string `json:"to" minLength:"1" maxLength:"40" pattern:"^[0-9+*#() -]+$"`
		PatientID string `json:"patient_id,omitempty" maxLength:"64"`
	}
}

// Dialled names the new call.
type Dialled struct {
	CallID string `json:"call_id"`
}

// MuteInput silences or opens the agent's microphone at the server.
type MuteInput struct {
	ByID
	Body struct {
		On bool `json:"on"`
	}
}

// DTMFInput sends keys to the other party.
type DTMFInput struct {
	ByID
	Body struct {
		Digits string `json:"digits" minLength:"1" maxLength:"32" pattern:"^[0-9*#A-Da-d]+$"`
	}
}

// TargetInput says whom to transfer to or to invite.
type TargetInput struct {
	ByID
	Body struct {
		Kind   string `json:"kind" enum:"agent,extension,queue,external"`
		Target string `json:"target" minLength:"1" maxLength:"64" doc:"User id, extension number, queue id or telephone number"`
	}
}

// RecordingActionInput pauses or resumes the recording of a call.
type RecordingActionInput struct {
	ByID
	Body struct {
		Action string `json:"action" enum:"pause,resume"`
	}
}

// WrapUpInput saves what a call was about.
type WrapUpInput struct {
	ByID
	Body struct {
		Disposition string `json:"disposition" maxLength:"40"`
		Notes       string `json:"notes" required:"false" maxLength:"4000"`
		PatientID   string `json:"patient_id,omitempty" maxLength:"64"`
	}
}

// TargetQuery finds transfer targets.
type TargetQuery struct {
	Q string `query:"q" maxLength:"60"`
}

// TransferTarget is somebody or something a call can go to.
type TransferTarget struct {
	Kind       string `json:"kind" enum:"agent,extension,queue,external"`
	ID         string `json:"id" doc:"Give it as target"`
	Name       string `json:"name"`
	NameEN     string `json:"name_en"`
	Number     string `json:"number"`
	Department string `json:"department"`
	State      string `json:"state" doc:"State of the agent, online/offline of an extension, open/closed of a queue"`
	Available  bool   `json:"available"`
	Waiting    int    `json:"waiting"`
}

func (s *Server) routeDesk() {
	a := needs(identity.CallHandle)
	get(s, "/api/desk", "getDesk", "The agent's desk", a, s.getDesk)
	get(s, "/api/desk/options", "getDeskOptions", "Lists the desk chooses from", a, s.getDeskOptions)
	post(s, "/api/desk/sign-in", "deskSignIn", "Take a seat", a, s.deskSignIn)
	post(s, "/api/desk/sign-out", "deskSignOut", "Leave the seat", a, s.deskSignOut)
	put(s, "/api/desk/state", "setDeskState", "Become ready or not ready", a, s.setDeskState)
	post(s, "/api/desk/dial", "dial", "Call somebody", a, s.dial)
	post(s, "/api/desk/calls/{id}/answer", "answerCall", "Answer", a, s.onCallOf(Telephone.Answer))
	post(s, "/api/desk/calls/{id}/reject", "rejectCall", "Refuse the offer", a, s.onCallOf(Telephone.Reject))
	post(s, "/api/desk/calls/{id}/hold", "holdCall", "Put on hold, with music", a, s.onCallOf(Telephone.Hold))
	post(s, "/api/desk/calls/{id}/resume", "resumeCall", "Take back from hold", a, s.onCallOf(Telephone.Resume))
	post(s, "/api/desk/calls/{id}/hangup", "hangUpCall", "Hang up", a, s.onCallOf(Telephone.Hangup))
	post(s, "/api/desk/calls/{id}/help", "askForHelp", "Call the supervisors for help", a, s.askForHelp)
	put(s, "/api/desk/calls/{id}/mute", "muteCall", "Mute or open the microphone", a, s.muteCall)
	post(s, "/api/desk/calls/{id}/dtmf", "sendDtmf", "Send keys", a, s.sendDTMF)
	post(s, "/api/desk/calls/{id}/transfer", "transferCall", "Transfer without asking", a, s.transferCall)
	post(s, "/api/desk/calls/{id}/conference", "conferenceCall", "Invite a third party", a, s.conferenceCall)
	post(s, "/api/desk/calls/{id}/recording", "pauseRecording", "Pause or resume the recording", a, s.pauseRecording)
	put(s, "/api/desk/calls/{id}/wrap-up", "saveWrapUp", "Save what the call was about", a, s.saveWrapUp)
	post(s, "/api/desk/wrap-up/done", "finishWrapUp", "End wrap-up before its time", a, s.finishWrapUp)
	get(s, "/api/desk/targets", "findTargets", "Whom a call can be given to", a, s.findTargets)
}
