package booking

import (
	"context"
	"time"

	"heartline/internal/platform/dossier"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// Keeper tells package privacy which appointments are kept of a person. The
// numbers that were given stay, for the statistics of the clinics; the words
// that people wrote about them go.
func (s *Service) Keeper() dossier.Keeper {
	return dossier.Keeper{Part: "appointments", Export: s.dossier, Obstacles: s.ahead, Erase: s.erase}
}

func (s *Service) dossier(ctx context.Context, ids []string) ([]dossier.Section, error) {
	if _, err := identity.Require(ctx, identity.PrivacyManage); err != nil {
		return nil, err
	}
	out := dossier.Section{Part: "appointments"}
	for _, one := range ids {
		for a, err := range s.Export(ctx, Filter{PatientID: one}) {
			if err != nil {
				return nil, err
			}
			if len(out.Rows) == dossier.MaxRows {
				out.More = true
				break
			}
			var row dossier.Row
			row.Add("at", a.StartAt.In(s.zone).Format(time.DateTime))
			row.Add("code", a.Code)
			row.Add("status", string(a.State))
			row.Add("channel", string(a.Channel))
			row.Add("note", a.Note)
			row.Add("reference", a.Reference)
			row.Add("created_at", a.CreatedAt.In(s.zone).Format(time.DateTime))
			out.Rows = append(out.Rows, row)
		}
	}
	return []dossier.Section{out}, nil
}

// ahead stops a removal while a visit is still to come: it has to be cancelled
// first, so that nobody waits for a person who cannot be reached any more.
func (s *Service) ahead(ctx context.Context, tx *store.Tx, ids []string) ([]dossier.Obstacle, error) {
	last, err := lastActive(ctx, tx, ids, s.now())
	if err != nil || last.IsZero() {
		return nil, err
	}
	return []dossier.Obstacle{{Key: "privacy.must_be_kept_appointments", Part: "appointments", Until: last}}, nil
}

func (s *Service) erase(ctx context.Context, tx *store.Tx, ids []string) error {
	if _, err := identity.Require(ctx, identity.PrivacyManage); err != nil {
		return err
	}
	for _, one := range ids {
		if err := forget(ctx, tx, one, s.now()); err != nil {
			return err
		}
	}
	return nil
}
