package api

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"heartline/internal/contact/acd"
	"heartline/internal/contact/call"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/identity"
)

func prefixes(t *testing.T, s string) []netip.Prefix {
	t.Helper()
	if s == "" {
		return nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		t.Fatal(err)
	}
	return []netip.Prefix{p}
}

func TestSecurityHeadersEverywhere(t *testing.T) {
	e := newEnv(t)
	c := e.anonymous()
	for _, path := range []string{"/", "/desk", "/api/about", "/api/none", "/healthz", "/api/docs", "/assets/index-BX2a9_qd.js"} {
		h := c.get(path).header
		csp := h.Get("Content-Security-Policy")
		if !strings.Contains(csp, "script-src 'self';") || strings.Contains(csp, "unsafe-eval") || !strings.Contains(csp, "frame-ancestors 'none'") {
			t.Errorf("%s: CSP %q", path, csp)
		}
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin"} {
			if h.Get(name) != want {
				t.Errorf("%s: %s = %q", path, name, h.Get(name))
			}
		}
		if !strings.Contains(h.Get("Permissions-Policy"), "microphone=(self)") || len(h.Get("X-Request-Id")) != 36 {
			t.Errorf("%s: %v", path, h)
		}
	}
	if got := c.get("/api/about").header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("API answers may be cached: %q", got)
	}
}

func TestWebApplication(t *testing.T) {
	e := newEnv(t)
	c := e.anonymous()
	index := c.get("/").status(200)
	if index.header.Get("Cache-Control") != "no-store" || !bytes.Contains(index.body, []byte("Heartline")) {
		t.Errorf("index: %v", index.header)
	}
	for _, path := range []string{"/desk", "/calls/0192", "/admin/users"} {
		if a := c.get(path).status(200); !bytes.Equal(a.body, index.body) {
			t.Errorf("%s is not the application", path)
		}
	}
	js := c.get("/assets/index-BX2a9_qd.js").status(200)
	if !strings.Contains(js.header.Get("Cache-Control"), "immutable") || !strings.HasPrefix(js.header.Get("Content-Type"), "text/javascript") {
		t.Errorf("asset: %v", js.header)
	}
	c.get("/assets/_plugin-vue-Ab12_cd.js").status(200)
	if got := c.get("/favicon.svg").status(200).header.Get("Cache-Control"); got != "no-cache" {
		t.Errorf("file without a hash: %q", got)
	}
	c.get("/assets/gone-BX2a9_qd.js").fails(404, "not_found")
	c.get("/../../etc/passwd").status(307) // to the clean address, which the application answers
	c.get("/%2e%2e/%2e%2e/etc/passwd.txt").fails(404, "not_found")
	c.do("POST", "/desk", nil).fails(405, "request.method")
	req := c.request("GET", "/assets/index-BX2a9_qd.js", nil)
	req.Header.Set("If-None-Match", js.header.Get("ETag"))
	c.send(req).status(304)
}

func TestGzip(t *testing.T) {
	e := newEnv(t)
	admin := e.as("admin1", identity.RoleAdmin)
	for _, path := range []string{"/api/openapi.json", "/api/admin/roles", "/assets/index-BX2a9_qd.js"} {
		req := admin.request("GET", path, nil)
		req.Header.Set("Accept-Encoding", "br, gzip;q=0.5")
		resp, err := (&http.Transport{DisableCompression: true}).RoundTrip(withCookie(req, admin))
		if err != nil {
			t.Fatal(err)
		}
		if resp.Header.Get("Content-Encoding") != "gzip" || !strings.Contains(resp.Header.Get("Vary"), "Accept-Encoding") {
			t.Errorf("%s: %v", path, resp.Header)
		}
		z, err := gzip.NewReader(resp.Body)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		got, err := io.ReadAll(z)
		_ = resp.Body.Close()
		if err != nil || !bytes.Equal(got, admin.get(path).body) {
			t.Errorf("%s: another content when compressed (%v)", path, err)
		}
	}
	for header, want := range map[string]bool{"": false, "gzip": true, "gzip;q=0": false, "gzip; q=0": false, "br": false, "GZIP": true} {
		if acceptsGzip(header) != want {
			t.Errorf("Accept-Encoding %q", header)
		}
	}
}

