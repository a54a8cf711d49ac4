package api

import (
	"time"

	"heartline/internal/platform/identity"
)

// TemplateFields are a clinic that repeats every week.
type TemplateFields struct {
	Version      int64          `json:"version" required:"false" doc:"As read; an older one is refused"`
	Weekday      int            `json:"weekday" minimum:"1" maximum:"7" doc:"1 is Monday"`
	Weeks        string         `json:"weeks" enum:"all,odd,even" default:"all" required:"false" doc:"ISO weeks in which it holds"`
	Period       string         `json:"period" enum:"am,pm,evening"`
	Start        string         `json:"start" pattern:"^[0-2][0-9]:[0-5][0-9]$" doc:"Time of day"`
	End          string         `json:"end" pattern:"^[0-2][0-9]:[0-5][0-9]$"`
	SlotMinutes  int            `json:"slot_minutes" minimum:"1" maximum:"480" doc:"Between two times; several numbers share one when there are more numbers than times"`
	Capacity     int            `json:"capacity" minimum:"1" maximum:"500"`
	Lanes        map[string]int `json:"lanes" required:"false" doc:"Quotas by lane: phone, web, kiosk, onsite, referral, vip; what is left is shared"`
	LaneHours    int            `json:"lane_hours" required:"false" minimum:"0" maximum:"336" doc:"So many hours before the session unused lanes fall to everybody; 0 never"`
	Type         string         `json:"type" enum:"ordinary,expert,special,exam"`
	FeeCents     int64          `json:"fee_cents" minimum:"0"`
	DepartmentID string         `json:"department_id" minLength:"1" maxLength:"64"`
	DoctorID     string         `json:"doctor_id" required:"false" maxLength:"64"`
	ExamID       string         `json:"exam_id" required:"false" maxLength:"64"`
	CampusID     string         `json:"campus_id" required:"false" maxLength:"64"`
	Room         string         `json:"room" required:"false" maxLength:"60"`
	ValidFrom    string         `json:"valid_from" required:"false" maxLength:"10" doc:"ISO date; empty is unlimited"`
	ValidTo      string         `json:"valid_to" required:"false" maxLength:"10"`
	Active       bool           `json:"active"`
}

// TemplateView is a weekly template.
type TemplateView struct {
	TemplateFields
	ID         string    `json:"id"`
	Department string    `json:"department"`
	Doctor     string    `json:"doctor"`
	Exam       string    `json:"exam"`
	Campus     string    `json:"campus"`
	UpdatedAt  time.Time `json:"updated_at"`
}

// TemplateInput creates a template.
type TemplateInput struct{ Body TemplateFields }

// TemplateUpdateInput changes a template.
type TemplateUpdateInput struct {
	ByID
	Body TemplateFields
}

// TemplateQuery narrows templates.
type TemplateQuery struct {
	Department string `query:"department" maxLength:"64"`
	Doctor     string `query:"doctor" maxLength:"64"`
	Exam       string `query:"exam" maxLength:"64"`
	Campus     string `query:"campus" maxLength:"64"`
	OnlyActive bool   `query:"only_active"`
}

// GenerateInput makes sessions of templates.
type GenerateInput struct {
	Body struct {
		From   string `json:"from" maxLength:"10" doc:"ISO date"`
		To     string `json:"to" maxLength:"10" doc:"ISO date, inclusive, 100 days at most"`
		DryRun bool   `json:"dry_run" required:"false" doc:"Only say what would be made"`
	}
}

// GeneratedView says what was made.
type GeneratedView struct {
	Sessions int          `json:"sessions"`
	Numbers  int          `json:"numbers"`
	Existing int          `json:"existing" doc:"Made before and not touched"`
	Skipped  []SkippedDay `json:"skipped"`
	DryRun   bool         `json:"dry_run"`
}

// SkippedDay is a day on which a template was not carried out.
type SkippedDay struct {
	Date       string `json:"date"`
	TemplateID string `json:"template_id" doc:"Empty when it concerns the whole day"`
	Why        string `json:"why" enum:"holiday,makeup_unclear,doctor_busy,equipment_busy"`
}

