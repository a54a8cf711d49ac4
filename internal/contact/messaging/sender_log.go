package messaging

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"
)

// LogSender sends nothing: messages count as delivered at once and are seen in
// the outbox only. The demo's telephone shows them.
type LogSender struct {
	log  *slog.Logger
	now  func() time.Time
	up   atomic.Int64
	sent atomic.Int64
}

// NewLogSender makes the sender of the demo.
func NewLogSender(log *slog.Logger, now func() time.Time) *LogSender {
	return &LogSender{log: log, now: now}
}

// Name implements Sender.
func (l *LogSender) Name() string { return "log" }

// Start implements Sender.
func (l *LogSender) Start(context.Context, Inbox) error {
	l.up.Store(l.now().UnixMilli())
	return nil
}

// Send implements Sender. The log names the message, never its number or text;
// at level debug, as the outbox tells the same and more.
func (l *LogSender) Send(ctx context.Context, p Parcel) (Accepted, error) {
	l.sent.Add(1)
	l.log.DebugContext(ctx, "message written to the log only", "message_id", p.ID, "class", string(p.Class))
	return Accepted{Final: true}, nil
}

// Health implements Sender.
func (l *LogSender) Health(context.Context) Health {
	h := Health{Name: l.Name(), Up: true, Detail: "log", Sent: l.sent.Load()}
	if ms := l.up.Load(); ms > 0 {
		h.Since = time.UnixMilli(ms)
	}
	return h
}

// Stop implements Sender.
func (l *LogSender) Stop(context.Context) error { return nil }
