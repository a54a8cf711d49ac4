package document

import (
	"bytes"
	"fmt"
	"image/color"
	"strings"

	"github.com/boombuler/barcode/qr"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/width"
)

// Slip writes a strip for a receipt printer in ESC/POS, text in GBK. What the
// printer's code page lacks appears as 〓. It is built from top to bottom:
//
//	s := document.NewSlip(48)
//	s.Centre("爱心医院").Big("A023").Pair("科室", "心血管内科").QR("12345678").Cut()
//	data := s.Bytes()
type Slip struct {
	buf     bytes.Buffer
	columns int // Latin characters in a line: 32 on 58 mm paper, 48 on 80 mm
}

// Control bytes of ESC/POS.
const (
	esc = 0x1b
	gs  = 0x1d
	fs  = 0x1c
)

// NewSlip begins a slip: the printer is reset and set to Chinese.
func NewSlip(columns int) *Slip {
	s := &Slip{columns: min(max(columns, 16), 96)}
	s.raw(esc, '@', fs, '&')
	return s
}

func (s *Slip) raw(b ...byte) { s.buf.Write(b) }

// text writes text in the printer's code page; control characters never reach
// the printer.
func (s *Slip) text(t string) {
	enc := encoding.ReplaceUnsupported(simplifiedchinese.GBK.NewEncoder())
	b, err := enc.Bytes([]byte(line(t)))
	if err != nil { // cannot be: unsupported characters are replaced
		return
	}
	s.buf.Write(bytes.ReplaceAll(b, []byte{0x1a}, []byte{0xa1, 0xfe})) // 〓
}

func (s *Slip) align(n byte) { s.raw(esc, 'a', n) }

// Centre writes centred lines.
func (s *Slip) Centre(t string) *Slip {
	s.align(1)
	s.lines(t, s.columns)
	s.align(0)
	return s
}

// Big writes a centred line of four times the size.
func (s *Slip) Big(t string) *Slip {
	s.align(1)
	s.raw(gs, '!', 0x33, fs, 'W', 1)
	s.text(t)
	s.raw('\n', fs, 'W', 0, gs, '!', 0)
	s.align(0)
	return s
}

// Title writes a centred line of double size.
func (s *Slip) Title(t string) *Slip {
	s.align(1)
	s.raw(gs, '!', 0x11, fs, 'W', 1)
	s.lines(t, s.columns/2)
	s.raw(fs, 'W', 0, gs, '!', 0)
	s.align(0)
	return s
}

// Text writes a paragraph.
func (s *Slip) Text(t string) *Slip {
	s.lines(t, s.columns)
	return s
}

// Pair writes a key–value row.
func (s *Slip) Pair(key, value string) *Slip {
	key = line(key)
	pad := strings.Repeat(" ", max(1, 10-columnsOf(key)))
	first := true
	for _, l := range split(line(value), s.columns-max(10, columnsOf(key)+1)) {
		if first {
			s.text(key + pad)
		} else {
			s.text(strings.Repeat(" ", max(10, columnsOf(key)+1)))
		}
		s.text(l)
		s.raw('\n')
		first = false
	}
	return s
}

// Line writes a dashed rule.
func (s *Slip) Line() *Slip {
	s.raw([]byte(strings.Repeat("-", s.columns))...)
	s.raw('\n')
	return s
}

// Feed moves the paper by n lines.
func (s *Slip) Feed(n byte) *Slip {
	s.raw(esc, 'd', n)
	return s
}

// QR has the printer draw a QR code, centred. Content is cut to what it holds.
func (s *Slip) QR(content string) *Slip {
	data := []byte(line(content))
	if len(data) > 1000 {
		data = data[:1000]
	}
	s.align(1)
	s.raw(gs, '(', 'k', 4, 0, '1', 'A', '2', 0) // model 2
	s.raw(gs, '(', 'k', 3, 0, '1', 'C', 7)      // dots of a module
	s.raw(gs, '(', 'k', 3, 0, '1', 'E', '1')    // correction level M
	n := len(data) + 3
	s.raw(gs, '(', 'k', byte(n), byte(n>>8), '1', 'P', '0')
	s.raw(data...)
	s.raw(gs, '(', 'k', 3, 0, '1', 'Q', '0', '\n')
	s.align(0)
	return s
}

// Barcode has the printer draw a CODE128 barcode of printable ASCII, centred,
// with the text below; anything else is left out.
func (s *Slip) Barcode(content string) *Slip {
	content = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '{' {
			return -1
		}
		return r
	}, content)
	if content == "" || len(content) > 40 {
		return s
	}
	s.align(1)
	s.raw(gs, 'h', 72, gs, 'w', 2, gs, 'H', 2)
	s.raw(gs, 'k', 73, byte(len(content)+2), '{', 'B')
	s.raw([]byte(content)...)
	s.raw('\n')
	s.align(0)
	return s
}

// Cut feeds the paper and cuts it.
func (s *Slip) Cut() *Slip {
	s.raw(gs, 'V', 66, 24)
	return s
}

// Bytes is what goes to the printer.
func (s *Slip) Bytes() []byte { return bytes.Clone(s.buf.Bytes()) }

func (s *Slip) lines(t string, columns int) {
	for _, para := range strings.Split(clean(t), "\n") {
		for _, l := range split(para, columns) {
			s.text(l)
			s.raw('\n')
		}
	}
}

// split cuts text into lines of at most so many columns.
func split(t string, columns int) []string {
	columns = max(columns, 4)
	var out []string
	var b strings.Builder
	w := 0
	for _, r := range t {
		n := runeColumns(r)
		if w+n > columns {
			out = append(out, b.String())
			b.Reset()
			w = 0
			if r == ' ' {
				continue
			}
		}
		b.WriteRune(r)
		w += n
	}
	return append(out, b.String())
}

func columnsOf(t string) (n int) {
	for _, r := range t {
		n += runeColumns(r)
	}
	return n
}

// runeColumns is how wide a GBK printer prints a character.
func runeColumns(r rune) int {
	if r < 0x80 {
		return 1
	}
	if width.LookupRune(r).Kind() == width.EastAsianHalfwidth {
		return 1
	}
	return 2
}

// QRSVG draws a QR code as a picture that scales, with the quiet margin that
// scanners want.
func QRSVG(content string) ([]byte, error) {
	code, err := qr.Encode(content, qr.M, qr.Auto)
	if err != nil {
		return nil, fmt.Errorf("draw code: %w", err)
	}
	const quiet = 4
	n := code.Bounds().Dx()
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" shape-rendering="crispEdges"><rect width="100%%" height="100%%" fill="#fff"/><path d="`,
		n+2*quiet, n+2*quiet)
	for y := range n {
		for x := range n {
			if code.At(x, y) == color.Black {
				fmt.Fprintf(&b, "M%d %dh1v1h-1z", x+quiet, y+quiet)
			}
		}
	}
	b.WriteString(`"/></svg>`)
	return b.Bytes(), nil
}
