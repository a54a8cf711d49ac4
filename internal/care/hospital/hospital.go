// Package hospital is the public face of a hospital: campuses, departments
// and doctors with their introductions, session times and drawn portraits,
// and how to find them by name, pinyin, initials or department.
//
// It holds no schedules to book from and no patients.
package hospital

import "time"

// Campus is one site of the hospital.
type Campus struct {
	ID       string
	Code     string
	Name     string
	NameEN   string
	Address  string
	Phone    string
	Transit  string // how to get there
	Hours    string
	Position int
}

// Department is a clinical or service department.
type Department struct {
	ID        string
	Version   int64
	Code      string // national catalogue code or the hospital's own
	Name      string
	NameEN    string
	CampusID  string
	ParentID  string
	Intro     string
	Floor     string
	Phone     string
	Extension string
	Clinical  bool
	Position  int
	Pinyin    string
	Initials  string
	UpdatedAt time.Time
}

// Doctor is an expert callers ask for.
type Doctor struct {
	ID           string
	Version      int64
	Code         string // staff number
	Name         string
	Pinyin       string
	Initials     string
	Sex          string
	Title        string // chief, associate_chief, attending, resident
	DepartmentID string
	Department   string // its name, filled on reading
	CampusID     string
	Intro        string
	Specialties  []string
	Sessions     string // "周一上午、周四下午"
	Fee          int64  // 分
	UserID       string
	UpdatedAt    time.Time
}

// DoctorFilter narrows a list of doctors; zero fields do not.
type DoctorFilter struct {
	Query        string // name, pinyin, initials, department, specialty
	DepartmentID string
	CampusID     string
	Limit        int
}
