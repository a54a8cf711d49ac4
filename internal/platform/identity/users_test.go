package identity

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"heartline/internal/platform/audit"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/event"
	"heartline/internal/platform/store"
	"heartline/internal/platform/store/storetest"
)

func TestPasswordPolicy(t *testing.T) {
	e := newEnv(t, storetest.SQLite(t))
	for password, key := range map[string]string{
		"short":                        "auth.password_short",
		strings.Repeat("abcdefgh", 26): "auth.password_long",
		"aaaaaaaaaaaa":                 "auth.password_simple",
		"Password123!":                 "auth.password_common",
		"82736451904":                  "auth.password_common",
		"zhangwei-2026":                "auth.password_name",
		"qwertyuiop":                   "auth.password_common",
		"静夜思床前明月光疑是地上霜举头望明月":    "",
		"correct horse battery": "",
	} {
		_, err := e.CreateUser(System(t.Context(), "test"), NewUser{Login: "zhangwei", Name: "张伟", Password: password, Roles: []string{RoleAgent}})
		if key == "" {
			if err != nil && !errs.Is(err, errs.Conflict) {
				t.Errorf("%q: %v", password, err)
			}
			continue
		}
		wantKey(t, err, errs.Invalid, key)
	}
}

func TestUsersCRUD(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		e := newEnv(t, db)
		admin := e.user(t, "admin1", RoleAdmin)
		u := e.user(t, "nurse", RoleAgent)
		ctx := e.as(t, "admin1")
		if _, err := e.CreateUser(ctx, NewUser{Login: "NURSE", Name: "x", Password: goodPassword, Roles: []string{RoleAgent}}); !errs.Is(err, errs.Conflict) {
			t.Fatalf("same login in capitals: %v", err)
		}
		_, err := e.CreateUser(ctx, NewUser{Login: "other", Name: "x", Password: goodPassword, Roles: []string{"no-such"}})
		wantKey(t, err, errs.Invalid, "role.not_found")
		got, err := e.UpdateUser(ctx, u.ID, UserChange{Name: "李护士", NameLatin: "Li", Roles: []string{RoleSupervisor, RoleAgent}, Departments: []string{"d2", "d1"}, Locale: "en", Active: true})
		if err != nil {
			t.Fatal(err)
		}
		if got.Name != "李护士" || !slices.Equal(got.Roles, []string{RoleAgent, RoleSupervisor}) || !slices.Equal(got.Departments, []string{"d1", "d2"}) || got.Settings.Locale != "en" {
			t.Fatalf("user = %+v", got)
		}
		list, next, err := e.ListUsers(ctx, UserFilter{Limit: 1})
		if err != nil || len(list) != 1 || list[0].Login != "admin1" || next == "" {
			t.Fatalf("first page %+v %q %v", list, next, err)
		}
		list, next, err = e.ListUsers(ctx, UserFilter{Limit: 1, Cursor: next})
		if err != nil || len(list) != 1 || list[0].Login != "nurse" || next != "" {
			t.Fatalf("second page %+v %q %v", list, next, err)
		}
		for q, want := range map[string]int{"李": 1, "li": 1, "NURSE": 1, "%": 0, "": 2} {
			if list, _, err = e.ListUsers(ctx, UserFilter{Query: q}); err != nil || len(list) != want {
				t.Errorf("search %q: %d users, %v", q, len(list), err)
			}
		}
		if list, _, err = e.ListUsers(ctx, UserFilter{Role: RoleAdmin}); err != nil || len(list) != 1 || list[0].ID != admin.ID {
			t.Errorf("by role: %+v %v", list, err)
		}
		err = e.Deactivate(ctx, admin.ID)
		wantKey(t, err, errs.Conflict, "user.not_oneself")
		_, err = e.GetUser(ctx, "nobody")
		wantKey(t, err, errs.NotFound, "user.not_found")
	})
}

