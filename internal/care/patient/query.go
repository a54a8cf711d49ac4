package patient

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"heartline/internal/platform/pinyin"
)

// query is what somebody typed, taken apart.
type query struct {
	name      string   // the letters: Chinese, Latin or both; words separated by one space
	phones    []string // whole numbers it may be
	documents []string
	codes     []string
	tails     []string // ends of numbers it may be
	filters   []string // digits beside a name
	whole     bool     // letters and digits together are one document or code
}

// lookup is one question to patient_keys.
type lookup struct {
	kind, key string
	keys      []string // any of these instead of key
	prefix    bool
	match     string
	score     int
	check     func(cardRow) bool
}

const maxQuery = 100 // characters of a query that count

func (q query) empty() bool {
	return q.name == "" && len(q.phones)+len(q.documents)+len(q.codes)+len(q.tails) == 0
}

// parseQuery takes a query apart without judging it.
func parseQuery(text string) query {
	if !utf8.ValidString(text) {
		text = strings.ToValidUTF8(text, "")
	}
	runes := []rune(strings.TrimSpace(foldWidth(text)))
	text = string(runes[:min(len(runes), maxQuery)])
	letters, digits := splitQuery(text)
	var q query
	q.name = strings.Join(letters, " ")
	if q.name == "" {
		q.numberQuery(text, strings.Join(digits, ""))
	} else {
		q.mixedQuery(text, digits)
	}
	return q
}

// splitQuery separates words from groups of digits; separators inside a group
// of digits (138-0013 8000) hold it together only when nothing else is there.
func splitQuery(text string) (letters, digits []string) {
	class := func(r rune) int {
		switch {
		case unicode.IsDigit(r) && r < 128:
			return 1
		case unicode.IsLetter(r) || unicode.Is(unicode.Mn, r) || isDot(r) || r == '\'' || r == '’':
			return 2
		}
		return 0
	}
	start, was := 0, 0
	rs := []rune(text + " ")
	for i, r := range rs {
		c := class(r)
		if c == was {
			continue
		}
		switch was {
		case 1:
			digits = append(digits, string(rs[start:i]))
		case 2:
			if w := strings.Trim(string(rs[start:i]), "'’·•・.．"); w != "" {
				letters = append(letters, w)
			}
		}
		start, was = i, c
	}
	return letters, digits
}

// numberQuery reads a query of digits only.
func (q *query) numberQuery(text, digits string) {
	if len(digits) < 4 {
		return
	}
	if n, ok := NormalisePhone(text); ok {
		q.phones = []string{n}
	}
	q.documents = documentForms(digits)
	q.codes = codeForms(digits)
	if len(digits) <= 17 {
		q.tails = []string{digits}
	}
}

// mixedQuery reads a query with letters: it may be a document or code as a
// whole (M12345678, P00000011, an identity number that ends in X), else the
// letters are a name and the digits narrow it down.
func (q *query) mixedQuery(text string, digits []string) {
	joined := cleanID(text)
	if alphanumeric(joined) && strings.ContainsAny(joined, "0123456789") {
		q.documents = documentForms(joined)
		q.codes = codeForms(joined)
		if rest, ok := strings.CutSuffix(joined, "X"); ok && allDigits(rest) && len(joined) >= 4 {
			q.tails, q.name = []string{joined}, ""
			return
		}
		q.whole = true
	}
	for _, d := range digits {
		if len(d) >= 2 {
			q.filters = append(q.filters, d)
		}
	}
}

// documentForms are the stored forms a document number may have.
func documentForms(s string) []string {
	out := []string{s}
	if info, key := ParseID(IDCard, s, farFuture()); key == "" && info.Number != s {
		out = append(out, info.Number)
	}
	return out
}

func farFuture() time.Time { return time.Date(9000, 1, 1, 0, 0, 0, 0, time.UTC) }

// codeForms are the customer codes a query may mean.
func codeForms(s string) []string {
	out := []string{s}
	if d := strings.TrimPrefix(s, "P"); allDigits(d) && len(d) <= 8 {
		out = append(out, "P"+strings.Repeat("0", 8-len(d))+d)
	}
	return out
}

