package smpp

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// Encode writes a PDU.
func (p *PDU) Encode() ([]byte, error) {
	e := &encoder{b: make([]byte, headerLen, 256)}
	switch p.Command {
	case BindReceiver, BindTransmitter, BindTransceiver:
		b := p.Bind
		e.text(b.SystemID, lenSystemID)
		e.text(b.Password, lenPassword)
		e.text(b.SystemType, lenSystemType)
		e.b = append(e.b, b.Version, b.AddrTON, b.AddrNPI)
		e.text(b.AddrRange, lenAddrRange)
	case BindReceiverResp, BindTransmitterResp, BindTransceiverResp:
		if p.Status == StatusOK {
			e.text(p.Bind.SystemID, lenSystemID)
			e.tlvs(p.TLVs)
		}
	case Outbind:
		e.text(p.Bind.SystemID, lenSystemID)
		e.text(p.Bind.Password, lenPassword)
	case SubmitSM, DeliverSM:
		e.short(&p.Message)
		e.tlvs(p.TLVs)
	case SubmitSMResp:
		if p.Status == StatusOK {
			e.text(p.ID, lenMessageID)
			e.tlvs(p.TLVs)
		}
	case DeliverSMResp:
		e.text("", lenMessageID) // unused, always empty (§4.6.2)
	case GenericNack, Unbind, UnbindResp, EnquireLink, EnquireLinkResp:
	default:
		return nil, fmt.Errorf("smpp: encode command %08X: unknown", uint32(p.Command))
	}
	if e.err == nil && len(e.b) > maxPDU {
		e.err = errTooLong
	}
	if e.err != nil {
		return nil, e.err
	}
	binary.BigEndian.PutUint32(e.b[0:], uint32(len(e.b)))
	binary.BigEndian.PutUint32(e.b[4:], uint32(p.Command))
	binary.BigEndian.PutUint32(e.b[8:], uint32(p.Status))
	binary.BigEndian.PutUint32(e.b[12:], p.Sequence)
	return e.b, nil
}

type encoder struct {
	b   []byte
	err error
}

func (e *encoder) text(s string, limit int) {
	if len(s) >= limit || strings.IndexByte(s, 0) >= 0 {
		e.err = errTooLong
		return
	}
	e.b = append(append(e.b, s...), 0)
}

func (e *encoder) short(m *Short) {
	e.text(m.ServiceType, lenServiceType)
	for _, a := range []Address{m.Source, m.Dest} {
		e.b = append(e.b, a.TON, a.NPI)
		e.text(a.Addr, lenAddr)
	}
	e.b = append(e.b, m.ESMClass, m.ProtocolID, m.Priority)
	e.text(m.Schedule, lenTime)
	e.text(m.Validity, lenTime)
	if len(m.Text) > maxShort {
		e.err = errTooLong
		return
	}
	e.b = append(e.b, m.Registered, m.Replace, byte(m.Coding), m.DefaultID, byte(len(m.Text)))
	e.b = append(e.b, m.Text...)
}

func (e *encoder) tlvs(list []TLV) {
	for _, t := range list {
		if t.Tag == tagPayload { // is the text already
			continue
		}
		if len(t.Value) > 0xFFFF {
			e.err = errTooLong
			return
		}
		e.b = binary.BigEndian.AppendUint16(e.b, t.Tag)
		e.b = binary.BigEndian.AppendUint16(e.b, uint16(len(t.Value)))
		e.b = append(e.b, t.Value...)
	}
}
