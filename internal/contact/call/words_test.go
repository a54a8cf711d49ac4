package call

import (
	"strings"
	"testing"
	"time"
)

func TestCount(t *testing.T) {
	for _, tt := range []struct {
		lang string
		n    int
		want string
	}{
		{"zh-CN", 0, "n0"}, {"zh-CN", 1, "n1"}, {"zh-CN", 2, "n2_measure"}, {"zh-CN", 10, "n10"},
		{"zh-CN", 12, "n10 n2"}, {"zh-CN", 20, "n2 n10"}, {"zh-CN", 35, "n3 n10 n5"},
		{"zh-CN", 100, "n1 hundred"}, {"zh-CN", 105, "n1 hundred n0 n5"}, {"zh-CN", 110, "n1 hundred n1 n10"},
		{"zh-CN", 112, "n1 hundred n1 n10 n2"}, {"zh-CN", 1001, "n1 thousand n0 n1"}, {"zh-CN", 1010, "n1 thousand n0 n1 n10"},
		{"zh-CN", 12345, "n1 n2 n3 n4 n5"},
		{"en", 2, "n2"}, {"en", 10, "n10"}, {"en", 12, "n1 n2"},
	} {
		if got := strings.Join(count(tt.lang, tt.n), " "); got != tt.want {
			t.Errorf("%s %d: got %q, want %q", tt.lang, tt.n, got, tt.want)
		}
	}
}

func TestQueueWords(t *testing.T) {
	for _, tt := range []struct {
		name      string
		position  int
		low, high time.Duration
		want      string
	}{
		{"next, no estimate", 1, 0, 0, "queue_next"},
		{"next, soon", 1, 10 * time.Second, 50 * time.Second, "queue_next queue_less_than_minute"},
		{"third, some minutes", 3, 2 * time.Minute, 4 * time.Minute,
			"queue_position_prefix n2_measure queue_position_suffix queue_estimate_prefix n3 queue_estimate_minutes"},
		{"estimate rounds up", 2, time.Minute, 2 * time.Minute,
			"queue_position_prefix n1 queue_position_suffix queue_estimate_prefix n2_measure queue_estimate_minutes"},
		{"unknown position", 0, 0, 0, "queue_still_waiting"},
	} {
		if got := strings.Join(queueWords("zh-CN", tt.position, tt.low, tt.high), " "); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestAgentWords(t *testing.T) {
	if got := strings.Join(agentWords("1002"), " "); got != "agent_number_prefix n1_phone n0 n0 n2 agent_serves" {
		t.Error(got)
	}
}
