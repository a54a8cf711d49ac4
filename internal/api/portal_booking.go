package api

import (
	"time"
)

// PortalTerms is what booking means, before it is done.
type PortalTerms struct {
	Allowed     bool           `json:"allowed"`
	Reasons     []PortalReason `json:"reasons" doc:"What stands against it"`
	CancelUntil *time.Time     `json:"cancel_until,omitempty" doc:"Until when the number may be given back here"`
}

// PortalCancelTerms is what giving a number back means, before it is done.
type PortalCancelTerms struct {
	Allowed     bool          `json:"allowed"`
	Reason      *PortalReason `json:"reason,omitempty" doc:"Why not"`
	Until       *time.Time    `json:"until,omitempty" doc:"Until when it may be given back here"`
	RefundCents int64         `json:"refund_cents" doc:"What goes back to the card"`
	Count       int           `json:"count" doc:"How many times this would make in the span that counts; 0 when it counts for nothing"`
	Limit       int           `json:"limit" doc:"At which booking is barred for a while"`
	Per         string        `json:"per" doc:"The span: day, month, half_year, year or rolling"`
	BanUntil    *time.Time    `json:"ban_until,omitempty" doc:"Booking would be barred until then"`
}

// PortalReason is a message key with parameters.
type PortalReason struct {
	Key    string         `json:"key"`
	Params map[string]any `json:"params,omitempty"`
}

// PortalSession is one clinic in the timetable.
type PortalSession struct {
	ID           string     `json:"id"`
	Date         string     `json:"date"`
	Period       string     `json:"period" enum:"am,pm,evening"`
	StartAt      time.Time  `json:"start_at"`
	EndAt        time.Time  `json:"end_at"`
	DepartmentID string     `json:"department_id"`
	Department   string     `json:"department"`
	DepartmentEN string     `json:"department_en"`
	DoctorID     string     `json:"doctor_id"`
	Doctor       string     `json:"doctor"`
	DoctorTitle  string     `json:"doctor_title"`
	ExamID       string     `json:"exam_id"`
	Campus       string     `json:"campus"`
	Room         string     `json:"room"`
	Floor        string     `json:"floor"`
	Type         string     `json:"type" enum:"ordinary,expert,special,exam"`
	FeeCents     int64      `json:"fee_cents"`
	ReleaseAt    *time.Time `json:"release_at,omitempty"`
	Released     bool       `json:"released"`
	State        string     `json:"state" enum:"open,closed"`
	CloseReason  string     `json:"close_reason"`
	Total        int        `json:"total"`
	Free         int        `json:"free"`
}

// PortalNumber is a free time.
type PortalNumber struct {
	ID      string    `json:"id"`
	Seq     int       `json:"seq"`
	StartAt time.Time `json:"start_at"`
	EndAt   time.Time `json:"end_at"`
}

// PortalTimetableQuery narrows the timetable.
type PortalTimetableQuery struct {
	From       string `query:"from" maxLength:"10" doc:"ISO date; today when empty"`
	To         string `query:"to" maxLength:"10" doc:"ISO date; two weeks later when empty"`
	Department string `query:"department" maxLength:"64"`
	Doctor     string `query:"doctor" maxLength:"64"`
	Exam       string `query:"exam" maxLength:"64"`
	OnlyFree   bool   `query:"only_free"`
}

// PortalTermsQuery names a person and a session.
type PortalTermsQuery struct {
	ID     string `path:"id" minLength:"1" maxLength:"64"`
	Member string `query:"member" required:"true" minLength:"1" maxLength:"64"`
	Number string `query:"number" maxLength:"64" doc:"A number of the session, for its own time to give it back"`
	Change string `query:"change" maxLength:"64" doc:"The appointment that would be moved here, which then does not count"`
}

// PortalBookInput books a number.
type PortalBookInput struct {
	Body struct {
		Key       string `json:"key" minLength:"8" maxLength:"64" doc:"Made by the browser once for each wish; the same key gives the same answer"`
		MemberID  string `json:"member_id" minLength:"1" maxLength:"64"`
		SessionID string `json:"session_id" minLength:"1" maxLength:"64"`
		NumberID  string `json:"number_id,omitempty" maxLength:"64"`
		UseCard   bool   `json:"use_card,omitempty" doc:"Pay from the prepaid card"`
	}
}

// PortalChangeInput moves an appointment.
type PortalChangeInput struct {
	ByID
	Body struct {
		Key       string `json:"key" minLength:"8" maxLength:"64"`
		SessionID string `json:"session_id" minLength:"1" maxLength:"64"`
		NumberID  string `json:"number_id,omitempty" maxLength:"64"`
	}
}

// PortalListQuery narrows the account's appointments.
type PortalListQuery struct {
	Past bool `query:"past" doc:"Those that are over, newest first"`
}

