package sip_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"heartline/internal/contact/sip"
)

// peerTool finds a real peer program; without it the test fails unless the
// environment says that peers are left out on purpose.
func peerTool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("HEARTLINE_SKIP_PEERS") == "1" {
			t.Skipf("%s left out: HEARTLINE_SKIP_PEERS=1", name)
		}
		t.Fatalf("%s is not installed (HEARTLINE_SKIP_PEERS=1 leaves it out)", name)
	}
	return path
}

func freePort(t *testing.T) int {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	must(t, err)
	defer pc.Close()
	return pc.LocalAddr().(*net.UDPAddr).Port
}

// sipp runs a scenario; the returned function waits for its verdict.
func sipp(t *testing.T, h *hospital, scenario string, port, calls int, transport string, args ...string) func() {
	t.Helper()
	path := peerTool(t, "sipp")
	file, err := filepath.Abs(filepath.Join("testdata", "sipp", scenario+".xml"))
	must(t, err)
	target := h.srv.Addr("udp")
	tflag := "u1"
	if transport == "TCP" {
		target, tflag = h.srv.Addr("tcp"), "t1"
	}
	errors := filepath.Join(t.TempDir(), "errors.log")
	argv := []string{target.String(), "-sf", file, "-i", "127.0.0.1", "-p", strconv.Itoa(port), "-t", tflag,
		"-m", strconv.Itoa(calls), "-r", "20", "-nostdin", "-timeout", "20s", "-timeout_error", "-trace_err",
		"-error_file", errors, "-cid_str", "%u-%p-" + scenario + "@%s"}
	argv = append(argv, args...)
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, path, argv...)
	cmd.Dir = t.TempDir()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	must(t, cmd.Start())
	return func() {
		t.Helper()
		if err := cmd.Wait(); err != nil {
			log, _ := os.ReadFile(errors)
			text := out.String()
			t.Fatalf("sipp %s: %v\n%s\n%s", scenario, err, log[:min(len(log), 1500)], text[max(0, len(text)-1500):])
		}
	}
}

// robot is what the hospital does with sipp's calls.
type robot struct {
	early    func(ctx context.Context, d *sip.Dialog) // before the answer
	after    func(ctx context.Context, d *sip.Dialog) // once confirmed
	noAnswer bool
	digits   chan byte // gets the keys that came
}

func (r robot) run(ctx context.Context, d *sip.Dialog) {
	if r.early != nil {
		r.early(ctx, d)
	} else {
		_ = d.Ring(ctx)
	}
	if !r.noAnswer {
		_ = d.Answer(ctx, []byte(sdpA))
	}
	for ev := range d.Events() {
		switch ev := ev.(type) {
		case sip.Confirmed:
			if r.after != nil {
				go r.after(ctx, d)
			}
		case sip.Reinvited:
			sdp := sdpA
			if bytes.Contains(ev.SDP, []byte("sendonly")) {
				sdp += "a=recvonly\r\n"
			}
			ev.Reply([]byte(sdp), 200)
		case sip.Digit:
			if r.digits != nil {
				r.digits <- ev.D
			}
		case sip.Refer:
			ev.Reply(202)
			_ = d.Notify(ctx, 200, "OK")
		}
	}
}

// sippCase is a scenario of sipp's, and what the hospital does with its calls.
type sippCase struct {
	scenario, transport string
	calls               int
	r                   robot
	check               func(t *testing.T, s sip.Stats)
}

func sippCases() []sippCase {
	progress := func(ctx context.Context, d *sip.Dialog) {
		_ = d.Progress(ctx, []byte(sdpA))
		_ = d.Ring(ctx)
	}
	digits := make(chan byte, 100)
	filler := make(chan string, 100)
	whole := func(ctx context.Context, d *sip.Dialog) {
		filler <- d.Header("X-Filler-24")
		_ = d.Ring(ctx)
	}
	reinvite := func(ctx context.Context, d *sip.Dialog) { _, _ = d.Reinvite(ctx, []byte(sdpA)) }
	return []sippCase{
		{scenario: "uac_basic", calls: 20},
		{scenario: "uac_basic", calls: 20, transport: "TCP"},
		{scenario: "uac_cancel", calls: 10, r: robot{noAnswer: true}},
		{scenario: "uac_cancel_race", calls: 10},
		{scenario: "uac_lost_ack", calls: 5, check: func(t *testing.T, s sip.Stats) {
			if s.Retransmitted < 10 {
				t.Errorf("only %d repeats of the 200", s.Retransmitted)
			}
		}},
		{scenario: "uac_never_ack", calls: 3},
		{scenario: "uac_hold", calls: 5},
		{scenario: "uac_glare", calls: 5, r: robot{after: reinvite}},
		{scenario: "uac_glare_ours", calls: 5, r: robot{after: reinvite}},
		{scenario: "uac_late_offer", calls: 5},
		{scenario: "uac_prack", calls: 5, r: robot{early: progress}},
		{scenario: "uac_timer", calls: 2},
		{scenario: "uac_timer_expiry", calls: 2},
		{scenario: "uac_refer", calls: 5},
		{scenario: "uac_refer_replaces", calls: 5},
		{scenario: "uac_info_reordered", calls: 5, r: robot{digits: digits}, check: func(t *testing.T, _ sip.Stats) {
			count := map[byte]int{} // the calls run side by side
			for range 10 {
				count[<-digits]++
			}
			if count['1'] != 5 || count['3'] != 5 {
				t.Errorf("keys %v: the one that came late counts", count)
			}
		}},
		{scenario: "uac_big", calls: 5, r: robot{early: whole}, check: func(t *testing.T, _ sip.Stats) {
			for range 5 {
				if got := <-filler; len(got) != 100 {
					t.Errorf("the last of 25 long headers is %q", got)
				}
			}
		}},
	}
}

