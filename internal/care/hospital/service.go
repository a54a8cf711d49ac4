package hospital

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"heartline/internal/platform/audit"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/event"
	"heartline/internal/platform/id"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/pinyin"
	"heartline/internal/platform/store"
)

// Changed says that campuses, departments or doctors changed.
type Changed struct {
	Kind string // campus, department, doctor
	ID   string
}

// Service is the directory of the hospital. Reading needs directory.read,
// changing admin.users or admin.telephony.
type Service struct {
	db    *store.DB
	audit *audit.Log
	bus   *event.Bus
	now   func() time.Time
}

// Deps are what the service works with.
type Deps struct {
	DB    *store.DB
	Audit *audit.Log
	Bus   *event.Bus
	Now   func() time.Time
}

// New makes the service.
func New(d Deps) *Service { return &Service{db: d.DB, audit: d.Audit, bus: d.Bus, now: d.Now} }

// The titles of doctors, in the order of rank.
const (
	Chief          = "chief"
	AssociateChief = "associate_chief"
	Attending      = "attending"
	Resident       = "resident"
)

func titles() []string { return []string{Chief, AssociateChief, Attending, Resident} }

// Campuses lists the sites of the hospital.
func (s *Service) Campuses(ctx context.Context) ([]Campus, error) {
	if _, err := identity.Require(ctx, identity.DirectoryRead); err != nil {
		return nil, err
	}
	var out []Campus
	err := s.db.Read(ctx, func(tx *store.Tx) (err error) {
		out, err = listCampuses(ctx, tx)
		return err
	})
	return out, err
}

// Departments lists the departments that fit a query (name or what people
// shorten it to, pinyin, initials, code), best first, or all in their order when it is empty; campusID narrows
// them to one site.
func (s *Service) Departments(ctx context.Context, query, campusID string) ([]Department, error) {
	if _, err := identity.Require(ctx, identity.DirectoryRead); err != nil {
		return nil, err
	}
	var all []Department
	err := s.db.Read(ctx, func(tx *store.Tx) (err error) {
		all, err = listDepartments(ctx, tx, "")
		return err
	})
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(d Department) bool { return campusID != "" && d.CampusID != campusID })
	return rank(all, query, func(d Department) []string {
		return []string{d.Name, d.Pinyin, d.Initials, d.NameEN, d.Code, d.Intro}
	}), nil
}

// Department returns one department.
func (s *Service) Department(ctx context.Context, departmentID string) (Department, error) {
	if _, err := identity.Require(ctx, identity.DirectoryRead); err != nil {
		return Department{}, err
	}
	var out []Department
	err := s.db.Read(ctx, func(tx *store.Tx) (err error) {
		out, err = listDepartments(ctx, tx, departmentID)
		return err
	})
	return one(out, err, "hospital.department_not_found")
}

// Doctors lists the doctors that fit a filter: best matches first, else by
// department and rank.
func (s *Service) Doctors(ctx context.Context, f DoctorFilter) ([]Doctor, error) {
	if _, err := identity.Require(ctx, identity.DirectoryRead); err != nil {
		return nil, err
	}
	var all []Doctor
	err := s.db.Read(ctx, func(tx *store.Tx) (err error) {
		all, err = listDoctors(ctx, tx, "")
		return err
	})
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(d Doctor) bool {
		return (f.DepartmentID != "" && d.DepartmentID != f.DepartmentID) || (f.CampusID != "" && d.CampusID != f.CampusID)
	})
	out := rank(all, f.Query, func(d Doctor) []string {
		return append([]string{d.Name, d.Pinyin, d.Initials, d.Department, d.Code, d.Intro}, d.Specialties...)
	})
	if f.Limit > 0 {
		out = out[:min(len(out), f.Limit)]
	}
	return out, nil
}

// Doctor returns one doctor.
func (s *Service) Doctor(ctx context.Context, doctorID string) (Doctor, error) {
	if _, err := identity.Require(ctx, identity.DirectoryRead); err != nil {
		return Doctor{}, err
	}
	var out []Doctor
	err := s.db.Read(ctx, func(tx *store.Tx) (err error) {
		out, err = listDoctors(ctx, tx, doctorID)
		return err
	})
	return one(out, err, "hospital.doctor_not_found")
}

// Photo draws a doctor's portrait as SVG.
func (s *Service) Photo(ctx context.Context, doctorID string) ([]byte, error) {
	d, err := s.Doctor(ctx, doctorID)
	if err != nil {
		return nil, err
	}
	return Portrait(d.Code+d.Name, d.Sex, d.Title), nil
}

func one[T any](list []T, err error, key string) (T, error) {
	var zero T
	if err != nil {
		return zero, err
	}
	if len(list) == 0 {
		return zero, errs.New(errs.NotFound, key)
	}
	return list[0], nil
}

