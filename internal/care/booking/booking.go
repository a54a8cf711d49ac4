// Package booking gives out appointments: sessions of doctors, departments and
// equipment, the numbers (号源) in them, and who holds which number.
//
// A number is a row. It is given to one appointment at most, by a unique index
// and not by luck; a person holds at most one active number per department and
// day, by another. Every channel (desk, IVR, portal, kiosk, SMS) books through
// the same Service, and the pool knows of a channel only the lane that it may
// draw from. What a hospital permits (windows, limits, deadlines, penalties)
// is data: package policy decides, booking enforces.
//
// The package knows patients only by id and money only as an amount that a
// Purse holds, captures and gives back. It sends no messages: a Notifier
// promises them in the same transaction.
package booking

import "time"

// Channel is the way by which an appointment came.
type Channel string

// The channels.
const (
	ChannelDesk     Channel = "desk"     // by an agent, on the phone
	ChannelIVR      Channel = "ivr"      // by keypad
	ChannelWeb      Channel = "web"      // patient portal
	ChannelKiosk    Channel = "kiosk"    //
	ChannelOnSite   Channel = "onsite"   // at the window
	ChannelSMS      Channel = "sms"      //
	ChannelMail     Channel = "mail"     // recorded by staff
	ChannelFax      Channel = "fax"      // recorded by staff
	ChannelReferral Channel = "referral" // another hospital's green lane
	ChannelWeChat   Channel = "wechat"   //
)

// Lane is the part of a session's numbers that a channel draws from.
type Lane string

// The lanes. A channel takes from its own lane first, then from the shared
// one; unused numbers of a lane fall to the shared one when LaneUntil passes.
const (
	LaneShared   Lane = ""
	LanePhone    Lane = "phone" // desk and IVR
	LaneWeb      Lane = "web"   // portal, WeChat
	LaneKiosk    Lane = "kiosk"
	LaneOnSite   Lane = "onsite"
	LaneReferral Lane = "referral"
	LaneVIP      Lane = "vip"
	LaneAdded    Lane = "added" // 加号: beyond the session's capacity, with the doctor's consent
)

// Lane is the lane that a channel draws from besides the shared one.
func (c Channel) Lane() Lane {
	switch c {
	case ChannelDesk, ChannelIVR, ChannelSMS, ChannelMail, ChannelFax:
		return LanePhone
	case ChannelWeb, ChannelWeChat:
		return LaneWeb
	case ChannelKiosk:
		return LaneKiosk
	case ChannelOnSite:
		return LaneOnSite
	case ChannelReferral:
		return LaneReferral
	}
	return LaneShared
}

// NumberType is the kind of number a session gives (号别).
type NumberType string

// The number types.
const (
	Ordinary NumberType = "ordinary" // 普通
	Expert   NumberType = "expert"   // 专家
	Special  NumberType = "special"  // 特需
	Exam     NumberType = "exam"     // 检查
)

// Period is the half day of a session (午别).
type Period string

// The periods.
const (
	Morning   Period = "am"
	Afternoon Period = "pm"
	Evening   Period = "evening"
)

// SessionState says whether numbers of a session may be given.
type SessionState string

// The session states.
const (
	SessionOpen   SessionState = "open"
	SessionClosed SessionState = "closed" // 停诊
)

// Session is one clinic of a doctor, a department or a piece of equipment:
// the unit that timetables show (排班).
type Session struct {
	ID           string
	Version      int64
	Date         string // ISO date in the hospital's zone
	Period       Period
	StartAt      time.Time
	EndAt        time.Time
	DepartmentID string
	DoctorID     string // "" for an ordinary clinic without a named doctor
	ExamID       string // the examination, for type Exam
	CampusID     string
	Room         string
	Type         NumberType
	Fee          int64 // 分
	ReleaseAt    time.Time
	LaneUntil    time.Time // when unused lanes fall to the shared pool; zero: never
	State        SessionState
	CloseReason  string
	SubstituteOf string // the doctor who was replaced
	TemplateID   string

	Total int // numbers in all
	Free  int // numbers that the asking channel could take now
}

// NumberState says where a number is.
type NumberState string

