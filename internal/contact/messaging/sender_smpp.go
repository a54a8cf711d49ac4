package messaging

import (
	"context"
	"errors"
	"strings"

	"heartline/internal/contact/messaging/smpp"
)

// SMPPSender sends through a message centre that speaks SMPP 3.4.
type SMPPSender struct {
	client *smpp.Client
	cfg    smpp.Config
	in     Inbox
}

// NewSMPPSender makes a sender; Start binds it.
func NewSMPPSender(cfg smpp.Config) *SMPPSender {
	s := &SMPPSender{cfg: cfg}
	s.client = smpp.New(cfg, s)
	return s
}

// Name implements Sender.
func (s *SMPPSender) Name() string { return "smpp" }

// Start implements Sender.
func (s *SMPPSender) Start(ctx context.Context, in Inbox) error {
	s.in = in
	return s.client.Start(ctx)
}

// Send implements Sender.
func (s *SMPPSender) Send(ctx context.Context, p Parcel) (Accepted, error) {
	ids, err := s.client.Submit(ctx, smpp.Submission{To: p.To, Text: p.Text, Ref: p.Reference, Until: p.Until})
	if err == nil {
		return Accepted{RemoteIDs: ids}, nil
	}
	var refused *smpp.StatusError
	if errors.As(err, &refused) && !refused.Temporary() {
		return Accepted{}, Permanent(ReasonRejected, err)
	}
	return Accepted{}, err
}

// Receipt implements smpp.Handler. Messages on their way tell nothing new.
func (s *SMPPSender) Receipt(ctx context.Context, r smpp.Receipt) error {
	out := Receipt{Sender: s.Name(), RemoteID: r.ID}
	switch r.State {
	case "DELIVRD":
		out.State = StateDelivered
	case "EXPIRED":
		out.State = StateExpired
	case "UNDELIV", "REJECTD", "DELETED", "UNKNOWN":
		out.State = StateFailed
	default:
		return nil
	}
	if out.State != StateDelivered {
		out.Reason = strings.ToLower(r.State)
	}
	return s.in.Receipt(ctx, out)
}

// Message implements smpp.Handler.
func (s *SMPPSender) Message(ctx context.Context, from, text string) error {
	_, err := s.in.Receive(ctx, Arrival{Sender: s.Name(), From: from, Text: text})
	return err
}

// Health implements Sender.
func (s *SMPPSender) Health(context.Context) Health {
	h := s.client.Health()
	detail := "bound"
	if !h.Bound {
		detail = "connecting"
	}
	return Health{Name: s.Name(), Up: h.Bound, Since: h.Since, Detail: detail, LastError: h.LastError, Sent: h.Sent, Failed: h.Refused,
		Received: h.Received, Receipts: h.Receipts, Waiting: h.Waiting}
}

// Stop implements Sender.
func (s *SMPPSender) Stop(ctx context.Context) error { return s.client.Stop(ctx) }
