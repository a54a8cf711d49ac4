package api

import (
	"heartline/internal/platform/identity"
)

// CampusView is one site of the hospital.
type CampusView struct {
	ID      string `json:"id"`
	Code    string `json:"code"`
	Name    string `json:"name"`
	NameEN  string `json:"name_en"`
	Address string `json:"address"`
	Phone   string `json:"phone"`
	Transit string `json:"transit"`
	Hours   string `json:"hours"`
}

// DepartmentView is a department.
type DepartmentView struct {
	ItemMeta
	DepartmentFields
	Campus string `json:"campus" doc:"Its name"`
}

// DepartmentFields are what an administrator may set.
type DepartmentFields struct {
	Version   int64  `json:"version" required:"false" doc:"As read; an older one is refused"`
	Code      string `json:"code" minLength:"1" maxLength:"30"`
	Name      string `json:"name" minLength:"1" maxLength:"100"`
	NameEN    string `json:"name_en" required:"false" maxLength:"100"`
	CampusID  string `json:"campus_id" required:"false" maxLength:"64"`
	ParentID  string `json:"parent_id" required:"false" maxLength:"64"`
	Intro     string `json:"intro" required:"false" maxLength:"4000"`
	Floor     string `json:"floor" required:"false" maxLength:"60"`
	Phone     string `json:"phone" required:"false" maxLength:"30"`
	Extension string `json:"extension" required:"false" maxLength:"20"`
	Clinical  bool   `json:"clinical" required:"false"`
	Position  int    `json:"position" required:"false" minimum:"0" maximum:"100000"`
}

// DepartmentInput creates a department.
type DepartmentInput struct{ Body DepartmentFields }

// DepartmentUpdateInput changes a department.
type DepartmentUpdateInput struct {
	ByID
	Body DepartmentFields
}

// DepartmentQuery finds departments.
type DepartmentQuery struct {
	Q      string `query:"q" maxLength:"60" doc:"Name, pinyin or initials"`
	Campus string `query:"campus" maxLength:"64"`
}

// DoctorView is an expert callers ask for.
type DoctorView struct {
	ID           string   `json:"id"`
	Code         string   `json:"code"`
	Name         string   `json:"name"`
	Pinyin       string   `json:"pinyin"`
	Sex          string   `json:"sex"`
	Title        string   `json:"title" doc:"chief, associate_chief, attending or resident"`
	DepartmentID string   `json:"department_id"`
	Department   string   `json:"department"`
	CampusID     string   `json:"campus_id"`
	Intro        string   `json:"intro"`
	Specialties  []string `json:"specialties"`
	Sessions     string   `json:"sessions" doc:"When they see patients, in words"`
	FeeCents     int64    `json:"fee_cents" doc:"分"`
	Photo        string   `json:"photo" doc:"Address of the drawn portrait"`
}

// DoctorQuery finds doctors.
type DoctorQuery struct {
	Q          string `query:"q" maxLength:"60" doc:"Name, pinyin, initials, department or specialty"`
	Department string `query:"department" maxLength:"64"`
	Campus     string `query:"campus" maxLength:"64"`
	Limit      int    `query:"limit" minimum:"1" maximum:"500" default:"100"`
}

func (s *Server) routeHospital() {
	read, admin := needs(identity.DirectoryRead), needs(identity.AdminUsers, identity.AdminTelephony)
	get(s, "/api/campuses", "listCampuses", "Sites of the hospital", read, s.listCampuses)
	get(s, "/api/departments", "listDepartments", "Departments", read, s.listDepartments)
	get(s, "/api/departments/{id}", "getDepartment", "A department", read, s.getDepartment)
	get(s, "/api/doctors", "listDoctors", "Doctors", read, s.listDoctors)
	get(s, "/api/doctors/{id}", "getDoctor", "A doctor", read, s.getDoctor)
	get(s, "/api/doctors/{id}/photo.svg", "getDoctorPhoto", "Drawn portrait", read, s.getDoctorPhoto, produces("image/svg+xml"))
	get(s, "/api/admin/departments", "adminListDepartments", "Departments", read, s.listDepartments)
	post(s, "/api/admin/departments", "createDepartment", "Create a department", admin, s.createDepartment)
	get(s, "/api/admin/departments/{id}", "adminGetDepartment", "A department", read, s.getDepartment)
	put(s, "/api/admin/departments/{id}", "updateDepartment", "Change a department", admin, s.updateDepartment)
	del(s, "/api/admin/departments/{id}", "deleteDepartment", "Delete a department that nothing uses", admin, s.deleteDepartment)
}
