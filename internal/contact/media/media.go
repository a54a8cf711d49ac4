// Package media is what call control knows about sound: an Engine that makes
// calls out of legs (RTP towards phones and trunks, WebRTC towards browsers),
// a routing matrix that says who hears whom, players, recordings and the
// events of a call's sound. It also owns clips, tones, the generated hold
// music and the quality estimate (E-model).
//
// It does not own signalling, dialogs or who may talk to whom: SIP belongs to
// contact/sip, decisions to contact/call. The engine that does the work is in
// media/embedded; session descriptions are in media/sdp.
package media

import (
	"context"
	"time"
)

// Rate is the sampling rate of everything between legs: clips, mixer, recordings.
const Rate = 8000

// FrameSamples is one 20 ms frame at Rate.
const FrameSamples = Rate / 50

// Caps says what an engine can do.
type Caps struct {
	Mix, Play, Record, DTMF, Browser, Transcode bool
	Codecs                                      []string // in order of preference
}

// Engine makes calls and browser connections. It is safe for concurrent use.
type Engine interface {
	Caps() Caps
	NewCall(ctx context.Context, id string) (Call, error)
	// NewBrowser answers a browser's offer with full candidates. The
	// connection lives until Close, across any number of calls.
	NewBrowser(ctx context.Context, id, offerSDP string) (b Browser, answerSDP string, err error)
	// Health fails when the engine cannot take another call.
	Health(ctx context.Context) error
	// Close ends all calls and browsers and waits for every goroutine.
	Close(ctx context.Context) error
}

// BrowserEvent is a change of a browser's connection.
type BrowserEvent string

// What a browser's connection reports. Disconnected may heal into Connected;
// Closed is final.
const (
	BrowserConnected    BrowserEvent = "connected"
	BrowserDisconnected BrowserEvent = "disconnected"
	BrowserClosed       BrowserEvent = "closed"
)

// Browser is one permanent WebRTC connection to a signed-in agent's or a
// visitor's browser. It carries one call leg at a time and can be moved.
type Browser interface {
	ID() string
	// Renegotiate answers a further offer of the same browser: ICE restart,
	// another microphone.
	Renegotiate(ctx context.Context, offerSDP string) (answerSDP string, err error)
	// Candidate adds a trickled ICE candidate (RTCIceCandidateInit as JSON).
	Candidate(ctx context.Context, candidateJSON string) error
	// Events reports connection changes; the channel closes after Closed.
	Events() <-chan BrowserEvent
	Connected() bool
	// Level is the loudness of what the browser sends, in dBov (0 loudest,
	// -100 when silent or nothing arrives).
	Level() float64
	Quality() Quality
	Close(ctx context.Context) error
}

// Call is a set of legs and the routes between them. Every method is safe for
// concurrent use. A leg id is unique within its call.
type Call interface {
	ID() string
	// AddRTPLeg reserves a port pair for a phone or trunk.
	AddRTPLeg(ctx context.Context, leg string) (RTPLeg, error)
	// AddBrowserLeg attaches a browser; if it was attached elsewhere, it moves.
	AddBrowserLeg(ctx context.Context, leg string, b Browser) (Leg, error)
	// RemoveLeg drops a leg with its routes, plays and recordings.
	RemoveLeg(ctx context.Context, leg string) error
	// Connect replaces the whole routing matrix. Routes of legs removed later
	// vanish with them.
	Connect(ctx context.Context, routes []Route) error
	// Play starts a source towards a leg and returns its id; PlayDone follows
	// when it ends by itself, not after Stop or RemoveLeg.
	Play(ctx context.Context, leg string, p Play) (string, error)
	// Stop ends a play; play "" ends all plays of the leg. Unknown ids are fine.
	Stop(ctx context.Context, leg, play string) error
	// Record taps a leg: left is what it says, right is what it hears.
	Record(ctx context.Context, leg string, sink FrameSink) (Recording, error)
	// Events delivers this call's events; the channel closes on Close.
	Events() <-chan Event
	Close(ctx context.Context) error
}

