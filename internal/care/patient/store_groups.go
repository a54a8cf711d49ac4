package patient

import (
	"context"
	"fmt"
	"strings"
	"time"

	"heartline/internal/platform/audit"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

const groupColumns = `id, version, kind, code, name, contact, phone, address, valid_from, valid_to, notes, created_at, updated_at`

const groupCount = `(SELECT COUNT(*) FROM customer_group_members m WHERE m.group_id = g.id)`

func scanGroup(row interface{ Scan(...any) error }) (Group, error) {
	var g Group
	var created, updated int64
	err := row.Scan(&g.ID, &g.Version, &g.Kind, &g.Code, &g.Name, &g.Contact, &g.Phone, &g.Address, &g.ValidFrom, &g.ValidTo,
		&g.Notes, &created, &updated, &g.Members)
	g.CreatedAt, g.UpdatedAt = store.Time(created), store.Time(updated)
	return g, err
}

func loadGroup(ctx context.Context, tx *store.Tx, groupID string) (Group, error) {
	g, err := scanGroup(tx.QueryRow(ctx, "SELECT "+groupColumns+", "+groupCount+" FROM customer_groups g WHERE id = $1", groupID))
	if store.IsNoRows(err) {
		return g, errs.New(errs.NotFound, "patient.group_not_found")
	}
	if err != nil {
		return g, fmt.Errorf("load group: %w", err)
	}
	return g, nil
}

func queryGroups(ctx context.Context, tx *store.Tx, f GroupFilter) ([]Group, error) {
	cond, args := "TRUE", []any{}
	add := func(format string, val any) {
		args = append(args, val)
		cond += " AND " + strings.ReplaceAll(format, "?", fmt.Sprintf("$%d", len(args)))
	}
	if f.Kind != "" {
		add("kind = ?", f.Kind)
	}
	if q := strings.TrimSpace(foldWidth(f.Query)); q != "" {
		like := likeText(q)
		lower := strings.ToLower(strings.ReplaceAll(like, " ", ""))
		args = append(args, "%"+like+"%", lower+"%", strings.ToUpper(q))
		n := len(args)
		cond += fmt.Sprintf(` AND (name LIKE $%d ESCAPE '\' OR pinyin LIKE $%d ESCAPE '\' OR initials LIKE $%d ESCAPE '\' OR code = $%d)`, n-2, n-1, n-1, n)
	}
	if f.Cursor != "" {
		add("(pinyin, id) > (SELECT pinyin, id FROM customer_groups WHERE id = ?)", f.Cursor)
	}
	args = append(args, int64(f.Limit+1))
	return groupList(ctx, tx, "SELECT "+groupColumns+", "+groupCount+" FROM customer_groups g WHERE "+cond+
		fmt.Sprintf(" ORDER BY pinyin, id LIMIT $%d", len(args)), args...)
}

func groupList(ctx context.Context, tx *store.Tx, sql string, args ...any) ([]Group, error) {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("list groups: %w", err)
	}
	defer rows.Close()
	out := []Group{}
	for rows.Next() {
		g, err := scanGroup(rows)
		if err != nil {
			return nil, fmt.Errorf("scan group: %w", err)
		}
		out = append(out, g)
	}
	return out, rows.Err()
}

func groupsOf(ctx context.Context, tx *store.Tx, patientID string) ([]Group, error) {
	return groupList(ctx, tx, "SELECT "+groupColumns+", "+groupCount+` FROM customer_groups g
		WHERE id IN (SELECT group_id FROM customer_group_members WHERE patient_id = $1) ORDER BY pinyin, id LIMIT 200`, patientID)
}

func insertGroup(ctx context.Context, tx *store.Tx, g Group) error {
	py, ini := groupSounds(g.Name)
	_, err := tx.Exec(ctx, "INSERT INTO customer_groups ("+groupColumns+", pinyin, initials) VALUES ("+marks(1, 15)+")",
		g.ID, g.Version, g.Kind, g.Code, g.Name, g.Contact, g.Phone, g.Address, g.ValidFrom, g.ValidTo, g.Notes,
		store.Millis(g.CreatedAt), store.Millis(g.UpdatedAt), py, ini)
	if err != nil {
		return fmt.Errorf("insert group: %w", err)
	}
	return nil
}

