package app

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
	"sync"

	"heartline/internal/care/booking"
	"heartline/internal/care/hospital"
	"heartline/internal/contact/messaging"
	"heartline/internal/platform/alarm"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/event"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// notices writes the messages that booking promises: the one place where an
// appointment meets the outbox.
type notices struct {
	messages *messaging.Service
	names    *houseNames
	alarms   *alarm.Board
	log      *slog.Logger
}

// startNames reads the names of the house and follows the directory.
func (a *App) startNames(ctx context.Context) error {
	read := func(ctx context.Context) error { return a.notices.names.read(identity.System(ctx, "messages")) }
	if err := read(ctx); err != nil {
		return err
	}
	cancel := event.Subscribe(a.bus, "names in messages", func(ctx context.Context, _ hospital.Changed) {
		if err := read(ctx); err != nil {
			a.log.Error("names in messages", "error", err)
		}
	})
	a.onClose("names in messages", func(context.Context) error { cancel(); return nil })
	return nil
}

// Notify implements booking.Notifier. Who has no mobile gets no message, and a
// template that wants what there is not raises an alarm; the booking stands.
func (n *notices) Notify(ctx context.Context, tx *store.Tx, notice booking.Notice) error {
	_, err := n.messages.Queue(ctx, tx, messaging.Outgoing{
		Template: notice.Kind, PatientID: notice.PatientID, Ref: reference(notice), SendAt: notice.SendAt,
		Params: n.params(notice), English: n.english(notice),
	})
	if err != nil && !errs.Is(err, errs.Invalid) {
		return err
	}
	switch key(err) {
	case "message.no_number", "invalid":
		return nil
	case "message.param_missing":
		n.log.ErrorContext(ctx, "message not written", "template", notice.Kind, "error", err)
		n.alarms.Raise(alarm.Warning, "alarm.message_unwritten", notice.Kind, nil)
		return nil
	}
	return err
}

// reference is what a reply to the message is about: the appointment, the
// wish whose turn it is, or the number that is kept in place of a closed one.
func reference(n booking.Notice) string {
	switch {
	case n.Kind == booking.NoticeOffer && n.Params["entry"] != "":
		return n.Params["entry"]
	case n.Kind == booking.NoticeClosed && n.Params["replacement"] != "":
		return n.Params["replacement"]
	}
	return n.Appointment
}

func key(err error) string {
	if err == nil {
		return ""
	}
	k, _, _ := strings.Cut(err.Error(), ":")
	return k
}

// params are what the template of a notice may say.
func (n *notices) params(notice booking.Notice) map[string]string {
	in := notice.Params
	all := map[string]string{
		"department": n.names.department(in["department_id"]), "doctor": n.names.doctor(in["doctor_id"]), "campus": n.names.campus(in["campus_id"]),
		"old_date": in["former_date"], "old_time": in["former_time"], "fee": yuan(in["fee_cents"]),
		"offer_date": in["replacement_date"], "offer_time": in["replacement_time"], "offer_until": in["replacement_until"],
	}
	for k, v := range in {
		all[k] = v
	}
	switch in["reason"] { // codes, not words
	case booking.CancelPatient, booking.CancelMoved, booking.CancelStaff, booking.CancelClosed:
		all["reason"] = ""
	}
	return messaging.Known(notice.Kind, all)
}

// english are the names of the house as an English text says them.
func (n *notices) english(notice booking.Notice) map[string]string {
	in := notice.Params
	return messaging.Known(notice.Kind, map[string]string{"department": n.names.abroad(in["department_id"]), "campus": n.names.abroad(in["campus_id"]), "exam": in["exam_en"]})
}

// yuan writes 分 as people do; nothing for what is free.
func yuan(cents string) string {
	n, err := strconv.ParseInt(cents, 10, 64)
	if err != nil || n <= 0 {
		return ""
	}
	return strings.TrimSuffix(strconv.FormatFloat(float64(n)/100, 'f', 2, 64), ".00")
}

// houseNames are the names of the house by id, kept in memory: they are
// needed inside transactions of others.
type houseNames struct {
	house *hospital.Service

	mu                             sync.RWMutex
	departments, doctors, campuses map[string]string
	english                        map[string]string // of departments and campuses that have one
}

