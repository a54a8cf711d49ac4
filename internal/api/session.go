package api

import (
	"context"
	"encoding/base64"
	"net/http"
	"time"

	"heartline/internal/platform/identity"
)

// About is what the sign-in page needs before anybody has signed in.
type About struct {
	Name          string      `json:"name" doc:"Name of the hospital"`
	NameEN        string      `json:"name_en"`
	Version       string      `json:"version"`
	Demo          bool        `json:"demo" doc:"Fictional data; /try is open"`
	ServiceNumber string      `json:"service_number"`
	TimeZone      string      `json:"time_zone" doc:"IANA name; all times are shown in it"`
	Locale        string      `json:"locale"`
	Logins        []DemoLogin `json:"logins" doc:"Only in the demo"`
}

// DemoLogin is a sign-in offered by the demo's sign-in page.
type DemoLogin struct {
	Login    string `json:"login"`
	Password string `json:"password"`
	Name     string `json:"name"`
	Role     string `json:"role"`
}

// LoginInput signs somebody in.
type LoginInput struct {
	Body struct {
		Login    string `json:"login" minLength:"1" maxLength:"100"`
		Password string `json:"password" minLength:"1" maxLength:"200"`
		TOTP     string `json:"totp,omitempty" maxLength:"20" doc:"Code of the second factor, or a recovery code"`
	}
}

// SessionOut answers sign-in and carries the session cookie.
type SessionOut struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
	Body      SessionView
}

// SignOutOut takes the session cookie back.
type SignOutOut struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
}

// SessionView is who is signed in and what they may do.
type SessionView struct {
	User         Account   `json:"user"`
	Permissions  []string  `json:"permissions"`
	Settings     Settings  `json:"settings"`
	ExpiresAt    time.Time `json:"expires_at"`
	MustChange   bool      `json:"must_change_password"`
	Agent        bool      `json:"agent" doc:"Has a working profile at the telephone"`
	AgentNumber  string    `json:"agent_number"`
	RecoveryLeft int       `json:"recovery_codes_left" doc:"Unused recovery codes of the second factor"`
}

// Account is the signed-in person.
type Account struct {
	ID          string     `json:"id"`
	Login       string     `json:"login"`
	Name        string     `json:"name"`
	NameLatin   string     `json:"name_latin"`
	Email       string     `json:"email"`
	Roles       []string   `json:"roles"`
	Departments []string   `json:"departments"`
	TOTP        bool       `json:"totp"`
	LastLogin   *time.Time `json:"last_login,omitempty"`
}

// Settings are what each user chooses for themselves.
type Settings struct {
	Locale string         `json:"locale" enum:"zh-CN,en"`
	Theme  string         `json:"theme" enum:"auto,light,dark" default:"auto"`
	Notify bool           `json:"notify" required:"false" doc:"Desktop notifications when a call rings"`
	Seat   string         `json:"seat" required:"false" enum:"browser,extension," doc:"Preferred seat at sign-in"`
	Desk   map[string]any `json:"desk" required:"false" maxProperties:"50" doc:"Layout, devices and volume, as the desk keeps them"`
}

// SettingsInput stores the settings.
type SettingsInput struct{ Body Settings }

// PasswordInput changes one's own password.
type PasswordInput struct {
	Body struct {
		Current string `json:"current" minLength:"1" maxLength:"200"`
		New     string `json:"new" minLength:"1" maxLength:"200"`
	}
}

// TOTPSetup is a second factor waiting to be confirmed.
type TOTPSetup struct {
	Secret string `json:"secret" doc:"Base32, for typing in"`
	URL    string `json:"url" doc:"otpauth:// address"`
	QR     string `json:"qr" doc:"PNG as a data: address"`
}

// TOTPConfirmInput proves that the authenticator works.
type TOTPConfirmInput struct {
	Body struct {
		Code string `json:"code" minLength:"6" maxLength:"10"`
	}
}