// lookups are the questions a name query leads to, in tiers: what was meant
// exactly, what sounds or looks the same, what is close.
func (q *query) lookups() [][]lookup {
	if q.name == "" {
		return nil
	}
	han, latin := splitScripts(q.name)
	switch {
	case han != "" && latin != "":
		return mixedLookups(han, latin)
	case han != "":
		return hanLookups(han)
	}
	return latinLookups(strings.Fields(q.name))
}

func splitScripts(name string) (han, latin string) {
	for _, r := range name {
		switch {
		case pinyin.IsHan(r):
			han += string(r)
		case unicode.IsLetter(r):
			latin += string(r)
		}
	}
	return han, foldLatin(latin)
}

func hanLookups(h string) [][]lookup {
	rs := []rune(h)
	first := []lookup{
		{kind: keyName, key: h, match: MatchName, score: 95},
		{kind: keyName, key: h, prefix: true, match: MatchName, score: 85},
		{kind: keyGiven, key: h, match: MatchName, score: 80},
	}
	if len(rs) == 1 {
		return [][]lookup{first}
	}
	second := []lookup{{kind: keyName, keys: permutations(rs), key: h, match: MatchName, score: 74}}
	var sounds, fuzzy []string
	for _, r := range pinyin.Readings(h) {
		sounds, fuzzy = append(sounds, r.Joined()), append(fuzzy, pinyin.Fuzzy(r.Joined()))
	}
	second = append(second, lookup{kind: keyPinyin, keys: sounds, key: sounds[0], match: MatchPinyin, score: 66})
	if len(rs) == 2 {
		second = append(second, lookup{kind: keyEnds, key: h, match: MatchFuzzy, score: 60})
	}
	third := []lookup{{kind: keyFuzzy, keys: fuzzy, key: fuzzy[0], match: MatchFuzzy, score: 46}}
	if len(rs) >= 3 {
		third = append(third,
			lookup{kind: keyEnds, key: string(rs[0]) + string(rs[len(rs)-1]), match: MatchFuzzy, score: 58},
			lookup{kind: keyGiven, key: string(rs[1:]), match: MatchFuzzy, score: 56},
			lookup{kind: keyName, key: string(rs[:len(rs)-1]), prefix: true, match: MatchFuzzy, score: 54},
			lookup{kind: keyName, key: string(rs[:len(rs)-1]), match: MatchFuzzy, score: 54})
	}
	return [][]lookup{first, second, third}
}

// permutations are the other orders of the characters of a short name.
func permutations(rs []rune) []string {
	if len(rs) > 4 {
		return []string{string(rs)}
	}
	var out []string
	var walk func(done, rest []rune)
	walk = func(done, rest []rune) {
		if len(rest) == 0 {
			out = append(out, string(done))
			return
		}
		for i := range rest {
			walk(append(slices.Clone(done), rest[i]), slices.Delete(slices.Clone(rest), i, i+1))
		}
	}
	walk(nil, rs)
	slices.Sort(out)
	return slices.Compact(out)
}

func latinLookups(words []string) [][]lookup {
	folded := make([]string, 0, len(words))
	for _, w := range words {
		folded = append(folded, latinWords(w)...)
	}
	if len(folded) == 0 {
		return nil
	}
	tiers := make([][]lookup, 3)
	for _, j := range spellings(strings.Join(folded, "")) {
		tiers[0] = append(tiers[0], spelledLookups(j)...)
		tiers[1] = append(tiers[1], lookup{kind: keyGivenPY, key: j, prefix: true, match: MatchPinyin, score: 64})
		tiers[2] = append(tiers[2], lookup{kind: keyFuzzy, key: pinyin.Fuzzy(j), match: MatchFuzzy, score: 48})
		if len(j) >= 4 && len(j) <= 24 {
			near := edits(j)
			tiers[2] = append(tiers[2],
				lookup{kind: keyPinyin, keys: near, key: j, match: MatchFuzzy, score: 44},
				lookup{kind: keyLatin, keys: near, key: j, match: MatchFuzzy, score: 44})
		}
	}
	if len(folded) > 1 {
		wordLookups(folded, &tiers[0], &tiers[1])
	}
	return tiers
}