func TestDeactivationEndsSessionsAtOnce(t *testing.T) {
	e := newEnv(t, storetest.SQLite(t))
	e.user(t, "admin1", RoleAdmin)
	u := e.user(t, "nurse", RoleAgent)
	sess, err := e.Login(t.Context(), "nurse", goodPassword, "", "10.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan SessionEnded, 4)
	cancel := event.Subscribe(e.bus, "test", func(_ context.Context, x SessionEnded) { ended <- x })
	defer cancel()
	if err := e.Deactivate(e.as(t, "admin1"), u.ID); err != nil {
		t.Fatal(err)
	}
	select {
	case x := <-ended:
		if x.SessionID != sess.ID {
			t.Fatalf("ended %+v", x)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("no SessionEnded")
	}
	if _, err := e.Authenticate(t.Context(), sess.Token); !errs.Is(err, errs.Unknown) {
		t.Fatalf("session of a deactivated user: %v", err)
	}
}

func TestNobodyGivesAwayMoreThanTheyHave(t *testing.T) {
	e := newEnv(t, storetest.SQLite(t))
	sys := System(t.Context(), "test")
	if _, err := e.CreateRole(sys, Role{Code: "clerk", Name: "人事", Permissions: []Permission{AdminUsers, DirectoryRead}}); err != nil {
		t.Fatal(err)
	}
	boss := e.user(t, "boss1", RoleAdmin)
	e.user(t, "clerk1", "clerk")
	ctx := e.as(t, "clerk1")
	_, err := e.CreateUser(ctx, NewUser{Login: "evil", Name: "x", Password: goodPassword, Roles: []string{RoleAdmin}})
	wantKey(t, err, errs.Denied, "role.exceeds_own")
	_, err = e.UpdateUser(ctx, boss.ID, UserChange{Name: "x", Roles: []string{RoleAdmin}, Locale: "en", Active: true, Password: goodPassword + "!"})
	wantKey(t, err, errs.Denied, "role.exceeds_own")
	_, err = e.UpdateRole(ctx, Role{Code: "clerk", Name: "人事", Permissions: []Permission{AdminUsers, SystemAdmin}})
	wantKey(t, err, errs.Denied, "role.exceeds_own")
	_, err = e.UpdateRole(ctx, Role{Code: RoleSupervisor, Name: "x", Permissions: nil})
	wantKey(t, err, errs.Denied, "role.exceeds_own")
	if _, err = e.Login(t.Context(), "boss1", goodPassword, "", "10.0.0.3"); err != nil {
		t.Fatalf("the boss's password was changed: %v", err)
	}
}

func TestRoles(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		e := newEnv(t, db)
		sys := System(t.Context(), "test")
		r, err := e.CreateRole(sys, Role{Code: "night", Name: "夜班", Permissions: []Permission{CallHandle}})
		if err != nil || r.Builtin {
			t.Fatalf("create: %+v %v", r, err)
		}
		_, err = e.CreateRole(sys, Role{Code: "night", Name: "夜班"})
		wantKey(t, err, errs.Conflict, "role.code_taken")
		_, err = e.CreateRole(sys, Role{Code: "x1", Name: "x", Permissions: []Permission{"fly"}})
		wantKey(t, err, errs.Invalid, "role.permission_unknown")
		e.user(t, "owl1", "night")
		ctx := e.as(t, "owl1")
		wantKey(t, e.DeleteRole(sys, "night"), errs.Conflict, "role.in_use")
		wantKey(t, e.DeleteRole(sys, RoleAgent), errs.Conflict, "role.builtin")
		_, err = e.UpdateRole(sys, Role{Code: RoleAdmin, Name: "x"})
		wantKey(t, err, errs.Conflict, "role.admin_fixed")
		if _, err = e.UpdateRole(sys, Role{Code: "night", Name: "夜班", Permissions: []Permission{CallHandle, ReportRead}}); err != nil {
			t.Fatal(err)
		}
		p, _ := From(ctx)
		list, err := e.Roles(sys)
		if err != nil || len(list) != 8 {
			t.Fatalf("roles %d %v", len(list), err)
		}
		if p.Permissions[ReportRead] {
			t.Fatal("test premise")
		}
		if p, _ := From(e.as(t, "owl1")); !p.Permissions[ReportRead] {
			t.Fatal("a changed role must show at the next request")
		}
	})
}

func TestSecondFactor(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		e := newEnv(t, db)
		e.user(t, "nurse", RoleAgent)
		ctx := e.as(t, "nurse")
		setup, err := e.SetupTOTP(ctx)
		if err != nil || !strings.HasPrefix(setup.URL, "otpauth://totp/Heartline:nurse") || !bytes.HasPrefix(setup.QR, []byte("\x89PNG")) {
			t.Fatalf("setup: %q %v", setup.URL, err)
		}
		code := func() string {
			c, err := totp.GenerateCode(setup.Secret, e.clock.now())
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		if _, err := e.Login(t.Context(), "nurse", goodPassword, "", "10.0.0.1"); err != nil {
			t.Fatalf("an unconfirmed factor must not lock out: %v", err)
		}
		_, err = e.ConfirmTOTP(ctx, "000000")
		wantKey(t, err, errs.Invalid, "auth.totp_invalid")
		recovery, err := e.ConfirmTOTP(ctx, code())
		if err != nil || len(recovery) != 10 {
			t.Fatalf("confirm: %v %v", recovery, err)
		}
		_, err = e.Login(t.Context(), "nurse", goodPassword, "", "10.0.0.1")
		wantKey(t, err, errs.Unknown, "auth.totp_required")
		_, err = e.Login(t.Context(), "nurse", goodPassword, code(), "10.0.0.1")
		wantKey(t, err, errs.Unknown, "auth.totp_invalid") // used for the confirmation already
		e.clock.forward(30 * time.Second)
		now := code()
		if _, err = e.Login(t.Context(), "nurse", goodPassword, now, "10.0.0.1"); err != nil {
			t.Fatalf("fresh code: %v", err)
		}
		_, err = e.Login(t.Context(), "nurse", goodPassword, now, "10.0.0.1")
		wantKey(t, err, errs.Unknown, "auth.totp_invalid") // replay
		if _, err = e.Login(t.Context(), "nurse", goodPassword, strings.ToLower(recovery[3]), "10.0.0.1"); err != nil {
			t.Fatalf("recovery code: %v", err)
		}
		_, err = e.Login(t.Context(), "nurse", goodPassword, recovery[3], "10.0.0.1")
		wantKey(t, err, errs.Unknown, "auth.totp_invalid") // once only
		if n, err := e.RecoveryLeft(ctx); err != nil || n != 9 {
			t.Fatalf("recovery codes left: %d %v", n, err)
		}
		wantKey(t, e.DisableTOTP(ctx, "wrong-password-1"), errs.Invalid, "auth.password_wrong")
		if err := e.DisableTOTP(ctx, goodPassword); err != nil {
			t.Fatal(err)
		}
		if _, err = e.Login(t.Context(), "nurse", goodPassword, "", "10.0.0.1"); err != nil {
			t.Fatalf("after removal: %v", err)
		}
	})
}

