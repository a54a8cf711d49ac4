package patient

import (
	"context"
	"iter"

	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// exportStep is how many records one transaction of an export reads.
const exportStep = 200

// Export walks the records of a filter, masked by right, document numbers for
// everybody. The reason and who took it are audited before the first record,
// how many were taken after the last. Restricted records are left out.
func (s *Service) Export(ctx context.Context, f ExportFilter, reason string) (iter.Seq2[Patient, error], error) {
	who, err := identity.Require(ctx, identity.PatientExport)
	if err != nil {
		return nil, err
	}
	if reason, err = givenReason(reason); err != nil {
		return nil, err
	}
	if f.Query != "" {
		hits, err := s.Search(ctx, f.Query, maxHits)
		if err != nil {
			return nil, err
		}
		f.IDs = []string{""} // nobody, unless the search finds somebody
		for _, h := range hits {
			f.IDs = append(f.IDs, h.ID)
		}
	}
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		return s.auditTx(ctx, tx, who, "patient.export", "", reason, map[string]any{"ids": len(f.IDs), "group": f.GroupID, "search": f.Query != ""})
	})
	if err != nil {
		return nil, err
	}
	return func(yield func(Patient, error) bool) {
		n := 0
		defer func() {
			_ = s.db.Write(context.WithoutCancel(ctx), func(tx *store.Tx) error { // the taking itself is audited already
				return s.auditTx(ctx, tx, who, "patient.export_done", "", reason, map[string]any{"people": n})
			})
		}()
		after := ""
		for {
			page, err := s.exportPage(ctx, f, after)
			if err != nil {
				yield(Patient{}, err)
				return
			}
			if len(page) == 0 {
				return
			}
			for _, p := range page {
				n++
				if !yield(view(p, who), nil) {
					return
				}
			}
			after = page[len(page)-1].ID
		}
	}, nil
}

func (s *Service) exportPage(ctx context.Context, f ExportFilter, after string) (page []Patient, err error) {
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		ids, err := exportIDs(ctx, tx, f, after, exportStep)
		if err != nil {
			return err
		}
		for _, one := range ids {
			r, err := s.load(ctx, tx, one)
			if err != nil {
				return err
			}
			page = append(page, r.Patient)
		}
		return nil
	})
	return page, err
}
