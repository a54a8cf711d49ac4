package portal_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"heartline/internal/care/portal"
	"heartline/internal/platform/audit"
	"heartline/internal/platform/crypto"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
	"heartline/internal/platform/store/storetest"
)

const (
	phone    = "13800138000"
	document = "440308199901101512"
)

// house is a portal over records and messages that tests can look into.
type house struct {
	t      *testing.T
	db     *store.DB
	portal *portal.Service
	log    *audit.Log

	mu       sync.Mutex
	now      time.Time
	sent     []portal.Code
	known    map[portal.Claim]string
	children map[string]string
	made     []portal.Newcomer
	attached []string
	taken    bool // the document that is to be attached names somebody else
}

func newHouse(t *testing.T, db *store.DB) *house {
	t.Helper()
	keys, err := crypto.Open(t.TempDir() + "/keys")
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, db: db, now: time.Date(2026, 11, 23, 1, 0, 30, 0, time.UTC), known: map[portal.Claim]string{}, children: map[string]string{}}
	h.log = audit.New(h.clock)
	h.portal = portal.New(portal.Deps{DB: db, Keys: keys, Audit: h.log, People: h, Codes: h, Now: h.clock})
	return h
}

func (h *house) clock() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *house) pass(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

func (h *house) SendCode(_ context.Context, _ *store.Tx, c portal.Code) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sent = append(h.sent, c)
	return nil
}

func (h *house) CheckDocument(kind, number string, _ time.Time) (portal.Document, string) {
	if kind == "passport" {
		return portal.Document{Number: number}, ""
	}
	if kind != "id_card" || len(number) != 18 {
		return portal.Document{}, "patient.id_invalid"
	}
	return portal.Document{Number: strings.ToUpper(number), BirthDate: number[6:10] + "-" + number[10:12] + "-" + number[12:14], Sex: "male"}, ""
}

func (h *house) Match(_ context.Context, c portal.Claim) (string, error) { return h.known[c], nil }

func (h *house) Child(_ context.Context, g portal.Guardian, name, birth string) (string, error) {
	if g.Document == "" {
		return "", fmt.Errorf("no document of the guardian")
	}
	return h.children[g.PatientID+name+birth], nil
}

func (h *house) Register(_ context.Context, n portal.Newcomer) (string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.made = append(h.made, n)
	return fmt.Sprintf("new-%d", len(h.made)), nil
}

func (h *house) Attach(_ context.Context, patientID, kind, number string) error {
	if h.taken {
		return errs.New(errs.Conflict, "patient.id_taken")
	}
	h.attached = append(h.attached, patientID+":"+kind+":"+number)
	return nil
}

// code asks for a code and returns what the SMS said.
func (h *house) code(number string) string {
	h.t.Helper()
	if _, err := h.portal.RequestCode(h.t.Context(), portal.CodeRequest{Phone: number, Lang: "en", IP: "192.0.2.1"}); err != nil {
		h.t.Fatal(err)
	}
	return h.sent[len(h.sent)-1].Code
}

// as signs in and returns the context of the account.
func (h *house) as(number string) (context.Context, portal.Session) {
	h.t.Helper()
	x, err := h.portal.SignIn(h.t.Context(), portal.SignIn{Phone: number, Code: h.code(number), IP: "192.0.2.1", Client: "test"})
	if err != nil {
		h.t.Fatal(err)
	}
	return identity.With(h.t.Context(), x.Principal("192.0.2.1", "r")), x
}

func (h *house) actions() []string {
	h.t.Helper()
	list, err := audit.List(h.t.Context(), h.db, audit.Filter{Limit: 500})
	if err != nil {
		h.t.Fatal(err)
	}
	var out []string
	for _, e := range slices.Backward(list) {
		out = append(out, e.Actor[:min(len(e.Actor), 8)]+" "+e.Action)
	}
	return out
}

func key(err error) string {
	if e, ok := err.(*errs.Error); ok {
		if len(e.Fields) > 0 {
			return e.Fields[0].Path + " " + e.Fields[0].Key
		}
		return e.Key
	}
	return fmt.Sprint(err)
}

func wants(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error()+" "+key(err), want) {
		t.Fatalf("error %v, want %s", err, want)
	}
}

func TestSignInByCode(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		code := h.code("+86 138-0013 8000")
		if got := h.sent[0]; len(code) != 6 || got.Phone != phone || got.Minutes != 5 || got.Lang != "en" || got.Key == "" {
			t.Fatalf("sent %+v", got)
		}
		x, err := h.portal.SignIn(t.Context(), portal.SignIn{Phone: phone, Code: " " + code + " ", IP: "192.0.2.1"})
		if err != nil {
			t.Fatal(err)
		}
		_, err = h.portal.SignIn(t.Context(), portal.SignIn{Phone: phone, Code: code, IP: "192.0.2.1"})
		wants(t, err, "portal.code_wrong") // a code opens once
		got, err := h.portal.Authenticate(t.Context(), x.Token, "192.0.2.1", "r")
		if err != nil || got.AccountID != x.AccountID || got.Token != "" {
			t.Fatalf("%+v, %v", got, err)
		}
		h.pass(time.Minute)
		ctx, again := h.as(phone)
		if again.AccountID != x.AccountID {
			t.Fatal("one number, two accounts")
		}
		a, members, err := h.portal.Me(ctx)
		if err != nil || a.Phone != "138****8000" || len(members) != 0 {
			t.Fatalf("%+v %v %v", a, members, err)
		}
		var stored string
		if err := db.SQL().QueryRow("SELECT phone_sealed || phone_idx || phone_masked FROM portal_accounts").Scan(&stored); err != nil || strings.Contains(stored, phone) {
			t.Fatalf("the number is readable at rest: %v", err)
		}
	})
}

