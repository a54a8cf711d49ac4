package patient

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/event"
	"heartline/internal/platform/id"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/job"
	"heartline/internal/platform/sheet"
	"heartline/internal/platform/store"
)

// MaxImport is the size of the largest file that is taken.
const MaxImport = 20 << 20

// keepCells is how long the cells of rows that failed are kept.
const keepCells = 30 * 24 * time.Hour

// ImportProgress says that an import moved on.
type ImportProgress struct{ ImportID string }

// CreateImport takes a file in: reads it within bounds, keeps its rows sealed,
// and suggests what the columns are. Nobody is created yet.
func (s *Service) CreateImport(ctx context.Context, fileName string, file []byte) (FileImport, error) {
	who, err := identity.Require(ctx, identity.PatientImport)
	if err != nil {
		return FileImport{}, err
	}
	if len(file) > MaxImport {
		return FileImport{}, errs.New(errs.TooLarge, "import.too_large")
	}
	t, err := sheet.Read(file, sheet.Limits{})
	if err != nil {
		return FileImport{}, refused(err)
	}
	head := t.Rows[0]
	if len(t.Rows) < 2 || len(head) == 0 {
		return FileImport{}, errs.New(errs.Invalid, "import.no_rows")
	}
	now := s.now()
	im := FileImport{ID: id.New(), Version: 1, FileName: cleanFileName(fileName), Format: t.Format, Encoding: t.Encoding, Status: ImportCancelled,
		Headers: head, Mapping: suggest(head), Total: len(t.Rows) - 1, Error: "import.interrupted", CreatedAt: now, CreatedBy: who.UserID, ActorName: who.Name}
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		if err := dropCells(ctx, tx, now.Add(-keepCells)); err != nil {
			return err
		}
		return insertImport(ctx, tx, im)
	})
	for at := 1; err == nil && at < len(t.Rows); at += importStep {
		chunk := t.Rows[at:min(at+importStep, len(t.Rows))]
		err = s.db.Write(ctx, func(tx *store.Tx) error { return s.insertRows(ctx, tx, im.ID, at, chunk) })
	}
	if err != nil {
		return FileImport{}, err
	}
	im.Status, im.Error = ImportUploaded, ""
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		if err := updateImport(ctx, tx, im, now); err != nil {
			return err
		}
		return s.auditTx(ctx, tx, who, "patient.import_upload", "", "", map[string]any{"import": im.ID, "rows": im.Total, "format": im.Format})
	})
	if err != nil {
		return FileImport{}, err
	}
	return s.ImportByID(ctx, im.ID)
}

// refused turns the reason why a file cannot be read into a message.
func refused(err error) error {
	for _, r := range []struct {
		err error
		key string
	}{
		{sheet.ErrEncoding, "import.encoding"}, {sheet.ErrOld, "import.old_excel"}, {sheet.ErrLocked, "import.locked"}, {sheet.ErrBomb, "import.bomb"},
		{sheet.ErrRows, "import.too_many_rows"}, {sheet.ErrColumns, "import.too_many_columns"}, {sheet.ErrCell, "import.cell_too_long"},
		{sheet.ErrEmpty, "import.no_rows"}, {sheet.ErrFormat, "import.format"},
	} {
		if errors.Is(err, r.err) {
			return errs.Wrap(errs.Invalid, r.key, err)
		}
	}
	return err
}