// The number states.
const (
	NumberFree    NumberState = "free"
	NumberTaken   NumberState = "taken"   // by a held or a booked appointment
	NumberBlocked NumberState = "blocked" // withdrawn, or its session closed
)

// Number is one bookable place of a session (号源).
type Number struct {
	ID        string
	SessionID string
	Seq       int // 就诊序号, from 1
	StartAt   time.Time
	EndAt     time.Time
	Lane      Lane
	State     NumberState
}

// State is where an appointment is.
type State string

// The appointment states. Requested is a hold: it ends at ExpiresAt unless it
// is confirmed.
const (
	Requested State = "requested"
	Scheduled State = "scheduled"
	Arrived   State = "arrived"
	CheckedIn State = "checked_in"
	Completed State = "completed"
	Cancelled State = "cancelled"
	Missed    State = "missed"
	Expired   State = "expired" // a hold that nobody confirmed
)

// Active reports whether an appointment in this state keeps its number.
func (s State) Active() bool {
	return s == Requested || s == Scheduled || s == Arrived || s == CheckedIn
}

// The reasons for which an appointment was cancelled.
const (
	CancelPatient = "patient"        // on the patient's wish
	CancelClosed  = "session_closed" // 停诊: no penalty
	CancelStaff   = "staff"          // a mistake of the house: no penalty
	CancelMoved   = "moved"          // changed to another number
)

// Appointment is a person's right to a number.
type Appointment struct {
	ID           string
	Version      int64
	Code         string // eight digits for kiosk, phone and SMS; unique while active
	PatientID    string
	SessionID    string
	NumberID     string
	Seq          int
	Date         string
	StartAt      time.Time
	EndAt        time.Time
	DepartmentID string
	DoctorID     string
	ExamID       string
	Type         NumberType
	State        State
	Channel      Channel
	Lane         Lane
	Fee          int64  // 分
	HoldID       string // of the Purse, "" when free or paid at the desk
	Paid         bool
	Confirmed    bool // the patient answered the reminder
	CancelReason string
	CancelledAt  time.Time
	ExpiresAt    time.Time // of a hold
	QueueNumber  int       // given at check-in, 0 before
	SeriesID     string
	MovedFrom    string // the appointment this one replaces
	Note         string
	Origin              // of a request that came on paper
	BookedBy     string // user id, or "patient:<id>", or "system"
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

// Request asks for a number. NumberID picks one; without it the earliest free
// number of SessionID that the channel may take is given.
type Request struct {
	Key       string // idempotency key, 8 to 64 characters; the same key gives the same answer
	PatientID string
	SessionID string
	NumberID  string
	Channel   Channel
	Lane      Lane          // LaneVIP or LaneAdded when staff asks for them; else empty
	Hold      time.Duration // 0 books at once; else a hold of at most 30 minutes
	UseCard   bool          // take the fee from the prepaid card
	Note      string
	SeriesID  string
	Origin    // needed for mail and fax
}

// Change asks for another number in place of the one held.
type Change struct {
	Key       string
	SessionID string
	NumberID  string
	Channel   Channel
	Origin
}

// Cancel ends an appointment.
type Cancel struct {
	Reason  string // Cancel…
	Channel Channel
	Note    string
	Origin  // needed for mail and fax
}

// Filter narrows lists of appointments; zero fields do not.
type Filter struct {
	PatientID    string
	SessionID    string
	DepartmentID string
	DoctorID     string
	From, To     string // dates, inclusive
	States       []State
	Channels     []Channel
	Lanes        []Lane // besides the channels: either will do
	Code         string
	Limit        int // 50 when 0, at most 500
	Cursor       string
}

// Page is one page of appointments, next visit first.
type Page struct {
	Appointments []Appointment
	Next         string
}

// TimetableFilter narrows a timetable; zero fields do not.
type TimetableFilter struct {
	From, To     string // dates, inclusive; at most 62 days apart
	DepartmentID string
	DoctorID     string
	ExamID       string
	CampusID     string
	Type         NumberType
	Channel      Channel // whose free numbers are counted
	OnlyFree     bool
}
