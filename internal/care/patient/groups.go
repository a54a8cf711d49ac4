package patient

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/id"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/pinyin"
	"heartline/internal/platform/store"
)

// GroupKinds lists the kinds of groups.
func GroupKinds() []string { return []string{GroupContract, GroupInsurer, GroupCommunity} }

// Groups lists the groups that fit a filter, by name.
func (s *Service) Groups(ctx context.Context, f GroupFilter) (list []Group, next string, err error) {
	if _, err := identity.Require(ctx, identity.PatientRead); err != nil {
		return nil, "", err
	}
	if f.Kind != "" && !slices.Contains(GroupKinds(), f.Kind) {
		return nil, "", errs.InvalidField("kind", "not_allowed")
	}
	f.Limit = pageSize(f.Limit)
	err = s.db.Read(ctx, func(tx *store.Tx) (err error) {
		list, err = queryGroups(ctx, tx, f)
		return err
	})
	if len(list) > f.Limit {
		list = list[:f.Limit]
		next = list[f.Limit-1].ID
	}
	return list, next, err
}

// Group returns one group.
func (s *Service) Group(ctx context.Context, groupID string) (g Group, err error) {
	if _, err := identity.Require(ctx, identity.PatientRead); err != nil {
		return Group{}, err
	}
	err = s.db.Read(ctx, func(tx *store.Tx) (err error) {
		g, err = loadGroup(ctx, tx, groupID)
		return err
	})
	return g, err
}

// SaveGroup creates a group, or changes the one with g.ID, whose version must
// be the stored one.
func (s *Service) SaveGroup(ctx context.Context, g Group) (Group, error) {
	who, err := identity.Require(ctx, identity.PatientWrite)
	if err != nil {
		return Group{}, err
	}
	if err := checkGroup(&g); err != nil {
		return Group{}, err
	}
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		now, in, action := s.now(), g, "group.update"
		if g.ID == "" {
			in.ID, in.Version, in.CreatedAt, in.UpdatedAt, action = id.New(), 1, now, now, "group.create"
			if in.Code == "" {
				in.Code = "G" + strings.ToUpper(in.ID[len(in.ID)-8:])
			}
			if err := insertGroup(ctx, tx, in); err != nil {
				return err
			}
		} else {
			old, err := loadGroup(ctx, tx, g.ID)
			if err != nil {
				return err
			}
			if g.Version != 0 && g.Version != old.Version {
				return errs.New(errs.Conflict, "patient.version_conflict", "version", old.Version)
			}
			if in.Code == "" {
				in.Code = old.Code
			}
			in.Version, in.CreatedAt, in.UpdatedAt, in.Members = old.Version+1, old.CreatedAt, now, old.Members
			if err := updateGroup(ctx, tx, in); err != nil {
				return err
			}
		}
		if err := s.auditGroup(ctx, tx, who, action, in.ID, ""); err != nil {
			return err
		}
		saved := in
		tx.AfterCommit(func() { g = saved })
		return nil
	})
	if store.IsUnique(err) {
		return Group{}, &errs.Error{Kind: errs.Conflict, Key: "patient.code_taken", Fields: errs.Fields{{Path: "code", Key: "patient.code_taken"}}}
	}
	return g, err
}

// DeleteGroup removes a group; its members stay customers.
func (s *Service) DeleteGroup(ctx context.Context, groupID string) error {
	who, err := identity.Require(ctx, identity.PatientWrite)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		if err := deleteGroup(ctx, tx, groupID); err != nil {
			return err
		}
		return s.auditGroup(ctx, tx, who, "group.delete", groupID, "")
	})
}

// GroupMembers lists the people of a group. The look is audited.
func (s *Service) GroupMembers(ctx context.Context, groupID, cursor string, limit int) (list []GroupMember, next string, err error) {
	who, err := identity.Require(ctx, identity.PatientRead)
	if err != nil {
		return nil, "", err
	}
	limit = pageSize(limit)
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		if _, err := loadGroup(ctx, tx, groupID); err != nil {
			return err
		}
		if list, err = s.queryMembers(ctx, tx, groupID, cursor, limit+1, who); err != nil {
			return err
		}
		return s.auditGroup(ctx, tx, who, "group.members", groupID, "")
	})
	if len(list) > limit {
		list = list[:limit]
		next = list[limit-1].ID
	}
	return list, next, err
}

