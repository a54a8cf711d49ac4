package booking

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"heartline/internal/platform/event"
	"heartline/internal/platform/id"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// The kinds of entries in the history of an appointment.
const (
	EventHeld         = "held"
	EventBooked       = "booked"
	EventConfirmed    = "confirmed" // a hold became an appointment
	EventAcknowledged = "acknowledged"
	EventMoved        = "moved" // detail: to
	EventCancelled    = "cancelled"
	EventExpired      = "expired"
	EventArrived      = "arrived"
	EventCheckedIn    = "checked_in"
	EventCompleted    = "completed"
	EventMissed       = "missed"
)

// Event is one entry of an appointment's history. Entries are never changed.
type Event struct {
	ID            string
	AppointmentID string
	At            time.Time
	Kind          string
	Actor         string // user id, "patient:<id>", "system:<name>"
	Channel       Channel
	Detail        map[string]any // ids and reasons
}

// newEvent is an entry about a, made by who now.
func (s *Service) newEvent(a Appointment, kind string, who identity.Principal, c Channel, detail map[string]any) Event {
	return Event{ID: id.New(), AppointmentID: a.ID, At: s.now(), Kind: kind, Actor: who.UserID, Channel: c, Detail: detail}
}

// note appends to the history of an appointment.
func (s *Service) note(ctx context.Context, tx *store.Tx, a Appointment, kind string, who identity.Principal, c Channel, detail map[string]any) error {
	return insertEvents(ctx, tx, s.newEvent(a, kind, who, c, detail))
}

func (e Event) json() (string, error) {
	if len(e.Detail) == 0 {
		return "{}", nil
	}
	b, err := json.Marshal(e.Detail)
	if err != nil {
		return "", fmt.Errorf("encode event detail: %w", err)
	}
	return string(b), nil
}

// tell publishes the facts of a changed appointment once tx is on disk.
func (s *Service) tell(tx *store.Tx, a Appointment) {
	if s.bus == nil {
		return
	}
	event.PublishTx(tx, s.bus, Given{AppointmentID: a.ID, PatientID: a.PatientID, SessionID: a.SessionID, State: a.State})
	event.PublishTx(tx, s.bus, SessionChanged{SessionID: a.SessionID})
}

// show gives the appointment, as it is now, its place in the patient's story.
func (s *Service) show(ctx context.Context, tx *store.Tx, a Appointment) error {
	if s.timeline == nil {
		return nil
	}
	if err := s.timeline.Appointment(ctx, tx, a); err != nil {
		return fmt.Errorf("timeline of appointment: %w", err)
	}
	return nil
}

// promise asks for a notice to the patient in the transaction of the deed.
func (s *Service) promise(ctx context.Context, tx *store.Tx, kind string, a Appointment, extra map[string]string) error {
	if s.notifier == nil {
		return nil
	}
	se, err := loadSession(ctx, tx, a.SessionID)
	if err != nil {
		return err
	}
	return s.promiseAt(ctx, tx, kind, a, se, extra)
}

// nameExam adds the names of an examination, if there is one: who reads the
// message has to know what to come for.
func nameExam(ctx context.Context, tx *store.Tx, params map[string]string, examID string) error {
	if examID == "" {
		return nil
	}
	name, en, err := examNames(ctx, tx, examID)
	if err != nil {
		return err
	}
	params["exam"], params["exam_en"] = name, en
	return nil
}

// promiseAt is promise for one who has read the session.
func (s *Service) promiseAt(ctx context.Context, tx *store.Tx, kind string, a Appointment, se Session, extra map[string]string) error {
	if s.notifier == nil {
		return nil
	}
	start := a.StartAt.In(s.zone)
	params := map[string]string{
		"date": a.Date, "time": start.Format("15:04"), "weekday": strconv.Itoa(int(start.Weekday())), "code": a.Code, "seq": strconv.Itoa(a.Seq),
		"type": string(a.Type), "fee_cents": strconv.FormatInt(a.Fee, 10), "reason": a.CancelReason,
		"department_id": a.DepartmentID, "doctor_id": a.DoctorID, "exam_id": a.ExamID, "session_id": a.SessionID,
		"room": se.Room, "campus_id": se.CampusID,
	}
	if err := nameExam(ctx, tx, params, a.ExamID); err != nil {
		return err
	}
	for k, v := range extra {
		params[k] = v
	}
	err := s.notifier.Notify(ctx, tx, Notice{Kind: kind, PatientID: a.PatientID, Appointment: a.ID, SendAt: s.now(), Params: params})
	if err != nil {
		return fmt.Errorf("promise %s: %w", kind, err)
	}
	return nil
}
