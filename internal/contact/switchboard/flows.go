package switchboard

import (
	"context"
	"encoding/json"
	"fmt"

	"heartline/internal/contact/ivr"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// Flows lists all flows.
func (s *Service) Flows(ctx context.Context) ([]Flow, error) { return s.flows.List(ctx) }

// Flow returns one flow.
func (s *Service) Flow(ctx context.Context, flowID string) (Flow, error) {
	return s.flows.Get(ctx, flowID)
}

// CreateFlow stores a new flow without versions.
func (s *Service) CreateFlow(ctx context.Context, f Flow) (Flow, error) {
	return s.flows.Create(ctx, f)
}

// UpdateFlow changes a flow's name and language.
func (s *Service) UpdateFlow(ctx context.Context, f Flow) (Flow, error) {
	return s.flows.Update(ctx, f)
}

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

// FlowVersions lists the versions of a flow, newest first.
func (s *Service) FlowVersions(ctx context.Context, flowID string) ([]FlowVersion, error) {
	if _, err := s.flows.Get(ctx, flowID); err != nil {
		return nil, err
	}
	var out []FlowVersion
	err := s.db.Read(ctx, func(tx *store.Tx) (err error) {
		out, err = queryVersions(ctx, tx, "WHERE flow_id = $1 ORDER BY number DESC", flowID)
		return err
	})
	return out, err
}

// FlowVersion returns one version of a flow.
func (s *Service) FlowVersion(ctx context.Context, flowID string, number int) (FlowVersion, error) {
	if _, err := s.flows.Get(ctx, flowID); err != nil {
		return FlowVersion{}, err
	}
	var out FlowVersion
	err := s.db.Read(ctx, func(tx *store.Tx) (err error) {
		out, err = getVersion(ctx, tx, flowID, number)
		return err
	})
	return out, err
}

// CheckGraph reads a graph and lists its problems. A graph that is no flow at
// all is an error.
func (s *Service) CheckGraph(ctx context.Context, graph json.RawMessage) ([]ivr.Problem, error) {
	if _, err := identity.Require(ctx, identity.AdminFlows); err != nil {
		return nil, err
	}
	flow, err := ivr.Parse(graph)
	if err != nil {
		return nil, err
	}
	return ivr.Check(flow, s.env(ctx)), nil
}

// SaveDraft stores a graph as the draft version of a flow, broken or not, and
// returns its problems.
func (s *Service) SaveDraft(ctx context.Context, flowID string, graph json.RawMessage, note string) (FlowVersion, []ivr.Problem, error) {
	who, err := identity.Require(ctx, identity.AdminFlows)
	if err != nil {
		return FlowVersion{}, nil, err
	}
	flow, err := ivr.Parse(graph)
	if err != nil {
		return FlowVersion{}, nil, err
	}
	var f errs.Fields
	label(&f, "note", &note, false)
	if err := f.Err(); err != nil {
		return FlowVersion{}, nil, err
	}
	var v FlowVersion
	err = s.write(ctx, "flow", flowID, func(tx *store.Tx) error {
		fl, err := s.flows.get(ctx, tx, flowID)
		if err != nil {
			return err
		}
		v = FlowVersion{FlowID: flowID, Number: fl.Draft, State: FlowDraft, Graph: graph, Note: note,
			Author: who.UserID, CreatedAt: s.now()}
		if v.Number == 0 {
			if v.Number, err = nextVersion(ctx, tx, flowID); err != nil {
				return err
			}
		}
		if err := putVersion(ctx, tx, v); err != nil {
			return err
		}
		if err := s.setVersions(ctx, tx, fl, fl.Published, v.Number); err != nil {
			return err
		}
		return s.auditTx(ctx, tx, who, "flow.draft", "flow", flowID, map[string]any{"version": v.Number})
	})
	if err != nil {
		return FlowVersion{}, nil, err
	}
	return v, ivr.Check(flow, s.env(ctx)), nil
}

// Publish makes the draft of a flow the version that new calls run. Severe
// problems refuse it, listed as field errors.
func (s *Service) Publish(ctx context.Context, flowID string) (FlowVersion, error) {
	return s.publish(ctx, flowID, 0)
}

// Rollback publishes the graph of an earlier version again, as a new version.
func (s *Service) Rollback(ctx context.Context, flowID string, number int) (FlowVersion, error) {
	if number <= 0 {
		return FlowVersion{}, errs.InvalidField("number", "out_of_range")
	}
	return s.publish(ctx, flowID, number)
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

// candidate is the version to publish: the draft itself, or a numbered copy
// of an older version.
func (s *Service) candidate(ctx context.Context, tx *store.Tx, fl Flow, from int) (FlowVersion, error) {
	if from == 0 {
		if fl.Draft == 0 {
			return FlowVersion{}, errs.New(errs.Conflict, "flow.no_draft")
		}
		return getVersion(ctx, tx, fl.ID, fl.Draft)
	}
	v, err := getVersion(ctx, tx, fl.ID, from)
	if err != nil {
		return v, err
	}
	v.Number, err = nextVersion(ctx, tx, fl.ID)
	return v, err
}

// publishable turns severe problems into field errors.
func publishable(graph json.RawMessage, env ivr.Env) error {
	flow, err := ivr.Parse(graph)
	if err != nil {
		return err
	}
	var f errs.Fields
	for _, p := range ivr.Check(flow, env) {
		if p.Severity == ivr.SeverityError {
			path := "graph"
			if p.Node != "" {
				path += ".nodes." + p.Node
			}
			if p.Field != "" {
				path += "." + p.Field
			}
			f.Add(path, p.Key)
		}
	}
	return f.Err()
}

// env answers what exists for the checks of package ivr.
func (s *Service) env(ctx context.Context) ivr.Env {
	snap := s.Current(ctx)
	return ivr.Env{
		Prompt:    func(key string) bool { _, ok := snap.Prompt(key, DefaultLanguage); return ok || snap.anyPrompt(key) },
		Queue:     func(q string) bool { _, ok := snap.Queue(q); return ok },
		Calendar:  func(c string) bool { _, ok := snap.Calendar(c); return ok },
		Extension: func(n string) bool { _, ok := snap.Extension(n); return ok },
		Language:  snap.Language,
		Skill:     snap.Skill,
	}
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

const versionColumns = "flow_id, number, state, graph, note, author, created_at, published_at"

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
