package messaging

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"time"

	"heartline/internal/platform/event"
	"heartline/internal/platform/job"
	"heartline/internal/platform/store"
)

// sendJob promises that a message goes out.
type sendJob struct {
	ID string `json:"id"`
}

// Kind implements job.Args.
func (sendJob) Kind() string { return "messaging.send" }

// sendAttempts is more than the class with the longest life can use up: the
// message itself says when it is too late.
const sendAttempts = 30

// sendTime is how long one attempt may take.
const sendTime = 40 * time.Second

// crowded is how long a message waits when its number got too many.
const crowded = 10 * time.Minute

func (s *Service) enqueue(ctx context.Context, tx *store.Tx, messageID string, at time.Time) error {
	return job.Enqueue(ctx, tx, s.d.Jobs, sendJob{messageID}, job.RunAt(at), job.MaxAttempts(sendAttempts))
}

// deliver sends one message: the job behind every row of the outbox.
func (s *Service) deliver(ctx context.Context, a sendJob) error {
	p, go_, err := s.prepare(ctx, a.ID)
	if err != nil || !go_ {
		return err
	}
	sendCtx, cancel := context.WithTimeout(ctx, sendTime)
	defer cancel()
	accepted, err := s.d.Sender.Send(sendCtx, p)
	if err == nil {
		return s.accepted(ctx, a.ID, accepted)
	}
	if ctx.Err() != nil { // the program stops: this was no attempt
		return err
	}
	var final *permanent
	if errors.As(err, &final) {
		s.d.Log.WarnContext(ctx, "message refused", "message_id", a.ID, "sender", s.d.Sender.Name(), "reason", final.reason)
		return s.settle(ctx, a.ID, StateFailed, final.reason)
	}
	return errors.Join(fmt.Errorf("send message: %w", err), s.failedOnce(ctx, a.ID))
}

// prepare decides whether a message goes out now, and opens it.
func (s *Service) prepare(ctx context.Context, messageID string) (p Parcel, ok bool, err error) {
	err = s.d.DB.Write(ctx, func(tx *store.Tx) error {
		p, ok = Parcel{}, false
		r, err := selectMessage(ctx, tx, messageID, true)
		if err != nil || r.State != StateQueued {
			return err
		}
		now := s.d.Now()
		if !now.Before(r.ExpiresAt) {
			return s.finish(ctx, tx, &r, StateExpired, ReasonLate, "")
		}
		wait, reason, err := s.hold(ctx, tx, &r, now)
		if err != nil {
			return err
		}
		if reason == ReasonRefused {
			return s.finish(ctx, tx, &r, StateFailed, ReasonRefused, "")
		}
		if wait.After(now) {
			return s.postpone(ctx, tx, &r, wait, reason)
		}
		number, text, err := s.open(r)
		if err != nil {
			return err
		}
		p, ok = Parcel{ID: r.ID, To: number, Text: text, Class: r.Class, Reference: reference(r.ID), Until: r.ExpiresAt}, true
		return nil
	})
	return p, ok, err
}

// hold says what a message has to wait for, or that it may not go at all.
func (s *Service) hold(ctx context.Context, tx *store.Tx, r *row, now time.Time) (until time.Time, reason string, err error) {
	if r.Class == ClassOTP {
		return now, "", nil
	}
	if r.Class == ClassReminder || r.Class == ClassMarketing {
		refused, err := optedOut(ctx, tx, r.numberIdx, r.Class)
		if err == nil && !refused && s.d.Permits != nil && r.PatientID != "" {
			var may bool
			may, err = s.d.Permits.MaySend(ctx, tx, r.PatientID, r.Channel, r.Class)
			refused = !may
		}
		if err != nil || refused {
			return now, ReasonRefused, err
		}
		if at := s.d.Settings.Quiet[r.Class].after(now, s.d.Settings.Zone); at.After(now) {
			return at, ReasonQuiet, nil
		}
	}
	n, _, err := countRecent(ctx, tx, r.numberIdx, r.ID, false, now.Add(-time.Hour))
	if err == nil && n >= s.d.Settings.PerHour {
		return now.Add(crowded), ReasonTooMany, nil
	}
	return now, "", err
}

// postpone lets a message wait under a new job.
func (s *Service) postpone(ctx context.Context, tx *store.Tx, r *row, until time.Time, reason string) error {
	r.SendAt, r.Reason, r.UpdatedAt = until, reason, s.d.Now()
	if reason == ReasonQuiet && r.ExpiresAt.Before(until.Add(time.Hour)) {
		r.ExpiresAt = until.Add(time.Hour)
	}
	if err := updateMessage(ctx, tx, r); err != nil {
		return err
	}
	if err := insertStep(ctx, tx, r.ID, Step{At: s.d.Now(), State: r.State, Reason: reason}); err != nil {
		return err
	}
	s.publish(tx, r.Message)
	return s.enqueue(ctx, tx, r.ID, until)
}

