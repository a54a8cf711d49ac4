package patient

import (
	"context"
	"fmt"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/event"
	"heartline/internal/platform/id"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/job"
	"heartline/internal/platform/store"
)

// importStep is how many rows one transaction takes: few enough that the desk
// does not wait for it.
const importStep = 200

type importJob struct {
	ImportID string
	Dry      bool
	Undo     bool
}

func (importJob) Kind() string { return "patient.import" }

// The states of a row.
const (
	rowNew      = "new"
	rowValid    = "valid"
	rowFailed   = "failed"
	rowExisting = "existing"
	rowCreated  = "created"
	rowUndone   = "undone"
	rowKept     = "kept"
)

func (s *Service) importJobs(q *job.Queue) {
	job.Register(q, func(ctx context.Context, a importJob) error {
		ctx = identity.System(ctx, "import")
		if a.Undo {
			return s.undoImport(ctx, a.ImportID)
		}
		return s.runImport(ctx, a.ImportID, a.Dry)
	})
}

// runImport works through the rows that are new. What a step did and that it
// did it are stored together, so a crash repeats nothing.
func (s *Service) runImport(ctx context.Context, importID string, dry bool) error {
	seen := make(map[string]bool) // documents met in this file, for the dry run
	for {
		var more bool
		err := s.db.Write(ctx, func(tx *store.Tx) error {
			im, err := loadImport(ctx, tx, importID)
			if err != nil {
				return err
			}
			if im.Status != ImportChecking && im.Status != ImportRunning {
				more = false
				return nil
			}
			rows, err := s.importRows(ctx, tx, importID, rowNew, 0, importStep)
			if err != nil {
				return err
			}
			if more = len(rows) > 0; !more {
				return s.endImport(ctx, tx, &im, dry)
			}
			return s.takeRows(ctx, tx, &im, rows, dry, seen)
		})
		if errs.Is(err, errs.NotFound) {
			return nil // its import was removed
		}
		if err != nil || !more {
			return err
		}
	}
}

func (s *Service) endImport(ctx context.Context, tx *store.Tx, im *FileImport, dry bool) error {
	im.Status = ImportDone
	if dry {
		im.Status = ImportChecked
	}
	im.Version++
	if err := updateImport(ctx, tx, *im, s.now()); err != nil {
		return err
	}
	event.PublishTx(tx, s.bus, ImportProgress{im.ID})
	if dry {
		return nil
	}
	if im.Created > 0 && s.jobs != nil {
		if err := job.Enqueue(ctx, tx, s.jobs, duplicateScan{}, job.UniqueKey("all"), job.MaxAttempts(3)); err != nil {
			return err
		}
	}
	event.PublishTx(tx, s.bus, Changed{})
	return s.auditTx(ctx, tx, importer(*im), "patient.import_done", "", "", map[string]any{"import": im.ID, "created": im.Created, "existing": im.Existing, "failed": im.Failed})
}

// importer is the person who asked for an import.
func importer(im FileImport) identity.Principal {
	return identity.Principal{UserID: im.CreatedBy, Name: im.ActorName}
}

// takeRows checks some rows and, unless dry, creates their people.
func (s *Service) takeRows(ctx context.Context, tx *store.Tx, im *FileImport, rows []RowProblem, dry bool, seen map[string]bool) error {
	b := newBatches()
	met := make(map[string]bool)
	code, err := nextCodes(ctx, tx, len(rows))
	if err != nil {
		return err
	}
	for i, r := range rows {
		p, bad := personOf(r.Cells, im.Mapping, s.now())
		p.ID, p.Version, p.CreatedAt, p.UpdatedAt = id.New(), 1, s.now(), s.now()
		state := rowValid
		switch {
		case len(bad) > 0:
			state = rowFailed
		default:
			known, err := s.known(ctx, tx, p, met, seen)
			if err != nil {
				return err
			}
			if known != "" {
				state, bad = rowExisting, []CellProblem{{"", known}}
			}
		}
		patientID := ""
		if state == rowValid && !dry {
			state, patientID = rowCreated, p.ID
			if p.Code == "" {
				p.Code = formatCode(code + int64(i))
			}
			b.patients.add(values(&record{Patient: p})...)
			if err := s.addDetails(b, &p); err != nil {
				return err
			}
		}
		if err := markRow(ctx, tx, im.ID, r.Line, state, bad, patientID); err != nil {
			return err
		}
		im.count(state)
	}
	if err := b.flush(ctx, tx); err != nil {
		return fmt.Errorf("import rows: %w", err)
	}
	if dry {
		tx.AfterCommit(func() {
			for k := range met {
				seen[k] = true
			}
		})
	}
	event.PublishTx(tx, s.bus, ImportProgress{im.ID})
	return updateImport(ctx, tx, *im, s.now())
}

