package kiosk_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"heartline/internal/care/kiosk"
	"heartline/internal/platform/audit"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
	"heartline/internal/platform/store/storetest"
)

// hall is a service with a clock, three patients and simple secrets.
type hall struct {
	t       testing.TB
	s       *kiosk.Service
	db      *store.DB
	now     time.Time
	checked int // how often a PIN was compared
}

func (h *hall) ByDocument(_ context.Context, n string) ([]string, error) {
	return map[string][]string{"11010119900115123X": {"zhang"}, "SHARED": {"a", "b"}}[n], nil
}

func (h *hall) ByAccount(_ context.Context, n string) ([]string, error) {
	return map[string][]string{"13800001111": {"zhang", "li"}, "P00000001": {"zhang"}}[n], nil
}

func (h *hall) PatientOf(_ context.Context, code string) (string, error) {
	if code == "12345678" {
		return "zhang", nil
	}
	return "", errs.New(errs.NotFound, "booking.not_found")
}

func (h *hall) HashSecret(s string) (string, error) { return "h:" + s, nil }

func (h *hall) VerifySecret(s, hash string) bool { h.checked++; return "h:"+s == hash }

func newHall(t testing.TB, db *store.DB) *hall {
	h := &hall{t: t, db: db, now: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)}
	now := func() time.Time { return h.now }
	h.s = kiosk.New(kiosk.Deps{DB: db, Audit: audit.New(now), Now: now, People: h, Appointments: h, Secrets: h,
		Index: func(purpose, v string) string { return purpose + "/" + strings.ToLower(v) }})
	return h
}

func admin() context.Context { return identity.System(context.Background(), "test") }

// machine sets a machine up and signs it in.
func (h *hall) machine(name string) (session string, k kiosk.Kiosk) {
	h.t.Helper()
	_, token, err := h.s.Create(admin(), kiosk.Kiosk{Name: name, Place: "门诊大厅"})
	if err != nil {
		h.t.Fatal(err)
	}
	session, k, err = h.s.SignIn(context.Background(), " "+token+"\n", "127.0.0.1")
	if err != nil {
		h.t.Fatal(err)
	}
	return session, k
}

func (h *hall) turn(session string) kiosk.Turn {
	h.t.Helper()
	t, err := h.s.Authenticate(context.Background(), session)
	if err != nil {
		h.t.Fatal(err)
	}
	return t
}

func (h *hall) identify(session string, in kiosk.Identification) (kiosk.Turn, error) {
	h.t.Helper()
	return h.s.Identify(context.Background(), h.turn(session), in)
}

func fails(t testing.TB, err error, kind errs.Kind, key string) {
	t.Helper()
	var e *errs.Error
	if !errors.As(err, &e) || e.Kind != kind || e.Key != key {
		t.Fatalf("error %v, want %s", err, key)
	}
}

func TestAMinuteWithoutATouchEndsTheTurn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHall(t, db)
		session, _ := h.machine("A")
		turn, err := h.identify(session, kiosk.Identification{By: kiosk.ByIDCard, Value: " 11010119900115123x "})
		if err != nil || turn.PatientID != "zhang" {
			t.Fatalf("%+v %v", turn, err)
		}
		_, err = h.identify(session, kiosk.Identification{By: kiosk.ByCode, Value: "12345678"})
		fails(t, err, errs.Conflict, "kiosk.turn_open")
		h.now = h.now.Add(59 * time.Second)
		if h.turn(session).PatientID != "zhang" {
			t.Fatal("gone too early")
		}
		h.now = h.now.Add(59 * time.Second) // the last look was a touch
		if h.turn(session).PatientID != "zhang" {
			t.Fatal("a touch did not count")
		}
		h.now = h.now.Add(60 * time.Second)
		if got := h.turn(session); got.PatientID != "" || got.Kiosk.Name != "A" {
			t.Fatalf("still there: %+v", got)
		}
		if err := h.s.Touch(context.Background(), &turn); err != nil { // an old page cannot bring them back
			t.Fatal(err)
		}
		h.now = h.now.Add(61 * time.Second)
		if h.turn(session).PatientID != "" {
			t.Fatal("came back")
		}
		if _, err := h.identify(session, kiosk.Identification{By: kiosk.ByCode, Value: "12345678"}); err != nil {
			t.Fatal(err)
		}
		if err := h.s.Leave(context.Background(), h.turn(session)); err != nil {
			t.Fatal(err)
		}
		if h.turn(session).PatientID != "" {
			t.Fatal("did not leave")
		}
	})
}

