package sip_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"heartline/internal/contact/sip"
	"heartline/internal/contact/sip/phone"
)

// hospital is a server with a small directory and a scripted handler.
type hospital struct {
	t     testing.TB
	srv   *sip.Server
	users map[string]sip.Account

	mu     sync.Mutex
	onCall func(ctx context.Context, d *sip.Dialog)
	online map[string]bool
	calls  chan *sip.Dialog
}

func (h *hospital) Extension(_ context.Context, user string) (sip.Account, bool) {
	a, ok := h.users[user]
	return a, ok
}

func (h *hospital) Invite(ctx context.Context, d *sip.Dialog) {
	h.mu.Lock()
	fn := h.onCall
	h.mu.Unlock()
	if fn != nil {
		fn(ctx, d)
		return
	}
	select {
	case h.calls <- d:
	default:
	}
}

func (h *hospital) Registered(user string, online bool) {
	h.mu.Lock()
	h.online[user] = online
	h.mu.Unlock()
}

func (h *hospital) isOnline(user string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.online[user]
}

func (h *hospital) handle(fn func(ctx context.Context, d *sip.Dialog)) {
	h.mu.Lock()
	h.onCall = fn
	h.mu.Unlock()
}

const fastT1 = 50 * time.Millisecond

func startHospital(t testing.TB, edit func(*sip.Config)) *hospital {
	t.Helper()
	h := &hospital{t: t, users: map[string]sip.Account{}, online: map[string]bool{}, calls: make(chan *sip.Dialog, 256)}
	for _, u := range []string{"8001", "8002", "8003", "8004"} {
		h.users[u] = sip.Account{User: u, Password: "pw-" + u, Enabled: true}
	}
	md, sha := sip.HA1("8005", "heartline", "pw-8005")
	h.users["8005"] = sip.Account{User: "8005", HA1MD5: md, HA1SHA256: sha, Enabled: true}
	h.users["8009"] = sip.Account{User: "8009", Password: "pw-8009"}
	cfg := sip.Config{UDP: "127.0.0.1:0", TCP: "127.0.0.1:0", T1: fastT1, SourceRate: 100000}
	if edit != nil {
		edit(&cfg)
	}
	srv, err := sip.New(cfg, h, h, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	h.srv = srv
	if err := srv.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		_ = srv.Stop(ctx)
	})
	return h
}

func (h *hospital) bank(edit func(*phone.BankConfig)) *phone.Bank {
	h.t.Helper()
	cfg := phone.BankConfig{Server: h.srv.Addr("udp").String(), T1: fastT1}
	if edit != nil {
		edit(&cfg)
	}
	if cfg.Transport == "TCP" {
		cfg.Server = h.srv.Addr("tcp").String()
	}
	b, err := phone.NewBank(context.Background(), cfg)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		_ = b.Close(ctx)
	})
	return b
}

func patience(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// next waits for the next event of a kind, skipping others.
func next[E sip.DialogEvent](t testing.TB, d *sip.Dialog) E {
	t.Helper()
	timeout := time.After(10 * time.Second)
	for {
		select {
		case ev, ok := <-d.Events():
			if !ok {
				var zero E
				t.Fatalf("dialog over while waiting for %T", zero)
			}
			if e, ok := ev.(E); ok {
				return e
			}
		case <-timeout:
			var zero E
			t.Fatalf("no %T", zero)
		}
	}
}

// eventually polls a condition until it holds.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.NewTimer(10 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline.C:
			t.Fatal("never: " + what)
		case <-tick.C:
		}
	}
}

func (h *hospital) nextCall() *sip.Dialog {
	h.t.Helper()
	select {
	case d := <-h.calls:
		return d
	case <-time.After(10 * time.Second):
		h.t.Fatal("no call arrived")
		return nil
	}
}

// answerAll picks up every call at once.
func answerAll(ctx context.Context, d *sip.Dialog) {
	_ = d.Answer(ctx, []byte(sdpA))
	for range d.Events() { // until it ends
	}
}

const sdpA = "v=0\r\no=h 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n"
