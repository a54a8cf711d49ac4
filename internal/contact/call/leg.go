package call

import (
	"context"
	"errors"
	"strconv"
	"time"

	"heartline/internal/contact/journal"
	"heartline/internal/contact/media"
	"heartline/internal/contact/sip"
)

// legState is how far a leg is.
type legState uint8

const (
	legNew     legState = iota // created, nobody told
	legRinging                 // the far end rings, or (inbound) waits for our answer
	legUp                      // answered
	legEnded
)

// leg is one party of a call: its signalling (a SIP dialog, or a browser that
// needs none) and its sound.
type leg struct {
	id     string
	role   role
	user   string // user id of an agent or supervisor
	name   string // number of an extension, for screens
	state  legState
	since  time.Time
	offer  string // id of the distributor's offer that rings here
	booked bool   // the distributor counts the agent as busy with this leg

	lost  bool // answered, but its sound is gone
	early bool // rings with sound of its own
	away  bool // has put the others on hold
	muted bool
	dials bool   // began the call: its agent dialled
	mode  string // of a supervisor

	noted     bool   // its ringing is in the journal
	heard     bool   // (opener) was told that the far end rings
	progress  bool   // (opener) hears early sound
	phoneHeld bool   // by the phone's own hold key
	answer    []byte // (opener) our SDP answer, sent when somebody answers

	dialog  *sip.Dialog
	rtp     media.RTPLeg
	browser media.Browser
	sound   media.Leg

	ambience ambience // what plays now, and the play's id
	play     string
	saying   string // play id of an announcement
	said     func() // what follows the announcement

	ring     *timer            // how long it may ring
	deadline time.Time         // until when
	onUp     func(*leg)        // the far end answered
	onFail   func(why failure) // the far end did not
}

// failure is why somebody could not be reached.
type failure struct {
	reason string // busy, no_answer, unreachable, not_found, refused, limit, failed
	code   int    // SIP code, 0 if none
}

func failureOf(code int) failure {
	switch code {
	case 486, 600:
		return failure{"busy", code}
	case 603, 403:
		return failure{"refused", code}
	case 404, 410, 484, 604:
		return failure{"not_found", code}
	case 408, 487:
		return failure{"no_answer", code}
	case 480, 430:
		return failure{"unreachable", code}
	case 503:
		return failure{"limit", code}
	}
	return failure{"failed", code}
}

// sipCode is what a caller is told whose call could not be completed.
func (f failure) sipCode() int {
	switch f.reason {
	case "busy":
		return 486
	case "refused":
		return 603
	case "not_found":
		return 404
	case "no_answer", "unreachable":
		return 480
	case "limit":
		return 503
	}
	return 500
}

// addLeg gives the call a further party.
func (c *call) addLeg(l *leg, addressKind string) *leg {
	c.nextLeg++
	l.id = "l" + strconv.Itoa(c.nextLeg)
	l.since = c.svc.now()
	c.legs = append(c.legs, l)
	if l.user != "" {
		c.svc.seats.join(l.user, c)
	}
	c.note(l.user, journal.LegStarted{Leg: l.id, Party: c.party(l), AddressKind: addressKind, User: l.user})
	c.touch()
	return l
}

// party names a leg's part in the call. A patient whom we call is external:
// caller is whoever began.
func (c *call) party(l *leg) string {
	if l.role == roleCaller && l != c.opener {
		return roleGuest.String()
	}
	return l.role.String()
}

// attach gives a leg its browser's sound. A browser that hears another call
// moves here.
func (c *call) attach(l *leg, b media.Browser) error {
	ctx, cancel := c.op()
	defer cancel()
	if l.sound != nil {
		c.unplug(l)
	}
	sound, err := c.sound.AddBrowserLeg(ctx, l.id, b)
	if err != nil {
		return err
	}
	l.browser, l.sound = b, sound
	if l.user != "" {
		c.svc.seats.with(l.user, func(st *seat) { st.hears = c })
		c.stopListening(l.user)
	}
	c.routes = nil
	c.touch()
	return nil
}

// unplug takes a leg's sound away and forgets what played on it.
func (c *call) unplug(l *leg) {
	if l.sound == nil {
		return
	}
	ctx, cancel := c.op()
	defer cancel()
	if err := c.sound.RemoveLeg(ctx, l.id); err != nil && !c.over {
		c.log().Warn("remove leg", "leg", l.id, "error", err)
	}
	l.sound, l.ambience, l.play, l.saying, l.said = nil, silence, "", "", nil
	c.routes = nil
}

// up marks a leg as answered.
func (c *call) up(l *leg) {
	if l.state == legUp {
		return
	}
	l.state, l.early, l.deadline = legUp, false, time.Time{}
	c.cancel(l.ring)
	c.note(l.user, journal.LegAnswered{Leg: l.id})
	c.touch()
}

// drop lets a leg go: the far end is told, its sound ends, its agent is free.
func (c *call) drop(l *leg, cause string) {
	c.gone(l, cause, sip.Cause{})
	if d := l.dialog; d != nil {
		c.task(40*time.Second, func(ctx context.Context) {
			if err := d.Hangup(ctx, causeOf(cause)); err != nil && !errors.Is(err, context.Canceled) {
				c.log().Debug("hang up", "leg", l.id, "error", err)
			}
		})
	}
}

// gone takes a leg out of the call; the far end knows already.
func (c *call) gone(l *leg, cause string, sc sip.Cause) {
	if l.state == legEnded {
		return
	}
	wasUp := l.state == legUp
	l.state = legEnded
	c.cancel(l.ring)
	l.onUp, l.onFail, l.said = nil, nil, nil
	if c.tape != nil && c.tape.leg == l {
		c.stopRecording()
	}
	if l.sound != nil && wasUp {
		c.noteQuality(l)
	}
	c.unplug(l)
	for i, other := range c.legs {
		if other == l {
			c.legs = append(c.legs[:i:i], c.legs[i+1:]...)
			break
		}
	}
	c.note(l.user, journal.LegEnded{Leg: l.id, Cause: cause, SIPCode: sc.SIPCode, Q850: sc.Q850})
	if l.role == roleSupervisor {
		c.note("", journal.MonitorEnded{Supervisor: l.user})
	}
	if l.offer != "" {
		c.svc.offerOver(l.offer)
	}
	c.release(l, wasUp)
	if l.user != "" && c.userLeg(l.user, roleAgent) == nil && c.userLeg(l.user, roleSupervisor) == nil {
		c.svc.seats.leave(l.user, c)
	}
	c.touch()
}

func (c *call) noteQuality(l *leg) {
	if q := l.sound.Quality(); q.Packets > 0 {
		c.note(l.user, journal.MediaQuality{Leg: l.id, MOS: q.MOS, Loss: q.LossPct, JitterMs: q.JitterMs, RTTMs: q.RTTMs})
	}
}

// causeOf is what the far end is told at the end.
func causeOf(cause string) sip.Cause {
	switch cause {
	case "no_answer", "cancelled", "answered_elsewhere":
		return sip.Cause{SIPCode: 480, Q850: 19, Reason: cause}
	case "busy":
		return sip.Cause{SIPCode: 486, Q850: 17, Reason: cause}
	case "failed", "media_lost":
		return sip.Cause{SIPCode: 500, Q850: 41, Reason: cause}
	}
	return sip.Cause{SIPCode: 480, Q850: 16, Reason: cause}
}
