package messaging

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"heartline/internal/platform/event"
	"heartline/internal/platform/id"
	"heartline/internal/platform/job"
	"heartline/internal/platform/store"
)

// replyJob promises that a message that came in is looked at.
type replyJob struct {
	ID string `json:"id"`
}

// Kind implements job.Args.
func (replyJob) Kind() string { return "messaging.reply" }

const (
	answerWithin  = 3 * 24 * time.Hour // how old a message may be to be answered
	answerChoices = 5                  // how many of them are tried
	longestIn     = 2000               // characters of an incoming message
)

// Receive implements Inbox: it stores a message that came in and promises that
// it is looked at.
func (s *Service) Receive(ctx context.Context, a Arrival) (string, error) {
	now := s.d.Now()
	number, ok := Number(a.From)
	if !ok {
		number = a.From // a service number, or a name: kept, not answered
		if len(number) > 40 {
			number = number[:40]
		}
		number = strings.ToValidUTF8(number, "")
	}
	text := strings.ToValidUTF8(strings.Map(dropControl, a.Text), "\uFFFD")
	if utf8.RuneCountInString(text) > longestIn {
		text = string([]rune(text)[:longestIn])
	}
	p := NewPreview(text)
	r := row{Message: Message{ID: id.New(), Direction: In, Channel: SMS, State: StateReceived, Class: ClassService, Sender: a.Sender,
		Number: Mask(number), Encoding: p.Encoding, Segments: p.Segments, CreatedAt: now, UpdatedAt: now, SendAt: now, DoneAt: now},
		numberIdx: s.index(number), numberIdx4: s.tail(number)}
	if err := s.seal(&r, number, text); err != nil {
		return "", err
	}
	err := s.d.DB.Write(ctx, func(tx *store.Tx) error {
		asked, err := answerable(ctx, tx, r.numberIdx, now.Add(-answerWithin), 1)
		if err != nil {
			return err
		}
		if len(asked) > 0 {
			r.Answers, r.PatientID, r.Ref, r.Lang = asked[0].ID, asked[0].PatientID, asked[0].Ref, asked[0].Lang
		}
		if err := insertMessage(ctx, tx, &r); err != nil {
			return err
		}
		if err := insertStep(ctx, tx, r.ID, Step{At: now, State: StateReceived}); err != nil {
			return err
		}
		s.publish(tx, r.Message)
		event.PublishTx(tx, s.d.Bus, Received{ID: r.ID, PatientID: r.PatientID, Answers: r.Answers})
		if err := s.tell(ctx, tx, r.Message); err != nil {
			return err
		}
		return job.Enqueue(ctx, tx, s.d.Jobs, replyJob{r.ID})
	})
	if err != nil {
		return "", fmt.Errorf("store incoming message: %w", err)
	}
	return r.ID, nil
}

func dropControl(r rune) rune {
	if control(r) {
		return -1
	}
	return r
}

// answer finds somebody who acts on a message that came in.
func (s *Service) answer(ctx context.Context, a replyJob) error {
	in, asked, err := s.candidates(ctx, a.ID)
	if err != nil || in == nil {
		return err
	}
	if class, stop := refusal(in.Text, asked); stop {
		return s.handled(ctx, in.ID, "", func(tx *store.Tx, r *row) error {
			return putOptOut(ctx, tx, r.numberIdx, class, r.ID, s.d.Now())
		})
	}
	s.mu.Lock()
	handlers := slices.Clone(s.replies)
	s.mu.Unlock()
	for i := range asked {
		in.Answers = &asked[i]
		for _, fn := range handlers {
			ok, err := fn(ctx, *in)
			if err != nil {
				return fmt.Errorf("handle reply %s: %w", a.ID, err)
			}
			if ok {
				return s.handled(ctx, in.ID, asked[i].ID, nil)
			}
		}
	}
	return nil
}

// candidates reads an incoming message and those it may answer. nil: somebody
// acted on it already.
func (s *Service) candidates(ctx context.Context, messageID string) (in *Incoming, asked []Message, err error) {
	err = s.d.DB.Read(ctx, func(tx *store.Tx) error {
		in, asked = nil, nil
		r, err := selectMessage(ctx, tx, messageID, false)
		if err != nil || r.Handled {
			return err
		}
		number, text, err := s.open(r)
		if err != nil {
			return err
		}
		rows, err := answerable(ctx, tx, r.numberIdx, r.CreatedAt.Add(-answerWithin), answerChoices)
		if err != nil {
			return err
		}
		for _, x := range rows {
			if !x.CreatedAt.After(r.CreatedAt) {
				asked = append(asked, x.Message)
			}
		}
		in = &Incoming{ID: r.ID, From: number, Text: strings.TrimSpace(text), At: r.CreatedAt}
		return nil
	})
	return in, asked, err
}

// handled notes that somebody acted on an incoming message.
func (s *Service) handled(ctx context.Context, messageID, answers string, also func(tx *store.Tx, r *row) error) error {
	return s.d.DB.Write(ctx, func(tx *store.Tx) error {
		r, err := selectMessage(ctx, tx, messageID, true)
		if err != nil {
			return err
		}
		r.Handled, r.UpdatedAt = true, s.d.Now()
		if answers != "" && answers != r.Answers {
			asked, err := selectMessage(ctx, tx, answers, false)
			if err != nil {
				return err
			}
			r.Answers, r.PatientID, r.Ref = asked.ID, asked.PatientID, asked.Ref
		}
		if also != nil {
			if err := also(tx, &r); err != nil {
				return err
			}
		}
		if err := updateMessage(ctx, tx, &r); err != nil {
			return err
		}
		s.publish(tx, r.Message)
		return insertStep(ctx, tx, r.ID, Step{At: s.d.Now(), State: r.State, Reason: "handled"})
	})
}

// refusal reports whether a text says that somebody wants no more messages,
// and of which class.
func refusal(text string, asked []Message) (Class, bool) {
	switch strings.ToUpper(strings.Trim(text, " .。!！")) {
	case "TD", "T", "退订", "STOP", "UNSUBSCRIBE":
	default:
		return "", false
	}
	if len(asked) > 0 && asked[0].Class == ClassReminder {
		return ClassReminder, true
	}
	return ClassMarketing, true
}
