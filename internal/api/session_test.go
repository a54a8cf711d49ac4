package api

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"heartline/internal/platform/identity"
)

func TestSignInGivesCookieAndRights(t *testing.T) {
	e := newEnv(t)
	c := e.as("nurse", identity.RoleAgent)
	a := c.get("/api/session").status(200)
	v := read[SessionView](a)
	if v.User.Login != "nurse" || !slices.Contains(v.Permissions, "call.handle") || slices.Contains(v.Permissions, "admin.users") || v.ExpiresAt.Before(time.Now()) {
		t.Fatalf("session %+v", v)
	}
	fresh := e.anonymous()
	a = fresh.do("POST", "/api/session", map[string]any{"login": "NURSE", "password": password}).status(200)
	cookie := a.header.Get("Set-Cookie")
	for _, part := range []string{cookieName + "=", "HttpOnly", "SameSite=Lax", "Path=/"} {
		if !strings.Contains(cookie, part) {
			t.Errorf("cookie lacks %s: %s", part, cookie)
		}
	}
	if strings.Contains(cookie, "Secure") {
		t.Error("a Secure cookie over plain HTTP would be lost")
	}
	if strings.Contains(string(a.body), fresh.cookie()) {
		t.Error("the token is in the body")
	}
	fresh.do("DELETE", "/api/session", nil).status(204)
	fresh.get("/api/session").fails(401, "auth.required")
	c.get("/api/session").status(200)
}

func TestSignInRefusals(t *testing.T) {
	e := newEnv(t)
	e.as("nurse", identity.RoleAgent)
	c := e.anonymous()
	c.do("POST", "/api/session", map[string]any{"login": "nurse", "password": "wrong-password-1"}).fails(401, "auth.invalid")
	c.do("POST", "/api/session", map[string]any{"login": "nobody", "password": "wrong-password-1"}).fails(401, "auth.invalid")
	c.do("POST", "/api/session", map[string]any{"login": "nurse"}).fails(422, "invalid", "body.password")
	c.do("POST", "/api/session", map[string]any{"login": "nurse", "password": "x", "role": "admin"}).fails(422, "invalid", "body.role")
	c.do("POST", "/api/session", "{").fails(400, "request.malformed")
	for range 4 {
		c.do("POST", "/api/session", map[string]any{"login": "nurse", "password": "wrong-password-1"})
	}
	p := read[Problem](c.do("POST", "/api/session", map[string]any{"login": "nurse", "password": password}).fails(429, "auth.paused"))
	if p.Params["seconds"].(float64) < 1 {
		t.Fatalf("params %v", p.Params)
	}
}

func TestCrossSiteRequestsAreRefused(t *testing.T) {
	e := newEnv(t, func(d *Deps) { d.Origins = []string{"https://call.example.org"} })
	c := e.as("nurse", identity.RoleAgent)
	for _, x := range []struct {
		what, method, header, origin, site string
		want                               int
	}{
		{"no header", "POST", "", "", "", 403},
		{"wrong header", "POST", "yes", "", "", 403},
		{"other origin", "POST", "1", "https://evil.example", "", 403},
		{"null origin", "POST", "1", "null", "", 403},
		{"cross-site by fetch metadata", "POST", "1", "", "cross-site", 403},
		{"sibling host", "POST", "1", "https://evil.example.org", "same-site", 403},
		{"reading needs no header", "GET", "", "https://evil.example", "cross-site", 200},
		{"own origin", "POST", "1", e.server.URL, "same-origin", 200},
		{"configured origin", "POST", "1", "https://call.example.org", "cross-site", 200},
		{"no browser", "POST", "1", "", "", 200},
	} {
		path := "/api/desk"
		if x.method == "POST" {
			path = "/api/desk/sign-out"
		}
		req := c.request(x.method, path, nil)
		req.Header.Del(csrfHeader)
		for name, v := range map[string]string{csrfHeader: x.header, "Origin": x.origin, "Sec-Fetch-Site": x.site} {
			if v != "" {
				req.Header.Set(name, v)
			}
		}
		if a := c.send(req); a.code != x.want {
			t.Errorf("%s: %d, want %d: %s", x.what, a.code, x.want, a.body)
		}
	}
}

