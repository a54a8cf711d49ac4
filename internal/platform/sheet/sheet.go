// Package sheet reads and writes tables in the two forms that offices use: CSV
// and Excel (xlsx). What is read comes from outside and is bounded in every
// direction: size, rows, columns, cell length, and how far an archive may
// unfold. Formulas are never evaluated. What is written opens as text: no cell
// becomes a formula. The package knows no fields and no records.
package sheet

import "errors"

// Limits bound what is read; zero fields take the default.
type Limits struct {
	Rows     int   // 100,000
	Columns  int   // 100
	Cell     int   // 4,000 bytes
	Unpacked int64 // 128 MB: what an archive may unfold to
}

func (l Limits) orDefault() Limits {
	set := func(n *int, def int) {
		if *n <= 0 {
			*n = def
		}
	}
	set(&l.Rows, 100_000)
	set(&l.Columns, 100)
	set(&l.Cell, 4000)
	if l.Unpacked <= 0 {
		l.Unpacked = 128 << 20
	}
	return l
}

// Why a file was refused.
var (
	ErrEncoding = errors.New("sheet: neither UTF-8 nor GB18030 nor UTF-16")
	ErrFormat   = errors.New("sheet: not a table")
	ErrOld      = errors.New("sheet: the old binary Excel format")
	ErrLocked   = errors.New("sheet: protected by a password")
	ErrBomb     = errors.New("sheet: unfolds to too much")
	ErrRows     = errors.New("sheet: too many rows")
	ErrColumns  = errors.New("sheet: too many columns")
	ErrCell     = errors.New("sheet: a cell is too long")
	ErrEmpty    = errors.New("sheet: no rows")
)

// Table is what was read: the rows as they stand, the first usually the head.
type Table struct {
	Format   string // csv, xlsx
	Encoding string // utf-8, gb18030, utf-16; "" for xlsx
	Rows     [][]string
}

// Read reads the first sheet of a file of either form.
func Read(file []byte, l Limits) (Table, error) {
	l = l.orDefault()
	switch {
	case len(file) == 0:
		return Table{}, ErrEmpty
	case hasPrefix(file, "PK\x03\x04"):
		rows, err := readXLSX(file, l)
		return Table{Format: "xlsx", Rows: rows}, err
	case hasPrefix(file, "\xD0\xCF\x11\xE0"): // an OLE container: xls, or xlsx with a password
		if containsUTF16(file, "EncryptedPackage") {
			return Table{}, ErrLocked
		}
		return Table{}, ErrOld
	}
	rows, encoding, err := readCSV(file, l)
	return Table{Format: "csv", Encoding: encoding, Rows: rows}, err
}

func hasPrefix(b []byte, s string) bool { return len(b) >= len(s) && string(b[:len(s)]) == s }

func containsUTF16(b []byte, s string) bool {
	wide := make([]byte, 0, 2*len(s))
	for i := range len(s) {
		wide = append(wide, s[i], 0)
	}
	for i := 0; i+len(wide) <= len(b); i += 2 {
		if string(b[i:i+len(wide)]) == string(wide) {
			return true
		}
	}
	return false
}

// add appends a row within the limits; trailing empty cells go.
func add(rows [][]string, row []string, l Limits) ([][]string, error) {
	for len(row) > 0 && row[len(row)-1] == "" {
		row = row[:len(row)-1]
	}
	if len(row) > l.Columns {
		return rows, ErrColumns
	}
	for _, c := range row {
		if len(c) > l.Cell {
			return rows, ErrCell
		}
	}
	if len(rows) >= l.Rows+1 { // the head does not count
		return rows, ErrRows
	}
	return append(rows, row), nil
}

// drop removes empty rows at the end.
func drop(rows [][]string) [][]string {
	for len(rows) > 0 && len(rows[len(rows)-1]) == 0 {
		rows = rows[:len(rows)-1]
	}
	return rows
}
