// Package ivr runs call flows: graphs of prompts, menus and queues.
//
// It owns the schema of a flow, its checks and the pure interpreter
// (flow, state, input) → (state, actions): no I/O, no clock. Call control
// plays, collects and connects what the actions say and feeds back inputs. It
// does not own versions and publishing (contact/switchboard does).
package ivr

// The types of node.
const (
	TypePlay        = "play"
	TypeMenu        = "menu"
	TypeHours       = "hours"
	TypeQueue       = "queue"
	TypeTransfer    = "transfer"
	TypeHangup      = "hangup"
	TypeSetLanguage = "set_language"
	TypeSay         = "say"    // prompts and variables, spoken
	TypeInput       = "input"  // keys into a variable
	TypeDip         = "dip"    // a question to, or an order for, the hospital
	TypeChoose      = "choose" // one of the options that a dip brought
)

// What the star key does in an input.
const (
	StarClears = "clear" // begins again; the default
	StarIsX    = "x"     // the last character of an identity number
)

// The targets of a transfer node.
const (
	TargetExtension = "extension"
	TargetExternal  = "external"
	TargetQueue     = "queue"
	TargetVoicemail = "voicemail"
)

// Flow is one version of a call flow. Operator names the node that key 0
// reaches from every prompt and from every menu that does not map 0 itself.
type Flow struct {
	ID       string          `json:"id"`
	Name     string          `json:"name,omitempty"`
	Version  int             `json:"version,omitempty"`
	Language string          `json:"language,omitempty"` // default zh-CN
	Start    string          `json:"start"`
	Operator string          `json:"operator,omitempty"`
	Nodes    map[string]Node `json:"nodes"`
}

// Node is a step; which fields count depends on Type. X and Y are the place
// on the editor's canvas and Label its caption.
type Node struct {
	Type    string   `json:"type"`
	Label   string   `json:"label,omitempty"`
	X       float64  `json:"x,omitempty"`
	Y       float64  `json:"y,omitempty"`
	Prompts []string `json:"prompts,omitempty"` // play, menu, hangup, say, input, choose
	Next    string   `json:"next,omitempty"`    // play, set_language, queue, say, input, choose
	BargeIn bool     `json:"barge_in,omitempty"`

	TimeoutS       int               `json:"timeout_s,omitempty"` // menu; 0 → 5
	Tries          int               `json:"tries,omitempty"`     // menu; 0 → 3, shared by silence and wrong keys
	Choices        map[string]string `json:"choices,omitempty"`
	OnTimeout      string            `json:"on_timeout,omitempty"` // after the last try; empty → operator
	OnInvalid      string            `json:"on_invalid,omitempty"`
	PromptsTimeout []string          `json:"prompts_timeout,omitempty"`
	PromptsInvalid []string          `json:"prompts_invalid,omitempty"`

	Calendar string `json:"calendar,omitempty"` // hours
	Open     string `json:"open,omitempty"`
	Closed   string `json:"closed,omitempty"`

	Queue      string      `json:"queue,omitempty"`
	Priority   int         `json:"priority,omitempty"`
	Skills     []SkillNeed `json:"skills,omitempty"`
	OnOverflow string      `json:"on_overflow,omitempty"`

	Kind   string `json:"kind,omitempty"` // transfer
	Target string `json:"target,omitempty"`
	OnFail string `json:"on_fail,omitempty"`

	Lang string `json:"lang,omitempty"` // set_language

	Variable   string `json:"variable,omitempty"`   // input, choose: what the caller's answer is called
	Secret     bool   `json:"secret,omitempty"`     // input: never written down, not even its last digits
	MinLen     int    `json:"min_len,omitempty"`    // input; 0 → 1
	MaxLen     int    `json:"max_len,omitempty"`    // input; 0 → 20; reached, the input is complete
	Star       string `json:"star,omitempty"`       // input: what the star key does
	Terminator string `json:"terminator,omitempty"` // input; empty → #

	Dip         string            `json:"dip,omitempty"`
	Params      map[string]string `json:"params,omitempty"`       // dip: values, or $names of variables
	Outcomes    map[string]string `json:"outcomes,omitempty"`     // dip: where each leads; empty → operator
	PromptsWait []string          `json:"prompts_wait,omitempty"` // dip: said when it takes longer than a second

	PerPage int    `json:"per_page,omitempty"` // choose; 0 → 8
	Back    string `json:"back,omitempty"`     // choose: where * leads from the first page
	OnNone  string `json:"on_none,omitempty"`  // choose: there is nothing to choose from; empty → operator
}

// Option is something to choose from: what a caller hears and what the choice
// means.
type Option struct {
	Value string            `json:"value"`
	Say   []string          `json:"say"` // tokens, see Words
	Vars  map[string]string `json:"vars,omitempty"`
}

// SkillNeed is a skill the caller's matter needs, at least at Level.
type SkillNeed struct {
	Skill string `json:"skill"`
	Level int    `json:"level"`
}

