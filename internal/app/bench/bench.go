// Package bench measures the whole program under load: calls set up through
// the real SIP server, sound bridged and recorded, callers queued and rung
// through. The server under test is a child process of its own, so that its
// CPU and memory are counted alone; each report carries the ratio to a bare
// UDP relay measured in the same run, and to the figures of Asterisk 23 taken
// the same way (docs/performance.md).
package bench

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"heartline/internal/app"
	"heartline/internal/contact/switchboard"
	"heartline/internal/platform/config"
	"heartline/internal/platform/identity"
)

// Options are common to all benches.
type Options struct {
	Rate    float64       // calls a second
	Length  time.Duration // of the load
	Calls   int           // held at the same time
	Record  bool          // calls bench: record each call
	Binary  string        // the program under test
	Profile string        // where the program under test writes a CPU profile; "" for none
	Out     io.Writer

	Database string // booking, people: sqlite, postgres; "" for both
	Postgres string // booking, people: address of a server; "" for a private one

	Results *Results // where what has a limit is collected; nil: nowhere

	People, Entries int    // people: how many, and how many entries their timelines have together
	Keep            string // people: folder for what a filled database needs to be measured again; "" for once only
}

// The two extensions that call each other.
const (
	callerExt, calleeExt = "7001", "7002"
	secret               = "bench-secret-7f3a"
)

// server is the program under test.
type server struct {
	dir  string
	cfg  config.Config
	cmd  *exec.Cmd
	http string
	sip  string
	env  []string // beside our own
}

// prepare makes a data folder with what fill puts into it.
func prepare(ctx context.Context, fill func(ctx context.Context, p app.Parts) error) (*server, error) {
	dir, err := os.MkdirTemp("", "heartline-bench-")
	if err != nil {
		return nil, err
	}
	s := &server{dir: dir, cfg: config.Default()}
	httpPort, err := freePort("tcp")
	if err != nil {
		return nil, err
	}
	sipPort, err := freePort("udp")
	if err != nil {
		return nil, err
	}
	browserPort, err := freePort("udp")
	if err != nil {
		return nil, err
	}
	s.http, s.sip = "127.0.0.1:"+httpPort, "127.0.0.1:"+sipPort
	s.cfg.DataDir = filepath.Join(dir, "var")
	s.cfg.HTTPAddr, s.cfg.SIPAddr, s.cfg.SIPTLSAddr = s.http, s.sip, ""
	s.cfg.BrowserUDPPort, _ = strconv.Atoi(browserPort)
	s.cfg.MaxCalls = 5000
	s.cfg.SIPSourceRate = 1_000_000 // all the load comes from one address
	s.cfg.DrainSeconds = 1
	ctx = identity.System(ctx, "bench")
	a, err := app.Open(ctx, &s.cfg, slog.New(slog.DiscardHandler), "bench")
	if err != nil {
		return nil, err
	}
	return s, errors.Join(fill(ctx, a.Parts()), a.Close(ctx))
}

// extension adds a telephone.
func extension(ctx context.Context, p app.Parts, number, user string) error {
	_, err := p.Board.Extensions.Create(ctx, switchboard.Extension{Number: number, Name: "bench " + number, UserID: user,
		Kind: switchboard.KindDeskPhone, MaxContacts: 3, Enabled: true, Secret: secret})
	return err
}

// twoPhones is the filling of benches that need no queue.
func twoPhones(ctx context.Context, p app.Parts) error {
	return errors.Join(extension(ctx, p, callerExt, ""), extension(ctx, p, calleeExt, ""))
}

// start runs the program and waits until it is ready.
func (s *server) start(ctx context.Context, o Options) error {
	file := filepath.Join(s.dir, "heartline.yaml")
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	if err := errors.Join(config.Print(f, &s.cfg), f.Close()); err != nil {
		return err
	}
	s.cmd = exec.CommandContext(ctx, o.Binary, "serve", "--config", file, "--log-level", "warn", "--cpu-profile", o.Profile)
	s.cmd.Stdout, s.cmd.Stderr = os.Stderr, os.Stderr
	s.cmd.Env = append(os.Environ(), s.env...)
	if err := s.cmd.Start(); err != nil {
		return err
	}
	for range 300 {
		if r, err := http.Get("http://" + s.http + "/readyz"); err == nil {
			if errors.Join(r.Body.Close()) == nil && r.StatusCode == http.StatusOK {
				return nil
			}
		}
		if err := sleep(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
	return errors.New("the program under test did not become ready within 30 s")
}

func (s *server) stop() error {
	err := s.cmd.Process.Signal(syscall.SIGTERM)
	return errors.Join(err, s.cmd.Wait())
}

func (s *server) remove() error { return os.RemoveAll(s.dir) }

// usage is the CPU time of the program under test and the memory its heap and
// stacks hold, garbage included. (Resident memory would also count what the
// start-up used and the system has not taken back yet.)
type usage struct {
	cpu    time.Duration
	memory float64
}

// used reads the process metrics of the program under test.
func (s *server) used() (usage, error) {
	r, err := http.Get("http://" + s.http + "/metrics")
	if err != nil {
		return usage{}, err
	}
	defer r.Body.Close()
	var u usage
	lines := bufio.NewScanner(r.Body)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), " ")
		v, err := strconv.ParseFloat(value, 64)
		if err != nil {
			continue
		}
		switch name {
		case "process_cpu_seconds_total":
			u.cpu = time.Duration(v * float64(time.Second))
		case "go_memstats_heap_inuse_bytes", "go_memstats_stack_inuse_bytes":
			u.memory += v
		}
	}
	if u.cpu == 0 {
		return u, errors.New("the program under test gives no process metrics on this system")
	}
	return u, lines.Err()
}

// quantile of durations, by nearest rank.
func quantile(d []time.Duration, q float64) time.Duration {
	if len(d) == 0 {
		return 0
	}
	d = slices.Clone(d)
	slices.Sort(d)
	return d[min(int(q*float64(len(d))), len(d)-1)]
}

func freePort(network string) (string, error) {
	if network == "udp" {
		c, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			return "", err
		}
		_, port, err := net.SplitHostPort(c.LocalAddr().String())
		return port, errors.Join(err, c.Close())
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, errors.Join(err, l.Close())
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
