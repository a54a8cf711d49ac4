package messaging

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"heartline/internal/contact/messaging/smpp"
	"heartline/internal/platform/store/storetest"
)

// smsc is the message centre of e2e/smsc: another program, from npm, with its
// own idea of the protocol.
type smsc struct {
	t    *testing.T
	in   io.Writer
	port int

	mu     sync.Mutex
	events []smscEvent
}

type smscEvent struct {
	Event  string `json:"event"`
	Port   int    `json:"port"`
	To     string `json:"to"`
	Text   string `json:"text"`
	Parts  int    `json:"parts"`
	Coding int    `json:"coding"`
	Units  int    `json:"units"`
	Status int    `json:"status"`
	OK     bool   `json:"ok"`
	Kind   string `json:"kind"`
}

func startSMSC(t *testing.T) *smsc {
	t.Helper()
	dir := filepath.Join("..", "..", "..", "e2e", "smsc")
	node, err := exec.LookPath("node")
	if err == nil {
		_, err = os.Stat(filepath.Join(dir, "..", "node_modules", "smpp"))
	}
	if err != nil {
		if os.Getenv("HEARTLINE_SKIP_PEERS") == "1" {
			t.Skip("message centre left out: HEARTLINE_SKIP_PEERS=1")
		}
		t.Fatalf("the message centre needs node and `npm ci` in e2e, or HEARTLINE_SKIP_PEERS=1: %v", err)
	}
	cmd := exec.CommandContext(t.Context(), node, "smsc.mjs", "0")
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := &smsc{t: t, in: in}
	var reader sync.WaitGroup
	reader.Go(func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			var e smscEvent
			if json.Unmarshal(lines.Bytes(), &e) == nil {
				c.mu.Lock()
				c.events = append(c.events, e)
				c.mu.Unlock()
			}
		}
	})
	t.Cleanup(func() {
		_ = in.Close() // ends the program
		reader.Wait()
		_ = cmd.Wait()
	})
	c.port = c.wait("listening", func(smscEvent) bool { return true }).Port
	return c
}

// wait returns the first event of a kind that fits.
func (c *smsc) wait(kind string, fits func(smscEvent) bool) smscEvent {
	c.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		c.mu.Lock()
		for _, e := range c.events {
			if e.Event == kind && fits(e) {
				c.mu.Unlock()
				return e
			}
		}
		seen := fmt.Sprintf("%+v", c.events)
		c.mu.Unlock()
		if time.Now().After(deadline) {
			c.t.Fatalf("no %s among %s", kind, seen)
		}
		<-time.After(5 * time.Millisecond)
	}
}

func (c *smsc) reply(from, text string) {
	c.t.Helper()
	b, err := json.Marshal(map[string]string{"from": from, "to": "96166", "text": text})
	if err != nil {
		c.t.Fatal(err)
	}
	if _, err := c.in.Write(append(b, '\n')); err != nil {
		c.t.Fatal(err)
	}
}

// TestBookingThroughARealMessageCentre: the Chinese text of a booking arrives
// whole with the right number of segments, the receipts change its state, and
// the answer "1" comes back to the message it answers.
func TestBookingThroughARealMessageCentre(t *testing.T) {
	for _, c := range []struct {
		name     string
		long     smpp.Long
		separate bool
	}{{"udh, transceiver", smpp.UDH, false}, {"sar, two binds", smpp.SAR, true}} {
		t.Run(c.name, func(t *testing.T) {
			centre := startSMSC(t)
			r := newRig(t, storetest.SQLite(t))
			r.s.d.Sender = NewSMPPSender(smpp.Config{Addr: fmt.Sprintf("127.0.0.1:%d", centre.port), SystemID: "heartline", Password: "secret08",
				Source: smpp.SourceAddress("96166"), CountryCode: "86", Long: c.long, Separate: c.separate, Retry: 10 * time.Millisecond})
			l := &listener{takes: "booking.reminder"}
			r.s.OnReply(l.hear)
			r.start()
			deadline := time.Now().Add(20 * time.Second)
			for !r.s.d.Sender.Health(t.Context()).Up && time.Now().Before(deadline) {
				<-time.After(5 * time.Millisecond)
			}
			params := visit("doctor", "李文", "room", "门诊楼3层305诊室", "preparation", "请空腹，带好既往检查报告和医保卡😀。")
			id := r.must(Outgoing{PatientID: "p1", Ref: "a1", Template: "booking.reminder", Params: params})
			m := r.until(id, StateDelivered)
			got := centre.wait("message", func(e smscEvent) bool { return e.To == "8613812345678" })
			if got.Text != m.Text || got.Parts != m.Segments || m.Segments != 2 || !strings.Contains(got.Text, "😀") {
				t.Fatalf("arrived in %d parts as %q, sent in %d as %q", got.Parts, got.Text, m.Segments, m.Text)
			}
			if p := centre.wait("part", func(smscEvent) bool { return true }); p.Coding != 8 {
				t.Fatalf("%+v", p)
			}
			latin := r.must(Outgoing{To: "+4915112345678", Text: "Grüße @ €5 [ok]"})
			r.until(latin, StateDelivered)
			if got := centre.wait("message", func(e smscEvent) bool { return e.To == "4915112345678" }); got.Text != "Grüße @ €5 [ok]" || got.Parts != 1 {
				t.Fatalf("%+v", got)
			}
			centre.reply("8613812345678", "1")
			if d := centre.wait("delivered", func(smscEvent) bool { return true }); d.Status != 0 {
				t.Fatalf("%+v", d)
			}
			in, err := r.s.List(r.sys(), Filter{Direction: In})
			if err != nil || len(in.Messages) != 1 || in.Messages[0].Answers != id {
				t.Fatalf("%+v, %v", in, err)
			}
			if m := r.wait(in.Messages[0].ID, "handled", func(m Message) bool { return m.Handled }); m.Ref != "a1" || m.Text != "1" {
				t.Fatalf("%+v", m)
			}
			if h := r.s.d.Sender.Health(t.Context()); h.Sent != 3 || h.Receipts != 3 || h.Received != 1 {
				t.Fatalf("%+v", h)
			}
		})
	}
}