// rank keeps what fits every word of a query, best first. The first four
// fields count most (name, pinyin, initials, other name); the rest only as
// part of a text.
func rank[T any](all []T, query string, fields func(T) []string) []T {
	words := strings.Fields(strings.ToLower(query))
	if len(words) == 0 {
		return all
	}
	type scored struct {
		v T
		n int
	}
	var out []scored
	for _, v := range all {
		total := 0
		fs := fields(v)
		for _, w := range words {
			n := score(fs, w)
			if n == 0 {
				total = 0
				break
			}
			total += n
		}
		if total > 0 {
			out = append(out, scored{v, total})
		}
	}
	slices.SortStableFunc(out, func(a, b scored) int { return cmp.Compare(b.n, a.n) })
	res := make([]T, len(out))
	for i, o := range out {
		res[i] = o.v
	}
	return res
}

func score(fields []string, word string) int {
	best := 0
	for i, f := range fields {
		f = strings.ToLower(f)
		if i == 1 {
			f = strings.ReplaceAll(f, " ", "")
		}
		n := 0
		switch {
		case f == word:
			n = 100
		case strings.HasPrefix(f, word):
			n = 80
		case i == 2 && len(word) < 2: // one letter inside initials means nothing
		case i != 2 && strings.Contains(f, word):
			n = 50
		case i != 1 && i < 4 && shortens(f, word, i == 2):
			n = 40
		}
		if i > 4 && n > 0 {
			n = 20
		}
		best = max(best, n)
	}
	return best
}

// shortens reports whether a word is how people shorten a name: some of its
// characters in their order, from the first one on (心内科 for 心血管内科), or
// their initials.
func shortens(name, word string, initials bool) bool {
	chars := []rune(word)
	ascii := len(chars) == len(word)
	if len(chars) < 2 || ascii != initials {
		return false
	}
	at := 0
	for i, c := range []rune(name) {
		if at < len(chars) && c == chars[at] {
			at++
		} else if i == 0 {
			return false
		}
	}
	return at == len(chars)
}

// SaveCampus creates (empty id) or changes a campus.
func (s *Service) SaveCampus(ctx context.Context, c Campus) (Campus, error) {
	var f errs.Fields
	code(&f, &c.Code)
	line(&f, "name", &c.Name, 60, true)
	line(&f, "name_en", &c.NameEN, 100, false)
	line(&f, "address", &c.Address, 200, false)
	line(&f, "phone", &c.Phone, 40, false)
	text(&f, "transit", c.Transit)
	text(&f, "hours", c.Hours)
	created := c.ID == ""
	if created {
		c.ID = id.New()
	}
	err := s.save(ctx, "campus", c.ID, f, func(ctx context.Context, tx *store.Tx) error { return putCampus(ctx, tx, c, created) })
	return c, err
}

// CreateDepartment validates and stores a new department.
func (s *Service) CreateDepartment(ctx context.Context, d Department) (Department, error) {
	d.ID = ""
	return s.saveDepartment(ctx, d)
}

// UpdateDepartment validates and stores a changed department; a version other
// than 0 must be the stored one.
func (s *Service) UpdateDepartment(ctx context.Context, d Department) (Department, error) {
	if d.ID == "" {
		return d, errs.New(errs.NotFound, "hospital.department_not_found")
	}
	return s.saveDepartment(ctx, d)
}

// DeleteDepartment removes a department without doctors.
func (s *Service) DeleteDepartment(ctx context.Context, departmentID string) error {
	return s.Delete(ctx, "department", departmentID)
}

func (s *Service) saveDepartment(ctx context.Context, d Department) (Department, error) {
	var f errs.Fields
	code(&f, &d.Code)
	line(&f, "name", &d.Name, 60, true)
	line(&f, "name_en", &d.NameEN, 100, false)
	line(&f, "floor", &d.Floor, 100, false)
	line(&f, "phone", &d.Phone, 40, false)
	line(&f, "extension", &d.Extension, 8, false)
	text(&f, "intro", d.Intro)
	d.Pinyin, d.Initials = readAloud(d.Name, false)
	created := d.ID == ""
	if created {
		d.ID = id.New()
	}
	in := d
	err := s.save(ctx, "department", d.ID, f, func(ctx context.Context, tx *store.Tx) error {
		d = in
		if err := known(ctx, tx, "campus_id", "campuses", d.CampusID); err != nil {
			return err
		}
		if err := known(ctx, tx, "parent_id", "departments", d.ParentID); err != nil {
			return err
		}
		var err error
		if d.Version, err = nextVersion(ctx, tx, "departments", d.ID, d.Version, created); err != nil {
			return err
		}
		d.UpdatedAt = s.now()
		return putDepartment(ctx, tx, d, created)
	})
	return d, err
}

