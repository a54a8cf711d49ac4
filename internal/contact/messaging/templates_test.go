package messaging

import (
	"errors"
	"strings"
	"testing"

	"heartline/internal/platform/errs"
)

// TestShippedTemplates: each is right in itself, says something with its
// samples and with the least that is known, and is no longer than needed.
func TestShippedTemplates(t *testing.T) {
	for _, k := range Kinds() {
		for _, lang := range Langs() {
			text := shipped(k.Name, lang)
			full, err := k.render(text, lang, k.samples(lang))
			if err != nil {
				t.Errorf("%s %s: %v", k.Name, lang, err)
				continue
			}
			least := map[string]string{}
			for _, p := range k.Params {
				if !p.Optional {
					least[p.Name] = p.Sample[lang]
				}
			}
			short, err := k.render(text, lang, least)
			if err != nil || strings.ContainsAny(short, "{}[]") || len(short) > len(full) {
				t.Errorf("%s %s: %q, %v", k.Name, lang, short, err)
			}
			if p := NewPreview(full); p.Segments > 3 || lang == "en" && p.Encoding != "gsm7" {
				t.Errorf("%s %s: %d segments in %s", k.Name, lang, p.Segments, p.Encoding)
			}
			if !strings.Contains(full, k.samples(lang)["hospital"]) {
				t.Errorf("%s %s does not say who writes", k.Name, lang)
			}
		}
	}
}

// TestExaminationsAreNamed: every message about a visit says which examination,
// in the language of its reader, and stays short with it.
func TestExaminationsAreNamed(t *testing.T) {
	exams := map[string]string{"zh-CN": "上消化道钡餐造影", "en": "Upper GI barium meal"}
	departments := map[string]string{"zh-CN": "医学影像科", "en": "Medical imaging"}
	for _, k := range Kinds() {
		if _, ok := k.param("exam"); !ok {
			continue
		}
		for lang, exam := range exams {
			all := Outgoing{Params: k.samples("zh-CN"), English: map[string]string{"exam": exams["en"], "department": departments["en"], "campus": ""}}
			if lang == "en" { // the rest of an English message has no Chinese in it either
				all.Params = k.samples("en")
			}
			all.Params["exam"], all.Params["department"], all.Params["doctor"] = exams["zh-CN"], departments["zh-CN"], ""
			text, err := k.render(shipped(k.Name, lang), lang, all.spoken(lang))
			if err != nil || strings.Count(text, exam) != 1 || !strings.Contains(text, departments[lang]) {
				t.Errorf("%s %s: %q, %v", k.Name, lang, text, err)
			}
			limit := 2
			if len(k.samples(lang)["visits"]) > 0 || k.Name == "booking.session_closed" {
				limit = 3
			}
			if p := NewPreview(text); p.Segments > limit || lang == "en" && p.Encoding != "gsm7" {
				t.Errorf("%s %s: %d segments in %s: %s", k.Name, lang, p.Segments, p.Encoding, text)
			}
		}
	}
}

