package api

import (
	"time"

	"heartline/internal/platform/identity"
)

// UserView is a user as the administrator sees them.
type UserView struct {
	ID          string     `json:"id"`
	Login       string     `json:"login"`
	Name        string     `json:"name"`
	NameLatin   string     `json:"name_latin"`
	Email       string     `json:"email"`
	Roles       []string   `json:"roles"`
	Departments []string   `json:"departments"`
	Locale      string     `json:"locale"`
	Active      bool       `json:"active"`
	MustChange  bool       `json:"must_change_password"`
	TOTP        bool       `json:"totp"`
	Locked      bool       `json:"locked" doc:"Too many wrong passwords; opens by itself"`
	LastLogin   *time.Time `json:"last_login,omitempty"`
	CreatedAt   time.Time  `json:"created_at"`
	UpdatedAt   time.Time  `json:"updated_at"`
}

// UserCreate is a new user.
type UserCreate struct {
	Login       string   `json:"login" minLength:"2" maxLength:"50" pattern:"^[A-Za-z0-9][A-Za-z0-9._@-]*$"`
	Name        string   `json:"name" minLength:"1" maxLength:"100"`
	NameLatin   string   `json:"name_latin" required:"false" maxLength:"100"`
	Email       string   `json:"email" required:"false" maxLength:"200"`
	Password    string   `json:"password" minLength:"1" maxLength:"200"`
	Roles       []string `json:"roles" minItems:"1" maxItems:"20"`
	Departments []string `json:"departments" required:"false" maxItems:"50"`
	Locale      string   `json:"locale" required:"false" enum:"zh-CN,en" default:"zh-CN"`
	MustChange  bool     `json:"must_change_password" required:"false"`
}

// UserCreateInput creates a user.
type UserCreateInput struct{ Body UserCreate }

// UserUpdate changes a user; the login stays.
type UserUpdate struct {
	Name        string   `json:"name" minLength:"1" maxLength:"100"`
	NameLatin   string   `json:"name_latin" required:"false" maxLength:"100"`
	Email       string   `json:"email" required:"false" maxLength:"200"`
	Roles       []string `json:"roles" minItems:"1" maxItems:"20"`
	Departments []string `json:"departments" required:"false" maxItems:"50"`
	Locale      string   `json:"locale" required:"false" enum:"zh-CN,en" default:"zh-CN"`
	Active      bool     `json:"active"`
	Password    string   `json:"password,omitempty" maxLength:"200" doc:"A new password; the user has to change it at the next sign-in"`
	ResetTOTP   bool     `json:"reset_totp,omitempty" doc:"Take the second factor away"`
}

// UserUpdateInput changes a user.
type UserUpdateInput struct {
	ByID
	Body UserUpdate
}

// UserQuery finds users.
type UserQuery struct {
	Q      string `query:"q" maxLength:"100"`
	Role   string `query:"role" maxLength:"50"`
	Active string `query:"active" enum:"true,false,"`
	Paging
}

// RoleView is a role with what it may do.
type RoleView struct {
	Code        string   `json:"code"`
	Name        string   `json:"name"`
	NameEN      string   `json:"name_en"`
	Builtin     bool     `json:"builtin" doc:"Shipped with the program; cannot be deleted"`
	Permissions []string `json:"permissions"`
	Users       int      `json:"users"`
}

// RoleFields are what an administrator may set.
type RoleFields struct {
	Name        string   `json:"name" minLength:"1" maxLength:"100"`
	NameEN      string   `json:"name_en" required:"false" maxLength:"100"`
	Permissions []string `json:"permissions" maxItems:"100"`
}

// RoleCreateInput makes a custom role.
type RoleCreateInput struct {
	Body struct {
		Code string `json:"code" minLength:"2" maxLength:"40" pattern:"^[a-z][a-z0-9_-]*$"`
		RoleFields
	}
}

// RoleUpdateInput changes a role.
type RoleUpdateInput struct {
	RolePath
	Body RoleFields
}

// RolePath names a role by code.
type RolePath struct {
	Code string `path:"code" minLength:"1" maxLength:"40"`
}

// PermissionList lists all permissions of this version.
type PermissionList struct {
	Items []string `json:"items"`
}

func (s *Server) routeUsers() {
	a := needs(identity.AdminUsers)
	get(s, "/api/admin/users", "listUsers", "List users", a, pending[UserQuery, Out[List[UserView]]])
	post(s, "/api/admin/users", "createUser", "Create a user", a, pending[UserCreateInput, Out[UserView]])
	get(s, "/api/admin/users/{id}", "getUser", "One user", a, pending[ByID, Out[UserView]])
	put(s, "/api/admin/users/{id}", "updateUser", "Change a user", a, pending[UserUpdateInput, Out[UserView]])
	del(s, "/api/admin/users/{id}", "deleteUser", "Deactivate a user and end their sessions", a, pending[ByID, Empty])
	get(s, "/api/admin/users/{id}/sessions", "listUserSessions", "A user's signed-in browsers", a, pending[ByID, Out[List[SessionRow]]])
	del(s, "/api/admin/users/{id}/sessions", "revokeUserSessions", "Sign a user out everywhere", a, pending[ByID, Empty])
	get(s, "/api/admin/roles", "listRoles", "List roles", a, pending[None, Out[List[RoleView]]])
	post(s, "/api/admin/roles", "createRole", "Make a custom role", a, pending[RoleCreateInput, Out[RoleView]])
	put(s, "/api/admin/roles/{code}", "updateRole", "Change a role", a, pending[RoleUpdateInput, Out[RoleView]])
	del(s, "/api/admin/roles/{code}", "deleteRole", "Delete a custom role", a, pending[RolePath, Empty])
	get(s, "/api/admin/permissions", "listPermissions", "All permissions", a, pending[None, Out[PermissionList]])
}
