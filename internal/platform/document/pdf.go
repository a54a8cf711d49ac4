package document

import (
	"errors"
	"fmt"
	"image/color"
	"strings"
	"time"

	"github.com/boombuler/barcode/qr"
	"github.com/signintech/gopdf"
)

// Size is a size of paper in points.
type Size struct{ Width, Height float64 }

// A4 is the usual sheet.
func A4() Size { return Size{595.28, 841.89} }

// A5 is half of it.
func A5() Size { return Size{419.53, 595.28} }

// Ticket is a strip of an 80 mm receipt printer of the given length in points.
func Ticket(length float64) Size { return Size{226.77, length} }

// Options describe a paper as a whole.
type Options struct {
	Title     string // printed at the top and kept as the title of the file
	Issuer    string // printed small above the title: the hospital
	Note      string // printed small at the foot of every page
	Watermark string // large, pale, across every page: who took the copy, and when
	Page      Size   // A4 when zero
	PageLabel string // with two %d for page and pages; "%d / %d" when empty, "-" for none
	Created   time.Time
}

// PDF is a paper that is being written from top to bottom; pages break by
// themselves, between the lines of long paragraphs and table rows where it
// must be. Errors are kept and returned by Bytes.
//
//	p := document.NewPDF(document.Options{Title: "个人信息副本", Issuer: "爱心医院", Watermark: "仅供本人 2026-11-22"})
//	p.Heading("基本信息")
//	p.Pairs([]document.Pair{{"姓名", "张晓明"}, {"出生日期", "1990-01-15"}})
//	p.Table([]document.Column{{Title: "日期", Width: 2}, {Title: "金额", Width: 1, Right: true}}, rows)
//	data, err := p.Bytes()
//
// A PDF is for one goroutine; any number may be written at the same time.
type PDF struct {
	opts   Options
	gp     gopdf.GoPdf
	size   float64 // of the current font
	margin float64
	y      float64
	widths map[rune]float64 // of 1 point of font size
	err    error
}

// Pair is one key–value row.
type Pair struct{ Key, Value string }

// Column is one column of a table. Width is its share of the line.
type Column struct {
	Title string
	Width float64
	Right bool // numbers
}

const (
	textSize  = 10.5
	smallSize = 8.5
	leading   = 1.55 // lines of Chinese need air
)

// NewPDF begins a paper.
func NewPDF(o Options) *PDF {
	if o.Page == (Size{}) {
		o.Page = A4()
	}
	if o.PageLabel == "" {
		o.PageLabel = "%d / %d"
	}
	p := &PDF{opts: o, margin: max(12, o.Page.Width*0.085), widths: map[rune]float64{}}
	c, err := fonts()
	if err != nil {
		p.err = err
		return p
	}
	p.gp.Start(gopdf.Config{PageSize: gopdf.Rect{W: o.Page.Width, H: o.Page.Height}})
	p.gp.SetInfo(gopdf.PdfInfo{Title: line(o.Title), Creator: "Heartline", Producer: "Heartline", Author: line(o.Issuer), CreationDate: o.Created})
	p.keep(p.gp.AddTTFFontFromFontContainer(family, c))
	p.page()
	if o.Issuer != "" {
		p.paragraph(o.Issuer, smallSize, 0.4, 0)
	}
	if o.Title != "" {
		p.paragraph(o.Title, 18, 0.1, 0)
		p.rule(0.75, 0.35)
		p.Space(8)
	}
	return p
}

func (p *PDF) keep(err error) {
	if p.err == nil && err != nil {
		p.err = err
	}
}

func (p *PDF) page() {
	p.gp.AddPage()
	p.gp.SetGrayFill(0)                         // a page without content cannot be found again
	if size := p.size; p.opts.Watermark != "" { // below everything else
		p.watermark()
		p.font(max(size, smallSize))
	}
	p.y = p.margin
}

func (p *PDF) width() float64  { return p.opts.Page.Width - 2*p.margin }
func (p *PDF) bottom() float64 { return p.opts.Page.Height - p.margin - smallSize*leading }

// room breaks the page unless h fits on it.
func (p *PDF) room(h float64) {
	if p.y+h > p.bottom() && p.y > p.margin {
		p.page()
	}
}

func (p *PDF) font(size float64) {
	p.size = size
	p.keep(p.gp.SetFont(family, "", size))
}

// Space leaves room of h points.
func (p *PDF) Space(h float64) { p.y += h }

// Heading begins a section.
func (p *PDF) Heading(text string) {
	p.Space(10)
	p.room(3 * 13 * leading)
	p.paragraph(text, 13, 0.15, 0)
	p.Space(3)
}

