package identity

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"heartline/internal/platform/audit"
	"heartline/internal/platform/crypto"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/event"
	"heartline/internal/platform/store"
	"heartline/internal/platform/store/storetest"
)

// clock is a time that tests move.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

const goodPassword = "lantern-river-42"

type env struct {
	*Service
	db    *store.DB
	log   *audit.Log
	clock *clock
	bus   *event.Bus
}

func newEnv(t *testing.T, db *store.DB) *env {
	t.Helper()
	c := &clock{at: time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)}
	keys, err := crypto.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	bus := event.NewBus()
	t.Cleanup(bus.Close)
	policy := DefaultPolicy()
	policy.Hash = HashCost{MemoryKiB: 64, Passes: 1, Threads: 1}
	log := audit.New(c.now)
	s, err := New(t.Context(), Deps{DB: db, Audit: log, Keys: keys, Bus: bus, Now: c.now, Policy: policy})
	if err != nil {
		t.Fatal(err)
	}
	return &env{Service: s, db: db, log: log, clock: c, bus: bus}
}

func (e *env) user(t *testing.T, login string, roles ...string) User {
	t.Helper()
	u, err := e.CreateUser(System(t.Context(), "test"), NewUser{Login: login, Name: "测试 " + login, Password: goodPassword, Roles: roles})
	if err != nil {
		t.Fatalf("create %s: %v", login, err)
	}
	return u
}

// as signs a user in and returns a context that acts as them.
func (e *env) as(t *testing.T, login string) context.Context {
	t.Helper()
	sess, err := e.Login(t.Context(), login, goodPassword, "", "10.0.0.9")
	if err != nil {
		t.Fatalf("sign in %s: %v", login, err)
	}
	p, err := e.Authenticate(t.Context(), sess.Token)
	if err != nil {
		t.Fatalf("authenticate %s: %v", login, err)
	}
	return With(t.Context(), p)
}

func wantKey(t *testing.T, err error, kind errs.Kind, key string) {
	t.Helper()
	var e *errs.Error
	if !errors.As(err, &e) || e.Kind != kind {
		t.Fatalf("error = %v, want kind %d with key %s", err, kind, key)
	}
	if e.Key != key && (len(e.Fields) == 0 || e.Fields[0].Key != key) {
		t.Fatalf("error key = %s %v, want %s", e.Key, e.Fields, key)
	}
}

func TestSignInAndSession(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		e := newEnv(t, db)
		u := e.user(t, "Nurse.Li", RoleAgent)
		sess, err := e.SignIn(t.Context(), Credentials{Login: " nurse.LI ", Password: goodPassword, IP: "10.0.0.1", Client: "Firefox"})
		if err != nil {
			t.Fatal(err)
		}
		p, err := e.Authenticate(t.Context(), sess.Token)
		if err != nil {
			t.Fatal(err)
		}
		if p.UserID != u.ID || p.SessionID != sess.ID || !p.Permissions[CallHandle] || p.Permissions[AdminUsers] {
			t.Fatalf("principal = %+v", p)
		}
		if _, err := e.Authenticate(t.Context(), sess.Token+"x"); !errs.Is(err, errs.Unknown) {
			t.Fatalf("forged token: %v", err)
		}
		ctx := With(t.Context(), p)
		list, err := e.Sessions(ctx)
		if err != nil || len(list) != 1 || !list[0].Current || list[0].Token != "" || list[0].Client != "Firefox" {
			t.Fatalf("sessions = %+v, %v", list, err)
		}
		if err := e.Logout(ctx); err != nil {
			t.Fatal(err)
		}
		if _, err := e.Authenticate(t.Context(), sess.Token); !errs.Is(err, errs.Unknown) {
			t.Fatalf("token after sign-out: %v", err)
		}
	})
}