// RecoveryCodes are shown once.
type RecoveryCodes struct {
	RecoveryCodes []string `json:"recovery_codes"`
}

// TOTPDisableInput takes the second factor away.
type TOTPDisableInput struct {
	Body struct {
		Password string `json:"password" minLength:"1" maxLength:"200"`
	}
}

// SessionRow is one of a user's signed-in browsers.
type SessionRow struct {
	ID        string    `json:"id"`
	IP        string    `json:"ip"`
	Client    string    `json:"client"`
	CreatedAt time.Time `json:"created_at"`
	SeenAt    time.Time `json:"seen_at"`
	ExpiresAt time.Time `json:"expires_at"`
	Current   bool      `json:"current"`
}

func (s *Server) routeSession() {
	get(s, "/api/about", "about", "What this installation is", public(), s.about)
	post(s, "/api/session", "signIn", "Sign in", public(), s.signIn)
	get(s, "/api/session", "getSession", "Who is signed in", signedIn(), s.getSession, passwordPending)
	del(s, "/api/session", "signOut", "Sign out", signedIn(), s.signOut, passwordPending)
	put(s, "/api/session/password", "changePassword", "Change one's own password", signedIn(), s.changePassword, passwordPending)
	post(s, "/api/session/totp", "setupTotp", "Begin a second factor", signedIn(), s.setupTOTP)
	put(s, "/api/session/totp", "confirmTotp", "Confirm the second factor", signedIn(), s.confirmTOTP)
	del(s, "/api/session/totp", "disableTotp", "Remove the second factor", signedIn(), s.disableTOTP)
	put(s, "/api/session/settings", "saveSettings", "Store one's own settings", signedIn(), s.saveSettings)
	get(s, "/api/session/list", "listSessions", "One's signed-in browsers", signedIn(), s.listSessions)
	del(s, "/api/session/list/{id}", "revokeSession", "Sign another browser out", signedIn(), s.revokeSession)
}

func (s *Server) about(context.Context, *None) (*Out[About], error) {
	a := s.deps.About
	a.Logins = some(a.Logins)
	if !a.Demo {
		a.Logins = []DemoLogin{}
	}
	return out(a), nil
}

func (s *Server) signIn(ctx context.Context, in *LoginInput) (*SessionOut, error) {
	q := requestOf(ctx)
	sess, err := s.deps.Identity.SignIn(ctx, identity.Credentials{Login: in.Body.Login, Password: in.Body.Password, TOTP: in.Body.TOTP,
		IP: q.ip, Client: q.client, RequestID: q.id})
	if err != nil {
		return nil, err
	}
	p, err := s.deps.Identity.Authenticate(ctx, sess.Token)
	if err != nil {
		return nil, err
	}
	q.user = p.UserID
	view, err := s.sessionView(identity.With(ctx, p), p)
	if err != nil {
		return nil, err
	}
	return &SessionOut{SetCookie: sessionCookie(sess.Token, sess.ExpiresAt, q.secure), Body: view}, nil
}

// sessionCookie carries the token. Lax and not Strict, so that a link into
// the application finds the session.
func sessionCookie(token string, expires time.Time, secure bool) http.Cookie {
	return http.Cookie{Name: cookieName, Value: token, Path: "/", Expires: expires, HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode}
}

func (s *Server) getSession(ctx context.Context, _ *None) (*Out[SessionView], error) {
	p, err := identity.Require(ctx)
	if err != nil {
		return nil, err
	}
	view, err := s.sessionView(ctx, p)
	if err != nil {
		return nil, err
	}
	return out(view), nil
}

