package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"heartline/internal/platform/errs"
)

// Problem is the body of every error (RFC 9457). Key names the message that
// the reader's own language has for it; there is no sentence for users here.
type Problem struct {
	Type   string         `json:"type" doc:"Always about:blank; the key tells problems apart"`
	Title  string         `json:"title" doc:"The name of the HTTP status"`
	Status int            `json:"status" doc:"The HTTP status"`
	Key    string         `json:"key" doc:"Message key, such as patient.phone_invalid"`
	Params map[string]any `json:"params,omitempty" doc:"Values for the message"`
	Errors []FieldProblem `json:"errors,omitempty" doc:"One entry for each rejected input"`
}

// FieldProblem says which input was rejected and why.
type FieldProblem struct {
	Path   string         `json:"path" doc:"Such as body.phones[0].number or query.from"`
	Key    string         `json:"key" doc:"Message key"`
	Params map[string]any `json:"params,omitempty" doc:"Values for the message"`
}

const problemType = "application/problem+json"

func (p *Problem) Error() string { return p.Key }

// GetStatus makes Problem an error that huma sends as it is.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType names the media type of problem documents.
func (p *Problem) ContentType(string) string { return problemType }

// statusOf gives each kind of error its HTTP status.
func statusOf(k errs.Kind) int {
	switch k {
	case errs.Invalid:
		return http.StatusUnprocessableEntity
	case errs.NotFound:
		return http.StatusNotFound
	case errs.Conflict:
		return http.StatusConflict
	case errs.Denied:
		return http.StatusForbidden
	case errs.Unknown:
		return http.StatusUnauthorized
	case errs.Limited:
		return http.StatusTooManyRequests
	case errs.Unavailable:
		return http.StatusServiceUnavailable
	case errs.TooLarge:
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusInternalServerError
}

// problem turns an error of a service into a problem document. What went
// wrong inside stays in the log.
func (s *Server) problem(ctx context.Context, err error) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	var e *errs.Error
	if !errors.As(err, &e) || e.Kind == errs.Internal {
		if errors.Is(err, context.Canceled) {
			return newProblem(499, "request.cancelled")
		}
		if errors.Is(err, context.DeadlineExceeded) {
			return newProblem(http.StatusServiceUnavailable, "request.timeout")
		}
		s.log.Error("request failed", slog.String("request_id", requestID(ctx)), slog.Any("error", err))
		return newProblem(http.StatusInternalServerError, "internal")
	}
	p = newProblem(statusOf(e.Kind), e.Key)
	p.Params = e.Params
	for _, f := range e.Fields {
		p.Errors = append(p.Errors, FieldProblem{Path: fieldPath(requestOf(ctx).method, f.Path), Key: f.Key})
	}
	return p
}

func newProblem(status int, key string) *Problem {
	title := http.StatusText(status)
	if title == "" {
		title = "Client Closed Request"
	}
	return &Problem{Type: "about:blank", Title: title, Status: status, Key: key}
}

// fieldPath puts "body.", or "query." where there is no body, in front of
// paths that a service gave relative to its own input.
func fieldPath(method, path string) string {
	for _, known := range []string{"body", "query", "path", "header"} {
		if path == known || strings.HasPrefix(path, known+".") {
			return path
		}
	}
	if method == http.MethodGet {
		return "query." + path
	}
	return "body." + path
}

// translate is the huma transformer that turns huma's own errors (validation,
// content type, size) into problem documents with keys.
func (s *Server) translate(_ huma.Context, _ string, v any) (any, error) {
	m, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	p := newProblem(m.Status, keyOfStatus(m.Status))
	for _, d := range m.Errors {
		if d != nil {
			p.Errors = append(p.Errors, fieldProblem(d))
		}
	}
	return p, nil
}

func keyOfStatus(status int) string {
	switch status {
	case http.StatusUnprocessableEntity:
		return "invalid"
	case http.StatusBadRequest:
		return "request.malformed"
	case http.StatusNotFound:
		return "not_found"
	case http.StatusRequestEntityTooLarge:
		return "request.too_large"
	case http.StatusUnsupportedMediaType:
		return "request.media_type"
	case http.StatusNotAcceptable:
		return "request.not_acceptable"
	case http.StatusRequestTimeout:
		return "request.timeout"
	}
	if status >= 500 {
		return "internal"
	}
	return "request.refused"
}

// writeProblem answers from a middleware, before any handler runs.
func (s *Server) writeProblem(ctx huma.Context, p *Problem) {
	ctx.SetHeader("Content-Type", problemType)
	ctx.SetStatus(p.Status)
	_ = json.NewEncoder(ctx.BodyWriter()).Encode(p)
}

// sendProblem answers on routes that are plain handlers.
func sendProblem(w http.ResponseWriter, p *Problem) {
	w.Header().Set("Content-Type", problemType)
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p)
}

// problemResponse is the shared description of errors in the specification.
func (s *Server) problemResponse() *huma.Response {
	schema := s.api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[Problem](), true, "Problem")
	return &huma.Response{
		Description: "Error",
		Content:     map[string]*huma.MediaType{problemType: {Schema: schema}},
	}
}

// fieldProblem gives huma's validation message a key; numbers in the message
// become parameters.
func fieldProblem(d *huma.ErrorDetail) FieldProblem {
	f := FieldProblem{Path: d.Location, Key: "validation.invalid"}
	if f.Path == "" {
		f.Path = "body"
	}
	for _, r := range validationRules() {
		rest, ok := strings.CutPrefix(d.Message, r.prefix)
		if !ok {
			continue
		}
		f.Key = r.key
		if r.param != "" {
			f.Params = map[string]any{r.param: strings.Trim(rest, "\" ")}
		}
		break
	}
	if f.Key == "validation.required" && f.Params != nil {
		name, _, _ := strings.Cut(fmt.Sprint(f.Params["name"]), " ")
		f.Path += "." + name
		f.Params = nil
	}
	return f
}

type validationRule struct{ prefix, key, param string }

// validationRules maps the beginnings of huma's messages to keys. A message
// that is not here is still answered, as validation.invalid.
func validationRules() []validationRule {
	return []validationRule{
		{"expected required property ", "validation.required", "name"},
		{"required ", "validation.required", ""},
		{"request body is required", "validation.required", ""},
		{"unexpected property", "validation.unexpected", ""},
		{"unknown query parameter", "validation.unexpected", ""},
		{"expected length >= ", "validation.min_length", "min"},
		{"expected length <= ", "validation.max_length", "max"},
		{"expected number >= ", "validation.min", "min"},
		{"expected number > ", "validation.min", "min"},
		{"expected number <= ", "validation.max", "max"},
		{"expected number < ", "validation.max", "max"},
		{"expected array length >= ", "validation.min_items", "min"},
		{"expected array length <= ", "validation.max_items", "max"},
		{"expected value to be one of ", "validation.one_of", "values"},
		{"expected string to match pattern ", "validation.pattern", ""},
		{"expected string to be RFC 3339", "validation.time", ""},
		{"expected string", "validation.string", ""},
		{"expected integer", "validation.integer", ""},
		{"expected number", "validation.number", ""},
		{"expected boolean", "validation.boolean", ""},
		{"expected array", "validation.array", ""},
		{"expected object", "validation.object", ""},
		{"invalid date", "validation.time", ""},
		{"invalid character", "request.malformed", ""},
		{"unexpected end of JSON", "request.malformed", ""},
	}
}
