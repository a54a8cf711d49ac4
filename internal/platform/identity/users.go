package identity

import (
	"context"
	"fmt"
	"slices"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/event"
	"heartline/internal/platform/id"
	"heartline/internal/platform/store"
)

// CreateUser adds a user.
func (s *Service) CreateUser(ctx context.Context, n NewUser) (User, error) {
	p, err := Require(ctx, AdminUsers)
	if err != nil {
		return User{}, err
	}
	if n.Locale == "" {
		n.Locale = "zh-CN"
	}
	if err := s.checkNew(n); err != nil {
		return User{}, err
	}
	hash, err := s.hasher.hash(n.Password)
	if err != nil {
		return User{}, err
	}
	now := s.now()
	u := storedUser{password: hash, passwordAt: now, User: User{
		ID: id.New(), Login: n.Login, Name: n.Name, NameLatin: n.NameLatin, Email: n.Email, Roles: n.Roles, Departments: n.Departments,
		Settings: Settings{Locale: n.Locale, Theme: "auto"}, Active: true, MustChange: n.MustChange, CreatedAt: now, UpdatedAt: now,
	}}
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		err := tx.Try(ctx, func() error { return insertUser(ctx, tx, u) })
		if store.IsUnique(err) {
			return &errs.Error{Kind: errs.Conflict, Key: "user.login_taken", Fields: []errs.Field{{Path: "body.login", Key: "user.login_taken"}}}
		}
		if err != nil {
			return err
		}
		if err := s.setRoles(ctx, tx, p, u.ID, nil, n.Roles); err != nil {
			return err
		}
		if err := replaceDepartments(ctx, tx, u.ID, n.Departments); err != nil {
			return err
		}
		return s.record(ctx, tx, "user.create", "user", u.ID, map[string]any{"roles": n.Roles})
	})
	if err != nil {
		return User{}, fmt.Errorf("create user: %w", err)
	}
	return s.getUser(ctx, u.ID)
}

func (s *Service) checkNew(n NewUser) error {
	var bad errs.Fields
	if f := fold(n.Login); len(f) < 2 || len(f) > 50 {
		bad.Add("body.login", "user.login_invalid")
	}
	checkPerson(&bad, n.Name, n.Locale, n.Roles)
	if err := bad.Err(); err != nil {
		return err
	}
	return s.policy.checkPassword("body.password", n.Password, n.Login, n.Name)
}

func checkPerson(bad *errs.Fields, name, locale string, roles []string) {
	if fold(name) == "" || len(name) > 400 {
		bad.Add("body.name", "validation.required")
	}
	if locale != "zh-CN" && locale != "en" {
		bad.Add("body.locale", "user.locale_unknown")
	}
	if len(roles) == 0 {
		bad.Add("body.roles", "user.roles_required")
	}
}

// setRoles replaces a user's roles. Roles that are added must not exceed what
// the acting principal holds.
func (s *Service) setRoles(ctx context.Context, tx *store.Tx, p Principal, userID string, before, after []string) error {
	for _, code := range after {
		r, err := selectRole(ctx, tx, code)
		if store.IsNoRows(err) {
			return errs.InvalidField("body.roles", "role.not_found")
		}
		if err != nil {
			return err
		}
		if slices.Contains(before, code) {
			continue
		}
		if err := held(p, r.Permissions); err != nil {
			return err
		}
	}
	return replaceRoles(ctx, tx, userID, after)
}

// GetUser returns a user.
func (s *Service) GetUser(ctx context.Context, userID string) (User, error) {
	if _, err := Require(ctx, AdminUsers); err != nil {
		return User{}, err
	}
	return s.getUser(ctx, userID)
}

// Me returns the acting principal's own user.
func (s *Service) Me(ctx context.Context) (User, error) {
	p, err := Require(ctx)
	if err != nil {
		return User{}, err
	}
	return s.getUser(ctx, p.UserID)
}

func (s *Service) getUser(ctx context.Context, userID string) (User, error) {
	var u storedUser
	err := s.db.Read(ctx, func(tx *store.Tx) (err error) {
		u, err = s.loadUser(ctx, tx, userID)
		return err
	})
	if err != nil {
		return User{}, fmt.Errorf("get user: %w", err)
	}
	return u.User, nil
}

// loadUser reads a user with roles, departments and lock.
func (s *Service) loadUser(ctx context.Context, tx *store.Tx, userID string) (storedUser, error) {
	u, err := selectUser(ctx, tx, userID)
	if err != nil {
		return u, err
	}
	return u, s.complete(ctx, tx, &u.User)
}

