package api

import (
	"net/http"
	"time"
)

// PortalCodeInput asks for a sign-in code by SMS.
type PortalCodeInput struct {
	Body struct {
		Phone string `json:"phone" minLength:"1" maxLength:"30"`
		Lang  string `json:"lang,omitempty" enum:"zh-CN,en" doc:"Language of the message"`
	}
}

// PortalCodeSent is the same for known and unknown numbers.
type PortalCodeSent struct {
	ResendSeconds int `json:"resend_seconds" doc:"When another code may be asked for"`
	ValidSeconds  int `json:"valid_seconds"`
}

// PortalSignInInput proves a telephone number.
type PortalSignInInput struct {
	Body struct {
		Phone string `json:"phone" minLength:"1" maxLength:"30"`
		Code  string `json:"code" minLength:"1" maxLength:"12"`
		Lang  string `json:"lang,omitempty" enum:"zh-CN,en"`
	}
}

// PortalSessionOut answers sign-in and carries the portal's own cookie.
type PortalSessionOut struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
	Body      PortalMe
}

// PortalSignOutInput ends this session or all.
type PortalSignOutInput struct {
	Body struct {
		Everywhere bool `json:"everywhere,omitempty" doc:"End the sessions of all browsers"`
	}
}

// PortalMe is the account that is signed in.
type PortalMe struct {
	Phone      string         `json:"phone" doc:"Masked"`
	Lang       string         `json:"lang"`
	Members    []PortalMember `json:"members"`
	MaxMembers int            `json:"max_members"`
}

// PortalMember is a person whom the account acts for.
type PortalMember struct {
	ID           string    `json:"id"`
	Name         string    `json:"name"`
	Relation     string    `json:"relation" enum:"self,spouse,child,parent,other"`
	DocumentType string    `json:"document_type"`
	Document     string    `json:"document" doc:"Masked; empty for a child under a parent's document"`
	BirthDate    string    `json:"birth_date"`
	Sex          string    `json:"sex" enum:"male,female"`
	Verified     bool      `json:"verified" doc:"False until the desk has seen the document"`
	CreatedAt    time.Time `json:"created_at"`
}

// PortalMemberInput adds a person.
type PortalMemberInput struct {
	Body struct {
		Name       string `json:"name" minLength:"1" maxLength:"100"`
		Relation   string `json:"relation" enum:"self,spouse,child,parent,other"`
		IDType     string `json:"id_type" enum:"id_card,passport,hk_macao,taiwan,residence,newborn"`
		IDNumber   string `json:"id_number,omitempty" maxLength:"40"`
		BirthDate  string `json:"birth_date,omitempty" maxLength:"10"`
		Sex        string `json:"sex,omitempty" enum:"male,female,"`
		GuardianID string `json:"guardian_id,omitempty" maxLength:"64" doc:"A member; for a child without a document"`
	}
}

// PortalInfo is what everybody may know of the hospital.
type PortalInfo struct {
	Name          string       `json:"name"`
	NameEN        string       `json:"name_en"`
	ServiceNumber string       `json:"service_number"`
	TimeZone      string       `json:"time_zone"`
	Demo          bool         `json:"demo"`
	Campuses      []CampusView `json:"campuses"`
}

// PortalDepartment is a department as patients see it.
type PortalDepartment struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	NameEN   string `json:"name_en"`
	Intro    string `json:"intro"`
	Floor    string `json:"floor"`
	Phone    string `json:"phone"`
	CampusID string `json:"campus_id"`
	Campus   string `json:"campus"`
	Address  string `json:"address"`
	Transit  string `json:"how_to_get_there"`
	Hours    string `json:"hours"`
}

// PortalDoctor is an expert as patients see them.
type PortalDoctor struct {
	ID           string   `json:"id"`
	Name         string   `json:"name"`
	Pinyin       string   `json:"pinyin"`
	Title        string   `json:"title" doc:"chief, associate_chief, attending or resident"`
	DepartmentID string   `json:"department_id"`
	Department   string   `json:"department"`
	Intro        string   `json:"intro"`
	Specialties  []string `json:"specialties"`
	Sessions     string   `json:"sessions" doc:"When they see patients, in words"`
	FeeCents     int64    `json:"fee_cents"`
	Photo        string   `json:"photo"`
}

// PortalSearch finds departments.
type PortalSearch struct {
	Q string `query:"q" maxLength:"60" doc:"Name, pinyin or initials"`
}

// PortalDoctorSearch finds doctors.
type PortalDoctorSearch struct {
	Q          string `query:"q" maxLength:"60" doc:"Name, pinyin, initials, department or specialty"`
	Department string `query:"department" maxLength:"64"`
	Limit      int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

func (s *Server) routePortal() {
	open, own := public(), portalOnly()
	get(s, "/api/portal/info", "portalInfo", "The hospital, its sites and the way there", open, s.portalInfo)
	get(s, "/api/portal/departments", "portalDepartments", "Departments", open, s.portalDepartments)
	get(s, "/api/portal/departments/{id}", "portalDepartment", "A department", open, s.portalDepartment)
	get(s, "/api/portal/doctors", "portalDoctors", "Doctors", open, s.portalDoctors)
	get(s, "/api/portal/doctors/{id}", "portalDoctor", "A doctor", open, s.portalDoctor)
	get(s, "/api/portal/doctors/{id}/photo.svg", "portalDoctorPhoto", "Drawn portrait", open, s.portalDoctorPhoto, produces("image/svg+xml"))

	post(s, "/api/portal/code", "portalCode", "Send a sign-in code by SMS", open, s.portalCode)
	post(s, "/api/portal/sign-in", "portalSignIn", "Sign in with the code", open, s.portalSignIn)
	post(s, "/api/portal/sign-out", "portalSignOut", "Sign out here or everywhere", own, s.portalSignOut)
	get(s, "/api/portal/me", "portalMe", "The account and its people", own, s.portalMe)
	post(s, "/api/portal/members", "portalAddMember", "Add a person", own, s.portalAddMember)
	del(s, "/api/portal/members/{id}", "portalRemoveMember", "Take a person off the account", own, s.portalRemoveMember)
	s.routePortalBooking()
	s.routePortalStaff()
}
