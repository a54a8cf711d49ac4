package smpp

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func now() time.Time { return time.Date(2026, 3, 15, 10, 0, 0, 0, time.UTC) }

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.NewReplacer(" ", "", "\n", "", "\t", "").Replace(s))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestSpecification reads and writes PDUs byte by byte. The first is the
// example of §3.2 (table 3-2), the bind_transmitter of an ESME "SMPP3TEST";
// the others are laid out from the tables of the sections named.
func TestSpecification(t *testing.T) {
	for name, c := range map[string]struct {
		wire string
		want PDU
	}{
		"3.2 bind_transmitter": {`0000002F 00000002 00000000 00000001 534D50503354455354 00 7365637265743038 00 5355424D495431 00 00 01 01 00`,
			PDU{Command: BindTransmitter, Sequence: 1, Bind: Bind{SystemID: "SMPP3TEST", Password: "secret08", SystemType: "SUBMIT1", AddrTON: 1, AddrNPI: 1}}},
		"4.1.5 bind_transceiver": {`0000001C 00000009 00000000 00000002 61626300 78797A00 00 34 00 00 00`,
			PDU{Command: BindTransceiver, Sequence: 2, Bind: Bind{SystemID: "abc", Password: "xyz", Version: 0x34}}},
		"4.1.6 bind_transceiver_resp": {`00000019 80000009 00000000 00000002 534D534300 0210000134`,
			PDU{Command: BindTransceiverResp, Sequence: 2, Bind: Bind{SystemID: "SMSC"}, TLVs: []TLV{{0x0210, []byte{0x34}}}}},
		"4.1.6 refused, no body": {`00000010 80000009 0000000E 00000002`, PDU{Command: BindTransceiverResp, Status: StatusInvalidPassword, Sequence: 2}},
		"4.4.1 submit_sm": {`0000002F 00000004 00000000 00000005 00 00 01 393631363600 00 01 3133383000 00 00 00 00 00 01 00 08 00 04 9884 7EA6`,
			PDU{Command: SubmitSM, Sequence: 5, Message: Short{Source: Address{0, 1, "96166"}, Dest: Address{0, 1, "1380"}, Registered: 1, Coding: UCS2, Text: []byte{0x98, 0x84, 0x7E, 0xA6}}}},
		"4.4.2 submit_sm_resp": {`00000014 80000004 00000000 00000005 61623100`, PDU{Command: SubmitSMResp, Sequence: 5, ID: "ab1"}},
		"4.4.2 throttled":      {`00000010 80000004 00000058 00000005`, PDU{Command: SubmitSMResp, Status: StatusThrottled, Sequence: 5}},
		"4.6.1 deliver_sm with sar": {`0000003C 00000005 00000000 00000007 00 01 01 383631333800 00 01 393631363600 00 00 00 00 00 00 00 00 00 01 31
			020C0002ABCD 020E000102 020F000101`,
			PDU{Command: DeliverSM, Sequence: 7, Message: Short{Source: Address{1, 1, "86138"}, Dest: Address{0, 1, "96166"}, Text: []byte("1")},
				TLVs: []TLV{{tagSarRef, []byte{0xAB, 0xCD}}, {tagSarTotal, []byte{2}}, {tagSarSeq, []byte{1}}}}},
		"4.6.2 deliver_sm_resp": {`00000011 80000005 00000000 00000007 00`, PDU{Command: DeliverSMResp, Sequence: 7}},
		"4.11 enquire_link":     {`00000010 00000015 00000000 00000009`, PDU{Command: EnquireLink, Sequence: 9}},
		"4.11 answer":           {`00000010 80000015 00000000 00000009`, PDU{Command: EnquireLinkResp, Sequence: 9}},
		"4.2 unbind":            {`00000010 00000006 00000000 0000000A`, PDU{Command: Unbind, Sequence: 10}},
		"4.3 generic_nack":      {`00000010 80000000 00000003 0000000B`, PDU{Command: GenericNack, Status: StatusInvalidCommand, Sequence: 11}},
		"4.1.7 outbind":         {`00000018 0000000B 00000000 00000001 534D534300 707700`, PDU{Command: Outbind, Sequence: 1, Bind: Bind{SystemID: "SMSC", Password: "pw"}}},
	} {
		t.Run(name, func(t *testing.T) {
			wire := unhex(t, c.wire)
			wire[3] = byte(len(wire)) // the tables above are read by people
			got, err := ReadPDU(bytes.NewReader(wire))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Fatal(d)
			}
			back, err := got.Encode()
			if err != nil || !bytes.Equal(back, wire) {
				t.Fatalf("written as %X, %v; want %X", back, err, wire)
			}
		})
	}
}

