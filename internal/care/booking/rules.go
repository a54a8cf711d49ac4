package booking

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"heartline/internal/care/booking/policy"
	"heartline/internal/platform/calendar"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/event"
	"heartline/internal/platform/id"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// StoredPolicy is a policy of the house. At most one is active.
type StoredPolicy struct {
	ID        string
	Version   int64
	Name      string
	Policy    policy.Policy
	Active    bool
	CreatedAt time.Time
	UpdatedAt time.Time
}

// rulesState is what the rules keep between requests: the policy in force,
// read again after a while because another node may have changed it.
type rulesState struct {
	mu    sync.Mutex
	round int // counts up whenever the policy changes here
	held  StoredPolicy
	until time.Time
}

// rulesFor is how long a policy is taken from memory.
const rulesFor = 5 * time.Second

// startRules registers the jobs of the rules.
func (s *Service) startRules() { s.registerJobs() }

// inForce returns the active policy; without one, the default of the program.
func (s *Service) inForce(ctx context.Context, tx *store.Tx) (StoredPolicy, error) {
	now := s.now()
	s.rules.mu.Lock()
	held, round, fresh := s.rules.held, s.rules.round, now.Before(s.rules.until)
	s.rules.mu.Unlock()
	if fresh {
		return held, nil
	}
	p, ok, err := activePolicy(ctx, tx)
	if err != nil {
		return p, err
	}
	if !ok {
		p = StoredPolicy{Name: "default", Policy: policy.Default(), Active: true}
	}
	s.rules.mu.Lock()
	if s.rules.round == round { // else the policy changed while we read
		s.rules.held, s.rules.until = p, now.Add(rulesFor)
	}
	s.rules.mu.Unlock()
	return p, nil
}

// forget makes the next question read the policy again.
func (r *rulesState) forget() {
	r.mu.Lock()
	r.round++
	r.until = time.Time{}
	r.mu.Unlock()
}

// workdays answers from the hospital's calendar.
type workdays struct{ special map[string]calendar.Day }

// Working reports whether the house works on a date: neither a holiday nor a
// free weekend.
func (w workdays) Working(date time.Time) bool {
	if d, ok := w.special[date.Format(time.DateOnly)]; ok {
		return !d.Closed
	}
	return policy.Weekdays{}.Working(date)
}

// days is the calendar of the house. It answers from memory, so it may be
// asked inside a transaction; a calendar that cannot be had is a plain week.
func (s *Service) days(ctx context.Context) workdays {
	if s.calendar == nil {
		return workdays{}
	}
	h, err := s.calendar(ctx)
	if err != nil {
		return workdays{}
	}
	return workdays{special: h.Holidays}
}

// known is what need not be asked of a person's history.
type known struct {
	without string // an appointment that does not count, because it is being moved
	noBans  bool   // no penalty is in force
}

// permit refuses what the policy does not allow this person to book.
func (s *Service) permit(ctx context.Context, tx *store.Tx, p Person, se Session, r Request, k known) error {
	v, err := s.decide(ctx, tx, p, se, r, k)
	if err != nil || v.Allowed {
		return err
	}
	return refusalOf(v.Reasons[0])
}

// refusalOf turns a reason of the policy into an error.
func refusalOf(r policy.Reason) error {
	kind := errs.Conflict
	switch r.Key {
	case "booking.penalty", "booking.age", "booking.real_name", "booking.birth_date_missing":
		kind = errs.Denied
	case "booking.window", "booking.past":
		kind = errs.Invalid
	}
	return &errs.Error{Kind: kind, Key: r.Key, Params: r.Params}
}

func (s *Service) decide(ctx context.Context, tx *store.Tx, p Person, se Session, r Request, k known) (policy.Verdict, error) {
	rules, err := s.inForce(ctx, tx)
	if err != nil {
		return policy.Verdict{}, err
	}
	want, now := s.wanted(se, r), s.now().In(s.zone)
	h := policy.History{}
	if !k.noBans {
		if h.Bans, err = bansOf(ctx, tx, p.ID, now); err != nil {
			return policy.Verdict{}, err
		}
	}
	if needsBookings(rules.Policy.Limits, se) {
		if h.Bookings, err = s.bookingsAround(ctx, tx, p.ID, want.Date, k.without); err != nil {
			return policy.Verdict{}, err
		}
	}
	v := policy.Decide(rules.Policy, policy.Person{BirthDate: p.BirthDate, RealName: p.RealName}, want, h, s.days(ctx), now)
	return v, s.decideExam(ctx, tx, &v, p.ID, se, k.without)
}