func TestSessionsExpire(t *testing.T) {
	e := newEnv(t, storetest.SQLite(t))
	e.user(t, "nurse", RoleAgent)
	idle, err := e.Login(t.Context(), "nurse", goodPassword, "", "10.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	used, err := e.Login(t.Context(), "nurse", goodPassword, "", "10.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	for range 7 {
		e.clock.forward(3 * time.Hour)
		if _, err := e.Authenticate(t.Context(), used.Token); err != nil {
			t.Fatalf("used session after %v: %v", e.clock.now().Sub(used.CreatedAt), err)
		}
	}
	_, err = e.Authenticate(t.Context(), idle.Token)
	wantKey(t, err, errs.Unknown, "auth.expired")
	e.clock.forward(3 * time.Hour)
	_, err = e.Authenticate(t.Context(), used.Token)
	wantKey(t, err, errs.Unknown, "auth.expired")
}

func TestTokensAreNotInTheDatabase(t *testing.T) {
	e := newEnv(t, storetest.SQLite(t))
	e.user(t, "nurse", RoleAgent)
	sess, err := e.Login(t.Context(), "nurse", goodPassword, "", "10.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	err = e.db.Read(t.Context(), func(tx *store.Tx) error {
		var hash, password string
		if err := tx.QueryRow(t.Context(), `SELECT token_hash FROM sessions`).Scan(&hash); err != nil {
			return err
		}
		if hash == sess.Token || len(hash) != 64 {
			t.Errorf("stored token %q", hash)
		}
		if err := tx.QueryRow(t.Context(), `SELECT password FROM users`).Scan(&password); err != nil {
			return err
		}
		if password == goodPassword || password[:9] != "$argon2id" {
			t.Errorf("stored password %q", password)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestUnknownUserIsAnsweredLikeWrongPassword(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		e := newEnv(t, db)
		e.user(t, "nurse", RoleAgent)
		gone := e.user(t, "gone", RoleAgent)
		if err := e.Deactivate(System(t.Context(), "test"), gone.ID); err != nil {
			t.Fatal(err)
		}
		for _, login := range []string{"nurse", "nobody", "gone"} {
			answers := []string{}
			for range 7 {
				_, err := e.Login(t.Context(), login, "wrong-password-1", "", "10.0.0."+login)
				var x *errs.Error
				if !errors.As(err, &x) {
					t.Fatalf("%s: %v", login, err)
				}
				answers = append(answers, x.Key)
			}
			for i, key := range answers {
				want := "auth.invalid"
				if i >= 5 {
					want = "auth.paused"
				}
				if key != want {
					t.Errorf("%s attempt %d: %s, want %s", login, i+1, key, want)
				}
			}
			_, err := e.Login(t.Context(), login, goodPassword, "", "10.0.0.77")
			wantKey(t, err, errs.Limited, "auth.paused")
		}
	})
}

func TestUnknownUserCostsTheSameHash(t *testing.T) {
	e := newEnv(t, storetest.SQLite(t))
	known, err := e.hasher.hash(goodPassword)
	if err != nil {
		t.Fatal(err)
	}
	var paid []HashCost
	derive := e.hasher.key
	e.hasher.key = func(password, salt []byte, passes, memory uint32, threads uint8, size uint32) []byte {
		paid = append(paid, HashCost{memory, passes, threads})
		return derive(password, salt, passes, memory, threads, size)
	}
	for name, stored := range map[string]string{"known": known, "unknown": e.hasher.dummy, "damaged": "damaged"} {
		paid = nil
		if ok, _ := e.hasher.verify("some password", stored); ok {
			t.Errorf("%s: a wrong password is right", name)
		}
		if len(paid) != 1 || paid[0] != e.hasher.cost {
			t.Errorf("%s user costs %v, want once %v", name, paid, e.hasher.cost)
		}
	}
}

func TestPauseEndsAndSuccessForgives(t *testing.T) {
	e := newEnv(t, storetest.SQLite(t))
	e.user(t, "nurse", RoleAgent)
	wrong := func() error {
		_, err := e.Login(t.Context(), "nurse", "wrong-password-1", "", "10.0.0.1")
		return err
	}
	for range 5 {
		wantKey(t, wrong(), errs.Unknown, "auth.invalid")
	}
	wantKey(t, wrong(), errs.Limited, "auth.paused")
	e.clock.forward(61 * time.Second)
	wantKey(t, wrong(), errs.Unknown, "auth.invalid")
	e.clock.forward(61 * time.Second)
	wantKey(t, wrong(), errs.Limited, "auth.paused") // the second pause is longer
	e.clock.forward(61 * time.Second)
	if _, err := e.Login(t.Context(), "nurse", goodPassword, "", "10.0.0.1"); err != nil {
		t.Fatalf("after the pause: %v", err)
	}
	for range 4 {
		wantKey(t, wrong(), errs.Unknown, "auth.invalid") // counting began again
	}
}

func TestManyAttemptsAtOnceGetNoMoreGuesses(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		e := newEnv(t, db)
		e.user(t, "nurse", RoleAgent)
		var wg sync.WaitGroup
		var mu sync.Mutex
		decided := 0
		for range 40 {
			wg.Go(func() {
				_, err := e.Login(t.Context(), "nurse", "wrong-password-1", "", "10.0.0.1")
				if errs.Is(err, errs.Unknown) {
					mu.Lock()
					decided++
					mu.Unlock()
				} else if !errs.Is(err, errs.Limited) {
					t.Errorf("answer: %v", err)
				}
			})
		}
		wg.Wait()
		if decided > 5 {
			t.Fatalf("%d guesses were decided, want at most 5", decided)
		}
	})
}

func TestAddressPausesAcrossAccounts(t *testing.T) {
	e := newEnv(t, storetest.SQLite(t))
	e.user(t, "nurse", RoleAgent)
	for i := range 50 {
		_, err := e.Login(t.Context(), "user"+string(rune('a'+i%26))+string(rune('a'+i/26)), "wrong-password-1", "", "10.0.0.1")
		wantKey(t, err, errs.Unknown, "auth.invalid")
	}
	_, err := e.Login(t.Context(), "nurse", goodPassword, "", "10.0.0.1")
	wantKey(t, err, errs.Limited, "auth.paused")
	if _, err := e.Login(t.Context(), "nurse", goodPassword, "", "10.0.0.2"); err != nil {
		t.Fatalf("from another address: %v", err)
	}
}

func TestShiftStartFromOneAddress(t *testing.T) {
	e := newEnv(t, storetest.SQLite(t))
	e.user(t, "nurse", RoleAgent)
	for range 200 {
		if _, err := e.Login(t.Context(), "nurse", goodPassword, "", "10.0.0.1"); err != nil {
			t.Fatalf("right passwords must not count: %v", err)
		}
	}
}

func TestRequire(t *testing.T) {
	ctx := t.Context()
	_, err := Require(ctx)
	wantKey(t, err, errs.Unknown, "auth.required")
	ctx = With(ctx, Principal{UserID: "u", Permissions: map[Permission]bool{CallRead: true}})
	if _, err := Require(ctx, CallReadOwn, CallRead); err != nil {
		t.Fatal(err)
	}
	_, err = Require(ctx, AdminUsers)
	wantKey(t, err, errs.Denied, "auth.denied")
	if p, err := Require(System(ctx, "seed"), All()...); err != nil || p.UserID != "system:seed" {
		t.Fatalf("system: %+v %v", p, err)
	}
}
