package ledger

import (
	"context"
	"strconv"
	"time"

	"heartline/internal/platform/dossier"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// Keeper tells package privacy what moved on a person's card. The books stay
// as they are: they name nobody, and money that is still on the card stops a
// removal until it is paid out.
func (s *Service) Keeper() dossier.Keeper {
	return dossier.Keeper{Part: "card", Export: s.dossier, Obstacles: s.owed}
}

func (s *Service) dossier(ctx context.Context, ids []string) ([]dossier.Section, error) {
	if _, err := identity.Require(ctx, identity.PrivacyManage); err != nil {
		return nil, err
	}
	out := dossier.Section{Part: "card"}
	for _, one := range ids {
		for cursor := ""; len(out.Rows) < dossier.MaxRows; {
			page, err := s.Entries(ctx, one, cursor, 200)
			if errs.Is(err, errs.NotFound) {
				break
			}
			if err != nil {
				return nil, err
			}
			for _, t := range page.Transactions {
				var row dossier.Row
				row.Add("at", t.At.In(s.zone).Format(time.DateTime))
				row.Add("booking", string(t.Kind))
				row.Add("amount", yuan(t.Amount))
				row.Add("balance", yuan(t.Available+t.Held))
				row.Add("receipt", t.Receipt)
				row.Add("reason", t.Reason)
				out.Rows = append(out.Rows, row)
			}
			if cursor = page.Next; cursor == "" {
				break
			}
			out.More = len(out.Rows) >= dossier.MaxRows
		}
	}
	return []dossier.Section{out}, nil
}

func yuan(fen int64) string { return strconv.FormatFloat(float64(fen)/100, 'f', 2, 64) }

// owed stops a removal while money is on the card. There is no day on which
// that ends by itself.
func (s *Service) owed(ctx context.Context, tx *store.Tx, ids []string) ([]dossier.Obstacle, error) {
	for _, one := range ids {
		a, err := s.Balance(ctx, tx, one)
		if err != nil {
			return nil, err
		}
		if a.Balance() != 0 {
			return []dossier.Obstacle{{Key: "privacy.must_be_kept_card", Part: "card"}}, nil
		}
	}
	return nil, nil
}
