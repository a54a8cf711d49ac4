package api

import (
	"net/http"
	"time"

	"heartline/internal/platform/identity"
)

// KioskView is one self-service machine.
type KioskView struct {
	ID        string     `json:"id"`
	Version   int64      `json:"version"`
	Name      string     `json:"name"`
	Place     string     `json:"place"`
	CampusID  string     `json:"campus_id"`
	Printer   string     `json:"printer" doc:"Address of its receipt printer on the network; empty when the browser prints"`
	Active    bool       `json:"active"`
	SeenAt    *time.Time `json:"seen_at,omitempty" doc:"When it was last at work"`
	CreatedAt time.Time  `json:"created_at"`
	Token     string     `json:"token,omitempty" doc:"By which the machine signs in; shown once"`
}

// KioskFields are what an administrator may set.
type KioskFields struct {
	Version  int64  `json:"version" required:"false" doc:"As read; an older one is refused"`
	Name     string `json:"name" minLength:"1" maxLength:"100"`
	Place    string `json:"place" required:"false" maxLength:"100"`
	CampusID string `json:"campus_id" required:"false" maxLength:"64"`
	Printer  string `json:"printer" required:"false" maxLength:"100" doc:"Host, or host:port; port 9100 when absent"`
	Active   *bool  `json:"active,omitempty" doc:"True when absent"`
}

// KioskCreateInput adds a machine.
type KioskCreateInput struct{ Body KioskFields }

// KioskUpdateInput changes a machine.
type KioskUpdateInput struct {
	ByID
	Body KioskFields
}

// KioskSignInInput signs a machine in.
type KioskSignInInput struct {
	Body struct {
		Token string `json:"kiosk_token" minLength:"10" maxLength:"100"`
	}
}

// KioskSessionOut answers sign-in and carries the machine's cookie.
type KioskSessionOut struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
	Body      KioskSessionView
}

// KioskSessionView is a machine and who stands in front of it.
type KioskSessionView struct {
	Name        string        `json:"name"`
	Place       string        `json:"place"`
	Campus      string        `json:"campus"`
	Hospital    string        `json:"hospital"`
	HospitalEN  string        `json:"hospital_en"`
	TimeZone    string        `json:"time_zone"`
	Now         time.Time     `json:"now"`
	IdleSeconds int           `json:"idle_seconds" doc:"A turn ends after so long without a touch"`
	Printer     bool          `json:"printer" doc:"Slips go to a receipt printer of its own"`
	Patient     *KioskPatient `json:"patient,omitempty"`
}

// KioskPatient is who is identified, as little as they need to recognise
// themselves.
type KioskPatient struct {
	Name           string   `json:"name" doc:"Masked"`
	Sex            string   `json:"sex"`
	Age            int      `json:"age"`
	Allergies      []string `json:"allergies"`
	HasPIN         bool     `json:"has_pin"`
	Proved         bool     `json:"proved" doc:"They know the PIN, so their card may be shown"`
	AvailableCents int64    `json:"available_cents" doc:"On the prepaid card; 0 unless proved"`
}

// KioskIdentifyInput is what a patient typed.
type KioskIdentifyInput struct {
	Body struct {
		By    string `json:"by" enum:"id_card,code,account"`
		Value string `json:"value" minLength:"4" maxLength:"40" doc:"Document number, appointment code, or phone or customer code"`
		PIN   string `json:"pin,omitempty" maxLength:"6"`
	}
}

// KioskAppointment is a visit as its patient sees it.
type KioskAppointment struct {
	ID          string           `json:"id"`
	Code        string           `json:"code"`
	Seq         int              `json:"seq"`
	Date        string           `json:"date"`
	StartAt     time.Time        `json:"start_at"`
	EndAt       time.Time        `json:"end_at"`
	State       string           `json:"state"`
	Type        string           `json:"type"`
	FeeCents    int64            `json:"fee_cents"`
	Paid        bool             `json:"paid"`
	QueueNumber int              `json:"queue_number" doc:"0 before check-in"`
	CanCheckIn  bool             `json:"can_check_in"`
	CheckInWhy  *EligibilityNote `json:"check_in_why,omitempty" doc:"Why the patient cannot check in today, who could have"`
	Doctor      string           `json:"doctor"`
	DoctorTitle string           `json:"doctor_title"`
	KioskPlace
}

// KioskPlace is the way to a department.
type KioskPlace struct {
	DepartmentID string `json:"department_id"`
	Department   string `json:"department"`
	DepartmentEN string `json:"department_en"`
	Campus       string `json:"campus"`
	CampusEN     string `json:"campus_en"`
	Address      string `json:"address"`
	Transit      string `json:"transit"`
	Hours        string `json:"hours"`
	Floor        string `json:"floor" doc:"Building and floor, as the directory says"`
	Room         string `json:"room"`
	Phone        string `json:"phone"`
	Here         bool   `json:"here" doc:"On the campus of this machine"`
}

// KioskSlip is the paper given at check-in.
type KioskSlip struct {
	Appointment KioskAppointment `json:"appointment"`
	PDF         string           `json:"pdf" doc:"Address of the slip as PDF"`
	ESCPOS      string           `json:"escpos" doc:"Address of the slip for a receipt printer"`
}