func TestSippCallers(t *testing.T) {
	for _, tc := range sippCases() {
		t.Run(tc.scenario+tc.transport, func(t *testing.T) {
			t.Parallel()
			h := startHospital(t, func(c *sip.Config) { c.MinSE = time.Second })
			port := freePort(t)
			must(t, h.srv.SetTrunks([]sip.Trunk{{
				ID: "sipp", Kind: sip.TrunkStatic, Host: "127.0.0.1", Port: port, OptionsEvery: -1,
				PeerIPs: []string{"127.0.0.1"}, // TCP callers come from any port
			}}))
			h.handle(tc.r.run)
			sipp(t, h, tc.scenario, port, tc.calls, tc.transport, "-s", "96166")()
			eventually(t, "no dialog left", func() bool { return h.srv.Stats().Dialogs == 0 })
			if n := h.srv.TrunkStatus()[0].Calls; n != 0 {
				t.Errorf("%d channels still taken", n)
			}
			if tc.check != nil {
				tc.check(t, h.srv.Stats())
			}
		})
	}
}

func TestSippAuthenticates(t *testing.T) {
	h := startHospital(t, nil)
	h.handle(robot{}.run)
	sipp(t, h, "uac_auth", freePort(t), 10, "UDP", "-s", "96166")()
	sipp(t, h, "uac_register", freePort(t), 1, "UDP", "-s", "8002")()
	if !h.srv.Online("8002") {
		t.Fatal("sipp's phone is not registered")
	}
}

func TestSippCallees(t *testing.T) {
	hangup := func(t *testing.T, d *sip.Dialog) {
		if ev := next[sip.Answered](t, d); ev.NeedAck {
			must(t, d.Ack(patience(t), []byte(sdpA)))
		}
		select { // forks and repeats arrive meanwhile
		case <-d.Done():
		case <-time.After(150 * time.Millisecond):
		}
		must(t, d.Hangup(patience(t), sip.Cause{Q850: 16}))
	}
	cancel := func(t *testing.T, d *sip.Dialog) {
		next[sip.Ringing](t, d)
		must(t, d.Hangup(patience(t), sip.Cause{}))
	}
	for _, tc := range []struct {
		scenario string
		late     bool
		drive    func(t *testing.T, d *sip.Dialog)
	}{
		{"uas_12x180", false, func(t *testing.T, d *sip.Dialog) {
			for range 12 {
				next[sip.Ringing](t, d)
			}
			hangup(t, d)
		}},
		{"uas_forked", false, hangup},
		{"uas_cancel", false, cancel},
		{"uas_cancel_race", false, cancel},
		{"uas_prack", false, hangup},
		{"uas_late_offer", true, hangup},
	} {
		t.Run(tc.scenario, func(t *testing.T) {
			t.Parallel()
			h := startHospital(t, nil)
			port := freePort(t)
			const calls = 3
			wait := sipp(t, h, tc.scenario, port, calls, "UDP")
			spec := sip.DialSpec{URI: fmt.Sprintf("sip:b@127.0.0.1:%d", port), From: "a", Offer: []byte(sdpA)}
			if tc.late {
				spec.Offer = nil
			}
			for range calls {
				d, err := h.srv.Dial(patience(t), spec)
				must(t, err)
				tc.drive(t, d)
				next[sip.Ended](t, d)
			}
			wait()
			eventually(t, "no dialog left", func() bool { return h.srv.Stats().Dialogs == 0 })
		})
	}
}

// TestBaresipRegisters lets another real phone register and be called.
func TestBaresipRegisters(t *testing.T) {
	path := peerTool(t, "baresip")
	h := startHospital(t, nil)
	dir := t.TempDir()
	conf := fmt.Sprintf("module_path %s\nmodule g711.so\n"+
		"module_tmp uuid.so\nmodule_app account.so\nmodule_app menu.so\n", baresipModules())
	must(t, os.WriteFile(filepath.Join(dir, "config"), []byte(conf), 0o600))
	acct := fmt.Sprintf("<sip:8003@%s;transport=udp>;auth_user=8003;auth_pass=pw-8003;answermode=auto;regint=60;outbound=\"sip:%s;transport=udp\"\n", h.srv.Addr("udp"), h.srv.Addr("udp"))
	must(t, os.WriteFile(filepath.Join(dir, "accounts"), []byte(acct), 0o600))
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "-4", "-f", dir, "-t", "20")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	must(t, cmd.Start())
	defer func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(out.String())
		}
	}()
	eventually(t, "baresip registered", func() bool { return h.srv.Online("8003") })
	r := h.srv.Registrations()
	if len(r) != 1 || !strings.Contains(r[0].UserAgent, "baresip") {
		t.Fatalf("%+v", r)
	}
}

func baresipModules() string {
	for _, dir := range []string{"/usr/lib/baresip/modules", "/usr/lib/x86_64-linux-gnu/baresip/modules"} {
		if _, err := os.Stat(dir); err == nil {
			return dir
		}
	}
	return "."
}
