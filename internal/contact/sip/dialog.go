package sip

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Dialog is one call leg. Its methods may be called from any goroutine.
type Dialog struct {
	s      *Server
	id     string
	dir    Direction
	peer   Peer
	from   Address
	to     Address
	invite *message // inbound only
	repl   *Dialog  // named by Replaces

	ctx    context.Context // the dialog's life, handed to Handler.Invite
	cancel context.CancelFunc
	events chan DialogEvent
	done   chan struct{}
	remote atomic.Pointer[[]byte] // newest remote SDP
	callID string

	mu     sync.Mutex
	queue  []func()
	closed bool
	signal chan struct{}

	// below: owned by the actor
	state     dialogState
	pending   []DialogEvent // not yet taken by the user
	ended     bool          // Ended was emitted
	leg       *leg          // inbound: from the start; outbound: of the answered branch
	uas       *uasInvite    // inbound INVITE or re-INVITE being answered
	rel       *reliable     // RFC 3262 state of the inbound INVITE
	out       *outbound     // outgoing call until answered
	mid       *midRequest   // our re-INVITE or UPDATE in progress
	glare     *midRequest   // got a 491 and waits for its next try
	waiting   []func()      // offers that wait for the one in progress
	offered   *serverTx     // peer's UPDATE waiting for Reply
	lastAck   []byte        // for repeated 2xx of our INVITE
	localSDP  []byte
	byes      int // BYE and CANCEL without an answer yet
	referSeq  uint32
	referring bool
	timer     sessionTimer
	trunk     *trunk
	timers    [timerKinds]dtimer
}

type dialogState uint8

const (
	stEarly     dialogState = iota // INVITE open
	stAnswered                     // inbound: 200 sent, no ACK yet; outbound: 200 came, ACK waits for an answer
	stConfirmed                    // both ends know
	stOver                         // hung up or failed
)

// leg is the dialog state of RFC 3261 §12.
type leg struct {
	callID              string
	localTag, remoteTag string
	local, remote       string // our From and To with tags
	target              string // remote target URI
	routes              []string
	localSeq, remoteSeq uint32
	inviteSeq           uint32 // of our last INVITE
	auth                string // credentials that it carried
	f                   flow
	contact             string
	canUpdate           bool // the peer allows UPDATE
}

// ResponseError is a final error response to a request of ours.
type ResponseError struct {
	Code   int
	Reason string
}

func (e *ResponseError) Error() string { return fmt.Sprintf("sip: %d %s", e.Code, e.Reason) }

// ErrState: the dialog is not in a state that allows the operation.
var ErrState = errors.New("sip: dialog state does not allow this")

// ErrEnded: the dialog is over.
var ErrEnded = errors.New("sip: dialog is over")

const (
	maxQueue   = 512
	eventSlots = 16
)

func (s *Server) newDialog(dir Direction) *Dialog {
	d := &Dialog{
		s: s, id: newTag(), dir: dir,
		events: make(chan DialogEvent, eventSlots), done: make(chan struct{}), signal: make(chan struct{}, 1),
	}
	d.ctx, d.cancel = context.WithCancel(s.ctx)
	for i := range d.timers {
		d.timers[i].d.Store(d)
	}
	return d
}

// ID is unique in this process' lifetime and safe to log.
func (d *Dialog) ID() string { return d.id }

// Direction says who started it.
func (d *Dialog) Direction() Direction { return d.dir }

// Peer says who the other end is. Of an outgoing call the address is known
// once it has been answered.
func (d *Dialog) Peer() Peer {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.peer
}

// CallID is the SIP Call-ID (of the first branch of an outgoing call).
func (d *Dialog) CallID() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.callID
}

// RemoteSDP is the newest session description of the peer, nil if none yet.
func (d *Dialog) RemoteSDP() []byte {
	if p := d.remote.Load(); p != nil {
		return *p
	}
	return nil
}

func (d *Dialog) setRemote(sdp []byte) {
	if sdp != nil {
		d.remote.Store(&sdp)
	}
}

// From is the caller: for an extension the authenticated user, for a trunk
// P-Asserted-Identity or From, normalised.
func (d *Dialog) From() Address { return d.from }

// To is the called party: the Request-URI of an inbound INVITE, normalised.
func (d *Dialog) To() Address { return d.to }

// Header returns a header of the inbound INVITE, "" if absent.
func (d *Dialog) Header(name string) string {
	if d.invite == nil {
		return ""
	}
	return d.invite.named(name)
}

// MaxForwards to be passed on in DialSpec when the call is forwarded; -1 when
// it must not be forwarded any more.
func (d *Dialog) MaxForwards() int {
	switch {
	case d.invite == nil || d.invite.maxFwd < 0:
		return 70
	case d.invite.maxFwd <= 1:
		return -1
	}
	return d.invite.maxFwd - 1
}

// Replaces is the dialog that an inbound INVITE asks to replace, or nil.
func (d *Dialog) Replaces() *Dialog { return d.repl }

// Events delivers what happens, in order; the last is Ended, then it closes.
func (d *Dialog) Events() <-chan DialogEvent { return d.events }

// Done is closed when the dialog is over.
func (d *Dialog) Done() <-chan struct{} { return d.done }

