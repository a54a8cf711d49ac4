package sheet

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
)

// decode turns a text file into UTF-8: with a byte order mark as it says, else
// as UTF-8 if it is, else as GB18030, which Chinese Excel writes.
func decode(file []byte) (text []byte, encoding string, err error) {
	switch {
	case hasPrefix(file, "\xEF\xBB\xBF"):
		text, encoding = file[3:], "utf-8"
		if !utf8.Valid(text) {
			return nil, "", ErrEncoding
		}
	case hasPrefix(file, "\xFF\xFE"), hasPrefix(file, "\xFE\xFF"):
		if text, err = unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM).NewDecoder().Bytes(file); err != nil {
			return nil, "", ErrEncoding
		}
		encoding = "utf-16"
	case utf8.Valid(file):
		text, encoding = file, "utf-8"
	default:
		if text, err = simplifiedchinese.GB18030.NewDecoder().Bytes(file); err != nil {
			return nil, "", ErrEncoding
		}
		encoding = "gb18030"
	}
	if bytes.ContainsRune(text, 0) || bytes.ContainsRune(text, utf8.RuneError) {
		return nil, "", ErrEncoding
	}
	return text, encoding, nil
}

func readCSV(file []byte, l Limits) ([][]string, string, error) {
	text, encoding, err := decode(file)
	if err != nil {
		return nil, "", err
	}
	r := csv.NewReader(bytes.NewReader(text))
	r.Comma = separator(text)
	r.FieldsPerRecord, r.LazyQuotes, r.ReuseRecord = -1, true, false
	var rows [][]string
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, "", fmt.Errorf("%w: %w", ErrFormat, err)
		}
		for i := range row {
			row[i] = strings.TrimSpace(row[i])
		}
		if rows, err = add(rows, row, l); err != nil {
			return nil, "", err
		}
	}
	if rows = drop(rows); len(rows) == 0 {
		return nil, "", ErrEmpty
	}
	return rows, encoding, nil
}

// separator is the one of comma, tab and semicolon that the first line has
// most of.
func separator(text []byte) rune {
	line, _, _ := bytes.Cut(text, []byte("\n"))
	best, most := ',', 0
	for _, c := range ",\t;" {
		if n := bytes.Count(line, []byte(string(c))); n > most {
			best, most = c, n
		}
	}
	return best
}

// Harmless keeps a spreadsheet from taking a value of a CSV file for a formula.
func Harmless(v string) string {
	if v != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", []rune(v)[0]) {
		return "'" + v
	}
	return v
}

// CSV writes a table for spreadsheets: UTF-8 with byte order mark, no formulas.
type CSV struct{ w *csv.Writer }

// NewCSV begins a file.
func NewCSV(w io.Writer) (*CSV, error) {
	if _, err := io.WriteString(w, "\ufeff"); err != nil {
		return nil, err
	}
	c := csv.NewWriter(w)
	c.UseCRLF = true
	return &CSV{c}, nil
}

// Row writes one row.
func (c *CSV) Row(cells ...string) error {
	out := make([]string, len(cells))
	for i, v := range cells {
		out[i] = Harmless(v)
	}
	return c.w.Write(out)
}

// Close ends the file.
func (c *CSV) Close() error {
	c.w.Flush()
	return c.w.Error()
}
