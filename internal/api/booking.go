package api

import (
	"time"

	"heartline/internal/platform/identity"
)

// BookingSessionView is a clinic of a doctor, a department or a piece of
// equipment: a line of the timetable.
type BookingSessionView struct {
	ID           string     `json:"id"`
	Version      int64      `json:"version"`
	Date         string     `json:"date" doc:"ISO date in the hospital's zone"`
	Period       string     `json:"period" doc:"am, pm or evening"`
	StartAt      time.Time  `json:"start_at"`
	EndAt        time.Time  `json:"end_at"`
	DepartmentID string     `json:"department_id"`
	Department   string     `json:"department"`
	DoctorID     string     `json:"doctor_id" doc:"Empty for a clinic without a named doctor"`
	Doctor       string     `json:"doctor"`
	DoctorTitle  string     `json:"doctor_title"`
	ExamID       string     `json:"exam_id"`
	Exam         string     `json:"exam"`
	CampusID     string     `json:"campus_id"`
	Campus       string     `json:"campus"`
	Room         string     `json:"room"`
	Type         string     `json:"type" doc:"ordinary, expert, special or exam"`
	FeeCents     int64      `json:"fee_cents"`
	ReleaseAt    time.Time  `json:"release_at" doc:"When its numbers can be booked"`
	Released     bool       `json:"released"`
	LaneUntil    *time.Time `json:"lane_until,omitempty" doc:"When unused numbers of the lanes fall to everybody"`
	State        string     `json:"state" enum:"open,closed"`
	CloseReason  string     `json:"close_reason"`
	SubstituteOf string     `json:"substitute_of" doc:"The doctor who was replaced"`
	TemplateID   string     `json:"template_id"`
	Total        int        `json:"total"`
	Free         int        `json:"free" doc:"What the asking channel could take now"`
}

// BookingNumberView is one bookable place of a session.
type BookingNumberView struct {
	ID      string    `json:"id"`
	Seq     int       `json:"seq"`
	StartAt time.Time `json:"start_at"`
	EndAt   time.Time `json:"end_at"`
	Lane    string    `json:"lane" doc:"Empty for the shared pool; phone, web, kiosk, onsite, referral, vip, added"`
	State   string    `json:"state" enum:"free,taken,blocked"`
}

// AppointmentPatient is the patient of an appointment, for lists.
type AppointmentPatient struct {
	ID          string   `json:"id"`
	Code        string   `json:"code"`
	Name        string   `json:"name"`
	Sex         string   `json:"sex"`
	Age         int      `json:"age" doc:"-1 when unknown"`
	PhoneMasked string   `json:"phone_masked"`
	Allergies   []string `json:"allergies"`
	VIP         bool     `json:"vip"`
}

// AppointmentView is a person's right to a number, with all that a clerk or a
// patient needs to know about the visit.
type AppointmentView struct {
	ID            string              `json:"id"`
	Version       int64               `json:"version"`
	Code          string              `json:"code" doc:"Eight digits for kiosk, phone and SMS"`
	PatientID     string              `json:"patient_id"`
	Patient       *AppointmentPatient `json:"patient,omitempty" doc:"For readers who may see customers"`
	SessionID     string              `json:"session_id"`
	NumberID      string              `json:"number_id"`
	Seq           int                 `json:"seq"`
	Date          string              `json:"date"`
	StartAt       time.Time           `json:"start_at"`
	EndAt         time.Time           `json:"end_at"`
	DepartmentID  string              `json:"department_id"`
	Department    string              `json:"department"`
	DoctorID      string              `json:"doctor_id"`
	Doctor        string              `json:"doctor"`
	DoctorTitle   string              `json:"doctor_title"`
	ExamID        string              `json:"exam_id"`
	Exam          string              `json:"exam"`
	Preparation   string              `json:"preparation" doc:"What to do before the examination"`
	CampusID      string              `json:"campus_id"`
	Campus        string              `json:"campus"`
	Room          string              `json:"room"`
	Floor         string              `json:"floor"`
	HowToGetThere string              `json:"how_to_get_there"`
	Type          string              `json:"type"`
	State         string              `json:"state" enum:"requested,scheduled,arrived,checked_in,completed,cancelled,missed,expired"`
	Channel       string              `json:"channel"`
	Lane          string              `json:"lane"`
	FeeCents      int64               `json:"fee_cents"`
	UsesCard      bool                `json:"uses_card" doc:"The fee is held on, or was taken from, the prepaid card"`
	Paid          bool                `json:"paid"`
	Confirmed     bool                `json:"confirmed" doc:"The patient answered the reminder"`
	CancelReason  string              `json:"cancel_reason"`
	CancelledAt   *time.Time          `json:"cancelled_at,omitempty"`
	ExpiresAt     *time.Time          `json:"expires_at,omitempty" doc:"When a hold ends"`
	QueueNumber   int                 `json:"queue_number" doc:"0 before check-in"`
	SeriesID      string              `json:"series_id"`
	MovedFrom     string              `json:"moved_from" doc:"The appointment that this one replaces"`
	Note          string              `json:"note"`
	Reference     string              `json:"reference" doc:"The letter, fax or referral slip that it was booked from"`
	ReceivedOn    string              `json:"received_on" doc:"ISO date on which that came"`
	BookedBy      string              `json:"booked_by"`
	CreatedAt     time.Time           `json:"created_at"`
	UpdatedAt     time.Time           `json:"updated_at"`
	Can           AppointmentCan      `json:"can"`
}

