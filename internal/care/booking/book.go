package booking

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"time"
	"unicode/utf8"

	"heartline/internal/platform/audit"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/id"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// maxHold is the longest a number may be kept without an answer, whatever the
// policy says.
const maxHold = 30 * time.Minute

// attempts of one booking: another is made when a unique index refused the
// first, because a code was drawn twice or because two requests met. The next
// one then sees who was faster and says so.
const attempts = 4

// Book gives a number to a patient, or holds it for a while. The same key and
// request give the same appointment again; the same key with another request
// is refused.
func (s *Service) Book(ctx context.Context, r Request) (Appointment, error) {
	who, err := identity.Require(ctx, identity.BookingWrite)
	if err != nil {
		return Appointment{}, err
	}
	if err := s.checkRequest(&r); err != nil {
		return Appointment{}, err
	}
	if err := s.yours(ctx, who, r.PatientID, ""); err != nil {
		return Appointment{}, err
	}
	a, err := s.clerk.book(&order{ctx: ctx, who: who, r: r})
	return a, s.reused(ctx, who, r.PatientID, err)
}

// insist runs fn again when it met another on a unique index.
func (s *Service) insist(ctx context.Context, fn func(tx *store.Tx) error) error {
	var err error
	for range attempts {
		if err = s.db.WriteLocking(ctx, fn); !store.IsUnique(err) {
			return err
		}
	}
	return err
}

// reused leaves a trace of a key that came back with another request: a bug
// of a client or an attempt to read what somebody else booked.
func (s *Service) reused(ctx context.Context, who identity.Principal, patientID string, err error) error {
	if e, ok := err.(*errs.Error); ok && e.Key == "booking.key_reused" {
		return s.refused(ctx, who, patientID, "", e)
	}
	return err
}

// replay answers a request that was answered before.
func replay(ctx context.Context, tx *store.Tx, appointmentID, hash, now string) (Appointment, error) {
	if hash != now {
		return Appointment{}, errs.New(errs.Conflict, "booking.key_reused")
	}
	return loadAppointment(ctx, tx, appointmentID)
}

// ownLapsed reports whether what a person has on the day is a hold whose time
// is over.
func (s *Service) ownLapsed(l look) bool {
	return l.sameUntil != 0 && l.sameUntil <= store.Millis(s.now())
}

// endLapsed ends holds whose time is over where they stand in the way: the
// job that ends them may be late.
func (s *Service) endLapsed(ctx context.Context, tx *store.Tx, l look, r Request) (look, error) {
	if l.anyFree && r.NumberID == "" && !s.ownLapsed(l) {
		return l, nil
	}
	n, err := s.expireHolds(ctx, tx, r.SessionID, r.PatientID)
	if err != nil {
		return l, err
	}
	if s.ownLapsed(l) && n > 0 {
		l.sameDay = ""
	}
	l.anyFree = l.anyFree || n > 0
	return l, nil
}

// checkSession refuses what no policy could permit.
func (s *Service) checkSession(se Session, r Request) error {
	now := s.now()
	switch {
	case se.State != SessionOpen:
		return errs.New(errs.Conflict, "booking.session_closed", "reason", se.CloseReason)
	case !se.EndAt.After(now):
		return errs.New(errs.Invalid, "booking.past")
	case se.ReleaseAt.After(now) && !beforeRelease(r):
		return errs.New(errs.Conflict, "booking.not_released", "at", s.clock(se.ReleaseAt))
	}
	return nil
}

// beforeRelease tells who may book before the numbers are released: those
// sent by another hospital, with a doctor's added number, or in a series
// whose visits were agreed on long before.
func beforeRelease(r Request) bool {
	return r.Lane == LaneVIP || r.Lane == LaneAdded || r.Channel == ChannelReferral || r.SeriesID != ""
}

func (s *Service) checkHold(ctx context.Context, tx *store.Tx, r Request) error {
	if r.Hold == 0 {
		return nil
	}
	limit, err := s.holdLimit(ctx, tx)
	if err != nil {
		return err
	}
	if r.Hold > limit {
		return errs.InvalidField("hold_seconds", "booking.hold_long")
	}
	return nil
}

// taking is an appointment on its way to its number.
type taking struct {
	who   identity.Principal
	r     Request
	se    Session
	a     Appointment
	reach reach
	hash  string
	given bool // the number is in a
}

