package sip_test

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
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
