package api

import (
	"net/http"
	"time"
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
	get(s, "/api/about", "about", "What this installation is", public(), pending[None, Out[About]])
	post(s, "/api/session", "signIn", "Sign in", public(), pending[LoginInput, SessionOut])
	get(s, "/api/session", "getSession", "Who is signed in", signedIn(), pending[None, Out[SessionView]], passwordPending)
	del(s, "/api/session", "signOut", "Sign out", signedIn(), pending[None, SignOutOut], passwordPending)
	put(s, "/api/session/password", "changePassword", "Change one's own password", signedIn(), pending[PasswordInput, Empty], passwordPending)
	post(s, "/api/session/totp", "setupTotp", "Begin a second factor", signedIn(), pending[None, Out[TOTPSetup]])
	put(s, "/api/session/totp", "confirmTotp", "Confirm the second factor", signedIn(), pending[TOTPConfirmInput, Out[RecoveryCodes]])
	del(s, "/api/session/totp", "disableTotp", "Remove the second factor", signedIn(), pending[TOTPDisableInput, Empty])
	put(s, "/api/session/settings", "saveSettings", "Store one's own settings", signedIn(), pending[SettingsInput, Out[Settings]])
	get(s, "/api/session/list", "listSessions", "One's signed-in browsers", signedIn(), pending[None, Out[List[SessionRow]]])
	del(s, "/api/session/list/{id}", "revokeSession", "Sign another browser out", signedIn(), pending[ByID, Empty])
}