// cleanFileName keeps the last part of a name, without what could steer a
// screen.
func cleanFileName(name string) string {
	name = filepath.Base(strings.ReplaceAll(strings.ToValidUTF8(name, ""), `\`, "/"))
	name = strings.Map(func(r rune) rune {
		if r < ' ' || strings.ContainsRune("<>\"|?*\u202e", r) {
			return -1
		}
		return r
	}, name)
	for utf8.RuneCountInString(name) > 100 {
		name = string([]rune(name)[:100])
	}
	return name
}

// Imports lists the imports, newest first.
func (s *Service) Imports(ctx context.Context, cursor string, limit int) (list []FileImport, next string, err error) {
	if _, err := identity.Require(ctx, identity.PatientImport); err != nil {
		return nil, "", err
	}
	at, last, err := parseCursor(cursor)
	if err != nil {
		return nil, "", err
	}
	limit = pageSize(limit)
	err = s.db.Read(ctx, func(tx *store.Tx) (err error) {
		list, err = queryImports(ctx, tx, at, last, limit+1)
		return err
	})
	if len(list) > limit {
		list = list[:limit]
		next = formatCursor(store.Millis(list[limit-1].CreatedAt), list[limit-1].ID)
	}
	return list, next, err
}

// ImportByID returns one import; while its columns are being chosen, with the
// first rows.
func (s *Service) ImportByID(ctx context.Context, importID string) (im FileImport, err error) {
	if _, err := identity.Require(ctx, identity.PatientImport); err != nil {
		return FileImport{}, err
	}
	err = s.db.Read(ctx, func(tx *store.Tx) (err error) {
		if im, err = loadImport(ctx, tx, importID); err != nil {
			return err
		}
		im.Preview = [][]string{}
		if im.Status != ImportUploaded && im.Status != ImportMapped && im.Status != ImportChecked {
			return nil
		}
		rows, err := s.importRows(ctx, tx, importID, "", 0, 10)
		for _, r := range rows {
			im.Preview = append(im.Preview, r.Cells)
		}
		return err
	})
	return im, err
}

// MapImport says what the columns of a file are.
func (s *Service) MapImport(ctx context.Context, importID string, mapping []string) (FileImport, error) {
	err := s.changeImport(ctx, importID, "patient.import_map", func(tx *store.Tx, im *FileImport) error {
		if !slices.Contains([]string{ImportUploaded, ImportMapped, ImportChecked}, im.Status) {
			return errs.New(errs.Conflict, "import.state")
		}
		if err := checkMapping(mapping, len(im.Headers)); err != nil {
			return err
		}
		im.Mapping, im.Status = mapping, ImportMapped
		return nil
	})
	if err != nil {
		return FileImport{}, err
	}
	return s.ImportByID(ctx, importID)
}

// CheckImport promises to check every row without storing anybody.
func (s *Service) CheckImport(ctx context.Context, importID string) (FileImport, error) {
	return s.startImport(ctx, importID, "patient.import_check", ImportChecking, importJob{ImportID: importID, Dry: true}, ImportUploaded, ImportMapped, ImportChecked)
}

// RunImport promises to take the rows over.
func (s *Service) RunImport(ctx context.Context, importID string) (FileImport, error) {
	return s.startImport(ctx, importID, "patient.import_run", ImportRunning, importJob{ImportID: importID}, ImportUploaded, ImportMapped, ImportChecked)
}

// UndoImport promises to remove whom an import brought, except those who are
// in use since.
func (s *Service) UndoImport(ctx context.Context, importID string) (FileImport, error) {
	return s.startImport(ctx, importID, "patient.import_undo", ImportUndoing, importJob{ImportID: importID, Undo: true}, ImportDone)
}

func (s *Service) startImport(ctx context.Context, importID, action, status string, j importJob, from ...string) (FileImport, error) {
	if s.jobs == nil {
		return FileImport{}, errs.New(errs.Unavailable, "unavailable")
	}
	err := s.changeImport(ctx, importID, action, func(tx *store.Tx, im *FileImport) error {
		if !slices.Contains(from, im.Status) {
			return errs.New(errs.Conflict, "import.state")
		}
		if err := checkMapping(im.Mapping, len(im.Headers)); err != nil {
			return err
		}
		im.Status, im.Done, im.Error = status, 0, ""
		if !j.Undo {
			im.Created, im.Existing, im.Failed = 0, 0, 0
			if err := resetRows(ctx, tx, importID); err != nil {
				return err
			}
		}
		return job.Enqueue(ctx, tx, s.jobs, j, job.UniqueKey(importID), job.MaxAttempts(5))
	})
	if err != nil {
		return FileImport{}, err
	}
	return s.ImportByID(ctx, importID)
}

// changeImport changes an import in one audited transaction.
func (s *Service) changeImport(ctx context.Context, importID, action string, change func(tx *store.Tx, im *FileImport) error) error {
	who, err := identity.Require(ctx, identity.PatientImport)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		im, err := loadImport(ctx, tx, importID)
		if err != nil {
			return err
		}
		if err := change(tx, &im); err != nil {
			return err
		}
		im.Version++
		if err := updateImport(ctx, tx, im, s.now()); err != nil {
			return err
		}
		event.PublishTx(tx, s.bus, ImportProgress{importID})
		return s.auditTx(ctx, tx, who, action, "", "", map[string]any{"import": importID})
	})
}

// ImportRows lists the rows that were not taken over, from a line on. cells
// says whether to open what stands in them.
func (s *Service) ImportRows(ctx context.Context, importID string, after, limit int) (list []RowProblem, err error) {
	if _, err := identity.Require(ctx, identity.PatientImport); err != nil {
		return nil, err
	}
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		if _, err := loadImport(ctx, tx, importID); err != nil {
			return err
		}
		list, err = s.importRows(ctx, tx, importID, "problem", after, limit)
		return err
	})
	return list, err
}