// Route says that To hears From, multiplied by Gain (0 means 1).
type Route struct {
	From, To string
	Gain     float64
}

// Bridge is the matrix of two legs hearing each other.
func Bridge(a, b string) []Route { return []Route{{From: a, To: b}, {From: b, To: a}} }

// Conference is the matrix in which every leg hears all others.
func Conference(legs ...string) []Route {
	var r []Route
	for _, from := range legs {
		for _, to := range legs {
			if from != to {
				r = append(r, Route{From: from, To: to})
			}
		}
	}
	return r
}

// Leg is one participant's sound.
type Leg interface {
	ID() string
	Quality() Quality
	// SendDTMF queues digits (0-9 * # A-D, "," pauses half a second) towards
	// the leg, as RFC 4733 events when negotiated, otherwise as tones.
	SendDTMF(ctx context.Context, digits string) error
}

// RTPLeg is a leg whose session is described by SDP in SIP messages.
type RTPLeg interface {
	Leg
	// Offer describes the leg; call it again for a re-INVITE.
	Offer(ctx context.Context) ([]byte, error)
	// Accept answers an offer, the first or a later one. The error is a
	// *sdp.NotAcceptable when nothing fits (SIP 488).
	Accept(ctx context.Context, offer []byte) (answer []byte, err error)
	// Complete takes the answer to the last Offer. After a provisional answer
	// (183) it may be called again with the final one.
	Complete(ctx context.Context, answer []byte) error
	// SetHold makes the next Offer or answer sendonly (or inactive), or
	// sendrecv again.
	SetHold(on bool)
	// RemoteHeld reports that the peer does not want to hear us now.
	RemoteHeld() bool
}

// Play is a source for one leg.
type Play struct {
	Source Source
	Loop   bool    // start again at the end; always so for tones that repeat and music
	Gain   float64 // 0 means 1
	// Exclusive silences the leg's routes while playing; otherwise the play
	// is mixed into what the leg hears.
	Exclusive bool
}

// Source is what can be played: Clips, a Tone, or Music.
type Source interface{ source() }

// Clips is a Source that plays clips one after another.
type Clips []Clip

// Music is the Source of the built-in hold music.
type Music struct{}

func (Clips) source() {}
func (Music) source() {}
func (Tone) source()  {}

// Recording is a running tap of one leg. Its time runs from Record to Stop
// without holes: pauses and lost packets are silence of the right length.
type Recording interface {
	Pause(ctx context.Context) error
	Resume(ctx context.Context) error
	// Stop flushes the rest to the sink and returns the recorded length. The
	// sink is not called any more after Stop has returned.
	Stop(ctx context.Context) (time.Duration, error)
}

// FrameSink takes a recording: interleaved left, right A-law bytes at Rate, in
// order. One flusher goroutine calls it for all recordings, so it must not
// block long. An error ends the recording with RecFailed, never the call.
type FrameSink interface {
	WriteStereo(alaw []byte) error
}

// Event is a fact about a call's sound: DTMF, MediaUp, MediaLost, MediaBack,
// PlayDone or RecFailed.
type Event interface{ mediaEvent() }

// DTMF is one key pressed by a leg, reported once, at its end.
type DTMF struct {
	Leg      string
	Digit    byte // '0'..'9', '*', '#', 'A'..'D'
	Duration time.Duration
	InBand   bool // found in the sound, not received as an event
}

// MediaUp is the first sound received from a leg.
type MediaUp struct{ Leg string }

// MediaLost says that a leg which was heard sends nothing any more.
type MediaLost struct{ Leg string }

// MediaBack ends MediaLost.
type MediaBack struct{ Leg string }

// PlayDone says that a play came to its end.
type PlayDone struct{ Leg, Play string }

// RecFailed says that a leg's recording ended because its sink failed.
type RecFailed struct {
	Leg string
	Err error
}

func (DTMF) mediaEvent()      {}
func (MediaUp) mediaEvent()   {}
func (MediaLost) mediaEvent() {}
func (MediaBack) mediaEvent() {}
func (PlayDone) mediaEvent()  {}
func (RecFailed) mediaEvent() {}
