package api

import (
	"strings"
	"testing"

	"heartline/internal/care/hospital"
	"heartline/internal/platform/identity"
)

func TestDepartmentsAndDoctors(t *testing.T) {
	e := newEnv(t)
	admin := e.as("admin1", identity.RoleAdmin)
	nurse := e.as("nurse", identity.RoleAgent)
	campus, err := e.house.SaveCampus(e.sys(), hospital.Campus{Code: "east", Name: "东院区"})
	if err != nil {
		t.Fatal(err)
	}
	d := read[DepartmentView](admin.do("POST", "/api/admin/departments", map[string]any{"code": "03.04", "name": "心血管内科", "campus_id": campus.ID, "clinical": true}).status(200))
	if d.Campus != "东院区" || d.Version != 1 {
		t.Fatalf("department %+v", d)
	}
	admin.do("POST", "/api/admin/departments", map[string]any{"code": "", "name": "x"}).fails(422, "invalid", "body.code")
	admin.do("PUT", "/api/admin/departments/"+d.ID, map[string]any{"version": 1, "code": "03.04", "name": "心内科", "campus_id": campus.ID}).status(200)
	if a := admin.do("PUT", "/api/admin/departments/"+d.ID, map[string]any{"version": 1, "code": "03.04", "name": "心"}); a.code != 409 {
		t.Fatalf("stale version: %d %s", a.code, a.body)
	}
	doc, err := e.house.SaveDoctor(e.sys(), hospital.Doctor{Code: "D001", Name: "解缙", Sex: "male", Title: hospital.Chief, DepartmentID: d.ID, CampusID: campus.ID,
		Specialties: []string{"冠心病"}, Sessions: "周一上午", Fee: 5000})
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{"", "解缙", "xiejin", "冠心病"} {
		list := read[List[DoctorView]](nurse.get("/api/doctors?q=" + q).status(200)).Items
		if len(list) != 1 || list[0].Department != "心内科" || list[0].FeeCents != 5000 {
			t.Errorf("doctors by %q: %+v", q, list)
		}
	}
	v := read[DoctorView](nurse.get("/api/doctors/" + doc.ID).status(200))
	photo := nurse.get(v.Photo).status(200)
	if photo.header.Get("Content-Type") != "image/svg+xml" || !strings.Contains(string(photo.body), "<svg") ||
		!strings.Contains(photo.header.Get("Content-Security-Policy"), "sandbox") {
		t.Fatalf("photo %v", photo.header)
	}
	admin.do("DELETE", "/api/admin/departments/"+d.ID, nil).status(409)
	if list := read[List[DepartmentView]](nurse.get("/api/departments?q=xnk").status(200)).Items; len(list) != 1 {
		t.Fatalf("departments %+v", list)
	}
	nurse.get("/api/departments/" + d.ID).status(200)
	nurse.get("/api/campuses").status(200)
	nurse.get("/api/doctors/nobody/photo.svg").status(404)
	nurse.get("/api/departments/nobody").status(404)
}