// post queues work for the actor; false when it is gone or flooded.
func (d *Dialog) post(fn func()) bool {
	d.mu.Lock()
	if d.closed || len(d.queue) >= maxQueue {
		d.mu.Unlock()
		return false
	}
	d.queue = append(d.queue, fn)
	d.mu.Unlock()
	select {
	case d.signal <- struct{}{}:
	default:
	}
	return true
}

// call runs fn in the actor and waits for its verdict.
func (d *Dialog) call(ctx context.Context, fn func() error) error {
	res := make(chan error, 1)
	if !d.post(func() { res <- fn() }) {
		return ErrEnded
	}
	select {
	case err := <-res:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-d.s.ctx.Done():
		return ErrEnded
	}
}

// run is the actor.
func (d *Dialog) run() {
	defer d.s.dialogWG.Done()
	var batch []func()
	for {
		d.mu.Lock()
		batch, d.queue = d.queue, batch[:0]
		d.mu.Unlock()
		for i, fn := range batch {
			fn()
			batch[i] = nil
		}
		if d.finished() {
			break
		}
		if len(batch) > 0 {
			continue
		}
		var out chan DialogEvent
		var next DialogEvent
		if len(d.pending) > 0 {
			out, next = d.events, d.pending[0]
		}
		select {
		case <-d.signal:
		case out <- next:
			d.pending = d.pending[1:]
		case <-d.s.ctx.Done():
			d.end(Cause{SIPCode: 503, Reason: "server stops"})
			d.out, d.uas, d.byes = nil, nil, 0
		}
	}
	d.leave()
}

// finished: the user was told and nothing is left to repeat or to answer.
func (d *Dialog) finished() bool {
	return d.ended && d.byes == 0 && d.out.idle() && (d.uas == nil || d.uas.done)
}

// leave closes the mailbox, forgets the tags and hands over the last events.
func (d *Dialog) leave() {
	d.mu.Lock()
	d.closed = true
	rest := d.queue
	d.queue = nil
	d.mu.Unlock()
	for _, fn := range rest {
		fn() // everybody who waits gets an answer; the state is over
	}
	for i := range d.timers {
		d.timers[i].d.Store(nil)
	}
	if d.leg != nil {
		d.s.dropDialog(d.leg.localTag)
	}
	d.out.forget(d.s)
	for len(d.pending) > 0 {
		select {
		case d.events <- d.pending[0]:
			d.pending = d.pending[1:]
			continue
		case <-d.s.ctx.Done():
		case <-time.After(30 * time.Second): // nobody listens
		}
		break
	}
	close(d.events)
}

// emit tells the user, without ever waiting.
func (d *Dialog) emit(ev DialogEvent) {
	if d.ended {
		return
	}
	if len(d.pending) == 0 {
		select {
		case d.events <- ev:
			return
		default:
		}
	}
	d.pending = append(d.pending, ev)
}

// end tells the user that it is over; cleaning up may still go on.
func (d *Dialog) end(c Cause) {
	if d.ended {
		return
	}
	d.state = stOver
	d.emit(Ended{c})
	d.ended = true
	d.timers[tSession].stop()
	d.timers[tExpiry].stop()
	d.timers[tGlare].stop()
	d.timers[tDial].stop()
	d.timers[tLinger].set(72*d.s.cfg.T1, d.giveUp)
	if d.mid != nil {
		d.mid.fail(ErrEnded)
		d.mid = nil
	}
	if d.glare != nil {
		d.glare.fail(ErrEnded)
		d.glare = nil
	}
	waiting := d.waiting
	d.waiting = nil
	for _, fn := range waiting {
		fn() // each sees the state and fails
	}
	if d.trunk != nil {
		d.trunk.calls.Add(-1)
		d.trunk = nil
	}
	close(d.done)
	d.cancel()
}

// giveUp: a peer that answers nothing does not keep the actor.
func (d *Dialog) giveUp() {
	d.byes = 0
	d.out.forget(d.s)
	d.out = nil
	d.uas = nil
}

// Hangup ends the dialog as its state demands: BYE, CANCEL or a final
// response (Cause.SIPCode, default 480 or 603).
func (d *Dialog) Hangup(ctx context.Context, cause Cause) error {
	err := d.call(ctx, func() error { d.hangup(cause); return nil })
	if errors.Is(err, ErrEnded) {
		return nil
	}
	return err
}

func (d *Dialog) hangup(cause Cause) {
	cause.Remote = false
	switch {
	case d.ended:
	case d.dir == Outbound && d.state == stEarly:
		d.end(cause)
		d.out.cancelAll(d, "")
	case d.dir == Inbound && d.state == stEarly:
		code := cause.SIPCode
		if code < 300 {
			code = 480
		}
		d.reject(code, cause.Reason, "")
		d.end(cause)
	case d.dir == Inbound && d.state == stAnswered:
		d.end(cause) // BYE has to wait for the ACK (RFC 3261 §15)
	default:
		if d.state == stAnswered { // a late offer that nobody answered
			d.sendAck(nil)
		}
		d.bye(cause)
		d.end(cause)
	}
}

func (d *Dialog) bye(cause Cause) {
	extra := ""
	if cause.Q850 > 0 {
		extra = line("Reason", fmt.Sprintf("Q.850;cause=%d", cause.Q850))
	}
	d.byes++
	d.request("BYE", extra, "", "", func(*message, error) { d.byes-- })
}
