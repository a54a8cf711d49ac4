package smpp

import (
	"strings"
	"sync"
	"time"
)

// Long says how messages longer than one are tied together.
type Long string

// The ways.
const (
	UDH Long = "udh" // user data header, 3GPP TS 23.040 §9.2.3.24.1
	SAR Long = "sar" // sar_ optional parameters (§5.3.2.22 to .24)
)

// segment is one short message of a text.
type segment struct {
	text     []byte
	esmClass byte
	tlvs     []TLV
}

// segments cuts a text into short messages. ref ties them together.
func segments(text string, long Long, ref uint16) (Encoding, []segment) {
	e := Choose(text)
	parts := split(text, e)
	if len(parts) > maxParts {
		parts = parts[:maxParts]
	}
	out := make([]segment, len(parts))
	for i, p := range parts {
		switch {
		case len(parts) == 1:
			out[i] = segment{text: p}
		case long == SAR:
			out[i] = segment{text: p, tlvs: []TLV{{tagSarRef, []byte{byte(ref >> 8), byte(ref)}},
				{tagSarTotal, []byte{byte(len(parts))}}, {tagSarSeq, []byte{byte(i + 1)}}}}
		default:
			head := []byte{5, 0, 3, byte(ref), byte(len(parts)), byte(i + 1)}
			out[i] = segment{text: append(head, p...), esmClass: esmUDHI}
		}
	}
	return e, out
}

// place is where a part belongs in a long message.
type place struct{ ref, total, seq int }

// placeOf takes the header or the parameters of a part away; total is 1 for a
// message alone.
func placeOf(p *PDU) (text []byte, at place) {
	text, at = p.Message.Text, place{total: 1, seq: 1}
	if p.Message.ESMClass&esmUDHI != 0 && len(text) > 0 {
		n := int(text[0])
		if n+1 > len(text) {
			return text, at
		}
		head := text[1 : n+1]
		text = text[n+1:]
		for len(head) >= 2 {
			id, size := head[0], int(head[1])
			if size > len(head)-2 {
				break
			}
			v := head[2 : 2+size]
			switch {
			case id == 0x00 && size == 3: // 8-bit reference
				at = place{int(v[0]), int(v[1]), int(v[2])}
			case id == 0x08 && size == 4: // 16-bit reference
				at = place{int(v[0])<<8 | int(v[1]), int(v[2]), int(v[3])}
			}
			head = head[2+size:]
		}
	} else if total, ok := p.number(tagSarTotal); ok {
		at.total = total
		at.ref, _ = p.number(tagSarRef)
		at.seq, _ = p.number(tagSarSeq)
	}
	if at.total < 1 || at.seq < 1 || at.seq > at.total {
		at = place{total: 1, seq: 1}
	}
	return text, at
}

// Limits of messages that are being put together.
const (
	keepParts   = 10 * time.Minute
	mostPending = 1000
)

// joiner puts long messages together. Parts that never become whole are
// given out as they are after a while, so that nothing is lost.
type joiner struct {
	mu      sync.Mutex
	pending map[joinKey]*joining
}

type joinKey struct {
	from, to   string
	ref, total int
}

type joining struct {
	parts [][]byte
	have  int
	since time.Time
	e     Encoding
}

// whole is a text with its sender.
type whole struct {
	from, text string
}

// add takes a part; it returns the texts that are whole now, or overdue.
func (j *joiner) add(p *PDU, now time.Time) []whole {
	text, at := placeOf(p)
	from, e := p.Message.Source.Addr, p.Message.Coding
	if at.total == 1 {
		return []whole{{from, decode(text, e)}}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	out := j.overdue(now)
	key := joinKey{from, p.Message.Dest.Addr, at.ref, at.total}
	m := j.pending[key]
	if m == nil {
		m = &joining{parts: make([][]byte, at.total), since: now, e: e}
		j.pending[key] = m
	}
	if m.parts[at.seq-1] == nil {
		m.parts[at.seq-1] = append([]byte{}, text...)
		m.have++
	}
	if m.have == at.total {
		delete(j.pending, key)
		out = append(out, whole{from, m.text()})
	}
	return out
}

func (m *joining) text() string {
	var all []byte
	var s strings.Builder
	for _, p := range m.parts {
		if p == nil { // missing: what is before it ends here
			s.WriteString(decode(all, m.e))
			s.WriteString("…")
			all = nil
			continue
		}
		all = append(all, p...)
	}
	s.WriteString(decode(all, m.e))
	return s.String()
}

// overdue gives up waiting: for those that are old, and for all when there
// are too many.
func (j *joiner) overdue(now time.Time) []whole {
	if j.pending == nil {
		j.pending = make(map[joinKey]*joining)
	}
	var out []whole
	for key, m := range j.pending {
		if now.Sub(m.since) > keepParts || len(j.pending) > mostPending {
			out = append(out, whole{key.from, m.text()})
			delete(j.pending, key)
		}
	}
	return out
}