func (s *Server) sessionView(ctx context.Context, p identity.Principal) (SessionView, error) {
	u, err := s.deps.Identity.Me(ctx)
	if err != nil {
		return SessionView{}, err
	}
	left := 0
	if u.TOTP {
		if left, err = s.deps.Identity.RecoveryLeft(ctx); err != nil {
			return SessionView{}, err
		}
	}
	list, err := s.deps.Identity.Sessions(ctx)
	if err != nil {
		return SessionView{}, err
	}
	v := SessionView{
		User: Account{ID: u.ID, Login: u.Login, Name: u.Name, NameLatin: u.NameLatin, Email: u.Email, Roles: some(u.Roles),
			Departments: some(u.Departments), TOTP: u.TOTP, LastLogin: maybe(u.LastLogin)},
		Permissions: []string{}, Settings: settingsView(u.Settings), MustChange: u.MustChange, RecoveryLeft: left,
	}
	for _, x := range identity.All() {
		if p.Permissions[x] {
			v.Permissions = append(v.Permissions, string(x))
		}
	}
	for _, x := range list {
		if x.Current {
			v.ExpiresAt = utc(x.ExpiresAt)
		}
	}
	if a, ok := s.directory().Agent(p.UserID); ok {
		v.Agent, v.AgentNumber = true, a.Number
	}
	return v, nil
}

func settingsView(v identity.Settings) Settings {
	if v.Desk == nil {
		v.Desk = map[string]any{}
	}
	return Settings{Locale: v.Locale, Theme: v.Theme, Notify: v.Notify, Seat: v.Seat, Desk: v.Desk}
}

func (s *Server) signOut(ctx context.Context, _ *None) (*SignOutOut, error) {
	if err := s.deps.Identity.Logout(ctx); err != nil {
		return nil, err
	}
	c := sessionCookie("", time.Unix(1, 0), requestOf(ctx).secure)
	c.MaxAge = -1
	return &SignOutOut{SetCookie: c}, nil
}

func (s *Server) changePassword(ctx context.Context, in *PasswordInput) (*Empty, error) {
	return nil, s.deps.Identity.ChangePassword(ctx, in.Body.Current, in.Body.New)
}

func (s *Server) setupTOTP(ctx context.Context, _ *None) (*Out[TOTPSetup], error) {
	x, err := s.deps.Identity.SetupTOTP(ctx)
	if err != nil {
		return nil, err
	}
	return out(TOTPSetup{Secret: x.Secret, URL: x.URL, QR: "data:image/png;base64," + base64.StdEncoding.EncodeToString(x.QR)}), nil
}

func (s *Server) confirmTOTP(ctx context.Context, in *TOTPConfirmInput) (*Out[RecoveryCodes], error) {
	codes, err := s.deps.Identity.ConfirmTOTP(ctx, in.Body.Code)
	if err != nil {
		return nil, err
	}
	return out(RecoveryCodes{RecoveryCodes: codes}), nil
}

func (s *Server) disableTOTP(ctx context.Context, in *TOTPDisableInput) (*Empty, error) {
	return nil, s.deps.Identity.DisableTOTP(ctx, in.Body.Password)
}

func (s *Server) saveSettings(ctx context.Context, in *SettingsInput) (*Out[Settings], error) {
	b := in.Body
	v, err := s.deps.Identity.SaveSettings(ctx, identity.Settings{Locale: b.Locale, Theme: b.Theme, Notify: b.Notify, Seat: b.Seat, Desk: b.Desk})
	if err != nil {
		return nil, err
	}
	return out(settingsView(v)), nil
}

func (s *Server) listSessions(ctx context.Context, _ *None) (*Out[List[SessionRow]], error) {
	list, err := s.deps.Identity.Sessions(ctx)
	if err != nil {
		return nil, err
	}
	return listOf(list, sessionRow, ""), nil
}

func sessionRow(x identity.Session) SessionRow {
	return SessionRow{ID: x.ID, IP: x.IP, Client: x.Client, CreatedAt: utc(x.CreatedAt), SeenAt: utc(x.SeenAt), ExpiresAt: utc(x.ExpiresAt), Current: x.Current}
}

func (s *Server) revokeSession(ctx context.Context, in *ByID) (*Empty, error) {
	return nil, s.deps.Identity.Revoke(ctx, in.ID)
}
