package call

import (
	"strings"

	"heartline/internal/contact/switchboard"
)

// Canonical brings a telephone number into the form under which it is
// indexed: digits only, without the Chinese country code and without the
// trunk prefix 0 before a mobile number.
func Canonical(number string) string {
	var b strings.Builder
	for _, r := range number {
		if r >= '0' && r <= '9' || r == '+' && b.Len() == 0 {
			b.WriteRune(r)
		}
	}
	n := b.String()
	for _, cc := range []string{"+86", "0086"} {
		if rest, ok := strings.CutPrefix(n, cc); ok {
			n = rest
			break
		}
	}
	n = strings.TrimPrefix(n, "+")
	if rest, ok := strings.CutPrefix(n, "86"); ok && len(rest) == 11 && rest[0] == '1' {
		n = rest
	}
	if rest, ok := strings.CutPrefix(n, "0"); ok && len(rest) == 11 && rest[0] == '1' && rest[1] >= '3' {
		n = rest
	}
	return n
}

// callerNumber keeps what a telephone number may hold of what a caller claims
// to be; "" when nothing is left (anonymous).
func callerNumber(claimed string) string {
	n := switchboard.CleanNumber(claimed)
	if len(n) > 32 {
		return n[:32]
	}
	return n
}

// dialable reports whether a text is a number one may dial: digits, with * and
// #, and a leading +.
func dialable(number string) bool {
	if number == "" || len(number) > 32 {
		return false
	}
	for i, r := range number {
		if !(r >= '0' && r <= '9') && r != '*' && r != '#' && !(r == '+' && i == 0) {
			return false
		}
	}
	return true
}
