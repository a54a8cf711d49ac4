package identity

import "time"

// User is one person who may sign in.
type User struct {
	ID          string
	Login       string
	Name        string // as shown to colleagues
	NameLatin   string
	Email       string
	Roles       []string // role codes
	Departments []string // department ids
	Locale      string
	Active      bool
	MustChange  bool // password must be changed at the next sign-in
	TOTP        bool // a second factor is on
	LastLogin   time.Time
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// NewUser is what CreateUser needs.
type NewUser struct {
	Login       string
	Name        string
	NameLatin   string
	Email       string
	Password    string
	Roles       []string
	Departments []string
	Locale      string
	MustChange  bool
}

// Role is a named set of permissions.
type Role struct {
	Code        string
	Name        string
	NameEN      string
	Builtin     bool
	Permissions []Permission
}

// Session is a signed-in browser or client. Token is only set by Login: the
// database keeps its hash alone.
type Session struct {
	ID        string
	Token     string
	UserID    string
	IP        string
	Agent     string // short description of the client
	CreatedAt time.Time
	SeenAt    time.Time
	ExpiresAt time.Time
	Current   bool
}

// Settings are what each user chooses for themselves.
type Settings struct {
	Locale   string         // zh-CN or en
	Theme    string         // auto, light, dark
	Desk     map[string]any // free for the desk: layout, device ids, volume
	Notify   bool           // desktop notifications
	AutoSeat string         // preferred seat at sign-in
}