func TestChangePassword(t *testing.T) {
	e := newEnv(t, storetest.SQLite(t))
	e.user(t, "nurse", RoleAgent)
	other, err := e.Login(t.Context(), "nurse", goodPassword, "", "10.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	ctx := e.as(t, "nurse")
	wantKey(t, e.ChangePassword(ctx, "wrong-password-1", "another-lantern-7"), errs.Invalid, "auth.password_wrong")
	wantKey(t, e.ChangePassword(ctx, goodPassword, goodPassword), errs.Invalid, "auth.password_same")
	wantKey(t, e.ChangePassword(ctx, goodPassword, "short"), errs.Invalid, "auth.password_short")
	if err := e.ChangePassword(ctx, goodPassword, "another-lantern-7"); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Authenticate(t.Context(), other.Token); !errs.Is(err, errs.Unknown) {
		t.Fatalf("another session survived: %v", err)
	}
	if list, err := e.Sessions(ctx); err != nil || len(list) != 1 {
		t.Fatalf("own session: %v %v", list, err)
	}
	if _, err := e.Login(t.Context(), "nurse", "another-lantern-7", "", "10.0.0.1"); err != nil {
		t.Fatal(err)
	}
}

func TestSettings(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		e := newEnv(t, db)
		e.user(t, "nurse", RoleAgent)
		ctx := e.as(t, "nurse")
		if _, err := e.SaveSettings(ctx, Settings{Locale: "xx"}); !errs.Is(err, errs.Invalid) {
			t.Fatalf("unknown locale: %v", err)
		}
		if _, err := e.SaveSettings(ctx, Settings{Locale: "en", Theme: "dark", Desk: map[string]any{"volume": 0.5}}); err != nil {
			t.Fatal(err)
		}
		u, err := e.Me(ctx)
		if err != nil || u.Settings.Locale != "en" || u.Settings.Desk["volume"] != 0.5 {
			t.Fatalf("settings %+v %v", u.Settings, err)
		}
	})
}

func TestEverythingIsAudited(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		e := newEnv(t, db)
		u := e.user(t, "nurse", RoleAgent)
		_, _ = e.Login(t.Context(), "nurse", "wrong-password-1", "", "10.0.0.1")
		ctx := e.as(t, "nurse")
		if err := e.ChangePassword(ctx, goodPassword, "another-lantern-7"); err != nil {
			t.Fatal(err)
		}
		if err := e.Logout(ctx); err != nil {
			t.Fatal(err)
		}
		entries, err := audit.List(t.Context(), db, audit.Filter{})
		if err != nil {
			t.Fatal(err)
		}
		var actions []string
		for _, x := range entries {
			actions = append(actions, x.Action)
			for _, v := range x.Detail {
				if text, ok := v.(string); ok && (strings.Contains(text, "lantern") || strings.Contains(text, "nurse")) {
					t.Errorf("%s tells %q", x.Action, text)
				}
			}
		}
		slices.Sort(actions)
		want := []string{"session.close", "session.open", "session.refused", "user.create", "user.password"}
		if !slices.Equal(actions, want) {
			t.Fatalf("audited %v, want %v (user %s)", actions, want, u.ID)
		}
	})
}

func TestHostileLogins(t *testing.T) {
	e := newEnv(t, storetest.SQLite(t))
	for _, login := range []string{"", "'; DROP TABLE users; --", "\x00", strings.Repeat("a", 10000), "ｎｕｒｓｅ", "%"} {
		_, err := e.Login(t.Context(), login, "wrong-password-1", "", "10.0.0.1")
		wantKey(t, err, errs.Unknown, "auth.invalid")
	}
	for _, token := range []string{"", "short", strings.Repeat("a", 43), strings.Repeat("b", 5000)} {
		if _, err := e.Authenticate(t.Context(), token); !errs.Is(err, errs.Unknown) {
			t.Errorf("token %q: %v", token, err)
		}
	}
}