func updateGroup(ctx context.Context, tx *store.Tx, g Group) error {
	py, ini := groupSounds(g.Name)
	_, err := tx.Exec(ctx, `UPDATE customer_groups SET version = $2, kind = $3, code = $4, name = $5, contact = $6, phone = $7, address = $8,
		valid_from = $9, valid_to = $10, notes = $11, updated_at = $12, pinyin = $13, initials = $14 WHERE id = $1`,
		g.ID, g.Version, g.Kind, g.Code, g.Name, g.Contact, g.Phone, g.Address, g.ValidFrom, g.ValidTo, g.Notes, store.Millis(g.UpdatedAt), py, ini)
	if err != nil {
		return fmt.Errorf("update group: %w", err)
	}
	return nil
}

func deleteGroup(ctx context.Context, tx *store.Tx, groupID string) error {
	n, err := tx.Exec(ctx, "DELETE FROM customer_groups WHERE id = $1", groupID)
	if err != nil {
		return fmt.Errorf("delete group: %w", err)
	}
	if n == 0 {
		return errs.New(errs.NotFound, "patient.group_not_found")
	}
	return nil
}

func upsertMember(ctx context.Context, tx *store.Tx, rowID, groupID, patientID string, m GroupMember, now time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO customer_group_members (id, group_id, patient_id, number, role, since, until, added_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (group_id, patient_id)
		DO UPDATE SET number = excluded.number, role = excluded.role, since = excluded.since, until = excluded.until`,
		rowID, groupID, patientID, m.Number, m.Role, m.Since, m.Until, store.Millis(now))
	if err != nil {
		return fmt.Errorf("add to group: %w", err)
	}
	return nil
}

func removeMember(ctx context.Context, tx *store.Tx, groupID, patientID string) error {
	n, err := tx.Exec(ctx, "DELETE FROM customer_group_members WHERE group_id = $1 AND patient_id = $2", groupID, patientID)
	if err != nil {
		return fmt.Errorf("remove from group: %w", err)
	}
	if n == 0 {
		return notFound()
	}
	return nil
}

// queryMembers reads the members of a group in the order in which they came.
func (s *Service) queryMembers(ctx context.Context, tx *store.Tx, groupID, cursor string, limit int, who identity.Principal) ([]GroupMember, error) {
	rows, err := tx.Query(ctx, "SELECT "+cardColumns+`, m.id, m.number, m.role, m.since, m.until FROM customer_group_members m
		JOIN patients p ON p.id = m.patient_id WHERE m.group_id = $1 AND m.id > $2 ORDER BY m.id LIMIT $3`, groupID, cursor, int64(limit))
	if err != nil {
		return nil, fmt.Errorf("list members: %w", err)
	}
	defer rows.Close()
	out := []GroupMember{}
	for rows.Next() {
		m := GroupMember{GroupID: groupID}
		c, err := s.scanCard(rows, &m.ID, &m.Number, &m.Role, &m.Since, &m.Until)
		if err != nil {
			return nil, err
		}
		m.Card = c.Card
		out = append(out, m)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	cards := make([]Card, len(out))
	for i := range out {
		cards[i] = out[i].Card
	}
	if err := s.addPhones(ctx, tx, cards); err != nil {
		return nil, err
	}
	for i := range out {
		out[i].Card = maskCard(cards[i], who)
	}
	return out, nil
}

func (s *Service) auditGroup(ctx context.Context, tx *store.Tx, who identity.Principal, action, groupID, patientID string) error {
	err := s.audit.Append(ctx, tx, audit.Entry{At: s.now(), Actor: who.UserID, ActorName: who.Name, Action: action, Object: "group",
		ObjectID: groupID, Patient: patientID, IP: who.IP, RequestID: who.RequestID})
	if err != nil {
		return fmt.Errorf("audit %s: %w", action, err)
	}
	return nil
}

// likeText keeps the signs of a pattern from meaning anything.
func likeText(s string) string {
	return strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(s)
}