// Text writes a paragraph; line breaks in it are kept.
func (p *PDF) Text(text string) {
	p.paragraph(text, textSize, 0.1, 0)
	p.Space(4)
}

// Note writes a paragraph in small grey letters.
func (p *PDF) Note(text string) {
	p.paragraph(text, smallSize, 0.4, 0)
	p.Space(3)
}

// Large writes one centred line that is read from afar: a queue number.
func (p *PDF) Large(text string, size float64) {
	text = line(text)
	p.font(size)
	if w := p.measure(text); w > p.width() {
		size *= p.width() / w
		p.font(size)
	}
	p.room(size * 1.3)
	p.draw(p.margin+(p.width()-p.measure(text))/2, text, 0.05)
	p.y += size * 1.3
}

// Centre writes a centred paragraph.
func (p *PDF) Centre(text string) {
	p.font(textSize)
	for _, l := range p.wrap(text, p.width()) {
		p.room(p.size * leading)
		p.draw(p.margin+(p.width()-p.measure(l))/2, l, 0.1)
		p.y += p.size * leading
	}
}

// Line draws a rule across the page.
func (p *PDF) Line() {
	p.Space(4)
	p.rule(0.4, 0.75)
	p.Space(6)
}

func (p *PDF) rule(thick, grey float64) {
	p.gp.SetLineWidth(thick)
	p.gp.SetGrayStroke(grey)
	p.gp.Line(p.margin, p.y, p.margin+p.width(), p.y)
}

// Pairs writes key–value rows, keys aligned.
func (p *PDF) Pairs(pairs []Pair) {
	p.font(textSize)
	keys := 0.0
	for _, x := range pairs {
		keys = max(keys, p.measure(line(x.Key)))
	}
	keys = min(keys, p.width()*0.38)
	for _, x := range pairs {
		p.row([]cell{{text: x.Key, x: 0, w: keys, grey: 0.4}, {text: x.Value, x: keys + 12, w: p.width() - keys - 12, grey: 0.1}}, 2)
	}
	p.Space(4)
}

// Table writes a table; its head is repeated on every page.
func (p *PDF) Table(columns []Column, rows [][]string) {
	total := 0.0
	for _, c := range columns {
		total += c.Width
	}
	if total <= 0 {
		p.keep(errors.New("document: table without widths"))
		return
	}
	const gap = 8
	cells := make([]cell, len(columns))
	x := 0.0
	for i, c := range columns {
		w := c.Width / total * p.width()
		cells[i] = cell{x: x, w: w - gap, right: c.Right}
		x += w
	}
	head := func() {
		p.font(smallSize)
		for i, c := range columns {
			cells[i].text, cells[i].grey = c.Title, 0.4
		}
		p.row(cells, 2)
		p.rule(0.6, 0.4)
		p.y += 3
		p.font(smallSize + 0.5)
	}
	p.font(smallSize)
	p.room(4 * smallSize * leading)
	head()
	for _, r := range rows {
		lines := 1
		for i := range cells {
			cells[i].text, cells[i].grey = "", 0.1
			if i < len(r) {
				cells[i].text = r[i]
			}
			lines = max(lines, len(p.wrap(cells[i].text, cells[i].w)))
		}
		h := float64(lines) * p.size * leading
		if p.y+h > p.bottom() && h < p.bottom()-p.margin-4*p.size {
			p.page()
			head()
			for i := range cells {
				cells[i].text, cells[i].grey = "", 0.1
				if i < len(r) {
					cells[i].text = r[i]
				}
			}
		}
		p.row(cells, 2)
		p.rule(0.3, 0.85)
		p.y += 2
	}
	p.Space(6)
}

// cell is one text of a row, at x from the margin.
type cell struct {
	text  string
	x, w  float64
	right bool
	grey  float64
}

// row writes cells side by side, line by line.
func (p *PDF) row(cells []cell, after float64) {
	lines := make([][]string, len(cells))
	n := 0
	for i, c := range cells {
		lines[i] = p.wrap(c.text, c.w)
		n = max(n, len(lines[i]))
	}
	for l := range n {
		p.room(p.size * leading)
		for i, c := range cells {
			if l >= len(lines[i]) {
				continue
			}
			x := p.margin + c.x
			if c.right {
				x += c.w - p.measure(lines[i][l])
			}
			p.draw(x, lines[i][l], c.grey)
		}
		p.y += p.size * leading
	}
	p.y += after
}

func (p *PDF) paragraph(text string, size, grey, indent float64) {
	p.font(size)
	for _, l := range p.wrap(text, p.width()-indent) {
		p.room(size * leading)
		p.draw(p.margin+indent, l, grey)
		p.y += size * leading
	}
}