func (s *Service) complete(ctx context.Context, tx *store.Tx, u *User) error {
	roles, err := selectUserRoles(ctx, tx, u.ID)
	if err != nil {
		return err
	}
	for _, r := range roles {
		u.Roles = append(u.Roles, r.Code)
	}
	if u.Departments, err = selectUserDepartments(ctx, tx, u.ID); err != nil {
		return err
	}
	f, err := selectFailures(ctx, tx, "account:"+s.keys.Index("login", fold(u.Login)))
	u.Locked = f.until.After(s.now())
	return err
}

// ListUsers returns a page of users by login, and the cursor of the next.
func (s *Service) ListUsers(ctx context.Context, f UserFilter) (list []User, next string, err error) {
	if _, err := Require(ctx, AdminUsers); err != nil {
		return nil, "", err
	}
	if f.Limit <= 0 {
		f.Limit = 50
	}
	f.Limit = min(f.Limit, 200)
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		list, err = selectUsers(ctx, tx, f)
		if err != nil {
			return err
		}
		if len(list) > f.Limit {
			list = list[:f.Limit]
			next = fold(list[f.Limit-1].Login)
		}
		for i := range list {
			if err := s.complete(ctx, tx, &list[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, "", fmt.Errorf("list users: %w", err)
	}
	return list, next, nil
}

// Names returns the display names of users by id, of all users when none is
// named, for lists of things that colleagues did.
func (s *Service) Names(ctx context.Context, ids ...string) (map[string]string, error) {
	if _, err := Require(ctx); err != nil {
		return nil, err
	}
	var names map[string]string
	err := s.db.Read(ctx, func(tx *store.Tx) (err error) {
		names, err = selectNames(ctx, tx, ids)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("user names: %w", err)
	}
	return names, nil
}

// UpdateUser changes a user. Deactivation and a new password end the user's
// sessions.
func (s *Service) UpdateUser(ctx context.Context, userID string, c UserChange) (User, error) {
	p, err := Require(ctx, AdminUsers)
	if err != nil {
		return User{}, err
	}
	var bad errs.Fields
	checkPerson(&bad, c.Name, c.Locale, c.Roles)
	if err := bad.Err(); err != nil {
		return User{}, err
	}
	hash := ""
	if c.Password != "" {
		if err := s.policy.checkPassword("body.password", c.Password, c.Name); err != nil {
			return User{}, err
		}
		if hash, err = s.hasher.hash(c.Password); err != nil {
			return User{}, err
		}
	}
	err = s.db.Write(ctx, func(tx *store.Tx) error { return s.updateUser(ctx, tx, p, userID, c, hash) })
	if err != nil {
		return User{}, fmt.Errorf("update user: %w", err)
	}
	return s.getUser(ctx, userID)
}

func (s *Service) updateUser(ctx context.Context, tx *store.Tx, p Principal, userID string, c UserChange, hash string) error {
	u, err := s.loadUser(ctx, tx, userID)
	if err != nil {
		return err
	}
	if userID == p.UserID && (!c.Active || !slices.Equal(sorted(u.Roles), sorted(c.Roles))) {
		return errs.New(errs.Conflict, "user.not_oneself")
	}
	if err := s.mayManage(ctx, tx, p, userID); err != nil {
		return err
	}
	ends := u.Active && !c.Active || hash != "" || c.ResetTOTP
	u.Name, u.NameLatin, u.Email, u.Active, u.Settings.Locale, u.UpdatedAt = c.Name, c.NameLatin, c.Email, c.Active, c.Locale, s.now()
	if hash != "" {
		u.password, u.passwordAt, u.MustChange = hash, s.now(), true
	}
	if err := updateUser(ctx, tx, u); err != nil {
		return err
	}
	if err := s.setRoles(ctx, tx, p, userID, u.Roles, c.Roles); err != nil {
		return err
	}
	if err := replaceDepartments(ctx, tx, userID, c.Departments); err != nil {
		return err
	}
	if c.ResetTOTP && u.TOTP {
		if err := s.dropTOTP(ctx, tx, userID); err != nil {
			return err
		}
	}
	if ends && userID != p.UserID {
		if _, err := s.endSessionsTx(ctx, tx, "session.revoke", userID, nil); err != nil {
			return err
		}
	}
	event.PublishTx(tx, s.bus, UserChanged{UserID: userID})
	return s.record(ctx, tx, "user.update", "user", userID, map[string]any{
		"roles_before": sorted(u.Roles), "roles": sorted(c.Roles), "active": c.Active, "password": hash != "", "reset_totp": c.ResetTOTP})
}

// mayManage keeps somebody with fewer rights from taking over the account of
// somebody with more.
func (s *Service) mayManage(ctx context.Context, tx *store.Tx, p Principal, userID string) error {
	roles, err := selectUserRoles(ctx, tx, userID)
	if err != nil {
		return err
	}
	for _, r := range roles {
		if err := held(p, r.Permissions); err != nil {
			return err
		}
	}
	return nil
}

// Deactivate closes a user's account and ends the sessions; what the user
// did stays under their name.
func (s *Service) Deactivate(ctx context.Context, userID string) error {
	p, err := Require(ctx, AdminUsers)
	if err != nil {
		return err
	}
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		u, err := s.loadUser(ctx, tx, userID)
		if err != nil {
			return err
		}
		c := UserChange{Name: u.Name, NameLatin: u.NameLatin, Email: u.Email, Roles: u.Roles, Departments: u.Departments, Locale: u.Settings.Locale}
		return s.updateUser(ctx, tx, p, userID, c, "")
	})
	if err != nil {
		return fmt.Errorf("deactivate user: %w", err)
	}
	return nil
}

// ChangePassword sets the acting principal's own password and ends the other
// sessions.
func (s *Service) ChangePassword(ctx context.Context, current, next string) error {
	p, err := Require(ctx)
	if err != nil {
		return err
	}
	if err := s.confirmPassword(ctx, p.UserID, "body.current", current); err != nil {
		return err
	}
	if next == current {
		return errs.InvalidField("body.new", "auth.password_same")
	}
	if err := s.policy.checkPassword("body.new", next, p.Login, p.Name); err != nil {
		return err
	}
	hash, err := s.hasher.hash(next)
	if err != nil {
		return err
	}
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		if err := updatePassword(ctx, tx, p.UserID, hash, s.now()); err != nil {
			return err
		}
		if _, err := s.endSessionsTx(ctx, tx, "session.revoke", p.UserID, func(x Session) bool { return x.ID != p.SessionID }); err != nil {
			return err
		}
		return s.record(ctx, tx, "user.password", "user", p.UserID, nil)
	})
	if err != nil {
		return fmt.Errorf("change password: %w", err)
	}
	return nil
}

