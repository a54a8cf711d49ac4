package sip

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// flow is the way to one peer: the UDP socket and its address, or one stream
// connection. Requests to a registered contact use the flow it came over.
type flow struct {
	transport string // UDP, TCP, TLS, WS
	addr      netip.AddrPort
	stream    *stream // nil for UDP
}

func (f flow) reliable() bool { return f.stream != nil }

var errFlowClosed = errors.New("sip: connection is gone")

// send writes one message.
func (s *Server) send(f flow, data []byte) error {
	s.stats.sent.Add(1)
	if f.stream != nil {
		return f.stream.write(data)
	}
	if s.udp == nil {
		return errFlowClosed
	}
	_, err := s.udp.WriteToUDPAddrPort(data, f.addr)
	return err
}

// listen binds every socket before anything is served.
func (s *Server) listen(ctx context.Context) error {
	var lc net.ListenConfig
	if s.cfg.UDP != "" {
		pc, err := lc.ListenPacket(ctx, "udp", s.cfg.UDP)
		if err != nil {
			return fmt.Errorf("listen sip udp: %w", err)
		}
		s.udp = pc.(*net.UDPConn)
		_ = s.udp.SetReadBuffer(4 << 20)
		_ = s.udp.SetWriteBuffer(2 << 20)
	}
	for _, l := range []struct {
		name, addr string
		dst        *net.Listener
	}{{"tcp", s.cfg.TCP, &s.tcp}, {"tls", s.cfg.TLS, &s.tls}} {
		if l.addr == "" {
			continue
		}
		ln, err := lc.Listen(ctx, "tcp", l.addr)
		if err != nil {
			s.closeListeners()
			return fmt.Errorf("listen sip %s: %w", l.name, err)
		}
		*l.dst = ln
	}
	return nil
}

func (s *Server) closeListeners() {
	if s.udp != nil {
		_ = s.udp.Close()
	}
	for _, l := range []net.Listener{s.tcp, s.tls} {
		if l != nil {
			_ = l.Close()
		}
	}
}

// serve starts the readers.
func (s *Server) serve() {
	if s.udp != nil {
		s.wg.Go(s.readUDP)
	}
	if s.tcp != nil {
		s.wg.Go(func() { s.accept(s.tcp, nil) })
	}
	if s.tls != nil {
		s.wg.Go(func() { s.accept(s.tls, s.cfg.TLSConfig) })
	}
}

func (s *Server) readUDP() {
	buf := make([]byte, maxMessage+1)
	for {
		n, src, err := s.udp.ReadFromUDPAddrPort(buf)
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			continue // an ICMP error of an earlier write
		}
		src = unmap(src)
		data := buf[:n]
		if isKeepalive(data) {
			continue
		}
		if !s.edge.allowed(src.Addr()) || !looksLikeSIP(data) {
			s.stats.dropped.Add(1)
			continue
		}
		s.receive(data, flow{transport: "UDP", addr: src})
	}
}

// receive admits, parses and dispatches one message, in the reader's goroutine.
func (s *Server) receive(data []byte, f flow) {
	if !s.edge.admit(f.addr.Addr()) {
		s.stats.limited.Add(1)
		return
	}
	s.stats.received.Add(1)
	m, err := parseMessage(data)
	s.dispatch(m, err, f)
}

func (s *Server) accept(l net.Listener, conf *tls.Config) {
	for {
		c, err := l.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			select { // out of descriptors or the like: breathe
			case <-s.ctx.Done():
				return
			case <-time.After(50 * time.Millisecond):
			}
			continue
		}
		name := "TCP"
		if conf != nil {
			name = "TLS"
			c = tls.Server(c, conf)
		}
		s.adopt(name, &lineConn{Conn: c}, remoteAddr(c), streamAccepted)
	}
}

// adopt takes over a connection, bounded in number and by the access list.
func (s *Server) adopt(name string, c packetConn, addr netip.AddrPort, origin streamOrigin) *stream {
	st := &stream{s: s, name: name, conn: c, addr: addr, origin: origin}
	s.connMu.Lock()
	full := len(s.conns) >= s.cfg.MaxConns || s.perSource[addr.Addr()] >= s.cfg.MaxConns/4+1
	if full || s.stopping.Load() || !s.edge.allowed(addr.Addr()) {
		s.connMu.Unlock()
		s.stats.dropped.Add(1)
		_ = c.Close()
		return nil
	}
	s.conns[st] = struct{}{}
	s.perSource[addr.Addr()]++
	if origin == streamDialled {
		s.dialled[name+addr.String()] = st
	}
	s.connMu.Unlock()
	s.wg.Go(st.read)
	return st
}