func TestGuessingPauses(t *testing.T) {
	h := newHall(t, storetest.SQLite(t))
	session, _ := h.machine("A")
	other, _ := h.machine("B")
	if err := h.s.SetPIN(admin(), "li", "295174"); err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		_, err := h.identify([]string{session, other}[i%2], kiosk.Identification{By: kiosk.ByAccount, Value: "13800001111", PIN: "000000"})
		fails(t, err, errs.Invalid, "kiosk.account_wrong")
	}
	_, err := h.identify(other, kiosk.Identification{By: kiosk.ByAccount, Value: "13800001111", PIN: "295174"})
	fails(t, err, errs.Limited, "kiosk.paused") // the account pauses at every machine
	h.now = h.now.Add(time.Minute)
	turn, err := h.identify(other, kiosk.Identification{By: kiosk.ByAccount, Value: "13800001111", PIN: "295174"})
	if err != nil || turn.PatientID != "li" { // of the two behind that phone, the one with the PIN
		t.Fatalf("%+v %v", turn, err)
	}
	for range 7 { // three wrong attempts were made here before
		_, err = h.identify(session, kiosk.Identification{By: kiosk.ByCode, Value: "00000000"})
		fails(t, err, errs.NotFound, "kiosk.not_found")
	}
	_, err = h.identify(session, kiosk.Identification{By: kiosk.ByIDCard, Value: "11010119900115123X"})
	fails(t, err, errs.Limited, "kiosk.paused")
	before := h.checked
	h.now = h.now.Add(20 * time.Minute)
	_, err = h.identify(session, kiosk.Identification{By: kiosk.ByAccount, Value: "13999999999", PIN: "1"})
	fails(t, err, errs.Invalid, "kiosk.account_wrong")
	if h.checked == before {
		t.Fatal("an unknown account is answered without the work of a known one")
	}
	_, err = h.identify(session, kiosk.Identification{By: kiosk.ByIDCard, Value: "SHARED"})
	fails(t, err, errs.NotFound, "kiosk.not_found")
	for _, in := range []kiosk.Identification{{By: "face", Value: "12345"}, {By: kiosk.ByCode, Value: ""}, {By: kiosk.ByCode, Value: strings.Repeat("1", 50)}} {
		if _, err := h.identify(session, in); !errs.Is(err, errs.Invalid) {
			t.Errorf("%+v: %v", in, err)
		}
	}
}

func TestPINs(t *testing.T) {
	h := newHall(t, storetest.SQLite(t))
	for _, pin := range []string{"12345", "1234567", "12345a", "111111", "123456", "987654", "258258"} {
		if err := h.s.SetPIN(admin(), "zhang", pin); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: %v", pin, err)
		}
	}
	turn := kiosk.Turn{PatientID: "zhang"}
	fails(t, h.s.CheckPIN(context.Background(), turn, "295174"), errs.Conflict, "kiosk.pin_missing")
	if err := h.s.SetPIN(admin(), "zhang", "295174"); err != nil {
		t.Fatal(err)
	}
	if err := h.s.CheckPIN(context.Background(), turn, "295174"); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		fails(t, h.s.CheckPIN(context.Background(), turn, "000000"), errs.Invalid, "kiosk.pin_wrong")
	}
	fails(t, h.s.CheckPIN(context.Background(), turn, "295174"), errs.Limited, "kiosk.paused")
	if err := h.s.SetPIN(admin(), "zhang", "295175"); err != nil { // a new one opens the account
		t.Fatal(err)
	}
	if err := h.s.CheckPIN(context.Background(), turn, "295175"); err != nil {
		t.Fatal(err)
	}
	if err := h.s.SetPIN(admin(), "zhang", ""); err != nil {
		t.Fatal(err)
	}
	if has, err := h.s.HasPIN(admin(), "zhang"); err != nil || has {
		t.Fatalf("%t %v", has, err)
	}
	fails(t, h.s.SetPIN(context.Background(), "zhang", "295174"), errs.Unknown, "auth.required")
}

func TestMachines(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHall(t, db)
		session, k := h.machine("A")
		if _, _, err := h.s.Create(admin(), kiosk.Kiosk{Name: "A"}); !errs.Is(err, errs.Invalid) {
			t.Fatalf("two of one name: %v", err)
		}
		for _, bad := range []kiosk.Kiosk{{}, {Name: "a\x00"}, {Name: strings.Repeat("长", 101)}, {Name: "B", Place: "\xff"}} {
			if _, _, err := h.s.Create(admin(), bad); !errs.Is(err, errs.Invalid) {
				t.Errorf("%+v: %v", bad, err)
			}
		}
		token, err := h.s.NewToken(admin(), k.ID)
		if err != nil {
			t.Fatal(err)
		}
		_, err = h.s.Authenticate(context.Background(), session)
		fails(t, err, errs.Unknown, "auth.required") // signed out by the new token
		if session, _, err = h.s.SignIn(context.Background(), token, "10.0.0.1"); err != nil {
			t.Fatal(err)
		}
		k.Version, k.Active = 0, false
		if k, err = h.s.Update(admin(), k); err != nil {
			t.Fatal(err)
		}
		_, err = h.s.Authenticate(context.Background(), session)
		fails(t, err, errs.Unknown, "auth.required")
		_, _, err = h.s.SignIn(context.Background(), token, "10.0.0.1")
		fails(t, err, errs.Unknown, "kiosk.token_wrong")
		for range 9 {
			_, _, err = h.s.SignIn(context.Background(), "guess", "10.0.0.1")
			fails(t, err, errs.Unknown, "kiosk.token_wrong")
		}
		_, _, err = h.s.SignIn(context.Background(), token, "10.0.0.1")
		fails(t, err, errs.Limited, "kiosk.paused")
		k.Version = 99
		_, err = h.s.Update(admin(), k)
		fails(t, err, errs.Conflict, "kiosk.version_conflict")
		k.ID = "nothing"
		if _, err = h.s.Update(admin(), k); !errs.Is(err, errs.NotFound) {
			t.Fatal(err)
		}
		if list, err := h.s.List(admin()); err != nil || len(list) != 1 || list[0].Active {
			t.Fatalf("%+v %v", list, err)
		}
		if _, err := h.s.List(context.Background()); !errs.Is(err, errs.Unknown) {
			t.Fatal(err)
		}
	})
}
