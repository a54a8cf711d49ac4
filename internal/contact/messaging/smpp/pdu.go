package smpp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Command is a command_id (§5.1.2.1). Responses have the highest bit set.
type Command uint32

// The commands of this package.
const (
	GenericNack         Command = 0x80000000
	BindReceiver        Command = 0x00000001
	BindReceiverResp    Command = 0x80000001
	BindTransmitter     Command = 0x00000002
	BindTransmitterResp Command = 0x80000002
	SubmitSM            Command = 0x00000004
	SubmitSMResp        Command = 0x80000004
	DeliverSM           Command = 0x00000005
	DeliverSMResp       Command = 0x80000005
	Unbind              Command = 0x00000006
	UnbindResp          Command = 0x80000006
	BindTransceiver     Command = 0x00000009
	BindTransceiverResp Command = 0x80000009
	Outbind             Command = 0x0000000B
	EnquireLink         Command = 0x00000015
	EnquireLinkResp     Command = 0x80000015
)

const respBit Command = 0x80000000

// Response reports whether c answers another command.
func (c Command) Response() bool { return c&respBit != 0 }

// Known reports whether this package speaks c.
func (c Command) Known() bool {
	switch c {
	case GenericNack, BindReceiver, BindReceiverResp, BindTransmitter, BindTransmitterResp, SubmitSM, SubmitSMResp, DeliverSM, DeliverSMResp,
		Unbind, UnbindResp, BindTransceiver, BindTransceiverResp, Outbind, EnquireLink, EnquireLinkResp:
		return true
	}
	return false
}

// Sizes (§3.2): a header is 16 octets; no PDU of ours or theirs is near the limit.
const (
	headerLen = 16
	maxPDU    = 64 << 10
	maxBody   = maxPDU - headerLen
)

// PDU is one protocol data unit. Which fields count depends on Command.
type PDU struct {
	Command  Command
	Status   Status
	Sequence uint32

	Bind    Bind
	Message Short
	ID      string // message_id of submit_sm_resp and deliver_sm_resp
	TLVs    []TLV
}

// Bind is the body of bind requests and their responses (§4.1).
type Bind struct {
	SystemID   string
	Password   string
	SystemType string
	Version    byte
	AddrTON    byte
	AddrNPI    byte
	AddrRange  string
}

// Address is a telephone number with its kind (§5.2.5, §5.2.6).
type Address struct {
	TON  byte
	NPI  byte
	Addr string
}

// Short is the body of submit_sm (§4.4.1) and deliver_sm (§4.6.1).
type Short struct {
	ServiceType string
	Source      Address
	Dest        Address
	ESMClass    byte
	ProtocolID  byte
	Priority    byte
	Schedule    string
	Validity    string
	Registered  byte
	Replace     byte
	Coding      Encoding
	DefaultID   byte
	Text        []byte // short_message, or message_payload
}

// TLV is an optional parameter (§3.2.4).
type TLV struct {
	Tag   uint16
	Value []byte
}

// The optional parameters that are used (§5.3.2).
const (
	tagSarRef      uint16 = 0x020C
	tagSarTotal    uint16 = 0x020E
	tagSarSeq      uint16 = 0x020F
	tagReceiptedID uint16 = 0x001E
	tagState       uint16 = 0x0427
	tagError       uint16 = 0x0423
	tagPayload     uint16 = 0x0424
)

// The bits of esm_class (§5.2.12).
const (
	esmReceipt byte = 0x04
	esmTypes   byte = 0x3C
	esmUDHI    byte = 0x40
)

// Lengths of octet strings, with their closing zero (§5.2).
const (
	lenSystemID    = 16
	lenPassword    = 9
	lenSystemType  = 13
	lenAddrRange   = 41
	lenServiceType = 6
	lenAddr        = 21
	lenTime        = 17
	lenMessageID   = 65
	maxShort       = 254
)

// MalformedError is a PDU that cannot be read. Status is what the sender of
// it is told.
type MalformedError struct {
	Status   Status
	Command  Command
	Sequence uint32
	Reason   string
	// Fatal says that the stream is out of step: there is no next PDU.
	Fatal bool
}

func (e *MalformedError) Error() string {
	return fmt.Sprintf("smpp: %s (status %08X)", e.Reason, uint32(e.Status))
}

// errTooLong is an own field that does not fit.
var errTooLong = errors.New("smpp: field too long")

// ReadPDU reads one PDU. An error that is no *MalformedError is one of r.
func ReadPDU(r io.Reader) (PDU, error) {
	var head [headerLen]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return PDU{}, err
	}
	n := binary.BigEndian.Uint32(head[0:])
	p := PDU{Command: Command(binary.BigEndian.Uint32(head[4:])), Status: Status(binary.BigEndian.Uint32(head[8:])), Sequence: binary.BigEndian.Uint32(head[12:])}
	if n < headerLen || n > maxPDU {
		return p, &MalformedError{Status: StatusInvalidLength, Command: p.Command, Sequence: p.Sequence, Reason: fmt.Sprintf("command_length %d", n), Fatal: true}
	}
	body := make([]byte, n-headerLen)
	if _, err := io.ReadFull(r, body); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return p, err
	}
	err := p.decode(body)
	return p, err
}

