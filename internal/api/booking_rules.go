package api

import (
	"time"

	"heartline/internal/care/booking/policy"
	"heartline/internal/platform/identity"
)

// BookingPolicyFields are a policy of the house.
type BookingPolicyFields struct {
	Version int64         `json:"version" required:"false" doc:"As read; an older one is refused"`
	Name    string        `json:"name" minLength:"2" maxLength:"60"`
	Policy  policy.Policy `json:"policy"`
}

// BookingPolicyView is a stored policy.
type BookingPolicyView struct {
	BookingPolicyFields
	ID        string    `json:"id"`
	Active    bool      `json:"active"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// BookingPresetView is a policy that a hospital has published.
type BookingPresetView struct {
	Code   string        `json:"code"`
	Name   string        `json:"name"`
	NameEN string        `json:"name_en"`
	Source string        `json:"source"`
	Policy policy.Policy `json:"policy"`
}

// BookingPolicyInput creates a policy.
type BookingPolicyInput struct{ Body BookingPolicyFields }

// BookingPolicyUpdateInput changes a policy.
type BookingPolicyUpdateInput struct {
	ByID
	Body BookingPolicyFields
}

// EligibilityQuery asks whether a person may book a session.
type EligibilityQuery struct {
	Patient string `query:"patient" required:"true" minLength:"1" maxLength:"64"`
	Session string `query:"session" required:"true" minLength:"1" maxLength:"64"`
	Channel string `query:"channel" maxLength:"20" default:"desk"`
	Lane    string `query:"lane" enum:"vip,added," doc:"To draw from a lane of its own"`
	Number  string `query:"number" maxLength:"64" doc:"The number wished, for the time until which it may be given back"`
	Change  string `query:"change" maxLength:"64" doc:"An appointment that would be moved, and so does not count"`
}

// EligibilityView is the answer, with every reason.
type EligibilityView struct {
	Allowed     bool              `json:"allowed"`
	Reasons     []EligibilityNote `json:"reasons"`
	OpensAt     *time.Time        `json:"opens_at,omitempty" doc:"When a number that is not released yet opens"`
	CancelUntil time.Time         `json:"cancel_until" doc:"Last moment for the patient to cancel"`
	Penalties   []EligibilityBan  `json:"penalties" doc:"In force"`
	FeeCents    int64             `json:"fee_cents" doc:"What this person pays"`
	PriceRule   string            `json:"price_rule" doc:"The published rule by which that is less than everybody's fee; empty when it is not"`
}

// EligibilityNote is one reason as a message key with parameters.
type EligibilityNote struct {
	Key    string         `json:"key"`
	Params map[string]any `json:"params"`
}

// EligibilityBan is a penalty in force.
type EligibilityBan struct {
	ID    string    `json:"id"`
	Event string    `json:"event"`
	Until time.Time `json:"until"`
}

// PenaltyView is a penalty of a person.
type PenaltyView struct {
	ID            string              `json:"id"`
	PatientID     string              `json:"patient_id"`
	Patient       *AppointmentPatient `json:"patient,omitempty"`
	Event         string              `json:"event" enum:"no_show,cancel,same_day_refund"`
	Count         int                 `json:"count" doc:"Events that led to it"`
	AppointmentID string              `json:"appointment_id" doc:"The last of them"`
	From          time.Time           `json:"from"`
	Until         time.Time           `json:"until"`
	Status        string              `json:"status" enum:"active,appealed,upheld,lifted"`
	InForce       bool                `json:"in_force"`
	Appeal        string              `json:"appeal"`
	AppealedAt    *time.Time          `json:"appealed_at,omitempty"`
	DecidedBy     string              `json:"decided_by"`
	DecidedAt     *time.Time          `json:"decided_at,omitempty"`
	Decision      string              `json:"decision"`
	CreatedAt     time.Time           `json:"created_at"`
}

// PenaltyQuery narrows penalties.
type PenaltyQuery struct {
	Patient string `query:"patient" maxLength:"64"`
	Status  string `query:"status" enum:"active,appealed,upheld,lifted,"`
	Current bool   `query:"current" doc:"In force now"`
	Limit   int    `query:"limit" minimum:"1" maximum:"500" default:"100"`
}

// AppealInput is what a person says against a penalty.
type AppealInput struct {
	ByID
	Body struct {
		Text string `json:"text" minLength:"2" maxLength:"1000"`
	}
}

// AppealDecisionInput decides an appeal.
type AppealDecisionInput struct {
	ByID
	Body struct {
		Accept bool   `json:"accept" doc:"true lifts the penalty"`
		Note   string `json:"note" minLength:"2" maxLength:"1000"`
	}
}

// WaitFields are a wish for the waitlist.
type WaitFields struct {
	PatientID    string `json:"patient_id" minLength:"1" maxLength:"64"`
	DepartmentID string `json:"department_id" minLength:"1" maxLength:"64"`
	DoctorID     string `json:"doctor_id" required:"false" maxLength:"64" doc:"Empty: any"`
	ExamID       string `json:"exam_id" required:"false" maxLength:"64"`
	Type         string `json:"type" required:"false" enum:"ordinary,expert,special,exam," doc:"Empty: any"`
	Period       string `json:"period" required:"false" enum:"am,pm,evening," doc:"Empty: any"`
	From         string `json:"from" maxLength:"10" doc:"ISO date"`
	To           string `json:"to" maxLength:"10" doc:"ISO date, inclusive"`
	Channel      string `json:"channel" required:"false" maxLength:"20" default:"desk"`
	Note         string `json:"note" required:"false" maxLength:"300"`
	OriginFields
}

// WaitInput joins the waitlist.
type WaitInput struct{ Body WaitFields }

// WaitView is a wish in its queue.
type WaitView struct {
	WaitFields
	ID            string              `json:"id"`
	State         string              `json:"state" enum:"waiting,offered,accepted,left,past"`
	Place         int                 `json:"place" doc:"Of those who wait for the department, from 1; 0 when not waiting"`
	Patient       *AppointmentPatient `json:"patient,omitempty"`
	Department    string              `json:"department"`
	Doctor        string              `json:"doctor"`
	Exam          string              `json:"exam"`
	AppointmentID string              `json:"appointment_id" doc:"The hold on offer, or what came of it"`
	OfferedAt     *time.Time          `json:"offered_at,omitempty"`
	OfferUntil    *time.Time          `json:"offer_until,omitempty"`
	Offers        int                 `json:"offers"`
	CreatedAt     time.Time           `json:"created_at"`
}

// WaitQuery narrows the waitlist.
type WaitQuery struct {
	Patient    string   `query:"patient" maxLength:"64"`
	Department string   `query:"department" maxLength:"64"`
	Doctor     string   `query:"doctor" maxLength:"64"`
	State      []string `query:"state" maxItems:"5" doc:"Any of these"`
	Limit      int      `query:"limit" minimum:"1" maximum:"500" default:"100"`
}

// SeriesFields ask for several visits at even distances.
type SeriesFields struct {
	Key          string `json:"key" minLength:"8" maxLength:"64" doc:"Idempotency key"`
	PatientID    string `json:"patient_id" minLength:"1" maxLength:"64"`
	DepartmentID string `json:"department_id" minLength:"1" maxLength:"64"`
	DoctorID     string `json:"doctor_id" required:"false" maxLength:"64"`
	ExamID       string `json:"exam_id" required:"false" maxLength:"64"`
	Type         string `json:"type" required:"false" enum:"ordinary,expert,special,exam,"`
	Period       string `json:"period" required:"false" enum:"am,pm,evening,"`
	From         string `json:"from" maxLength:"10" doc:"Date of the first visit, up to a year ahead"`
	EveryDays    int    `json:"every_days" minimum:"1" maximum:"366" default:"7" required:"false"`
	Times        int    `json:"times" minimum:"1" maximum:"60" default:"1" required:"false"`
	Tolerance    int    `json:"tolerance" minimum:"0" maximum:"14" required:"false" doc:"Days by which a visit may be earlier or later"`
	Reason       string `json:"reason" required:"false" maxLength:"200"`
	Channel      string `json:"channel" required:"false" maxLength:"20" default:"desk"`
	OriginFields
}

// SeriesInput books a series.
type SeriesInput struct{ Body SeriesFields }

// SeriesView is a series with its visits.
type SeriesView struct {
	SeriesFields
	ID        string        `json:"id"`
	State     string        `json:"state" enum:"active,cancelled"`
	Visits    []SeriesVisit `json:"visits"`
	Open      int           `json:"open" doc:"Visits that no number was found for yet; tried again every night"`
	CreatedAt time.Time     `json:"created_at"`
}

// SeriesVisit is one visit of a series.
type SeriesVisit struct {
	Seq         int              `json:"seq"`
	Date        string           `json:"date"`
	Appointment *AppointmentView `json:"appointment,omitempty"`
}

// SeriesPlanView says what booking a series would give.
type SeriesPlanView struct {
	Visits []PlannedVisitView `json:"visits"`
	Free   int                `json:"free" doc:"Visits for which there is a number"`
}

// PlannedVisitView is one visit of a plan: the number it would get, or why
// there is none.
type PlannedVisitView struct {
	Seq         int              `json:"seq"`
	Date        string           `json:"date" doc:"Wished, or of the number"`
	Wished      string           `json:"wished"`
	Appointment *AppointmentView `json:"appointment,omitempty" doc:"As it would be; nothing is stored"`
	Why         *EligibilityNote `json:"why,omitempty"`
}

// SeriesQuery narrows a list of series.
type SeriesQuery struct {
	Patient string `query:"patient" maxLength:"64"`
	State   string `query:"state" enum:"active,cancelled,"`
	Limit   int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

// SeriesSumView is a series without its visits.
type SeriesSumView struct {
	SeriesFields
	ID         string              `json:"id"`
	State      string              `json:"state" enum:"active,cancelled"`
	Patient    *AppointmentPatient `json:"patient,omitempty"`
	Department string              `json:"department"`
	Doctor     string              `json:"doctor"`
	Exam       string              `json:"exam"`
	Open       int                 `json:"open" doc:"Visits without a number yet"`
	Coming     int                 `json:"coming" doc:"Visits that lie ahead"`
	NextDate   string              `json:"next_date"`
	CreatedAt  time.Time           `json:"created_at"`
}

// SeriesCancelInput ends a series.
type SeriesCancelInput struct {
	ByID
	Body struct {
		Reason  string `json:"reason" enum:"patient,staff"`
		Channel string `json:"channel" required:"false" maxLength:"20" default:"desk"`
		Note    string `json:"note" required:"false" maxLength:"500"`
		OriginFields
	}
}

func (s *Server) routeBookingRules() {
	read, write := needs(identity.BookingRead), needs(identity.BookingWrite)
	rules, seeRules := needs(identity.BookingRules), needs(identity.BookingRead, identity.BookingRules)
	const policies, wait = "/api/booking/policies", "/api/booking/waitlist"
	get(s, policies, "listBookingPolicies", "Policies of the house, the active one first", seeRules, s.listPolicies)
	get(s, policies+"/presets", "listBookingPresets", "Published policies to take over", seeRules, s.listPresets)
	post(s, policies, "createBookingPolicy", "Create a policy", rules, s.createPolicy)
	put(s, policies+"/{id}", "updateBookingPolicy", "Change a policy", rules, s.updatePolicy)
	post(s, policies+"/{id}/activate", "activateBookingPolicy", "Put a policy in force", rules, s.activatePolicy)
	get(s, "/api/booking/eligibility", "getEligibility", "May this person book this session, and if not, why", read, s.getEligibility)
	get(s, "/api/booking/penalties", "listPenalties", "Penalties", seeRules, s.listPenalties)
	post(s, "/api/booking/penalties/{id}/appeal", "appealPenalty", "Appeal against a penalty", needs(identity.BookingWrite, identity.BookingRules), s.appealPenalty)
	post(s, "/api/booking/penalties/{id}/decide", "decideAppeal", "Uphold or lift a penalty", rules, s.decideAppeal)
	get(s, wait, "listWaitlist", "Who waits, first come first", read, s.listWaitlist)
	post(s, wait, "joinWaitlist", "Join the waitlist", write, s.joinWaitlist)
	del(s, wait+"/{id}", "leaveWaitlist", "Leave the waitlist", write, s.leaveWaitlist)
	post(s, wait+"/{id}/accept", "acceptOffer", "Take the number on offer", write, s.acceptOffer)
	post(s, wait+"/{id}/decline", "declineOffer", "Let the number on offer go to the next", write, s.declineOffer)
	post(s, "/api/booking/series", "bookSeries", "Book several visits", write, s.bookSeries)
	get(s, "/api/booking/series", "listSeries", "Series, the newest first", read, s.listSeries)
	post(s, "/api/booking/series/plan", "planSeries", "What booking a series would give; nothing is stored", write, s.planSeries)
	get(s, "/api/booking/series/{id}", "getSeries", "A series", read, s.getSeries)
	post(s, "/api/booking/series/{id}/cancel", "cancelSeries", "End a series and its coming visits", write, s.cancelSeries)
}
