package hospital

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/store"
)

const (
	campusColumns     = "id, code, name, name_en, address, phone, transit, hours, position"
	departmentColumns = "id, version, code, name, name_en, campus_id, parent_id, intro, floor, phone, extension, clinical, position, pinyin, initials, updated_at"
	doctorColumns     = "id, version, code, name, pinyin, initials, sex, title, department_id, campus_id, intro, specialties, sessions, fee, user_id, updated_at"
)

func listCampuses(ctx context.Context, tx *store.Tx) ([]Campus, error) {
	rows, err := tx.Query(ctx, "SELECT "+campusColumns+" FROM campuses ORDER BY position, code")
	if err != nil {
		return nil, fmt.Errorf("list campuses: %w", err)
	}
	defer rows.Close()
	out := []Campus{}
	for rows.Next() {
		var c Campus
		if err := rows.Scan(&c.ID, &c.Code, &c.Name, &c.NameEN, &c.Address, &c.Phone, &c.Transit, &c.Hours, &c.Position); err != nil {
			return nil, fmt.Errorf("scan campus: %w", err)
		}
		out = append(out, c)
	}
	return out, rows.Err()
}

// listDepartments reads one department, or all when the id is empty.
func listDepartments(ctx context.Context, tx *store.Tx, departmentID string) ([]Department, error) {
	rows, err := tx.Query(ctx, "SELECT "+departmentColumns+" FROM departments WHERE $1 = '' OR id = $1 ORDER BY position, code", departmentID)
	if err != nil {
		return nil, fmt.Errorf("list departments: %w", err)
	}
	defer rows.Close()
	out := []Department{}
	for rows.Next() {
		var d Department
		var clinical, at int64
		if err := rows.Scan(&d.ID, &d.Version, &d.Code, &d.Name, &d.NameEN, &d.CampusID, &d.ParentID, &d.Intro, &d.Floor, &d.Phone,
			&d.Extension, &clinical, &d.Position, &d.Pinyin, &d.Initials, &at); err != nil {
			return nil, fmt.Errorf("scan department: %w", err)
		}
		d.Clinical, d.UpdatedAt = clinical != 0, store.Time(at)
		out = append(out, d)
	}
	return out, rows.Err()
}

// listDoctors reads one doctor, or all when the id is empty.
func listDoctors(ctx context.Context, tx *store.Tx, doctorID string) ([]Doctor, error) {
	rows, err := tx.Query(ctx, "SELECT d."+strings.ReplaceAll(doctorColumns, ", ", ", d.")+`, COALESCE(p.name, '')
		FROM doctors d LEFT JOIN departments p ON p.id = d.department_id WHERE $1 = '' OR d.id = $1
		ORDER BY COALESCE(p.position, 0), CASE d.title WHEN 'chief' THEN 1 WHEN 'associate_chief' THEN 2 WHEN 'attending' THEN 3 ELSE 4 END, d.code`, doctorID)
	if err != nil {
		return nil, fmt.Errorf("list doctors: %w", err)
	}
	defer rows.Close()
	out := []Doctor{}
	for rows.Next() {
		var d Doctor
		var specialties string
		var at int64
		if err := rows.Scan(&d.ID, &d.Version, &d.Code, &d.Name, &d.Pinyin, &d.Initials, &d.Sex, &d.Title, &d.DepartmentID, &d.CampusID,
			&d.Intro, &specialties, &d.Sessions, &d.Fee, &d.UserID, &at, &d.Department); err != nil {
			return nil, fmt.Errorf("scan doctor: %w", err)
		}
		if err := json.Unmarshal([]byte(specialties), &d.Specialties); err != nil {
			return nil, fmt.Errorf("decode doctor: %w", err)
		}
		d.UpdatedAt = store.Time(at)
		out = append(out, d)
	}
	return out, rows.Err()
}

// put inserts a row, or updates it by its id, the first column.
func put(ctx context.Context, tx *store.Tx, table, columns string, created bool, args ...any) error {
	names := strings.Split(columns, ", ")
	parts := make([]string, len(names))
	if created {
		for i := range names {
			parts[i] = fmt.Sprintf("$%d", i+1)
		}
		if _, err := tx.Exec(ctx, "INSERT INTO "+table+" ("+columns+") VALUES ("+strings.Join(parts, ", ")+")", args...); err != nil {
			return fmt.Errorf("insert %s: %w", table, err)
		}
		return nil
	}
	for i, n := range names {
		parts[i] = fmt.Sprintf("%s = $%d", n, i+1)
	}
	n, err := tx.Exec(ctx, "UPDATE "+table+" SET "+strings.Join(parts[1:], ", ")+" WHERE "+parts[0], args...)
	if err != nil {
		return fmt.Errorf("update %s: %w", table, err)
	}
	if n == 0 {
		return errs.New(errs.NotFound, "hospital.not_found")
	}
	return nil
}

