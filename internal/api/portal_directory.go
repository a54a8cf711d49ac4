package api

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"heartline/internal/care/hospital"
	"heartline/internal/platform/errs"
)

func (s *Server) portalInfo(ctx context.Context, _ *None) (*Out[PortalInfo], error) {
	list, err := s.deps.Hospital.Campuses(s.guest(ctx))
	if err != nil {
		return nil, err
	}
	a := s.deps.About
	return out(PortalInfo{Name: a.Name, NameEN: a.NameEN, ServiceNumber: a.ServiceNumber, TimeZone: a.TimeZone, Demo: a.Demo,
		Campuses: mapped(list, campusView)}), nil
}

// directoryOf reads the parts of the directory that name things.
func (s *Server) directoryOf(ctx context.Context) (*nameBook, error) {
	ctx = s.guest(ctx)
	campuses, err := s.deps.Hospital.Campuses(ctx)
	if err != nil {
		return nil, err
	}
	departments, err := s.deps.Hospital.Departments(ctx, "", "")
	if err != nil {
		return nil, err
	}
	doctors, err := s.deps.Hospital.Doctors(ctx, hospital.DoctorFilter{Limit: 500})
	if err != nil {
		return nil, err
	}
	b := &nameBook{campuses: map[string]hospital.Campus{}, departments: map[string]hospital.Department{}, doctors: map[string]hospital.Doctor{}}
	for _, c := range campuses {
		b.campuses[c.ID] = c
	}
	for _, d := range departments {
		b.departments[d.ID] = d
	}
	for _, d := range doctors {
		b.doctors[d.ID] = d
	}
	return b, nil
}

// nameBook finds the public face of what appointments refer to.
type nameBook struct {
	campuses    map[string]hospital.Campus
	departments map[string]hospital.Department
	doctors     map[string]hospital.Doctor
}

// campusOf is the site of a clinic: its own, or that of its department.
func (b *nameBook) campusOf(campusID string, d hospital.Department) hospital.Campus {
	if c, ok := b.campuses[campusID]; ok {
		return c
	}
	return b.campuses[d.CampusID]
}

func (b *nameBook) department(d hospital.Department) PortalDepartment {
	c := b.campuses[d.CampusID]
	return PortalDepartment{ID: d.ID, Name: d.Name, NameEN: d.NameEN, Intro: d.Intro, Floor: d.Floor, Phone: d.Phone, CampusID: d.CampusID,
		Campus: c.Name, Address: c.Address, Transit: c.Transit, Hours: c.Hours}
}

func portalDoctor(d hospital.Doctor) PortalDoctor {
	return PortalDoctor{ID: d.ID, Name: d.Name, Pinyin: d.Pinyin, Title: d.Title, DepartmentID: d.DepartmentID, Department: d.Department,
		Intro: d.Intro, Specialties: some(d.Specialties), Sessions: d.Sessions, FeeCents: d.Fee, Photo: "/api/portal/doctors/" + d.ID + "/photo.svg"}
}

func (s *Server) portalDepartments(ctx context.Context, in *PortalSearch) (*Out[List[PortalDepartment]], error) {
	names, err := s.directoryOf(ctx)
	if err != nil {
		return nil, err
	}
	list, err := s.deps.Hospital.Departments(s.guest(ctx), in.Q, "")
	if err != nil {
		return nil, err
	}
	clinical := list[:0:0]
	for _, d := range list {
		if d.Clinical {
			clinical = append(clinical, d)
		}
	}
	return listOf(clinical, names.department, ""), nil
}

func (s *Server) portalDepartment(ctx context.Context, in *ByID) (*Out[PortalDepartment], error) {
	names, err := s.directoryOf(ctx)
	if err != nil {
		return nil, err
	}
	d, ok := names.departments[in.ID]
	if !ok || !d.Clinical {
		return nil, errs.New(errs.NotFound, "not_found")
	}
	return out(names.department(d)), nil
}

func (s *Server) portalDoctors(ctx context.Context, in *PortalDoctorSearch) (*Out[List[PortalDoctor]], error) {
	list, err := s.deps.Hospital.Doctors(s.guest(ctx), hospital.DoctorFilter{Query: in.Q, DepartmentID: in.Department, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	return listOf(list, portalDoctor, ""), nil
}

func (s *Server) portalDoctor(ctx context.Context, in *ByID) (*Out[PortalDoctor], error) {
	d, err := s.deps.Hospital.Doctor(s.guest(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	return out(portalDoctor(d)), nil
}

func (s *Server) portalDoctorPhoto(ctx context.Context, in *ByID) (*huma.StreamResponse, error) {
	return s.getDoctorPhoto(s.guest(ctx), in)
}
