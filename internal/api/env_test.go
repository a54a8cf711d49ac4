package api

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"heartline/internal/care/hospital"
	"heartline/internal/care/patient"
	"heartline/internal/contact/acd"
	"heartline/internal/contact/callrecord"
	"heartline/internal/contact/journal"
	"heartline/internal/contact/recording"
	"heartline/internal/contact/switchboard"
	"heartline/internal/insight/kpi"
	"heartline/internal/platform/alarm"
	"heartline/internal/platform/audit"
	"heartline/internal/platform/crypto"
	"heartline/internal/platform/event"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/job"
	"heartline/internal/platform/store"
	"heartline/internal/platform/store/storetest"
)

const password = "lantern-river-42"

// env is an edge over real services on a database of its own. Only call
// control and the distributor, which need telephones, are stand-ins.
type env struct {
	t      testing.TB
	db     *store.DB
	bus    *event.Bus
	keys   *crypto.Keyring
	alarms *alarm.Board
	ids    *identity.Service
	board  *switchboard.Service
	people *patient.Service
	house  *hospital.Service
	log    *journal.Journal
	calls  *callrecord.Service
	sound  *recording.Service
	phone  *fakeTelephone
	floor  *fakeFloor
	logged *syncBuffer
	api    *Server
	server *httptest.Server
	deps   Deps
}

func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func newEnv(t testing.TB, change ...func(*Deps)) *env {
	t.Helper()
	ctx, dir := t.Context(), t.TempDir()
	e := &env{t: t, db: storetest.SQLite(t), bus: event.NewBus(), phone: newFakeTelephone(), floor: &fakeFloor{}, logged: &syncBuffer{}}
	t.Cleanup(e.bus.Close)
	e.keys = must[*crypto.Keyring](t)(crypto.Open(dir + "/keys"))
	e.alarms = alarm.NewBoard(e.bus, time.Now)
	trail := audit.New(time.Now)
	policy := identity.DefaultPolicy()
	policy.Hash = identity.HashCost{MemoryKiB: 64, Passes: 1, Threads: 1}
	e.ids = must[*identity.Service](t)(identity.New(ctx, identity.Deps{DB: e.db, Audit: trail, Keys: e.keys, Bus: e.bus, Now: time.Now, Policy: policy}))
	quiet := slog.New(slog.DiscardHandler)
	e.board = must[*switchboard.Service](t)(switchboard.New(ctx, switchboard.Config{DB: e.db, Keys: e.keys, Audit: trail, Bus: e.bus, Now: time.Now, Log: quiet, DataDir: dir}))
	e.people = patient.New(e.db, e.keys, trail, e.bus, time.Now, nil)
	e.house = hospital.New(hospital.Deps{DB: e.db, Audit: trail, Bus: e.bus, Now: time.Now})
	e.log = journal.New(e.db, time.Now)
	e.calls = callrecord.New(e.db, e.log, callrecord.DefaultRules(), time.Now)
	if err := e.log.Start(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.log.Stop(context.WithoutCancel(ctx)) })
	e.sound = must[*recording.Service](t)(recording.New(recording.Config{Dir: dir + "/rec", Keep: time.Hour}, recording.Deps{DB: e.db, Keys: e.keys, Audit: trail, Bus: e.bus, Alarms: e.alarms, Log: quiet, Now: time.Now}))
	jobs := must[*job.Queue](t)(job.New(e.db, time.Now, quiet))
	e.deps = Deps{
		Log: slog.New(slog.NewJSONHandler(e.logged, &slog.HandlerOptions{Level: slog.LevelDebug})), Now: time.Now, Bus: e.bus, DB: e.db, Identity: e.ids,
		Audit: trail, Patients: e.people, Hospital: e.house, Switchboard: e.board, Calls: e.calls, Journal: e.log,
		Reports: kpi.New(e.db, time.UTC, nil), Jobs: jobs, Alarms: e.alarms, Keys: e.keys, Recordings: e.sound, Telephone: e.phone, Distributor: e.floor,
		About: About{Name: "爱心医院", Version: "test", Demo: true, ServiceNumber: "96166", TimeZone: "Asia/Shanghai", Locale: "zh-CN"},
		Web: fstest.MapFS{
			"index.html":                    {Data: []byte("<!doctype html><title>Heartline</title>")},
			"portal.html":                   {Data: []byte("<!doctype html><title>Portal</title>")},
			"kiosk.html":                    {Data: []byte("<!doctype html><title>Kiosk</title>")},
			"assets/index-BX2a9_qd.js":      {Data: []byte("export const x = " + strings.Repeat("1 + ", 900) + "1")},
			"favicon.svg":                   {Data: []byte("<svg/>")},
			"assets/_plugin-vue-Ab12_cd.js": {Data: []byte("1")},
		},
	}
	for _, c := range change {
		c(&e.deps)
	}
	e.api = must[*Server](t)(New(e.deps))
	e.server = httptest.NewServer(e.api)
	t.Cleanup(func() { e.api.Close(); e.server.Close() })
	return e
}