// confirmPassword checks the password of somebody who is signed in. Wrong
// ones count like failed sign-ins.
func (s *Service) confirmPassword(ctx context.Context, userID, path, password string) error {
	p, _ := From(ctx)
	u, err := s.getStored(ctx, userID)
	if err != nil {
		return err
	}
	c := Credentials{Login: u.Login, IP: p.IP, RequestID: p.RequestID}
	if wait, err := s.attempt(ctx, c); err != nil || wait > 0 {
		if err == nil {
			err = errs.New(errs.Limited, "auth.paused", "seconds", int(wait.Seconds())+1)
		}
		return err
	}
	if ok, _ := s.hasher.verify(password, u.password); !ok {
		return errs.InvalidField(path, "auth.password_wrong")
	}
	return s.db.Write(ctx, func(tx *store.Tx) error { return s.forgive(ctx, tx, c) })
}

func (s *Service) getStored(ctx context.Context, userID string) (u storedUser, err error) {
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		u, err = selectUser(ctx, tx, userID)
		return err
	})
	return u, err
}

// SaveSettings stores the acting principal's settings.
func (s *Service) SaveSettings(ctx context.Context, v Settings) (Settings, error) {
	p, err := Require(ctx)
	if err != nil {
		return v, err
	}
	if v.Locale != "zh-CN" && v.Locale != "en" {
		return v, errs.InvalidField("body.locale", "user.locale_unknown")
	}
	if v.Theme == "" {
		v.Theme = "auto"
	}
	err = s.db.Write(ctx, func(tx *store.Tx) error { return updateSettings(ctx, tx, p.UserID, v, s.now()) })
	if err != nil {
		return v, fmt.Errorf("save settings: %w", err)
	}
	return v, nil
}

// RecoveryLeft counts the acting principal's unused recovery codes.
func (s *Service) RecoveryLeft(ctx context.Context) (n int, err error) {
	p, err := Require(ctx)
	if err != nil {
		return 0, err
	}
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		n, err = countRecoveryCodes(ctx, tx, p.UserID)
		return err
	})
	return n, err
}

func sorted(in []string) []string {
	out := slices.Clone(in)
	slices.Sort(out)
	return out
}
