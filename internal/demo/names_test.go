package demo

import (
	"path"
	"strings"
	"testing"

	"heartline/internal/care/hospital"
	"heartline/internal/contact/media/mediatest"
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

// TestNamesAreSpoken listens to the recordings, as they come out of a
// telephone.
func TestNamesAreSpoken(t *testing.T) {
	for _, lang := range []string{"zh-CN", "en"} {
		texts, err := namesIn(lang)
		if err != nil {
			t.Fatal(err)
		}
		if len(texts) < 100 {
			t.Errorf("%s: %d names only", lang, len(texts))
		}
		for key, said := range texts {
			b, err := files.ReadFile(path.Join("data/prompts", lang, key+".wav"))
			if err != nil {
				t.Error(err)
				continue
			}
			if wrong := mediatest.Faults(b, said, lang); len(wrong) > 0 {
				t.Errorf("%s/%s is %s", lang, key, strings.Join(wrong, ", "))
			}
		}
	}
}