func (h *houseNames) read(ctx context.Context) error {
	departments, err := h.house.Departments(ctx, "", "")
	if err != nil {
		return err
	}
	doctors, err := h.house.Doctors(ctx, hospital.DoctorFilter{})
	if err != nil {
		return err
	}
	campuses, err := h.house.Campuses(ctx)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.departments, h.doctors, h.campuses = map[string]string{}, map[string]string{}, map[string]string{}
	h.english = map[string]string{}
	for _, d := range departments {
		h.departments[d.ID], h.english[d.ID] = d.Name, d.NameEN
	}
	for _, d := range doctors {
		h.doctors[d.ID] = d.Name
	}
	for _, c := range campuses {
		h.campuses[c.ID], h.english[c.ID] = c.Name, c.NameEN
	}
	return nil
}

// of gives the names of a department and, if any, a doctor; what is not known
// yet is asked in tx.
func (h *houseNames) of(ctx context.Context, tx *store.Tx, departmentID, doctorID string) (department, doctor string, err error) {
	department, doctor = h.department(departmentID), h.doctor(doctorID)
	if department == "" || (doctor == "" && doctorID != "") {
		return h.house.Names(ctx, tx, departmentID, doctorID)
	}
	return department, doctor, nil
}

func (h *houseNames) department(id string) string { return h.name(&h.departments, id) }
func (h *houseNames) doctor(id string) string     { return h.name(&h.doctors, id) }
func (h *houseNames) campus(id string) string     { return h.name(&h.campuses, id) }
func (h *houseNames) abroad(id string) string     { return h.name(&h.english, id) }

func (h *houseNames) name(of *map[string]string, id string) string {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return (*of)[id]
}

// answers act on what people write back: 1 confirms an appointment or takes
// an offer, 2 cancels or declines.
type answers struct{ bookings *booking.Service }

// answer is a messaging.OnReply function.
func (r answers) answer(ctx context.Context, in messaging.Incoming) (handled bool, err error) {
	if in.Answers == nil || in.Answers.Ref == "" {
		return false, nil
	}
	yes, no := said(in.Text)
	if !yes && !no {
		return false, nil
	}
	ctx = asReplier(ctx, in.Answers.PatientID)
	switch in.Answers.Template {
	case booking.NoticeReminder:
		answer := "confirm"
		if no {
			answer = "cancel"
		}
		_, err = r.bookings.Acknowledge(ctx, in.Answers.Ref, answer, booking.ChannelSMS)
	case booking.NoticeOffer:
		if yes {
			_, err = r.bookings.AcceptOffer(ctx, in.Answers.Ref)
		} else {
			_, err = r.bookings.DeclineOffer(ctx, in.Answers.Ref)
		}
	case booking.NoticeClosed:
		if yes {
			_, err = r.bookings.Confirm(ctx, in.Answers.Ref)
		} else {
			_, err = r.bookings.Cancel(ctx, in.Answers.Ref, booking.Cancel{Reason: booking.CancelPatient, Channel: booking.ChannelSMS})
		}
	default:
		return false, nil
	}
	if err != nil && errs.KindOf(err) != errs.Internal && errs.KindOf(err) != errs.Unavailable {
		return false, nil // too late, or not theirs any more: a person looks at it
	}
	return err == nil, err
}

// said reads a short answer, in full-width digits too.
func said(text string) (yes, no bool) {
	switch strings.ToUpper(strings.Trim(text, " .。!！\"“”'【】")) {
	case "1", "１", "一", "Y", "YES", "是", "好", "好的", "确认", "接受":
		return true, false
	case "2", "２", "二", "N", "NO", "取消", "放弃", "不去了":
		return false, true
	}
	return false, false
}

// asReplier acts for the patient whose message was answered, and can touch
// nobody else.
func asReplier(ctx context.Context, patientID string) context.Context {
	who := identity.Principal{UserID: "patient:" + patientID, Name: "sms", Roles: []string{"patient"},
		Permissions: map[identity.Permission]bool{identity.BookingRead: true, identity.BookingWrite: true}}
	return booking.OnlyFor(identity.With(ctx, who), patientID)
}
