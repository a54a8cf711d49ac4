package callrecord

import (
	"context"
	"database/sql"
	"fmt"

	"heartline/internal/contact/journal"
	"heartline/internal/platform/store"
)

const rebuildChunk = 200

// Rebuild makes the projections anew from the log, while calls go on, in
// pieces of 200 contacts. Rows that the log does not know are removed. It
// returns how many calls were folded.
func (s *Service) Rebuild(ctx context.Context) (int, error) {
	total, after := 0, ""
	for {
		n := 0
		last := ""
		err := s.journal.Exclusive(ctx, func(tx *store.Tx) (err error) {
			n, last, err = s.rebuildChunk(ctx, tx, after)
			return err
		})
		if err != nil {
			return total, fmt.Errorf("rebuild calls: %w", err)
		}
		if n == 0 {
			break
		}
		total, after = total+n, last
	}
	if err := s.journal.Exclusive(ctx, func(tx *store.Tx) error { return rebuildSpans(ctx, tx) }); err != nil {
		return total, fmt.Errorf("rebuild agent spans: %w", err)
	}
	return total, nil
}

// rebuildChunk replaces the rows of the next contacts, and removes those in
// the gap before the next piece that the log does not have.
func (s *Service) rebuildChunk(ctx context.Context, tx *store.Tx, after string) (n int, last string, err error) {
	ids, err := contactsAfter(ctx, tx, after)
	if err != nil {
		return 0, "", err
	}
	upTo, limit, args := "", "", []any{after}
	if len(ids) > 0 {
		upTo = ids[len(ids)-1]
		limit, args = " AND %[1]s <= $2", append(args, upTo)
	}
	for _, t := range []struct{ table, id string }{{"calls", "id"}, {"call_visits", "call_id"}, {"call_agents", "call_id"}} {
		stmt := fmt.Sprintf("DELETE FROM "+t.table+" WHERE %[1]s > $1"+limit, t.id)
		if _, err := tx.Exec(ctx, stmt, args...); err != nil {
			return 0, "", err
		}
	}
	for _, id := range ids {
		events, err := journal.OfContactTx(ctx, tx, id)
		if err != nil {
			return 0, "", err
		}
		rec := s.foldAll(events)
		if rec.Direction == "" {
			continue
		}
		if err := save(ctx, tx, &rec); err != nil {
			return 0, "", err
		}
	}
	return len(ids), upTo, nil
}

func contactsAfter(ctx context.Context, tx *store.Tx, after string) ([]string, error) {
	rows, err := tx.Query(ctx, `SELECT DISTINCT contact FROM contact_events WHERE contact > $1 AND contact <> ''
		ORDER BY contact LIMIT $2`, after, rebuildChunk)
	if err != nil {
		return nil, err
	}
	return scanStrings(rows)
}

func scanStrings(rows *sql.Rows) ([]string, error) {
	defer rows.Close()
	var list []string
	for rows.Next() {
		var v string
		if err := rows.Scan(&v); err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, rows.Err()
}

// rebuildSpans reads the agents' events again, in the order of the log.
func rebuildSpans(ctx context.Context, tx *store.Tx) error {
	for _, stmt := range []string{"DELETE FROM agent_spans", "DELETE FROM agent_presence"} {
		if _, err := tx.Exec(ctx, stmt); err != nil {
			return err
		}
	}
	after := ""
	for {
		events, err := journal.AgentEventsTx(ctx, tx, after, 1000)
		if err != nil {
			return err
		}
		if len(events) == 0 {
			return nil
		}
		s := newSpans()
		for _, ev := range events {
			s.add(ev)
		}
		if err := s.save(ctx, tx); err != nil {
			return err
		}
		after = events[len(events)-1].ID
	}
}
