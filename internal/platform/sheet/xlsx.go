package sheet

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"
	"time"
)

// budget counts what an archive unfolds to.
type budget struct{ left int64 }

func (b *budget) open(files map[string]*zip.File, name string) (io.ReadCloser, error) {
	f, ok := files[strings.TrimPrefix(path.Clean("/"+name), "/")]
	if !ok {
		return nil, fmt.Errorf("%w: %s is missing", ErrFormat, name)
	}
	r, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	return &metered{ReadCloser: r, budget: b}, nil
}

type metered struct {
	io.ReadCloser
	budget *budget
}

func (m *metered) Read(p []byte) (int, error) {
	n, err := m.ReadCloser.Read(p)
	if m.budget.left -= int64(n); m.budget.left < 0 {
		return 0, ErrBomb
	}
	return n, err
}

// readXLSX reads the first sheet of a workbook.
func readXLSX(file []byte, l Limits) ([][]string, error) {
	z, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if len(z.File) > 2000 {
		return nil, ErrBomb
	}
	files := make(map[string]*zip.File, len(z.File))
	for _, f := range z.File {
		if f.Flags&1 != 0 {
			return nil, ErrLocked
		}
		files[f.Name] = f
	}
	b := &budget{left: l.Unpacked}
	first, err := firstSheet(files, b)
	if err != nil {
		return nil, err
	}
	book := &workbook{}
	if err := book.strings(files, b, l); err != nil {
		return nil, err
	}
	if err := book.styles(files, b); err != nil {
		return nil, err
	}
	r, err := b.open(files, first)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	rows, err := book.rows(r, l)
	if err != nil {
		return nil, err
	}
	if rows = drop(rows); len(rows) == 0 {
		return nil, ErrEmpty
	}
	return rows, nil
}

// parse decodes a small part of a workbook.
func parse(files map[string]*zip.File, b *budget, name string, into any) error {
	r, err := b.open(files, name)
	if err != nil {
		return err
	}
	defer r.Close()
	return broken(xml.NewDecoder(io.LimitReader(r, 8<<20)).Decode(into))
}

// broken names an error of XML, keeping what says more.
func broken(err error) error {
	if err == nil || errors.Is(err, ErrBomb) || errors.Is(err, ErrCell) || errors.Is(err, ErrRows) || errors.Is(err, ErrColumns) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrFormat, err)
}

// firstSheet finds the file of the first sheet.
func firstSheet(files map[string]*zip.File, b *budget) (string, error) {
	var book struct {
		Sheets []struct {
			ID string `xml:"http://schemas.openxmlformats.org/officeDocument/2006/relationships id,attr"`
		} `xml:"sheets>sheet"`
	}
	var rels struct {
		List []struct {
			ID     string `xml:"Id,attr"`
			Target string `xml:"Target,attr"`
		} `xml:"Relationship"`
	}
	if err := parse(files, b, "xl/workbook.xml", &book); err != nil {
		return "", err
	}
	if err := parse(files, b, "xl/_rels/workbook.xml.rels", &rels); err != nil {
		return "", err
	}
	for _, r := range rels.List {
		if len(book.Sheets) == 0 || r.ID != book.Sheets[0].ID {
			continue
		}
		if strings.HasPrefix(r.Target, "/") {
			return r.Target, nil
		}
		return "xl/" + r.Target, nil
	}
	return "", fmt.Errorf("%w: no sheet", ErrFormat)
}

// workbook is what cells refer to.
type workbook struct {
	shared []string
	dates  map[int]bool // styles that show a number as a date
}

func (w *workbook) strings(files map[string]*zip.File, b *budget, l Limits) error {
	if _, ok := files["xl/sharedStrings.xml"]; !ok {
		return nil
	}
	r, err := b.open(files, "xl/sharedStrings.xml")
	if err != nil {
		return err
	}
	defer r.Close()
	d := xml.NewDecoder(r)
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return broken(err)
		}
		if s, ok := t.(xml.StartElement); ok && s.Name.Local == "si" {
			text, err := textIn(d, "si", l)
			if err != nil {
				return err
			}
			if w.shared = append(w.shared, text); len(w.shared) > l.Rows*l.Columns {
				return ErrBomb
			}
		}
	}
}

// textIn joins the text of the <t> elements until the end of an element;
// phonetic hints are left out.
func textIn(d *xml.Decoder, end string, l Limits) (string, error) {
	var b strings.Builder
	inText, hint := false, 0
	for {
		t, err := d.Token()
		if err != nil {
			return "", broken(err)
		}
		switch e := t.(type) {
		case xml.StartElement:
			inText = e.Name.Local == "t" && hint == 0
			if e.Name.Local == "rPh" {
				hint++
			}
		case xml.EndElement:
			inText = false
			if e.Name.Local == "rPh" {
				hint--
			}
			if e.Name.Local == end {
				return b.String(), nil
			}
		case xml.CharData:
			if inText {
				b.Write(e)
			}
		}
		if b.Len() > l.Cell {
			return "", ErrCell
		}
	}
}

