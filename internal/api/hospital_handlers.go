package api

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"heartline/internal/care/hospital"
	"heartline/internal/platform/identity"
)

func campusView(c hospital.Campus) CampusView {
	return CampusView{ID: c.ID, Code: c.Code, Name: c.Name, NameEN: c.NameEN, Address: c.Address, Phone: c.Phone, Transit: c.Transit, Hours: c.Hours}
}

func doctorView(d hospital.Doctor) DoctorView {
	return DoctorView{ID: d.ID, Code: d.Code, Name: d.Name, Pinyin: d.Pinyin, Sex: d.Sex, Title: d.Title, DepartmentID: d.DepartmentID,
		Department: d.Department, CampusID: d.CampusID, Intro: d.Intro, Specialties: some(d.Specialties), Sessions: d.Sessions, FeeCents: d.Fee,
		Photo: "/api/doctors/" + d.ID + "/photo.svg"}
}

func departmentView(d hospital.Department, campuses map[string]string) DepartmentView {
	return DepartmentView{
		ItemMeta: ItemMeta{ID: d.ID, CreatedAt: utc(d.UpdatedAt), UpdatedAt: utc(d.UpdatedAt)}, Campus: campuses[d.CampusID],
		DepartmentFields: DepartmentFields{Version: d.Version, Code: d.Code, Name: d.Name, NameEN: d.NameEN, CampusID: d.CampusID, ParentID: d.ParentID,
			Intro: d.Intro, Floor: d.Floor, Phone: d.Phone, Extension: d.Extension, Clinical: d.Clinical, Position: d.Position},
	}
}

func (f DepartmentFields) department(departmentID string) hospital.Department {
	return hospital.Department{ID: departmentID, Version: f.Version, Code: f.Code, Name: f.Name, NameEN: f.NameEN, CampusID: f.CampusID,
		ParentID: f.ParentID, Intro: f.Intro, Floor: f.Floor, Phone: f.Phone, Extension: f.Extension, Clinical: f.Clinical, Position: f.Position}
}

// campusNames are the names of the sites by id, for those who may see the
// directory.
func (s *Server) campusNames(ctx context.Context) (map[string]string, error) {
	if _, err := identity.Require(ctx, identity.DirectoryRead); err != nil {
		return nil, nil
	}
	list, err := s.deps.Hospital.Campuses(ctx)
	if err != nil {
		return nil, err
	}
	names := make(map[string]string, len(list))
	for _, c := range list {
		names[c.ID] = c.Name
	}
	return names, nil
}

// departmentNames are the names of departments by code, for those who may
// see the directory.
func (s *Server) departmentNames(ctx context.Context) map[string]string {
	names := map[string]string{}
	if s.deps.Hospital == nil {
		return names
	}
	if _, err := identity.Require(ctx, identity.DirectoryRead); err != nil {
		return names
	}
	list, err := s.deps.Hospital.Departments(ctx, "", "")
	if err != nil {
		s.log.Warn("departments", "request_id", requestID(ctx), "error", err)
	}
	for _, d := range list {
		names[d.Code] = d.Name
	}
	return names
}

func (s *Server) listCampuses(ctx context.Context, _ *None) (*Out[List[CampusView]], error) {
	list, err := s.deps.Hospital.Campuses(ctx)
	if err != nil {
		return nil, err
	}
	return listOf(list, campusView, ""), nil
}

func (s *Server) listDepartments(ctx context.Context, in *DepartmentQuery) (*Out[List[DepartmentView]], error) {
	list, err := s.deps.Hospital.Departments(ctx, in.Q, in.Campus)
	if err != nil {
		return nil, err
	}
	names, err := s.campusNames(ctx)
	if err != nil {
		return nil, err
	}
	return listOf(list, func(d hospital.Department) DepartmentView { return departmentView(d, names) }, ""), nil
}

// departmentOut answers with a department, or the error.
func (s *Server) departmentOut(ctx context.Context, d hospital.Department, err error) (*Out[DepartmentView], error) {
	if err != nil {
		return nil, err
	}
	names, err := s.campusNames(ctx)
	if err != nil {
		return nil, err
	}
	return out(departmentView(d, names)), nil
}

func (s *Server) getDepartment(ctx context.Context, in *ByID) (*Out[DepartmentView], error) {
	d, err := s.deps.Hospital.Department(ctx, in.ID)
	return s.departmentOut(ctx, d, err)
}

func (s *Server) createDepartment(ctx context.Context, in *DepartmentInput) (*Out[DepartmentView], error) {
	d, err := s.deps.Hospital.CreateDepartment(ctx, in.Body.department(""))
	return s.departmentOut(ctx, d, err)
}

func (s *Server) updateDepartment(ctx context.Context, in *DepartmentUpdateInput) (*Out[DepartmentView], error) {
	d, err := s.deps.Hospital.UpdateDepartment(ctx, in.Body.department(in.ID))
	return s.departmentOut(ctx, d, err)
}

func (s *Server) deleteDepartment(ctx context.Context, in *ByID) (*Empty, error) {
	return nil, s.deps.Hospital.DeleteDepartment(ctx, in.ID)
}

func (s *Server) listDoctors(ctx context.Context, in *DoctorQuery) (*Out[List[DoctorView]], error) {
	list, err := s.deps.Hospital.Doctors(ctx, hospital.DoctorFilter{Query: in.Q, DepartmentID: in.Department, CampusID: in.Campus, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	return listOf(list, doctorView, ""), nil
}

func (s *Server) getDoctor(ctx context.Context, in *ByID) (*Out[DoctorView], error) {
	d, err := s.deps.Hospital.Doctor(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return out(doctorView(d)), nil
}

// getDoctorPhoto gives the drawn portrait. It may not run scripts, whatever
// it holds.
func (s *Server) getDoctorPhoto(ctx context.Context, in *ByID) (*huma.StreamResponse, error) {
	svg, err := s.deps.Hospital.Photo(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hctx huma.Context) {
		hctx.SetHeader("Content-Type", "image/svg+xml")
		hctx.SetHeader("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
		hctx.SetHeader("Cache-Control", "private, max-age=86400")
		_, _ = hctx.BodyWriter().Write(svg)
	}}, nil
}
