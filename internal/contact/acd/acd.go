// Package acd distributes waiting calls to agents.
//
// Router is the pure core: (state, event, now) → decisions, deterministic, no
// I/O, no clock, no goroutine; the same router runs live, in tests, in a
// simulation and in a replay. Service is the shell: one goroutine that owns a
// router, sets its timers, writes the journal and tells call control.
//
// The package owns queues, offers, agent states and the wait estimate. It does
// not own calls, legs or sound (contact/call does), knows no patients, and
// holds no configuration of its own (contact/switchboard does).
package acd

import (
	"time"

	"heartline/internal/contact/journal"
)

// Version names the rules a decision was taken under; it is on every receipt.
type Version string

// Receipt is the explanation that goes with each offer.
type Receipt = journal.Receipt

// SkillNeed is a skill that a call needs, at least at Level.
type SkillNeed = journal.Skill

// SkillLevel is a skill an agent has, 1 (some) to 5 (expert).
type SkillLevel struct {
	Skill string `json:"skill"`
	Level int    `json:"level"`
}

// QueueLevel says that an agent serves a queue, and how well (1–5).
type QueueLevel struct {
	Queue string `json:"queue"`
	Level int    `json:"level"`
}

// Config is the whole configuration of a router.
type Config struct {
	Queues []QueueConfig `json:"queues"`
}

// QueueConfig is one queue. Zero durations and numbers switch the feature off,
// except RingTimeout, which falls back to 20 s.
type QueueConfig struct {
	ID            string        `json:"id"`
	Priority      int           `json:"priority"` // added to each call's own
	Skills        []SkillNeed   `json:"skills,omitempty"`
	RingTimeout   time.Duration `json:"ring_timeout"`
	WrapUp        time.Duration `json:"wrap_up"`
	ServiceLevel  time.Duration `json:"service_level"` // answered within it counts as in time
	ShortAbandon  time.Duration `json:"short_abandon"` // hang-ups up to it are not counted against the queue; 0 → 5 s
	AnnounceEvery time.Duration `json:"announce_every"`
	OverflowAfter time.Duration `json:"overflow_after"`
	OverflowTo    string        `json:"overflow_to,omitempty"` // queue id
	MaxWaiting    int           `json:"max_waiting"`
	LevelBonus    time.Duration `json:"level_bonus"` // each level is worth so much idle time
}

// AgentStateName is the state of an agent.
type AgentStateName string

// The states of an agent.
const (
	SignedOut AgentStateName = "signed_out"
	Ready     AgentStateName = "ready"
	NotReady  AgentStateName = "not_ready"
	Ringing   AgentStateName = "ringing"
	Talking   AgentStateName = "talking"
	WrapUp    AgentStateName = "wrap_up"
)

// Reasons that the router itself gives.
const (
	ReasonNoAnswer   = "no_answer"   // ring time-out; the agent is set not ready
	ReasonRefused    = "refused"     // the agent said no; set not ready
	ReasonCallerGone = "caller_gone" // offer withdrawn, the call ended or moved
	ReasonAgentBusy  = "agent_busy"  // offer withdrawn, a direct call took the agent
	ReasonSignedOut  = "signed_out"
	ReasonSignedIn   = "signed_in"
	ReasonTime       = "time"          // overflow: waited too long
	ReasonLength     = "length"        // overflow: the queue is full
	ReasonNoAgents   = "no_agents"     // overflow: nobody able is signed in
	ReasonRemoved    = "queue_removed" // overflow: the queue was deleted
	ReasonAnswered   = "answered"
	ReasonAbandoned  = "abandoned"
	ReasonOverflow   = "overflow"
	ReasonMoved      = "moved" // call control queued the call elsewhere
)

// Event is something that happened.
type Event interface{ isEvent() }

