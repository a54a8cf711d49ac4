package embedded

import (
	"errors"
	"net"
	"net/netip"
	"sync"
)

// network opens UDP sockets. On Linux a few pollers read all sockets; elsewhere,
// and for IPv6, each socket has a goroutine.
type network interface {
	listen(addr netip.AddrPort) (socket, error)
	stop()      // after the last socket is closed
	err() error // why it hears nothing any more, if so
}

// socket is one bound port.
type socket interface {
	// serve gives the datagrams from now on to fn, one at a time; nil drops
	// them. fn may change the bytes but not keep them, and must not call
	// serve. When serve returns, the fn before is not running any more.
	serve(fn func(b []byte, src netip.AddrPort))
	// write sends, or like the network loses, a datagram.
	write(b []byte, to netip.AddrPort)
	// close waits until fn is not running any more.
	close()
}

// goNetwork is the portable network.
type goNetwork struct{}

func (goNetwork) stop() {}

func (goNetwork) err() error { return nil }

func (goNetwork) listen(addr netip.AddrPort) (socket, error) {
	family := "udp4"
	if addr.Addr().Is6() {
		family = "udp6"
	}
	conn, err := net.ListenUDP(family, net.UDPAddrFromAddrPort(addr))
	if err != nil {
		return nil, err
	}
	return &goSocket{conn: conn}, nil
}

type goSocket struct {
	conn *net.UDPConn
	wg   sync.WaitGroup
	once sync.Once
	mu   sync.Mutex // held while fn runs
	fn   func([]byte, netip.AddrPort)
}

func (s *goSocket) serve(fn func([]byte, netip.AddrPort)) {
	s.mu.Lock()
	s.fn = fn
	s.mu.Unlock()
	s.once.Do(func() { s.wg.Go(s.read) })
}

func (s *goSocket) read() {
	buf := make([]byte, maxPacket)
	for {
		n, src, err := s.conn.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // about a single datagram
			continue
		}
		s.mu.Lock()
		if s.fn != nil {
			s.fn(buf[:n], netip.AddrPortFrom(src.Addr().Unmap(), src.Port()))
		}
		s.mu.Unlock()
	}
}

func (s *goSocket) write(b []byte, to netip.AddrPort) { _, _ = s.conn.WriteToUDPAddrPort(b, to) }

func (s *goSocket) close() {
	s.conn.Close()
	s.wg.Wait()
}
