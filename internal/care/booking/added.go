package booking

import (
	"context"
	"time"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// Consent is a doctor's agreement to numbers beyond the session's capacity.
type Consent struct {
	By       string // user id of the doctor, or their name
	Evidence string // how they agreed: in person, by phone at 10:20, a signed sheet
}

// maxAdded bounds the numbers that one consent adds.
const maxAdded = 20

// AddNumbers adds n numbers to a session beyond its capacity (加号), with the
// consent of the doctor as evidence. They stand in a lane of their own that
// only staff draws from.
func (s *Service) AddNumbers(ctx context.Context, sessionID string, n int, c Consent) (Session, error) {
	who, err := identity.Require(ctx, identity.BookingSchedule)
	if err != nil {
		return Session{}, err
	}
	var f errs.Fields
	if n < 1 || n > maxAdded {
		f.Add("count", "out_of_range")
	}
	needText(&f, "consent_by", &c.By, 64)
	needText(&f, "evidence", &c.Evidence, 500)
	if err := f.Err(); err != nil {
		return Session{}, err
	}
	err = s.insist(ctx, func(tx *store.Tx) error {
		se, err := s.openSession(ctx, tx, sessionID)
		if err != nil {
			return err
		}
		numbers, err := listNumbers(ctx, tx, se.ID)
		if err != nil {
			return err
		}
		more := make([]Number, n)
		for i := range more { // seen after everybody else, at the end of the session
			more[i] = Number{Lane: LaneAdded, StartAt: lastSlot(se, numbers), EndAt: se.EndAt}
		}
		if err := s.append(ctx, tx, se, numbers, more); err != nil {
			return err
		}
		detail := map[string]any{"count": n, "consent_by": c.By, "evidence": c.Evidence}
		return s.changed(ctx, tx, who, SessionChange{SessionID: se.ID, Kind: "added", Reason: c.Evidence, Detail: detail})
	})
	if err != nil {
		return Session{}, err
	}
	return s.Session(ctx, sessionID)
}

// lastSlot is the time of a session's last number.
func lastSlot(se Session, numbers []Number) time.Time {
	at := se.StartAt
	for _, n := range numbers {
		if n.StartAt.After(at) {
			at = n.StartAt
		}
	}
	return at
}
