package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// Server is the HTTP edge: routes, their middleware and the live stream. It
// implements http.Handler.
type Server struct {
	deps    Deps
	log     *slog.Logger
	now     func() time.Time
	mux     *http.ServeMux
	api     huma.API
	metrics *metrics
	zips    gzipPool
	spec    func() ([]byte, error)

	hub     *hub
	tries   tryCount
	desks   sync.Mutex // one desk is read and sent at a time
	mu      sync.Mutex
	closed  bool
	live    sync.WaitGroup  // open WebSockets
	cancels []func()        // of subscriptions
	closing context.Context // done when Close begins
	close   context.CancelFunc
}

// version of the API as a contract; the program has a version of its own.
const version = "1.0.0"

// New builds the edge over its services and begins to listen to their facts.
// Close ends it.
func New(d Deps) (*Server, error) {
	if d.Identity == nil || d.DB == nil || d.Audit == nil || d.Bus == nil || d.Keys == nil || d.Patients == nil || d.Hospital == nil ||
		d.Switchboard == nil || d.Calls == nil || d.Journal == nil {
		return nil, errors.New("api: a service is missing")
	}
	s := build(d)
	if err := s.metrics.registry.Register(newFloor(s)); err != nil {
		return nil, fmt.Errorf("api: register metrics: %w", err)
	}
	s.listen()
	return s, nil
}

// build declares all routes. It starts nothing, so that the specification can
// be made without services.
func build(d Deps) *Server {
	s := &Server{deps: d, log: d.Log, now: d.Now, mux: http.NewServeMux(), metrics: newMetrics(), hub: newHub(),
		tries: tryCount{byIP: map[string]int{}}}
	s.closing, s.close = context.WithCancel(context.Background())
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
	s.routePatientExtras()
	s.routePatientCare()
	s.routeConsents()
	s.routePrivacy()
	s.routeHospital()
	s.routeBooking()
	s.routeBookingRules()
	s.routeBookingSchedule()
	s.routeLedger()
	s.routeKiosk()
	s.routePortal()
	s.routeMessages()
	s.routeSupervision()
	s.routeReports()
	s.routeUsers()
	s.routeTelephony()
	s.routeFlows()
	s.routeSystem()
	describeFrames(s.api.OpenAPI().Components.Schemas)
	tidy(s.api.OpenAPI())
	s.spec = sync.OnceValues(s.document)
	s.routePlain()
	return s
}

// Close says goodbye to the live connections and ends the subscriptions. The
// HTTP server is shut down before.
func (s *Server) Close() {
	s.close()
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	for _, c := range s.hub.close() {
		c.end(closeRestart)
	}
	for _, cancel := range s.cancels {
		cancel()
	}
	s.live.Wait()
}

// enter counts a WebSocket in, unless the program ends.
func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.live.Add(1)
	return true
}

// HTTPServer returns a server for the handler with the time limits that
// browsers and slow attackers call for. Streams extend their own deadlines.
func HTTPServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, WriteTimeout: 2 * time.Minute,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
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
					"portal":  {Type: "apiKey", In: "cookie", Name: portalCookie},
					"kiosk":   {Type: "apiKey", In: "cookie", Name: kioskCookie},
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
	for _, op := range operations(doc) {
		for _, p := range op.Parameters {
			noNullLists(p.Schema)
		}
	}
}

// describeFrames adds the messages of the WebSockets to the schemas, so that
// generated clients know them too.
func describeFrames(r huma.Registry) {
	for _, t := range []reflect.Type{
		reflect.TypeFor[LiveHello](), reflect.TypeFor[LiveEvent](), reflect.TypeFor[LiveReply](), reflect.TypeFor[LiveRTC](), reflect.TypeFor[LivePong](),
		reflect.TypeFor[LiveSignal](), reflect.TypeFor[LiveState](), reflect.TypeFor[PopEvent](), reflect.TypeFor[NoticeEvent](),
		reflect.TypeFor[AlarmEvent](), reflect.TypeFor[ChangeEvent](),
	} {
		r.Schema(t, true, t.Name())
	}
}

// operations lists the operations of a document.
func operations(doc *huma.OpenAPI) []*huma.Operation {
	var out []*huma.Operation
	for _, item := range doc.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if op != nil {
				out = append(out, op)
			}
		}
	}
	return out
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
