package embedded

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"heartline/internal/contact/media"
	"heartline/internal/contact/media/codec"
)

// The relay benchmarks measure only this process: the telephones are a child
// process, started from the same test binary.
const phonesEnv = "HEARTLINE_BENCH_PHONES"

func TestMain(m *testing.M) {
	if n, _ := strconv.Atoi(os.Getenv(phonesEnv)); n > 0 {
		runPhones(n)
		return
	}
	os.Exit(m.Run())
}

// runPhones binds n sockets, prints their ports, reads as many target ports
// and then sends 50 packets a second from each until its input ends.
func runPhones(n int) {
	conns := make([]*net.UDPConn, n)
	for i := range conns {
		c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			panic(err)
		}
		conns[i] = c
		fmt.Println(c.LocalAddr().(*net.UDPAddr).Port)
		go func() {
			for buf := make([]byte, 2048); ; {
				if _, _, err := c.ReadFromUDPAddrPort(buf); err != nil {
					return
				}
			}
		}()
	}
	in := bufio.NewScanner(os.Stdin)
	targets := make([]netip.AddrPort, n)
	for i := range targets {
		in.Scan()
		port, _ := strconv.Atoi(in.Text())
		targets[i] = netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(port))
	}
	go send(conns, targets)
	in.Scan() // until the parent closes the pipe
}

// send spreads the phones evenly over each 20 ms.
func send(conns []*net.UDPConn, targets []netip.AddrPort) {
	pkt := make([]byte, headerLen+frame)
	fill(pkt, codec.ALawSilence)
	start := time.Now()
	for n := 0; ; n++ {
		if wait := time.Until(start.Add(time.Duration(n) * time.Millisecond)); wait > 0 {
			<-time.After(wait)
		}
		for i := n % 20; i < len(conns); i += 20 {
			k := n / 20
			putRTP(pkt, rtpHeader{pt: 8, seq: uint16(k), ts: uint32(k * frame), ssrc: uint32(i + 1)})
			_, _ = conns[i].WriteToUDPAddrPort(pkt, targets[i])
		}
	}
}

// phones starts the child; connect gives it the ports to send to.
func phones(b *testing.B, n int) (ports []int, connect func([]int)) {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), phonesEnv+"="+strconv.Itoa(n), "GOMAXPROCS=1")
	in, err := cmd.StdinPipe()
	check(b, err)
	out, err := cmd.StdoutPipe()
	check(b, err)
	check(b, cmd.Start())
	b.Cleanup(func() { in.Close(); _ = cmd.Wait() })
	lines := bufio.NewScanner(out)
	for range n {
		lines.Scan()
		port, err := strconv.Atoi(lines.Text())
		check(b, err)
		ports = append(ports, port)
	}
	return ports, func(targets []int) {
		var text strings.Builder
		for _, p := range targets {
			fmt.Fprintln(&text, p)
		}
		_, err := io.WriteString(in, text.String())
		check(b, err)
	}
}

func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// measure reports this process's CPU over some seconds as a share of one core.
// and per packet: a busy machine may starve the phones, and then fewer come.
func measure(b *testing.B, calls int, packets func() uint64) {
	const settle, window = time.Second, 5 * time.Second
	for b.Loop() {
		<-time.After(settle)
		before, count, start := cpu(), packets(), time.Now()
		<-time.After(window)
		used, passed := cpu()-before, packets()-count
		expected := float64(calls) * 100 * time.Since(start).Seconds()
		b.ReportMetric(100*float64(passed)/expected, "%packets")
		perPacket := float64(used) / float64(passed)
		b.ReportMetric(perPacket/1000, "µs/packet")
		b.ReportMetric(perPacket*100*100/1e9*100, "%core/100calls") // at the full rate
	}
	b.ReportMetric(0, "ns/op")
}

type nowhere struct{ n int }

func (s *nowhere) WriteStereo(b []byte) error { s.n += len(b); return nil }

// bridged builds calls of two legs each over the given phones.
func bridged(b *testing.B, e *Engine, ports []int, prepare func(media.Call)) (legPorts []int) {
	for i := 0; i < len(ports); i += 2 {
		c := testCall(b, e)
		for j, id := range []string{"a", "b"} {
			leg, err := c.AddRTPLeg(ctx, id)
			check(b, err)
			_, err = leg.Accept(ctx, fmt.Appendf(nil, "v=0\r\no=x 1 1 IN IP4 127.0.0.1\r\nc=IN IP4 127.0.0.1\r\n"+
				"m=audio %d RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n", ports[i+j]))
			check(b, err)
			legPorts = append(legPorts, leg.(*rtpLeg).port)
		}
		prepare(c)
	}
	return legPorts
}

func benchCalls(b *testing.B, calls int, prepare func(media.Call)) {
	benchEngine(b, testEngine(b, func(c *Config) { c.PortMin, c.PortMax = 40000, 49999 }), calls, prepare)
}

func benchEngine(b *testing.B, e *Engine, calls int, prepare func(media.Call)) {
	ports, connect := phones(b, 2*calls)
	before := heap()
	targets := bridged(b, e, ports, prepare)
	size := (heap() - before) / 1024 / float64(calls)
	connect(targets)
	measure(b, calls, func() (n uint64) {
		for _, c := range keys(e.calls) {
			for _, l := range c.order {
				n += l.ep.rx.quality().Packets
			}
		}
		return n
	})
	b.ReportMetric(size, "kB/call")
}

