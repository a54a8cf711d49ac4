package api

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"heartline/internal/contact/ivr"
	"heartline/internal/contact/switchboard"
	"heartline/internal/platform/errs"
)

func flowView(f switchboard.Flow) FlowView {
	return FlowView{ItemMeta: itemMeta(f.Meta), FlowFields: FlowFields{Version: f.Version, Name: f.Name, Language: f.Language},
		Published: f.Published, Draft: f.Draft}
}

func flowOut(f switchboard.Flow, err error) (*Out[FlowView], error) {
	if err != nil {
		return nil, err
	}
	return out(flowView(f)), nil
}

func (s *Server) listFlows(ctx context.Context, in *ListQuery) (*Out[List[FlowView]], error) {
	sb, err := s.switchboard()
	if err != nil {
		return nil, err
	}
	list, err := sb.Flows(ctx)
	if err != nil {
		return nil, err
	}
	q := strings.ToLower(strings.TrimSpace(in.Q))
	list = slices.DeleteFunc(list, func(f switchboard.Flow) bool { return !strings.Contains(strings.ToLower(f.Name), q) })
	return listOf(list, flowView, ""), nil
}

func (s *Server) createFlow(ctx context.Context, in *FieldsIn[FlowFields]) (*Out[FlowView], error) {
	sb, err := s.switchboard()
	if err != nil {
		return nil, err
	}
	return flowOut(sb.CreateFlow(ctx, switchboard.Flow{Name: in.Body.Name, Language: in.Body.Language}))
}

func (s *Server) updateFlow(ctx context.Context, in *FieldsUpdate[FlowFields]) (*Out[FlowView], error) {
	sb, err := s.switchboard()
	if err != nil {
		return nil, err
	}
	return flowOut(sb.UpdateFlow(ctx, switchboard.Flow{Meta: metaOf(in.ID, in.Body.Version), Name: in.Body.Name, Language: in.Body.Language}))
}

func (s *Server) deleteFlow(ctx context.Context, in *ByID) (*Empty, error) {
	sb, err := s.switchboard()
	if err != nil {
		return nil, err
	}
	return nil, sb.DeleteFlow(ctx, in.ID)
}

// getFlow returns a flow with the graph to edit, checked.
func (s *Server) getFlow(ctx context.Context, in *ByID) (*Out[FlowDetail], error) {
	sb, err := s.switchboard()
	if err != nil {
		return nil, err
	}
	return s.flowDetail(ctx, sb, in.ID)
}

func (s *Server) flowDetail(ctx context.Context, sb *switchboard.Service, flowID string) (*Out[FlowDetail], error) {
	f, err := sb.Flow(ctx, flowID)
	if err != nil {
		return nil, err
	}
	d := FlowDetail{FlowView: flowView(f), Graph: json.RawMessage("null"), Problems: []FlowProblem{}}
	number := f.Draft
	if number == 0 {
		number = f.Published
	}
	if number == 0 {
		return out(d), nil
	}
	v, err := sb.FlowVersion(ctx, flowID, number)
	if err != nil {
		return nil, err
	}
	d.Graph = orNull(v.Graph)
	problems, err := sb.CheckGraph(ctx, v.Graph)
	if err != nil {
		return nil, err
	}
	d.Problems = mapped(problems, flowProblem)
	return out(d), nil
}

func orNull(graph json.RawMessage) json.RawMessage {
	if len(graph) == 0 {
		return json.RawMessage("null")
	}
	return graph
}

func flowProblem(p ivr.Problem) FlowProblem {
	return FlowProblem{Node: p.Node, Field: p.Field, Key: p.Key, Params: p.Params, Severe: severe(p)}
}

func severe(p ivr.Problem) bool { return p.Severity != ivr.SeverityWarning }

func (s *Server) saveFlowDraft(ctx context.Context, in *FlowDraftInput) (*Out[FlowDetail], error) {
	sb, err := s.switchboard()
	if err != nil {
		return nil, err
	}
	if _, _, err := sb.SaveDraft(ctx, in.ID, in.Body.Graph, in.Body.Note); err != nil {
		return nil, err
	}
	return s.flowDetail(ctx, sb, in.ID)
}

// checkFlow checks the graph in the request, or else the stored one.
func (s *Server) checkFlow(ctx context.Context, in *FlowCheckInput) (*Out[FlowChecked], error) {
	sb, err := s.switchboard()
	if err != nil {
		return nil, err
	}
	graph := in.Body.Graph
	if len(graph) == 0 || string(graph) == "null" {
		d, err := s.flowDetail(ctx, sb, in.ID)
		if err != nil {
			return nil, err
		}
		graph = d.Body.Graph
	}
	problems, err := sb.CheckGraph(ctx, graph)
	if err != nil {
		return nil, err
	}
	return out(FlowChecked{OK: !slices.ContainsFunc(problems, severe), Problems: mapped(problems, flowProblem)}), nil
}

