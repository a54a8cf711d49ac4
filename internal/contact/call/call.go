// Package call controls telephone calls. A call is an actor: one goroutine
// that owns the call's legs (a SIP dialog or a browser each, with its media
// leg), its stage (menu, queue, ringing, talking, parked) and every change to
// them; everybody else sends it messages and reads its published view. Who
// hears whom is computed by a pure function of the call's state (see plan.go)
// and applied to the media engine.
//
// It owns live calls, agents' seats (browser or desk phone), agent loss and
// return, supervision of calls, and the browser callers of /try. It decides
// no routing (package acd), runs no menu logic (package ivr), speaks no SIP
// itself (package sip), moves no sound (package media), keeps no records
// (package journal derives them) and knows no patients: it asks through the
// small interfaces of deps.go.
package call

import (
	"strings"
)

// The seats an agent may take.
const (
	SeatBrowser   = "browser"
	SeatExtension = "extension"
)

// Seat is where an agent hears and speaks: the browser, or a desk phone.
type Seat struct {
	Kind      string `json:"kind"`                // browser or extension
	Extension string `json:"extension,omitempty"` // number of the desk phone
}

// The kinds of transfer and conference target.
const (
	TargetAgent     = "agent"
	TargetExtension = "extension"
	TargetQueue     = "queue"
	TargetExternal  = "external"
)

// Target is where a call is transferred to or who joins it.
type Target struct {
	Kind string `json:"kind"` // agent, extension, queue or external
	ID   string `json:"id"`   // user id, extension number, queue id, or telephone number
}

// The modes of supervision.
const (
	ModeListen  = "listen"  // hears everybody, is heard by nobody
	ModeWhisper = "whisper" // is heard by the agent alone
	ModeBarge   = "barge"   // is heard by everybody
)

// The stages of a live call.
const (
	StageSetup   = "setup"   // arriving, nothing decided
	StageIVR     = "ivr"     // in a menu
	StageQueued  = "queued"  // waiting for an agent
	StageRinging = "ringing" // somebody is being called
	StageTalking = "talking" // connected
	StageHeld    = "held"    // connected, the agent has put the caller on hold
	StageParked  = "parked"  // the agent was lost; the caller waits for the return
	StageEnded   = "ended"
)

// The directions of a call, seen from the hospital.
const (
	Inbound  = "inbound"
	Outbound = "outbound"
	Internal = "internal"
)

// channelBrowser marks calls whose opener is in a browser.
const channelBrowser = "browser"

// Mask hides the middle of a telephone number: 138****5678. Numbers too short
// to identify a person (extensions, service numbers) stay readable.
func Mask(number string) string {
	if len(number) <= 6 {
		return number
	}
	head, tail := 3, 4
	if len(number) < 10 {
		head, tail = 2, 2
	}
	return number[:head] + strings.Repeat("*", len(number)-head-tail) + number[len(number)-tail:]
}