// TestMalformed are PDUs that lie about lengths.
func TestMalformed(t *testing.T) {
	short := strings.Repeat("00", 200)
	for name, c := range map[string]struct {
		wire   string
		status Status
		fatal  bool
	}{
		"no length":                  {`00000000 00000015 00000000 00000001`, StatusInvalidLength, true},
		"15 octets":                  {`0000000F 00000015 00000000 00000001`, StatusInvalidLength, true},
		"2 GiB":                      {`80000000 00000005 00000000 00000001`, StatusInvalidLength, true},
		"64 KiB and one":             {`00010001 00000005 00000000 00000001`, StatusInvalidLength, true},
		"unknown command":            {`00000010 00000103 00000000 00000001`, StatusInvalidCommand, false},
		"body ends early":            {`00000011 00000005 00000000 00000001 00`, StatusInvalidLength, false},
		"string without end":         {`00000014 00000009 00000000 00000001 61616161`, StatusInvalidLength, false},
		"string too long":            {`000000D8 00000009 00000000 00000001 ` + strings.ReplaceAll(short, "00", "61"), StatusInvalidLength, false},
		"sm_length beyond":           {`00000021 00000005 00000000 00000001 00 0000 00 0000 00 000000 0000 00000000 FF`, StatusInvalidMessageLength, false},
		"parameter cut off":          {`00000023 00000005 00000000 00000001 00 0000 00 0000 00 000000 0000 00000000 00 0424`, StatusInvalidOptional, false},
		"parameter beyond the body":  {`00000025 00000005 00000000 00000001 00 0000 00 0000 00 000000 0000 00000000 00 0424FFFF`, StatusInvalidParamLength, false},
		"message_id of 66 octets":    {`00000052 80000004 00000000 00000001 ` + strings.Repeat("61", 66), StatusInvalidLength, false},
		"bind with a long password":  {`00000025 00000009 00000000 00000001 6100 ` + strings.Repeat("62", 19), StatusInvalidLength, false},
		"submit with a long address": {`00000035 00000004 00000000 00000001 00 0000 ` + strings.Repeat("33", 34), StatusInvalidLength, false},
	} {
		t.Run(name, func(t *testing.T) {
			wire := unhex(t, c.wire)
			if !c.fatal {
				wire[2], wire[3] = byte(len(wire)>>8), byte(len(wire))
			}
			_, err := ReadPDU(bytes.NewReader(wire))
			var bad *MalformedError
			if !errors.As(err, &bad) || bad.Status != c.status || bad.Fatal != c.fatal || bad.Sequence != 1 {
				t.Fatalf("%v", err)
			}
		})
	}
}

func TestOwnFieldsThatDoNotFit(t *testing.T) {
	for name, p := range map[string]PDU{
		"password": {Command: BindTransceiver, Bind: Bind{Password: "123456789"}},
		"number":   {Command: SubmitSM, Message: Short{Dest: Address{Addr: strings.Repeat("1", 21)}}},
		"zero":     {Command: SubmitSM, Message: Short{Dest: Address{Addr: "1\x002"}}},
		"text":     {Command: SubmitSM, Message: Short{Text: make([]byte, 255)}},
		"command":  {Command: 0x77},
	} {
		t.Run(name, func(t *testing.T) {
			if b, err := p.Encode(); err == nil {
				t.Fatalf("written: %X", b)
			}
		})
	}
}

// FuzzReadPDU reads anything without harm, and what it read it writes and
// reads again as the same.
func FuzzReadPDU(f *testing.F) {
	f.Add([]byte{})
	f.Add(unhex(f, `00000010 00000015 00000000 00000009`))
	f.Add(unhex(f, `0000002F 00000004 00000000 00000005 00 00 01 393631363600 00 01 3133383000 00 00 00 00 00 01 00 08 00 04 9884 7EA6`))
	f.Add(unhex(f, `0000002C 00000005 00000000 00000001 00 0000 00 0000 00 040000 0000 00000000 00 0424000769643A312073`))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := ReadPDU(bytes.NewReader(b))
		if err != nil {
			return
		}
		var j joiner
		_, _ = receiptOf(&p)
		_ = j.add(&p, now())
		wire, err := p.Encode()
		if err != nil { // a message_payload is read, not written
			return
		}
		q, err := ReadPDU(bytes.NewReader(wire))
		if err != nil {
			t.Fatalf("%X was written and is not read: %v", wire, err)
		}
		again, err := q.Encode()
		if err != nil || !bytes.Equal(wire, again) {
			t.Fatalf("%X became %X (%v)", wire, again, err)
		}
	})
}
