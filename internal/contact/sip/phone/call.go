package phone

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"heartline/internal/contact/sip"
)

// Call is one call of a phone.
type Call struct {
	phone *Phone
	d     *sip.Dialog
	rtp   *rtpSession // nil without media

	mu       sync.Mutex
	ringing  chan struct{}
	answered chan struct{}
	ended    chan struct{}
	failure  error
	cause    sip.Cause
	codes    []int
	digits   string // by INFO
	version  int
}

// ErrEnded: the call is over.
var ErrEnded = errors.New("phone: call ended")

func newCall(p *Phone) (*Call, error) {
	c := &Call{phone: p, ringing: make(chan struct{}), answered: make(chan struct{}), ended: make(chan struct{}), version: 1}
	if p.media {
		r, err := newRTP(p.bank)
		if err != nil {
			return nil, err
		}
		c.rtp = r
	}
	return c, nil
}

// Dialog is the SIP dialog beneath, for tests that need more.
func (c *Call) Dialog() *sip.Dialog { return c.d }

// Provisional lists the provisional codes that came (outgoing).
func (c *Call) Provisional() []int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]int(nil), c.codes...)
}

// Cause says why the call ended; valid after WaitEnded.
func (c *Call) Cause() sip.Cause {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cause
}

// run follows the dialog's events until it ends.
func (c *Call) run(ctx context.Context) {
	for ev := range c.d.Events() {
		c.handle(ctx, ev)
	}
	c.closeMedia()
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.ended:
	default:
		close(c.ended)
	}
}

func (c *Call) handle(ctx context.Context, ev sip.DialogEvent) {
	switch ev := ev.(type) {
	case sip.Ringing:
		c.setRemote(ev.SDP)
		c.mu.Lock()
		c.codes = append(c.codes, ev.Code)
		c.mu.Unlock()
		c.once(c.ringing)
	case sip.Answered:
		c.setRemote(ev.SDP)
		if ev.NeedAck {
			_ = c.d.Ack(ctx, c.offer("sendrecv"))
		}
		c.once(c.answered)
	case sip.AckSDP:
		c.setRemote(ev.SDP)
	case sip.Confirmed:
		c.once(c.answered)
	case sip.Reinvited:
		c.setRemote(ev.SDP)
		ev.Reply(c.offer(mirror(ev.SDP)), 200)
	case sip.Digit:
		c.mu.Lock()
		c.digits += string(rune(ev.D))
		c.mu.Unlock()
	case sip.Refer:
		ev.Reply(603)
	case sip.Failed:
		c.mu.Lock()
		c.failure = &sip.ResponseError{Code: ev.Code, Reason: ev.Reason}
		c.mu.Unlock()
	case sip.Ended:
		c.mu.Lock()
		c.cause = ev.Cause
		if c.failure == nil {
			c.failure = ErrEnded
		}
		c.mu.Unlock()
		c.once(c.ended)
	}
}

func (c *Call) once(ch chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-ch:
	default:
		close(ch)
	}
}

func (c *Call) wait(ctx context.Context, ch <-chan struct{}) error {
	select {
	case <-ch:
		return nil
	default:
	}
	select {
	case <-ch:
		return nil
	case <-c.ended:
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.failure
	case <-ctx.Done():
		return ctx.Err()
	}
}

// WaitRinging waits for a 18x (outgoing).
func (c *Call) WaitRinging(ctx context.Context) error { return c.wait(ctx, c.ringing) }

// WaitAnswered waits until the call is established, or fails with its SIP
// code as *sip.ResponseError.
func (c *Call) WaitAnswered(ctx context.Context) error { return c.wait(ctx, c.answered) }

// WaitEnded waits until the call is over.
func (c *Call) WaitEnded(ctx context.Context) error {
	select {
	case <-c.ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Answer picks up an incoming call.
func (c *Call) Answer(ctx context.Context) error {
	dir := "sendrecv"
	if sdp := c.d.RemoteSDP(); sdp != nil {
		dir = mirror(sdp)
	}
	return c.d.Answer(ctx, c.offer(dir))
}

// Reject refuses an incoming call.
func (c *Call) Reject(ctx context.Context, code int) error { return c.d.Reject(ctx, code, "") }

// Hangup ends the call.
func (c *Call) Hangup(ctx context.Context) error { return c.d.Hangup(ctx, sip.Cause{Q850: 16}) }

// Hold sends a re-INVITE with sendonly, or sendrecv again.
func (c *Call) Hold(ctx context.Context, on bool) error {
	dir := "sendrecv"
	if on {
		dir = "sendonly"
	}
	answer, err := c.d.Reinvite(ctx, c.offer(dir))
	if err == nil {
		c.setRemote(answer)
	}
	return err
}

// SendInfo sends digits by SIP INFO.
func (c *Call) SendInfo(ctx context.Context, digits string) error {
	return c.d.SendInfoDTMF(ctx, digits)
}

// offer writes a session description of this phone.
func (c *Call) offer(dir string) []byte {
	ip, port := "127.0.0.1", 9
	if c.rtp != nil {
		a := c.rtp.addr()
		ip, port = a.Addr().String(), int(a.Port())
	}
	c.mu.Lock()
	c.version++
	v := c.version
	c.mu.Unlock()
	var b strings.Builder
	fmt.Fprintf(&b, "v=0\r\no=phone 1 %d IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\n", v, ip, ip)
	fmt.Fprintf(&b, "m=audio %d RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\n", port)
	fmt.Fprintf(&b, "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=%s\r\n", dir)
	return []byte(b.String())
}

func (c *Call) setRemote(sdp []byte) {
	if c.rtp != nil && sdp != nil {
		c.rtp.setRemote(parseSDP(sdp))
	}
}

func (c *Call) closeMedia() {
	if c.rtp != nil {
		c.rtp.close()
	}
}

// mirror is the direction that answers an offer.
func mirror(sdp []byte) string {
	switch parseSDP(sdp).dir {
	case "sendonly":
		return "recvonly"
	case "recvonly":
		return "sendonly"
	case "inactive":
		return "inactive"
	}
	return "sendrecv"
}