// AppointmentCan says what the state of an appointment, the hour and the
// reader's rights allow. Deadlines for changes are checked when they are made.
type AppointmentCan struct {
	Confirm     bool             `json:"confirm"`
	Change      bool             `json:"change"`
	Cancel      bool             `json:"cancel"`
	Arrive      bool             `json:"arrive" doc:"On the day of the visit"`
	CheckIn     bool             `json:"check_in" doc:"On the day of the visit, as late as the policy lets people in"`
	Why         *EligibilityNote `json:"why,omitempty" doc:"Why nobody can check in now, where the state would let them"`
	Complete    bool             `json:"complete"`
	Miss        bool             `json:"miss" doc:"From the time of the visit on"`
	Acknowledge bool             `json:"acknowledge" doc:"Note that the patient says that they will come"`
}

// AppointmentEventView is one entry of an appointment's history.
type AppointmentEventView struct {
	ID      string         `json:"id"`
	At      time.Time      `json:"at"`
	Kind    string         `json:"kind" doc:"held, booked, confirmed, acknowledged, moved, cancelled, expired, arrived, checked_in, completed, missed"`
	Actor   string         `json:"actor"`
	Name    string         `json:"name" doc:"Of the actor, when it is a user"`
	Channel string         `json:"channel"`
	Detail  map[string]any `json:"detail"`
}

// TimetableQuery narrows the timetable.
type TimetableQuery struct {
	From       string `query:"from" maxLength:"10" doc:"ISO date; today when empty"`
	To         string `query:"to" maxLength:"10" doc:"ISO date, inclusive; six days later when empty, 62 at most"`
	Department string `query:"department" maxLength:"64"`
	Doctor     string `query:"doctor" maxLength:"64"`
	Exam       string `query:"exam" maxLength:"64"`
	Campus     string `query:"campus" maxLength:"64"`
	Type       string `query:"type" enum:"ordinary,expert,special,exam,"`
	Channel    string `query:"channel" maxLength:"20" doc:"Whose free numbers are counted; all lanes when empty"`
	OnlyFree   bool   `query:"only_free"`
}

// NumbersQuery asks for the numbers of a session.
type NumbersQuery struct {
	ByID
	Channel string `query:"channel" maxLength:"20" doc:"Leave out free numbers that this channel may not take"`
}

// AppointmentQuery narrows lists and exports of appointments.
type AppointmentQuery struct {
	Patient    string   `query:"patient" maxLength:"64"`
	Session    string   `query:"session" maxLength:"64"`
	Department string   `query:"department" maxLength:"64"`
	Doctor     string   `query:"doctor" maxLength:"64"`
	From       string   `query:"from" maxLength:"10" doc:"ISO date"`
	To         string   `query:"to" maxLength:"10" doc:"ISO date, inclusive"`
	State      []string `query:"state" maxItems:"8" doc:"Any of these"`
	Channel    []string `query:"channel" maxItems:"10" doc:"Any of these; with lane, any of either"`
	Lane       []string `query:"lane" maxItems:"2" doc:"vip, added"`
	Code       string   `query:"code" maxLength:"8"`
}

// AppointmentListInput is a page of a list.
type AppointmentListInput struct {
	AppointmentQuery
	Paging
}

// BookInput asks for a number.
type BookInput struct {
	Body struct {
		Key         string `json:"key" minLength:"8" maxLength:"64" doc:"Idempotency key: the same key and body give the same appointment"`
		PatientID   string `json:"patient_id" minLength:"1" maxLength:"64"`
		SessionID   string `json:"session_id" minLength:"1" maxLength:"64"`
		NumberID    string `json:"number_id,omitempty" maxLength:"64" doc:"The earliest one that the channel may take when empty"`
		Channel     string `json:"channel,omitempty" maxLength:"20" default:"desk"`
		Lane        string `json:"lane,omitempty" enum:"vip,added," doc:"To draw from a lane of its own"`
		HoldSeconds int    `json:"hold_seconds,omitempty" minimum:"0" maximum:"1800" doc:"Hold the number instead of booking it"`
		UseCard     bool   `json:"use_card,omitempty" doc:"Take the fee from the prepaid card"`
		Note        string `json:"note,omitempty" maxLength:"500"`
		OriginFields
	}
}

