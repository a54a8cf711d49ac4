package portal

import (
	"context"
	"fmt"
	"time"

	"heartline/internal/platform/dossier"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// Keeper tells package privacy which accounts of the portal may act for a
// person. A removal takes the person out of them; the account itself belongs
// to whoever holds the telephone.
func (s *Service) Keeper() dossier.Keeper {
	return dossier.Keeper{Part: "portal", Export: s.dossier, Erase: s.erase}
}

func (s *Service) dossier(ctx context.Context, ids []string) ([]dossier.Section, error) {
	if _, err := identity.Require(ctx, identity.PrivacyManage); err != nil {
		return nil, err
	}
	out := dossier.Section{Part: "portal"}
	err := s.db.Read(ctx, func(tx *store.Tx) error {
		for _, one := range ids {
			list, err := s.members(ctx, tx, "patient_id = $1 AND patient_id <> ''", one)
			if err != nil {
				return err
			}
			for _, m := range list {
				var row dossier.Row
				row.Add("name", m.Name)
				row.Add("relation", m.Relation)
				row.Add("status", string(m.State))
				row.Add("identifier", m.Document)
				row.Add("created_at", m.CreatedAt.UTC().Format(time.RFC3339))
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
		if err := deleteMembers(ctx, tx, one); err != nil {
			return fmt.Errorf("erase members: %w", err)
		}
	}
	return nil
}
