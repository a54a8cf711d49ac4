package patient

import (
	"context"
	"slices"

	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// maxCards is how many cards one call of Cards returns.
const maxCards = 500

// Cards returns the short views of people by id, for lists that mention them.
// Ids of nobody are left out.
func (s *Service) Cards(ctx context.Context, ids []string) (map[string]Card, error) {
	who, err := identity.Require(ctx, identity.PatientRead)
	if err != nil {
		return nil, err
	}
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	ids = slices.DeleteFunc(ids, func(x string) bool { return x == "" })
	out := make(map[string]Card, len(ids))
	if len(ids) == 0 {
		return out, nil
	}
	if len(ids) > maxCards {
		ids = ids[:maxCards]
	}
	var found []Card
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		cond, list := tx.OneOf("p.id", 1, ids)
		rows, err := s.cards(ctx, tx, cond, list)
		if err != nil {
			return err
		}
		found = make([]Card, len(rows))
		for i, r := range rows {
			found[i] = r.Card
		}
		return s.addPhones(ctx, tx, found)
	})
	if err != nil {
		return nil, err
	}
	for _, c := range found {
		out[c.ID] = maskCard(c, who)
	}
	return out, nil
}
