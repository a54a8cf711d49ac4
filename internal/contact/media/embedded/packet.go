package embedded

import "encoding/binary"

// rtpHeader is the part of an RTP header (RFC 3550 §5.1) that we use.
type rtpHeader struct {
	marker bool
	pt     uint8
	seq    uint16
	ts     uint32
	ssrc   uint32
}

const (
	headerLen  = 12
	maxPacket  = 1500
	maxPayload = 1280 // 160 ms of G.711; more is no telephone
)

// parseRTP finds header and payload, stripping contributing sources, header
// extension and padding. off is at least headerLen, so that a new header fits
// in front of the payload.
func parseRTP(b []byte) (h rtpHeader, off, end int, ok bool) {
	if len(b) < headerLen || b[0]>>6 != 2 {
		return h, 0, 0, false
	}
	off, end = headerLen+4*int(b[0]&0xF), len(b)
	if b[0]&0x10 != 0 { // extension
		if off+4 > end {
			return h, 0, 0, false
		}
		off += 4 + 4*int(binary.BigEndian.Uint16(b[off+2:]))
	}
	if b[0]&0x20 != 0 { // padding
		end -= int(b[len(b)-1])
	}
	if off >= end || end-off > maxPayload {
		return h, 0, 0, false
	}
	return rtpHeader{
		marker: b[1]&0x80 != 0, pt: b[1] & 0x7F,
		seq:  binary.BigEndian.Uint16(b[2:]),
		ts:   binary.BigEndian.Uint32(b[4:]),
		ssrc: binary.BigEndian.Uint32(b[8:]),
	}, off, end, true
}

// putRTP writes a plain header into b[:headerLen].
func putRTP(b []byte, h rtpHeader) {
	b[0], b[1] = 0x80, h.pt
	if h.marker {
		b[1] |= 0x80
	}
	binary.BigEndian.PutUint16(b[2:], h.seq)
	binary.BigEndian.PutUint32(b[4:], h.ts)
	binary.BigEndian.PutUint32(b[8:], h.ssrc)
}

// isRTCP tells RTCP from RTP on a shared port (RFC 5761 §4).
func isRTCP(b []byte) bool { return len(b) >= 8 && b[0]>>6 == 2 && b[1] >= 192 && b[1] <= 223 }

// RTCP packet types.
const (
	rtcpSR   = 200
	rtcpRR   = 201
	rtcpSDES = 202
	rtcpBYE  = 203
)

// reportBlock is RFC 3550 §6.4.1.
type reportBlock struct {
	ssrc     uint32
	fraction uint8
	lost     uint32 // 24 bits
	highest  uint32
	jitter   uint32
	lsr      uint32
	dlsr     uint32
}

// senderInfo is the middle of a sender report.
type senderInfo struct {
	ntp             uint64
	ts              uint32
	packets, octets uint32
}

// appendReport writes a compound packet: SR (or RR when nothing was sent),
// and the mandatory CNAME.
func appendReport(b []byte, ssrc uint32, si *senderInfo, rb *reportBlock) []byte {
	be := binary.BigEndian
	start, blocks, kind := len(b), byte(0), byte(rtcpRR)
	if rb != nil {
		blocks = 1
	}
	if si != nil {
		kind = rtcpSR
	}
	b = append(b, 0x80|blocks, kind, 0, 0)
	b = be.AppendUint32(b, ssrc)
	if si != nil {
		b = be.AppendUint64(b, si.ntp)
		b = be.AppendUint32(b, si.ts)
		b = be.AppendUint32(b, si.packets)
		b = be.AppendUint32(b, si.octets)
	}
	if rb != nil {
		b = be.AppendUint32(b, rb.ssrc)
		b = be.AppendUint32(b, uint32(rb.fraction)<<24|rb.lost&0xFFFFFF)
		b = be.AppendUint32(b, rb.highest)
		b = be.AppendUint32(b, rb.jitter)
		b = be.AppendUint32(b, rb.lsr)
		b = be.AppendUint32(b, rb.dlsr)
	}
	be.PutUint16(b[start+2:], uint16((len(b)-start)/4-1))
	return appendCNAME(b, ssrc)
}

// appendCNAME adds the source description: an anonymous name per stream.
func appendCNAME(b []byte, ssrc uint32) []byte {
	const hex = "0123456789abcdef"
	b = append(b, 0x81, rtcpSDES, 0, 4)
	b = binary.BigEndian.AppendUint32(b, ssrc)
	b = append(b, 1, 8)
	for shift := 28; shift >= 0; shift -= 4 {
		b = append(b, hex[ssrc>>shift&0xF])
	}
	return append(b, 0, 0) // end of items, padded to a word
}

func appendBye(b []byte, ssrc uint32) []byte {
	b = append(b, 0x81, rtcpBYE, 0, 1)
	return binary.BigEndian.AppendUint32(b, ssrc)
}

// walkRTCP calls fn for every packet of a compound; broken lengths end it.
func walkRTCP(b []byte, fn func(kind byte, count int, body []byte)) {
	for len(b) >= 4 && b[0]>>6 == 2 {
		n := 4 * (int(binary.BigEndian.Uint16(b[2:])) + 1)
		if n > len(b) {
			return
		}
		fn(b[1], int(b[0]&0x1F), b[4:n])
		b = b[n:]
	}
}

// blocksOf reads the report blocks of an SR or RR body.
func blocksOf(kind byte, count int, body []byte) []byte {
	skip := 4
	if kind == rtcpSR {
		skip = 24
	}
	if len(body) < skip {
		return nil
	}
	body = body[skip:]
	return body[:min(len(body)/24, count)*24]
}

func parseBlock(b []byte) reportBlock {
	be := binary.BigEndian
	word := be.Uint32(b[4:])
	return reportBlock{ssrc: be.Uint32(b), fraction: uint8(word >> 24), lost: word & 0xFFFFFF,
		highest: be.Uint32(b[8:]), jitter: be.Uint32(b[12:]), lsr: be.Uint32(b[16:]), dlsr: be.Uint32(b[20:])}
}