// PortalAppointment is an appointment as its patient sees it.
type PortalAppointment struct {
	ID            string     `json:"id"`
	Code          string     `json:"code" doc:"For the kiosk, the desk and the telephone"`
	MemberID      string     `json:"member_id"`
	Member        string     `json:"member" doc:"Name"`
	SessionID     string     `json:"session_id"`
	Seq           int        `json:"seq"`
	Date          string     `json:"date"`
	StartAt       time.Time  `json:"start_at"`
	EndAt         time.Time  `json:"end_at"`
	DepartmentID  string     `json:"department_id"`
	Department    string     `json:"department"`
	DepartmentEN  string     `json:"department_en"`
	DoctorID      string     `json:"doctor_id"`
	Doctor        string     `json:"doctor"`
	DoctorTitle   string     `json:"doctor_title"`
	Exam          string     `json:"exam"`
	ExamEN        string     `json:"exam_en"`
	Preparation   string     `json:"preparation"`
	PreparationEN string     `json:"preparation_en"`
	Campus        string     `json:"campus"`
	Address       string     `json:"address"`
	Room          string     `json:"room"`
	Floor         string     `json:"floor"`
	Transit       string     `json:"how_to_get_there"`
	Type          string     `json:"type" enum:"ordinary,expert,special,exam"`
	State         string     `json:"state" enum:"requested,scheduled,arrived,checked_in,completed,cancelled,missed,expired"`
	FeeCents      int64      `json:"fee_cents"`
	Paid          bool       `json:"paid"`
	ByCard        bool       `json:"by_card" doc:"The fee is set aside on the prepaid card, or was taken from it"`
	Confirmed     bool       `json:"confirmed"`
	CancelReason  string     `json:"cancel_reason"`
	ExpiresAt     *time.Time `json:"expires_at,omitempty" doc:"When a number that is held must be confirmed"`
	QueueNumber   int        `json:"queue_number"`
	CreatedAt     time.Time  `json:"created_at"`
	CanConfirm    bool       `json:"can_confirm"`
	CanChange     bool       `json:"can_change"`
	CanCancel     bool       `json:"can_cancel"`
}

// PortalWish is what an account wants when there is nothing free.
type PortalWish struct {
	Body struct {
		MemberID     string `json:"member_id" minLength:"1" maxLength:"64"`
		DepartmentID string `json:"department_id" minLength:"1" maxLength:"64"`
		DoctorID     string `json:"doctor_id,omitempty" maxLength:"64"`
		Period       string `json:"period,omitempty" enum:"am,pm,evening,"`
		From         string `json:"from" minLength:"10" maxLength:"10"`
		To           string `json:"to" minLength:"10" maxLength:"10"`
	}
}

// PortalWait is a place on the waitlist.
type PortalWait struct {
	ID           string     `json:"id"`
	MemberID     string     `json:"member_id"`
	Member       string     `json:"member"`
	DepartmentID string     `json:"department_id"`
	Department   string     `json:"department"`
	DepartmentEN string     `json:"department_en"`
	DoctorID     string     `json:"doctor_id"`
	Doctor       string     `json:"doctor"`
	Period       string     `json:"period"`
	From         string     `json:"from"`
	To           string     `json:"to"`
	State        string     `json:"state" enum:"waiting,offered,accepted,left,past"`
	Place        int        `json:"place"`
	OfferUntil   *time.Time `json:"offer_until,omitempty"`
	OfferStartAt *time.Time `json:"offer_start_at,omitempty" doc:"When the offered number is"`
	OfferDoctor  string     `json:"offer_doctor"`
	CreatedAt    time.Time  `json:"created_at"`
}

// PortalCardQuery names the person whose card it is.
type PortalCardQuery struct {
	Member string `query:"member" required:"true" minLength:"1" maxLength:"64"`
}

// PortalCardView is a prepaid card. It can be read here, not charged.
type PortalCardView struct {
	BalanceCents   int64             `json:"balance_cents"`
	HeldCents      int64             `json:"held_cents"`
	AvailableCents int64             `json:"available_cents"`
	Entries        []PortalCardEntry `json:"entries"`
}

// PortalCardEntry is one movement.
type PortalCardEntry struct {
	ID          string    `json:"id"`
	At          time.Time `json:"at"`
	Kind        string    `json:"kind"`
	AmountCents int64     `json:"amount_cents"`
}

// PortalUnverifiedQuery narrows the list of the desk.
type PortalUnverifiedQuery struct {
	Patient string `query:"patient" maxLength:"64"`
}

// PortalMemberRow is an unverified person as the desk sees them.
type PortalMemberRow struct {
	PortalMember
	PatientID string `json:"patient_id"`
}
