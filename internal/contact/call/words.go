package call

import (
	"time"

	"heartline/internal/contact/ivr"
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
		words = append(words, ivr.Count(lang, position-1)...)
		words = append(words, "queue_position_suffix")
	}
	switch {
	case high <= 0:
	case high <= time.Minute:
		words = append(words, "queue_less_than_minute")
	default:
		minutes := int((low + high + 2*time.Minute - 1) / 2 / time.Minute)
		words = append(words, "queue_estimate_prefix")
		words = append(words, ivr.Count(lang, max(minutes, 1))...)
		words = append(words, "queue_estimate_minutes")
	}
	return words
}
