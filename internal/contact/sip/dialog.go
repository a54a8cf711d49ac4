package sip

import (
	"context"
	"errors"
)

// Dialog is one call leg. Its methods may be called from any goroutine.
type Dialog struct{}

// ID is unique in this process' lifetime and safe to log.
func (d *Dialog) ID() string { return "" }

// Direction says who started it.
func (d *Dialog) Direction() Direction { return Inbound }

// Peer says who the other end is.
func (d *Dialog) Peer() Peer { return Peer{} }

// CallID is the SIP Call-ID.
func (d *Dialog) CallID() string { return "" }

// RemoteSDP is the newest session description of the peer, nil if none yet.
func (d *Dialog) RemoteSDP() []byte { return nil }

// From is the caller as given in the INVITE (P-Asserted-Identity of a trunk
// wins; numbers of a trunk are normalised).
func (d *Dialog) From() Address { return Address{} }

// To is the called party: the Request-URI of an inbound INVITE, normalised.
func (d *Dialog) To() Address { return Address{} }

// Header returns a header of the inbound INVITE, "" if absent.
func (d *Dialog) Header(name string) string { return "" }

// MaxForwards of the inbound INVITE, to be passed on in DialSpec.
func (d *Dialog) MaxForwards() int { return 0 }

// Replaces is the dialog that an inbound INVITE asks to replace, or nil.
func (d *Dialog) Replaces() *Dialog { return nil }

// Events delivers what happens, in order; the last is Ended, then it closes.
func (d *Dialog) Events() <-chan DialogEvent { return nil }

// Done is closed when the dialog is over.
func (d *Dialog) Done() <-chan struct{} { return nil }

// Ring sends 180 (inbound, not yet answered).
func (d *Dialog) Ring(ctx context.Context) error { return errors.ErrUnsupported }

// Progress sends 183 with early media (inbound, not yet answered).
func (d *Dialog) Progress(ctx context.Context, sdp []byte) error { return errors.ErrUnsupported }

// Answer sends 200 with an answer, or an offer if the INVITE had none
// (AckSDP brings the answer). It returns when the 200 was sent.
func (d *Dialog) Answer(ctx context.Context, sdp []byte) error { return errors.ErrUnsupported }

// Reject sends a final error response (inbound, not yet answered).
func (d *Dialog) Reject(ctx context.Context, code int, reason string) error {
	return errors.ErrUnsupported
}

// Ack completes a late offer (Answered.NeedAck) with the answer.
func (d *Dialog) Ack(ctx context.Context, sdp []byte) error { return errors.ErrUnsupported }

// Reinvite sends an offer in an established dialog and returns the answer;
// glare (491) is retried. A nil offer asks the peer for one: the offer comes
// back as answer, and Ack must follow.
func (d *Dialog) Reinvite(ctx context.Context, sdp []byte) ([]byte, error) {
	return nil, errors.ErrUnsupported
}

// Update is Reinvite by UPDATE (RFC 3311), also allowed before the answer.
func (d *Dialog) Update(ctx context.Context, sdp []byte) ([]byte, error) {
	return nil, errors.ErrUnsupported
}

// Hangup ends the dialog as its state demands: BYE, CANCEL or a final response.
func (d *Dialog) Hangup(ctx context.Context, cause Cause) error { return errors.ErrUnsupported }

// SendInfoDTMF sends digits by INFO (application/dtmf-relay).
func (d *Dialog) SendInfoDTMF(ctx context.Context, digits string) error {
	return errors.ErrUnsupported
}

// Refer asks the peer to call target ("sip:…" URI); Notified events follow.
func (d *Dialog) Refer(ctx context.Context, target string) error { return errors.ErrUnsupported }

// Notify tells the progress of a transfer accepted with 202; code ≥ 200 ends it.
func (d *Dialog) Notify(ctx context.Context, code int, reason string) error {
	return errors.ErrUnsupported
}
