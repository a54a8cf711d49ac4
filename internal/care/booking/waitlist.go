package booking

import "time"

// WaitState says where a wish on the waitlist is.
type WaitState string

// The states of a wish.
const (
	Waiting    WaitState = "waiting"
	OfferMade  WaitState = "offered" // a number is held for the person until OfferUntil
	OfferTaken WaitState = "accepted"
	WaitLeft   WaitState = "left" // the person no longer wants
	WaitPast   WaitState = "past" // the last day of the wish has gone by
)

// Wish is what somebody on the waitlist wants.
type Wish struct {
	PatientID    string
	DepartmentID string
	DoctorID     string     // "" any
	ExamID       string     // for examinations
	Type         NumberType // "" any
	Period       Period     // "" any
	From, To     string     // dates, inclusive
	Channel      Channel
	Note         string
}

// WaitEntry is a wish in its queue.
type WaitEntry struct {
	Wish
	ID            string
	Version       int64
	State         WaitState
	Place         int    // of those who wait for the same department, from 1; 0 when it is not waiting
	AppointmentID string // the hold that is offered, or was accepted
	NumberID      string
	OfferedAt     time.Time
	OfferUntil    time.Time
	Offers        int
	CreatedBy     string
	CreatedAt     time.Time
	UpdatedAt     time.Time
}

// WaitFilter narrows the waitlist; zero fields do not.
type WaitFilter struct {
	PatientID    string
	DepartmentID string
	DoctorID     string
	States       []WaitState
	Limit        int // 100 when 0, at most 500
}