// SessionPlanFields are a single session and how it is cut into numbers.
type SessionPlanFields struct {
	Version      int64          `json:"version" required:"false" doc:"As read; an older one is refused"`
	Date         string         `json:"date" maxLength:"10"`
	Period       string         `json:"period" enum:"am,pm,evening"`
	Start        string         `json:"start" pattern:"^[0-2][0-9]:[0-5][0-9]$"`
	End          string         `json:"end" pattern:"^[0-2][0-9]:[0-5][0-9]$"`
	DepartmentID string         `json:"department_id" minLength:"1" maxLength:"64"`
	DoctorID     string         `json:"doctor_id" required:"false" maxLength:"64"`
	ExamID       string         `json:"exam_id" required:"false" maxLength:"64"`
	CampusID     string         `json:"campus_id" required:"false" maxLength:"64"`
	Room         string         `json:"room" required:"false" maxLength:"60"`
	Type         string         `json:"type" enum:"ordinary,expert,special,exam"`
	FeeCents     int64          `json:"fee_cents" minimum:"0"`
	SlotMinutes  int            `json:"slot_minutes" minimum:"1" maximum:"480"`
	Capacity     int            `json:"capacity" minimum:"1" maximum:"500" doc:"May grow at any time, shrinks over free numbers only"`
	Lanes        map[string]int `json:"lanes" required:"false" doc:"Of a new session"`
	ReleaseAt    *time.Time     `json:"release_at,omitempty" doc:"By the policy when missing"`
}

// SessionPlanInput creates a session.
type SessionPlanInput struct{ Body SessionPlanFields }

// SessionPlanUpdateInput changes a session.
type SessionPlanUpdateInput struct {
	ByID
	Body SessionPlanFields
}

// CloseSessionInput closes a session (停诊).
type CloseSessionInput struct {
	ByID
	Body struct {
		Reason             string `json:"reason" minLength:"2" maxLength:"200" doc:"Told to the patients"`
		SubstituteDoctorID string `json:"substitute_doctor_id" required:"false" maxLength:"64" doc:"Whose numbers are offered first"`
		OfferReplacements  bool   `json:"offer_replacements" required:"false" doc:"Keep a number elsewhere for each patient"`
		Note               string `json:"note" required:"false" maxLength:"500"`
	}
}

// AffectedView is a patient whom the closing of a session hits.
type AffectedView struct {
	Appointment   AppointmentView  `json:"appointment"`
	RefundedCents int64            `json:"refunded_cents"`
	Replacement   *AppointmentView `json:"replacement,omitempty" doc:"Held for the patient until its expires_at"`
	Notified      bool             `json:"notified"`
}

// ClosedView is what closing a session did.
type ClosedView struct {
	ChangeID      string             `json:"change_id"`
	Session       BookingSessionView `json:"session"`
	Affected      []AffectedView     `json:"affected"`
	RefundedCents int64              `json:"refunded_cents"`
	Notified      int                `json:"notified"`
	Replaced      int                `json:"replaced"`
}

// SubstituteInput names another doctor for a session.
type SubstituteInput struct {
	ByID
	Body struct {
		DoctorID string `json:"doctor_id" minLength:"1" maxLength:"64"`
	}
}

// SwapInput swaps two sessions (换诊).
type SwapInput struct {
	ByID
	Body struct {
		With string `json:"with" minLength:"1" maxLength:"64" doc:"The other session"`
		Mode string `json:"mode" required:"false" enum:"doctors,times" default:"doctors" doc:"doctors: patients keep their time; times: patients keep their doctor"`
	}
}

// AddNumbersInput adds numbers with the doctor's consent (加号).
type AddNumbersInput struct {
	ByID
	Body struct {
		Count     int    `json:"count" minimum:"1" maximum:"20"`
		ConsentBy string `json:"consent_by" minLength:"2" maxLength:"64" doc:"The doctor who agreed"`
		Evidence  string `json:"evidence" minLength:"2" maxLength:"500" doc:"How: by phone at 10:20, a signed sheet"`
	}
}

// SessionChangeView is an entry of a session's history.
type SessionChangeView struct {
	ID      string         `json:"id"`
	Kind    string         `json:"kind" enum:"close,reopen,substitute,swap,added,edit"`
	OtherID string         `json:"other_id" doc:"The session swapped with"`
	At      time.Time      `json:"at"`
	Actor   string         `json:"actor"`
	Reason  string         `json:"reason"`
	Detail  map[string]any `json:"detail"`
}

// ExamExclusion keeps two examinations of one person apart.
type ExamExclusion struct {
	ExamID   string `json:"exam_id" minLength:"1" maxLength:"64" doc:"May be done only so many hours after this one"`
	GapHours int    `json:"gap_hours" minimum:"1" maximum:"2160"`
	Reason   string `json:"reason" required:"false" maxLength:"200"`
}