func (s *Server) publishFlow(ctx context.Context, in *FlowPublishInput) (*Out[FlowView], error) {
	sb, err := s.switchboard()
	if err != nil {
		return nil, err
	}
	if _, err := sb.Publish(ctx, in.ID); err != nil {
		return nil, err
	}
	return flowOut(sb.Flow(ctx, in.ID))
}

func (s *Server) rollbackFlow(ctx context.Context, in *FlowRollbackInput) (*Out[FlowView], error) {
	sb, err := s.switchboard()
	if err != nil {
		return nil, err
	}
	if _, err := sb.Rollback(ctx, in.ID, in.Body.Number); err != nil {
		return nil, err
	}
	return flowOut(sb.Flow(ctx, in.ID))
}

func (s *Server) listFlowVersions(ctx context.Context, in *ByID) (*Out[List[FlowVersionView]], error) {
	sb, err := s.switchboard()
	if err != nil {
		return nil, err
	}
	list, err := sb.FlowVersions(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	n, err := s.namesFor(ctx, nil)
	if err != nil {
		return nil, err
	}
	return listOf(list, func(v switchboard.FlowVersion) FlowVersionView {
		return FlowVersionView{Number: v.Number, State: v.State, Note: v.Note, Author: v.Author, AuthorName: n.users[v.Author],
			CreatedAt: utc(v.CreatedAt), PublishedAt: maybe(v.PublishedAt), Graph: orNull(v.Graph)}
	}, ""), nil
}

func promptView(p switchboard.Prompt) PromptView {
	return PromptView{Key: p.Key, Language: p.Language, Name: p.Name, Text: p.Text, Source: p.Source, SHA: p.SHA,
		DurationMs: p.Duration.Milliseconds(), Bytes: p.Bytes, Shipped: p.Shipped, Missing: p.Missing, UpdatedAt: maybe(p.UpdatedAt),
		Audio: "/api/admin/prompts/" + p.Key + "/" + p.Language + "/audio"}
}

func (s *Server) listPrompts(ctx context.Context, in *PromptQuery) (*Out[List[PromptView]], error) {
	sb, err := s.switchboard()
	if err != nil {
		return nil, err
	}
	all, err := sb.Prompts(ctx)
	if err != nil {
		return nil, err
	}
	q := strings.ToLower(strings.TrimSpace(in.Q))
	var list []switchboard.Prompt
	for _, p := range all {
		if (in.Language == "" || p.Language == in.Language) && strings.Contains(strings.ToLower(p.Key+" "+p.Name+" "+p.Text), q) {
			list = append(list, p)
		}
	}
	return listOf(list, promptView, ""), nil
}

// findPrompt returns exactly the prompt named, without falling back to
// another language.
func (s *Server) findPrompt(ctx context.Context, key, lang string) (switchboard.Prompt, error) {
	sb, err := s.switchboard()
	if err != nil {
		return switchboard.Prompt{}, err
	}
	all, err := sb.Prompts(ctx)
	if err != nil {
		return switchboard.Prompt{}, err
	}
	for _, p := range all {
		if p.Key == key && p.Language == lang {
			return p, nil
		}
	}
	return switchboard.Prompt{}, errs.New(errs.NotFound, "prompt.not_found")
}

func (s *Server) getPromptAudio(ctx context.Context, in *PromptPath) (*huma.StreamResponse, error) {
	p, err := s.findPrompt(ctx, in.Key, in.Lang)
	if err != nil {
		return nil, err
	}
	wav, err := s.deps.Switchboard.PromptWAV(ctx, p)
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hctx huma.Context) {
		r, w := raw(hctx)
		w.Header().Set("Content-Type", "audio/wav")
		w.Header().Set("Cache-Control", "private, no-cache")
		w.Header().Set("ETag", `"`+p.SHA+`"`)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(wav))
	}}, nil
}

func (s *Server) putPromptAudio(ctx context.Context, in *PromptAudioInput) (*Out[PromptView], error) {
	sb, err := s.switchboard()
	if err != nil {
		return nil, err
	}
	old, _ := s.findPrompt(ctx, in.Key, in.Lang) // a new prompt has no name yet
	p, err := sb.PutPrompt(ctx, switchboard.PromptUpload{Key: in.Key, Language: in.Lang, Name: first(in.Name, old.Name),
		Text: first(in.Text, old.Text), Source: in.Source, WAV: bytes.Clone(in.RawBody)})
	if err != nil {
		return nil, err
	}
	return out(promptView(p)), nil
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

func (s *Server) deletePromptAudio(ctx context.Context, in *PromptPath) (*Empty, error) {
	sb, err := s.switchboard()
	if err != nil {
		return nil, err
	}
	return nil, sb.DeletePrompt(ctx, in.Key, in.Lang)
}
