package patient

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// foldLatin brings a Latin word to a–z: accents off, ø, ß and the like
// spelled out, ü as v inside pinyin ("lü" → "lv").
func foldLatin(s string) string {
	var b strings.Builder
	prev := rune(0)
	for _, r := range norm.NFC.String(strings.ToLower(s)) {
		if strings.ContainsRune("üǖǘǚǜ", r) && (prev == 'l' || prev == 'n') {
			b.WriteByte('v')
			prev = r
			continue
		}
		prev = r
		if t, ok := spelled(r); ok {
			b.WriteString(t)
			continue
		}
		for _, d := range norm.NFD.String(string(r)) {
			if d >= 'a' && d <= 'z' {
				b.WriteRune(d)
			}
		}
	}
	return b.String()
}

func spelled(r rune) (string, bool) {
	switch r {
	case 'ß':
		return "ss", true
	case 'ø':
		return "o", true
	case 'æ':
		return "ae", true
	case 'œ':
		return "oe", true
	case 'đ', 'ð':
		return "d", true
	case 'ł':
		return "l", true
	case 'þ':
		return "th", true
	case 'ı':
		return "i", true
	}
	return "", false
}

// foldWidth turns full-width characters into their usual forms, drops control
// characters and narrows white space.
func foldWidth(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 0xFF01 && r <= 0xFF5E:
			return r - 0xFEE0
		case r == 0x3000 || unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r) || r == unicode.ReplacementChar:
			return -1
		}
		return r
	}, s)
}
