package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/identity"
)

// access says who may call an operation. The zero value is not valid: every
// operation states it with public, signedIn or needs.
type access struct {
	declared bool
	public   bool
	portal   bool                  // for signed-in patients alone
	kiosk    bool                  // for signed-in self-service machines alone
	any      []identity.Permission // any one of these opens the operation
}

func public() access   { return access{declared: true, public: true} }
func signedIn() access { return access{declared: true} }
func needs(any ...identity.Permission) access {
	return access{declared: true, any: any}
}

// names lists the access rule as it appears in the specification.
func (a access) names() []string {
	switch {
	case a.public:
		return []string{"public"}
	case a.portal:
		return []string{"portal"}
	case a.kiosk:
		return []string{"kiosk"}
	case len(a.any) == 0:
		return []string{"signed-in"}
	}
	out := make([]string, 0, len(a.any))
	for _, p := range a.any {
		out = append(out, string(p))
	}
	return out
}

// check returns nil when the acting principal may pass.
func (a access) check(ctx context.Context, keepsPassword bool) error {
	if a.public {
		return nil
	}
	p, err := identity.Require(ctx, a.any...)
	if err != nil {
		return err
	}
	if p.MustChange && !keepsPassword {
		return errs.New(errs.Denied, "auth.password_change_required")
	}
	return nil
}

const accessKey = "access"

// accessOf reads back what an operation declared.
func accessOf(op *huma.Operation) access {
	a, _ := op.Metadata[accessKey].(access)
	return a
}

// option adjusts an operation at registration.
type option func(*huma.Operation)

// maxBody sets the largest request body in bytes.
// The time to send it grows with it.
func maxBody(n int64) option {
	return func(op *huma.Operation) {
		op.MaxBodyBytes = n
		op.BodyReadTimeout = time.Minute
	}
}

// produces documents a response that is a file of the given media type.
func produces(mediaType string) option {
	return func(op *huma.Operation) {
		op.Responses["200"] = &huma.Response{
			Description: "OK",
			Content: map[string]*huma.MediaType{
				mediaType: {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
			},
		}
	}
}

// passwordPending marks the operations a user may still call while the
// password has to be changed.
func passwordPending(op *huma.Operation) { op.Metadata["password_pending"] = true }

// register declares one operation: its route, its access rule and its typed
// handler, whose errors leave as problem documents.
func register[I, O any](s *Server, method, path, id, summary string, a access,
	h func(context.Context, *I) (*O, error), opts ...option) {
	op := huma.Operation{
		OperationID: id, Method: method, Path: path, Summary: summary,
		Tags:         []string{tagOf(path)},
		MaxBodyBytes: 256 << 10,
		Metadata:     map[string]any{accessKey: a},
		Extensions:   map[string]any{"x-permissions": a.names()},
		Responses:    map[string]*huma.Response{"default": s.problemResponse()},
	}
	switch {
	case a.portal:
		op.Security = []map[string][]string{{"portal": {}}}
	case a.kiosk:
		op.Security = []map[string][]string{{"kiosk": {}}}
	case !a.public:
		op.Security = []map[string][]string{{"session": {}}}
	}
	for _, o := range opts {
		o(&op)
	}
	op.Middlewares = huma.Middlewares{s.guard}
	huma.Register(s.api, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := h(ctx, in)
		if err != nil {
			return nil, s.problem(ctx, err)
		}
		return out, nil
	})
}

func get[I, O any](s *Server, path, id, summary string, a access, h func(context.Context, *I) (*O, error), opts ...option) {
	register(s, http.MethodGet, path, id, summary, a, h, opts...)
}

func post[I, O any](s *Server, path, id, summary string, a access, h func(context.Context, *I) (*O, error), opts ...option) {
	register(s, http.MethodPost, path, id, summary, a, h, opts...)
}

func put[I, O any](s *Server, path, id, summary string, a access, h func(context.Context, *I) (*O, error), opts ...option) {
	register(s, http.MethodPut, path, id, summary, a, h, opts...)
}

func patch[I, O any](s *Server, path, id, summary string, a access, h func(context.Context, *I) (*O, error), opts ...option) {
	register(s, http.MethodPatch, path, id, summary, a, h, opts...)
}

func del[I, O any](s *Server, path, id, summary string, a access, h func(context.Context, *I) (*O, error), opts ...option) {
	register(s, http.MethodDelete, path, id, summary, a, h, opts...)
}

// guard enforces the access rule of the operation before anything of the
// request is parsed.
func (s *Server) guard(ctx huma.Context, next func(huma.Context)) {
	op := ctx.Operation()
	requestOf(ctx.Context()).operation = op.OperationID
	pending, _ := op.Metadata["password_pending"].(bool)
	a := accessOf(op)
	var err error = errs.New(errs.Denied, "auth.denied")
	if a.declared {
		ctx, err = s.admit(ctx, a, pending)
	}
	if err != nil {
		s.writeProblem(ctx, s.problem(ctx.Context(), err))
		return
	}
	next(ctx)
}

// tagOf groups operations by the first segment after /api.
func tagOf(path string) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/api/"), "/")
	return strings.TrimSuffix(first, ".csv")
}