// sys acts as the program itself.
func (e *env) sys() context.Context { return identity.System(e.t.Context(), "test") }

// client is a browser: it keeps cookies and sends what ours sends.
type client struct {
	e    *env
	http *http.Client
	user identity.User
}

func (e *env) anonymous() *client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		e.t.Fatal(err)
	}
	return &client{e: e, http: &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// as creates a user with roles and signs in.
func (e *env) as(login string, roles ...string) *client {
	e.t.Helper()
	u, err := e.ids.CreateUser(e.sys(), identity.NewUser{Login: login, Name: "用户" + login, Password: password, Roles: roles})
	if err != nil {
		e.t.Fatal(err)
	}
	c := e.anonymous()
	c.user = u
	c.do("POST", "/api/session", map[string]any{"login": login, "password": password}).status(200)
	return c
}

// with creates a user who holds exactly the given permissions.
func (e *env) with(login string, perms ...identity.Permission) *client {
	e.t.Helper()
	if _, err := e.ids.CreateRole(e.sys(), identity.Role{Code: "only-" + login, Name: login, Permissions: perms}); err != nil {
		e.t.Fatal(err)
	}
	return e.as(login, "only-"+login)
}

// answer is a response that has been read.
type answer struct {
	c      *client
	what   string
	code   int
	header http.Header
	body   []byte
}

func (c *client) request(method, path string, body any) *http.Request {
	c.e.t.Helper()
	var r io.Reader
	switch b := body.(type) {
	case nil:
	case []byte:
		r = bytes.NewReader(b)
	case string:
		r = strings.NewReader(b)
	default:
		raw, err := json.Marshal(b)
		if err != nil {
			c.e.t.Fatal(err)
		}
		r = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(c.e.t.Context(), method, c.e.server.URL+path, r)
	if err != nil {
		c.e.t.Fatal(err)
	}
	if r != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set(csrfHeader, "1")
	return req
}

func (c *client) do(method, path string, body any) *answer {
	c.e.t.Helper()
	return c.send(c.request(method, path, body))
}

func (c *client) send(req *http.Request) *answer {
	c.e.t.Helper()
	resp, err := c.http.Do(req)
	if err != nil {
		c.e.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		c.e.t.Fatal(err)
	}
	a := &answer{c: c, what: req.Method + " " + req.URL.Path, code: resp.StatusCode, header: resp.Header, body: b}
	c.e.conforms(a, req)
	return a
}

func (c *client) get(path string) *answer { c.e.t.Helper(); return c.do("GET", path, nil) }

func (a *answer) status(want int) *answer {
	a.c.e.t.Helper()
	if a.code != want {
		a.c.e.t.Fatalf("%s: status %d, want %d: %s", a.what, a.code, want, a.body)
	}
	return a
}

// fails checks a problem document: status, key and, if given, the field.
func (a *answer) fails(status int, key string, field ...string) *answer {
	a.c.e.t.Helper()
	var p Problem
	if err := json.Unmarshal(a.body, &p); err != nil || a.code != status || p.Status != status || p.Key != key {
		a.c.e.t.Fatalf("%s: %d %s, want %d %s", a.what, a.code, a.body, status, key)
	}
	if ct := a.header.Get("Content-Type"); ct != problemType {
		a.c.e.t.Fatalf("%s: content type %q", a.what, ct)
	}
	for _, f := range field {
		found := false
		for _, x := range p.Errors {
			found = found || x.Path == f
		}
		if !found {
			a.c.e.t.Fatalf("%s: no field error for %s in %s", a.what, f, a.body)
		}
	}
	return a
}

func read[T any](a *answer) T {
	a.c.e.t.Helper()
	var v T
	if err := json.Unmarshal(a.body, &v); err != nil {
		a.c.e.t.Fatalf("%s: %v in %s", a.what, err, a.body)
	}
	return v
}

// conforms checks every answer of an operation against its own schema.
func (e *env) conforms(a *answer, req *http.Request) {
	e.t.Helper()
	op := findOperation(e.api.api.OpenAPI(), req.Method, req.URL.Path)
	media, _, _ := strings.Cut(a.header.Get("Content-Type"), ";")
	if op == nil || len(a.body) == 0 || !strings.HasSuffix(media, "json") || a.code == http.StatusPartialContent {
		return
	}
	response := op.Responses["default"]
	if a.code < 300 {
		response = op.Responses["200"]
	}
	if response == nil || response.Content[media] == nil {
		e.t.Fatalf("%s: undocumented answer %d %s", a.what, a.code, media)
	}
	var v any
	if err := json.Unmarshal(a.body, &v); err != nil {
		e.t.Fatalf("%s: %v", a.what, err)
	}
	res, pb := &huma.ValidateResult{}, huma.NewPathBuffer([]byte(""), 0)
	huma.Validate(e.api.api.OpenAPI().Components.Schemas, response.Content[media].Schema, pb, huma.ModeReadFromServer, v, res)
	for _, err := range res.Errors {
		e.t.Errorf("%s: answer breaks its schema: %v", a.what, err)
	}
}

func findOperation(doc *huma.OpenAPI, method, path string) *huma.Operation {
	var best *huma.Operation
	for _, op := range operations(doc) {
		if op.Method != method || !matches(op.Path, path) {
			continue
		}
		if best == nil || strings.Count(op.Path, "{") < strings.Count(best.Path, "{") {
			best = op
		}
	}
	return best
}

func matches(pattern, path string) bool {
	a, b := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !strings.HasPrefix(a[i], "{") && a[i] != b[i] {
			return false
		}
	}
	return true
}

// audited returns the actions in the audit log, the oldest first.
func (e *env) audited() []string {
	e.t.Helper()
	list, err := audit.List(e.t.Context(), e.db, audit.Filter{Limit: 1000})
	if err != nil {
		e.t.Fatal(err)
	}
	var out []string
	for i := len(list) - 1; i >= 0; i-- {
		out = append(out, list[i].Action)
	}
	return out
}

// eventually waits for a condition that other goroutines bring about.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("never happened: %s", what)
		}
		<-time.After(2 * time.Millisecond)
	}
}

// cookie returns the session cookie of the client.
func (c *client) cookie() string {
	u, _ := url.Parse(c.e.server.URL)
	for _, x := range c.http.Jar.Cookies(u) {
		if x.Name == cookieName {
			return x.Value
		}
	}
	return ""
}

// syncBuffer is a log that several goroutines write.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// fakeFloor is a distributor with a fixed picture.
type fakeFloor struct {
	mu    sync.Mutex
	state acd.State
}

func (f *fakeFloor) Snapshot() acd.State {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state
}

func (f *fakeFloor) set(st acd.State) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.state = st
}

func sortStrings(s []string) { slices.Sort(s) }
