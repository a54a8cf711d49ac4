package booking

import (
	"context"
	"slices"
	"strings"
	"time"

	"heartline/internal/care/booking/policy"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/id"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// PenaltyState says where a penalty is.
type PenaltyState string

// The states of a penalty. It binds in every state but lifted.
const (
	PenaltyActive   PenaltyState = "active"
	PenaltyAppealed PenaltyState = "appealed"
	PenaltyUpheld   PenaltyState = "upheld"
	PenaltyLifted   PenaltyState = "lifted"
)

// Penalty keeps a person from booking for a while, by the policy of its time.
type Penalty struct {
	ID            string
	PatientID     string
	PolicyID      string
	Event         string // no_show, cancel, same_day_refund
	Count         int    // events that led to it
	AppointmentID string // the last of them
	From          time.Time
	Until         time.Time
	State         PenaltyState
	Appeal        string
	AppealedAt    time.Time
	DecidedBy     string
	DecidedAt     time.Time
	Decision      string
	CreatedAt     time.Time
}

// PenaltyFilter narrows penalties; zero fields do not.
type PenaltyFilter struct {
	PatientID string
	State     PenaltyState
	Current   bool // in force now
	Limit     int
}

// judge looks at the history of the person whose appointment was just missed
// or cancelled on their wish, and stores the penalty that follows. Closed
// sessions and mistakes of the house are neither.
func (s *Service) judge(ctx context.Context, tx *store.Tx, a Appointment) error {
	missed := a.State == Missed
	if !missed && (a.State != Cancelled || a.CancelReason != CancelPatient) {
		return nil
	}
	rules, err := s.inForce(ctx, tx)
	if err != nil || len(rules.Policy.Penalties) == 0 {
		return err
	}
	newest := s.occurrence(rules.Policy, offence{id: a.ID, missed: missed, at: a.CancelledAt, startAt: a.StartAt})
	past, err := offencesOf(ctx, tx, a.PatientID, a.ID, rules.Policy.Since(newest.At))
	if err != nil {
		return err
	}
	before := make([]policy.Occurrence, 0, len(past))
	for _, o := range past {
		before = append(before, s.occurrence(rules.Policy, o))
	}
	sentence, ok := rules.Policy.Judge(before, newest)
	if !ok || !sentence.Until.After(s.now()) {
		return nil
	}
	p := Penalty{ID: id.New(), PatientID: a.PatientID, PolicyID: rules.ID, Event: string(sentence.Event), Count: sentence.Count, AppointmentID: a.ID,
		From: sentence.From, Until: sentence.Until, State: PenaltyActive, CreatedAt: s.now()}
	if err := insertPenalty(ctx, tx, p); err != nil {
		return err
	}
	who, err := identity.Require(ctx)
	if err != nil {
		return err
	}
	return s.auditRule(ctx, tx, who, "booking.penalty", "booking_penalty", p.ID, a.PatientID, map[string]any{"event": p.Event, "count": p.Count})
}

// occurrence says what an offence counts as, and when.
func (s *Service) occurrence(p policy.Policy, o offence) policy.Occurrence {
	if o.missed {
		return policy.Occurrence{Event: policy.NoShow, At: o.startAt.In(s.zone)}
	}
	at := o.at.In(s.zone)
	return policy.Occurrence{Event: p.Classify(at, o.startAt.In(s.zone)), At: at}
}

// Penalties lists penalties, the newest first.
func (s *Service) Penalties(ctx context.Context, f PenaltyFilter) ([]Penalty, error) {
	who, err := identity.Require(ctx, identity.BookingRead, identity.BookingRules)
	if err != nil {
		return nil, err
	}
	if list, bound := narrowed(ctx, who); bound && !slices.Contains(list, f.PatientID) {
		return nil, errs.New(errs.Denied, "booking.not_yours")
	}
	if f.Limit <= 0 || f.Limit > 500 {
		f.Limit = 100
	}
	var out []Penalty
	err = s.db.Read(ctx, func(tx *store.Tx) (err error) {
		out, err = listPenalties(ctx, tx, f, s.now())
		return err
	})
	return out, err
}

// AppealPenalty takes down what a person says against a penalty. It goes on
// until somebody decides.
func (s *Service) AppealPenalty(ctx context.Context, penaltyID, text string) (Penalty, error) {
	who, err := identity.Require(ctx, identity.BookingWrite, identity.BookingRules)
	if err != nil {
		return Penalty{}, err
	}
	var f errs.Fields
	needText(&f, "text", &text, 1000)
	if err := f.Err(); err != nil {
		return Penalty{}, err
	}
	return s.settle(ctx, who, penaltyID, "booking.penalty_appeal", func(p *Penalty) error {
		if p.State != PenaltyActive {
			return errs.New(errs.Conflict, "booking.penalty_moved_on")
		}
		p.State, p.Appeal, p.AppealedAt = PenaltyAppealed, text, s.now()
		return nil
	})
}

// DecideAppeal upholds or lifts a penalty, with a note that says why. The
// house may also lift one that nobody appealed against. What a lifted penalty
// was for counts no more.
func (s *Service) DecideAppeal(ctx context.Context, penaltyID string, lift bool, note string) (Penalty, error) {
	who, err := identity.Require(ctx, identity.BookingRules)
	if err != nil {
		return Penalty{}, err
	}
	var f errs.Fields
	needText(&f, "note", &note, 1000)
	if err := f.Err(); err != nil {
		return Penalty{}, err
	}
	action := "booking.penalty_uphold"
	if lift {
		action = "booking.penalty_lift"
	}
	return s.settle(ctx, who, penaltyID, action, func(p *Penalty) error {
		if p.State != PenaltyAppealed && (!lift || p.State == PenaltyLifted) {
			return errs.New(errs.Conflict, "booking.penalty_moved_on")
		}
		p.State, p.Decision, p.DecidedBy, p.DecidedAt = PenaltyUpheld, strings.TrimSpace(note), who.UserID, s.now()
		if lift {
			p.State = PenaltyLifted
		}
		return nil
	})
}

// settle changes a penalty and audits it.
func (s *Service) settle(ctx context.Context, who identity.Principal, penaltyID, action string, change func(p *Penalty) error) (Penalty, error) {
	var out Penalty
	var foreign string
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		p, err := loadPenalty(ctx, tx, penaltyID)
		if err != nil {
			return err
		}
		if list, bound := narrowed(ctx, who); bound && !slices.Contains(list, p.PatientID) {
			foreign = p.PatientID
			return errs.New(errs.Denied, "booking.not_yours")
		}
		from := p.State
		if err := change(&p); err != nil {
			return err
		}
		if err := settlePenalty(ctx, tx, p, from); err != nil {
			return err
		}
		out = p
		return s.auditRule(ctx, tx, who, action, "booking_penalty", p.ID, p.PatientID, nil)
	})
	if foreign != "" {
		return Penalty{}, s.yours(ctx, who, foreign, "")
	}
	return out, err
}