// take gives a number of se to a person and stores everything that belongs to
// it. It asks no rule: that is done before.
func (s *Service) take(ctx context.Context, tx *store.Tx, who identity.Principal, r Request, se Session, p Person, movedFrom string) (Appointment, error) {
	t, err := s.draft(ctx, tx, who, r, se, p, movedFrom)
	if err != nil {
		return Appointment{}, err
	}
	if err := s.seize(ctx, tx, []*taking{t}, true); err != nil {
		return Appointment{}, err
	}
	if !t.given {
		return Appointment{}, s.notFree(ctx, tx, r, se)
	}
	if err := s.follow(ctx, tx, t); err != nil {
		return Appointment{}, err
	}
	if err := s.audit.Append(ctx, tx, s.booked(t)); err != nil {
		return Appointment{}, fmt.Errorf("audit booking: %w", err)
	}
	return t.a, nil
}

// draft is an appointment without a number, its fee held where the card pays.
func (s *Service) draft(ctx context.Context, tx *store.Tx, who identity.Principal, r Request, se Session, p Person, movedFrom string) (*taking, error) {
	if r.Lane == LaneVIP && !p.VIP {
		return nil, errs.New(errs.Conflict, "booking.wrong_lane")
	}
	a, err := s.fresh(who, r, se, movedFrom)
	if err != nil {
		return nil, err
	}
	rules, err := s.inForce(ctx, tx)
	if err != nil {
		return nil, err
	}
	a.Fee = rules.Policy.Price(se.Fee, string(se.Type), p.VIP)
	if r.UseCard && a.Fee > 0 {
		if a.HoldID, err = s.holdFee(ctx, tx, a); err != nil {
			return nil, err
		}
	}
	return &taking{who: who, r: r, se: se, a: a, reach: s.reach(r, se), hash: fingerprint(r, movedFrom)}, nil
}

// first is the first entry in the history of a new appointment.
func (s *Service) first(t *taking) Event {
	kind := EventBooked
	if t.a.State == Requested {
		kind = EventHeld
	}
	var detail map[string]any
	if t.a.MovedFrom != "" {
		detail = map[string]any{"moved_from": t.a.MovedFrom}
	}
	return s.newEvent(t.a, kind, t.who, t.r.Channel, t.a.on(detail))
}

// follow stores what comes with an appointment that has its number.
func (s *Service) follow(ctx context.Context, tx *store.Tx, t *taking) error {
	a := t.a
	if a.MovedFrom != "" && a.SeriesID != "" {
		if err := repointVisit(ctx, tx, a.SeriesID, a.MovedFrom, a.ID); err != nil {
			return err
		}
	}
	return s.announce(ctx, tx, a, t.se)
}

// booked is the audit entry of an appointment that has its number.
func (s *Service) booked(t *taking) audit.Entry {
	a := t.a
	return s.entry(t.who, "booking.book", a.PatientID, a.ID, a.on(map[string]any{"session": a.SessionID, "number": a.NumberID, "state": string(a.State)}))
}

// announce starts what a new appointment brings with it: the job that ends a
// hold, or the notice and the reminders; the story; the facts.
func (s *Service) announce(ctx context.Context, tx *store.Tx, a Appointment, se Session) error {
	s.tell(tx, a)
	if err := s.show(ctx, tx, a); err != nil {
		return err
	}
	if a.State == Requested {
		return s.scheduleExpiry(ctx, tx, a)
	}
	if a.ofSeries() {
		return nil
	}
	kind := NoticeBooked
	if a.MovedFrom != "" {
		kind = NoticeChanged
	}
	if err := s.promiseAt(ctx, tx, kind, a, se, nil); err != nil {
		return err
	}
	return s.remind(ctx, tx, a)
}

func (s *Service) fresh(who identity.Principal, r Request, se Session, movedFrom string) (Appointment, error) {
	code, err := newCode()
	if err != nil {
		return Appointment{}, err
	}
	now := store.Time(store.Millis(s.now()))
	a := Appointment{
		ID: id.New(), Version: 1, Code: code, PatientID: r.PatientID, SessionID: se.ID, Date: se.Date, DepartmentID: se.DepartmentID,
		DoctorID: se.DoctorID, ExamID: se.ExamID, Type: se.Type, State: Scheduled, Channel: r.Channel, Fee: se.Fee, SeriesID: r.SeriesID,
		MovedFrom: movedFrom, Note: r.Note, Origin: r.Origin, BookedBy: who.UserID, CreatedAt: now, UpdatedAt: now,
	}
	if r.Hold > 0 {
		a.State, a.ExpiresAt = Requested, now.Add(r.Hold)
	}
	return a, nil
}

// reach says which numbers of a session a request may draw from now.
func (s *Service) reach(r Request, se Session) reach {
	out := reach{lane: r.Channel.Lane(), mode: reachShared, now: store.Millis(s.now())}
	if r.Lane != LaneShared {
		out.lane, out.mode = r.Lane, reachOwn
	} else if !se.LaneUntil.IsZero() && !se.LaneUntil.After(s.now()) {
		out.mode = reachAll
	}
	if r.Channel == ChannelOnSite || r.Lane == LaneAdded {
		out.begun = 1
	}
	return out
}

