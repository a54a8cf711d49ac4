package patient

import "strings"

// The kinds of phone number.
const (
	PhoneMobile = "mobile"
	PhoneHome   = "home"
	PhoneWork   = "work"
	PhoneFamily = "family"
)

// NormalisePhone brings a number to the form it is stored and looked up in:
// Chinese mobiles as 11 digits, land lines with their area code and its 0,
// foreign numbers as + and digits. ok is false when it cannot be a person's
// number: too short, too long, a service.
func NormalisePhone(s string) (number string, ok bool) {
	d := phoneDigits(s)
	intl := false
	switch {
	case strings.HasPrefix(d, "+"):
		d, intl = d[1:], true
	case strings.HasPrefix(d, "00") && len(d) > 8:
		d, intl = d[2:], true
	}
	if intl && !strings.HasPrefix(d, "86") {
		return "+" + d, len(d) >= 7 && len(d) <= 15 && d[0] != '0'
	}
	if intl || (strings.HasPrefix(d, "86") && len(d) >= 12) {
		d = strings.TrimPrefix(d, "86")
		if !strings.HasPrefix(d, "0") && !isMobile(d) && len(d) >= 9 {
			d = "0" + d // +86 27 8888 0000 is written 027 8888 0000 at home
		}
	}
	if rest := strings.TrimLeft(d, "0"); isMobile(rest) {
		return rest, true
	}
	return d, landLine(d)
}

// landLine reports whether d is a Chinese land line: with its area code (010,
// 021 … 0xxx) and seven or eight digits, or those alone. Short codes (110,
// 12345, 96166) and 400 or 800 numbers are services and nobody's own.
func landLine(d string) bool {
	switch {
	case !allDigits(d):
		return false
	case d[0] == '0':
		return len(d) >= 10 && len(d) <= 12 && d[1] != '0'
	}
	return (len(d) == 7 || len(d) == 8) && d[0] >= '2'
}

// phoneDigits keeps digits and one leading plus, folding full-width forms.
func phoneDigits(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r >= 0xFF01 && r <= 0xFF5E {
			r -= 0xFEE0
		}
		if r >= '0' && r <= '9' || (r == '+' && b.Len() == 0) {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// isMobile reports whether d is a Chinese mobile number, 1[3-9] and 9 digits.
func isMobile(d string) bool {
	return len(d) == 11 && d[0] == '1' && d[1] >= '3' && d[1] <= '9' && allDigits(d)
}

// validPhone tells whether an input has only the characters of a phone number
// besides being one.
func validPhone(s string) bool {
	for _, r := range s {
		if !strings.ContainsRune("0123456789+-() .０１２３４５６７８９＋－（）　", r) {
			return false
		}
	}
	_, ok := NormalisePhone(s)
	return ok
}
