package api

import (
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

func TestEachApplicationHasItsPage(t *testing.T) {
	e := newEnv(t)
	c := e.anonymous()
	for path, want := range map[string]string{
		"/portal": "Portal", "/portal/": "Portal", "/portal/departments/0192": "Portal", "/portal.html": "Portal",
		"/kiosk": "Kiosk", "/kiosk/check-in": "Kiosk", "/kiosk.html": "Kiosk",
		"/": "Heartline", "/portals": "Heartline", "/desk/portal": "Heartline", "/index.html": "Heartline",
	} {
		a := c.get(path).status(200)
		if !strings.Contains(string(a.body), "<title>"+want+"</title>") {
			t.Errorf("%s answers %s", path, a.body)
		}
		if got := a.header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s may be cached: %q", path, got)
		}
		if got := a.header.Get("Content-Type"); got != "text/html; charset=utf-8" {
			t.Errorf("%s is %q", path, got)
		}
	}
	c.get("/portal/assets/x.js").fails(404, "not_found")
	c.get("/other.html").fails(404, "not_found")
}

func TestPagesOfACheckoutWithoutABuild(t *testing.T) {
	h := newStatic(fstest.MapFS{"index.html": {Data: []byte("build me")}})
	for _, path := range []string{"/", "/portal", "/portal/me", "/kiosk", "/desk"} {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), "GET", path, nil))
		if rec.Code != 200 || rec.Body.String() != "build me" {
			t.Errorf("%s: %d %s", path, rec.Code, rec.Body)
		}
	}
}
