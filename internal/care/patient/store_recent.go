package patient

import (
	"context"
	"fmt"

	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// recent lists the people who were in touch last: what a search box shows
// before anything is typed.
func (s *Service) recent(ctx context.Context, tx *store.Tx, who identity.Principal, limit int) ([]Hit, error) {
	rows, err := tx.Query(ctx, "SELECT "+cardColumns+" FROM patients p WHERE p.merged_into = '' AND p.erased_at = 0 ORDER BY p.last_at DESC LIMIT $1", limit)
	if err != nil {
		return nil, fmt.Errorf("recent people: %w", err)
	}
	defer rows.Close()
	var cards []Card
	for rows.Next() {
		c, err := s.scanCard(rows)
		if err != nil {
			return nil, err
		}
		cards = append(cards, c.Card)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("recent people: %w", err)
	}
	if err := s.addPhones(ctx, tx, cards); err != nil {
		return nil, err
	}
	hits := make([]Hit, len(cards))
	for i, c := range cards {
		hits[i] = Hit{Card: maskCard(c, who)}
	}
	return hits, nil
}
