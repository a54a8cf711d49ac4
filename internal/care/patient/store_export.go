package patient

import (
	"context"
	"fmt"
	"slices"

	"heartline/internal/platform/store"
)

// exportIDs lists the next records of an export in the order of their ids.
func exportIDs(ctx context.Context, tx *store.Tx, f ExportFilter, after string, limit int) ([]string, error) {
	cond, args := "id > $1 AND merged_into = '' AND erased_at = 0 AND restricted = 0", []any{after}
	if f.GroupID != "" {
		args = append(args, f.GroupID)
		cond += fmt.Sprintf(" AND id IN (SELECT patient_id FROM customer_group_members WHERE group_id = $%d)", len(args))
	}
	if f.Tag != "" {
		args = append(args, "%"+likeText(toJSON(f.Tag))+"%")
		cond += fmt.Sprintf(` AND tags LIKE $%d ESCAPE '\'`, len(args))
	}
	if len(f.IDs) == 0 {
		return texts(ctx, tx, "SELECT id FROM patients WHERE "+cond+fmt.Sprintf(" ORDER BY id LIMIT $%d", len(args)+1), append(args, int64(limit))...)
	}
	ids := slices.Clone(f.IDs)
	slices.Sort(ids)
	at, found := slices.BinarySearch(ids, after)
	if found {
		at++
	}
	for chunk := range slices.Chunk(ids[at:], limit) { // a chunk of which nobody is left is passed over
		list, err := texts(ctx, tx, "SELECT id FROM patients WHERE "+cond+" AND id IN ("+marks(len(args)+1, len(chunk))+") ORDER BY id",
			append(slices.Clone(args), anys(chunk)...)...)
		if err != nil || len(list) > 0 {
			return list, err
		}
	}
	return nil, nil
}
