package identity

import (
	"strings"
	"time"
	"unicode/utf8"

	"heartline/internal/platform/errs"
)

// Policy holds the numbers of sign-in. DefaultPolicy is right for a hospital.
type Policy struct {
	Idle            time.Duration // a session unused for so long ends
	Absolute        time.Duration // a session ends after so long in any case
	AccountFailures int           // wrong passwords before an account pauses
	AddressFailures int           // and before an address does: many people may share it
	Window          time.Duration // failures older than this are forgotten
	Pause           time.Duration // the first pause; it doubles
	LongestPause    time.Duration
	MinPassword     int // characters
	Hash            HashCost
}

// DefaultPolicy returns the numbers for production.
func DefaultPolicy() Policy {
	return Policy{
		Idle: 4 * time.Hour, Absolute: 24 * time.Hour,
		AccountFailures: 5, AddressFailures: 50,
		Window: 15 * time.Minute, Pause: time.Minute, LongestPause: 15 * time.Minute,
		MinPassword: 10,
		Hash:        HashCost{MemoryKiB: 19 << 10, Passes: 2, Threads: 1},
	}
}

const maxPassword = 200

// checkPassword applies the rules for new passwords: length, variety, no
// well-known password, no name of the owner.
func (p Policy) checkPassword(path, password string, owner ...string) error {
	n := utf8.RuneCountInString(password)
	switch {
	case n < p.MinPassword:
		return errs.InvalidField(path, "auth.password_short")
	case len(password) > maxPassword:
		return errs.InvalidField(path, "auth.password_long")
	case variety(password) < 5:
		return errs.InvalidField(path, "auth.password_simple")
	}
	folded := strings.ToLower(password)
	for _, common := range commonPasswords() {
		if folded == common || strings.Trim(folded, "0123456789!@#$.") == common {
			return errs.InvalidField(path, "auth.password_common")
		}
	}
	for _, name := range owner {
		name = strings.ToLower(name)
		if utf8.RuneCountInString(name) >= 4 && strings.Contains(folded, name) {
			return errs.InvalidField(path, "auth.password_name")
		}
	}
	return nil
}

// variety counts the different characters of a password.
func variety(s string) int {
	seen := make(map[rune]bool)
	for _, r := range s {
		seen[r] = true
	}
	return len(seen)
}

// commonPasswords are the stems that guessing tools try first; digits and
// marks around a stem do not save it.
func commonPasswords() []string {
	return []string{
		"password", "passw0rd", "p@ssw0rd", "p@ssword", "qwertyuiop", "qwerty", "qwert", "asdfghjkl", "zxcvbnm",
		"1q2w3e4r5t", "1qaz2wsx3edc", "q1w2e3r4t5", "1234567890", "0123456789", "12345678910", "0987654321",
		"1234567890123456789", "9876543210", "woaini", "woaini1314", "5201314", "iloveyou", "admin", "administrator",
		"root", "letmein", "welcome", "changeme", "hospital", "heartline", "default", "abcdefghij", "abc123456789",
		"a1b2c3d4e5", "aini1314520", "zxcvbnmasdfghjkl", "", "yiyuan", "hushi", "yisheng",
	}
}