// AddGroupMember adds a person to a group, or changes their entry.
func (s *Service) AddGroupMember(ctx context.Context, groupID, patientID string, m GroupMember) error {
	who, err := identity.Require(ctx, identity.PatientWrite)
	if err != nil {
		return err
	}
	var c checker
	c.line("number", &m.Number, 40, false)
	c.line("role", &m.Role, 40, false)
	c.period(&m.Since, &m.Until, "since", "until")
	if err := c.f.Err(); err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		if _, err := loadGroup(ctx, tx, groupID); err != nil {
			return err
		}
		target, err := s.resolve(ctx, tx, patientID)
		if err != nil {
			return err
		}
		if err := upsertMember(ctx, tx, id.New(), groupID, target, m, s.now()); err != nil {
			return err
		}
		return s.auditGroup(ctx, tx, who, "group.member_add", groupID, target)
	})
}

// RemoveGroupMember takes a person out of a group.
func (s *Service) RemoveGroupMember(ctx context.Context, groupID, patientID string) error {
	who, err := identity.Require(ctx, identity.PatientWrite)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		if err := removeMember(ctx, tx, groupID, patientID); err != nil {
			return err
		}
		return s.auditGroup(ctx, tx, who, "group.member_remove", groupID, patientID)
	})
}

// GroupsOf lists the groups that a person belongs to.
func (s *Service) GroupsOf(ctx context.Context, patientID string) (list []Group, err error) {
	who, err := identity.Require(ctx, identity.PatientRead)
	if err != nil {
		return nil, err
	}
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		current, err := s.viewable(ctx, tx, who, patientID)
		if err != nil {
			return err
		}
		list, err = groupsOf(ctx, tx, current)
		return err
	})
	return list, err
}

// checkGroup trims and checks a group and fills in how its name sounds.
func checkGroup(g *Group) error {
	var c checker
	c.line("name", &g.Name, 100, true)
	c.line("code", &g.Code, 32, false)
	c.line("contact", &g.Contact, 100, false)
	c.line("address", &g.Address, 200, false)
	if !slices.Contains(GroupKinds(), g.Kind) {
		c.f.Add("kind", "not_allowed")
	}
	if g.Code = strings.ToUpper(g.Code); g.Code != "" && !codePattern.MatchString(g.Code) {
		c.f.Add("code", "patient.code_invalid")
	}
	if g.Phone != "" {
		number, ok := NormalisePhone(g.Phone)
		if !ok || !validPhone(g.Phone) {
			c.f.Add("phone", "patient.phone_invalid")
		}
		g.Phone = number
	}
	if utf8.RuneCountInString(g.Notes) > 2000 || !utf8.ValidString(g.Notes) || strings.ContainsRune(g.Notes, 0) {
		c.f.Add("notes", "too_long")
	}
	c.period(&g.ValidFrom, &g.ValidTo, "valid_from", "valid_to")
	return c.f.Err()
}

// period checks two dates, either of which may be empty, and their order.
func (c *checker) period(from, to *string, fromPath, toPath string) {
	for _, d := range []struct{ path, value string }{{fromPath, *from}, {toPath, *to}} {
		if d.value == "" {
			continue
		}
		if _, err := time.Parse(time.DateOnly, d.value); err != nil {
			c.f.Add(d.path, "patient.date_invalid")
		}
	}
	if *from != "" && *to != "" && *to < *from {
		c.f.Add(toPath, "validation.period_order")
	}
}

// groupSounds is what a group can be found by besides its name.
func groupSounds(name string) (joined, initials string) {
	joined, initials = pinyin.Plain(name)
	latin := strings.Map(func(r rune) rune {
		if r < 128 && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
	return joined + latin, initials
}
