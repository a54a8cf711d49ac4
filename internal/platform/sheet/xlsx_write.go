package sheet

import (
	"archive/zip"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"unicode"
)

// XLSX writes a workbook with one sheet, row by row. Every cell is text: long
// numbers keep their digits and nothing becomes a formula.
type XLSX struct {
	zip  *zip.Writer
	page io.Writer
	row  int
	foot string
}

// NewXLSX begins a file; footer is printed at the foot of every page.
func NewXLSX(w io.Writer, name, footer string) (*XLSX, error) {
	x := &XLSX{zip: zip.NewWriter(w)}
	for _, f := range []struct{ name, text string }{
		{"[Content_Types].xml", `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>`},
		{"_rels/.rels", `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>`},
		{"xl/workbook.xml", `<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="` + escape(name) + `" sheetId="1" r:id="rId1"/></sheets></workbook>`},
		{"xl/_rels/workbook.xml.rels", `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>`},
	} {
		part, err := x.zip.Create(f.name)
		if err != nil {
			return nil, fmt.Errorf("write workbook: %w", err)
		}
		if _, err := io.WriteString(part, xml.Header+f.text); err != nil {
			return nil, fmt.Errorf("write workbook: %w", err)
		}
	}
	page, err := x.zip.Create("xl/worksheets/sheet1.xml")
	if err != nil {
		return nil, fmt.Errorf("write workbook: %w", err)
	}
	x.page = page
	if footer != "" {
		text := strings.ReplaceAll(escape(footer), "&amp;", "&amp;&amp;") // & begins a code in footers
		x.foot = `<headerFooter><oddFooter>&amp;L` + text + `&amp;R&amp;P / &amp;N</oddFooter></headerFooter>`
	}
	_, err = io.WriteString(page, xml.Header+`<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>`)
	return x, err
}

// Row writes one row.
func (x *XLSX) Row(cells ...string) error {
	x.row++
	var b strings.Builder
	fmt.Fprintf(&b, `<row r="%d">`, x.row)
	for i, c := range cells {
		if c != "" {
			fmt.Fprintf(&b, `<c r="%s%d" t="inlineStr"><is><t xml:space="preserve">%s</t></is></c>`, letters(i), x.row, escape(c))
		}
	}
	b.WriteString("</row>")
	_, err := io.WriteString(x.page, b.String())
	return err
}

// Close ends the file.
func (x *XLSX) Close() error {
	if _, err := io.WriteString(x.page, `</sheetData>`+x.foot+`</worksheet>`); err != nil {
		return fmt.Errorf("write workbook: %w", err)
	}
	return x.zip.Close()
}

func letters(i int) string {
	out := ""
	for i++; i > 0; i = (i - 1) / 26 {
		out = string(rune('A'+(i-1)%26)) + out
	}
	return out
}

// escape makes text fit for XML, without the characters that it cannot hold.
func escape(s string) string {
	s = strings.Map(func(r rune) rune {
		if (unicode.IsControl(r) && r != '\n' && r != '\t') || r == unicode.ReplacementChar || r == 0xFFFE || r == 0xFFFF {
			return -1
		}
		return r
	}, s)
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;").Replace(s)
}
