package booking

import "time"

// SeriesRequest asks for several visits at even distances, up to a year ahead:
// dressings, injections, the visits after a discharge.
type SeriesRequest struct {
	Key          string // idempotency key
	PatientID    string
	DepartmentID string
	DoctorID     string
	ExamID       string
	Type         NumberType // "" any but examinations
	Period       Period     // "" any
	From         string     // date of the first visit
	EveryDays    int
	Times        int
	Tolerance    int // days by which a visit may be later or earlier
	Reason       string
	Channel      Channel
	UseCard      bool
}

// Series is a set of visits that belong together.
type Series struct {
	SeriesRequest
	ID        string
	State     string // active, cancelled
	Visits    []Visit
	CreatedBy string
	CreatedAt time.Time
}

// Visit is one visit of a series. Without an appointment its numbers do not
// exist yet; it is booked as soon as they are made.
type Visit struct {
	Seq         int
	Date        string // wished, or of the appointment
	Appointment *Appointment
}
