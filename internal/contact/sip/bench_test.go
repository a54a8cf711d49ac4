package sip_test

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"heartline/internal/contact/sip"
)

// BenchmarkCallSetup lets sipp set up and end calls with digest on the
// INVITE, at HEARTLINE_BENCH_CPS (default 400) calls a second for about
// HEARTLINE_BENCH_SECONDS (default 5). CPU is of this process only: sipp has its own.
func BenchmarkCallSetup(b *testing.B) {
	path, err := exec.LookPath("sipp")
	if err != nil {
		b.Skip("sipp is not installed")
	}
	cps, seconds := envInt("HEARTLINE_BENCH_CPS", 400), envInt("HEARTLINE_BENCH_SECONDS", 5)
	for _, tc := range []struct{ name, scenario string }{{"authenticated", "uac_auth"}, {"trunk", "uac_basic"}} {
		b.Run(tc.name, func(b *testing.B) {
			h := startHospital(b, func(c *sip.Config) { c.T1 = 0; c.MaxDialogs = 100000 })
			h.handle(func(ctx context.Context, d *sip.Dialog) {
				_ = d.Ring(ctx)
				_ = d.Answer(ctx, []byte(sdpA))
				for range d.Events() {
				}
			})
			if tc.scenario == "uac_basic" {
				must(b, h.srv.SetTrunks([]sip.Trunk{{ID: "s", Kind: sip.TrunkStatic, Host: "127.0.0.1",
					PeerIPs: []string{"127.0.0.1"}, OptionsEvery: -1}}))
			}
			calls := cps * seconds
			file, err := filepath.Abs(filepath.Join("testdata", "sipp", tc.scenario+".xml"))
			must(b, err)
			cmd := exec.Command(path, h.srv.Addr("udp").String(), "-sf", file, "-i", "127.0.0.1", "-p", strconv.Itoa(benchPort(b)),
				"-m", strconv.Itoa(calls), "-r", strconv.Itoa(cps), "-l", "20000", "-nostdin", "-s", "96166", "-timeout", "60s")
			cmd.Dir = b.TempDir()
			before, start := cpuTime(b), time.Now()
			out, err := cmd.CombinedOutput()
			if err != nil {
				b.Fatalf("sipp: %v\n%s", err, out[max(0, len(out)-1500):])
			}
			used, wall := cpuTime(b)-before, time.Since(start)
			s := h.srv.Stats()
			b.ReportMetric(float64(used.Microseconds())/1000/float64(calls), "cpu-ms/call")
			b.ReportMetric(float64(calls)/wall.Seconds(), "calls/s")
			b.ReportMetric(float64(s.Retransmitted), "retransmissions")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkBridgedCallSetup also dials a second leg for every call, to another
// sipp that answers: the bare cost of a back-to-back user agent.
func BenchmarkBridgedCallSetup(b *testing.B) {
	path, err := exec.LookPath("sipp")
	if err != nil {
		b.Skip("sipp is not installed")
	}
	cps, seconds := envInt("HEARTLINE_BENCH_CPS", 400), envInt("HEARTLINE_BENCH_SECONDS", 5)
	calls := cps * seconds
	h := startHospital(b, func(c *sip.Config) { c.T1 = 0; c.MaxDialogs = 100000 })
	callee := net.JoinHostPort("127.0.0.1", strconv.Itoa(benchPort(b)))
	h.handle(func(ctx context.Context, d *sip.Dialog) { bridge(ctx, h, d, "sip:b@"+callee) })
	dir, err := filepath.Abs(filepath.Join("testdata", "sipp"))
	must(b, err)
	_, port, _ := net.SplitHostPort(callee)
	uas := exec.Command(path, "-sf", filepath.Join(dir, "uas_basic.xml"), "-i", "127.0.0.1", "-p", port, "-nostdin", "-m", strconv.Itoa(calls))
	uas.Dir = b.TempDir()
	must(b, uas.Start())
	uac := exec.Command(path, h.srv.Addr("udp").String(), "-sf", filepath.Join(dir, "uac_auth.xml"), "-i", "127.0.0.1", "-p",
		strconv.Itoa(benchPort(b)), "-m", strconv.Itoa(calls), "-r", strconv.Itoa(cps), "-l", "20000", "-nostdin", "-s", "96166", "-timeout", "90s")
	uac.Dir = b.TempDir()
	before, start := cpuTime(b), time.Now()
	out, err := uac.CombinedOutput()
	used, wall := cpuTime(b)-before, time.Since(start)
	_ = uas.Process.Kill()
	_ = uas.Wait()
	if err != nil {
		b.Fatalf("sipp: %v\n%s", err, out[max(0, len(out)-1500):])
	}
	b.ReportMetric(float64(used.Microseconds())/1000/float64(calls), "cpu-ms/call")
	b.ReportMetric(float64(calls)/wall.Seconds(), "calls/s")
	b.ReportMetric(float64(h.srv.Stats().Retransmitted), "retransmissions")
	b.ReportMetric(0, "ns/op")
}

// bridge joins an inbound dialog to an outgoing one.
func bridge(ctx context.Context, h *hospital, d *sip.Dialog, uri string) {
	out, err := h.srv.Dial(ctx, sip.DialSpec{URI: uri, From: d.From().User, Offer: d.RemoteSDP()})
	if err != nil {
		_ = d.Reject(ctx, 503, "")
		return
	}
	for {
		select {
		case ev := <-out.Events():
			switch ev := ev.(type) {
			case sip.Ringing:
				_ = d.Ring(ctx)
			case sip.Answered:
				_ = d.Answer(ctx, ev.SDP)
			case sip.Ended:
				_ = d.Hangup(context.WithoutCancel(ctx), sip.Cause{SIPCode: 480})
				return
			}
		case <-d.Done():
			_ = out.Hangup(context.WithoutCancel(ctx), sip.Cause{Q850: 16})
			return
		}
	}
}

// BenchmarkEstablishedMemory measures what an established call keeps on the heap
// and in goroutine stacks.
func BenchmarkEstablishedMemory(b *testing.B) {
	path, err := exec.LookPath("sipp")
	if err != nil {
		b.Skip("sipp is not installed")
	}
	const calls = 2000
	h := startHospital(b, func(c *sip.Config) { c.T1 = 0; c.MaxDialogs = 100000 })
	h.handle(answerAll)
	must(b, h.srv.SetTrunks([]sip.Trunk{{ID: "s", Kind: sip.TrunkStatic, Host: "127.0.0.1", PeerIPs: []string{"127.0.0.1"}, OptionsEvery: -1}}))
	file, err := filepath.Abs(filepath.Join("testdata", "sipp", "uac_long.xml"))
	must(b, err)
	before := memory()
	cmd := exec.Command(path, h.srv.Addr("udp").String(), "-sf", file, "-i", "127.0.0.1", "-p", strconv.Itoa(benchPort(b)),
		"-m", strconv.Itoa(calls), "-r", "400", "-l", "20000", "-d", "120000", "-nostdin", "-s", "96166")
	cmd.Dir = b.TempDir()
	must(b, cmd.Start())
	eventually(b, "all calls up", func() bool { return h.srv.Stats().Answered == calls })
	b.ReportMetric((memory()-before)/calls/1024, "kB/call")
	b.ReportMetric(0, "ns/op")
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

func memory() float64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return float64(m.HeapInuse + m.StackInuse)
}

func envInt(name string, def int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil && n > 0 {
		return n
	}
	return def
}

func benchPort(b *testing.B) int {
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	must(b, err)
	defer pc.Close()
	return pc.LocalAddr().(*net.UDPAddr).Port
}

func cpuTime(b *testing.B) time.Duration {
	var ru syscall.Rusage
	must(b, syscall.Getrusage(syscall.RUSAGE_SELF, &ru))
	return time.Duration(ru.Utime.Nano() + ru.Stime.Nano())
}