// covers reports whether a number is within reach, leaving its state aside.
func (r reach) covers(n Number) bool {
	lane := n.Lane == r.lane || n.Lane == LaneShared && r.mode >= reachShared || n.Lane != LaneAdded && r.mode == reachAll
	return lane && r.inTime(n)
}

func (r reach) inTime(n Number) bool {
	return millis(n.StartAt) > r.now || r.begun == 1 && millis(n.EndAt) > r.now
}

// notFree finds out why a number could not be given.
func (s *Service) notFree(ctx context.Context, tx *store.Tx, r Request, se Session) error {
	now, err := loadSession(ctx, tx, se.ID)
	if err != nil {
		return err
	}
	if now.State != SessionOpen {
		return errs.New(errs.Conflict, "booking.session_closed", "reason", now.CloseReason)
	}
	if r.NumberID == "" {
		return errs.New(errs.Conflict, "booking.session_full")
	}
	n, err := loadNumber(ctx, tx, r.NumberID)
	if err != nil {
		return err
	}
	reach := s.reach(r, se)
	switch {
	case n.SessionID != se.ID:
		return errs.New(errs.NotFound, "booking.number_not_found")
	case n.State != NumberFree:
		return errs.New(errs.Conflict, "booking.slot_taken")
	case !reach.inTime(n):
		return errs.New(errs.Invalid, "booking.past")
	case !reach.covers(n):
		return errs.New(errs.Conflict, "booking.wrong_lane")
	}
	return errs.New(errs.Conflict, "booking.slot_taken")
}

var keyPattern = regexp.MustCompile(`^[A-Za-z0-9._:-]{8,64}$`)

func (s *Service) checkRequest(r *Request) error {
	var f errs.Fields
	checkKey(&f, r.Key)
	checkID(&f, "patient_id", r.PatientID, true)
	checkID(&f, "session_id", r.SessionID, true)
	checkID(&f, "number_id", r.NumberID, false)
	checkChannel(&f, r.Channel)
	if r.Lane != LaneShared && r.Lane != LaneVIP && r.Lane != LaneAdded {
		f.Add("lane", "not_allowed")
	}
	if r.Hold < 0 || r.Hold > maxHold {
		f.Add("hold_seconds", "booking.hold_long")
	}
	checkText(&f, "note", r.Note, 500)
	s.checkOrigin(&f, r.Channel, &r.Origin)
	return f.Err()
}

func checkKey(f *errs.Fields, key string) {
	if !keyPattern.MatchString(key) {
		f.Add("key", "booking.key_invalid")
	}
}

func checkID(f *errs.Fields, path, value string, required bool) {
	switch {
	case value == "" && required:
		f.Add(path, "required")
	case len(value) > 64 || !utf8.ValidString(value):
		f.Add(path, "not_allowed")
	}
}

// Channels lists the ways by which appointments come.
func Channels() []Channel {
	return []Channel{ChannelDesk, ChannelIVR, ChannelWeb, ChannelKiosk, ChannelOnSite, ChannelSMS, ChannelMail, ChannelFax, ChannelReferral,
		ChannelWeChat}
}

func checkChannel(f *errs.Fields, c Channel) {
	for _, known := range Channels() {
		if c == known {
			return
		}
	}
	f.Add("channel", "not_allowed")
}

// fingerprint tells requests with the same key apart. Lengths are part of it,
// so that no text moves from one field to the next.
func fingerprint(r Request, movedFrom string) string {
	parts := []string{"book", r.PatientID, r.SessionID, r.NumberID, string(r.Channel), string(r.Lane), strconv.FormatInt(int64(r.Hold), 10),
		strconv.FormatBool(r.UseCard), r.Note, r.SeriesID}
	if movedFrom != "" { // what else is in r comes from the appointment that is moved
		parts = []string{"change", movedFrom, r.SessionID, r.NumberID, string(r.Channel)}
	}
	if r.Origin != (Origin{}) {
		parts = append(parts, r.Reference, r.ReceivedOn)
	}
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s,", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// newCode draws eight digits that cannot be guessed from others.
func newCode() (string, error) {
	const limit = 100_000_000
	for {
		var b [4]byte
		if _, err := rand.Read(b[:]); err != nil {
			return "", fmt.Errorf("draw code: %w", err)
		}
		if v := binary.BigEndian.Uint32(b[:]) >> 5; v < limit { // 27 bits: three of four will do
			return fmt.Sprintf("%08d", v), nil
		}
	}
}
