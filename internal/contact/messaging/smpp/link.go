package smpp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// link is one bind: it connects, binds, reads, keeps alive, and connects
// again when the connection is lost.
type link struct {
	c      *Client
	bind   Command
	window chan struct{}
	seq    atomic.Uint32

	mu      sync.Mutex
	conn    net.Conn // nil while not bound
	pending map[uint32]chan PDU
	since   time.Time
	lastErr string
	write   sync.Mutex // one PDU is written at a time
	heard   atomic.Int64
}

func newLink(c *Client, bind Command) *link {
	return &link{c: c, bind: bind, window: make(chan struct{}, c.cfg.Window), pending: make(map[uint32]chan PDU), since: c.cfg.Now()}
}

func (l *link) state() (bound bool, since time.Time, lastErr string, waiting int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.conn != nil, l.since, l.lastErr, len(l.pending)
}

// run keeps the bind until ctx ends.
func (l *link) run(ctx context.Context) {
	pause := l.c.cfg.Retry
	for ctx.Err() == nil {
		began := l.c.cfg.Now()
		err := l.session(ctx)
		if ctx.Err() != nil {
			return
		}
		l.c.cfg.Log.WarnContext(ctx, "message centre connection lost", "bind", fmt.Sprintf("%08X", uint32(l.bind)), "error", err)
		l.note(err)
		if l.c.cfg.Now().Sub(began) > time.Minute {
			pause = l.c.cfg.Retry
		}
		if sleep(ctx, pause) != nil {
			return
		}
		pause = min(2*pause, time.Minute)
	}
}

func (l *link) note(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.since, l.lastErr = l.c.cfg.Now(), ""
	if err != nil {
		l.lastErr = err.Error()
	}
}

// session is one connection from its first octet to its last.
func (l *link) session(ctx context.Context) error {
	conn, err := l.c.cfg.Dial(ctx, l.c.cfg.Addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	r := bufio.NewReaderSize(conn, 16<<10)
	if err := l.login(conn, r); err != nil {
		return err
	}
	l.mu.Lock()
	l.conn, l.since, l.lastErr = conn, l.c.cfg.Now(), ""
	l.mu.Unlock()
	l.c.cfg.Log.InfoContext(ctx, "message centre bound", "bind", fmt.Sprintf("%08X", uint32(l.bind)))
	defer l.drop()
	inner, cancel := context.WithCancel(ctx)
	inbox := make(chan PDU, l.c.cfg.Window)
	var tasks sync.WaitGroup
	tasks.Go(func() { l.deliver(inner, inbox) })
	tasks.Go(func() { l.keepAlive(inner, conn) })
	err = l.read(conn, r, inbox)
	cancel()
	close(inbox)
	tasks.Wait()
	return err
}

// login binds (§4.1) and waits for the answer.
func (l *link) login(conn net.Conn, r io.Reader) error {
	cfg := l.c.cfg
	p := PDU{Command: l.bind, Sequence: l.next(), Bind: Bind{SystemID: cfg.SystemID, Password: cfg.Password, SystemType: cfg.SystemType, Version: 0x34}}
	if err := conn.SetDeadline(time.Now().Add(cfg.Timeout)); err != nil {
		return err
	}
	if err := l.put(conn, p); err != nil {
		return err
	}
	for {
		answer, err := ReadPDU(r)
		if err != nil {
			return err
		}
		if answer.Sequence != p.Sequence || !answer.Command.Response() {
			continue
		}
		if answer.Status != StatusOK || answer.Command != p.Command|respBit {
			return fmt.Errorf("bind: %w", &StatusError{Status: answer.Status})
		}
		return conn.SetDeadline(time.Time{})
	}
}

// drop ends a bind: whoever waits for an answer gets none.
func (l *link) drop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conn = nil
	for seq, ch := range l.pending {
		close(ch)
		delete(l.pending, seq)
	}
}

// next is the sequence_number of the next request: 1 to 0x7FFFFFFF (§3.2).
func (l *link) next() uint32 {
	for {
		if n := l.seq.Add(1) & 0x7FFFFFFF; n != 0 {
			return n
		}
	}
}

func (l *link) put(conn net.Conn, p PDU) error {
	b, err := p.Encode()
	if err != nil {
		return err
	}
	l.write.Lock()
	defer l.write.Unlock()
	if err := conn.SetWriteDeadline(time.Now().Add(l.c.cfg.Timeout)); err != nil {
		return err
	}
	_, err = conn.Write(b)
	return err
}