func putCampus(ctx context.Context, tx *store.Tx, c Campus, created bool) error {
	return put(ctx, tx, "campuses", campusColumns, created, c.ID, c.Code, c.Name, c.NameEN, c.Address, c.Phone, c.Transit, c.Hours, c.Position)
}

func putDepartment(ctx context.Context, tx *store.Tx, d Department, created bool) error {
	clinical := int64(0)
	if d.Clinical {
		clinical = 1
	}
	return put(ctx, tx, "departments", departmentColumns, created, d.ID, d.Version, d.Code, d.Name, d.NameEN, d.CampusID, d.ParentID,
		d.Intro, d.Floor, d.Phone, d.Extension, clinical, d.Position, d.Pinyin, d.Initials, store.Millis(d.UpdatedAt))
}

func putDoctor(ctx context.Context, tx *store.Tx, d Doctor, created bool) error {
	if d.Specialties == nil {
		d.Specialties = []string{}
	}
	specialties, err := json.Marshal(d.Specialties)
	if err != nil {
		return fmt.Errorf("encode doctor: %w", err)
	}
	return put(ctx, tx, "doctors", doctorColumns, created, d.ID, d.Version, d.Code, d.Name, d.Pinyin, d.Initials, d.Sex, d.Title,
		d.DepartmentID, d.CampusID, d.Intro, string(specialties), d.Sessions, d.Fee, d.UserID, store.Millis(d.UpdatedAt))
}

// nextVersion is the version after the stored one, which a given version must be.
func nextVersion(ctx context.Context, tx *store.Tx, table, itemID string, given int64, created bool) (int64, error) {
	if created {
		return 1, nil
	}
	var v int64
	err := tx.QueryRow(ctx, "SELECT version FROM "+table+" WHERE id = $1", itemID).Scan(&v)
	switch {
	case store.IsNoRows(err):
		return 0, errs.New(errs.NotFound, "hospital.not_found")
	case err != nil:
		return 0, fmt.Errorf("read version: %w", err)
	case given != 0 && given != v:
		return 0, errs.New(errs.Conflict, "hospital.version_conflict")
	}
	return v + 1, nil
}

// known checks that a referred row exists; "" refers to nothing.
func known(ctx context.Context, tx *store.Tx, path, table, itemID string) error {
	if itemID == "" {
		return nil
	}
	var n int
	if err := tx.QueryRow(ctx, "SELECT COUNT(*) FROM "+table+" WHERE id = $1", itemID).Scan(&n); err != nil {
		return fmt.Errorf("check %s: %w", path, err)
	}
	if n == 0 {
		return errs.InvalidField(path, "hospital.unknown_reference")
	}
	return nil
}

func remove(ctx context.Context, tx *store.Tx, kind, table, itemID string) error {
	used := map[string]string{
		"campus":     `SELECT (SELECT COUNT(*) FROM departments WHERE campus_id = $1) + (SELECT COUNT(*) FROM doctors WHERE campus_id = $1)`,
		"department": `SELECT (SELECT COUNT(*) FROM doctors WHERE department_id = $1) + (SELECT COUNT(*) FROM departments WHERE parent_id = $1)`,
	}[kind]
	if used != "" {
		var n int
		if err := tx.QueryRow(ctx, used, itemID).Scan(&n); err != nil {
			return fmt.Errorf("check use of %s: %w", kind, err)
		}
		if n > 0 {
			return errs.New(errs.Conflict, "hospital.in_use", "count", n)
		}
	}
	n, err := tx.Exec(ctx, "DELETE FROM "+table+" WHERE id = $1", itemID)
	if err != nil {
		return fmt.Errorf("delete %s: %w", kind, err)
	}
	if n == 0 {
		return errs.New(errs.NotFound, "hospital.not_found")
	}
	return nil
}

func namesOf(ctx context.Context, tx *store.Tx, departmentID, doctorID string) (department, doctor string, err error) {
	err = tx.QueryRow(ctx, `SELECT COALESCE((SELECT name FROM departments WHERE id = $1), ''),
		COALESCE((SELECT name FROM doctors WHERE id = $2), '')`, departmentID, doctorID).Scan(&department, &doctor)
	return department, doctor, err
}