func TestCodesEnd(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		try := func(code string) error {
			_, err := h.portal.SignIn(t.Context(), portal.SignIn{Phone: phone, Code: code, IP: "192.0.2.1"})
			return err
		}
		wants(t, try("123456"), "portal.code_wrong") // none was sent
		code := h.code(phone)
		h.pass(5 * time.Minute)
		wants(t, try(code), "portal.code_wrong") // too old
		code = h.code(phone)
		wrong := "000000"
		if code == wrong {
			wrong = "000001"
		}
		for range 5 {
			wants(t, try(wrong), "portal.code_wrong")
		}
		wants(t, try(code), "portal.code_wrong") // the right one comes too late
		h.pass(time.Minute)
		if err := try(h.code(phone)); err != nil {
			t.Fatal(err)
		}
	})
}

// TestGuessesSideBySide tries many codes at once: no more than five count.
func TestGuessesSideBySide(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		code := h.code(phone)
		var wg sync.WaitGroup
		for i := range 40 {
			guess := fmt.Sprintf("%06d", i)
			if guess == code {
				continue
			}
			wg.Go(func() {
				if _, err := h.portal.SignIn(t.Context(), portal.SignIn{Phone: phone, Code: guess, IP: "192.0.2.1"}); err == nil {
					t.Error("a wrong code opened")
				}
			})
		}
		wg.Wait()
		_, err := h.portal.SignIn(t.Context(), portal.SignIn{Phone: phone, Code: code, IP: "192.0.2.1"})
		wants(t, err, "portal.code_wrong")
		var tries int
		if err := db.SQL().QueryRow("SELECT tries FROM portal_codes").Scan(&tries); err != nil || tries != 5 {
			t.Fatalf("%d tries, %v", tries, err)
		}
	})
}

func TestLimitsOfCodes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		ask := func(number, ip string) error {
			_, err := h.portal.RequestCode(t.Context(), portal.CodeRequest{Phone: number, IP: ip})
			return err
		}
		for _, bad := range []string{"", "1380013800", "12800138000", "02788880000", "+1 202 555 0101", "138001380001", "13800138000;1", "1380013800a"} {
			wants(t, ask(bad, "192.0.2.9"), "phone portal.phone_invalid")
		}
		for range 5 {
			if err := ask(phone, "192.0.2.1"); err != nil {
				t.Fatal(err)
			}
			wants(t, ask(phone, "192.0.2.1"), "portal.code_wait") // within the minute
			h.pass(time.Minute)
		}
		wants(t, ask(phone, "192.0.2.2"), "portal.code_wait") // five in this hour, from anywhere
		h.pass(time.Hour)
		for range 5 {
			if err := ask(phone, "192.0.2.1"); err != nil {
				t.Fatal(err)
			}
			h.pass(time.Minute)
		}
		h.pass(time.Hour)
		wants(t, ask(phone, "192.0.2.3"), "portal.code_wait") // ten in this day
		for i := range portal.DefaultPolicy().AddressPerHour {
			if err := ask(fmt.Sprintf("139%08d", i), "192.0.2.50"); err != nil {
				t.Fatal(i, err)
			}
		}
		wants(t, ask("13911111111", "192.0.2.50"), "portal.code_wait") // one address
		if err := ask("13911111111", "192.0.2.51"); err != nil {
			t.Fatal(err)
		}
		sent := len(h.sent)
		wants(t, ask(phone, "192.0.2.1"), "portal.code_wait")
		if len(h.sent) != sent {
			t.Fatal("a refused request sent a code")
		}
	})
}

func TestSessionsEnd(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		check := func(x portal.Session, want string) {
			t.Helper()
			_, err := h.portal.Authenticate(t.Context(), x.Token, "192.0.2.1", "r")
			if want == "" && err != nil {
				t.Fatal(err)
			}
			if want != "" {
				wants(t, err, want)
			}
		}
		_, idle := h.as(phone)
		h.pass(59 * time.Minute)
		check(idle, "")
		h.pass(59 * time.Minute)
		check(idle, "") // use kept it
		h.pass(time.Hour)
		check(idle, "auth.expired")
		_, long := h.as(phone)
		for range 24 {
			check(long, "")
			h.pass(59 * time.Minute)
		}
		h.pass(30 * time.Minute)
		check(long, "auth.expired")
		ctx, one := h.as(phone)
		h.pass(time.Minute)
		_, two := h.as(phone)
		if err := h.portal.SignOut(ctx, false); err != nil {
			t.Fatal(err)
		}
		check(one, "auth.required")
		check(two, "")
		if err := h.portal.SignOut(ctx, true); err != nil {
			t.Fatal(err)
		}
		check(two, "auth.required")
	})
}

func TestForgedTokensAreNotedOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		for range 10 {
			for _, token := range []string{"", "short", strings.Repeat("x", 43), strings.Repeat("x", 500)} {
				_, err := h.portal.Authenticate(t.Context(), token, "192.0.2.66", "r")
				wants(t, err, "auth.required")
			}
		}
		if got := h.actions(); !slices.Equal(got, []string{"portal:g portal.refused"}) {
			t.Fatalf("audit %v", got)
		}
	})
}