// spelledLookups are for letters that mean exactly what they say.
func spelledLookups(j string) []lookup {
	list := []lookup{
		{kind: keyPinyin, key: j, match: MatchPinyin, score: 90},
		{kind: keyLatin, key: j, match: MatchLatin, score: 88},
		{kind: keyInitials, key: j, match: MatchInitials, score: 70},
		{kind: keyGivenPY, key: j, match: MatchPinyin, score: 78},
		{kind: keyPinyin, key: j, prefix: true, match: MatchPinyin, score: 76},
		{kind: keyLatin, key: j, prefix: true, match: MatchLatin, score: 72},
	}
	if len(j) <= 2 {
		list = append(list, lookup{kind: keyInitials, key: j, prefix: true, match: MatchInitials, score: 60})
	}
	return list
}

// wordLookups handles several Latin words: given name first, surname with initials,
// a Latin name in any order.
func wordLookups(folded []string, first, second *[]lookup) {
	n := len(folded)
	swapped := strings.Join(append(slices.Clone(folded[1:]), folded[0]), "")
	orders := append(spellings(swapped), spellings(folded[n-1]+strings.Join(folded[:n-1], ""))...)
	*first = append(*first, lookup{kind: keyPinyin, keys: orders, key: swapped, match: MatchPinyin, score: 84},
		lookup{kind: keyLatin, keys: orders, key: swapped, match: MatchLatin, score: 84})
	if rest := strings.Join(folded[1:], ""); len(rest) <= 3 && len(folded[0]) > 1 { // zhang xm
		check := func(c cardRow) bool {
			joined := strings.ReplaceAll(c.pinyin, " ", "")
			return slices.ContainsFunc(spellings(folded[0]), func(sur string) bool { return strings.HasPrefix(joined, sur) })
		}
		*second = append(*second, lookup{kind: keyInitials, key: folded[0][:1] + rest, match: MatchInitials, score: 75, check: check})
		return
	}
	for _, w := range folded {
		if len(w) >= 3 {
			*second = append(*second, lookup{kind: keyLatin, key: w, match: MatchLatin, score: 60})
		}
	}
}

// mixedLookups handles 张xm and 张 xiaoming: the characters become sounds, and
// the name must begin with them.
func mixedLookups(han, latin string) [][]lookup {
	check := func(c cardRow) bool { return strings.Contains(foldName(c.Name), han) }
	var sounds, initials []string
	for _, r := range pinyin.Readings(han) {
		for _, l := range spellings(latin) {
			sounds = append(sounds, r.Joined()+l)
		}
		initials = append(initials, r.Initials()+latin)
	}
	return [][]lookup{{
		{kind: keyPinyin, keys: sounds, key: sounds[0], match: MatchPinyin, score: 90, check: check},
		{kind: keyInitials, keys: initials, key: initials[0], match: MatchInitials, score: 84, check: check},
		{kind: keyPinyin, key: sounds[0], prefix: true, match: MatchPinyin, score: 78, check: check},
	}}
}

// spellings are what letters may mean: themselves, and with the ü that lyu,
// nyu and lue are often typed for. Both, because of names such as 陈玉 (chenyu).
func spellings(s string) []string {
	if v := strings.NewReplacer("lyu", "lv", "nyu", "nv", "lue", "lve", "nue", "nve").Replace(s); v != s {
		return []string{s, v}
	}
	return []string{s}
}

// edits are all strings one typing mistake away from s: a letter left out,
// doubled in, changed or swapped with its neighbour.
func edits(s string) []string {
	const letters = "abcdefghijklmnopqrstuvwxyz"
	out := make([]string, 0, 54*len(s)+26)
	for i := range len(s) + 1 {
		if i < len(s) {
			out = append(out, s[:i]+s[i+1:])
		}
		if i+1 < len(s) && s[i] != s[i+1] {
			out = append(out, s[:i]+s[i+1:i+2]+s[i:i+1]+s[i+2:])
		}
		for j := range len(letters) {
			l := letters[j : j+1]
			out = append(out, s[:i]+l+s[i:])
			if i < len(s) && s[i:i+1] != l {
				out = append(out, s[:i]+l+s[i+1:])
			}
		}
	}
	return out
}