func withCookie(r *http.Request, c *client) *http.Request {
	r.AddCookie(&http.Cookie{Name: cookieName, Value: c.cookie()})
	return r
}

func TestHealthAndMetrics(t *testing.T) {
	var ready error
	e := newEnv(t, func(d *Deps) { d.Ready = func(context.Context) error { return ready } })
	c := e.anonymous()
	c.get("/healthz").status(200)
	c.get("/readyz").status(200)
	ready = errors.New("database away")
	if a := c.get("/readyz").status(503); bytes.Contains(a.body, []byte("database")) {
		t.Errorf("readyz tells internals: %s", a.body)
	}
	e.phone.put(call.LiveCall{ID: "c1", Stage: "talking"})
	e.floor.set(acd.State{Queues: []acd.QueueLive{{Queue: "q1", Waiting: 3}}, Agents: []acd.AgentLive{{Agent: "a", State: acd.Ready}}})
	c.get("/api/about").status(200)
	body := string(c.get("/metrics").status(200).body)
	for _, want := range []string{`heartline_http_requests_total{operation="about",status="200"} 1`, `heartline_calls_live{stage="talking"} 1`,
		`heartline_queue_waiting{queue="q1"} 3`, `heartline_agents{state="ready"} 1`, "go_goroutines", `heartline_http_requests_total{operation="readyz",status="503"} 1`} {
		if !strings.Contains(body, want) {
			t.Errorf("metrics lack %s", want)
		}
	}
}

func TestDocumentationIsLocal(t *testing.T) {
	e := newEnv(t)
	c := e.anonymous()
	page := c.get("/api/docs").status(200)
	for _, file := range []string{"/api/docs/docs.js", "/api/docs/docs.css"} {
		if !bytes.Contains(page.body, []byte(file)) {
			t.Errorf("page lacks %s", file)
		}
		if a := c.get(file).status(200); bytes.Contains(a.body, []byte("https://")) {
			t.Errorf("%s reaches out", file)
		}
	}
	if bytes.Contains(page.body, []byte("https://")) || bytes.Contains(page.body, []byte("<script>")) {
		t.Error("the page reaches out or carries inline script")
	}
	c.get("/api/docs/..%2f..%2fdoc.go").fails(404, "not_found")
	spec := c.get("/api/openapi.json").status(200)
	want, err := Spec()
	if err != nil || !bytes.Equal(spec.body, want) {
		t.Errorf("served specification differs: %v", err)
	}
}

func TestUnknownAddresses(t *testing.T) {
	e := newEnv(t)
	c := e.anonymous()
	c.get("/api/none").fails(404, "not_found")
	c.do("PATCH", "/api/about", nil).fails(404, "not_found")
	c.get("/api/about?verbose=1").fails(422, "invalid", "query.verbose")
}

func TestHostileBodies(t *testing.T) {
	e := newEnv(t)
	c := e.as("admin1", identity.RoleAdmin)
	deep := strings.Repeat(`{"a":`, 20000) + "1" + strings.Repeat("}", 20000)
	for name, x := range map[string]struct {
		body string
		want int
	}{
		"empty":           {"", 400},
		"null":            {"null", 422},
		"array":           {"[]", 422},
		"number":          {"1e999", 400},
		"cut":             {`{"code":`, 400},
		"deep":            {deep, 0},
		"wrong types":     {`{"code":1,"name":[],"enabled":"yes"}`, 422},
		"too long":        {`{"code":"` + strings.Repeat("a", 5000) + `","name":"x","enabled":true}`, 422},
		"too large":       {`{"code":"` + strings.Repeat("a", 300<<10) + `"}`, 413},
		"not UTF-8":       {"{\"code\":\"\xff\xfe\",\"name\":\"x\",\"enabled\":true}", 422},
		"unknown field":   {`{"code":"a","name":"x","enabled":true,"is_admin":true}`, 422},
		"control":         {`{"code":"a","name":"\u0000","enabled":true}`, 0},
		"sql":             {`{"code":"a'; DROP TABLE users;--","name":"x","enabled":true}`, 422},
		"duplicate field": {`{"code":"a","code":"b","name":"x","enabled":true}`, 0},
	} {
		a := c.do("POST", "/api/admin/reasons", x.body)
		if a.code >= 500 || x.want != 0 && a.code != x.want {
			t.Errorf("%s: %d %s", name, a.code, a.body)
		}
	}
	req := c.request("POST", "/api/admin/reasons", `<x/>`)
	req.Header.Set("Content-Type", "application/xml")
	c.send(req).fails(415, "request.media_type")
	for _, path := range []string{"/api/calls?from=yesterday", "/api/calls?limit=0", "/api/calls?limit=9999999999999999999999", "/api/calls?outcome=won",
		"/api/calls?cursor=%00", "/api/calls?from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z", "/api/reports/summary?from=1900-01-01T00:00:00Z",
		"/api/reports/intervals?interval=1s", "/api/admin/audit?cursor=-1", "/api/patients/x/timeline?cursor=%ff"} {
		if a := c.get(path); a.code < 400 || a.code >= 500 {
			t.Errorf("%s: %d %s", path, a.code, a.body)
		}
	}
}

