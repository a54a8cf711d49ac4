package switchboard

import (
	"context"
	"encoding/json"
	"fmt"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// DeleteFlow removes a flow that no number uses, with all its versions.
func (s *Service) DeleteFlow(ctx context.Context, flowID string) error {
	if err := s.flows.Delete(ctx, flowID); err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, "DELETE FROM flow_versions WHERE flow_id = $1", flowID)
		return err
	})
}

// publish takes version from (0: the draft) live.
func (s *Service) publish(ctx context.Context, flowID string, from int) (FlowVersion, error) {
	who, err := identity.Require(ctx, identity.AdminFlows)
	if err != nil {
		return FlowVersion{}, err
	}
	env := s.env(ctx)
	var v FlowVersion
	err = s.write(ctx, "flow", flowID, func(tx *store.Tx) error {
		fl, err := s.flows.get(ctx, tx, flowID)
		if err != nil {
			return err
		}
		if v, err = s.candidate(ctx, tx, fl, from); err != nil {
			return err
		}
		if err := publishable(v.Graph, env); err != nil {
			return err
		}
		v.State, v.PublishedAt = FlowPublished, s.now()
		if _, err := tx.Exec(ctx, `UPDATE flow_versions SET state = 'retired' WHERE flow_id = $1 AND state = 'published'`, flowID); err != nil {
			return fmt.Errorf("retire flow version: %w", err)
		}
		draft := 0
		if from != 0 {
			v.Author, v.CreatedAt = who.UserID, s.now()
			v.Note, draft = fmt.Sprintf("v%d", from), fl.Draft
		}
		if err := putVersion(ctx, tx, v); err != nil {
			return err
		}
		if err := s.setVersions(ctx, tx, fl, v.Number, draft); err != nil {
			return err
		}
		verb := "flow.publish"
		if from != 0 {
			verb = "flow.rollback"
		}
		return s.auditTx(ctx, tx, who, verb, "flow", flowID, map[string]any{"version": v.Number, "from": from})
	})
	return v, err
}

// setVersions notes which versions of a flow are published and in draft.
func (s *Service) setVersions(ctx context.Context, tx *store.Tx, fl Flow, published, draft int) error {
	_, err := tx.Exec(ctx, `UPDATE flows SET published = $2, draft = $3, version = version + 1, updated_at = $4 WHERE id = $1`,
		fl.ID, published, draft, store.Millis(s.now()))
	if err != nil {
		return fmt.Errorf("update flow: %w", err)
	}
	return nil
}

func queryVersions(ctx context.Context, tx *store.Tx, where string, args ...any) ([]FlowVersion, error) {
	rows, err := tx.Query(ctx, "SELECT "+versionColumns+" FROM flow_versions "+where, args...)
	if err != nil {
		return nil, fmt.Errorf("list flow versions: %w", err)
	}
	defer rows.Close()
	var out []FlowVersion
	for rows.Next() {
		var v FlowVersion
		var graph string
		if err := rows.Scan(&v.FlowID, &v.Number, &v.State, &graph, &v.Note, &v.Author,
			stamp{&v.CreatedAt}, stamp{&v.PublishedAt}); err != nil {
			return nil, fmt.Errorf("scan flow version: %w", err)
		}
		v.Graph = json.RawMessage(graph)
		out = append(out, v)
	}
	return out, rows.Err()
}

func getVersion(ctx context.Context, tx *store.Tx, flowID string, number int) (FlowVersion, error) {
	list, err := queryVersions(ctx, tx, "WHERE flow_id = $1 AND number = $2", flowID, number)
	if err != nil {
		return FlowVersion{}, err
	}
	if len(list) == 0 {
		return FlowVersion{}, errs.New(errs.NotFound, "switchboard.not_found", "kind", "flow_version")
	}
	return list[0], nil
}

func nextVersion(ctx context.Context, tx *store.Tx, flowID string) (int, error) {
	var n int
	err := tx.QueryRow(ctx, "SELECT COALESCE(MAX(number), 0) + 1 FROM flow_versions WHERE flow_id = $1", flowID).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("number flow version: %w", err)
	}
	return n, nil
}

func putVersion(ctx context.Context, tx *store.Tx, v FlowVersion) error {
	_, err := tx.Exec(ctx, "INSERT INTO flow_versions ("+versionColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (flow_id, number) DO UPDATE SET state = excluded.state, graph = excluded.graph, note = excluded.note,
			author = excluded.author, created_at = excluded.created_at, published_at = excluded.published_at`,
		v.FlowID, v.Number, v.State, string(v.Graph), v.Note, v.Author, stamp{&v.CreatedAt}, stamp{&v.PublishedAt})
	if err != nil {
		return fmt.Errorf("put flow version: %w", err)
	}
	return nil
}
