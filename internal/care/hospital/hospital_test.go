package hospital

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"heartline/internal/platform/audit"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/event"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
	"heartline/internal/platform/store/storetest"
)

type fixture struct {
	*Service
	ctx  context.Context
	db   *store.DB
	main string // campus
}

func newFixture(t *testing.T, db *store.DB) fixture {
	t.Helper()
	bus := event.NewBus()
	t.Cleanup(bus.Close)
	now := func() time.Time { return time.Date(2026, 11, 20, 2, 0, 0, 0, time.UTC) }
	f := fixture{New(Deps{DB: db, Audit: audit.New(now), Bus: bus, Now: now}), identity.System(t.Context(), "test"), db, ""}
	c, err := f.SaveCampus(f.ctx, Campus{Code: "main", Name: "本部"})
	if err != nil {
		t.Fatal(err)
	}
	f.main = c.ID
	return f
}

func (f fixture) department(t *testing.T, code, name, en string) Department {
	t.Helper()
	d, err := f.CreateDepartment(f.ctx, Department{Code: code, Name: name, NameEN: en, CampusID: f.main, Clinical: true})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (f fixture) doctor(t *testing.T, code, name, title string, dept Department, specialties ...string) Doctor {
	t.Helper()
	d, err := f.SaveDoctor(f.ctx, Doctor{Code: code, Name: name, Title: title, DepartmentID: dept.ID, CampusID: f.main, Specialties: specialties})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func hasField(err error, path string) bool {
	var e *errs.Error
	if !errors.As(err, &e) {
		return false
	}
	for _, f := range e.Fields {
		if f.Path == path {
			return true
		}
	}
	return false
}

func TestDirectoryIsFoundByAnyKey(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		f := newFixture(t, db)
		heart := f.department(t, "03.04", "心血管内科", "Cardiology")
		bone := f.department(t, "04.03", "骨科", "Orthopaedics")
		f.department(t, "07", "儿科", "Paediatrics")
		f.doctor(t, "D1", "曾小贤", Attending, heart, "高血压")
		f.doctor(t, "D2", "单国强", Chief, heart, "冠心病")
		f.doctor(t, "D3", "张伟", Chief, bone, "膝骨关节炎")
		for q, want := range map[string]string{"心血管": "心血管内科", "xinxueguan": "心血管内科", "xxgnk": "心血管内科", "gk": "骨科", "guke": "骨科",
			"Ortho": "骨科", "03.04": "心血管内科", "儿": "儿科", "心内": "心血管内科", "心内科": "心血管内科", "xnk": "心血管内科", "xn": "心血管内科"} {
			got, err := f.Departments(f.ctx, q, "")
			if err != nil || len(got) == 0 || got[0].Name != want {
				t.Errorf("%s: %v %v, want %s", q, got, err, want)
			}
		}
		for q, want := range map[string]string{"曾小贤": "曾小贤", "zengxiaoxian": "曾小贤", "zxx": "曾小贤", "shan guo": "单国强", "sgq": "单国强",
			"冠心病": "单国强", "骨科": "张伟", "骨科 zhang": "张伟", "膝骨": "张伟", "心内科 曾": "曾小贤"} {
			got, err := f.Doctors(f.ctx, DoctorFilter{Query: q})
			if err != nil || len(got) == 0 || got[0].Name != want {
				t.Errorf("%s: %v %v, want %s", q, got, err, want)
			}
		}
		inHeart, err := f.Doctors(f.ctx, DoctorFilter{DepartmentID: heart.ID})
		if err != nil || len(inHeart) != 2 || inHeart[0].Title != Chief || inHeart[0].Department != "心血管内科" {
			t.Errorf("doctors of a department: %+v %v", inHeart, err)
		}
		for _, q := range []string{"血内", "xk心", "ktn", "Cdl"} {
			if got, err := f.Departments(f.ctx, q, ""); err != nil || len(got) != 0 {
				t.Errorf("%s found %v, %v", q, got, err)
			}
		}
		for _, q := range []string{"不存在", "zzz", "'; --", "%", "骨科 曾小贤"} {
			if got, err := f.Doctors(f.ctx, DoctorFilter{Query: q}); err != nil || len(got) != 0 {
				t.Errorf("%s found %v, %v", q, got, err)
			}
		}
		if got, err := f.Departments(f.ctx, "", "elsewhere"); err != nil || len(got) != 0 {
			t.Errorf("departments of another campus: %v %v", got, err)
		}
	})
}

