package smpp

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"
)

// centre is a message centre of our own codec: it answers as a test says.
type centre struct {
	t  *testing.T
	ln net.Listener

	mu     sync.Mutex
	conns  []net.Conn
	binds  []PDU
	got    []PDU // submissions
	other  []PDU // answers and what else came
	answer func(p PDU) (PDU, bool)
	change chan struct{}
	tasks  sync.WaitGroup
}

func newCentre(t *testing.T) *centre {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &centre{t: t, ln: ln, change: make(chan struct{}, 1)}
	c.tasks.Go(c.accept)
	t.Cleanup(func() {
		_ = ln.Close()
		c.hangUp()
		c.tasks.Wait()
	})
	return c
}

func (c *centre) accept() {
	for {
		conn, err := c.ln.Accept()
		if err != nil {
			return
		}
		c.mu.Lock()
		c.conns = append(c.conns, conn)
		c.mu.Unlock()
		c.tasks.Go(func() { c.serve(conn) })
	}
}

func (c *centre) serve(conn net.Conn) {
	for {
		p, err := ReadPDU(conn)
		if err != nil {
			return
		}
		c.mu.Lock()
		switch p.Command {
		case BindTransceiver, BindTransmitter, BindReceiver:
			c.binds = append(c.binds, p)
		case SubmitSM:
			c.got = append(c.got, p)
		default:
			c.other = append(c.other, p)
		}
		answer := c.answer
		c.mu.Unlock()
		c.nudge()
		reply, ok := c.usual(p)
		if answer != nil {
			if r, use := answer(p); use {
				reply, ok = r, r.Command != 0
			}
		}
		if ok {
			reply.Sequence = p.Sequence
			c.send(conn, reply)
		}
	}
}

func (c *centre) nudge() {
	select {
	case c.change <- struct{}{}:
	default:
	}
}

// usual is how a friendly centre answers.
func (c *centre) usual(p PDU) (PDU, bool) {
	switch p.Command {
	case SubmitSM:
		c.mu.Lock()
		defer c.mu.Unlock()
		return PDU{Command: SubmitSMResp, ID: "id" + string(rune('a'+len(c.got)-1))}, true
	case BindTransceiver, BindTransmitter, BindReceiver, EnquireLink, Unbind:
		return PDU{Command: p.Command | respBit, Bind: Bind{SystemID: "test"}}, true
	}
	return PDU{}, false
}

func (c *centre) send(conn net.Conn, p PDU) {
	b, err := p.Encode()
	if err == nil {
		_, err = conn.Write(b)
	}
	if err != nil && !errors.Is(err, net.ErrClosed) {
		c.t.Logf("centre: %v", err)
	}
}

// say sends a PDU of the centre's own on the newest connection.
func (c *centre) say(p PDU) {
	c.mu.Lock()
	conn := c.conns[len(c.conns)-1]
	c.mu.Unlock()
	c.send(conn, p)
}

func (c *centre) hangUp() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.conns {
		_ = conn.Close()
	}
	c.conns = nil
}

// until waits for a condition that is looked at whenever something came.
func (c *centre) until(what string, ok func() bool) {
	c.t.Helper()
	deadline := time.After(10 * time.Second)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		c.mu.Lock()
		done := ok()
		c.mu.Unlock()
		if done {
			return
		}
		select {
		case <-c.change:
		case <-tick.C:
		case <-deadline:
			c.t.Fatalf("never happened: %s", what)
		}
	}
}

// box keeps what the client hands on.
type box struct {
	mu       sync.Mutex
	receipts []Receipt
	texts    []whole
	refuse   int // so many calls fail first
}

func (b *box) Receipt(_ context.Context, r Receipt) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.receipts = append(b.receipts, r)
	return nil
}

func (b *box) Message(_ context.Context, from, text string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.refuse > 0 {
		b.refuse--
		return errors.New("disk full")
	}
	b.texts = append(b.texts, whole{from, text})
	return nil
}

// connected starts a client against c and waits for its bind.
func connected(t *testing.T, c *centre, change func(*Config)) (*Client, *box) {
	t.Helper()
	cfg := Config{Addr: c.ln.Addr().String(), SystemID: "heartline", Password: "secret", Source: SourceAddress("96166"),
		Timeout: 5 * time.Second, Retry: 5 * time.Millisecond}
	if change != nil {
		change(&cfg)
	}
	b := &box{}
	client := New(cfg, b)
	if err := client.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := client.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	c.until("bound", func() bool { return client.Health().Bound })
	return client, b
}
