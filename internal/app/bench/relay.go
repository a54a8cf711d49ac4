package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// datagramsPerCall is what the server receives for one authenticated call
// between two phones: 2 INVITE, 2 ACK, BYE from the caller; 180, 200, 200 from
// the callee. It sends about as many and a half more.
const datagramsPerCall = 8

// relayCost is the CPU that a bare loop needs to take and pass on n datagrams
// of a SIP message's size, in a process of its own.
func relayCost(ctx context.Context, binary string, n int) (time.Duration, error) {
	cmd := exec.CommandContext(ctx, binary, "bench", "relay")
	in, err := cmd.StdinPipe()
	if err != nil {
		return 0, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	var addr string
	if _, err := fmt.Fscanln(out, &addr); err != nil {
		return 0, errors.Join(err, cmd.Process.Kill(), cmd.Wait())
	}
	err = feed(addr, n)
	if err := errors.Join(err, in.Close(), cmd.Wait()); err != nil {
		return 0, err
	}
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), nil
}

// feed sends n datagrams, never more than a handful ahead of the relay.
func feed(addr string, n int) error {
	c, err := net.Dial("udp", addr)
	if err != nil {
		return err
	}
	defer c.Close()
	message := []byte(strings.Repeat("INVITE sip:7002@127.0.0.1 SIP/2.0\r\n", 17)) // about 600 bytes
	back := make([]byte, 2048)
	const ahead = 16
	for sent, got := 0, 0; got < n; {
		for sent < n && sent-got < ahead {
			if _, err := c.Write(message); err != nil {
				return err
			}
			sent++
		}
		if err := c.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
			return err
		}
		if _, err := c.Read(back); err != nil {
			return fmt.Errorf("relay lost a datagram: %w", err)
		}
		got++
	}
	return nil
}

// Relay is the bare loop: it prints its address, sends every datagram back to
// where it came from, and ends when in does.
func Relay(in io.Reader, out io.Writer) error {
	c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(out, c.LocalAddr()); err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(io.Discard, in) // the end of input is the only message
		_ = c.Close()                  // ends the loop below
	}()
	buf := make([]byte, 2048)
	for {
		n, from, err := c.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := c.WriteToUDPAddrPort(buf[:n], from); err != nil && !errors.Is(err, syscall.ECONNREFUSED) {
			return err
		}
	}
}
