package smpp

import (
	"strings"
	"unicode/utf16"
)

// Encoding is how the text of a message is written (data_coding, §5.2.19).
type Encoding byte

// The encodings that are sent. Others are read as far as they are known.
const (
	GSM7 Encoding = 0x00 // the SMSC's default alphabet: GSM 03.38
	UCS2 Encoding = 0x08
)

// Further codings that messages may come in with.
const (
	codingASCII  Encoding = 0x01
	codingLatin1 Encoding = 0x03
)

func (e Encoding) String() string {
	if e == UCS2 {
		return "ucs2"
	}
	return "gsm7"
}

// Units of one message alone, and of each part of a long one.
const (
	gsmSingle  = 160
	gsmPart    = 153
	ucs2Single = 70
	ucs2Part   = 67
	maxParts   = 255
)

// gsmBasic is the GSM 7-bit default alphabet in the order of its codes
// (3GPP TS 23.038 §6.2.1); ESC stands at 0x1B.
const gsmBasic = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
	"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"

// gsmEscape is the extension table (§6.2.1.1): what follows ESC.
func gsmEscape(r rune) (byte, bool) {
	switch r {
	case '\f':
		return 0x0A, true
	case '^':
		return 0x14, true
	case '{':
		return 0x28, true
	case '}':
		return 0x29, true
	case '\\':
		return 0x2F, true
	case '[':
		return 0x3C, true
	case '~':
		return 0x3D, true
	case ']':
		return 0x3E, true
	case '|':
		return 0x40, true
	case '€':
		return 0x65, true
	}
	return 0, false
}

// gsmCode is the code of r in the basic alphabet.
func gsmCode(r rune) (byte, bool) {
	switch { // the letters and digits stand where ASCII has them
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == ' ':
		return byte(r), true
	case r == 0x1b:
		return 0, false
	}
	code := byte(0)
	for _, b := range gsmBasic {
		if b == r {
			return code, true
		}
		code++
	}
	return 0, false
}

// gsmUnit is r as GSM octets, one per septet, or nil when it has none.
func gsmUnit(r rune) []byte {
	if c, ok := gsmCode(r); ok {
		return []byte{c}
	}
	if c, ok := gsmEscape(r); ok {
		return []byte{0x1b, c}
	}
	return nil
}

// Choose picks the encoding of a text: GSM 7-bit if every character has a
// code there, else UCS-2.
func Choose(text string) Encoding {
	for _, r := range text {
		if _, ok := gsmCode(r); ok {
			continue
		}
		if _, ok := gsmEscape(r); !ok {
			return UCS2
		}
	}
	return GSM7
}

// Count says how a text will travel: its encoding, its length in units of
// that encoding, and in how many parts.
func Count(text string) (e Encoding, units, parts int) {
	e = Choose(text)
	for _, u := range unitsOf(text, e) {
		units += len(u) / width(e)
	}
	return e, units, len(split(text, e))
}

func width(e Encoding) int {
	if e == UCS2 {
		return 2
	}
	return 1
}

// unitsOf is a text as characters that must not be torn apart: a surrogate
// pair or an escape sequence is one.
func unitsOf(text string, e Encoding) [][]byte {
	out := make([][]byte, 0, len(text))
	for _, r := range text {
		if e == GSM7 {
			u := gsmUnit(r)
			if u == nil {
				u = []byte{'?'}
			}
			out = append(out, u)
			continue
		}
		out = append(out, utf16Bytes(r))
	}
	return out
}

func utf16Bytes(r rune) []byte {
	if hi, lo := utf16.EncodeRune(r); hi != 0xFFFD {
		return []byte{byte(hi >> 8), byte(hi), byte(lo >> 8), byte(lo)}
	}
	if r > 0xFFFF || r >= 0xD800 && r < 0xE000 {
		r = 0xFFFD
	}
	return []byte{byte(r >> 8), byte(r)}
}

// split cuts an encoded text into parts, each within the limit. A text that
// fits into one message is one part.
func split(text string, e Encoding) [][]byte {
	units := unitsOf(text, e)
	single, part := gsmSingle, gsmPart
	if e == UCS2 {
		single, part = 2*ucs2Single, 2*ucs2Part
	}
	total := 0
	for _, u := range units {
		total += len(u)
	}
	limit := part
	if total <= single {
		limit = single
	}
	parts := [][]byte{{}}
	for _, u := range units {
		last := &parts[len(parts)-1]
		if len(*last)+len(u) > limit {
			parts = append(parts, nil)
			last = &parts[len(parts)-1]
		}
		*last = append(*last, u...)
	}
	return parts
}

// decode reads octets of a coding as text; what has no meaning becomes U+FFFD.
func decode(b []byte, e Encoding) string {
	switch e {
	case UCS2:
		units := make([]uint16, 0, len(b)/2)
		for i := 0; i+1 < len(b); i += 2 {
			units = append(units, uint16(b[i])<<8|uint16(b[i+1]))
		}
		return string(utf16.Decode(units))
	case codingASCII, codingLatin1:
		var s strings.Builder
		for _, c := range b {
			s.WriteRune(rune(c))
		}
		return s.String()
	}
	return decodeGSM(b)
}

func decodeGSM(b []byte) string {
	basic := []rune(gsmBasic)
	var s strings.Builder
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == 0x1b && i+1 < len(b):
			i++
			s.WriteRune(escaped(b[i], basic))
		case c == 0x1b: // the rest is in a part that is missing
		case int(c) < len(basic):
			s.WriteRune(basic[c])
		default:
			s.WriteRune(0xFFFD)
		}
	}
	return s.String()
}

// escaped is the character behind ESC; without one, the basic character
// (§6.2.1.1).
func escaped(c byte, basic []rune) rune {
	for _, r := range "\f^{}\\[~]|€" {
		if code, _ := gsmEscape(r); code == c {
			return r
		}
	}
	if int(c) < len(basic) && c != 0x1b {
		return basic[c]
	}
	return ' '
}