func TestPasswordHasToBeChangedFirst(t *testing.T) {
	e := newEnv(t)
	admin := e.as("admin1", identity.RoleAdmin)
	u := read[UserView](admin.do("POST", "/api/admin/users", map[string]any{"login": "newbie", "name": "新人", "password": password,
		"roles": []string{"agent"}, "must_change_password": true}).status(200))
	if !u.MustChange || !u.Active {
		t.Fatalf("user %+v", u)
	}
	c := e.anonymous()
	v := read[SessionView](c.do("POST", "/api/session", map[string]any{"login": "newbie", "password": password}).status(200))
	if !v.MustChange {
		t.Fatal("must_change_password is not said")
	}
	c.get("/api/desk").fails(403, "auth.password_change_required")
	c.do("PUT", "/api/session/password", map[string]any{"current": "nope-nope-nope", "new": "another-lantern-7"}).fails(422, "invalid", "body.current")
	c.do("PUT", "/api/session/password", map[string]any{"current": password, "new": "short"}).fails(422, "invalid", "body.new")
	c.do("PUT", "/api/session/password", map[string]any{"current": password, "new": "another-lantern-7"}).status(204)
	c.get("/api/desk").status(200)
}

func TestSecondFactorOverHTTP(t *testing.T) {
	e := newEnv(t)
	c := e.as("nurse", identity.RoleAgent)
	setup := read[TOTPSetup](c.do("POST", "/api/session/totp", nil).status(200))
	if !strings.HasPrefix(setup.QR, "data:image/png;base64,") {
		t.Fatalf("qr %.40s", setup.QR)
	}
	code, err := totp.GenerateCode(setup.Secret, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	codes := read[RecoveryCodes](c.do("PUT", "/api/session/totp", map[string]any{"code": code}).status(200))
	fresh := e.anonymous()
	fresh.do("POST", "/api/session", map[string]any{"login": "nurse", "password": password}).fails(401, "auth.totp_required")
	fresh.do("POST", "/api/session", map[string]any{"login": "nurse", "password": password, "totp": "000000"}).fails(401, "auth.totp_invalid")
	v := read[SessionView](fresh.do("POST", "/api/session", map[string]any{"login": "nurse", "password": password, "totp": codes.RecoveryCodes[0]}).status(200))
	if !v.User.TOTP || v.RecoveryLeft != 9 {
		t.Fatalf("session %+v", v)
	}
	fresh.do("DELETE", "/api/session/totp", map[string]any{"password": password}).status(204)
}

func TestSettingsAndSessions(t *testing.T) {
	e := newEnv(t)
	c := e.as("nurse", identity.RoleAgent)
	c.do("PUT", "/api/session/settings", map[string]any{"locale": "xx", "theme": "auto"}).fails(422, "invalid", "body.locale")
	c.do("PUT", "/api/session/settings", map[string]any{"locale": "en", "theme": "dark", "desk": map[string]any{"volume": 0.4}}).status(200)
	if v := read[SessionView](c.get("/api/session")); v.Settings.Locale != "en" || v.Settings.Desk["volume"] != 0.4 {
		t.Fatalf("settings %+v", v.Settings)
	}
	other := e.anonymous()
	other.do("POST", "/api/session", map[string]any{"login": "nurse", "password": password}).status(200)
	list := read[List[SessionRow]](c.get("/api/session/list")).Items
	if len(list) != 2 || list[0].Current || !list[1].Current {
		t.Fatalf("sessions %+v", list)
	}
	c.do("DELETE", "/api/session/list/"+list[0].ID, nil).status(204)
	other.get("/api/session").fails(401, "auth.required")
	c.do("DELETE", "/api/session/list/"+list[0].ID, nil).fails(404, "session.not_found")
}

func TestUserAdministration(t *testing.T) {
	e := newEnv(t)
	admin := e.as("admin1", identity.RoleAdmin)
	nurse := e.as("nurse", identity.RoleAgent)
	admin.do("POST", "/api/admin/users", map[string]any{"login": "nurse", "name": "x", "password": password, "roles": []string{"agent"}}).fails(409, "user.login_taken", "body.login")
	admin.do("POST", "/api/admin/users", map[string]any{"login": "x y", "name": "", "password": "p", "roles": []string{}}).
		fails(422, "invalid", "body.login", "body.name", "body.roles")
	admin.do("POST", "/api/admin/users", map[string]any{"login": "other", "name": "x", "password": "short", "roles": []string{"agent"}}).fails(422, "invalid", "body.password")
	path := "/api/admin/users/" + nurse.user.ID
	admin.do("PUT", path, map[string]any{"name": "李", "roles": []string{"agent", "quality"}, "active": true}).status(200)
	if v := read[SessionView](nurse.get("/api/session").status(200)); v.User.Name != "李" || !slices.Contains(v.Permissions, "recording.listen") {
		t.Fatalf("changed user %+v", v)
	}
	if list := read[List[UserView]](admin.get("/api/admin/users?q=nurse&active=true")); len(list.Items) != 1 {
		t.Fatalf("list %+v", list)
	}
	if len(read[List[SessionRow]](admin.get(path+"/sessions").status(200)).Items) != 1 {
		t.Fatal("sessions of a user")
	}
	admin.do("DELETE", path, nil).status(204)
	nurse.get("/api/session").fails(401, "auth.required")
	admin.do("DELETE", "/api/admin/users/"+admin.user.ID, nil).fails(409, "user.not_oneself")
	admin.get("/api/admin/users/nobody").fails(404, "user.not_found")
	for _, action := range []string{"user.create", "user.update", "session.open", "session.revoke"} {
		if !slices.Contains(e.audited(), action) {
			t.Errorf("%s is not audited", action)
		}
	}
}

func TestRoleAdministration(t *testing.T) {
	e := newEnv(t)
	admin := e.as("admin1", identity.RoleAdmin)
	all := read[PermissionList](admin.get("/api/admin/permissions").status(200)).Items
	if len(all) != len(identity.All()) {
		t.Fatalf("%d permissions", len(all))
	}
	admin.do("POST", "/api/admin/roles", map[string]any{"code": "night", "name": "夜班", "permissions": []string{"call.handle"}}).status(200)
	admin.do("POST", "/api/admin/roles", map[string]any{"code": "night", "name": "夜班", "permissions": []string{}}).fails(409, "role.code_taken", "body.code")
	admin.do("POST", "/api/admin/roles", map[string]any{"code": "x1", "name": "x", "permissions": []string{"fly"}}).fails(422, "invalid", "body.permissions[0]")
	admin.do("PUT", "/api/admin/roles/night", map[string]any{"name": "夜班", "permissions": []string{"call.handle", "patient.read"}}).status(200)
	admin.do("PUT", "/api/admin/roles/admin", map[string]any{"name": "x", "permissions": []string{}}).fails(409, "role.admin_fixed")
	admin.do("DELETE", "/api/admin/roles/agent", nil).fails(409, "role.builtin")
	admin.do("DELETE", "/api/admin/roles/night", nil).status(204)
	if list := read[List[RoleView]](admin.get("/api/admin/roles").status(200)).Items; len(list) != 7 || len(list[0].Permissions) != len(all) {
		t.Fatalf("roles %+v", list)
	}
}

func TestClientAddressBehindProxy(t *testing.T) {
	for _, x := range []struct{ trusted, remote, forwarded, want string }{
		{"", "203.0.113.9:1", "198.51.100.1", "203.0.113.9"},
		{"10.0.0.0/8", "10.1.1.1:1", "198.51.100.1", "198.51.100.1"},
		{"10.0.0.0/8", "10.1.1.1:1", "6.6.6.6, 198.51.100.1, 10.2.2.2", "198.51.100.1"},
		{"10.0.0.0/8", "10.1.1.1:1", "forged", "10.1.1.1"},
		{"10.0.0.0/8", "10.1.1.1:1", "", "10.1.1.1"},
	} {
		s := &Server{deps: Deps{TrustedProxies: prefixes(t, x.trusted)}}
		r, _ := http.NewRequest("GET", "/", nil)
		r.RemoteAddr = x.remote
		if x.forwarded != "" {
			r.Header.Set("X-Forwarded-For", x.forwarded)
		}
		if got := s.clientIP(r); got != x.want {
			t.Errorf("%+v: %s", x, got)
		}
	}
}
