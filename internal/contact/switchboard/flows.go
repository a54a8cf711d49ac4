package switchboard

import (
	"context"
	"encoding/json"

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

const versionColumns = "flow_id, number, state, graph, note, author, created_at, published_at"
