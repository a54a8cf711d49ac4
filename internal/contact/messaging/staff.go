package messaging

import (
	"context"

	"heartline/internal/platform/audit"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// Send queues a message on the wish of a member of staff.
func (s *Service) Send(ctx context.Context, m Outgoing) (Message, error) {
	who, err := identity.Require(ctx, identity.MessageWrite)
	if err != nil {
		return Message{}, err
	}
	if m.Class == ClassOTP || m.Template == KindCode {
		return Message{}, errs.InvalidField("template", "message.template_unknown")
	}
	var out Message
	err = s.d.DB.Write(ctx, func(tx *store.Tx) error {
		messageID, err := s.Queue(ctx, tx, m)
		if err != nil {
			return err
		}
		r, err := selectMessage(ctx, tx, messageID, false)
		if err != nil {
			return err
		}
		out = r.Message
		return s.audit(ctx, tx, who, "message.send", r.Message, map[string]any{"template": m.Template, "class": string(r.Class)})
	})
	return out, err
}

// Get returns a message with its text, its number (in full for those with
// patient.reveal) and its story. The look is audited.
func (s *Service) Get(ctx context.Context, messageID string) (Message, []Step, error) {
	who, err := identity.Require(ctx, identity.MessageRead)
	if err != nil {
		return Message{}, nil, err
	}
	var m Message
	var steps []Step
	err = s.d.DB.Write(ctx, func(tx *store.Tx) error {
		r, err := selectMessage(ctx, tx, messageID, false)
		if err != nil {
			return err
		}
		number, text, err := s.open(r)
		if err != nil {
			return err
		}
		m = r.Message
		m.Text = text
		if m.Class == ClassOTP {
			m.Text = "" // a code is nobody's business
		}
		if who.Has(identity.PatientReveal) {
			m.Number = number
		}
		if steps, err = selectSteps(ctx, tx, messageID); err != nil {
			return err
		}
		return s.audit(ctx, tx, who, "message.view", m, nil)
	})
	return m, steps, err
}

// Retry sends a message that failed or expired once more.
func (s *Service) Retry(ctx context.Context, messageID string) (Message, error) {
	who, err := identity.Require(ctx, identity.MessageWrite)
	if err != nil {
		return Message{}, err
	}
	var m Message
	err = s.d.DB.Write(ctx, func(tx *store.Tx) error {
		r, err := selectMessage(ctx, tx, messageID, true)
		if err != nil {
			return err
		}
		if r.Direction != Out || r.Class == ClassOTP || r.State != StateFailed && r.State != StateExpired {
			return errs.New(errs.Conflict, "message.not_failed")
		}
		now := s.d.Now()
		r.SendAt, r.ExpiresAt, r.Attempts = now, now.Add(r.Class.ttl()), 0
		r.SentAt, r.DoneAt = fromMillis(0), fromMillis(0)
		if err := s.finish(ctx, tx, &r, StateQueued, "", who.UserID); err != nil {
			return err
		}
		if err := s.enqueue(ctx, tx, r.ID, now); err != nil {
			return err
		}
		m = r.Message
		return s.audit(ctx, tx, who, "message.retry", m, nil)
	})
	return m, err
}

// List returns one page, newest first, without texts and with masked numbers.
func (s *Service) List(ctx context.Context, f Filter) (Page, error) {
	who, err := identity.Require(ctx, identity.MessageRead)
	if err != nil {
		return Page{}, err
	}
	limit := f.Limit
	if limit <= 0 {
		limit = 50
	}
	limit = min(limit, 200)
	idx, idx4, err := s.lookup(f.Number)
	if err != nil {
		return Page{}, err
	}
	var rows []row
	read := func(tx *store.Tx) (err error) {
		rows, err = listMessages(ctx, tx, f, idx, idx4, limit)
		return err
	}
	if f.PatientID == "" {
		err = s.d.DB.Read(ctx, read)
	} else { // a look at a person
		err = s.d.DB.Write(ctx, func(tx *store.Tx) error {
			if err := read(tx); err != nil {
				return err
			}
			return s.audit(ctx, tx, who, "message.list", Message{PatientID: f.PatientID}, nil)
		})
	}
	if err != nil {
		return Page{}, err
	}
	var p Page
	if len(rows) > limit {
		rows = rows[:limit]
		p.Next = cursorOf(rows[limit-1].Message)
	}
	p.Messages = make([]Message, len(rows))
	for i, r := range rows {
		p.Messages[i] = r.Message
	}
	return p, nil
}

// lookup makes the blind index of what is searched for.
func (s *Service) lookup(q string) (idx, idx4 string, err error) {
	d := digits(q)
	switch {
	case q == "":
		return "", "", nil
	case len(d) == 4:
		return "", s.tail(d), nil
	case len(d) < 4:
		return "", "", errs.InvalidField("query.q", "message.search_short")
	}
	if n, ok := Number(d); ok {
		d = n
	}
	return s.index(d), "", nil
}

// Phone is what a telephone shows: the newest messages of a number, in full,
// the oldest first. It is for the demo's telephone and checks no right.
func (s *Service) Phone(ctx context.Context, number string, limit int) ([]Message, error) {
	n, ok := Number(number)
	if !ok {
		return nil, nil
	}
	var out []Message
	err := s.d.DB.Read(ctx, func(tx *store.Tx) error {
		out = nil
		rows, err := ofNumber(ctx, tx, s.index(n), limit)
		if err != nil {
			return err
		}
		for i := len(rows) - 1; i >= 0; i-- {
			r := rows[i]
			if r.Direction == Out && r.State != StateSent && r.State != StateDelivered {
				continue
			}
			if r.Number, r.Text, err = s.open(r); err != nil {
				return err
			}
			out = append(out, r.Message)
		}
		return nil
	})
	return out, err
}

// Channels says how the senders are.
func (s *Service) Channels(ctx context.Context) ([]Health, error) {
	if _, err := identity.Require(ctx, identity.MessageRead, identity.SystemAdmin); err != nil {
		return nil, err
	}
	return []Health{s.d.Sender.Health(ctx)}, nil
}

func (s *Service) audit(ctx context.Context, tx *store.Tx, who identity.Principal, action string, m Message, detail map[string]any) error {
	return s.d.Audit.Append(ctx, tx, audit.Entry{At: s.d.Now(), Actor: who.UserID, ActorName: who.Name, Action: action, Object: "message",
		ObjectID: m.ID, Patient: m.PatientID, IP: who.IP, RequestID: who.RequestID, Detail: detail})
}