func TestPanicsAreAnsweredAndLogged(t *testing.T) {
	e := newEnv(t)
	e.api.plain("GET /api/panic", "panic", func(http.ResponseWriter, *http.Request) { panic("boom with 13800000000") })
	a := e.anonymous().get("/api/panic").fails(500, "internal")
	if bytes.Contains(a.body, []byte("boom")) {
		t.Errorf("body tells: %s", a.body)
	}
	if !strings.Contains(e.logged.String(), `"operation":"panic"`) {
		t.Error("not logged")
	}
}

func TestInternalErrorsStayInside(t *testing.T) {
	e := newEnv(t)
	c := e.as("nurse", identity.RoleAgent)
	e.phone.failWith(errors.New("dial tcp 10.0.0.1: secret detail"))
	if a := c.do("POST", "/api/desk/calls/x/answer", nil).fails(500, "internal"); bytes.Contains(a.body, []byte("secret")) {
		t.Errorf("body tells: %s", a.body)
	}
	for kind, status := range map[errs.Kind]int{errs.NotFound: 404, errs.Conflict: 409, errs.Limited: 429, errs.Unavailable: 503, errs.TooLarge: 413, errs.Invalid: 422} {
		e.phone.failWith(errs.New(kind, "call.some_key", "n", 3))
		if p := read[Problem](c.do("POST", "/api/desk/calls/x/answer", nil).fails(status, "call.some_key")); p.Params["n"] != 3.0 {
			t.Errorf("params %v", p.Params)
		}
	}
}

func TestLogHoldsNoPersonalData(t *testing.T) {
	e := newEnv(t)
	c := e.as("nurse", identity.RoleAgent)
	c.get("/api/patients?q=13812345678")
	c.do("POST", "/api/patients", map[string]any{"name": "欧阳秘密", "phones": []map[string]any{{"number": "13812345678"}}})
	c.do("POST", "/api/desk/dial", map[string]any{"to": "13812345678"})
	c.get("/calls/13812345678")
	log := e.logged.String()
	for _, secret := range []string{"13812345678", "欧阳秘密", password, c.cookie()} {
		if strings.Contains(log, secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
	if !strings.Contains(log, `"operation":"findPatients"`) || !strings.Contains(log, c.user.ID) {
		t.Error("the log lacks operation or user")
	}
}

func TestBodyTimeLimits(t *testing.T) {
	e := newEnv(t)
	srv := HTTPServer(e.api, e.deps.Log)
	if srv.ReadHeaderTimeout == 0 || srv.ReadTimeout == 0 || srv.WriteTimeout == 0 || srv.IdleTimeout == 0 {
		t.Fatal("a slow client could hold a connection for ever")
	}
	rec := httptest.NewRecorder() // a writer that can neither flush deadlines nor hijack
	r := httptest.NewRequest("GET", "/api/live", nil)
	e.api.ServeHTTP(rec, r)
	if rec.Code != 401 {
		t.Fatalf("live without session: %d", rec.Code)
	}
}
