package api

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"heartline/internal/platform/identity"
)

var update = flag.Bool("update", false, "write api/openapi.json")

const committed = "../../api/openapi.json"

func TestSpecIsCommitted(t *testing.T) {
	doc, err := Spec()
	if err != nil {
		t.Fatal(err)
	}
	again, err := Spec()
	if err != nil || !bytes.Equal(doc, again) {
		t.Fatalf("the specification is not stable: %v", err)
	}
	if *update {
		if err := os.WriteFile(committed, doc, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(committed)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, doc) {
		t.Fatal("api/openapi.json is not what the code declares: run make spec")
	}
	for _, wrong := range []string{`"$schema"`, `"null"`, "ErrorModel"} {
		if bytes.Contains(doc, []byte(wrong)) {
			t.Errorf("the specification contains %s", wrong)
		}
	}
	var parsed struct{ OpenAPI string }
	if err := json.Unmarshal(doc, &parsed); err != nil || parsed.OpenAPI != "3.1.0" {
		t.Fatalf("OpenAPI %q, %v", parsed.OpenAPI, err)
	}
}

func TestEveryOperationDeclaresItsAccess(t *testing.T) {
	doc := build(Deps{}).api.OpenAPI()
	ops := operations(doc)
	if len(ops) < 120 {
		t.Fatalf("only %d operations", len(ops))
	}
	open := []string{"about", "signIn", "listTryIdentities", "listTryMessages", "sendTryMessage", "tryKiosk", "kioskSignIn",
		"portalInfo", "portalDepartments", "portalDepartment", "portalDoctors", "portalDoctor", "portalDoctorPhoto", "portalCode", "portalSignIn",
		"portalTimetable", "portalSession", "portalNumbers"}
	for _, op := range ops {
		a := accessOf(op)
		if !a.declared {
			t.Errorf("%s declares no access", op.OperationID)
		}
		if a.public != slices.Contains(open, op.OperationID) {
			t.Errorf("%s: public = %v", op.OperationID, a.public)
		}
		for _, p := range a.any {
			if !identity.Known(p) {
				t.Errorf("%s names unknown permission %s", op.OperationID, p)
			}
		}
		if op.Summary == "" || op.OperationID == "" || len(op.Extensions["x-permissions"].([]string)) == 0 {
			t.Errorf("%s %s: summary, id or permissions missing", op.Method, op.Path)
		}
	}
}

var pathParameter = regexp.MustCompile(`\{[a-z]+\}`)

// example fills the parameters of an operation's address with values of the
// right form that name nothing.
func example(op *huma.Operation) string {
	path := strings.ReplaceAll(op.Path, "{lang}", "en")
	return pathParameter.ReplaceAllString(path, "nothing")
}

func TestAuthorisationMatrix(t *testing.T) {
	e := newEnv(t)
	nobody := e.anonymous()
	powerless := e.with("powerless")
	for _, op := range operations(e.api.api.OpenAPI()) {
		a := accessOf(op)
		if a.public {
			continue
		}
		var body any
		if op.RequestBody != nil {
			body = "{ not even JSON" // must not be looked at
		}
		t.Run(op.OperationID, func(t *testing.T) {
			nobody.e.t, powerless.e.t = t, t
			nobody.do(op.Method, example(op), body).fails(401, "auth.required")
			if len(a.any) > 0 {
				powerless.do(op.Method, example(op), body).fails(403, "auth.denied")
			}
		})
	}
	e.t = t
	if asked := e.phone.take(); len(asked) > 0 {
		t.Fatalf("call control was asked without right: %v", asked)
	}
}

// TestOnePermissionOpens calls each operation with each permission that it
// names, alone, and expects neither 401 nor 403.
func TestOnePermissionOpens(t *testing.T) {
	e := newEnv(t)
	clients := map[identity.Permission]*client{}
	for i, p := range identity.All() {
		clients[p] = e.with(fmt.Sprintf("holder%d", i), p)
	}
	for _, op := range operations(e.api.api.OpenAPI()) {
		for _, p := range accessOf(op).any {
			var body any
			if op.RequestBody != nil {
				body = "{}"
			}
			if a := clients[p].do(op.Method, example(op), body); a.code == 401 || a.code == 403 || a.code >= 500 && a.code != 503 {
				t.Errorf("%s with %s: %d %s", op.OperationID, p, a.code, a.body)
			}
		}
	}
}

// TestHandlersAskAgain calls the handlers past the guard: those that touch
// data must not rely on it alone. It is a spot check of the services.
func TestServicesRefuseWithoutRight(t *testing.T) {
	e := newEnv(t)
	ctx := identity.With(t.Context(), identity.Principal{UserID: "u", Permissions: map[identity.Permission]bool{}})
	for name, fn := range map[string]func() error{
		"calls":   func() error { _, err := e.api.listCalls(ctx, &CallListInput{}); return err },
		"call":    func() error { _, err := e.api.getCall(ctx, &ByID{ID: "x"}); return err },
		"audio":   func() error { _, err := e.api.getRecordingAudio(ctx, &ByID{ID: "x"}); return err },
		"patient": func() error { _, err := e.api.getPatient(ctx, &ByID{ID: "x"}); return err },
		"search":  func() error { _, err := e.api.findPatients(ctx, &PatientQuery{Q: "x"}); return err },
		"queues":  func() error { _, err := queues().list(e.api)(ctx, &ListQuery{}); return err },
		"users":   func() error { _, err := e.api.listUsers(ctx, &UserQuery{}); return err },
		"desk":    func() error { _, err := e.api.getDesk(ctx, &None{}); return err },
		"monitor": func() error { _, err := e.api.monitorCall(ctx, &MonitorInput{}); return err },
		"flows":   func() error { _, err := e.api.listFlows(ctx, &ListQuery{}); return err },
		"pop":     func() error { _, err := e.api.getCallPop(ctx, &ByID{ID: "x"}); return err },
		"export":  func() error { _, err := e.api.exportCalls(ctx, &CallQuery{}); return err },
	} {
		if err := fn(); err == nil || e.api.problem(ctx, err).Status != http.StatusForbidden {
			t.Errorf("%s: %v", name, err)
		}
	}
}