// draw writes one line at x with its top at the current height.
func (p *PDF) draw(x float64, text string, grey float64) {
	if p.err != nil || text == "" {
		return
	}
	g := uint8(grey * 255)
	p.gp.SetTextColor(g, g, g)
	p.gp.SetXY(x, p.y+p.size)
	p.keep(p.gp.Text(text))
}

func (p *PDF) measure(text string) (w float64) {
	for _, r := range text {
		w += p.runeWidth(r)
	}
	return w
}

func (p *PDF) runeWidth(r rune) float64 {
	w, ok := p.widths[r]
	if !ok && p.err == nil {
		n, err := p.gp.MeasureTextWidth(string(r))
		p.keep(err)
		w = n / p.size
		p.widths[r] = w
	}
	return w * p.size
}

// wrap cuts text into lines of at most width: between words, or anywhere in
// Chinese, and inside a word that is longer than a line.
func (p *PDF) wrap(text string, width float64) []string {
	var out []string
	for _, para := range strings.Split(strings.TrimRight(clean(text), "\n"), "\n") {
		out = append(out, p.wrapLine([]rune(para), width)...)
	}
	return out
}

func (p *PDF) wrapLine(rs []rune, width float64) []string {
	var out []string
	start, brk, w := 0, -1, 0.0
	for i := 0; i < len(rs); i++ {
		rw := p.runeWidth(rs[i])
		if w+rw > width && i > start {
			end := i
			if brk > start {
				end = brk
			}
			out = append(out, strings.TrimRight(string(rs[start:end]), " "))
			for end < len(rs) && rs[end] == ' ' {
				end++
			}
			start, brk, w = end, -1, 0
			i = end - 1
			continue
		}
		w += rw
		switch {
		case rs[i] == ' ':
			brk = i + 1
		case i+1 < len(rs) && breakable(rs[i], rs[i+1]):
			brk = i + 1
		}
	}
	return append(out, strings.TrimRight(string(rs[start:]), " "))
}

// breakable reports whether a line may end between two characters: beside a
// Chinese one, but not before closing punctuation or after opening.
func breakable(a, b rune) bool {
	if strings.ContainsRune("，。、；：？！）》」』】”’%℃·,.;:?!)", b) || strings.ContainsRune("（《「『【“‘(", a) {
		return false
	}
	return a >= 0x2e80 || b >= 0x2e80
}

// QR draws a code of the given side length, centred.
func (p *PDF) QR(content string, side float64) {
	code, err := qr.Encode(content, qr.M, qr.Auto)
	if err != nil {
		p.keep(fmt.Errorf("draw code: %w", err))
		return
	}
	p.room(side)
	n := code.Bounds().Dx()
	left, dot := p.margin+(p.width()-side)/2, side/float64(n)
	p.gp.SetGrayFill(0)
	for y := range n {
		for x := 0; x < n; x++ {
			first := x
			for x < n && code.At(x, y) == color.Black {
				x++
			}
			if x > first {
				p.gp.RectFromUpperLeftWithStyle(left+float64(first)*dot, p.y+float64(y)*dot, float64(x-first)*dot, dot*1.02, "F")
			}
		}
	}
	p.y += side + 4
}

// Bytes finishes the paper: page numbers and notes.
func (p *PDF) Bytes() ([]byte, error) {
	if p.err != nil {
		return nil, fmt.Errorf("write document: %w", p.err)
	}
	pages := p.gp.GetNumberOfPages()
	for i := 1; i <= pages; i++ {
		p.keep(p.gp.SetPage(i))
		p.font(smallSize)
		p.y = p.opts.Page.Height - p.margin
		if p.opts.Note != "" {
			p.draw(p.margin, p.wrap(line(p.opts.Note), p.width()*0.8)[0], 0.45)
		}
		if p.opts.PageLabel != "-" {
			label := fmt.Sprintf(p.opts.PageLabel, i, pages)
			p.draw(p.margin+p.width()-p.measure(label), label, 0.45)
		}
	}
	if p.err != nil {
		return nil, fmt.Errorf("write document: %w", p.err)
	}
	data, err := p.gp.GetBytesPdfReturnErr()
	if err != nil {
		return nil, fmt.Errorf("write document: %w", err)
	}
	return data, nil
}

func (p *PDF) watermark() {
	text := line(p.opts.Watermark)
	w, h := p.opts.Page.Width, p.opts.Page.Height
	p.font(w / 14)
	if m := p.measure(text); m > w*0.9 {
		p.font(p.size * w * 0.9 / m)
	}
	for _, at := range []float64{0.25, 0.55, 0.85} {
		p.gp.Rotate(30, w/2, h*at)
		p.y = h*at - p.size
		p.draw((w-p.measure(text))/2, text, 0.9)
		p.gp.RotateReset()
	}
}