// The events.
type (
	// ConfigChanged replaces the configuration while calls go on. Calls in a
	// queue that is gone overflow, or stay and are served as before.
	ConfigChanged struct {
		Config  Config
		Version Version
	}
	// CallQueued puts a call in a queue. Since (zero: now) keeps the place of
	// one who waited before; Front puts it before everybody who is not Front
	// (agent loss). A call that waits already is moved or left where it is.
	CallQueued struct {
		Call, Queue string
		Priority    int
		Skills      []SkillNeed
		Since       time.Time
		Front       bool
	}
	// CallGone takes a call out, waiting or ringing. Reason "" is abandoned;
	// others: exit_key, closed, no_agents, overflow.
	CallGone struct{ Call, Reason string }
	// AgentSignedIn brings an agent, not ready until AgentState says so; for
	// an agent who is signed in it replaces queues and skills.
	AgentSignedIn struct {
		Agent, Seat string
		Queues      []QueueLevel
		Skills      []SkillLevel
	}
	// AgentSignedOut takes an agent away; an offer goes to the next one.
	AgentSignedOut struct{ Agent, Reason string }
	// AgentState is what the agent (or a supervisor) wants. While ringing or
	// talking it is kept for afterwards; Ready ends wrap-up at once, not ready
	// takes effect when wrap-up ends.
	AgentState struct {
		Agent  string
		Ready  bool
		Reason string
	}
	// OfferAccepted says the agent took the call.
	OfferAccepted struct{ Offer string }
	// OfferRefused says the agent or the agent's device did not. Reason "" is
	// refused; the agent is set not ready with the reason.
	OfferRefused struct{ Offer, Reason string }
	// AgentBusy says a direct or outbound call has the agent.
	AgentBusy struct{ Agent, Call string }
	// AgentFree says the agent's call ended; then WrapUp follows: zero means
	// none, UseQueueWrapUp what the queue of the call says.
	AgentFree struct {
		Agent  string
		WrapUp time.Duration
	}
	// WrapUpDone ends wrap-up early.
	WrapUpDone struct{ Agent string }
	// Tick lets timers fire.
	Tick struct{}
)

// UseQueueWrapUp in AgentFree takes the wrap-up time of the call's queue.
const UseQueueWrapUp = time.Duration(-1)

func (ConfigChanged) isEvent()  {}
func (CallQueued) isEvent()     {}
func (CallGone) isEvent()       {}
func (AgentSignedIn) isEvent()  {}
func (AgentSignedOut) isEvent() {}
func (AgentState) isEvent()     {}
func (OfferAccepted) isEvent()  {}
func (OfferRefused) isEvent()   {}
func (AgentBusy) isEvent()      {}
func (AgentFree) isEvent()      {}
func (WrapUpDone) isEvent()     {}
func (Tick) isEvent()           {}

// Decision is what the router wants done or noted.
type Decision interface{ isDecision() }

// The decisions.
type (
	// Entered notes that a call waits, at Position (1 is next).
	Entered struct {
		Call, Queue string
		Priority    int
		Skills      []SkillNeed
		Position    int
		Front       bool
	}
	// Offer rings an agent until Deadline.
	Offer struct {
		ID, Call, Agent, Queue string
		Deadline               time.Time
		Receipt                Receipt
	}
	// CancelOffer stops the ringing. The reason says whether the agent
	// (no_answer, refused, …) or the caller ended it.
	CancelOffer struct{ ID, Call, Agent, Queue, Reason string }
	// Accepted connects: the call and the agent belong together now.
	Accepted struct {
		ID, Call, Agent, Queue string
		Waited                 time.Duration
	}
	// Left notes the end of a call's visit to a queue.
	Left struct {
		Call, Queue, Reason, To string
		Waited                  time.Duration
	}
	// SetAgentState notes a change of an agent's state. Call is the call that
	// the state, or the one before, is about. Until ends wrap-up.
	SetAgentState struct {
		Agent      string
		State      AgentStateName
		Reason     string
		Prev       AgentStateName
		PrevReason string
		PrevFor    time.Duration
		Call       string
		Seat       string
		Until      time.Time
	}
	// Announce tells a waiting caller the position and an estimate between
	// Low and High; both zero: no honest estimate exists.
	Announce struct {
		Call, Queue string
		Position    int
		Low, High   time.Duration
	}
	// Overflow moves a call. With To the router has moved it already; with To
	// empty the call still waits in From and call control decides (once).
	Overflow struct{ Call, From, To, Reason string }
	// NoAgents says that nobody able to take the call is signed in and the
	// queue has no overflow; the call still waits and call control decides.
	NoAgents struct{ Call, Queue string }
	// Ignored notes an event that came too late or named something unknown.
	Ignored struct{ What, ID, Why string }
)

func (Entered) isDecision()       {}
func (Offer) isDecision()         {}
func (CancelOffer) isDecision()   {}
func (Accepted) isDecision()      {}
func (Left) isDecision()          {}
func (SetAgentState) isDecision() {}
func (Announce) isDecision()      {}
func (Overflow) isDecision()      {}
func (NoAgents) isDecision()      {}
func (Ignored) isDecision()       {}
