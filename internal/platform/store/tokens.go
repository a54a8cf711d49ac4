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

// maxPrefix is the longest beginning of a word that is indexed for itself.
const maxPrefix = 6

// Text adds running text.
func (t *Tokens) Text(s string) *Tokens {
	eachRun(s, func(run []rune, han bool) {
		if !han {
			t.word(run)
			return
		}
		for i := range run {
			t.list = append(t.list, token(hanOne, run[i:i+1]))
			if i+2 <= len(run) {
				t.list = append(t.list, token(hanPair, run[i:i+2]))
			}
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
		t.word(word)
	}
	return t
}

func (t *Tokens) word(w []rune) {
	t.list = append(t.list, token(wholeWord, w))
	for n := 2; n <= min(len(w), maxPrefix); n++ {
		t.list = append(t.list, token(wordBegin, w[:n]))
	}
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

// queryTerms says which tokens a document must have. Short beginnings of words
// and single characters are tokens of their own, because a database would have
// to merge thousands of longer ones to find them.
func queryTerms(query string) []term {
	var terms []term
	eachRun(query, func(run []rune, han bool) {
		switch {
		case han && len(run) == 1:
			terms = append(terms, term{token(hanOne, run), false})
		case han:
			for i := range len(run) - 1 {
				terms = append(terms, term{token(hanPair, run[i:i+2]), false})
			}
		case len(run) == 1:
			terms = append(terms, term{token(wholeWord, run), false})
		case len(run) <= maxPrefix:
			terms = append(terms, term{token(wordBegin, run), false})
		default:
			terms = append(terms, term{token(wholeWord, run), true})
		}
	})
	return terms[:min(len(terms), maxTerms)]
}

// The kinds of tokens, their first character.
const (
	wholeWord = '0'
	hanPair   = '1'
	wordBegin = '2'
	hanOne    = '3'
)

// token is plain ASCII, so that no database's idea of a letter matters: other
// characters appear as their code points.
func token(kind byte, runes []rune) string {
	var b strings.Builder
	b.WriteByte(kind)
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
