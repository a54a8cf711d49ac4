package api

import (
	"context"
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
	get(s, "/api/admin/users", "listUsers", "List users", a, s.listUsers)
	post(s, "/api/admin/users", "createUser", "Create a user", a, s.createUser)
	get(s, "/api/admin/users/{id}", "getUser", "One user", a, s.getUser)
	put(s, "/api/admin/users/{id}", "updateUser", "Change a user", a, s.updateUser)
	del(s, "/api/admin/users/{id}", "deleteUser", "Deactivate a user and end their sessions", a, s.deleteUser)
	get(s, "/api/admin/users/{id}/sessions", "listUserSessions", "A user's signed-in browsers", a, s.listUserSessions)
	del(s, "/api/admin/users/{id}/sessions", "revokeUserSessions", "Sign a user out everywhere", a, s.revokeUserSessions)
	get(s, "/api/admin/roles", "listRoles", "List roles", a, s.listRoles)
	post(s, "/api/admin/roles", "createRole", "Make a custom role", a, s.createRole)
	put(s, "/api/admin/roles/{code}", "updateRole", "Change a role", a, s.updateRole)
	del(s, "/api/admin/roles/{code}", "deleteRole", "Delete a custom role", a, s.deleteRole)
	get(s, "/api/admin/permissions", "listPermissions", "All permissions", a, s.listPermissions)
}

func userView(u identity.User) UserView {
	return UserView{
		ID: u.ID, Login: u.Login, Name: u.Name, NameLatin: u.NameLatin, Email: u.Email, Roles: some(u.Roles), Departments: some(u.Departments),
		Locale: u.Settings.Locale, Active: u.Active, MustChange: u.MustChange, TOTP: u.TOTP, Locked: u.Locked, LastLogin: maybe(u.LastLogin),
		CreatedAt: utc(u.CreatedAt), UpdatedAt: utc(u.UpdatedAt),
	}
}

// userOut answers with a user, or the error.
func userOut(u identity.User, err error) (*Out[UserView], error) {
	if err != nil {
		return nil, err
	}
	return out(userView(u)), nil
}

func (s *Server) listUsers(ctx context.Context, in *UserQuery) (*Out[List[UserView]], error) {
	f := identity.UserFilter{Query: in.Q, Role: in.Role, Cursor: in.Cursor, Limit: in.Limit}
	if in.Active != "" {
		active := in.Active == "true"
		f.Active = &active
	}
	list, next, err := s.deps.Identity.ListUsers(ctx, f)
	if err != nil {
		return nil, err
	}
	return listOf(list, userView, next), nil
}

func (s *Server) createUser(ctx context.Context, in *UserCreateInput) (*Out[UserView], error) {
	b := in.Body
	return userOut(s.deps.Identity.CreateUser(ctx, identity.NewUser{Login: b.Login, Name: b.Name, NameLatin: b.NameLatin, Email: b.Email,
		Password: b.Password, Roles: b.Roles, Departments: b.Departments, Locale: b.Locale, MustChange: b.MustChange}))
}

func (s *Server) getUser(ctx context.Context, in *ByID) (*Out[UserView], error) {
	return userOut(s.deps.Identity.GetUser(ctx, in.ID))
}

func (s *Server) updateUser(ctx context.Context, in *UserUpdateInput) (*Out[UserView], error) {
	b := in.Body
	return userOut(s.deps.Identity.UpdateUser(ctx, in.ID, identity.UserChange{Name: b.Name, NameLatin: b.NameLatin, Email: b.Email,
		Roles: b.Roles, Departments: b.Departments, Locale: b.Locale, Active: b.Active, Password: b.Password, ResetTOTP: b.ResetTOTP}))
}

func (s *Server) deleteUser(ctx context.Context, in *ByID) (*Empty, error) {
	return nil, s.deps.Identity.Deactivate(ctx, in.ID)
}

func (s *Server) listUserSessions(ctx context.Context, in *ByID) (*Out[List[SessionRow]], error) {
	list, err := s.deps.Identity.UserSessions(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return listOf(list, sessionRow, ""), nil
}

func (s *Server) revokeUserSessions(ctx context.Context, in *ByID) (*Empty, error) {
	return nil, s.deps.Identity.RevokeUser(ctx, in.ID)
}

func roleView(r identity.Role) RoleView {
	return RoleView{Code: r.Code, Name: r.Name, NameEN: r.NameEN, Builtin: r.Builtin, Users: r.Users,
		Permissions: mapped(r.Permissions, func(p identity.Permission) string { return string(p) })}
}

func roleOut(r identity.Role, err error) (*Out[RoleView], error) {
	if err != nil {
		return nil, err
	}
	return out(roleView(r)), nil
}

func (f RoleFields) role(code string) identity.Role {
	return identity.Role{Code: code, Name: f.Name, NameEN: f.NameEN,
		Permissions: mapped(f.Permissions, func(p string) identity.Permission { return identity.Permission(p) })}
}

func (s *Server) listRoles(ctx context.Context, _ *None) (*Out[List[RoleView]], error) {
	list, err := s.deps.Identity.Roles(ctx)
	if err != nil {
		return nil, err
	}
	return listOf(list, roleView, ""), nil
}

func (s *Server) createRole(ctx context.Context, in *RoleCreateInput) (*Out[RoleView], error) {
	return roleOut(s.deps.Identity.CreateRole(ctx, in.Body.role(in.Body.Code)))
}

func (s *Server) updateRole(ctx context.Context, in *RoleUpdateInput) (*Out[RoleView], error) {
	return roleOut(s.deps.Identity.UpdateRole(ctx, in.Body.role(in.Code)))
}

func (s *Server) deleteRole(ctx context.Context, in *RolePath) (*Empty, error) {
	return nil, s.deps.Identity.DeleteRole(ctx, in.Code)
}

func (s *Server) listPermissions(context.Context, *None) (*Out[PermissionList], error) {
	return out(PermissionList{Items: mapped(identity.All(), func(p identity.Permission) string { return string(p) })}), nil
}
