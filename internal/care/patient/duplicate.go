package patient

import (
	"cmp"
	"slices"
	"strings"

	"heartline/internal/platform/pinyin"
)

// proposeFrom is the score from which two records are proposed as one person.
const proposeFrom = 55

// profile is what two records are compared by. Numbers are blind indexes: the
// scorer sees no phone and no document.
type profile struct {
	id, name, latin, pinyin, birth, sex string
	guardian, household, address        string
	documents                           []profileDocument
	phones                              []profilePhone
}

type profileDocument struct{ kind, idx string }

type profilePhone struct {
	idx, idx8, idx4 string
	own             bool // not a relative's
}

// score judges whether two records are one person: 0 to 100, with the reasons,
// the weightiest first. It is pure and symmetric.
func score(a, b profile) (int, []Reason) {
	var out []Reason
	add := func(code string, points int) {
		if code != "" {
			out = append(out, Reason{code, points})
		}
	}
	add(scoreDocuments(a.documents, b.documents))
	add(differingDocuments(a.documents, b.documents))
	add(scorePhones(a.phones, b.phones))
	add(scoreNames(a, b))
	add(scoreBirth(a.birth, b.birth))
	switch {
	case a.sex == SexUnknown || b.sex == SexUnknown || a.sex == "" || b.sex == "":
	case a.sex == b.sex:
		add("same_sex", 3)
	default:
		add("other_sex", -25)
	}
	if a.address != "" && a.address == b.address {
		add("same_address", 8)
	}
	if a.guardian == b.id || b.guardian == a.id || (a.household != "" && a.household == b.household) {
		add("family", -30)
	}
	total := 0
	for _, r := range out {
		total += r.Points
	}
	slices.SortStableFunc(out, func(x, y Reason) int { return cmp.Compare(abs(y.Points), abs(x.Points)) })
	return min(max(total, 0), 100), out
}

func abs(n int) int { return max(n, -n) }

// scoreDocuments rewards a shared number. The social insurance number of a
// citizen is the ID number, so kinds may differ.
func scoreDocuments(a, b []profileDocument) (string, int) {
	code, best := "", 0
	for _, x := range a {
		for _, y := range b {
			if x.idx == "" || x.idx != y.idx {
				continue
			}
			switch {
			case personal(x.kind) || personal(y.kind):
				code, best = "same_document", 85
			case x.kind == Insurance && best < 30:
				code, best = "same_insurance", 30
			case x.kind == BankCard && best < 15:
				code, best = "same_bank_card", 15
			}
		}
	}
	return code, best
}

// personal tells documents that name one person.
func personal(kind string) bool {
	switch kind {
	case IDCard, Passport, HKMacao, Taiwan, Residence, MedicalCard:
		return true
	}
	return false
}

// differingDocuments speaks against one person: nobody has two ID cards, while
// passports and hospital cards are renewed.
func differingDocuments(a, b []profileDocument) (string, int) {
	worst := 0
	for kind, points := range map[string]int{IDCard: -60, HKMacao: -30, Taiwan: -30, Residence: -30, Passport: -10} {
		x, y := numbersOf(a, kind), numbersOf(b, kind)
		if len(x) == 0 || len(y) == 0 || slices.ContainsFunc(x, func(s string) bool { return slices.Contains(y, s) }) {
			continue
		}
		worst = min(worst, points)
	}
	if worst == 0 {
		return "", 0
	}
	return "other_document", worst
}

func numbersOf(list []profileDocument, kind string) []string {
	var out []string
	for _, d := range list {
		if d.kind == kind && d.idx != "" {
			out = append(out, d.idx)
		}
	}
	return out
}

func scorePhones(a, b []profilePhone) (string, int) {
	code, best := "", 0
	for _, x := range a {
		for _, y := range b {
			c, n := scorePhone(x, y)
			if n > best {
				code, best = c, n
			}
		}
	}
	return code, best
}

func scorePhone(x, y profilePhone) (string, int) {
	switch {
	case x.idx != "" && x.idx == y.idx && x.own && y.own:
		return "same_phone", 25
	case x.idx != "" && x.idx == y.idx:
		return "same_phone", 10 // a relative's: the family shares it
	case x.idx8 != "" && x.idx8 == y.idx8:
		return "phone_tail", 12
	case x.idx4 != "" && x.idx4 == y.idx4:
		return "phone_tail", 5
	}
	return "", 0
}

func scoreNames(a, b profile) (string, int) {
	x, y := strings.ReplaceAll(a.pinyin, " ", ""), strings.ReplaceAll(b.pinyin, " ", "")
	switch {
	case a.name != "" && a.name == b.name:
		return "same_name", 30
	case a.latin != "" && (a.latin == b.latin || a.latin == y) || (b.latin != "" && b.latin == x):
		return "same_sound", 22
	case x != "" && x == y:
		return "same_sound", 22
	case similar(a.name, b.name), x != "" && y != "" && pinyin.Fuzzy(x) == pinyin.Fuzzy(y):
		return "similar_name", 12
	}
	return "other_name", -25
}

// similar says that two names of at least three letters differ in one, or have
// two swapped.
func similar(a, b string) bool {
	x, y := []rune(a), []rune(b)
	if len(x) < 3 || len(y) < 3 || len(x)-len(y) > 1 || len(y)-len(x) > 1 {
		return false
	}
	i := 0
	for i < min(len(x), len(y)) && x[i] == y[i] {
		i++
	}
	p, q := x[i:], y[i:]
	switch {
	case len(p) == len(q) && len(p) > 1 && p[0] == q[1] && p[1] == q[0] && string(p[2:]) == string(q[2:]):
		return true
	case len(p) == len(q):
		return len(p) > 0 && string(p[1:]) == string(q[1:])
	case len(p) > len(q):
		return string(p[1:]) == string(q)
	}
	return string(q[1:]) == string(p)
}

func scoreBirth(a, b string) (string, int) {
	switch {
	case a == "" || b == "":
		return "", 0
	case a == b:
		return "same_birth", 25
	case slipped(a, b):
		return "near_birth", 4
	}
	return "other_birth", -30
}

// slipped says that two dates differ by a slip of the hand: one digit, or day
// and month swapped.
func slipped(a, b string) bool {
	if len(a) != 10 || len(b) != 10 {
		return false
	}
	if a[:4] == b[:4] && a[5:7] == b[8:] && a[8:] == b[5:7] {
		return true
	}
	n := 0
	for i := range len(a) {
		if a[i] != b[i] {
			n++
		}
	}
	return n == 1
}
