package patient

import (
	"strings"
	"time"
)

// idWeights and idCheck are the weights and check characters of GB 11643-1999.
const (
	idWeights = "\x07\x09\x0a\x05\x08\x04\x02\x01\x06\x03\x07\x09\x0a\x05\x08\x04\x02"
	idCheck   = "10X98765432"
)

// IDInfo is what an identity number says about its holder.
type IDInfo struct {
	Number    string // normalised
	Type      string
	BirthDate string // "" when the number does not carry it
	Sex       string // "" when the number does not carry it
}

// CheckDigit returns the check character for the first 17 digits of an
// identity number, or 0 when they are not 17 digits.
func CheckDigit(first17 string) byte {
	if len(first17) < 17 {
		return 0
	}
	sum := 0
	for i := range 17 {
		c := first17[i]
		if c < '0' || c > '9' {
			return 0
		}
		sum += int(c-'0') * int(idWeights[i])
	}
	return idCheck[sum%11]
}

// ParseID checks an identifier of the given type and normalises it. now bounds
// birth dates. The key is a message key naming the fault, "" when there is none.
func ParseID(kind, value string, now time.Time) (info IDInfo, key string) {
	v := cleanID(value)
	info = IDInfo{Number: v, Type: kind}
	switch kind {
	case IDCard:
		return parseCitizenID(info, now)
	case Residence:
		return parseResidence(info, now)
	case HKMacao:
		return info, keyUnless(isHKMacao(v), "patient.id_hk_macao_invalid")
	case Taiwan:
		return info, keyUnless(len(v) == 8 && allDigits(v), "patient.id_taiwan_invalid")
	case Passport:
		return info, keyUnless(len(v) >= 5 && len(v) <= 20 && alphanumeric(v), "patient.id_passport_invalid")
	case BankCard:
		return info, keyUnless(len(v) >= 12 && len(v) <= 19 && allDigits(v) && luhn(v), "patient.id_bank_card_invalid")
	case Insurance, MedicalCard:
		return info, keyUnless(len(v) >= 4 && len(v) <= 32 && alphanumeric(v), "patient.id_card_number_invalid")
	case Newborn:
		return info, keyUnless(len(v) <= 32 && alphanumeric(v), "patient.id_card_number_invalid")
	}
	return info, "patient.id_type_unknown"
}

func keyUnless(ok bool, key string) string {
	if ok {
		return ""
	}
	return key
}

// cleanID removes separators, folds full-width characters and upper-cases.
func cleanID(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r >= 0xFF01 && r <= 0xFF5E {
			r -= 0xFEE0
		}
		switch {
		case r == ' ' || r == '-' || r == '\t' || r == 0x3000 || r == '·':
			continue
		case r >= 'a' && r <= 'z':
			r -= 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}

func parseCitizenID(info IDInfo, now time.Time) (IDInfo, string) {
	v := info.Number
	if len(v) == 15 {
		if !allDigits(v) {
			return info, "patient.id_card_invalid"
		}
		v = v[:6] + "19" + v[6:]
		v += string(CheckDigit(v))
	}
	info.Number = v
	if len(v) != 18 || !allDigits(v[:17]) || v[0] == '0' {
		return info, "patient.id_card_invalid"
	}
	if CheckDigit(v[:17]) != v[17] {
		return info, "patient.id_card_check_digit"
	}
	return birthAndSex(info, v[6:14], v[16], now)
}

// parseResidence takes residence permits of HK, Macao and Taiwan residents
// (81, 82, 83…) and the foreign permanent resident card: 18 digits from 9, or
// the older three letters and twelve digits.
func parseResidence(info IDInfo, now time.Time) (IDInfo, string) {
	v := info.Number
	if len(v) == 15 && alphabetic(v[:3]) && allDigits(v[3:]) {
		return info, ""
	}
	if len(v) != 18 || !allDigits(v[:17]) {
		return info, "patient.id_residence_invalid"
	}
	if v[0] != '9' && !strings.HasPrefix(v, "81") && !strings.HasPrefix(v, "82") && !strings.HasPrefix(v, "83") {
		return info, "patient.id_residence_invalid"
	}
	if CheckDigit(v[:17]) != v[17] {
		return info, "patient.id_card_check_digit"
	}
	return birthAndSex(info, v[6:14], v[16], now)
}

func birthAndSex(info IDInfo, birth string, order byte, now time.Time) (IDInfo, string) {
	t, err := time.Parse("20060102", birth)
	if err != nil || t.Year() < 1850 || t.After(now.Add(24*time.Hour)) {
		return info, "patient.id_card_birth_date"
	}
	info.BirthDate = t.Format(time.DateOnly)
	info.Sex = Female
	if (order-'0')%2 == 1 {
		info.Sex = Male
	}
	return info, ""
}

// isHKMacao accepts H or M with 8 digits, and the older form with two digits
// that count re-issues.
func isHKMacao(v string) bool {
	return (len(v) == 9 || len(v) == 11) && (v[0] == 'H' || v[0] == 'M') && allDigits(v[1:])
}

// luhn checks the last digit of a bank card number (ISO/IEC 7812-1).
func luhn(v string) bool {
	sum := 0
	for i := range len(v) {
		d := int(v[len(v)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

func alphabetic(s string) bool {
	for i := range len(s) {
		if s[i] < 'A' || s[i] > 'Z' {
			return false
		}
	}
	return s != ""
}

func alphanumeric(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return s != ""
}
