package demo

import (
	"strings"
	"testing"

	"heartline/internal/care/hospital"
)

// checkNames sees to it that every doctor and every department with clinics is
// spoken by the own name: a changed seed must not make a recording name
// somebody else.
func checkNames(t *testing.T, doctors []hospital.Doctor, departments []hospital.Department) {
	t.Helper()
	texts, err := namesIn("zh-CN")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range doctors {
		if got := texts["doctor_"+strings.ToLower(d.Code)]; got != d.Name+"医生" {
			t.Errorf("doctor %s is %s, the recording says %q", d.Code, d.Name, got)
		}
	}
	for _, d := range departments {
		key := "dept_" + strings.ReplaceAll(strings.ToLower(d.Code), ".", "_")
		if d.Clinical && texts[key] != d.Name {
			t.Errorf("department %s is %s, the recording says %q", d.Code, d.Name, texts[key])
		}
	}
	english, err := namesIn("en")
	if err != nil {
		t.Fatal(err)
	}
	for key := range texts {
		if english[key] == "" {
			t.Errorf("%s is not spoken in English", key)
		}
	}
}
