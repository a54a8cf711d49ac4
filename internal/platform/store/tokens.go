package store

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Tokens collects what a document can be found by. Chinese text becomes pairs
// of neighbouring characters, everything else words; letters are folded to
// lower case, full width to half, and accents fall away.
type Tokens struct{ list []string }

// maxWord is how many characters of a word are indexed.
const maxWord = 40

// Text adds running text.
func (t *Tokens) Text(s string) *Tokens {
	eachRun(s, func(run []rune, han bool) {
		if !han {
			t.list = append(t.list, wordToken(run))
			return
		}
		for i := range run {
			t.list = append(t.list, hanToken(run[i:min(i+2, len(run))]))
		}
	})
	return t
}

// Word adds one word as it stands, whatever is in it: the joined pinyin of a
// name, its initials, a code such as "A-17/3".
func (t *Tokens) Word(s string) *Tokens {
	var word []rune
	eachRun(s, func(run []rune, _ bool) { word = append(word, run...) })
	if len(word) > 0 {
		t.list = append(t.list, wordToken(word))
	}
	return t
}

// join gives the distinct tokens of a scope, separated by spaces.
func (t *Tokens) join(scope string) string {
	list := slices.Clone(t.list)
	slices.Sort(list)
	list = slices.Compact(list)
	for i := range list {
		list[i] = scope + list[i]
	}
	return strings.Join(list, " ")
}

// term is one condition of a query.
type term struct {
	token  string
	prefix bool
}

// queryTerms says which tokens a document must have. A single Chinese character
// is looked for at the beginning of all pairs, and the last character of a run
// is indexed alone, so that it is found wherever it stands.
func queryTerms(query string) []term {
	var terms []term
	eachRun(query, func(run []rune, han bool) {
		switch {
		case !han:
			terms = append(terms, term{wordToken(run), len(run) >= 2})
		case len(run) == 1:
			terms = append(terms, term{hanToken(run), true})
		default:
			for i := range len(run) - 1 {
				terms = append(terms, term{hanToken(run[i : i+2]), false})
			}
		}
	})
	return terms[:min(len(terms), maxTerms)]
}

// Tokens are plain ASCII, so that no database's idea of a letter matters: "1"
// and the code points of a Chinese pair, or "0" and a word.

func hanToken(runes []rune) string {
	var b strings.Builder
	b.WriteByte('1')
	for _, r := range runes {
		fmt.Fprintf(&b, "%05x", r)
	}
	return b.String()
}

func wordToken(runes []rune) string {
	var b strings.Builder
	b.WriteByte('0')
	for _, r := range runes[:min(len(runes), maxWord)] {
		if r < unicode.MaxASCII {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, "%05x", r)
		}
	}
	return b.String()
}

// eachRun folds s and cuts it into runs of Chinese characters and words.
func eachRun(s string, fn func(run []rune, han bool)) {
	var run []rune
	var han bool
	flush := func() {
		if len(run) > 0 {
			fn(run, han)
		}
		run = nil
	}
	for _, r := range norm.NFKD.String(s) {
		if unicode.Is(unicode.Mn, r) {
			continue
		}
		isHan := unicode.Is(unicode.Han, r)
		if !isHan && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			flush()
			continue
		}
		if isHan != han {
			flush()
			han = isHan
		}
		run = append(run, unicode.ToLower(r))
	}
	flush()
}
