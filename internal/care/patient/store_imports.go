package patient

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/store"
)

const importColumns = `id, version, file_name, format, encoding, status, headers, mapping, total, done, created, existing, failed, undone, kept,
	error, created_at, created_by, actor_name`

func rowAAD(importID string, line int) string {
	return fmt.Sprintf("import_rows:%s-%d:cells", importID, line)
}

func insertImport(ctx context.Context, tx *store.Tx, im FileImport) error {
	_, err := tx.Exec(ctx, "INSERT INTO imports ("+importColumns+", updated_at) VALUES ("+marks(1, 20)+")",
		im.ID, im.Version, im.FileName, im.Format, im.Encoding, im.Status, toJSON(im.Headers), toJSON(im.Mapping), im.Total, im.Done, im.Created,
		im.Existing, im.Failed, im.Undone, im.Kept, im.Error, store.Millis(im.CreatedAt), im.CreatedBy, im.ActorName, store.Millis(im.CreatedAt))
	if err != nil {
		return fmt.Errorf("store import: %w", err)
	}
	return nil
}

func updateImport(ctx context.Context, tx *store.Tx, im FileImport, now time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE imports SET version = $2, status = $3, mapping = $4, done = $5, created = $6, existing = $7, failed = $8,
		undone = $9, kept = $10, error = $11, updated_at = $12 WHERE id = $1`,
		im.ID, im.Version, im.Status, toJSON(im.Mapping), im.Done, im.Created, im.Existing, im.Failed, im.Undone, im.Kept, im.Error, store.Millis(now))
	if err != nil {
		return fmt.Errorf("change import: %w", err)
	}
	return nil
}

func scanImport(row interface{ Scan(...any) error }) (FileImport, error) {
	var im FileImport
	var headers, mapping string
	var created int64
	err := row.Scan(&im.ID, &im.Version, &im.FileName, &im.Format, &im.Encoding, &im.Status, &headers, &mapping, &im.Total, &im.Done, &im.Created,
		&im.Existing, &im.Failed, &im.Undone, &im.Kept, &im.Error, &created, &im.CreatedBy, &im.ActorName)
	if err != nil {
		return im, err
	}
	im.CreatedAt = store.Time(created)
	if err := json.Unmarshal([]byte(headers), &im.Headers); err != nil {
		return im, fmt.Errorf("decode import: %w", err)
	}
	return im, json.Unmarshal([]byte(mapping), &im.Mapping)
}

func loadImport(ctx context.Context, tx *store.Tx, importID string) (FileImport, error) {
	im, err := scanImport(tx.QueryRow(ctx, "SELECT "+importColumns+" FROM imports WHERE id = $1", importID))
	if store.IsNoRows(err) {
		return im, errs.New(errs.NotFound, "import.not_found")
	}
	if err != nil {
		return im, fmt.Errorf("load import: %w", err)
	}
	return im, nil
}

func queryImports(ctx context.Context, tx *store.Tx, at int64, last string, limit int) ([]FileImport, error) {
	cond, args := "TRUE", []any{}
	if last != "" {
		cond, args = "(created_at, id) < ($1, $2)", []any{at, last}
	}
	args = append(args, int64(limit))
	rows, err := tx.Query(ctx, "SELECT "+importColumns+" FROM imports WHERE "+cond+fmt.Sprintf(" ORDER BY created_at DESC, id DESC LIMIT $%d", len(args)), args...)
	if err != nil {
		return nil, fmt.Errorf("list imports: %w", err)
	}
	defer rows.Close()
	out := []FileImport{}
	for rows.Next() {
		im, err := scanImport(rows)
		if err != nil {
			return nil, fmt.Errorf("scan import: %w", err)
		}
		im.Preview = [][]string{}
		out = append(out, im)
	}
	return out, rows.Err()
}

// insertRows keeps rows as they stand in the file, sealed. line is that of the
// first, counted from 1 below the head.
func (s *Service) insertRows(ctx context.Context, tx *store.Tx, importID string, line int, rows [][]string) error {
	b := &batch{table: "import_rows", columns: "import_id, line, cells, state, problems, patient_id", width: 6}
	for i, cells := range rows {
		if len(cells) == 0 {
			cells = []string{}
		}
		sealed, err := s.keys.Seal(toJSON(cells), rowAAD(importID, line+i))
		if err != nil {
			return fmt.Errorf("seal row: %w", err)
		}
		b.add(importID, line+i, sealed, rowNew, "[]", "")
	}
	return b.flush(ctx, tx)
}

// importRows reads rows after a line: of one state, "problem" for those that
// were not taken over, or all.
func (s *Service) importRows(ctx context.Context, tx *store.Tx, importID, state string, after, limit int) ([]RowProblem, error) {
	cond, args := "import_id = $1 AND line > $2", []any{importID, after}
	switch state {
	case "":
	case "problem":
		cond += " AND state IN ('failed', 'existing')"
	default:
		cond, args = cond+" AND state = $3", append(args, state)
	}
	args = append(args, int64(limit))
	rows, err := tx.Query(ctx, "SELECT line, cells, state, problems FROM import_rows WHERE "+cond+fmt.Sprintf(" ORDER BY line LIMIT $%d", len(args)), args...)
	if err != nil {
		return nil, fmt.Errorf("read rows: %w", err)
	}
	defer rows.Close()
	out := []RowProblem{}
	for rows.Next() {
		var r RowProblem
		var cells, problems string
		if err := rows.Scan(&r.Line, &cells, &r.State, &problems); err != nil {
			return nil, fmt.Errorf("scan row: %w", err)
		}
		if cells, err = s.keys.Unseal(cells, rowAAD(importID, r.Line)); err != nil {
			return nil, fmt.Errorf("open row: %w", err)
		}
		r.Cells = []string{}
		for _, d := range []struct {
			text string
			into any
		}{{cells, &r.Cells}, {problems, &r.Problems}} {
			if d.text == "" { // forgotten by now
				continue
			}
			if err := json.Unmarshal([]byte(d.text), d.into); err != nil {
				return nil, fmt.Errorf("decode row: %w", err)
			}
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// markRow notes what became of a row. The cells of a person who was created
// are in their record; the copy goes.
func markRow(ctx context.Context, tx *store.Tx, importID string, line int, state string, bad []CellProblem, patientID string) error {
	if bad == nil {
		bad = []CellProblem{}
	}
	clear := ""
	if state == rowCreated {
		clear = ", cells = ''"
	}
	_, err := tx.Exec(ctx, "UPDATE import_rows SET state = $3, problems = $4, patient_id = $5"+clear+" WHERE import_id = $1 AND line = $2",
		importID, line, state, toJSON(bad), patientID)
	if err != nil {
		return fmt.Errorf("mark row: %w", err)
	}
	return nil
}

func resetRows(ctx context.Context, tx *store.Tx, importID string) error {
	_, err := tx.Exec(ctx, "UPDATE import_rows SET state = 'new', problems = '[]' WHERE import_id = $1 AND state IN ('valid', 'failed', 'existing')", importID)
	if err != nil {
		return fmt.Errorf("reset rows: %w", err)
	}
	return nil
}

// dropCells forgets the cells of old imports.
func dropCells(ctx context.Context, tx *store.Tx, before time.Time) error {
	_, err := tx.Exec(ctx, "UPDATE import_rows SET cells = '' WHERE cells <> '' AND import_id IN (SELECT id FROM imports WHERE created_at < $1)", store.Millis(before))
	if err != nil {
		return fmt.Errorf("drop old rows: %w", err)
	}
	return nil
}

type createdRow struct {
	line      int
	patientID string
}

func createdRows(ctx context.Context, tx *store.Tx, importID string, limit int) ([]createdRow, error) {
	rows, err := tx.Query(ctx, "SELECT line, patient_id FROM import_rows WHERE import_id = $1 AND state = 'created' ORDER BY line LIMIT $2", importID, int64(limit))
	if err != nil {
		return nil, fmt.Errorf("read created rows: %w", err)
	}
	defer rows.Close()
	var out []createdRow
	for rows.Next() {
		var r createdRow
		if err := rows.Scan(&r.line, &r.patientID); err != nil {
			return nil, fmt.Errorf("scan created row: %w", err)
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// recorded says whether somebody is in the files already.
func (s *Service) recorded(ctx context.Context, tx *store.Tx, p Patient) (string, error) {
	has := func(sql string, args ...any) (bool, error) {
		list, err := texts(ctx, tx, sql, args...)
		return len(list) > 0, err
	}
	for _, d := range p.Identifiers {
		if !personal(d.Type) || d.Value == "" {
			continue
		}
		ok, err := has("SELECT patient_id FROM patient_identifiers WHERE type = $1 AND idx = $2 AND idx <> '' LIMIT 1", d.Type, s.index("id", d.Value))
		if err != nil || ok {
			return "patient.id_taken", err
		}
	}
	for _, ph := range p.Phones {
		ok, err := has("SELECT p.id FROM patient_phones ph JOIN patients p ON p.id = ph.patient_id WHERE ph.idx = $1 AND p.name = $2 LIMIT 1", s.index("phone", ph.Number), p.Name)
		if err != nil || ok {
			return "import.known_by_phone", err
		}
	}
	if p.Code != "" {
		ok, err := has("SELECT id FROM patients WHERE code = $1", p.Code)
		if err != nil || ok {
			return "patient.code_taken", err
		}
	}
	return "", nil
}

// touched reports whether a record was changed, merged or looked after since
// it came.
func touched(ctx context.Context, tx *store.Tx, patientID string) (bool, error) {
	var n int
	err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM patients p WHERE p.id = $1 AND (p.version > 1 OR p.merged_into <> '' OR p.restricted = 1
		OR EXISTS (SELECT 1 FROM patient_merges m WHERE m.keep_id = p.id)
		OR EXISTS (SELECT 1 FROM consents c WHERE c.patient_id = p.id)
		OR EXISTS (SELECT 1 FROM privacy_requests r WHERE r.patient_id = p.id))`, patientID).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("check use: %w", err)
	}
	return n > 0, nil
}

func deletePatient(ctx context.Context, tx *store.Tx, patientID string) error {
	if _, err := tx.Exec(ctx, "DELETE FROM patients WHERE id = $1", patientID); err != nil {
		return fmt.Errorf("remove patient: %w", err)
	}
	return nil
}
