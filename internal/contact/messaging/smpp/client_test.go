package smpp

import (
	"bytes"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSubmitAndDeliver(t *testing.T) {
	c := newCentre(t)
	client, b := connected(t, c, func(cfg *Config) { cfg.CountryCode = "86" })
	text := strings.Repeat("【爱心医院】您已预约。", 8)
	ids, err := client.Submit(t.Context(), Submission{To: "13812345678", Text: text, Ref: 9, Until: now()})
	if err != nil || cmp.Diff([]string{"ida", "idb"}, ids) != "" {
		t.Fatalf("%v, %v", ids, err)
	}
	c.mu.Lock()
	var j joiner
	var got []whole
	for _, p := range c.got {
		if p.Message.Dest != (Address{1, 1, "8613812345678"}) || p.Message.Registered != 1 || p.Message.Validity != "260315100000000+" {
			t.Errorf("%+v", p.Message)
		}
		got = append(got, j.add(&p, now())...)
	}
	c.mu.Unlock()
	if len(got) != 1 || got[0].text != text {
		t.Fatalf("arrived as %+v", got)
	}
	c.say(PDU{Command: DeliverSM, Sequence: 1, Message: Short{ESMClass: 4, Text: []byte("id:ida stat:DELIVRD")}})
	c.say(PDU{Command: DeliverSM, Sequence: 2, Message: Short{Source: Address{1, 1, "8613812345678"}, Text: []byte("1")}})
	c.until("receipt and reply are answered", func() bool { return len(c.other) == 2 })
	if c.other[0].Command != DeliverSMResp || c.other[0].Status != StatusOK || c.other[1].Sequence != 2 {
		t.Fatalf("%+v", c.other)
	}
	if d := cmp.Diff([]whole{{"+8613812345678", "1"}}, b.texts, cmp.AllowUnexported(whole{})); d != "" || b.receipts[0].ID != "ida" {
		t.Fatal(d, b.receipts)
	}
	if h := client.Health(); h.Sent != 2 || h.Received != 1 || h.Receipts != 1 || h.Waiting != 0 {
		t.Fatalf("%+v", h)
	}
}

func TestWhatIsNotStoredIsNotAcknowledged(t *testing.T) {
	c := newCentre(t)
	_, b := connected(t, c, nil)
	b.mu.Lock()
	b.refuse = 1
	b.mu.Unlock()
	for seq := range uint32(2) {
		c.say(PDU{Command: DeliverSM, Sequence: seq + 1, Message: Short{Source: Address{0, 1, "1"}, Text: []byte("2")}})
	}
	c.until("both are answered", func() bool { return len(c.other) == 2 })
	if c.other[0].Status != StatusTemporary || c.other[1].Status != StatusOK {
		t.Fatalf("%+v", c.other)
	}
}

func TestThrottlingAndRefusal(t *testing.T) {
	c := newCentre(t)
	var mu sync.Mutex
	statuses := []Status{StatusThrottled, StatusQueueFull, StatusOK, StatusInvalidDest}
	c.answer = func(p PDU) (PDU, bool) {
		if p.Command != SubmitSM {
			return PDU{}, false
		}
		mu.Lock()
		defer mu.Unlock()
		s := statuses[0]
		statuses = statuses[1:]
		return PDU{Command: SubmitSMResp, Status: s, ID: "x"}, true
	}
	client, _ := connected(t, c, nil)
	if ids, err := client.Submit(t.Context(), Submission{To: "1", Text: "a"}); err != nil || ids[0] != "x" {
		t.Fatalf("after two pauses: %v, %v", ids, err)
	}
	_, err := client.Submit(t.Context(), Submission{To: "1", Text: "a"})
	var refused *StatusError
	if !errors.As(err, &refused) || refused.Temporary() {
		t.Fatalf("%v", err)
	}
}

func TestWindow(t *testing.T) {
	c := newCentre(t)
	release := make(chan struct{})
	c.answer = func(p PDU) (PDU, bool) {
		if p.Command == SubmitSM {
			<-release
		}
		return PDU{}, false
	}
	client, _ := connected(t, c, func(cfg *Config) { cfg.Window = 3 })
	var wg sync.WaitGroup
	for range 9 {
		wg.Go(func() {
			if _, err := client.Submit(t.Context(), Submission{To: "1", Text: "a"}); err != nil {
				t.Error(err)
			}
		})
	}
	c.until("the window is full", func() bool { return client.Health().Waiting == 3 })
	for range 9 {
		if n := client.Health().Waiting; n > 3 {
			t.Fatalf("%d requests without an answer", n)
		}
		release <- struct{}{}
	}
	wg.Wait()
}

func TestReconnects(t *testing.T) {
	c := newCentre(t)
	client, _ := connected(t, c, nil)
	c.hangUp()
	c.until("bound again", func() bool { return len(c.binds) >= 2 })
	c.until("healthy", func() bool { return client.Health().Bound })
	if _, err := client.Submit(t.Context(), Submission{To: "1", Text: "a"}); err != nil {
		t.Fatal(err)
	}
	c.say(PDU{Command: Unbind, Sequence: 77})
	c.until("unbind is answered", func() bool {
		return len(c.other) > 0 && c.other[len(c.other)-1].Command == UnbindResp
	})
	c.hangUp()
	c.until("and bound a third time", func() bool { return len(c.binds) >= 3 })
}

func TestWrongPassword(t *testing.T) {
	c := newCentre(t)
	c.answer = func(p PDU) (PDU, bool) {
		return PDU{Command: p.Command | respBit, Status: StatusInvalidPassword}, p.Command == BindTransceiver
	}
	client := New(Config{Addr: c.ln.Addr().String(), Retry: 5 * time.Millisecond}, &box{})
	if err := client.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.until("tried twice", func() bool { return len(c.binds) >= 2 })
	c.until("the reason is known", func() bool { return strings.Contains(client.Health().LastError, "0000000E") })
	if _, err := client.Submit(t.Context(), Submission{To: "1", Text: "a"}); !errors.Is(err, ErrNotBound) {
		t.Fatalf("%v", err)
	}
	if err := client.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestSeparateBinds(t *testing.T) {
	c := newCentre(t)
	client, _ := connected(t, c, func(cfg *Config) { cfg.Separate = true })
	c.mu.Lock()
	kinds := map[Command]bool{}
	for _, p := range c.binds {
		kinds[p.Command] = true
	}
	c.mu.Unlock()
	if !kinds[BindTransmitter] || !kinds[BindReceiver] {
		t.Fatalf("%v", kinds)
	}
	if _, err := client.Submit(t.Context(), Submission{To: "+4915112345", Text: "a"}); err != nil {
		t.Fatal(err)
	}
	if a := c.got[0].Message.Dest; a != (Address{1, 1, "4915112345"}) {
		t.Fatalf("%+v", a)
	}
}

// TestCentreMisbehaves: what we do not speak is refused politely (§4.3), and a
// wrong length ends the connection.
func TestCentreMisbehaves(t *testing.T) {
	c := newCentre(t)
	client, _ := connected(t, c, nil)
	c.say(PDU{Command: EnquireLink, Sequence: 5})
	c.say(PDU{Command: SubmitSM, Sequence: 6})
	c.say(PDU{Command: BindTransceiver, Sequence: 7})
	c.say(PDU{Command: Outbind, Sequence: 8})
	c.mu.Lock()
	conn := c.conns[0]
	c.mu.Unlock()
	raw := func(s string) {
		if _, err := conn.Write(unhex(t, s)); err != nil {
			t.Error(err)
		}
	}
	raw(`00000010 00000103 00000000 00000009`) // data_sm is not spoken
	raw(`00000011 00000005 00000000 0000000A 00`)
	raw(`FFFFFFFF 00000005 00000000 0000000B`)
	want := []PDU{
		{Command: EnquireLinkResp, Sequence: 5}, {Command: SubmitSMResp, Status: StatusBindState, Sequence: 6},
		{Command: BindTransceiverResp, Status: StatusAlreadyBound, Sequence: 7}, {Command: GenericNack, Status: StatusInvalidCommand, Sequence: 8},
		{Command: GenericNack, Status: StatusInvalidCommand, Sequence: 9}, {Command: GenericNack, Status: StatusInvalidLength, Sequence: 10},
		{Command: GenericNack, Status: StatusInvalidLength, Sequence: 11},
	}
	c.until("all are answered", func() bool { return len(c.other) == len(want) })
	if d := cmp.Diff(want, c.other); d != "" {
		t.Fatal(d)
	}
	c.until("a new connection", func() bool { return len(c.binds) >= 2 })
	c.until("bound", func() bool { return client.Health().Bound })
}

func TestSilentCentreIsLeft(t *testing.T) {
	c := newCentre(t)
	c.answer = func(p PDU) (PDU, bool) { return PDU{}, p.Command == EnquireLink }
	connected(t, c, func(cfg *Config) { cfg.Keepalive, cfg.Timeout = 20*time.Millisecond, 40*time.Millisecond })
	c.until("another bind", func() bool { return len(c.binds) >= 2 })
}

func TestPayloadIsText(t *testing.T) {
	wire := unhex(t, `00000028 00000005 00000000 00000001 00 0000 00 0000 00 000000 0000 00000000 00 0424 0002 3132`)
	wire[3] = byte(len(wire))
	p, err := ReadPDU(bytes.NewReader(wire))
	if err != nil || string(p.Message.Text) != "12" {
		t.Fatalf("%+v, %v", p, err)
	}
}
