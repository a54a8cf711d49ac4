package api

import (
	"encoding/json"
	"time"

	"heartline/internal/platform/identity"
)

// FlowView is a call flow.
type FlowView struct {
	ItemMeta
	FlowFields
	Published int `json:"published" doc:"Number of the published version; 0: none"`
	Draft     int `json:"draft" doc:"Number of the draft; 0: none"`
}

// FlowFields are the plain fields of a flow.
type FlowFields struct {
	Version  int64  `json:"version" required:"false" doc:"As read; an older one is refused"`
	Name     string `json:"name" minLength:"1" maxLength:"100"`
	Language string `json:"language" required:"false" maxLength:"20" default:"zh-CN"`
}

// FlowDetail is a flow with the graph to edit: the draft, or else what is
// published.
type FlowDetail struct {
	FlowView
	Graph    json.RawMessage `json:"graph"`
	Problems []FlowProblem   `json:"problems"`
}

// FlowProblem is something the checks found.
type FlowProblem struct {
	Node   string            `json:"node"`
	Field  string            `json:"field"`
	Key    string            `json:"key"`
	Params map[string]string `json:"params,omitempty"`
	Severe bool              `json:"severe" doc:"Forbids publishing"`
}

// FlowDraftInput saves the draft.
type FlowDraftInput struct {
	ByID
	Body struct {
		Graph json.RawMessage `json:"graph"`
		Note  string          `json:"note,omitempty" maxLength:"400"`
	}
}

// FlowCheckInput checks a graph without saving it; without one, the draft.
type FlowCheckInput struct {
	ByID
	Body struct {
		Graph json.RawMessage `json:"graph,omitempty"`
	}
}

// FlowChecked is the outcome of the checks.
type FlowChecked struct {
	OK       bool          `json:"ok" doc:"May be published"`
	Problems []FlowProblem `json:"problems"`
}

// FlowPublishInput publishes the draft.
type FlowPublishInput struct {
	ByID
	Body struct {
		Note string `json:"note,omitempty" maxLength:"400"`
	}
}

// FlowRollbackInput publishes an earlier version again.
type FlowRollbackInput struct {
	ByID
	Body struct {
		Number int `json:"number" minimum:"1"`
	}
}

// FlowVersionView is one version of a flow.
type FlowVersionView struct {
	Number      int             `json:"number"`
	State       string          `json:"state" enum:"draft,published,retired"`
	Note        string          `json:"note"`
	Author      string          `json:"author" doc:"User id"`
	AuthorName  string          `json:"author_name"`
	CreatedAt   time.Time       `json:"created_at"`
	PublishedAt *time.Time      `json:"published_at,omitempty"`
	Graph       json.RawMessage `json:"graph"`
}

// PromptView is a recorded sentence in one language.
type PromptView struct {
	Key        string     `json:"key"`
	Language   string     `json:"language"`
	Name       string     `json:"name"`
	Text       string     `json:"text" doc:"What is said"`
	Source     string     `json:"source" enum:"shipped,upload,browser"`
	SHA        string     `json:"sha"`
	DurationMs int64      `json:"duration_ms"`
	Bytes      int64      `json:"bytes"`
	Shipped    bool       `json:"shipped" doc:"A shipped recording exists under this one"`
	Missing    bool       `json:"missing" doc:"Its sound is gone: callers hear a tone"`
	UpdatedAt  *time.Time `json:"updated_at,omitempty" doc:"Absent: as shipped"`
	Audio      string     `json:"audio" doc:"Address of the sound"`
}

// PromptQuery filters prompts.
type PromptQuery struct {
	Q        string `query:"q" maxLength:"60"`
	Language string `query:"language" maxLength:"20"`
}

// PromptPath names the sound of a prompt.
type PromptPath struct {
	Key  string `path:"key" minLength:"1" maxLength:"80" pattern:"^[a-z0-9_.-]+$"`
	Lang string `path:"lang" minLength:"2" maxLength:"20" pattern:"^[A-Za-z]{2,3}(-[A-Za-z0-9]+)*$"`
}

// PromptAudioInput replaces the sound of a prompt.
type PromptAudioInput struct {
	PromptPath
	Source  string `query:"source" enum:"upload,browser" default:"upload"`
	Name    string `query:"name" maxLength:"100" doc:"Empty keeps the old one"`
	Text    string `query:"text" maxLength:"2000" doc:"What is said; empty keeps the old one"`
	RawBody []byte `contentType:"audio/wav"`
}

func (s *Server) routeFlows() {
	a := needs(identity.AdminFlows)
	get(s, "/api/admin/flows", "listFlows", "List flows", a, s.listFlows)
	post(s, "/api/admin/flows", "createFlow", "Create a flow", a, s.createFlow)
	get(s, "/api/admin/flows/{id}", "getFlow", "A flow with its graph", a, s.getFlow)
	put(s, "/api/admin/flows/{id}", "updateFlow", "Rename a flow", a, s.updateFlow)
	del(s, "/api/admin/flows/{id}", "deleteFlow", "Delete a flow that nothing uses", a, s.deleteFlow)
	put(s, "/api/admin/flows/{id}/draft", "saveFlowDraft", "Save the draft", a, s.saveFlowDraft, maxBody(2<<20))
	post(s, "/api/admin/flows/{id}/check", "checkFlow", "Check a graph", a, s.checkFlow, maxBody(2<<20))
	post(s, "/api/admin/flows/{id}/publish", "publishFlow", "Publish the draft", a, s.publishFlow)
	get(s, "/api/admin/flows/{id}/versions", "listFlowVersions", "Versions of a flow", a, s.listFlowVersions)
	post(s, "/api/admin/flows/{id}/rollback", "rollbackFlow", "Publish an earlier version again", a, s.rollbackFlow)
	get(s, "/api/admin/prompts", "listPrompts", "List prompts", a, s.listPrompts)
	get(s, "/api/admin/prompts/{key}/{lang}/audio", "getPromptAudio", "Sound of a prompt (WAV)", a, s.getPromptAudio, produces("audio/wav"))
	put(s, "/api/admin/prompts/{key}/{lang}/audio", "putPromptAudio", "Replace the sound of a prompt", a, s.putPromptAudio, maxBody(20<<20))
	del(s, "/api/admin/prompts/{key}/{lang}/audio", "deletePromptAudio", "Back to the shipped sound", a, s.deletePromptAudio)
}
