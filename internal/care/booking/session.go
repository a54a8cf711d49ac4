package booking

import (
	"context"
	"fmt"
	"time"

	"heartline/internal/platform/audit"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/event"
	"heartline/internal/platform/id"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// maxNumbers bounds a session: no doctor sees more people in half a day.
const maxNumbers = 500

// CreateSession stores a session with its numbers. Empty ids, sequence numbers
// and states are filled in.
func (s *Service) CreateSession(ctx context.Context, se Session, numbers []Number) (Session, error) {
	who, err := identity.Require(ctx, identity.BookingSchedule)
	if err != nil {
		return Session{}, err
	}
	in := se
	err = s.db.Write(ctx, func(tx *store.Tx) (err error) {
		if se, err = s.createSession(ctx, tx, in, numbers); err != nil {
			return err
		}
		return s.auditSession(ctx, tx, who, "booking.session_create", se, map[string]any{"numbers": len(numbers)})
	})
	if err != nil {
		return Session{}, err
	}
	return se, nil
}

// createSession is CreateSession in a transaction, without right and audit.
func (s *Service) createSession(ctx context.Context, tx *store.Tx, se Session, numbers []Number) (Session, error) {
	if se.ID == "" {
		se.ID = id.New()
	}
	if se.State == "" {
		se.State = SessionOpen
	}
	se.Version = 1
	numbers = completed(se, numbers)
	if err := s.checkNewSession(se, numbers); err != nil {
		return Session{}, err
	}
	if err := insertSession(ctx, tx, se, store.Millis(s.now())); err != nil {
		return Session{}, err
	}
	if err := insertNumbers(ctx, tx, numbers); err != nil {
		return Session{}, err
	}
	se.Total, se.Free = len(numbers), 0
	for _, n := range numbers {
		if n.State == NumberFree {
			se.Free++
		}
	}
	s.tellSession(tx, se.ID)
	return se, nil
}

// completed fills in what the caller left open of the numbers of a session.
func completed(se Session, numbers []Number) []Number {
	out := make([]Number, len(numbers))
	for i, n := range numbers {
		n.SessionID = se.ID
		if n.ID == "" {
			n.ID = id.New()
		}
		if n.Seq == 0 {
			n.Seq = i + 1
		}
		if n.State == "" {
			n.State = NumberFree
		}
		if n.StartAt.IsZero() {
			n.StartAt, n.EndAt = se.StartAt, se.EndAt
		}
		out[i] = n
	}
	return out
}

func (s *Service) checkNewSession(se Session, numbers []Number) error {
	var f errs.Fields
	if d, err := time.ParseInLocation(time.DateOnly, se.Date, s.zone); err != nil {
		f.Add("date", "booking.date_invalid")
	} else if se.StartAt.In(s.zone).Format(time.DateOnly) != d.Format(time.DateOnly) {
		f.Add("start_at", "booking.other_day")
	}
	if !se.EndAt.After(se.StartAt) {
		f.Add("end_at", "booking.times")
	}
	if se.DepartmentID == "" {
		f.Add("department_id", "required")
	}
	if (se.Type == Exam) != (se.ExamID != "") {
		f.Add("exam_id", "booking.exam_type")
	}
	if se.Fee < 0 {
		f.Add("fee_cents", "out_of_range")
	}
	if len(numbers) > maxNumbers {
		f.Add("numbers", "out_of_range")
	}
	seen := make(map[int]bool, len(numbers))
	for i, n := range numbers {
		if seen[n.Seq] || n.Seq < 1 {
			f.Add(fmt.Sprintf("numbers[%d].seq", i), "not_allowed")
		}
		seen[n.Seq] = true
		if !n.EndAt.After(n.StartAt) || n.StartAt.Before(se.StartAt) {
			f.Add(fmt.Sprintf("numbers[%d].start_at", i), "booking.times")
		}
	}
	return f.Err()
}

func (s *Service) auditSession(ctx context.Context, tx *store.Tx, who identity.Principal, action string, se Session, detail map[string]any) error {
	err := s.audit.Append(ctx, tx, audit.Entry{At: s.now(), Actor: who.UserID, ActorName: who.Name, Action: action, Object: "booking_session",
		ObjectID: se.ID, IP: who.IP, RequestID: who.RequestID, Detail: detail})
	if err != nil {
		return fmt.Errorf("audit %s: %w", action, err)
	}
	return nil
}

// tellSession says that a session changed, once tx is on disk.
func (s *Service) tellSession(tx *store.Tx, sessionID string) {
	if s.bus != nil {
		event.PublishTx(tx, s.bus, SessionChanged{SessionID: sessionID})
	}
}

// putSession stores a changed session; its version must be the one read.
func (s *Service) putSession(ctx context.Context, tx *store.Tx, se Session) error {
	if err := updateSession(ctx, tx, se, store.Millis(s.now())); err != nil {
		return err
	}
	s.tellSession(tx, se.ID)
	return nil
}
