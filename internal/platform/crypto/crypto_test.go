package crypto_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"heartline/internal/platform/crypto"
)

func ring(t testing.TB) *crypto.Keyring {
	t.Helper()
	k, err := crypto.Open(filepath.Join(t.TempDir(), "data", "keys"))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSeal(t *testing.T) {
	k, other := ring(t), ring(t)
	const number, place = "13800138000", "patient_phones:1:number"
	sealed, err := k.Seal(number, place)
	if err != nil || strings.Contains(sealed, number) {
		t.Fatalf("%q, %v", sealed, err)
	}
	if again, _ := k.Seal(number, place); again == sealed {
		t.Fatal("the same value sealed twice looks the same")
	}
	if plain, err := k.Unseal(sealed, place); err != nil || plain != number {
		t.Fatalf("%q, %v", plain, err)
	}
	changed := []byte(sealed)
	changed[len(changed)/2] ^= 1
	for name, try := range map[string]func() (string, error){
		"another row": func() (string, error) { return k.Unseal(sealed, "patient_phones:2:number") },
		"another key": func() (string, error) { return other.Unseal(sealed, place) },
		"changed":     func() (string, error) { return k.Unseal(string(changed), place) },
		"cut":         func() (string, error) { return k.Unseal(sealed[:10], place) },
		"no base64":   func() (string, error) { return k.Unseal("!!", place) },
		"plain text":  func() (string, error) { return k.Unseal(number, place) },
	} {
		if got, err := try(); !errors.Is(err, crypto.ErrSealed) || got != "" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if s, err := k.Seal("", place); s != "" || err != nil {
		t.Errorf("nothing sealed: %q, %v", s, err)
	}
	if s, err := k.Unseal("", place); s != "" || err != nil {
		t.Errorf("nothing unsealed: %q, %v", s, err)
	}
}

func TestIndex(t *testing.T) {
	k, other := ring(t), ring(t)
	a := k.Index("phone", "13800138000")
	if len(a) != 32 || a != k.Index("phone", "13800138000") {
		t.Fatalf("index %q is not stable or not 32 digits", a)
	}
	for name, b := range map[string]string{
		"another value":   k.Index("phone", "13800138001"),
		"another purpose": k.Index("id_card", "13800138000"),
		"another key":     other.Index("phone", "13800138000"),
		"moved border":    k.Index("phone1", "3800138000"),
	} {
		if a == b {
			t.Errorf("%s has the same index", name)
		}
	}
	if k.Index("phone", "") != "" {
		t.Error("the empty value has an index: all empty ones would look equal")
	}
}

func TestMACAndToken(t *testing.T) {
	k := ring(t)
	mac := k.MAC([]byte("x"))
	if len(mac) != 32 || !k.CheckMAC([]byte("x"), mac) || k.CheckMAC([]byte("y"), mac) || k.CheckMAC([]byte("x"), mac[:16]) {
		t.Fatal("MAC does not tell data apart")
	}
	if a, b := k.Token(), k.Token(); a == b || len(a) != 43 {
		t.Fatalf("tokens %q, %q", a, b)
	}
}

func TestKeysStay(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	first, err := crypto.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := first.Seal("v", "a")
	if err != nil {
		t.Fatal(err)
	}
	second, err := crypto.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if v, err := second.Unseal(sealed, "a"); v != "v" || err != nil || first.Index("p", "v") != second.Index("p", "v") {
		t.Fatalf("after opening again: %q, %v", v, err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) == 0 {
		t.Fatalf("%v, %v", entries, err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v (%v)", e.Name(), info.Mode(), err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	for name, spoil := range map[string]func(dir string) error{
		"readable by others": func(dir string) error { return os.Chmod(filepath.Join(dir, "seal.json"), 0o644) },
		"one key missing":    func(dir string) error { return os.Remove(filepath.Join(dir, "index.json")) },
		"broken key":         func(dir string) error { return os.WriteFile(filepath.Join(dir, "mac.json"), []byte("{"), 0o600) },
		"empty key":          func(dir string) error { return os.Truncate(filepath.Join(dir, "recording.json"), 0) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "keys")
			if _, err := crypto.Open(dir); err != nil {
				t.Fatal(err)
			}
			if err := spoil(dir); err != nil {
				t.Fatal(err)
			}
			if _, err := crypto.Open(dir); err == nil {
				t.Fatal("opened")
			}
		})
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "note.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := crypto.Open(dir); err == nil {
		t.Fatal("a folder with other files became a key folder")
	}
}

func BenchmarkSeal(b *testing.B) {
	k := ring(b)
	for b.Loop() {
		if _, err := k.Seal("13800138000", "patient_phones:1:number"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkIndex(b *testing.B) {
	k := ring(b)
	for b.Loop() {
		k.Index("phone", "13800138000")
	}
}
