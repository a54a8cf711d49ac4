package api

import (
	"slices"
	"strings"
	"testing"

	"heartline/internal/platform/identity"
)

func newPatient(c *client, name, phone string) Patient {
	c.e.t.Helper()
	return read[Patient](c.do("POST", "/api/patients", map[string]any{"name": name, "sex": "female", "birth_date": "1985-03-04",
		"phones": []any{map[string]any{"number": phone, "primary": true}}, "allergies": []string{"青霉素"}}).status(200))
}

func TestPatientsLife(t *testing.T) {
	e := newEnv(t)
	c := e.as("nurse", identity.RoleAgent)
	p := newPatient(c, "曾小贤", "13812345678")
	if p.Version != 1 || p.Code == "" || p.Age < 40 || len(p.Phones) != 1 || !strings.HasPrefix(p.Pinyin, "zeng") {
		t.Fatalf("created %+v", p)
	}
	for _, q := range []string{"曾小贤", "zengxiaoxian", "zxx", "13812345678", "+86 138 1234 5678", p.Code} {
		if hits := read[List[PatientHit]](c.get("/api/patients?q=" + strings.ReplaceAll(strings.ReplaceAll(q, "+", "%2B"), " ", "%20")).status(200)).Items; len(hits) != 1 || hits[0].ID != p.ID || hits[0].Match == "" {
			t.Errorf("search %q: %+v", q, hits)
		}
	}
	path := "/api/patients/" + p.ID
	q := read[Patient](c.do("PATCH", path, map[string]any{"version": 1, "occupation": "教师", "vip": true}).status(200))
	if q.Version != 2 || q.Occupation != "教师" || !q.VIP || q.Name != p.Name || len(q.Phones) != 1 || q.Phones[0].Number != p.Phones[0].Number {
		t.Fatalf("changed %+v", q)
	}
	c.do("PATCH", path, map[string]any{"version": 1, "notes": "x"}).fails(409, "patient.version_conflict")
	c.do("PATCH", path, map[string]any{"version": 2, "birth_date": "2999-01-01"}).status(422)
	c.do("PATCH", path, map[string]any{"version": 2, "phones": []any{map[string]any{"id": p.Phones[0].ID, "type": "home"},
		map[string]any{"number": "02788880000"}}}).status(200)
	if q = read[Patient](c.get(path).status(200)); len(q.Phones) != 2 || !slices.ContainsFunc(q.Phones, func(x PhoneView) bool { return x.Number == "13812345678" && x.Type == "home" }) {
		t.Fatalf("phones %+v", q.Phones)
	}
	c.get(path + "/timeline?kinds=call&family=true").status(200)
	c.get(path + "/family").status(200)
	c.get("/api/patients/nobody").status(404)
	c.do("POST", "/api/patients", map[string]any{"name": "甲", "identifiers": []any{map[string]any{"type": "id_card", "value": "440308199901101513"}}}).
		fails(422, "invalid", "body.identifiers[0].value")
	for _, action := range []string{"patient.create", "patient.view", "patient.update"} {
		if !slices.Contains(e.audited(), action) {
			t.Errorf("%s is not audited: %v", action, e.audited())
		}
	}
}

func TestMaskingAndReveal(t *testing.T) {
	e := newEnv(t)
	full := e.as("nurse", identity.RoleAgent)
	p := read[Patient](full.do("POST", "/api/patients", map[string]any{"name": "曾小贤", "phones": []any{map[string]any{"number": "13812345678"}},
		"identifiers": []any{map[string]any{"type": "id_card", "value": "440308199901101512"}}, "email": "zeng@example.org"}).status(200))
	reader := e.with("reader", identity.PatientRead)
	path := "/api/patients/" + p.ID
	for _, a := range []*answer{reader.get(path).status(200), reader.get("/api/patients?q=13812345678").status(200)} {
		for _, secret := range []string{"曾小贤", "13812345678", "440308199901101512", "zeng@example.org"} {
			if strings.Contains(string(a.body), secret) {
				t.Errorf("%s shows %s", a.what, secret)
			}
		}
	}
	reader.do("POST", path+"/reveal", map[string]any{"field": "name", "reason": "核对身份"}).fails(403, "auth.denied")
	if strings.Contains(string(full.get(path).body), "440308199901101512") {
		t.Error("a document number is shown without a reason")
	}
	v := read[Revealed](full.do("POST", path+"/reveal", map[string]any{"field": "identifier:" + p.Identifiers[0].ID, "reason": "核对身份"}).status(200))
	if v.Value != "440308199901101512" {
		t.Fatalf("revealed %+v", v)
	}
	full.do("POST", path+"/reveal", map[string]any{"field": "name", "reason": ""}).fails(422, "invalid", "body.reason")
	full.do("POST", path+"/reveal", map[string]any{"field": "password", "reason": "why not"}).fails(422, "invalid", "body.field")
	if !slices.Contains(e.audited(), "patient.reveal") {
		t.Error("not audited")
	}
}

func TestHostilePatients(t *testing.T) {
	e := newEnv(t)
	c := e.as("nurse", identity.RoleAgent)
	for _, q := range []string{"%27%20OR%201=1%20--", "%25", "_", "%00", "%ff%fe", strings.Repeat("a", 100), "%E5%BC%A0%2A", "%22%28%29%2A"} {
		if a := c.get("/api/patients?q=" + q); a.code >= 500 {
			t.Errorf("search %s: %d %s", q, a.code, a.body)
		}
	}
	for _, body := range []string{
		`{"name":"<script>alert(1)</script>"}`, `{"name":"` + strings.Repeat("张", 100) + `"}`, `{"name":"a","allergies":[""]}`,
		`{"name":"a","phones":[{"number":"999999999999999999999"}]}`, `{"name":"a","guardian_id":"nobody"}`, `{"name":"a","address":null}`,
		`{"name":"\u0000\u0001"}`, `{"name":"a","notes":"\ud800"}`,
	} {
		if a := c.do("POST", "/api/patients", body); a.code >= 500 {
			t.Errorf("%s: %d %s", body, a.code, a.body)
		}
	}
}
