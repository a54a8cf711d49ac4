// Package document writes papers: PDF pages with Chinese text (PDF) and slips
// for receipt printers (Slip, ESC/POS). It carries a font of its own, so that
// a paper looks the same everywhere. It knows no patients and no words: what
// is printed, in which language, is the caller's.
//
// Characters that the font does not have appear as 〓.
package document

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode"

	"github.com/signintech/gopdf"
)

//go:embed font/cjk.ttf.gz
var packedFont []byte

const family = "cjk"

// fonts is the parsed font, made when the first paper is printed and only
// read from then on.
var fonts = sync.OnceValues(func() (*gopdf.FontContainer, error) {
	z, err := gzip.NewReader(bytes.NewReader(packedFont))
	if err != nil {
		return nil, fmt.Errorf("unpack font: %w", err)
	}
	data, err := io.ReadAll(z)
	if err != nil {
		return nil, fmt.Errorf("unpack font: %w", err)
	}
	c := &gopdf.FontContainer{}
	err = c.AddTTFFontDataWithOption(family, data, gopdf.TtfOption{OnGlyphNotFoundSubstitute: func(rune) rune { return '〓' }})
	if err != nil {
		return nil, fmt.Errorf("parse font: %w", err)
	}
	return c, nil
})

// clean makes text printable: what could steer a printer or turn the
// direction of a line becomes a space or nothing.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r == '\t' || r == '\r' || r == '\u2028' || r == '\u2029':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r):
			return -1
		case r == '\u00a0':
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "〓"))
}

// line is clean text without line breaks.
func line(s string) string { return strings.ReplaceAll(clean(s), "\n", " ") }