// State is where a caller is in a flow. It is plain data and can be stored.
type State struct {
	Node  string `json:"node"`
	Lang  string `json:"lang"`
	Tries int    `json:"tries,omitempty"` // failed tries in this menu
	Steps int    `json:"steps,omitempty"` // nodes entered so far
	Done  bool   `json:"done,omitempty"`  // nothing more will come

	Ahead string `json:"ahead,omitempty"` // keys pressed before their menus came, each once in a row

	Helped bool `json:"helped,omitempty"` // went in circles and was sent to the operator

	Vars    map[string]string `json:"vars,omitempty"`
	Keys    string            `json:"keys,omitempty"`    // entered so far in an input
	Options []Option          `json:"options,omitempty"` // of the last dip that brought any
	Page    int               `json:"page,omitempty"`    // of a choose
	Then    string            `json:"then,omitempty"`    // where to go when a dip's answer was spoken
	Said    bool              `json:"said,omitempty"`    // a dip has answered and its answer is being spoken
	Slow    bool              `json:"slow,omitempty"`    // the caller was asked to wait for a dip
	Picks   int               `json:"picks,omitempty"`   // choices made among options so far
	Swallow string            `json:"swallow,omitempty"` // terminator that may still come after a full input
}

// Action is what call control has to do, in the order given.
type Action interface{ isAction() }

// The actions.
type (
	// Enter notes that a node was reached (journal ivr.node).
	Enter struct{ Node, Type string }
	// Play plays prompts one after another in the current language and
	// answers with PlayDone; with BargeIn a key stops them.
	Play struct {
		Prompts []string
		BargeIn bool
	}
	// Collect waits for up to Max keys. Its time runs from the end of the
	// prompts; then Timeout is the input.
	Collect struct {
		TimeoutS int
		Max      int
	}
	// CheckHours asks whether a calendar is open; answer with Hours.
	CheckHours struct{ Calendar string }
	// EnterQueue hands the caller to a queue. The flow waits: QueueLeft takes
	// it up again when the caller leaves unanswered.
	EnterQueue struct {
		Node, Queue string
		Priority    int
		Skills      []SkillNeed
	}
	// Transfer connects elsewhere; answer TransferFailed if it does not work.
	Transfer struct{ Node, Kind, Target string }
	// SetLanguage switches the language of the prompts that follow.
	SetLanguage struct{ Lang string }
	// Hangup ends the call after the prompts before it were played.
	Hangup struct{ Reason string }
	// Note reports a reaction in a menu (journal ivr.input): Input is digit,
	// timeout or invalid.
	Note struct{ Node, Input, Digit string }
	// Entered reports a finished input; Text is what may be written down.
	Entered struct{ Node, Variable, Text string }
	// RunDip asks the hospital; answer with DipDone of the same Seq, and with
	// DipSlow when a second has passed without an answer.
	RunDip struct {
		Node, Dip string
		Seq       int
		Key       string // the same for the same step with the same choices
		Vars      map[string]string
		TimeoutS  int
	}
)

func (Enter) isAction()       {}
func (Play) isAction()        {}
func (Collect) isAction()     {}
func (CheckHours) isAction()  {}
func (EnterQueue) isAction()  {}
func (Transfer) isAction()    {}
func (SetLanguage) isAction() {}
func (Hangup) isAction()      {}
func (Note) isAction()        {}
func (Entered) isAction()     {}
func (RunDip) isAction()      {}

// Input is what happened to the caller.
type Input interface{ isInput() }

// The inputs.
type (
	// PlayDone says the prompts of the last Play ended.
	PlayDone struct{}
	// Digit is one key: 0-9, *, #, A-D.
	Digit struct{ D string }
	// Timeout says Collect ran out of time.
	Timeout struct{}
	// Hours answers CheckHours.
	Hours struct{ Open bool }
	// TransferFailed says the transfer did not work.
	TransferFailed struct{}
	// QueueLeft says the caller is out of the queue unanswered (overflow, no
	// agents, full, closed).
	QueueLeft struct{ Reason string }
	// DipDone answers RunDip. Say is spoken before the flow goes on.
	DipDone struct {
		Seq     int
		Outcome string
		Vars    map[string]string
		Options []Option
		Say     []string
	}
	// DipSlow says that a dip takes its time.
	DipSlow struct{ Seq int }
	// Gone says the caller hung up.
	Gone struct{}
)

func (PlayDone) isInput()       {}
func (Digit) isInput()          {}
func (Timeout) isInput()        {}
func (Hours) isInput()          {}
func (TransferFailed) isInput() {}
func (QueueLeft) isInput()      {}
func (DipDone) isInput()        {}
func (DipSlow) isInput()        {}
func (Gone) isInput()           {}

// Env answers what exists, for Check. A nil function skips that check.
type Env struct {
	Prompt    func(key string) bool
	Queue     func(id string) bool
	Calendar  func(id string) bool
	Extension func(number string) bool
	Language  func(lang string) bool
	Skill     func(skill string) bool
}

// Severity of a problem: an error prevents publishing, a warning does not.
const (
	SeverityError   = "error"
	SeverityWarning = "warning"
)

// Problem is one finding of Check: at a node (or "" for the whole flow), in a
// field, with a message key and its parameters.
type Problem struct {
	Node     string            `json:"node,omitempty"`
	Field    string            `json:"field,omitempty"`
	Key      string            `json:"key"`
	Severity string            `json:"severity"`
	Params   map[string]string `json:"params,omitempty"`
}