func TestTemplateChecks(t *testing.T) {
	k, _ := kindOf("booking.booked")
	for text, key := range map[string]string{
		"":                         "validation.required",
		"{name":                    "message.template_brackets",
		"name}":                    "message.template_brackets",
		"[{doctor}":                "message.template_brackets",
		"{doctor}]":                "message.template_brackets",
		"[a[b]]":                   "message.template_brackets",
		"{}":                       "message.template_brackets",
		"{na me}":                  "message.template_brackets",
		"{diagnosis}":              "message.param_unknown",
		"{doctor}":                 "message.param_optional",
		"a\x07":                    "message.text_invalid",
		strings.Repeat("a", 701):   "message.text_invalid",
		"{name}[，{doctor}]{date}。": "",
	} {
		_, err := k.check(text)
		var e *errs.Error
		if key == "" {
			if err != nil {
				t.Errorf("%q: %v", text, err)
			}
			continue
		}
		if !errors.As(err, &e) || e.Key != key && (len(e.Fields) != 1 || e.Fields[0].Key != key) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestValuesCannotForge: a name that holds brackets, lines or a signature
// stays a name on one line.
func TestValuesCannotForge(t *testing.T) {
	k, _ := kindOf(KindCode)
	got, err := k.render("{hospital}|{code}|{minutes}|{hotline}", "zh-CN", map[string]string{"hospital": "a{code}[b]", "code": "1\n2\u202e3", "minutes": strings.Repeat("长", 500), "hotline": "x"})
	if err != nil {
		t.Fatal(err)
	}
	if want := "a{code}[b]|1 2 3|" + strings.Repeat("长", maxValue) + "|x"; got != want {
		t.Fatalf("%q", got)
	}
}

func TestEditingTemplates(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		edit := Template{Name: "booking.booked", Lang: "zh-CN", Version: 1, Text: "【{hospital}】{name}，{date}{time}见[，{doctor}]。", Enabled: true}
		saved, err := r.s.SaveTemplate(r.sys(), edit)
		if err != nil || saved.Version != 2 {
			t.Fatalf("%+v, %v", saved, err)
		}
		if _, err := r.s.SaveTemplate(r.sys(), edit); !errs.Is(err, errs.Conflict) {
			t.Fatalf("an old version was saved: %v", err)
		}
		id := r.must(Outgoing{PatientID: "p1", Template: "booking.booked", Params: visit()})
		if m := r.until(id, StateSent); m.Version != 2 || m.Text != "【爱心医院】张三，3月16日（周一）09:30见。" {
			t.Fatalf("%+v", m)
		}
		saved.Enabled = false
		if _, err := r.s.SaveTemplate(r.sys(), saved); err != nil {
			t.Fatal(err)
		}
		off := r.must(Outgoing{PatientID: "p1", Template: "booking.booked", Params: visit()})
		if m := r.get(off); m.State != StateFailed || m.Reason != ReasonDisabled {
			t.Fatalf("%+v", m)
		}
		versions, err := r.s.Versions(r.sys(), "booking.booked", "zh-CN")
		if err != nil || len(versions) != 3 || versions[0].Version != 3 || versions[2].Version != 1 {
			t.Fatalf("%+v, %v", versions, err)
		}
		all, err := r.s.Templates(r.sys())
		if err != nil || len(all) != len(Kinds())*len(Langs()) {
			t.Fatalf("%d, %v", len(all), err)
		}
		p, err := r.s.PreviewTemplate(r.sys(), "booking.booked", "zh-CN", edit.Text, map[string]string{"doctor": "王医生"})
		if err != nil || p.Text != "【爱心医院】张三，3月16日（周一）09:30见，王医生。" || p.Segments != 1 {
			t.Fatalf("%+v, %v", p, err)
		}
		if _, err := r.s.PreviewTemplate(r.sys(), "booking.booked", "zh-CN", "{x}", nil); err == nil {
			t.Fatal("an unknown parameter was shown")
		}
	})
}

func TestNumbers(t *testing.T) {
	for in, want := range map[string]string{
		"13812345678": "13812345678", "+86 138 1234 5678": "13812345678", "8613812345678": "13812345678", "008613812345678": "13812345678",
		"013812345678": "13812345678", "１３８12345678": "13812345678", "+4915112345678": "+4915112345678", "004915112345678": "+4915112345678",
		"": "", "96166": "", "02788880000": "", "12812345678": "", "+0123456789": "", "+1": "", "138123456789": "",
	} {
		got, ok := Number(in)
		if !ok {
			got = ""
		}
		if got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{"13812345678": "138****5678", "": "", "110": "110", "12345": "**345"} {
		if got := Mask(in); got != want {
			t.Errorf("%q is masked as %q", in, got)
		}
	}
}
