package doctor

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestExamineCountsWhatIsBad(t *testing.T) {
	var out bytes.Buffer
	n := Examine(context.Background(), &out, []Check{
		{Name: "one", Run: func(context.Context) Finding { return good("fine") }},
		{Name: "two", Run: func(context.Context) Finding { return bad("do this", "broken") }},
	})
	if n != 1 || !strings.Contains(out.String(), "→ do this") || !strings.Contains(out.String(), "fine") {
		t.Fatalf("bad = %d, out = %q", n, out.String())
	}
}

func TestPortTellsFreeFromTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	addr := l.Addr().String()
	if f := Port("http", "tcp", addr, false).Run(context.Background()); f.Verdict != Bad || !strings.Contains(f.Advice, "ss -lpn") {
		t.Errorf("taken port: %+v", f)
	}
	if f := Port("http", "tcp", addr, true).Run(context.Background()); f.Verdict != Good {
		t.Errorf("port held by ourselves: %+v", f)
	}
	if f := Port("sip", "udp", "127.0.0.1:0", false).Run(context.Background()); f.Verdict != Good {
		t.Errorf("free port: %+v", f)
	}
}

func TestKeysMustBePrivate(t *testing.T) {
	dir := t.TempDir()
	if f := Keys(filepath.Join(dir, "absent")).Run(context.Background()); f.Verdict != Good {
		t.Errorf("before the first start: %+v", f)
	}
	file := filepath.Join(dir, "kek.json")
	if err := os.WriteFile(file, []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	if f := Keys(dir).Run(context.Background()); f.Verdict != Bad || !strings.Contains(f.Advice, "chmod 600") {
		t.Errorf("world-readable key: %+v", f)
	}
	if err := os.Chmod(file, 0o600); err != nil {
		t.Fatal(err)
	}
	if f := Keys(dir).Run(context.Background()); f.Verdict != Good {
		t.Errorf("private key: %+v", f)
	}
}

func TestDiskAndClock(t *testing.T) {
	free := func(n uint64) func(string) (uint64, error) { return func(string) (uint64, error) { return n, nil } }
	for n, want := range map[uint64]Verdict{1 << 20: Bad, 1 << 30: Warn, 1 << 40: Good} {
		if f := Disk("/", free(n), 200<<20).Run(context.Background()); f.Verdict != want {
			t.Errorf("%d bytes free: %+v, want %s", n, f, want)
		}
	}
	built := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	old := func() time.Time { return time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC) }
	if f := Clock(old, "Asia/Shanghai", built).Run(context.Background()); f.Verdict != Bad {
		t.Errorf("clock of 1970: %+v", f)
	}
	if f := Clock(time.Now, "Mars/Olympus", built).Run(context.Background()); f.Verdict != Bad {
		t.Errorf("unknown zone: %+v", f)
	}
}

func TestCertificate(t *testing.T) {
	if f := Certificate("", "", time.Now).Run(context.Background()); f.Verdict != Warn {
		t.Errorf("no certificate: %+v", f)
	}
	if f := Certificate("absent.pem", "absent.key", time.Now).Run(context.Background()); f.Verdict != Bad {
		t.Errorf("missing files: %+v", f)
	}
}
