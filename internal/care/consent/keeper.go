package consent

import (
	"context"
	"time"

	"heartline/internal/platform/dossier"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// Keeper tells package privacy what is kept here on a person. That somebody
// agreed or refused stays after a removal, without the words around it: it is
// the proof that the data was used rightly.
func (s *Service) Keeper() dossier.Keeper {
	return dossier.Keeper{Part: "consents", Export: s.dossier, Erase: s.erase}
}

func (s *Service) dossier(ctx context.Context, ids []string) ([]dossier.Section, error) {
	if _, err := identity.Require(ctx, identity.PrivacyManage); err != nil {
		return nil, err
	}
	out := dossier.Section{Part: "consents"}
	err := s.d.DB.Read(ctx, func(tx *store.Tx) error {
		for _, one := range ids {
			list, err := history(ctx, tx, one)
			if err != nil {
				return err
			}
			for _, e := range list {
				var row dossier.Row
				row.Add("at", e.At.In(s.d.Zone).Format(time.DateTime))
				row.Add("purpose", e.Purpose)
				row.Add("channel", e.Channel)
				row.Add("decision", e.Decision)
				row.Add("evidence", e.Evidence)
				row.Add("note", e.Note)
				out.Rows = append(out.Rows, row)
			}
		}
		return nil
	})
	return []dossier.Section{out}, err
}

func (s *Service) erase(ctx context.Context, tx *store.Tx, ids []string) error {
	if _, err := identity.Require(ctx, identity.PrivacyManage); err != nil {
		return err
	}
	for _, one := range ids {
		if err := blankEntries(ctx, tx, one); err != nil {
			return err
		}
	}
	return nil
}
