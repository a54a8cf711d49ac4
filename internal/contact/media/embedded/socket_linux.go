package embedded

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// newNetwork gives pollers for IPv4; they cost a third less per packet than a
// goroutine per socket, and no stacks.
func newNetwork(ipv4 bool, pollers int) (network, error) {
	if !ipv4 {
		return goNetwork{}, nil
	}
	n := &pollNetwork{}
	for range pollers {
		p, err := newPoller()
		if err != nil {
			n.stop()
			return nil, err
		}
		n.pollers = append(n.pollers, p)
	}
	return n, nil
}

type pollNetwork struct {
	pollers []*poller
	next    atomic.Uint32
}

func (n *pollNetwork) stop() {
	for _, p := range n.pollers {
		p.stop()
	}
}

func (n *pollNetwork) err() error {
	for _, p := range n.pollers {
		if broke := p.broke.Load(); broke != nil {
			return *broke
		}
	}
	return nil
}

func (n *pollNetwork) listen(addr netip.AddrPort) (socket, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open socket: %w", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Port: int(addr.Port()), Addr: addr.Addr().As4()}); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("bind socket: %w", err)
	}
	return &pollSocket{p: n.pollers[n.next.Add(1)%uint32(len(n.pollers))], fd: fd}, nil
}

// poller is one goroutine that waits for all of its sockets.
type poller struct {
	epfd int
	ep   *os.File // the same, waited for by the runtime
	wake int
	done sync.WaitGroup

	broke atomic.Pointer[error] // it ended though nobody stopped it

	mu      sync.RWMutex
	sockets map[int32]*pollSocket // by descriptor
}

func newPoller() (*poller, error) {
	ep, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("create poller: %w", err)
	}
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		unix.Close(ep)
		return nil, fmt.Errorf("create poller: %w", err)
	}
	if err := watch(ep, wake); err != nil {
		unix.Close(ep)
		unix.Close(wake)
		return nil, err
	}
	if err := unix.SetNonblock(ep, true); err != nil { // tells os that it can be waited for
		unix.Close(ep)
		unix.Close(wake)
		return nil, fmt.Errorf("create poller: %w", err)
	}
	p := &poller{epfd: ep, ep: os.NewFile(uintptr(ep), "media poll"), wake: wake, sockets: make(map[int32]*pollSocket)}
	p.done.Go(p.run)
	return p, nil
}

func watch(poll, fd int) error {
	ev := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(poll, unix.EPOLL_CTL_ADD, fd, &ev))
}

func (p *poller) stop() {
	var one [8]byte
	binary.NativeEndian.PutUint64(one[:], 1)
	_, _ = unix.Write(p.wake, one[:])
	p.done.Wait()
	p.ep.Close()
	unix.Close(p.wake)
}

// run waits until the poll has something. It waits as Go waits for any file, not
// in a system call of its own: the runtime watches those every 20 µs, which cost
// a sixth of what the media plane uses.
func (p *poller) run() {
	events := make([]unix.EpollEvent, 256)
	buf := make([]byte, maxPacket)
	var broke error
	conn, err := p.ep.SyscallConn()
	if err == nil {
		err = conn.Read(func(fd uintptr) bool {
			for {
				n, _, errno := syscall.RawSyscall6(syscall.SYS_EPOLL_PWAIT, fd, uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), 0, 0, 0)
				switch {
				case errno == unix.EINTR:
				case errno != 0:
					broke = errno
					return true
				case n == 0:
					return false
				case !p.take(events[:n], buf):
					return true
				}
			}
		})
	}
	if broke = errors.Join(broke, err); broke != nil {
		broke = fmt.Errorf("poll media sockets: %w", broke)
		p.broke.Store(&broke)
	}
}

// take reads one datagram per event: telephones send one every 20 ms, so there
// is hardly ever a second, and trying for it would be one more system call. The
// poll is level-triggered and reports what is left. False means the end.
func (p *poller) take(events []unix.EpollEvent, buf []byte) bool {
	for _, ev := range events {
		if int(ev.Fd) == p.wake {
			return false
		}
		p.mu.RLock()
		s := p.sockets[ev.Fd]
		p.mu.RUnlock()
		if s != nil {
			s.read(buf)
		}
	}
	return true
}

// pollSocket is a non-blocking socket read by a poller. The two locks keep the
// descriptor from being closed, and given to somebody else, in mid-call.
type pollSocket struct {
	p       *poller
	fd      int
	readMu  sync.Mutex
	writeMu sync.Mutex
	closed  bool // written under both
	watched bool
	fn      func([]byte, netip.AddrPort) // under readMu
}

func (s *pollSocket) serve(fn func([]byte, netip.AddrPort)) {
	s.readMu.Lock()
	s.fn = fn
	first := !s.watched
	s.watched = true
	s.readMu.Unlock()
	if !first {
		return
	}
	s.p.mu.Lock()
	s.p.sockets[int32(s.fd)] = s
	s.p.mu.Unlock()
	_ = watch(s.p.epfd, s.fd) // fails only without kernel memory; then the leg stays silent and MediaUp never comes
}

// read takes one datagram. The raw calls do not tell the scheduler: the socket
// does not block.
func (s *pollSocket) read(buf []byte) {
	s.readMu.Lock()
	defer s.readMu.Unlock()
	if s.closed {
		return
	}
	var from syscall.RawSockaddrInet4
	size := uint32(syscall.SizeofSockaddrInet4)
	n, _, errno := syscall.RawSyscall6(syscall.SYS_RECVFROM, uintptr(s.fd), uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)),
		0, uintptr(unsafe.Pointer(&from)), uintptr(unsafe.Pointer(&size)))
	if errno != 0 || from.Family != syscall.AF_INET || s.fn == nil {
		return
	}
	port := binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(&from.Port))[:])
	s.fn(buf[:n], netip.AddrPortFrom(netip.AddrFrom4(from.Addr), port))
}

func (s *pollSocket) write(b []byte, to netip.AddrPort) {
	if len(b) == 0 || !to.Addr().Is4() {
		return
	}
	sa := syscall.RawSockaddrInet4{Family: syscall.AF_INET, Addr: to.Addr().As4()}
	binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&sa.Port))[:], to.Port())
	s.writeMu.Lock()
	defer s.writeMu.Unlock()
	if s.closed {
		return
	}
	_, _, _ = syscall.RawSyscall6(syscall.SYS_SENDTO, uintptr(s.fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)),
		syscall.MSG_NOSIGNAL, uintptr(unsafe.Pointer(&sa)), syscall.SizeofSockaddrInet4)
}

func (s *pollSocket) close() {
	s.readMu.Lock()
	defer s.readMu.Unlock()
	s.writeMu.Lock()
	defer s.writeMu.Unlock()
	if s.closed {
		return
	}
	s.closed = true
	s.p.mu.Lock()
	delete(s.p.sockets, int32(s.fd))
	s.p.mu.Unlock()
	unix.Close(s.fd) // also leaves the poll
}