func bridge(b *testing.B) func(media.Call) {
	return func(c media.Call) { check(b, c.Connect(ctx, media.Bridge("a", "b"))) }
}

func heap() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc + m.StackInuse)
}

// BenchmarkBareRelay is the yardstick: a goroutine per socket that passes every
// datagram to its partner and does nothing else.
func BenchmarkBareRelay(b *testing.B) {
	const calls = 100
	ports, connect := phones(b, 2*calls)
	conns := make([]*net.UDPConn, 2*calls)
	targets := make([]int, 2*calls)
	var passed atomic.Uint64
	for i := range conns {
		c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		check(b, err)
		defer c.Close()
		conns[i], targets[i] = c, c.LocalAddr().(*net.UDPAddr).Port
	}
	for i, c := range conns {
		to := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(ports[i^1]))
		go func() {
			for buf := make([]byte, 2048); ; {
				n, _, err := c.ReadFromUDPAddrPort(buf)
				if err != nil {
					return
				}
				_, _ = conns[i^1].WriteToUDPAddrPort(buf[:n], to)
				passed.Add(1)
			}
		}()
	}
	connect(targets)
	measure(b, calls, passed.Load)
}

func BenchmarkBridgedCallsPortable(b *testing.B) {
	benchEngine(b, testEngine(b, func(c *Config) { c.PortMin, c.PortMax, c.portable = 40000, 49999, true }), 100, bridge(b))
}

func BenchmarkBridgedCalls(b *testing.B) {
	for _, calls := range []int{100, 400} {
		b.Run(strconv.Itoa(calls), func(b *testing.B) { benchCalls(b, calls, bridge(b)) })
	}
}

func BenchmarkRecordedCalls(b *testing.B) {
	for _, calls := range []int{100, 400} {
		b.Run(strconv.Itoa(calls), func(b *testing.B) {
			benchCalls(b, calls, func(c media.Call) {
				bridge(b)(c)
				_, err := c.Record(ctx, "a", &nowhere{})
				check(b, err)
			})
		})
	}
}

// BenchmarkHeldCalls is both parties on hold music, all sound from the pacer.
func BenchmarkHeldCalls(b *testing.B) {
	benchCalls(b, 100, func(c media.Call) {
		for _, id := range []string{"a", "b"} {
			_, err := c.Play(ctx, id, media.Play{Source: media.Music{}, Exclusive: true})
			check(b, err)
		}
	})
}

func BenchmarkMix(b *testing.B) {
	for _, parties := range []int{3, 10} {
		b.Run(strconv.Itoa(parties), func(b *testing.B) {
			frames := make([][frame]int16, parties)
			var sum [frame]int32
			var out [frame]int16
			for b.Loop() {
				for to := range frames {
					clear(sum[:])
					for from := range frames {
						if from != to {
							addFrame(&sum, &frames[from], unity)
						}
					}
					clip(&out, &sum)
				}
			}
		})
	}
}

// BenchmarkRelayPacket is the way of one packet without the sockets.
func BenchmarkRelayPacket(b *testing.B) {
	e := testEngine(b, nil)
	c := testCall(b, e)
	pa, pb := newPeer(b, 8, 0), newPeer(b, 8, 0)
	la, lb := pa.join(c, "a"), pb.join(c, "b")
	bridge(b)(c)
	lb.(*rtpLeg).leg.ep.tx.write = func([]byte) {}
	_, err := c.Record(ctx, "a", &nowhere{})
	check(b, err)
	pkt := make([]byte, headerLen+frame)
	now, seq := e.clock(), uint32(0)
	b.ReportAllocs()
	for b.Loop() {
		seq++
		now += 20e6
		putRTP(pkt, rtpHeader{pt: 8, seq: uint16(seq), ts: seq * frame, ssrc: 1})
		la.(*rtpLeg).leg.ep.receive(pkt, now)
	}
}

// BenchmarkCallSetup is all that a bridged call costs here, from NewCall to Close.
func BenchmarkCallSetup(b *testing.B) {
	e := testEngine(b, func(c *Config) { c.PortMin, c.PortMax = 40000, 49999 })
	offer := []byte("v=0\r\no=x 1 1 IN IP4 127.0.0.1\r\nc=IN IP4 127.0.0.1\r\n" +
		"m=audio 9 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n")
	b.ReportAllocs()
	before := cpu()
	for b.Loop() {
		c := testCall(b, e)
		for _, id := range []string{"a", "b"} {
			leg, err := c.AddRTPLeg(ctx, id)
			check(b, err)
			_, err = leg.Accept(ctx, offer)
			check(b, err)
		}
		bridge(b)(c)
		check(b, c.Close(ctx))
	}
	b.ReportMetric(float64((cpu()-before).Microseconds())/float64(b.N), "µs-cpu/call")
}

func BenchmarkBrowserConnect(b *testing.B) {
	e := testEngine(b, nil)
	total := time.Duration(0)
	for b.Loop() {
		pg := newPage(b, 600)
		offer := pg.offer(nil)
		start := time.Now()
		br, answer, err := e.NewBrowser(ctx, "x", offer)
		check(b, err)
		pg.answer(answer)
		<-br.Events()
		total += time.Since(start)
		pg.close()
		check(b, br.Close(ctx))
	}
	b.ReportMetric(float64(total.Microseconds())/1000/float64(b.N), "ms/connect")
}