// OriginFields name the paper that a request came on.
type OriginFields struct {
	Reference  string `json:"reference,omitempty" maxLength:"120" doc:"Number and sender of the letter, fax or referral slip; needed for mail and fax"`
	ReceivedOn string `json:"received_on,omitempty" maxLength:"10" doc:"ISO date on which it came"`
}

// AppointmentChangeInput asks for another number in place of the one held.
type AppointmentChangeInput struct {
	ByID
	Body struct {
		Key       string `json:"key" minLength:"8" maxLength:"64" doc:"Idempotency key"`
		SessionID string `json:"session_id" minLength:"1" maxLength:"64"`
		NumberID  string `json:"number_id,omitempty" maxLength:"64"`
		Channel   string `json:"channel,omitempty" maxLength:"20" default:"desk"`
		OriginFields
	}
}

// AppointmentCancelInput ends an appointment.
type AppointmentCancelInput struct {
	ByID
	Body struct {
		Reason  string `json:"reason" enum:"patient,staff" doc:"staff: a mistake of the house, without penalty"`
		Channel string `json:"channel,omitempty" maxLength:"20" default:"desk"`
		Note    string `json:"note,omitempty" maxLength:"500"`
		OriginFields
	}
}

// CancelTermsView is what giving a number back now would mean.
type CancelTermsView struct {
	Allowed     bool             `json:"allowed" doc:"By the patient's own wish; the house may always cancel"`
	Reason      *EligibilityNote `json:"reason,omitempty" doc:"Why not"`
	Until       *time.Time       `json:"until,omitempty" doc:"Last moment for the patient"`
	RefundCents int64            `json:"refund_cents" doc:"Goes back to the card"`
	Count       int              `json:"count" doc:"So many of these with this one in the span; 0 when it counts for nothing"`
	Limit       int              `json:"limit" doc:"At which a penalty follows"`
	Per         string           `json:"per" doc:"The span: month, half_year, year or rolling"`
	BanUntil    *time.Time       `json:"ban_until,omitempty" doc:"The penalty that would follow at once"`
}

// AcknowledgeInput is the answer to a reminder.
type AcknowledgeInput struct {
	ByID
	Body struct {
		Answer  string `json:"answer" enum:"confirm,cancel"`
		Channel string `json:"channel,omitempty" maxLength:"20" default:"desk"`
	}
}

func (s *Server) routeBooking() {
	read, write, checkIn := needs(identity.BookingRead), needs(identity.BookingWrite), needs(identity.BookingCheckIn)
	const one = "/api/booking/appointments/{id}"
	get(s, "/api/booking/timetable", "getTimetable", "Sessions of some days, with what is free", read, s.getTimetable)
	get(s, "/api/booking/sessions/{id}", "getBookingSession", "A session", read, s.getBookingSession)
	get(s, "/api/booking/sessions/{id}/numbers", "listBookingNumbers", "The numbers of a session", read, s.listBookingNumbers)
	post(s, "/api/booking/appointments", "bookAppointment", "Book or hold a number", write, s.bookAppointment)
	get(s, "/api/booking/appointments", "listAppointments", "Appointments, the earliest visit first", read, s.listAppointments)
	get(s, "/api/booking/appointments/export", "exportAppointments", "Appointments as CSV", read, s.exportAppointments, produces("text/csv"))
	get(s, one, "getAppointment", "An appointment", read, s.getAppointment)
	get(s, one+"/history", "getAppointmentHistory", "What happened to an appointment", read, s.getAppointmentHistory)
	post(s, one+"/confirm", "confirmAppointment", "Make an appointment of a hold", write, s.confirmAppointment)
	post(s, one+"/change", "changeAppointment", "Move to another number", write, s.changeAppointment)
	get(s, one+"/terms", "getCancelTerms", "What giving a number back now would mean", write, s.getCancelTerms)
	post(s, one+"/cancel", "cancelAppointment", "Give a number back", write, s.cancelAppointment)
	post(s, one+"/acknowledge", "acknowledgeAppointment", "Answer of the patient to a reminder", write, s.acknowledgeAppointment)
	post(s, one+"/arrive", "arriveAppointment", "The patient is in the house", checkIn, s.arriveAppointment)
	post(s, one+"/check-in", "checkInAppointment", "Into the queue of the session", checkIn, s.checkInAppointment)
	post(s, one+"/complete", "completeAppointment", "The visit took place", checkIn, s.completeAppointment)
	post(s, one+"/miss", "missAppointment", "Nobody came", checkIn, s.missAppointment)
}
