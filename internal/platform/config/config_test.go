package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func loadText(t *testing.T, text string, env map[string]string) (*Config, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "heartline.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return loadEnv(path, env)
}

func loadEnv(path string, env map[string]string) (*Config, error) {
	return load(path, func(k string) (string, bool) { v, ok := env[k]; return v, ok })
}

func TestLoad(t *testing.T) {
	def := Default()
	for name, c := range map[string]struct {
		text string
		env  map[string]string
		want func(*Config)
	}{
		"empty file":        {"", nil, func(*Config) {}},
		"only comments":     {"# nothing\n", nil, func(*Config) {}},
		"file":              {"http_addr: 127.0.0.1:9000\nmax_calls: 20\ndemo: true\n", nil, func(c *Config) { c.HTTPAddr, c.MaxCalls, c.Demo = "127.0.0.1:9000", 20, true }},
		"environment":       {"", map[string]string{"HEARTLINE_DATA": "/srv/h", "HEARTLINE_TZ": "UTC", "HEARTLINE_DEMO": "1"}, func(c *Config) { c.DataDir, c.TimeZone, c.Demo = "/srv/h", "UTC", true }},
		"recording":         {"record_from: conversation\n", nil, func(c *Config) { c.RecordFrom = "conversation" }},
		"environment wins":  {"sip_addr: :5070\n", map[string]string{"HEARTLINE_SIP_ADDR": ":5080"}, func(c *Config) { c.SIPAddr = ":5080" }},
		"environment mends": {"rtp_ports: many\n", map[string]string{"HEARTLINE_RTP_PORTS": "30000-30100"}, func(c *Config) { c.RTPPorts = "30000-30100" }},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := loadText(t, c.text, c.env)
			if err != nil {
				t.Fatal(err)
			}
			want := def
			c.want(&want)
			if d := cmp.Diff(&want, got); d != "" {
				t.Fatal(d)
			}
		})
	}
}

func TestLoadNamesLineAndReason(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		env  map[string]string
		line int
		want string
	}{
		"unknown key":          {"http_addr: :80\nhttp_adr: :81\n", nil, 2, "http_adr"},
		"unknown nested":       {"http_addr:\n  port: 80\n", nil, 2, "string"},
		"not a number":         {"\n\nmax_calls: many\n", nil, 3, "int"},
		"out of range":         {"demo: true\nmax_calls: -1\n", nil, 2, "max_calls: -1 is not from 0"},
		"half a recording":     {"demo: true\nrecord_from: greeting\n", nil, 2, "record_from: \"greeting\" is none of answer, conversation"},
		"no such zone":         {"time_zone: Mars/Base\n", nil, 1, "Mars/Base"},
		"bad ports":            {"# c\nrtp_ports: 29999-20000\n", nil, 2, "rtp_ports"},
		"key without cert":     {"tls_key: k.pem\n", nil, 1, "together"},
		"duplicate":            {"demo: true\ndemo: false\n", nil, 2, "demo"},
		"no YAML":              {"demo: true\n\tx: [\n", nil, 2, ""},
		"a list":               {"- demo\n", nil, 1, ""},
		"password stays quiet": {"database_url: mysql://root:secret@h/db\n", nil, 1, "must begin with"},
		"bad variable":         {"", map[string]string{"HEARTLINE_MAX_CALLS": "x"}, 0, "HEARTLINE_MAX_CALLS"},
		"variable out of range": {"max_calls: 3\n", map[string]string{"HEARTLINE_MAX_CALLS": "-3"}, 0,
			"HEARTLINE_MAX_CALLS: -3"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := loadText(t, c.text, c.env)
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("want *Error, got %v", err)
			}
			if e.Line != c.line || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret") {
				t.Fatalf("line %d, %v; want line %d with %q", e.Line, err, c.line, c.want)
			}
		})
	}
}

func TestUnknownVariables(t *testing.T) {
	got := UnknownVariables([]string{"HEARTLINE_HTP_ADDR=:1", "HEARTLINE_HTTP_ADDR=:1", "HEARTLINE_DATA=x", "PATH=/bin"})
	if d := cmp.Diff([]string{"HEARTLINE_HTP_ADDR"}, got); d != "" {
		t.Fatal(d)
	}
}

func TestMissingFileIsAnError(t *testing.T) {
	if _, err := loadEnv(filepath.Join(t.TempDir(), "none.yaml"), nil); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("got %v", err)
	}
}

func TestPrintedExampleLoadsAsItself(t *testing.T) {
	c := Default()
	c.DatabaseURL, c.ServiceNumber, c.PublicURL = "sqlite:/a: #b", "0123", "https://x.example"
	var b strings.Builder
	if err := Print(&b, &c); err != nil {
		t.Fatal(err)
	}
	got, err := loadText(t, b.String(), nil)
	if err != nil {
		t.Fatalf("%v\n%s", err, b.String())
	}
	if d := cmp.Diff(&c, got); d != "" {
		t.Fatal(d)
	}
	for _, f := range fields() {
		if f.doc == "" || !strings.Contains(b.String(), f.doc) {
			t.Errorf("%s has no comment", f.key)
		}
	}
}

func TestDerived(t *testing.T) {
	c := Default()
	first, last := c.RTPRange()
	if c.Database() != "sqlite:var/heartline.db" || c.Recordings() != "var/recordings" || c.KeyDir() != "var/keys" ||
		first != 20000 || last != 29999 || c.Location().String() != "Asia/Shanghai" || c.Drain().Minutes() != 10 {
		t.Fatalf("%s %s %s %d-%d %s", c.Database(), c.Recordings(), c.KeyDir(), first, last, c.Location())
	}
}

func FuzzLoad(f *testing.F) {
	f.Add("http_addr: :80\n")
	f.Add("demo: [1, &a *a]\n")
	f.Fuzz(func(t *testing.T, text string) {
		c := Default()
		_ = decode("f", []byte(text), &c)
		_ = keyLines([]byte(text))
	})
}