// accepted stores what the message centre answered.
func (s *Service) accepted(ctx context.Context, messageID string, a Accepted) error {
	return s.d.DB.Write(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		r, err := selectMessage(ctx, tx, messageID, true)
		if err != nil {
			return err
		}
		r.Sender, r.Attempts, r.SentAt = s.d.Sender.Name(), r.Attempts+1, s.d.Now()
		if err := insertParts(ctx, tx, r.Sender, r.ID, a.RemoteIDs); err != nil {
			return err
		}
		state := StateSent
		if a.Final {
			state = StateDelivered
		}
		if err := s.finish(ctx, tx, &r, state, "", ""); err != nil {
			return err
		}
		event.PublishTx(tx, s.d.Bus, Sent{ID: r.ID, PatientID: r.PatientID, Ref: r.Ref})
		early, err := takeReceipts(ctx, tx, r.Sender, a.RemoteIDs)
		if err != nil {
			return err
		}
		for _, e := range early {
			if err := s.receipt(ctx, tx, e, r.ID); err != nil {
				return err
			}
		}
		return nil
	})
}

// failedOnce notes an attempt that came to nothing.
func (s *Service) failedOnce(ctx context.Context, messageID string) error {
	return s.d.DB.Write(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		r, err := selectMessage(ctx, tx, messageID, true)
		if err != nil || r.State != StateQueued {
			return err
		}
		r.Attempts, r.Reason, r.Sender, r.UpdatedAt = r.Attempts+1, ReasonSender, s.d.Sender.Name(), s.d.Now()
		if r.Attempts >= sendAttempts {
			return s.finish(ctx, tx, &r, StateFailed, ReasonSender, "")
		}
		if err := updateMessage(ctx, tx, &r); err != nil {
			return err
		}
		s.publish(tx, r.Message)
		return insertStep(ctx, tx, r.ID, Step{At: s.d.Now(), State: r.State, Reason: ReasonSender})
	})
}

// settle ends a message in a transaction of its own.
func (s *Service) settle(ctx context.Context, messageID string, state State, reason string) error {
	return s.d.DB.Write(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		r, err := selectMessage(ctx, tx, messageID, true)
		if err != nil {
			return err
		}
		r.Attempts, r.Sender = r.Attempts+1, s.d.Sender.Name()
		return s.finish(ctx, tx, &r, state, reason, "")
	})
}

// finish gives a message a state and tells everybody.
func (s *Service) finish(ctx context.Context, tx *store.Tx, r *row, state State, reason, who string) error {
	now := s.d.Now()
	r.State, r.Reason, r.UpdatedAt = state, reason, now
	if state != StateSent && state != StateQueued {
		r.DoneAt = now
	}
	if err := updateMessage(ctx, tx, r); err != nil {
		return err
	}
	if err := insertStep(ctx, tx, r.ID, Step{At: now, State: state, Reason: reason, Actor: who}); err != nil {
		return err
	}
	s.publish(tx, r.Message)
	if state == StateFailed || state == StateExpired {
		event.PublishTx(tx, s.d.Bus, Failed{ID: r.ID, PatientID: r.PatientID, Ref: r.Ref, Reason: reason})
	}
	return s.tell(ctx, tx, r.Message)
}

// tell puts a message into the story of its person.
func (s *Service) tell(ctx context.Context, tx *store.Tx, m Message) error {
	if s.d.Story == nil || m.PatientID == "" || m.State == StateQueued || m.Class == ClassOTP {
		return nil
	}
	m.Text = ""
	return s.d.Story.Message(ctx, tx, m)
}

// Receipt implements Inbox: what became of a part of a message.
func (s *Service) Receipt(ctx context.Context, r Receipt) error {
	if r.At.IsZero() {
		r.At = s.d.Now()
	}
	return s.d.DB.Write(ctx, func(tx *store.Tx) error {
		messageID, err := partMessage(ctx, tx, r.Sender, r.RemoteID)
		if err != nil {
			return err
		}
		if messageID == "" {
			return keepReceipt(ctx, tx, r, s.d.Now().Add(-24*time.Hour))
		}
		return s.receipt(ctx, tx, r, messageID)
	})
}

// receipt settles a message when all of its parts are: one part that failed
// fails the message.
func (s *Service) receipt(ctx context.Context, tx *store.Tx, rc Receipt, messageID string) error {
	r, err := selectMessage(ctx, tx, messageID, true)
	if err != nil {
		return err
	}
	parts, err := settlePart(ctx, tx, rc, messageID)
	if err != nil || r.State != StateSent {
		return err
	}
	switch {
	case parts[StateFailed] > 0:
		return s.finish(ctx, tx, &r, StateFailed, rc.Reason, "")
	case parts[StateExpired] > 0:
		return s.finish(ctx, tx, &r, StateExpired, rc.Reason, "")
	case parts[StateSent] == 0:
		return s.finish(ctx, tx, &r, StateDelivered, "", "")
	}
	return nil
}

// reference ties the parts of a message together, equal for every attempt.
func reference(messageID string) uint16 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(messageID)) // never fails
	sum := h.Sum32()
	return uint16(sum>>16) ^ uint16(sum)
}