// wanted describes a session to the policy.
func (s *Service) wanted(se Session, r Request) policy.Session {
	start := se.StartAt.In(s.zone)
	return policy.Session{Date: time.Date(start.Year(), start.Month(), start.Day(), 0, 0, 0, 0, s.zone), Start: start, End: se.EndAt.In(s.zone),
		Period: string(se.Period), DepartmentID: se.DepartmentID, DoctorID: se.DoctorID, Type: string(se.Type), ReleaseAt: se.ReleaseAt,
		Closed: se.State == SessionClosed, Channel: string(r.Channel),
		Reserved: r.SeriesID != "" || r.Lane == LaneAdded || r.Lane == LaneVIP || r.Channel == ChannelReferral}
}

// needsBookings reports whether any limit says more than the unique index,
// which gives one active appointment per department and day anyway. Limits are
// about visits: examinations are kept apart by what they do to each other.
func needsBookings(limits []policy.Limit, se Session) bool {
	if se.ExamID != "" {
		return false
	}
	for _, l := range limits {
		if l.Per != policy.CalendarDay || (l.Scope != policy.PerDepartment && l.Scope != policy.PerDepartmentDoctor) {
			return true
		}
	}
	return false
}

// bookingsAround reads what limits may count: the month around a date.
func (s *Service) bookingsAround(ctx context.Context, tx *store.Tx, patientID string, date time.Time, without string) ([]policy.Booking, error) {
	from := time.Date(date.Year(), date.Month(), 1, 0, 0, 0, 0, s.zone)
	list, err := countedOf(ctx, tx, patientID, from, from.AddDate(0, 1, 0))
	if err != nil {
		return nil, err
	}
	var out []policy.Booking
	for _, c := range list {
		if c.id == without {
			continue
		}
		day, err := time.ParseInLocation(time.DateOnly, c.date, s.zone)
		if err != nil {
			return nil, fmt.Errorf("date of appointment %s: %w", c.id, err)
		}
		out = append(out, policy.Booking{Date: day, Period: c.period, DepartmentID: c.departmentID, DoctorID: c.doctorID})
	}
	return out, nil
}

// permitCancel refuses a patient's cancellation, or change, after the
// deadline. A hold may always be let go, and the house may always cancel.
func (s *Service) permitCancel(ctx context.Context, tx *store.Tx, a Appointment, c Cancel) error {
	if a.State == Requested || (c.Reason != CancelPatient && c.Reason != CancelMoved) {
		return nil
	}
	until, err := s.cancelUntil(ctx, tx, a)
	if err != nil || s.now().Before(until) {
		return err
	}
	return errs.New(errs.Conflict, "booking.too_late", "until", s.clock(until))
}

// cancelUntil is the last moment for a patient to cancel an appointment.
func (s *Service) cancelUntil(ctx context.Context, tx *store.Tx, a Appointment) (time.Time, error) {
	rules, err := s.inForce(ctx, tx)
	if err != nil {
		return time.Time{}, err
	}
	return rules.Policy.CancelUntil(string(a.Type), a.StartAt.In(s.zone), s.days(ctx)), nil
}

// holdLimit is the longest hold.
func (s *Service) holdLimit(ctx context.Context, tx *store.Tx) (time.Duration, error) {
	rules, err := s.inForce(ctx, tx)
	return rules.Policy.Hold(), err
}

// Eligibility says whether a person may book a session, and every reason why
// not: what Book will check, for screens.
func (s *Service) Eligibility(ctx context.Context, patientID, sessionID string, c Channel) (policy.Verdict, error) {
	return s.EligibilityFor(ctx, Request{PatientID: patientID, SessionID: sessionID, Channel: c}, "")
}

// EligibilityFor is Eligibility for a wish. With a number, the time until
// which it may be given back is that of the number; without names an
// appointment that would be moved and so does not count.
func (s *Service) EligibilityFor(ctx context.Context, r Request, without string) (policy.Verdict, error) {
	who, err := identity.Require(ctx, identity.BookingRead, identity.BookingWrite)
	if err != nil {
		return policy.Verdict{}, err
	}
	if err := s.yours(ctx, who, r.PatientID, ""); err != nil {
		return policy.Verdict{}, err
	}
	var v policy.Verdict
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		se, err := loadSession(ctx, tx, r.SessionID)
		if err != nil {
			return err
		}
		p, err := s.person(ctx, tx, r.PatientID)
		if err != nil {
			return err
		}
		if v, err = s.decide(ctx, tx, p, se, r, known{without: without}); err != nil {
			return err
		}
		held, err := holdsOn(ctx, tx, r.PatientID, dayKey(se.Date, se.DepartmentID, se.ExamID), without)
		if err != nil {
			return err
		}
		if held > 0 {
			v.Allowed, v.Reasons = false, append(v.Reasons, policy.Reason{Key: "booking.double", Params: map[string]any{"date": se.Date}})
		}
		if err := s.priced(ctx, tx, &v, p, se); err != nil || r.NumberID == "" {
			return err
		}
		n, err := loadNumber(ctx, tx, r.NumberID)
		if err != nil {
			return err
		}
		v.CancelUntil, err = s.cancelUntil(ctx, tx, Appointment{Type: se.Type, StartAt: n.StartAt})
		return err
	})
	return v, err
}

