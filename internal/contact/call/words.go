package call

import (
	"strings"
	"time"
)

// agentWords are the prompts of "number 1002 is serving you". The digit one
// is spoken yao, as in telephone numbers.
func agentWords(number string) []string {
	words := []string{"agent_number_prefix"}
	for _, d := range number {
		switch {
		case d == '1':
			words = append(words, "n1_phone")
		case d >= '0' && d <= '9':
			words = append(words, "n"+string(d))
		}
	}
	return append(words, "agent_serves")
}

// queueWords are the prompts that tell a waiting caller the position (1 is
// next) and the estimate, where an honest one exists.
func queueWords(lang string, position int, low, high time.Duration) []string {
	var words []string
	switch {
	case position <= 0:
		words = append(words, "queue_still_waiting")
	case position == 1:
		words = append(words, "queue_next")
	default:
		words = append(words, "queue_position_prefix")
		words = append(words, count(lang, position-1)...)
		words = append(words, "queue_position_suffix")
	}
	switch {
	case high <= 0:
	case high <= time.Minute:
		words = append(words, "queue_less_than_minute")
	default:
		minutes := int((low + high + 2*time.Minute - 1) / 2 / time.Minute)
		words = append(words, "queue_estimate_prefix")
		words = append(words, count(lang, max(minutes, 1))...)
		words = append(words, "queue_estimate_minutes")
	}
	return words
}

// count speaks a whole number that counts something. English has words up to
// ten among the prompts and spells larger numbers digit by digit; Chinese
// composes up to 9999.
func count(lang string, n int) []string {
	if !strings.HasPrefix(lang, "zh") {
		if n <= 10 {
			return []string{numeral(n)}
		}
		return digits(n)
	}
	if n == 2 {
		return []string{"n2_measure"}
	}
	if n > 9999 {
		return digits(n)
	}
	return chinese(n)
}

// chinese composes 0…9999: 105 is one hundred zero five, 12 is ten two.
func chinese(n int) []string {
	if n <= 10 {
		return []string{numeral(n)}
	}
	var words []string
	rest, gap := n, false
	for _, unit := range []struct {
		size int
		word string
	}{{1000, "thousand"}, {100, "hundred"}, {10, "n10"}, {1, ""}} {
		d := rest / unit.size
		rest %= unit.size
		if d == 0 {
			gap = len(words) > 0
			continue
		}
		if gap {
			words, gap = append(words, "n0"), false
		}
		if !(unit.size == 10 && d == 1 && len(words) == 0) { // 12 is ten two, 112 one hundred one ten two
			words = append(words, numeral(d))
		}
		if unit.word != "" {
			words = append(words, unit.word)
		}
	}
	return words
}

func digits(n int) []string {
	if n < 10 {
		return []string{numeral(n)}
	}
	return append(digits(n/10), numeral(n%10))
}

func numeral(n int) string {
	return [...]string{"n0", "n1", "n2", "n3", "n4", "n5", "n6", "n7", "n8", "n9", "n10"}[n]
}
