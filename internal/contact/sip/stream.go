package sip

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

// packetConn delivers whole messages of a stream.
type packetConn interface {
	// next returns the next message; an empty one is a keepalive to answer.
	next() ([]byte, error)
	send(data []byte) error
	Close() error
}

type streamOrigin uint8

const (
	streamAccepted streamOrigin = iota
	streamDialled
)

// stream is one TCP, TLS or WebSocket connection.
type stream struct {
	s      *Server
	name   string
	conn   packetConn
	addr   netip.AddrPort
	origin streamOrigin
	dead   atomic.Bool
	mu     sync.Mutex // serialises writes
}

const (
	streamIdle  = 70 * time.Minute // a phone refreshes more often; dead peers are found by TCP keepalive
	streamGreet = 20 * time.Second // until the first whole message
	streamWrite = 10 * time.Second
)

func (st *stream) write(data []byte) error {
	if st.dead.Load() {
		return errFlowClosed
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	if err := st.conn.send(data); err != nil {
		_ = st.conn.Close() // the reader notices and cleans up
		return err
	}
	return nil
}

// read runs until the connection ends; messages are handled in its goroutine,
// which keeps them in order.
func (st *stream) read() {
	defer func() {
		st.dead.Store(true)
		_ = st.conn.Close()
		st.s.forget(st)
		st.s.flowGone(st)
	}()
	f := flow{transport: st.name, addr: st.addr, stream: st}
	for {
		data, err := st.conn.next()
		if err != nil {
			return
		}
		if len(data) == 0 { // RFC 5626 §4.4.1 ping → pong
			if st.write([]byte("\r\n")) != nil {
				return
			}
			continue
		}
		if !looksLikeSIP(data) {
			st.s.stats.dropped.Add(1)
			return
		}
		st.s.receive(data, f)
	}
}

func (st *stream) close() {
	st.dead.Store(true)
	_ = st.conn.Close()
}

// lineConn frames messages of a byte stream by Content-Length (RFC 3261 §18.3).
type lineConn struct {
	net.Conn
	r       *bufio.Reader
	buf     []byte
	greeted bool
}

var errFraming = errors.New("sip: cannot frame stream")

func (c *lineConn) send(data []byte) error {
	if err := c.SetWriteDeadline(time.Now().Add(streamWrite)); err != nil {
		return err
	}
	_, err := c.Write(data)
	return err
}

func (c *lineConn) next() ([]byte, error) {
	if c.r == nil {
		c.r = bufio.NewReaderSize(c.Conn, 8192)
		if t, ok := c.Conn.(*tls.Conn); ok {
			_ = t.SetDeadline(time.Now().Add(streamGreet))
			if err := t.Handshake(); err != nil {
				return nil, err
			}
		}
	}
	idle := streamIdle
	if !c.greeted {
		idle = streamGreet
	}
	if err := c.SetReadDeadline(time.Now().Add(idle)); err != nil {
		return nil, err
	}
	c.buf = c.buf[:0]
	crlf := 0
	for {
		line, err := c.r.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return nil, err
		}
		if len(c.buf) == 0 && (len(line) == 2 && line[0] == '\r') {
			if crlf++; crlf == 2 {
				c.greeted = true
				return nil, nil
			}
			continue
		}
		if len(c.buf) == 0 { // a begun message has to come through soon
			_ = c.SetReadDeadline(time.Now().Add(streamGreet))
		}
		c.buf = append(c.buf, line...)
		if len(c.buf) > maxMessage {
			return nil, errFraming
		}
		if err == nil && len(line) == 2 && line[0] == '\r' && bytes.HasSuffix(c.buf, []byte("\r\n\r\n")) {
			break
		}
	}
	n, ok := contentLength(c.buf)
	if !ok || len(c.buf)+n > maxMessage {
		return nil, errFraming
	}
	head := len(c.buf)
	c.buf = append(c.buf, make([]byte, n)...)
	_, err := io.ReadFull(c.r, c.buf[head:])
	c.greeted = true
	return c.buf, err
}

// contentLength finds the body length in a header block; absent means none.
func contentLength(head []byte) (int, bool) {
	for line := range bytes.SplitSeq(head, []byte("\r\n")) {
		name, val, ok := bytes.Cut(line, []byte(":"))
		if !ok || headerID(string(bytes.TrimSpace(name))) != hContentLength {
			continue
		}
		n := 0
		val = bytes.TrimSpace(val)
		if len(val) == 0 || len(val) > 6 {
			return 0, false
		}
		for _, c := range val {
			if c < '0' || c > '9' {
				return 0, false
			}
			n = n*10 + int(c-'0')
		}
		return n, true
	}
	return 0, true
}

// ServeWebSocket upgrades a request on /sip (subprotocol "sip", RFC 7118) and
// serves it until the client goes. The HTTP server owns header timeouts, so a
// client that never finishes its upgrade costs nothing here.
func (s *Server) ServeWebSocket(w http.ResponseWriter, r *http.Request) {
	if s.ctx == nil || s.stopping.Load() {
		http.Error(w, http.StatusText(http.StatusServiceUnavailable), http.StatusServiceUnavailable)
		return
	}
	addr, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !s.edge.allowed(addr.Addr().Unmap()) {
		http.Error(w, http.StatusText(http.StatusForbidden), http.StatusForbidden)
		return
	}
	c, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"sip"}})
	if err != nil {
		return // Accept has answered
	}
	if c.Subprotocol() != "sip" {
		_ = c.Close(websocket.StatusPolicyViolation, "subprotocol sip required")
		return
	}
	c.SetReadLimit(maxMessage)
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	wc := &wsConn{c: c, ctx: ctx, cancel: cancel}
	if s.adopt("WS", wc, unmap(addr), streamAccepted) != nil {
		<-ctx.Done()
	}
}

// wsConn is a WebSocket: one message per frame.
type wsConn struct {
	c       *websocket.Conn
	ctx     context.Context // of the connection's life, ended by Close
	cancel  context.CancelFunc
	greeted bool
}

func (c *wsConn) next() ([]byte, error) {
	idle := streamIdle
	if !c.greeted {
		idle = streamGreet
	}
	ctx, cancel := context.WithTimeout(c.ctx, idle)
	defer cancel()
	_, data, err := c.c.Read(ctx)
	c.greeted = true
	if err == nil && isKeepalive(data) {
		return nil, nil
	}
	return data, err
}

func (c *wsConn) send(data []byte) error {
	ctx, cancel := context.WithTimeout(c.ctx, streamWrite)
	defer cancel()
	return c.c.Write(ctx, websocket.MessageText, data)
}

func (c *wsConn) Close() error {
	c.cancel()
	return c.c.CloseNow()
}
