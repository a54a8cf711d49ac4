package call

import (
	"context"
	"log/slog"
	"time"

	"heartline/internal/contact/acd"
	"heartline/internal/contact/ivr"
	"heartline/internal/contact/journal"
	"heartline/internal/contact/media"
	"heartline/internal/contact/sip"
	"heartline/internal/contact/switchboard"
	"heartline/internal/platform/alarm"
	"heartline/internal/platform/event"
)

// Config sets the limits and times of call control. Zero values get the
// defaults given.
type Config struct {
	MaxCalls        int           // calls at the same time; 1000
	DirectRing      time.Duration // how long extensions, transfers and outbound calls ring; 40 s
	AgentGrace      time.Duration // how long a caller stays parked for a lost agent; 30 s
	WindowGrace     time.Duration // from the last browser window's going until its calls are parked; 1 s
	ParkPromptAfter time.Duration // a parked caller hears the tone at once, the words after; 1.5 s
	CallerLost      time.Duration // silence of the caller's line until the call is ended; 60 s
	DirectWrapUp    time.Duration // wrap-up after calls that came by no queue; 30 s
	QualityEvery    time.Duration // 3 s
	// InternalUnrecorded leaves out calls between extensions of the house.
	InternalUnrecorded bool
	// ConversationsOnly leaves out what callers hear before somebody talks to them.
	ConversationsOnly bool
	AnnounceAgent     bool          // say the agent's number to the caller at the answer
	OpTimeout         time.Duration // for one request to a phone or the media engine; 10 s
	DipSlow           time.Duration // a caller who waits longer for the hospital's answer is told so; 1 s
}

func (c Config) withDefaults() Config {
	set := func(d *time.Duration, def time.Duration) {
		if *d <= 0 {
			*d = def
		}
	}
	if c.MaxCalls <= 0 {
		c.MaxCalls = 1000
	}
	set(&c.DirectRing, 40*time.Second)
	set(&c.AgentGrace, 30*time.Second)
	set(&c.WindowGrace, time.Second)
	set(&c.ParkPromptAfter, 1500*time.Millisecond)
	set(&c.CallerLost, time.Minute)
	set(&c.DirectWrapUp, 30*time.Second)
	set(&c.QualityEvery, 3*time.Second)
	set(&c.OpTimeout, 10*time.Second)
	set(&c.DipSlow, time.Second)
	return c
}

// Phones is what call control wants of the SIP server.
type Phones interface {
	Dial(ctx context.Context, spec sip.DialSpec) (*sip.Dialog, error)
	Online(user string) bool
}

// Router is what call control wants of the distributor (acd.Service).
type Router interface {
	Post(ev acd.Event)
	Do(ctx context.Context, ev acd.Event) error // waits; a Conflict when it came too late
	Snapshot() acd.State
}

// Journal is where every step is noted.
type Journal interface {
	Append(contact, agent, queue string, p journal.Payload) journal.Event
}

// Directory is the telephone configuration at one moment
// (switchboard.Snapshot).
type Directory interface {
	Number(did string) (switchboard.Number, bool)
	Extension(number string) (switchboard.Extension, bool)
	Queue(idOrCode string) (switchboard.Queue, bool)
	Agent(userID string) (switchboard.AgentProfile, bool)
	Flow(id string) (switchboard.PublishedFlow, bool)
	Open(calendarID string, at time.Time) (open bool, why string, next time.Time)
}

// Prompts finds the sound of a prompt, in a language or the nearest one.
type Prompts interface {
	Clip(key, lang string) (media.Clip, bool)
}

// Recorder keeps what is said. Finish is called when no more sound will come,
// or Discard when nothing of it is to stay.
type Recorder interface {
	Start(ctx context.Context, callID string) (sink media.FrameSink, recordingID string, err error)
	Finish(ctx context.Context, recordingID string, length time.Duration) error
	Discard(ctx context.Context, recordingID string) error
}

// Identifier finds who may be calling from a number.
type Identifier interface {
	Identify(ctx context.Context, number string) ([]Candidate, error)
}

// Dips answers a flow's questions about the caller and does what the caller
// chose; app wires it to care. Names in, spoken items out.
//
// Besides the flow's own variables, vars holds VarCaller, VarLanguage and, for
// what must happen once, VarKey: the same key comes with the same choice only.
// What is in vars is never written down.
type Dips interface {
	Run(ctx context.Context, callID string, name string, vars map[string]string) (DipResult, error)
}

// The variables that every dip gets.
const (
	VarCaller   = "caller"   // the caller's number, digits only; "" when withheld
	VarLanguage = "language" // of the prompts, such as zh-CN
	VarKey      = "key"      // names this step of this call with these choices
)

// varPatient is the variable that says who the caller is, or calls for.
const varPatient = "patient"

// DipResult is a dip's answer. Say and the options' Say are the tokens of
// ivr.Words.
type DipResult struct {
	Outcome string // found, none, many, ok, refused, taken, invalid, error
	Vars    map[string]string
	Options []DipOption
	Say     []string
	People  []Candidate // whom the variable "patient" may name
}

// DipOption is something to choose from.
type DipOption = ivr.Option

// Sealer hides telephone numbers in the journal.
type Sealer interface {
	Seal(plain, aad string) (string, error)
	Index(purpose, value string) string
}

// Deps are the parts that call control works with. Every field is needed but
// Identifier, Dips, Recorder and MayDialOut; without Dips every dip of a flow
// ends in error.
type Deps struct {
	Media      media.Engine
	ACD        Router
	Journal    Journal
	Directory  func() Directory
	Prompts    Prompts
	Recorder   Recorder
	Identifier Identifier
	Dips       Dips
	Sealer     Sealer
	Alarms     *alarm.Board
	Bus        *event.Bus
	Log        *slog.Logger
	Now        func() time.Time

	// MayDialOut says whether a telephone may call outside numbers; nil means
	// that none may.
	MayDialOut func(ext switchboard.Extension) bool
	// ShowNumber says whether the person behind ctx may see full numbers; nil
	// means that nobody may.
	ShowNumber func(ctx context.Context) bool
}