// ExamFields are an examination that can be booked.
type ExamFields struct {
	Version       int64           `json:"version" required:"false" doc:"As read; an older one is refused"`
	Code          string          `json:"code" minLength:"1" maxLength:"32"`
	Name          string          `json:"name" minLength:"2" maxLength:"60"`
	NameEN        string          `json:"name_en" required:"false" maxLength:"100"`
	DepartmentID  string          `json:"department_id" minLength:"1" maxLength:"64"`
	CampusID      string          `json:"campus_id" required:"false" maxLength:"64"`
	Room          string          `json:"room" required:"false" maxLength:"60"`
	Equipment     string          `json:"equipment" required:"false" maxLength:"60" doc:"Sessions on the same equipment never overlap"`
	Minutes       int             `json:"minutes" minimum:"1" maximum:"480"`
	Preparation   string          `json:"preparation" required:"false" maxLength:"2000"`
	PreparationEN string          `json:"preparation_en" required:"false" maxLength:"4000"`
	Fasting       bool            `json:"fasting" required:"false" doc:"On an empty stomach, in the morning"`
	FeeCents      int64           `json:"fee_cents" minimum:"0"`
	Active        bool            `json:"active"`
	After         []ExamExclusion `json:"after" required:"false" maxItems:"50"`
}

// ExamView is an examination.
type ExamView struct {
	ExamFields
	ID         string    `json:"id"`
	Department string    `json:"department"`
	Campus     string    `json:"campus"`
	UpdatedAt  time.Time `json:"updated_at"`
}

// ExamDefaultView is a common examination that a hospital may take over; it
// adds department, room and fee.
type ExamDefaultView struct {
	Code          string         `json:"code"`
	Name          string         `json:"name"`
	NameEN        string         `json:"name_en"`
	Equipment     string         `json:"equipment"`
	Minutes       int            `json:"minutes"`
	FeeCents      int64          `json:"fee_cents"`
	Fasting       bool           `json:"fasting"`
	Preparation   string         `json:"preparation"`
	PreparationEN string         `json:"preparation_en"`
	After         map[string]int `json:"after" doc:"Codes of examinations that may follow only so many hours later"`
	Taken         bool           `json:"taken" doc:"The house has an examination of this code"`
}

// ExamInput creates an examination.
type ExamInput struct{ Body ExamFields }

// ExamUpdateInput changes an examination.
type ExamUpdateInput struct {
	ByID
	Body ExamFields
}

func (s *Server) routeBookingSchedule() {
	read, plan := needs(identity.BookingRead, identity.BookingSchedule), needs(identity.BookingSchedule)
	const templates, one = "/api/booking/templates", "/api/booking/sessions/{id}"
	get(s, templates, "listBookingTemplates", "Weekly templates", read, s.listTemplates)
	post(s, templates, "createBookingTemplate", "Create a template", plan, s.createTemplate)
	put(s, templates+"/{id}", "updateBookingTemplate", "Change a template; its sessions stay as they are", plan, s.updateTemplate)
	del(s, templates+"/{id}", "deleteBookingTemplate", "Delete a template; its sessions stay", plan, s.deleteTemplate)
	post(s, "/api/booking/generate", "generateBookingSessions", "Make sessions and numbers of the templates", plan, s.generateSessions)
	post(s, "/api/booking/sessions", "createBookingSession", "Create a single session", plan, s.createSession)
	put(s, one, "updateBookingSession", "Change a session", plan, s.updateSession)
	get(s, one+"/affected", "listAffectedAppointments", "Whom closing a session would hit", plan, s.listAffected)
	get(s, one+"/changes", "listSessionChanges", "What was done to a session", read, s.listSessionChanges)
	post(s, one+"/close", "closeBookingSession", "Close a session: cancel, refund, inform, offer replacements", plan, s.closeSession)
	post(s, one+"/reopen", "reopenBookingSession", "Take the closing of a session back", plan, s.reopenSession)
	post(s, one+"/substitute", "substituteBookingSession", "Give a session to another doctor", plan, s.substituteSession)
	post(s, one+"/swap", "swapBookingSessions", "Swap two sessions", plan, s.swapSessions)
	post(s, one+"/added", "addBookingNumbers", "Add numbers with the doctor's consent", plan, s.addNumbers)
	exams := needs(identity.BookingRead, identity.BookingSchedule, identity.DirectoryRead)
	get(s, "/api/booking/exams", "listExams", "Examinations", exams, s.listExams)
	get(s, "/api/booking/exams/defaults", "listExamDefaults", "Common examinations with their preparation, to take over", plan, s.listExamDefaults)
	post(s, "/api/booking/exams", "createExam", "Create an examination", plan, s.createExam)
	get(s, "/api/booking/exams/{id}", "getExam", "An examination", exams, s.getExam)
	put(s, "/api/booking/exams/{id}", "updateExam", "Change an examination", plan, s.updateExam)
	del(s, "/api/booking/exams/{id}", "deleteExam", "Delete an examination that nothing uses", plan, s.deleteExam)
}