// KioskClinic is a session that can be booked here.
type KioskClinic struct {
	ID          string    `json:"id"`
	Date        string    `json:"date"`
	Period      string    `json:"period"`
	StartAt     time.Time `json:"start_at"`
	EndAt       time.Time `json:"end_at"`
	Doctor      string    `json:"doctor"`
	DoctorTitle string    `json:"doctor_title"`
	Type        string    `json:"type"`
	FeeCents    int64     `json:"fee_cents"`
	Free        int       `json:"free"`
	KioskPlace
}

// KioskTimetableQuery narrows the timetable.
type KioskTimetableQuery struct {
	Department string `query:"department" maxLength:"64"`
	Days       int    `query:"days" minimum:"1" maximum:"14" default:"7"`
}

// KioskBookInput books a visit.
type KioskBookInput struct {
	Body struct {
		Key       string `json:"key" minLength:"8" maxLength:"64"`
		SessionID string `json:"session_id" minLength:"1" maxLength:"64"`
		UseCard   bool   `json:"use_card" required:"false" doc:"Pay from the prepaid card; needs the PIN"`
		PIN       string `json:"pin,omitempty" maxLength:"6"`
	}
}

// KioskPINInput proves by the PIN who somebody is.
type KioskPINInput struct {
	Body struct {
		PIN string `json:"pin" pattern:"^[0-9]{6}$"`
	}
}

// KioskPrintInput prints a slip.
type KioskPrintInput struct {
	ByID
	Body struct {
		Lang string `json:"lang" enum:"zh-CN,en"`
	}
}

// KioskCard is the patient's prepaid card.
type KioskCard struct {
	AvailableCents int64             `json:"available_cents"`
	HeldCents      int64             `json:"held_cents"`
	Entries        []LedgerEntryView `json:"entries" doc:"The latest 10"`
}

// KioskGuideQuery finds the way.
type KioskGuideQuery struct {
	Department string `query:"department" maxLength:"64"`
}

// kioskOnly opens an operation to signed-in machines and to nobody else.
func kioskOnly() access { return access{declared: true, kiosk: true} }

func (s *Server) routeKiosk() {
	admin, machine := needs(identity.KioskAdmin), kioskOnly()
	get(s, "/api/kiosks", "listKiosks", "Self-service machines", admin, s.listKiosks)
	post(s, "/api/kiosks", "createKiosk", "Add a machine; its token is shown once", admin, s.createKiosk)
	put(s, "/api/kiosks/{id}", "updateKiosk", "Change a machine", admin, s.updateKiosk)
	post(s, "/api/kiosks/{id}/token", "renewKioskToken", "Give a machine another token and sign it out", admin, s.renewKioskToken)

	post(s, "/api/kiosk/session", "kioskSignIn", "Sign a machine in", public(), s.kioskSignIn)
	get(s, "/api/kiosk/session", "kioskSession", "This machine and who stands in front of it", machine, s.kioskSession)
	del(s, "/api/kiosk/session", "kioskSignOut", "Sign this machine out", machine, s.kioskSignOut)
	post(s, "/api/kiosk/identify", "kioskIdentify", "Begin a patient's turn", machine, s.kioskIdentify)
	post(s, "/api/kiosk/touch", "kioskTouch", "Somebody is still here", machine, s.kioskTouch)
	post(s, "/api/kiosk/leave", "kioskLeave", "End the patient's turn", machine, s.kioskLeave)
	get(s, "/api/kiosk/appointments", "kioskAppointments", "The patient's visits of today and later", machine, s.kioskAppointments)
	post(s, "/api/kiosk/appointments", "kioskBook", "Book a visit for the patient", machine, s.kioskBook)
	post(s, "/api/kiosk/check-in/{id}", "kioskCheckIn", "Check in", machine, s.kioskCheckIn)
	get(s, "/api/kiosk/slips/{id}/slip.pdf", "kioskSlipPdf", "Number slip as PDF", machine, s.kioskSlipPDF, produces("application/pdf"))
	get(s, "/api/kiosk/slips/{id}/slip.escpos", "kioskSlipEscpos", "Number slip for a receipt printer", machine, s.kioskSlipESCPOS, produces("application/octet-stream"))
	get(s, "/api/kiosk/slips/{id}/code.svg", "kioskSlipCode", "QR code of the appointment's code", machine, s.kioskSlipCode, produces("image/svg+xml"))
	post(s, "/api/kiosk/slips/{id}/print", "kioskPrintSlip", "Print the number slip on the machine's own printer", machine, s.kioskPrintSlip)
	get(s, "/api/kiosk/timetable", "kioskTimetable", "What can be booked here", machine, s.kioskTimetable)
	post(s, "/api/kiosk/pin", "kioskPin", "Prove by the PIN who one is", machine, s.kioskPIN)
	get(s, "/api/kiosk/card", "kioskCard", "The patient's prepaid card, after proof by PIN", machine, s.kioskCard)
	get(s, "/api/kiosk/guide", "kioskGuide", "The way to departments", machine, s.kioskGuide)
}