// SaveDoctor creates (empty id) or changes a doctor; a version other than 0
// must be the stored one.
func (s *Service) SaveDoctor(ctx context.Context, d Doctor) (Doctor, error) {
	var f errs.Fields
	checkDoctor(&f, &d)
	created := d.ID == ""
	if created {
		d.ID = id.New()
	}
	in := d
	err := s.save(ctx, "doctor", d.ID, f, func(ctx context.Context, tx *store.Tx) error {
		d = in
		if err := known(ctx, tx, "department_id", "departments", d.DepartmentID); err != nil {
			return err
		}
		if err := known(ctx, tx, "campus_id", "campuses", d.CampusID); err != nil {
			return err
		}
		var err error
		if d.Version, err = nextVersion(ctx, tx, "doctors", d.ID, d.Version, created); err != nil {
			return err
		}
		d.UpdatedAt = s.now()
		return putDoctor(ctx, tx, d, created)
	})
	return d, err
}

func checkDoctor(f *errs.Fields, d *Doctor) {
	code(f, &d.Code)
	line(f, "name", &d.Name, 60, true)
	text(f, "intro", d.Intro)
	line(f, "sessions", &d.Sessions, 200, false)
	if !slices.Contains(titles(), d.Title) {
		f.Add("title", "not_allowed")
	}
	if d.Sex != "male" && d.Sex != "female" && d.Sex != "" {
		f.Add("sex", "not_allowed")
	}
	if d.DepartmentID == "" {
		f.Add("department_id", "required")
	}
	if d.Fee < 0 || d.Fee > 10_000_00 {
		f.Add("fee", "out_of_range")
	}
	if len(d.Specialties) > 30 {
		f.Add("specialties", "too_long")
	}
	for i := range d.Specialties {
		line(f, fmt.Sprintf("specialties[%d]", i), &d.Specialties[i], 60, true)
	}
	d.Pinyin, d.Initials = readAloud(d.Name, true)
}

// Delete removes a campus, department or doctor that nothing belongs to.
func (s *Service) Delete(ctx context.Context, kind, itemID string) error {
	table := map[string]string{"campus": "campuses", "department": "departments", "doctor": "doctors"}[kind]
	if table == "" {
		return errs.InvalidField("kind", "not_allowed")
	}
	return s.save(ctx, kind, itemID, nil, func(ctx context.Context, tx *store.Tx) error { return remove(ctx, tx, kind, table, itemID) })
}

// save checks the right, runs a change with its audit entry and tells the bus.
func (s *Service) save(ctx context.Context, kind, itemID string, f errs.Fields, fn func(context.Context, *store.Tx) error) error {
	who, err := identity.Require(ctx, identity.AdminUsers, identity.AdminTelephony)
	if err != nil {
		return err
	}
	if err := f.Err(); err != nil {
		return err
	}
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		if err := fn(ctx, tx); err != nil {
			return err
		}
		event.PublishTx(tx, s.bus, Changed{Kind: kind, ID: itemID})
		return s.audit.Append(ctx, tx, audit.Entry{At: s.now(), Actor: who.UserID, ActorName: who.Name, Action: kind + ".save",
			Object: kind, ObjectID: itemID, IP: who.IP, RequestID: who.RequestID})
	})
	if store.IsUnique(err) {
		return errs.InvalidField("code", "hospital.code_taken")
	}
	return err
}

// readAloud gives pinyin and initials of a name; titles like 科 have no surname.
func readAloud(name string, person bool) (full, initials string) {
	rs := pinyin.Readings(name)
	if len(rs) == 0 {
		return strings.ToLower(name), ""
	}
	if person {
		return rs[0].Full(), rs[0].Initials()
	}
	return pinyin.Plain(name)
}

var codePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$`)

func code(f *errs.Fields, s *string) {
	*s = strings.TrimSpace(*s)
	if !codePattern.MatchString(*s) {
		f.Add("code", "hospital.code_invalid")
	}
}

func line(f *errs.Fields, path string, s *string, limit int, required bool) {
	*s = strings.TrimSpace(*s)
	switch {
	case *s == "" && required:
		f.Add(path, "required")
	case utf8.RuneCountInString(*s) > limit:
		f.Add(path, "too_long")
	case !utf8.ValidString(*s) || strings.ContainsFunc(*s, unicode.IsControl):
		f.Add(path, "bad_characters")
	}
}

func text(f *errs.Fields, path, s string) {
	if utf8.RuneCountInString(s) > 5000 {
		f.Add(path, "too_long")
	}
	if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
		f.Add(path, "bad_characters")
	}
}
