package api

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// Deps are the services behind the operations.
type Deps struct {
	Log *slog.Logger
	Now func() time.Time
}

// Server is the HTTP edge: routes, their middleware and the live stream.
type Server struct {
	deps Deps
	log  *slog.Logger
	now  func() time.Time
	mux  *http.ServeMux
	api  huma.API
}

// version of the API as a contract; the program has a version of its own.
const version = "1.0.0"

func newServer(d Deps) *Server {
	s := &Server{deps: d, log: d.Log, now: d.Now, mux: http.NewServeMux()}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = time.Now
	}
	s.api = humago.New(s.mux, s.config())
	s.routeSession()
	s.routeDesk()
	s.routeCalls()
	s.routePatients()
	s.routeHospital()
	s.routeSupervision()
	s.routeReports()
	s.routeUsers()
	s.routeTelephony()
	s.routeFlows()
	s.routeSystem()
	tidy(s.api.OpenAPI())
	return s
}

func (s *Server) config() huma.Config {
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title: "Heartline", Version: version,
				Description: "The open hospital contact centre. Sign in with POST /api/session; the answer sets a cookie. " +
					"Requests that change something carry the header X-Heartline: 1. Errors are problem documents (RFC 9457) with a message key. " +
					"The live stream is a WebSocket at /api/live.",
			},
			Components: &huma.Components{
				Schemas: huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer),
				SecuritySchemes: map[string]*huma.SecurityScheme{
					"session": {Type: "apiKey", In: "cookie", Name: cookieName},
				},
			},
		},
		Formats:                      huma.DefaultFormats,
		DefaultFormat:                "application/json",
		RejectUnknownQueryParameters: true,
		Transformers:                 []huma.Transformer{s.translate},
	}
}

// tidy removes what huma adds on its own: its error model, which no response
// uses, and the possibility of null in place of an empty list.
func tidy(doc *huma.OpenAPI) {
	schemas := doc.Components.Schemas.Map()
	delete(schemas, "ErrorModel")
	delete(schemas, "ErrorDetail")
	for _, schema := range schemas {
		noNullLists(schema)
	}
	for _, item := range doc.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if op == nil {
				continue
			}
			for _, p := range op.Parameters {
				noNullLists(p.Schema)
			}
		}
	}
}

func noNullLists(s *huma.Schema) {
	if s == nil {
		return
	}
	if s.Type == huma.TypeArray {
		s.Nullable = false
	}
	for _, p := range s.Properties {
		noNullLists(p)
	}
	noNullLists(s.Items)
	if extra, ok := s.AdditionalProperties.(*huma.Schema); ok {
		noNullLists(extra)
	}
}