func TestChangesAreCheckedAndAudited(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		f := newFixture(t, db)
		d := f.department(t, "07", "儿科", "Paediatrics")
		stale := d
		d.Floor = "1层"
		d, err := f.UpdateDepartment(f.ctx, d)
		if err != nil || d.Version != 2 {
			t.Fatalf("%+v %v", d, err)
		}
		if _, err := f.UpdateDepartment(f.ctx, stale); !errs.Is(err, errs.Conflict) {
			t.Errorf("a stale form overwrote a newer one: %v", err)
		}
		f.doctor(t, "D1", "张伟", Chief, d)
		if err := f.DeleteDepartment(f.ctx, d.ID); !errs.Is(err, errs.Conflict) {
			t.Errorf("deleted a department with doctors: %v", err)
		}
		if err := f.Delete(f.ctx, "campus", f.main); !errs.Is(err, errs.Conflict) {
			t.Errorf("deleted a campus with departments: %v", err)
		}
		for name, c := range map[string]struct {
			err  func() error
			path string
		}{
			"twice":    {func() error { _, e := f.CreateDepartment(f.ctx, Department{Code: "07", Name: "x"}); return e }, "code"},
			"no name":  {func() error { _, e := f.CreateDepartment(f.ctx, Department{Code: "1"}); return e }, "name"},
			"bad code": {func() error { _, e := f.CreateDepartment(f.ctx, Department{Code: "a b", Name: "x"}); return e }, "code"},
			"bad campus": {func() error {
				_, e := f.CreateDepartment(f.ctx, Department{Code: "1", Name: "x", CampusID: "?"})
				return e
			}, "campus_id"},
			"title": {func() error {
				_, e := f.SaveDoctor(f.ctx, Doctor{Code: "9", Name: "x", Title: "king", DepartmentID: d.ID})
				return e
			}, "title"},
			"no department": {func() error { _, e := f.SaveDoctor(f.ctx, Doctor{Code: "9", Name: "x", Title: Chief}); return e }, "department_id"},
			"fee": {func() error {
				_, e := f.SaveDoctor(f.ctx, Doctor{Code: "9", Name: "x", Title: Chief, DepartmentID: d.ID, Fee: -1})
				return e
			}, "fee"},
			"control": {func() error { _, e := f.SaveCampus(f.ctx, Campus{Code: "x", Name: "a\x00b"}); return e }, "name"},
		} {
			if err := c.err(); !hasField(err, c.path) {
				t.Errorf("%s: %v", name, err)
			}
		}
		reader := identity.With(t.Context(), identity.Principal{UserID: "r", Permissions: map[identity.Permission]bool{identity.DirectoryRead: true}})
		if _, err := f.SaveCampus(reader, Campus{Code: "x", Name: "x"}); !errs.Is(err, errs.Denied) {
			t.Errorf("a reader changed the directory: %v", err)
		}
		if _, err := f.Doctors(t.Context(), DoctorFilter{}); !errs.Is(err, errs.Unknown) {
			t.Errorf("nobody read the directory: %v", err)
		}
		if n, err := audit.Verify(f.ctx, db); err != nil || n != 4 {
			t.Errorf("%d audit entries, %v", n, err)
		}
	})
}

func TestPortraitsAreSoundAndVaried(t *testing.T) {
	seen := map[string]bool{}
	for i := range 200 {
		seed := strings.Repeat("x", i%7) + string(rune('a'+i%26)) + string(rune(0x4e00+i))
		for _, sex := range []string{"male", "female", ""} {
			svg := Portrait(seed, sex, Chief)
			if !bytes.Equal(svg, Portrait(seed, sex, Chief)) {
				t.Fatal("the same doctor looks different twice")
			}
			seen[string(svg)] = true
			d := xml.NewDecoder(bytes.NewReader(svg))
			for {
				tok, err := d.Token()
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatalf("not well-formed: %v", err)
				}
				if e, ok := tok.(xml.StartElement); ok && (e.Name.Local == "script" || e.Name.Local == "text" || e.Name.Local == "image") {
					t.Fatalf("portrait holds <%s>", e.Name.Local)
				}
			}
		}
	}
	if len(seen) < 390 { // an unknown sex is drawn as male
		t.Errorf("only %d different faces of 400", len(seen))
	}
	if evil := Portrait(`"/><script>`, `"><script>`, "x"); bytes.Contains(evil, []byte("script")) {
		t.Error("a name reached the drawing")
	}
}