func (im *FileImport) count(state string) {
	im.Done++
	switch state {
	case rowFailed:
		im.Failed++
	case rowExisting:
		im.Existing++
	case rowCreated, rowValid:
		im.Created++
	case rowUndone:
		im.Undone++
	case rowKept:
		im.Kept++
	}
}

// known says by which key somebody is in the files already, or "" when they
// are not: the same document, the same name and phone, the same code. met and
// seen hold what earlier rows of the file brought.
func (s *Service) known(ctx context.Context, tx *store.Tx, p Patient, met, seen map[string]bool) (string, error) {
	var keys []string
	for _, d := range p.Identifiers {
		if personal(d.Type) && d.Value != "" {
			keys = append(keys, "d"+d.Type+s.index("id", d.Value))
		}
	}
	for _, ph := range p.Phones {
		keys = append(keys, "p"+s.index("phone", ph.Number)+p.Name)
	}
	if p.Code != "" {
		keys = append(keys, "c"+p.Code)
	}
	for _, k := range keys {
		if met[k] || seen[k] {
			return "import.row_twice", nil
		}
	}
	key, err := s.recorded(ctx, tx, p)
	if err == nil && key == "" {
		for _, k := range keys {
			met[k] = true
		}
	}
	return key, err
}

// undoImport removes the people of an import, in steps.
func (s *Service) undoImport(ctx context.Context, importID string) error {
	for {
		var more bool
		err := s.db.Write(ctx, func(tx *store.Tx) error {
			im, err := loadImport(ctx, tx, importID)
			if err != nil || im.Status != ImportUndoing {
				more = false
				return err
			}
			created, err := createdRows(ctx, tx, importID, importStep)
			if err != nil {
				return err
			}
			if more = len(created) > 0; !more {
				im.Status = ImportUndone
				event.PublishTx(tx, s.bus, Changed{})
				if err := s.auditTx(ctx, tx, importer(im), "patient.import_undone", "", "", map[string]any{"import": im.ID, "undone": im.Undone, "kept": im.Kept}); err != nil {
					return err
				}
			}
			for _, r := range created {
				state := rowUndone
				used, err := s.inUse(ctx, tx, r.patientID)
				if err != nil {
					return err
				}
				if used {
					state = rowKept
				} else if err := deletePatient(ctx, tx, r.patientID); err != nil {
					return err
				}
				if err := markRow(ctx, tx, im.ID, r.line, state, nil, r.patientID); err != nil {
					return err
				}
				im.count(state)
			}
			event.PublishTx(tx, s.bus, ImportProgress{im.ID})
			return updateImport(ctx, tx, im, s.now())
		})
		if err != nil || !more {
			return err
		}
	}
}

// inUse reports whether anything happened with a person since they came.
func (s *Service) inUse(ctx context.Context, tx *store.Tx, patientID string) (bool, error) {
	touched, err := touched(ctx, tx, patientID)
	if err != nil || touched {
		return touched, err
	}
	for _, p := range s.mergeables() {
		if p.Uses == nil {
			continue
		}
		used, err := p.Uses(ctx, tx, patientID)
		if err != nil || used {
			return used, err
		}
	}
	return false, nil
}