// decode reads the body of a PDU whose header is read.
func (p *PDU) decode(body []byte) error {
	d := &decoder{b: body}
	switch p.Command {
	case BindReceiver, BindTransmitter, BindTransceiver:
		p.Bind = Bind{SystemID: d.text(lenSystemID), Password: d.text(lenPassword), SystemType: d.text(lenSystemType),
			Version: d.byte(), AddrTON: d.byte(), AddrNPI: d.byte(), AddrRange: d.text(lenAddrRange)}
	case BindReceiverResp, BindTransmitterResp, BindTransceiverResp:
		if len(body) > 0 { // no body when the status is an error (§4.1.2)
			p.Bind.SystemID = d.text(lenSystemID)
			p.TLVs = d.tlvs()
		}
	case Outbind:
		p.Bind = Bind{SystemID: d.text(lenSystemID), Password: d.text(lenPassword)}
	case SubmitSM, DeliverSM:
		p.decodeShort(d)
	case SubmitSMResp, DeliverSMResp:
		if len(body) > 0 { // no body when the status is an error (§4.4.2)
			p.ID = d.text(lenMessageID)
			p.TLVs = d.tlvs()
		}
	case GenericNack, Unbind, UnbindResp, EnquireLink, EnquireLinkResp:
		// no body; what is there all the same is ignored
	default:
		return &MalformedError{Status: StatusInvalidCommand, Command: p.Command, Sequence: p.Sequence, Reason: fmt.Sprintf("command_id %08X", uint32(p.Command))}
	}
	if d.err != "" {
		return &MalformedError{Status: d.status, Command: p.Command, Sequence: p.Sequence, Reason: d.err}
	}
	return nil
}

func (p *PDU) decodeShort(d *decoder) {
	m := &p.Message
	m.ServiceType = d.text(lenServiceType)
	m.Source = Address{TON: d.byte(), NPI: d.byte(), Addr: d.text(lenAddr)}
	m.Dest = Address{TON: d.byte(), NPI: d.byte(), Addr: d.text(lenAddr)}
	m.ESMClass, m.ProtocolID, m.Priority = d.byte(), d.byte(), d.byte()
	m.Schedule, m.Validity = d.text(lenTime), d.text(lenTime)
	m.Registered, m.Replace, m.Coding, m.DefaultID = d.byte(), d.byte(), Encoding(d.byte()), d.byte()
	m.Text = d.bytes(int(d.byte()))
	p.TLVs = d.tlvs()
	if v, ok := p.tlv(tagPayload); ok && len(m.Text) == 0 {
		m.Text = v
	}
}

// tlv finds an optional parameter.
func (p *PDU) tlv(tag uint16) ([]byte, bool) {
	for _, t := range p.TLVs {
		if t.Tag == tag {
			return t.Value, true
		}
	}
	return nil, false
}

// number reads an optional parameter as a whole number.
func (p *PDU) number(tag uint16) (int, bool) {
	v, ok := p.tlv(tag)
	if !ok || len(v) == 0 || len(v) > 2 {
		return 0, false
	}
	n := 0
	for _, b := range v {
		n = n<<8 | int(b)
	}
	return n, true
}

// decoder reads a body and keeps the first thing that is wrong with it.
type decoder struct {
	b      []byte
	err    string
	status Status
}

func (d *decoder) fail(status Status, reason string) {
	if d.err == "" {
		d.err, d.status, d.b = reason, status, nil
	}
}

func (d *decoder) byte() byte {
	if len(d.b) == 0 {
		d.fail(StatusInvalidLength, "body ends early")
		return 0
	}
	b := d.b[0]
	d.b = d.b[1:]
	return b
}

func (d *decoder) bytes(n int) []byte {
	if n > len(d.b) {
		d.fail(StatusInvalidMessageLength, "sm_length beyond the body")
		return nil
	}
	b := d.b[:n:n]
	d.b = d.b[n:]
	return b
}

// text reads a C-octet string of at most limit octets with its zero (§3.1).
func (d *decoder) text(limit int) string {
	for i, b := range d.b {
		if b == 0 {
			s := string(d.b[:i])
			d.b = d.b[i+1:]
			return s
		}
		if i+1 >= limit {
			d.fail(StatusInvalidLength, "octet string too long")
			return ""
		}
	}
	d.fail(StatusInvalidLength, "octet string without end")
	return ""
}

func (d *decoder) tlvs() []TLV {
	var out []TLV
	for len(d.b) > 0 {
		if len(d.b) < 4 {
			d.fail(StatusInvalidOptional, "optional parameter cut off")
			return nil
		}
		tag, n := binary.BigEndian.Uint16(d.b), int(binary.BigEndian.Uint16(d.b[2:]))
		if n > len(d.b)-4 {
			d.fail(StatusInvalidParamLength, "optional parameter beyond the body")
			return nil
		}
		out = append(out, TLV{Tag: tag, Value: d.b[4 : 4+n : 4+n]})
		d.b = d.b[4+n:]
	}
	return out
}
