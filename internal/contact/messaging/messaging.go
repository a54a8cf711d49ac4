// Package messaging sends and receives short messages: one outbox, one inbox,
// the state of each message, the templates they are made from, and the ways
// out of the house (a log for the demo, HTTP, SMPP).
//
// A message is written in the transaction of the deed behind it, together with
// the job that sends it: it exists if and only if the deed does. It is sent at
// least once; a message centre that took it twice is asked under the same
// reference. Number and text are sealed at rest and never logged. Reminders and
// marketing keep quiet hours and respect those who want no messages; sign-in
// codes and notices of a service somebody asked for do not wait.
//
// The package knows people by an opaque id and numbers by what People says. It
// does not know what a message is about: replies are handed to those who asked
// for them.
package messaging

import (
	"strings"
	"time"
)

// SMS is the channel of short messages.
const SMS = "sms"

// Class decides how urgent a message is and who may refuse it.
type Class string

// The classes.
const (
	ClassOTP       Class = "otp"       // a sign-in code: at once or not at all
	ClassService   Class = "service"   // about something the person did
	ClassReminder  Class = "reminder"  // keeps quiet hours
	ClassMarketing Class = "marketing" // keeps quiet hours and needs consent
)

// Classes lists the classes in the order screens show them.
func Classes() []Class { return []Class{ClassOTP, ClassService, ClassReminder, ClassMarketing} }

// ttl is how long a message of a class is worth sending.
func (c Class) ttl() time.Duration {
	switch c {
	case ClassOTP:
		return 5 * time.Minute
	case ClassReminder:
		return 12 * time.Hour
	}
	return 24 * time.Hour
}

// State is where a message is.
type State string

// The states. Queued messages wait for their time, a worker, or a next try;
// sent ones were taken by the message centre.
const (
	StateQueued    State = "queued"
	StateSent      State = "sent"
	StateDelivered State = "delivered"
	StateFailed    State = "failed"
	StateExpired   State = "expired"
	StateReceived  State = "received" // of an incoming message
)

// The directions.
const (
	Out = "out"
	In  = "in"
)

// The reasons for which a message failed, besides what a message centre says.
const (
	ReasonRefused  = "refused"    // the person wants no messages of this class
	ReasonTooMany  = "too_many"   // waits: too many messages to one number
	ReasonQuiet    = "quiet"      // waits for the end of the quiet hours
	ReasonLate     = "late"       // not worth sending any more
	ReasonSender   = "sender"     // the sender failed; tried again
	ReasonRejected = "rejected"   // the message centre refused for good
	ReasonDisabled = "disabled"   // the template is switched off
	ReasonUnsent   = "no_receipt" // never confirmed
)

// Outgoing is a message to be sent. Either Template with Params or Text says
// what; either To or PatientID says to whom.
type Outgoing struct {
	Channel   string // SMS when empty
	To        string // the number; PatientID's own when empty
	Template  string
	Lang      string // the person's own, or Chinese, when empty
	Params    map[string]string
	English   map[string]string // what an English text says in place of some of Params: names of the house
	Text      string            // when there is no template
	PatientID string
	Ref       string // what the message is about: an appointment's id
	SendAt    time.Time
	Class     Class  // the template's when empty
	Key       string // the same key writes one message only
}

// Message is one message with its state. Number and Text are in full only
// where the comment of the method says so.
type Message struct {
	ID        string
	Direction string
	Channel   string
	State     State
	Class     Class
	Template  string
	Version   int
	Lang      string
	Number    string // masked in lists
	Text      string // empty in lists
	Encoding  string // gsm7, ucs2
	Segments  int
	PatientID string
	Ref       string
	Actor     string
	Sender    string
	Attempts  int
	Reason    string
	Answers   string // of an incoming one: the message it answers
	Handled   bool   // of an incoming one: somebody acted on it
	CreatedAt time.Time
	SendAt    time.Time
	ExpiresAt time.Time
	SentAt    time.Time
	DoneAt    time.Time
	UpdatedAt time.Time
}

// Step is one entry in the story of a message.
type Step struct {
	At     time.Time
	State  State
	Reason string
	Actor  string
}

// Incoming is a message that came in, with the one it answers.
type Incoming struct {
	ID      string
	From    string // the number
	Text    string
	At      time.Time
	Answers *Message // nil: nobody knows what it answers
}

// Filter narrows the list; zero fields do not.
type Filter struct {
	Direction string
	States    []State
	Class     Class
	Template  string
	PatientID string
	Number    string // whole, or its last four digits
	From, To  time.Time
	Unhandled bool // incoming ones that nobody acted on
	Limit     int  // 50 when 0, at most 200
	Cursor    string
}

// Page is one page of messages, newest first.
type Page struct {
	Messages []Message
	Next     string
}

// The facts.
type (
	// Changed says that a message has a new state.
	Changed struct {
		ID        string
		PatientID string
		Ref       string
		State     State
		Reason    string
	}
	// Sent says that the message centre took a message.
	Sent struct{ ID, PatientID, Ref string }
	// Failed says that a message will not arrive.
	Failed struct{ ID, PatientID, Ref, Reason string }
	// Received says that a message came in.
	Received struct{ ID, PatientID, Answers string }
)

// Number brings a number to the form in which it is sent and indexed: eleven
// digits for a Chinese mobile, + and digits for a foreign one. ok is false for
// what cannot receive short messages.
func Number(s string) (number string, ok bool) {
	d := digits(s)
	if rest, found := strings.CutPrefix(d, "00"); found && len(rest) > 8 {
		d = "+" + rest
	}
	rest, intl := strings.CutPrefix(d, "+")
	if (intl || len(rest) == 13) && strings.HasPrefix(rest, "86") {
		rest, intl = rest[2:], false
	}
	if intl {
		return "+" + rest, len(rest) >= 7 && len(rest) <= 15 && rest[0] != '0'
	}
	rest = strings.TrimPrefix(rest, "0")
	ok = len(rest) == 11 && rest[0] == '1' && rest[1] >= '3'
	return rest, ok
}

// digits keeps the digits of a number and a leading plus.
func digits(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r >= '０' && r <= '９' {
			r -= '０' - '0'
		}
		if r >= '0' && r <= '9' || r == '+' && b.Len() == 0 {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Mask hides the middle of a number: 138****5678.
func Mask(number string) string {
	n := len(number)
	if n <= 7 {
		return strings.Repeat("*", max(n-3, 0)) + number[max(n-3, 0):]
	}
	return number[:3] + strings.Repeat("*", min(n-7, 4)) + number[n-4:]
}