func (s *Server) forget(st *stream) {
	s.connMu.Lock()
	delete(s.conns, st)
	if s.perSource[st.addr.Addr()]--; s.perSource[st.addr.Addr()] <= 0 {
		delete(s.perSource, st.addr.Addr())
	}
	if key := st.name + st.addr.String(); s.dialled[key] == st {
		delete(s.dialled, key)
	}
	s.connMu.Unlock()
}

// flowTo opens or reuses the way to an address.
func (s *Server) flowTo(ctx context.Context, transport string, addr netip.AddrPort, serverName string) (flow, error) {
	f := flow{transport: transport, addr: addr}
	if transport == "UDP" {
		if s.udp == nil {
			return flow{}, errors.New("sip: UDP is off")
		}
		return f, nil
	}
	s.connMu.Lock()
	st := s.dialled[transport+addr.String()]
	s.connMu.Unlock()
	if st == nil {
		d := net.Dialer{Timeout: 5 * time.Second}
		c, err := d.DialContext(ctx, "tcp", addr.String())
		if err != nil {
			return flow{}, fmt.Errorf("connect sip peer: %w", err)
		}
		if transport == "TLS" {
			conf := &tls.Config{MinVersion: tls.VersionTLS12}
			if s.cfg.TLSConfig != nil {
				conf = s.cfg.TLSConfig.Clone()
			}
			conf.ServerName = serverName
			c = tls.Client(c, conf)
		}
		if st = s.adopt(transport, &lineConn{Conn: c}, addr, streamDialled); st == nil {
			return flow{}, errFlowClosed
		}
	}
	f.stream = st
	return f, nil
}

// resolve finds the address of a SIP host; names go through the resolver.
func resolve(ctx context.Context, host string, port int) (netip.AddrPort, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return netip.AddrPortFrom(a.Unmap(), uint16(port)), nil
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("resolve sip host: %w", err)
	}
	best := ips[0]
	for _, ip := range ips {
		if ip.Unmap().Is4() {
			best = ip
			break
		}
	}
	return netip.AddrPortFrom(best.Unmap(), uint16(port)), nil
}

// local returns the address that we put into Via and Contact towards a peer.
func (s *Server) local(f flow) (host string, port uint16) {
	switch f.transport {
	case "TCP", "WS":
		port = s.Addr("tcp").Port()
	case "TLS":
		port = s.Addr("tls").Port()
	default:
		port = s.Addr("udp").Port()
	}
	if port == 0 {
		port = s.Addr("udp").Port()
	}
	peer := f.addr.Addr()
	if s.cfg.ExternalIP != "" && !peer.IsLoopback() && !peer.IsPrivate() && !peer.IsLinkLocalUnicast() {
		return bracket(s.cfg.ExternalIP), port
	}
	return bracket(s.localIPs.towards(s, f)), port
}

// localIPs remembers which of our addresses faces a peer.
type localIPs struct {
	mu   sync.Mutex
	seen map[netip.Addr]string
}

func (l *localIPs) towards(s *Server, f flow) string {
	if f.stream == nil && s.udp != nil {
		if a := unmap(s.udp.LocalAddr().(*net.UDPAddr).AddrPort()).Addr(); !a.IsUnspecified() {
			return a.String()
		}
	}
	peer := f.addr.Addr()
	l.mu.Lock()
	ip, ok := l.seen[peer]
	l.mu.Unlock()
	if ok {
		return ip
	}
	ip = "127.0.0.1"
	if c, err := net.Dial("udp", netip.AddrPortFrom(peer, 9).String()); err == nil {
		ip = unmap(c.LocalAddr().(*net.UDPAddr).AddrPort()).Addr().String()
		_ = c.Close()
	}
	l.mu.Lock()
	if len(l.seen) > 4096 {
		clear(l.seen)
	}
	l.seen[peer] = ip
	l.mu.Unlock()
	return ip
}

func bracket(ip string) string {
	if strings.IndexByte(ip, ':') >= 0 && ip[0] != '[' {
		return "[" + ip + "]"
	}
	return ip
}

func unmap(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }

func remoteAddr(c net.Conn) netip.AddrPort {
	if a, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		return unmap(a.AddrPort())
	}
	a, _ := netip.ParseAddrPort(c.RemoteAddr().String())
	return unmap(a)
}
