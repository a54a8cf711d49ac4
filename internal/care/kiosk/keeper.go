package kiosk

import (
	"context"

	"heartline/internal/platform/dossier"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// Keeper tells package privacy that a PIN goes with the person. It is a hash
// and no part of a copy.
func (s *Service) Keeper() dossier.Keeper {
	return dossier.Keeper{Part: "kiosk", Erase: s.erase}
}

func (s *Service) erase(ctx context.Context, tx *store.Tx, ids []string) error {
	if _, err := identity.Require(ctx, identity.PrivacyManage); err != nil {
		return err
	}
	for _, one := range ids {
		if err := putPIN(ctx, tx, one, "", "", s.now()); err != nil {
			return err
		}
	}
	return nil
}
