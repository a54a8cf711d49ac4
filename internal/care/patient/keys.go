package patient

import (
	"strings"
	"unicode"

	"heartline/internal/platform/pinyin"
)

// The kinds of search key. Each person has a handful of rows in patient_keys;
// looking up equal keys or a range of prefixes is all that finding a name needs.
const (
	keyName     = "n" // the name without spaces and dots: 张小明
	keyGiven    = "g" // the given name: 小明; each part of a transcribed name
	keyEnds     = "k" // first and last character: 张明
	keyPinyin   = "p" // each reading, joined: zhangxiaoming
	keyGivenPY  = "h" // the given name's readings: xiaoming
	keyInitials = "i" // zxm
	keyFuzzy    = "f" // pinyin.Fuzzy of each reading
	keyLatin    = "l" // each word of a Latin name, and all of them joined
)

type searchKey struct{ kind, key string }

// searchKeys lists what a person's names can be found by, without doubles.
func searchKeys(name, latin string) []searchKey {
	var out []searchKey
	seen := make(map[searchKey]bool)
	add := func(kind, key string) {
		k := searchKey{kind, key}
		if key != "" && !seen[k] {
			seen[k] = true
			out = append(out, k)
		}
	}
	if han := pinyin.Han(name); len(han) > 0 {
		hanKeys(name, han, add)
	} else {
		latin = name + " " + latin
	}
	words := latinWords(latin)
	for _, w := range words {
		add(keyLatin, w)
	}
	if len(words) > 1 {
		add(keyLatin, strings.Join(words, ""))
		var ini strings.Builder
		for _, w := range words {
			ini.WriteByte(w[0])
		}
		add(keyInitials, ini.String())
	}
	return out
}

func hanKeys(name string, han []rune, add func(kind, key string)) {
	add(keyName, foldName(name))
	if len(han) >= 3 {
		add(keyEnds, string(han[0])+string(han[len(han)-1]))
	}
	if parts := strings.FieldsFunc(name, isDot); len(parts) > 1 {
		for _, p := range parts {
			add(keyGiven, foldName(p))
			for _, r := range pinyin.Readings(p) {
				add(keyGivenPY, r.Joined())
			}
		}
	} else if sur := pinyin.SurnameLen(string(han)); sur < len(han) {
		add(keyGiven, string(han[sur:]))
	}
	for _, r := range pinyin.Readings(name) {
		add(keyPinyin, r.Joined())
		if r.Surname > 0 {
			add(keyGivenPY, r.Given())
		}
		add(keyInitials, r.Initials())
		add(keyFuzzy, pinyin.Fuzzy(r.Joined()))
	}
}

func isDot(r rune) bool { return strings.ContainsRune("·•・.．", r) }

// foldName keeps the letters of a name.
func foldName(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}

// latinWords folds a Latin name into plain lower-case words: "José O'Neill"
// becomes jose, oneill.
func latinWords(s string) []string {
	var words []string
	for _, w := range strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || r == '-' || isDot(r) || r == ',' }) {
		if f := foldLatin(w); f != "" {
			words = append(words, f)
		}
	}
	return words
}