// priced adds what a person pays for a session, and by which rule.
func (s *Service) priced(ctx context.Context, tx *store.Tx, v *policy.Verdict, p Person, se Session) error {
	rules, err := s.inForce(ctx, tx)
	if v.Fee = rules.Policy.Price(se.Fee, string(se.Type), p.VIP); v.Fee != se.Fee {
		v.PriceRule = rules.Policy.VIPPrice.Published
	}
	return err
}

// Presets lists the published policies that a hospital may take over.
func (s *Service) Presets(ctx context.Context) ([]policy.Preset, error) {
	if _, err := identity.Require(ctx, identity.BookingRead, identity.BookingRules); err != nil {
		return nil, err
	}
	return policy.Presets(), nil
}

// Policies lists the policies of the house, the active one first. While none
// is active, what applies is the program's own: it comes first, without an id.
func (s *Service) Policies(ctx context.Context) ([]StoredPolicy, error) {
	if _, err := identity.Require(ctx, identity.BookingRead, identity.BookingRules); err != nil {
		return nil, err
	}
	var out []StoredPolicy
	err := s.db.Read(ctx, func(tx *store.Tx) (err error) {
		out, err = listPolicies(ctx, tx)
		return err
	})
	if err == nil && (len(out) == 0 || !out[0].Active) {
		out = slices.Insert(out, 0, StoredPolicy{Name: "default", Policy: policy.Default(), Active: true})
	}
	return out, err
}

// SavePolicy creates (empty id) or changes a policy; Version must be the one
// read. Changing the active one takes effect at once.
func (s *Service) SavePolicy(ctx context.Context, p StoredPolicy) (StoredPolicy, error) {
	who, err := identity.Require(ctx, identity.BookingRules)
	if err != nil {
		return p, err
	}
	p.Name = strings.TrimSpace(p.Name)
	var f errs.Fields
	needText(&f, "name", &p.Name, 60)
	if err := f.Err(); err != nil {
		return p, err
	}
	if err := inside("policy.", p.Policy.Validate()); err != nil {
		return p, err
	}
	in, out := p, StoredPolicy{}
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		p := in
		p.UpdatedAt = s.now()
		if p.ID == "" {
			p.ID, p.Version, p.Active, p.CreatedAt = id.New(), 1, false, s.now()
			row, err := policyRow(p)
			if err != nil {
				return err
			}
			if err := insertRow(ctx, tx, "booking_policies", policyColumns, row...); err != nil {
				return err
			}
		} else if err := s.changePolicy(ctx, tx, &p); err != nil {
			return err
		}
		out = p
		return s.auditRule(ctx, tx, who, "booking.policy_save", "booking_policy", p.ID, "", nil)
	})
	return out, err
}

func (s *Service) changePolicy(ctx context.Context, tx *store.Tx, p *StoredPolicy) error {
	old, err := loadPolicy(ctx, tx, p.ID)
	if err != nil {
		return err
	}
	p.Active, p.CreatedAt = old.Active, old.CreatedAt
	row, err := policyRow(*p)
	if err != nil {
		return err
	}
	if err := updateRow(ctx, tx, "booking_policies", policyColumns, row...); err != nil {
		return err
	}
	p.Version++
	if !p.Active {
		return nil
	}
	return s.putInForce(ctx, tx, p.Policy)
}

// ActivatePolicy makes a policy the one in force. Numbers that are not open
// yet open by its release times from now on.
func (s *Service) ActivatePolicy(ctx context.Context, policyID string) (StoredPolicy, error) {
	who, err := identity.Require(ctx, identity.BookingRules)
	if err != nil {
		return StoredPolicy{}, err
	}
	var out StoredPolicy
	err = s.db.Write(ctx, func(tx *store.Tx) (err error) {
		if err := activateOnly(ctx, tx, policyID, s.now()); err != nil {
			return err
		}
		if out, err = loadPolicy(ctx, tx, policyID); err != nil {
			return err
		}
		if err := s.putInForce(ctx, tx, out.Policy); err != nil {
			return err
		}
		return s.auditRule(ctx, tx, who, "booking.policy_activate", "booking_policy", policyID, "", nil)
	})
	return out, err
}

// putInForce moves the releases and the reminders that lie ahead and forgets
// the old policy.
func (s *Service) putInForce(ctx context.Context, tx *store.Tx, p policy.Policy) error {
	now, today := s.now(), s.today()
	for d := range longestAhead {
		date := today.AddDate(0, 0, d)
		if err := rereleaseDate(ctx, tx, date.Format(time.DateOnly), p.ReleaseAt(date), now); err != nil {
			return err
		}
	}
	if err := s.planRemindersBy(ctx, tx, p); err != nil {
		return err
	}
	tx.AfterCommit(s.rules.forget)
	if s.bus != nil {
		event.PublishTx(tx, s.bus, RulesChanged{})
	}
	return nil
}