// request sends p and waits for its answer, within the window.
func (l *link) request(ctx context.Context, p PDU) (PDU, error) {
	ctx, cancel := context.WithTimeout(ctx, l.c.cfg.Timeout)
	defer cancel()
	select {
	case l.window <- struct{}{}:
		defer func() { <-l.window }()
	case <-ctx.Done():
		return PDU{}, ctx.Err()
	}
	p.Sequence = l.next()
	answer := make(chan PDU, 1)
	l.mu.Lock()
	conn := l.conn
	if conn != nil {
		l.pending[p.Sequence] = answer
	}
	l.mu.Unlock()
	if conn == nil {
		return PDU{}, ErrNotBound
	}
	defer func() {
		l.mu.Lock()
		delete(l.pending, p.Sequence)
		l.mu.Unlock()
	}()
	if err := l.put(conn, p); err != nil {
		if errors.Is(err, errTooLong) {
			return PDU{}, err
		}
		_ = conn.Close() // a PDU may be cut: nothing after it would be understood
		return PDU{}, fmt.Errorf("write: %w", err)
	}
	select {
	case a, ok := <-answer:
		if !ok {
			return PDU{}, ErrNotBound
		}
		return a, nil
	case <-ctx.Done():
		return PDU{}, ctx.Err()
	}
}

// read takes PDUs until the connection ends.
func (l *link) read(conn net.Conn, r io.Reader, inbox chan<- PDU) error {
	for {
		p, err := ReadPDU(r)
		var bad *MalformedError
		switch {
		case errors.As(err, &bad):
			if err := l.refuse(conn, bad); err != nil {
				return err
			}
			continue
		case err != nil:
			return err
		}
		l.heard.Store(time.Now().UnixNano())
		if p.Command.Response() {
			l.settle(p)
			continue
		}
		if p.Command == DeliverSM {
			inbox <- p
			continue
		}
		if end, err := l.serve(conn, p); err != nil || end {
			return err
		}
	}
}

// refuse answers what cannot be read with generic_nack (§4.3); after a wrong
// length nothing that follows can be trusted.
func (l *link) refuse(conn net.Conn, bad *MalformedError) error {
	if bad.Command.Response() && !bad.Fatal {
		l.settle(PDU{Command: GenericNack, Status: bad.Status, Sequence: bad.Sequence})
		return nil
	}
	err := l.put(conn, PDU{Command: GenericNack, Status: bad.Status, Sequence: bad.Sequence})
	if bad.Fatal {
		return errors.Join(bad, err)
	}
	return err
}

// settle gives an answer to who waits for it.
func (l *link) settle(p PDU) {
	l.mu.Lock()
	ch := l.pending[p.Sequence]
	delete(l.pending, p.Sequence)
	l.mu.Unlock()
	if ch != nil {
		ch <- p
	}
}

// errUnbound is how a session ends that the centre unbound.
var errUnbound = errors.New("unbound by the message centre")

// serve answers the requests of the centre besides deliver_sm.
func (l *link) serve(conn net.Conn, p PDU) (end bool, err error) {
	switch p.Command {
	case EnquireLink:
		return false, l.put(conn, PDU{Command: EnquireLinkResp, Sequence: p.Sequence})
	case Unbind:
		return true, errors.Join(errUnbound, l.put(conn, PDU{Command: UnbindResp, Sequence: p.Sequence}))
	case SubmitSM: // we are no centre
		return false, l.put(conn, PDU{Command: SubmitSMResp, Status: StatusBindState, Sequence: p.Sequence})
	case BindReceiver, BindTransmitter, BindTransceiver:
		return false, l.put(conn, PDU{Command: p.Command | respBit, Status: StatusAlreadyBound, Sequence: p.Sequence})
	}
	return false, l.put(conn, PDU{Command: GenericNack, Status: StatusInvalidCommand, Sequence: p.Sequence})
}

// deliver hands incoming messages on, one after another, and acknowledges
// what was stored.
func (l *link) deliver(ctx context.Context, inbox <-chan PDU) {
	for p := range inbox {
		status := StatusOK
		if err := l.c.incoming(context.WithoutCancel(ctx), &p); err != nil {
			l.c.cfg.Log.ErrorContext(ctx, "incoming message not stored", "error", err)
			status = StatusTemporary
		}
		l.mu.Lock()
		conn := l.conn
		l.mu.Unlock()
		if conn == nil {
			continue
		}
		if err := l.put(conn, PDU{Command: DeliverSMResp, Status: status, Sequence: p.Sequence}); err != nil {
			_ = conn.Close() // read ends the session
		}
	}
}

// keepAlive asks a silent centre whether it is there (§4.11).
func (l *link) keepAlive(ctx context.Context, conn net.Conn) {
	tick := time.NewTicker(l.c.cfg.Keepalive)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		l.c.sweep(ctx)
		if time.Since(time.Unix(0, l.heard.Load())) < l.c.cfg.Keepalive {
			continue
		}
		if _, err := l.request(ctx, PDU{Command: EnquireLink}); err != nil && ctx.Err() == nil {
			_ = conn.Close()
			return
		}
	}
}

// unbind says goodbye, if there is a bind.
func (l *link) unbind(ctx context.Context) {
	l.mu.Lock()
	bound := l.conn != nil
	l.mu.Unlock()
	if bound {
		_, _ = l.request(ctx, PDU{Command: Unbind}) // the connection is closed either way
	}
}
