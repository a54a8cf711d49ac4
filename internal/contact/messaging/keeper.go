package messaging

import (
	"context"
	"fmt"
	"time"

	"heartline/internal/platform/dossier"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// Keeper tells package privacy which messages went to and came from a person.
// A removal leaves the bare rows for the statistics of the channel, without
// number and text.
func (s *Service) Keeper() dossier.Keeper {
	return dossier.Keeper{Part: "messages", Export: s.dossier, Erase: s.erase}
}

func (s *Service) dossier(ctx context.Context, ids []string) ([]dossier.Section, error) {
	if _, err := identity.Require(ctx, identity.PrivacyManage); err != nil {
		return nil, err
	}
	out := dossier.Section{Part: "messages"}
	err := s.d.DB.Read(ctx, func(tx *store.Tx) error {
		for _, one := range ids {
			list, err := messagesOf(ctx, tx, one, dossier.MaxRows+1)
			if err != nil {
				return err
			}
			out.More = out.More || len(list) > dossier.MaxRows
			for _, r := range list[:min(len(list), dossier.MaxRows)] {
				number, text, err := s.open(r)
				if err != nil {
					return err
				}
				var row dossier.Row
				row.Add("at", r.CreatedAt.In(s.d.Settings.Zone).Format(time.DateTime))
				row.Add("direction", r.Direction)
				row.Add("phone", number)
				row.Add("text", text)
				row.Add("status", string(r.State))
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
		if err := blankMessages(ctx, tx, one, s.d.Now()); err != nil {
			return fmt.Errorf("erase messages: %w", err)
		}
	}
	return nil
}
