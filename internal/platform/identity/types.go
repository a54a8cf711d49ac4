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
	Settings    Settings
	Active      bool
	MustChange  bool // password must be changed at the next sign-in
	TOTP        bool // a second factor is on
	Locked      bool // too many wrong passwords; opens by itself
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

// UserChange replaces what an administrator may change of a user.
type UserChange struct {
	Name        string
	NameLatin   string
	Email       string
	Roles       []string
	Departments []string
	Locale      string
	Active      bool
	Password    string // a new one, to be changed at the next sign-in; "" keeps the old
	ResetTOTP   bool
}

// UserFilter narrows a list of users; zero fields do not.
type UserFilter struct {
	Query  string // part of login, name or Latin name
	Role   string
	Active *bool
	Cursor string
	Limit  int // 50 when 0, at most 200
}

// Role is a named set of permissions.
type Role struct {
	Code        string
	Name        string
	NameEN      string
	Builtin     bool
	Permissions []Permission
	Users       int // how many users hold it; read only
}

// Session is a signed-in browser or client. Token is only set by Login: the
// database keeps its hash alone.
type Session struct {
	ID        string
	Token     string
	UserID    string
	IP        string
	Client    string // short description of the browser
	CreatedAt time.Time
	SeenAt    time.Time
	ExpiresAt time.Time
	Current   bool
}

// Credentials are what a person signs in with.
type Credentials struct {
	Login     string
	Password  string
	TOTP      string // code of the second factor or a recovery code
	IP        string
	Client    string
	RequestID string
}

// Settings are what each user chooses for themselves.
type Settings struct {
	Locale string         `json:"locale"` // zh-CN or en
	Theme  string         `json:"theme"`  // auto, light or dark
	Notify bool           `json:"notify"`
	Seat   string         `json:"seat"` // preferred seat at sign-in
	Desk   map[string]any `json:"desk,omitempty"`
}

// Setup is a second factor waiting to be confirmed.
type Setup struct {
	Secret string // base32
	URL    string // otpauth://
	QR     []byte // PNG
}

// SessionEnded says that a session is over: live connections of it close.
type SessionEnded struct{ SessionID, UserID string }

// UserChanged says that what a user is or may do has changed.
type UserChanged struct{ UserID string }