// styles learns which styles show dates.
func (w *workbook) styles(files map[string]*zip.File, b *budget) error {
	w.dates = make(map[int]bool)
	if _, ok := files["xl/styles.xml"]; !ok {
		return nil
	}
	var s struct {
		Formats []struct {
			ID   int    `xml:"numFmtId,attr"`
			Code string `xml:"formatCode,attr"`
		} `xml:"numFmts>numFmt"`
		Cells []struct {
			Format int `xml:"numFmtId,attr"`
		} `xml:"cellXfs>xf"`
	}
	if err := parse(files, b, "xl/styles.xml", &s); err != nil {
		return err
	}
	custom := make(map[int]bool)
	for _, f := range s.Formats {
		code := strings.ToLower(f.Code)
		custom[f.ID] = strings.ContainsAny(code, "yd") && !strings.Contains(code, "general") && !strings.Contains(code, "[red]")
	}
	for i, c := range s.Cells {
		w.dates[i] = c.Format >= 14 && c.Format <= 17 || c.Format == 22 || c.Format >= 27 && c.Format <= 36 || c.Format >= 50 && c.Format <= 58 || custom[c.Format]
	}
	return nil
}

// rows walks the sheet cell by cell, so that a large one needs no tree.
func (w *workbook) rows(r io.Reader, l Limits) (rows [][]string, err error) {
	d := xml.NewDecoder(r)
	var row []string
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, broken(err)
		}
		switch e := t.(type) {
		case xml.StartElement:
			switch e.Name.Local {
			case "row":
				row = nil
				if at := attrInt(e, "r"); at > len(rows)+1 { // empty rows are left out of files
					if at > l.Rows+2 {
						return nil, ErrRows
					}
					for len(rows) < at-1 {
						rows = append(rows, nil)
					}
				}
			case "c":
				if row, err = w.cell(d, e, row, l); err != nil {
					return nil, err
				}
			}
		case xml.EndElement:
			if e.Name.Local == "row" {
				if rows, err = add(rows, row, l); err != nil {
					return nil, err
				}
			}
		}
	}
}

// cell puts one cell where its reference says.
func (w *workbook) cell(d *xml.Decoder, e xml.StartElement, row []string, l Limits) ([]string, error) {
	at := len(row)
	if ref := attr(e, "r"); ref != "" {
		n, ok := columnOf(ref)
		if !ok || n < len(row) {
			return row, fmt.Errorf("%w: cell %q", ErrFormat, ref)
		}
		at = n
	}
	if at >= l.Columns {
		return row, ErrColumns
	}
	text, err := w.value(d, attr(e, "t"), attrInt(e, "s"), l)
	if err != nil {
		return row, err
	}
	for len(row) < at {
		row = append(row, "")
	}
	return append(row, strings.TrimSpace(text)), nil
}

// value reads what a cell holds; of a formula, the result that was stored.
func (w *workbook) value(d *xml.Decoder, kind string, style int, l Limits) (string, error) {
	text := ""
	for {
		t, err := d.Token()
		if err != nil {
			return "", broken(err)
		}
		switch e := t.(type) {
		case xml.StartElement:
			switch e.Name.Local {
			case "v":
				if text, err = charData(d, l); err != nil {
					return "", err
				}
			case "is":
				if text, err = textIn(d, "is", l); err != nil {
					return "", err
				}
			default:
				if err := d.Skip(); err != nil {
					return "", broken(err)
				}
			}
		case xml.EndElement: // of the cell: the ends of its parts were read with them
			return w.meaning(kind, style, text)
		}
	}
}

func charData(d *xml.Decoder, l Limits) (string, error) {
	var b strings.Builder
	for {
		t, err := d.Token()
		if err != nil {
			return "", broken(err)
		}
		switch e := t.(type) {
		case xml.CharData:
			if b.Write(e); b.Len() > l.Cell {
				return "", ErrCell
			}
		case xml.EndElement:
			return b.String(), nil
		}
	}
}

func (w *workbook) meaning(kind string, style int, text string) (string, error) {
	switch kind {
	case "s":
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 || n >= len(w.shared) {
			return "", fmt.Errorf("%w: shared text %q", ErrFormat, text)
		}
		return w.shared[n], nil
	case "", "n":
		return w.number(style, text), nil
	case "e":
		return "", nil // #REF! and the like
	}
	return text, nil
}

// number shows a number as the reader of the sheet saw it: dates as dates, long
// numbers (phones, cards) without an exponent.
func (w *workbook) number(style int, text string) string {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return text
	}
	if w.dates[style] && v >= 1 && v < 2958466 {
		day := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC).AddDate(0, 0, int(v))
		return day.Format(time.DateOnly)
	}
	if v == float64(int64(v)) && v < 1e15 && v > -1e15 {
		return strconv.FormatInt(int64(v), 10)
	}
	return text
}

func attr(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name && a.Name.Space == "" {
			return a.Value
		}
	}
	return ""
}

func attrInt(e xml.StartElement, name string) int {
	n, err := strconv.Atoi(attr(e, name))
	if err != nil {
		return 0
	}
	return n
}

// columnOf reads the letters of a reference: C7 → 2.
func columnOf(ref string) (int, bool) {
	n := 0
	for i := range len(ref) {
		c := ref[i]
		if c >= '0' && c <= '9' {
			return n - 1, i > 0 && i <= 3
		}
		if c < 'A' || c > 'Z' || i >= 3 {
			return 0, false
		}
		n = n*26 + int(c-'A') + 1
	}
	return 0, false
}
