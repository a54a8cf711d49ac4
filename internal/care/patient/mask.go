package patient

import (
	"strings"
	"unicode/utf8"

	"heartline/internal/platform/pinyin"
)

// MaskName keeps the surname of a Chinese name (张*, 欧阳**) and the first
// letter of each word of a Latin one (J*** S****).
func MaskName(name string) string {
	if name == "" {
		return ""
	}
	if pinyin.IsHan([]rune(name)[0]) {
		sur := pinyin.SurnameLen(name)
		runes := []rune(name)
		return string(runes[:sur]) + strings.Repeat("*", min(max(len(runes)-sur, 1), 4))
	}
	words := strings.Fields(name)
	for i, w := range words {
		_, n := utf8.DecodeRuneInString(w)
		words[i] = w[:n] + strings.Repeat("*", min(max(utf8.RuneCountInString(w)-1, 1), 4))
	}
	return strings.Join(words, " ")
}

// MaskPhone hides the middle: 138****5678, 027****0000.
func MaskPhone(number string) string {
	n := len(number)
	switch {
	case n == 0:
		return ""
	case n <= 4:
		return strings.Repeat("*", n)
	case n <= 7:
		return strings.Repeat("*", n-3) + number[n-3:]
	}
	return number[:3] + strings.Repeat("*", min(n-7, 4)) + number[n-4:]
}

// MaskID hides the middle of a document number: 4201**********1234 → the area
// and the last two characters stay.
func MaskID(number string) string {
	n := len(number)
	switch {
	case n == 0:
		return ""
	case n <= 4:
		return strings.Repeat("*", n)
	case n < 12:
		return number[:1] + strings.Repeat("*", n-3) + number[n-2:]
	}
	return number[:4] + strings.Repeat("*", n-6) + number[n-2:]
}

// maskEmail keeps the first character and the domain.
func maskEmail(s string) string {
	local, domain, ok := strings.Cut(s, "@")
	if !ok || local == "" {
		return maskTail(s)
	}
	_, n := utf8.DecodeRuneInString(local)
	return local[:n] + "***@" + domain
}

// maskTail keeps the first character.
func maskTail(s string) string {
	if s == "" {
		return ""
	}
	_, n := utf8.DecodeRuneInString(s)
	return s[:n] + "***"
}

// maskPatient hides what a reader without patient.reveal may not see.
func maskPatient(p Patient) Patient {
	p.Masked = true
	p.Name = MaskName(p.Name)
	p.NameLatin = MaskName(p.NameLatin)
	p.Pinyin, p.Initials, p.PinyinAlternates = "", "", nil
	if len(p.BirthDate) >= 4 {
		p.BirthDate = p.BirthDate[:4]
	}
	p.Email = maskEmail(p.Email)
	p.WeChat = maskTail(p.WeChat)
	if p.Address.Detail != "" {
		p.Address.Detail = "***"
	}
	return p
}
